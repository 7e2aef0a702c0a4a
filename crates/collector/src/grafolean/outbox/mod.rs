//! How does a value get to the backend for sure, however often it or we go down?
//!
//! Every value is written to a spool before it is sent, and leaves it when the backend has taken it. It must not know
//! what the values mean.

mod sender;
mod shared;
mod verdict;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use self::sender::Sender;
use self::shared::Shared;
use super::client::Client;
use super::spool::{Spool, SpoolError};
use super::value::{Refused, sort_out};
use crate::backoff::Backoff;
use crate::clock::Second;
use crate::sample::Sample;

/// How an [`Outbox`] keeps and sends values.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxSettings {
    /// The folder of the spool, made if it is not there; one for each bot. `None` keeps values in memory alone: what is
    /// not sent when the process ends is lost.
    pub folder: Option<PathBuf>,
    /// How many bytes may wait in all. When they are reached, the oldest values of the account with the most are dropped,
    /// and that is logged as an error.
    pub bytes_max: u64,
    /// How long values wait for others of their account, to go in one request.
    pub merge: Duration,
    /// How long an account waits after a request of its own failed.
    pub backoff: Backoff,
}

impl Default for OutboxSettings {
    /// In memory, 256 MiB, 200 ms; pauses from 1 s to 60 s, and to 5 minutes while access is denied.
    fn default() -> Self {
        let second = Duration::from_secs(1);
        let backoff = Backoff {
            base: second,
            max: Duration::from_mins(1),
            denied_base: second,
            denied_max: Duration::from_mins(5),
            jitter: 0.1,
        };
        Self { folder: None, bytes_max: 256 * 1024 * 1024, merge: Duration::from_millis(200), backoff }
    }
}

/// Keeps values until the backend has taken them. Cheap to clone; clones are the same outbox. When the last one is dropped
/// without [`Outbox::close`], sending ends at once.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    wakes: Mutex<HashMap<i64, Arc<Notify>>>,
    senders: TaskTracker,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Where an [`Outbox`] stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many values wait.
    pub waiting_count: u64,
    /// How many bytes they take.
    pub waiting_bytes: u64,
    /// How many values the backend has taken since the outbox was opened.
    pub sent_count: u64,
    /// How many values were refused: by us before they were kept, or by the backend for good.
    pub refused_count: u64,
    /// How many kept values were lost since then: dropped when the spool was full, or unreadable.
    pub dropped_count: u64,
    /// The instant of the value that has waited longest.
    pub oldest_waiting_at: Option<Second>,
    /// What the last failure said; `None` once every account is well again.
    pub last_error: Option<String>,
}

/// What an [`Outbox`] could not send before it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsent {
    /// How many values; 0 if all were sent.
    pub count: u64,
    /// How many of them are lost: not in a folder, but in memory.
    pub lost_count: u64,
    /// The folder in which the others wait for the next start.
    pub folder: Option<PathBuf>,
}

impl Outbox {
    /// Opens the spool and begins to send what is left in it.
    pub async fn open(client: Client, settings: OutboxSettings) -> Result<Self, SpoolError> {
        let (folder, bytes_max) = (settings.folder.clone(), settings.bytes_max);
        if folder.is_none() {
            tracing::warn!("values wait in memory alone: those unsent are lost when the program ends");
        }
        let opened = tokio::task::spawn_blocking(move || Spool::open(folder.as_deref(), bytes_max)).await;
        let spool = opened.map_err(|ended| SpoolError::Io {
            folder: settings.folder.clone().unwrap_or_default(),
            source: std::io::Error::other(ended),
        })??;
        let accounts = spool.accounts();
        if !accounts.is_empty() {
            let count = spool.waiting_count();
            tracing::info!(count, accounts = accounts.len(), "sending the values left by an earlier run");
        }
        let inner = Inner {
            shared: Arc::new(Shared::new(client, settings, spool)),
            wakes: Mutex::default(),
            senders: TaskTracker::new(),
        };
        for account_id in accounts {
            inner.wake(account_id);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes the values of one instant. Returns as soon as they are kept; they are sent in the background, in order.
    ///
    /// The error names the values that may not be sent; all others were taken. Dropping this halfway takes all or none.
    pub async fn send_results(
        &self,
        account_id: i64,
        at: Second,
        samples: Vec<Sample>,
    ) -> Result<(), Refused> {
        let shared = &self.inner.shared;
        let (values, refused) = sort_out(account_id, at, samples);
        if !values.is_empty() {
            if shared.closing.is_cancelled() && shared.settings.folder.is_none() {
                tracing::error!(account_id, count = values.len(), "values came after the end, and are lost");
            }
            // Woken also if nobody waits for the end of this any longer.
            let inner = Arc::clone(&self.inner);
            let runtime = tokio::runtime::Handle::current();
            shared
                .with_spool(move |spool| {
                    spool.append(account_id, &values);
                    let _inside = runtime.enter();
                    inner.wake(account_id);
                })
                .await;
        }
        refused.map_or(Ok(()), |refused| {
            shared.refused_count.fetch_add(refused.refusals.len() as u64, Ordering::Relaxed);
            Err(refused)
        })
    }

    /// Where it stands. May wait a moment for a disk.
    pub fn counts(&self) -> Counts {
        let shared = &self.inner.shared;
        let mut spool = shared.spool();
        Counts {
            waiting_count: spool.waiting_count(),
            waiting_bytes: spool.waiting_bytes(),
            sent_count: shared.sent_count.load(Ordering::Relaxed),
            refused_count: shared.refused_count.load(Ordering::Relaxed),
            dropped_count: spool.dropped_count(),
            oldest_waiting_at: spool.oldest_at(),
            last_error: shared.trouble(),
        }
    }

    /// Sends what waits, for at most this long, and ends, also for its clones. Values that come later are kept for the
    /// next start where there is a folder, and else lost.
    pub async fn close(self, limit: Duration) -> Unsent {
        let Inner { shared, senders, .. } = &*self.inner;
        shared.closing.cancel();
        senders.close();
        if tokio::time::timeout(limit, senders.wait()).await.is_err() {
            shared.stop.cancel();
            senders.wait().await;
        }
        let unsent = shared.with_spool(|spool| Unsent {
            count: spool.waiting_count(),
            lost_count: spool.in_memory_count(),
            folder: spool.folder().map(Path::to_owned),
        });
        unsent.await.unwrap_or(Unsent { count: 0, lost_count: 0, folder: None })
    }
}

impl Inner {
    /// Lets the sender of an account see what waits; makes one where there is none. Call it inside a runtime.
    fn wake(&self, account_id: i64) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        let wake = wakes.entry(account_id).or_insert_with(|| {
            let wake = Arc::new(Notify::new());
            let sender = Sender::new(Arc::clone(&self.shared), account_id, Arc::clone(&wake));
            self.senders.spawn(sender.run());
            wake
        });
        wake.notify_one();
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("settings", &self.inner.shared.settings).finish_non_exhaustive()
    }
}
