//! `lastgood raw`: the document of a source as it came.

use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::looking::{Trouble, complain, runtime};
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;
use crate::sources::{RawError, SourceConfig};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The source: kind:location, or the name of one in the configuration file
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    copy(arguments).unwrap_or_else(|exit| exit).code()
}

fn copy(arguments: &Arguments) -> Result<Exit, Exit> {
    let sources = [arguments.source.clone()];
    let request = Request { sources: &sources, file: arguments.config.as_deref(), set: &[] };
    let config =
        config::load(&request, &Surroundings::real()).map_err(|error| complain(&error, Exit::Usage))?;
    let runtime = runtime().map_err(Trouble::say)?;
    let copied = config.sources.into_iter().try_for_each(|source| copy_one(source, &runtime));
    // A thread that waits for a pipe nobody writes to would keep the program from its end.
    runtime.shutdown_background();
    copied.map(|()| Exit::AllOk)
}

fn copy_one(source: SourceConfig, runtime: &Runtime) -> Result<(), Exit> {
    let opened = source.open().map_err(|error| complain(&error, Exit::Usage))?;
    let mut out = std::io::stdout();
    match runtime.block_on(opened.raw(&mut out)) {
        Ok(()) => Ok(()),
        Err(RawError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error @ RawError::Write(_)) => Err(complain(&error, Exit::OwnFailure)),
        Err(error @ RawError::Look(_)) => Err(complain(&error, Exit::SomethingUnknown)),
    }
}
