//! `lastgood demo --quick`: the commands that look once, on one fleet, through both interfaces of its portal, and on a
//! stoney backup server.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_core::summary::summarize;
use lastgood_simulator::stoney::End;
use lastgood_simulator::{Faults, Fleet, Portal};
use tokio::runtime::Runtime;

use super::ending::Ending;
use super::folder::Folder;
use super::hoster::{Coming, Hoster};
use super::stage::CONFIGURATION;
use super::{AGENTS_PER_DEVICE, SEED, accounts, configuration, grafolean, print_bad, say, xml_location};
use crate::commands::looking::{Trouble, complain, runtime};
use crate::commands::output::print;
use crate::config::Config;
use crate::exit::Exit;
use crate::pipeline::{self, Seen};
use crate::report::{self, Format};
use crate::secret::{Secret, SecretFrom};
use crate::sources::{Entry, Keep, SourceConfig, datto};

/// How long a look at this machine may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// Shows the two main commands, and what Grafolean gets.
pub(super) fn show(devices: u16, at: Timestamp) -> Result<(), Exit> {
    let runtime = runtime().map_err(Trouble::say)?;
    let fleet = Fleet::seeded(SEED, usize::from(devices), AGENTS_PER_DEVICE, at);
    let portal = runtime
        .block_on(Portal::start(fleet, Faults::none()))
        .map_err(|error| complain(&error, Exit::OwnFailure))?;
    let see = |source: SourceConfig| {
        let config = Config { sources: vec![source], ..Config::default() };
        runtime
            .block_on(pipeline::see(config, Some(at), Keep::Judged))
            .map_err(|error| complain(&error, Exit::OwnFailure))
    };
    say(&format!("A simulated Datto portal with {devices} appliances answers at {}.", portal.url()))?;
    say("\n$ lastgood summary 'datto-xml:…/external/api/xml/status/{key}'")?;
    print_summary(&see(xml_source(&portal))?)?;
    say("\n$ lastgood check --only bad 'datto-rest:…/v1'")?;
    print_bad(&see(rest_source(&portal))?)?;
    say(
        "\nThe REST API knows what the XML feed does not: verifications, paused and archived agents, service plans.",
    )?;
    grafolean::show(&runtime, &portal, at)?;
    show_accounts(&runtime, at)
}

/// Shows a stoney backup server, and ends. From here on something lies on the disk, and a signal removes it.
fn show_accounts(runtime: &Runtime, at: Timestamp) -> Result<(), Exit> {
    let mut ending = runtime.block_on(async { Ending::listen() });
    let folder = Folder::new().map_err(|error| complain(&error, Exit::OwnFailure))?;
    let mut coming = Hoster::begin(folder.path().to_owned(), at);
    let shown = runtime.block_on(async {
        tokio::select! {
            shown = look_at_accounts(&folder, &mut coming, at) => shown,
            () = ending.wanted() => Ok(()),
        }
    });
    coming.end();
    shown
}

async fn look_at_accounts(folder: &Folder, coming: &mut Coming, at: Timestamp) -> Result<(), Exit> {
    let own = |error: io::Error| complain(&error, Exit::OwnFailure);
    if let Some(hoster) = accounts::come(coming).await? {
        hoster.back_up(End::Failed, at).map_err(own)?;
        folder.write(CONFIGURATION, &configuration::accounts(&hoster.url())).map_err(own)?;
        accounts::show(&folder.path().join(CONFIGURATION), Some(at)).await?;
    }
    say(
        "\nNext: lastgood demo without --quick, lastgood config example, and `lastgood explain SUBJECT SOURCE` for the \
         why.",
    )
}

fn print_summary(seen: &Seen) -> Result<(), Exit> {
    let summary = summarize(&seen.facts, &seen.expectations, seen.now);
    print(true, |out| report::summary(&summary, Format::Table, out))
}

fn xml_source(portal: &Portal) -> SourceConfig {
    let secret = Secret::new(&portal.keys().xml);
    SourceConfig {
        secret: Some(SecretFrom::Given(secret)),
        ..source(&datto::xml::ENTRY, xml_location(portal))
    }
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
