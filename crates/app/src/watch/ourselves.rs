//! How are we ourselves: can we see anything at all, and do our messages arrive?
//!
//! We are a source like any other, under a name that nobody else may have: its list is what we could read of all other
//! sources, its repositories are our channels. So our own trouble opens incidents, is told and closes the way all trouble
//! does.

use std::collections::HashSet;

use jiff::Timestamp;
use lastgood_core::checks::{undelivered, visibility};
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, SourceFacts, Subject};
use lastgood_core::id::{Name, SourceId, SubjectId};
use lastgood_core::incident::{Known, Matter};
use lastgood_core::judge::SOURCE_CHECKS;
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{
    Collection, Extent, Failure, FailureKind, Place, RepositoryObservation, Stated,
};
use lastgood_core::recipient::Address;
use lastgood_core::time::{Elapsed, Seconds, elapsed};
use lastgood_core::verdict::Outcome;

use crate::directory::who::{Directories, Nominated, Who};
use crate::sources;
use crate::store::{GivenUp, Store, StoreError, Undelivered};

/// A way we tell people something.
static CHANNEL: Kind =
    Kind { id: "channel", subject: SubjectType::Repository, checks: &[undelivered::ID], defaults: &[] };

/// Somebody whom a message did not reach and will not: that is bad from the first one on.
static ADDRESS: Kind = Kind {
    id: "address",
    subject: SubjectType::Repository,
    checks: &[undelivered::ID],
    defaults: &[("undelivered_after", Some(0))],
};

/// What we are as a source.
pub static KIND: SourceKind = SourceKind { id: SourceId::OURSELVES, kinds: &[&CHANNEL, &ADDRESS] };

/// How what we tell people gets out.
#[derive(Clone, Debug)]
pub struct Outward<'a> {
    /// Every channel, by name.
    pub channels: &'a [String],
    /// Those that do not deliver.
    pub undelivered: Vec<Undelivered>,
    /// Addresses that are not reached; only those that anybody is still to be told at.
    pub given_up: Vec<GivenUp>,
}

impl<'a> Outward<'a> {
    /// Asks the store.
    pub async fn read(
        store: &dyn Store,
        channels: &'a [String],
        (directories, facts): (&Directories, &Facts),
    ) -> Result<Self, StoreError> {
        let undelivered = store.undelivered().await?;
        let mut given_up = store.given_up().await?;
        let addresses: Vec<_> = given_up.iter().map(|given_up| given_up.address.clone()).collect();
        let still_told = Who::new(directories, facts).still_told(&addresses);
        given_up.retain(|given_up| still_told.contains(&given_up.address));
        Ok(Self { channels, undelivered, given_up })
    }
}

/// How long sources may take to be looked at again after all of them were unseen.
const RECOVERY_MAX: Seconds = Seconds::minutes(30);

/// Our own name.
pub fn id() -> SourceId {
    SourceId::new(SourceId::OURSELVES).expect("our own name is a name")
}

/// What it is about that we see nothing.
pub fn blindness() -> Matter {
    let subject = SubjectId { source: id(), repository: None, asset: None };
    Matter { subject, check: visibility::ID }
}

/// True if an address is no way to tell of this subject: it is the address, or the channel, that does not work.
pub fn is_in_vain(subject: &SubjectId, address: &Address) -> bool {
    let ours = subject.repository.as_ref().filter(|_| subject.source.is_ourselves());
    ours.is_some_and(|key| {
        key.bytes() == address.channel.as_bytes() || key.bytes() == address.to_string().as_bytes()
    })
}

/// Our own troubles that nobody can be told of: whoever is to be told is reached only by what does not work either.
pub(super) fn untellable(known: &Known, who: &Who<'_>) -> Vec<Matter> {
    let is_ours = |matter: &&Matter| matter.subject.source.is_ourselves() && matter.check == undelivered::ID;
    let open = known.values().filter(|incident| incident.is_open());
    let broken: Vec<&Matter> = open.map(|incident| &incident.matter).filter(is_ours).collect();
    let keys: HashSet<&[u8]> =
        broken.iter().filter_map(|matter| Some(matter.subject.repository.as_ref()?.bytes())).collect();
    let is_reached = |address: &Address| {
        !keys.contains(address.channel.as_bytes()) && !keys.contains(address.to_string().as_bytes())
    };
    let is_told = |matter: &Matter| match who.name(matter) {
        Nominated::Known(nomination) => {
            nomination.named.iter().any(|named| named.is_wanted && is_reached(&named.recipient.address))
        }
        Nominated::Unknown => true,
    };
    broken.into_iter().filter(|matter| !is_told(matter)).cloned().collect()
}

/// What is known of us at an instant.
///
/// We are blind where two or more sources are polled, the newest look at each of them saw nothing, and one of them has
/// been unseen for longer than it may: then it is more likely our network than all of them. Once one is seen again, the
/// others are given time for a look of their own before each of them is its own trouble.
pub fn facts(
    others: &Facts,
    expectations: &Expectations,
    outward: &Outward<'_>,
    was_blind: bool,
    now: Timestamp,
) -> SourceFacts {
    // A channel that was taken out of the configuration stays one as long as messages wait for it.
    let removed = outward.undelivered.iter().map(|waiting| &waiting.channel);
    let removed = removed.filter(|name| !outward.channels.contains(name));
    let channels = outward.channels.iter().chain(removed);
    let channels = channels.map(|name| channel(name, &outward.undelivered));
    let repositories = channels.chain(outward.given_up.iter().map(address)).collect();
    let collection = |observed_at, listing, failures| Collection {
        source: id(),
        kind: &KIND,
        observed_at,
        listing,
        repositories,
        failures,
    };
    let is_blind = are_all_failing(others) || was_blind && is_waiting_for_looks(others, now);
    let seen_at = is_blind.then(|| blind_since(others, expectations, now)).flatten();
    let Some(seen_at) = seen_at else {
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

fn are_all_failing(others: &Facts) -> bool {
    polled(others).count() >= 2 && polled(others).all(|source| source.look == Extent::Failed)
}

/// True for a while after the first source was seen again, as long as another one was not looked at since.
fn is_waiting_for_looks(others: &Facts, now: Timestamp) -> bool {
    let seen = polled(others).filter(|source| source.look != Extent::Failed);
    let Some(newest) = seen.map(|source| source.looked_at).max() else { return false };
    let is_late = matches!(elapsed(newest, now), Elapsed::Past(passed) if passed > RECOVERY_MAX.duration());
    !is_late && polled(others).any(|source| source.look == Extent::Failed && source.looked_at < newest)
}

/// When a source was read last that is now unseen for too long.
fn blind_since(others: &Facts, expectations: &Expectations, now: Timestamp) -> Option<Timestamp> {
    let unseen = unseen(others, expectations, now);
    unseen.map(|source| source.listed_at.unwrap_or(source.first_looked_at)).min()
}

fn polled(facts: &Facts) -> impl Iterator<Item = &SourceFacts> {
    let is_polled = |source: &&SourceFacts| sources::find(source.kind.id).is_none_or(|entry| !entry.pushes);
    facts.sources.iter().filter(is_polled)
}

/// The sources that are polled and have been unseen for longer than they may.
pub(super) fn unseen<'a>(
    facts: &'a Facts,
    expectations: &'a Expectations,
    now: Timestamp,
) -> impl Iterator<Item = &'a SourceFacts> {
    polled(facts).filter(move |source| {
        let expected = expectations.resolve(&Subject::Source(source), None, SOURCE_CHECKS);
        let expectation = expected.iter().find(|expectation| expectation.check == visibility::ID);
        let judge = visibility::CHECK.judge.source;
        let answered = judge.zip(expectation).map(|(judge, expectation)| judge(source, expectation, now));
        answered.is_some_and(|(outcome, _)| outcome == Outcome::Bad)
    })
}

fn channel(name: &str, undelivered: &[Undelivered]) -> RepositoryObservation {
    let name_of = Name::new(name);
    let mut stated = RepositoryObservation::new(&CHANNEL, name_of.clone(), name_of);
    let waiting = undelivered.iter().find(|waiting| waiting.channel == name);
    stated.undelivered_since = waiting.map_or(Stated::Never, |waiting| Stated::Value(waiting.since));
    stated
}

fn address(given_up: &GivenUp) -> RepositoryObservation {
    let name = Name::new(given_up.address.to_string());
    let mut stated = RepositoryObservation::new(&ADDRESS, name.clone(), name);
    stated.undelivered_since = Stated::Value(given_up.since);
    stated
}
