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
use toml::de::{DeTable, DeValue};

use super::fields::{self, Field};
use super::mistake::Mistakes;
use super::place::Placed;
use super::raw::{RawFile, RawOverride, RawSource, RawThresholds};
use super::similar;

/// The file as written, each table with its place.
#[derive(Default)]
pub(super) struct WrittenFile {
    /// `[thresholds]`.
    pub(super) thresholds: RawThresholds,
    /// Each `[[source]]`.
    pub(super) sources: Vec<Table<RawSource>>,
    /// Each `[[override]]`.
    pub(super) overrides: Vec<Table<RawOverride>>,
}

/// A table as written.
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
            "source" => file.sources = tables("source", value, mistakes),
            "override" => file.overrides = tables("override", value, mistakes),
            _ => unknown_key(&key, "of the file", fields::names::<RawFile>(), mistakes),
        }
    }
    file
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

/// Reads the tables written as `[[name]]`.
fn tables<T>(name: &'static str, value: Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Vec<Table<T>>
where
    T: DeserializeOwned + Default + JsonSchema,
{
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
    let fields = LazyCell::new(fields::of::<T> as fn() -> Vec<Field>);
    let mut tables = Vec::new();
    for element in elements {
        let at = element.span().start;
        match element.into_inner() {
            DeValue::Table(keys) => tables.push(table(name, Placed { value: keys, at }, &fields, mistakes)),
            _ => mistakes
                .add(at, format!("each {name} must be a table; write [[{name}]], its keys on lines below")),
        }
    }
    tables
}

fn table<T>(
    name: &str,
    keys: Placed<DeTable<'_>>,
    fields: &LazyCell<Vec<Field>>,
    mistakes: &mut Mistakes,
) -> Table<T>
where
    T: DeserializeOwned + Default + JsonSchema,
{
    let known = fields::names::<T>();
    let mut readable = DeTable::new();
    let (mut written, mut unreadable) = (Vec::new(), Vec::new());
    for (key, value) in keys.value {
        if !known.contains(&key.get_ref().as_ref()) {
            unknown_key(&key, &format!("of [[{name}]]"), known, mistakes);
            continue;
        }
        written.push(Placed { value: key.get_ref().to_string(), at: key.span().start });
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
    key: &Spanned<toml::de::DeString<'_>>,
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
        Some(field) => format!("`{key}` takes {}; write for example {key} = {}", field.takes, field.example),
        None => format!("`{key}` cannot be read"),
    }
}

/// Notes a key that is not known. Its value is never repeated: it could be a secret.
fn unknown_key(key: &Spanned<toml::de::DeString<'_>>, place: &str, known: &[&str], mistakes: &mut Mistakes) {
    let shown: String = Escaped(key.get_ref()).to_string().chars().take(80).collect();
    let text = if could_be_secret(key.get_ref()) {
        format!(
            "`{shown}` would keep a secret in this file; put the secret into a file of its own and name that with \
             secret_file, or into an environment variable and name that with secret_env"
        )
    } else {
        format!("there is no key `{shown}` {place}; {}", similar::hint(&shown, "keys", known))
    };
    mistakes.add(key.span().start, text);
}

/// True if people would write a secret behind such a key.
fn could_be_secret(key: &str) -> bool {
    const WORDS: [&str; 6] = ["secret", "pass", "token", "credential", "apikey", "privatekey"];
    let letters: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    letters == "key" || WORDS.iter().any(|word| letters.contains(word))
}
