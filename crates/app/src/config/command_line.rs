//! What does the command line say about sources and thresholds?
//!
//! Reads SOURCE and `--set` arguments; does not know how the command line as a whole is made up.

use std::ffi::OsString;
use std::path::PathBuf;

use lastgood_core::expectation::{Layer, Origin, Scope};
use lastgood_core::id::SourceId;

use super::names::Names;
use super::place::Written;
use super::source::takes_location;
use super::valid::{Wrong, shown, threshold};
use super::{Surroundings, similar};
use crate::secret::SecretFrom;
use crate::sources::{Entry, SourceConfig};

/// Why some kinds are no SOURCE.
const PUSHES: &str = "tells of its own accord, and only `lastgood serve` hears it; write it into the configuration file \
                      as a [[source]]";

/// Why others are none either.
const LOOKED_UP: &str = "is looked up in a directory, which only the configuration file can name; write it there as a \
                         [[source]], and give its name";

/// What a SOURCE argument is.
enum Argument<'a> {
    /// `kind:location`.
    Location(&'static Entry, &'a str),
    /// The name of a source of the file.
    Name(&'a str),
    /// Neither, with what to do.
    Wrong(String),
}

/// True if some SOURCE can only be the name of a source of a configuration file.
pub(super) fn needs_file(sources: &[String]) -> bool {
    sources.iter().any(|source| !source.contains(':'))
}

/// Finds the sources the arguments name, in their order; what is wrong is noted and left out.
///
/// `of_file` are the sources of the configuration file: they can be named, and their names are taken.
pub(super) fn sources(
    arguments: &[String],
    of_file: &[SourceConfig],
    surroundings: &Surroundings<'_>,
    mistakes: &mut Vec<String>,
) -> Vec<SourceConfig> {
    let mut names = Names::default();
    for source in of_file {
        names.take(source.id.as_str(), 0).ok();
    }
    let mut sources: Vec<SourceConfig> = Vec::new();
    for argument in arguments {
        match read(argument, surroundings.entries) {
            Argument::Wrong(text) => mistakes.push(text),
            Argument::Location(entry, location) if holds_password(location) => {
                let kind = entry.kind.id;
                mistakes.push(format!(
                    "SOURCE `{kind}:…` holds a password, which every process of this machine can read there; put the \
                     source into the configuration file, or the password where its program reads it"
                ));
            }
            Argument::Location(entry, location) => {
                let id = names.give(entry.kind.id, 0);
                let secret = secret(entry, surroundings, mistakes);
                sources.push(unnamed(id, entry, location, secret));
            }
            Argument::Name(name) if sources.iter().any(|source| source.id.as_str() == name) => {
                mistakes.push(format!("the source `{name}` is named twice; name it once"));
            }
            Argument::Name(name) => match of_file.iter().find(|source| source.id.as_str() == name) {
                Some(source) => sources.push(source.clone()),
                None => mistakes.push(unknown_name(name, of_file, surroundings.entries)),
            },
        }
    }
    sources
}

/// Tells what an argument is. A location is never repeated in a message: it could hold a secret.
fn read<'a>(argument: &'a str, entries: &[&'static Entry]) -> Argument<'a> {
    let Some((kind, location)) = argument.split_once(':') else {
        return Argument::Name(argument);
    };
    let Some(entry) = entries.iter().find(|entry| entry.kind.id == kind) else {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.kind.id).collect();
        let hint = similar::hint(kind, "kinds", &ids);
        let text = format!("SOURCE `{}:…` does not begin with a kind of source; {hint}", shown(kind));
        return Argument::Wrong(text);
    };
    if entry.pushes {
        return Argument::Wrong(format!("SOURCE `{kind}:…` {PUSHES}"));
    }
    if !takes_location(entry) {
        return Argument::Wrong(format!("SOURCE `{kind}:…` {LOOKED_UP}"));
    }
    if location.trim().is_empty() {
        let (expected, example) = (entry.location, entry.example);
        return Argument::Wrong(format!("SOURCE `{kind}:` lacks {expected}; write for example {example}"));
    }
    Argument::Location(entry, location)
}

fn unknown_name(name: &str, of_file: &[SourceConfig], entries: &[&'static Entry]) -> String {
    if let Some(entry) = entries.iter().find(|entry| entry.kind.id == name) {
        if entry.pushes {
            return format!("SOURCE `{name}` {PUSHES}");
        }
        if !takes_location(entry) {
            return format!("SOURCE `{name}` {LOOKED_UP}");
        }
        let (expected, example) = (entry.location, entry.example);
        return format!("SOURCE `{name}` lacks {expected}; write for example {example}");
    }
    let names: Vec<&str> = of_file.iter().map(|source| source.id.as_str()).collect();
    let hint = similar::hint(name, "configured sources", &names);
    if similar::nearest(name, names).is_some() {
        return format!("no source is called `{}`; {hint}", shown(name));
    }
    let example = entries.first().map_or("KIND:LOCATION", |entry| entry.example);
    format!(
        "no source is called `{}`; {hint}; one that is not configured is written like {example}",
        shown(name)
    )
}

/// True for a URL with `user:password@` before its host.
fn holds_password(location: &str) -> bool {
    let behind_scheme = location.split_once("://").map_or("", |(_, rest)| rest);
    let user = behind_scheme.rsplit_once('@').map_or("", |(user, _)| user);
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
}

fn unnamed(id: SourceId, entry: &'static Entry, location: &str, secret: Option<SecretFrom>) -> SourceConfig {
    SourceConfig { secret, ..SourceConfig::new(id, entry, location.to_owned(), entry.deadline) }
}

/// Finds where the secret of an unconfigured source is: in the variable of its kind, or in the file that the variable
/// with `_FILE` behind it names.
fn secret(
    entry: &'static Entry,
    surroundings: &Surroundings<'_>,
    mistakes: &mut Vec<String>,
) -> Option<SecretFrom> {
    let variable = entry.secret_variable?;
    let file_variable = format!("{variable}_FILE");
    let set = |name: &str| (surroundings.environment)(name).filter(|value: &OsString| !value.is_empty());
    match (set(variable), set(&file_variable)) {
        (None, None) => None,
        (Some(_), None) => Some(SecretFrom::Environment(variable.to_owned())),
        (None, Some(file)) => Some(SecretFrom::File(PathBuf::from(file))),
        (Some(_), Some(_)) => {
            let text = format!(
                "the environment variables {variable} and {file_variable} are both set; set one of them"
            );
            if !mistakes.contains(&text) {
                mistakes.push(text);
            }
            None
        }
    }
}

/// Reads the `--set THRESHOLD=VALUE` arguments as the topmost layer; a later one wins over an earlier one.
pub(super) fn layer(arguments: &[String], mistakes: &mut Vec<String>) -> Option<Layer> {
    let mut values = Vec::new();
    for argument in arguments {
        let Some((name, value)) = argument.split_once('=') else {
            mistakes.push(format!(
                "--set {} lacks `=`; write THRESHOLD=VALUE, such as local_after=26h",
                shown(argument)
            ));
            continue;
        };
        match threshold(name.trim(), &Written::Text(value.to_owned())) {
            Ok((name, value)) => values.push((name, value, Origin::CommandLine)),
            Err(Wrong::Name(text) | Wrong::Value(text)) => mistakes.push(format!("--set: {text}")),
        }
    }
    (!values.is_empty()).then_some(Layer { scope: Scope::Everything, values })
}
