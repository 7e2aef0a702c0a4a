//! Who runs the jobs, and when?
//!
//! One scheduler task owns the [table](crate::table) of all jobs. It wakes at every whole second, takes out what is due,
//! and hands it in portions to the tasks that run it; ended runs and refreshes are told to it through channels. Nothing
//! else changes the table, so nothing is locked.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::refresh::Refresh;
use self::run::Shared;
use self::scheduler::{Inbox, Scheduler};
use crate::backoff::Backoff;
use crate::clock::{Clock, SystemClock};
use crate::collector::Collector;
use crate::health::Health;
use crate::metrics::Metrics;

mod portion;
mod refresh;
mod run;
mod said;
mod scheduler;

/// Runs the jobs of a collector with the usual settings until `shutdown` is ready, then lets running jobs finish.
///
/// `refresh_interval` is the pause between two listings of the jobs. See [`Engine`] for everything that can be set, and
/// [`shutdown_signal`](crate::shutdown_signal) for the usual end.
pub async fn run<C: Collector>(
    collector: C,
    refresh_interval: Duration,
    shutdown: impl Future<Output = ()> + Send,
) -> Stopped {
    Engine::new(collector).refresh_every(refresh_interval).run(shutdown).await
}

/// How an engine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Runs that were under way at the end and finished in time.
    pub finished_count: usize,
    /// Runs that had not ended within the limit, and were dropped.
    pub aborted_count: usize,
    /// Jobs that were due and never started.
    pub unstarted_count: usize,
}

/// Runs the jobs of one collector on time.
#[derive(Debug)]
pub struct Engine<C: Collector> {
    collector: Arc<C>,
    refresh_every: Duration,
    refresh_deadline: Duration,
    running_max: usize,
    deadline: Duration,
    drain: Duration,
    backoff: Backoff,
    fail_file: Option<PathBuf>,
    clock: DynClock,
    metrics: Metrics,
    health: Health,
    refresh_wanted: Arc<Notify>,
}

/// A clock that can be shown in a struct.
struct DynClock(Arc<dyn Clock>);

impl std::fmt::Debug for DynClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl<C: Collector> Engine<C> {
    /// An engine with the usual settings: refresh every minute, 1 024 runs at once, 60 s for a run, 10 s to finish.
    pub fn new(collector: C) -> Self {
        let (refresh_every, refresh_deadline) = (Duration::from_mins(1), Duration::from_mins(10));
        Self {
            collector: Arc::new(collector),
            refresh_every,
            refresh_deadline,
            running_max: 1024,
            deadline: Duration::from_mins(1),
            drain: Duration::from_secs(10),
            backoff: Backoff::default(),
            fail_file: None,
            clock: DynClock(Arc::new(SystemClock)),
            metrics: Metrics::new(),
            health: Health::new(refresh_every, refresh_deadline),
            refresh_wanted: Arc::new(Notify::new()),
        }
    }

    /// Sets the pause between two listings of the jobs; at least a millisecond.
    #[must_use]
    pub fn refresh_every(mut self, pause: Duration) -> Self {
        self.refresh_every = pause.max(Duration::from_millis(1));
        self.health.set_refresh_every(self.refresh_every);
        self
    }

    /// Sets how long one listing may take.
    #[must_use]
    pub fn refresh_deadline(self, refresh_deadline: Duration) -> Self {
        self.health.set_refresh_deadline(refresh_deadline);
        Self { refresh_deadline, ..self }
    }

    /// Sets how many runs may be under way at once; at least one. Others wait for their turn, in the order they fell due.
    #[must_use]
    pub fn running_max(self, running_max: usize) -> Self {
        Self { running_max: running_max.max(1), ..self }
    }

    /// Sets how long a run may take where its job does not say.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets how long running jobs are waited for at the end.
    #[must_use]
    pub fn drain(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }

    /// Sets how long a job is left alone after it failed.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Names a file that is there while the engine is not healthy, for the health check of a container.
    #[must_use]
    pub fn fail_file(self, path: impl Into<PathBuf>) -> Self {
        Self { fail_file: Some(path.into()), ..self }
    }

    /// Sets the clock on the wall.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: DynClock(Arc::new(clock)), ..self }
    }

    /// Its collector.
    pub fn collector(&self) -> &Arc<C> {
        &self.collector
    }

    /// Its metrics; they go on showing what is while it runs.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Tells whether it is well while it runs.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Lists the jobs at once, whenever this is called; a listing under way is followed by another.
    pub fn refresher(&self) -> impl Fn() + Send + Sync + 'static {
        let wanted = Arc::clone(&self.refresh_wanted);
        move || wanted.notify_one()
    }

    /// Runs until `shutdown` is ready, then starts nothing more and lets running jobs finish within the limit.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Stopped {
        let (finished_tx, finished) = mpsc::unbounded_channel();
        let (offers_tx, offers) = mpsc::channel(scheduler::OFFERS);
        let refresh = Refresh {
            collector: Arc::clone(&self.collector),
            every: self.refresh_every,
            deadline: self.refresh_deadline,
            backoff: self.backoff,
            wanted: self.refresh_wanted,
            engine: offers_tx,
        };
        let shared = Shared {
            collector: self.collector,
            clock: self.clock.0,
            metrics: self.metrics,
            deadline: self.deadline,
            finished: finished_tx,
            abort: CancellationToken::new(),
        };
        // Nothing goes on where this future is dropped before its end.
        let _abort = shared.abort.clone().drop_guard();
        let watch = self.fail_file.map(|path| self.health.write_file(path));
        let scheduler = Scheduler::new(shared, self.running_max, self.backoff, self.health.clone());
        let refreshing = AbortOnDropHandle::new(tokio::spawn(refresh.repeat()));
        let inbox = Inbox { offers, finished, refreshing };
        let stopped = scheduler.run(inbox, shutdown, self.drain).await;
        self.health.stop();
        drop(watch);
        stopped
    }
}
