//! What is the answer to a check, and why?
//!
//! A [`Verdict`] is small and complete: it keeps the instants and numbers that decided, and makes the words when they
//! are asked for. It does not know how it was found.

use jiff::Timestamp;

use crate::expectation::Percent;
use crate::id::CheckId;
use crate::observation::Exemption;
use crate::time::{Age, Elapsed, Instant, Seconds, elapsed};

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

/// What decided: only what is needed to say so in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// It holds no backup; made at this instant, and so long is allowed.
    Unused(Timestamp, Seconds),
    /// It holds no backup, and nothing says since when.
    UnusedSinceUnknown,
    /// All of its list was read.
    Seen,
    /// Its list was read completely, and nothing at all stood in it.
    NothingListed,
    /// Only a part of its list was read at the newest look.
    SeenInPart,
    /// Its list could not be read at the newest look.
    NotSeen,
    /// Its list could not be read; it last was at this instant, and so long is allowed.
    BlindSince(Timestamp, Seconds),
}

/// The answer to one check about one subject, with what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            Self::Recent(at, limit) => {
                format!("{matter} {verb} {} ago ({}), allowed are {limit}", age(at, now), Instant(at))
            }
            Self::TooOld(at, limit) => {
                format!("{matter} {verb} {} ago ({}), more than {limit}", age(at, now), Instant(at))
            }
            Self::Never => format!("{matter} never happened, or nothing readable says so"),
            Self::Ahead(at) => format!("{matter} is dated in the future ({})", Instant(at)),
            Self::NotStated => format!("{matter} is not stated"),
            Self::Unreadable => format!("{matter} cannot be read"),
            Self::Running(seconds, limit) => format!("running for {}, due at {limit}", length(seconds)),
            Self::Filled(used, total, level) => format!("{} used, level {level}", share(used, total)),
            Self::NoCapacity => "used and free are both 0, so there is no share to judge".to_owned(),
            Self::Succeeded => "the newest run succeeded".to_owned(),
            Self::Failed(1, limit, at) => {
                format!("the newest run failed{}{}", dated(at), tolerated(1, limit))
            }
            Self::Failed(count, limit, at) => {
                format!("the newest {count} runs failed{}{}", dated(at), tolerated(count, limit))
            }
            Self::Ends(at, notice) => ends(matter, at, notice, now),
            Self::VerificationFailed(at) => format!("the newest verification failed{}", dated(at)),
            Self::Used => "it holds backups".to_owned(),
            Self::Unused(at, limit) => {
                format!("it holds no backup and was made {} ago, allowed are {limit}", age(at, now))
            }
            Self::UnusedSinceUnknown => {
                "it holds no backup, and nothing says how long it has existed".to_owned()
            }
            Self::Seen => "its list was read completely".to_owned(),
            Self::NothingListed => "its list was read, and nothing at all stood in it".to_owned(),
            Self::SeenInPart => "only a part of its list was read".to_owned(),
            Self::NotSeen => "its list could not be read".to_owned(),
            Self::BlindSince(at, limit) => {
                format!("its list could not be read for {}, more than {limit}", age(at, now))
            }
        }
    }

    /// Says what would have to change for the answer to turn, as a sentence without its full stop.
    pub fn turns(&self, outcome: Outcome, words: Words, now: Timestamp) -> String {
        let matter = words.matter;
        match *self {
            Self::Exempt(_) => "is judged again once the exemption is gone".to_owned(),
            Self::Recent(at, limit) => match at.checked_add(limit.duration()) {
                Ok(end) => format!("turns bad after {}, unless it happens again before", Instant(end)),
                Err(_) => "does not turn within the calendar".to_owned(),
            },
            Self::TooOld(_, limit) | Self::BlindSince(_, limit) => match now.checked_sub(limit.duration()) {
                Ok(start) => format!("turns ok once {matter} is at {} or later", Instant(start)),
                Err(_) => "does not turn within the calendar".to_owned(),
            },
            Self::Never => format!("turns ok once {matter} is stated and recent"),
            Self::Ahead(at) => {
                format!("can be judged once {} is past, or the clock that stated it is right", Instant(at))
            }
            Self::NotStated | Self::NoCapacity => "can be judged once the source states it".to_owned(),
            Self::Unreadable => {
                "can be judged once the source states it readably (see the evidence)".to_owned()
            }
            Self::Running(_, limit) => format!("turns with a restart: bad from {limit} on"),
            Self::Filled(_, total, level) => {
                format!("turns at {level} of the capacity, {} used", limit_of(total, level))
            }
            Self::Succeeded => "turns bad when a run fails".to_owned(),
            Self::Failed(_, limit, _) => match outcome {
                Outcome::Bad | Outcome::Unknown => "turns ok with the next run that succeeds".to_owned(),
                Outcome::Ok => format!("turns bad at {limit} failed runs in a row"),
            },
            Self::Ends(at, notice) => match (outcome, at.checked_sub(notice.duration())) {
                (Outcome::Ok, Ok(start)) => format!("turns bad at {}", Instant(start)),
                _ => format!("turns ok once it ends more than {notice} from now"),
            },
            Self::VerificationFailed(_) => "turns ok with the next verification that succeeds".to_owned(),
            Self::Used => "turns bad only if every backup is gone".to_owned(),
            Self::Unused(..) | Self::UnusedSinceUnknown => "turns ok with the first good backup".to_owned(),
            Self::Seen => "turns unknown when a look fails".to_owned(),
            Self::NothingListed => "can be judged once something is listed".to_owned(),
            Self::SeenInPart | Self::NotSeen => "turns ok with the next look that reads all of it".to_owned(),
        }
    }

    /// Returns since when the answer has been what it is, where the facts tell.
    pub fn since(&self, outcome: Outcome) -> Option<Timestamp> {
        if outcome != Outcome::Bad {
            return None;
        }
        match *self {
            Self::TooOld(at, limit) | Self::Unused(at, limit) | Self::BlindSince(at, limit) => {
                at.checked_add(limit.duration()).ok()
            }
            Self::Ends(at, notice) => at.checked_sub(notice.duration()).ok(),
            Self::Failed(_, _, at) | Self::VerificationFailed(at) => at,
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
            | Self::Used
            | Self::UnusedSinceUnknown
            | Self::Seen
            | Self::NothingListed
            | Self::SeenInPart
            | Self::NotSeen => None,
        }
    }
}

/// How long ago, or a moment ago if it is dated ahead within the tolerance.
fn age(at: Timestamp, now: Timestamp) -> Age {
    match elapsed(at, now) {
        Elapsed::Past(passed) => Age(passed),
        Elapsed::Ahead => Age(jiff::SignedDuration::ZERO),
    }
}

fn length(seconds: u64) -> Age {
    Age(jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Shows a share with two decimals, cut and not rounded, so that 85.004 % never reads as more than it is.
fn share(used: u64, total: u64) -> String {
    if total == 0 {
        return "more than there is".to_owned();
    }
    let hundredths = u128::from(used) * 10_000 / u128::from(total);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// The largest use that is not above the level.
fn limit_of(total: u64, level: Percent) -> u128 {
    u128::from(total) * u128::from(level.0) / 10_000
}

fn dated(at: Option<Timestamp>) -> String {
    at.map(|at| format!(" at {}", Instant(at))).unwrap_or_default()
}

fn tolerated(count: u32, limit: u32) -> String {
    if count < limit { format!(", {limit} in a row are too many") } else { String::new() }
}

fn ends(matter: &str, at: Timestamp, notice: Seconds, now: Timestamp) -> String {
    let left = at.duration_since(now);
    if left.is_negative() {
        return format!("{matter} ended {} ago ({})", Age(left), Instant(at));
    }
    format!("{matter} ends in {} ({}), notice is {notice}", Age(left), Instant(at))
}
