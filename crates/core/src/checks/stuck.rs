//! Has a run been under way for too long?

use jiff::Timestamp;

use super::{Answer, Check, Judge, Reading, judge_readings};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Stated;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("stuck");

/// How long a run may take. A day: a full backup of the largest machines takes most of one.
pub static STUCK_AFTER: Threshold = Threshold {
    name: "stuck_after",
    unit: Unit::Time,
    default: Some(Seconds::hours(24).0),
    meaning: "how long a run may be under way",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Has a run been under way for too long?",
    bad_when: "a run began, now - its start > `stuck_after`, and none has ended since",
    remedy: "see whether the run still moves; stop it if it does not, and start another",
    words: Words { matter: "the start of the run under way", verb: "was" },
    thresholds: &[&STUCK_AFTER],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    judge_readings(asset, |reading| judge_reading(reading, expected, now))
}

fn judge_reading(reading: Reading<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    let started_at = match reading.started_at {
        Stated::Missing | Stated::Never => return Reason::NothingUnderWay.is(Outcome::Ok),
        Stated::Unreadable => return Reason::Unreadable.is(Outcome::Unknown),
        Stated::Value(started_at) => started_at,
    };
    let limit = expected.seconds(&STUCK_AFTER).expect("a check whose threshold is off is not asked");
    match elapsed(started_at, now) {
        Elapsed::Ahead => Reason::Ahead(started_at).is(Outcome::Unknown),
        Elapsed::Past(passed) => {
            let outcome = if passed > limit.duration() { Outcome::Bad } else { Outcome::Ok };
            Reason::UnderWay(started_at, limit).is(outcome)
        }
    }
}
