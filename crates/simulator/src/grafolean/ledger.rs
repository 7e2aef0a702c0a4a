//! What has the backend received? Values as its database keeps them, and requests as they came in. Knows nothing of who
//! may send what.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::values::Row;

/// How many requests are kept; later ones are counted only.
const REQUESTS_KEPT: usize = 200_000;

/// One stored value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its path.
    pub path: String,
    /// The number as a later reading gives it, which fails if it is not finite.
    pub value: f64,
    /// The number as it was written.
    pub raw: String,
    /// Its instant in seconds since the epoch: the server's for POST, its own for PUT.
    pub t: f64,
    /// Counts up with every stored value; one that replaced another has a new one.
    pub order: u64,
    /// `POST` or `PUT`.
    pub by: &'static str,
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method, such as `GET`.
    pub method: String,
    /// Path with its `/api`, without query, as it was sent.
    pub path: String,
    /// Query without its question mark, as it was sent; empty if there is none.
    pub query: String,
    /// The last `b=` of the query, decoded.
    pub token: Option<String>,
    /// Was there an `Authorization` header?
    pub has_authorization: bool,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// Length of its body.
    pub body_bytes: usize,
    /// Which connection it came over, counted from 1.
    pub connection: u64,
}

/// How much is kept of what comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Every value, and the first 200 000 requests.
    #[default]
    Everything,
    /// Counts only, so that a bench of hours takes no memory.
    Counts,
}

/// The record of one world.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    keep: Keep,
    accounts: HashMap<i64, Stored>,
    requests: Vec<Request>,
    request_count: u64,
    value_count: u64,
    order: u64,
    in_flight: usize,
    highest_concurrency: usize,
}

/// The values of an account by path and instant in microseconds.
type Stored = HashMap<String, BTreeMap<i64, Value>>;

impl Ledger {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, keep: Keep) {
        self.written().keep = keep;
    }

    pub(super) fn clear(&self) {
        let mut written = self.written();
        let (keep, in_flight) = (written.keep, written.in_flight);
        *written = Written { keep, in_flight, highest_concurrency: in_flight, ..Written::default() };
    }

    /// Stores rows; of equal path and instant the last stays.
    pub(super) fn store(&self, account: i64, rows: Vec<Row>, by: &'static str) {
        let mut written = self.written();
        written.value_count += rows.len() as u64;
        if written.keep == Keep::Counts {
            return;
        }
        for row in rows {
            written.order += 1;
            let order = written.order;
            let micros = row.micros();
            let value = Value { path: row.path, value: row.number, raw: row.raw, t: row.t, order, by };
            let series = written.accounts.entry(account).or_default();
            series.entry(value.path.clone()).or_default().insert(micros, value);
        }
    }

    pub(super) fn values(&self, account: i64) -> Vec<Value> {
        let written = self.written();
        let series = written.accounts.get(&account).into_iter().flat_map(HashMap::values);
        let mut values: Vec<Value> = series.flat_map(BTreeMap::values).cloned().collect();
        values.sort_by_key(|value| value.order);
        values
    }

    pub(super) fn value_count(&self) -> u64 {
        self.written().value_count
    }

    /// Records a request that begins; [`leave`](Self::leave) ends it.
    pub(super) fn enter(&self, request: Request) {
        let mut written = self.written();
        written.request_count += 1;
        written.in_flight += 1;
        written.highest_concurrency = written.highest_concurrency.max(written.in_flight);
        if written.keep == Keep::Everything && written.requests.len() < REQUESTS_KEPT {
            written.requests.push(request);
        }
    }

    pub(super) fn leave(&self) {
        self.written().in_flight -= 1;
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.written().requests.clone()
    }

    pub(super) fn request_count(&self) -> u64 {
        self.written().request_count
    }

    pub(super) fn count_below(&self, prefix: &str) -> usize {
        self.written().requests.iter().filter(|request| request.path.starts_with(prefix)).count()
    }

    pub(super) fn highest_concurrency(&self) -> usize {
        self.written().highest_concurrency
    }

    pub(super) fn in_flight(&self) -> usize {
        self.written().in_flight
    }
}
