//! What is known of a job, from all pings that were heard of it?
//!
//! [`Heard`] folds one [`Sign`] after the other; it reads no clock, knows no key, and judges nothing. Signs may come late
//! and out of order: each counts at its own instant, and none makes anything newer than it was. Only one that happened
//! when it came is never older than those before it, whatever the clock was set to meanwhile; and while the clock is
//! evidently behind, no failure is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::{Outcome, Word};

mod instant;
mod observed;

use instant::At;
pub use observed::{Planning, observe};

/// One that came this soon after it happened did not wait anywhere.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// So many runs may be under way at once; of more, those in the middle are forgotten.
const OPEN_MAX: usize = 100;

/// So many ended runs are remembered, so that a start that comes after its end opens nothing.
const ENDED_MAX: usize = 8;

/// So many instants of failures since the last success are remembered; more are only counted.
const FAILURES_MAX: usize = 32;

/// As much of what a failed run sent last is remembered, in bytes; the whole body stays with the ping.
pub(super) const TAIL_MAX_BYTES: usize = 500;

/// One ping, as far as it is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// What it says.
    pub word: Word,
    /// The run it speaks of.
    pub rid: Option<u128>,
    /// When it happened: when it was meant to be sent, or when it came.
    pub at: Timestamp,
    /// The last lines that came with it.
    pub tail: Option<Box<str>>,
    /// True if more came with it than was kept, so that these are not its last lines.
    pub is_cut: bool,
    /// When it came, by our clock; never before it happened.
    pub came_at: Timestamp,
}

/// What is known of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// When it was configured first.
    #[serde(rename = "c")]
    configured_at: At,
    /// How it is planned, in words: a change counts from the instant it was made.
    #[serde(rename = "p")]
    plan: Box<str>,
    /// When it was planned so.
    #[serde(rename = "ps")]
    planned_since: At,
    /// The newest sign of any kind.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    seen_at: Option<At>,
    /// The newest start of a run.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    started_at: Option<At>,
    /// The newest end of a run.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    last_run: Option<Run>,
    /// The newest success.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    last_good: Option<At>,
    /// Failures since then.
    #[serde(rename = "fc", default, skip_serializing_if = "is_zero")]
    failed_count: u32,
    /// The newest of them, in rising order.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<At>,
    /// Runs that began and did not end, in the order in which that was heard.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<Open>,
    /// Runs that ended, the newest known last.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<(Rid, At)>,
    /// Of those, the ones that failed.
    #[serde(rename = "ef", default, skip_serializing_if = "Vec::is_empty")]
    failed_runs: Vec<Rid>,
    /// The newest end that named no run.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    unnamed_end: Option<At>,
}

/// The newest run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    #[serde(rename = "a")]
    at: At,
    /// The status it exited with.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    exit_status: Option<u8>,
    /// How long it took, in milliseconds.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    took_ms: Option<i64>,
    /// What a failed one sent last.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    tail: Option<Box<str>>,
    /// True if it sent more than was kept.
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

/// A run that began. One that began again under the same name before it ended is one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    rid: Option<Rid>,
    #[serde(rename = "a")]
    first_at: At,
    #[serde(rename = "n")]
    newest_at: At,
}

/// The name of a run, as text: JSON has no numbers of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Rid(u128);

impl From<Rid> for String {
    fn from(rid: Rid) -> Self {
        format!("{:x}", rid.0)
    }
}

impl TryFrom<String> for Rid {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Heard {
    /// Knows of a job that was configured at `now`, and planned so.
    pub fn new(plan: &str, now: Timestamp) -> Self {
        Self {
            configured_at: At(now),
            plan: plan.into(),
            planned_since: At(now),
            seen_at: None,
            started_at: None,
            last_run: None,
            last_good: None,
            failed_count: 0,
            failures: Vec::new(),
            open: Vec::new(),
            ended: Vec::new(),
            failed_runs: Vec::new(),
            unnamed_end: None,
        }
    }

    /// True if it is planned so already.
    pub(super) fn is_planned(&self, plan: &str) -> bool {
        *self.plan == *plan
    }

    /// True if a run failed, and none succeeded since.
    pub(super) fn is_failing(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Plans it anew: what was planned before `now` counts for nothing.
    pub(super) fn plan_anew(&mut self, plan: &str, now: Timestamp) {
        self.plan = plan.into();
        self.planned_since = At(now);
    }

    /// Folds one sign.
    pub fn hear(&mut self, sign: &Sign) {
        let at = self.happened_at(sign);
        self.seen_at = self.seen_at.max(Some(at));
        match (sign.word, sign.word.outcome()) {
            (_, Some(outcome)) => self.end(sign, at, outcome),
            (Word::Start, None) => self.start(sign.rid.map(Rid), at),
            (_, None) => {}
        }
    }

    /// A clock that was set back makes nothing older: a failure that came after a success is a failure.
    ///
    /// That it was set back shows where a sign comes before one that came earlier. Then the instants of both cannot be
    /// compared, and what came at once counts in the order in which it came. So does a failure that waited: told twice
    /// is better than hidden. A success that waited may be older than a failure that is known, and ends none.
    fn happened_at(&self, sign: &Sign) -> At {
        let Some(seen) = self.seen_at else { return At(sign.at) };
        let is_set_back = sign.came_at < seen.0;
        let is_soon = sign.came_at.duration_since(sign.at) <= SOON;
        let has_failed = sign.word.outcome() == Some(Outcome::Failed);
        if sign.at == sign.came_at || is_set_back && (is_soon || has_failed) {
            let next = seen.0.saturating_add(SignedDuration::from_nanos(1)).expect("no calendar unit");
            At(sign.at.max(next))
        } else {
            At(sign.at)
        }
    }

    /// The failure of a run of this name that no success has ended, if none began under it since: whoever says it again
    /// heard no answer. Where no run is named nobody can know.
    fn standing_failure(&self, rid: Option<Rid>) -> Option<At> {
        let rid = rid.filter(|rid| self.failed_runs.contains(rid))?;
        let (_, at) = self.ended.iter().find(|(ended, _)| *ended == rid)?;
        self.failures.contains(at).then_some(*at)
    }

    fn start(&mut self, rid: Option<Rid>, at: At) {
        self.started_at = self.started_at.max(Some(at));
        let ended_at = rid.and_then(|rid| self.ended.iter().find(|(ended, _)| *ended == rid));
        if ended_at.map(|(_, at)| *at).max(self.unnamed_end) >= Some(at) {
            return;
        }
        // A name that is used again names another run: how the one before ended says nothing of it.
        self.failed_runs.retain(|failed| Some(*failed) != rid);
        if let Some(open) = self.open.iter_mut().find(|open| open.rid == rid) {
            open.first_at = open.first_at.min(at);
            open.newest_at = open.newest_at.max(at);
            return;
        }
        if self.open.len() >= OPEN_MAX {
            self.forget_one();
        }
        self.open.push(Open { rid, first_at: at, newest_at: at });
    }

    /// Of too many runs under way, forgets the oldest after which something ended, else the second oldest: the oldest
    /// one tells for how long nothing has ended.
    fn forget_one(&mut self) {
        let ended_at = self.ended_at();
        let mut oldest: Vec<(At, usize)> =
            self.open.iter().enumerate().map(|(place, open)| (open.newest_at, place)).collect();
        oldest.sort_unstable();
        let second_unless_ended = usize::from(Some(oldest[0].0) > ended_at);
        self.open.remove(oldest[second_unless_ended].1);
    }

    fn end(&mut self, sign: &Sign, at: At, outcome: Outcome) {
        let standing = self.standing_failure(sign.rid.map(Rid));
        let began_at = self.close(sign.rid.map(Rid), at);
        if let Some(rid) = sign.rid.map(Rid) {
            self.remember_end(rid, at, outcome);
        }
        // A run that nobody saw begin counts as one at the instant of its end.
        self.started_at = self.started_at.max(Some(began_at.unwrap_or(at)));
        match outcome {
            Outcome::Succeeded => self.succeed(at),
            Outcome::Failed => match standing {
                Some(before) => self.fail_again(before, at),
                None => self.fail(at),
            },
        }
        if self.ended_at() <= Some(at) {
            let has_failed = outcome == Outcome::Failed;
            self.last_run = Some(Run {
                at,
                exit_status: match sign.word {
                    Word::Exit(status) => Some(status),
                    Word::Success | Word::Start | Word::Fail | Word::Log => None,
                },
                took_ms: began_at.map(|began_at| milliseconds(at.0.duration_since(began_at.0))),
                tail: sign.tail.clone().filter(|_| has_failed),
                is_cut: sign.is_cut && has_failed,
            });
        }
    }

    fn ended_at(&self) -> Option<At> {
        self.last_run.as_ref().map(|run| run.at)
    }

    /// Closes the run of this name, or, where none is named, every run: whoever names none has one at a time. What began
    /// after this end stays open. Returns when the run began.
    fn close(&mut self, rid: Option<Rid>, at: At) -> Option<At> {
        if rid.is_none() {
            self.unnamed_end = self.unnamed_end.max(Some(at));
        }
        let own = self.open.iter().find(|open| open.rid == rid && open.first_at <= at);
        let began_at = own.map(|open| if open.newest_at <= at { open.newest_at } else { open.first_at });
        self.open.retain_mut(|open| {
            let is_meant = rid.is_none() || open.rid == rid;
            if is_meant && open.first_at <= at {
                open.first_at = open.newest_at;
            }
            !is_meant || open.newest_at > at
        });
        began_at
    }

    fn remember_end(&mut self, rid: Rid, at: At, outcome: Outcome) {
        let known = self.ended.iter().position(|(ended, _)| *ended == rid);
        let before = known.map(|place| self.ended.remove(place).1);
        self.failed_runs.retain(|failed| *failed != rid);
        if self.ended.len() >= ENDED_MAX {
            let (forgotten, _) = self.ended.remove(0);
            self.failed_runs.retain(|failed| *failed != forgotten);
        }
        self.ended.push((rid, before.max(Some(at)).unwrap_or(at)));
        if outcome == Outcome::Failed {
            self.failed_runs.push(rid);
        }
    }

    /// Failures up to this success are over. Where more failed than are remembered and all of those came later, nobody
    /// knows how many did: none is taken back.
    fn succeed(&mut self, at: At) {
        self.last_good = self.last_good.max(Some(at));
        let remembered = self.failures.len();
        self.failures.retain(|failure| *failure > at);
        let are_all_remembered = remembered == usize::try_from(self.failed_count).unwrap_or(usize::MAX);
        if are_all_remembered || self.failures.len() < remembered {
            self.failed_count = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        }
    }

    fn fail(&mut self, at: At) {
        if Some(at) < self.last_good {
            return;
        }
        self.failed_count = self.failed_count.saturating_add(1);
        let place = self.failures.partition_point(|failure| *failure <= at);
        self.failures.insert(place, at);
        if self.failures.len() > FAILURES_MAX {
            self.failures.remove(0);
        }
    }

    /// The same failure was said again: it is one, and as new as it was said last.
    fn fail_again(&mut self, before: At, at: At) {
        let known = self.failures.iter().position(|failure| *failure == before);
        if let Some(known) = known.filter(|_| at > before) {
            self.failures.remove(known);
            let place = self.failures.partition_point(|failure| *failure <= at);
            self.failures.insert(place, at);
        }
    }

    /// Since when a run has been under way without anything having ended: the oldest start after the newest end.
    fn under_way_since(&self) -> Option<At> {
        let ended_at = self.ended_at();
        let starts = self.open.iter().flat_map(|open| [open.first_at, open.newest_at]);
        starts.filter(|at| Some(*at) > ended_at).min()
    }
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
