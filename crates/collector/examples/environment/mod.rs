//! What does the environment tell a bot, and how does it end? The part that all example bots have in common.
//!
//! `BACKEND_URL` ends in `/api`; `BOT_TOKEN`, or a file that holds it, `BOT_TOKEN_FROM_FILE`, one of the two;
//! `JOBS_REFRESH_INTERVAL` in seconds, at least 1, 60 unless set; `SPOOL` is a folder in which values wait for the backend,
//! also across a restart: unless set they wait in memory. What goes wrong is written to standard error.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, Outbox, OutboxSettings, Token};
use lastgood_collector::{Collector, Engine, shutdown_signal};

/// How long running jobs have to end, and then the values to be sent: together less than the 10 s of a container.
const END: Duration = Duration::from_secs(4);

/// Runs a bot until it is asked to stop.
pub(crate) async fn run<C: Collector>(engine: impl FnOnce(Client, Outbox) -> Engine<C>) -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    match try_run(engine).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn try_run<C: Collector>(
    engine: impl FnOnce(Client, Outbox) -> Engine<C>,
) -> Result<(), Box<dyn Error>> {
    let url =
        variable("BACKEND_URL").ok_or("set BACKEND_URL to the address of the backend; it ends in /api")?;
    let refresh_interval = refresh_interval()?;
    let client = Client::new(&url, token()?)?;
    let folder = variable("SPOOL").map(Into::into);
    let settings = OutboxSettings { folder, ..OutboxSettings::default() };
    let outbox = Outbox::open(client.clone(), settings).await?;
    let engine = engine(client, outbox.clone()).refresh_every(refresh_interval).drain(END);
    engine.run(shutdown_signal()).await;
    let unsent = outbox.close(END).await;
    if let Some(folder) = unsent.folder.filter(|_| unsent.count > unsent.lost_count) {
        let count = unsent.count - unsent.lost_count;
        tracing::warn!("{count} values wait in {} for the next start", folder.display());
    }
    match unsent.lost_count {
        0 => Ok(()),
        count => Err(format!("{count} values could not be sent and are lost; set SPOOL to a folder").into()),
    }
}

fn token() -> Result<Token, Box<dyn Error>> {
    match (variable("BOT_TOKEN"), variable("BOT_TOKEN_FROM_FILE")) {
        (Some(_), Some(_)) => Err("BOT_TOKEN and BOT_TOKEN_FROM_FILE are both set; set one of them".into()),
        (Some(token), None) => Ok(Token::new(&token)?),
        (None, Some(path)) => Ok(Token::from_file(Path::new(&path))?),
        (None, None) => Err("set BOT_TOKEN, or BOT_TOKEN_FROM_FILE to a file that holds it".into()),
    }
}

fn refresh_interval() -> Result<Duration, String> {
    let text = variable("JOBS_REFRESH_INTERVAL").unwrap_or_else(|| "60".to_owned());
    let seconds = text.trim().parse().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or("JOBS_REFRESH_INTERVAL must be a whole number of seconds, at least 1")?;
    Ok(Duration::from_secs(seconds))
}

/// `None` if it is not set, or empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
