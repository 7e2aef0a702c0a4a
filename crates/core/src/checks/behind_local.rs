//! Is the last good backup recent enough?

use jiff::Timestamp;

use super::{Answer, Check, Judge, OVERDUE_COUNTS, judge_seen_age, presence};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::time::Seconds;
use crate::verdict::Words;

/// The id.
pub const ID: CheckId = CheckId::new("behind_local");

/// How old the last good backup may be. 24 hours, as in `Backup::Datto`.
pub static LOCAL_AFTER: Threshold = Threshold {
    name: "local_after",
    unit: Unit::Time,
    default: Some(Seconds::hours(24).0),
    meaning: "how old the last good backup may be",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Is the last good backup recent enough?",
    bad_when: "now - last good backup > `local_after`, or never; with `overdue_counts` = while_seen only if the device was \
               seen for longer than that since",
    remedy: "see whether the machine is on and its backup still planned, and start one by hand",
    words: Words { matter: "the last good backup", verb: "was" },
    thresholds: &[&LOCAL_AFTER, &OVERDUE_COUNTS],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    let limit = expected.seconds(&LOCAL_AFTER);
    judge_seen_age(asset.last_good, limit, presence(asset, expected), now)
}
