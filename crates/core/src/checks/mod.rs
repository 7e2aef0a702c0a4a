//! Which questions are asked, of what, and what is each called?
//!
//! One file per check, one line per check in [`ALL`]. A check looks at stated facts, its expectation and `now`; it
//! knows neither where the facts came from nor what happens with its verdict.

use jiff::Timestamp;

use crate::expectation::{Expectation, Threshold};
use crate::facts::{AssetFacts, RepositoryFacts, SourceFacts};
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Stated;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

pub mod behind_local;
pub mod behind_offsite;
pub mod never_used;
pub mod offline;
pub mod quota;
pub mod reboot_due;
pub mod schedule;
pub mod service_expiry;
pub mod stuck;
pub mod undelivered;
pub mod unsuccessful;
pub mod unverified;
pub mod visibility;

/// Every check, in the order of the documentation.
pub static ALL: [&Check; 13] = [
    &offline::CHECK,
    &reboot_due::CHECK,
    &quota::CHECK,
    &unsuccessful::CHECK,
    &behind_local::CHECK,
    &behind_offsite::CHECK,
    &schedule::CHECK,
    &never_used::CHECK,
    &unverified::CHECK,
    &stuck::CHECK,
    &service_expiry::CHECK,
    &visibility::CHECK,
    &undelivered::CHECK,
];

/// A question with a pure answer.
#[derive(Debug)]
pub struct Check {
    /// Its permanent id.
    pub id: CheckId,
    /// What it is asked of.
    pub subjects: &'static [SubjectType],
    /// The question, as people ask it.
    pub question: &'static str,
    /// When the answer is bad, with the exact boundary.
    pub bad_when: &'static str,
    /// What an operator should do when it is.
    pub remedy: &'static str,
    /// How it names its matter in sentences.
    pub words: Words,
    /// The thresholds it reads.
    pub thresholds: &'static [&'static Threshold],
    /// The answer.
    pub judge: Judge,
}

/// The answer of a check and what decided it.
pub type Answer = (Outcome, Reason);

/// How a check is answered for each type of subject it is asked of; a table, so that a check states which it has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judge {
    /// For a source.
    pub source: Option<fn(&SourceFacts, &Expectation, Timestamp) -> Answer>,
    /// For a repository.
    pub repository: Option<fn(&RepositoryFacts, &Expectation, Timestamp) -> Answer>,
    /// For an asset.
    pub asset: Option<fn(AssetFacts<'_>, &Expectation, Timestamp) -> Answer>,
}

/// Finds a check by its id.
pub fn find(id: CheckId) -> Option<&'static Check> {
    ALL.into_iter().find(|check| check.id == id)
}

/// Returns the thresholds a check reads; none for an id that is not in [`ALL`].
pub fn thresholds_of(id: CheckId) -> &'static [&'static Threshold] {
    find(id).map_or(&[], |check| check.thresholds)
}

/// Finds a threshold by its name.
pub fn find_threshold(name: &str) -> Option<&'static Threshold> {
    let all = ALL.into_iter().flat_map(|check| check.thresholds.iter().copied());
    all.into_iter().find(|threshold| threshold.name == name)
}

/// Judges how long ago something last happened: the shared rule of every check that asks "how old?".
///
/// 1. Never, not stated or unreadable: bad. Silence is no sign of life.
/// 2. Dated ahead by more than the tolerance: unknown, never fresh.
/// 3. Longer ago than the limit, by whatever little: bad. Exactly at the limit: ok.
fn judge_age(at: Stated<Timestamp>, limit: Option<Seconds>, now: Timestamp) -> Answer {
    let Some(at) = at.value() else {
        return Reason::Never.is(Outcome::Bad);
    };
    let limit = limit.expect("a check whose threshold is off is not asked");
    match elapsed(at, now) {
        Elapsed::Ahead => Reason::Ahead(at).is(Outcome::Unknown),
        Elapsed::Past(passed) if passed > limit.duration() => Reason::TooOld(at, limit).is(Outcome::Bad),
        Elapsed::Past(_) => Reason::Recent(at, limit).is(Outcome::Ok),
    }
}

#[cfg(test)]
mod tests;
