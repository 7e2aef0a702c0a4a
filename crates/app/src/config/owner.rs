//! Is what one `[[owner]]` says valid, and what does it come to?
//!
//! It knows the names of the channels and which of them send mail, and nothing else of what an address means to them.

use std::num::NonZeroU32;

use lastgood_core::recipient::{Address, Patience, Role};
use lastgood_core::time::Seconds;

use super::mistake::Mistakes;
use super::place::Placed;
use super::raw::RawOwner;
use super::reading::Table;
use super::similar;
use super::valid::{Document, shown};
use super::value::length_above_0;
use crate::channels::ADDRESS_MAX_BYTES;
use crate::directory::{Owner, Pattern};
use crate::mailbox;

/// What an owner can be to a subject.
const ROLES: [Role; 3] = [Role::Customer, Role::Reseller, Role::Operator];

/// The pattern of an owner that names none.
const EVERYTHING: &str = "*";

/// More days than this are no patience but a slip of the finger.
const MAX_DAYS: u32 = 10_000;

/// Turns one table into an owner; `None` where something is a mistake.
pub(super) fn owner(
    table: &Table<RawOwner>,
    channels: &[&str],
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<Owner> {
    let raw = &table.value;
    let subjects = match &raw.subject {
        Some(subject) => pattern(subject, mistakes),
        None => Pattern::new(EVERYTHING).ok(),
    };
    let role = role(table, mistakes);
    let to = addresses(table, channels, mistakes);
    let escalation = length_above_0("escalate_after", raw.escalate_after.as_ref(), mistakes);
    let patience = patience(raw, mistakes);
    Some(Owner {
        subjects: subjects?,
        role: role?,
        to,
        patience,
        escalation,
        place: document.place(table.at).to_string(),
    })
}

fn pattern(subject: &Placed<String>, mistakes: &mut Mistakes) -> Option<Pattern> {
    let pattern = Pattern::new(&subject.value);
    if let Err(error) = &pattern {
        mistakes.add(subject.at, format!("`subject`: {error}"));
    }
    pattern.ok()
}

fn role(table: &Table<RawOwner>, mistakes: &mut Mistakes) -> Option<Role> {
    let words = ROLES.map(Role::as_str);
    let Some(written) = &table.value.role else {
        if !table.has("role") {
            let hint = similar::hint("", "roles", &words);
            mistakes.add(table.at, format!("this owner needs a `role`; {hint}"));
        }
        return None;
    };
    let role = ROLES.into_iter().find(|role| role.as_str() == written.value);
    if role.is_none() {
        let hint = similar::hint(&written.value, "roles", &words);
        mistakes.add(written.at, format!("there is no role `{}`; {hint}", shown(&written.value)));
    }
    role
}

fn addresses(table: &Table<RawOwner>, channels: &[&str], mistakes: &mut Mistakes) -> Vec<Address> {
    let written = table.value.to.as_deref().unwrap_or_default();
    if written.is_empty() && !table.has_unreadable("to") {
        let text = "this owner is told nowhere; write for example to = [\"mail:anna@example.org\"]";
        mistakes.add(table.at, text);
    }
    let mut addresses = Vec::new();
    for one in written {
        match address(&one.value, channels) {
            Ok(address) => addresses.push(address),
            Err(text) => mistakes.add(one.at, text),
        }
    }
    addresses
}

/// Spells mailboxes the one way in which each can be spelt, so that nobody is told twice: without the name before it, its
/// domain in lower case. `mails` are the channels that send mail; what is no mailbox stays as it is written.
pub(super) fn spell_mailboxes(owner: &mut Owner, mails: &[String]) {
    for address in &mut owner.to {
        if let Some(mailbox) = mailbox::read(&address.to).filter(|_| mails.contains(&address.channel)) {
            address.to = mailbox.email.to_string();
        }
    }
}

/// Reads `channel:address`; an error says what is wrong and what to write. `channels` are the names there are.
pub fn address(written: &str, channels: &[&str]) -> Result<Address, String> {
    let example = "write the name of a channel, a colon and an address, such as \"mail:anna@example.org\"";
    let Some((channel, to)) = written.split_once(':') else {
        return Err(format!("`{}` names no channel; {example}", shown(written)));
    };
    let (channel, to) = (channel.trim(), to.trim());
    if !channels.contains(&channel) {
        let hint = match channels {
            [] => "add one with that `name`".to_owned(),
            channels => similar::hint(channel, "channels", channels),
        };
        return Err(format!("there is no [[channel]] of the name `{}`; {hint}", shown(channel)));
    }
    if to.is_empty() || to.chars().any(char::is_control) || to.len() > ADDRESS_MAX_BYTES {
        let limit = format!("at most {ADDRESS_MAX_BYTES} bytes and no control characters");
        return Err(format!("`{}` holds no address of {limit}; {example}", shown(written)));
    }
    Ok(Address { channel: channel.to_owned(), to: to.to_owned() })
}

fn patience(raw: &RawOwner, mistakes: &mut Mistakes) -> Patience {
    let count = raw.after_count.as_ref().map(|count| count.value.get());
    let length = raw.after_days.as_ref().and_then(|days| days_within(days, mistakes));
    if count.is_none() && length.is_none() { Patience::None } else { Patience::Until { count, length } }
}

fn days_within(days: &Placed<NonZeroU32>, mistakes: &mut Mistakes) -> Option<Seconds> {
    let count = days.value.get();
    if count > MAX_DAYS {
        mistakes.add(days.at, format!("`after_days` is {count}; write a number from 1 to {MAX_DAYS}"));
        return None;
    }
    Some(Seconds::days(count))
}
