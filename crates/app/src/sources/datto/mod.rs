//! The status of Datto appliances: both XML feeds and the REST API, through the crate lastgood-datto.

use jiff::Timestamp;
use lastgood_core::id::SourceId;
use lastgood_datto::client;
use lastgood_datto::look::{Look, Zones};

use super::{Keep, RawError, SourceConfig};

pub mod rest;
pub mod xml;

/// Returns the zones a configuration sets; that of the portal where it sets none.
fn zones(config: &SourceConfig) -> Zones {
    match &config.zone {
        Some(zone) => Zones::new(zone.clone(), config.zones.clone()),
        None => Zones::portal().with(config.zones.clone()),
    }
}

fn look_of(source: &SourceId, at: Timestamp, zones: &Zones, keep: Keep) -> Look {
    Look { source: source.clone(), at, zones: zones.clone(), keep_details: keep == Keep::Everything }
}

fn raw_error(error: client::RawError) -> RawError {
    match error {
        client::RawError::Look(failure) => RawError::Look(failure),
        client::RawError::Write(error) => RawError::Write(error),
    }
}
