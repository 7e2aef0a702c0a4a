//! What do all commands that look and judge have in common? Their arguments, and the way to a fleet that was seen.

use std::error::Error;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::config::{self, Config, Request, Surroundings};
use crate::exit::Exit;
use crate::pipeline::{self, Seen};
use crate::sources::Keep;

/// What to look at, and how to judge it.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Looking {
    /// What to look at: kind:location (datto-xml:FILE-or-URL, datto-rest:URL, restic:REPOSITORY, borg:REPOSITORY), or
    /// the name of a source in the configuration file [default: every source of that file]
    #[arg(value_name = "SOURCE")]
    pub(super) sources: Vec<String>,
    /// The configuration file [default: $LASTGOOD_CONFIG, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Judge at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Timestamp>,
    /// Set a threshold for everything, such as local_after=48h or behind quota_level=90; see docs/checks.md
    #[arg(long, value_name = "THRESHOLD=VALUE")]
    pub(super) set: Vec<String>,
}

impl Looking {
    /// Finds out what to look at.
    pub(super) fn load(&self) -> Result<Config, Exit> {
        let request = Request { sources: &self.sources, file: self.config.as_deref(), set: &self.set };
        config::load(&request, &Surroundings::real()).map_err(|error| complain(&error, Exit::Usage))
    }

    /// Looks at everything.
    pub(super) fn see(&self, keep: Keep) -> Result<Seen, Exit> {
        let config = self.load()?;
        let runtime = runtime()?;
        let seen = runtime.block_on(pipeline::see(config, self.at, keep));
        // A look that was given up may still hold a thread; it does not hold the answer.
        runtime.shutdown_background();
        seen.map_err(|error| complain(&error, Exit::Usage))
    }
}

/// Starts what runs the looks.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| complain(&error, Exit::OwnFailure))
}

/// Says an error with its causes on standard error.
pub(super) fn complain(error: &dyn Error, exit: Exit) -> Exit {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    anstream::eprintln!("{red}error:{red:#} {text}", red = anstyle::AnsiColor::Red.on_default().bold());
    exit
}
