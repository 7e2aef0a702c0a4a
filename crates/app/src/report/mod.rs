//! How is a judged fleet said to people and to other programs?
//!
//! Pure rendering: every function takes what was judged and writes text. It computes no verdict, reads no clock and
//! knows neither sources nor configuration. Third-party text never reaches a terminal unescaped, and a look that failed
//! stands in every format, whatever is filtered.

mod csv;
mod explain;
mod json;
mod looks;
mod nagios;
mod prometheus;
mod recipients;
mod reference;
pub mod remembered;
pub mod sizes;
mod space;
mod table;
mod tally;
mod words;

use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, Subject};
use lastgood_core::judge::Judgement;
use lastgood_core::summary::{KindCount, Summary};
use lastgood_core::verdict::{Outcome, Verdict};

use crate::exit::Exit;

pub use recipients::{RecipientRow, RecipientsFormat, Telling, TellingRow, recipients};
pub use reference::checks_reference;

/// How the answer of `check` and `summary` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON document, with a schema in docs/schema.
    Json,
    /// One row per verdict, with a header; control characters stand as escapes such as `\u{1b}`.
    Csv,
    /// The output of a Nagios plugin, with performance data.
    Nagios,
    /// Prometheus text format 0.0.4.
    Prometheus,
}

impl Format {
    /// True if the text carries terminal styles, so that it has to be written through `anstream`, which keeps them for
    /// a terminal and drops them for a pipe. Every other format is written as it is.
    pub const fn is_styled(self) -> bool {
        match self {
            Self::Table => true,
            Self::Json | Self::Csv | Self::Nagios | Self::Prometheus => false,
        }
    }

    /// Returns the exit code that goes with the format: that of the Nagios conventions, or ours.
    pub const fn exit_code(self, exit: Exit) -> u8 {
        match self {
            Self::Nagios => exit.nagios_code(),
            Self::Table | Self::Json | Self::Csv | Self::Prometheus => exit.code(),
        }
    }
}

/// How the answer of `explain` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ExplainFormat {
    /// Text for people, with terminal styles (see [`Format::is_styled`]).
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Which verdicts are written. Looks and their failures are always written, and the exit code counts everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// All.
    #[default]
    All,
    /// Those that are bad, and the subjects that have one.
    Bad,
}

impl Only {
    /// True if the verdict is written.
    fn keeps(self, verdict: &Verdict) -> bool {
        match self {
            Self::All => true,
            Self::Bad => verdict.outcome == Outcome::Bad,
        }
    }

    /// True if a subject with these verdicts is written.
    fn shows(self, verdicts: &[Verdict]) -> bool {
        match self {
            Self::All => true,
            Self::Bad => verdicts.iter().any(|verdict| verdict.outcome == Outcome::Bad),
        }
    }
}

/// Writes every verdict about a fleet.
pub fn check(judgement: &Judgement<'_>, only: Only, format: Format, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| match format {
        Format::Table => table::check(judgement, only, out),
        Format::Json => json::check(judgement, only, out),
        Format::Csv => csv::check(judgement, only, out),
        Format::Nagios => nagios::check(judgement, only, out),
        Format::Prometheus => prometheus::check(judgement, only, out),
    })
}

/// Returns what the daemon's page for Prometheus says of a fleet; of at most `assets_max` assets one by one.
pub fn metrics(judgement: &Judgement<'_>, assets_max: usize) -> String {
    let mut page = Vec::new();
    prometheus::page(judgement, assets_max, &mut page).expect("memory can be written to");
    String::from_utf8(page).expect("the page is written as text")
}

/// Counts bad and unknown verdicts per kind and check, hidden repositories left out.
pub fn kinds(judgement: &Judgement<'_>) -> Vec<KindCount> {
    tally::kinds(judgement)
}

/// Writes the counts of a fleet.
pub fn summary(summary: &Summary<'_>, format: Format, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| match format {
        Format::Table => table::summary(summary, out),
        Format::Json => json::summary(summary, out),
        Format::Csv => csv::summary(summary, out),
        Format::Nagios => nagios::summary(summary, out),
        Format::Prometheus => prometheus::summary(summary, out),
    })
}

/// What subjects are explained with.
#[derive(Clone, Copy)]
pub struct Explaining<'a> {
    /// What is expected of them.
    pub expectations: &'a Expectations,
    /// When they were judged.
    pub at: Timestamp,
    /// Who would be told of a verdict; `None` where nobody says.
    pub told: &'a dyn Fn(&Subject<'_>, &Verdict) -> Option<Telling>,
}

/// Writes everything that is known about some subjects: facts, evidence, thresholds, verdicts, and who would be told.
pub fn explain(
    subjects: &[(Subject<'_>, &[Verdict])],
    explaining: &Explaining<'_>,
    format: ExplainFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    let explained = explain::explain(subjects, explaining);
    buffered(out, |out| match format {
        ExplainFormat::Text => explain::text(&explained, out),
        ExplainFormat::Json => json::write(&explained, out),
    })
}

/// Returns how the program ends: the worst answer, but never "all ok" while something could not be read.
pub fn exit(worst: Outcome, facts: &Facts) -> Exit {
    looks::Looks::of(facts.sources.iter()).exit(worst)
}

/// Returns the JSON Schema of `check --format json`, as it stands in docs/schema/check.schema.json.
pub fn check_schema() -> String {
    json::schema::<json::Check<'_>>()
}

/// Returns the JSON Schema of `summary --format json`, as it stands in docs/schema/summary.schema.json.
pub fn summary_schema() -> String {
    json::schema::<json::Overview<'_>>()
}

fn buffered(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write(&mut out)?;
    out.flush()
}
