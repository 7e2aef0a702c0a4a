//! What is wrong with the settings of a channel?
//!
//! Reads a table key by key, so that all mistakes are told at once; knows what a deadline, a secret and a file are, and
//! no channel. Messages never hold a value that could be a secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastgood_core::time::Seconds;
use serde::de::DeserializeOwned;

use crate::secret::{Secret, SecretFrom};

/// The longest deadline: whoever waits longer waits for nobody.
const DEADLINE_MAX: Duration = Duration::from_mins(10);

/// The largest file of certificates, in bytes.
const CA_FILE_MAX_BYTES: u64 = 1024 * 1024;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key it is about, which may be missing from the table.
    pub key: String,
    /// What is wrong and what to do; one line.
    pub text: String,
}

/// Why a channel could not be opened: every mistake in its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// The name of the channel.
    pub channel: String,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Mistake { key, text }) in self.mistakes.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}channel {}: `{key}`: {text}", self.channel)?;
        }
        Ok(())
    }
}

impl std::error::Error for OpenError {}

/// Collects the mistakes of one channel.
#[derive(Debug)]
pub(super) struct Mistakes {
    channel: String,
    folder: PathBuf,
    found: Vec<Mistake>,
}

impl Mistakes {
    /// Reads a table; what cannot be read is noted and left out.
    pub(super) fn reading<R: DeserializeOwned>(config: super::ChannelConfig) -> (R, Self) {
        let mut mistakes = Self { channel: config.name, folder: config.folder, found: Vec::new() };
        let mut readable = toml::Table::new();
        for (key, value) in config.settings {
            let alone: toml::Table = std::iter::once((key.clone(), value.clone())).collect();
            match alone.try_into::<R>() {
                Ok(_) => {
                    readable.insert(key, value);
                }
                // Nothing of the value: it could be a secret under a key that was misspelt.
                Err(error) => mistakes.add(&key, first_words(error.message())),
            }
        }
        let raw = readable.try_into().expect("each key was read on its own, and every one is optional");
        (raw, mistakes)
    }

    /// Notes a mistake.
    pub(super) fn add(&mut self, key: &str, text: impl Into<String>) {
        self.found.push(Mistake { key: key.to_owned(), text: text.into() });
    }

    /// Returns a value that must be there; notes it where it is not, unless it could not be read.
    pub(super) fn required<T>(&mut self, key: &str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() && !self.found.iter().any(|mistake| mistake.key == key) {
            self.add(key, format!("is required, such as {example}"));
        }
        value
    }

    /// Reads a deadline: whole seconds, from 1 s to 10 min.
    pub(super) fn deadline(&mut self, written: Option<String>, default: Duration) -> Duration {
        let Some(written) = written else { return default };
        match written.parse::<Seconds>() {
            Ok(Seconds(seconds)) if (1..=DEADLINE_MAX.as_secs()).contains(&u64::from(seconds)) => {
                Duration::from_secs(seconds.into())
            }
            _ => {
                self.add("deadline", "is no length of time from 1s to 10min; write such as 30s");
                default
            }
        }
    }

    /// Reads a secret from where `KEY_file` or `KEY_env` say; `None` where neither is set.
    pub(super) fn secret(&mut self, key: &str, file: Option<PathBuf>, env: Option<String>) -> Option<Secret> {
        let (from, key) = match (file, env) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.add(
                    &format!("{key}_file"),
                    format!("cannot stand together with `{key}_env`; remove one"),
                );
                return None;
            }
            (Some(file), None) => (SecretFrom::File(self.folder.join(file)), format!("{key}_file")),
            (None, Some(variable)) => (SecretFrom::Environment(variable), format!("{key}_env")),
        };
        match from.read() {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.add(&key, error.to_string());
                None
            }
        }
    }

    /// Reads a file of certificates in PEM.
    pub(super) fn certificates(&mut self, file: Option<&Path>) -> Option<Vec<u8>> {
        let path = self.folder.join(file?);
        let is_small =
            path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= CA_FILE_MAX_BYTES);
        let text = if is_small { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        if String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
            return Some(text);
        }
        self.add(
            "ca_file",
            "names no readable file of certificates in PEM; give its path and let this user read it",
        );
        None
    }

    /// Ends the reading: the value, if nothing is wrong.
    pub(super) fn check<T>(mut self, value: Option<T>) -> Result<T, OpenError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                self.found.sort_by(|one, other| one.key.cmp(&other.key));
                Err(OpenError { channel: self.channel, mistakes: self.found })
            }
        }
    }
}

/// What serde says of a key, without the value it repeats.
fn first_words(message: &str) -> String {
    match message.split_once(", expected ") {
        Some((unknown, expected)) if unknown.starts_with("unknown field") => {
            format!("there is no such key; the keys are {}", expected.trim_start_matches("one of "))
        }
        Some((_, expected)) => {
            let expected = expected.replace("u16", "a whole number up to 65535");
            format!("has the wrong type or value; it takes {expected}")
        }
        None => "has the wrong type or value".to_owned(),
    }
}
