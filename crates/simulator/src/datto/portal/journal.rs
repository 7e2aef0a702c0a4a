//! What was asked of the portal? Requests and how many of them ran at once, so that a test can say what a client did and
//! what it never did. Knows nothing of answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many requests are kept; later ones are counted only. A look at a fleet of 10 000 devices asks fewer.
const REQUESTS_KEPT: usize = 100_000;

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Method, such as `GET`.
    pub method: String,
    /// Path without query. The portal feed has its key in it.
    pub path: String,
    /// Query without its question mark; empty if there is none.
    pub query: String,
}

/// The record of one portal.
#[derive(Debug, Default)]
pub(super) struct Journal {
    requests: Mutex<Vec<Request>>,
    count: AtomicU64,
    in_flight: AtomicUsize,
    highest: AtomicUsize,
}

impl Journal {
    /// Records a request that begins; it runs until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>, request: Request) -> InFlight {
        let mut requests = self.kept();
        if requests.len() < REQUESTS_KEPT {
            requests.push(request);
        }
        drop(requests);
        self.count.fetch_add(1, Ordering::SeqCst);
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.highest.fetch_max(in_flight, Ordering::SeqCst);
        InFlight { journal: Arc::clone(self) }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.kept().clone()
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    pub(super) fn count_below(&self, prefix: &str) -> usize {
        self.kept().iter().filter(|request| request.path.starts_with(prefix)).count()
    }

    pub(super) fn by_path(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.kept().iter() {
            *counts.entry(request.path.clone()).or_default() += 1;
        }
        counts
    }

    pub(super) fn methods(&self) -> BTreeSet<String> {
        self.kept().iter().map(|request| request.method.clone()).collect()
    }

    pub(super) fn highest_concurrency(&self) -> usize {
        self.highest.load(Ordering::SeqCst)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Forgets what was; requests that still run go on being counted as running.
    pub(super) fn forget(&self) {
        self.kept().clear();
        self.count.store(0, Ordering::SeqCst);
        self.highest.store(self.in_flight(), Ordering::SeqCst);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Request>> {
        // Nothing that is done while holding it can leave it half done.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that runs.
#[derive(Debug)]
pub(super) struct InFlight {
    journal: Arc<Journal>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.journal.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
