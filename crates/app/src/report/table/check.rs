//! Which rows does `check` show?

use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::facts::Subject;
use lastgood_core::judge::Judgement;
use lastgood_core::time::Instant;
use lastgood_core::verdict::{Outcome, Reason, Verdict};

use super::columns::{Cell, Columns, Side};
use super::{BAD, GOOD, PLAIN, QUIET, UNKNOWN, gaps, mark};
use crate::report::Only;
use crate::report::looks::Looks;
use crate::report::tally::Tally;
use crate::report::words::{Shown, exemption, is_unjudged, sentence, sources_of};

type Row = [Cell; 5];

/// Writes a row per verdict that is not ok, a row per subject that is, what could not be seen, and a last line that says
/// it all.
pub(in crate::report) fn check(judgement: &Judgement<'_>, only: Only, out: &mut dyn Write) -> io::Result<()> {
    let heads = ["ANSWER", "SUBJECT", "KIND", "CHECK", "WHY"].map(|head| (head, Side::Left));
    let mut columns = Columns::new(heads);
    let mut row_count = 0_u64;
    rows(judgement, only, &mut |row| {
        row_count += 1;
        columns.fit(row);
        Ok(())
    })?;
    if row_count > 0 {
        columns.head(out)?;
    }
    rows(judgement, only, &mut |row| columns.row(row, out))?;
    gaps(sources_of(judgement), out)?;
    let looks = Looks::of(sources_of(judgement));
    let style = match looks.exit(judgement.worst()).code() {
        0 => GOOD,
        1 => BAD,
        _ => UNKNOWN,
    };
    if row_count > 0 || looks.gap_count() > 0 {
        writeln!(out)?;
    }
    let filtered = match only {
        Only::All => "",
        Only::Bad => " (only bad ones are shown)",
    };
    let at = Instant(judgement.at);
    writeln!(out, "{style}{}{style:#}; {looks}; at {at}{filtered}", Tally::of(judgement))
}

/// Hands every row to `take`; called twice, so that no row has to be kept.
fn rows(
    judgement: &Judgement<'_>,
    only: Only,
    take: &mut dyn FnMut(&Row) -> io::Result<()>,
) -> io::Result<()> {
    for (subject, verdicts) in judgement.subjects().filter(|(_, verdicts)| only.shows(verdicts)) {
        let mut told = verdicts
            .iter()
            .filter(|verdict| verdict.outcome != Outcome::Ok && only.keeps(verdict))
            .peekable();
        if told.peek().is_none() {
            take(&quiet_row(&subject, verdicts, judgement.at))?;
        }
        for verdict in told {
            let (word, style) = mark(verdict.outcome);
            let check = (verdict.check.as_str().to_owned(), style);
            let why = (sentence(verdict, judgement.at), PLAIN);
            take(&[(word.to_owned(), style), shown(&subject), kind(&subject), check, why])?;
        }
    }
    Ok(())
}

fn shown(subject: &Subject<'_>) -> Cell {
    (Shown(subject).to_string(), PLAIN)
}

fn kind(subject: &Subject<'_>) -> Cell {
    (subject.kind_id().to_owned(), PLAIN)
}

/// One row for a subject about which nothing is bad or unknown.
fn quiet_row(subject: &Subject<'_>, verdicts: &[Verdict], at: Timestamp) -> Row {
    let (word, style) = if is_unjudged(verdicts) { ("-", QUIET) } else { mark(Outcome::Ok) };
    let why = (gist(verdicts, at), QUIET);
    [(word.to_owned(), style), shown(subject), kind(subject), (String::new(), PLAIN), why]
}

/// Says in one line why all is well.
///
/// 1. Nothing asked, or nothing judged for one reason: that.
/// 2. The first verdict that is about a recent instant, else the first that was judged: its sentence.
/// 3. How many more checks are ok, and which were not judged and why.
fn gist(verdicts: &[Verdict], at: Timestamp) -> String {
    let Some(first) = verdicts.first() else {
        return "nothing is asked of it".to_owned();
    };
    let reason = exemption(first);
    if reason.is_some() && verdicts.iter().all(|verdict| exemption(verdict) == reason) {
        return sentence(first, at);
    }
    let mut parts = Vec::new();
    let judged = || verdicts.iter().filter(|verdict| exemption(verdict).is_none());
    let recent = judged().find(|verdict| matches!(verdict.reason, Reason::Recent(..)));
    if let Some(telling) = recent.or_else(|| judged().next()) {
        parts.push(sentence(telling, at));
    }
    match judged().count() {
        0 | 1 => {}
        2 => parts.push("1 more check ok".to_owned()),
        count => parts.push(format!("{} more checks ok", count - 1)),
    }
    for verdict in verdicts.iter().filter(|verdict| exemption(verdict).is_some()) {
        parts.push(format!("{} {}", verdict.check, sentence(verdict, at)));
    }
    parts.join("; ")
}
