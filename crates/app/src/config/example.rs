//! What does a complete configuration file look like?
//!
//! Made from the doc comments of the raw structs, the thresholds and the kinds of sources and channels. Prose stands behind `# `,
//! settings that are not in force behind `#` alone.

use std::collections::HashSet;
use std::fmt::Write;

use lastgood_core::expectation::Unit;

use super::fields::{self, Field};
use super::raw::{
    self, RawChannel, RawFile, RawLdap, RawOverride, RawOwner, RawPing, RawServe, RawSource, RawWatchdog,
};
use super::reference::sentence;
use super::source::{self, takes};
use crate::channels;
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
    let section = |out: &mut String, name: &str| {
        let field = sections.iter().find(|field| field.name == name);
        out.push('\n');
        comment(out, field.map_or("", |field| field.about.as_str()));
    };
    section(&mut out, "thresholds");
    out.push_str("[thresholds]\n");
    thresholds(&mut out);
    section(&mut out, "source");
    let keys = fields::of::<RawSource>();
    let mut explained = HashSet::new();
    for entry in entries {
        out.push('\n');
        source(&mut out, entry, &keys, &mut explained);
    }
    section(&mut out, "directory");
    directory(&mut out, entries.iter().any(|entry| takes(entry, source::DIRECTORY)));
    section(&mut out, "override");
    out.push_str("#[[override]]\n");
    settings(&mut out, &fields::of::<RawOverride>());
    section(&mut out, "channel");
    for entry in channels::ALL {
        out.push('\n');
        channel(&mut out, entry, &mut explained);
    }
    section(&mut out, "owner");
    out.push_str("#[[owner]]\n");
    settings(&mut out, &fields::of::<RawOwner>());
    section(&mut out, "serve");
    out.push_str("[serve]\n");
    settings(&mut out, &fields::of::<RawServe>());
    section(&mut out, "watchdog");
    out.push_str("[watchdog]\n");
    settings(&mut out, &fields::of::<RawWatchdog>());
    out
}

/// Writes keys that are not in force, each with its meaning.
fn settings(out: &mut String, fields: &[Field]) {
    for field in fields {
        comment(out, &field.about);
        setting(out, field);
    }
}

/// Writes a key that is not in force; one without an example is only explained.
fn setting(out: &mut String, field: &Field) {
    if let Some(shown) = field.shown() {
        line(out, &format!("#{shown}"));
    }
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
fn source(out: &mut String, entry: &Entry, keys: &[Field], explained: &mut HashSet<String>) {
    comment(out, &format!("{}.", sentence(entry.about)));
    out.push_str("[[source]]\n");
    for field in keys.iter().filter(|field| takes(entry, &field.name) && field.name != source::PING) {
        if explained.insert(field.name.clone()) {
            comment(out, &field.about);
        }
        let location = entry.example.split_once(':').map_or(entry.example, |(_, location)| location);
        match field.name.as_str() {
            "kind" => line(out, &format!("kind = {}", quoted(entry.kind.id))),
            "location" => line(out, &format!("location = {}", quoted(location))),
            source::DIRECTORY => line(out, &field.shown().unwrap_or_default()),
            "name" => line(out, &format!("#name = {}", quoted(&format!("my-{}", entry.kind.id)))),
            _ => setting(out, field),
        }
    }
    if let Some(field) = keys.iter().find(|field| field.name == source::PING && takes(entry, &field.name)) {
        comment(out, &field.about);
        ping(out);
    }
}

/// Writes the directory; what it cannot be without is in force where a source of the example uses it.
fn directory(out: &mut String, is_used: bool) {
    line(out, if is_used { "[directory.ldap]" } else { "#[directory.ldap]" });
    for field in fields::of::<RawLdap>() {
        comment(out, &field.about);
        match field.shown() {
            Some(shown) if is_used && matches!(field.name.as_str(), "servers" | "base") => line(out, &shown),
            _ => setting(out, &field),
        }
    }
}

/// Writes a ping, with what it cannot be without in force.
fn ping(out: &mut String) {
    out.push_str("[[source.ping]]\n");
    for field in fields::of::<RawPing>() {
        comment(out, &field.about);
        match field.shown() {
            Some(shown) if matches!(field.name.as_str(), "name" | "key_hash" | "schedule") => {
                line(out, &shown);
            }
            _ => setting(out, &field),
        }
    }
}

/// Writes a channel with every key its kind takes, named by its kind; each key is explained where it stands first.
fn channel(out: &mut String, entry: &channels::Entry, explained: &mut HashSet<String>) {
    comment(out, &format!("{}. An address is {}.", sentence(entry.about), entry.address));
    out.push_str("#[[channel]]\n");
    let own = fields::of_schema(&(entry.schema)().to_value());
    for field in fields::of::<RawChannel>().iter().chain(&own) {
        // The kinds share some words, and not always their meaning.
        if explained.insert(field.about.clone()) {
            comment(out, &field.about);
        }
        match field.name.as_str() {
            "name" | "kind" => line(out, &format!("#{} = {}", field.name, quoted(entry.kind))),
            _ => setting(out, field),
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
