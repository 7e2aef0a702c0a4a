//! Is what the program writes what its JSON Schemas promise?
//!
//! Reads the part of JSON Schema that our two schemas use, and fails on any word it does not know: nothing is passed
//! unread.

use lastgood::report::{self, Format, Only};
use lastgood_core::facts::Facts;
use serde_json::Value;

/// Words of a schema that promise nothing a document could break.
const REMARKS: [&str; 7] = ["$schema", "$defs", "title", "description", "format", "minimum", "items"];

/// Lists every way in which `value` is not what `schema` says.
fn violations(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let words = schema.as_object().expect("a schema is an object");
    let mut found = Vec::new();
    for (word, wanted) in words {
        match word.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().expect("a reference is a string").trim_start_matches('#');
                let target = root.pointer(pointer).expect("a reference leads somewhere");
                found.extend(violations(root, target, value, place));
            }
            "type" => found.extend(wrong_type(wanted, value, place)),
            "const" if wanted != value => found.push(format!("{place}: {value} is not {wanted}")),
            "enum" if !contains(wanted, value) => found.push(format!("{place}: {value} is none of {wanted}")),
            "const" | "enum" => {}
            "oneOf" | "anyOf" => {
                let mut ways = wanted.as_array().expect("a list of schemas").iter();
                if !ways.any(|way| violations(root, way, value, place).is_empty()) {
                    found.push(format!("{place}: {value} is none of {wanted}"));
                }
            }
            "required" => {
                let keys = wanted.as_array().expect("a list of names").iter().filter_map(Value::as_str);
                found.extend(
                    keys.filter(|key| value.get(key).is_none()).map(|key| format!("{place}: no {key}")),
                );
            }
            "properties" => {
                for (key, member) in value.as_object().into_iter().flatten() {
                    let inside = format!("{place}.{key}");
                    match wanted.get(key) {
                        Some(promised) => found.extend(violations(root, promised, member, &inside)),
                        None => found.push(format!("{inside}: is not promised")),
                    }
                }
            }
            "additionalProperties" => {
                for (key, member) in value.as_object().into_iter().flatten() {
                    found.extend(violations(root, wanted, member, &format!("{place}.{key}")));
                }
            }
            known if REMARKS.contains(&known) => {}
            unknown => panic!("the schema says {unknown}, which this test cannot read: teach it"),
        }
    }
    for (index, member) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            found.extend(violations(root, items, member, &format!("{place}[{index}]")));
        }
    }
    found
}

fn contains(list: &Value, value: &Value) -> bool {
    list.as_array().expect("a list of values").contains(value)
}

fn wrong_type(wanted: &Value, value: &Value, place: &str) -> Option<String> {
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits =
        wanted == actual || wanted.as_array().is_some_and(|types| types.iter().any(|one| one == actual));
    (!fits).then(|| format!("{place}: {actual} is not {wanted}"))
}

#[track_caller]
fn keeps_its_promise(schema: &str, document: &str) {
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    let document: Value = serde_json::from_str(document).expect("the output is JSON");
    assert_eq!(violations(&schema, &schema, &document, "$"), Vec::<String>::new());
}

#[test]
fn check_keeps_the_promise_of_its_schema() {
    for facts in [super::fleet(), super::hostile(), super::only_failures(), Facts::default()] {
        for only in [Only::All, Only::Bad] {
            keeps_its_promise(&report::check_schema(), &super::check(&facts, only, Format::Json));
        }
    }
}

#[test]
fn summary_keeps_the_promise_of_its_schema() {
    for facts in [super::fleet(), super::hostile(), super::only_failures(), Facts::default()] {
        keeps_its_promise(&report::summary_schema(), &super::summary(&facts, Format::Json));
    }
}

#[test]
fn a_broken_promise_is_seen() {
    let schema: Value = serde_json::from_str(&report::check_schema()).expect("a schema is JSON");
    let text = super::check(&super::fleet(), Only::All, Format::Json);
    let good: Value = serde_json::from_str(&text).expect("the output is JSON");
    let broken = |change: fn(&mut Value)| {
        let mut document = good.clone();
        change(&mut document);
        violations(&schema, &schema, &document, "$").len()
    };
    assert_eq!(broken(|_| {}), 0);
    assert_eq!(broken(|document| document["at"] = Value::Null), 1);
    assert_eq!(broken(|document| document["sources"][0]["look"] = "fine".into()), 1);
    assert_eq!(broken(|document| document["subjects"][1]["verdicts"][0]["verdict"] = "good".into()), 1);
    assert_eq!(broken(|document| document["subjects"][0]["colour"] = "red".into()), 1);
}
