//! How do incidents and silences look to people?

use std::io::{self, Write};

use anstyle::Style;
use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lastgood_core::silence::Silence;
use lastgood_core::time::Instant;

use super::super::table::columns::{Cell, Columns, Side};
use super::super::table::{BAD, GOOD, PLAIN, QUIET, UNKNOWN};
use super::super::words::counted;
use super::{Rest, address, because, closing, silence_state, state};
use crate::store::Recorded;

/// Writes a row per incident, and a last line that counts them.
pub(super) fn incidents(
    incidents: &[Recorded],
    rest: Rest,
    at: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let heads = ["ID", "STATE", "SINCE", "SUBJECT", "CHECK", "WHY"];
    let sides = [Side::Right, Side::Left, Side::Left, Side::Left, Side::Left, Side::Left];
    let rows = incidents.iter().map(|recorded| row(recorded, at)).collect::<Vec<_>>();
    table(std::array::from_fn(|index| (heads[index], sides[index])), &rows, out)?;
    let more = match rest {
        Rest::None => "",
        Rest::More => " (the newest; --limit shows more)",
    };
    let count = counted(incidents.len() as u64, "incident");
    writeln!(out, "{count}{more}; at {}", Instant(at))
}

fn row(recorded: &Recorded, at: Timestamp) -> [Cell; 6] {
    let incident = &recorded.incident;
    let since = incident.opened_at.unwrap_or(incident.noticed_at);
    let mut why = because(recorded, at);
    if let Some(known) = &incident.acknowledged {
        why = format!("{why}; acknowledged by {}", Escaped(&known.by));
    }
    if let Some((closed_at, end)) = &recorded.closed {
        why = format!("{} on {}; was: {why}", closing(end), Instant(*closed_at));
    }
    [
        (recorded.id.to_string(), PLAIN),
        (state(recorded).to_owned(), style(state(recorded))),
        (Instant(since).to_string(), PLAIN),
        (incident.matter.subject.to_string(), PLAIN),
        (incident.matter.check.to_string(), style(state(recorded))),
        (why, PLAIN),
    ]
}

/// Loud is what nobody has said they know of.
pub(super) fn style(state: &str) -> Style {
    match state {
        "open" => BAD,
        "acknowledged" | "suspected" => UNKNOWN,
        _ => QUIET,
    }
}

/// Writes a row per silence, and a last line that counts those in force.
pub(super) fn silences(silences: &[Silence], at: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let heads = ["ID", "STATE", "UNTIL", "PATTERN", "CHECKS", "FOR", "BY", "REASON"];
    let rows = silences.iter().map(|silence| silence_row(silence, at)).collect::<Vec<_>>();
    let side = |index| if index == 0 { Side::Right } else { Side::Left };
    table(std::array::from_fn(|index| (heads[index], side(index))), &rows, out)?;
    let in_force = silences.iter().filter(|silence| silence.is_in_force(at)).count();
    writeln!(out, "{} in force; at {}", counted(in_force as u64, "silence"), Instant(at))
}

fn silence_row(silence: &Silence, at: Timestamp) -> [Cell; 8] {
    let (word, style) = match silence_state(silence, at) {
        "in_force" => ("in force", GOOD),
        "to_come" => ("to come", UNKNOWN),
        _ => ("over", QUIET),
    };
    let whom = silence.address.as_ref().map_or_else(|| "everybody".to_owned(), address);
    [
        (silence.id.to_string(), PLAIN),
        (word.to_owned(), style),
        (Instant(silence.until).to_string(), PLAIN),
        (Escaped(&silence.pattern).to_string(), PLAIN),
        (checks(silence), PLAIN),
        (whom, PLAIN),
        (Escaped(&silence.by).to_string(), PLAIN),
        (Escaped(&silence.reason).to_string(), PLAIN),
    ]
}

fn checks(silence: &Silence) -> String {
    match silence.checks.as_deref() {
        None => "all".to_owned(),
        Some([]) => "none known here".to_owned(),
        Some(checks) => checks.iter().map(|check| check.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// Writes rows below their headings, and an empty line; nothing where there is no row.
fn table<const N: usize>(
    heads: [(&'static str, Side); N],
    rows: &[[Cell; N]],
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::new(heads);
    for row in rows {
        columns.fit(row);
    }
    columns.head(out)?;
    rows.iter().try_for_each(|row| columns.row(row, out))?;
    writeln!(out)
}
