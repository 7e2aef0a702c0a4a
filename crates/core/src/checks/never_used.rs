//! Was it set up and then never used?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::{AssetFacts, RepositoryFacts};
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Stated;
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
    bad_when: "no backup ever, and now - created > `never_used_after`; where the creation is not known, the first sight of \
               it counts, and before the limit it is unknown",
    remedy: "ask its owner whether the backup was ever set up, and help to start it",
    words: Words { matter: "its creation", verb: "was" },
    thresholds: &[&NEVER_USED_AFTER],
    judge: Judge { source: None, repository: Some(judge_repository), asset: Some(judge_asset) },
};

fn judge_repository(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let RepositoryFacts { stated, first_seen_at, observed_at, .. } = repository;
    let seen = Seen { first_at: *first_seen_at, last_at: *observed_at };
    judge((stated.used_ever, stated.created_at), seen, expected, now)
}

fn judge_asset(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    let last_at = asset.observed_at;
    let first_at = asset.history.map_or(last_at, |history| history.first_seen_at);
    let used = Some(asset.last_good.value().is_some());
    judge((used, asset.more.created_at), Seen { first_at, last_at }, expected, now)
}

/// When something was seen first and last.
#[derive(Clone, Copy)]
struct Seen {
    first_at: Timestamp,
    last_at: Timestamp,
}

/// 1. What holds a backup is used, whenever it was made; where that could not be seen, nothing is said.
/// 2. Where the creation is stated it counts.
/// 3. Else it is at least as old as the first sight of it, which can make it bad, but never good: it may be much older.
fn judge(
    (used, created_at): (Option<bool>, Stated<Timestamp>),
    seen: Seen,
    expected: &Expectation,
    now: Timestamp,
) -> Answer {
    match used {
        Some(true) => return Reason::Used.is(Outcome::Ok),
        Some(false) => {}
        None => return Reason::UseNotSeen.is(Outcome::Unknown),
    }
    let limit = expected.seconds(&NEVER_USED_AFTER).expect("a check whose threshold is off is not asked");
    let Some(created_at) = created_at.value() else {
        let is_long =
            matches!(elapsed(seen.first_at, now), Elapsed::Past(passed) if passed > limit.duration());
        return if is_long {
            Reason::UnusedSinceSeen(seen.first_at, limit).is(Outcome::Bad)
        } else if seen.first_at < seen.last_at {
            Reason::UnusedSinceSeen(seen.first_at, limit).is(Outcome::Unknown)
        } else {
            Reason::UnusedSinceUnknown.is(Outcome::Unknown)
        };
    };
    match elapsed(created_at, now) {
        Elapsed::Ahead => Reason::Ahead(created_at).is(Outcome::Unknown),
        Elapsed::Past(passed) => {
            let outcome = if passed > limit.duration() { Outcome::Bad } else { Outcome::Ok };
            Reason::Unused(created_at, limit).is(outcome)
        }
    }
}
