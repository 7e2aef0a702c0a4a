//! What does Grafolean get of the simulated fleet? The bot's part of the demo.

use std::sync::Arc;

use jiff::Timestamp;
use lastgood_collector::grafolean::{Client, Token};
use lastgood_simulator::Portal;
use lastgood_simulator::grafolean::{
    Backend, Bot, Credential, Entity, Faults, Polling, Sensor, Value, World,
};
use serde_json::json;
use tokio::runtime::Runtime;

use super::say;
use crate::commands::bot::{self, PROTOCOL, Thresholds};
use crate::commands::looking::{Trouble, complain};
use crate::exit::Exit;
use crate::publish::grafolean::entity_prefix;
use crate::sources::datto;

/// The account of the demo.
const ACCOUNT: i64 = 1;

/// The entity whose credential opens the simulated portal.
const ENTITY: i64 = 7;

/// The token of the bot of the demo.
const TOKEN: &str = "5eeded00-0000-4000-8000-000000000001";

/// Lets the bot look once at the portal because a simulated Grafolean says so, and shows what arrived there.
pub(super) fn show(runtime: &Runtime, portal: &Portal, at: Timestamp) -> Result<(), Exit> {
    let own = |error: &dyn std::error::Error| complain(error, Exit::OwnFailure);
    let backend = Backend::start(world(portal), Faults::none()).map_err(|error| own(&error))?;
    say(&format!(
        "\nA simulated Grafolean answers at {}; its entity {ENTITY} is that portal.\n\n$ lastgood bot --once",
        backend.url()
    ))?;
    let token = Token::new(TOKEN).expect("a UUID");
    let client = Client::new(&backend.url(), token).map_err(|error| own(&error))?;
    let done = bot::look_once(runtime, &client, PROTOCOL, Thresholds::default(), Some(at));
    let done = done.map_err(Trouble::say)?;
    say(&done.to_string())?;
    say(&arrived(backend.world()))
}

/// A Grafolean with one account, one bot, and one entity that is looked at every 5 minutes.
fn world(portal: &Portal) -> Arc<World> {
    let world = World::new();
    world.put_account(ACCOUNT, "demo");
    world.put_bot(Bot::of_account(2, TOKEN, PROTOCOL, ACCOUNT));
    let details = json!({
        "kind": datto::xml::ENTRY.kind.id,
        "location": super::xml_location(portal),
        "secret": portal.keys().xml,
    });
    let (name, protocol) = ("portal".to_owned(), PROTOCOL.to_owned());
    let credential =
        Credential { id: 3, name: name.clone(), protocol: protocol.clone(), details: details.to_string() };
    world.put_credential(ACCOUNT, credential);
    let sensor = Sensor { id: 4, name, protocol, default_interval: Some(300), details: "{}".to_owned() };
    world.put_sensor(ACCOUNT, sensor);
    let polling = Polling { credential: 3, sensors: vec![(4, None)], bot: None };
    world.put_entity(ACCOUNT, Entity::device(ENTITY, "portal").polled(PROTOCOL, polling));
    world
}

/// What the backend stored: the numbers of the whole, and those of one asset that is not well.
fn arrived(world: &World) -> String {
    let values = world.values(ACCOUNT);
    let of_one = format!("{}.repository.", entity_prefix(ENTITY));
    let (single, whole): (Vec<_>, Vec<_>) = values.iter().partition(|value| value.path.starts_with(&of_one));
    let ill = single.iter().find_map(|value| {
        let asset = value.path.strip_suffix("bad").filter(|path| path.contains(".asset."));
        asset.filter(|_| value.value > 0.0)
    });
    // How long it took is another number each time.
    let whole = whole.iter().filter(|value| !value.path.ends_with(".duration_seconds"));
    let of_ill = single.iter().filter(|value| ill.is_some_and(|asset| value.path.starts_with(asset)));
    let width = whole.clone().chain(of_ill.clone()).map(|value| value.path.len()).max().unwrap_or(0);
    let line = |value: &&Value| format!("  {:width$}  {}", value.path, value.value);
    let mut lines = vec!["What arrived there:".to_owned()];
    lines.extend(whole.map(line));
    lines.push(format!("and {} values of single repositories and assets, such as:", single.len()));
    lines.extend(of_ill.map(line));
    lines.join("\n")
}
