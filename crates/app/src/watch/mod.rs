//! Who remembers, judges and decides while the daemon runs?
//!
//! One thread owns the facts and the thresholds. It is handed looks, keeps each in the store and then in the facts, and
//! ticks: one frozen `now`, one judgement, one deciding transaction. It looks at no source and sends nothing. Everybody
//! else holds a [`Watch`] and sees what the newest tick [`Published`].

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::facts::Facts;
use lastgood_core::id::{SourceId, SubjectId};
use lastgood_core::message::Called;
use lastgood_core::notify::Digest;
use lastgood_core::observation::Collection;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use self::keeper::Keeper;
use crate::config::ConfigError;
use crate::store::{NewMessage, Store, StoreError};

mod hold;
mod keeper;
pub mod ourselves;
mod published;
mod rehearsal;
pub mod tick;
mod upkeep;
mod voices;

pub use keeper::directories_of;
pub use published::{OpenIncident, Published, SourceState};
pub use rehearsal::{Rehearsal, RehearsalError, rehearse};
pub use upkeep::keep_up;

/// How many looks may wait to be kept.
const WAITING_MAX: usize = 64;

/// How long a tick waits after the one before it, so that what comes in a burst is decided once.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// So many times the length of the last tick are left between two: judging takes a fifth of a core at most.
const PAUSE_FACTOR: u32 = 4;

/// Reads the clock; a test has its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Turns what one address is told into the message that is sent.
pub type Write = Box<dyn Fn(&Digest, &dyn Fn(&SubjectId) -> Called, Timestamp) -> NewMessage + Send>;

/// What pushes to us of its own accord.
pub trait Pushed: Send + Sync {
    /// Returns a look at every source of which something came since it was asked last; of all at first.
    fn collections(&self, now: Timestamp) -> BoxFuture<'_, Vec<Collection>>;

    /// Says that what was returned of a source could not be kept: it is returned again the next time.
    fn restate(&self, source: &SourceId);
}

/// The configuration as text. Thresholds belong to one thread: each that needs them reads them itself.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where it stands.
    pub path: PathBuf,
    /// What stands there.
    pub text: String,
}

/// What a watch works with.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Clock,
    /// What pushes.
    pub pushed: Arc<dyn Pushed>,
    /// How messages are written.
    pub write: Write,
    /// Notified when messages were decided.
    pub told: Arc<Notify>,
}

/// What a watch is asked.
enum Asked {
    /// Keep this look.
    Take(Box<Collection>, oneshot::Sender<Result<(), TakeError>>),
    /// Tick soon.
    Wake,
    /// Tick now, and say how it went.
    Tick(oneshot::Sender<Result<Ticked, StoreError>>),
    /// Go on with another configuration.
    Reload(Written, oneshot::Sender<Result<(), ConfigError>>),
    /// Say in the next state that this configuration could not be read.
    Refused(String),
    /// Tick no more.
    Stop(oneshot::Sender<()>),
}

/// What a tick did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticked {
    /// The instant that was judged at.
    pub at: Timestamp,
    /// How many incidents changed.
    pub change_count: usize,
    /// How many messages were decided.
    pub message_count: usize,
}

/// Why a look was not kept.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Its source is not, or no longer, in the configuration.
    #[error("{0} is not in the configuration any more")]
    NotWatched(SourceId),
    /// A newer look at its source is known: what it states is out of date.
    #[error("a newer look at {0} is known: this one is out of date and is not taken")]
    Older(SourceId),
    /// The store could not keep it.
    #[error("failed to keep a look at {source_id}")]
    Store {
        /// Which source.
        source_id: SourceId,
        /// Why.
        source: StoreError,
    },
    /// The watch has ended.
    #[error("lastgood is about to end")]
    Ended,
}

/// A handle to the thread that watches; clones are the same.
#[derive(Clone)]
pub struct Watch {
    asked: mpsc::Sender<Asked>,
    published: watch::Receiver<Arc<Published>>,
}

impl Watch {
    /// Goes on from what is remembered and begins to tick. Needs a tokio runtime.
    pub async fn start(written: Written, facts: Facts, parts: Parts) -> Result<Self, ConfigError> {
        let (asked, waiting) = mpsc::channel(WAITING_MAX);
        let (publish, published) = watch::channel(Arc::new(Published::nothing_yet((parts.clock)())));
        let (started, is_started) = oneshot::channel();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || keep(&runtime, (written, facts), parts, (waiting, publish), started))
            .expect("a thread can be started");
        is_started.await.expect("the thread says how it started")?;
        Ok(Self { asked, published })
    }

    /// Keeps a look: it is on the disk and in the facts when this returns. A tick follows soon.
    pub async fn take(&self, collection: Collection) -> Result<(), TakeError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked::Take(Box::new(collection), answer);
        self.asked.send(asked).await.map_err(|_| TakeError::Ended)?;
        answered.await.map_err(|_| TakeError::Ended)?
    }

    /// Asks for a tick soon: something was said that the store knows.
    pub fn wake(&self) {
        // Where many wait already, a tick follows anyway.
        let _ = self.asked.try_send(Asked::Wake);
    }

    /// Ticks now. For tests and for whoever wants to know how it went.
    pub async fn tick(&self) -> Result<Ticked, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.asked.send(Asked::Tick(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Goes on with another configuration from the next tick on.
    pub async fn reload(&self, written: Written) -> Result<(), ConfigError> {
        let (answer, answered) = oneshot::channel();
        if self.asked.send(Asked::Reload(written, answer)).await.is_err() {
            return Ok(());
        }
        answered.await.unwrap_or(Ok(()))
    }

    /// Shows from now on that a configuration was refused, until one is taken.
    pub async fn refused(&self, why: String) {
        let _ = self.asked.send(Asked::Refused(why)).await;
    }

    /// What the newest tick decided.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.borrow())
    }

    /// Follows what ticks decide.
    pub fn follow(&self) -> watch::Receiver<Arc<Published>> {
        self.published.clone()
    }

    /// Ends after what was handed over before.
    pub async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        if self.asked.send(Asked::Stop(answer)).await.is_ok() {
            let _ = answered.await;
        }
    }
}

/// The thread.
fn keep(
    runtime: &Handle,
    (written, facts): (Written, Facts),
    parts: Parts,
    (waiting, publish): (mpsc::Receiver<Asked>, watch::Sender<Arc<Published>>),
    started: oneshot::Sender<Result<(), ConfigError>>,
) {
    let keeper = match Keeper::new(&written, facts, parts, publish) {
        Ok(keeper) => keeper,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(()));
    runtime.block_on(keeper.run(waiting));
}
