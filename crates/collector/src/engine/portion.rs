//! Which runs does one task start, and what becomes of the others when one of them blocks its thread?
//!
//! A task starts the runs of its portion one after the other. A run that waits without `await` would take all behind it
//! with it, and no deadline could end it: nobody else may stop a thread. So what has not been started, and what ended but
//! was not reported, stands where the scheduler can take it over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::vec::IntoIter;

use super::run::{Finished, Shared, start_all};
use crate::clock::Stopwatch;
use crate::collector::Collector;
use crate::table::{Slot, Start};

/// How long one run may keep its portion from going on before the others are taken over: far more than a busy machine
/// needs to start all of them.
const BLOCKED_AFTER: Duration = Duration::from_secs(5);

/// The runs that one task starts.
pub(super) struct Portion<C: Collector> {
    /// With a count of references of the portion's own: one count that all runs change at once costs more than a short run.
    pub(super) collector: Arc<C>,
    inner: Mutex<Inner<C>>,
}

struct Inner<C: Collector> {
    rest: IntoIter<Start<C>>,
    finished: Vec<Finished>,
    /// The job whose run is being started.
    current: Option<Slot>,
    is_over: bool,
}

impl<C: Collector> Portion<C> {
    fn new(collector: Arc<C>, starts: Vec<Start<C>>) -> Self {
        let finished = Vec::with_capacity(starts.len());
        let inner = Inner { rest: starts.into_iter(), finished, current: None, is_over: false };
        Self { collector, inner: Mutex::new(inner) }
    }

    /// Notes how the last run ended, unless it waits, and takes the next one.
    pub(super) fn next(&self, ended: Option<Finished>) -> Option<Start<C>> {
        let mut inner = self.inner();
        inner.finished.extend(ended);
        let next = inner.rest.next();
        inner.current = next.as_ref().map(|start| start.slot);
        next
    }

    /// Looks at the runs to come, as far as `count`.
    pub(super) fn look_ahead(&self, count: usize, look: impl FnMut(&Start<C>)) {
        self.inner().rest.as_slice().iter().take(count).for_each(look);
    }

    /// Ends it; the runs that ended and were not reported.
    pub(super) fn end(&self) -> Vec<Finished> {
        let mut inner = self.inner();
        inner.is_over = true;
        std::mem::take(&mut inner.finished)
    }

    fn inner(&self) -> MutexGuard<'_, Inner<C>> {
        // Nothing panics while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Portions that are being started.
pub(super) struct Portions<C: Collector> {
    clock: Stopwatch,
    /// With when they were last seen waiting for a thread.
    under_way: Vec<(Duration, Arc<Portion<C>>)>,
    /// Jobs that block a thread, with the portion that waits for them.
    blocked: Vec<(Slot, Arc<Portion<C>>)>,
}

/// What was taken over from a job that blocks its thread.
pub(super) struct TakenOver<C: Collector> {
    /// The job.
    pub(super) by: Slot,
    /// What was behind it.
    pub(super) rest: Vec<Start<C>>,
    /// What had ended before it.
    pub(super) finished: Vec<Finished>,
}

impl<C: Collector> Portions<C> {
    pub(super) fn new() -> Self {
        Self { clock: Stopwatch::start(), under_way: Vec::new(), blocked: Vec::new() }
    }

    /// Has one task start these runs, and watches over it from now on.
    pub(super) fn spawn(&mut self, shared: &Arc<Shared<C>>, starts: Vec<Start<C>>) {
        let portion = Arc::new(Portion::new(Arc::clone(&shared.collector), starts));
        self.watch(Arc::clone(&portion));
        tokio::spawn(start_all(Arc::clone(shared), portion));
    }

    fn watch(&mut self, portion: Arc<Portion<C>>) {
        self.under_way.push((self.clock.read(), portion));
    }

    /// Forgets those that are over, and takes over what a run has blocked for too long. Where no run has begun, all
    /// threads are busy, and none of its own blocks it.
    pub(super) fn take_over(&mut self) -> Vec<TakenOver<C>> {
        self.under_way.retain(|(_, portion)| !portion.inner().is_over);
        self.blocked.retain(|(_, portion)| !portion.inner().is_over);
        let now = self.clock.read();
        let mut taken = Vec::new();
        self.under_way.retain_mut(|(since, portion)| {
            let mut inner = portion.inner();
            let Some(by) = inner.current else {
                *since = now;
                return true;
            };
            if now.saturating_sub(*since) <= BLOCKED_AFTER {
                return true;
            }
            let (rest, finished) = (std::mem::take(&mut inner.rest), std::mem::take(&mut inner.finished));
            taken.push(TakenOver { by, rest: rest.collect(), finished });
            self.blocked.push((by, Arc::clone(portion)));
            false
        });
        taken
    }

    /// A job that blocks a thread, if there is any.
    pub(super) fn blocking(&self) -> Option<Slot> {
        self.blocked.first().map(|(slot, _)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Second;
    use crate::table::Table;
    use crate::{Backoff, Call, Failure, Job, Jobs, Outcome};

    /// A collector that is never asked.
    struct Bot;

    impl Collector for Bot {
        type Spec = ();

        async fn jobs(&self, _: &mut Jobs<Self>) -> Result<(), Failure> {
            Ok(())
        }

        async fn perform(&self, _: &Call<Self>) -> Outcome {
            Ok(Vec::new())
        }
    }

    fn portion_of(count: usize) -> Arc<Portion<Bot>> {
        let mut table = Table::new(Second(0), Backoff::default());
        for number in 0..count {
            table.offer(Job::new(format!("{number}"), [1], ()), Second(0)).expect("it is fit");
        }
        table.advance(Second(1));
        Arc::new(Portion::new(Arc::new(Bot), std::iter::from_fn(|| table.take()).collect()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_portion_that_waited_long_for_a_thread_is_still_watched() {
        let mut portions = Portions::new();
        let portion = portion_of(3);
        portions.watch(Arc::clone(&portion));
        tokio::time::sleep(BLOCKED_AFTER * 2).await;
        assert!(portions.take_over().is_empty(), "nothing blocks it: it has not begun");
        let blocking = portion.next(None).expect("a run").slot;
        tokio::time::sleep(BLOCKED_AFTER).await;
        assert!(portions.take_over().is_empty(), "it had its time only just now");
        tokio::time::sleep(Duration::from_millis(1)).await;
        let taken = portions.take_over();
        assert!(matches!(&taken[..], [TakenOver { by, rest, .. }] if *by == blocking && rest.len() == 2));
        assert_eq!((portions.blocking(), portions.take_over().len()), (Some(blocking), 0));
        portion.end();
        portions.take_over();
        assert_eq!(portions.blocking(), None);
    }
}
