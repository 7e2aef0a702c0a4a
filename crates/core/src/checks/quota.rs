//! Is the storage of the repository about to run out?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Percent, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, Space, Stated};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("quota");

/// Which share of the quota may be used. 85 %, as a stoney account has it by default.
pub static QUOTA_LEVEL: Threshold = Threshold {
    name: "quota_level",
    unit: Unit::Percent,
    default: Some(8500),
    meaning: "which share of the capacity may be used",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository],
    question: "Is its storage about to run out?",
    bad_when: "used x 100 > `quota_level` x quota, unrounded; the quota is used + free where none is stated",
    remedy: "make room, shorten the retention or order more storage",
    words: Words { matter: "the share of its storage in use", verb: "is" },
    thresholds: &[&QUOTA_LEVEL],
    judge: Judge { source: None, repository: Some(judge), asset: None },
};

fn judge(repository: &RepositoryFacts, expected: &Expectation, _now: Timestamp) -> Answer {
    if let Some(exemption) = repository.stated.space_exempt {
        return Reason::Exempt(exemption).is(Outcome::Ok);
    }
    let level = Percent(expected.value(&QUOTA_LEVEL).expect("a check whose threshold is off is not asked"));
    match figures(&repository.stated.space) {
        Ok((used, total)) => judge_share(used, total, level),
        Err(answer) => answer,
    }
}

/// Finds used and total, or the answer where they are not to be had.
///
/// 1. A figure that is stated and cannot be read makes the answer unknown, whatever the others say.
/// 2. A stated quota is the total; used must then be stated too.
/// 3. Without a quota the total is used + free. None of the two stated: exempt. Only one: unknown.
/// 4. A total of 0 of which nothing is used: the figures are placeholders of a new device, unknown.
fn figures(space: &Space) -> Result<(u64, u128), Answer> {
    let all = [space.used, space.free, space.quota];
    if all.contains(&Stated::Unreadable) {
        return Err(Reason::Unreadable.is(Outcome::Unknown));
    }
    match all.map(|figure| figure.value()) {
        [Some(0), _, Some(0)] | [Some(0), Some(0), None] => Err(Reason::NoCapacity.is(Outcome::Unknown)),
        [Some(used), _, Some(quota)] => Ok((used, u128::from(quota))),
        [Some(used), Some(free), None] => Ok((used, u128::from(used) + u128::from(free))),
        [None, None, None] => Err(Reason::Exempt(Exemption::NoStorageStated).is(Outcome::Ok)),
        [None, ..] | [Some(_), None, None] => Err(Reason::NotStated.is(Outcome::Unknown)),
    }
}

/// Compares in 128 bits, unrounded: exactly at the level is ok. A total beyond 64 bits is shown halved, and so is what is
/// used of it: the share stays what it is.
fn judge_share(used: u64, total: u128, level: Percent) -> Answer {
    let over = u128::from(used) * 10_000 > u128::from(level.0) * total;
    let (shown_used, shown_total) = match u64::try_from(total) {
        Ok(total) => (used, total),
        Err(_) => (used / 2, u64::try_from(total / 2).unwrap_or(u64::MAX)),
    };
    Reason::Filled(shown_used, shown_total, level).is(if over { Outcome::Bad } else { Outcome::Ok })
}
