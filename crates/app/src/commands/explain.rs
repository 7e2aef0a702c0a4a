//! `lastgood explain`: everything about some subjects.

use lastgood_core::facts::Subject;
use lastgood_core::judge::judge;
use lastgood_core::verdict::{Outcome, Verdict};

use super::looking::{Looking, Trouble};
use super::output::print;
use super::subjects::{find, not_found};
use super::telling::Telling;
use crate::exit::Exit;
use crate::report::{self, ExplainFormat, Explaining};
use crate::sources::Keep;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to explain: a subject as `check` prints it (datto-xml/D05099A1B2C3/ACME-DC01), the end of one (ACME-DC01),
    /// or a pattern (*/D050*)
    #[arg(value_name = "SUBJECT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    subject: String,
    #[command(flatten)]
    looking: Looking,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: ExplainFormat,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    look(arguments).unwrap_or_else(|exit| exit).code()
}

fn look(arguments: &Arguments) -> Result<Exit, Exit> {
    let (seen, directories) =
        arguments.looking.see_with_directories(Keep::Everything).map_err(Trouble::say)?;
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let found = find(&judgement, &arguments.subject);
    if found.is_empty() {
        return Err(not_found(&judgement, &seen.facts, &arguments.subject));
    }
    let styled = arguments.format == ExplainFormat::Text;
    let telling = Telling::new(&directories, &seen.facts, seen.now);
    let is_anybody_named = !directories.is_empty();
    let told =
        |subject: &Subject<'_>, verdict: &Verdict| is_anybody_named.then(|| telling.of(subject, verdict));
    let explaining = Explaining { expectations: &seen.expectations, at: seen.now, told: &told };
    print(styled, |out| report::explain(&found, &explaining, arguments.format, out))?;
    let outcomes = found.iter().flat_map(|(_, verdicts)| verdicts.iter().map(|verdict| verdict.outcome));
    Ok(report::exit(outcomes.max().unwrap_or(Outcome::Unknown), &seen.facts))
}
