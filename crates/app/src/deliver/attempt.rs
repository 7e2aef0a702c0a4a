//! What happens to one message that is due: it is sent once, then it is marked, however long that takes.
//!
//! A message that was sent and could not be marked is not sent again while this program lives: marking it is tried until
//! it is done, and until then it keeps its place, so that no more is sent than can be marked.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};

use super::{Clock, Counts, Deliverer};
use crate::channels::{Channel, ChannelError, FailureKind, Receipt, Repeat, repeat};
use crate::letter;
use crate::store::{FailedAttempt, Message, Store, StoreError};

/// The first wait after a mark that was not kept, and the longest; each is twice the one before.
const MARK_WAIT: Duration = Duration::from_millis(500);
const MARK_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a message may hold back those behind it that is not taken for a reason which may be its own: no receiver may
/// be deaf for good since there is one thing it does not take. It is given up, and what it said is told anew once a later
/// one arrived.
const IN_THE_WAY_MAX: SignedDuration = SignedDuration::from_hours(24);

/// One message under way.
pub(super) struct Attempt {
    store: Arc<dyn Store>,
    channel: Option<Arc<dyn Channel>>,
    clock: Clock,
    counts: Arc<Counts>,
    message: Message,
}

impl Attempt {
    pub(super) fn new(deliverer: &Deliverer, message: Message) -> Self {
        let channels = deliverer.channels.read().unwrap_or_else(PoisonError::into_inner);
        Self {
            store: Arc::clone(&deliverer.store),
            channel: channels.get(&message.address.channel).cloned(),
            clock: Arc::clone(&deliverer.clock),
            counts: Arc::clone(&deliverer.counts),
            message,
        }
    }

    /// Sends it once, and ends when what became of it is on the disk.
    pub(super) async fn make(self) {
        let channel = &self.message.address.channel;
        self.counts.began(channel);
        // What panics within a channel must not take the other messages with it.
        let sent = AssertUnwindSafe(self.send()).catch_unwind().await.unwrap_or_else(|_| {
            let reason = "the channel ended in a mistake of this program; report it, with its log";
            Err(failed(FailureKind::Malformed, reason))
        });
        self.counts.ended(channel, sent.as_ref().err().map(|error| error.kind));
        let at = (self.clock)();
        match sent {
            Ok(receipt) => self.delivered(at, receipt).await,
            Err(error) => self.failed(at, error).await,
        }
    }

    async fn send(&self) -> Result<Receipt, ChannelError> {
        let Some(channel) = &self.channel else {
            let name = lastgood_core::id::Escaped(&self.message.address.channel);
            let reason = format!(
                "no channel is called {name}; add a [[channel]] of this name, or correct the addresses that use it"
            );
            return Err(failed(FailureKind::Unsupported, reason));
        };
        let message =
            letter::open(&self.message).map_err(|error| failed(FailureKind::Malformed, error.to_string()))?;
        channel.send(&message, (self.clock)()).await
    }

    async fn delivered(&self, at: Timestamp, receipt: Receipt) {
        tracing::debug!(message = self.message.id, "sent");
        self.mark(|| self.store.delivered(self.message.id, at, receipt.answer.clone())).await;
    }

    async fn failed(&self, at: Timestamp, error: ChannelError) {
        let attempt_count = self.message.attempt_count.saturating_add(1);
        let wait = error.wait(attempt_count.saturating_sub(self.message.attempts_before));
        let wait = wait.filter(|_| !self.is_in_the_way(at, error.kind));
        let ChannelError { kind, reason, .. } = error;
        let (message, kind_word) = (self.message.id, kind.as_str());
        if wait.is_none() {
            tracing::warn!(message, kind = kind_word, "given up: {reason}");
        } else {
            tracing::debug!(message, kind = kind_word, attempt_count, "not sent: {reason}");
        }
        let next_try_at =
            wait.map(|wait| at + SignedDuration::try_from(wait).expect("a wait is an hour at most"));
        let attempt = FailedAttempt { at, kind, words: reason, next_try_at };
        self.mark(|| self.store.failed(message, attempt.clone())).await;
    }

    /// True if others have waited for it for long, and it may be its own fault that nobody takes it.
    fn is_in_the_way(&self, at: Timestamp, kind: FailureKind) -> bool {
        let is_old = at.duration_since(self.message.decided_at) > IN_THE_WAY_MAX;
        self.message.holds_back && is_old && repeat(kind) == Repeat::Late
    }

    /// Tries until it is kept, or there is nothing it could be kept with.
    async fn mark<'a>(&'a self, keep: impl Fn() -> crate::store::Answer<'a, ()>) {
        let mut wait = MARK_WAIT;
        loop {
            match keep().await {
                Ok(()) => return,
                Err(error @ (StoreError::NotThere { .. } | StoreError::Closed)) => {
                    tracing::warn!(message = self.message.id, "what became of it was not kept: {error}");
                    return;
                }
                Err(error) => {
                    tracing::warn!(message = self.message.id, "kept later what became of it: {error}");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MARK_WAIT_MAX);
        }
    }
}

fn failed(kind: FailureKind, reason: impl Into<String>) -> ChannelError {
    ChannelError { kind, reason: reason.into(), retry_after: None }
}
