//! Which Grafolean does a test let the bot look at, and how does it wait for what arrives there?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lastgood_simulator::grafolean::{
    Backend, Bot, Credential, Down, Entity, Faults, Polling, Sensor, Value, World,
};
use serde_json::Value as Json;

/// The account of every test.
pub(super) const ACCOUNT: i64 = 5;

/// The bot of every test.
pub(super) const BOT: i64 = 2;

/// Its token.
pub(super) const TOKEN: &str = "5eeded00-0000-4000-8000-00000000000a";

/// How often entities are looked at, in seconds.
pub(super) const INTERVAL: i64 = 1;

/// How often a condition is asked for, and how many times before it counts as never met: three minutes, so that no machine
/// that stalls makes a test fail.
const POLL: Duration = Duration::from_millis(50);
const POLLS_MAX: usize = 3_600;

/// A Grafolean with one account and one bot.
pub(super) struct Grafolean {
    pub(super) world: Arc<World>,
    pub(super) backend: Option<Backend>,
    down: Option<Down>,
    port: u16,
}

impl Grafolean {
    pub(super) fn start() -> Self {
        let world = World::new();
        world.put_account(ACCOUNT, "test");
        world.put_bot(Bot::of_account(BOT, TOKEN, "backup", ACCOUNT));
        let backend = Backend::start(Arc::clone(&world), Faults::none()).expect("a free port");
        let port = backend.port();
        Self { world, backend: Some(backend), down: None, port }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    pub(super) fn go_down(&mut self) {
        let backend = self.backend.take().expect("it is up");
        self.down = Some(backend.go_down().expect("its own port"));
    }

    /// Comes back on the same port.
    pub(super) fn come_up(&mut self) {
        let down = self.down.take().expect("it is down");
        let backend = down.come_up(Arc::clone(&self.world), Faults::none());
        self.backend = Some(backend.expect("its own port"));
    }

    /// Adds an entity that is looked at every second.
    pub(super) fn entity(&self, id: i64, details: &Json) {
        self.entity_with(id, details, &[Some(INTERVAL)]);
    }

    /// Adds an entity with a sensor for each interval.
    pub(super) fn entity_with(&self, id: i64, details: &Json, intervals: &[Option<i64>]) {
        let (name, protocol) = (format!("thing {id}"), "backup".to_owned());
        let credential =
            Credential { id, name: name.clone(), protocol: protocol.clone(), details: details.to_string() };
        self.world.put_credential(ACCOUNT, credential);
        let mut sensors = Vec::new();
        for (number, interval) in (id * 100..).zip(intervals) {
            let (name, protocol) = (name.clone(), protocol.clone());
            let sensor =
                Sensor { id: number, name, protocol, default_interval: None, details: "{}".to_owned() };
            self.world.put_sensor(ACCOUNT, sensor);
            sensors.push((number, *interval));
        }
        let polling = Polling { credential: id, sensors, bot: Some(BOT) };
        self.world.put_entity(ACCOUNT, Entity::device(id, &name).polled("backup", polling));
    }

    /// The values of an entity, by path behind `entity.<id>.backup.`.
    pub(super) fn values(&self, entity: i64) -> Vec<Value> {
        let prefix = format!("entity.{entity}.backup.");
        let of_entity = |value: Value| {
            let path = value.path.strip_prefix(&prefix)?.to_owned();
            Some(Value { path, ..value })
        };
        self.world.values(ACCOUNT).into_iter().filter_map(of_entity).collect()
    }

    /// All that was published for an entity at the newest instant of a whole look: path and number.
    pub(super) fn newest(&self, entity: i64) -> BTreeMap<String, f64> {
        let values = self.values(entity);
        let newest = values.iter().map(|value| value.t).fold(0.0, f64::max);
        values
            .into_iter()
            .filter(|value| (value.t - newest).abs() < 0.1)
            .map(|value| (value.path, value.value))
            .collect()
    }

    /// The instants a path has values for, in order.
    pub(super) fn instants(&self, entity: i64, path: &str) -> Vec<f64> {
        let mut instants: Vec<f64> =
            self.values(entity).iter().filter(|value| value.path == path).map(|value| value.t).collect();
        instants.sort_by(f64::total_cmp);
        instants
    }

    /// Waits until an entity has this number under this path in its newest look.
    pub(super) async fn wait_for(&self, entity: i64, path: &str, number: f64) {
        let is_there = || self.newest(entity).get(path).is_some_and(|newest| (newest - number).abs() < 0.5);
        let show = || format!("{path} is not {number}: {:#?}", self.newest(entity));
        wait_showing(is_there, show).await;
    }

    /// Waits until an entity has so many more looks than it has.
    pub(super) async fn wait_for_looks(&self, entity: i64, more: usize) {
        let count = || self.instants(entity, "look.ok").len();
        let wanted = count() + more;
        wait(&format!("{more} more looks at entity {entity}"), || count() >= wanted).await;
    }
}

/// Waits for a condition, patiently.
pub(super) async fn wait(what: &str, is_met: impl Fn() -> bool) {
    wait_showing(is_met, || format!("waited in vain for {what}")).await;
}

/// Waits for a condition, patiently, and shows what is there where it is never met.
pub(super) async fn wait_showing(is_met: impl Fn() -> bool, show: impl Fn() -> String) {
    for _ in 0..POLLS_MAX {
        if is_met() {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
    panic!("{}", show());
}
