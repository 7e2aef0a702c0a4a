//! Which questions are asked, of what, and what is each called?
//!
//! One file per check, one line per check in [`ALL`]. A check looks at stated facts, its expectation and `now`; it
//! knows neither where the facts came from nor what happens with its verdict.

use jiff::Timestamp;

use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::{AssetFacts, Presence, RepositoryFacts, SourceFacts};
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Planned, Stated, Timing};
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

pub mod behind_local;
pub mod behind_offsite;
pub mod never_used;
pub mod offline;
pub mod outdated_client;
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
pub static ALL: [&Check; 14] = [
    &offline::CHECK,
    &reboot_due::CHECK,
    &quota::CHECK,
    &unsuccessful::CHECK,
    &behind_local::CHECK,
    &behind_offsite::CHECK,
    &schedule::CHECK,
    &never_used::CHECK,
    &outdated_client::CHECK,
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

/// Returns every threshold once, also one that several checks read, in the order of the documentation.
pub fn thresholds() -> Vec<&'static Threshold> {
    let mut thresholds: Vec<&'static Threshold> = Vec::new();
    for threshold in ALL.into_iter().flat_map(|check| check.thresholds) {
        if !thresholds.iter().any(|known| std::ptr::eq(*known, *threshold)) {
            thresholds.push(threshold);
        }
    }
    thresholds
}

/// Finds a threshold by its name.
pub fn find_threshold(name: &str) -> Option<&'static Threshold> {
    let mut all = ALL.into_iter().flat_map(|check| check.thresholds.iter().copied());
    all.find(|threshold| threshold.name == name)
}

/// Which time counts where something is overdue: all of it, or only that in which the device was seen. For devices that
/// are not always on.
pub static OVERDUE_COUNTS: Threshold = Threshold {
    name: "overdue_counts",
    unit: Unit::Choice(&["always", "while_seen"]),
    default: Some(0),
    meaning: "whether what is overdue counts always, or only the time in which the source says that the device was seen",
};

/// Returns when the device of an asset was seen, if only that time counts. Where the source does not state it, all time
/// counts: what is not known must not make anything look better.
fn presence<'a>(asset: AssetFacts<'a>, expected: &Expectation) -> Option<&'a Presence> {
    let counts_while_seen = expected.value(&OVERDUE_COUNTS) == Some(1);
    asset.history.filter(|_| counts_while_seen)?.presence.as_deref()
}

/// What is stated about the times of runs, read in one way.
#[derive(Clone, Copy)]
struct Reading<'a> {
    started_at: Stated<Timestamp>,
    last_started: Stated<Timestamp>,
    planned: Option<&'a Planned>,
}

impl<'a> From<&'a Timing> for Reading<'a> {
    fn from(timing: &'a Timing) -> Self {
        let Timing { started_at, last_started, planned } = timing;
        Self { started_at: *started_at, last_started: *last_started, planned: planned.as_deref() }
    }
}

/// Judges every way in which the times of runs can be read: where they differ, nothing can be said.
fn judge_readings(asset: AssetFacts<'_>, judge: impl Fn(Reading<'_>) -> Answer) -> Answer {
    let more = &*asset.stated.more;
    let (started_at, last_started) = (more.started_at, more.last_started);
    let answer = judge(Reading { started_at, last_started, planned: more.planned.as_deref() });
    let is_another = |timing: &Timing| judge(timing.into()).0 != answer.0;
    if more.other_readings.iter().any(is_another) { Reason::Ambiguous.is(Outcome::Unknown) } else { answer }
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

/// Judges how long ago something last happened to an asset that may not always be on: as [`judge_age`], but where only
/// the time in which the device was seen counts, that must be longer than the limit too.
fn judge_seen_age(
    at: Stated<Timestamp>,
    limit: Option<Seconds>,
    presence: Option<&Presence>,
    now: Timestamp,
) -> Answer {
    let answer = judge_age(at, limit, now);
    let (Some(presence), &Reason::TooOld(at, limit)) = (presence, &answer.1) else { return answer };
    let seen = presence.seen_since(at, now);
    let seen_seconds = Seconds(u32::try_from(seen.as_secs()).unwrap_or(u32::MAX));
    if seen <= limit.duration() {
        Reason::Away(at, limit, seen_seconds).is(Outcome::Ok)
    } else if presence.came_back_since(at) {
        Reason::BackWithout(at, limit, seen_seconds).is(Outcome::Bad)
    } else {
        answer
    }
}

#[cfg(test)]
mod tests;
