//! What is a job, and what is one call of it told?
//!
//! A job is described by its collector at every refresh; the engine compares the descriptions and keeps what did not
//! change. Nothing here knows when anything runs.

use std::fmt;
use std::future::Future;
use std::hash::Hasher;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use crate::Collector;
use crate::clock::Second;
use crate::failure::Failure;
use crate::interval::{Affecting, Interval, IntervalError, Intervals};
use crate::sample::Sample;

/// What one run gave.
pub type Outcome = Result<Vec<Sample>, Failure>;

/// A perform function of a job's own; see [`Job::performed_by`].
pub type Perform<C> = for<'a> fn(&'a C, &'a Call<C>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Where the firings of a job lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// A start that follows from the id: spread evenly over the interval, the same after a restart.
    #[default]
    FromId,
    /// The second in which the job is first seen, and again when its intervals changed: the first run comes one interval
    /// later.
    AtCreation,
    /// A given second; 0 aligns to the epoch, so that an interval of an hour fires on the hour. It aligns and does not
    /// postpone: a start that lies ahead has firings before it.
    At(Second),
}

/// A unit of polling as its collector describes it.
pub struct Job<C: Collector> {
    pub(crate) id: Box<str>,
    pub(crate) intervals: Result<Intervals, IntervalError>,
    pub(crate) phase: Phase,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) scope: Option<Box<str>>,
    pub(crate) group: Option<(Box<str>, u32)>,
    pub(crate) perform: Option<Perform<C>>,
    pub(crate) spec: C::Spec,
}

impl<C: Collector> Job<C> {
    /// A job with a permanent id, its intervals in seconds and its parameters.
    ///
    /// The id says which job of the last refresh this is. Intervals may repeat; without any, or with one below 1, this
    /// one job is refused when it is offered, and that is logged.
    pub fn new(id: impl Into<Box<str>>, intervals: impl IntoIterator<Item = i64>, spec: C::Spec) -> Self {
        Self {
            id: id.into(),
            intervals: Intervals::new(intervals),
            phase: Phase::FromId,
            deadline: None,
            scope: None,
            group: None,
            perform: None,
            spec,
        }
    }

    /// Aligns its firings to a second: they lie at `start_at + k x interval`.
    #[must_use]
    pub fn start_at(self, start_at: Second) -> Self {
        self.phase(Phase::At(start_at))
    }

    /// Says where its firings lie; [`Phase::FromId`] unless said.
    #[must_use]
    pub fn phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// Says how long one run may take; the engine's own deadline unless said.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(Deadline::new(deadline)), ..self }
    }

    /// Says which part of the listing it comes from (an account), for [`Jobs::keep`](crate::Jobs::keep).
    #[must_use]
    pub fn scope(self, scope: impl fmt::Display) -> Self {
        Self { scope: Some(scope.to_string().into()), ..self }
    }

    /// Puts it into a group (a host, a source) of which at most `running_max` run at once; the limit stated last holds
    /// for the whole group, and one of 0 counts as 1.
    #[must_use]
    pub fn group(self, group: impl fmt::Display, running_max: u32) -> Self {
        Self { group: Some((group.to_string().into(), running_max.max(1))), ..self }
    }

    /// Lets it be performed by this function instead of [`Collector::perform`].
    #[must_use]
    pub fn performed_by(self, perform: Perform<C>) -> Self {
        Self { perform: Some(perform), ..self }
    }

    /// Its permanent id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl<C: Collector> fmt::Debug for Job<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters may hold a password.
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("intervals", &self.intervals)
            .finish_non_exhaustive()
    }
}

/// The start of a job whose phase follows from its id: the same on every machine and in every version of this crate.
pub(crate) fn start_from_id(id: &str) -> Second {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    // Of the order of the longest interval, so that every interval is met evenly.
    Second((hasher.finish() >> 32).cast_signed())
}

/// What the engine keeps of a job and hands to its runs.
pub(crate) struct Kept<C: Collector> {
    pub(crate) id: Box<str>,
    /// Shared by all jobs of the same intervals.
    pub(crate) intervals: Arc<Intervals>,
    pub(crate) perform: Option<Perform<C>>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) spec: C::Spec,
}

/// A deadline in the space of four bytes: there may be a million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(NonZeroU32);

impl Deadline {
    /// Rounds to milliseconds: at least one, at most 49 days.
    pub(crate) fn new(duration: Duration) -> Self {
        let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(millis).unwrap_or(NonZeroU32::MIN))
    }

    pub(crate) fn get(self) -> Duration {
        Duration::from_millis(self.0.get().into())
    }
}

/// One call of a job.
pub struct Call<C: Collector> {
    pub(crate) kept: Arc<Kept<C>>,
    pub(crate) affecting: Affecting,
    pub(crate) scheduled_at: Second,
    pub(crate) missed_count: u64,
}

impl<C: Collector> Call<C> {
    /// The id of the job.
    pub fn id(&self) -> &str {
        &self.kept.id
    }

    /// The parameters of the job.
    pub fn spec(&self) -> &C::Spec {
        &self.kept.spec
    }

    /// The firing it was called for; the newest one, where earlier ones were missed.
    pub fn scheduled_at(&self) -> Second {
        self.scheduled_at
    }

    /// The intervals that caused it, the shortest first; those of missed firings among them.
    pub fn affecting(&self) -> impl Iterator<Item = Interval> + '_ {
        self.affecting.of(&self.kept.intervals)
    }

    /// How many firings passed since the last call without a call of their own.
    pub fn missed_count(&self) -> u64 {
        self.missed_count
    }
}

impl<C: Collector> Clone for Call<C> {
    fn clone(&self) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
            affecting: self.affecting,
            scheduled_at: self.scheduled_at,
            missed_count: self.missed_count,
        }
    }
}

impl<C: Collector> fmt::Debug for Call<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters may hold a password.
        f.debug_struct("Call")
            .field("id", &self.kept.id)
            .field("scheduled_at", &self.scheduled_at)
            .field("missed_count", &self.missed_count)
            .finish_non_exhaustive()
    }
}
