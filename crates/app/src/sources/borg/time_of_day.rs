//! Which part of an archive's name is a time of day?
//!
//! Behind a date may stand a clock or the number of a machine. A clock is what ISO 8601 writes as one (`2026-11-21T02:00`),
//! or what agrees with the start of the archive in some zone of the world: two machines whose numbers merely look like
//! clocks must never be one series. It knows nothing of dates.

use jiff::Timestamp;

/// Which clocks are taken out of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clocks {
    /// Only those that are clocks by their form: a `T` joins them to their date.
    ByForm,
    /// Also those that agree with the start of the archive.
    Agreeing,
}

/// How long before the start of its archive a name may have been made, in seconds. Every second of it lets more numbers
/// of machines pass for clocks; a clock with seconds is hardly ever a number, and scripts that dump first take longer.
const DELAY_WITH_MINUTES: i64 = 120;
const DELAY_WITH_SECONDS: i64 = 600;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What zones of the world are apart from UTC besides whole hours from -12 to +14, in quarters of an hour.
const BROKEN_OFFSETS: [i64; 13] = [-38, -14, -10, 14, 18, 22, 23, 26, 35, 38, 42, 51, 55];

/// What is read of a clock.
struct Clock {
    length: usize,
    second_of_day: i64,
    has_seconds: bool,
}

/// The length of the time of day behind a date, with what separates them and a zone; `None` if there is none.
pub(super) fn length(text: &[u8], started_at: Option<Timestamp>, clocks: Clocks) -> Option<usize> {
    let gap = text.iter().take_while(|byte| b"Tt-_.:@ ".contains(byte)).count();
    let (gap_text, digits) = text.split_at(gap);
    if gap == 0 || gap > 3 {
        return None;
    }
    let by_form = gap_text.eq_ignore_ascii_case(b"T");
    let clock = clock(digits, by_form)?;
    let behind = &digits[clock.length..];
    let fraction = if clock.has_seconds { fraction_length(behind, by_form) } else { 0 };
    let zone = zone(&behind[fraction..]);
    let agrees = clocks == Clocks::Agreeing && clock.agrees(started_at, None);
    if !by_form && !agrees {
        return None;
    }
    let is_zone = |offset| by_form || clock.agrees(started_at, Some(offset));
    let zone = zone.filter(|&(_, offset)| is_zone(offset)).map_or(0, |(length, _)| length);
    Some(gap + clock.length + fraction + zone)
}

/// True for digits `HHMM` or `HHMMSS` that stand in one number with their date and agree with the start.
pub(super) fn is_joined_clock(digits: &[u8], started_at: Option<Timestamp>, clocks: Clocks) -> bool {
    clocks == Clocks::Agreeing
        && matches!(digits.len(), 4 | 6)
        && clock_of([Some(&digits[..2]), Some(&digits[2..4]), digits.get(4..6)], digits.len())
            .is_some_and(|clock| clock.agrees(started_at, None))
}

impl Clock {
    /// True if the clock, read in a zone that is so many seconds ahead of UTC, or else in any zone of the world, is that of
    /// the start or a little before it.
    fn agrees(&self, started_at: Option<Timestamp>, offset: Option<i64>) -> bool {
        let Some(start) = started_at else { return false };
        // A clock that is cut after the minute stands for all of it.
        let most = if self.has_seconds { DELAY_WITH_SECONDS } else { DELAY_WITH_MINUTES + 59 };
        let is_near = |offset: i64| (start.as_second() + offset - self.second_of_day).rem_euclid(DAY) <= most;
        match offset {
            Some(offset) => is_near(offset),
            None => {
                (-12..=14).any(|hours| is_near(hours * HOUR))
                    || BROKEN_OFFSETS.iter().any(|quarters| is_near(quarters * HOUR / 4))
            }
        }
    }
}

/// Reads `HH:MM`, `HH-MM-SS`, `HHMM` and the like; `HH` only where an hour is enough.
fn clock(text: &[u8], hour_is_enough: bool) -> Option<Clock> {
    let part = |at: usize| {
        let is_joined = text.get(at).is_some_and(|byte| b":-._h".contains(byte));
        let digits = text.get(at + 1..).unwrap_or_default();
        (is_joined && digit_count(digits) == 2).then(|| &digits[..2])
    };
    match digit_count(text) {
        2 => {
            let minute = part(2);
            let second = minute.and(part(5));
            clock_of([Some(&text[..2]), minute, second], 8)
                .or_else(|| clock_of([Some(&text[..2]), minute, None], 5))
                .or_else(|| clock_of([Some(&text[..2]), Some(b"00"), None], 2).filter(|_| hour_is_enough))
        }
        4 => clock_of([Some(&text[..2]), Some(&text[2..4]), None], 4),
        6 => clock_of([Some(&text[..2]), Some(&text[2..4]), Some(&text[4..6])], 6),
        _ => None,
    }
}

/// Puts hour, minute and second together; `length` is that of a clock with all that is given.
fn clock_of(parts: [Option<&[u8]>; 3], length: usize) -> Option<Clock> {
    let [hour, minute, second] = parts;
    let hour = within(hour?, 23)?;
    let minute = within(minute?, 59)?;
    // Only a clock of three groups is eight bytes long.
    let second = match second {
        Some(second) => Some(within(second, 60)?),
        None if length == 8 => return None,
        None => None,
    };
    let second_of_day = hour * HOUR + minute * 60 + second.unwrap_or(0);
    Some(Clock { length, second_of_day, has_seconds: second.is_some() })
}

/// The length of a fraction of a second, as programs write it: milliseconds only where a `T` leaves no doubt, micro- and
/// nanoseconds everywhere.
fn fraction_length(text: &[u8], by_form: bool) -> usize {
    let digits = digit_count(text.get(1..).unwrap_or_default());
    let is_fraction = matches!(digits, 6 | 9) || digits == 3 && by_form;
    if matches!(text.first(), Some(b'.' | b',')) && is_fraction { 1 + digits } else { 0 }
}

/// The length of `Z`, `+02:00`, `+0200`, `+02` or `-05:00`, and how many seconds it is ahead of UTC; other things begin
/// with a minus, too.
fn zone(text: &[u8]) -> Option<(usize, i64)> {
    let digits = |at: usize| digit_count(text.get(at..).unwrap_or_default());
    let with_colon = digits(1) == 2 && text.get(3) == Some(&b':') && digits(4) == 2;
    let (length, minute) = match text.first()? {
        b'Z' | b'z' if !text.get(1).is_some_and(u8::is_ascii_alphanumeric) => return Some((1, 0)),
        b'+' | b'-' if with_colon => (6, &text[4..6]),
        b'+' if digits(1) == 4 => (5, &text[3..5]),
        b'+' if digits(1) == 2 => (3, b"00".as_slice()),
        _ => return None,
    };
    let seconds = number(&text[1..3])? * HOUR + number(minute)? * 60;
    Some((length, if text[0] == b'-' { -seconds } else { seconds }))
}

fn within(digits: &[u8], most: i64) -> Option<i64> {
    number(digits).filter(|&number| number <= most)
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn digit_count(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, start: &str) -> usize {
        length(text.as_bytes(), start.parse().ok(), Clocks::Agreeing).unwrap_or(0)
    }

    #[test]
    fn a_clock_agrees_with_the_start_in_some_zone_of_the_world() {
        for (text, start, expected) in [
            ("-02-00", "2026-11-21T02:00:00Z", 6),
            ("-02-00", "2026-11-21T02:02:59Z", 6),
            ("-02-00", "2026-11-21T02:03:00Z", 0),
            ("-02-01", "2026-11-21T02:00:59Z", 0),
            ("-02-00", "2026-11-20T20:30:00Z", 6),
            ("-02-00", "2026-11-20T20:15:00Z", 6),
            ("-02-00", "2026-11-21T02:15:00Z", 0),
            ("-0200", "2026-11-21T01:00:30Z", 5),
            ("-0200", "2026-11-21T01:04:30Z", 0),
            ("-02-00-03", "2026-11-21T01:10:03Z", 9),
            ("-02-00-03", "2026-11-21T01:10:04Z", 0),
            ("-02-00-03", "2026-11-21T01:00:02Z", 0),
            ("_020003+0100", "2026-11-21T01:00:03Z", 12),
            ("_020003+0200", "2026-11-21T01:00:03Z", 7),
            ("_020003Z", "2026-11-21T01:00:03Z", 7),
            ("-02-00-03.645137", "2026-11-21T01:00:03Z", 16),
            ("-02-00-03.101", "2026-11-21T01:00:03Z", 9),
            ("-23-59", "2026-11-21T00:00:10Z", 6),
            ("-24-00", "2026-11-21T00:00:00Z", 0),
            ("-02", "2026-11-21T02:00:00Z", 0),
            ("-02-00", "no date", 0),
        ] {
            assert_eq!(cut(text, start), expected, "{text} {start}");
        }
    }

    #[test]
    fn what_a_t_joins_to_its_date_is_a_clock_by_its_form() {
        for (text, expected) in
            [("T10:21", 6), ("T1021", 5), ("T10", 3), ("T10:21:07.123", 13), ("-T14", 0), ("T24", 0)]
        {
            assert_eq!(cut(text, "2020-01-01T00:00:00Z"), expected, "{text}");
            assert_eq!(length(text.as_bytes(), None, Clocks::ByForm).unwrap_or(0), expected, "{text}");
        }
        assert_eq!(length(b"-02-00", "2026-11-21T02:00:00Z".parse().ok(), Clocks::ByForm), None);
    }
}
