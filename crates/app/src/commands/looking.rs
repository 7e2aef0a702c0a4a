//! What do all commands that look and judge have in common? Their arguments, and the way to a fleet that was seen.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use super::output::print;
use crate::causes::said;
use crate::config::{self, Config, Request, Surroundings};
use crate::directory::who::Directories;
use crate::exit::Exit;
use crate::pipeline::{self, Seen};
use crate::report::Format;
use crate::sources::Keep;
use crate::watch::directories_of;

/// What to look at, and how to judge it.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Looking {
    /// What to look at: kind:location (datto-xml:FILE-or-URL, datto-rest:URL, restic:REPOSITORY, borg:REPOSITORY), or
    /// the name of a source in the configuration file, the only way to one of the kind stoney [default: every source of
    /// that file]
    #[arg(value_name = "SOURCE")]
    pub(super) sources: Vec<String>,
    /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Judge at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) at: Option<Timestamp>,
    /// Set a threshold for everything, such as `local_after=48h` or `quota_level=90`; see docs/checks.md
    #[arg(long, value_name = "THRESHOLD=VALUE")]
    pub(super) set: Vec<String>,
}

impl Looking {
    /// Finds out what to look at.
    pub(super) fn load(&self) -> Result<Config, Trouble> {
        let request = Request { sources: &self.sources, file: self.config.as_deref(), set: &self.set };
        config::load(&request, &Surroundings::real()).map_err(|error| Trouble::new(&error, Exit::Usage))
    }

    /// Looks at everything.
    pub(super) fn see(&self, keep: Keep) -> Result<&'static Seen, Trouble> {
        self.look(self.load()?, keep)
    }

    /// Looks at everything, for a command that also asks who would be told.
    pub(super) fn see_with_directories(&self, keep: Keep) -> Result<(&'static Seen, Directories), Trouble> {
        let config = self.load()?;
        let directories = directories_of(&config);
        Ok((self.look(config, keep)?, directories))
    }

    fn look(&self, config: Config, keep: Keep) -> Result<&'static Seen, Trouble> {
        let runtime = runtime()?;
        let seen = runtime.block_on(pipeline::see(config, self.at, keep));
        // A look that was given up may still hold a thread; it does not hold the answer.
        runtime.shutdown_background();
        // The answer is the last thing this program does: the fleet is not taken apart piece by piece after it.
        let kept = |seen| &*Box::leak(Box::new(seen));
        seen.map(kept).map_err(|error| Trouble::new(&error, Exit::Usage))
    }
}

/// Reads an instant, and says how one is written where it is none.
pub(super) fn instant(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| {
        let is_written_well = jiff::fmt::temporal::Pieces::parse(text)
            .is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some());
        if is_written_well {
            "the calendar ends at 9999-12-30T22:00:00Z, and begins at -009999-01-02T01:59:59Z"
        } else {
            "write date, time and offset from UTC, such as 2026-03-02T12:00:00Z"
        }
    })
}

/// Starts what runs the looks.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Trouble::new(&error, Exit::OwnFailure))
}

/// Why there is no answer, and how the program ends.
pub(super) struct Trouble {
    text: String,
    exit: Exit,
}

impl Trouble {
    /// Puts an error and its causes into words.
    pub(super) fn new(error: &dyn Error, exit: Exit) -> Self {
        Self { text: said(error), exit }
    }

    /// Says it on standard error.
    pub(super) fn say(self) -> Exit {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        // Nothing can be done where even this cannot be written.
        let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {}", self.text);
        self.exit
    }

    /// Says it on standard error, and on standard output too where a monitor reads only that.
    pub(super) fn say_as(self, format: Format) -> Exit {
        match format {
            Format::Nagios => {
                // The state stands in one line, which a `|` would end.
                let line = self.text.replace('\n', "; ").replace('|', "¦");
                let line = lastgood_core::id::Escaped(&line).to_string();
                let said = print(false, |out| writeln!(out, "LASTGOOD UNKNOWN - {line}"));
                said.err().unwrap_or_else(|| self.say())
            }
            Format::Table | Format::Json | Format::Csv | Format::Prometheus => self.say(),
        }
    }
}

/// Says on standard error what is no mistake, but hardly meant.
pub(super) fn warn(text: &str) {
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    // Nothing can be done where even this cannot be written.
    let _ = writeln!(anstream::stderr(), "{yellow}warning:{yellow:#} {text}");
}

/// Says an error with its causes on standard error.
pub(super) fn complain(error: &dyn Error, exit: Exit) -> Exit {
    Trouble::new(error, exit).say()
}
