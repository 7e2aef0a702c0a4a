//! What does the backend list about a bot, its accounts and their entities?
//!
//! The types of its answers, read leniently: unknown fields are ignored, and a whole number may also come as text or
//! with a fraction of zero. It must not know how they are fetched.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value as Json;

/// Who the token belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The id of the bot.
    #[serde(deserialize_with = "whole")]
    pub user_id: i64,
    /// `bot`, or `person`.
    #[serde(default)]
    pub user_type: String,
    /// What else is known about it.
    #[serde(default)]
    pub record: Record,
}

/// What the backend keeps about a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Record {
    /// Its name.
    pub name: Option<String>,
    /// The protocol it serves; `None` for a bot that only sends values.
    pub protocol: Option<String>,
    /// The one account it belongs to; `None` for a bot of the whole system.
    #[serde(deserialize_with = "whole_or_none")]
    pub tied_to_account: Option<i64>,
}

/// An account the bot has any permission for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// Its id.
    #[serde(deserialize_with = "whole")]
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// Something that is polled, or a part of it.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Entity {
    /// Its id.
    #[serde(deserialize_with = "whole")]
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `device`, `interface` or another word.
    #[serde(default)]
    pub entity_type: String,
    /// The entity it is a part of.
    #[serde(default, deserialize_with = "whole_or_none")]
    pub parent: Option<i64>,
    /// Its settings, such as an address.
    #[serde(default)]
    pub details: Json,
    /// How it is polled, by protocol.
    #[serde(default)]
    pub protocols: HashMap<String, Polling>,
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // People write anything into the details, passwords too.
        f.debug_struct("Entity")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("entity_type", &self.entity_type)
            .field("parent", &self.parent)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}

/// How an entity is polled by one protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Polling {
    /// The credential to use; `None` or 0 means none, and then it is not polled.
    #[serde(deserialize_with = "whole_or_none")]
    pub credential: Option<i64>,
    /// Its sensors.
    #[serde(deserialize_with = "list_or_none")]
    pub sensors: Vec<EntitySensor>,
    /// The bot that polls it; `None` after its bot was deleted, and then every bot of the protocol does.
    #[serde(deserialize_with = "whole_or_none")]
    pub bot: Option<i64>,
}

/// A sensor of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EntitySensor {
    /// The id of the sensor.
    #[serde(deserialize_with = "whole")]
    pub sensor: i64,
    /// How often, in seconds; `None` means the sensor's default. The backend accepts 0 and negative ones.
    #[serde(default, deserialize_with = "whole_or_none")]
    pub interval: Option<i64>,
}

/// What opens an entity.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Credential {
    /// Its id.
    #[serde(deserialize_with = "whole")]
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The protocol it belongs to.
    #[serde(default)]
    pub protocol: String,
    /// The secret itself.
    #[serde(default)]
    pub details: Json,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The details are a password or a community.
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// What is polled of an entity.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Sensor {
    /// Its id.
    #[serde(deserialize_with = "whole")]
    pub id: i64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The protocol it belongs to.
    #[serde(default)]
    pub protocol: String,
    /// How often, in seconds, where an entity does not say. The backend accepts 0 and negative ones.
    #[serde(default, deserialize_with = "whole_or_none")]
    pub default_interval: Option<i64>,
    /// What exactly is polled.
    #[serde(default)]
    pub details: Json,
}

impl fmt::Debug for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The details may hold a secret.
        f.debug_struct("Sensor")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .field("default_interval", &self.default_interval)
            .finish_non_exhaustive()
    }
}

/// Every list of the backend.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) list: Vec<T>,
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let json = Json::deserialize(deserializer)?;
    read_whole(&json).ok_or_else(|| D::Error::custom("a whole number was expected"))
}

fn whole_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let json = Json::deserialize(deserializer)?;
    if json.is_null() {
        return Ok(None);
    }
    read_whole(&json).map(Some).ok_or_else(|| D::Error::custom("a whole number or null was expected"))
}

fn list_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<EntitySensor>, D::Error> {
    Option::<Vec<EntitySensor>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[expect(clippy::cast_possible_truncation, reason = "exact: a whole number below 2^53")]
fn read_whole(json: &Json) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match json {
        Json::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            (number.fract() == 0.0 && number.abs() < EXACT_MAX).then_some(number as i64)
        }),
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_measured_entity_is_read() {
        let entity: Entity = serde_json::from_value(json!({
            "id": 7, "name": "device 0", "entity_type": "device", "parent": null, "details": {"ipv4": "127.0.0.1"},
            "protocols": {"snmp": {"credential": 3, "sensors": [{"sensor": 4, "interval": null}], "bot": null}}
        }))
        .unwrap();
        let polling = &entity.protocols["snmp"];
        assert_eq!((entity.id, entity.parent, polling.credential, polling.bot), (7, None, Some(3), None));
        assert_eq!(polling.sensors, [EntitySensor { sensor: 4, interval: None }]);
    }

    #[test]
    fn numbers_may_be_text_and_fields_may_be_new_or_missing() {
        let sensor: Sensor =
            serde_json::from_value(json!({"id": " 9 ", "default_interval": 60.0, "new": [1]})).unwrap();
        assert_eq!((sensor.id, sensor.default_interval), (9, Some(60)));
        let entity: Entity =
            serde_json::from_value(json!({"id": 1, "protocols": {"ping": {"sensors": null}}})).unwrap();
        assert!(entity.protocols["ping"].sensors.is_empty());
        for json in
            [json!({"id": 1.5}), json!({"id": "x"}), json!({"id": null}), json!({}), json!({"id": true})]
        {
            assert!(serde_json::from_value::<Account>(json.clone()).is_err(), "{json}");
        }
    }

    #[test]
    fn no_details_are_printed() {
        let json = json!({"id": 1, "details": {"snmpv12_community": "hunter2"}});
        let credential: Credential = serde_json::from_value(json.clone()).unwrap();
        let entity: Entity = serde_json::from_value(json.clone()).unwrap();
        let sensor: Sensor = serde_json::from_value(json).unwrap();
        let printed = format!("{credential:?} {entity:?} {sensor:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
