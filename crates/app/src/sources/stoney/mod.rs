//! What do the accounts of a stoney backup server hold, and how do the computers in them fare?
//!
//! The accounts stand in a directory, their folders on this machine. The directory is read first, as a whole: where it
//! cannot be, nothing was seen. Then each account is looked at on its own, several at once, on threads that may wait for
//! a disk. What a file says is read in [`client`], who is told follows from the entries elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use lastgood_core::checks::{
    behind_local, never_used, outdated_client, quota, schedule, stuck, unsuccessful, visibility,
};
use lastgood_core::id::SourceId;
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{Collection, Extent, Failure, FailureKind, Place};
use serde_json::json;
use tokio::time::timeout;

use self::account::{Looking, Seen, Size};
use self::accounts::{Account, Listed};
use self::client::state::Look;
use self::write_back::Wanted;
use super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};
use crate::clock::Stopwatch;
use crate::ldap::{Layout, Ldap, LdapError};
use crate::measure::{Measured, Measuring};
use crate::tree::TreeError;

pub mod account;
pub mod accounts;
pub mod client;
pub mod write_back;

/// An account of a customer.
pub static ACCOUNT: Kind = Kind {
    id: "account",
    subject: SubjectType::Repository,
    checks: &[quota::ID, never_used::ID, visibility::ID],
    defaults: &[],
};

/// A computer that is backed up into an account. Its schedule speaks: how long ago the last good backup was is asked only
/// where somebody sets a limit.
pub static COMPUTER: Kind = Kind {
    id: "computer",
    subject: SubjectType::Asset,
    checks: &[unsuccessful::ID, schedule::ID, stuck::ID, outdated_client::ID, behind_local::ID],
    defaults: &[("local_after", None)],
};

/// The kind of source.
pub static KIND: SourceKind = SourceKind { id: "stoney", kinds: &[&ACCOUNT, &COMPUTER] };

/// How it is configured and opened.
pub static ENTRY: Entry = Entry {
    kind: &KIND,
    location: "",
    about: "the accounts of a stoney backup server: its directory over LDAP, and the customers' folders on this machine",
    example: "kind = \"stoney\", directory = \"ldap\"",
    keys: &["directory", "root", "write_back", "least_clients", "deadline", "concurrency", "stats_interval"],
    pushes: false,
    deadline: Duration::from_mins(30),
    secret_variable: None,
    open: |config| Ok(Box::new(Stoney::open(config)?)),
};

/// How often sizes are measured where nobody said otherwise: it costs a walk through all files.
const STATS_INTERVAL: Duration = Duration::from_hours(1);

/// One account may take this part of the time of a look: one whose disk hangs must not take the others'.
const ACCOUNT_SHARE: u32 = 4;

/// An opened source.
pub struct Stoney {
    id: SourceId,
    ldap: Ldap,
    layout: Layout,
    parts: Arc<Parts>,
    deadline: Duration,
    at_once: usize,
    write_back: bool,
    /// What is to be written back after the newest look.
    wanted: Mutex<Vec<Wanted>>,
}

/// What every account is looked at with, on whichever thread.
struct Parts {
    root: Option<PathBuf>,
    least_clients: BTreeMap<String, String>,
    stats_interval: SignedDuration,
    /// Sizes by the keys of accounts, and when they were measured.
    sizes: Mutex<HashMap<Box<str>, (Timestamp, Measured)>>,
}

/// Ends the walks of a look that nobody waits for any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stoney {
    /// Reads the password of the directory; asks nobody yet.
    pub fn open(config: SourceConfig) -> Result<Self, OpenError> {
        let missing = |what: String| OpenError::Missing { source_id: config.id.clone(), what };
        let directory = config.directory.as_ref();
        let directory = directory.ok_or_else(|| {
            missing("a directory; set `directory = \"ldap\"` and [directory.ldap]".to_owned())
        })?;
        let ldap = Ldap::open(directory.ldap.clone());
        let ldap =
            ldap.map_err(|error| missing(format!("its directory: {}", crate::causes::said(&error))))?;
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
        let parts = Parts {
            root: config.root,
            least_clients: config.least_clients,
            stats_interval: SignedDuration::try_from(config.stats_interval.unwrap_or(STATS_INTERVAL))
                .unwrap_or(SignedDuration::MAX),
            sizes: Mutex::default(),
        };
        Ok(Self {
            id: config.id,
            ldap,
            layout: directory.layout.clone(),
            parts: Arc::new(parts),
            deadline: config.deadline,
            at_once: config.concurrency.unwrap_or(processors),
            write_back: config.write_back,
            wanted: Mutex::default(),
        })
    }

    /// Lists the accounts of the directory.
    pub async fn accounts(&self) -> Result<Listed, LdapError> {
        let session = self.ldap.connect().await?;
        let listed = accounts::list(&session, &self.layout).await;
        session.end().await;
        listed
    }

    /// 1. The directory, as a whole: where it cannot be read, nothing was seen.
    /// 2. Each account on its own; those that were not measured for longest come first, in case time runs out.
    /// 3. What is to be written back is kept until somebody asks for it.
    async fn look_once(&self, at: Timestamp, keep: Keep) -> Collection {
        let began = Stopwatch::start();
        let listed = match timeout(self.deadline, self.accounts()).await {
            Ok(Ok(listed)) => listed,
            Ok(Err(error)) => return self.not_seen(at, error.kind, error.reason),
            Err(_) => {
                let reason = "the directory did not answer within the deadline; set a longer one".to_owned();
                return self.not_seen(at, FailureKind::TimedOut, reason);
            }
        };
        tracing::debug!(
            source = %self.id, accounts = listed.accounts.len(), operations = listed.operation_count, "listed"
        );
        let mut accounts: Vec<Arc<Account>> = listed.accounts.into_iter().map(Arc::new).collect();
        self.parts.forget_others(&accounts);
        accounts.sort_by_cached_key(|account| self.parts.measured_at(account));
        let stop = Stop(Arc::default());
        let looks = accounts.into_iter().map(|account| self.look_at(account, (at, keep), began, &stop));
        let mut seen: Vec<(Arc<Account>, Seen)> =
            futures::stream::iter(looks).buffer_unordered(self.at_once).collect().await;
        seen.sort_by(|(one, _), (other, _)| one.uid.cmp(&other.uid));
        let mut failures: Vec<Failure> = listed.refused.into_iter().map(refused).collect();
        let (mut repositories, mut wanted) = (Vec::with_capacity(seen.len()), Vec::new());
        for (account, seen) in seen {
            if self.write_back {
                let layout = (&self.layout, at);
                wanted.extend(write_back::wanted(&account, seen.measured, &seen.successes, layout));
            }
            repositories.push(seen.stated);
            failures.extend(seen.failures);
        }
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
        Collection {
            source: self.id.clone(),
            kind: &KIND,
            observed_at: at,
            listing: Extent::Complete,
            repositories,
            failures,
        }
    }

    /// Looks at one account on a thread of its own. One that takes too long is a failed look of that account.
    async fn look_at(
        &self,
        account: Arc<Account>,
        (at, keep): (Timestamp, Keep),
        began: Stopwatch,
        stop: &Stop,
    ) -> (Arc<Account>, Seen) {
        let left = self.deadline.saturating_sub(began.read()).min(self.deadline / ACCOUNT_SHARE);
        let own_stop = Stop(Arc::default());
        let measuring =
            Measuring { threads: self.threads(), stop: Arc::clone(&own_stop.0), ..Measuring::default() };
        let (parts, looked_at) = (Arc::clone(&self.parts), Arc::clone(&account));
        let is_over = Arc::clone(&stop.0);
        let look = tokio::task::spawn_blocking(move || {
            (!is_over.load(Ordering::Relaxed)).then(|| parts.look_at(&looked_at, (at, keep), &measuring))
        });
        let (kind, reason) = match timeout(left, look).await {
            Ok(Ok(Some(seen))) => return (account, seen),
            Ok(Ok(None)) | Err(_) => (
                FailureKind::TimedOut,
                "it could not be looked at within the deadline; see whether its disk answers, or set a longer \
                 `deadline`",
            ),
            Ok(Err(_)) => {
                (FailureKind::Unsupported, "lastgood itself failed while looking; please report it")
            }
        };
        let trouble = TreeError { kind, reason: reason.to_owned() };
        let seen = account::unseen(&account, &self.parts.looking((at, keep)), trouble);
        (account, seen)
    }

    /// All processors together: a few accounts are measured by several threads each.
    fn threads(&self) -> usize {
        (Measuring::default().threads / self.at_once.max(1)).max(1)
    }

    fn not_seen(&self, at: Timestamp, kind: FailureKind, reason: String) -> Collection {
        let failure = Failure { place: Place::source(), kind, reason };
        Collection::failed(self.id.clone(), &KIND, at, failure)
    }
}

impl Parts {
    fn looking(&self, (at, keep): (Timestamp, Keep)) -> Looking<'_> {
        let look = Look { at, least_clients: &self.least_clients, keep };
        Looking { root: self.root.as_deref(), look }
    }

    fn look_at(&self, account: &Account, when: (Timestamp, Keep), measuring: &Measuring) -> Seen {
        let known = self.known(account, when.0);
        let size = known.map_or(Size::Measure(measuring), Size::Known);
        let mut seen = account::look(account, &self.looking(when), &size);
        match (known, seen.measured) {
            // What was known already is no news for the directory.
            (Some(_), _) => seen.measured = None,
            (None, Some(measured)) => {
                self.sizes().insert(account.uid.clone(), (when.0, measured));
            }
            (None, None) => {}
        }
        seen
    }

    /// The sizes of an account, where they were measured not long ago.
    fn known(&self, account: &Account, at: Timestamp) -> Option<Measured> {
        let (measured_at, measured) = *self.sizes().get(&account.uid)?;
        let age = at.duration_since(measured_at);
        (SignedDuration::ZERO <= age && age < self.stats_interval).then_some(measured)
    }

    fn measured_at(&self, account: &Account) -> Option<Timestamp> {
        self.sizes().get(&account.uid).map(|(measured_at, _)| *measured_at)
    }

    fn forget_others(&self, accounts: &[Arc<Account>]) {
        let listed: std::collections::HashSet<&str> = accounts.iter().map(|account| &*account.uid).collect();
        self.sizes().retain(|uid, _| listed.contains(&**uid));
    }

    fn sizes(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, (Timestamp, Measured)>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused((dn, why): (Box<str>, String)) -> Failure {
    let place = Place { position: Some(dn), ..Place::default() };
    Failure { place, kind: FailureKind::Malformed, reason: why }
}

impl Source for Stoney {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        self.look_once(at, keep).boxed()
    }

    /// What the directory says of the accounts, a line of JSON each.
    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move {
            let listed = self.accounts().await.map_err(|error| {
                RawError::Look(Failure { place: Place::source(), kind: error.kind, reason: error.reason })
            })?;
            for account in &listed.accounts {
                writeln!(out, "{}", line(account))?;
            }
            Ok(())
        }
        .boxed()
    }

    fn after_look(&self) -> BoxFuture<'_, Vec<Failure>> {
        let wanted = std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner));
        write_back::write(&self.ldap, wanted).boxed()
    }
}

fn line(account: &Account) -> serde_json::Value {
    let entry = |entry: &lastgood_core::ownership::OwnerEntry| {
        let fields: BTreeMap<&str, &[Box<str>]> =
            entry.fields.iter().map(|(field, values)| (&**field, &**values)).collect();
        json!({ "part": entry.part.as_str(), "dn": entry.dn, "fields": fields })
    };
    json!({
        "uid": account.uid,
        "home": account.home,
        "last_success": account.last_successes,
        "entries": account.ownership.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}
