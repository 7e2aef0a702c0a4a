//! Of what does a Grafolean configuration consist? Plain values with the fields and oddities the API shows; nothing here
//! checks them, because the backend does not either. Follows the facts "GET endpoints" and "Permissions".

use std::collections::BTreeMap;

/// When bots are made unless said otherwise: the instant of the recorded answers, in seconds since the epoch.
const EPOCH_SECONDS: i64 = 1_795_248_273;

/// An account: who owns entities, credentials, sensors and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Identifier, 1 to 2^31 - 1 in the real backend.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A bot: what logs in with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Identifier among users.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The token, a UUID in lower case. It is compared without regard to case.
    pub token: String,
    /// The protocol it polls; `null` in the answer if `None`.
    pub protocol: Option<String>,
    /// The account it belongs to; `None` for a systemwide bot.
    pub tied_to_account: Option<i64>,
    /// What it may see and change.
    pub permissions: Vec<Permission>,
    /// When it was made, in seconds since the epoch.
    pub insert_time: i64,
}

impl Bot {
    /// A bot of one account with exactly the permissions the user interface gives: values POST and PUT; entities,
    /// credentials and sensors GET.
    pub fn of_account(id: i64, token: &str, protocol: &str, account: i64) -> Self {
        let row = |offset: i64, part: &str, methods: &[&str]| {
            Permission::new(id * 4 + offset, Some(&format!("accounts/{account}/{part}")), Some(methods))
        };
        Self {
            permissions: vec![
                row(0, "credentials", &["GET"]),
                row(1, "entities", &["GET"]),
                row(2, "sensors", &["GET"]),
                row(3, "values", &["POST", "PUT"]),
            ],
            tied_to_account: Some(account),
            ..Self::systemwide(id, token, protocol)
        }
    }

    /// A bot of no account that may use every method on every account.
    pub fn systemwide(id: i64, token: &str, protocol: &str) -> Self {
        Self {
            id,
            name: format!("bot {id}"),
            token: token.to_ascii_lowercase(),
            protocol: Some(protocol.to_owned()),
            tied_to_account: None,
            permissions: vec![Permission::new(id * 4, Some("accounts"), None)],
            insert_time: EPOCH_SECONDS,
        }
    }

    /// The same bot with other permissions.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Vec<Permission>) -> Self {
        self.permissions = permissions;
        self
    }
}

/// One row of what a bot may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Identifier of the row.
    pub id: i64,
    /// What it covers: this path and all below it, in whole segments, such as `accounts/12/values`. `None`: everything.
    pub resource_prefix: Option<String>,
    /// Methods, such as `GET`; all if `None`.
    pub methods: Option<Vec<String>>,
}

impl Permission {
    /// A row.
    pub fn new(id: i64, resource_prefix: Option<&str>, methods: Option<&[&str]>) -> Self {
        Self {
            id,
            resource_prefix: resource_prefix.map(str::to_owned),
            methods: methods.map(|methods| methods.iter().map(|method| (*method).to_owned()).collect()),
        }
    }
}

/// What is monitored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Identifier, unique over all accounts.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `device`, `interface` or any other text.
    pub entity_type: String,
    /// The entity it is part of.
    pub parent: Option<i64>,
    /// A JSON object as text, sent as it stands, such as `{"ipv4":"127.0.0.1"}`.
    pub details: String,
    /// How it is polled, by protocol.
    pub protocols: BTreeMap<String, Polling>,
}

impl Entity {
    /// A device without protocols, details `{"ipv4":"127.0.0.1"}`.
    pub fn device(id: i64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            entity_type: "device".to_owned(),
            parent: None,
            details: r#"{"ipv4":"127.0.0.1"}"#.to_owned(),
            protocols: BTreeMap::new(),
        }
    }

    /// The same entity, polled by one protocol more.
    #[must_use]
    pub fn polled(mut self, protocol: &str, polling: Polling) -> Self {
        self.protocols.insert(protocol.to_owned(), polling);
        self
    }
}

/// How an entity is polled with one protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polling {
    /// The credential used.
    pub credential: i64,
    /// Sensors with the interval of each in seconds: `None` for that of the sensor, and 0 and negative ones as they are.
    /// May be empty.
    pub sensors: Vec<(i64, Option<i64>)>,
    /// The bot that polls; `None` once it is deleted.
    pub bot: Option<i64>,
}

/// What opens an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Identifier, unique over all accounts.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The protocol it is for.
    pub protocol: String,
    /// A JSON object as text, sent as it stands.
    pub details: String,
}

/// What is asked of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// Identifier, unique over all accounts.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The protocol it is for.
    pub protocol: String,
    /// Interval in seconds where the entity states none; 0 and negative ones are possible.
    pub default_interval: Option<i64>,
    /// A JSON object as text, sent as it stands.
    pub details: String,
}
