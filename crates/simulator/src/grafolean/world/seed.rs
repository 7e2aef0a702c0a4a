//! How does a large configuration come about? One formula for all: the same arguments give the same ids, names and tokens.

use std::sync::Arc;

use super::World;
use crate::grafolean::model::{Bot, Credential, Entity, Polling, Sensor};

/// A world of many alike, and what a test needs to name its parts.
#[derive(Debug, Clone)]
pub struct Seeded {
    /// The world.
    pub world: Arc<World>,
    /// Token of a systemwide bot.
    pub systemwide_token: String,
    /// Accounts in order, with the token of the bot of each.
    pub accounts: Vec<(i64, String)>,
}

/// Interval of every seeded sensor, in seconds.
const INTERVAL_SECONDS: i64 = 60;

impl World {
    /// Makes `accounts` accounts with `entities` devices each, all polled with `sensors` sensors of their account every 60
    /// seconds over one credential. There is a bot for each account and a systemwide one; which of them polls is left open
    /// (`null`), so that each takes all it sees for its own.
    pub fn seeded(accounts: u32, entities: u32, sensors: u32, protocol: &str) -> Seeded {
        let world = Self::new();
        let systemwide = Bot::systemwide(1, &token(0), protocol);
        let systemwide_token = systemwide.token.clone();
        world.put_bot(systemwide);
        let accounts =
            (1..=accounts).map(|account| seed_account(&world, account, [entities, sensors], protocol));
        let accounts = accounts.collect();
        Seeded { world, systemwide_token, accounts }
    }
}

/// Fills one account; its ids lie apart from those of all others.
fn seed_account(world: &World, number: u32, counts: [u32; 2], protocol: &str) -> (i64, String) {
    let account = i64::from(number);
    let [entities, sensors] = counts.map(i64::from);
    let credential = account;
    world.put_account(account, &format!("account {account}"));
    let token = token(number);
    world.put_bot(Bot::of_account(1 + account, &token, protocol, account));
    let details = r#"{"version":"snmpv2c","snmpv12_community":"public"}"#.to_owned();
    let name = format!("credential {credential}");
    world
        .put_credential(account, Credential { id: credential, name, protocol: protocol.to_owned(), details });
    let own_sensors = (account - 1) * sensors + 1..=account * sensors;
    for id in own_sensors.clone() {
        let name = format!("sensor {id}");
        let details = format!(r#"{{"n":{id}}}"#);
        let default_interval = Some(INTERVAL_SECONDS);
        world.put_sensor(
            account,
            Sensor { id, name, protocol: protocol.to_owned(), default_interval, details },
        );
    }
    for id in (account - 1) * entities + 1..=account * entities {
        let sensors = own_sensors.clone().map(|sensor| (sensor, None)).collect();
        let polling = Polling { credential, sensors, bot: None };
        world.put_entity(account, Entity::device(id, &format!("device {id}")).polled(protocol, polling));
    }
    (account, token)
}

fn token(number: u32) -> String {
    format!("5eeded00-0000-4000-8000-{number:012x}")
}
