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

/// For how long a listing may stay unread before blindness is bad: three looks an hour apart. Who looks on an interval of
/// their own sets three of those.
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
    bad_when: "now - last complete listing > `blind_after`, whether looks fail or none are made; before that, a failed \
               or partial look, or one that listed nothing at all, is unknown",
    remedy: "read the failures of the look: each says what to do",
    words: Words { matter: "the last complete listing", verb: "was" },
    thresholds: &[&BLIND_AFTER],
    judge: Judge { source: Some(judge_source), repository: Some(judge_repository), asset: None },
};

fn judge_source(source: &SourceFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let answer = judge(source.listing, source.listed_at, expected, now);
    match answer.1 {
        Reason::Seen if source.repositories.is_empty() => Reason::NothingListed.is(Outcome::Unknown),
        _ => answer,
    }
}

fn judge_repository(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    judge(repository.stated.listing, repository.listed_at, expected, now)
}

/// 1. A last complete listing longer ago than the limit is bad, also if no look failed since: looks that stop coming are
///    blindness too. Only a known one makes it measurable.
/// 2. Before that, one failed look is unknown: it may be the network.
fn judge(listing: Extent, listed_at: Option<Timestamp>, expected: &Expectation, now: Timestamp) -> Answer {
    let limit = expected.seconds(&BLIND_AFTER).expect("a check whose threshold is off is not asked");
    if let Some(at) = listed_at
        && let Elapsed::Past(passed) = elapsed(at, now)
        && passed > limit.duration()
    {
        return Reason::BlindSince(at, limit).is(Outcome::Bad);
    }
    match listing {
        Extent::Complete => Reason::Seen.is(Outcome::Ok),
        Extent::Partial => Reason::SeenInPart.is(Outcome::Unknown),
        Extent::Failed => Reason::NotSeen.is(Outcome::Unknown),
    }
}
