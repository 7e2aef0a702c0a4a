//! Is what the file says valid, and what does it come to?
//!
//! Turns the raw structs into domain types and notes every mistake on the way. It reads no file and opens no source.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use lastgood_core::checks;
use lastgood_core::expectation::{Layer, Origin, Scope};
use lastgood_core::id::SourceId;

use super::mistake::Mistakes;
use super::names::{Names, Refused};
use super::ping::Hashes;
use super::place::{Lines, Placed, Written};
use super::raw::{self, RawOverride, RawThresholds};
use super::reading::{Table, WrittenFile, WrittenSource};
use super::source::{self, Directories, Named};
use super::{Config, channel, directory, owner, serve, similar};
use crate::directory::Pattern;
use crate::sources::Entry;

/// The file that is being read: what messages and relative paths need to know about it.
pub(super) struct Document<'a> {
    /// The kinds of sources there are.
    pub(super) entries: &'a [&'static Entry],
    /// The file.
    pub(super) path: &'a Path,
    /// Its lines.
    pub(super) lines: &'a Lines<'a>,
}

impl Document<'_> {
    /// Returns the place of a setting as its origin shows it.
    pub(super) fn place(&self, at: usize) -> Rc<str> {
        format!("{}:{}", self.path.display(), self.lines.line(at)).into()
    }

    /// Resolves a path against the folder of the file.
    pub(super) fn beside_file(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// Turns a file into domain types; what is wrong is noted and left out.
///
/// 1. Names first, so that every message can name its source, and a double name is found.
/// 2. The directory, which sources refer to.
/// 3. Sources, each with its own thresholds as a layer above those of the file.
/// 4. Overrides in their order, above all of those.
/// 5. Channels, and owners, who name channels.
pub(super) fn config(file: &WrittenFile, document: &Document<'_>, mistakes: &mut Mistakes) -> Config {
    let names = names(&file.sources, document, mistakes);
    let ids = names.clone();
    let mut config = Config::default();
    push_layer(&mut config, Scope::Everything, set(&file.thresholds, document, Origin::Config, mistakes));
    let ldap = file.ldap.as_ref();
    let directory = ldap.and_then(|table| directory::ldap(table, &file.channels, document, mistakes));
    let directories = Directories { is_written: ldap.is_some(), ldap: directory.as_ref() };
    let mut hashes = Hashes::new();
    for (written, id) in file.sources.iter().zip(names) {
        let values = set(&written.table.value.thresholds, document, Origin::Source, mistakes);
        push_layer(&mut config, Scope::Source(id.clone()), values);
        config.sources.extend(source::source(
            Named { id, written, directories },
            &mut hashes,
            document,
            mistakes,
        ));
    }
    for table in &file.overrides {
        config.warnings.extend(subject_without_source(table, &ids, document));
        let values = set(&table.value.thresholds, document, Origin::Override, mistakes);
        if let Some(scope) = scope(table, mistakes) {
            push_layer(&mut config, scope, values);
        }
    }
    config.directory = directory;
    config.channels = channel::channels(&file.channels, document, mistakes);
    let known = channel::names(&file.channels);
    for table in &file.owners {
        config.owners.extend(owner::owner(table, &known, document, mistakes));
    }
    let mails = channel::mails(&config.channels);
    config.owners.iter_mut().for_each(|owner| owner::spell_mailboxes(owner, &mails));
    config.serve = serve::serve(&file.serve, document, mistakes);
    config.serve.watchdog_url = serve::watchdog_url(&file.watchdog, mistakes);
    let is_to_tell = !file.serve.keys.is_empty() || !file.channels.is_empty();
    if is_to_tell && file.owners.is_empty() && file.ldap.is_none() {
        let text =
            format!("{}: nobody is told of anything: the file has no [[owner]]", document.path.display());
        config.warnings.push(text);
    }
    config
}

fn push_layer(config: &mut Config, scope: Scope, values: Vec<(&'static str, Option<u32>, Origin)>) {
    if !values.is_empty() {
        config.layers.push(Layer { scope, values });
    }
}

/// Names every source: first those that have a name, then the others by their kind. Where a name is a mistake the
/// source gets another one, only to go on.
fn names(sources: &[WrittenSource], document: &Document<'_>, mistakes: &mut Mistakes) -> Vec<SourceId> {
    let mut names = Names::default();
    let mut ids: Vec<Option<SourceId>> = Vec::new();
    for source in sources {
        let written = source.table.value.name.as_ref();
        ids.push(written.and_then(|written| take(&mut names, written, document, mistakes)));
    }
    let given = ids.into_iter().zip(sources).map(|(id, WrittenSource { table, .. })| {
        // A name that another one has is still what messages call it.
        let written = table.value.name.as_ref().and_then(|name| SourceId::new(&name.value).ok());
        let id = id.or(written);
        let kind = table.value.kind.as_ref().map_or("", |kind| kind.value.as_str());
        id.unwrap_or_else(|| names.give(kind, table.at))
    });
    given.collect()
}

fn take(
    names: &mut Names,
    written: &Placed<String>,
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Option<SourceId> {
    match names.take(&written.value, written.at) {
        Ok(id) => return Some(id),
        Err(Refused::Invalid(error)) => mistakes.add(written.at, format!("{error}; write another name")),
        Err(Refused::Taken(first)) => {
            let (name, line) = (&written.value, document.lines.line(first));
            let text =
                format!("the name `{name}` is that of the source in line {line}, too; give each its own");
            mistakes.add(written.at, text);
        }
        Err(Refused::Reserved) => {
            let name = &written.value;
            let text =
                format!("the name `{name}` is that of lastgood itself among the sources; write another name");
            mistakes.add(written.at, text);
        }
    }
    None
}

/// Reads thresholds; the message of each mistake comes from the threshold itself.
fn set(
    thresholds: &RawThresholds,
    document: &Document<'_>,
    origin: fn(Rc<str>) -> Origin,
    mistakes: &mut Mistakes,
) -> Vec<(&'static str, Option<u32>, Origin)> {
    let mut values = Vec::new();
    for (name, value) in &thresholds.0 {
        match threshold(&name.value, &value.value) {
            Ok((name_known, parsed)) => values.push((name_known, parsed, origin(document.place(name.at)))),
            Err(Wrong::Name(text)) => mistakes.add(name.at, text),
            Err(Wrong::Value(text)) => mistakes.add(value.at, text),
        }
    }
    values
}

/// What is wrong with a threshold.
pub(super) enum Wrong {
    /// There is none of that name.
    Name(String),
    /// It takes other values.
    Value(String),
}

/// Reads one threshold.
pub(super) fn threshold(name: &str, value: &Written) -> Result<(&'static str, Option<u32>), Wrong> {
    let Some(threshold) = checks::find_threshold(name) else {
        let known: Vec<&str> = raw::thresholds().map(|threshold| threshold.name).collect();
        let hint = similar::hint(name, "thresholds", &known);
        return Err(Wrong::Name(format!("there is no threshold `{}`; {hint}", shown(name))));
    };
    let Written::Text(text) = value else {
        let example = threshold.show(threshold.default);
        return Err(Wrong::Value(format!(
            "{name} takes a text or a number; write for example {name} = \"{example}\""
        )));
    };
    let value = threshold.parse(text).map_err(|error| Wrong::Value(error.to_string()))?;
    Ok((threshold.name, value))
}

/// Returns text of the file as messages show it: escaped and cut.
pub(super) fn shown(text: &str) -> String {
    lastgood_core::id::Escaped(text).to_string().chars().take(80).collect()
}

/// Reads the pattern of an override; `None` where the override is a mistake.
fn scope(table: &Table<RawOverride>, mistakes: &mut Mistakes) -> Option<Scope> {
    let is_unreadable = table.has_unreadable("thresholds");
    if table.value.thresholds.0.is_empty() && !is_unreadable {
        let text = "this override sets nothing; add thresholds = { … } with at least one, or remove it";
        mistakes.add(table.at, text);
    }
    let Some(subject) = &table.value.subject else {
        if !table.has("subject") {
            mistakes.add(table.at, "this override needs a `subject`; write for example subject = \"acme/*\"");
        }
        return None;
    };
    pattern(subject, mistakes)
}

/// Warns of a pattern for a source that the file does not have. Sources of the command line are called by their kinds.
fn subject_without_source(
    table: &Table<RawOverride>,
    ids: &[SourceId],
    document: &Document<'_>,
) -> Option<String> {
    let subject = table.value.subject.as_ref()?;
    let beginning = Pattern::new(&subject.value).ok()?.beginning();
    let source = match beginning.split_once('/') {
        Some((source, _)) => source,
        None if beginning == subject.value => &beginning,
        None => return None,
    };
    let is_kind = |entry: &&&Entry| source.starts_with(entry.kind.id);
    if ids.iter().any(|id| id.as_str() == source) || document.entries.iter().find(is_kind).is_some() {
        return None;
    }
    let (place, source) = (document.place(subject.at), shown(source));
    Some(format!("{place}: this override is for nothing: there is no source `{source}` in this file"))
}

fn pattern(subject: &Placed<String>, mistakes: &mut Mistakes) -> Option<Scope> {
    match Pattern::new(&subject.value) {
        Ok(pattern) => Some(Scope::Pattern(Box::new(move |path| pattern.matches(path)))),
        Err(error) => {
            mistakes.add(subject.at, format!("`subject`: {error}"));
            None
        }
    }
}
