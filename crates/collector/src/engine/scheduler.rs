//! The one task that owns the table: what does it wait for, and what does it do then?

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::Stopped;
use super::portion::{Portions, TakenOver};
use super::run::{Finished, Shared, panicked};
use super::said::{Said, shown};
use crate::backoff::Backoff;
use crate::clock::{Clock, Second, Wait};
use crate::collector::{Collector, Offer};
use crate::failure::Failure;
use crate::health::Health;
use crate::job::Job;
use crate::table::{Offered, Sweep, Table, portion_size};

/// How many offers may wait: enough to keep a listing going while jobs are started.
pub(super) const OFFERS: usize = 1024;

/// How many offers are taken before the scheduler looks at the clock again; some tenths of a millisecond.
const OFFERS_AT_ONCE: usize = 256;

/// How many runs one task starts at most. Larger portions cost less, smaller ones share the cores better.
const PORTION: usize = 256;

/// How long before a second its calls are made ready: enough for some hundred thousand, too short for much to change.
const AHEAD: Duration = Duration::from_millis(400);

/// How many calls are made ready before the scheduler looks for other work; some milliseconds.
const PREPARED_AT_ONCE: usize = 8 * 1024;

/// The scheduler waits for no longer than this, whatever is planned: a clock that was set is noticed then.
const NAP: Duration = Duration::from_secs(1);

pub(super) struct Scheduler<C: Collector> {
    table: Table<C>,
    shared: Arc<Shared<C>>,
    running_max: usize,
    health: Health,
    /// A refresh ended, and what it did not offer is being removed.
    is_sweeping: bool,
    /// What the metrics have already been told.
    missed_told: u64,
    portions: Portions<C>,
    /// When portions were last looked after.
    watched_at: Second,
    /// Scopes that could not be listed.
    kept: Said,
    /// Jobs that were not taken.
    refused: Said,
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Wakes the scheduler shortly before a second, to prepare it, and when it begins.
#[derive(Default)]
struct Alarm {
    /// For which second it is set, whether for its beginning, and how.
    set: Option<(Second, bool, Wait)>,
}

impl Alarm {
    /// Waits for the next of the two. It stays set when this is dropped, so that other work in between costs no new one.
    async fn ring(&mut self, clock: &dyn Clock, second: Second, left: Duration) {
        let early = left.checked_sub(AHEAD).filter(|early| !early.is_zero());
        let (is_last, pause) = early.map_or((true, left), |early| (false, early.min(NAP)));
        if self.set.as_ref().is_none_or(|(at, was_last, _)| (*at, *was_last) != (second, is_last)) {
            self.set = Some((second, is_last, clock.wait(pause)));
        }
        if let Some((_, _, wait)) = &mut self.set {
            wait.await;
        }
        self.set = None;
    }
}

/// What is told to the scheduler, and by whom.
pub(super) struct Inbox<C: Collector> {
    pub(super) offers: mpsc::Receiver<Offer<C>>,
    pub(super) finished: mpsc::UnboundedReceiver<Vec<Finished>>,
    pub(super) refreshing: AbortOnDropHandle<()>,
}

impl<C: Collector> Scheduler<C> {
    pub(super) fn new(shared: Shared<C>, running_max: usize, backoff: Backoff, health: Health) -> Self {
        let table = Table::new(shared.clock.now().second(), backoff);
        let shared = Arc::new(shared);
        Self {
            table,
            shared,
            running_max,
            health,
            is_sweeping: false,
            missed_told: 0,
            portions: Portions::new(),
            watched_at: Second::default(),
            kept: Said::default(),
            refused: Said::default(),
        }
    }

    /// Schedules until `shutdown` is ready, then drains.
    pub(super) async fn run(
        mut self,
        inbox: Inbox<C>,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Stopped {
        let Inbox { mut offers, mut finished, refreshing } = inbox;
        let mut portion = Vec::with_capacity(OFFERS_AT_ONCE);
        let mut shutdown = std::pin::pin!(shutdown);
        let mut alarm = Alarm::default();
        loop {
            let second = self.table.next_second();
            let left = self.shared.clock.now().until(second);
            let is_preparing = left <= AHEAD && self.table.prepare(PREPARED_AT_ONCE, PORTION);
            tokio::select! {
                () = &mut shutdown => break,
                () = std::future::ready(()), if is_preparing => {}
                () = alarm.ring(&*self.shared.clock, second, left) => {}
                Some(ended) = finished.recv() => self.finish(ended),
                _ = offers.recv_many(&mut portion, OFFERS_AT_ONCE), if !self.is_sweeping => {
                    self.take_offers(&mut portion);
                }
                () = std::future::ready(()), if self.is_sweeping => {
                    self.sweep();
                    // What had come of the next listing meanwhile.
                    self.take_offers(&mut portion);
                }
            }
            while let Ok(ended) = finished.try_recv() {
                self.finish(ended);
            }
            self.start();
            self.take_over(self.now());
            self.tell();
        }
        drop(refreshing);
        drop(offers);
        self.drain(finished, drain).await
    }

    fn now(&self) -> Second {
        self.shared.clock.now().second()
    }

    /// Takes offers up to the end of a listing; those of the next one are left until that is swept.
    fn take_offers(&mut self, portion: &mut Vec<Offer<C>>) {
        if self.is_sweeping {
            return;
        }
        let now = self.now();
        let end = portion.iter().position(|offer| matches!(offer, Offer::End(Ok(()))));
        let count = end.map_or(portion.len(), |end| end + 1);
        for offer in portion.drain(..count) {
            match offer {
                Offer::Job(job) => self.take_job(job, now),
                Offer::Keep { scope, why } => {
                    if self.kept.is_news(&scope, &why) {
                        let (scope, why) = (shown(&scope), shown(&why));
                        tracing::warn!(scope, "jobs could not be listed, old ones stay: {why}");
                    }
                    self.table.keep(&scope);
                }
                Offer::End(outcome) => self.end_refresh(outcome, now),
            }
        }
    }

    fn take_job(&mut self, job: Job<C>, now: Second) {
        let id = job.id.clone();
        // Comparing and dropping parameters is code of the bot, and may panic.
        let offered = catch_unwind(AssertUnwindSafe(|| self.table.offer(job, now)));
        let why = match offered {
            Ok(Ok(Offered::New | Offered::Same | Offered::Changed)) => return,
            Ok(Err(unfit)) => unfit.to_string(),
            Err(panic) => panicked(&*panic).reason,
        };
        self.shared.metrics.refused.inc();
        if self.refused.is_news(&id, &why) {
            tracing::warn!(job = shown(&id), "job refused: {why}");
        }
    }

    fn end_refresh(&mut self, outcome: Result<(), Failure>, now: Second) {
        self.shared.metrics.count_refresh(outcome.as_ref().err().map(|failure| failure.kind), now);
        self.health.refreshed(outcome.as_ref().err());
        self.shared.metrics.kept_scopes.set(gauge(self.kept.len()));
        match outcome {
            Ok(()) => {
                self.is_sweeping = true;
                for scope in self.kept.end() {
                    tracing::info!(scope = shown(&scope), "jobs could be listed again");
                }
                self.refused.end();
            }
            Err(failure) => {
                self.kept.end_early();
                self.refused.end_early();
                let kind = failure.kind.word();
                tracing::error!(
                    kind,
                    jobs = self.table.len(),
                    "refresh failed, the old jobs stay: {failure}"
                );
                self.table.end_refresh();
            }
        }
    }

    fn sweep(&mut self) {
        if let Sweep::Done(removed) = self.table.sweep() {
            self.is_sweeping = false;
            tracing::debug!(jobs = self.table.len(), removed, "refreshed");
        }
    }

    fn finish(&mut self, ended: Vec<Finished>) {
        let now = self.now();
        for Finished { slot, failure } in ended {
            let turned = self.table.finish(slot, failure.as_deref(), now);
            // The first failure and the end of failing: a job that fails every second fills no log.
            match (turned, failure) {
                (Some(job), Some(failure)) => {
                    let kind = failure.kind.word();
                    let (job, reason) = (shown(&job.id), shown(&failure.reason));
                    tracing::warn!(job, kind, "runs of a job fail: {reason}");
                }
                (Some(job), None) => tracing::info!(job = shown(&job.id), "runs of a job succeed again"),
                (None, _) => {}
            }
        }
    }

    /// Starts as many due jobs as may run: first those that are ready, then those that only now fell due.
    fn start(&mut self) {
        let now = self.now();
        let (shared, portions) = (&self.shared, &mut self.portions);
        let mut spawn = |starts| portions.spawn(shared, starts);
        let room = self.running_max.saturating_sub(self.table.running());
        self.table.launch(now, room, &mut spawn);
        self.table.advance(now);
        loop {
            let room = self.running_max.saturating_sub(self.table.running());
            let ready = self.table.ready().min(room);
            let size = portion_size(ready, PORTION).min(ready);
            let starts: Vec<_> = std::iter::from_fn(|| self.table.take()).take(size).collect();
            if starts.is_empty() {
                return;
            }
            spawn(starts);
        }
    }

    /// Gives what a run has blocked to others, once a second.
    fn take_over(&mut self, now: Second) {
        if std::mem::replace(&mut self.watched_at, now) == now {
            return;
        }
        for TakenOver { by, rest, finished } in self.portions.take_over() {
            let (job, waiting) = (shown(self.table.id(by).unwrap_or_default()), rest.len());
            tracing::error!(
                job,
                waiting,
                "a job blocks its thread: what waits belongs behind `await` or into spawn_blocking"
            );
            self.finish(finished);
            self.portions.spawn(&self.shared, rest);
        }
        let blocking = self.portions.blocking().and_then(|slot| self.table.id(slot));
        self.health.set_blocking(blocking);
    }

    /// Shows what is.
    fn tell(&mut self) {
        let metrics = &self.shared.metrics;
        metrics.jobs.set(gauge(self.table.len()));
        metrics.running.set(gauge(self.table.running()));
        metrics.waiting.set(gauge(self.table.waiting()));
        metrics.missed.inc_by(self.table.coalesced() - self.missed_told);
        self.missed_told = self.table.coalesced();
        self.health.ticked();
    }

    /// Waits for what still runs, up to the limit, then ends it.
    async fn drain(
        mut self,
        mut finished: mpsc::UnboundedReceiver<Vec<Finished>>,
        limit: Duration,
    ) -> Stopped {
        let running = self.table.running();
        let unstarted_count = self.table.waiting();
        let all_ended = async {
            while self.table.running() > 0 {
                match tokio::time::timeout(NAP, finished.recv()).await {
                    Ok(Some(ended)) => self.finish(ended),
                    Ok(None) => return,
                    // It is well while it waits.
                    Err(_) => {}
                }
                self.tell();
            }
        };
        let _ = tokio::time::timeout(limit, all_ended).await;
        let aborted_count = self.table.running();
        self.shared.abort.cancel();
        self.shared.metrics.running.set(0);
        if aborted_count > 0 {
            tracing::warn!(
                aborted_count,
                "runs that had not ended {limit:?} after the end began were dropped"
            );
        }
        Stopped { finished_count: running - aborted_count, aborted_count, unstarted_count }
    }
}
