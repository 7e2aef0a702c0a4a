//! Which entries say who owns an account?
//!
//! Gathers the account's own, its person's and its resellers'. It finds entries by name and reads no wish in them.

use std::collections::{BTreeMap, BTreeSet};

use lastgood_core::ownership::{OwnerEntry, Ownership, Part};

use super::read::{key, lossy};
use crate::ldap::{Entry, Field, Layout, LdapError, Session, dn_value, filter_value, normalised_dn};

/// What of an account's entry says who is told.
pub(super) const OF_ACCOUNT: [Field; 10] = [
    Field::WarningOn,
    Field::WarningNumbers,
    Field::WarningDays,
    Field::Medium,
    Field::Tasks,
    Field::Mail,
    Field::Mobile,
    Field::Language,
    Field::Person,
    Field::Reseller,
];

/// What of a person's.
const OF_PERSON: [Field; 3] = [Field::Mail, Field::Mobile, Field::Language];

/// What of a reseller's leaves.
const OF_LEAF: [Field; 4] = [Field::To, Field::Tasks, Field::From, Field::Language];

/// Up to so many people are asked for by name. Of more, all are read: a server without an index on names looks at each of
/// its people for each name it is asked for.
const NAMED_MAX: usize = 1000;

/// So many are asked for in one search.
const NAMED_AT_ONCE: usize = 250;

/// The medium of those whose number matters, and not only their address.
const SHORT_MESSAGES: &str = "sms";

/// Finds everybody.
const EVERYTHING: &str = "(objectClass=*)";

/// People and resellers, as far as accounts name them.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// By their keys, in lower case.
    people: BTreeMap<String, Entry>,
    /// Leaves of resellers by their names.
    leaves: BTreeMap<String, Entry>,
    /// The keys of the resellers who stand in for others.
    defaults: BTreeSet<String>,
}

impl Owners {
    /// Asks for all of them.
    pub(super) async fn read(
        session: &Session,
        layout: &Layout,
        accounts: &[Entry],
    ) -> Result<Self, LdapError> {
        let resellers = resellers(session, layout).await?;
        let mut owners = Self::default();
        for entry in resellers {
            if let Some(uid) = default_uid(&entry, layout) {
                owners.defaults.insert(uid);
            }
            owners.leaves.insert(normalised_dn(&entry.dn), entry);
        }
        let named: BTreeSet<String> = accounts.iter().filter_map(|entry| person_of(entry, layout)).collect();
        for entry in people(session, layout, &named).await? {
            let keys: Vec<String> =
                entry.values(&layout.person_key).iter().map(|key| key_of(&lossy(key))).collect();
            for key in keys.into_iter().filter(|key| named.contains(key)) {
                owners.people.entry(key).or_insert_with(|| entry.clone());
            }
        }
        Ok(owners)
    }

    /// Gathers the entries of an account.
    ///
    /// 1. Its own, and that of the person it belongs to.
    /// 2. Of each reseller it names the leaves that are there.
    /// 3. Those of the resellers who stand in, where it names none, or one without leaf of notifications.
    pub(super) fn of(&self, account: &Entry, uid: &str, layout: &Layout) -> Ownership {
        let mut entries = vec![owner_entry((Part::Account, uid), account, &OF_ACCOUNT, layout)];
        if let Some(key) = person_key_of(account, layout)
            && let Some(person) = self.people.get(&key)
        {
            entries.push(owner_entry((Part::Person, &key), person, &OF_PERSON, layout));
        }
        let named: BTreeSet<String> =
            layout.values(account, Field::Reseller).iter().map(|uid| key_of(&lossy(uid))).collect();
        for reseller in &named {
            entries.extend(self.leaves_of(reseller, layout));
        }
        let is_told = |reseller: &String| self.leaf("notifications", reseller, layout).is_some();
        if named.is_empty() || !named.iter().all(is_told) {
            let defaults = self.defaults.iter().flat_map(|reseller| self.leaves_of(reseller, layout));
            entries.extend(defaults.map(|entry| OwnerEntry { is_default: true, ..entry }));
        }
        Ownership { entries }
    }

    fn leaves_of<'a>(
        &'a self,
        reseller: &'a str,
        layout: &'a Layout,
    ) -> impl Iterator<Item = OwnerEntry> + 'a {
        let parts = [("notifications", Part::Notifications), ("settings", Part::Settings)];
        parts.into_iter().filter_map(move |(leaf, part)| {
            let entry = self.leaf(leaf, reseller, layout)?;
            Some(owner_entry((part, reseller), entry, &OF_LEAF, layout))
        })
    }

    fn leaf(&self, name: &str, reseller: &str, layout: &Layout) -> Option<&Entry> {
        let (uid, base) = (dn_value(reseller), &layout.resellers_base);
        self.leaves.get(&normalised_dn(&format!("ou={name},uid={uid},{base}")))
    }
}

/// Keys are compared without case and without blanks around them.
fn key_of(uid: &str) -> String {
    uid.trim().to_lowercase()
}

/// The person an account names, where its own entry does not say everything.
fn person_of(account: &Entry, layout: &Layout) -> Option<String> {
    let has = |field: Field| !layout.values(account, field).is_empty();
    let media = layout.values(account, Field::Medium);
    let wants_messages = media.iter().any(|medium| lossy(medium).trim().eq_ignore_ascii_case(SHORT_MESSAGES));
    let says_where = has(Field::Mail) && (has(Field::Mobile) || !wants_messages);
    let says_all = says_where && has(Field::Language);
    person_key_of(account, layout).filter(|_| !says_all)
}

fn person_key_of(account: &Entry, layout: &Layout) -> Option<String> {
    layout.values(account, Field::Person).first().map(|uid| key_of(&lossy(uid))).filter(|key| !key.is_empty())
}

/// Asks for every reseller with what stands below. A directory without resellers has none.
async fn resellers(session: &Session, layout: &Layout) -> Result<Vec<Entry>, LdapError> {
    let fields: Vec<Field> = OF_LEAF.into_iter().chain([Field::Uid, Field::IsDefault]).collect();
    let found = session.search(&layout.resellers_base, EVERYTHING, &layout.attributes(&fields)).await;
    none_without_base(found)
}

/// The key of a reseller who stands in for those without settings of their own.
fn default_uid(entry: &Entry, layout: &Layout) -> Option<String> {
    let values = layout.values(entry, Field::IsDefault);
    let is_default = values.iter().any(|value| lossy(value).trim().eq_ignore_ascii_case("TRUE"));
    key(entry, layout).map(|uid| key_of(&uid)).filter(|_| is_default)
}

async fn people(
    session: &Session,
    layout: &Layout,
    named: &BTreeSet<String>,
) -> Result<Vec<Entry>, LdapError> {
    let mut attributes = layout.attributes(&OF_PERSON);
    attributes.push(&layout.person_key);
    if named.len() > NAMED_MAX {
        let filter = format!("({}=*)", layout.person_key);
        return none_without_base(session.search(&layout.people_base, &filter, &attributes).await);
    }
    let named: Vec<&String> = named.iter().collect();
    let mut found = Vec::new();
    for some in named.chunks(NAMED_AT_ONCE) {
        let each = some.iter().map(|key| format!("({}={})", layout.person_key, filter_value(key.as_bytes())));
        let filter = format!("(|{})", each.collect::<String>());
        let searched = session.search(&layout.people_base, &filter, &attributes).await;
        found.append(&mut none_without_base(searched)?);
    }
    Ok(found)
}

fn none_without_base(found: Result<Vec<Entry>, LdapError>) -> Result<Vec<Entry>, LdapError> {
    found.or_else(|error| if error.is_no_such_object() { Ok(Vec::new()) } else { Err(error) })
}

/// Keeps these fields of an entry, in one order, whatever the order of the server was.
fn owner_entry((part, whose): (Part, &str), entry: &Entry, fields: &[Field], layout: &Layout) -> OwnerEntry {
    let mut kept: Vec<(Box<str>, Vec<Box<str>>)> = Vec::new();
    for &field in fields {
        let mut values: Vec<Box<str>> =
            layout.values(entry, field).iter().map(|value| lossy(value).into()).collect();
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            kept.push((field.as_str().into(), values));
        }
    }
    kept.sort_unstable();
    OwnerEntry { part, whose: whose.into(), is_default: false, dn: entry.dn.as_str().into(), fields: kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "ou=reseller,ou=configuration,ou=backup,ou=services,dc=stoney-cloud,dc=org";

    fn layout() -> Layout {
        Layout::new("dc=stoney-cloud,dc=org")
    }

    /// Resellers 4000000, who stands in, and 4000002, each with leaves; 4000003 has only settings.
    fn owners() -> Owners {
        let leaf = |leaf: &str, uid: &str| Entry::new(&format!("OU={leaf}, uid={uid},{BASE}"));
        let mut owners = Owners::default();
        let leaves = [
            leaf("notifications", "4000000").with("sstMailTo", &["b@x.example", "a@x.example"]),
            leaf("settings", "4000000"),
            leaf("notifications", "4000002"),
            leaf("settings", "4000003").with("sstMailFrom", &["from@x.example"]),
        ];
        for entry in leaves {
            owners.leaves.insert(normalised_dn(&entry.dn), entry);
        }
        owners.defaults.insert("4000000".to_owned());
        owners.people.insert("4000001".to_owned(), Entry::new("uid=4000001").with("mail", &["p@x.example"]));
        owners
    }

    fn parts_of(account: &Entry) -> Vec<String> {
        let of = |entry: &OwnerEntry| {
            let stands_in = if entry.is_default { " stands in" } else { "" };
            format!("{} {}{stands_in}", entry.part.as_str(), entry.whose)
        };
        owners().of(account, "1", &layout()).entries.iter().map(of).collect()
    }

    fn account(resellers: &[&str]) -> Entry {
        Entry::new("uid=1").with("sstBelongsToResellerUID", resellers)
    }

    #[test]
    fn the_entries_of_an_account_are_its_own_its_persons_and_its_resellers() {
        let account = account(&["4000002"]).with("sstBelongsToPersonUID", &[" 4000001 "]);
        assert_eq!(parts_of(&account), ["account 1", "person 4000001", "notifications 4000002"]);
    }

    #[test]
    fn somebody_stands_in_where_no_reseller_is_named_or_one_has_no_leaf() {
        let stand_in = ["notifications 4000000 stands in", "settings 4000000 stands in"];
        assert_eq!(parts_of(&account(&[]))[1..], stand_in);
        assert_eq!(parts_of(&account(&["4009999"]))[1..], stand_in);
        let without_leaf = parts_of(&account(&["4000003", "4000002"]));
        assert_eq!(without_leaf[1..3], ["notifications 4000002", "settings 4000003"]);
        assert_eq!(without_leaf[3..], stand_in);
    }

    #[test]
    fn values_stand_in_one_order_each_once() {
        let ownership = owners().of(&account(&["4000000"]), "1", &layout());
        let leaf = ownership.find(Part::Notifications).expect("a leaf");
        assert_eq!(leaf.values("to"), [Box::from("a@x.example"), Box::from("b@x.example")]);
        assert!(!leaf.is_default);
    }

    #[test]
    fn a_person_is_asked_for_only_where_the_account_does_not_say_all() {
        let account = Entry::new("uid=1").with("sstBelongsToPersonUID", &["4000001"]);
        let says_mail = account.clone().with("mail", &["x"]);
        let says_all = says_mail.clone().with("preferredLanguage", &["de-CH"]);
        assert!(person_of(&account, &layout()).is_some());
        assert!(person_of(&says_mail, &layout()).is_some());
        assert_eq!(person_of(&says_all, &layout()), None);
        let by_phone = says_all.with("sstNotificationWarningMedium", &["SMS"]);
        assert!(person_of(&by_phone, &layout()).is_some());
        let with_number = by_phone.with("mobileTelephoneNumber", &["+41 31 000 00 00"]);
        assert_eq!(person_of(&with_number, &layout()), None);
    }
}
