//! How does a judged fleet look to people?
//!
//! Columns are aligned by the width the characters take on a terminal. Nothing is cut; the terminal wraps what is
//! longer than its line. Styles are written always: whoever opened the output decides whether they stay.

mod check;
pub(super) mod columns;
mod summary;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use lastgood_core::facts::SourceFacts;
use lastgood_core::id::Escaped;
use lastgood_core::verdict::Outcome;

pub(super) use check::check;
pub(super) use summary::summary;

use super::looks;

/// What must be seen first.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What cannot be said.
pub(super) const UNKNOWN: Style = AnsiColor::Yellow.on_default().bold();
/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What may be passed over.
pub(super) const QUIET: Style = Style::new().dimmed();
/// Headings.
pub(super) const HEAD: Style = Style::new().bold();
/// Everything else.
pub(super) const PLAIN: Style = Style::new();

/// Returns the mark of an answer: loud where it is not ok.
pub(super) const fn mark(outcome: Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::Ok => ("ok", GOOD),
        Outcome::Bad => ("BAD", BAD),
        Outcome::Unknown => ("UNKNOWN", UNKNOWN),
    }
}

/// Lists what could not be seen, if anything.
fn gaps<'a>(sources: impl Iterator<Item = &'a SourceFacts>, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    for source in sources.filter(|source| looks::has_gaps(source)) {
        if is_first {
            writeln!(out, "\n{BAD}could not see:{BAD:#}")?;
            is_first = false;
        }
        let look = looks::word(source.look);
        writeln!(out, "  {UNKNOWN}{}{UNKNOWN:#} ({}): look {look}", source.id, source.kind.id)?;
        for failure in &source.failures {
            let place = source.place(&failure.place);
            writeln!(out, "    {}: {}: {}", Escaped(&place), failure.kind, Escaped(&failure.reason))?;
        }
    }
    Ok(())
}
