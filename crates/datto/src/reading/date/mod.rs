//! Which instant does a text of a feed mean?
//!
//! The XML feeds write local times without a zone: which zone is a setting, and it may differ per appliance. So a text
//! is first read as what it says ([`parse`]) and becomes an instant when the zone is known ([`Written::resolve`]).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use lastgood_core::observation::{Evidence, Stated};
use lastgood_core::time::FUTURE_TOLERANCE;

/// The latest instant that means "never", in seconds since 1970: the feeds write Unix 0 shown in their zone, and a day
/// covers every zone.
const NEVER_UNTIL_SECONDS: i64 = 86_400;

/// From this number on an epoch counts milliseconds and not seconds (as seconds it would lie beyond the year 33 000).
const FIRST_MILLISECONDS: i128 = 1_000_000_000_000;

/// From this day on a local time may lie beyond the last instant there is.
const LAST_DAYS: Date = Date::constant(9999, 12, 30);

/// A zone, and the stretch of local times around an instant in which it keeps one offset.
///
/// Nearly every date of a fleet lies in that stretch, and is read without asking the zone.
#[derive(Clone, Debug)]
pub struct Season {
    zone: TimeZone,
    /// From, until and the offset between; a day away from every change of clocks, so that no local time in it exists
    /// twice or not at all.
    steady: Option<(DateTime, DateTime, Offset)>,
}

impl Season {
    /// The season of a zone around an instant.
    pub fn around(zone: &TimeZone, at: Timestamp) -> Self {
        let offset = zone.to_offset(at);
        let local = |instant: Timestamp| offset.to_datetime(instant);
        let day = SignedDuration::from_hours(24);
        // A change at this very instant is the last one: its offset holds already.
        let after = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
        let last = zone.preceding(after).next().map(|change| change.timestamp());
        let next = zone.following(at).next().map(|change| change.timestamp());
        let from = last.map_or(Some(DateTime::MIN), |last| last.checked_add(day).ok().map(local));
        let until = next.map_or(Some(DateTime::MAX), |next| next.checked_sub(day).ok().map(local));
        Self { zone: zone.clone(), steady: from.zip(until).map(|(from, until)| (from, until, offset)) }
    }

    fn resolve(&self, local: DateTime, at: Timestamp) -> (Option<Timestamp>, Remark) {
        match self.steady {
            Some((from, until, offset)) if from <= local && local < until && local.date() < LAST_DAYS => {
                (offset.to_timestamp(local).ok(), Remark::Plain)
            }
            _ => resolve_local(local, &self.zone, at),
        }
    }
}

/// What a date text says, before its zone is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Written {
    /// Nothing stands there.
    #[default]
    Missing,
    /// A spelling of never that needs no zone.
    Never,
    /// Something that is no date.
    Unreadable,
    /// An instant: seconds since 1970, or a text with an offset.
    Instant(Timestamp),
    /// A local time without a zone, plus so many seconds (a seconds field of 60 is the next full minute).
    Local(DateTime, bool),
}

/// How a local time became an instant, where that needs saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Nothing to say.
    Plain,
    /// The local time exists twice that day; read as the later instant.
    TwiceLater,
    /// The local time exists twice that day; read as the earlier instant, as the later one lies in the future.
    TwiceEarlier,
    /// The local time does not exist that day; read with the offset before the change.
    Skipped,
}

impl Remark {
    /// Says it in words; empty for [`Remark::Plain`].
    pub const fn note(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::TwiceLater => "exists twice that day, read as the later instant",
            Self::TwiceEarlier => {
                "exists twice that day, read as the earlier instant: the later is in the future"
            }
            Self::Skipped => "does not exist that day, read with the offset before the change",
        }
    }
}

impl Written {
    /// Says that something was read as never which does not say so plainly; empty for everything else. The spelling of
    /// never that the feeds use is a local time, and plain.
    pub const fn note(self) -> &'static str {
        match self {
            Self::Unreadable => "is no date, read as never",
            Self::Never => "is zero, read as never",
            Self::Missing | Self::Instant(_) | Self::Local(..) => "",
        }
    }

    /// Makes an instant of it. Never is every instant up to one day after 1970 began. A local time that exists twice is
    /// the later instant, unless that lies more than five minutes ahead of `at`.
    pub fn resolve(self, zone: &TimeZone, at: Timestamp) -> (Stated<Timestamp>, Remark) {
        self.resolve_in(&Season { zone: zone.clone(), steady: None }, at)
    }

    /// The same, for many dates of one zone.
    pub fn resolve_in(self, season: &Season, at: Timestamp) -> (Stated<Timestamp>, Remark) {
        let (instant, remark) = match self {
            Self::Missing => return (Stated::Missing, Remark::Plain),
            Self::Never => return (Stated::Never, Remark::Plain),
            Self::Unreadable => return (Stated::Unreadable, Remark::Plain),
            Self::Instant(instant) => (Some(instant), Remark::Plain),
            Self::Local(local, next_minute) => {
                let more = carried(next_minute);
                // Which of two instants it is depends on where they lie once the minute is added.
                let (instant, remark) = season.resolve(local, at.saturating_sub(more).unwrap_or(at));
                (instant.and_then(|instant| instant.checked_add(more).ok()), remark)
            }
        };
        match instant {
            None => (Stated::Unreadable, Remark::Plain),
            Some(instant) if instant.as_second() <= NEVER_UNTIL_SECONDS => (Stated::Never, Remark::Plain),
            Some(instant) => (Stated::Value(instant), remark),
        }
    }

    /// Says what had to be decided about a local time, if anything; its line is no longer known.
    pub fn evidence(self, field: &'static str, remark: Remark) -> Option<Evidence> {
        match self {
            Self::Local(local, _) if remark != Remark::Plain => {
                Some(Evidence::new(field, None, &local.to_string(), remark.note()))
            }
            Self::Local(..) | Self::Missing | Self::Never | Self::Unreadable | Self::Instant(_) => None,
        }
    }
}

/// Makes an instant of a local time. The last hours of the year 9999 lie beyond the calendar in western zones: they are
/// its last instant, which is as far ahead, and not an unreadable text.
fn resolve_local(local: DateTime, zone: &TimeZone, at: Timestamp) -> (Option<Timestamp>, Remark) {
    if local.date() >= LAST_DAYS {
        return (Some(Timestamp::MAX), Remark::Plain);
    }
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset.to_timestamp(local).ok(), Remark::Plain),
        AmbiguousOffset::Gap { before, .. } => (before.to_timestamp(local).ok(), Remark::Skipped),
        AmbiguousOffset::Fold { before, after } => {
            let later = after.to_timestamp(local).ok();
            if later.is_some_and(|later| later.duration_since(at) > FUTURE_TOLERANCE) {
                (before.to_timestamp(local).ok(), Remark::TwiceEarlier)
            } else {
                (later, Remark::TwiceLater)
            }
        }
    }
}

/// What a seconds field of 60 adds to its minute.
const fn carried(next_minute: bool) -> SignedDuration {
    if next_minute { SignedDuration::from_mins(1) } else { SignedDuration::ZERO }
}

/// Reads a date text: `Y-M-D h:m:s` with `-` or `/`, padded or not, a blank, several or `T` between, seconds and their
/// fraction optional, followed by nothing, an offset (`Z`, `-04:00`, `-0400`) or a zone letters group (`UTC`, `GMT`,
/// `EST`, `EDT` and the other North American ones); or a number of seconds (or milliseconds) since 1970.
pub fn parse(text: &str) -> Written {
    let text = super::trim(text);
    if let Some(local) = parse_usual(text.as_bytes()) {
        return Written::Local(local, false);
    }
    match text {
        "" => return Written::Missing,
        _ if text.bytes().all(|byte| byte == b'0') => return Written::Never,
        _ => {}
    }
    let bare = text.strip_prefix('-').unwrap_or(text);
    if bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return parse_epoch(text);
    }
    parse_parts(text).unwrap_or(Written::Unreadable)
}

/// Reads what [`parse`] reads, and a date without a time as the start of that day.
pub fn parse_day(text: &str) -> Written {
    match parse(text) {
        Written::Unreadable => {
            let mut rest = text.trim();
            let date = parse_date(&mut rest).filter(|_| rest.is_empty());
            date.map_or(Written::Unreadable, |(year, month, day)| local(year, month, day, Time::midnight()))
        }
        written => written,
    }
}

/// The spelling nearly every value has, `YYYY-MM-DD HH:MM:SS`, read without detours.
fn parse_usual(text: &[u8]) -> Option<DateTime> {
    let &[y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b' ', h1, h2, b':', m1, m2, b':', s1, s2] = text else {
        return None;
    };
    let digits = [y1, y2, y3, y4, o1, o2, d1, d2, h1, h2, m1, m2, s1, s2];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok();
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    let date = Date::new(year, two(o1, o2)?, two(d1, d2)?).ok()?;
    Some(date.to_datetime(Time::new(two(h1, h2)?, two(m1, m2)?, two(s1, s2)?, 0).ok()?))
}

/// Reads a number as an instant: seconds since 1970, milliseconds from [`FIRST_MILLISECONDS`] on. Zero and less is
/// never.
fn parse_epoch(text: &str) -> Written {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Ok(number) = whole.parse::<i128>() else { return Written::Unreadable };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Written::Unreadable;
    }
    if number <= 0 {
        return Written::Never;
    }
    epoch(number).map_or(Written::Unreadable, Written::Instant)
}

/// Makes an instant of a number of seconds, or of milliseconds if it is that large. Seconds beyond the year 9999 are the
/// last instant there is, milliseconds beyond it `None`.
pub fn epoch(number: i128) -> Option<Timestamp> {
    let number_64 = i64::try_from(number).ok()?;
    if number >= FIRST_MILLISECONDS {
        Timestamp::from_millisecond(number_64).ok()
    } else {
        Some(Timestamp::from_second(number_64).unwrap_or(Timestamp::MAX))
    }
}

/// Reads every spelling with separators.
fn parse_parts(text: &str) -> Option<Written> {
    let mut rest = text;
    let (year, month, day) = parse_date(&mut rest)?;
    let after_date = rest.trim_start();
    let after_t = after_date.strip_prefix(['T', 't']);
    if after_t.is_none() && after_date.len() == rest.len() {
        return None;
    }
    rest = after_t.unwrap_or(after_date);
    let hour = parse_field(&mut rest, 2)?;
    rest = rest.strip_prefix(':')?;
    let minute = parse_field(&mut rest, 2)?;
    let (second, nanosecond) = parse_seconds(&mut rest)?;
    if (year, month, day) == (0, 0, 0) {
        return Some(Written::Never);
    }
    let next_minute = second == 60;
    let second = if next_minute { 0 } else { second };
    let time = Time::new(narrow(hour)?, narrow(minute)?, narrow(second)?, nanosecond).ok()?;
    let time = if next_minute { time.with().subsec_nanosecond(0).build().ok()? } else { time };
    let date = Date::new(i16::try_from(year).ok()?, narrow(month)?, narrow(day)?).ok()?;
    let written = date.to_datetime(time);
    match rest.trim() {
        "" => Some(Written::Local(written, next_minute)),
        zone => {
            let zone = parse_zone(zone)?;
            if written.date() >= LAST_DAYS {
                return Some(Written::Instant(Timestamp::MAX));
            }
            let instant = zone.to_timestamp(written).ok()?;
            instant.checked_add(carried(next_minute)).ok().map(Written::Instant)
        }
    }
}

fn parse_date(rest: &mut &str) -> Option<(i32, i32, i32)> {
    let year_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if year_digits != 4 {
        return None;
    }
    let year = parse_field(rest, 4)?;
    let separator = rest.chars().next().filter(|separator| matches!(separator, '-' | '/'))?;
    *rest = &rest[1..];
    let month = parse_field(rest, 2)?;
    *rest = rest.strip_prefix(separator)?;
    let day = parse_field(rest, 2)?;
    Some((year, month, day))
}

fn local(year: i32, month: i32, day: i32, time: Time) -> Written {
    let date = || Date::new(i16::try_from(year).ok()?, narrow(month)?, narrow(day)?).ok();
    match date() {
        _ if (year, month, day) == (0, 0, 0) => Written::Never,
        Some(date) => Written::Local(date.to_datetime(time), false),
        None => Written::Unreadable,
    }
}

/// Takes 1 to `max_digits` digits off the front.
fn parse_field(rest: &mut &str, max_digits: usize) -> Option<i32> {
    let digits = rest.bytes().take(max_digits).take_while(u8::is_ascii_digit).count();
    let (field, behind) = rest.split_at(digits);
    *rest = behind;
    field.parse().ok()
}

/// Takes `:ss` and `.fff` off the front, where they stand. Digits beyond nanoseconds are cut.
fn parse_seconds(rest: &mut &str) -> Option<(i32, i32)> {
    let Some(behind) = rest.strip_prefix(':') else { return Some((0, 0)) };
    *rest = behind;
    let second = parse_field(rest, 2)?;
    let Some(behind) = rest.strip_prefix(['.', ',']) else { return Some((second, 0)) };
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let nanosecond = format!("{:0<9.9}", &behind[..digits]).parse().ok()?;
    *rest = &behind[digits..];
    Some((second, nanosecond))
}

/// Reads an offset or a group of zone letters. The letters are those of RFC 5322, which names no others.
fn parse_zone(zone: &str) -> Option<Offset> {
    let hours = match zone.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" | "UT" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return parse_offset(zone),
    };
    Some(Offset::constant(hours))
}

/// Reads `+hh`, `+hhmm` and `+hh:mm`.
fn parse_offset(zone: &str) -> Option<Offset> {
    let negative = zone.starts_with('-');
    let digits = zone.strip_prefix(['+', '-'])?.replacen(':', "", 1);
    let well_formed = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

fn narrow(number: i32) -> Option<i8> {
    i8::try_from(number).ok()
}

#[cfg(test)]
mod tests;
