//! The outside world of lastgood on loopback.
//!
//! It serves the demonstration, the tests and the benches alike, and it is documentation of the outside world that can be
//! run: each module says which facts its behaviour follows. It depends on no crate it simulates for, so that a
//! misunderstanding there is not repeated here. It reads no clock (`now` is an argument) and no randomness but its seed:
//! the same arguments give the same bytes.
//!
//! | part | what it plays |
//! | --- | --- |
//! | [`Fleet`] | the appliances of an invented partner: mostly healthy, with a realistic share of trouble |
//! | [`Portal`] | the Datto partner portal over that fleet: three XML feeds and the REST API, one set of keys each |
//! | [`Faults`] | what goes wrong there, settable at run time per path or per device |
//! | [`ClosedPort`] | an address that refuses connections |
//! | [`grafolean`] | the API of a Grafolean backend as bots see it, its faults, and what it received |
//! | [`smtp`] | a mail server that takes every mail and sends none, its faults, and what its mails say |
//! | [`stoney`] | a stoney backup host: the directory in a real slapd, customers' trees, and what both clients upload |
//!
//! What the portal does when nothing is wrong:
//!
//! - **XML feeds**: a plain GET, the key in the address, the whole fleet in one document, hidden devices included. A wrong
//!   key is answered outside 2xx. Times are US Eastern with summer time, never is `1969-12-31 19:00:00`, sizes are units of
//!   1024 bytes, and text of boot screens may hold raw control characters.
//! - **REST API**: HTTP Basic; errors are `{"code", "message"}`; pages from 1, at most 100 items each, `totalPages` 0 for an
//!   empty list. Asset lists are a bare array where `_page` is not sent. Times are ISO 8601 with offset or epoch seconds.
//!
//! ```
//! use lastgood_simulator::{Fault, Faults, Fleet, Portal, Scope};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let fleet = Fleet::seeded(1, 40, 5, "2026-03-02T12:00:00Z".parse().expect("a timestamp"));
//! let broken = fleet.devices[0].serial.clone();
//! let faults = Faults::none()
//!     .with(Scope::AssetsOf(broken), Fault::InternalError)
//!     .with_next(2, Scope::Rest, Fault::TooManyRequests { retry_after: Some("1".into()) });
//! let portal = Portal::start(fleet, faults).await?;
//! assert!(portal.rest_url().ends_with("/v1"));
//! // … let a client look, then ask what it did:
//! assert_eq!(portal.request_count(), 0);
//! portal.stop().await
//! # }
//! ```

mod datto;
pub mod grafolean;
mod random;
pub mod smtp;
pub mod stoney;

pub use datto::{
    Asset, AssetKind, AssetTrait, ClosedPort, Dates, Device, DeviceTrait, Fault, Faults, Filler, Fleet, Keys,
    ListShape, PAGE_SIZE_MAX, Portal, Request, Scope,
};
