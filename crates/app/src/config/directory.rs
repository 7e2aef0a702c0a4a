//! Is what `[directory.ldap]` says valid, and what does it come to?
//!
//! It reads no password and connects to nothing; what the entries of a directory mean it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::mistake::Mistakes;
use super::place::Placed;
use super::raw::{RawFields, RawLdap};
use super::reading::{Table, WrittenChannel};
use super::secret::SecretKeys;
use super::valid::{Document, shown};
use super::value::{length_above_0, not_empty, web_url};
use super::{channel, similar};
use crate::ldap::{
    Bind, DEADLINE, Field, Layout, LdapConfig, LdapDirectory, PAGE_SIZE, Tls, is_attribute, is_dn, is_filter,
    server_url,
};
use crate::mailbox;

/// More entries at once than this are no page but everything.
const PAGE_SIZE_MAX: u32 = 100_000;

/// What stands for the account in `settings_url`.
const UID: &str = "{uid}";

/// Turns the table into a directory; `None` where something it cannot be without is a mistake.
pub(super) fn ldap(
    table: &Table<RawLdap>,
    channels: &[WrittenChannel],
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<Arc<LdapDirectory>> {
    let raw = &table.value;
    let base = base(table, mistakes);
    let config = config(table, document, mistakes);
    let layout = layout(raw, base.as_deref().unwrap_or_default(), mistakes);
    let language = raw.language.as_ref().and_then(|language| language_tag(language, mistakes));
    let mail_channel = channel_name("mail_channel", raw.mail_channel.as_ref(), channels, mistakes);
    let directory = LdapDirectory {
        ldap: LdapConfig { base: base?, ..config },
        layout,
        mail_channel: mail_channel.unwrap_or_else(|| first_mail(channels).to_owned()),
        sms_channel: channel_name("sms_channel", raw.sms_channel.as_ref(), channels, mistakes),
        settings_url: raw.settings_url.as_ref().and_then(|url| settings_url(url, mistakes)),
        language: language.unwrap_or_else(|| LdapDirectory::LANGUAGE.to_owned()),
        templates: not_empty("templates", raw.templates.as_ref(), mistakes)
            .map(|folder| document.beside_file(&folder)),
        from: raw.from.as_ref().and_then(|from| from_mailbox(from, mistakes)),
    };
    Some(Arc::new(directory))
}

/// Reads how it is reached, all but the base.
fn config(table: &Table<RawLdap>, document: &Document<'_>, mistakes: &mut Mistakes) -> LdapConfig {
    let raw = &table.value;
    let tls = tls(raw, mistakes);
    let deadline = length_above_0("deadline", raw.deadline.as_ref(), mistakes);
    LdapConfig {
        // Where `tls` is a mistake, which URLs go with it is not known.
        servers: servers(table, tls, mistakes),
        base: String::new(),
        tls: tls.unwrap_or(Tls::StartTls),
        ca_file: not_empty("ca_file", raw.ca_file.as_ref(), mistakes).map(|file| document.beside_file(&file)),
        bind: bind(table, document, mistakes),
        deadline: deadline.map_or(DEADLINE, |length| Duration::from_secs(length.0.into())),
        page_size: page_size(raw, mistakes),
    }
}

fn servers(table: &Table<RawLdap>, tls: Option<Tls>, mistakes: &mut Mistakes) -> Vec<String> {
    let written = table.value.servers.as_deref().unwrap_or_default();
    if written.is_empty() && !table.has_unreadable("servers") {
        let text =
            "[directory.ldap] needs `servers`; write for example servers = [\"ldap://ldap.example.org\"]";
        mistakes.add(table.at, text);
    }
    let mut servers = Vec::new();
    for Placed { value, at } in written {
        let text = value.trim();
        let Some(tls) = tls else { continue };
        match server_url(text, tls) {
            Ok(_) => servers.push(text.to_owned()),
            Err(why) => mistakes.add(*at, format!("`servers`: {why}")),
        }
    }
    servers
}

fn base(table: &Table<RawLdap>, mistakes: &mut Mistakes) -> Option<String> {
    if table.value.base.is_none() && !table.has("base") {
        let text = "[directory.ldap] needs a `base`; write for example base = \"dc=example,dc=org\"";
        mistakes.add(table.at, text);
    }
    dn("base", table.value.base.as_ref(), mistakes)
}

fn dn(key: &str, written: Option<&Placed<String>>, mistakes: &mut Mistakes) -> Option<String> {
    let text = not_empty(key, written, mistakes)?;
    if !is_dn(&text) {
        let wrong = format!(
            "`{key}` takes the name of an entry, and `{}` is none; write for example {key} = \"dc=example,dc=org\"",
            shown(&text)
        );
        mistakes.add(written.map_or(0, |written| written.at), wrong);
        return None;
    }
    Some(text)
}

/// Returns how connections are encrypted; `None` where that is a mistake.
fn tls(raw: &RawLdap, mistakes: &mut Mistakes) -> Option<Tls> {
    let Some(written) = &raw.tls else { return Some(Tls::StartTls) };
    let words = Tls::ALL.map(Tls::as_str);
    let tls = Tls::ALL.into_iter().find(|tls| tls.as_str() == written.value);
    if tls.is_none() {
        let hint = similar::hint(&written.value, "values of `tls`", &words);
        mistakes
            .add(written.at, format!("there is no `tls` of the kind `{}`; {hint}", shown(&written.value)));
    }
    if let (Some(Tls::None), Some(file)) = (tls, &raw.ca_file) {
        let text = "`ca_file` means nothing with tls = \"none\"; set tls = \"starttls\", or remove it";
        mistakes.add(file.at, text);
    }
    tls
}

/// Reads who we say we are: a name and a password, or neither.
fn bind(table: &Table<RawLdap>, document: &Document<'_>, mistakes: &mut Mistakes) -> Option<Bind> {
    let raw = &table.value;
    let dn = not_empty("bind_dn", raw.bind_dn.as_ref(), mistakes);
    let password = SecretKeys {
        table: "[directory.ldap]",
        word: "password",
        file: raw.password_file.as_ref(),
        variable: raw.password_env.as_ref(),
        such_as: "LDAP_PASSWORD",
    };
    let password = password.read(table, document, mistakes);
    let has_password = table.has("password_file") || table.has("password_env");
    if let Some(dn) = raw.bind_dn.as_ref().filter(|_| !has_password) {
        let text = "`bind_dn` needs a password, which a server would else take for nobody; set password_file or \
                    password_env";
        mistakes.add(dn.at, text);
    }
    if has_password && !table.has("bind_dn") {
        let keys = table.keys.iter().filter(|key| key.value.starts_with("password_"));
        let text =
            "a password needs a `bind_dn`; write for example bind_dn = \"cn=lastgood,dc=example,dc=org\"";
        mistakes.add(keys.map(|key| key.at).min().unwrap_or(table.at), text);
    }
    Some(Bind { dn: dn?, password: password? })
}

fn page_size(raw: &RawLdap, mistakes: &mut Mistakes) -> i32 {
    let Some(written) = &raw.page_size else { return PAGE_SIZE };
    let wanted = written.value.get();
    if wanted > PAGE_SIZE_MAX {
        let text = format!("`page_size` is {wanted}; write a number from 1 to {PAGE_SIZE_MAX}");
        mistakes.add(written.at, text);
    }
    i32::try_from(wanted).unwrap_or(PAGE_SIZE)
}

fn layout(raw: &RawLdap, base: &str, mistakes: &mut Mistakes) -> Layout {
    let unset = Layout::new(base);
    let filter = not_empty("accounts_filter", raw.accounts_filter.as_ref(), mistakes);
    if let (Some(filter), Some(written)) = (&filter, &raw.accounts_filter)
        && !is_filter(filter)
    {
        let text = "`accounts_filter` takes an LDAP filter; write for example accounts_filter = \
                    \"(objectClass=inetOrgPerson)\"";
        mistakes.add(written.at, text);
    }
    let person_key = raw.person_key.as_ref().and_then(|key| attribute("person_key", key, mistakes));
    let mut names = BTreeMap::new();
    for (field, written) in fields("attributes", &raw.attributes, mistakes) {
        names.extend(attribute(field.as_str(), written, mistakes).map(|name| (field, name)));
    }
    let absent = fields("absent", &raw.absent, mistakes).into_iter();
    Layout {
        accounts_base: dn("accounts_base", raw.accounts_base.as_ref(), mistakes)
            .unwrap_or(unset.accounts_base),
        accounts_filter: filter.unwrap_or(unset.accounts_filter),
        people_base: dn("people_base", raw.people_base.as_ref(), mistakes).unwrap_or(unset.people_base),
        person_key: person_key.unwrap_or(unset.person_key),
        resellers_base: dn("resellers_base", raw.resellers_base.as_ref(), mistakes)
            .unwrap_or(unset.resellers_base),
        names,
        absent: absent.map(|(field, value)| (field, value.value.clone())).collect(),
    }
}

/// Finds the fields by their words.
fn fields<'a>(
    table: &str,
    written: &'a RawFields,
    mistakes: &mut Mistakes,
) -> Vec<(Field, &'a Placed<String>)> {
    let mut found = Vec::new();
    for (word, value) in &written.0 {
        let Some(field) = Field::find(&word.value) else {
            let hint = similar::hint(&word.value, "keys", &Field::ALL.map(Field::as_str));
            let text = format!("there is no key `{}` in `{table}`; {hint}", shown(&word.value));
            mistakes.add(word.at, text);
            continue;
        };
        found.push((field, value));
    }
    found
}

fn attribute(key: &str, written: &Placed<String>, mistakes: &mut Mistakes) -> Option<String> {
    let text = written.value.trim();
    if is_attribute(text) {
        return Some(text.to_owned());
    }
    let wrong = format!(
        "`{key}` takes the name of an attribute, and `{}` is none; write for example {key} = \"uid\"",
        shown(text)
    );
    mistakes.add(written.at, wrong);
    None
}

/// Returns the name of a channel that is there.
fn channel_name(
    key: &str,
    written: Option<&Placed<String>>,
    channels: &[WrittenChannel],
    mistakes: &mut Mistakes,
) -> Option<String> {
    let name = not_empty(key, written, mistakes)?;
    let known = channel::names(channels);
    if known.contains(&name.as_str()) {
        return Some(name);
    }
    let hint = match known.as_slice() {
        [] => "add one with that `name`".to_owned(),
        known => similar::hint(&name, "channels", known),
    };
    let text = format!("`{key}`: there is no [[channel]] of the name `{}`; {hint}", shown(&name));
    mistakes.add(written.map_or(0, |written| written.at), text);
    None
}

/// Returns the name of the first channel that sends mail.
fn first_mail(channels: &[WrittenChannel]) -> &str {
    let mail = crate::channels::mail::ENTRY.kind;
    let is_mail =
        |channel: &&WrittenChannel| channel.table.value.kind.as_ref().is_some_and(|kind| kind.value == mail);
    let names = channels.iter().filter(is_mail).filter_map(|channel| channel.table.value.name.as_ref());
    names.map(|name| name.value.as_str()).next().unwrap_or(LdapDirectory::MAIL_CHANNEL)
}

fn settings_url(written: &Placed<String>, mistakes: &mut Mistakes) -> Option<String> {
    let text = written.value.trim();
    if text.contains(UID) && web_url(text).is_some() {
        return Some(text.to_owned());
    }
    let wrong = "`settings_url` takes an http or https URL with {uid} in the place of the account; write for example \
                 settings_url = \"https://selfcare.example.org/accounts/{uid}\"";
    mistakes.add(written.at, wrong);
    None
}

/// Reads a language as RFC 5646 writes it, without judging its parts.
fn language_tag(written: &Placed<String>, mistakes: &mut Mistakes) -> Option<String> {
    let text = written.value.trim();
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let begins_well = text.split('-').next().is_some_and(|first| {
        (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    if begins_well && text.split('-').all(is_part) {
        return Some(text.to_owned());
    }
    let wrong = format!(
        "`language` takes a language such as \"de-CH\", and `{}` is none; write for example language = \"en-GB\"",
        shown(text)
    );
    mistakes.add(written.at, wrong);
    None
}

fn from_mailbox(written: &Placed<String>, mistakes: &mut Mistakes) -> Option<String> {
    let text = written.value.trim();
    if mailbox::read(text).is_some() {
        return Some(text.to_owned());
    }
    let wrong = "`from` takes one mailbox; write for example from = \"Backup <backup@example.org>\"";
    mistakes.add(written.at, wrong);
    None
}
