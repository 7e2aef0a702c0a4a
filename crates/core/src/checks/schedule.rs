//! Did every planned run start?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Exemption;
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
               first of them; 1000 are always too many",
    remedy: "see whether the machine was on at that time and its backup still planned, and start one by hand",
    words: Words { matter: "the newest start", verb: "was" },
    thresholds: &[&MISSED_COUNT, &SCHEDULE_GRACE],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

/// 1. Nothing planned: exempt. A plan that cannot be read, or that begins in the future: unknown.
/// 2. A newest start in the future: unknown. One that is not known is none.
/// 3. Planned instants after the newest start and after the plan began are missed once their grace has passed. Exactly
///    then they count.
fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    let Some(planned) = asset.more.planned.as_deref() else {
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
    let last_started = asset.more.last_started.value().max(asset.more.started_at.value());
    if let Some(at) = last_started.filter(|at| elapsed(*at, now) == Elapsed::Ahead) {
        return Reason::Ahead(at).is(Outcome::Unknown);
    }
    let limit = expected.value(&MISSED_COUNT).expect("a check whose threshold is off is not asked");
    let grace = expected.seconds(&SCHEDULE_GRACE).expect("a check whose threshold is off is not asked");
    let grace = planned.grace.unwrap_or(grace);
    let since = last_started.map_or(planned.since, |at| at.max(planned.since));
    let instants = Instants::after(since, &planned.schedules);
    missed(instants, limit, grace, now)
}

/// Step 3, of planned instants in rising order.
fn missed(instants: Instants<'_>, limit: u32, grace: Seconds, now: Timestamp) -> Answer {
    let mut instants = instants;
    let too_many = limit.min(MISSED_MAX);
    // Beyond the calendar nothing is ever due.
    let due_at = |planned_at: Timestamp| planned_at.checked_add(grace.duration()).ok();
    let (mut count, mut decisive) = (0, None);
    let mut next = None;
    while count < MISSED_MAX {
        next = instants.next();
        let Some(planned_at) = next.filter(|at| due_at(*at).is_some_and(|due_at| due_at <= now)) else {
            break;
        };
        count += 1;
        if count <= too_many {
            decisive = Some(planned_at);
        }
    }
    match decisive {
        None => {
            let last = (1..too_many).try_fold(next, |_, _| instants.next().map(Some)).flatten();
            Reason::OnPlan(last.and_then(due_at)).is(Outcome::Ok)
        }
        Some(planned_at) => {
            let outcome = if count >= too_many { Outcome::Bad } else { Outcome::Ok };
            Reason::Missed { count, limit: too_many, planned_at, grace }.is(outcome)
        }
    }
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
