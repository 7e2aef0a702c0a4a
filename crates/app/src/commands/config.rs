//! `lastgood config`: is the configuration right, and how is one written?

use std::path::PathBuf;

use super::looking::{Looking, Trouble, complain};
use super::output::print;
use crate::config;
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Read the configuration and say everything that is wrong with it; opens every source, looks at none
    Check {
        /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print a complete configuration file with every key explained
    Example,
    /// Print the JSON Schema of the configuration file
    Schema,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let done = match &arguments.what {
        What::Check { config } => check(config.clone()),
        What::Example => print(false, |out| out.write_all(config::example().as_bytes())),
        What::Schema => print(false, |out| {
            serde_json::to_writer_pretty(&mut *out, &config::schema())?;
            writeln!(out)
        }),
    };
    done.map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

fn check(file: Option<PathBuf>) -> Result<(), Exit> {
    let looking = Looking { config: file, ..Looking::default() };
    let config = looking.load().map_err(Trouble::say)?;
    let mut failed = None;
    let count = config.sources.len();
    for source in config.sources {
        let open = source.entry.open;
        if let Err(error) = open(source) {
            failed = Some(complain(&error, Exit::Usage));
        }
    }
    if let Some(exit) = failed {
        return Err(exit);
    }
    let noun = if count == 1 { "source" } else { "sources" };
    print(false, |out| writeln!(out, "the configuration is valid: {count} {noun}"))
}
