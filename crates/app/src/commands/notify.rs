//! `lastgood notify`: does a message reach somebody, and who would be told what now?
//!
//! `--test` sends one real message through one channel. `--dry-run` decides as a tick of the daemon would, from what its
//! database holds, and keeps and sends nothing.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::incident::Matter;
use lastgood_core::notify::Withheld;
use lastgood_core::recipient::Address;
use lastgood_core::time::Instant;
use serde_json::json;

use super::looking::{Trouble, complain, instant, runtime};
use super::output::print;
use super::remembered::{Mistake, failed};
use crate::channels::{Channel, ChannelError, Key, Message};
use crate::clock;
use crate::config::{self, Config, Request, Surroundings};
use crate::exit::Exit;
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Store, StoreError};
use crate::watch::{Rehearsal, RehearsalError, Written, rehearse};

pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood notify --test mail:anna@example.org      a real message: does it arrive?
  lastgood notify --dry-run                         who would be told what now, and who not and why
  lastgood notify --dry-run --at 2026-03-09T07:00:00Z";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["test", "dry_run"])))]
pub(super) struct Arguments {
    /// Send a test message to an address of a channel, such as mail:anna@example.org
    #[arg(long, value_name = "CHANNEL:ADDRESS")]
    test: Option<String>,
    /// Say who would be told what, and who not and why; send and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Decide at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "dry_run")]
    at: Option<Timestamp>,
    /// The configuration file of the daemon [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    answer(arguments).map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

fn answer(arguments: &Arguments) -> Result<(), Exit> {
    let request = Request { file: arguments.config.as_deref(), ..Request::default() };
    let read = config::serve_file(&request, &Surroundings::real());
    let (path, text, config) = read.map_err(|error| complain(&error, Exit::Usage))?;
    let runtime = runtime().map_err(Trouble::say)?;
    if let Some(to) = &arguments.test {
        return runtime.block_on(test(to, config));
    }
    let at = arguments.at.unwrap_or_else(clock::now);
    runtime.block_on(dry_run(&Written { path, text }, &config, at))
}

/// Sends one message and says what became of it.
async fn test(to: &str, config: Config) -> Result<(), Exit> {
    let names: Vec<&str> = config.channels.iter().map(|channel| channel.config.name.as_str()).collect();
    let address = config::address(to, &names).map_err(|why| Mistake(format!("--test: {why}")).say())?;
    let wanted = config.channels.into_iter().find(|channel| channel.config.name == address.channel);
    let wanted = wanted.expect("its name is among those of the configuration");
    let opened = (wanted.kind.open)(wanted.config);
    let channel: Arc<dyn Channel> = Arc::from(opened.map_err(|error| complain(&error, Exit::Usage))?);
    let now = clock::now();
    match channel.send(&test_message(&address, now), now).await {
        Ok(receipt) => print(false, |out| {
            let answer = if receipt.answer.is_empty() { "nothing more was said" } else { &receipt.answer };
            writeln!(out, "{address} has taken a test message: {answer}")
        }),
        Err(error) => Err(not_sent(&address, &error)),
    }
}

fn not_sent(address: &Address, error: &ChannelError) -> Exit {
    let ChannelError { kind, reason, .. } = error;
    let kind_word = kind.as_str();
    let again = match error.wait(1) {
        Some(wait) => format!("the daemon would try again after {} s", wait.as_secs()),
        None => "the daemon would not try again".to_owned(),
    };
    let why = format!("failed to send to {address} ({kind_word}): {reason}; {again}");
    Trouble::new(&Mistake(why), Exit::OwnFailure).say()
}

fn test_message(address: &Address, now: Timestamp) -> Message {
    let key = format!("test-{}", now.as_nanosecond().unsigned_abs());
    let when = Instant(now);
    let text = format!(
        "Somebody ran `lastgood notify --test` at {when}.\n\
         If you read this, messages about backups reach you. Nothing is wrong, and there is nothing to do.\n"
    );
    Message {
        key: key.parse::<Key>().expect("letters and digits, fewer than 64"),
        address: address.clone(),
        thread: None,
        from: None,
        subject: "TEST of lastgood: nothing is wrong".to_owned(),
        html: None,
        details: json!({ "version": 1, "test": true, "incidents": [] }),
        text,
        written_at: now,
    }
}

/// Decides as a tick would, beside the daemon, and says what.
async fn dry_run(written: &Written, config: &Config, at: Timestamp) -> Result<(), Exit> {
    let path = &config.serve.database;
    if let Err(source) = std::fs::metadata(path) {
        let operation = "found: `lastgood serve` makes it when it is first started";
        return Err(complain(&StoreError::File { path: path.clone(), operation, source }, Exit::Usage));
    }
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let options = Options { beside: true, ..Options::new(path, find_kind) };
    let store = Sqlite::open(options).await.map_err(failed)?;
    let rehearsed = rehearse(written, &store, at).await;
    store.close().await.map_err(failed)?;
    let rehearsed = rehearsed.map_err(|error| match error {
        RehearsalError::Config(error) => complain(&error, Exit::Usage),
        RehearsalError::Store(error) => failed(error),
    })?;
    print(false, |out| show(&rehearsed, out))
}

fn show(rehearsed: &Rehearsal, out: &mut dyn Write) -> std::io::Result<()> {
    let Rehearsal { at, told, withheld, open_count, opened_count, closed_count } = rehearsed;
    writeln!(
        out,
        "At {}: {open_count} open, {opened_count} of them new; {closed_count} over.",
        Instant(*at)
    )?;
    if told.is_empty() {
        writeln!(out, "\nNobody would be told anything.")?;
    }
    for (address, content) in told {
        writeln!(out, "\n{} would be told: {}", shown(address), content.subject)?;
        for line in content.to_string().lines() {
            writeln!(out, "{}", format!("  {line}").trim_end())?;
        }
    }
    if !withheld.is_empty() {
        writeln!(out, "\nNot told:")?;
    }
    for (episode, address, why) in withheld {
        let Matter { subject, check } = &episode.matter;
        let who = address.as_ref().map_or_else(|| "nobody".to_owned(), |address| shown(address).to_string());
        writeln!(out, "  {subject} ({check}): {who}: {}", words(why))?;
    }
    Ok(())
}

/// An address is somebody's text.
fn shown(address: &Address) -> impl Display {
    lastgood_core::id::Escaped(&address.to_string()).to_string()
}

fn words(why: &Withheld) -> String {
    match why {
        Withheld::Silence(id) => format!("silence {id} covers it"),
        Withheld::Patience => "their patience is not over".to_owned(),
        Withheld::Escalation => "others are told first".to_owned(),
        Withheld::Cause(cause) => format!("they hear of {} ({}) instead", cause.subject, cause.check),
        Withheld::DirectoryUnknown => "who is to be told could not be asked".to_owned(),
        Withheld::Nobody => {
            "neither a directory nor an [[owner]] names anybody for it; add an [[owner]]".to_owned()
        }
    }
}
