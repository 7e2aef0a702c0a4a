//! Is what one `[[source]]` says valid, and what does it come to?
//!
//! Looks at one table at a time; it reads no secret and opens nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use lastgood_core::id::SourceId;
use lastgood_core::time::Seconds;

use super::bytes;
use super::fields;
use super::mistake::Mistakes;
use super::ping::{self, Hashes};
use super::place::{Placed, Written};
use super::raw::{RawDirectories, RawSource};
use super::reading::{Table, WrittenSource};
use super::secret::SecretKeys;
use super::similar;
use super::valid::{Document, shown};
use super::value::{length, length_within, not_empty, time_zone};
use crate::ldap::LdapDirectory;
use crate::sources::{self, Entry, SourceConfig};

/// More requests at once than this is no use of a portal but an attack on it.
const MAX_CONCURRENCY: usize = 256;

/// The key of a list of pings.
pub(super) const PING: &str = "ping";

/// The keys every kind of source has.
const COMMON_KEYS: [&str; 3] = ["name", "kind", "thresholds"];

/// The key of what is looked at, which a kind takes that says what stands there.
const LOCATION: &str = "location";

/// The key of how often is looked, which every kind takes that does not push, and of the others those that say so.
const INTERVAL: &str = "interval";

/// The key of the directory that says what is looked at.
pub(super) const DIRECTORY: &str = "directory";

/// How often a source can be looked at: more often is an attack on it, and less often nobody notices that it died.
const INTERVALS: RangeInclusive<Seconds> = Seconds(10)..=Seconds::days(30);

/// The directories that sources can refer to.
#[derive(Clone, Copy)]
pub(super) struct Directories<'a> {
    /// Whether `[directory.ldap]` is there, valid or not.
    pub(super) is_written: bool,
    /// What it comes to; `None` where it is not there or a mistake.
    pub(super) ldap: Option<&'a Arc<LdapDirectory>>,
}

/// A `[[source]]` with the name it goes by.
pub(super) struct Named<'a> {
    /// Its name.
    pub(super) id: SourceId,
    /// What stands there.
    pub(super) written: &'a WrittenSource,
    /// What it can refer to.
    pub(super) directories: Directories<'a>,
}

/// Turns one table into a source; `None` where its kind or location is a mistake.
pub(super) fn source(
    named: Named<'_>,
    hashes: &mut Hashes,
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<SourceConfig> {
    let Named { id, written, directories } = named;
    let table = &written.table;
    let raw = &table.value;
    let entry = entry(&id, table, document.entries, mistakes);
    let location = location(&id, table, entry, document, mistakes);
    let secret = SecretKeys {
        table: &format!("the source `{id}`"),
        word: "secret",
        file: table.value.secret_file.as_ref(),
        variable: table.value.secret_env.as_ref(),
        such_as: "ACME_KEY",
    };
    let secret = secret.read(table, document, mistakes);
    let public_key = not_empty("public_key", raw.public_key.as_ref(), mistakes);
    let zone = raw.zone.as_ref().and_then(|zone| time_zone("zone", &zone.value, zone.at, mistakes));
    let zones = zones(raw, mistakes);
    let capacity_bytes = raw.capacity.as_ref().and_then(|capacity| capacity_bytes(capacity, mistakes));
    let program = not_empty("program", raw.program.as_ref(), mistakes);
    let deadline = raw.deadline.as_ref().and_then(|deadline| length("deadline", deadline, mistakes));
    let deadline = deadline.filter(|deadline| is_a_deadline(*deadline, raw, mistakes));
    let interval = length_within("interval", raw.interval.as_ref(), INTERVALS, mistakes).map(duration);
    let concurrency = raw.concurrency.as_ref().and_then(|count| concurrency(count, mistakes));
    let stats_interval = raw.stats_interval.as_ref();
    let stats_interval = stats_interval.and_then(|interval| length("stats_interval", interval, mistakes));
    let ping_key_hash = raw.ping_key_hash.as_ref();
    let ping_key_hash = ping::key_hash("ping_key_hash", ping_key_hash, (hashes, document.lines), mistakes);
    let pings = if entry.is_some_and(|entry| takes(entry, PING)) {
        ping::pings(&id, written, hashes, document, mistakes)
    } else {
        Vec::new()
    };
    let directory = directory(&id, table, (entry, directories), mistakes);
    check_write_back(raw, directory, mistakes);
    let root = not_empty("root", raw.root.as_ref(), mistakes);
    let least_clients = least_clients(raw, mistakes);
    let entry = entry?;
    Some(SourceConfig {
        id,
        entry,
        written_at: Some(document.place(table.at).to_string()),
        location: location?,
        secret,
        public_key,
        zone,
        zones,
        capacity_bytes,
        program: program.map(|program| program_path(&program, document)),
        deadline: deadline.map_or(entry.deadline, duration),
        interval: interval.unwrap_or(sources::INTERVAL),
        pushed_every: (entry.pushes && entry.keys.contains(&INTERVAL))
            .then(|| interval.unwrap_or(sources::PUSH_INTERVAL)),
        concurrency,
        requests_per_minute: raw.requests_per_minute.as_ref().map(|count| count.value.get()),
        stats_interval: stats_interval.map(duration),
        ping_key_hash,
        pings,
        directory: directory.cloned(),
        root: root.map(|root| document.beside_file(&root)),
        write_back: raw.write_back.as_ref().is_some_and(|write_back| write_back.value),
        least_clients,
    })
}

fn duration(length: Seconds) -> Duration {
    Duration::from_secs(u64::from(length.0))
}

/// Finds the kind, and notes the keys it does not understand.
fn entry(
    id: &SourceId,
    table: &Table<RawSource>,
    entries: &[&'static Entry],
    mistakes: &mut Mistakes,
) -> Option<&'static Entry> {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.kind.id).collect();
    let Some(kind) = &table.value.kind else {
        if !table.has("kind") {
            mistakes.add(
                table.at,
                format!("the source `{id}` needs a `kind`; {}", similar::hint("", "kinds", &ids)),
            );
        }
        return None;
    };
    let Some(entry) = entries.iter().find(|entry| entry.kind.id == kind.value) else {
        let hint = similar::hint(&kind.value, "kinds", &ids);
        mistakes.add(kind.at, format!("there is no kind `{}`; {hint}", shown(&kind.value)));
        return None;
    };
    for key in &table.keys {
        let name = key.value.as_str();
        if !takes(entry, name) {
            let understood = all_keys(entry).join(", ");
            let text = format!(
                "`{name}` means nothing to the kind {}, which takes {understood}; remove it",
                kind.value
            );
            mistakes.add(key.at, text);
        }
    }
    Some(entry)
}

/// Returns every key a kind takes, in the order of the documentation.
pub(super) fn all_keys(entry: &Entry) -> Vec<&'static str> {
    fields::names::<RawSource>().iter().copied().filter(|name| takes(entry, name)).collect()
}

/// True if a kind takes the key.
pub(super) fn takes(entry: &Entry, key: &str) -> bool {
    let is_implied = match key {
        LOCATION => takes_location(entry),
        INTERVAL => !entry.pushes,
        _ => COMMON_KEYS.contains(&key),
    };
    is_implied || entry.keys.contains(&key)
}

/// True if somebody has to say what is looked at: nobody where it pushes, or where its directory does.
pub(super) fn takes_location(entry: &Entry) -> bool {
    !entry.pushes && !entry.location.is_empty()
}

/// Finds what is looked at: nothing where the kind does not take it.
fn location(
    id: &SourceId,
    table: &Table<RawSource>,
    entry: Option<&'static Entry>,
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    if entry.is_some_and(|entry| !takes_location(entry)) {
        return Some(String::new());
    }
    let expected = entry.map_or("a file, URL or repository", |entry| entry.location);
    let Some(location) = &table.value.location else {
        if !table.has("location") {
            mistakes.add(table.at, format!("the source `{id}` needs a `location`: {expected}"));
        }
        return None;
    };
    let text = location.value.trim();
    if text.is_empty() {
        mistakes.add(location.at, format!("`location` is empty; write {expected}"));
        return None;
    }
    let before_slash = text.split('/').next().unwrap_or_default();
    if before_slash.contains(':') {
        return Some(text.to_owned());
    }
    // The path came from text, so that it is text again.
    Some(document.beside_file(text).to_string_lossy().into_owned())
}

/// Finds the directory that says what is looked at; a kind that takes one needs it.
fn directory<'a>(
    id: &SourceId,
    table: &Table<RawSource>,
    (entry, directories): (Option<&'static Entry>, Directories<'a>),
    mistakes: &mut Mistakes,
) -> Option<&'a Arc<LdapDirectory>> {
    if !entry.is_some_and(|entry| takes(entry, DIRECTORY)) {
        return None;
    }
    let names = fields::names::<RawDirectories>();
    let Some(written) = &table.value.directory else {
        if !table.has(DIRECTORY) {
            let text = format!(
                "the source `{id}` needs a `directory`, which says what it looks at; write directory = \"ldap\", and add \
                 [directory.ldap] with its `servers` and `base`"
            );
            mistakes.add(table.at, text);
        }
        return None;
    };
    if !names.contains(&written.value.as_str()) {
        let hint = similar::hint(&written.value, "directories", names);
        mistakes.add(written.at, format!("there is no directory `{}`; {hint}", shown(&written.value)));
        return None;
    }
    if !directories.is_written {
        let text = "there is no [directory.ldap]; add that table with its `servers` and `base`";
        mistakes.add(written.at, text);
    }
    directories.ldap
}

/// Nobody may write into a directory without saying who it is.
fn check_write_back(raw: &RawSource, directory: Option<&Arc<LdapDirectory>>, mistakes: &mut Mistakes) {
    let Some(write_back) = raw.write_back.as_ref().filter(|write_back| write_back.value) else { return };
    if directory.is_some_and(|directory| directory.ldap.bind.is_none()) {
        let text = "`write_back` changes entries, which a directory lets nobody do who is anonymous; set bind_dn and \
                    password_file in [directory.ldap], or remove it";
        mistakes.add(write_back.at, text);
    }
}

/// Returns the least versions of clients: those that are written, above the defaults.
fn least_clients(raw: &RawSource, mistakes: &mut Mistakes) -> BTreeMap<String, String> {
    let defaults = sources::LEAST_CLIENTS.map(|(client, version)| (client.to_owned(), version.to_owned()));
    let mut clients = BTreeMap::from(defaults);
    for (client, version) in raw.least_clients.iter().flatten() {
        let text = version.value.trim();
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            clients.insert(client.value.trim().to_owned(), text.to_owned());
        } else {
            let text = format!("`{}` is no version; write for example \"2.7.1\"", shown(text));
            mistakes.add(version.at, text);
        }
    }
    clients
}

fn zones(raw: &RawSource, mistakes: &mut Mistakes) -> BTreeMap<String, TimeZone> {
    let mut zones = BTreeMap::new();
    for (serial, name) in raw.zones.iter().flatten() {
        if let Written::Text(text) = &name.value {
            let zone = time_zone(&serial.value, text, name.at, mistakes);
            zones.extend(zone.map(|zone| (serial.value.clone(), zone)));
        } else {
            mistakes.add(name.at, "a time zone is a text in quotes, such as \"Europe/Zurich\"");
        }
    }
    zones
}

fn capacity_bytes(capacity: &Placed<Written>, mistakes: &mut Mistakes) -> Option<u64> {
    let bytes = match &capacity.value {
        Written::Text(text) => bytes::parse(text),
        Written::Other => None,
    };
    if bytes.is_none() {
        let text = "`capacity` takes a number of bytes above 0 with a unit of B, kB, MB, GB, TB, PB (thousands) or KiB, \
                    MiB, GiB, TiB, PiB (1024s); write for example capacity = \"2 TB\"";
        mistakes.add(capacity.at, text);
    }
    bytes
}

fn is_a_deadline(deadline: Seconds, raw: &RawSource, mistakes: &mut Mistakes) -> bool {
    if deadline.0 == 0 {
        let at = raw.deadline.as_ref().map_or(0, |written| written.at);
        mistakes.add(at, "`deadline` is 0, so that no look could end; write for example deadline = \"2min\"");
    }
    deadline.0 != 0
}

fn concurrency(count: &Placed<std::num::NonZeroU32>, mistakes: &mut Mistakes) -> Option<usize> {
    let wanted = usize::try_from(count.value.get()).unwrap_or(usize::MAX);
    if wanted > MAX_CONCURRENCY {
        mistakes
            .add(count.at, format!("`concurrency` is {wanted}; write a number from 1 to {MAX_CONCURRENCY}"));
        return None;
    }
    Some(wanted)
}

/// A bare name is looked for in `PATH`, everything else is a path.
fn program_path(program: &str, document: &Document<'_>) -> PathBuf {
    if program.contains('/') { document.beside_file(program) } else { PathBuf::from(program) }
}
