//! What do the commands that work beside a daemon have in common? The way to its database, and who speaks.

use std::path::{Path, PathBuf};

use lastgood_core::id::Escaped;

use super::looking::{Trouble, complain};
use crate::config::{self, Config, Serve};
use crate::exit::Exit;
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Store, StoreError};

/// The longest name of somebody, in characters.
const BY_MAX: usize = 100;

/// The longest reason, in characters: it is meant to be read in a line of a table.
const REASON_MAX: usize = 500;

/// Which database.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The configuration file of the daemon [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The database, instead of the one the configuration names
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "config")]
    database: Option<PathBuf>,
}

/// Why the database is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no database {}: `lastgood serve` makes it when it is first started; if it keeps another one, name that with \
     --database, or its configuration with --config",
    Escaped(&.0.to_string_lossy())
)]
struct NotThere(PathBuf);

impl Place {
    /// Opens the database beside the daemon that has it.
    pub(super) async fn open(&self) -> Result<Sqlite, Exit> {
        let path = self.path()?;
        if std::fs::metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(complain(&NotThere(path), Exit::Usage));
        }
        let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
        let options = Options { beside: true, ..Options::new(path, find_kind) };
        Sqlite::open(options).await.map_err(failed)
    }

    fn path(&self) -> Result<PathBuf, Exit> {
        if let Some(database) = &self.database {
            return Ok(database.clone());
        }
        let variable =
            || std::env::var_os(config::VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let default = || Some(PathBuf::from(config::DEFAULT_FILE)).filter(|file| file.exists());
        let Some(file) = self.config.clone().or_else(variable).or_else(default) else {
            return Ok(PathBuf::from(Serve::DATABASE));
        };
        let read = Config::from_file(Path::new(&file), &sources::ALL);
        read.map(|config| config.serve.database).map_err(|error| complain(&error, Exit::Usage))
    }
}

/// Asks the database, closes it, and says what went wrong.
pub(super) async fn ask<T>(
    place: &Place,
    question: impl AsyncFnOnce(&Sqlite) -> Result<T, Exit>,
) -> Result<T, Exit> {
    let store = place.open().await?;
    let answer = question(&store).await;
    let closed = store.close().await.map_err(failed);
    let answer = answer?;
    closed?;
    Ok(answer)
}

/// Says that the database did not answer. What is not there was named by whoever wrote the command line.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
pub(super) fn failed(error: StoreError) -> Exit {
    let is_mistake = matches!(error, StoreError::NotThere { .. });
    complain(&error, if is_mistake { Exit::Usage } else { Exit::OwnFailure })
}

/// What is wrong with what somebody said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Mistake(pub(super) String);

impl Mistake {
    /// Says it; the command line is wrong.
    pub(super) fn say(self) -> Exit {
        Trouble::new(&self, Exit::Usage).say()
    }
}

/// Who speaks: whom the command line names, else whoever is signed in, behind sudo too.
pub(super) fn who(by: Option<&str>) -> Result<String, Exit> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let named = by.map(str::to_owned).or_else(|| variable("SUDO_USER")).or_else(|| variable("USER"));
    let named =
        named.ok_or_else(|| Mistake("who says so is not known: name them with --by".to_owned()).say())?;
    text(&named, "--by", BY_MAX)
}

/// A reason, in one line.
pub(super) fn reason(text: &str) -> Result<String, Exit> {
    self::text(text, "--reason", REASON_MAX)
}

fn text(text: &str, option: &str, characters_max: usize) -> Result<String, Exit> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Mistake(format!("{option} is empty: others will read it and want to know")).say());
    }
    if text.chars().count() > characters_max {
        return Err(
            Mistake(format!("{option} is longer than {characters_max} characters: make it shorter")).say()
        );
    }
    Ok(text.to_owned())
}
