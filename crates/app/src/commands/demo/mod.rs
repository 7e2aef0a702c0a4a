//! `lastgood demo`: a simulated fleet on this machine, looked at and judged like a real one.

use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_core::judge::judge;
use lastgood_core::summary::summarize;
use lastgood_simulator::{Faults, Fleet, Portal};

use super::looking::{Trouble, complain, instant, runtime};
use super::output::print;
use crate::clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::pipeline::{self, Seen};
use crate::report::{self, Format, Only};
use crate::secret::{Secret, SecretFrom};
use crate::sources::{Entry, Keep, SourceConfig, datto};

mod grafolean;

/// The fleet is always the same one.
const SEED: u64 = 2014;

/// How many machines each appliance protects.
const AGENTS_PER_DEVICE: usize = 5;

/// How long a look at this machine may take.
const DEADLINE: Duration = Duration::from_mins(1);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many appliances the fleet has
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=2000))]
    devices: u16,
    /// Let the fleet live at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    show(arguments).map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

/// Shows the two main commands on one fleet, looked at through both interfaces of the portal.
fn show(arguments: &Arguments) -> Result<(), Exit> {
    let at = arguments.at.unwrap_or_else(clock::now);
    let runtime = runtime().map_err(Trouble::say)?;
    let fleet = Fleet::seeded(SEED, usize::from(arguments.devices), AGENTS_PER_DEVICE, at);
    let portal = runtime
        .block_on(Portal::start(fleet, Faults::none()))
        .map_err(|error| complain(&error, Exit::OwnFailure))?;
    let see = |source: SourceConfig| {
        let config = Config { sources: vec![source], ..Config::default() };
        runtime
            .block_on(pipeline::see(config, Some(at), Keep::Judged))
            .map_err(|error| complain(&error, Exit::OwnFailure))
    };
    say(&format!(
        "A simulated Datto portal with {} appliances answers at {}.",
        arguments.devices,
        portal.url()
    ))?;
    say("\n$ lastgood summary 'datto-xml:…/external/api/xml/status/{key}'")?;
    print_summary(&see(xml_source(&portal))?)?;
    say("\n$ lastgood check --only bad 'datto-rest:…/v1'")?;
    print_bad(&see(rest_source(&portal))?)?;
    say(
        "\nThe REST API knows what the XML feed does not: verifications, paused and archived agents, service plans.",
    )?;
    grafolean::show(&runtime, &portal, at)?;
    say(
        "\nNext: lastgood --help, lastgood config example, and `lastgood explain SUBJECT SOURCE` for the why.",
    )
}

fn say(text: &str) -> Result<(), Exit> {
    print(false, |out| writeln!(out, "{text}"))
}

fn print_summary(seen: &Seen) -> Result<(), Exit> {
    let summary = summarize(&seen.facts, &seen.expectations, seen.now);
    print(true, |out| report::summary(&summary, Format::Table, out))
}

fn print_bad(seen: &Seen) -> Result<(), Exit> {
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    print(true, |out| report::check(&judgement, Only::Bad, Format::Table, out))
}

fn xml_source(portal: &Portal) -> SourceConfig {
    let secret = Secret::new(&portal.keys().xml);
    SourceConfig {
        secret: Some(SecretFrom::Given(secret)),
        ..source(&datto::xml::ENTRY, xml_location(portal))
    }
}

/// The address of the XML feed, without its key.
fn xml_location(portal: &Portal) -> String {
    portal.xml_url().replace(&portal.keys().xml, "{key}")
}

fn rest_source(portal: &Portal) -> SourceConfig {
    let secret = Secret::new(&portal.keys().rest_secret);
    SourceConfig {
        secret: Some(SecretFrom::Given(secret)),
        public_key: Some(portal.keys().rest_public.clone()),
        requests_per_minute: Some(60_000),
        ..source(&datto::rest::ENTRY, portal.rest_url())
    }
}

fn source(entry: &'static Entry, location: String) -> SourceConfig {
    let id = SourceId::new(entry.kind.id).expect("the word of a kind is a valid name");
    SourceConfig::new(id, entry, location, DEADLINE)
}
