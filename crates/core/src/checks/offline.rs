//! Has the repository spoken lately?

use jiff::Timestamp;

use super::{Answer, Check, Judge, judge_age};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::time::Seconds;
use crate::verdict::Words;

/// The id.
pub const ID: CheckId = CheckId::new("offline");

/// How long a repository may be silent. One hour, as in `Backup::Datto`.
pub static OFFLINE_AFTER: Threshold = Threshold {
    name: "offline_after",
    unit: Unit::Time,
    default: Some(Seconds::hours(1).0),
    meaning: "how long a repository may be silent",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository],
    question: "Has the repository spoken lately?",
    bad_when: "now - last seen > `offline_after`, or never seen",
    remedy: "check its power and network, and what stands between it and the portal",
    words: Words { matter: "the last sign of life", verb: "was" },
    thresholds: &[&OFFLINE_AFTER],
    judge: Judge { source: None, repository: Some(judge), asset: None },
};

fn judge(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    judge_age(repository.stated.last_seen, expected.seconds(&OFFLINE_AFTER), now)
}
