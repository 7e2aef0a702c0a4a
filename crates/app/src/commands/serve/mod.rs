//! `lastgood serve`: watches for months, remembers, and tells the right people.

use std::path::PathBuf;
use std::time::Duration;

use self::daemon::Daemon;
use self::signals::Signals;
use super::looking::{Trouble, complain, runtime};
use crate::causes::said;
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;

mod built;
mod daemon;
mod numbers;
mod signals;
#[cfg(feature = "demo")]
mod watching;

#[cfg(feature = "demo")]
pub(super) use self::watching::Watching;

/// How long the runtime is waited for at the end, after everything else ended.
const LAST_END: Duration = Duration::from_millis(500);

pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood config check --config lastgood.toml    first: is everything right?
  lastgood serve --config lastgood.toml           then: watch, until SIGTERM or Ctrl-C
  kill -HUP $PID                                  read the configuration again; a wrong one changes nothing

While it runs: http://127.0.0.1:8470/ shows the fleet, /metrics is for Prometheus, /healthz for whoever looks after it.
Beside it: lastgood incidents, lastgood silence, lastgood db backup, lastgood notify --dry-run.

It ends with 0 after a signal, 3 where the configuration is wrong, 4 where it could not start or go on.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    serve(arguments).unwrap_or_else(|exit| exit).code()
}

fn serve(arguments: &Arguments) -> Result<Exit, Exit> {
    let read = read(arguments).map_err(Trouble::say)?;
    let runtime = runtime().map_err(Trouble::say)?;
    let ended = runtime.block_on(async {
        let signals = Signals::listen();
        let daemon = Daemon::start(read).await.map_err(|error| complain(&error, error.exit()))?;
        Ok(signals::until_the_end(daemon, signals, || read_again(arguments)).await)
    });
    // Looks that were dropped end the programs they run; a thread that hangs in a file is not waited for any longer.
    runtime.shutdown_timeout(LAST_END);
    ended
}

/// A configuration as it was read: where, its text, what it says.
type Read = (PathBuf, String, config::Config);

fn read(arguments: &Arguments) -> Result<Read, Trouble> {
    let request = Request { file: arguments.config.as_deref(), ..Request::default() };
    config::serve_file(&request, &Surroundings::real()).map_err(|error| Trouble::new(&error, Exit::Usage))
}

/// The same, for a daemon that goes on with the old one where the new one is wrong.
fn read_again(arguments: &Arguments) -> Result<Read, String> {
    let request = Request { file: arguments.config.as_deref(), ..Request::default() };
    config::serve_file(&request, &Surroundings::real()).map_err(|error| said(&error))
}
