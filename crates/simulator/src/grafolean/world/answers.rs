//! How does the configuration look in JSON? The bodies of all GETs, in the order of members that the recorded answers have.
//! Lists are written once and kept until something changes.

use std::fmt::Write as _;

use hyper::body::Bytes;

use super::{Migration, State, World};
use crate::grafolean::access;
use crate::grafolean::model::{Account, Bot, Credential, Entity, Permission, Polling, Sensor};

/// What an account has lists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::grafolean) enum Kind {
    Entity,
    Credential,
    Sensor,
}

impl Kind {
    /// Finds the kind by the segment of its paths.
    pub(in crate::grafolean) fn of_segment(segment: &str) -> Option<Self> {
        match segment {
            "entities" => Some(Self::Entity),
            "credentials" => Some(Self::Credential),
            "sensors" => Some(Self::Sensor),
            _ => None,
        }
    }

    /// The word for one in refusals.
    pub(in crate::grafolean) fn singular(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Credential => "credential",
            Self::Sensor => "sensor",
        }
    }
}

impl State {
    /// The body of `/profile`.
    pub(in crate::grafolean) fn profile(&self, bot: &Bot) -> String {
        format!(
            r#"{{"user_id":{id},"user_type":"bot","record":{{"id":{id},"name":{},"protocol":{},"tied_to_account":{},"config":null,"insert_time":{},"last_login":{}}}}}"#,
            text(&bot.name),
            bot.protocol.as_deref().map_or_else(|| "null".to_owned(), text),
            number(bot.tied_to_account),
            bot.insert_time,
            number(self.last_logins.get(&bot.id).copied()),
            id = bot.id,
        )
    }

    /// The body of `/accounts`: those a permission names.
    pub(in crate::grafolean) fn accounts(&self, bot: &Bot) -> String {
        let shown = self.accounts.values().map(|holding| &holding.account);
        let shown = shown.filter(|account| access::shows_account(bot, account.id));
        list(shown, write_account)
    }

    /// The body of `/accounts/A`.
    pub(in crate::grafolean) fn account(&self, account: i64) -> Option<String> {
        let holding = self.accounts.get(&account)?;
        Some(written(|out| write_account(&holding.account, out)))
    }

    /// Is there such an account?
    pub(in crate::grafolean) fn has_account(&self, account: i64) -> bool {
        self.accounts.contains_key(&account)
    }

    /// The body of a list; an account that does not exist has an empty one.
    pub(in crate::grafolean) fn list(&self, account: i64, kind: Kind) -> Bytes {
        let Some(holding) = self.accounts.get(&account) else {
            return Bytes::from_static(br#"{"list":[]}"#);
        };
        let body = || match kind {
            Kind::Entity => list(holding.entities.values(), write_entity),
            Kind::Credential => list(holding.credentials.values(), write_credential),
            Kind::Sensor => list(holding.sensors.values(), write_sensor),
        };
        holding.lists[kind as usize].get_or_init(|| body().into()).clone()
    }

    /// The body of a single one.
    pub(in crate::grafolean) fn one(&self, account: i64, kind: Kind, id: i64) -> Option<String> {
        let holding = self.accounts.get(&account)?;
        match kind {
            Kind::Entity => holding.entities.get(&id).map(|entity| written(|out| write_entity(entity, out))),
            Kind::Credential => holding
                .credentials
                .get(&id)
                .map(|credential| written(|out| write_credential(credential, out))),
            Kind::Sensor => holding.sensors.get(&id).map(|sensor| written(|out| write_sensor(sensor, out))),
        }
    }
}

/// The body of `/profile/permissions`.
pub(in crate::grafolean) fn permissions(bot: &Bot) -> String {
    list(bot.permissions.iter(), |row: &Permission, out| {
        let prefix = row.resource_prefix.as_deref().map_or_else(|| "null".to_owned(), text);
        let methods = row.methods.as_ref().map_or_else(
            || "null".to_owned(),
            |methods| {
                format!("[{}]", methods.iter().map(|method| text(method)).collect::<Vec<_>>().join(","))
            },
        );
        push(out, format_args!(r#"{{"id":{},"resource_prefix":{prefix},"methods":{methods}}}"#, row.id));
    })
}

impl World {
    /// The body of `/status/info`.
    pub(in crate::grafolean) fn status(&self) -> String {
        let migration = self.state().migration;
        format!(
            r#"{{"alive":true,"db_migration_needed":{},"db_version":30,"user_exists":{},"cors_domains":[],"mqtt_ws_hostname":"127.0.0.1","mqtt_ws_port":"9883","enable_signup":false}}"#,
            migration == Migration::Needed,
            migration == Migration::Complete,
        )
    }
}

fn list<'a, T: 'a>(items: impl Iterator<Item = &'a T>, write: impl Fn(&T, &mut String)) -> String {
    let mut out = String::from(r#"{"list":["#);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, &mut out);
    }
    out.push_str("]}");
    out
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a string takes all text");
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

fn write_account(account: &Account, out: &mut String) {
    push(out, format_args!(r#"{{"id":{},"name":{}}}"#, account.id, text(&account.name)));
}

fn write_entity(entity: &Entity, out: &mut String) {
    push(
        out,
        format_args!(
            r#"{{"id":{},"name":{},"entity_type":{},"parent":{},"details":{},"protocols":{{"#,
            entity.id,
            text(&entity.name),
            text(&entity.entity_type),
            number(entity.parent),
            entity.details,
        ),
    );
    for (index, (protocol, polling)) in entity.protocols.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        push(out, format_args!("{comma}{}:", text(protocol)));
        write_polling(polling, out);
    }
    out.push_str("}}");
}

fn write_polling(polling: &Polling, out: &mut String) {
    push(out, format_args!(r#"{{"credential":{},"sensors":["#, polling.credential));
    for (index, (sensor, interval)) in polling.sensors.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        push(out, format_args!(r#"{comma}{{"sensor":{sensor},"interval":{}}}"#, number(*interval)));
    }
    push(out, format_args!(r#"],"bot":{}}}"#, number(polling.bot)));
}

fn write_credential(credential: &Credential, out: &mut String) {
    push(
        out,
        format_args!(
            r#"{{"id":{},"name":{},"protocol":{},"details":{}}}"#,
            credential.id,
            text(&credential.name),
            text(&credential.protocol),
            credential.details,
        ),
    );
}

fn write_sensor(sensor: &Sensor, out: &mut String) {
    push(
        out,
        format_args!(
            r#"{{"id":{},"name":{},"protocol":{},"default_interval":{},"details":{}}}"#,
            sensor.id,
            text(&sensor.name),
            text(&sensor.protocol),
            number(sensor.default_interval),
            sensor.details,
        ),
    );
}
