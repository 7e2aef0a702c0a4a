//! How often does a job run, and when exactly?
//!
//! Pure arithmetic on whole seconds: an interval fires at `start + k x interval`, for every whole number `k`. Intervals
//! of one job that coincide are one firing that knows which of them caused it. Nothing here knows what time it is.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use crate::clock::Second;

/// How often something happens: whole seconds, at least one, at most 2^32 - 1 (136 years).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval(NonZeroU32);

impl Interval {
    /// Takes whole seconds.
    pub fn from_secs(seconds: i64) -> Result<Self, IntervalError> {
        u32::try_from(seconds)
            .ok()
            .and_then(NonZeroU32::new)
            .map(Self)
            .ok_or(IntervalError::OutOfRange(seconds))
    }

    /// Its length in seconds.
    pub const fn as_secs(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// Why intervals cannot be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    /// Not a number of seconds one can wait.
    #[error("an interval of {0} s cannot be scheduled; it must be from 1 to 4294967295 s")]
    OutOfRange(i64),
    /// No interval at all.
    #[error("it has no interval; give at least one, in seconds")]
    None,
    /// More than can be told apart in one firing.
    #[error("it has {0} different intervals; at most {max} are possible, split the job", max = Intervals::MAX)]
    TooMany(usize),
}

/// The intervals of one job: at least one, each once, the shortest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Intervals(Box<[Interval]>);

impl Intervals {
    /// How many different intervals one job may have.
    pub const MAX: usize = 32;

    /// Takes intervals in seconds, in any order, repeated ones once.
    pub fn new(seconds: impl IntoIterator<Item = i64>) -> Result<Self, IntervalError> {
        let mut intervals = seconds.into_iter().map(Interval::from_secs).collect::<Result<Vec<_>, _>>()?;
        intervals.sort_unstable();
        intervals.dedup();
        match intervals.len() {
            0 => Err(IntervalError::None),
            count if count > Self::MAX => Err(IntervalError::TooMany(count)),
            _ => Ok(Self(intervals.into_boxed_slice())),
        }
    }

    /// The intervals, the shortest first.
    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    /// The first firing after `after`.
    pub fn next(&self, start: Second, after: Second) -> Second {
        let next = |interval: &Interval| {
            after.0.saturating_add(i64::from(interval.as_secs()) - past(*interval, start, after))
        };
        Second(self.0.iter().map(next).min().expect("there is at least one interval"))
    }

    /// The last firing at or before `at`.
    pub(crate) fn last(&self, start: Second, at: Second) -> Second {
        let last = |interval: &Interval| at.0.saturating_sub(past(*interval, start, at));
        Second(self.0.iter().map(last).max().expect("there is at least one interval"))
    }

    /// Which intervals fire at `at`.
    pub(crate) fn affecting(&self, start: Second, at: Second) -> Affecting {
        self.matching(|interval| past(interval, start, at) == 0)
    }

    /// Which intervals fire at least once after `after` and at or before `until`.
    pub(crate) fn affecting_between(&self, start: Second, after: Second, until: Second) -> Affecting {
        self.matching(|interval| until.0.saturating_sub(past(interval, start, until)) > after.0)
    }

    /// How many firings lie after `after` and at or before `until`, coinciding ones counted once; from 2^32 - 1 on it
    /// says that.
    pub(crate) fn count_between(&self, start: Second, after: Second, until: Second) -> u32 {
        if until <= after {
            return 0;
        }
        if after < start && start <= until {
            // Where all meet, every common multiple would count, and there may be 2^32 of them.
            let before = self.count_apart(&Span { start, after, until: Second(start.0 - 1) });
            return before.saturating_add(1).saturating_add(self.count_apart(&Span {
                start,
                after: start,
                until,
            }));
        }
        self.count_apart(&Span { start, after, until })
    }

    /// The same for a span in which the start does not lie.
    fn count_apart(&self, span: &Span) -> u32 {
        if span.firings(u64::from(self.0[0].as_secs())) >= u64::from(u32::MAX) {
            return u32::MAX;
        }
        // Inclusion and exclusion: how often each common multiple counts, in all. Those that do not fire in the span are
        // left out, as their multiples do not either; at most one may be longer than the span.
        let mut weights = BTreeMap::<u64, i64>::new();
        for interval in &self.0 {
            let length = u64::from(interval.as_secs());
            // Every firing of a multiple is one of its divisor too.
            if self.0.iter().any(|other| other < interval && length.is_multiple_of(other.as_secs().into())) {
                continue;
            }
            let known: Vec<_> = weights.iter().map(|(multiple, weight)| (*multiple, *weight)).collect();
            for (multiple, weight) in std::iter::once((1, -1)).chain(known) {
                let multiple = least_common_multiple(multiple, length);
                if span.firings(multiple) > 0 {
                    *weights.entry(multiple).or_default() -= weight;
                }
            }
        }
        let weighed = |(multiple, weight)| i128::from(weight) * i128::from(span.firings(multiple));
        let count: i128 = weights.into_iter().map(weighed).sum();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn matching(&self, is_met: impl Fn(Interval) -> bool) -> Affecting {
        let met = |mask, (position, interval): (usize, &Interval)| {
            if is_met(*interval) { mask | 1 << position } else { mask }
        };
        Affecting(self.0.iter().enumerate().fold(0, met))
    }
}

/// How many seconds have passed at `at` since the interval fired last.
fn past(interval: Interval, start: Second, at: Second) -> i64 {
    let length = i64::from(interval.as_secs());
    // Both remainders first: the difference of two far instants might not fit.
    (at.0.rem_euclid(length) - start.0.rem_euclid(length)).rem_euclid(length)
}

/// A half-open range of seconds whose firings are counted.
struct Span {
    start: Second,
    after: Second,
    until: Second,
}

impl Span {
    fn firings(&self, length: u64) -> u64 {
        let passed = |at: Second| (i128::from(at.0) - i128::from(self.start.0)).div_euclid(length.into());
        u64::try_from(passed(self.until) - passed(self.after)).unwrap_or(u64::MAX)
    }
}

/// Beyond 64 bits all are one, which is longer than time itself.
fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

/// Which intervals of a job caused a firing: one bit for each, the shortest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Affecting(pub(crate) u32);

impl Affecting {
    /// Both together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The intervals themselves, the shortest first.
    pub(crate) fn of(self, intervals: &Intervals) -> impl Iterator<Item = Interval> + '_ {
        let is_set = move |(position, _): &(usize, &Interval)| self.0 & 1 << *position != 0;
        intervals.as_slice().iter().enumerate().filter(is_set).map(|(_, interval)| *interval)
    }
}

#[cfg(test)]
mod tests;
