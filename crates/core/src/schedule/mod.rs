//! When are runs planned?
//!
//! A [`Schedule`] is five cron fields in a zone, or an interval with an anchor. It names instants and knows no run, no
//! clock and no zone by name: who reads the configuration brings the [`TimeZone`].

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::{AmbiguousOffset, TimeZone};

use self::fields::{Fields, From};
use crate::time::Seconds;

mod fields;

/// When runs are planned.
///
/// # Where clocks are turned
///
/// Planned instants strictly increase. As in Vixie cron, it matters whether the field of the minute or of the hour begins
/// with `*`:
///
/// - It does not (`30 2 * * *`): planned once per local time. A local time that does not exist is planned at the first
///   instant after the gap, one that exists twice at its first occurrence only.
/// - It does (`*/15 * * * *`, `0 * * * *`, `*/10 2 * * *`): real time goes on. Planned whenever the local clock matches:
///   in both passes of an hour that exists twice, and not at all in an hour that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Plan);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Plan {
    /// Once per matching local time, or whenever the local clock matches.
    Cron { text: Box<str>, fields: Fields, zone: TimeZone },
    /// Every so often from the anchor on, and before it.
    Interval { every: Seconds, anchor: Timestamp },
}

/// What a schedule is made of: with it, the same schedule is made again.
#[derive(Clone, Copy, Debug)]
pub enum Spelling<'a> {
    /// For [`Schedule::parse_cron`]: five fields, one blank between them, and their zone.
    Cron(&'a str, &'a TimeZone),
    /// For [`Schedule::every`]: the interval and its anchor.
    Every(Seconds, Timestamp),
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// There are not five fields.
    #[error("{0:?} is no schedule; write five fields: minute, hour, day of month, month, day of week")]
    FieldCount(String),
    /// A field cannot be read.
    #[error(
        "{text:?} is no {field}; write numbers from {least} to {most}, names, *, lists, ranges and steps, such as \
         */15, 1-5 or mon,fri"
    )]
    Field {
        /// Which field.
        field: &'static str,
        /// What was written.
        text: String,
        /// The least number it may hold.
        least: u32,
        /// The largest number it may hold.
        most: u32,
    },
    /// No day ever matches.
    #[error("{0:?} never happens; write days that the months have")]
    Never(String),
    /// The interval has no length.
    #[error("an interval of 0 s never ends; write 1 s or more")]
    NoLength,
}

/// Where the search begins that tells whether a schedule ever happens.
const SEARCH_START: DateTime = date(2000, 1, 1).at(0, 0, 0, 0);

impl Schedule {
    /// Reads five cron fields, separated by blanks: minute, hour, day of month, month, day of week (0 and 7 are Sunday).
    /// Each holds `*`, numbers, names, lists, ranges or steps. Where both the day of month and the day of week are
    /// restricted, a day that matches one of them is enough. A schedule that never happens is an error.
    pub fn parse_cron(text: &str, zone: TimeZone) -> Result<Self, InvalidSchedule> {
        let fields = Fields::parse(text)?;
        if fields.next(SEARCH_START, From::Here).is_none() {
            return Err(InvalidSchedule::Never(quoted(text)));
        }
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        Ok(Self(Plan::Cron { text: words.join(" ").into(), fields, zone }))
    }

    /// Plans a run at the anchor and every so often before and after it.
    pub fn every(interval: Seconds, anchor: Timestamp) -> Result<Self, InvalidSchedule> {
        if interval.0 == 0 {
            return Err(InvalidSchedule::NoLength);
        }
        Ok(Self(Plan::Interval { every: interval, anchor }))
    }

    /// Returns what it is made of.
    pub fn spelling(&self) -> Spelling<'_> {
        match &self.0 {
            Plan::Cron { text, zone, .. } => Spelling::Cron(text, zone),
            Plan::Interval { every, anchor } => Spelling::Every(*every, *anchor),
        }
    }

    /// Returns the first planned instant after `instant`; `None` only where it lies beyond the year 9999.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Plan::Cron { fields, zone, .. } if fields.is_real_time => next_real_time(fields, zone, instant),
            Plan::Cron { fields, zone, .. } => next_local_time(fields, zone, instant),
            Plan::Interval { every, anchor } => next_of_interval(*every, *anchor, instant),
        }
    }

    /// Walks the planned instants after `after` up to and including `until`, in rising order.
    pub fn planned_between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let within = move |planned: &Timestamp| *planned <= until;
        let first = self.next_after(after).filter(within);
        std::iter::successors(first, move |&last| self.next_after(last).filter(within))
    }
}

/// Local times are tried in rising order; each stands for one instant, and these never decrease. Those that stand for an
/// instant that is not later are skipped: the second pass of an hour that exists twice, the rest of a gap.
fn next_local_time(fields: &Fields, zone: &TimeZone, instant: Timestamp) -> Option<Timestamp> {
    let mut local = zone.to_datetime(instant);
    loop {
        local = fields.next(local, From::After)?;
        let planned = instant_of(local, zone)?;
        if planned > instant {
            return Some(planned);
        }
    }
}

/// The instant that a local time stands for: its first occurrence, or the first instant after the gap it lies in.
fn instant_of(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that follows, a time in a gap lies before the turn of the clock that makes the gap.
            let before_gap = after.to_timestamp(local).ok()?;
            zone.following(before_gap).next().map(|turn| turn.timestamp())
        }
    }
}

/// Between two turns of the clock local time runs evenly: each stretch is searched on its own.
fn next_real_time(fields: &Fields, zone: &TimeZone, instant: Timestamp) -> Option<Timestamp> {
    let (mut start, mut from) = (instant, From::After);
    loop {
        let offset = zone.to_offset(start);
        let local = fields.next(offset.to_datetime(start), from)?;
        let planned = offset.to_timestamp(local).ok()?;
        match zone.following(start).next().map(|turn| turn.timestamp()) {
            Some(turn) if planned >= turn => (start, from) = (turn, From::Here),
            Some(_) | None => return Some(planned),
        }
    }
}

fn next_of_interval(every: Seconds, anchor: Timestamp, instant: Timestamp) -> Option<Timestamp> {
    let step = every.duration().as_nanos();
    let passed = instant.duration_since(anchor).as_nanos();
    let count = passed.div_euclid(step) + 1;
    Timestamp::from_nanosecond(anchor.as_nanosecond() + count * step).ok()
}

/// As much of a text as an error shows.
fn quoted(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
