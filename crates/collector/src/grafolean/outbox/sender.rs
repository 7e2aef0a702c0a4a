//! When are the waiting values of one account sent, and what happens when the backend does not take them?
//!
//! One of these runs for every account, so that a request that fails holds up that account alone, and never are two
//! requests of one account on their way. It must not know how values are kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;

use super::shared::Shared;
use super::verdict::{Verdict, is_named, verdict};
use super::window::{WINDOW_MAX, Window};
use crate::failure::Failure;
use crate::grafolean::client::Client;
use crate::grafolean::error::Error;
use crate::grafolean::spool::Batch;
use crate::grafolean::value::Value;

/// How often a request is tried over which the backend breaks, before it is cut in halves.
const TRIES_WHOLE: u32 = 10;

/// How many rounds in a row prove a value at fault: it fails, and right after it the backend takes another. A backend that
/// fails at random shows that now and then, and hardly ever so often.
const ROUNDS_PROOF: u32 = 6;

/// The longest the backend is left alone because it asks for it.
const ASKED_MAX: Duration = Duration::from_hours(1);

/// Sends the values of one account.
pub(super) struct Sender {
    shared: Arc<Shared>,
    account_id: i64,
    wake: Arc<Notify>,
    /// How many requests failed in a row.
    failure_count: u32,
    /// What the last failure was about, until a request succeeds.
    trouble: Option<Verdict>,
    /// The value the backend took last: sending it again proves that the backend takes values.
    taken: Option<Value>,
    /// Whether the end was noticed: one pause is cut short by it, the next ones are not.
    is_hurried: bool,
}

/// What became of a part of a request.
enum Attempt {
    Taken,
    /// The backend breaks over it: in halves.
    Halve,
    /// One value, refused for good.
    Refused(Error),
    /// One value over which the backend breaks; whether it would take another is not known.
    SetBack,
}

/// What is tried at once, and how often before it is suspected.
struct Part {
    indexes: Vec<usize>,
    tries: u32,
}

impl Sender {
    pub(super) fn new(shared: Arc<Shared>, account_id: i64, wake: Arc<Notify>) -> Self {
        let (failure_count, trouble, taken) = (0, None, None);
        Self { shared, account_id, wake, failure_count, trouble, taken, is_hurried: false }
    }

    /// Sends until the outbox is closed and nothing waits, or it is stopped.
    pub(super) async fn run(mut self) {
        let stop = self.shared.stop.clone();
        let _ = stop.run_until_cancelled(self.send_all()).await;
    }

    /// Ends early only where the program is ending.
    async fn send_all(&mut self) -> Option<()> {
        while self.gather().await? {
            let account_id = self.account_id;
            let first = self.shared.with_spool(move |spool| spool.first(account_id, WINDOW_MAX)).await?;
            match first {
                Ok(batch) => self.send_batch(batch).await?,
                Err(error) => {
                    self.failed(None, &format!("the spool of account {account_id} cannot be read: {error}"));
                    self.pause(&Failure::from(error)).await;
                }
            }
        }
        Some(())
    }

    /// Waits until there is something to send, and a little for more; `false` if nothing more will come.
    async fn gather(&mut self) -> Option<bool> {
        let shared = Arc::clone(&self.shared);
        let merging = tokio::time::sleep(shared.settings.merge);
        let mut merging = std::pin::pin!(merging);
        let mut is_merging = false;
        loop {
            let account_id = self.account_id;
            let waiting = shared.with_spool(move |spool| spool.waiting_count_of(account_id)).await?;
            let is_closing = shared.closing.is_cancelled();
            if waiting >= Client::VALUES_MAX as u64 || (waiting > 0 && is_closing) {
                return Some(true);
            }
            if waiting == 0 && is_closing {
                return Some(false);
            }
            if waiting > 0 && !is_merging {
                is_merging = true;
                merging.set(tokio::time::sleep(shared.settings.merge));
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = shared.closing.cancelled() => {}
                () = &mut merging, if is_merging => return Some(true),
            }
        }
    }

    async fn send_batch(&mut self, batch: Batch) -> Option<()> {
        let (account_id, end) = (self.account_id, batch.end);
        if batch.values.is_empty() {
            // Nothing but lines that cannot be read.
            return self.shared.with_spool(move |spool| spool.spend(account_id, &[], end)).await;
        }
        let mut window = Window::new(batch);
        for indexes in window.requests() {
            if !self.send_request(&mut window, indexes).await? {
                // Begin anew, with what came meanwhile: another value may show whether the backend takes any.
                break;
            }
        }
        Some(())
    }

    /// Sends one request, in parts where it must be; `false` if a value is neither taken nor proved to be at fault.
    ///
    /// No path stands twice in a request, so that the order of its parts is free.
    async fn send_request(&mut self, window: &mut Window, indexes: Vec<usize>) -> Option<bool> {
        let mut parts = VecDeque::from([Part { indexes, tries: TRIES_WHOLE }]);
        let mut set_back_count = 0;
        while let Some(part) = parts.pop_front() {
            let values = window.values(&part.indexes);
            match self.attempt(&values, part.tries).await {
                Attempt::Taken => {
                    set_back_count = 0;
                    self.finish(window, &part.indexes).await?;
                }
                Attempt::Refused(error) => {
                    self.put_aside(&values, &error).await?;
                    self.finish(window, &part.indexes).await?;
                }
                Attempt::Halve => {
                    let (first, second) = part.indexes.split_at(part.indexes.len() / 2);
                    for half in [second, first] {
                        parts.push_front(Part { indexes: half.to_vec(), tries: 1 });
                    }
                }
                Attempt::SetBack => {
                    parts.push_back(part);
                    set_back_count += 1;
                    if set_back_count >= parts.len() {
                        return Some(false);
                    }
                }
            }
        }
        Some(true)
    }

    /// Sends values until they are taken, or are suspected.
    async fn attempt(&mut self, values: &[Value], tries: u32) -> Attempt {
        let is_single = values.len() == 1;
        let (mut broken_count, mut round_count) = (0, 0);
        loop {
            let Err(error) = self.put(values).await else {
                self.succeeded(values);
                return Attempt::Taken;
            };
            let verdict = verdict(&error);
            self.failed(Some(verdict), &error.to_string());
            match verdict {
                Verdict::Guilty if !is_single => return Attempt::Halve,
                Verdict::Guilty if is_named(&error) => return Attempt::Refused(error),
                Verdict::Guilty | Verdict::Suspect => broken_count += 1,
                Verdict::Wait => round_count = 0,
            }
            if verdict != Verdict::Wait && broken_count >= tries {
                match (self.takes_others().await, is_single) {
                    (Some(true) | None, false) => return Attempt::Halve,
                    (Some(true), true) if round_count + 1 >= ROUNDS_PROOF => return Attempt::Refused(error),
                    (Some(true), true) => {
                        round_count += 1;
                        // The pauses grow from round to round.
                        self.failure_count = round_count;
                    }
                    (Some(false), _) => round_count = 0,
                    (None, true) => {
                        self.pause(&error.into()).await;
                        return Attempt::SetBack;
                    }
                }
            }
            self.pause(&error.into()).await;
        }
    }

    /// Asks the backend to take once more what it took last, which changes nothing there. `None` if it took nothing yet.
    async fn takes_others(&mut self) -> Option<bool> {
        let known = self.taken.clone()?;
        let is_taken = self.put(std::slice::from_ref(&known)).await.is_ok();
        if is_taken {
            self.failure_count = 0;
        }
        Some(is_taken)
    }

    async fn put(&self, values: &[Value]) -> Result<(), Error> {
        let _turn = self.shared.turns.acquire().await;
        self.shared.client.put_values(self.account_id, values).await
    }

    async fn finish(&self, window: &mut Window, indexes: &[usize]) -> Option<()> {
        let Some((ends, until)) = window.finish(indexes) else { return Some(()) };
        let account_id = self.account_id;
        self.shared.with_spool(move |spool| spool.spend(account_id, &ends, until)).await
    }

    async fn put_aside(&mut self, values: &[Value], error: &Error) -> Option<()> {
        (self.failure_count, self.trouble) = (0, None);
        self.shared.set_trouble(self.account_id, None);
        let (account_id, values, why) = (self.account_id, values.to_vec(), error.to_string());
        self.shared.refused_count.fetch_add(values.len() as u64, Ordering::Relaxed);
        self.shared
            .with_spool(move |spool| values.iter().for_each(|value| spool.put_aside(account_id, value, &why)))
            .await
    }

    fn succeeded(&mut self, values: &[Value]) {
        self.shared.sent_count.fetch_add(values.len() as u64, Ordering::Relaxed);
        self.taken = values.last().cloned();
        self.failure_count = 0;
        if self.trouble.take().is_some() {
            tracing::warn!(account_id = self.account_id, "the backend takes values again");
        }
        self.shared.set_trouble(self.account_id, None);
    }

    /// Notes a failure; the log hears of it when it is not of the kind before.
    fn failed(&mut self, verdict: Option<Verdict>, words: &str) {
        let account_id = self.account_id;
        let verdict = verdict.unwrap_or(Verdict::Wait);
        if self.trouble.replace(verdict) == Some(verdict) {
            tracing::debug!(account_id, "values wait: {words}");
        } else {
            tracing::error!(account_id, "values wait: {words}");
        }
        self.failure_count = self.failure_count.saturating_add(1);
        self.shared.set_trouble(account_id, Some(words.to_owned()));
    }

    /// Waits before the next try; the end of the outbox cuts one pause short, for a last try.
    async fn pause(&mut self, failure: &Failure) {
        let mut failure = failure.clone();
        failure.retry_after = failure.retry_after.map(|asked| asked.min(ASKED_MAX));
        let seed = self.account_id.cast_unsigned();
        let pause =
            tokio::time::sleep(self.shared.settings.backoff.pause(&failure, self.failure_count, seed));
        if self.is_hurried {
            pause.await;
        } else {
            tokio::select! {
                () = pause => {}
                () = self.shared.closing.cancelled() => self.is_hurried = true,
            }
        }
    }
}
