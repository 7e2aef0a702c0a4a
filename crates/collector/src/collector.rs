//! What does somebody who writes a bot write?

use std::fmt;
use std::future::Future;

use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::job::{Call, Job, Outcome};
use crate::sample::Sample;

/// A bot: which jobs there are, what each does, and where its numbers go.
///
/// Write the methods as `async fn`. None of them may block its thread: what does (a library that waits, a long
/// calculation) belongs into `tokio::task::spawn_blocking`.
pub trait Collector: Sized + Send + Sync + 'static {
    /// The parameters of a job. A job whose parameters are no longer equal has changed.
    type Spec: PartialEq + Send + Sync + 'static;

    /// Offers every job there is. Called at once and then at every refresh.
    ///
    /// Jobs start as they are offered, before the last one is. After `Ok`, those of the last refresh that were not
    /// offered again are removed; after `Err` none is, and the next try comes sooner.
    fn jobs(&self, jobs: &mut Jobs<Self>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Does the work of one call and returns the numbers to publish. Never runs twice at once for the same job; at its
    /// deadline it is dropped.
    fn perform(&self, call: &Call<Self>) -> impl Future<Output = Outcome> + Send;

    /// Hands the numbers of a run to where they are published. Belongs to the run: its failure is the run's.
    ///
    /// Unless written, numbers have nowhere to go and a run that returns any fails.
    fn publish(
        &self,
        call: &Call<Self>,
        samples: Vec<Sample>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        use crate::failure::FailureKind;
        let outcome = if samples.is_empty() {
            Ok(())
        } else {
            let reason = format!("job {} gave numbers, and its collector publishes none", call.id());
            Err(Failure::new(FailureKind::Unsupported, reason))
        };
        std::future::ready(outcome)
    }
}

/// Takes the jobs of one refresh one by one, so that the first ones start while others are still being fetched.
pub struct Jobs<C: Collector> {
    pub(crate) engine: mpsc::Sender<Offer<C>>,
}

/// What a refresh tells the engine.
pub(crate) enum Offer<C: Collector> {
    /// This job exists.
    Job(Job<C>),
    /// What is in this scope could not be listed.
    Keep {
        /// The scope.
        scope: String,
        /// Why it could not be listed.
        why: String,
    },
    /// The refresh ended.
    End(Result<(), Failure>),
}

impl<C: Collector> Jobs<C> {
    /// Offers a job. Waits while the engine is busy with those before.
    pub async fn push(&mut self, job: Job<C>) {
        // An engine that is gone needs no jobs; the refresh is dropped with it.
        let _ = self.engine.send(Offer::Job(job)).await;
    }

    /// Says that a part of the jobs could not be listed (one account of many): its old jobs stay as they are, and the
    /// reason is logged when it begins. The jobs must have said that they come from this scope ([`Job::scope`]): those that
    /// did not are removed.
    pub async fn keep(&mut self, scope: impl fmt::Display, why: impl fmt::Display) {
        let keep = Offer::Keep { scope: scope.to_string(), why: why.to_string() };
        let _ = self.engine.send(keep).await;
    }
}

impl<C: Collector> fmt::Debug for Jobs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}
