//! What does a tick decide? Pure: from what was judged and what stands to what changes and who is told.
//!
//! It reads nothing and keeps nothing, so that a dry run, a test and the daemon decide the same.

use std::cell::{LazyCell, RefCell};
use std::collections::{HashMap, HashSet};

use lastgood_core::facts::{AssetFacts, Facts, Subject};
use lastgood_core::id::{SubjectId, SubjectRef};
use lastgood_core::incident::{Change, Closing, Damping, Incident, Known, Matter, Watched, reconcile};
use lastgood_core::judge::Judgement;
use lastgood_core::message::Called;
use lastgood_core::notify::{Answer, Digest, Plan, Situation, plan};
use lastgood_core::recipient::Streak;
use lastgood_core::silence::{Silence, Silenced};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

use super::ourselves;
use super::voices::Voices;
use crate::directory::Pattern;
use crate::directory::who::{Directories, Nominated, Who};
use crate::store::Standing;

/// What decides besides facts and thresholds.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who says who is to be told.
    pub directories: Directories,
    /// How many looks it takes to open and to close an incident.
    pub damping: Damping,
    /// How long after a telling people are reminded; `None` never.
    pub repeat_after: Option<Seconds>,
}

/// What a tick decides.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What becomes of incidents.
    pub changes: Vec<Change>,
    /// Incidents that are suspected or open after that.
    pub known: Known,
    /// Who is told what, and who is not.
    pub plan: Plan,
    /// How those who are named want to be written to.
    pub(super) voices: Voices,
}

/// Decides, at the instant that was judged at.
///
/// 1. Verdicts are compared with the incidents that are known.
/// 2. Who is told follows from what is open after that, and from what closed, now or before.
pub fn propose(
    judgement: &Judgement<'_>,
    facts: &Facts,
    standing: &Standing,
    (watched, rules): (&Watched, &Rules),
) -> Proposal {
    let changes = reconcile(&standing.known, judgement, watched, rules.damping);
    let (known, just_closed) = after(&standing.known, &changes);
    let closed: Vec<_> = standing.closed.iter().cloned().chain(just_closed).collect();
    let silences: Vec<_> = standing.silences.iter().map(silenced).collect();
    let who = Who::new(&rules.directories, facts);
    let voices = RefCell::new(Voices::default());
    let directory = |matter: &Matter| {
        let nominated = who.name(matter);
        voices.borrow_mut().hear(&nominated);
        recipients(nominated, matter)
    };
    let assets = LazyCell::new(|| assets(facts, &known));
    let streak = |matter: &Matter| {
        let asset = assets.get(&SubjectRef::from(&matter.subject)).copied();
        let found = asset.zip(known.get(matter));
        let (asset, reason) = found.map(|(asset, incident)| (asset, &incident.reason)).unzip();
        streak(asset, reason)
    };
    let plan = plan(&Situation {
        now: judgement.at,
        known: &known,
        closed: &closed,
        told: &standing.told,
        directory: &directory,
        may_hear: &|matter, address| rules.directories.may_hear(matter, address),
        streak: &streak,
        silences: &silences,
        repeat_after: rules.repeat_after,
    });
    Proposal { changes, known, plan, voices: voices.into_inner() }
}

/// What patience is measured with, where an asset is bad for a reason. What is bad is at least one run that did not do what
/// it should: one that does not end has not failed yet.
pub fn streak(asset: Option<AssetFacts<'_>>, reason: Option<&Reason>) -> Streak {
    let streak = asset.zip(reason).map(|(asset, reason)| Streak::of(asset, reason)).unwrap_or_default();
    Streak { in_row: streak.in_row.max(1), ..streak }
}

/// Everybody who wishes to be told of a matter. Of a channel that does not deliver nobody is told through that channel, and
/// nobody at the address that is not reached.
fn recipients(nominated: Nominated, matter: &Matter) -> Answer {
    let Nominated::Known(nomination) = nominated else { return Answer::Unknown };
    let wanting = nomination.named.into_iter().filter(|named| named.is_wanted);
    let reached = wanting
        .map(|named| named.recipient)
        .filter(|recipient| !ourselves::is_in_vain(&matter.subject, &recipient.address));
    Answer::Recipients(reached.collect())
}

/// What is known after the changes, and what closed with them.
fn after(known: &Known, changes: &[Change]) -> (Known, Vec<(Incident, Closing)>) {
    let mut known = known.clone();
    let mut closed = Vec::new();
    for change in changes {
        match change {
            Change::Suspected(incident) | Change::Opened(incident) | Change::Kept(incident) => {
                known.insert(incident.matter.clone(), incident.clone());
            }
            Change::Forgotten(matter) => {
                known.remove(matter);
            }
            Change::Closed(incident, closing) => {
                known.remove(&incident.matter);
                closed.push((incident.clone(), closing.clone()));
            }
        }
    }
    (known, closed)
}

/// A pattern that cannot be read (of a newer version) silences nothing: better told once too often.
fn silenced(silence: &Silence) -> Silenced<'_> {
    let pattern = Pattern::new(&silence.pattern).ok();
    let speaks_of = move |path: &str| pattern.as_ref().is_some_and(|pattern| pattern.matches(path));
    Silenced { silence, speaks_of: Box::new(speaks_of) }
}

/// Every asset with an incident: one walk through the facts, not one per incident.
fn assets<'a>(facts: &'a Facts, known: &Known) -> HashMap<SubjectRef<'a>, AssetFacts<'a>> {
    let wanted: HashSet<SubjectRef<'_>> = known.keys().map(|matter| (&matter.subject).into()).collect();
    let of = |subject: Subject<'a>| {
        let Subject::Asset(_, repository, stated) = subject else { return None };
        let id = subject.id_ref();
        wanted.contains(&id).then(|| (id, repository.asset(stated)))
    };
    facts.subjects().filter_map(of).collect()
}

/// What people call some subjects. Made in one walk through the facts for all of them.
pub struct Names<'a>(HashMap<SubjectRef<'a>, Called>);

impl<'a> Names<'a> {
    /// Of these subjects.
    pub fn of<'s>(facts: &'a Facts, subjects: impl Iterator<Item = &'s SubjectId>) -> Self {
        let wanted: HashSet<SubjectRef<'_>> = subjects.map(Into::into).collect();
        if wanted.is_empty() {
            return Self(HashMap::new());
        }
        let named = facts.subjects().filter_map(|subject| {
            let called = || Called { name: subject.name().into_owned(), kind: subject.kind_id() };
            let id = subject.id_ref();
            wanted.contains(&id).then(|| (id, called()))
        });
        Self(named.collect())
    }

    /// Of everything that digests speak of.
    pub fn of_digests(facts: &'a Facts, digests: &[Digest]) -> Self {
        let entries = || digests.iter().flat_map(|digest| &digest.entries);
        let named = entries().map(|entry| &entry.incident.matter);
        let affected = entries().flat_map(|entry| &entry.affected);
        Self::of(facts, named.chain(affected).map(|matter| &matter.subject))
    }

    /// What a subject is called, if it is there.
    pub fn find<'s>(&'s self, subject: &'s SubjectId) -> Option<&'s Called> {
        self.0.get(&SubjectRef::from(subject))
    }

    /// What a subject is called; one that left by its key.
    pub fn called(&self, subject: &SubjectId) -> Called {
        self.find(subject).cloned().unwrap_or_else(|| called_by_key(subject))
    }
}

fn called_by_key(subject: &SubjectId) -> Called {
    let (key, kind) = match (&subject.asset, &subject.repository) {
        (Some(asset), _) => (asset.text().into_owned(), "asset"),
        (None, Some(repository)) => (repository.text().into_owned(), "repository"),
        (None, None) => (subject.source.to_string(), "source"),
    };
    Called { name: key, kind }
}
