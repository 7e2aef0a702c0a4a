//! What is lastgood to look at, and what must be true of it?
//!
//! One way from text to domain types: `raw` says what may be written, `reading` reads it and goes on after a mistake,
//! `valid` judges what was read. Every mistake is told, with its place. The command line stands above the file.
//! It opens no source, reads no secret, and knows no command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastgood_core::checks::visibility;
use lastgood_core::expectation::{Layer, Origin, Scope};
use lastgood_core::time::Seconds;

use crate::channels::{self, ChannelConfig};
use crate::directory::Owner;
use crate::ldap::LdapDirectory;
use crate::sources::{self, Entry, SourceConfig};

mod bytes;
mod channel;
mod command_line;
mod directory;
mod example;
mod fields;
mod file;
mod mistake;
mod names;
mod owner;
mod ping;
mod place;
mod raw;
mod reading;
mod reference;
mod schema;
mod secret;
mod serve;
mod similar;
mod source;
mod valid;
mod value;

pub use file::{DEFAULT_FILE, MAX_BYTES, VARIABLE};
pub use mistake::{ConfigError, Mistake};
pub use owner::address;
pub use serve::Serve;

/// What to look at, and which thresholds are set; every value valid on its own.
#[derive(Default)]
pub struct Config {
    /// The sources, in the order of the file or of the command line.
    pub sources: Vec<SourceConfig>,
    /// The layers of thresholds that somebody set, lowest first: file, sources, overrides, command line.
    pub layers: Vec<Layer>,
    /// The channels, in the order of the file.
    pub channels: Vec<NamedChannel>,
    /// Who is to be told, in the order of the file.
    pub owners: Vec<Owner>,
    /// The directory that accounts and people stand in; the sources that use it hold the same one.
    pub directory: Option<Arc<LdapDirectory>>,
    /// What the daemon needs to know.
    pub serve: Serve,
    /// What the file says that is no mistake, but hardly meant: one line each, with its place where it has one.
    pub warnings: Vec<String>,
}

/// A channel as configured, with its kind.
#[derive(Clone, Debug)]
pub struct NamedChannel {
    /// Its kind, which opens it.
    pub kind: &'static channels::Entry,
    /// Its settings.
    pub config: ChannelConfig,
}

/// What the command line says about the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// SOURCE arguments: `kind:location`, or names of sources of the file. Empty: every source of the file.
    pub sources: &'a [String],
    /// `--config`.
    pub file: Option<&'a Path>,
    /// `--set THRESHOLD=VALUE` arguments.
    pub set: &'a [String],
}

/// What the configuration depends on besides the command line and the file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The kinds of sources there are.
    pub entries: &'a [&'static Entry],
    /// The environment variables.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The file that is used where none is named and it is there.
    pub default_file: &'a Path,
}

impl Surroundings<'static> {
    /// Returns what is really there: every kind of source, our environment, [`DEFAULT_FILE`].
    pub fn real() -> Self {
        let environment = &|name: &str| std::env::var_os(name);
        Self { entries: &sources::ALL, environment, default_file: Path::new(DEFAULT_FILE) }
    }
}

/// Finds out what to look at, and which thresholds are set.
///
/// 1. A file somebody named (`--config`, else `$LASTGOOD_CONFIG`) is always read: its thresholds and overrides hold,
///    whatever is looked at. Without one, [`DEFAULT_FILE`] is read if it is there, and only if a SOURCE needs it: none
///    is given, or one without a colon. So `kind:location` alone means the same on every machine. A file in the current
///    folder is never read: it could name programs to run, and the folder may be somebody else's.
/// 2. Without SOURCE every source of the file is looked at, else those that are named.
/// 3. `--set` stands above everything.
pub fn load(request: &Request<'_>, surroundings: &Surroundings<'_>) -> Result<Config, ConfigError> {
    let named = file::named(request.file, surroundings.environment);
    let default = surroundings.default_file;
    let wants_default = request.sources.is_empty() || command_line::needs_file(request.sources);
    let path = named.or_else(|| (wants_default && default.exists()).then(|| default.to_path_buf()));
    let mut config = match &path {
        Some(path) => Config::from_file(path, surroundings.entries)?,
        None => Config::default(),
    };
    let mut mistakes = Vec::new();
    if request.sources.is_empty() {
        named_by_file(&config, path.as_deref(), surroundings)?;
    } else {
        config.sources = command_line::sources(request.sources, &config.sources, surroundings, &mut mistakes);
    }
    config.layers.extend(command_line::layer(request.set, &mut mistakes));
    if mistakes.is_empty() { Ok(config) } else { Err(ConfigError::CommandLine { mistakes }) }
}

/// Finds out which thresholds are set where the sources come from somewhere else, lowest first: those of a file somebody
/// named (`--config`, else `$LASTGOOD_CONFIG`), whose own sources count for nothing here, and `--set` above them.
pub fn load_thresholds(
    request: &Request<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = match file::named(request.file, surroundings.environment) {
        Some(path) => Config::from_file(&path, surroundings.entries)?.layers,
        None => Vec::new(),
    };
    let mut mistakes = Vec::new();
    layers.extend(command_line::layer(request.set, &mut mistakes));
    if mistakes.is_empty() { Ok(layers) } else { Err(ConfigError::CommandLine { mistakes }) }
}

/// Reads the file of `lastgood serve`: the one somebody named (`--config`, else `$LASTGOOD_CONFIG`), else the default.
///
/// Returns its path, its text and what it says [for the daemon](Config::for_daemon): a thread of its own can read the same
/// text again, since layers stay with the thread that made them. SOURCE arguments and `--set` are refused: what holds for
/// months stands in the file.
pub fn serve_file(
    request: &Request<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<(PathBuf, String, Config), ConfigError> {
    if !request.sources.is_empty() || !request.set.is_empty() {
        let text = "`lastgood serve` takes neither SOURCE nor --set; write them into the configuration file";
        return Err(ConfigError::CommandLine { mistakes: vec![text.to_owned()] });
    }
    let path = file::named(request.file, surroundings.environment);
    let path = path.unwrap_or_else(|| surroundings.default_file.to_path_buf());
    let text = file::read(&path)?;
    let config = Config::from_text(&path, &text, surroundings.entries)?.for_daemon();
    named_by_file(&config, Some(&path), surroundings)?;
    Ok((path, text, config))
}

/// Makes sure that the file names a source where the command line names none.
fn named_by_file(
    config: &Config,
    path: Option<&Path>,
    surroundings: &Surroundings<'_>,
) -> Result<(), ConfigError> {
    if !config.sources.is_empty() {
        return Ok(());
    }
    let why = match path {
        Some(path) => format!("{} has no [[source]]", path.display()),
        None => format!("no SOURCE is given, and there is no {}", surroundings.default_file.display()),
    };
    let example = surroundings.entries.first().map_or("KIND:LOCATION", |entry| entry.example);
    Err(ConfigError::NoSource { why, example: example.to_owned() })
}

impl Config {
    /// Reads a file. A file without a source is valid.
    pub fn from_file(path: &Path, entries: &[&'static Entry]) -> Result<Self, ConfigError> {
        Self::from_text(path, &file::read(path)?, entries)
    }

    /// Reads the text of a file; `path` serves messages and relative paths and is not opened.
    pub fn from_text(path: &Path, text: &str, entries: &[&'static Entry]) -> Result<Self, ConfigError> {
        let lines = place::Lines::new(text);
        let mut mistakes = mistake::Mistakes::default();
        let written = reading::read(text, &mut mistakes);
        let document = valid::Document { entries, path, lines: &lines };
        let config = valid::config(&written, &document, &mut mistakes);
        mistakes.check(&path.display().to_string(), &lines)?;
        Ok(config)
    }

    /// Adds what only the daemon expects, below everything that somebody set: a source that is looked at, or that is
    /// expected to push, is blind once that did not happen for three times its interval.
    #[must_use]
    pub fn for_daemon(mut self) -> Self {
        let mut layers: Vec<Layer> = self.sources.iter().filter_map(blind_layer).collect();
        layers.append(&mut self.layers);
        Self { layers, ..self }
    }
}

/// So many intervals without a complete look make blindness bad.
const BLIND_INTERVALS: u32 = 3;

/// `None` where nothing is expected of a source that pushes.
fn blind_layer(source: &SourceConfig) -> Option<Layer> {
    let interval = if source.entry.pushes { source.pushed_every? } else { source.interval };
    let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    let value = seconds.saturating_mul(BLIND_INTERVALS);
    let origin =
        Origin::Source(format!("{BLIND_INTERVALS} times its interval of {}", Seconds(seconds)).into());
    let values = vec![(visibility::BLIND_AFTER.name, Some(value), origin)];
    Some(Layer { scope: Scope::Source(source.id.clone()), values })
}

/// Returns a complete configuration file with every key and what it means; it loads as it stands.
pub fn example() -> String {
    example_of(&sources::ALL)
}

/// Returns the [`example`] for the given kinds of sources.
pub fn example_of(entries: &[&'static Entry]) -> String {
    example::render(entries)
}

/// Returns the JSON Schema of the configuration file, for editors and other programs that read or write it.
pub fn schema() -> serde_json::Value {
    schema::render(&sources::ALL)
}

/// Returns the reference of the configuration file, `docs/config.md`.
pub fn reference() -> String {
    reference::render(&sources::ALL)
}
