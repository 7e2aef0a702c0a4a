//! How often does a job run, and when exactly?
//!
//! Pure arithmetic on whole seconds: an interval fires at `start + k x interval`, for every whole number `k`. Intervals
//! of one job that coincide are one firing that knows which of them caused it. Nothing here knows what time it is.

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
        let next =
            |interval: &Interval| after.0 + i64::from(interval.as_secs()) - past(*interval, start, after);
        Second(self.0.iter().map(next).min().expect("there is at least one interval"))
    }

    /// The last firing at or before `at`.
    pub(crate) fn last(&self, start: Second, at: Second) -> Second {
        let last = |interval: &Interval| at.0 - past(*interval, start, at);
        Second(self.0.iter().map(last).max().expect("there is at least one interval"))
    }

    /// Which intervals fire at `at`.
    pub(crate) fn affecting(&self, start: Second, at: Second) -> Affecting {
        self.matching(|interval| past(interval, start, at) == 0)
    }

    /// Which intervals fire at least once after `after` and at or before `until`.
    pub(crate) fn affecting_between(&self, start: Second, after: Second, until: Second) -> Affecting {
        self.matching(|interval| until.0 - past(interval, start, until) > after.0)
    }

    /// How many firings lie after `after` and at or before `until`, coinciding ones counted once.
    pub(crate) fn count_between(&self, start: Second, after: Second, until: Second) -> u64 {
        if until <= after {
            return 0;
        }
        // Every firing of a multiple is one of its divisor too.
        let mut essential: Vec<u64> = Vec::new();
        for interval in &self.0 {
            let length = u64::from(interval.as_secs());
            if essential.iter().all(|shorter| !length.is_multiple_of(*shorter)) {
                essential.push(length);
            }
        }
        let span = Span { start: start.0, after: after.0, until: until.0 };
        u64::try_from(span.union(&essential, 1)).unwrap_or(0)
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
    start: i64,
    after: i64,
    until: i64,
}

impl Span {
    /// Inclusion and exclusion over the common multiples of `lengths` with `common`, pruned where none fires.
    fn union(&self, lengths: &[u64], common: u64) -> i64 {
        let mut count = 0;
        for (position, length) in lengths.iter().enumerate() {
            let Some(multiple) = least_common_multiple(common, *length) else { continue };
            let firings = self.firings(multiple);
            if firings > 0 {
                count += firings - self.union(&lengths[position + 1..], multiple);
            }
        }
        count
    }

    fn firings(&self, length: u64) -> i64 {
        let Ok(length) = i64::try_from(length) else {
            // Longer than time itself: it fires at the start alone.
            return i64::from(self.after < self.start && self.start <= self.until);
        };
        let passed = |at: i64| (i128::from(at) - i128::from(self.start)).div_euclid(i128::from(length));
        i64::try_from(passed(self.until) - passed(self.after)).unwrap_or(i64::MAX)
    }
}

/// `None` beyond 64 bits, which is longer than time itself.
fn least_common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).checked_mul(b)
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
