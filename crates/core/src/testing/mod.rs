//! How does a test write down a fleet in a line or two?
//!
//! Builders of facts for the tests of this crate and of others, behind feature `testing`. What they make is healthy at
//! the instant it is made for, so that a test changes only what it is about. It knows no real kind of source.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use crate::checks;
use crate::expectation::{Expectations, Layer, Origin, Scope};
use crate::facts::{Facts, fold};
use crate::id::{CheckId, Name, SourceId, SubjectId};
use crate::incident::Matter;
use crate::judge::judge;
use crate::kind::{Kind, SourceKind, SubjectType};
use crate::observation::{
    AssetObservation, Collection, Extent, Failure, FailureKind, LastRun, Place, RepositoryObservation, Space,
    Stated, Uptime, Verification,
};
use crate::time::Seconds;
use crate::verdict::Verdict;

#[cfg(test)]
pub(crate) mod strategy;

/// A repository of which everything is stated, like a Datto appliance and more.
pub static APPLIANCE: Kind = Kind {
    id: "appliance",
    subject: SubjectType::Repository,
    checks: &[
        checks::offline::ID,
        checks::reboot_due::ID,
        checks::quota::ID,
        checks::service_expiry::ID,
        checks::visibility::ID,
    ],
    defaults: &[],
};

/// A repository that only knows its storage and its creation.
pub static ACCOUNT: Kind = Kind {
    id: "account",
    subject: SubjectType::Repository,
    checks: &[checks::quota::ID, checks::never_used::ID],
    defaults: &[],
};

/// A channel of our own.
pub static CHANNEL: Kind = Kind {
    id: "channel",
    subject: SubjectType::Repository,
    checks: &[checks::undelivered::ID],
    defaults: &[],
};

/// An asset of which everything is stated; verified on its own, so that `verified_after` is 48 h.
pub static AGENT: Kind = Kind {
    id: "agent",
    subject: SubjectType::Asset,
    checks: &[
        checks::unsuccessful::ID,
        checks::behind_local::ID,
        checks::behind_offsite::ID,
        checks::never_used::ID,
        checks::unverified::ID,
    ],
    defaults: &[("verified_after", Some(Seconds::hours(48).0))],
};

/// An asset that three checks are asked of; `unverified` is among its checks and off.
pub static SHARE: Kind = Kind {
    id: "share",
    subject: SubjectType::Asset,
    checks: &[
        checks::unsuccessful::ID,
        checks::behind_local::ID,
        checks::behind_offsite::ID,
        checks::unverified::ID,
    ],
    defaults: &[],
};

/// An asset with a plan, like a job that pings.
pub static PING: Kind = Kind {
    id: "ping",
    subject: SubjectType::Asset,
    checks: &[checks::unsuccessful::ID, checks::schedule::ID, checks::stuck::ID],
    defaults: &[],
};

/// A computer that says which client it runs.
pub static COMPUTER: Kind = Kind {
    id: "computer",
    subject: SubjectType::Asset,
    checks: &[checks::unsuccessful::ID, checks::schedule::ID, checks::stuck::ID, checks::outdated_client::ID],
    defaults: &[],
};

/// An asset that nothing is asked of.
pub static OTHER: Kind = Kind { id: "other", subject: SubjectType::Asset, checks: &[], defaults: &[] };

/// A kind of source for tests; every check there is applies to one of its kinds, of [`HOST`] or of [`OURSELVES`].
pub static PORTAL: SourceKind =
    SourceKind { id: "portal", kinds: &[&APPLIANCE, &ACCOUNT, &AGENT, &SHARE, &PING, &OTHER] };

/// A kind of source for tests whose accounts stand in a directory.
pub static HOST: SourceKind = SourceKind { id: "host", kinds: &[&ACCOUNT, &COMPUTER] };

/// What we are ourselves as a source.
pub static OURSELVES: SourceKind = SourceKind { id: SourceId::OURSELVES, kinds: &[&CHANNEL] };

/// Reads an instant such as `2026-03-02T12:00:00Z`.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("the test writes a valid instant")
}

/// The instant that most tests judge at: `2026-03-02T12:00:00Z`.
pub fn noon() -> Timestamp {
    at("2026-03-02T12:00:00Z")
}

/// The instant so long before `now`.
pub fn ago(now: Timestamp, seconds: Seconds) -> Timestamp {
    now - seconds.duration()
}

/// One nanosecond: the smallest step past a limit.
pub const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

/// A matter of a subject with this path, names without a slash.
pub fn matter(path: &str, check: CheckId) -> Matter {
    let mut parts = path.split('/');
    let source = source_id(parts.next().expect("a source"));
    let subject =
        SubjectId { source, repository: parts.next().map(Name::new), asset: parts.next().map(Name::new) };
    Matter { subject, check }
}

/// Names a source.
pub fn source_id(name: &str) -> SourceId {
    SourceId::new(name).expect("the test writes a valid source name")
}

/// An appliance without assets that is healthy at `now`.
pub fn appliance(name: &str, now: Timestamp) -> RepositoryObservation {
    let mut repository = RepositoryObservation::new(&APPLIANCE, Name::new(name), Name::new(name));
    repository.last_seen = Stated::Value(ago(now, Seconds::minutes(10)));
    repository.uptime = Uptime::from_seconds(86_400.0).map_or(Stated::Missing, Stated::Value);
    repository.space = Space {
        used: Stated::Value(400),
        free: Stated::Value(600),
        quota: Stated::Missing,
        ..Space::default()
    };
    repository.service_end = Stated::Value(now + Seconds::days(300).duration());
    repository.warranty_end = Stated::Value(now + Seconds::days(200).duration());
    repository.created_at = Stated::Value(ago(now, Seconds::days(100)));
    repository.used_ever = Some(true);
    repository
}

/// An asset of any kind that is healthy at `now`.
pub fn asset(kind: &'static Kind, name: &str, now: Timestamp) -> AssetObservation {
    let mut asset = AssetObservation::new(kind, Name::new(name));
    asset.last_run = LastRun::Succeeded;
    asset.last_good = Stated::Value(ago(now, Seconds::hours(1)));
    asset.last_offsite = Stated::Value(ago(now, Seconds::hours(2)));
    asset.more.verification = Verification { at: Stated::Value(ago(now, Seconds::hours(3))), failed: false };
    asset.more.created_at = Stated::Value(ago(now, Seconds::days(100)));
    asset
}

/// An [`AGENT`] that is healthy at `now`.
pub fn agent(name: &str, now: Timestamp) -> AssetObservation {
    asset(&AGENT, name, now)
}

/// A [`SHARE`] that is healthy at `now`.
pub fn share(name: &str, now: Timestamp) -> AssetObservation {
    asset(&SHARE, name, now)
}

/// A look that could not reach the source.
pub fn unreachable(source: &str, observed_at: Timestamp) -> Collection {
    let failure = Failure {
        place: Place::source(),
        kind: FailureKind::Unreachable,
        reason: "nobody answered; check the address".to_owned(),
    };
    Collection::failed(source_id(source), &PORTAL, observed_at, failure)
}

/// Builds one look at a [`PORTAL`], healthy and complete unless told otherwise.
#[derive(Clone, Debug)]
pub struct FleetBuilder {
    collection: Collection,
}

impl FleetBuilder {
    /// A complete look at `source` that began at `observed_at` and has listed nothing so far.
    pub fn new(source: &str, observed_at: Timestamp) -> Self {
        let collection = Collection {
            source: source_id(source),
            kind: &PORTAL,
            observed_at,
            listing: Extent::Complete,
            repositories: Vec::new(),
            failures: Vec::new(),
        };
        Self { collection }
    }

    /// Lists a repository.
    #[must_use]
    pub fn repository(mut self, repository: RepositoryObservation) -> Self {
        self.collection.repositories.push(repository);
        self
    }

    /// Lists a healthy appliance with these assets.
    #[must_use]
    pub fn appliance(self, name: &str, assets: Vec<AssetObservation>) -> Self {
        let mut repository = appliance(name, self.collection.observed_at);
        repository.assets = assets;
        self.repository(repository)
    }

    /// Lists a healthy appliance with healthy agents of these names.
    #[must_use]
    pub fn agents(self, name: &str, agents: &[&str]) -> Self {
        let now = self.collection.observed_at;
        self.appliance(name, agents.iter().map(|name| agent(name, now)).collect())
    }

    /// Says that only a part of the list of repositories was read, with a failure that says so.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.collection.listing = Extent::Partial;
        let reason = "the answer ended early; look again".to_owned();
        self.collection.failures.push(Failure {
            place: Place::source(),
            kind: FailureKind::Malformed,
            reason,
        });
        self
    }

    /// Ends the look.
    pub fn collection(self) -> Collection {
        self.collection
    }

    /// Ends the look and makes facts of it alone.
    pub fn facts(self) -> Facts {
        fold(vec![self.collection])
    }
}

/// Expectations of nothing but defaults.
pub fn defaults() -> Expectations {
    Expectations::new(checks::thresholds_of, Vec::new())
}

/// Expectations where these thresholds are set for everything, in the words of the configuration: `("local_after",
/// "24h")`.
pub fn set(values: &[(&str, &str)]) -> Expectations {
    let parsed = values.iter().map(|(name, text)| {
        let threshold = checks::find_threshold(name).expect("the test names a threshold that exists");
        let value = threshold.parse(text).expect("the test writes a valid value");
        (threshold.name, value, Origin::Config(Rc::from("test.toml:1")))
    });
    let layer = Layer { scope: Scope::Everything, values: parsed.collect() };
    Expectations::new(checks::thresholds_of, vec![layer])
}

/// Judges and returns the verdict of one check about the subject with this path; `None` if there is no such row.
pub fn verdict(
    facts: &Facts,
    expectations: &Expectations,
    now: Timestamp,
    path: &str,
    check: CheckId,
) -> Option<Verdict> {
    let judgement = judge(facts, expectations, now);
    let mut subjects = judgement.subjects();
    let (_, verdicts) = subjects.find(|(subject, _)| subject.path() == path)?;
    verdicts.iter().find(|verdict| verdict.check == check).cloned()
}

#[cfg(test)]
mod tests;
