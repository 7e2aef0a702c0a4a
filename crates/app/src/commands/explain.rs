//! `lastgood explain`: everything about some subjects.

use std::fmt::Write as _;
use std::io::Write as _;

use globset::Glob;
use lastgood_core::facts::{Facts, Subject};
use lastgood_core::id::Escaped;
use lastgood_core::judge::{Judgement, judge};
use lastgood_core::observation::Extent;
use lastgood_core::verdict::{Outcome, Verdict};

use super::looking::{Looking, Trouble};
use super::output::print;
use crate::exit::Exit;
use crate::report::{self, ExplainFormat};
use crate::sources::Keep;

/// How many subjects are named when the wanted one is not there.
const SUGGESTIONS_MAX: usize = 5;

/// Why writing to a text cannot fail.
const ALWAYS_FITS: &str = "a String takes all text";

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
    let seen = arguments.looking.see(Keep::Everything).map_err(Trouble::say)?;
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let found = find(&judgement, &arguments.subject);
    if found.is_empty() {
        return Err(not_found(&judgement, &seen.facts, &arguments.subject));
    }
    let styled = arguments.format == ExplainFormat::Text;
    print(styled, |out| report::explain(&found, &seen.expectations, seen.now, arguments.format, out))?;
    let outcomes = found.iter().flat_map(|(_, verdicts)| verdicts.iter().map(|verdict| verdict.outcome));
    Ok(report::exit(outcomes.max().unwrap_or(Outcome::Unknown), &seen.facts))
}

/// Finds the subjects that are wanted: the one of this path; else those whose path ends with it after a slash, or whose
/// name it is; else those that match it as a pattern.
fn find<'j, 'a>(judgement: &'j Judgement<'a>, wanted: &str) -> Vec<(Subject<'a>, &'j [Verdict])> {
    let ending = format!("/{wanted}");
    let exact = |subject: &Subject<'_>| subject.path() == wanted;
    let by_end = |subject: &Subject<'_>| subject.path().ends_with(&ending) || subject.name() == wanted;
    let pattern = Glob::new(wanted).map(|glob| glob.compile_matcher());
    let by_pattern = |subject: &Subject<'_>| pattern.as_ref().is_ok_and(|glob| glob.is_match(subject.path()));
    let rules: [&dyn Fn(&Subject<'_>) -> bool; 3] = [&exact, &by_end, &by_pattern];
    for rule in rules {
        let found: Vec<_> = judgement.subjects().filter(|(subject, _)| rule(subject)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// A subject that is not there is a mistake of the command line, unless the look did not see everything.
fn not_found(judgement: &Judgement<'_>, facts: &Facts, wanted: &str) -> Exit {
    let blind = facts.sources.iter().any(|source| source.look != Extent::Complete);
    let (text, exit) = if blind {
        (unseen(facts, wanted), Exit::SomethingUnknown)
    } else {
        (unknown(judgement, wanted), Exit::Usage)
    };
    // Nothing can be done where even this cannot be written.
    let _ = write!(anstream::stderr(), "{text}");
    exit
}

/// Says what could not be looked at: the subject may be there.
fn unseen(facts: &Facts, wanted: &str) -> String {
    let mut text = String::new();
    for source in &facts.sources {
        for failure in &source.failures {
            let place = source.place(&failure.place);
            writeln!(text, "{}: {}", Escaped(&place), Escaped(&failure.reason)).expect(ALWAYS_FITS);
        }
    }
    format!("{text}error: {} was not seen, and not everything could be looked at\n", Escaped(wanted))
}

/// Says that there is no such subject, and which ones are like it.
fn unknown(judgement: &Judgement<'_>, wanted: &str) -> String {
    let mut text = format!("error: no subject {}; `lastgood check` prints all of them\n", Escaped(wanted));
    let needle = wanted.to_lowercase();
    let paths = judgement.subjects().map(|(subject, _)| subject.path());
    for path in paths.filter(|path| path.to_lowercase().contains(&needle)).take(SUGGESTIONS_MAX) {
        writeln!(text, "  did you mean {}", Escaped(&path)).expect(ALWAYS_FITS);
    }
    text
}
