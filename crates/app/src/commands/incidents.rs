//! `lastgood incidents`: what is wrong, since when, who was told, and who takes care?
//!
//! It works on the database beside the daemon, which hears at its next tick what was said here.

use lastgood_core::checks;
use lastgood_core::id::{CheckId, Escaped, SourceId};
use lastgood_core::incident::Acknowledged;
use lastgood_core::notify::Episode;
use lastgood_core::time::Instant;

use super::looking::{Trouble, runtime};
use super::output::print;
use super::remembered::{Mistake, Place, ask, failed, reason, who};
use crate::clock;
use crate::exit::Exit;
use crate::report::ExplainFormat;
use crate::report::remembered::{self, ListFormat, Rest};
use crate::store::sqlite::Sqlite;
use crate::store::{Filter, IncidentState, Recorded, Store};

/// What stands below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood incidents                                    the open ones, the newest first
  lastgood incidents list --state all --source acme --check behind_local
  lastgood incidents show 12                            who was told what about it, and who was not
  lastgood incidents ack 12 --by ada                    somebody knows: no more reminders
  lastgood incidents close 12 --reason 'sold the machine'
  lastgood incidents --format json | jq '.incidents[] | .subject'

What is closed and still bad opens anew: to be left in peace, use lastgood silence.

Exit codes: 0 if it could be read or was done, whatever is open; 3 if the command line is wrong or
there is no such incident; 4 if the database cannot be used.
To act on what is bad use lastgood check.";

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List incidents, the newest first
    List(List),
    /// Say everything about one: what it is, who was told what and what became of it, who was not told and why
    Show {
        /// Its number
        id: i64,
        /// How to print the answer
        #[arg(long, value_enum, default_value_t)]
        format: ExplainFormat,
    },
    /// Say that somebody knows: nobody is reminded, and nobody is told since nobody knew
    Ack {
        /// Its number
        id: i64,
        /// Who knows [default: `$SUDO_USER`, else `$USER`]
        #[arg(long, value_name = "WHO")]
        by: Option<String>,
    },
    /// Close one that is open; if it is still bad, another one opens
    Close {
        /// Its number
        id: i64,
        /// Why, for others
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who says so [default: `$SUDO_USER`, else `$USER`]
        #[arg(long, value_name = "WHO")]
        by: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct List {
    /// Those in this state
    #[arg(long, value_enum, default_value_t)]
    state: State,
    /// Those of this source only
    #[arg(long, value_name = "SOURCE", value_parser = SourceId::new)]
    source: Option<SourceId>,
    /// Those of this check only
    #[arg(long, value_name = "CHECK", value_parser = check)]
    check: Option<CheckId>,
    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// Open, acknowledged or not
    #[default]
    Open,
    /// Over
    Closed,
    /// Bad, but not for enough looks
    Suspected,
    /// All of them
    All,
}

impl State {
    /// What the store is asked for.
    const fn wanted(self) -> &'static [IncidentState] {
        match self {
            Self::Open => &[IncidentState::Open],
            Self::Closed => &[IncidentState::Closed],
            Self::Suspected => &[IncidentState::Suspected],
            Self::All => &[IncidentState::OpenOrClosed, IncidentState::Suspected],
        }
    }
}

/// Finds a check by its word.
pub(super) fn check(word: &str) -> Result<CheckId, String> {
    let known = || checks::ALL.into_iter().map(|check| check.id);
    known().find(|id| id.as_str() == word).ok_or_else(|| {
        let words: Vec<_> = known().map(CheckId::as_str).collect();
        format!("there is no such check; write one of {}", words.join(", "))
    })
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let done = match runtime() {
        Ok(runtime) => runtime.block_on(answer(arguments)),
        Err(trouble) => Err(Trouble::say(trouble)),
    };
    done.map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

async fn answer(arguments: &Arguments) -> Result<(), Exit> {
    let place = &arguments.place;
    match &arguments.what {
        None => list(place, &arguments.list).await,
        Some(What::List(asked)) => list(place, asked).await,
        Some(What::Show { id, format }) => show(place, *id, *format).await,
        Some(What::Ack { id, by }) => acknowledge(place, *id, by.as_deref()).await,
        Some(What::Close { id, reason, by }) => close(place, *id, reason, by.as_deref()).await,
    }
}

async fn list(place: &Place, asked: &List) -> Result<(), Exit> {
    let mut found = ask(place, async |store| {
        let mut found = Vec::new();
        for state in asked.state.wanted() {
            // One more than asked for tells whether there are more.
            let filter = Filter {
                state: *state,
                source: asked.source.clone(),
                check: asked.check,
                limit: asked.limit + 1,
                ..Filter::default()
            };
            found.extend(store.incidents(filter).await.map_err(failed)?);
        }
        Ok(found)
    })
    .await?;
    found.sort_by_key(|recorded| std::cmp::Reverse(recorded.id));
    let limit = asked.limit as usize;
    let rest = if found.len() > limit { Rest::More } else { Rest::None };
    found.truncate(limit);
    let format = asked.format;
    print(format.is_styled(), |out| remembered::incidents(&found, rest, clock::now(), format, out))
}

async fn show(place: &Place, id: i64, format: ExplainFormat) -> Result<(), Exit> {
    let story = ask(place, async |store| store.incident(id).await.map_err(failed)).await?;
    let story = story.ok_or_else(|| no_such(id))?;
    let is_styled = format == ExplainFormat::Text;
    print(is_styled, |out| remembered::story(&story, clock::now(), format, out))
}

async fn acknowledge(place: &Place, id: i64, by: Option<&str>) -> Result<(), Exit> {
    let by = who(by)?;
    let said = ask(place, async |store| {
        let recorded = not_closed(store, id).await?;
        if let Some(known) = &recorded.incident.acknowledged {
            return Ok(format!(
                "{} is acknowledged already, by {} on {}",
                named(&recorded),
                Escaped(&known.by),
                Instant(known.at)
            ));
        }
        let acknowledged = Acknowledged { at: clock::now(), by: by.clone() };
        store.acknowledge(Episode::of(&recorded.incident), acknowledged).await.map_err(failed)?;
        Ok(format!("{} is acknowledged by {}", named(&recorded), Escaped(&by)))
    })
    .await?;
    print(false, |out| writeln!(out, "{said}"))
}

async fn close(place: &Place, id: i64, why: &str, by: Option<&str>) -> Result<(), Exit> {
    let words = format!("{} (by {})", reason(why)?, who(by)?);
    let said = ask(place, async |store| {
        let recorded = not_closed(store, id).await?;
        if !recorded.incident.is_open() {
            let why = "is only suspected: it goes by itself, or opens when enough looks found it bad";
            return Err(Mistake(format!("{} {why}", named(&recorded))).say());
        }
        let episode = Episode::of(&recorded.incident);
        store.close_by_hand(episode, clock::now(), words).await.map_err(failed)?;
        Ok(format!("{} is closed; if it is still bad, another one opens", named(&recorded)))
    })
    .await?;
    print(false, |out| writeln!(out, "{said}"))
}

/// The incident of this number, if it is not over.
async fn not_closed(store: &Sqlite, id: i64) -> Result<Recorded, Exit> {
    let found = store.incident(id).await.map_err(failed)?.ok_or_else(|| no_such(id))?;
    match &found.recorded.closed {
        None => Ok(found.recorded),
        Some((at, _)) => {
            let named = named(&found.recorded);
            Err(Mistake(format!("{named} is closed since {}: there is nothing left to say", Instant(*at)))
                .say())
        }
    }
}

fn named(recorded: &Recorded) -> String {
    let matter = &recorded.incident.matter;
    format!("incident {} ({} of {})", recorded.id, matter.check, matter.subject)
}

fn no_such(id: i64) -> Exit {
    Mistake(format!("there is no incident {id}: `lastgood incidents list --state all` lists them")).say()
}
