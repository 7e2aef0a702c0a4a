//! `lastgood bot`: looks at backups when Grafolean says so, and publishes their numbers there.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, Outbox, OutboxSettings};
use lastgood_collector::{Engine, shutdown_signal};

use self::collector::Bot;
use self::judge::Judge;
pub(super) use self::judge::Thresholds;
pub(super) use self::once::Done;
use self::said::Said;
use super::grafolean::{Backend, variable};
use super::looking::{Trouble, complain, runtime};
use super::output::print;
use crate::exit::Exit;

mod collector;
mod credential;
mod entity;
mod judge;
mod once;
mod said;

/// The protocol of entities that are backups.
pub(super) const PROTOCOL: &str = "backup";

/// The variable that says how often the configuration is fetched.
const REFRESH_VARIABLE: &str = "JOBS_REFRESH_INTERVAL";

/// How often the configuration is fetched where nobody says, in seconds.
const REFRESH_SECONDS: u32 = 60;

/// How many looks may be under way at once: each may be a program that takes hundreds of megabytes.
const LOOKS_AT_ONCE: usize = 16;

/// How long looks under way are waited for at the end, and then values that wait: a container is killed after 10 s.
const END: Duration = Duration::from_secs(4);

/// How long the runtime is waited for after that.
const LAST_END: Duration = Duration::from_secs(1);

pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood bot --backend-url https://grafolean.example.org/api --token-file bot.token --spool spool
  BACKEND_URL=http://grafolean/api BOT_TOKEN_FROM_FILE=/run/secrets/token lastgood bot
  lastgood bot --once     one look at every entity, for cron

An entity of the protocol `backup` needs a sensor with an interval, and a credential with the details
  {\"kind\": \"restic\", \"location\": \"/srv/restic/web1\", \"secret\": \"…\"}
What is published under which path: docs/grafolean.md

The bot runs until a signal ends it: exit code 0, or 4 if values were lost. With --once as below.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    backend: Backend,
    /// How often the configuration is fetched from the backend, in seconds [default: `$JOBS_REFRESH_INTERVAL`, else 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    jobs_refresh_interval: Option<u32>,
    /// The protocol of the entities to look at
    #[arg(long, default_value = PROTOCOL)]
    protocol: String,
    /// The folder in which values wait while the backend is down; without it they wait in memory
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// A file that is there while the bot is not well, for the health check of a container
    #[arg(long, value_name = "FILE")]
    fail_file: Option<PathBuf>,
    #[command(flatten)]
    thresholds: Thresholds,
    /// Look at every entity once, publish, and end with the exit code of `check`
    #[arg(long, conflicts_with_all = ["jobs_refresh_interval", "spool", "fail_file"])]
    once: bool,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let exit = if arguments.once { once(arguments) } else { serve(arguments) };
    exit.unwrap_or_else(|exit| exit).code()
}

/// Looks once. For the demo too.
pub(super) fn look_once(
    runtime: &tokio::runtime::Runtime,
    client: &Client,
    protocol: &str,
    thresholds: Thresholds,
    now: Option<jiff::Timestamp>,
) -> Result<Done, Trouble> {
    let judge = Judge::start(thresholds)?;
    let looked = runtime.block_on(once::look_once(client, protocol, &judge, now));
    looked.map_err(|error| Trouble::new(&error, Exit::OwnFailure))
}

fn once(arguments: &Arguments) -> Result<Exit, Exit> {
    let client = arguments.backend.client().map_err(Trouble::say)?;
    let runtime = runtime().map_err(Trouble::say)?;
    let looked = look_once(&runtime, &client, &arguments.protocol, arguments.thresholds.clone(), None);
    // A look that was given up may still hold a thread.
    runtime.shutdown_background();
    let done = looked.map_err(Trouble::say)?;
    print(false, |out| writeln!(out, "{done}"))?;
    Ok(done.exit)
}

/// Runs until a signal ends it.
fn serve(arguments: &Arguments) -> Result<Exit, Exit> {
    let client = arguments.backend.client().map_err(Trouble::say)?;
    let refresh_every = refresh_every(arguments.jobs_refresh_interval).map_err(Trouble::say)?;
    let judge = Judge::start(arguments.thresholds.clone()).map_err(Trouble::say)?;
    let runtime = runtime().map_err(Trouble::say)?;
    let ended = runtime.block_on(async {
        let settings = OutboxSettings { folder: arguments.spool.clone(), ..OutboxSettings::default() };
        let opened = Outbox::open(client.clone(), settings).await;
        let outbox = opened.map_err(|error| complain(&error, Exit::Usage))?;
        let bot = Bot {
            client,
            outbox: outbox.clone(),
            judge,
            protocol: arguments.protocol.clone(),
            said: Said::default(),
            has_failed: AtomicBool::new(false),
        };
        let mut engine = Engine::new(bot).refresh_every(refresh_every).running_max(LOOKS_AT_ONCE).drain(END);
        if let Some(path) = &arguments.fail_file {
            engine = engine.fail_file(path);
        }
        let stopped = engine.run(shutdown_signal()).await;
        tracing::info!(?stopped, "the looks have ended");
        Ok(close(outbox).await)
    });
    // Looks that were dropped end the programs they run; a thread that hangs in a file is not waited for any longer.
    runtime.shutdown_timeout(LAST_END);
    ended
}

/// Sends what waits, and says what did not get there.
async fn close(outbox: Outbox) -> Exit {
    let unsent = outbox.close(END).await;
    if unsent.lost_count > 0 {
        tracing::error!(
            "{} values were not sent and are lost; with --spool they would wait for the next start",
            unsent.lost_count
        );
        return Exit::OwnFailure;
    }
    if unsent.count > 0 {
        tracing::warn!("{} values wait in the spool for the next start", unsent.count);
    }
    Exit::AllOk
}

/// Why the pause between two fetches is none.
#[derive(Debug, thiserror::Error)]
#[error("{REFRESH_VARIABLE} must be a number of seconds from 1 to 86400")]
struct RefreshError;

fn refresh_every(given: Option<u32>) -> Result<Duration, Trouble> {
    let seconds = match (given, variable(REFRESH_VARIABLE)) {
        (Some(seconds), _) => Some(seconds),
        (None, None) => Some(REFRESH_SECONDS),
        (None, Some(text)) => text.trim().parse().ok().filter(|seconds| (1..=86_400).contains(seconds)),
    };
    let seconds = seconds.ok_or_else(|| Trouble::new(&RefreshError, Exit::Usage))?;
    Ok(Duration::from_secs(seconds.into()))
}
