//! Which accounts does the directory list, and what does it say about each?
//!
//! Four searches, whatever the number of accounts: accounts, resellers with their leaves, and the people that accounts
//! name. All of it or an error: an account that is missing from a part of the list would look as if it had left. Nothing
//! here opens a file or decides who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lastgood_core::ownership::Ownership;

use self::owners::Owners;
use self::read::Standing;
use crate::ldap::{Entry, Field, Layout, LdapError, Session};

mod owners;
mod read;

pub use self::read::Figure;
pub(in crate::sources::stoney) use self::read::written;

/// What is asked of the entry of an account, besides what says who is told of it.
const FIELDS: [Field; 11] = [
    Field::Uid,
    Field::Home,
    Field::Name,
    Field::Active,
    Field::State,
    Field::Mode,
    Field::Quota,
    Field::Level,
    Field::LastSuccess,
    Field::BackupSize,
    Field::IncrementSize,
];

/// An account that is in use, as the directory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub uid: Box<str>,
    /// The name of its entry.
    pub dn: Box<str>,
    /// Its folder, as it is written there; `None` where none is stated.
    pub home: Option<Box<str>>,
    /// What people call it; empty where nothing is stated.
    pub name: Box<str>,
    /// When it was provisioned; `None` where that cannot be read.
    pub provisioned_at: Option<Timestamp>,
    /// How much it may hold, in bytes.
    pub quota: Figure<u64>,
    /// From which share of that on somebody is warned, in percent.
    pub level: Figure<u32>,
    /// What is written there as the last successes of its hosts, in rising order; blanks are part of a name.
    pub last_successes: Vec<Box<str>>,
    /// The size that is written there of its newest backups, in bytes.
    pub backup_size: Figure<u64>,
    /// The size that is written there of its snapshots, in bytes.
    pub increment_size: Figure<u64>,
    /// The entries that say who owns it.
    pub ownership: Arc<Ownership>,
}

impl Account {
    /// Returns when a host was last backed up well, as far as the directory says: the newest value of exactly that host
    /// that can be read and does not lie ahead of `at`.
    pub fn last_success(&self, host: &[u8], at: Timestamp) -> Option<Timestamp> {
        let of_host = self.last_successes.iter().filter_map(|value| {
            let (named, when) = value.rsplit_once(':')?;
            (named.as_bytes() == host).then(|| read::instant(when)).flatten()
        });
        of_host.filter(|when| read::is_believed(*when, at)).max()
    }

    /// True if any value says that a host was backed up: all but `0` does, also one that cannot be read.
    pub fn was_backed_up(&self) -> bool {
        self.last_successes.iter().any(|value| value.trim() != "0")
    }
}

/// What the directory lists.
#[derive(Debug)]
pub struct Listed {
    /// Accounts in use, by their keys.
    pub accounts: Vec<Account>,
    /// Entries that could not be taken for an account: name and why.
    pub refused: Vec<(Box<str>, String)>,
    /// How many operations it took.
    pub operation_count: u64,
}

/// Lists all accounts that are in use.
///
/// 1. Every entry of an account, page by page. What is not in use, not yet or about to be removed is left out. One that is
///    `known` stays while it is changed, though its state says then that it is not provisioned: it did not go. One that
///    does not say whether it is in use is refused: it may be.
/// 2. Every reseller with what stands below: there are few.
/// 3. The people whom accounts name that do not say everything themselves.
pub async fn list(
    session: &Session,
    layout: &Layout,
    known: &BTreeSet<Box<str>>,
) -> Result<Listed, LdapError> {
    let fields: Vec<Field> = FIELDS.into_iter().chain(owners::OF_ACCOUNT).collect();
    let attributes = layout.attributes(&fields);
    let found = session.search_each(&layout.accounts_base, &layout.accounts_filter, &attributes).await?;
    let refusal = |(dn, why): (String, &str)| (dn.into_boxed_str(), why.to_owned());
    let mut refused: Vec<_> = found.refused.into_iter().map(refusal).collect();
    let mut live: Vec<Entry> = Vec::with_capacity(found.entries.len());
    for entry in found.entries {
        match read::standing(&entry, layout, known) {
            Standing::InUse => live.push(entry),
            Standing::NotInUse => {}
            Standing::NotSaid => refused.push((entry.dn.into(), not_said(layout))),
        }
    }
    // Of two entries with the same key always the same one counts, whatever the order of the server.
    live.sort_by(|one, other| one.dn.cmp(&other.dn));
    let owners = Owners::read(session, layout, &live).await?;
    let mut accounts: BTreeMap<Box<str>, Account> = BTreeMap::new();
    for entry in &live {
        match read::account(entry, layout, &owners) {
            Err(why) => refused.push((entry.dn.as_str().into(), why.to_owned())),
            Ok(account) => match accounts.get(&account.uid) {
                Some(first) => {
                    let first = Escaped(&first.dn);
                    let why = format!("its uid is that of {first}, which counts; give each account its own");
                    refused.push((account.dn, why));
                }
                None => {
                    accounts.insert(account.uid.clone(), account);
                }
            },
        }
    }
    let operation_count = session.operation_count();
    Ok(Listed { accounts: accounts.into_values().collect(), refused, operation_count })
}

fn not_said(layout: &Layout) -> String {
    let attribute = layout.attribute(Field::Active);
    format!(
        "its {attribute} is neither TRUE nor FALSE, or hidden from us; set it, or let our `bind_dn` read it"
    )
}
