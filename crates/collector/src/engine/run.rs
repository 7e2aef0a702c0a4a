//! How is a run carried out?
//!
//! Runs start in portions: one task begins many, one after the other. Most end at once or come soon to a point where they
//! wait; a run that waits goes on as a task of its own, with a deadline. A run that panics is a failed run.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};
use tracing::Instrument;

use super::portion::Portion;
use crate::clock::Clock;
use crate::collector::Collector;
use crate::failure::{Failure, FailureKind};
use crate::job::Call;
use crate::metrics::{Metrics, Tally};
use crate::table::{Slot, Start};

/// What every run needs.
pub(super) struct Shared<C: Collector> {
    pub(super) collector: Arc<C>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    /// Where a job names none.
    pub(super) deadline: Duration,
    pub(super) finished: mpsc::UnboundedSender<Vec<Finished>>,
    /// Ends what still runs when the engine has waited long enough.
    pub(super) abort: CancellationToken,
}

/// A run that ended.
pub(super) struct Finished {
    pub(super) slot: Slot,
    /// In a box, since most runs have none.
    pub(super) failure: Option<Box<Failure>>,
}

/// A run under way.
struct Run(Option<ReusableBoxFuture<'static, Option<Failure>>>);

impl Run {
    /// Begins a run, in the memory of one that ended if there is any.
    fn begin(ended: Option<Self>, work: impl Future<Output = Option<Failure>> + Send + 'static) -> Self {
        match ended {
            Some(Self(Some(mut place))) => {
                place.set(work);
                Self(Some(place))
            }
            _ => Self(Some(ReusableBoxFuture::new(work))),
        }
    }

    /// Polls it; a panic is its failure.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Failure>> {
        let work = self.0.as_mut().expect("it is not polled after a panic");
        std::panic::catch_unwind(AssertUnwindSafe(|| work.poll(context))).unwrap_or_else(|panic| {
            // Nothing sees it half done: it is dropped and never polled again.
            self.discard();
            Poll::Ready(Some(panicked(&*panic)))
        })
    }

    /// Drops it before its end, which runs its code too and may panic.
    fn discard(&mut self) {
        let work = self.0.take();
        if std::panic::catch_unwind(AssertUnwindSafe(|| drop(work))).is_err() {
            tracing::warn!("a run panicked while it was dropped");
        }
    }
}

/// How many runs ahead their jobs are fetched from memory.
const FETCHED_AT_ONCE: usize = 16;

/// Starts runs one after the other; each is reported once: here, by its own task, or by who takes the portion over.
pub(super) async fn start_all<C: Collector>(shared: Arc<Shared<C>>, portion: Arc<Portion<C>>) {
    let mut tally = Tally::of(&shared.metrics);
    let (mut place, mut finished, mut until_fetched) = (None, None, 0);
    while let Some(Start { slot, call, .. }) = portion.next(finished.take()) {
        if until_fetched == 0 {
            // The scheduler touched them last, on another core: fetching several at a time takes as long as fetching one.
            let mut sum = 0;
            portion.look_ahead(FETCHED_AT_ONCE, |start| sum += Arc::strong_count(&start.call.kept));
            std::hint::black_box(sum);
            until_fetched = FETCHED_AT_ONCE;
        }
        until_fetched -= 1;
        tally.started(shared.clock.now().since(call.scheduled_at));
        let deadline = call.kept.deadline.map_or(shared.deadline, crate::job::Deadline::get);
        let mut run = Run::begin(place.take(), perform(Arc::clone(&portion), call));
        match poll_fn(|context| Poll::Ready(run.poll(context))).await {
            Poll::Ready(failure) => {
                tally.ended(failure.as_ref().map(|failure| failure.kind));
                finished = Some(Finished { slot, failure: failure.map(Box::new) });
                place = Some(run);
            }
            Poll::Pending => {
                tokio::spawn(go_on(Arc::clone(&shared), slot, run, deadline));
            }
        }
    }
    drop(tally);
    // An engine that is gone needs no report.
    let _ = shared.finished.send(portion.end());
}

/// Lets a run that waits go on until it ends, its deadline passes or the engine stops.
async fn go_on<C: Collector>(shared: Arc<Shared<C>>, slot: Slot, mut run: Run, deadline: Duration) {
    let failure = tokio::select! {
        biased;
        failure = poll_fn(|context| run.poll(context)) => failure,
        () = tokio::time::sleep(deadline) => {
            Some(Failure::new(FailureKind::TimedOut, format!("it had not ended after {deadline:?}")))
        }
        () = shared.abort.cancelled() => {
            Some(Failure::new(FailureKind::TimedOut, "it was ended because the engine stops"))
        }
    };
    run.discard();
    Tally::of(&shared.metrics).ended(failure.as_ref().map(|failure| failure.kind));
    let _ = shared.finished.send(vec![Finished { slot, failure: failure.map(Box::new) }]);
}

/// Performs a call and publishes what it gave; `None` if all went well.
fn perform<C: Collector>(
    portion: Arc<Portion<C>>,
    call: Call<C>,
) -> impl Future<Output = Option<Failure>> + Send + 'static {
    let span = tracing::debug_span!(
        "run",
        job = call.id(),
        scheduled_at = call.scheduled_at.0,
        missed = call.missed_count
    );
    let work = async move {
        let collector = &*portion.collector;
        let samples = match call.kept.perform {
            Some(perform) => perform(collector, &call).await,
            None => collector.perform(&call).await,
        };
        match samples {
            Ok(samples) => collector.publish(&call, samples).await.err(),
            Err(failure) => Some(failure),
        }
    };
    work.instrument(span)
}

/// What a panic said.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
    Failure::new(FailureKind::Panicked, format!("it panicked: {words}"))
}
