//! Could we see what we are to judge?

use std::sync::Arc;

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::{RepositoryFacts, SourceFacts, Unread, said};
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
    bad_when: "now - last complete listing > `blind_after`, whether looks fail or none are made, where there was none \
               now - first look; or for so long nothing at all was listed, or every look failed to read a part of a \
               repository or of its assets; before that, a failed, partial or empty look is unknown, and so is a \
               listing ahead of now",
    remedy: "repair what the failures of the look name: each says what to do",
    words: Words { matter: "the last complete listing", verb: "was" },
    thresholds: &[&BLIND_AFTER],
    judge: Judge { source: Some(judge_source), repository: Some(judge_repository), asset: None },
};

/// A fleet that is gone as a whole is no fleet in good health, however completely its list was read. We ourselves need
/// no channels.
fn judge_source(source: &SourceFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let why = || {
        // What failed in a repository is no reason why the list of repositories could not be read.
        let of_list = source.failures.iter().filter(|failure| failure.place.repository.is_none());
        said(of_list, &source.id)
    };
    let answer = judge((source.listing, &why), (source.listed_at, source.first_looked_at), expected, now);
    if answer.1 != Reason::Seen || !source.repositories.is_empty() || source.id.is_ourselves() {
        return answer;
    }
    let limit = limit(expected);
    let since = source.filled_at.unwrap_or(source.first_looked_at);
    if is_longer_ago(since, limit, now) {
        return Reason::EmptySince(since, limit).is(Outcome::Bad);
    }
    Reason::NothingListed.is(Outcome::Unknown)
}

/// A part that no look could read for longer than the limit is as bad as a list: the dead backup may be in it. Before that
/// it says nothing of the list.
fn judge_repository(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let RepositoryFacts { unread, listed_at, first_seen_at, .. } = repository;
    let why = || unread.as_ref().map(|unread| Arc::clone(&unread.why));
    let answer = judge((repository.listing(), &why), (*listed_at, *first_seen_at), expected, now);
    let limit = limit(expected);
    match unread {
        Some(Unread { since, why }) if answer.0 != Outcome::Bad && is_longer_ago(*since, limit, now) => {
            Reason::PartUnread(*since, limit, Arc::clone(why)).is(Outcome::Bad)
        }
        Some(_) | None => answer,
    }
}

/// 1. A last complete listing longer ago than the limit is bad, also if no look failed since: looks that stop coming are
///    blindness too. Where there never was one, the time counts from the first look on.
/// 2. One ahead of now by more than the tolerance is unknown: it says nothing about how long ago it was.
/// 3. Else one failed look is unknown: it may be the network.
fn judge(
    (listing, why): (Extent, &dyn Fn() -> Option<Arc<str>>),
    (listed_at, first_at): (Option<Timestamp>, Timestamp),
    expected: &Expectation,
    now: Timestamp,
) -> Answer {
    let limit = limit(expected);
    if is_longer_ago(listed_at.unwrap_or(first_at), limit, now) {
        let reason = match listed_at {
            Some(at) => Reason::BlindSince(at, limit, why()),
            None => Reason::NeverListed(first_at, limit, why()),
        };
        return reason.is(Outcome::Bad);
    }
    if let Some(at) = listed_at.filter(|at| elapsed(*at, now) == Elapsed::Ahead) {
        return Reason::Ahead(at).is(Outcome::Unknown);
    }
    match listing {
        Extent::Complete => Reason::Seen.is(Outcome::Ok),
        Extent::Partial => Reason::SeenInPart.is(Outcome::Unknown),
        Extent::Failed => Reason::NotSeen.is(Outcome::Unknown),
    }
}

fn limit(expected: &Expectation) -> Seconds {
    expected.seconds(&BLIND_AFTER).expect("a check whose threshold is off is not asked")
}

fn is_longer_ago(at: Timestamp, limit: Seconds, now: Timestamp) -> bool {
    matches!(elapsed(at, now), Elapsed::Past(passed) if passed > limit.duration())
}
