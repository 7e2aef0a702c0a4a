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
    pub(super) name: &'static str,
    /// Its doc comment, on one line.
    pub(super) about: String,
    /// What its value must be, such as "a text".
    pub(super) takes: &'static str,
    /// A value as it stands in the file.
    pub(super) example: String,
}

/// Returns the keys of a table in the order of its struct.
pub(super) fn of<T: JsonSchema + for<'de> Deserialize<'de>>() -> Vec<Field> {
    let schema = schemars::schema_for!(T).to_value();
    let field = |&name: &&'static str| {
        let property = &schema["properties"][name];
        let about = property["description"].as_str().unwrap_or_default();
        Field {
            name,
            about: about.split_whitespace().collect::<Vec<_>>().join(" "),
            takes: takes(property),
            example: toml_text(&property["examples"][0]),
        }
    };
    names::<T>().iter().map(field).collect()
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
    let kinds = &property["type"];
    let has = |kind: &str| {
        kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
    };
    match () {
        () if has("integer") => "a whole number from 1 on",
        () if has("number") => "a text or a number",
        () if has("string") => "a text in quotes",
        () => "a table",
    }
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
    use super::super::raw::{RawFile, RawOverride, RawSource};
    use super::*;

    #[test]
    fn every_key_is_known_in_its_order_and_explained() {
        assert_eq!(names::<RawFile>(), ["thresholds", "source", "override"]);
        assert_eq!(names::<RawOverride>(), ["subject", "thresholds"]);
        for field in of::<RawSource>().into_iter().chain(of::<RawOverride>()) {
            assert!(!field.about.is_empty(), "{} has no doc comment", field.name);
            assert_ne!(field.example, "null", "{} has no example", field.name);
        }
    }
}
