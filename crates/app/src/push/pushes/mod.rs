//! How does a ping become knowledge that no crash takes back?
//!
//! 1. Its address is looked up among the hashes of keys ([`Pushes::ask`]).
//! 2. It is written to the store; only then it is answered ([`Pushes::take`]).
//! 3. It is folded into what is known, in the order of its number: one that was answered before its
//!    predecessors waits for them. What another program wrote is read from the store ([`Pushes::collections`]).
//! 4. What is known is written down from time to time ([`Pushes::keep`]); a start folds only what came after
//!    ([`Pushes::open`]).
//!
//! The lock is held for one ping, or to copy pointers, and never while anything is waited for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::{Name, SourceId};
use lastgood_core::observation::{Collection, Extent, RepositoryObservation};

use super::expected::{LookSource, PingSource, PushSource};
use super::key::KeyHash;
use super::ping::{Heard, Planning, Sign, observe};
use super::record::{self, Ping};
use super::request::{self, Malformed, Word};
use crate::store::{Store, StoreError};

mod kept;
mod unplaced;

use unplaced::Unplaced;

/// So many events are read at once: each may hold 100 000 bytes.
const EVENTS_PER_READ: u32 = 200;

/// So many pings may wait for their predecessors; more are read from the store again.
const AHEAD_MAX: usize = 10_000;

/// A source of which nothing new was heard is stated again after this time: looks are counted, and a job that is
/// silent is to be seen as silent more than once.
const RESTATE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Everything that is known from pings.
pub struct Pushes {
    store: Arc<dyn Store>,
    known: Mutex<Known>,
    /// One reads the store, or writes down what is known, at a time.
    reading: tokio::sync::Mutex<()>,
}

struct Known {
    /// Everything up to this number is folded.
    upto: i64,
    /// What is written down holds everything up to this number; `None` if something else changed since.
    kept: Option<i64>,
    /// Pings that were answered before their predecessors were.
    ahead: BTreeMap<i64, SignOf>,
    doors: Arc<HashMap<KeyHash, Arc<Door>>>,
    /// Sources that push whole looks.
    lookers: Vec<Arc<LookSource>>,
    sources: Vec<Listed>,
    places: HashMap<SourceId, usize>,
    unplaced: Unplaced,
}

/// A sign, and the job it came from.
type SignOf = (SourceId, Name, Sign);

/// Where a key leads.
#[derive(Debug)]
struct Door {
    source: SourceId,
    name: Name,
}

/// A source and what was heard of its jobs, in the same order.
struct Listed {
    expected: Arc<PingSource>,
    heard: Vec<Arc<Heard>>,
    places: HashMap<Name, usize>,
    has_changed: bool,
    stated_at: Option<Timestamp>,
}

/// A ping of which everything but its body is known.
#[derive(Clone, Debug)]
pub struct Asked {
    door: Arc<Door>,
    key: KeyHash,
    word: Word,
    rid: Option<u128>,
    at: Option<Timestamp>,
}

/// Why a ping was not taken; shows nothing of its address.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// There is no such key, or no such slug: nobody learns which.
    #[error("not found")]
    Unknown,
    /// The key is there, the rest cannot be understood.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It could not be kept, so that it must be sent again.
    #[error("the ping could not be kept: send it again")]
    NotKept(#[source] StoreError),
}

impl Pushes {
    /// Goes on from what is kept, and folds what was written after. Jobs that are not known yet count as configured at
    /// `now`.
    pub async fn open(
        sources: Vec<PushSource>,
        store: Arc<dyn Store>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let (upto, before) = match store.pushed().await? {
            Some((upto, content)) => (upto, kept::read(&content)?),
            None => (0, HashMap::new()),
        };
        let mut known = Known::new(upto);
        known.expect(sources, before, now);
        let pushes = Self { store, known: Mutex::new(known), reading: tokio::sync::Mutex::new(()) };
        pushes.catch_up().await?;
        pushes.keep().await;
        Ok(pushes)
    }

    /// Looks up what stands behind `/ping/`, and the query if there is one: before anything of a body is read.
    pub fn ask(&self, path: &str, query: Option<&str>) -> Result<Asked, PingError> {
        let doors = Arc::clone(&self.known().doors);
        let request = request::read(path, query).ok_or(PingError::Unknown)?;
        let found =
            request.doors.map(|door| door.and_then(|(key, word)| Some((doors.get(&key)?, key, word))));
        let (door, key, word) = found.into_iter().flatten().next().ok_or(PingError::Unknown)?;
        Ok(Asked { door: Arc::clone(door), key, word: word?, rid: request.rid?, at: request.at? })
    }

    /// Keeps a ping, and answers once it is on the disk: whether it changes how its job is, so that somebody should look
    /// soon. Those are failures, and the success after one. `is_cut` says that more came with it than `body` holds.
    pub async fn take(
        &self,
        asked: Asked,
        body: Vec<u8>,
        is_cut: bool,
        now: Timestamp,
    ) -> Result<bool, PingError> {
        let Asked { door, key, word, rid, at } = asked;
        let (source, name) = (door.source.clone(), door.name.clone());
        let event = Ping { source, name, word, rid, at, body, is_cut }.event(key, now);
        let heard = record::heard(&event);
        let number = self.store.append_event(event).await.map_err(PingError::NotKept)?;
        Ok(self.known().take(number, heard))
    }

    /// Returns what is known of each source of which anything was heard since it was returned last, and of those that
    /// were not returned for five minutes; of all at the first call. Reads first what other programs wrote: where that
    /// fails, it is said in the log, and read the next time.
    pub async fn collections(&self, now: Timestamp) -> Vec<Collection> {
        if let Err(error) = self.catch_up().await {
            tracing::warn!(%error, "pings that other programs recorded could not be read");
        }
        let changed = self.known().changed(now);
        changed.into_iter().map(|(expected, heard)| collection(&expected, &heard, now)).collect()
    }

    /// Returns this source at the next call of [`Pushes::collections`], whether or not anything is heard of it: what
    /// was returned could not be kept.
    pub fn restate(&self, source: &SourceId) {
        let mut known = self.known();
        if let Some(place) = known.places.get(source).copied() {
            known.sources[place].has_changed = true;
        }
    }

    /// Returns the source that pushes with this token. All tokens are compared, each to its end.
    pub fn looker(&self, token: &str) -> Option<Arc<LookSource>> {
        let hash = KeyHash::of(token);
        let lookers = self.known().lookers.clone();
        lookers
            .into_iter()
            .fold(None, |found, looker| if looker.token.is_same(&hash) { Some(looker) } else { found })
    }

    /// Writes down what is known, so that the next start need not fold it anew, and so that older events need not be
    /// kept. Costs as much as there are jobs: once in some minutes and at the end is often enough. Where it fails, that
    /// is said in the log, and nothing is lost but time.
    pub async fn keep(&self) {
        let turn = self.reading.lock().await;
        let (upto, heard) = {
            let mut known = self.known();
            if known.kept == Some(known.upto) {
                return;
            }
            known.kept = Some(known.upto);
            (known.upto, known.all())
        };
        // Of very many jobs this takes long enough to hold up pings.
        let content = tokio::task::spawn_blocking(move || kept::write(&heard)).await;
        let content = content.expect("numbers and texts can be written");
        if let Err(error) = self.store.keep_pushed(upto, content).await {
            self.known().kept = None;
            tracing::warn!(%error, "what is known from pings could not be written down; the next time it is tried again");
        }
        drop(turn);
    }

    /// Goes on with other expectations: keys that are gone open nothing any more, what was heard of a job that stays is
    /// kept, a job that is gone is forgotten. Everything is stated again.
    pub fn reload(&self, sources: Vec<PushSource>, now: Timestamp) {
        let mut known = self.known();
        let of_source = |(source, heard): HeardOf| {
            let names = source.pings.iter().map(|ping| (source.id.clone(), ping.name.clone()));
            names.zip(heard).collect::<Vec<_>>()
        };
        let before = known.all().into_iter().flat_map(of_source).collect();
        known.expect(sources, before, now);
    }

    /// Folds everything in the store that is not folded yet.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let _turn = self.reading.lock().await;
        loop {
            let upto = self.known().upto;
            let events = self.store.events(upto, EVENTS_PER_READ).await?;
            let is_last = events.len() < EVENTS_PER_READ as usize;
            let heard: Vec<_> =
                events.iter().map(|(number, event)| (*number, record::heard(event))).collect();
            let notes = {
                let mut known = self.known();
                known.read(heard);
                known.unplaced.unsaid()
            };
            unplaced::say(&notes);
            if is_last {
                return Ok(());
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source with what was heard of its jobs, in the same order.
type HeardOf = (Arc<PingSource>, Vec<Arc<Heard>>);

/// What was heard of every job.
type HeardBefore = HashMap<(SourceId, Name), Arc<Heard>>;

impl Known {
    fn new(upto: i64) -> Self {
        Self {
            upto,
            kept: None,
            ahead: BTreeMap::new(),
            doors: Arc::default(),
            lookers: Vec::new(),
            sources: Vec::new(),
            places: HashMap::new(),
            unplaced: Unplaced::default(),
        }
    }

    /// Takes up other expectations.
    fn expect(&mut self, sources: Vec<PushSource>, mut before: HeardBefore, now: Timestamp) {
        let (mut pinging, mut lookers) = (Vec::new(), Vec::new());
        for source in sources {
            match source {
                PushSource::Pings(source) => pinging.push(source),
                PushSource::Looks(source) => lookers.push(Arc::new(source)),
            }
        }
        let mut doors = HashMap::new();
        for source in &pinging {
            for ping in &source.pings {
                let door = Arc::new(Door { source: source.id.clone(), name: ping.name.clone() });
                let by_slug = source.key_hash.map(|key| key.with_slug(&ping.slug));
                for key in ping.key_hash.into_iter().chain(by_slug) {
                    doors.insert(key, Arc::clone(&door));
                }
            }
        }
        self.doors = Arc::new(doors);
        self.lookers = lookers;
        self.sources = pinging.into_iter().map(|source| Listed::new(source, &mut before, now)).collect();
        let ids = self.sources.iter().map(|listed| listed.expected.id.clone());
        self.places = ids.zip(0..).collect();
        self.kept = None;
        self.unplaced = Unplaced::default();
    }

    /// Folds a ping of this number if it is the next one; else it waits, or was folded before. Returns whether it
    /// changes how a job is, as far as that is known yet.
    fn take(&mut self, number: i64, heard: Option<SignOf>) -> bool {
        let is_end = |(_, _, sign): &&SignOf| sign.word.outcome().is_some();
        let ended = heard.as_ref().filter(is_end).map(|(source, name, _)| (source.clone(), name.clone()));
        let is_failing =
            |known: &Self| ended.as_ref().is_some_and(|(source, name)| known.is_failing(source, name));
        let was_failing = is_failing(self);
        self.take_in_turn(number, heard);
        let is_waiting = ended.is_some() && number > self.upto;
        was_failing || is_waiting || is_failing(self)
    }

    fn is_failing(&self, source: &SourceId, name: &Name) -> bool {
        self.place_of(source, name).is_some_and(|(listed, job)| self.sources[listed].heard[job].is_failing())
    }

    /// Which source, and which of its jobs.
    fn place_of(&self, source: &SourceId, name: &Name) -> Option<(usize, usize)> {
        let listed = *self.places.get(source)?;
        Some((listed, *self.sources[listed].places.get(name)?))
    }

    fn take_in_turn(&mut self, number: i64, heard: Option<SignOf>) {
        if number == self.upto + 1 {
            self.fold(number, heard);
            self.drain();
        } else if number > self.upto
            && self.ahead.len() < AHEAD_MAX
            && let Some(heard) = heard
        {
            self.ahead.insert(number, heard);
        }
    }

    /// Folds what was read from the store, which leaves nothing out.
    fn read(&mut self, events: Vec<(i64, Option<SignOf>)>) {
        for (number, heard) in events {
            if number > self.upto {
                self.fold(number, heard);
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(first) = self.ahead.first_entry() {
            let number = *first.key();
            if number > self.upto + 1 {
                return;
            }
            let heard = first.remove();
            if number > self.upto {
                self.fold(number, Some(heard));
            }
        }
    }

    fn fold(&mut self, number: i64, heard: Option<SignOf>) {
        self.upto = number;
        let Some((source, name, sign)) = heard else { return };
        let Some((listed, job)) = self.place_of(&source, &name) else {
            self.unplaced.note(source, name);
            return;
        };
        let listed = &mut self.sources[listed];
        Arc::make_mut(&mut listed.heard[job]).hear(&sign);
        listed.has_changed = true;
    }

    fn all(&self) -> Vec<HeardOf> {
        self.sources.iter().map(|listed| (Arc::clone(&listed.expected), listed.heard.clone())).collect()
    }

    /// Takes those sources that are to be stated.
    fn changed(&mut self, now: Timestamp) -> Vec<HeardOf> {
        let is_due = |listed: &Listed| match listed.stated_at {
            Some(stated_at) if !listed.has_changed => {
                let passed = now.duration_since(stated_at);
                // A clock that was set back makes no source silent.
                passed < SignedDuration::ZERO || passed >= RESTATE_AFTER
            }
            Some(_) | None => true,
        };
        let due = self.sources.iter_mut().filter(|listed| is_due(listed));
        let state = |listed: &mut Listed| {
            listed.has_changed = false;
            listed.stated_at = Some(now);
            (Arc::clone(&listed.expected), listed.heard.clone())
        };
        due.map(state).collect()
    }
}

impl Listed {
    fn new(expected: PingSource, before: &mut HeardBefore, now: Timestamp) -> Self {
        let mut heard = Vec::with_capacity(expected.pings.len());
        for ping in &expected.pings {
            let words = ping.plan.words();
            let known = before.remove(&(expected.id.clone(), ping.name.clone()));
            let mut known = known.unwrap_or_else(|| Arc::new(Heard::new(&words, now)));
            if !known.is_planned(&words) {
                Arc::make_mut(&mut known).plan_anew(&words, now);
            }
            heard.push(known);
        }
        let places = expected.pings.iter().map(|ping| ping.name.clone()).zip(0..).collect();
        Self { expected: Arc::new(expected), heard, places, has_changed: true, stated_at: None }
    }
}

/// States everything that is known of a source: all its jobs, so that one that is gone is gone.
fn collection(expected: &PingSource, heard: &[Arc<Heard>], now: Timestamp) -> Collection {
    let kinds = expected.kinds;
    let mut repositories: Vec<RepositoryObservation> = Vec::new();
    let mut places: HashMap<&Name, usize> = HashMap::new();
    for (ping, heard) in expected.pings.iter().zip(heard) {
        let place = *places.entry(&ping.repository).or_insert_with(|| {
            let name = ping.repository.clone();
            repositories.push(RepositoryObservation::new(kinds.repository, name.clone(), name));
            repositories.len() - 1
        });
        let planning = Planning { plan: &ping.plan, grace: ping.grace };
        repositories[place].assets.push(observe(ping.name.clone(), kinds.asset, heard, planning));
    }
    Collection {
        source: expected.id.clone(),
        kind: kinds.source,
        observed_at: now,
        listing: Extent::Complete,
        repositories,
        failures: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
