//! Is what one `[[channel]]` says valid, and what does it come to?
//!
//! Which keys there are its kind says, with a schema. It opens no channel and reads no secret: what a value means, and
//! which keys are needed, is told when the channel is opened.

use std::collections::HashMap;
use std::path::Path;

use super::fields;
use super::mistake::Mistakes;
use super::place::Placed;
use super::raw::RawChannel;
use super::reading::{self, Table, WrittenChannel};
use super::valid::{Document, shown};
use super::{NamedChannel, similar};
use crate::channels::{self, ChannelConfig, Entry};
use crate::program::Environment;

/// The longest name, in bytes.
const NAME_MAX_BYTES: usize = 64;

/// Turns the channels into domain types; what is wrong is noted and left out.
pub(super) fn channels(
    written: &[WrittenChannel],
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Vec<NamedChannel> {
    let mut taken = HashMap::new();
    let mut channels = Vec::new();
    for channel in written {
        let name = name(&channel.table, &mut taken, document, mistakes);
        let kind = kind(&channel.table, mistakes);
        if let Some(kind) = kind {
            check_settings(channel, kind, mistakes);
        }
        if let (Some(name), Some(kind)) = (name, kind) {
            let settings =
                channel.settings.iter().map(|(key, value)| (key.value.clone(), value.value.clone()));
            let config = ChannelConfig {
                name,
                folder: document.path.parent().unwrap_or(Path::new("")).to_owned(),
                settings: settings.collect(),
                environment: Environment::of_this_program(),
            };
            channels.push(NamedChannel { kind, config });
        }
    }
    channels
}

/// Returns the names of all channels as they are written, also of those that are mistakes: what refers to them is none.
pub(super) fn names(written: &[WrittenChannel]) -> Vec<&str> {
    written
        .iter()
        .filter_map(|channel| channel.table.value.name.as_ref())
        .map(|name| name.value.as_str())
        .collect()
}

/// Returns the names of those that send mail.
pub(super) fn mails(channels: &[NamedChannel]) -> Vec<String> {
    let is_mail = |channel: &&NamedChannel| channel.kind.kind == channels::mail::ENTRY.kind;
    channels.iter().filter(is_mail).map(|channel| channel.config.name.clone()).collect()
}

fn name(
    table: &Table<RawChannel>,
    taken: &mut HashMap<String, usize>,
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let Some(Placed { value: name, at }) = &table.value.name else {
        if !table.has("name") {
            mistakes.add(table.at, "this channel needs a `name`; write for example name = \"mail\"");
        }
        return None;
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > NAME_MAX_BYTES || !name.bytes().all(is_allowed) {
        let text = format!(
            "the channel name `{}` is not made of letters, digits, '.', '_' and '-' (1 to {NAME_MAX_BYTES} of them); \
             write another name",
            shown(name)
        );
        mistakes.add(*at, text);
        return None;
    }
    if let Some(&first) = taken.get(name) {
        let line = document.lines.line(first);
        mistakes.add(
            *at,
            format!("the name `{name}` is that of the channel in line {line}, too; give each its own"),
        );
        return None;
    }
    taken.insert(name.clone(), *at);
    Some(name.clone())
}

fn kind(table: &Table<RawChannel>, mistakes: &mut Mistakes) -> Option<&'static Entry> {
    let kinds = channels::ALL.map(|entry| entry.kind);
    let Some(kind) = &table.value.kind else {
        if !table.has("kind") {
            let text = format!("this channel needs a `kind`; {}", similar::hint("", "kinds", &kinds));
            mistakes.add(table.at, text);
        }
        return None;
    };
    let entry = channels::find(&kind.value);
    if entry.is_none() {
        let hint = similar::hint(&kind.value, "kinds", &kinds);
        mistakes.add(kind.at, format!("there is no kind of channel `{}`; {hint}", shown(&kind.value)));
    }
    entry
}

/// Notes every key that the kind does not have, and every value of another type.
fn check_settings(channel: &WrittenChannel, kind: &Entry, mistakes: &mut Mistakes) {
    if channel.settings.is_empty() {
        return;
    }
    let schema = (kind.schema)().to_value();
    let fields = fields::of_schema(&schema);
    let known: Vec<&str> =
        ["name", "kind"].into_iter().chain(fields.iter().map(|field| field.name.as_str())).collect();
    for (key, value) in &channel.settings {
        match fields.iter().find(|field| field.name == key.value) {
            None => reading::unknown_key(
                key,
                &format!("of a [[channel]] of the kind {}", kind.kind),
                &known,
                mistakes,
            ),
            Some(field) if !fields::is_of_type(&value.value, &schema["properties"][&field.name]) => {
                mistakes.add(value.at, reading::takes(field));
            }
            Some(_) => {}
        }
    }
}
