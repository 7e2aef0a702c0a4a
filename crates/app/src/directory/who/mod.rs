//! Who is told of a matter, when the owners of the configuration and the directories are asked together?
//!
//! It joins what they answer and sees to it that somebody is left. It does not know what is wrong, nor since when.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lastgood_core::facts::Facts;
use lastgood_core::id::{CheckId, Name, SourceId};
use lastgood_core::incident::Matter;
use lastgood_core::ownership::Ownership;
use lastgood_core::recipient::{Address, Recipient, Role};

use super::Way;
use super::fixed::{Owners, join, say_also};
use super::ldap::{self, Resolved, Task};
use crate::ldap::LdapDirectory;
use crate::mailbox;

/// Everybody who says who is to be told.
#[derive(Clone, Debug, Default)]
pub struct Directories {
    /// What the configuration says.
    pub owners: Owners,
    /// The directory of each source that has one.
    pub by_source: HashMap<SourceId, Arc<LdapDirectory>>,
}

impl Directories {
    /// True if nobody says who is told of anything.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty() && self.by_source.is_empty()
    }

    /// Whether who was told of a matter may hear of its end: of a source without a directory only who is an owner still.
    /// What a directory said before may be known to nobody any more, so whoever it named may.
    pub fn may_hear(&self, matter: &Matter, address: &Address) -> bool {
        self.by_source.contains_key(&matter.subject.source) || self.owners.have(address)
    }
}

/// An address that is named for a matter, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who it is; the reasons are those for which they are told, where they are.
    pub recipient: Recipient,
    /// Whether any of the ways in which they are named says that they wish to be told.
    pub is_wanted: bool,
    /// Every step of every way, also of those that say that they do not.
    pub steps: Vec<String>,
}

/// Who is named for a matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nomination {
    /// Customers and resellers of the directory first, then owners of the configuration.
    pub named: Vec<Named>,
    /// What is broken or missing in the directory.
    pub notes: Vec<String>,
}

/// What can be said about who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nominated {
    /// A directory is responsible and has not answered yet.
    Unknown,
    /// These.
    Known(Nomination),
}

/// [`Directories`], with what is known of the repositories they speak of.
pub struct Who<'a> {
    directories: &'a Directories,
    facts: &'a Facts,
    /// Who owns each repository of a source with a directory. Made at the first question, in one walk.
    ownerships: OnceCell<HashMap<(&'a SourceId, &'a Name), Option<&'a Ownership>>>,
}

impl<'a> Who<'a> {
    /// Asks these about what is known.
    pub fn new(directories: &'a Directories, facts: &'a Facts) -> Self {
        Self { directories, facts, ownerships: OnceCell::new() }
    }

    /// Names everybody for a matter.
    ///
    /// 1. Of a source without a directory: the owners whose pattern matches.
    /// 2. Of a source with one, and of the source itself: these, and if there are none every operator.
    /// 3. Of what is in it: customers and resellers of the directory, and these owners. Where no customer and no reseller
    ///    is left who wishes to be told, every operator too; of what people cannot choose to hear of, only where there is
    ///    no owner.
    pub fn name(&self, matter: &Matter) -> Nominated {
        let Matter { subject, check } = matter;
        let owners = self.directories.owners.recipients(matter);
        let Some(directory) = self.directories.by_source.get(&subject.source) else {
            return known(owners.into_iter().map(wanted).collect());
        };
        let Some(repository) = &subject.repository else {
            let why = "nobody else is named for the source itself";
            let named = if owners.is_empty() { self.operators(why) } else { owners };
            return known(named.into_iter().map(wanted).collect());
        };
        let Some(ownership) = self.ownership(&subject.source, repository) else { return Nominated::Unknown };
        let Resolved { ways, notes } = ldap::resolve(ownership, *check, directory);
        let is_any_left = ways.iter().any(|way| way.is_wanted)
            || owners.iter().any(|owner| owner.role != Role::Operator)
            || Task::of(*check).is_none() && !owners.is_empty();
        let operators = if is_any_left { Vec::new() } else { self.operators(&nobody_left(*check, &ways)) };
        let mut nomination = Nomination { named: Vec::new(), notes };
        for way in ways {
            add(&mut nomination.named, named(way), directory);
        }
        for mut owner in owners.into_iter().chain(operators) {
            if owner.role == Role::Operator {
                owner.because.extend(nomination.notes.iter().cloned());
            }
            add(&mut nomination.named, wanted(owner), directory);
        }
        Nominated::Known(nomination)
    }

    /// Of these addresses, those at which anybody may still be told of anything.
    pub fn still_told(&self, addresses: &[Address]) -> HashSet<Address> {
        let is_owner = |address: &&Address| self.directories.owners.have(address);
        let (told, mut unclear): (HashSet<&Address>, HashSet<&Address>) =
            addresses.iter().partition(is_owner);
        let mut told: HashSet<Address> = told.into_iter().cloned().collect();
        for ((source, _), ownership) in self.ownerships() {
            if unclear.is_empty() {
                break;
            }
            let Some((ownership, directory)) = ownership.zip(self.directories.by_source.get(source)) else {
                continue;
            };
            for address in ldap::addresses(ownership, directory) {
                if unclear.remove(&address) {
                    told.insert(address);
                }
            }
        }
        told
    }

    /// Every operator, because of this.
    fn operators(&self, why: &str) -> Vec<Recipient> {
        let mut operators = self.directories.owners.operators();
        for operator in &mut operators {
            operator.because.push(why.to_owned());
        }
        operators
    }

    fn ownership(&self, source: &SourceId, repository: &Name) -> Option<&'a Ownership> {
        self.ownerships().get(&(source, repository)).copied().flatten()
    }

    fn ownerships(&self) -> &HashMap<(&'a SourceId, &'a Name), Option<&'a Ownership>> {
        self.ownerships.get_or_init(|| {
            let sources = self.facts.sources.iter();
            let owned = sources.filter(|source| self.directories.by_source.contains_key(&source.id));
            let repositories = owned.flat_map(|source| {
                source.repositories.iter().map(|repository| {
                    ((&source.id, &repository.stated.key), repository.stated.ownership.as_deref())
                })
            });
            repositories.collect()
        })
    }
}

fn known(named: Vec<Named>) -> Nominated {
    Nominated::Known(Nomination { named, notes: Vec::new() })
}

/// Says why every operator is told.
fn nobody_left(check: CheckId, ways: &[Way]) -> String {
    if Task::of(check).is_none() {
        return "nobody can choose to hear of this, and no owner is named for it".to_owned();
    }
    let mut reasons: Vec<&str> = Vec::new();
    for reason in ways.iter().filter_map(|way| way.because.last()) {
        if !reasons.contains(&reason.as_str()) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        return "no customer and no reseller can be told".to_owned();
    }
    format!("no customer and no reseller is left to tell: {}", reasons.join("; "))
}

fn named(way: Way) -> Named {
    let Way { address, role, patience, is_wanted, voice, because } = way;
    let recipient = Recipient { address, role, patience, escalation: None, voice, because: because.clone() };
    Named { recipient, is_wanted, steps: because }
}

fn wanted(recipient: Recipient) -> Named {
    let steps = recipient.because.clone();
    Named { recipient, is_wanted: true, steps }
}

/// Adds somebody, or makes one of two ways in which the same address is named: the first role counts, and of the ways in
/// which they wish to be told the sooner.
fn add(all: &mut Vec<Named>, one: Named, directory: &LdapDirectory) {
    let is_same =
        |known: &&mut Named| is_same_address(&known.recipient.address, &one.recipient.address, directory);
    let Some(known) = all.iter_mut().find(is_same) else {
        all.push(one);
        return;
    };
    say_also(&mut known.steps, one.steps);
    let role = known.recipient.role.min(one.recipient.role);
    match (known.is_wanted, one.is_wanted) {
        (true, true) => join(&mut known.recipient, one.recipient),
        (false, true) => {
            let voice = known.recipient.voice.take().or_else(|| one.recipient.voice.clone());
            known.recipient = Recipient { voice, ..one.recipient };
        }
        (true | false, false) => {}
    }
    known.recipient.role = role;
    known.is_wanted |= one.is_wanted;
}

/// An owner may write a mailbox with a name, or its domain in capitals.
fn is_same_address(one: &Address, other: &Address, directory: &LdapDirectory) -> bool {
    if one == other {
        return true;
    }
    one.channel == other.channel
        && one.channel == directory.mail_channel
        && mailbox::read(&one.to).zip(mailbox::read(&other.to)).is_some_and(|(a, b)| a.email == b.email)
}

#[cfg(test)]
mod tests;
