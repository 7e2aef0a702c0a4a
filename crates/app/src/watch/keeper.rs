//! What does the thread that watches do with what it is asked?

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::OptionFuture;
use jiff::Timestamp;
use lastgood_core::checks::{self, visibility};
use lastgood_core::expectation::{Expectations, Layer, Origin, Scope};
use lastgood_core::facts::{Facts, SourceFacts};
use lastgood_core::id::SourceId;
use lastgood_core::incident::Watched;
use lastgood_core::judge::judge;
use lastgood_core::kind::SourceKind;
use lastgood_core::notify::Withheld;
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};
use lastgood_core::time::{Elapsed, Instant, elapsed};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, Sleep};

use super::hold::Hold;
use super::ourselves::Outward;
use super::tick::{self, Proposal, Rules};
use super::voices::Voices;
use super::{Asked, PAUSE_FACTOR, PAUSE_MIN, Parts, Published, TakeError, Ticked, Written, ourselves};
use crate::causes::said;
use crate::clock::Stopwatch;
use crate::config::{Config, ConfigError};
use crate::directory::fixed::Owners;
use crate::directory::who::{Directories, Who};
use crate::sources::{self, SourceConfig};
use crate::store::{Decided, Decision, Standing, StoreError, kept};

/// So many looks in a row that could not be kept make us ill: what they say is judged by nobody.
const UNKEPT_MAX: u32 = 3;

/// How often a tick is decided anew where somebody says something meanwhile.
const TRIES_MAX: u32 = 5;

/// The distance between two instants that are only told apart.
const NANOSECOND: jiff::SignedDuration = jiff::SignedDuration::from_nanos(1);

/// When a tick follows what was asked.
enum Next {
    /// As soon as ticks may follow each other.
    Soon,
    /// When it is time again.
    Regular,
    /// It was one: nothing waits for another.
    Ticked,
}

/// What is known, what must be true, and who is told.
pub(super) struct Keeper {
    parts: Parts,
    facts: Facts,
    expectations: Expectations,
    rules: Rules,
    /// Every source of the configuration, and ourselves.
    watched: Watched,
    channels: Vec<String>,
    every: Duration,
    assets_max: usize,
    /// Sources of which the newest looks could not be kept: how many in a row, and why not.
    unkept: BTreeMap<SourceId, (u32, String)>,
    /// What is expected to push and of which nothing is known.
    silent: Vec<(SourceId, &'static SourceKind)>,
    hold: Hold,
    /// How those want to be written to whom a directory named.
    voices: Voices,
    decided_at: Timestamp,
    publish: watch::Sender<Arc<Published>>,
}

impl Keeper {
    pub(super) fn new(
        written: &Written,
        facts: Facts,
        parts: Parts,
        publish: watch::Sender<Arc<Published>>,
    ) -> Result<Self, ConfigError> {
        let config = read(written)?;
        let directories = Directories::default();
        let rules = Rules { directories, damping: config.serve.damping, repeat_after: None };
        let mut keeper = Self {
            parts,
            facts,
            expectations: Expectations::new(checks::thresholds_of, Vec::new()),
            rules,
            watched: Watched::default(),
            channels: Vec::new(),
            every: config.serve.tick,
            assets_max: 0,
            unkept: BTreeMap::new(),
            silent: Vec::new(),
            hold: Hold::new(std::iter::empty()),
            voices: Voices::default(),
            decided_at: Timestamp::MIN,
            publish,
        };
        keeper.go_on_with(config);
        let now = (keeper.parts.clock)();
        let unseen = ourselves::unseen(&keeper.facts, &keeper.expectations, now);
        keeper.hold = Hold::new(unseen.map(|source| source.id.clone()));
        Ok(keeper)
    }

    /// Takes a configuration: what is known of sources that are not in it any more is forgotten.
    fn go_on_with(&mut self, config: Config) {
        forget_others(&mut self.facts, &config);
        self.silent = silent(&self.facts, &config);
        self.watched = watched_of(&config);
        self.unkept.retain(|id, _| self.watched.sources.contains(id));
        self.channels = channels_of(&config);
        self.every = config.serve.tick;
        self.assets_max = config.serve.metrics_assets_max;
        (self.rules, self.expectations) = rules_of(config);
    }

    /// Serves until it is told to stop, or until nobody is there any more who could ask.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Asked>) {
        self.remember_voices().await;
        let mut regular = tokio::time::interval(self.every);
        regular.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = PAUSE_MIN;
        // Begins with what is asked first: whoever asks for more meanwhile does not put it off.
        let mut soon: Option<Pin<Box<Sleep>>> = None;
        loop {
            tokio::select! {
                asked = waiting.recv() => match asked {
                    None => return,
                    Some(Asked::Stop(answer)) => {
                        let _ = answer.send(());
                        return;
                    }
                    Some(asked) => {
                        let every = self.every;
                        match self.answer(asked).await {
                            Next::Soon => {
                                soon.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                            }
                            Next::Ticked => soon = None,
                            Next::Regular => {}
                        }
                        if self.every != every {
                            regular.reset_after(self.every);
                        }
                    }
                },
                () = OptionFuture::from(soon.as_mut()).map(drop), if soon.is_some() => {
                    soon = None;
                    pause = self.tick_and_say().await;
                    regular.reset_after(self.every);
                }
                _ = regular.tick() => {
                    soon = None;
                    pause = self.tick_and_say().await;
                }
            }
        }
    }

    /// Remembers who was told, before a look says that what belonged to them left.
    async fn remember_voices(&mut self) {
        match self.parts.store.standing((self.parts.clock)()).await {
            Ok(standing) => {
                self.voices = Voices::of(&self.rules.directories, &self.facts, &standing);
            }
            Err(error) => {
                tracing::warn!("who wants to be written to how is not known at the start: {}", said(&error));
            }
        }
    }

    /// Does what is asked, and says when a tick should follow.
    async fn answer(&mut self, asked: Asked) -> Next {
        match asked {
            Asked::Take(collection, answer) => {
                let taken = self.take(*collection).await;
                let next = if taken.is_ok() { Next::Soon } else { Next::Regular };
                let _ = answer.send(taken);
                next
            }
            Asked::Tick(answer) => {
                let _ = answer.send(self.tick().await);
                Next::Ticked
            }
            Asked::Reload(written, answer) => {
                let config = read(&written).map(|config| self.go_on_with(config));
                if config.is_ok() {
                    self.publish.send_modify(|published| Arc::make_mut(published).refused = None);
                }
                let _ = answer.send(config);
                Next::Soon
            }
            Asked::Refused(why) => {
                self.publish.send_modify(|published| Arc::make_mut(published).refused = Some(why));
                Next::Regular
            }
            Asked::Wake => Next::Soon,
            Asked::Stop(_) => Next::Regular,
        }
    }

    /// Takes a look, and remembers of which sources none could be kept.
    async fn take(&mut self, collection: Collection) -> Result<(), TakeError> {
        let id = collection.source.clone();
        let taken = self.keep(collection).await;
        match &taken {
            Ok(()) => {
                self.unkept.remove(&id);
            }
            Err(TakeError::Store { source, .. }) => {
                let (count, why) = self.unkept.entry(id).or_default();
                *count = count.saturating_add(1);
                *why = said(source);
            }
            Err(TakeError::NotWatched(_) | TakeError::Older(_) | TakeError::Ended) => {}
        }
        taken
    }

    /// Keeps a look in the store, then in the facts.
    ///
    /// Looks at one source must follow each other. Where the clock was set back, a look counts as made just after the
    /// newest instant we know: what it states is dated by itself, and the fleet stays seen. Of a source that was out of
    /// the configuration only the store knows that instant.
    async fn keep(&mut self, mut collection: Collection) -> Result<(), TakeError> {
        let id = collection.source.clone();
        if !self.watched.sources.contains(&id) {
            return Err(TakeError::NotWatched(id));
        }
        self.hold.looked_at(&id);
        let known = self.facts.sources.iter().position(|known| known.id == id);
        let newest = if let Some(index) = known {
            self.facts.sources[index].looked_at
        } else {
            let newest = self.parts.store.newest(id.clone()).await;
            let newest = newest.map_err(|source| TakeError::Store { source_id: id.clone(), source })?;
            newest.unwrap_or(Timestamp::MIN)
        };
        let is_set_back = (self.parts.clock)() < self.decided_at;
        let floor = if is_set_back { newest.max(self.decided_at) } else { newest };
        if collection.observed_at <= newest && (self.parts.clock)() > newest {
            return Err(TakeError::Older(id));
        }
        if collection.observed_at <= floor {
            tracing::warn!(source = %id, "the clock was set back; the look counts as made just after the one before");
            collection.observed_at =
                floor.saturating_add(NANOSECOND).expect("a length that is no calendar unit");
        }
        let kept = kept(&collection);
        let stored = self.parts.store.append(&collection).await;
        stored.map_err(|source| TakeError::Store { source_id: id, source })?;
        match known {
            Some(index) => self.facts.sources[index].renew(kept),
            None => self.facts.sources.push(SourceFacts::first(kept)),
        }
        Ok(())
    }

    /// Ticks, and says what went wrong. Returns how long to wait at least until the next one.
    async fn tick_and_say(&mut self) -> Duration {
        let stopwatch = Stopwatch::start();
        let awaited_count = self.hold.awaited_count();
        if awaited_count > 0 {
            self.publish.send_modify(|published| {
                let published = Arc::make_mut(published);
                (published.awaited_count, published.tried) = (awaited_count, stopwatch);
            });
            return PAUSE_MIN;
        }
        if let Err(error) = self.tick().await {
            let cause = self.parts.store.trouble().map(|cause| format!("; {cause}"));
            let why = said(&error) + &cause.unwrap_or_default();
            tracing::error!("nothing could be decided: {why}; it is tried again at the next tick");
            self.publish.send_modify(|published| {
                let published = Arc::make_mut(published);
                (published.trouble, published.tried) = (Some(why), Stopwatch::start());
            });
        }
        (stopwatch.read() * PAUSE_FACTOR).max(PAUSE_MIN)
    }

    /// Makes known what has never pushed anything: from now on it is unseen, and in the end that is bad. A source of which
    /// nothing at all is known would be missed by nobody.
    async fn await_first_pushes(&mut self) {
        let now = (self.parts.clock)();
        for (id, kind) in std::mem::take(&mut self.silent) {
            let failure = Failure {
                place: Place::source(),
                kind: FailureKind::Unreachable,
                reason: "nothing was ever pushed; see whether what pushes runs, and what it is answered"
                    .to_owned(),
            };
            let first = Collection::failed(id.clone(), kind, now, failure);
            if let Err(error) = self.take(first).await {
                tracing::warn!("that {id} has pushed nothing is said later: {}", said(&error));
                self.silent.push((id, kind));
            }
        }
    }

    /// One frozen instant, one judgement, one deciding transaction.
    async fn tick(&mut self) -> Result<Ticked, StoreError> {
        let stopwatch = Stopwatch::start();
        self.await_first_pushes().await;
        for collection in self.parts.pushed.collections((self.parts.clock)()).await {
            let source = collection.source.clone();
            if let Err(error) = self.take(collection).await {
                tracing::error!("what was pushed is judged later: {}", said(&error));
                self.parts.pushed.restate(&source);
            }
        }
        let outward =
            Outward::read(&*self.parts.store, &self.channels, (&self.rules.directories, &self.facts)).await?;
        let now = (self.parts.clock)();
        let standing = self.parts.store.standing(now).await?;
        let was_blind = standing.known.contains_key(&ourselves::blindness());
        let us = ourselves::facts(&self.facts, &self.expectations, &outward, was_blind, now);
        self.facts.sources.push(us);
        let decided = self.decide(now, standing).await;
        self.facts.sources.pop();
        let (ticked, published) = decided?;
        self.decided_at = self.decided_at.max(now);
        let took = stopwatch.read();
        self.publish.send_modify(|newest| {
            let refused = newest.refused.clone();
            for line in published.ill.iter().filter(|line| !newest.ill.contains(line)) {
                tracing::error!("{line}");
            }
            *newest = Arc::new(Published { took, refused, ..published });
        });
        Ok(ticked)
    }

    /// Decides until nobody says anything meanwhile.
    async fn decide(
        &mut self,
        now: Timestamp,
        standing: Standing,
    ) -> Result<(Ticked, Published), StoreError> {
        let judgement = judge(&self.facts, &self.expectations, now);
        let (mut standing, mut tries) = (standing, 0);
        loop {
            let mut proposal =
                tick::propose(&judgement, &self.facts, &standing, (&self.watched, &self.rules));
            self.voices.lend(&mut proposal.plan.digests, &self.rules.directories);
            let decision = self.decision(standing.revision, now, &proposal);
            let ticked = Ticked {
                at: now,
                change_count: decision.changes.len(),
                message_count: decision.messages.len(),
            };
            tries += 1;
            match self.parts.store.decide(decision).await {
                Ok(Decided::Kept(_) | Decided::Already(_)) => {
                    // Before what is shown is made: nobody waits for a message because of a page.
                    if ticked.message_count > 0 {
                        self.parts.told.notify_one();
                    }
                    self.voices.renew(&proposal.voices, &standing.told);
                    let known = &proposal.known;
                    let published = Published::of(&judgement, &self.facts, known, self.assets_max);
                    let (ill, ownerless_count) = self.ill(now, &proposal);
                    return Ok((ticked, Published { ill, ownerless_count, ..published }));
                }
                Err(StoreError::Superseded) if tries < TRIES_MAX => {
                    standing = self.parts.store.standing(now).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What is wrong with us that no message tells, and how many other incidents have nobody to tell.
    fn ill(&self, now: Timestamp, proposal: &Proposal) -> (Vec<String>, usize) {
        let mut ill = Vec::new();
        let others = self.facts.sources.iter().filter(|source| !source.id.is_ourselves());
        let newest = others.map(|source| source.looked_at).fold(self.decided_at, Timestamp::max);
        if elapsed(newest, now) == Elapsed::Ahead {
            let newest = Instant(newest);
            ill.push(format!(
                "the clock was set back: what is known is dated up to {newest}; set the clock right"
            ));
        }
        let unkept = self.unkept.iter().filter(|(_, (count, _))| *count >= UNKEPT_MAX);
        ill.extend(unkept.map(|(id, (count, why))| {
            format!("{id} is not judged: the newest {count} looks at it, or what it pushed, could not be kept: {why}")
        }));
        let nobody = proposal.plan.withheld.iter().filter(|(_, _, why)| *why == Withheld::Nobody);
        let matters = nobody.map(|(episode, ..)| &episode.matter);
        let (ours, others): (Vec<_>, Vec<_>) =
            matters.cloned().partition(|matter| matter.subject.source.is_ourselves());
        let untellable =
            ourselves::untellable(&proposal.known, &Who::new(&self.rules.directories, &self.facts));
        ill.extend(self.parts.store.trouble());
        ill.extend(ours.into_iter().chain(untellable).collect::<BTreeSet<_>>().into_iter().map(|matter| {
            let (subject, check) = (&matter.subject, matter.check);
            format!(
                "{subject} ({check}), and nobody can be told another way: add an owner on another channel"
            )
        }));
        (ill, others.len())
    }

    fn decision(&self, revision: u64, now: Timestamp, proposal: &Proposal) -> Decision {
        let names = tick::Names::of_digests(&self.facts, &proposal.plan.digests);
        let called = |subject: &_| names.called(subject);
        let messages = proposal.plan.digests.iter().map(|digest| (self.parts.write)(digest, &called, now));
        Decision {
            revision,
            decided_at: now,
            changes: proposal.changes.clone(),
            messages: messages.collect(),
            withheld: proposal.plan.withheld.clone(),
        }
    }
}

/// Forgets what is known of sources that are not in a configuration.
pub(super) fn forget_others(facts: &mut Facts, config: &Config) {
    facts.sources.retain(|known| {
        let is_same = |source: &SourceConfig| source.id == known.id && source.entry.kind.id == known.kind.id;
        config.sources.iter().any(is_same)
    });
}

/// What is expected to push and of which nothing is known.
fn silent(facts: &Facts, config: &Config) -> Vec<(SourceId, &'static SourceKind)> {
    let is_known = |id: &SourceId| facts.sources.iter().any(|known| known.id == *id);
    let pushing = config.sources.iter().filter(|source| source.pushed_every.is_some());
    let silent = pushing.filter(|source| !is_known(&source.id));
    silent.map(|source| (source.id.clone(), source.entry.kind)).collect()
}

/// The sources of a configuration, and ourselves.
pub(super) fn watched_of(config: &Config) -> Watched {
    let sources = config.sources.iter().map(|source| source.id.clone()).chain([ourselves::id()]);
    let restated = config.sources.iter().filter(|source| is_restated(source));
    Watched { sources: sources.collect(), restated: restated.map(|source| source.id.clone()).collect() }
}

/// True for jobs that ping: what is heard of them is restated by us. A source that pushes looks is expected to.
pub(super) fn is_restated(source: &SourceConfig) -> bool {
    source.entry.pushes && source.pushed_every.is_none()
}

/// The names of the channels of a configuration.
pub(super) fn channels_of(config: &Config) -> Vec<String> {
    config.channels.iter().map(|channel| channel.config.name.clone()).collect()
}

/// Who says who is to be told: the owners of a configuration, and the directories of its sources.
pub fn directories_of(config: &Config) -> Directories {
    let owned = config.sources.iter();
    let by_source = owned.filter_map(|source| Some((source.id.clone(), source.directory.clone()?)));
    Directories { owners: Owners::new(config.owners.clone()), by_source: by_source.collect() }
}

/// What decides beside facts.
pub(super) fn rules_of(config: Config) -> (Rules, Expectations) {
    let directories = directories_of(&config);
    let Config { serve, mut layers, .. } = config;
    let rules = Rules { directories, damping: serve.damping, repeat_after: serve.repeat_after };
    layers.push(our_own_layer());
    (rules, Expectations::new(checks::thresholds_of, layers))
}

/// Whether we see anything is decided with the sources, so that we are blind from the first instant at which it is said.
fn our_own_layer() -> Layer {
    let origin = Origin::Source("ourselves".into());
    let values = vec![(visibility::BLIND_AFTER.name, Some(0), origin)];
    Layer { scope: Scope::Source(ourselves::id()), values }
}

/// Reads a configuration.
pub(super) fn read(written: &Written) -> Result<Config, ConfigError> {
    Ok(Config::from_text(&written.path, &written.text, &sources::ALL)?.for_daemon())
}
