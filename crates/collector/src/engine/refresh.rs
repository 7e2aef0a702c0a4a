//! When are the jobs listed again?
//!
//! One task asks the collector, waits, and asks again. A listing that fails is tried again sooner; one that panics or
//! hangs has failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::run::panicked;
use crate::backoff::{ASKED_MAX, Backoff};
use crate::collector::{Collector, Jobs, Offer};
use crate::failure::{Failure, FailureKind};

/// How soon a listing that failed is tried again at the earliest, whatever the pauses of failed jobs are.
const TRIED_AGAIN_MIN: Duration = Duration::from_secs(1);

/// When the collector is asked for its jobs.
pub(super) struct Refresh<C: Collector> {
    pub(super) collector: Arc<C>,
    /// The pause between two listings.
    pub(super) every: Duration,
    /// How long one listing may take.
    pub(super) deadline: Duration,
    pub(super) backoff: Backoff,
    /// Ends the pause at once.
    pub(super) wanted: Arc<Notify>,
    pub(super) engine: mpsc::Sender<Offer<C>>,
}

impl<C: Collector> Refresh<C> {
    /// Asks again and again, until it is dropped or the engine is gone.
    pub(super) async fn repeat(self) {
        let mut failures = 0;
        loop {
            let outcome = self.list().await;
            let pause = match &outcome {
                Ok(()) => {
                    failures = 0;
                    self.every
                }
                Err(failure) => {
                    failures += 1;
                    let asked = failure.retry_after.unwrap_or_default().min(ASKED_MAX);
                    self.backoff.pause(failure, failures, 0).max(TRIED_AGAIN_MIN).min(self.every).max(asked)
                }
            };
            if self.engine.send(Offer::End(outcome)).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    async fn list(&self) -> Result<(), Failure> {
        let collector = Arc::clone(&self.collector);
        let mut jobs = Jobs { engine: self.engine.clone() };
        // A task of its own, so that a panic ends nothing else.
        let listing = tokio::spawn(async move { collector.jobs(&mut jobs).await });
        let mut listing = AbortOnDropHandle::new(listing);
        match tokio::time::timeout(self.deadline, &mut listing).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(stopped)) => Err(match stopped.try_into_panic() {
                Ok(panic) => panicked(&*panic),
                Err(_) => Failure::new(FailureKind::TimedOut, "it was ended because the engine stops"),
            }),
            Err(_) => {
                listing.abort();
                // What it offers from here on would count for the next listing.
                let _ = listing.await;
                let reason = format!("the jobs had not been listed after {:?}", self.deadline);
                Err(Failure::new(FailureKind::TimedOut, reason))
            }
        }
    }
}
