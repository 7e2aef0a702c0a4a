//! What does the file say, and which of it cannot be read?
//!
//! Turns text into the raw structs and goes on after a mistake, so that all of them are told at once. It does not know
//! which values are valid.

use std::cell::LazyCell;

use lastgood_core::id::Escaped;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fields::{self, Field};
use super::mistake::Mistakes;
use super::place::Placed;
use super::raw::{
    RawChannel, RawDirectories, RawFile, RawLdap, RawOverride, RawOwner, RawPing, RawServe, RawSource,
    RawThresholds, RawWatchdog,
};
use super::similar;

/// The file as written, each table with its place.
#[derive(Default)]
pub(super) struct WrittenFile {
    /// `[thresholds]`.
    pub(super) thresholds: RawThresholds,
    /// Each `[[source]]`.
    pub(super) sources: Vec<WrittenSource>,
    /// `[directory.ldap]`; `None` where it is not there.
    pub(super) ldap: Option<Table<RawLdap>>,
    /// Each `[[override]]`.
    pub(super) overrides: Vec<Table<RawOverride>>,
    /// Each `[[channel]]`.
    pub(super) channels: Vec<WrittenChannel>,
    /// Each `[[owner]]`.
    pub(super) owners: Vec<Table<RawOwner>>,
    /// `[serve]`.
    pub(super) serve: Table<RawServe>,
    /// `[watchdog]`.
    pub(super) watchdog: Table<RawWatchdog>,
}

/// A `[[source]]` as written.
pub(super) struct WrittenSource {
    /// Its own keys; `ping` is only known to stand there.
    pub(super) table: Table<RawSource>,
    /// Each `[[source.ping]]` below it.
    pub(super) pings: Vec<Table<RawPing>>,
}

/// A `[[channel]]` as written.
pub(super) struct WrittenChannel {
    /// The keys every channel has.
    pub(super) table: Table<RawChannel>,
    /// All others: which of them there are, its kind knows.
    pub(super) settings: Vec<(Placed<String>, Placed<toml::Value>)>,
}

/// A table as written.
#[derive(Default)]
pub(super) struct Table<T> {
    /// What could be read of it.
    pub(super) value: T,
    /// Where it begins.
    pub(super) at: usize,
    /// Every known key in it, also those whose value could not be read.
    pub(super) keys: Vec<Placed<String>>,
    /// The keys whose value could not be read, which is noted already.
    unreadable: Vec<String>,
}

impl<T> Table<T> {
    /// True if the key stands in the table, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|written| written.value == key)
    }

    /// True if the key stands in the table with a value that could not be read.
    pub(super) fn has_unreadable(&self, key: &str) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable == key)
    }
}

/// The keys of a table with their meaning, looked up only where one is wrong.
type Fields = LazyCell<Vec<Field>>;

/// Reads a file.
///
/// 1. Mistakes in the TOML itself are all there is to say: what follows from them would be guessing.
/// 2. Each table is read key by key; a key that cannot be read is noted and left out.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> WrittenFile {
    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    for error in syntax_errors {
        let at = error.span().map_or(0, |span| span.start);
        mistakes.add(at, format!("this is no TOML: {}; correct this line", error.message()));
    }
    let mut file = WrittenFile::default();
    if !mistakes.is_empty() {
        return file;
    }
    for (key, value) in document.into_inner() {
        match key.get_ref().as_ref() {
            "thresholds" => file.thresholds = thresholds(value, mistakes),
            "source" => file.sources = sources(value, mistakes),
            "directory" => file.ldap = directory(value, mistakes),
            "override" => file.overrides = tables("override", value, mistakes),
            "channel" => file.channels = channels(value, mistakes),
            "owner" => file.owners = tables("owner", value, mistakes),
            "serve" => file.serve = single("serve", value, mistakes),
            "watchdog" => file.watchdog = single("watchdog", value, mistakes),
            _ => unknown_key(&placed(&key), "of the file", fields::names::<RawFile>(), mistakes),
        }
    }
    file
}

/// Reads the sources, each with the pings below it.
fn sources(value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Vec<WrittenSource> {
    let fields = Fields::new(fields::of::<RawSource>);
    let mut sources = Vec::new();
    for keys in elements("source", value, mistakes) {
        let is_ping = |key: &Spanned<DeString<'_>>| key.get_ref() == "ping";
        let (below, own): (DeTable<'_>, DeTable<'_>) =
            keys.value.into_iter().partition(|(key, _)| is_ping(key));
        let own = Placed { value: own, at: keys.at };
        let mut source =
            WrittenSource { table: table("[[source]]", own, &fields, mistakes), pings: Vec::new() };
        for (key, value) in below {
            source.table.keys.push(placed(&key));
            source.pings = tables("source.ping", value, mistakes);
        }
        sources.push(source);
    }
    sources
}

/// Reads the directories, of which one can be there.
fn directory(value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Table<RawLdap>> {
    let at = value.span().start;
    let DeValue::Table(directories) = value.into_inner() else {
        mistakes.add(at, "a directory is a table; write [directory.ldap], and its keys on lines below it");
        return None;
    };
    let mut ldap = None;
    for (key, value) in directories {
        let known = fields::names::<RawDirectories>();
        if key.get_ref() == "ldap" {
            let is_table = matches!(value.get_ref(), DeValue::Table(_));
            let mut table: Table<RawLdap> = single("directory.ldap", value, mistakes);
            if !is_table {
                // Somebody wrote it: what it cannot be without is not missed on top of that.
                let required = ["servers", "base"].map(str::to_owned);
                table.keys = required.clone().map(|value| Placed { value, at: key.span().start }).into();
                table.unreadable = required.into();
            }
            ldap = Some(table);
        } else {
            unknown_key(&placed(&key), "of the table `directory`", known, mistakes);
        }
    }
    ldap
}

/// Reads the channels; the keys of their kinds stay as they are.
fn channels(value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Vec<WrittenChannel> {
    let fields = Fields::new(fields::of::<RawChannel>);
    let known = fields::names::<RawChannel>();
    let mut channels = Vec::new();
    for keys in elements("channel", value, mistakes) {
        let (own, others): (DeTable<'_>, DeTable<'_>) =
            keys.value.into_iter().partition(|(key, _)| known.contains(&key.get_ref().as_ref()));
        let table = table("[[channel]]", Placed { value: own, at: keys.at }, &fields, mistakes);
        let setting = |(key, value): (Spanned<DeString<'_>>, Spanned<DeValue<'_>>)| {
            let at = value.span().start;
            let value = toml::Value::deserialize(value.into_deserializer());
            (placed(&key), Placed { value: value.expect("whatever TOML can hold is a value of it"), at })
        };
        channels.push(WrittenChannel { table, settings: others.into_iter().map(setting).collect() });
    }
    channels
}

fn placed(key: &Spanned<DeString<'_>>) -> Placed<String> {
    Placed { value: key.get_ref().to_string(), at: key.span().start }
}

/// Reads a table of which there is one, written as `[name]`.
fn single<T>(name: &'static str, value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Table<T>
where
    T: DeserializeOwned + Default + JsonSchema,
{
    let at = value.span().start;
    let DeValue::Table(keys) = value.into_inner() else {
        let text = format!("there is one table `{name}`; write [{name}], and its keys on lines below it");
        mistakes.add(at, text);
        return Table::default();
    };
    table(&format!("[{name}]"), Placed { value: keys, at }, &Fields::new(fields::of::<T>), mistakes)
}

fn thresholds(value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> RawThresholds {
    let at = value.span().start;
    RawThresholds::deserialize(value.into_deserializer()).unwrap_or_else(|_| {
        mistakes.add(
            at,
            "`thresholds` must be a table; write [thresholds], and each threshold on a line below it",
        );
        RawThresholds::default()
    })
}

/// Reads the tables written as `[[name]]`, key by key.
fn tables<T>(name: &'static str, value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Vec<Table<T>>
where
    T: DeserializeOwned + Default + JsonSchema,
{
    let (heading, fields) = (format!("[[{name}]]"), Fields::new(fields::of::<T>));
    let elements = elements(name, value, mistakes);
    elements.into_iter().map(|keys| table(&heading, keys, &fields, mistakes)).collect()
}

/// Finds the tables written as `[[name]]`.
fn elements<'a>(
    name: &'static str,
    value: Spanned<DeValue<'a>>,
    mistakes: &mut Mistakes,
) -> Vec<Placed<DeTable<'a>>> {
    let at = value.span().start;
    let elements = match value.into_inner() {
        DeValue::Array(elements) => elements,
        DeValue::Table(_) => {
            mistakes
                .add(at, format!("there may be several {name} tables; write [[{name}]] with two brackets"));
            return Vec::new();
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {
            mistakes.add(
                at,
                format!("`{name}` must be a table; write [[{name}]], and its keys on lines below it"),
            );
            return Vec::new();
        }
    };
    let mut tables = Vec::new();
    for element in elements {
        let at = element.span().start;
        match element.into_inner() {
            DeValue::Table(keys) => tables.push(Placed { value: keys, at }),
            _ => mistakes
                .add(at, format!("each {name} must be a table; write [[{name}]], its keys on lines below")),
        }
    }
    tables
}

/// Reads a table key by key.
fn table<T>(heading: &str, keys: Placed<DeTable<'_>>, fields: &Fields, mistakes: &mut Mistakes) -> Table<T>
where
    T: DeserializeOwned + Default + JsonSchema,
{
    let known = fields::names::<T>();
    let mut readable = DeTable::new();
    let (mut written, mut unreadable) = (Vec::new(), Vec::new());
    for (key, value) in keys.value {
        if !known.contains(&key.get_ref().as_ref()) {
            unknown_key(&placed(&key), &format!("of {heading}"), known, mistakes);
            continue;
        }
        written.push(placed(&key));
        match unreadable_at::<T>(&key, &value) {
            None => {
                readable.insert(key, value);
            }
            Some(at) => {
                mistakes.add(at, wrong_type(key.get_ref(), fields));
                unreadable.push(key.get_ref().to_string());
            }
        }
    }
    let value = deserialize(readable).unwrap_or_default();
    Table { value, at: keys.at, keys: written, unreadable }
}

/// Tries one key alone; returns where its value cannot be read.
fn unreadable_at<T: DeserializeOwned>(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Option<usize> {
    let mut alone = DeTable::new();
    alone.insert(key.clone(), value.clone());
    let error = deserialize::<T>(alone).err()?;
    Some(error.span().map_or(value.span().start, |span| span.start))
}

fn deserialize<T: DeserializeOwned>(table: DeTable<'_>) -> Result<T, toml::de::Error> {
    T::deserialize(Spanned::new(0..0, DeValue::Table(table)).into_deserializer())
}

/// Says what a key takes. What it was given is not repeated: it could be a secret.
fn wrong_type(key: &str, fields: &[Field]) -> String {
    match fields.iter().find(|field| field.name == key) {
        Some(field) => takes(field),
        None => format!("`{key}` cannot be read"),
    }
}

/// Says what a key takes.
pub(super) fn takes(field: &Field) -> String {
    match field.shown() {
        Some(example) => format!("`{}` takes {}; write for example {example}", field.name, field.takes),
        None => format!("`{}` takes {}", field.name, field.takes),
    }
}

/// Notes a key that is not known. Its value is never repeated: it could be a secret.
pub(super) fn unknown_key(key: &Placed<String>, place: &str, known: &[&str], mistakes: &mut Mistakes) {
    let shown: String = Escaped(&key.value).to_string().chars().take(80).collect();
    let hashed = format!("{shown}_hash");
    let text = if known.contains(&hashed.as_str()) {
        format!(
            "`{shown}` would keep a secret in this file; keep it with the job, and write `{hashed}` as `lastgood \
             ping-key` prints it"
        )
    } else if could_be_secret(&key.value) {
        let own = [format!("{shown}_file"), format!("{shown}_env")];
        let has_own = own.iter().all(|key| known.contains(&key.as_str()));
        let stem = if known.contains(&"password_file") { "password" } else { "secret" };
        let [file, variable] = if has_own { own } else { ["file", "env"].map(|end| format!("{stem}_{end}")) };
        format!(
            "`{shown}` would keep a secret in this file; put the secret into a file of its own and name that with \
             {file}, or into an environment variable and name that with {variable}"
        )
    } else {
        format!("there is no key `{shown}` {place}; {}", similar::hint(&shown, "keys", known))
    };
    mistakes.add(key.at, text);
}

/// True if people would write a secret behind such a key.
fn could_be_secret(key: &str) -> bool {
    const WORDS: [&str; 6] = ["secret", "pass", "token", "credential", "apikey", "privatekey"];
    let letters: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    letters == "key" || WORDS.iter().any(|word| letters.contains(word))
}
