//! The API of a Grafolean backend, as bots see it: configuration to read, values to send, and whatever can go wrong between.
//!
//! A [`World`] knows accounts, bots, entities, credentials and sensors, and keeps all that is sent to it. A [`Backend`] shows
//! it on loopback until it is dropped; another can then be started on the same port over the same world, which is a backend
//! that was down. [`Faults`] can be replaced at any time. Everything runs on a thread of its own: it can be used from plain
//! and from asynchronous tests, and is held up by neither.
//!
//! What it answers was recorded from a real backend; the record is `testdata/grafolean-replay.tsv`, and every row of it is a
//! test. What is deliberately absent: persons and their logins, changes of the configuration over HTTP, reading values,
//! MQTT, and CORS.
//!
//! ```
//! use lastgood_simulator::grafolean::{Backend, Fault, Faults, Scope, World};
//!
//! # fn main() -> std::io::Result<()> {
//! let seeded = World::seeded(1, 100, 3, "snmp");
//! let once = Faults::none().with_next(1, Scope::path("/accounts/*/values"), Fault::DropAfter);
//! let backend = Backend::start(seeded.world.clone(), once)?;
//! let (account, token) = &seeded.accounts[0];
//! // … let a collector run against `backend.url()` with `token`, then ask what came in:
//! assert!(seeded.world.values(*account).is_empty());
//! # Ok(())
//! # }
//! ```

mod access;
mod faults;
mod json;
mod ledger;
mod model;
mod reply;
mod routes;
mod server;
mod values;
mod world;

pub use faults::{Fault, Faults, Scope};
pub use ledger::{Keep, Request, Value};
pub use model::{Account, Bot, Credential, Entity, Permission, Polling, Sensor};
pub use reply::Reply;
pub use server::{Backend, Down, Options};
pub use world::{Migration, Seeded, World};
