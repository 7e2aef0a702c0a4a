//! Does the store keep its promises, whatever happens to it?

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood_core::checks::{behind_local, unsuccessful};
use lastgood_core::id::{CheckId, Name, SubjectId};
use lastgood_core::incident::{Incident, Matter};
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Stated};
use lastgood_core::recipient::Address;
use lastgood_core::testing::{FleetBuilder, PORTAL, agent, noon, source_id};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

mod beside;
mod command;
mod contract;
mod damage;
mod faults;
mod files;
mod kill;
mod order;

/// The one kind of source of these tests.
fn find_kind(word: &str) -> Option<&'static SourceKind> {
    (word == PORTAL.id).then_some(&PORTAL)
}

fn options(path: &Path) -> Options {
    Options::new(path, find_kind)
}

async fn open(path: &Path) -> Sqlite {
    Sqlite::open(options(path)).await.expect("it is opened")
}

fn minute(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// A look at `acme` in which every second agent was backed up a minute before, and the others never since noon.
fn look(minutes: i64, agents: usize) -> Collection {
    let one = |number: usize| {
        let mut agent = agent(&format!("agent{number}"), noon());
        if number.is_multiple_of(2) {
            agent.last_good = Stated::Value(minute(minutes - 1));
        }
        agent
    };
    FleetBuilder::new("acme", minute(minutes)).appliance("nas1", (0..agents).map(one).collect()).collection()
}

fn matter(asset: &str, check: CheckId) -> Matter {
    let (repository, asset) = (Some(Name::new("nas1")), Some(Name::new(asset)));
    Matter { subject: SubjectId { source: source_id("acme"), repository, asset }, check }
}

/// An incident about an agent whose newest run failed, opened at this minute.
fn failed(asset: &str, minutes: i64) -> Incident {
    Incident {
        matter: matter(asset, unsuccessful::ID),
        noticed_at: minute(minutes),
        began_at: None,
        opened_at: Some(minute(minutes)),
        acknowledged: None,
        looked_at: minute(minutes),
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(1, 1, Some(minute(minutes - 1))),
    }
}

/// A suspicion about an agent that is late.
fn late(asset: &str, minutes: i64) -> Incident {
    let reason = Reason::TooOld(Timestamp::MIN, Seconds::hours(24));
    Incident { matter: matter(asset, behind_local::ID), opened_at: None, reason, ..failed(asset, minutes) }
}

fn ada() -> Address {
    Address { channel: "mail".to_owned(), to: "ada@example.org".to_owned() }
}

fn bob() -> Address {
    Address { channel: "mail".to_owned(), to: "bob@example.org".to_owned() }
}
