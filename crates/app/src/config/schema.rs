//! Which configuration files are valid, said in JSON Schema?
//!
//! Made from the raw structs, the thresholds and the kinds of sources and channels.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw::RawFile;
use crate::channels;
use crate::sources::Entry;

/// Makes the schema.
pub(super) fn render(entries: &[&'static Entry]) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawFile>().to_value();
    let kinds: Vec<Value> = channels::ALL.iter().map(|entry| channel(entry, &mut schema)).collect();
    schema["$defs"]["Channel"] =
        json!({ "description": "A way to tell somebody something.", "oneOf": kinds });
    without_null(&mut schema);
    let ids: Vec<&str> = entries.iter().map(|entry| entry.kind.id).collect();
    if !ids.is_empty() {
        schema["$defs"]["Source"]["properties"]["kind"]["enum"] = json!(ids);
    }
    schema
}

/// Returns the keys of one kind of channel beside those all have; what it refers to goes to the definitions of the whole.
fn channel(entry: &channels::Entry, whole: &mut Value) -> Value {
    let mut own = (entry.schema)().to_value();
    let common = &whole["$defs"]["Channel"];
    let mut properties = common["properties"].clone();
    let required = common["required"].clone();
    properties["kind"]["const"] = json!(entry.kind);
    for (key, property) in own["properties"].as_object().into_iter().flatten() {
        properties[key] = property.clone();
    }
    if let Some(Value::Object(definitions)) = own.get_mut("$defs") {
        for (name, definition) in std::mem::take(definitions) {
            whole["$defs"][&name] = definition;
        }
    }
    json!({
        "title": entry.kind,
        "description": entry.about,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
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
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
