//! What holds for the whole flow of the core, from looks to what people are told, whatever happens?

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::facts::{SourceFacts, Subject};
use crate::id::SubjectId;
use crate::incident::{Change, Closing, Damping, Incident, Known, Matter, Watched, reconcile};
use crate::judge::Judgement;
use crate::notify::{Answer, Digest, Episode, Plan, Situation, Telling, Told, Why, plan};
use crate::recipient::{Address, Patience, Recipient, Role, Streak};
use crate::verdict::{Outcome, Reason};

mod edge_of_time;
mod invariants;

/// A machine that is asked everything that only has to do with time; of one source, `acme`.
static MACHINE: Kind = Kind {
    id: "machine",
    subject: SubjectType::Asset,
    checks: &[
        checks::unsuccessful::ID,
        checks::behind_local::ID,
        checks::schedule::ID,
        checks::never_used::ID,
        checks::stuck::ID,
    ],
    defaults: &[],
};

static SERVER: Kind = Kind {
    id: "server",
    subject: SubjectType::Repository,
    checks: &[checks::offline::ID, checks::visibility::ID],
    defaults: &[],
};

static SERVERS: SourceKind = SourceKind { id: "servers", kinds: &[&SERVER, &MACHINE] };

/// The instant so many minutes after noon.
fn minute(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// A look at `acme` that listed these servers with all that stands in them.
fn look(at: Timestamp, servers: Vec<RepositoryObservation>) -> Collection {
    let listing = Extent::Complete;
    Collection {
        source: source_id("acme"),
        kind: &SERVERS,
        observed_at: at,
        listing,
        repositories: servers,
        failures: Vec::new(),
    }
}

/// A server that has just been seen, with these machines.
fn server(name: &str, at: Timestamp, machines: Vec<AssetObservation>) -> RepositoryObservation {
    let mut server = RepositoryObservation::new(&SERVER, Name::new(name), Name::new(name));
    server.last_seen = Stated::Value(at);
    server.assets = machines;
    server
}

/// Everything that is kept from tick to tick.
struct Monitor {
    looks: Vec<Collection>,
    facts: Facts,
    known: Known,
    told: Telling,
    closed: Vec<(Incident, Closing)>,
    damping: Damping,
    repeat_after: Option<Seconds>,
    values: Vec<(&'static str, &'static str)>,
    recipients: Vec<Recipient>,
}

/// What a tick decided.
struct Ticked {
    changes: Vec<Change>,
    plan: Plan,
}

fn recipient(to: &str, patience: Patience, escalation: Option<Seconds>) -> Recipient {
    let address = Address { channel: "mail".to_owned(), to: to.to_owned() };
    Recipient { address, role: Role::Operator, patience, escalation, voice: None, because: Vec::new() }
}

impl Monitor {
    fn new() -> Self {
        Self {
            looks: Vec::new(),
            facts: Facts::default(),
            known: Known::new(),
            told: Telling::new(),
            closed: Vec::new(),
            damping: Damping::default(),
            repeat_after: None,
            values: Vec::new(),
            recipients: vec![recipient("ada", Patience::None, None)],
        }
    }

    fn expectations(&self) -> Expectations {
        set(&self.values)
    }

    fn look(&mut self, collection: Collection) {
        self.looks.push(collection.clone());
        match self.facts.sources.first_mut() {
            Some(source) => source.renew(collection),
            None => self.facts.sources.push(SourceFacts::first(collection)),
        }
    }

    /// Everything that can be rebuilt is.
    fn restart(&mut self) {
        self.facts = fold(self.looks.clone());
    }

    fn tick(&mut self, now: Timestamp) -> Ticked {
        let expectations = self.expectations();
        let judgement = judge(&self.facts, &expectations, now);
        let sources = BTreeSet::from([source_id("acme")]);
        let watched = Watched { sources, restated: BTreeSet::new() };
        let changes = reconcile(&self.known, &judgement, &watched, self.damping);
        for change in &changes {
            match change {
                Change::Suspected(incident) | Change::Opened(incident) | Change::Kept(incident) => {
                    self.known.insert(incident.matter.clone(), incident.clone());
                }
                Change::Forgotten(matter) => drop(self.known.remove(matter)),
                Change::Closed(incident, closing) => {
                    self.known.remove(&incident.matter);
                    self.closed.push((incident.clone(), closing.clone()));
                }
            }
        }
        let plan = self.plan(now);
        for Digest { address, entries, .. } in &plan.digests {
            for entry in entries {
                let reminder_count = if let Why::Reminder(count) = entry.why { count } else { 0 };
                let told =
                    Told { at: now, reminder_count, affected_count: entry.affected.len(), knows: false };
                let of_episode = self.told.entry(Episode::of(&entry.incident)).or_default();
                match entry.why {
                    Why::Resolved => drop(of_episode.remove(address)),
                    Why::First | Why::Escalated | Why::MoreSubjects(_) | Why::Reminder(_) => {
                        of_episode.insert(address.clone(), told);
                    }
                }
            }
        }
        self.told.retain(|_, told| !told.is_empty());
        self.closed.retain(|(incident, _)| self.told.contains_key(&Episode::of(incident)));
        Ticked { changes, plan }
    }

    fn plan(&self, now: Timestamp) -> Plan {
        let streak = |matter: &Matter| {
            let of = |subject: Subject<'_>| match subject {
                Subject::Asset(_, repository, asset) if subject.id() == matter.subject => {
                    let reason =
                        self.known.get(matter).map_or(Reason::Never, |incident| incident.reason.clone());
                    Some(Streak::of(repository.asset(asset), &reason))
                }
                _ => None,
            };
            self.facts.subjects().find_map(of).unwrap_or_default()
        };
        plan(&Situation {
            now,
            known: &self.known,
            closed: &self.closed,
            told: &self.told,
            directory: &|_| Answer::Recipients(self.recipients.clone()),
            may_hear: &|_, _| true,
            streak: &streak,
            silences: &[],
            repeat_after: self.repeat_after,
        })
    }

    /// The outcome of a check about `acme/s1/db`.
    fn outcome(&self, check: CheckId, now: Timestamp) -> Outcome {
        let found = verdict(&self.facts, &self.expectations(), now, "acme/s1/db", check);
        found.expect("it is asked").outcome
    }
}

impl Ticked {
    /// What changed, in words.
    fn words(&self) -> Vec<String> {
        let told = |verb: &str, matter: &Matter| format!("{verb} {} {}", matter.subject, matter.check);
        let one = |change: &Change| match change {
            Change::Suspected(incident) => Some(told("suspected", &incident.matter)),
            Change::Opened(incident) => Some(told("opened", &incident.matter)),
            Change::Kept(_) => None,
            Change::Forgotten(matter) => Some(told("forgotten", matter)),
            Change::Closed(incident, closing) => {
                Some(format!("{} {closing:?}", told("closed", &incident.matter)))
            }
        };
        self.changes.iter().filter_map(one).collect()
    }
}
