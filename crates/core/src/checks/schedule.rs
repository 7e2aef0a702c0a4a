//! Did every planned run start?

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Check, Judge, OVERDUE_COUNTS, Reading, judge_readings, presence};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::{AssetFacts, Presence};
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, Stated};
use crate::schedule::Schedule;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{MISSED_MAX, Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("schedule");

/// How many planned runs may not be missed in a row.
pub static MISSED_COUNT: Threshold = Threshold {
    name: "missed_count",
    unit: Unit::Count,
    default: Some(1),
    meaning: "how many missed runs in a row are too many",
};

/// How late a run may start. Two hours: a client that was told its offset before the clocks were turned is an hour late.
pub static SCHEDULE_GRACE: Threshold = Threshold {
    name: "schedule_grace",
    unit: Unit::Time,
    default: Some(Seconds::hours(2).0),
    meaning: "how long after its planned instant a run may start, unless the source states it for the asset",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Did every planned run start?",
    bad_when: "`missed_count` planned runs passed, each `schedule_grace` ago or longer, and none started since the \
               first of them; 1000 are always too many; with `overdue_counts` = while_seen the grace is one of time in \
               which the device was seen, and of several that passed while it was away the last counts",
    remedy: "see whether the machine was on at that time and its backup still planned, and start one by hand",
    words: Words { matter: "the newest start", verb: "was" },
    thresholds: &[&MISSED_COUNT, &SCHEDULE_GRACE, &OVERDUE_COUNTS],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

/// 1. Nothing planned: exempt. A plan that cannot be read, or that begins in the future: unknown.
/// 2. A newest start in the future: unknown. One that is not known is none; with one that cannot be read nothing may be
///    missed even if there was none, else unknown.
/// 3. Planned instants after the newest start and after the plan began are missed once their grace has passed. Exactly
///    then they count.
fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    let presence = presence(asset, expected);
    judge_readings(asset, |reading| judge_reading(reading, presence, expected, now))
}

fn judge_reading(
    reading: Reading<'_>,
    presence: Option<&Presence>,
    expected: &Expectation,
    now: Timestamp,
) -> Answer {
    let Some(planned) = reading.planned else {
        return Reason::Exempt(Exemption::NothingPlanned).is(Outcome::Ok);
    };
    if planned.is_unreadable {
        return Reason::PlanUnreadable.is(Outcome::Unknown);
    }
    if planned.schedules.is_empty() {
        return Reason::Exempt(Exemption::NothingPlanned).is(Outcome::Ok);
    }
    if elapsed(planned.since, now) == Elapsed::Ahead {
        return Reason::PlannedAhead(planned.since).is(Outcome::Unknown);
    }
    let last_started = reading.last_started.value().max(reading.started_at.value());
    if let Some(at) = last_started.filter(|at| elapsed(*at, now) == Elapsed::Ahead) {
        return Reason::Ahead(at).is(Outcome::Unknown);
    }
    let limit = expected.value(&MISSED_COUNT).expect("a check whose threshold is off is not asked");
    let grace = expected.seconds(&SCHEDULE_GRACE).expect("a check whose threshold is off is not asked");
    let grace = planned.grace.unwrap_or(grace);
    let since = last_started.map_or(planned.since, |at| at.max(planned.since));
    let grace = Grace { length: grace, presence, now };
    let answer = missed(Instants::after(since, &planned.schedules), limit, &grace);
    let is_unreadable = reading.last_started == Stated::Unreadable;
    if is_unreadable && answer.0 != Outcome::Ok { Reason::Unreadable.is(Outcome::Unknown) } else { answer }
}

/// How long a planned run may be late.
struct Grace<'a> {
    length: Seconds,
    /// Set if only the time counts in which the device was seen.
    presence: Option<&'a Presence>,
    now: Timestamp,
}

impl Grace<'_> {
    /// When the grace of a planned instant ends by the calendar; `None` beyond it, where nothing is ever due.
    fn end(&self, planned_at: Timestamp) -> Option<Timestamp> {
        planned_at.checked_add(self.length.duration()).ok()
    }

    /// True if the calendar says that the grace is over.
    fn is_over(&self, planned_at: Timestamp) -> bool {
        self.end(planned_at).is_some_and(|end| end <= self.now)
    }

    /// True if it is, and the device was there for long enough to start.
    fn is_missed(&self, planned_at: Timestamp) -> bool {
        let was_there = |presence: &Presence| {
            let seen = presence.seen_since(planned_at, self.now);
            seen >= self.length.duration() && presence.last_seen_at() >= planned_at
        };
        self.is_over(planned_at) && self.presence.is_none_or(was_there)
    }

    /// True if the device was there at any time between a planned instant and the next.
    fn was_seen_between(&self, planned_at: Timestamp, next: Timestamp) -> bool {
        self.presence.is_none_or(|presence| presence.seen_since(planned_at, next) > SignedDuration::ZERO)
    }
}

/// Step 3, of planned instants in rising order.
fn missed(instants: Instants<'_>, limit: u32, grace: &Grace<'_>) -> Answer {
    let mut instants = instants;
    let too_many = limit.min(MISSED_MAX);
    let (mut count, mut decisive) = (0, None);
    let mut next = instants.next();
    // So many are walked at most, whether they count or not.
    for step in 1..=MISSED_MAX {
        let Some(planned_at) = next.filter(|at| grace.is_missed(*at)) else { break };
        next = instants.next();
        let is_next_missed = next.filter(|next| grace.is_missed(*next) && step < MISSED_MAX);
        if is_next_missed.is_none_or(|next| grace.was_seen_between(planned_at, next)) {
            count += 1;
            decisive = if count <= too_many { Some(planned_at) } else { decisive };
        }
    }
    if let Some(planned_at) = decisive {
        let outcome = if count >= too_many { Outcome::Bad } else { Outcome::Ok };
        return Reason::Missed { count, limit: too_many, planned_at, grace: grace.length }.is(outcome);
    }
    if let Some(planned_at) = next.filter(|at| grace.is_over(*at)) {
        return Reason::MissedAway(planned_at, grace.length).is(Outcome::Ok);
    }
    let last = (1..too_many).try_fold(next, |_, _| instants.next().map(Some)).flatten();
    Reason::OnPlan(last.and_then(|at| grace.end(at))).is(Outcome::Ok)
}

/// The planned instants of several schedules, in rising order, each once.
struct Instants<'a>(Vec<(&'a Schedule, Option<Timestamp>)>);

impl<'a> Instants<'a> {
    fn after(since: Timestamp, schedules: &'a [Schedule]) -> Self {
        Self(schedules.iter().map(|schedule| (schedule, schedule.next_after(since))).collect())
    }
}

impl Iterator for Instants<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        let first = self.0.iter().filter_map(|(_, next)| *next).min()?;
        for (schedule, next) in self.0.iter_mut().filter(|(_, next)| *next == Some(first)) {
            *next = schedule.next_after(first);
        }
        Some(first)
    }
}
