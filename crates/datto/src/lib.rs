//! Reads the status of a whole fleet of Datto appliances: how many need a reboot, failed, are behind or offline.
//!
//! It does what the Perl module `Backup::Datto` does, and says what that one could not: what is not known.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn print(now: lastgood_datto::jiff::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
//! use lastgood_datto::fleet::{Fleet, LOCAL_AFTER, OFFLINE_AFTER, OFFSITE_AFTER, REBOOT_AFTER};
//! use lastgood_datto::key::ApiKey;
//!
//! // Once, first in `main`: rustls::crypto::ring::default_provider().install_default()
//! let fleet = Fleet::fetch(&ApiKey::new("dymr1gc0bvbinik88p5gkql4x4xexzkc")?, now).await?;
//!
//! println!("{} devices need a reboot", fleet.reboot_count(REBOOT_AFTER));
//! println!("{} agents failed their last backup", fleet.failed_agent_count());
//! println!("{} agents are behind for offsite", fleet.behind_offsite_count(OFFSITE_AFTER, now));
//! println!("{} devices are offline", fleet.offline_count(OFFLINE_AFTER, now));
//! println!("{} agents have not had a backup in 24 hours", fleet.behind_local_count(LOCAL_AFTER, now));
//! # Ok(())
//! # }
//! ```
//!
//! The same without a network, on a document of one device that was up for 31 days:
//!
//! ```
//! use lastgood_datto::fleet::{Fleet, LOCAL_AFTER, OFFLINE_AFTER, REBOOT_AFTER};
//! use lastgood_datto::look::Look;
//!
//! let document = r#"<Devices total="1"><Device>
//!   <SerialNumber>D05099A1B2C3</SerialNumber><Hostname>BDR01</Hostname>
//!   <Uptime>2678400</Uptime><Lastseen>2021-06-14 09:55:00</Lastseen><UsedSpace>2048</UsedSpace>
//!   <BackupVolumes><BackupVolume type="Agent">
//!     <Agent>DC01</Agent><LastBackup>2021-06-14 09:00:00</LastBackup><LastBackupStatus>Success</LastBackupStatus>
//!   </BackupVolume></BackupVolumes>
//! </Device></Devices>"#;
//! let now = "2021-06-14T14:00:00Z".parse()?; // 10:00 in New York
//!
//! let fleet = Fleet::from_xml(document.as_bytes(), &Look::new(now))?;
//! assert!(fleet.is_complete());
//! assert_eq!((fleet.device_count(), fleet.agent_count()), (1, 1));
//! assert_eq!(fleet.reboot_count(REBOOT_AFTER).bad, 1);
//! assert!(fleet.offline_count(OFFLINE_AFTER, now).is_fine());
//! assert!(fleet.agents().behind_local_count(LOCAL_AFTER, now).is_fine());
//! assert_eq!(fleet.used_space()[0].used_bytes, Some(2048 * 1024));
//!
//! // A login page is no fleet in good health.
//! assert!(Fleet::from_xml("<html>Log in</html>".as_bytes(), &Look::new(now)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Counterparts of `Backup::Datto`
//!
//! | `Backup::Datto::Collection` | here | what is different |
//! | --- | --- | --- |
//! | `new($key)` | [`Fleet::fetch`](fleet::Fleet), [`fetch_rest`](fleet::Fleet), [`from_xml`](fleet::Fleet::from_xml) | a `Result` instead of `undef`: a login page, an error or a cut connection is no empty fleet |
//! | `get_api_key` | `fleet.key()`, then [`expose`](key::ApiKey::expose) | a key prints as `[redacted]` |
//! | `get_raw_xml` | [`raw_document`](fleet::Fleet::raw_document) | kept only by `fetch_with_raw` and [`from_xml_with_raw`](fleet::Fleet::from_xml_with_raw) |
//! | `get_num_dattos` | [`device_count`](fleet::Fleet::device_count) | |
//! | `get_num_agents` | [`agent_count`](fleet::Fleet::agent_count) | shares have [`shares`](fleet::Fleet::shares) |
//! | `get_reboot_count`, `REBOOT_DURATION` | [`reboot_count`](fleet::Fleet::reboot_count), [`REBOOT_AFTER`](fleet::REBOOT_AFTER) | the threshold is an argument |
//! | `get_failed_agents` | [`failed_agent_count`](fleet::Fleet::failed_agent_count) | |
//! | `get_behind_offsite`, `OFFSITE_THRESHOLD` | [`behind_offsite_count`](fleet::Fleet::behind_offsite_count), [`OFFSITE_AFTER`](fleet::OFFSITE_AFTER) | threshold and time are arguments |
//! | `get_behind_local`, `BACKUP_THRESHOLD` | [`behind_local_count`](fleet::Fleet::behind_local_count), [`LOCAL_AFTER`](fleet::LOCAL_AFTER) | threshold and time are arguments |
//! | `get_offline`, `OFFLINE_THRESHOLD` | [`offline_count`](fleet::Fleet::offline_count), [`OFFLINE_AFTER`](fleet::OFFLINE_AFTER) | threshold and time are arguments; it counts devices |
//! | `get_used_space`, `get_used_hash` | [`used_space`](fleet::Fleet::used_space) | a row per device with its serial number, in bytes: a repeated hostname loses nothing |
//!
//! Each count is a [`Count`](fleet::Count): how many are bad, about how many nothing can be said, and whether all was
//! read. What is dated in the future is unknown and never fresh. A count is not recalculated by itself: a fleet is what
//! one look saw, and each getter judges it at the `now` it is given. The rules are those of [`lastgood_core`].
//!
//! # What is read
//!
//! - [`xml`]: both trees of the XML feeds, plain or gzip, in any encoding, streamed. Local times are in the zone of the
//!   portal, `America/New_York`, with its daylight saving time; [`look::Zones`] sets another one, also per device.
//! - [`rest`]: the device and asset lists of the REST API, in all three shapes.
//! - `client`, with the feature `client`: fetches both.
//!
//! It does not change anything at the portal: only GET is ever sent. It reads no alerts and restores, no endpoint
//! agents, no direct-to-cloud and no `SaaS` backups. It has no clock (`now` is an argument), writes no files, and expands
//! no XML entities: a DTD is refused.
//!
//! # Features
//!
//! - `client` (off by default): the HTTP client, with tokio, reqwest and rustls. Which cryptography rustls uses is the
//!   choice of the program, which installs it first in `main`.
//!
//! # Limits
//!
//! A document may have [256 MB](look::DOCUMENT_MAX_BYTES), one value in it 1 MB; a fleet [1 million](look::OBSERVATIONS_MAX)
//! devices and assets, an XML document [100 000](look::DEVICES_MAX) devices with at most
//! [10 000](look::VOLUMES_MAX) volumes each; a REST answer 16 MB. Whatever is over a limit makes the look partial and is named among its
//! failures. Memory is bounded by what is stated, not by the document.
//!
//! # Stability
//!
//! Versions follow Semantic Versioning. Covered are the signatures of all public items, the meaning and the exact
//! boundary of every count, default thresholds and limits, and that a key is shown nowhere. [`lastgood_core`] and
//! [`jiff`] are part of the interface: a new incompatible version of either is a new incompatible version here. Not
//! covered are the wording of failures, notes and log events, and their number. Before 1.0 an incompatible change raises
//! the minor version. The oldest Rust that works is the `rust-version` of the manifest; raising it raises the minor
//! version, and it stays at least six months behind the newest stable Rust from 1.0 on.

pub use {jiff, lastgood_core};

mod cloud;
pub mod kinds;
pub mod look;
pub mod rest;
pub mod reading;
pub mod screenshot;
mod unique;
pub mod xml;
pub mod key;
#[cfg(feature = "client")]
pub mod client;
pub mod fleet;
