//! What does `summary` show on one screen?

use std::cmp::Reverse;
use std::io::{self, Write};

use anstyle::Style;
use lastgood_core::facts::Subject;
use lastgood_core::kind::SubjectType;
use lastgood_core::summary::{KindCount, Summary};
use lastgood_core::time::Instant;

use super::columns::{Cell, Columns, Side};
use super::{BAD, GOOD, PLAIN, QUIET, UNKNOWN, gaps, mark};
use crate::report::looks::{self, Looks};
use crate::report::space;
use crate::report::words::{Shown, counted};

/// The most repositories whose storage is shown: more do not fit one screen.
const SPACE_ROWS_MAX: usize = 20;

/// Writes kinds, storage and sources, what could not be seen, and a last line that says it all.
pub(in crate::report) fn summary(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    kinds(&summary.kinds, out)?;
    spaces(summary, out)?;
    sources(summary, out)?;
    gaps(summary.sources.iter().map(|(source, _)| *source), out)?;
    let looks = Looks::of(summary.sources.iter().map(|(source, _)| *source));
    let style = match looks.exit(summary.worst).code() {
        0 => GOOD,
        1 => BAD,
        _ => UNKNOWN,
    };
    let checks = || summary.kinds.iter().flat_map(|kind| &kind.checks);
    let (bad, unknown) =
        checks().fold((0, 0), |(bad, unknown), check| (bad + check.bad, unknown + check.unknown));
    let count = |subject: SubjectType| {
        summary.kinds.iter().filter(|kind| kind.subject == subject).map(|kind| kind.count).sum::<u64>()
    };
    let repositories = match count(SubjectType::Repository) {
        1 => "1 repository".to_owned(),
        count => format!("{count} repositories"),
    };
    let assets = counted(count(SubjectType::Asset), "asset");
    if !summary.sources.is_empty() {
        writeln!(out)?;
    }
    write!(out, "{style}{} bad, {unknown} unknown{style:#} about ", counted(bad, "verdict"))?;
    writeln!(out, "{repositories} and {assets}; {looks}; at {}", Instant(summary.at))
}

fn text(text: &(impl ToString + ?Sized)) -> Cell {
    (text.to_string(), PLAIN)
}

/// A count that is loud where it is not 0.
fn number(count: u64, loud: Style) -> Cell {
    (count.to_string(), if count == 0 { QUIET } else { loud })
}

/// A row per check of each kind; a kind of which there is none takes one row.
fn kinds(kinds: &[KindCount], out: &mut dyn Write) -> io::Result<()> {
    use Side::{Left, Right};
    let heads = [("KIND", Left), ("COUNT", Right), ("CHECK", Left), ("BAD", Right), ("UNKNOWN", Right)];
    let mut rows = Vec::new();
    for kind in kinds {
        let of_kind = (text(kind.kind), number(kind.count, PLAIN));
        let mut of_kind = Some(of_kind);
        for check in kind.checks.iter().filter(|_| kind.count > 0) {
            let (name, count) = of_kind.take().unwrap_or((text(""), text("")));
            let style = if check.bad + check.unknown == 0 { QUIET } else { PLAIN };
            let id = (check.check.to_string(), style);
            rows.push([name, count, id, number(check.bad, BAD), number(check.unknown, UNKNOWN)]);
        }
        if let Some((name, count)) = of_kind {
            rows.push([name, count, text(""), text(""), text("")]);
        }
    }
    write(Columns::new(heads), &rows, out)
}

/// The storage of the fullest repositories; those without figures stand last.
fn spaces(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    use Side::{Left, Right};
    if summary.space.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut fullest = summary.space.clone();
    fullest.sort_by_key(|(_, repository)| Reverse(space::share(&repository.stated.space)));
    let figure = |bytes: Option<u128>| {
        bytes.map_or_else(|| ("-".to_owned(), QUIET), |bytes| text(&space::size(bytes)))
    };
    let mut rows = Vec::new();
    for &(source, repository) in fullest.iter().take(SPACE_ROWS_MAX) {
        let bytes = space::bytes(&repository.stated.space);
        let share = space::share(&repository.stated.space);
        let percent = |share: u128| text(&format!("{}.{} %", share / 100, share % 100 / 10));
        rows.push([
            text(&Shown(&Subject::Repository(source, repository))),
            figure(bytes.used.map(u128::from)),
            figure(bytes.free.map(u128::from)),
            figure(bytes.quota),
            share.map_or_else(|| ("-".to_owned(), QUIET), percent),
        ]);
    }
    let heads = [("SPACE", Left), ("USED", Right), ("FREE", Right), ("QUOTA", Right), ("SHARE", Right)];
    write(Columns::new(heads), &rows, out)?;
    match summary.space.len().saturating_sub(SPACE_ROWS_MAX) {
        0 => Ok(()),
        more => writeln!(out, "the fullest {SPACE_ROWS_MAX}; {more} more, all of them with --format json"),
    }
}

fn sources(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    use Side::Left;
    if summary.sources.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heads = [("SOURCE", Left), ("KIND", Left), ("LOOK", Left), ("ANSWER", Left), ("LOOKED AT", Left)];
    let rows: Vec<_> = summary
        .sources
        .iter()
        .map(|(source, outcome)| {
            let (word, style) = mark(*outcome);
            let look =
                (looks::word(source.look).to_owned(), if looks::has_gaps(source) { BAD } else { PLAIN });
            let looked_at = text(&Instant(source.looked_at));
            [text(&source.id), text(source.kind.id), look, (word.to_owned(), style), looked_at]
        })
        .collect();
    write(Columns::new(heads), &rows, out)
}

fn write<const N: usize>(mut columns: Columns<N>, rows: &[[Cell; N]], out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        columns.fit(row);
    }
    if !rows.is_empty() {
        columns.head(out)?;
    }
    rows.iter().try_for_each(|row| columns.row(row, out))
}
