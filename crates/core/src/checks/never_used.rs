//! Was it set up and then never used?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{AssetObservation, Stated};
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("never_used");

/// How long something may exist without a backup.
pub static NEVER_USED_AFTER: Threshold = Threshold {
    name: "never_used_after",
    unit: Unit::Time,
    default: Some(Seconds::days(7).0),
    meaning: "how long something may exist without holding a backup",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository, SubjectType::Asset],
    question: "Was it set up and never used?",
    bad_when: "no backup ever, and now - created > `never_used_after`; unknown where the creation is not known",
    remedy: "ask its owner whether the backup was ever set up, and help to start it",
    words: Words { matter: "its creation", verb: "was" },
    thresholds: &[&NEVER_USED_AFTER],
    judge: Judge { source: None, repository: Some(judge_repository), asset: Some(judge_asset) },
};

fn judge_repository(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    judge(repository.stated.used_ever, repository.stated.created_at, expected, now)
}

fn judge_asset(asset: &AssetObservation, expected: &Expectation, now: Timestamp) -> Answer {
    judge(asset.last_good.value().is_some(), asset.more.created_at, expected, now)
}

/// The creation matters only while nothing was ever backed up.
fn judge(used: bool, created_at: Stated<Timestamp>, expected: &Expectation, now: Timestamp) -> Answer {
    if used {
        return Reason::Used.is(Outcome::Ok);
    }
    let Some(created_at) = created_at.value() else {
        return Reason::UnusedSinceUnknown.is(Outcome::Unknown);
    };
    let limit = expected.seconds(&NEVER_USED_AFTER).expect("a check whose threshold is off is not asked");
    match elapsed(created_at, now) {
        Elapsed::Ahead => Reason::Ahead(created_at).is(Outcome::Unknown),
        Elapsed::Past(passed) => {
            let outcome = if passed > limit.duration() { Outcome::Bad } else { Outcome::Ok };
            Reason::Unused(created_at, limit).is(outcome)
        }
    }
}
