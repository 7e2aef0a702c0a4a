//! Which keys does a table of the file have, and what does each mean?
//!
//! Reads both from the raw structs: the names in their order from serde, meaning, type and example from the schema.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// A key of a table.
pub(super) struct Field {
    /// The key.
    pub(super) name: String,
    /// Its doc comment, on one line.
    pub(super) about: String,
    /// What its value must be, such as "a text".
    pub(super) takes: String,
    /// A value as it stands in the file; `None` where the schema has none.
    pub(super) example: Option<String>,
}

impl Field {
    /// Returns the key with a value, as it stands in the file.
    pub(super) fn shown(&self) -> Option<String> {
        self.example.as_ref().map(|example| format!("{} = {example}", self.name))
    }
}

/// Returns the keys of a table in the order of its struct.
pub(super) fn of<T: JsonSchema + for<'de> Deserialize<'de>>() -> Vec<Field> {
    let schema = schemars::schema_for!(T).to_value();
    names::<T>().iter().map(|name| field(name, &schema)).collect()
}

/// Returns the keys a schema allows, in the order of the alphabet.
pub(super) fn of_schema(schema: &Value) -> Vec<Field> {
    let properties = schema["properties"].as_object();
    properties.into_iter().flatten().map(|(name, _)| field(name, schema)).collect()
}

fn field(name: &str, schema: &Value) -> Field {
    let property = &schema["properties"][name];
    let about = property["description"].as_str().unwrap_or_default();
    let example = &property["examples"][0];
    let words = words(property, schema);
    let first_word = words.first().map(|word| format!("\"{word}\""));
    let implied = first_word.or_else(|| has_type(property, "boolean").then(|| "true".to_owned()));
    Field {
        name: name.to_owned(),
        about: about.split_whitespace().collect::<Vec<_>>().join(" "),
        takes: if words.is_empty() { takes(property).to_owned() } else { listed(&words) },
        example: if example.is_null() { implied } else { Some(toml_text(example)) },
    }
}

/// Returns the words a key is limited to; empty where it takes others, too.
fn words<'a>(property: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let inner = [property, &property["anyOf"][0]].into_iter().find_map(|inner| inner["$ref"].as_str());
    let named = inner.and_then(|path| path.strip_prefix("#/$defs/")).map(|name| &schema["$defs"][name]);
    let property = named.unwrap_or(property);
    let listed = property["enum"].as_array().into_iter().flatten();
    let described = property["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    listed.chain(described).filter_map(Value::as_str).collect()
}

fn listed(words: &[&str]) -> String {
    format!("one of {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "))
}

/// True if a value is of a type that the property allows; one that names no type allows any.
pub(super) fn is_of_type(value: &toml::Value, property: &Value) -> bool {
    if property["type"].is_null() {
        return true;
    }
    match value {
        toml::Value::String(_) => has_type(property, "string"),
        toml::Value::Integer(_) => has_type(property, "integer") || has_type(property, "number"),
        toml::Value::Float(_) => has_type(property, "number"),
        toml::Value::Boolean(_) => has_type(property, "boolean"),
        toml::Value::Array(_) => has_type(property, "array"),
        toml::Value::Table(_) => has_type(property, "object"),
        toml::Value::Datetime(_) => false,
    }
}

/// Returns the names of the keys of a table in the order of its struct.
pub(super) fn names<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(Asked) {
        Err(Names(names)) => names,
        Ok(_) => &[],
    }
}

/// Writes a value the way it stands in the file.
pub(super) fn toml_text(value: &Value) -> String {
    toml::Value::try_from(value).map_or_else(|_| value.to_string(), |value| value.to_string())
}

fn takes(property: &Value) -> &'static str {
    match () {
        () if has_type(property, "integer") && property["minimum"] == 0 => "a whole number from 0 on",
        () if has_type(property, "integer") => "a whole number from 1 on",
        () if has_type(property, "number") => "a text or a number",
        () if has_type(property, "string") => "a text in quotes",
        () if has_type(property, "boolean") => "true or false",
        () if has_type(property, "array") => "a list of texts in quotes",
        () => "a table",
    }
}

fn has_type(property: &Value, kind: &str) -> bool {
    let kinds = &property["type"];
    kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
}

/// A deserializer that has nothing to give and only wants to know which fields are asked for.
struct Asked;

/// The fields that were asked for.
#[derive(Debug)]
struct Names(&'static [&'static str]);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Names {}

impl serde::de::Error for Names {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Names;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Names> {
        Err(Names(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Names> {
        Err(Names(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::{
        RawChannel, RawFile, RawLdap, RawOverride, RawOwner, RawPing, RawServe, RawSource, RawWatchdog,
    };
    use super::*;

    #[test]
    fn every_key_is_known_in_its_order_and_explained() {
        let tables =
            ["thresholds", "source", "directory", "override", "channel", "owner", "serve", "watchdog"];
        assert_eq!(names::<RawFile>(), tables);
        assert_eq!(names::<RawOverride>(), ["subject", "thresholds"]);
        let kinds = crate::channels::ALL.map(|entry| of_schema(&(entry.schema)().to_value()));
        let keys = [of::<RawSource>(), of::<RawPing>(), of::<RawOverride>(), of::<RawChannel>()];
        let others = [of::<RawOwner>(), of::<RawServe>(), of::<RawWatchdog>(), of::<RawLdap>()];
        for field in keys.into_iter().chain(others).chain(kinds).flatten() {
            assert!(!field.about.is_empty(), "{} has no doc comment", field.name);
            let is_table = matches!(field.name.as_str(), "ping" | "body");
            assert!(field.example.is_some() || is_table, "{} has no example", field.name);
        }
    }

    #[test]
    fn the_words_a_key_is_limited_to_are_named() {
        let mail = of_schema(&(crate::channels::mail::ENTRY.schema)().to_value());
        let tls = mail.iter().find(|field| field.name == "tls").expect("mail has the key tls");
        assert_eq!(tls.takes, "one of \"starttls\", \"tls\", \"none\"");
        assert_eq!(tls.shown().as_deref(), Some("tls = \"starttls\""));
    }
}
