//! With what is every account looked at, on whichever thread, and what is remembered of its size?
//!
//! A thread that waits for a disk cannot be ended: it is left behind, and no second one is sent to the same account.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lastgood_core::observation::FailureKind;
use lastgood_core::time::Instant;

use super::account::{self, Looking, Seen};
use super::accounts::Account;
use super::client::state::Look;
use super::{Now, locked};
use crate::measure::{MeasureError, Measured, Measuring};
use crate::sources::Keep;
use crate::tree::TreeError;

/// What every account is looked at with.
pub(super) struct Parts {
    root: Option<PathBuf>,
    least_clients: BTreeMap<String, String>,
    stats_interval: SignedDuration,
    sizes: Mutex<HashMap<Box<str>, Size>>,
    /// The accounts that a thread is at.
    busy: Mutex<HashSet<Box<str>>>,
}

/// What is remembered of the size of an account.
#[derive(Clone, Copy)]
struct Size {
    /// When measuring was begun last.
    tried_at: Timestamp,
    /// What was measured last, and when.
    newest: Option<(Timestamp, Measured)>,
}

/// Why a thread gave no answer.
#[derive(Clone, Copy)]
pub(super) enum Hangs {
    /// It did not come back in time.
    Now,
    /// One of an earlier look has not come back yet.
    SinceBefore,
    /// It failed in a way that it must not.
    Broke,
}

impl Hangs {
    pub(super) fn trouble(self) -> TreeError {
        let (kind, reason) = match self {
            Self::Now => (
                FailureKind::TimedOut,
                "it could not be looked at within the deadline; see whether its disk answers, or set a longer \
                 `deadline`",
            ),
            Self::SinceBefore => (
                FailureKind::TimedOut,
                "an earlier look at it still waits for its disk; see whether that answers",
            ),
            Self::Broke => {
                (FailureKind::Unsupported, "lastgood itself failed while looking; please report it")
            }
        };
        TreeError { kind, reason: reason.to_owned() }
    }
}

/// Says that a thread is at an account, until it is dropped.
struct Busy {
    parts: Arc<Parts>,
    uid: Box<str>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        locked(&self.parts.busy).remove(&self.uid);
    }
}

impl Parts {
    pub(super) fn new(
        root: Option<PathBuf>,
        least_clients: BTreeMap<String, String>,
        stats_interval: Duration,
    ) -> Self {
        let stats_interval = SignedDuration::try_from(stats_interval).unwrap_or(SignedDuration::MAX);
        Self { root, least_clients, stats_interval, sizes: Mutex::default(), busy: Mutex::default() }
    }

    pub(super) fn looking(&self, at: Timestamp, keep: Keep) -> Looking<'_> {
        let look = Look { at, least_clients: &self.least_clients, keep };
        Looking { root: self.root.as_deref(), look }
    }

    /// Does something that may wait for a disk, on a thread of its own.
    pub(super) async fn on_a_thread<T: Send + 'static>(
        self: &Arc<Self>,
        account: &Account,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Hangs> {
        if !locked(&self.busy).insert(account.uid.clone()) {
            return Err(Hangs::SinceBefore);
        }
        let busy = Busy { parts: Arc::clone(self), uid: account.uid.clone() };
        let thread = tokio::task::spawn_blocking(move || {
            let done = work(&busy.parts);
            drop(busy);
            done
        });
        thread.await.map_err(|_| Hangs::Broke)
    }

    pub(super) fn computers(&self, account: &Account, now: Now) -> Seen {
        account::computers(account, &self.looking(now.at, now.keep))
    }

    pub(super) fn measure(
        &self,
        account: &Account,
        at: Timestamp,
        measuring: &Measuring,
    ) -> Result<Measured, MeasureError> {
        let measured = account::sizes(account, self.root.as_deref(), measuring)?;
        let newest = Some((at, measured));
        self.sizes().insert(account.uid.clone(), Size { tried_at: at, newest });
        Ok(measured)
    }

    /// The sizes of an account, where they were measured not long ago.
    pub(super) fn known(&self, account: &Account, at: Timestamp) -> Option<Measured> {
        let (measured_at, measured) = self.sizes().get(&account.uid)?.newest?;
        let age = at.duration_since(measured_at);
        (SignedDuration::ZERO <= age && age < self.stats_interval).then_some(measured)
    }

    /// What is said of an account that could not be measured for want of time: what was measured before, and that it is
    /// older than it should be.
    pub(super) fn of_before(&self, account: &Account) -> (Result<Measured, MeasureError>, Option<TreeError>) {
        let newest = self.sizes().get(&account.uid).and_then(|size| size.newest);
        let kind = FailureKind::TimedOut;
        let remedy = "set a longer `deadline`, or a longer `stats_interval`";
        let Some((measured_at, measured)) = newest else {
            let reason = format!("no time was left to measure it; {remedy}");
            return (Err(MeasureError { kind, reason, regular_file_seen: false }), None);
        };
        let since = Instant(measured_at);
        let reason = format!("no time was left to measure it, its sizes are those of {since}; {remedy}");
        (Ok(measured), Some(TreeError { kind, reason }))
    }

    /// Remembers that measuring begins, so that others are tried first the next time.
    pub(super) fn tries(&self, account: &Account, at: Timestamp) {
        let mut sizes = self.sizes();
        let newest = sizes.get(&account.uid).and_then(|size| size.newest);
        sizes.insert(account.uid.clone(), Size { tried_at: at, newest });
    }

    pub(super) fn tried_at(&self, account: &Account) -> Option<Timestamp> {
        self.sizes().get(&account.uid).map(|size| size.tried_at)
    }

    pub(super) fn forget_others(&self, accounts: &[Arc<Account>]) {
        let listed: HashSet<&str> = accounts.iter().map(|account| &*account.uid).collect();
        self.sizes().retain(|uid, _| listed.contains(&**uid));
    }

    fn sizes(&self) -> MutexGuard<'_, HashMap<Box<str>, Size>> {
        locked(&self.sizes)
    }
}
