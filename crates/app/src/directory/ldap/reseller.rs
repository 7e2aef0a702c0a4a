//! Which resellers wish to be told, and where?
//!
//! Each says so in a leaf of their own; whatever the customer wishes. They are told at once.

use std::sync::Arc;

use lastgood_core::ownership::{OwnerEntry, Part};
use lastgood_core::recipient::{Address, Patience, Role};

use super::entries::{Entries, shown};
use super::{Resolved, Task};
use crate::directory::Way;
use crate::ldap::Field;

/// A leaf that says what a reseller wants, and the step that led to it.
struct Leaf<'a> {
    entry: &'a OwnerEntry,
    found: String,
}

/// Names every reseller of the account at every address of theirs.
///
/// 1. The leaf of each reseller whom the account names; where one of them has none, or it names nobody, that of the
///    reseller who stands in.
/// 2. Those are told whose leaf lists the task.
pub(super) fn name(entries: &Entries<'_>, task: Task, resolved: &mut Resolved) {
    let Resolved { ways, notes } = resolved;
    for Leaf { entry, found } in leaves(entries, notes) {
        let (is_wanted, step) = wish(entries, entry, task);
        let addresses = entries.mailboxes((entry, Field::To), notes);
        if addresses.is_empty() && entries.values(entry, Field::To).is_empty() {
            notes.push(format!("{} is not there", entries.place(entry, Field::To)));
        }
        // A reseller hears in their own language, whatever that of the customer is.
        let voice = Arc::new(entries.voice((None, Some(&entry.whose)), notes));
        for address in addresses {
            let by = format!("reseller by {}", entries.place(entry, Field::To));
            ways.push(Way {
                address,
                role: Role::Reseller,
                patience: Patience::None,
                is_wanted,
                voice: Some(Arc::clone(&voice)),
                because: vec![by, found.clone(), step.clone()],
            });
        }
    }
}

/// Every address of a reseller who wants anything at all.
pub(super) fn addresses(entries: &Entries<'_>) -> Vec<Address> {
    let leaves = leaves(entries, &mut Vec::new()).into_iter().map(|leaf| leaf.entry);
    let wanting = leaves.filter(|leaf| !entries.values(leaf, Field::Tasks).is_empty());
    wanting.flat_map(|leaf| entries.mailboxes((leaf, Field::To), &mut Vec::new())).collect()
}

fn wish(entries: &Entries<'_>, leaf: &OwnerEntry, task: Task) -> (bool, String) {
    let (place, word) = (entries.place(leaf, Field::Tasks), task.as_str());
    let values = entries.values(leaf, Field::Tasks);
    if values.is_empty() {
        return (false, format!("{place} is not there: they hear of nothing"));
    }
    if values.iter().any(|value| value.eq_ignore_ascii_case(word)) {
        return (true, format!("{place} names {word}"));
    }
    (false, format!("{place} does not name {word}: they do not hear of it"))
}

/// The leaves that count, each once.
fn leaves<'a>(entries: &Entries<'a>, notes: &mut Vec<String>) -> Vec<Leaf<'a>> {
    let place = entries.place(entries.account, Field::Reseller);
    let named = entries.resellers();
    let mut leaves: Vec<Leaf<'a>> = Vec::new();
    let mut why = named.is_empty().then(|| format!("{place} names nobody"));
    for uid in named {
        let found = format!("{place} names {}", shown(uid));
        if let Some(entry) = entries.leaf(uid, Part::Notifications) {
            leaves.push(Leaf { entry, found });
            continue;
        }
        let without = format!("{found}, for whom there is no leaf `ou=notifications`");
        if entries.leaf(uid, Part::Settings).is_none() {
            notes.push(without.clone());
        }
        why = Some(without);
    }
    let Some(why) = why else { return leaves };
    match entries.stand_in(Part::Notifications) {
        Some(entry) if leaves.iter().any(|leaf| leaf.entry.dn == entry.dn) => {}
        Some(entry) => {
            let is_default = entries.attribute(Field::IsDefault);
            let found = format!("{why}; {} stands in (`{is_default}`)", shown(&entry.whose));
            leaves.push(Leaf { entry, found });
        }
        None => {
            let is_default = entries.attribute(Field::IsDefault);
            notes.push(format!(
                "{why}, and no reseller who stands in (`{is_default}` TRUE) has a leaf `ou=notifications`"
            ));
        }
    }
    leaves
}
