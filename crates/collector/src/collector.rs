//! What does somebody who writes a bot write?

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

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

/// Takes the jobs of one refresh, in portions, so that the first ones start while others are still being fetched.
pub struct Jobs<C: Collector> {
    pub(crate) portion: Vec<Job<C>>,
    pub(crate) engine: mpsc::Sender<Offer<C>>,
    pub(crate) marker: PhantomData<fn() -> C>,
}

/// What a refresh tells the engine.
pub(crate) enum Offer<C: Collector> {
    /// These jobs exist.
    Jobs(Vec<Job<C>>),
    /// What is in this scope could not be listed.
    Keep(Box<str>, String),
    /// The refresh ended.
    End(Result<(), Failure>),
}

impl<C: Collector> Jobs<C> {
    /// How many jobs go to the engine at once: enough to make the way cheap, few enough to hold no firing up.
    pub(crate) const PORTION: usize = 256;

    /// Offers a job. Waits while the engine is busy with those before.
    pub async fn push(&mut self, job: Job<C>) {
        self.portion.push(job);
        if self.portion.len() >= Self::PORTION {
            self.flush().await;
        }
    }

    /// Says that a part of the jobs could not be listed (one account of many): its old jobs stay as they are, and the
    /// reason is logged.
    pub async fn keep(&mut self, scope: impl fmt::Display, why: impl fmt::Display) {
        self.flush().await;
        let keep = Offer::Keep(scope.to_string().into(), why.to_string());
        // An engine that is gone needs to know no more.
        let _ = self.engine.send(keep).await;
    }

    /// Hands over what was offered so far; otherwise that happens by portions and at the end.
    pub async fn flush(&mut self) {
        if !self.portion.is_empty() {
            let portion = std::mem::replace(&mut self.portion, Vec::with_capacity(Self::PORTION));
            let _ = self.engine.send(Offer::Jobs(portion)).await;
        }
    }
}

impl<C: Collector> fmt::Debug for Jobs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("waiting", &self.portion.len()).finish_non_exhaustive()
    }
}
