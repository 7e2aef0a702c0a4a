//! The Datto partner portal: an invented fleet, its documents, and the portal that serves them with faults on demand.

mod faults;
mod fleet;
mod paging;
mod portal;
mod rest;
mod time_text;
mod xml;

pub use faults::{Fault, Faults, Filler, Scope};
pub use fleet::{Asset, AssetKind, AssetTrait, Device, DeviceTrait, Fleet};
pub use paging::{ListShape, PAGE_SIZE_MAX};
pub use portal::{ClosedPort, Keys, Portal, Request};
pub use time_text::Dates;
