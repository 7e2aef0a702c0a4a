//! What does Nagios, Icinga or Checkmk read?
//!
//! The output of a plugin by the Monitoring Plugins Development Guidelines: one line with the state and the performance
//! data, then the details. `|` and line breaks in third-party text would end the text or the line: they are replaced.

use std::io::{self, Write};

use lastgood_core::facts::{SourceFacts, Subject};
use lastgood_core::id::Escaped;
use lastgood_core::judge::Judgement;
use lastgood_core::observation::cut;
use lastgood_core::summary::{KindCount, Summary};
use lastgood_core::verdict::{Outcome, Verdict};

use super::Only;
use super::looks::{self, Looks};
use super::tally::{self, Tally};
use super::words::{Shown, sentence, sources_of};
use crate::exit::Exit;

/// The most detail lines: an alert is read on a telephone, and many receivers cut after a few kilobytes.
const LINES_MAX: usize = 50;

/// The most of these lines that sources may take, so that bad verdicts are seen too.
const SOURCE_LINES_MAX: usize = 10;

/// The longest detail line, in bytes.
const LINE_MAX_BYTES: usize = 300;

/// Writes the state of a fleet with its bad and unknown verdicts; `only` leaves out the unknown ones.
pub(super) fn check(judgement: &Judgement<'_>, only: Only, out: &mut dyn Write) -> io::Result<()> {
    let looks = Looks::of(sources_of(judgement));
    let tally = Tally::of(judgement);
    let text = format!("{tally}; {looks}");
    write!(out, "{}", first(looks.exit(judgement.worst()), &text))?;
    write!(out, "'bad'={};;0;0 'unknown'={};;;0 ", tally.bad, tally.unknown)?;
    figures(looks, &tally::kinds(judgement), out)?;
    let mut details = Details::default();
    for source in sources_of(judgement) {
        details.source(source, out)?;
    }
    for outcome in [Outcome::Bad, Outcome::Unknown] {
        for (subject, verdicts) in judgement.subjects() {
            let told = verdicts.iter().filter(|verdict| verdict.outcome == outcome && only.keeps(verdict));
            for verdict in told {
                details.line(&mark(&subject, verdict, judgement), out)?;
            }
        }
    }
    details.end(out)
}

/// Writes the state of a fleet with its counts.
pub(super) fn summary(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sources = || summary.sources.iter().map(|(source, _)| *source);
    let looks = Looks::of(sources());
    let told: Vec<String> = summary.kinds.iter().filter(|kind| kind.count > 0).map(in_words).collect();
    let text =
        format!("{}; {looks}", if told.is_empty() { "nothing seen".to_owned() } else { told.join("; ") });
    write!(out, "{}", first(looks.exit(summary.worst), &text))?;
    figures(looks, &summary.kinds, out)?;
    let mut details = Details::default();
    for source in sources() {
        details.source(source, out)?;
    }
    details.end(out)
}

fn first(exit: Exit, text: &str) -> String {
    let state = match exit {
        Exit::AllOk => "OK",
        Exit::SomethingBad => "CRITICAL",
        Exit::SomethingUnknown | Exit::Usage | Exit::OwnFailure => "UNKNOWN",
    };
    format!("LASTGOOD {state} - {text}|")
}

fn in_words(kind: &KindCount) -> String {
    let mut text = format!("{} {}", kind.count, kind.kind);
    let mut separator = ": ";
    for check in &kind.checks {
        for (count, word) in [(check.bad, "bad"), (check.unknown, "unknown")] {
            if count > 0 {
                text.extend([separator, &count.to_string(), " ", word, " ", check.check.as_str()]);
                separator = ", ";
            }
        }
    }
    text
}

/// Ends the first line with performance data: more than 0 bad is critical, unknown has no range.
fn figures(looks: Looks, kinds: &[KindCount], out: &mut dyn Write) -> io::Result<()> {
    let subjects: u64 = kinds.iter().map(|kind| kind.count).sum();
    write!(
        out,
        "'subjects'={subjects};;;0 'sources'={};;;0 'sources_unseen'={};;;0",
        looks.sources,
        looks.gap_count()
    )?;
    for kind in kinds {
        write!(out, " '{}'={};;;0", kind.kind, kind.count)?;
        for check in &kind.checks {
            write!(out, " '{}_{}'={};;0;0", kind.kind, check.check, check.bad)?;
            write!(out, " '{}_{}_unknown'={};;;0", kind.kind, check.check, check.unknown)?;
        }
    }
    writeln!(out)
}

fn mark(subject: &Subject<'_>, verdict: &Verdict, judgement: &Judgement<'_>) -> String {
    let outcome = match verdict.outcome {
        Outcome::Ok => "ok",
        Outcome::Bad => "BAD",
        Outcome::Unknown => "UNKNOWN",
    };
    let path = cut(&Shown(subject).to_string(), LINE_MAX_BYTES / 2);
    format!("{outcome} {path} {}: {}", verdict.check, sentence(verdict, judgement.at))
}

/// Writes detail lines up to the limit and counts the others.
#[derive(Default)]
struct Details {
    written: usize,
    left_out: usize,
    source_lines: usize,
}

impl Details {
    fn source(&mut self, source: &SourceFacts, out: &mut dyn Write) -> io::Result<()> {
        if !looks::has_gaps(source) {
            return Ok(());
        }
        let nothing_said = [format!("{}: could not be seen", source.id)];
        let reasons = source.failures.iter().map(|failure| {
            let place = cut(&Escaped(&source.place(&failure.place)).to_string(), LINE_MAX_BYTES / 2);
            format!("{place} ({}): {}", failure.kind, Escaped(&failure.reason))
        });
        let silent = source.failures.is_empty();
        let lines = reasons.chain(nothing_said.into_iter().filter(|_| silent));
        for line in lines {
            if self.source_lines == SOURCE_LINES_MAX {
                self.left_out += 1;
                continue;
            }
            self.source_lines += 1;
            self.line(&format!("LOOK {} {line}", looks::word(source.look).to_uppercase()), out)?;
        }
        Ok(())
    }

    fn line(&mut self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.written == LINES_MAX {
            self.left_out += 1;
            return Ok(());
        }
        self.written += 1;
        writeln!(out, "{}", cut(&text.replace('|', "¦").replace(['\n', '\r'], " "), LINE_MAX_BYTES))
    }

    fn end(self, out: &mut dyn Write) -> io::Result<()> {
        if self.left_out == 0 {
            return Ok(());
        }
        writeln!(out, "and {} more: see the same command with --format table", self.left_out)
    }
}
