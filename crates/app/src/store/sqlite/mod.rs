//! How does one SQLite file keep everything?
//!
//! One connection writes, one transaction after the other, each on the disk before it is answered; a few read. This file
//! holds the store and what it answers with; each operation stands in the file of its question. No SQL leaves this folder.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use lastgood_core::facts::Facts;
use lastgood_core::id::SourceId;
use lastgood_core::incident::Acknowledged;
use lastgood_core::notify::Episode;
use lastgood_core::observation::Collection;
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use lastgood_core::time::Seconds;

use self::look::Open;
use self::messages::Mark;
use self::place::Place;
use self::queue::Queue;
use self::reader::Readers;
use self::writer::Writer;
use super::{
    Answer, Counters, Covered, Decided, Decision, Event, FailedAttempt, Filter, FindKind, GivenUp, Message,
    Outbox, Recorded, Standing, Store, StoreError, Story, Thinned, Undelivered,
};

mod checkpoint;
mod decide;
mod events;
mod export;
mod history;
mod incident;
mod look;
mod lost;
mod messages;
mod open;
mod place;
mod queue;
mod reader;
mod rows;
mod silences;
mod standing;
mod tell;
mod thin;
mod upkeep;
mod withhold;
mod writer;

/// Asked every few thousand steps of every writing statement; `true` fails that statement. For tests of faults.
pub type Interrupt = Arc<dyn Fn() -> bool + Send + Sync>;

/// How a database is opened.
#[derive(Clone)]
pub struct Options {
    /// The file; its folder must exist.
    pub path: PathBuf,
    /// Finds kinds of sources by their words.
    pub find_kind: FindKind,
    /// How long another program's lock is waited for.
    pub busy_timeout: Duration,
    /// Works beside the program that has the database to itself, or while there is none: no lock is taken, nothing is
    /// brought up to date or cleared away, and only people and pushes are heard: looks, decisions, what became of
    /// messages, and upkeep are refused.
    pub beside: bool,
    /// How many pages of 4 KiB the file may have; `None` for as many as the disk holds.
    pub pages_max: Option<u32>,
    /// Fails statements, in tests.
    pub interrupt: Option<Interrupt>,
}

impl Options {
    /// Five seconds for the locks of others, and no limit but the disk.
    pub fn new(path: impl Into<PathBuf>, find_kind: FindKind) -> Self {
        let busy_timeout = Duration::from_secs(5);
        Self { path: path.into(), find_kind, busy_timeout, beside: false, pages_max: None, interrupt: None }
    }
}

/// A store in one SQLite file.
pub struct Sqlite {
    find_kind: FindKind,
    writer: Arc<Writer>,
    readers: Readers,
    queue: Queue,
    sources: Mutex<HashMap<SourceId, Arc<tokio::sync::Mutex<Option<Open>>>>>,
    next_look: AtomicI64,
    is_beside: bool,
    /// One at a time: checkpoints, thinning.
    upkeep: tokio::sync::Mutex<()>,
    /// Which file it is; `None` for a database in memory.
    place: Option<Place>,
    /// Held until the store is closed or dropped: no other lastgood may use the file.
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    /// Opens the database, makes it if it is not there, brings it up to date, and clears away what a crash left half
    /// written. Needs a tokio runtime.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        open::open(options).await
    }

    /// A store that is gone when it is dropped.
    pub async fn in_memory(find_kind: FindKind) -> Result<Self, StoreError> {
        open::in_memory(find_kind).await
    }

    /// Closes every connection, then lets go of the file.
    async fn end(&self) -> Result<(), StoreError> {
        self.queue.end().await;
        if let Readers::Pool(pool) = &self.readers {
            pool.close().await;
        }
        self.writer.end().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    /// Refuses what only one program may do, if another one may be that.
    fn alone(&self, operation: &'static str) -> Result<(), StoreError> {
        if self.is_beside { Err(StoreError::Beside { operation }) } else { Ok(()) }
    }

    /// The same, then goes on.
    fn if_alone<'a, T: Send + 'a>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> Answer<'a, T> {
        let alone = self.alone(operation);
        async move {
            alone?;
            work.await
        }
        .boxed()
    }

    /// Returns what is kept open about a source.
    fn source(&self, id: &SourceId) -> Arc<tokio::sync::Mutex<Option<Open>>> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sources.entry(id.clone()).or_default())
    }
}

impl Store for Sqlite {
    fn append<'a>(&'a self, collection: &'a Collection) -> Answer<'a, ()> {
        self.if_alone("keep a look", self.append_look(collection))
    }

    fn newest(&self, source: SourceId) -> Answer<'_, Option<Timestamp>> {
        self.newest_look(source).boxed()
    }

    fn facts(&self) -> Answer<'_, Facts> {
        self.load_facts().boxed()
    }

    fn standing(&self, now: Timestamp) -> Answer<'_, Standing> {
        standing::read(self, now).boxed()
    }

    fn decide(&self, decision: Decision) -> Answer<'_, Decided> {
        self.if_alone("keep a decision", decide::keep(self, decision))
    }

    fn due_messages(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Message>> {
        messages::due(self, now, limit).boxed()
    }

    fn message(&self, key: String) -> Answer<'_, Option<Covered>> {
        messages::of_key(self, key).boxed()
    }

    fn outbox(&self) -> Answer<'_, Outbox> {
        messages::outbox(self).boxed()
    }

    fn given_up(&self) -> Answer<'_, Vec<GivenUp>> {
        messages::given_up(self).boxed()
    }

    fn undelivered(&self) -> Answer<'_, Vec<Undelivered>> {
        messages::undelivered(self).boxed()
    }

    fn delivered(&self, message: i64, at: Timestamp, receipt: String) -> Answer<'_, ()> {
        let mark = Mark::delivered(message, at, receipt);
        self.if_alone("keep that a message arrived", async move { self.queue.mark(mark?).await })
    }

    fn failed(&self, message: i64, attempt: FailedAttempt) -> Answer<'_, ()> {
        let mark = Mark::failed(message, attempt);
        self.if_alone("keep that sending a message failed", async move { self.queue.mark(mark?).await })
    }

    fn know(&self, episode: Episode, address: Address, at: Timestamp) -> Answer<'_, ()> {
        incident::know(self, episode, address, at).boxed()
    }

    fn acknowledge(&self, episode: Episode, acknowledged: Acknowledged) -> Answer<'_, ()> {
        incident::acknowledge(self, episode, acknowledged).boxed()
    }

    fn close_by_hand(&self, episode: Episode, at: Timestamp, words: String) -> Answer<'_, ()> {
        incident::close_by_hand(self, episode, at, words).boxed()
    }

    fn add_silence(&self, silence: Silence) -> Answer<'_, u64> {
        silences::add(self, silence).boxed()
    }

    fn end_silence(&self, silence: u64, at: Timestamp) -> Answer<'_, ()> {
        silences::end(self, silence, at).boxed()
    }

    fn silences(&self, limit: u32) -> Answer<'_, Vec<Silence>> {
        silences::all(self, limit).boxed()
    }

    fn incidents(&self, filter: Filter) -> Answer<'_, Vec<Recorded>> {
        history::incidents(self, filter).boxed()
    }

    fn incident(&self, id: i64) -> Answer<'_, Option<Story>> {
        history::story(self, id).boxed()
    }

    fn append_event(&self, event: Event) -> Answer<'_, i64> {
        self.queue.append(event).boxed()
    }

    fn events(&self, after: i64, limit: u32) -> Answer<'_, Vec<(i64, Event)>> {
        events::read(self, after, limit).boxed()
    }

    fn keep_pushed(&self, upto: i64, content: Vec<u8>) -> Answer<'_, ()> {
        self.if_alone("keep what is remembered of events", events::keep_pushed(self, upto, content))
    }

    fn pushed(&self) -> Answer<'_, Option<(i64, Vec<u8>)>> {
        events::pushed(self).boxed()
    }

    fn forget_events(&self, before: Timestamp) -> Answer<'_, u64> {
        self.if_alone("forget events", events::forget(self, before))
    }

    fn checkpoint(&self, now: Timestamp) -> Answer<'_, ()> {
        self.if_alone("write a checkpoint", self.write_checkpoints(now))
    }

    fn thin(&self, now: Timestamp, keep: Seconds) -> Answer<'_, Thinned> {
        self.if_alone("thin", self.thin_looks(now, keep))
    }

    fn check(&self) -> Answer<'_, Vec<String>> {
        upkeep::check(self).boxed()
    }

    fn backup<'a>(&'a self, to: &'a Path) -> Answer<'a, ()> {
        upkeep::backup(self, to).boxed()
    }

    fn compact(&self) -> Answer<'_, ()> {
        self.if_alone("compact", upkeep::compact(self))
    }

    fn export<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Answer<'a, ()> {
        export::write(self, out).boxed()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.end().boxed()
    }

    fn trouble(&self) -> Option<String> {
        self.place.as_ref().and_then(Place::trouble)
    }

    fn counters(&self) -> Counters {
        let count =
            |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        Counters {
            queued_count: self.queue.queued_count(),
            committed_count: count(&self.writer.committed_count),
            failed_count: count(&self.writer.failed_count),
            event_count: count(&self.writer.event_count),
        }
    }
}

/// Returns the nanoseconds that are kept of one of our own instants.
fn nanoseconds(at: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(at.as_nanosecond()).map_err(|_| StoreError::OutOfTime(at))
}

/// Reads what [`nanoseconds`] gave.
fn instant(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).expect("64 bits of nanoseconds lie within the calendar")
}

/// Counts what is kept as a number of SQL.
fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
