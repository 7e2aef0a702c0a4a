//! `lastgood demo`: a simulated fleet on this machine, watched like a real one.
//!
//! The outside world is simulated, lastgood is not: the daemon of `lastgood serve` reads a configuration file, looks over
//! HTTP, remembers in a database and sends mails over SMTP. Everything lies in a folder that is gone afterwards.

use std::path::Path;

use jiff::Timestamp;
use lastgood_core::judge::judge;
use lastgood_simulator::Portal;

use super::looking::{complain, instant};
use super::output::print;
use crate::clock;
use crate::config::{self, Request, Surroundings};
use crate::directory::who::Directories;
use crate::exit::Exit;
use crate::pipeline::{self, Seen};
use crate::report::{self, Format, Only};
use crate::sources::Keep;
use crate::watch::directories_of;

mod accounts;
mod configuration;
mod ending;
mod fleet;
mod folder;
mod grafolean;
mod hoster;
mod narrator;
mod quick;
mod repository;
mod stage;
mod story;

/// The fleet is always the same one.
const SEED: u64 = 2014;

/// How many machines each appliance protects.
const AGENTS_PER_DEVICE: usize = 5;

pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood demo                  a minute of lastgood serve: what breaks, and whom it mails
  lastgood demo --stay           the same, then it stays: open its page and the links in its mails
  lastgood demo --quick          the commands that look once, and what Grafolean gets
  lastgood demo --show-config    the configuration it runs with";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many appliances the fleet has
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=2000))]
    devices: u16,
    /// Go on watching after the story, until Ctrl-C
    #[arg(long, conflicts_with_all = ["quick", "show_config"])]
    stay: bool,
    /// Look once instead of watching: summary, check, and what Grafolean gets
    #[arg(long)]
    quick: bool,
    /// With --quick: let the fleet live at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "quick")]
    at: Option<Timestamp>,
    /// Print the configuration file of the demonstration, and nothing else
    #[arg(long, conflicts_with = "quick")]
    show_config: bool,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    show(arguments).map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

fn show(arguments: &Arguments) -> Result<(), Exit> {
    let Arguments { devices, stay, quick, at, show_config } = *arguments;
    if show_config {
        return print(false, |out| out.write_all(configuration::example(devices).as_bytes()));
    }
    if quick {
        return quick::show(devices, at.unwrap_or_else(clock::now));
    }
    story::show(devices, stay)
}

fn say(text: &str) -> Result<(), Exit> {
    print(false, |out| writeln!(out, "{text}"))
}

/// Looks once at a source of the configuration, as of now or at an instant; with who says who is told of it.
async fn look(file: &Path, source: &str, at: Option<Timestamp>) -> Result<(Seen, Directories), Exit> {
    let request = Request { sources: &[source.to_owned()], file: Some(file), set: &[] };
    let config = config::load(&request, &Surroundings::real());
    let config = config.map_err(|error| complain(&error, Exit::OwnFailure))?;
    let directories = directories_of(&config);
    let seen = pipeline::see(config, at, Keep::Judged).await;
    Ok((seen.map_err(|error| complain(&error, Exit::OwnFailure))?, directories))
}

fn print_bad(seen: &Seen) -> Result<(), Exit> {
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    print(true, |out| report::check(&judgement, Only::Bad, Format::Table, out))
}

/// The address of the XML feed, without its key.
fn xml_location(portal: &Portal) -> String {
    portal.xml_url().replace(&portal.keys().xml, "{key}")
}
