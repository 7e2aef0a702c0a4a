//! What do the entries of an owner say, field by field, and how is that said to people?
//!
//! It knows no wish and no role.

use std::fmt::Display;

use lastgood_core::id::Escaped;
use lastgood_core::observation::cut;
use lastgood_core::ownership::{OwnerEntry, Ownership, Part};
use lastgood_core::recipient::{Address, Voice};

use crate::ldap::{Field, LdapDirectory};
use crate::mailbox;

/// How much of a name or value of a directory is shown, in bytes.
const SHOWN_MAX_BYTES: usize = 200;

/// The longest number of a telephone, in bytes.
const MOBILE_MAX_BYTES: usize = 64;

/// The entries that say who owns a repository, and where their directory keeps what.
pub(super) struct Entries<'a> {
    pub(super) ownership: &'a Ownership,
    pub(super) account: &'a OwnerEntry,
    pub(super) directory: &'a LdapDirectory,
}

impl<'a> Entries<'a> {
    /// Returns the values of a field without blanks around them: those of the entry, else the one that counts where there
    /// is none.
    pub(super) fn values(&self, entry: &'a OwnerEntry, field: Field) -> Vec<&'a str> {
        let values = entry.values(field.as_str());
        if values.is_empty() {
            let absent = self.directory.layout.absent.get(&field);
            return absent.map(|value| value.trim_matches(' ')).into_iter().collect();
        }
        values.iter().map(|value| value.trim_matches(' ')).collect()
    }

    /// Returns the first value of a field that says anything.
    pub(super) fn value(&self, entry: &'a OwnerEntry, field: Field) -> Option<&'a str> {
        self.values(entry, field).into_iter().find(|value| !value.is_empty())
    }

    /// Names a field of an entry as the directory calls it.
    pub(super) fn place(&self, entry: &OwnerEntry, field: Field) -> String {
        format!("`{}` of {}", self.attribute(field), shown(&entry.dn))
    }

    /// Names a field as the directory calls it.
    pub(super) fn attribute(&self, field: Field) -> impl Display {
        shown(self.directory.layout.attribute(field))
    }

    /// Returns the people the account belongs to.
    pub(super) fn people(&self) -> impl Iterator<Item = &'a OwnerEntry> {
        self.ownership.entries.iter().filter(|entry| entry.part == Part::Person)
    }

    /// Returns the keys of the resellers the account names, in the order of the values.
    pub(super) fn resellers(&self) -> Vec<&'a str> {
        let named = self.values(self.account, Field::Reseller);
        named.into_iter().filter(|uid| !uid.is_empty()).collect()
    }

    /// Returns a reseller's leaf.
    pub(super) fn leaf(&self, uid: &str, part: Part) -> Option<&'a OwnerEntry> {
        let wanted = uid.to_lowercase();
        let is_it = |entry: &&OwnerEntry| entry.part == part && entry.whose.trim().to_lowercase() == wanted;
        self.ownership.entries.iter().find(is_it)
    }

    /// Returns the leaf of the reseller who stands in; where several do, that of the first.
    pub(super) fn stand_in(&self, part: Part) -> Option<&'a OwnerEntry> {
        self.ownership.entries.iter().find(|entry| entry.part == part && entry.is_default)
    }

    /// Returns where a reseller says how to be seen: their own leaf, else that of who stands in.
    pub(super) fn settings(&self, uid: Option<&str>) -> Option<&'a OwnerEntry> {
        uid.and_then(|uid| self.leaf(uid, Part::Settings)).or_else(|| self.stand_in(Part::Settings))
    }

    /// Returns how somebody is written to who belongs to a reseller. What is said first of these counts: their own
    /// language, the reseller's, that of the configuration.
    pub(super) fn voice(
        &self,
        (language, reseller): (Option<&str>, Option<&str>),
        notes: &mut Vec<String>,
    ) -> Voice {
        let settings = self.settings(reseller);
        let of_settings = |field| settings.and_then(|settings| self.value(settings, field));
        let language = language.or_else(|| of_settings(Field::Language)).unwrap_or(&self.directory.language);
        let from = settings.zip(of_settings(Field::From)).and_then(|(settings, from)| {
            let read = mailbox::read(from);
            if read.is_none() {
                notes.push(no_mailbox(&self.place(settings, Field::From), from));
            }
            read.map(|mailbox| mailbox.to_string())
        });
        Voice {
            language: language.into(),
            from: from.or_else(|| self.directory.from.clone()).map(String::into_boxed_str),
            brand: reseller.or_else(|| settings.map(|settings| &*settings.whose)).map(Box::from),
        }
    }

    /// Reads the mailboxes of a field, each once; what is none is noted.
    pub(super) fn mailboxes(
        &self,
        (entry, field): (&'a OwnerEntry, Field),
        notes: &mut Vec<String>,
    ) -> Vec<Address> {
        let mut addresses = Vec::new();
        for value in self.values(entry, field) {
            let Some(mailbox) = mailbox::read(value) else {
                notes.push(no_mailbox(&self.place(entry, field), value));
                continue;
            };
            let address =
                Address { channel: self.directory.mail_channel.clone(), to: mailbox.email.to_string() };
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Reads the numbers of telephones of an entry, each once; what is none is noted. None without a channel for them.
    pub(super) fn mobiles(&self, entry: &'a OwnerEntry, notes: &mut Vec<String>) -> Vec<Address> {
        let Some(channel) = &self.directory.sms_channel else { return Vec::new() };
        let mut addresses = Vec::new();
        for value in self.values(entry, Field::Mobile) {
            let is_one =
                !value.is_empty() && value.len() <= MOBILE_MAX_BYTES && !value.chars().any(char::is_control);
            let address = Address { channel: channel.clone(), to: value.to_owned() };
            if !is_one {
                let place = self.place(entry, Field::Mobile);
                notes.push(format!("{place} holds \"{}\", which is no number: it is not used", shown(value)));
            } else if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }
}

fn no_mailbox(place: &str, value: &str) -> String {
    format!(
        "{place} holds \"{}\", which is not exactly one mailbox: it is not used; correct it",
        shown(value)
    )
}

/// Text of a directory for people: cut, and escaped.
pub(super) fn shown(text: &str) -> String {
    Escaped(&cut(text, SHOWN_MAX_BYTES)).to_string()
}
