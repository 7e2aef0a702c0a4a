//! Who is to be told of a matter, by the entries of a directory?
//!
//! Pure: from the entries that say who owns a repository to every way in which somebody is named, whether they wish to be
//! told that way, and why. It asks no server, and knows neither the owners of the configuration nor what is wrong.

use std::collections::HashSet;

use lastgood_core::checks::{never_used, outdated_client, quota, schedule, stuck, unsuccessful};
use lastgood_core::id::CheckId;
use lastgood_core::ownership::{Ownership, Part};
use lastgood_core::recipient::Address;

use self::entries::Entries;
use super::Way;
use crate::ldap::LdapDirectory;

mod customer;
mod entries;
mod reseller;
#[cfg(test)]
mod tests;

/// What people can choose to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// It runs out of space.
    Quota,
    /// A backup did not run when it should have, or does not end.
    Schedule,
    /// A backup failed.
    Unsuccessful,
    /// The client is too old.
    Upgrade,
    /// It was never used.
    Nobackup,
}

impl Task {
    /// Returns the word for it in a directory, and in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Schedule => "schedule",
            Self::Unsuccessful => "unsuccessful",
            Self::Upgrade => "upgrade",
            Self::Nobackup => "nobackup",
        }
    }

    /// Returns the task a check belongs to; `None` where people cannot choose to hear of it.
    pub fn of(check: CheckId) -> Option<Self> {
        let tasks = [
            (quota::ID, Self::Quota),
            (schedule::ID, Self::Schedule),
            (stuck::ID, Self::Schedule),
            (unsuccessful::ID, Self::Unsuccessful),
            (outdated_client::ID, Self::Upgrade),
            (never_used::ID, Self::Nobackup),
        ];
        tasks.into_iter().find(|(id, _)| *id == check).map(|(_, task)| task)
    }
}

/// What a directory answers.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Every way in which somebody is named: customers, then resellers, each in the order of the directory's values.
    pub ways: Vec<Way>,
    /// What is broken or missing, each a fragment that names the entry.
    pub notes: Vec<String>,
}

/// Finds out who is to be told when a check of a repository, or of an asset in it, turns bad.
///
/// 1. Where people cannot choose to hear of the check, nobody is named.
/// 2. The customer is named at every address of theirs, also where they do not wish to be told.
/// 3. Resellers are named whatever the customer wishes.
pub fn resolve(ownership: &Ownership, check: CheckId, directory: &LdapDirectory) -> Resolved {
    let mut resolved = Resolved::default();
    let Some(task) = Task::of(check) else { return resolved };
    let Some(account) = ownership.find(Part::Account) else {
        resolved.notes.push("the entry of the account is not among those of the directory".to_owned());
        return resolved;
    };
    let entries = Entries { ownership, account, directory };
    customer::name(&entries, (check, task), &mut resolved);
    reseller::name(&entries, task, &mut resolved);
    let mut said = HashSet::new();
    resolved.notes.retain(|note| said.insert(note.clone()));
    resolved
}

/// Every address at which somebody may be told of anything at all.
pub fn addresses(ownership: &Ownership, directory: &LdapDirectory) -> Vec<Address> {
    let Some(account) = ownership.find(Part::Account) else { return Vec::new() };
    let entries = Entries { ownership, account, directory };
    let mut addresses = customer::addresses(&entries);
    addresses.extend(reseller::addresses(&entries));
    addresses
}
