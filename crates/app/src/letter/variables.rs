//! What is a template told?
//!
//! Names and numbers, each text one line with nothing in it that turns or hides what stands beside it; docs/telling.md
//! lists them. No sentence: those are the template's matter, and `spoken` puts both together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use lastgood_core::id::{Escaped, Name, SubjectId};
use lastgood_core::incident::{Closing, Ending};
use lastgood_core::message::Item;
use lastgood_core::notify::{Digest, Entry, Why, subject_count};
use lastgood_core::observation::cut;
use lastgood_core::recipient::Role;
use lastgood_core::verdict::Outcome;
use minijinja::value::Value;

use super::{Letter, NAME_MAX_BYTES, details, reason};

/// How many affected subjects an entry names; of more, their number.
const AFFECTED_MAX: usize = 10;

/// How many addresses of a role an entry names; of more, their number.
const OTHERS_MAX: usize = 10;

/// How many accounts a letter names at its end.
const SETTINGS_MAX: usize = 10;

/// Variables by their names.
pub(super) type Variables = BTreeMap<&'static str, Value>;

/// Somebody's text as a template is told it.
pub(super) fn shown(text: &str) -> String {
    cut(&Escaped(&cut(text, NAME_MAX_BYTES)).to_string(), 2 * NAME_MAX_BYTES)
}

fn name(name: &Name) -> String {
    shown(&name.text())
}

/// `entry`, as `words.txt` is told it.
pub(super) fn entry(letter: &Letter<'_>, number: usize, entry: &Entry, item: &Item) -> Variables {
    let incident = &entry.incident;
    let subject = &incident.matter.subject;
    let (why, why_count) = details::why(entry.why);
    // What happened tells it better than when we noticed, and what happened first better than the newest of it.
    let began_at = incident.began_at.or_else(|| incident.reason.since(Outcome::Bad));
    let began_at = began_at.filter(|began_at| *began_at <= incident.noticed_at);
    let since_at = began_at.unwrap_or(incident.noticed_at);
    let lasted_seconds = letter.now.duration_since(since_at).as_secs().max(0);
    let (affected, affected_count) = affected(letter, entry);
    let is_open = entry.why != Why::Resolved && entry.role.is_some();
    let reply = letter.reply.filter(|_| is_open);
    BTreeMap::from([
        ("number", Value::from(number)),
        ("state", details::state(entry.why).into()),
        ("why", why.into()),
        ("why_count", why_count.into()),
        ("check", incident.matter.check.as_str().into()),
        ("reason", reason::value(&incident.reason)),
        ("english", item.headline.as_str().into()),
        ("ending", entry.closing.as_ref().map(|closing| closing.ending().as_str()).into()),
        ("closing", entry.closing.as_ref().map(Closing::as_str).into()),
        ("subject", cut(&subject.to_string(), 2 * NAME_MAX_BYTES).into()),
        ("account", subject.repository.as_ref().map(name).into()),
        ("account_name", account_name(letter, subject).into()),
        ("computer", subject.asset.as_ref().map(name).into()),
        ("kind", (letter.called)(subject).kind.into()),
        ("role", entry.role.map(Role::as_str).into()),
        ("since_at", since_at.as_second().into()),
        ("since_is_noticed", began_at.is_none().into()),
        ("lasted_seconds", lasted_seconds.into()),
        ("affected_more_count", (affected_count - affected.len()).into()),
        ("affected_count", affected_count.into()),
        ("affected", affected.into()),
        ("others", others(entry)),
        ("reply_url", reply.map(|reply| format!("{}#{number}", reply.url)).into()),
    ])
}

/// What people call the account, where that is not its unique id.
fn account_name(letter: &Letter<'_>, subject: &SubjectId) -> Option<String> {
    let account = subject.repository.as_ref()?;
    let called = shown(&(letter.called)(&SubjectId { asset: None, ..subject.clone() }).name);
    (!called.is_empty() && called != name(account)).then_some(called)
}

fn affected(letter: &Letter<'_>, entry: &Entry) -> (Vec<String>, usize) {
    let mut subjects: Vec<&SubjectId> = entry.affected.iter().map(|matter| &matter.subject).collect();
    subjects.dedup();
    let named = subjects.iter().take(AFFECTED_MAX).map(|subject| shown(&(letter.called)(subject).name));
    (named.collect(), subject_count(&entry.affected))
}

/// Who else was told: customers and resellers by their addresses, those who run it only as that, and how many more. Of
/// whom it is not known what they are, the address is nobody's matter.
fn others(entry: &Entry) -> Value {
    let (mut customers, mut resellers) = (Vec::new(), Vec::new());
    let (mut has_operator, mut more_count) = (false, 0_usize);
    for (address, role) in &entry.others {
        let named = match role {
            Some(Role::Customer) => &mut customers,
            Some(Role::Reseller) => &mut resellers,
            Some(Role::Operator) => {
                has_operator = true;
                continue;
            }
            None => {
                more_count += 1;
                continue;
            }
        };
        if named.len() < OTHERS_MAX {
            named.push(shown(&address.to));
        } else {
            more_count += 1;
        }
    }
    Value::from(BTreeMap::from([
        ("customers", Value::from(customers)),
        ("resellers", resellers.into()),
        ("has_operator", has_operator.into()),
        ("more_count", more_count.into()),
    ]))
}

/// `letter`, but its entries and what depends on how many of them are shown.
pub(super) fn letter(letter: &Letter<'_>, settings_url: Option<&str>) -> Variables {
    let entries = &letter.digest.entries;
    let over_count = entries.iter().filter(|entry| entry.why == Why::Resolved).count();
    let endings = || entries.iter().filter_map(|entry| entry.closing.as_ref().map(Closing::ending));
    let ended_count = |wanted: Ending| endings().filter(|ending| *ending == wanted).count();
    let voice = letter.digest.voice.as_deref();
    let reply = letter.reply.map(|reply| {
        BTreeMap::from([
            ("url", Value::from(reply.url.as_str())),
            ("until_at", reply.expires_at.as_second().into()),
            ("role", reply.role.as_str().into()),
        ])
    });
    BTreeMap::from([
        ("address", Value::from(shown(&letter.digest.address.to))),
        ("from", voice.and_then(|voice| voice.from.as_deref()).map(shown).into()),
        ("reseller", voice.and_then(|voice| voice.brand.as_deref()).map(shown).into()),
        ("role", role(letter.digest).map(Role::as_str).into()),
        ("written_at", Timestamp::as_second(letter.now).into()),
        ("entry_count", entries.len().into()),
        ("bad_count", (entries.len() - over_count).into()),
        ("over_count", over_count.into()),
        ("recovered_count", ended_count(Ending::Recovered).into()),
        ("unwatched_count", ended_count(Ending::Unwatched).into()),
        ("threshold_changed_count", ended_count(Ending::ThresholdChanged).into()),
        ("by_hand_count", ended_count(Ending::ByHand).into()),
        ("settings", settings(letter, settings_url).into()),
        ("reply", reply.map(Value::from).into()),
    ])
}

/// The least of what the reader is: to anything that is not over, else to what is.
fn role(digest: &Digest) -> Option<Role> {
    super::least_role(digest).or_else(|| digest.entries.iter().filter_map(|entry| entry.role).min())
}

/// Where a customer changes what they are told, for each account of theirs. The link is the customer's: whose it is not,
/// or of whom nobody knows, is not shown it.
fn settings(letter: &Letter<'_>, url: Option<&str>) -> Vec<Value> {
    let Some(url) = url else { return Vec::new() };
    let is_theirs = |entry: &&Entry| entry.role == Some(Role::Customer);
    let entries = letter.digest.entries.iter().filter(is_theirs);
    let accounts: BTreeSet<&Name> =
        entries.filter_map(|entry| entry.incident.matter.subject.repository.as_ref()).collect();
    let setting = |account: &Name| {
        let url = url.replace("{uid}", &percent_encoded(account.bytes()));
        Value::from(BTreeMap::from([("account", Value::from(name(account))), ("url", url.into())]))
    };
    accounts.into_iter().take(SETTINGS_MAX).map(setting).collect()
}

/// As RFC 3986 has it: everything that is not unreserved is encoded, so that it stays within its place in any URL.
fn percent_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in bytes.iter().take(NAME_MAX_BYTES) {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(*byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_stays_within_its_place_in_a_url() {
        assert_eq!(percent_encoded(b"3723707"), "3723707");
        assert_eq!(percent_encoded("a&b=c/../\u{fc}\n#?%".as_bytes()), "a%26b%3Dc%2F..%2F%C3%BC%0A%23%3F%25");
    }
}
