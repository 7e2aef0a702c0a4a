//! How does `explain` read on a terminal?

use std::io::{self, Write};

use lastgood_core::id::Escaped;
use lastgood_core::time::Instant;
use unicode_width::UnicodeWidthStr;

use super::{AnswerPage, CheckPage, Explained, SubjectPage, ThresholdRow};
use crate::report::recipients;
use crate::report::table::{BAD, HEAD, QUIET, mark};

/// Writes one page per subject.
pub(in crate::report) fn text(explained: &Explained<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (index, page) in explained.subjects.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        head(page, explained, out)?;
        facts(page, out)?;
        failures(page, out)?;
        writeln!(out, "\n{HEAD}checks{HEAD:#}")?;
        if page.checks.is_empty() {
            writeln!(out, "  nothing is asked of this kind")?;
        }
        for check in &page.checks {
            self::check(check, out)?;
        }
    }
    Ok(())
}

fn head(page: &SubjectPage<'_>, explained: &Explained<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{HEAD}{}{HEAD:#}", Escaped(&page.subject))?;
    let mut rows = vec![
        ("name", Escaped(&page.name).to_string()),
        ("kind", page.kind.to_owned()),
        ("judged at", Instant(explained.at.0).to_string()),
    ];
    if let Some(hex) = &page.name_hex {
        rows.insert(1, ("bytes of the name", hex.clone()));
    }
    pairs(&rows, out)
}

fn facts(page: &SubjectPage<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{HEAD}facts{HEAD:#}")?;
    let facts: Vec<_> = page.facts.iter().map(|fact| (fact.label, fact.value.clone())).collect();
    pairs(&facts, out)?;
    if !page.details.is_empty() {
        writeln!(out, "\n{HEAD}further facts, which no check reads{HEAD:#}")?;
        let escaped = |text: &str| Escaped(text).to_string();
        let details: Vec<_> =
            page.details.iter().map(|detail| (detail.label, escaped(detail.text))).collect();
        pairs(&details, out)?;
    }
    if page.evidence.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEAD}evidence: values that were not read plainly{HEAD:#}")?;
    for evidence in &page.evidence {
        let line = evidence.line.map(|line| format!(", line {line}")).unwrap_or_default();
        writeln!(out, "  {}{line}: \"{}\": {}", evidence.field, Escaped(evidence.raw), evidence.note)?;
    }
    Ok(())
}

fn failures(page: &SubjectPage<'_>, out: &mut dyn Write) -> io::Result<()> {
    if page.failures.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BAD}could not see:{BAD:#}")?;
    for failure in &page.failures {
        writeln!(out, "  {}: {}: {}", Escaped(&failure.place), failure.kind, Escaped(failure.reason))?;
    }
    Ok(())
}

fn check(page: &CheckPage, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Vec::new();
    match &page.answer {
        None => {
            writeln!(out, "  {QUIET}off{QUIET:#} {HEAD}{}{HEAD:#}: {}", page.check, page.question)?;
            rows.push(("off", "not asked".to_owned()));
        }
        Some(answer) => {
            let (word, style) = mark(answer.verdict.outcome);
            writeln!(out, "  {style}{word}{style:#} {HEAD}{}{HEAD:#}: {}", page.check, page.question)?;
            rows.extend(self::answer(answer));
        }
    }
    rows.push(("bad when", page.bad_when.to_owned()));
    for threshold in &page.thresholds {
        let ThresholdRow { name, meaning, value, origin } = threshold;
        rows.push(("threshold", format!("{name} = {value} (set by: {origin}): {meaning}")));
    }
    for (label, text) in rows {
        writeln!(out, "      {QUIET}{label:<10}{QUIET:#} {text}")?;
    }
    match (&page.told, &page.answer) {
        (Some(told), Some(answer)) => recipients::below(told, answer.verdict.outcome, out),
        (Some(_) | None, _) => Ok(()),
    }
}

fn answer(answer: &AnswerPage) -> Vec<(&'static str, String)> {
    let mut rows = vec![("because", answer.summary.clone())];
    if let Some(since) = &answer.since {
        rows.push(("since", Instant(since.0).to_string()));
    }
    rows.push(("next", answer.turns.clone()));
    if answer.verdict.outcome != lastgood_core::verdict::Outcome::Ok {
        rows.push(("what to do", answer.remedy.to_owned()));
    }
    rows
}

/// Writes labels and values, the values below each other.
fn pairs(rows: &[(&str, String)], out: &mut dyn Write) -> io::Result<()> {
    let width = rows.iter().map(|(label, _)| label.width()).max().unwrap_or_default();
    for (label, value) in rows {
        writeln!(out, "  {QUIET}{label:<width$}{QUIET:#}  {value}")?;
    }
    Ok(())
}
