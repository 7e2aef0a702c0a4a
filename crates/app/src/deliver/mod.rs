//! How does what was decided reach people, and what is remembered of each attempt?
//!
//! Takes due messages from the outbox, sends each through the channel its address names, and marks what became of it. A
//! message is never twice under way, and whoever sent one sends the next only after its mark is on the disk: so a crash
//! repeats at most what was under way, and loses nothing. To one recipient messages go one after the other, in the order
//! they were decided: the outbox gives the next one only once what became of the one before it is marked. It decides
//! nothing about who is told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::attempt::Attempt;
use self::count::Counts;
use crate::channels::Channel;
use crate::clock;
use crate::store::{Message, Store, StoreError};

mod attempt;
mod count;

pub use self::count::Counted;

/// How many messages of one channel are under way at once.
pub const AT_ONCE: usize = 8;

/// How many messages of one channel wait in memory at most, beside those under way.
const HELD_MAX: usize = 64;

/// How often the outbox is looked at when nobody says that there is something in it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long what is under way is waited for at the end.
pub const STOP_WITHIN: Duration = Duration::from_secs(7);

/// How often an error of the outbox that stays the same is said again: every so many times.
const SAID_EVERY: u32 = 60;

/// The channels by name.
pub type Channels = HashMap<String, Arc<dyn Channel>>;

/// What gives the instant of an attempt.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Sends what stands in the outbox.
#[derive(Clone)]
pub struct Deliverer {
    store: Arc<dyn Store>,
    channels: Arc<RwLock<Channels>>,
    clock: Clock,
    counts: Arc<Counts>,
}

impl Deliverer {
    /// One that sends through these channels.
    pub fn new(store: Arc<dyn Store>, channels: Channels) -> Self {
        let clock = Arc::new(clock::now);
        Self { store, channels: Arc::new(RwLock::new(channels)), clock, counts: Arc::default() }
    }

    /// Takes the time from somewhere else.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sends through these channels from the next attempt on. What is under way ends through the old ones.
    pub fn replace(&self, channels: Channels) {
        *self.channels.write().unwrap_or_else(PoisonError::into_inner) = channels;
    }

    /// Returns what was sent since the start, by the names of the channels.
    pub fn counted(&self) -> Vec<(String, Counted)> {
        self.counts.all()
    }

    /// Sends until `stop`, then waits for what is under way, [`STOP_WITHIN`] at most. `wake` says that something was put
    /// into the outbox. One at a time may run.
    pub async fn run(&self, wake: Arc<Notify>, stop: CancellationToken) {
        let mut round = Round::new(self);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            round.start();
            tokio::select! {
                () = stop.cancelled() => {}
                () = round.next_end() => {}
                () = wake.notified() => round.wants_look = true,
                _ = looks.tick() => round.wants_look = true,
            }
            if round.wants_look {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = round.look() => {}
                }
            }
        }
        // Whatever does not end in time is given up: it is still due, and sent again after the next start.
        let _ = tokio::time::timeout(STOP_WITHIN, round.finish()).await;
    }
}

/// What waits for one channel.
#[derive(Default)]
struct Lane {
    /// Not under way yet, in the order they are sent in.
    waiting: VecDeque<Message>,
    /// So many are under way.
    under_way_count: usize,
    /// There may be more in the outbox than are held.
    has_more: bool,
}

/// Everything that is held of the outbox.
struct Round<'a> {
    deliverer: &'a Deliverer,
    lanes: HashMap<String, Lane>,
    /// None of these is begun again.
    under_way: HashSet<i64>,
    attempts: JoinSet<(String, i64)>,
    /// There may be something new in the outbox.
    wants_look: bool,
    last_error: Option<(String, u32)>,
}

impl<'a> Round<'a> {
    fn new(deliverer: &'a Deliverer) -> Self {
        Self {
            deliverer,
            lanes: HashMap::new(),
            under_way: HashSet::new(),
            attempts: JoinSet::new(),
            wants_look: true,
            last_error: None,
        }
    }

    /// Takes what is due in place of what waited: what was never tried goes before what failed, however long that waits.
    async fn look(&mut self) {
        self.wants_look = false;
        let limit = HELD_MAX + AT_ONCE;
        let due = self
            .deliverer
            .store
            .due_messages((self.deliverer.clock)(), u32::try_from(limit).expect("a small number"));
        let due = match due.await {
            Ok(due) => due,
            Err(error) => return self.say(&error),
        };
        self.last_error = None;
        for lane in self.lanes.values_mut() {
            lane.waiting.clear();
        }
        for message in due {
            if self.under_way.contains(&message.id) {
                continue;
            }
            let lane = self.lanes.entry(message.address.channel.clone()).or_default();
            lane.waiting.push_back(message);
        }
        for lane in self.lanes.values_mut() {
            lane.has_more = lane.waiting.len() + lane.under_way_count >= limit;
        }
        self.lanes.retain(|_, lane| lane.under_way_count > 0 || !lane.waiting.is_empty());
    }

    /// Begins as many attempts as each channel takes at once.
    fn start(&mut self) {
        for (channel, lane) in &mut self.lanes {
            while lane.under_way_count < AT_ONCE
                && let Some(message) = lane.waiting.pop_front()
            {
                lane.under_way_count += 1;
                self.under_way.insert(message.id);
                let (channel, id) = (channel.clone(), message.id);
                let attempt = Attempt::new(self.deliverer, message);
                self.attempts.spawn(async move {
                    attempt.make().await;
                    (channel, id)
                });
            }
        }
    }

    /// Waits until an attempt has ended and its mark is on the disk; for ever where none is under way.
    async fn next_end(&mut self) {
        match self.attempts.join_next().await {
            Some(ended) => {
                let (channel, id) = ended.expect("an attempt catches what panics within a channel");
                self.end(&channel, id);
            }
            None => std::future::pending().await,
        }
    }

    fn end(&mut self, channel: &str, id: i64) {
        self.under_way.remove(&id);
        let lane = self.lanes.get_mut(channel).expect("a lane stays while something of it is under way");
        lane.under_way_count -= 1;
        // Where none is held, the next one to the same recipient may be due now.
        let is_low = lane.has_more && lane.waiting.len() < HELD_MAX / 2;
        self.wants_look |= is_low || lane.waiting.is_empty();
    }

    /// Waits for what is under way.
    async fn finish(&mut self) {
        while !self.attempts.is_empty() {
            self.next_end().await;
        }
    }

    /// Says that the outbox cannot be read: when it begins, when it changes, and from time to time.
    fn say(&mut self, error: &StoreError) {
        let text = error.to_string();
        let times = match &self.last_error {
            Some((last, times)) if *last == text => times + 1,
            _ => 0,
        };
        if times % SAID_EVERY == 0 {
            tracing::warn!("the outbox was not read: {text}");
        }
        self.last_error = Some((text, times));
    }
}
