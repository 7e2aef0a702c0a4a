//! What do the accounts of a stoney backup server hold, and how do the computers in them fare?
//!
//! The accounts stand in a directory, their folders on this machine. The directory is read first, as a whole: where it
//! cannot be, nothing was seen. Then each account is looked at on its own, several at once, on threads that may wait for
//! a disk. What a file says is read in [`client`], who is told follows from the entries elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use lastgood_core::checks::{
    behind_local, never_used, outdated_client, quota, schedule, stuck, unsuccessful, visibility,
};
use lastgood_core::id::{Name, SourceId};
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{Collection, Extent, Failure, FailureKind, Place};
use serde_json::json;
use tokio::time::timeout;

use self::account::Seen;
use self::accounts::{Account, Listed};
use self::parts::{Hangs, Parts};
use self::write_back::Wanted;
use super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};
use crate::clock::Stopwatch;
use crate::ldap::{Layout, Ldap, LdapError};
use crate::measure::{MeasureError, Measured, Measuring};
use crate::tree::TreeError;

pub mod account;
pub mod accounts;
pub mod client;
mod parts;
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
    /// The keys of the accounts that were in use at the newest look, or before a start.
    known: Mutex<BTreeSet<Box<str>>>,
    /// What is to be written back after the newest look.
    wanted: Mutex<Vec<Wanted>>,
}

/// One look: when, how much is kept, and how much time is left.
#[derive(Clone, Copy)]
struct Now {
    at: Timestamp,
    keep: Keep,
    began: Stopwatch,
}

/// The sizes of an account, and why they are older than they should be.
type Sized = (Result<Measured, MeasureError>, Option<TreeError>);

/// A walk that took too long, and the walks of a look that nobody waits for any more, end soon.
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
        let stats_interval = config.stats_interval.unwrap_or(STATS_INTERVAL);
        Ok(Self {
            id: config.id,
            ldap,
            layout: directory.layout.clone(),
            parts: Arc::new(Parts::new(config.root, config.least_clients, stats_interval)),
            deadline: config.deadline,
            at_once: config.concurrency.unwrap_or(processors),
            write_back: config.write_back,
            known: Mutex::default(),
            wanted: Mutex::default(),
        })
    }

    /// Lists the accounts of the directory.
    pub async fn accounts(&self) -> Result<Listed, LdapError> {
        let session = self.ldap.connect().await?;
        let known = locked(&self.known).clone();
        let listed = accounts::list(&session, &self.layout, &known).await;
        session.end().await;
        listed
    }

    /// 1. The directory, as a whole: where it cannot be read, nothing was seen. An entry that is none leaves the list
    ///    incomplete: whose account it was must not be told that all is over.
    /// 2. What the computers of each account say.
    /// 3. The sizes that are due, those first that were tried longest ago, in case time runs out.
    /// 4. What is to be written back is kept until somebody asks for it.
    async fn look_once(&self, at: Timestamp, keep: Keep) -> Collection {
        let now = Now { at, keep, began: Stopwatch::start() };
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
        *locked(&self.known) = listed.accounts.iter().map(|account| account.uid.clone()).collect();
        let listing = if listed.refused.is_empty() { Extent::Complete } else { Extent::Partial };
        let accounts: Vec<Arc<Account>> = listed.accounts.into_iter().map(Arc::new).collect();
        self.parts.forget_others(&accounts);
        let mut failures: Vec<Failure> = listed.refused.into_iter().map(refused).collect();
        let mut seen = self.computers(&accounts, now).await;
        let mut sizes = self.sizes(&accounts, now).await;
        let (mut repositories, mut wanted) = (Vec::with_capacity(accounts.len()), Vec::new());
        for account in &accounts {
            let mut seen = seen.remove(&account.uid).expect("every account was looked at");
            let (measured, trouble) =
                sizes.remove(&account.uid).expect("every account was asked for its sizes");
            if self.write_back {
                let measured = measured.as_ref().ok().copied();
                wanted.extend(write_back::wanted(account, measured, &seen.successes, (&self.layout, at)));
            }
            account::fill(&mut seen, account, measured, keep);
            seen.failures.extend(trouble.map(|trouble| account::failure(account, trouble)));
            repositories.push(seen.stated);
            failures.extend(seen.failures);
        }
        *locked(&self.wanted) = wanted;
        let (source, kind) = (self.id.clone(), &KIND);
        Collection { source, kind, observed_at: at, listing, repositories, failures }
    }

    /// Step 2: several accounts at once, each on a thread of its own.
    async fn computers(&self, accounts: &[Arc<Account>], now: Now) -> HashMap<Box<str>, Seen> {
        let looks = accounts.iter().cloned().map(|account| self.computers_of(account, now));
        futures::stream::iter(looks).buffer_unordered(self.at_once).collect().await
    }

    /// One that takes too long is a failed look of that account.
    async fn computers_of(&self, account: Arc<Account>, now: Now) -> (Box<str>, Seen) {
        let looked_at = Arc::clone(&account);
        let look = self.parts.on_a_thread(&account, move |parts| parts.computers(&looked_at, now));
        let seen = timeout(self.left(now), look).await.unwrap_or(Err(Hangs::Now));
        let seen = seen.unwrap_or_else(|hangs| {
            account::unseen(&account, &self.parts.looking(now.at, now.keep), hangs.trouble())
        });
        (account.uid.clone(), seen)
    }

    /// Step 3: the sizes of every account.
    async fn sizes(&self, accounts: &[Arc<Account>], now: Now) -> HashMap<Box<str>, Sized> {
        let mut due = accounts.to_vec();
        due.sort_by_cached_key(|account| self.parts.tried_at(account));
        let walks = due.into_iter().map(|account| async move {
            let uid = account.uid.clone();
            (uid, self.size(account, now).await)
        });
        futures::stream::iter(walks).buffer_unordered(self.at_once).collect().await
    }

    async fn size(&self, account: Arc<Account>, now: Now) -> Sized {
        if let Some(measured) = self.parts.known(&account, now.at) {
            return (Ok(measured), None);
        }
        let left = self.left(now);
        if left.is_zero() {
            return self.parts.of_before(&account);
        }
        self.parts.tries(&account, now.at);
        let stop = Stop(Arc::default());
        let measuring =
            Measuring { threads: self.threads(), stop: Arc::clone(&stop.0), ..Measuring::default() };
        let walked = Arc::clone(&account);
        let walk = self.parts.on_a_thread(&account, move |parts| parts.measure(&walked, now.at, &measuring));
        let sizes = timeout(left, walk).await.unwrap_or(Err(Hangs::Now));
        let sizes = sizes.unwrap_or_else(|hangs| {
            let TreeError { kind, reason } = hangs.trouble();
            Err(MeasureError { kind, reason, regular_file_seen: false })
        });
        (sizes, None)
    }

    /// How long one account may take now: its share, and no more than is left of the look.
    fn left(&self, now: Now) -> Duration {
        self.deadline.saturating_sub(now.began.read()).min(self.deadline / ACCOUNT_SHARE)
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

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn recall(&self, keys: &[&Name]) {
        *locked(&self.known) = keys.iter().map(|key| key.text().into()).collect();
    }

    fn after_look(&self) -> BoxFuture<'_, Vec<Failure>> {
        let wanted = std::mem::take(&mut *locked(&self.wanted));
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
