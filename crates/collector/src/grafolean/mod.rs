//! A client for the monitoring system [Grafolean](https://grafolean.com).
//!
//! [`Client`] asks a backend what a bot is to poll ([`Client::fetch_job_configs`]) and sends it values; [`Outbox`] keeps
//! values on disk until the backend has taken them. Written for the backend after version 0.5.0, as it was measured.

mod client;
mod configs;
mod error;
mod listing;
mod outbox;
mod spool;
mod token;
mod value;

pub use self::client::{Client, SetupError};
pub use self::configs::{AccountFailed, JobConfig, JobConfigs, SensorConfig};
pub use self::error::{Asked, Error};
pub use self::listing::{Account, Credential, Entity, EntitySensor, Polling, Profile, Record, Sensor};
pub use self::outbox::{Counts, Outbox, OutboxSettings, Unsent};
pub use self::spool::SpoolError;
pub use self::token::{Token, TokenError};
pub use self::value::{NotFinite, Refusal, Refused, Value, ValueError};
