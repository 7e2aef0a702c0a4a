//! How is what is remembered of an asset written as bytes, and read again?

use jiff::Timestamp;
use lastgood_core::facts::{History, Presence, SPANS_MAX, Span};

use super::{Damage, Reading, instant, length, number, optional};

/// Writes a history.
pub(in super::super) fn write(out: &mut Vec<u8>, history: &History) {
    // Taken apart, so that a new field does not compile before its place is chosen.
    let History { first_seen_at, last_success_at, failed_in_row, failed_at, presence } = history;
    instant(out, *first_seen_at);
    optional(out, *last_success_at, instant);
    number(out, (*failed_in_row).into());
    optional(out, *failed_at, instant);
    optional(out, presence.as_deref(), write_presence);
}

fn write_presence(out: &mut Vec<u8>, presence: &Presence) {
    let Presence { known_since, looked_at, spans } = presence;
    instant(out, *known_since);
    instant(out, *looked_at);
    length(out, spans.len());
    for Span { from, until } in spans {
        instant(out, *from);
        instant(out, *until);
    }
}

/// Reads what [`write`] wrote.
pub(in super::super) fn read(reading: &mut Reading<'_>) -> Result<History, Damage> {
    Ok(History {
        first_seen_at: reading.instant()?,
        last_success_at: reading.optional(Reading::instant)?,
        failed_in_row: u32::try_from(reading.number()?).map_err(|_| Damage("a count is too large"))?,
        failed_at: reading.optional(Reading::instant)?,
        presence: reading.optional(read_presence)?.map(Box::new),
    })
}

fn read_presence(reading: &mut Reading<'_>) -> Result<Presence, Damage> {
    let (known_since, looked_at) = (reading.instant()?, reading.instant()?);
    let count = reading.length()?;
    if count == 0 || count > SPANS_MAX {
        return Err(Damage("a presence has no stretch, or too many"));
    }
    let mut last: Option<Timestamp> = None;
    let mut spans = Vec::with_capacity(count);
    for _ in 0..count {
        let span = Span { from: reading.instant()?, until: reading.instant()? };
        if last.is_some_and(|last| span.from <= last) || span.until < span.from {
            return Err(Damage("the stretches of a presence do not rise"));
        }
        last = Some(span.until);
        spans.push(span);
    }
    Ok(Presence { known_since, looked_at, spans })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use lastgood_core::testing::noon;

    use super::*;

    fn span(from: i64, until: i64) -> Span {
        let hour = |hours| noon() + SignedDuration::from_hours(hours);
        Span { from: hour(from), until: hour(until) }
    }

    fn history(spans: Vec<Span>) -> History {
        let presence = Presence { known_since: Timestamp::MIN, looked_at: Timestamp::MAX, spans };
        History {
            first_seen_at: noon(),
            last_success_at: Some(Timestamp::MIN),
            failed_in_row: u32::MAX,
            failed_at: None,
            presence: Some(Box::new(presence)),
        }
    }

    fn written(history: &History) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, history);
        bytes
    }

    #[test]
    fn a_history_is_read_as_it_was_written() {
        let seen = history(vec![span(0, 0), span(4, 9)]);
        let unseen =
            History { failed_at: Some(noon()), last_success_at: None, presence: None, ..seen.clone() };
        for history in [seen, unseen] {
            assert_eq!(read(&mut Reading(&written(&history))), Ok(history));
        }
    }

    #[test]
    fn stretches_that_cannot_be_are_damage() {
        let too_many = (0..17).map(|number| span(number * 9, number * 9)).collect();
        for spans in [vec![], too_many, vec![span(0, 4), span(4, 9)], vec![span(4, 0)]] {
            read(&mut Reading(&written(&history(spans)))).expect_err("nobody wrote it");
        }
    }
}
