//! Who is told what now, and why, or why not?
//!
//! [`plan`] is asked at every tick about every open incident and every one that closed. What was told before keeps it
//! quiet, not the edge at which something happened: so patience that is reached later, a silence that ends, a recipient
//! who is added or a directory that comes back all lead to a telling. It sends nothing and knows no channel.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::incident::cause::causes;
use crate::incident::{Closing, Incident, Known, Matter};
use crate::recipient::{Address, Recipient, Role, Streak, Voice};
use crate::silence::{Silenced, covering};
use crate::time::{Elapsed, Seconds, elapsed};

#[cfg(test)]
mod tests;

/// An incident from its first bad verdict to its end; the next one about the same is another episode.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Episode {
    /// What it is about.
    pub matter: Matter,
    /// When it was noticed.
    pub noticed_at: Timestamp,
}

impl Episode {
    /// The episode an incident stands for.
    pub fn of(incident: &Incident) -> Self {
        Self { matter: incident.matter.clone(), noticed_at: incident.noticed_at }
    }
}

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// For the first time.
    First,
    /// For the first time, since nobody said for too long that they know.
    Escalated,
    /// They know of the cause; it now affects so many more subjects.
    MoreSubjects(usize),
    /// It goes on; the number counts reminders, from 1.
    Reminder(u32),
    /// It is over.
    Resolved,
}

/// What somebody was told about an episode so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When last.
    pub at: Timestamp,
    /// How many reminders.
    pub reminder_count: u32,
    /// How many subjects they were told it affects.
    pub affected_count: usize,
    /// Whether they said that they know: for themselves, and for nobody else.
    pub knows: bool,
}

/// What was told so far about episodes whose end was not told yet.
pub type Telling = HashMap<Episode, BTreeMap<Address, Told>>;

/// What a directory answers about who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These; an empty list is nobody.
    Recipients(Vec<Recipient>),
    /// It could not be asked, and has no older answer.
    Unknown,
}

/// Everything a plan is made of; it cannot be made with a part forgotten.
pub struct Situation<'a> {
    /// The instant of the tick.
    pub now: Timestamp,
    /// Incidents that are suspected or open.
    pub known: &'a Known,
    /// Incidents that closed, at this tick or before, and of which somebody was told.
    pub closed: &'a [(Incident, Closing)],
    /// What was told so far.
    pub told: &'a Telling,
    /// Who is to be told.
    pub directory: &'a dyn Fn(&Matter) -> Answer,
    /// Whether somebody who was told of a matter may hear of its end: who was taken out of the configuration may not.
    pub may_hear: &'a dyn Fn(&Matter, &Address) -> bool,
    /// What patience is measured with.
    pub streak: &'a dyn Fn(&Matter) -> Streak,
    /// Silences, also those not in force.
    pub silences: &'a [Silenced<'a>],
    /// How long after a telling people are reminded of what nobody has acknowledged; `None` never.
    pub repeat_after: Option<Seconds>,
}

/// One line of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is told about.
    pub incident: Incident,
    /// Why now.
    pub why: Why,
    /// Why it is over; only for [`Why::Resolved`].
    pub closing: Option<Closing>,
    /// What it explains, by kind of matter: those are not told on their own.
    pub affected: Vec<Matter>,
    /// What they are to the subject; `None` for what is over where the directory does not know them any more.
    pub role: Option<Role>,
    /// Why them.
    pub because: Vec<String>,
    /// Who else knows of it or is told now, in order; their role where the directory knows them still.
    pub others: Vec<(Address, Option<Role>)>,
}

/// All that one address is told at one tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Where it goes.
    pub address: Address,
    /// How they want to be written to; `None` leaves it to us.
    pub voice: Option<Arc<Voice>>,
    /// What it says, the worst reasons first: in the order of [`Why`], then by matter.
    pub entries: Vec<Entry>,
}

/// Why somebody is not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// A silence covers it.
    Silence(u64),
    /// Their patience is not over.
    Patience,
    /// Others are told first.
    Escalation,
    /// They hear of the cause instead.
    Cause(Matter),
    /// The directory could not be asked.
    DirectoryUnknown,
    /// The directory knows nobody, or not them any more.
    Nobody,
}

/// What is to be told, and what is withheld.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per address, in the order of the addresses.
    pub digests: Vec<Digest>,
    /// Who is not told yet about what, and why; the address is `None` where it concerns everybody.
    pub withheld: Vec<(Episode, Option<Address>, Withheld)>,
}

/// Decides who is told what.
///
/// 1. Where the directory cannot be asked, or knows nobody, that is said.
/// 2. An open incident that another one explains is not told to those who hear of that one; it is counted there. For
///    who is no recipient of the cause, or is not to hear of it yet, or from whom a silence keeps it, there is no cause:
///    what is silenced speaks for nothing else.
/// 3. Somebody who was not told yet is told, unless a silence covers it, their patience is not over, or they
///    are told only when no operator has acknowledged it for long enough.
/// 4. Somebody who was told is told again when it affects more subjects, or when it is time for a reminder and neither
///    they nor an operator acknowledged it; a silence withholds both.
/// 5. Of what closed, those who were told are told that it is over, unless a silence covers it, or they are to hear of
///    nothing any more.
/// 6. All that goes to one address is one digest.
pub fn plan(situation: &Situation<'_>) -> Plan {
    let mut planning = Planning {
        situation,
        affected: affected(situation.known),
        hearers: HashMap::new(),
        roles: HashMap::new(),
        entries: BTreeMap::new(),
        voices: HashMap::new(),
        withheld: Vec::new(),
    };
    for incident in situation.known.values().filter(|incident| incident.is_open()) {
        planning.open(incident);
    }
    for (incident, closing) in situation.closed {
        planning.closed(incident, closing);
    }
    let knowing = knowing(&planning);
    let Planning { entries, mut voices, withheld, .. } = planning;
    let digest = |(address, mut entries): (Address, Vec<Entry>)| {
        entries.sort_by(|a, b| (a.why, &a.incident.matter).cmp(&(b.why, &b.incident.matter)));
        for entry in &mut entries {
            let all = knowing.get(&Episode::of(&entry.incident)).into_iter().flatten();
            let others = all.filter(|(other, _)| **other != address);
            entry.others = others.map(|(other, role)| (other.clone(), *role)).collect();
        }
        Digest { voice: voices.remove(&address), address, entries }
    };
    Plan { digests: entries.into_iter().map(digest).collect(), withheld }
}

/// Who was told of each episode that is told of now, or is told of it now.
fn knowing(planning: &Planning<'_>) -> HashMap<Episode, BTreeMap<Address, Option<Role>>> {
    let Planning { situation, entries, roles, .. } = planning;
    let mut knowing: HashMap<Episode, BTreeMap<Address, Option<Role>>> = HashMap::new();
    for (address, entry) in
        entries.iter().flat_map(|(address, entries)| entries.iter().map(move |e| (address, e)))
    {
        let episode = Episode::of(&entry.incident);
        let told = situation.told.get(&episode);
        let roles = roles.get(&episode);
        let role = |address: &Address| roles.and_then(|roles| roles.get(address)).copied();
        let known = knowing.entry(episode).or_insert_with(|| {
            let told = told.into_iter().flat_map(BTreeMap::keys);
            told.map(|address| (address.clone(), role(address))).collect()
        });
        known.insert(address.clone(), entry.role);
    }
    knowing
}

/// How many subjects matters in their order are about: one that is bad in two ways is one that is affected.
pub fn subject_count(matters: &[Matter]) -> usize {
    matters.chunk_by(|one, next| one.subject == next.subject).count()
}

/// What each cause explains, in order.
fn affected(known: &Known) -> HashMap<&Matter, Vec<Matter>> {
    let mut affected: HashMap<&Matter, Vec<Matter>> = HashMap::new();
    for incident in known.values().filter(|incident| incident.is_open()) {
        for cause in causes(incident, known) {
            affected.entry(&cause.matter).or_default().push(incident.matter.clone());
        }
    }
    affected
}

/// When somebody hears of a cause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hears {
    /// They were told, or nothing of theirs keeps it from them.
    AtOnce,
    /// Only when nobody acknowledges it.
    Escalated,
}

/// Who hears of a cause, their patience with it being over.
fn hearers(situation: &Situation<'_>, cause: &Incident) -> HashMap<Address, Hears> {
    let Answer::Recipients(recipients) = (situation.directory)(&cause.matter) else { return HashMap::new() };
    let told = situation.told.get(&Episode::of(cause));
    let streak = (situation.streak)(&cause.matter);
    let mut hearers = HashMap::new();
    for Recipient { address, patience, escalation, .. } in recipients {
        let was_told = told.is_some_and(|told| told.contains_key(&address));
        if was_told || patience.is_over(streak, situation.now) {
            let is_first = was_told || escalation.is_none();
            hearers.insert(address, if is_first { Hears::AtOnce } else { Hears::Escalated });
        }
    }
    hearers
}

struct Planning<'a> {
    situation: &'a Situation<'a>,
    affected: HashMap<&'a Matter, Vec<Matter>>,
    /// Who hears of the causes that were met so far.
    hearers: HashMap<&'a Matter, HashMap<Address, Hears>>,
    /// What the directory says people are to what is told of now, where somebody was told of it before.
    roles: HashMap<Episode, HashMap<Address, Role>>,
    entries: BTreeMap<Address, Vec<Entry>>,
    /// How those who are told want to be written to.
    voices: HashMap<Address, Arc<Voice>>,
    withheld: Vec<(Episode, Option<Address>, Withheld)>,
}

impl<'a> Planning<'a> {
    fn open(&mut self, incident: &'a Incident) {
        let episode = Episode::of(incident);
        let recipients = match (self.situation.directory)(&incident.matter) {
            Answer::Unknown => {
                self.withheld.push((episode, None, Withheld::DirectoryUnknown));
                return;
            }
            Answer::Recipients(recipients) if recipients.is_empty() => {
                self.withheld.push((episode, None, Withheld::Nobody));
                return;
            }
            Answer::Recipients(recipients) => recipients,
        };
        let causes: Vec<_> = causes(incident, self.situation.known).collect();
        for recipient in &recipients {
            if let Some(cause) = causes.iter().find(|cause| self.hears(recipient, cause)) {
                let withheld = Withheld::Cause(cause.matter.clone());
                self.withheld.push((episode.clone(), Some(recipient.address.clone()), withheld));
                continue;
            }
            match self.decide(incident, &episode, recipient) {
                Ok(Some(why)) => {
                    self.remember(&episode, &recipients);
                    let affected = self.affected.get(&incident.matter).cloned().unwrap_or_default();
                    let Recipient { address, role, voice, because, .. } = recipient.clone();
                    let (incident, role) = (incident.clone(), Some(role));
                    let (closing, others) = (None, Vec::new());
                    let entry = Entry { incident, why, closing, affected, role, because, others };
                    self.tell(address, voice, entry);
                }
                Ok(None) => {}
                Err(withheld) => {
                    self.withheld.push((episode.clone(), Some(recipient.address.clone()), withheld));
                }
            }
        }
    }

    /// True if a recipient of what a cause explains need not be told of that: they hear of the cause no later.
    fn hears(&mut self, recipient: &Recipient, cause: &'a Incident) -> bool {
        let situation = self.situation;
        let hearers = self.hearers.entry(&cause.matter).or_insert_with(|| hearers(situation, cause));
        let hears = match hearers.get(&recipient.address) {
            Some(Hears::AtOnce) => true,
            Some(Hears::Escalated) => recipient.escalation.is_some(),
            None => false,
        };
        hears && self.silence(&cause.matter, &recipient.address).is_none()
    }

    /// `Ok(None)` if they know all there is to know.
    fn decide(
        &self,
        incident: &Incident,
        episode: &Episode,
        recipient: &Recipient,
    ) -> Result<Option<Why>, Withheld> {
        let told = self.situation.told.get(episode).and_then(|told| told.get(&recipient.address));
        let why = match told {
            None => Some(self.first(incident, recipient)?),
            Some(told) => self.again(incident, told),
        };
        match (why, self.silence(&incident.matter, &recipient.address)) {
            (Some(_), Some(id)) => Err(Withheld::Silence(id)),
            (why, _) => Ok(why),
        }
    }

    fn first(&self, incident: &Incident, recipient: &Recipient) -> Result<Why, Withheld> {
        let Situation { now, streak, .. } = *self.situation;
        if !recipient.patience.is_over(streak(&incident.matter), now) {
            return Err(Withheld::Patience);
        }
        let Some(escalation) = recipient.escalation else { return Ok(Why::First) };
        let opened_at = incident.opened_at.unwrap_or(incident.noticed_at);
        if incident.acknowledged.is_none() && has_passed(opened_at, escalation, now) {
            Ok(Why::Escalated)
        } else {
            Err(Withheld::Escalation)
        }
    }

    fn again(&self, incident: &Incident, told: &Told) -> Option<Why> {
        let affected = self.affected.get(&incident.matter);
        let affected_count = affected.map_or(0, |affected| subject_count(affected));
        if affected_count > told.affected_count {
            return Some(Why::MoreSubjects(affected_count - told.affected_count));
        }
        let repeat_after = self.situation.repeat_after;
        let repeat_after = repeat_after.filter(|_| incident.acknowledged.is_none() && !told.knows)?;
        let is_time = has_passed(told.at, repeat_after, self.situation.now);
        is_time.then(|| Why::Reminder(told.reminder_count.saturating_add(1)))
    }

    fn closed(&mut self, incident: &Incident, closing: &Closing) {
        let episode = Episode::of(incident);
        let told = self.situation.told.get(&episode).into_iter().flat_map(BTreeMap::keys);
        let told: Vec<Address> = told.cloned().collect();
        if told.is_empty() {
            return;
        }
        // Who is not, or no longer, to be told was told that it began: only how they want to be written to, and what they
        // are to it, is not known.
        let recipients = match (self.situation.directory)(&incident.matter) {
            Answer::Recipients(recipients) => recipients,
            Answer::Unknown => Vec::new(),
        };
        self.remember(&episode, &recipients);
        for address in told {
            if !(self.situation.may_hear)(&incident.matter, &address) {
                self.withheld.push((episode.clone(), Some(address), Withheld::Nobody));
                continue;
            }
            if let Some(id) = self.silence(&incident.matter, &address) {
                self.withheld.push((episode.clone(), Some(address), Withheld::Silence(id)));
                continue;
            }
            let (incident, closing) = (incident.clone(), Some(closing.clone()));
            let (why, affected, because, others) = (Why::Resolved, Vec::new(), Vec::new(), Vec::new());
            let known = recipients.iter().find(|recipient| recipient.address == address);
            let role = known.map(|recipient| recipient.role);
            let entry = Entry { incident, why, closing, affected, role, because, others };
            let voice = known.and_then(|recipient| recipient.voice.clone());
            self.tell(address, voice, entry);
        }
    }

    fn silence(&self, matter: &Matter, address: &Address) -> Option<u64> {
        covering(self.situation.silences, matter, address, self.situation.now).map(|silence| silence.id)
    }

    /// Remembers what these are to an episode, for what others hear of them.
    fn remember(&mut self, episode: &Episode, recipients: &[Recipient]) {
        if self.situation.told.contains_key(episode) && !self.roles.contains_key(episode) {
            let roles = recipients.iter().map(|recipient| (recipient.address.clone(), recipient.role));
            self.roles.insert(episode.clone(), roles.collect());
        }
    }

    fn tell(&mut self, address: Address, voice: Option<Arc<Voice>>, entry: Entry) {
        if let Some(voice) = voice {
            self.voices.entry(address.clone()).or_insert(voice);
        }
        self.entries.entry(address).or_default().push(entry);
    }
}

/// True exactly from the instant on at which the length has passed.
fn has_passed(since: Timestamp, length: Seconds, now: Timestamp) -> bool {
    matches!(elapsed(since, now), Elapsed::Past(passed) if passed >= length.duration())
}
