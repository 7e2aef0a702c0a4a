//! `lastgood publish`: looks once and sends the numbers to somewhere else, for cron.

use jiff::Timestamp;
use lastgood_collector::grafolean::{Client, Value};
use lastgood_collector::{Sample, Second};
use lastgood_core::facts::SourceFacts;
use lastgood_core::id::Escaped;
use lastgood_core::observation::FailureKind;
use lastgood_core::verdict::Outcome;

use super::grafolean::Backend;
use super::looking::{Looking, Trouble, complain, runtime};
use super::output::print;
use crate::exit::Exit;
use crate::publish::grafolean::segment::escape;
use crate::publish::grafolean::{Look, Publication};
use crate::report;
use crate::sources::Keep;

const EXAMPLES: &str = "\
Examples:
  lastgood publish grafolean --dry-run datto-xml:status.xml     print paths and values, send nothing
  RESTIC_PASSWORD_FILE=pw BACKEND_URL=https://grafolean.example.org/api lastgood publish grafolean \\
      restic:/srv/restic/web1 --account 17 --token-file bot.token
  lastgood publish grafolean --account 17     every source of /etc/lastgood/config.toml

Exit code 4 says that not everything was published, whatever the backups are.";

/// The longest prefix, in bytes: behind it stand a source and two names of at most 800 bytes.
const PREFIX_MAX_BYTES: usize = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, clap::Subcommand)]
enum Target {
    /// Look at sources once and send their numbers to a Grafolean account
    #[command(after_help = EXAMPLES, after_long_help = super::with_exit_codes(EXAMPLES))]
    Grafolean(Grafolean),
}

#[derive(Debug, clap::Args)]
struct Grafolean {
    #[command(flatten)]
    looking: Looking,
    #[command(flatten)]
    backend: Backend,
    /// The id of the account that gets the numbers
    #[arg(long, value_name = "ID", required_unless_present = "dry_run")]
    account: Option<i64>,
    /// Below which path they stand, each source with its name behind it
    #[arg(long, value_name = "PATH", default_value = "backup", value_parser = prefix)]
    prefix: String,
    /// Print the paths and values, and send nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let Target::Grafolean(arguments) = &arguments.target;
    publish(arguments).unwrap_or_else(|exit| exit).code()
}

fn publish(arguments: &Grafolean) -> Result<Exit, Exit> {
    // What can be wrong with the command line is told before anything is looked at.
    let target = match arguments.account.filter(|_| !arguments.dry_run) {
        Some(account_id) => Some((account_id, arguments.backend.client().map_err(Trouble::say)?)),
        None => None,
    };
    let seen = arguments.looking.see(Keep::Judged).map_err(Trouble::say)?;
    let at = whole_second(seen.now);
    let look = Look { facts: &seen.facts, expectations: &seen.expectations, now: seen.now, at, took: None };
    let publications =
        look.numbers(|source| format!("{}.{}", arguments.prefix, escape(source.as_str().as_bytes())));
    for (publication, source) in publications.iter().zip(&seen.facts.sources) {
        warn_of_gaps(source);
        let Publication { unpublished_count: count, .. } = publication;
        if *count > 0 {
            tracing::warn!("{}: {count} values were left out: there are more than 50 000", source.id);
        }
    }
    let worst = publications.iter().map(|publication| publication.worst).max().unwrap_or(Outcome::Unknown);
    let samples: Vec<Sample> = publications.into_iter().flat_map(|publication| publication.samples).collect();
    let (count, sources) = (samples.len(), seen.facts.sources.len());
    match target {
        None => print(false, |out| table(&samples, out))?,
        Some((account_id, client)) => {
            send(&client, account_id, at, samples)?;
            let sources = if sources == 1 { "1 source".to_owned() } else { format!("{sources} sources") };
            print(false, |out| {
                writeln!(out, "published {count} values of {sources} to account {account_id} for {at}")
            })?;
        }
    }
    Ok(report::exit(worst, &seen.facts))
}

/// Says what could not be seen: standard output has only numbers.
fn warn_of_gaps(source: &SourceFacts) {
    for failure in &source.failures {
        let place = source.place(&failure.place);
        tracing::warn!("{}: {}: {}", Escaped(&place), failure.kind, Escaped(&failure.reason));
    }
    if source.failures.is_empty() && source.repositories.is_empty() {
        tracing::warn!("{}: {}: its list is empty", source.id, FailureKind::Malformed);
    }
}

fn send(client: &Client, account_id: i64, at: Timestamp, samples: Vec<Sample>) -> Result<(), Exit> {
    let runtime = runtime().map_err(Trouble::say)?;
    let sent = runtime.block_on(client.send_results(account_id, Second(at.as_second()), samples));
    sent.map_err(|error| complain(&error, Exit::OwnFailure))
}

fn table(samples: &[Sample], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let width = samples.iter().map(|sample| sample.path.len()).max().unwrap_or(0);
    writeln!(out, "{:width$}  VALUE", "PATH")?;
    samples.iter().try_for_each(|Sample { path, value, .. }| writeln!(out, "{path:width$}  {value}"))
}

/// Grafolean keeps one value for a second.
fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// Reads a path, and says how one is written where it is none.
fn prefix(text: &str) -> Result<String, String> {
    if text.len() > PREFIX_MAX_BYTES {
        return Err(format!("write at most {PREFIX_MAX_BYTES} bytes"));
    }
    match Value::new(text, 0.0, Second(0)) {
        Ok(_) if text == "system" => Err("paths below \"system\" belong to the backend".to_owned()),
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
