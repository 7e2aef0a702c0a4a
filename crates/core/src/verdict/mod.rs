//! What is the answer to a check, and why?
//!
//! A [`Verdict`] is small and complete: it keeps the instants and numbers that decided, and makes the words when they
//! are asked for. It does not know how it was found.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::client::Version;
use crate::expectation::Percent;
use crate::id::CheckId;
use crate::observation::Exemption;
use crate::time::{Age, Elapsed, Instant, Seconds, elapsed};

mod limit;

/// The answer to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// What is expected is true, or the subject is exempt.
    Ok,
    /// Nothing can be said; neither good nor bad.
    Unknown,
    /// What is expected is not true.
    Bad,
}

impl Outcome {
    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

/// So many missed runs are counted at most, and are too many whatever is allowed: a plan of every minute and a year of
/// absence must not hold up the fleet.
pub const MISSED_MAX: u32 = 1000;

/// What decided: only what is needed to say so in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not judged.
    Exempt(Exemption),
    /// It happened at this instant, and that is recent enough.
    Recent(Timestamp, Seconds),
    /// It happened at this instant, longer ago than allowed.
    TooOld(Timestamp, Seconds),
    /// It never happened, or nothing readable says that it did.
    Never,
    /// It is dated in the future by more than the tolerance.
    Ahead(Timestamp),
    /// The value is not stated.
    NotStated,
    /// The value is stated and cannot be read.
    Unreadable,
    /// Running for so many whole seconds; allowed are fewer than so many.
    Running(u64, Seconds),
    /// Used and total in the same unit, and the level.
    Filled(u64, u64, Percent),
    /// The stated storage is used = free = 0: there is no capacity to be a share of.
    NoCapacity,
    /// The newest run ended well.
    Succeeded,
    /// So many of the newest runs failed in a row, so many are too many, and when the newest one ran.
    Failed(u32, u32, Option<Timestamp>),
    /// It ends at this instant; notice is given so long before.
    Ends(Timestamp, Seconds),
    /// The newest verification failed; when it ran, where stated.
    VerificationFailed(Option<Timestamp>),
    /// It holds backups.
    Used,
    /// Whether it holds any backup could not be seen.
    UseNotSeen,
    /// It holds no backup; made at this instant, and so long is allowed.
    Unused(Timestamp, Seconds),
    /// It holds no backup, and nothing says since when.
    UnusedSinceUnknown,
    /// It holds no backup; when it was made is not stated, it was first seen at this instant, and so long is allowed.
    UnusedSinceSeen(Timestamp, Seconds),
    /// All of its list was read.
    Seen,
    /// Its list was read completely, and nothing at all stood in it.
    NothingListed,
    /// Only a part of its list was read at the newest look.
    SeenInPart,
    /// Its list could not be read at the newest look.
    NotSeen,
    /// Its list could not be read; it last was at this instant, and so long is allowed; what the newest look says of it.
    BlindSince(Timestamp, Seconds, Option<Arc<str>>),
    /// Its list was never read completely; it was first tried at this instant, and so long is allowed; what the newest look
    /// says of it.
    NeverListed(Timestamp, Seconds, Option<Arc<str>>),
    /// Its list is read, but a part of it or of its assets is not, since this instant; so long is allowed; what the newest
    /// look says of it.
    PartUnread(Timestamp, Seconds, Arc<str>),
    /// Its list is read, and nothing has stood in it since this instant; so long is allowed.
    EmptySince(Timestamp, Seconds),
    /// No planned run was missed; the first instant at which it will have been too many without another start.
    OnPlan(Option<Timestamp>),
    /// Planned runs passed without a start.
    Missed {
        /// How many, up to [`MISSED_MAX`].
        count: u32,
        /// How many are too many.
        limit: u32,
        /// When the one that was one too many was planned; the newest one where they are not too many.
        planned_at: Timestamp,
        /// How long after it a run could have started.
        grace: Seconds,
    },
    /// The run planned at this instant has not started, but its device was not seen for so long since.
    MissedAway(Timestamp, Seconds),
    /// It happened at this instant, longer ago than allowed, but its device was seen only for so long since: that limit, and
    /// how long.
    Away(Timestamp, Seconds, Seconds),
    /// Its device was away and is back; it happened at this instant, and the device was seen for longer than allowed since:
    /// that limit, and how long.
    BackWithout(Timestamp, Seconds, Seconds),
    /// The plan of its runs is stated, and cannot be read.
    PlanUnreadable,
    /// Its runs are said to be planned from this instant on, which lies in the future by more than the tolerance.
    PlannedAhead(Timestamp),
    /// No run is under way.
    NothingUnderWay,
    /// A run began at this instant and has not ended; so long is allowed.
    UnderWay(Timestamp, Seconds),
    /// Every message was delivered, or not tried yet.
    NothingWaits,
    /// The first attempt in vain at a message that still waits was at this instant; so long is allowed.
    Waiting(Timestamp, Seconds),
    /// What is stated can be read in more than one way, and the answers differ.
    Ambiguous,
    /// The client has this version, and this is the least that is new enough.
    ClientRecent(Version, Version),
    /// The same, and it is not.
    ClientOutdated(Version, Version),
}

/// The answer to one check about one subject, with what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which check.
    pub check: CheckId,
    /// The answer.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// How a check names its matter in sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What is dated or judged, as the subject of a sentence: `the last good backup`.
    pub matter: &'static str,
    /// How the sentence goes on with a date: `was`.
    pub verb: &'static str,
}

impl Reason {
    /// Pairs the reason with an answer.
    pub const fn is(self, outcome: Outcome) -> (Outcome, Self) {
        (outcome, self)
    }

    /// Says what decided, as a sentence without its full stop. `now` is the instant that was judged at.
    pub fn summary(&self, words: Words, now: Timestamp) -> String {
        let Words { matter, verb } = words;
        match *self {
            Self::Exempt(exemption) => format!("not judged: {}", exemption.explain()),
            Self::Recent(at, limit) => format!("{matter} {verb} {}, within {limit}", ago(at, now)),
            Self::TooOld(at, limit) => format!("{matter} {verb} {}, more than {limit}", ago(at, now)),
            Self::Never => {
                format!("no date of {matter}: it never happened, or its date is missing or unreadable")
            }
            Self::Ahead(at) => dated_ahead(&format!("{matter} is dated"), at),
            Self::NotStated => format!("{matter} is not stated"),
            Self::Unreadable => format!("{matter} is stated, but cannot be read"),
            Self::Running(seconds, limit) => {
                format!("running for {}, a restart is due from {limit} on", length(seconds))
            }
            Self::Filled(used, total, level) => filled(used, total, level),
            Self::NoCapacity => NO_CAPACITY.to_owned(),
            Self::Succeeded => "the newest run succeeded".to_owned(),
            Self::Failed(count, limit, at) => failed(count, limit, at),
            Self::Ends(at, notice) => ends(matter, verb, at, notice, now),
            Self::VerificationFailed(at) => format!("the newest verification failed{}", dated(" at", at)),
            Self::Used => "it holds backups".to_owned(),
            Self::UseNotSeen => "whether it holds any backup could not be seen".to_owned(),
            Self::Unused(at, limit) => {
                format!("it holds no backup and was set up {}", limited(at, limit, now))
            }
            Self::UnusedSinceUnknown => UNUSED_SINCE_UNKNOWN.to_owned(),
            Self::UnusedSinceSeen(at, limit) => format!(
                "it holds no backup; when it was set up is not stated, it was first seen {}",
                limited(at, limit, now)
            ),
            Self::Seen => "its list was read completely".to_owned(),
            Self::NothingListed => "its list was read, and nothing at all stood in it".to_owned(),
            Self::SeenInPart => "only a part of its list was read".to_owned(),
            Self::NotSeen => "its list could not be read".to_owned(),
            Self::BlindSince(at, limit, ref why) => {
                blind("its list was last read completely", &limited(at, limit, now), why.as_deref())
            }
            Self::NeverListed(at, limit, ref why) => {
                blind(NEVER_LISTED, &limited(at, limit, now), why.as_deref())
            }
            Self::PartUnread(at, limit, ref why) => {
                format!("a part of it could not be read, first {}: {why}", limited(at, limit, now))
            }
            Self::EmptySince(at, limit) => {
                let ago = ago(at, now);
                format!("nothing at all stands in its list, since {ago} or longer, more than {limit}")
            }
            Self::OnPlan(_) => "no planned run was missed".to_owned(),
            Self::Missed { count, limit, planned_at, grace } => missed(count, limit, planned_at, grace),
            Self::MissedAway(at, grace) => missed_away(at, grace),
            Self::Away(at, limit, seen) => away(words, &ago(at, now), limit, seen),
            Self::BackWithout(at, limit, seen) => back_without(words, &ago(at, now), limit, seen),
            Self::PlanUnreadable => "when its runs are planned is stated, but cannot be read".to_owned(),
            Self::PlannedAhead(at) => dated_ahead("its runs are planned from an instant", at),
            Self::NothingUnderWay => "no run is under way".to_owned(),
            Self::UnderWay(at, limit) => {
                format!("a run that has not ended began {}", limited(at, limit, now))
            }
            Self::NothingWaits => "no message waits".to_owned(),
            Self::Waiting(at, limit) => {
                format!("messages wait, the first attempt in vain was {}", limited(at, limit, now))
            }
            Self::Ambiguous => AMBIGUOUS.to_owned(),
            Self::ClientRecent(version, least) => {
                format!("the client has version {version}, {least} or newer is good enough")
            }
            Self::ClientOutdated(version, least) => {
                format!("the client has version {version}, which is older than {least}")
            }
        }
    }

    /// Says what would have to change for the answer to turn, as a sentence without its full stop.
    pub fn turns(&self, outcome: Outcome, words: Words, now: Timestamp) -> String {
        let matter = words.matter;
        match *self {
            Self::Exempt(_) => "is judged again once the exemption is gone".to_owned(),
            Self::Recent(at, limit) => bad_after(at, limit, "it happens again"),
            Self::MissedAway(_, limit) | Self::Away(_, limit, _) => {
                format!("turns bad once the device was seen for more than {limit} without it")
            }
            Self::TooOld(_, limit) | Self::BackWithout(_, limit, _) | Self::BlindSince(_, limit, _) => {
                ok_from(matter, limit, now)
            }
            Self::Never => format!("turns ok once {matter} is stated and recent"),
            Self::Ahead(at) | Self::PlannedAhead(at) => {
                format!("can be judged once {} is past, or the clock that stated it is right", Instant(at))
            }
            Self::NotStated | Self::NoCapacity => "can be judged once the source states it".to_owned(),
            Self::Unreadable | Self::PlanUnreadable => READABLY.to_owned(),
            Self::Running(_, limit) => match outcome {
                Outcome::Bad | Outcome::Unknown => "turns ok with a restart".to_owned(),
                Outcome::Ok => format!("turns bad once it has been running for {limit}"),
            },
            Self::Filled(_, total, level) => {
                let limit = format!("{} of {total} used, which is {level}", limit_of(total, level));
                match outcome {
                    Outcome::Bad | Outcome::Unknown => format!("turns ok at {limit}"),
                    Outcome::Ok => format!("turns bad above {limit}"),
                }
            }
            Self::Succeeded => "turns bad when too many runs in a row fail".to_owned(),
            Self::Failed(_, limit, _) => match outcome {
                Outcome::Bad | Outcome::Unknown => "turns ok with the next run that succeeds".to_owned(),
                Outcome::Ok => format!("turns bad at {limit} failed runs in a row"),
            },
            Self::Ends(at, notice) => match (outcome, at.checked_sub(notice.duration())) {
                (Outcome::Ok, Ok(start)) => format!("turns bad at {}", Instant(start)),
                _ => format!("turns ok once it ends more than {notice} from now"),
            },
            Self::VerificationFailed(_) => "turns ok with the next verification that succeeds".to_owned(),
            Self::UseNotSeen => SEEN_AGAIN.to_owned(),
            Self::Ambiguous => PLAINLY.to_owned(),
            Self::ClientRecent(..) => "turns bad when a newer version is required".to_owned(),
            Self::ClientOutdated(_, least) => format!("turns ok with a client of version {least} or newer"),
            Self::Used => "turns bad only if every backup is gone".to_owned(),
            Self::Unused(at, limit) | Self::UnusedSinceSeen(at, limit) => match outcome {
                Outcome::Bad => FIRST_BACKUP.to_owned(),
                Outcome::Ok | Outcome::Unknown => bad_after(at, limit, "a backup is made"),
            },
            Self::UnusedSinceUnknown => FIRST_BACKUP.to_owned(),
            Self::Seen => "turns unknown when a look fails or sees only a part".to_owned(),
            Self::NothingListed => "can be judged once something is listed".to_owned(),
            Self::NeverListed(..) => "turns ok with the first look that reads all of it".to_owned(),
            Self::EmptySince(..) => "turns ok once something is listed".to_owned(),
            Self::SeenInPart | Self::NotSeen | Self::PartUnread(..) => ALL_READ.to_owned(),
            Self::OnPlan(Some(at)) => format!("turns bad at {}, unless a run starts before", Instant(at)),
            Self::OnPlan(None) => BEYOND_CALENDAR.to_owned(),
            Self::Missed { limit, .. } => match outcome {
                Outcome::Bad | Outcome::Unknown => "turns ok with the next run that starts".to_owned(),
                Outcome::Ok => format!("turns bad at {limit} missed runs in a row"),
            },
            Self::NothingUnderWay => "turns bad when a run takes too long".to_owned(),
            Self::UnderWay(at, limit) => match outcome {
                Outcome::Ok => bad_after(at, limit, "it ends"),
                Outcome::Bad | Outcome::Unknown => "turns ok once it ends or another one does".to_owned(),
            },
            Self::NothingWaits => "turns bad when messages cannot be delivered for too long".to_owned(),
            Self::Waiting(at, limit) => match outcome {
                Outcome::Ok => bad_after(at, limit, "they are delivered"),
                Outcome::Bad | Outcome::Unknown => DELIVERED.to_owned(),
            },
        }
    }

    /// Returns since when the answer has been what it is, where the facts tell. Of several failed runs only the newest is
    /// dated: it tells since when only if it was the one too many.
    pub fn since(&self, outcome: Outcome) -> Option<Timestamp> {
        if outcome != Outcome::Bad {
            return None;
        }
        match *self {
            Self::TooOld(at, limit)
            | Self::Unused(at, limit)
            | Self::UnusedSinceSeen(at, limit)
            | Self::BlindSince(at, limit, _)
            | Self::NeverListed(at, limit, _)
            | Self::PartUnread(at, limit, _)
            | Self::EmptySince(at, limit)
            | Self::Missed { planned_at: at, grace: limit, .. }
            | Self::UnderWay(at, limit)
            | Self::Waiting(at, limit) => at.checked_add(limit.duration()).ok(),
            Self::Ends(at, notice) => at.checked_sub(notice.duration()).ok(),
            Self::Failed(count, limit, at) => at.filter(|_| count == limit),
            Self::VerificationFailed(at) => at,
            Self::Exempt(_)
            | Self::Recent(..)
            | Self::Never
            | Self::Ahead(_)
            | Self::NotStated
            | Self::Unreadable
            | Self::Running(..)
            | Self::Filled(..)
            | Self::NoCapacity
            | Self::Succeeded
            | Self::UseNotSeen
            | Self::Ambiguous
            | Self::ClientRecent(..)
            | Self::ClientOutdated(..)
            | Self::Used
            | Self::UnusedSinceUnknown
            | Self::Seen
            | Self::NothingListed
            | Self::SeenInPart
            | Self::NotSeen
            | Self::OnPlan(_)
            | Self::MissedAway(..)
            | Self::Away(..)
            | Self::BackWithout(..)
            | Self::PlanUnreadable
            | Self::PlannedAhead(_)
            | Self::NothingUnderWay
            | Self::NothingWaits => None,
        }
    }
}

const NO_CAPACITY: &str = "nothing is used and there is no capacity, so there is no share to judge";
const UNUSED_SINCE_UNKNOWN: &str = "it holds no backup, and nothing says how long it has existed";
const NEVER_LISTED: &str = "its list was never read completely; it was first tried";
const ALL_READ: &str = "turns ok with the next look that reads all of it";
const READABLY: &str = "can be judged once the source states it readably (see the evidence)";
const FIRST_BACKUP: &str = "turns ok with the first good backup";
const DELIVERED: &str = "turns ok once every message that waits is delivered or given up";
const SEEN_AGAIN: &str = "can be judged with the next look that sees it";
const AMBIGUOUS: &str = "the times of its runs can be read in more than one way, with different answers";
const PLAINLY: &str = "can be judged once the client states its offset from UTC plainly";

/// What is said where an instant lies before the year -9999 or after the year 9999.
const BEYOND_CALENDAR: &str = "does not turn within the calendar";

/// What turns something ok that is too long ago.
fn ok_from(matter: &str, limit: Seconds, now: Timestamp) -> String {
    match now.checked_sub(limit.duration()) {
        Ok(start) => format!("turns ok once {matter} is dated {} or later", Instant(start)),
        Err(_) => BEYOND_CALENDAR.to_owned(),
    }
}

/// What turns something bad that is allowed for so long since an instant.
fn bad_after(at: Timestamp, limit: Seconds, unless: &str) -> String {
    match at.checked_add(limit.duration()) {
        Ok(end) => format!("turns bad after {}, unless {unless} before", Instant(end)),
        Err(_) => BEYOND_CALENDAR.to_owned(),
    }
}

/// How long ago and when: `41 h 3 min ago (2021-06-12 21:00:05Z)`; 0 s if it is dated ahead within the tolerance.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let age = match elapsed(at, now) {
        Elapsed::Past(passed) => Age(passed),
        Elapsed::Ahead => Age(SignedDuration::ZERO),
    };
    format!("{age} ago ({})", Instant(at))
}

/// What is blind since when, and what the newest look says of it.
fn blind(what: &str, since: &str, why: Option<&str>) -> String {
    let why = why.map(|why| format!("; the newest look says: {why}")).unwrap_or_default();
    format!("{what} {since}{why}")
}

/// How long ago and when, and how that compares with what is allowed. Where nothing is, there is nothing to compare.
fn limited(at: Timestamp, limit: Seconds, now: Timestamp) -> String {
    if limit == Seconds(0) {
        return ago(at, now);
    }
    let compared = if is_older(at, limit, now) { "more than" } else { "within" };
    format!("{}, {compared} {limit}", ago(at, now))
}

/// True if more time than `limit` has passed.
fn is_older(at: Timestamp, limit: Seconds, now: Timestamp) -> bool {
    matches!(elapsed(at, now), Elapsed::Past(passed) if passed > limit.duration())
}

fn length(seconds: u64) -> Age {
    Age(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Shows a share with two decimals, cut and not rounded, so that it never reads as more than it is.
fn filled(used: u64, total: u64, level: Percent) -> String {
    if total == 0 {
        return "more of its storage is used than there is".to_owned();
    }
    let hundredths = u128::from(used) * 10_000 / u128::from(total);
    let is_over = u128::from(used) > limit_of(total, level);
    if is_over && hundredths == u128::from(level.0) {
        return format!("a little more than {level} of its storage is used");
    }
    let compared = if is_over { "more than" } else { "within" };
    format!("{}.{:02} % of its storage is used, {compared} {level}", hundredths / 100, hundredths % 100)
}

/// The largest use that is not above the level.
fn limit_of(total: u64, level: Percent) -> u128 {
    u128::from(total) * u128::from(level.0) / 10_000
}

fn dated(before: &str, at: Option<Timestamp>) -> String {
    at.map(|at| format!("{before} {}", Instant(at))).unwrap_or_default()
}

fn failed(count: u32, limit: u32, at: Option<Timestamp>) -> String {
    let tolerated = if count < limit { format!("; {limit} in a row are too many") } else { String::new() };
    match count {
        1 => format!("the newest run failed{}{tolerated}", dated(" at", at)),
        _ => format!("the newest {count} runs failed{}{tolerated}", dated(", the last at", at)),
    }
}

fn missed(count: u32, limit: u32, planned_at: Timestamp, grace: Seconds) -> String {
    let at_least = if count >= MISSED_MAX { "at least " } else { "" };
    let planned_at = Instant(planned_at);
    let in_time = format!("did not start within {grace}");
    let tolerated = if count < limit { format!("; {limit} in a row are too many") } else { String::new() };
    match count {
        1 => format!("the run planned for {planned_at} {in_time}{tolerated}"),
        _ if limit == 1 => format!("{at_least}{count} planned runs {in_time}, the first at {planned_at}"),
        _ if count < limit => format!("{count} planned runs {in_time}, the last at {planned_at}{tolerated}"),
        _ => format!("{at_least}{count} planned runs {in_time}; the one at {planned_at} was one too many"),
    }
}

fn dated_ahead(what: &str, at: Timestamp) -> String {
    format!("{what} in the future ({}): a clock must be wrong", Instant(at))
}

fn missed_away(planned_at: Timestamp, grace: Seconds) -> String {
    let at = Instant(planned_at);
    format!("the run planned for {at} has not started; the device was seen for less than {grace} since")
}

fn away(words: Words, ago: &str, limit: Seconds, seen: Seconds) -> String {
    let (Words { matter, verb }, seen) = (words, Age(seen.duration()));
    format!("{matter} {verb} {ago}, but the device was seen for only {seen} since, within {limit}")
}

fn back_without(words: Words, ago: &str, limit: Seconds, seen: Seconds) -> String {
    let (Words { matter, verb }, seen) = (words, Age(seen.duration()));
    format!(
        "back online, still nothing new: {matter} {verb} {ago}, and the device was seen for {seen} since, more than {limit}"
    )
}

fn ends(matter: &str, verb: &str, at: Timestamp, notice: Seconds, now: Timestamp) -> String {
    let left = at.duration_since(now);
    if left.is_negative() {
        return format!("{matter} ended {} ago ({})", Age(left), Instant(at));
    }
    let compared = if left <= notice.duration() { "within" } else { "more than" };
    format!("{matter} {verb} in {} ({}), {compared} {notice}", Age(left), Instant(at))
}

#[cfg(test)]
mod tests;
