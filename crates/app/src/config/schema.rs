//! Which configuration files are valid, said in JSON Schema?
//!
//! Made from the raw structs, the thresholds and the kinds of sources.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw::RawFile;
use crate::sources::Entry;

/// Makes the schema.
pub(super) fn render(entries: &[&'static Entry]) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawFile>().to_value();
    without_null(&mut schema);
    let ids: Vec<&str> = entries.iter().map(|entry| entry.kind.id).collect();
    if !ids.is_empty() {
        schema["$defs"]["Source"]["properties"]["kind"]["enum"] = json!(ids);
    }
    schema
}

/// TOML has no null: an optional key is left out. Takes `null` out of every type and removes defaults that are null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            if let Some(Value::Array(kinds)) = members.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
