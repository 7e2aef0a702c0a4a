//! Could we see what we are to judge?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::{RepositoryFacts, SourceFacts};
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::Extent;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("visibility");

/// For how long a listing may stay unread before blindness is bad: three looks an hour apart.
pub static BLIND_AFTER: Threshold = Threshold {
    name: "blind_after",
    unit: Unit::Time,
    default: Some(Seconds::hours(3).0),
    meaning: "for how long the listing may stay unread before that is bad and not only unknown",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Source, SubjectType::Repository],
    question: "Could we see all that we are to judge?",
    bad_when: "its listing could not be read for longer than `blind_after`; a failed or partial look, or one that \
               listed nothing at all, is unknown",
    remedy: "read the failures of the look: each says what to do",
    words: Words { matter: "the last complete listing", verb: "was" },
    thresholds: &[&BLIND_AFTER],
    judge: Judge { source: Some(judge_source), repository: Some(judge_repository), asset: None },
};

fn judge_source(source: &SourceFacts, expected: &Expectation, now: Timestamp) -> Answer {
    if source.listing == Extent::Complete && source.repositories.is_empty() {
        return Reason::NothingListed.is(Outcome::Unknown);
    }
    judge(source.listing, source.listed_at, expected, now)
}

fn judge_repository(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    judge(repository.stated.listing, repository.listed_at, expected, now)
}

/// One failed look is unknown: it may be the network. Only a known last success makes the blindness measurable.
fn judge(listing: Extent, listed_at: Option<Timestamp>, expected: &Expectation, now: Timestamp) -> Answer {
    if listing == Extent::Complete {
        return Reason::Seen.is(Outcome::Ok);
    }
    let limit = expected.seconds(&BLIND_AFTER).expect("a check whose threshold is off is not asked");
    if let Some(at) = listed_at
        && let Elapsed::Past(passed) = elapsed(at, now)
        && passed > limit.duration()
    {
        return Reason::BlindSince(at, limit).is(Outcome::Bad);
    }
    match listing {
        Extent::Partial => Reason::SeenInPart.is(Outcome::Unknown),
        Extent::Complete | Extent::Failed => Reason::NotSeen.is(Outcome::Unknown),
    }
}
