//! A client for the monitoring system [Grafolean](https://grafolean.com).
//!
//! [`Client`] asks a backend what a bot is to poll ([`Client::fetch_job_configs`]) and sends it values; [`Outbox`] keeps
//! values on disk until the backend has taken them. Written for the backend after version 0.5.0, as it was measured.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::Duration;
//!
//! use lastgood_collector::grafolean::{Client, Outbox, OutboxSettings, Token};
//! use lastgood_collector::{Sample, Second};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let token = Token::from_file(Path::new("bot.token"))?;
//! let client = Client::new("https://grafolean.example.org/api", token)?;
//! let folder = Some("/var/lib/my-bot/spool".into());
//! let outbox = Outbox::open(client.clone(), OutboxSettings { folder, ..OutboxSettings::default() }).await?;
//! let mut configs = client.fetch_job_configs("snmp").await?;
//! while let Some(config) = configs.next().await {
//!     let config = config?; // or keep the old jobs of this one account
//!     let path = format!("entity.{}.uptime", config.entity_id);
//!     outbox.send_results(config.account_id, Second(1_795_248_300), vec![Sample::new(path, 7.0)]).await?;
//! }
//! let unsent = outbox.close(Duration::from_secs(10)).await;
//! println!("{} values wait for the next start", unsent.count);
//! # Ok(())
//! # }
//! ```

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
