//! What does a complete configuration file look like?
//!
//! Made from the doc comments of the raw structs, the thresholds and the kinds of sources. Prose stands behind `# `,
//! settings that are not in force behind `#` alone.

use std::collections::HashSet;
use std::fmt::Write;

use lastgood_core::expectation::Unit;

use super::fields::{self, Field};
use super::raw::{self, RawFile, RawOverride, RawSource};
use super::reference::sentence;
use super::source::all_keys;
use crate::sources::Entry;

/// The width of the file in characters.
const WIDTH: usize = 100;

/// Makes the file.
pub(super) fn render(entries: &[&'static Entry]) -> String {
    let mut out = String::new();
    comment(&mut out, "The configuration of lastgood: what to look at, and what must be true of it.");
    comment(&mut out, "`lastgood config check` tells every mistake in it.");
    comment(
        &mut out,
        "Settings behind a # without a space are not in force: thresholds show their default, other keys an example.",
    );
    let sections = fields::of::<RawFile>();
    let about =
        |name: &str| sections.iter().find(|field| field.name == name).map(|field| field.about.as_str());
    section(&mut out, about("thresholds"));
    out.push_str("[thresholds]\n");
    thresholds(&mut out);
    section(&mut out, about("source"));
    let keys = fields::of::<RawSource>();
    let mut explained = HashSet::new();
    for entry in entries {
        out.push('\n');
        source(&mut out, entry, &keys, &mut explained);
    }
    section(&mut out, about("override"));
    out.push_str("#[[override]]\n");
    for field in fields::of::<RawOverride>() {
        comment(&mut out, &field.about);
        line(&mut out, &format!("#{} = {}", field.name, field.example));
    }
    out
}

fn section(out: &mut String, about: Option<&str>) {
    out.push('\n');
    comment(out, about.unwrap_or_default());
}

fn thresholds(out: &mut String) {
    for threshold in raw::thresholds() {
        let shown = threshold.show(threshold.default);
        let value = match (threshold.unit, threshold.default) {
            (Unit::Count, Some(_)) => shown,
            _ => format!("\"{shown}\""),
        };
        comment(out, &format!("{}.", sentence(threshold.meaning)));
        line(out, &format!("#{} = {value}", threshold.name));
    }
}

/// Writes a source with every key its kind takes; each key is explained where it stands first.
fn source(out: &mut String, entry: &Entry, keys: &[Field], explained: &mut HashSet<&'static str>) {
    comment(out, &format!("{}.", sentence(entry.about)));
    out.push_str("[[source]]\n");
    let understood = all_keys(entry);
    for field in keys.iter().filter(|field| understood.contains(&field.name)) {
        if explained.insert(field.name) {
            comment(out, &field.about);
        }
        let location = entry.example.split_once(':').map_or(entry.example, |(_, location)| location);
        match field.name {
            "kind" => line(out, &format!("kind = {}", quoted(entry.kind.id))),
            "location" => line(out, &format!("location = {}", quoted(location))),
            "name" => line(out, &format!("#name = {}", quoted(&format!("my-{}", entry.kind.id)))),
            name => line(out, &format!("#{name} = {}", field.example)),
        }
    }
}

fn quoted(text: &str) -> String {
    fields::toml_text(&text.into())
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes everything");
}

/// Writes prose, broken into lines.
fn comment(out: &mut String, text: &str) {
    let mut row = String::from("#");
    for word in text.split_whitespace() {
        if row.chars().count() + 1 + word.chars().count() > WIDTH {
            line(out, &row);
            row = String::from("#");
        }
        row.push(' ');
        row.push_str(word);
    }
    line(out, &row);
}
