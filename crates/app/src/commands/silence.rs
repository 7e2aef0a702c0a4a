//! `lastgood silence`: about what is nobody told, and until when?
//!
//! It works on the database beside the daemon, which hears at its next tick what was said here. Judging goes on under a
//! silence.

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::{CheckId, Escaped};
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use lastgood_core::time::{Instant, Seconds};

use super::looking::{Trouble, instant, runtime};
use super::output::print;
use super::remembered::{Mistake, Place, ask, failed, reason, who};
use crate::clock;
use crate::directory::Pattern;
use crate::exit::Exit;
use crate::report::remembered::{self, ListFormat};
use crate::store::{Store, StoreError};

/// The longest silence: what is meant to last longer is no silence but a threshold or an owner.
const LENGTH_MAX: SignedDuration = SignedDuration::from_hours(400 * 24);

/// So many silences are read; nobody says more.
const READ_MAX: u32 = 100_000;

/// What stands below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood silence add 'acme/*' --for 8h --reason 'moving the rack'
  lastgood silence add 'acme/nas1/db' --until 2026-12-01T06:00:00Z --reason 'known, ticket 4711' --by ada
  lastgood silence add 'acme/*' --for 7d --reason holidays --for-address mail:ada@example.org
  lastgood silence add acme/nas1 --check reboot_due --for 30d --reason 'rebooted with the next update'
  lastgood silence list
  lastgood silence end 3

A pattern is compared with source/repository/asset: * is any text, / included. Under a silence
incidents open and close as always, and are told when it ends, if they are still open. What is told as
part of a silenced cause (of an appliance that is offline, say) is told on its own, unless a silence
covers that too: give the pattern of both, such as 'acme/nas1*'.

Exit codes: 0 if it could be read or was done; 3 if the command line is wrong or there is no such
silence; 4 if the database cannot be used.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Tell nobody about some subjects for a time
    Add(Box<Add>),
    /// List silences, the newest first
    List {
        /// Those that are over too
        #[arg(long)]
        all: bool,
        /// How to print the answer
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
    /// End a silence early
    End {
        /// Its number
        id: u64,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// Which subjects, such as 'acme/*'
    #[arg(value_name = "PATTERN", value_parser = Pattern::new)]
    pattern: Pattern,
    /// Only what this check says of them; may be given several times [default: every check]
    #[arg(long = "check", value_name = "CHECK", value_parser = super::incidents::check)]
    checks: Vec<CheckId>,
    #[command(flatten)]
    end: End,
    /// Why, for others
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so [default: `$SUDO_USER`, else `$USER`]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Withhold only what goes to this address, such as mail:ada@example.org
    #[arg(long, value_name = "CHANNEL:ADDRESS", value_parser = address)]
    for_address: Option<Address>,
}

/// When it is over.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct End {
    /// Until this instant, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,
    /// For so long, such as 8h or 7d
    #[arg(long = "for", value_name = "LENGTH")]
    length: Option<Seconds>,
}

/// Reads an address of a channel.
fn address(text: &str) -> Result<Address, &'static str> {
    let (channel, to) = text.split_once(':').unwrap_or_default();
    if channel.is_empty() || to.trim().is_empty() {
        return Err("write the name of a channel, a colon and the address, such as mail:ada@example.org");
    }
    Ok(Address { channel: channel.to_owned(), to: to.trim().to_owned() })
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let done = match runtime() {
        Ok(runtime) => runtime.block_on(answer(arguments)),
        Err(trouble) => Err(Trouble::say(trouble)),
    };
    done.map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

async fn answer(arguments: &Arguments) -> Result<(), Exit> {
    let (place, now) = (&arguments.place, clock::now());
    match &arguments.what {
        What::Add(wanted) => add(place, wanted, now).await,
        What::List { all, format } => list(place, *all, *format, now).await,
        What::End { id } => end(place, *id, now).await,
    }
}

async fn add(place: &Place, wanted: &Add, now: Timestamp) -> Result<(), Exit> {
    let until = end_of(&wanted.end, now)?;
    let silence = Silence {
        id: 0,
        pattern: wanted.pattern.text().to_owned(),
        checks: (!wanted.checks.is_empty()).then(|| wanted.checks.clone()),
        address: wanted.for_address.clone(),
        from: now,
        until,
        reason: reason(&wanted.reason)?,
        by: who(wanted.by.as_deref())?,
    };
    let (id, matching) = ask(place, async |store| {
        let matching = matching(store, &wanted.pattern).await;
        Ok((store.add_silence(silence).await.map_err(failed)?, matching))
    })
    .await?;
    let speaks_of = match matching {
        Ok(0) => {
            let pattern = Escaped(wanted.pattern.text());
            tracing::warn!(
                "no subject that was ever looked at matches {pattern}: compare it with `lastgood check`"
            );
            "no subject".to_owned()
        }
        Ok(1) => "1 subject".to_owned(),
        Ok(count) => format!("{count} subjects"),
        Err(error) => {
            tracing::warn!("how many subjects match could not be counted: {error}");
            "subjects that were not counted".to_owned()
        }
    };
    let checks: Vec<_> = wanted.checks.iter().map(|check| check.as_str()).collect();
    let only = if checks.is_empty() { String::new() } else { format!(", {} only", checks.join(", ")) };
    print(false, |out| writeln!(out, "silence {id} until {}: it speaks of {speaks_of}{only}", Instant(until)))
}

fn end_of(wanted: &End, now: Timestamp) -> Result<Timestamp, Exit> {
    let later = |length: Seconds| now.checked_add(length.duration()).ok();
    let until = wanted.until.or_else(|| wanted.length.and_then(later)).unwrap_or(now);
    if until <= now {
        let said = Instant(until);
        return Err(
            Mistake(format!("the silence would end at {said}, which is over: give a later end")).say()
        );
    }
    if until.duration_since(now) > LENGTH_MAX {
        let days = LENGTH_MAX.as_hours() / 24;
        let remedy = "set a threshold or an owner for what is to stay quiet for good";
        return Err(Mistake(format!("a silence lasts {days} days at most: {remedy}")).say());
    }
    Ok(until)
}

/// Counts the known subjects a pattern speaks of.
async fn matching(store: &impl Store, pattern: &Pattern) -> Result<usize, StoreError> {
    let facts = store.facts().await?;
    Ok(facts.subjects().filter(|subject| pattern.matches(&subject.path())).count())
}

async fn list(place: &Place, all: bool, format: ListFormat, now: Timestamp) -> Result<(), Exit> {
    let mut silences = ask(place, async |store| store.silences(READ_MAX).await.map_err(failed)).await?;
    silences.retain(|silence| all || now < silence.until);
    print(format.is_styled(), |out| remembered::silences(&silences, now, format, out))
}

async fn end(place: &Place, id: u64, now: Timestamp) -> Result<(), Exit> {
    let said = ask(place, async |store| {
        let known = store.silences(READ_MAX).await.map_err(failed)?;
        let Some(silence) = known.into_iter().find(|silence| silence.id == id) else {
            let remedy = "`lastgood silence list --all` lists them";
            return Err(Mistake(format!("there is no silence {id}: {remedy}")).say());
        };
        if silence.until <= now {
            return Ok(format!("silence {id} is over since {}", Instant(silence.until)));
        }
        store.end_silence(id, now).await.map_err(failed)?;
        Ok(format!("silence {id} is over; what is still open is told now"))
    })
    .await?;
    print(false, |out| writeln!(out, "{said}"))
}
