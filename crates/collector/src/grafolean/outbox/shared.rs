//! What do the outbox and the senders of its accounts have in common?

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::OutboxSettings;
use crate::grafolean::client::Client;
use crate::grafolean::spool::Spool;

/// How many requests are on their way at once: a few more than a backend has workers.
const REQUESTS_AT_ONCE: usize = 16;

/// What the outbox and its senders share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) settings: OutboxSettings,
    spool: Arc<Mutex<Spool>>,
    pub(super) turns: Semaphore,
    pub(super) sent_count: AtomicU64,
    pub(super) refused_count: AtomicU64,
    troubles: Mutex<HashMap<i64, String>>,
    /// Nothing more comes: send what waits, and end.
    pub(super) closing: CancellationToken,
    /// End, whatever waits.
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(client: Client, settings: OutboxSettings, spool: Spool) -> Self {
        Self {
            client,
            settings,
            spool: Arc::new(Mutex::new(spool)),
            turns: Semaphore::new(REQUESTS_AT_ONCE),
            sent_count: AtomicU64::new(0),
            refused_count: AtomicU64::new(0),
            troubles: Mutex::default(),
            closing: CancellationToken::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Uses the spool on a thread that may wait for a disk. Is done also if nobody waits for it any longer; `None` only
    /// where the runtime is ending.
    pub(super) async fn with_spool<T: Send + 'static>(
        &self,
        use_it: impl FnOnce(&mut Spool) -> T + Send + 'static,
    ) -> Option<T> {
        let spool = Arc::clone(&self.spool);
        tokio::task::spawn_blocking(move || use_it(&mut lock(&spool))).await.ok()
    }

    /// The spool itself; waits while a disk is written.
    pub(super) fn spool(&self) -> MutexGuard<'_, Spool> {
        lock(&self.spool)
    }

    /// Notes what is wrong with an account, or that nothing is any longer.
    pub(super) fn set_trouble(&self, account_id: i64, words: Option<String>) {
        let mut troubles = lock(&self.troubles);
        match words {
            Some(words) => troubles.insert(account_id, words),
            None => troubles.remove(&account_id),
        };
    }

    /// What is wrong with the first account with which something is.
    pub(super) fn trouble(&self) -> Option<String> {
        let troubles = lock(&self.troubles);
        troubles.iter().min_by_key(|(account_id, _)| **account_id).map(|(_, words)| words.clone())
    }
}

/// A panic elsewhere leaves what is kept here whole enough to go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
