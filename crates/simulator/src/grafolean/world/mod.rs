//! What does the backend know? Accounts, bots and configuration, changeable while it runs, and what it received. A world
//! outlives the servers that show it: it is what stays when a backend is down. Knows nothing of HTTP.

mod answers;
mod seed;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hyper::body::Bytes;

pub(super) use answers::{Kind, permissions};
pub use seed::Seeded;

use super::ledger::{Keep, Ledger, Request, Value};
use super::model::{Account, Bot, Credential, Entity, Permission, Sensor};

/// Everything a backend knows and has received. Made empty or [`seeded`](Self::seeded), shared with one server after the
/// other, changed at any time.
pub struct World {
    state: RwLock<State>,
    pub(super) ledger: Ledger,
    clock: RwLock<Clock>,
    /// Milliseconds that the clock without a function has counted.
    counted_millis: AtomicU32,
}

/// A function that tells the server's time; the counting clock if `None`.
type Clock = Option<Arc<dyn Fn() -> f64 + Send + Sync>>;

/// The configuration.
#[derive(Debug, Default)]
pub(super) struct State {
    accounts: BTreeMap<i64, Holding>,
    pub(super) bots: Vec<Bot>,
    /// Whole seconds of the last login by bot.
    last_logins: HashMap<i64, i64>,
    migration: Migration,
}

/// Is the database ready?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migration {
    /// Yes, and the first user exists.
    #[default]
    Complete,
    /// The schema is old.
    Needed,
    /// The schema is new, and nobody has signed up.
    WithoutUser,
}

/// What one account holds, and its lists once they were asked for.
#[derive(Debug)]
struct Holding {
    account: Account,
    entities: BTreeMap<i64, Entity>,
    credentials: BTreeMap<i64, Credential>,
    sensors: BTreeMap<i64, Sensor>,
    lists: [OnceLock<Bytes>; 3],
}

/// How long a login counts as the last one, in seconds.
const LOGIN_SECONDS: i64 = 10;

impl World {
    /// A world without accounts and bots. Its clock counts: each reading is a millisecond after the one before, starting
    /// at 2026-11-21T08:04:33Z.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: RwLock::default(),
            ledger: Ledger::default(),
            clock: RwLock::default(),
            counted_millis: AtomicU32::new(0),
        })
    }

    /// Tells the server's time by this function from here on, in seconds since the epoch.
    pub fn set_clock(&self, clock: impl Fn() -> f64 + Send + Sync + 'static) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(clock));
    }

    /// The server's time, in seconds since the epoch.
    pub(super) fn now(&self) -> f64 {
        let clock = self.clock.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(clock) = clock {
            return clock();
        }
        f64::from(EPOCH_SECONDS) + f64::from(self.counted_millis.fetch_add(1, Ordering::SeqCst)) / 1000.0
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an account, or names one anew.
    pub fn put_account(&self, id: i64, name: &str) {
        let account = Account { id, name: name.to_owned() };
        let mut state = self.change();
        if let Some(holding) = state.accounts.get_mut(&id) {
            holding.account = account;
        } else {
            state.accounts.insert(id, Holding::of(account));
        }
    }

    /// Adds a bot, or puts it in the place of the one with its id.
    pub fn put_bot(&self, bot: Bot) {
        let mut state = self.change();
        state.bots.retain(|other| other.id != bot.id);
        state.bots.push(bot);
    }

    /// Adds an entity to an account, or puts it in the place of the one with its id. The account is made if there is none.
    pub fn put_entity(&self, account: i64, entity: Entity) {
        self.change().holding(account).entities.insert(entity.id, entity);
    }

    /// Adds a credential, or puts it in the place of the one with its id.
    pub fn put_credential(&self, account: i64, credential: Credential) {
        self.change().holding(account).credentials.insert(credential.id, credential);
    }

    /// Adds a sensor, or puts it in the place of the one with its id.
    pub fn put_sensor(&self, account: i64, sensor: Sensor) {
        self.change().holding(account).sensors.insert(sensor.id, sensor);
    }

    /// Changes an entity as it stands; false if there is none.
    pub fn alter_entity(&self, account: i64, id: i64, alter: impl FnOnce(&mut Entity)) -> bool {
        self.change().holding(account).entities.get_mut(&id).map(alter).is_some()
    }

    /// Changes a sensor as it stands; false if there is none.
    pub fn alter_sensor(&self, account: i64, id: i64, alter: impl FnOnce(&mut Sensor)) -> bool {
        self.change().holding(account).sensors.get_mut(&id).map(alter).is_some()
    }

    /// Sets the interval of a sensor at an entity, whatever the protocol; `None` for that of the sensor.
    pub fn set_interval(&self, account: i64, entity: i64, sensor: i64, interval: Option<i64>) -> bool {
        self.alter_entity(account, entity, |entity| {
            let pollings = entity.protocols.values_mut();
            for (_, of_sensor) in
                pollings.flat_map(|polling| &mut polling.sensors).filter(|(id, _)| *id == sensor)
            {
                *of_sensor = interval;
            }
        })
    }

    /// Sets the default interval of every sensor of every account.
    pub fn set_default_intervals(&self, interval: Option<i64>) {
        for holding in self.change().accounts.values_mut() {
            holding.forget_lists();
            for sensor in holding.sensors.values_mut() {
                sensor.default_interval = interval;
            }
        }
    }

    /// Deletes an entity.
    pub fn delete_entity(&self, account: i64, id: i64) {
        self.change().holding(account).entities.remove(&id);
    }

    /// Deletes a sensor: entities lose it too.
    pub fn delete_sensor(&self, account: i64, id: i64) {
        let mut state = self.change();
        let holding = state.holding(account);
        holding.sensors.remove(&id);
        for polling in holding.entities.values_mut().flat_map(|entity| entity.protocols.values_mut()) {
            polling.sensors.retain(|(sensor, _)| *sensor != id);
        }
    }

    /// Deletes a credential: entities lose the protocols that use it.
    pub fn delete_credential(&self, account: i64, id: i64) {
        let mut state = self.change();
        let holding = state.holding(account);
        holding.credentials.remove(&id);
        for entity in holding.entities.values_mut() {
            entity.protocols.retain(|_, polling| polling.credential != id);
        }
    }

    /// Deletes a bot, so that its token is unknown: the entities it polls are polled by `null`.
    pub fn delete_bot(&self, id: i64) {
        let mut state = self.change();
        state.bots.retain(|bot| bot.id != id);
        for holding in state.accounts.values_mut() {
            holding.forget_lists();
            let entities = holding.entities.values_mut();
            for polling in entities.flat_map(|entity| entity.protocols.values_mut()) {
                polling.bot = polling.bot.filter(|bot| *bot != id);
            }
        }
    }

    /// Gives a bot another token, so that the old one is unknown.
    pub fn revoke_token(&self, id: i64, new_token: &str) {
        for bot in self.change().bots.iter_mut().filter(|bot| bot.id == id) {
            new_token.clone_into(&mut bot.token);
        }
    }

    /// Replaces what a bot may.
    pub fn set_permissions(&self, id: i64, permissions: &[Permission]) {
        for bot in self.change().bots.iter_mut().filter(|bot| bot.id == id) {
            bot.permissions = permissions.to_vec();
        }
    }

    /// Takes away a bot's permissions whose prefix begins with this text, such as `accounts/12`.
    pub fn remove_permissions(&self, id: i64, prefix: &str) {
        let is_below =
            |row: &Permission| row.resource_prefix.as_deref().is_some_and(|own| own.starts_with(prefix));
        for bot in self.change().bots.iter_mut().filter(|bot| bot.id == id) {
            bot.permissions.retain(|row| !is_below(row));
        }
    }

    /// Sets what `/status/info` says of the database.
    pub fn set_migration(&self, migration: Migration) {
        self.change().migration = migration;
    }

    /// When a bot was last seen, in whole seconds; kept exact to ten seconds. `None` if never.
    pub fn last_login(&self, bot: i64) -> Option<i64> {
        self.state().last_logins.get(&bot).copied()
    }

    /// Notes a login unless the last one is less than ten seconds old.
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds of an instant fit")]
    pub(super) fn log_in(&self, bot: i64) {
        let now = self.now() as i64;
        if self.last_login(bot).is_none_or(|last| now - last >= LOGIN_SECONDS) {
            self.change().last_logins.insert(bot, now);
        }
    }

    /// The stored values of an account in the order they were stored.
    pub fn values(&self, account: i64) -> Vec<Value> {
        self.ledger.values(account)
    }

    /// Paths of an account that no longer can be read, because a value of theirs is no finite number; sorted.
    pub fn poisoned_paths(&self, account: i64) -> Vec<String> {
        let mut paths: Vec<String> = self
            .values(account)
            .into_iter()
            .filter(|value| !value.value.is_finite())
            .map(|value| value.path)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// How many values were stored in all accounts, those that replaced others included.
    pub fn value_count(&self) -> u64 {
        self.ledger.value_count()
    }

    /// The first 200 000 requests in the order they came in, those that met a fault included.
    pub fn requests(&self) -> Vec<Request> {
        self.ledger.requests()
    }

    /// How many of [`requests`](Self::requests) have a path that starts with `prefix`, such as `/api/accounts/12/values`.
    pub fn requests_count(&self, prefix: &str) -> usize {
        self.ledger.count_below(prefix)
    }

    /// How many requests came in, whether or not they were kept.
    pub fn request_count(&self) -> u64 {
        self.ledger.request_count()
    }

    /// The most requests that ran at once.
    pub fn highest_concurrency(&self) -> usize {
        self.ledger.highest_concurrency()
    }

    /// How many requests run now.
    pub fn in_flight(&self) -> usize {
        self.ledger.in_flight()
    }

    /// Keeps everything or only counts, from here on.
    pub fn keep(&self, keep: Keep) {
        self.ledger.keep(keep);
    }

    /// Forgets requests, values and counts so far; the configuration stays.
    pub fn clear(&self) {
        self.ledger.clear();
    }
}

/// Where the counting clock starts, in seconds: the instant of the recorded answers.
const EPOCH_SECONDS: u32 = 1_795_248_273;

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("World").field("state", &self.state).finish_non_exhaustive()
    }
}

impl State {
    /// What an account holds, to be changed: its lists are written anew.
    fn holding(&mut self, account: i64) -> &mut Holding {
        let unnamed = || Holding::of(Account { id: account, name: format!("account {account}") });
        let holding = self.accounts.entry(account).or_insert_with(unnamed);
        holding.forget_lists();
        holding
    }
}

impl Holding {
    fn of(account: Account) -> Self {
        Self {
            account,
            entities: BTreeMap::new(),
            credentials: BTreeMap::new(),
            sensors: BTreeMap::new(),
            lists: Default::default(),
        }
    }

    fn forget_lists(&mut self) {
        self.lists = Default::default();
    }
}
