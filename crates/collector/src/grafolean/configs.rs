//! Which entities does this bot poll, with which credential and which sensors?
//!
//! Puts together what the lists of the backend say. It must not know what a job is made of it, nor when it runs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::future::Future;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value as Json;

use super::client::Client;
use super::error::Error;
use super::listing::{Account, Credential, Entity, Polling, Sensor};
use crate::collector::{Collector, Jobs};
use crate::failure::Failure;
use crate::interval::Interval;

/// How many accounts are fetched at once.
const ACCOUNTS_AT_ONCE: usize = 8;

/// How many single credentials or sensors of an account are fetched at once where their list is refused.
const SINGLES_AT_ONCE: usize = 4;

/// A device to poll: all a job needs to know about it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct JobConfig {
    /// The account it belongs to; results go there.
    pub account_id: i64,
    /// Its id.
    pub entity_id: i64,
    /// Its name.
    pub name: String,
    /// Its type; always `device`.
    pub entity_type: String,
    /// The entity it is a part of.
    pub parent: Option<i64>,
    /// Its settings, such as an address.
    pub details: Json,
    /// What opens it; a secret.
    pub credential_details: Json,
    /// What is polled of it; never empty.
    pub sensors: Vec<SensorConfig>,
}

/// A sensor to poll.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct SensorConfig {
    /// Its id.
    pub sensor_id: i64,
    /// What exactly is polled.
    pub sensor_details: Json,
    /// How often, in seconds: what the entity says, else the sensor's default, else `None`. The backend accepts 0 and
    /// negative ones, which no job can have.
    pub interval: Option<i64>,
}

impl fmt::Debug for JobConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The details of the credential are a password or a community, and all others may hold one.
        f.debug_struct("JobConfig")
            .field("account_id", &self.account_id)
            .field("entity_id", &self.entity_id)
            .field("name", &self.name)
            .field("sensors", &self.sensors)
            .finish_non_exhaustive()
    }
}

impl SensorConfig {
    /// Its interval, if a job can have it. A job of several sensors is refused as a whole over a single interval that is
    /// missing, 0 or negative.
    pub fn usable_interval(&self) -> Option<i64> {
        self.interval.filter(|seconds| Interval::from_secs(*seconds).is_ok())
    }
}

impl fmt::Debug for SensorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SensorConfig")
            .field("sensor_id", &self.sensor_id)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// An account that could not be fetched. The others are not concerned: keep its old jobs as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account {account_id} could not be fetched: {error}")]
pub struct AccountFailed {
    /// The account.
    pub account_id: i64,
    /// Why.
    pub error: Error,
}

impl From<AccountFailed> for Failure {
    fn from(failed: AccountFailed) -> Self {
        let reason = failed.to_string();
        Self { reason, ..failed.error.into() }
    }
}

/// The devices of one protocol, as their accounts are fetched.
pub struct JobConfigs {
    accounts: BoxStream<'static, Result<Vec<JobConfig>, AccountFailed>>,
    ready: VecDeque<JobConfig>,
}

impl fmt::Debug for JobConfigs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobConfigs").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

impl JobConfigs {
    /// The next device, or the next account that failed; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<JobConfig, AccountFailed>> {
        loop {
            if let Some(config) = self.ready.pop_front() {
                return Some(Ok(config));
            }
            match self.accounts.next().await? {
                Ok(configs) => self.ready.extend(configs),
                Err(failed) => return Some(Err(failed)),
            }
        }
    }

    /// The next device; the old jobs of an account that failed stay as they are, if the id of the account is their
    /// [scope](crate::Job::scope).
    pub async fn next_or_keep<C: Collector>(&mut self, jobs: &mut Jobs<C>) -> Option<JobConfig> {
        loop {
            match self.next().await? {
                Ok(config) => return Some(config),
                Err(failed) => jobs.keep(failed.account_id, failed).await,
            }
        }
    }
}

impl Client {
    /// Fetches what this bot is to poll by a protocol: the devices of all its accounts that name this bot or none, and
    /// have a credential and a sensor.
    ///
    /// Two requests, and three for every account; the devices of an account come as soon as its three are answered. Only
    /// where the list of credentials or of sensors is refused are they asked for one by one. An error here is one of the
    /// whole; one of an account alone comes in its place among the devices.
    pub async fn fetch_job_configs(&self, protocol: &str) -> Result<JobConfigs, Error> {
        let (profile, accounts) = futures::try_join!(self.profile(), self.accounts())?;
        let (client, protocol, bot_id) = (self.clone(), protocol.to_owned(), profile.user_id);
        let accounts = stream::iter(accounts)
            .map(move |Account { id, .. }| {
                let (client, protocol) = (client.clone(), protocol.clone());
                async move {
                    let fetched = fetch_account(&client, id, &protocol, bot_id).await;
                    fetched.map_err(|error| AccountFailed { account_id: id, error })
                }
            })
            .buffer_unordered(ACCOUNTS_AT_ONCE)
            .boxed();
        Ok(JobConfigs { accounts, ready: VecDeque::new() })
    }
}

async fn fetch_account(
    client: &Client,
    account_id: i64,
    protocol: &str,
    bot_id: i64,
) -> Result<Vec<JobConfig>, Error> {
    let (entities, credentials, sensors) = futures::join!(
        client.entities(account_id),
        client.credentials(account_id),
        client.sensors(account_id),
    );
    let polled: Vec<_> =
        entities?.into_iter().filter_map(|entity| polled(entity, protocol, bot_id)).collect();
    let credential_ids = polled.iter().filter_map(|(_, polling)| polling.credential).collect();
    let credentials = Table::of(credentials, credential_ids, |id| client.credential(account_id, id)).await?;
    let sensor_ids =
        polled.iter().flat_map(|(_, polling)| &polling.sensors).map(|sensor| sensor.sensor).collect();
    let sensors = Table::of(sensors, sensor_ids, |id| client.sensor(account_id, id)).await?;
    let known = Known { account_id, credentials, sensors };
    Ok(polled.into_iter().filter_map(|(entity, polling)| known.config(entity, &polling)).collect())
}

/// The entity with how it is polled, if this bot polls it by this protocol.
fn polled(mut entity: Entity, protocol: &str, bot_id: i64) -> Option<(Entity, Polling)> {
    let polling = entity.protocols.remove(protocol)?;
    let is_device = entity.entity_type == "device";
    // The bot of an entity is forgotten with the bot; then every bot of the protocol polls it.
    let is_mine = polling.bot.is_none_or(|id| id == bot_id);
    let is_opened = polling.credential.is_some_and(|id| id != 0);
    (is_device && is_mine && is_opened && !polling.sensors.is_empty()).then_some((entity, polling))
}

/// What has an id in the backend.
trait Identified {
    fn id(&self) -> i64;
}

impl Identified for Credential {
    fn id(&self) -> i64 {
        self.id
    }
}

impl Identified for Sensor {
    fn id(&self) -> i64 {
        self.id
    }
}

/// The credentials or the sensors of an account by their ids.
struct Table<T>(HashMap<i64, T>);

impl<T: Identified> Table<T> {
    /// Takes a list; where that was refused, asks for those needed one by one. One that no longer exists is left out.
    async fn of<F>(
        list: Result<Vec<T>, Error>,
        needed: HashSet<i64>,
        single: impl Fn(i64) -> F,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let refused = match list {
            Ok(list) => return Ok(Self::from_iter(list)),
            Err(refused) => refused,
        };
        if !matches!(refused.status(), Some(403..=405)) {
            return Err(refused);
        }
        if !needed.is_empty() {
            tracing::debug!("{refused}; asking for {} of them one by one", needed.len());
        }
        let mut answers = stream::iter(needed).map(single).buffer_unordered(SINGLES_AT_ONCE);
        let mut found = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(one) => found.push(one),
                Err(gone) if gone.status() == Some(404) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::from_iter(found))
    }

    fn from_iter(list: Vec<T>) -> Self {
        Self(list.into_iter().map(|one| (one.id(), one)).collect())
    }
}

/// What is known of an account beside its entities.
struct Known {
    account_id: i64,
    credentials: Table<Credential>,
    sensors: Table<Sensor>,
}

impl Known {
    /// Puts a device together; `None` if what it needs was deleted meanwhile, and that is logged.
    fn config(&self, entity: Entity, polling: &Polling) -> Option<JobConfig> {
        let (account_id, entity_id) = (self.account_id, entity.id);
        let credential_id = polling.credential?;
        let Some(credential) = self.credentials.0.get(&credential_id) else {
            tracing::warn!(
                account_id,
                entity_id,
                credential_id,
                "the credential of an entity is not there; the entity is left out"
            );
            return None;
        };
        let sensors: Vec<_> = polling
            .sensors
            .iter()
            .filter_map(|wanted| {
                let sensor = self.sensors.0.get(&wanted.sensor);
                if sensor.is_none() {
                    let sensor_id = wanted.sensor;
                    tracing::warn!(
                        account_id,
                        entity_id,
                        sensor_id,
                        "a sensor of an entity is not there; it is left out"
                    );
                }
                let Sensor { id, details, default_interval, .. } = sensor?.clone();
                let interval = wanted.interval.or(default_interval);
                Some(SensorConfig { sensor_id: id, sensor_details: details, interval })
            })
            .collect();
        (!sensors.is_empty()).then(|| JobConfig {
            account_id,
            entity_id,
            name: entity.name,
            entity_type: entity.entity_type,
            parent: entity.parent,
            details: entity.details,
            credential_details: credential.details.clone(),
            sensors,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        let credential =
            serde_json::from_value(json!({"id": 3, "details": {"community": "hunter2"}})).unwrap();
        let details = json!({"key": "hunter2"});
        let sensors = [json!({"id": 4, "default_interval": 60, "details": details}), json!({"id": 5})];
        let sensors = sensors.map(|sensor| serde_json::from_value(sensor).unwrap());
        Known {
            account_id: 1,
            credentials: Table::from_iter(vec![credential]),
            sensors: Table::from_iter(sensors.into()),
        }
    }

    fn entity(polling: &Json) -> Entity {
        let entity = json!({"id": 2, "name": "n", "entity_type": "device", "protocols": {"snmp": polling}});
        serde_json::from_value(entity).unwrap()
    }

    fn config(polling: &Json) -> Option<JobConfig> {
        let (entity, polling) = polled(entity(polling), "snmp", 9)?;
        known().config(entity, &polling)
    }

    #[test]
    fn only_devices_of_this_bot_with_credential_and_sensor_are_polled() {
        let sensors = json!([{"sensor": 4, "interval": null}]);
        for (polling, is_polled) in [
            (json!({"credential": 3, "sensors": sensors, "bot": 9}), true),
            (json!({"credential": 3, "sensors": sensors, "bot": null}), true),
            (json!({"credential": 3, "sensors": sensors, "bot": 8}), false),
            (json!({"credential": null, "sensors": sensors, "bot": 9}), false),
            (json!({"credential": 0, "sensors": sensors, "bot": 9}), false),
            (json!({"credential": 3, "sensors": [], "bot": 9}), false),
            (json!({"credential": 33, "sensors": sensors, "bot": 9}), false),
            (json!({"credential": 3, "sensors": [{"sensor": 44}], "bot": 9}), false),
        ] {
            assert_eq!(config(&polling).is_some(), is_polled, "{polling}");
        }
        let mine = json!({"credential": 3, "sensors": sensors});
        assert!(polled(entity(&mine), "ping", 9).is_none());
        let interface = Entity { entity_type: "interface".to_owned(), ..entity(&mine) };
        assert!(polled(interface, "snmp", 9).is_none());
    }

    #[test]
    fn an_interval_of_the_entity_wins_also_if_it_is_0() {
        let sensors = json!([
            {"sensor": 4, "interval": 0}, {"sensor": 4, "interval": -5}, {"sensor": 4, "interval": null},
            {"sensor": 5, "interval": 7}, {"sensor": 5, "interval": null}, {"sensor": 44, "interval": 1},
        ]);
        let config = config(&json!({"credential": 3, "sensors": sensors})).unwrap();
        let intervals: Vec<_> =
            config.sensors.iter().map(|sensor| (sensor.sensor_id, sensor.interval)).collect();
        assert_eq!(intervals, [(4, Some(0)), (4, Some(-5)), (4, Some(60)), (5, Some(7)), (5, None)]);
        let usable: Vec<_> = config.sensors.iter().map(SensorConfig::usable_interval).collect();
        assert_eq!(usable, [None, None, Some(60), Some(7), None]);
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
