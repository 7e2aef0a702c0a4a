//! Which fleets do stories speak of?
//!
//! Written with the builders of the core, then turned into what a Datto portal states: stories run on real kinds, since
//! a watch forgets what is not of the kind that is configured.

use jiff::Timestamp;
use lastgood_core::kind::{Kind, SourceKind};
use lastgood_core::observation::{AssetObservation, Collection, Stated};
use lastgood_core::testing::{FleetBuilder, agent};

use super::{hours, minutes};

/// A look at the appliance `nas1` of a source, with agents and when each was backed up last.
pub(super) fn nas1(source: &str, now: Timestamp, agents: &[(&str, Timestamp)]) -> Collection {
    let agents = agents.iter().map(|(name, last_good)| backed_up(name, *last_good, now)).collect();
    FleetBuilder::new(source, now).appliance("nas1", agents).collection()
}

/// A healthy look at the agent `db` of a source.
pub(super) fn healthy(source: &str, now: Timestamp) -> Collection {
    nas1(source, now, &[("db", now - hours(1))])
}

/// The same, but its last good backup is too old.
pub(super) fn late(source: &str, now: Timestamp) -> Collection {
    nas1(source, now, &[("db", now - hours(30))])
}

/// A look at an appliance that has been silent since then; its agents were backed up until then.
pub(super) fn silent_since(since: Timestamp, now: Timestamp, agent_count: usize) -> Collection {
    let agent = |number| backed_up(&format!("agent{number:02}"), since - minutes(30), now);
    let agents = (1..=agent_count).map(agent).collect();
    let mut collection = FleetBuilder::new("acme", now).appliance("BDR01", agents).collection();
    collection.repositories[0].last_seen = Stated::Value(since);
    collection
}

fn backed_up(name: &str, last_good: Timestamp, now: Timestamp) -> AssetObservation {
    let mut asset = agent(name, now);
    asset.last_good = Stated::Value(last_good);
    asset
}

/// The same as a Datto portal states it.
pub(crate) fn as_datto(mut collection: Collection) -> Collection {
    let kind = lastgood::sources::find("datto-xml").expect("a kind of source").kind;
    collection.kind = kind;
    for repository in &mut collection.repositories {
        repository.kind = of(kind, "appliance");
        for asset in &mut repository.assets {
            asset.kind = of(kind, "agent");
        }
    }
    collection
}

fn of(kind: &'static SourceKind, word: &str) -> &'static Kind {
    kind.kinds.iter().find(|kind| kind.id == word).expect("a kind of Datto's")
}
