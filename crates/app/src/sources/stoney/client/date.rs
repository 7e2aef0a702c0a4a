//! Which instants may a date of a client mean?
//!
//! The wall time is right in both families of clients, the offset behind it is often wrong. What a wrong offset can only
//! have meant is repaired; where two meanings are left, both are kept. Nothing here knows a clock, or chooses between
//! two meanings. The ways in which offsets go wrong: emulated routines of both clients, see `docs/sources/stoney.md`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use lastgood_core::time::{Elapsed, elapsed};

/// Which program wrote a file, as far as the offsets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// It subtracts hours of the day without looking at the date: offsets are a day off at times.
    Perl,
    /// It keeps seconds in 32 bits without a sign: offsets west of Greenwich wrap around.
    Other,
}

/// Which instants a date may mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dates {
    /// No date is stated.
    #[default]
    Missing,
    /// What is stated cannot be read; the raw text is among the evidence.
    Unreadable,
    /// Its wall time can be read, its offset cannot have been meant: this instant at the latest.
    AtLatest(Timestamp),
    /// This one.
    One(Timestamp),
    /// One of these two, a day apart, the earlier one first.
    Two(Timestamp, Timestamp),
}

impl Dates {
    /// True if it may mean an instant ahead of `at` by more than clocks differ.
    pub fn may_be_ahead(&self, at: Timestamp) -> bool {
        match *self {
            Self::Missing | Self::Unreadable => true,
            Self::AtLatest(latest) | Self::One(latest) | Self::Two(_, latest) => {
                elapsed(latest, at) == Elapsed::Ahead
            }
        }
    }

    /// Returns the earliest instant it may mean.
    pub const fn earliest(&self) -> Option<Timestamp> {
        match *self {
            Self::Missing | Self::Unreadable | Self::AtLatest(_) => None,
            Self::One(at) | Self::Two(at, _) => Some(at),
        }
    }
}

/// Which offsets a text may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// This one.
    One(Offset),
    /// One of these two, a day apart, the smaller one first.
    Two(Offset, Offset),
}

impl Offsets {
    /// Walks them.
    pub fn iter(&self) -> impl Iterator<Item = Offset> + use<> {
        let (first, second) = match *self {
            Self::One(offset) => (offset, None),
            Self::Two(first, second) => (first, Some(second)),
        };
        [Some(first), second].into_iter().flatten()
    }
}

/// What was read, and how if not plainly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repaired<T> {
    pub(super) value: T,
    pub(super) note: Option<&'static str>,
}

/// The offsets there are: UTC-12:00 to UTC+14:00, in minutes.
const LEAST_MINUTES: i32 = -12 * 60;
const MOST_MINUTES: i32 = 14 * 60;

const DAY_MINUTES: i32 = 24 * 60;

/// What is left of 2^32 seconds in whole minutes: an offset that wrapped around is this much too large.
const WRAPPED_MINUTES: i64 = 71_582_788;

/// More hours than this are an offset that wrapped around.
const WRAPPED_MIN_HOURS: i64 = 1000;

/// Reads an offset, such as `+01:00`; `None` if it cannot have meant any.
///
/// 1. `Z`, `+00:00` and `-00:00` are UTC.
/// 2. More than 1000 hours: the offset wrapped around, and is unwrapped.
/// 3. Minutes of three digits are tenths of what was meant.
/// 4. Below -12:00 or above +14:00 it is a day off.
/// 5. Where it is neither, but could be a day off and still be an offset there is, a Perl client may mean either.
pub(super) fn offsets(text: &str, family: Family) -> Option<Repaired<Offsets>> {
    if text == "Z" {
        return Some(Repaired { value: Offsets::One(Offset::UTC), note: None });
    }
    let (sign, hours, minutes) = parts(text)?;
    if hours > WRAPPED_MIN_HOURS {
        return unwrapped(sign, hours, &minutes);
    }
    let written = sign * i32::try_from(hours * 60 + minutes.value()?).ok()?;
    let moved = match written {
        ..LEAST_MINUTES => written + DAY_MINUTES,
        LEAST_MINUTES..=MOST_MINUTES => written,
        _ => written - DAY_MINUTES,
    };
    let value = match other_meaning(written, family) {
        Some(other) => Offsets::Two(offset(moved.min(other))?, offset(moved.max(other))?),
        None => Offsets::One(offset(moved)?),
    };
    let note = match (minutes.are_tenths, matches!(value, Offsets::Two(..)), moved != written) {
        (false, false, false) => None,
        (true, false, false) => Some("minutes of the offset divided by ten"),
        (false, false, true) => Some("offset moved by 24 h, which the client lost"),
        (true, false, true) => {
            Some("offset moved by 24 h, which the client lost; its minutes divided by ten")
        }
        (false, true, _) => Some("the offset may be 24 h off: either is possible"),
        (true, true, _) => Some("the offset may be 24 h off: either is possible; its minutes divided by ten"),
    };
    Some(Repaired { value, note })
}

/// The minutes of an offset as written.
struct Minutes {
    digits: i64,
    are_tenths: bool,
}

impl Minutes {
    /// Below 60, or `None`.
    fn value(&self) -> Option<i64> {
        let minutes = match self.are_tenths {
            true if self.digits % 10 != 0 => return None,
            true => self.digits / 10,
            false => self.digits,
        };
        (minutes < 60).then_some(minutes)
    }
}

/// Splits `-18:150` into its sign, hours and minutes.
fn parts(text: &str) -> Option<(i32, i64, Minutes)> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    if !(2..=9).contains(&hours.len()) || !(2..=3).contains(&minutes.len()) {
        return None;
    }
    Some((sign, number(hours)?, Minutes { digits: number(minutes)?, are_tenths: minutes.len() == 3 }))
}

fn unwrapped(sign: i32, hours: i64, minutes: &Minutes) -> Option<Repaired<Offsets>> {
    if sign < 0 || minutes.are_tenths {
        return None;
    }
    let total = hours * 60 + minutes.value()? - WRAPPED_MINUTES;
    let value = Offsets::One(offset(i32::try_from(total).ok()?)?);
    Some(Repaired { value, note: Some("offset wrapped around 32 bits; unwrapped") })
}

/// What else a Perl client may have meant by an offset that there is.
fn other_meaning(written: i32, family: Family) -> Option<i32> {
    const EAST_MIN_MINUTES: i32 = LEAST_MINUTES + DAY_MINUTES;
    const WEST_MAX_MINUTES: i32 = MOST_MINUTES - DAY_MINUTES;
    match (family, written) {
        (Family::Perl, LEAST_MINUTES..=WEST_MAX_MINUTES) => Some(written + DAY_MINUTES),
        (Family::Perl, EAST_MIN_MINUTES..=MOST_MINUTES) => Some(written - DAY_MINUTES),
        (Family::Perl | Family::Other, _) => None,
    }
}

fn offset(minutes: i32) -> Option<Offset> {
    let is_known = (LEAST_MINUTES..=MOST_MINUTES).contains(&minutes);
    is_known.then(|| Offset::from_seconds(minutes * 60).ok()).flatten()
}

/// What is said of an offset that cannot be repaired.
const NO_OFFSET: &str = "its offset cannot have been meant, so that only its wall time is known";

/// How long a wall time is, in bytes: `2022-03-22T16:37:40`.
const WALL_BYTES: usize = 19;

/// Reads a date, such as `2022-03-22T16:37:40+01:00`; `None` if it is none.
pub(super) fn dates(text: &str, family: Family) -> Option<Repaired<Dates>> {
    let (wall, rest) = text.split_at_checked(WALL_BYTES)?;
    let wall = wall_time(wall)?;
    let Some(Repaired { value, note }) = offsets(rest, family) else {
        let latest = offset(LEAST_MINUTES)?.to_timestamp(wall).ok()?;
        return Some(Repaired { value: Dates::AtLatest(latest), note: Some(NO_OFFSET) });
    };
    let instant = |offset: Offset| offset.to_timestamp(wall).ok();
    let value = match value {
        Offsets::One(offset) => Dates::One(instant(offset)?),
        // The larger offset means the earlier instant.
        Offsets::Two(smaller, larger) => Dates::Two(instant(larger)?, instant(smaller)?),
    };
    Some(Repaired { value, note })
}

fn wall_time(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let small = |number: i64| i8::try_from(number).ok();
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(date.to_datetime(time))
}

/// Reads three numbers of so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut found = [0; 3];
    let mut parts = text.split(separator);
    for (found, digits) in found.iter_mut().zip(digits) {
        *found = number(parts.next().filter(|part| part.len() == digits)?)?;
    }
    parts.next().is_none().then_some(found)
}

/// Digits only: no sign, no blank.
fn number(text: &str) -> Option<i64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}
