//! Does what we tell people arrive?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Stated;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("undelivered");

/// For how long a channel may fail. An hour: a mail server that is restarted or asks to come again later is back by then.
pub static UNDELIVERED_AFTER: Threshold = Threshold {
    name: "undelivered_after",
    unit: Unit::Time,
    default: Some(Seconds::hours(1).0),
    meaning: "for how long messages may wait since the first attempt failed",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository],
    question: "Does what we tell people arrive?",
    bad_when: "a message waits, and now - its first attempt, which failed, > `undelivered_after`",
    remedy: "read the error of the newest attempt, and mend the channel or correct the address: what waits is sent \
             then, what was refused for good is not sent again",
    words: Words { matter: "the first attempt in vain", verb: "was" },
    thresholds: &[&UNDELIVERED_AFTER],
    judge: Judge { source: None, repository: Some(judge), asset: None },
};

fn judge(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let since = match repository.stated.undelivered_since {
        Stated::Missing | Stated::Never => return Reason::NothingWaits.is(Outcome::Ok),
        Stated::Unreadable => return Reason::Unreadable.is(Outcome::Unknown),
        Stated::Value(since) => since,
    };
    let limit = expected.seconds(&UNDELIVERED_AFTER).expect("a check whose threshold is off is not asked");
    match elapsed(since, now) {
        Elapsed::Ahead => Reason::Ahead(since).is(Outcome::Unknown),
        Elapsed::Past(passed) => {
            let outcome = if passed > limit.duration() { Outcome::Bad } else { Outcome::Ok };
            Reason::Waiting(since, limit).is(outcome)
        }
    }
}
