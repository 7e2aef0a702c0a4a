//! `lastgood config`: is the configuration right, and how is one written?

use std::path::PathBuf;

use super::looking::{Looking, Trouble, complain, warn};
use super::output::print;
use crate::config;
use crate::exit::Exit;
use crate::ldap::Ldap;
use crate::letter::Writer;
use crate::links::Links;
use crate::sources::{self, SourceConfig};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Read the configuration and say everything that is wrong with it; opens every source and channel, looks at none and
    /// sends nothing
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
    let counts = [(config.sources.len(), "source"), (config.channels.len(), "channel")];
    let opened = config.directory.as_ref().map(|directory| Ldap::open(directory.ldap.clone()));
    let is_directory_wrong = matches!(opened, Some(Err(_)));
    if let Some(Err(error)) = opened {
        failed = Some(complain(&error, Exit::Usage));
    }
    if let Err(error) = sources::push::check_tokens(&config.sources) {
        failed = Some(complain(&error, Exit::Usage));
    }
    // Sources open their directory, too: what is wrong with it is said once.
    let is_told = |source: &SourceConfig| source.directory.is_some() && is_directory_wrong;
    for source in config.sources.into_iter().filter(|source| !is_told(source)) {
        if let Err(error) = source.open() {
            failed = Some(complain(&error, Exit::Usage));
        }
    }
    for channel in config.channels {
        let open = channel.kind.open;
        if let Err(error) = open(channel.config) {
            failed = Some(complain(&error, Exit::Usage));
        }
    }
    let templates = config.directory.as_ref().and_then(|directory| directory.templates.as_deref());
    if let Some(folder) = templates
        && let Err(error) = Writer::new(None).with_templates(folder)
    {
        failed = Some(complain(&error, Exit::Usage));
    }
    if let (Some(url), Some(file)) = (&config.serve.public_url, &config.serve.link_key_file)
        && let Err(error) = Links::from_file(url, file)
    {
        failed = Some(complain(&error, Exit::Usage));
    }
    for warning in config.warnings.into_iter().chain(crate::secret::exposed_files()) {
        warn(&warning);
    }
    if let Some(exit) = failed {
        return Err(exit);
    }
    let counted = counts.into_iter().filter(|(count, _)| *count > 0);
    let shown = counted.map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
    let shown = shown.collect::<Vec<_>>().join(", ");
    print(false, |out| writeln!(out, "the configuration is valid: {shown}"))
}
