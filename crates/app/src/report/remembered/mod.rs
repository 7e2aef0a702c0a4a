//! How is what the daemon remembers said to people and to other programs: incidents, their stories, silences?
//!
//! Pure rendering, as everywhere in this folder: everything is handed in, nothing is judged.

mod json;
mod story;
mod table;

use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::id::Escaped;
use lastgood_core::incident::Closing;
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;

use crate::store::{Recorded, Story};

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// Aligned columns for people, with terminal styles.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

impl ListFormat {
    /// True if the text carries terminal styles (see [`super::Format::is_styled`]).
    pub const fn is_styled(self) -> bool {
        match self {
            Self::Table => true,
            Self::Json => false,
        }
    }
}

/// Whether there are more than those that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// These are all.
    None,
    /// There are more.
    More,
}

/// Writes incidents, in the order they come.
pub fn incidents(
    incidents: &[Recorded],
    rest: Rest,
    at: Timestamp,
    format: ListFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    super::buffered(out, |out| match format {
        ListFormat::Table => table::incidents(incidents, rest, at, out),
        ListFormat::Json => json::incidents(incidents, rest, at, out),
    })
}

/// Writes everything about one incident.
pub fn story(
    story: &Story,
    at: Timestamp,
    format: super::ExplainFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    super::buffered(out, |out| match format {
        super::ExplainFormat::Text => story::text(story, at, out),
        super::ExplainFormat::Json => json::story(story, at, out),
    })
}

/// Writes silences, in the order they come.
pub fn silences(
    silences: &[Silence],
    at: Timestamp,
    format: ListFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    super::buffered(out, |out| match format {
        ListFormat::Table => table::silences(silences, at, out),
        ListFormat::Json => json::silences(silences, at, out),
    })
}

/// What state an incident is in: a word that stays.
fn state(recorded: &Recorded) -> &'static str {
    match (&recorded.closed, &recorded.incident.acknowledged) {
        (Some(_), _) => "closed",
        (None, _) if !recorded.incident.is_open() => "suspected",
        (None, Some(_)) => "acknowledged",
        (None, None) => "open",
    }
}

/// Says why it was bad last. Ages are those at its end where it has one.
fn because(recorded: &Recorded, at: Timestamp) -> String {
    let at = recorded.closed.as_ref().map_or(at, |(closed_at, _)| *closed_at);
    let check = checks::find(recorded.incident.matter.check).expect("the store knows only checks there are");
    recorded.incident.reason.summary(check.words, at)
}

/// The same as a sentence.
fn closing(closing: &Closing) -> String {
    match closing {
        Closing::Recovered => "it is ok again".to_owned(),
        Closing::Exempt(exemption) => format!("it is not judged any more: {}", exemption.explain()),
        Closing::Left => "it left: its place was listed completely without it".to_owned(),
        Closing::SourceRemoved => "its source is not looked at any more".to_owned(),
        Closing::NotAsked => "the check is not asked of it any more".to_owned(),
        Closing::ThresholdChanged => {
            "it is within a threshold that was changed; by the one before it would be bad still".to_owned()
        }
        Closing::ByHand(words) => format!("closed by hand: {}", Escaped(words)),
    }
}

fn address(address: &Address) -> String {
    Escaped(&address.to_string()).to_string()
}

/// True until a silence is over.
fn lasts(silence: &Silence, at: Timestamp) -> bool {
    at < silence.until
}

/// What state a silence is in: a word that stays.
fn silence_state(silence: &Silence, at: Timestamp) -> &'static str {
    match (silence.is_in_force(at), lasts(silence, at)) {
        (true, _) => "in_force",
        (false, true) => "to_come",
        (false, false) => "over",
    }
}
