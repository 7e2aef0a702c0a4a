//! How are we ourselves: can we see anything at all, and do our messages arrive?
//!
//! We are a source like any other, under a name that nobody else may have: its list is what we could read of all other
//! sources, its repositories are our channels. So our own trouble opens incidents, is told and closes the way all trouble
//! does.

use jiff::Timestamp;
use lastgood_core::checks::{undelivered, visibility};
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, SourceFacts, Subject};
use lastgood_core::id::{Name, SourceId, SubjectId};
use lastgood_core::judge::SOURCE_CHECKS;
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{
    Collection, Extent, Failure, FailureKind, Place, RepositoryObservation, Stated,
};
use lastgood_core::verdict::Outcome;

use crate::sources;
use crate::store::Undelivered;

/// A way we tell people something.
static CHANNEL: Kind =
    Kind { id: "channel", subject: SubjectType::Repository, checks: &[undelivered::ID], defaults: &[] };

/// What we are as a source.
pub static KIND: SourceKind = SourceKind { id: SourceId::OURSELVES, kinds: &[&CHANNEL] };

/// Our own name.
pub fn id() -> SourceId {
    SourceId::new(SourceId::OURSELVES).expect("our own name is a name")
}

/// Returns the name of the channel that a subject is, if it is one of ours.
pub fn channel_of(subject: &SubjectId) -> Option<&Name> {
    subject.repository.as_ref().filter(|_| subject.source.as_str() == SourceId::OURSELVES)
}

/// What is known of us at an instant.
///
/// We are blind where two or more sources are polled, the newest look at each of them saw nothing, and one of them has
/// been unseen for longer than it may: then it is more likely our network than all of them.
pub fn facts(
    others: &Facts,
    expectations: &Expectations,
    (channels, undelivered): (&[String], &[Undelivered]),
    now: Timestamp,
) -> SourceFacts {
    let repositories = channels.iter().map(|name| channel(name, undelivered)).collect();
    let collection = |observed_at, listing, failures| Collection {
        source: id(),
        kind: &KIND,
        observed_at,
        listing,
        repositories,
        failures,
    };
    let Some(seen_at) = blind_since(others, expectations, now) else {
        return SourceFacts::first(collection(now, Extent::Complete, Vec::new()));
    };
    let failure = Failure {
        place: Place::source(),
        kind: FailureKind::Unreachable,
        reason: "none of the sources could be seen; look at the network and the name service of this machine"
            .to_owned(),
    };
    let mut facts = SourceFacts::first(collection(now, Extent::Failed, vec![failure]));
    facts.listed_at = Some(seen_at);
    facts
}

/// When a source was read last that is now unseen for too long, if all are.
fn blind_since(others: &Facts, expectations: &Expectations, now: Timestamp) -> Option<Timestamp> {
    let is_polled = |source: &&SourceFacts| sources::find(source.kind.id).is_none_or(|entry| !entry.pushes);
    let polled: Vec<_> = others.sources.iter().filter(is_polled).collect();
    if polled.len() < 2 || polled.iter().any(|source| source.look != Extent::Failed) {
        return None;
    }
    let is_blind = |source: &SourceFacts| {
        let expected = expectations.resolve(&Subject::Source(source), None, SOURCE_CHECKS);
        let expectation = expected.iter().find(|expectation| expectation.check == visibility::ID)?;
        let judge = visibility::CHECK.judge.source?;
        (judge(source, expectation, now).0 == Outcome::Bad).then_some(())
    };
    let blind = polled.into_iter().filter(|source| is_blind(source).is_some());
    blind.filter_map(|source| source.listed_at).min()
}

fn channel(name: &str, undelivered: &[Undelivered]) -> RepositoryObservation {
    let name_of = Name::new(name);
    let mut stated = RepositoryObservation::new(&CHANNEL, name_of.clone(), name_of);
    let waiting = undelivered.iter().find(|waiting| waiting.channel == name);
    stated.undelivered_since = waiting.map_or(Stated::Never, |waiting| Stated::Value(waiting.since));
    stated
}
