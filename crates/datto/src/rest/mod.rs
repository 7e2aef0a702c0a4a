//! What does the REST API state about a fleet?
//!
//! Pure: answers come in as bytes or JSON values, a Collection goes out. Which requests give those answers is the
//! client's matter. Reading is lenient: every field may be missing, null, or a number written as text.

use std::collections::HashSet;

use lastgood_core::id::Name;
use lastgood_core::observation::{
    AssetObservation, Collection, Exemption, Extent, Failure, FailureKind, Place, RepositoryObservation,
};
use serde_json::{Map, Value};

use crate::kinds::DATTO_REST;
use crate::look::{Failures, Look, OBSERVATIONS_MAX};
use crate::unique::{UniqueKeys, make_unique};

mod asset;
mod device;
mod repetition;
mod runs;
mod shapes;
mod value;

use self::repetition::Met;
pub use self::repetition::{is_same_page, repeated_count};
pub use self::shapes::{AnswerError, Page, read_page};

/// One object of an answer, fields as they came.
pub type Object = Map<String, Value>;

/// A device with what asking for its assets gave. The assets are read at once: the JSON of a large fleet takes many
/// times the memory of what it states.
#[derive(Clone, Debug)]
pub struct DeviceAnswer {
    device: Object,
    assets: Vec<AssetObservation>,
    /// Which assets cannot be judged: the name where one is stated, and why.
    unreadable: Vec<(Option<Name>, String)>,
    /// How many entries of the list of assets repeated another and were passed over.
    repeated_count: usize,
    failure: Option<AssetsFailure>,
}

impl DeviceAnswer {
    /// Takes a device as its list states it, and its assets as its own list states them, as far as that was read.
    /// An asset that stands twice is taken once, and the list is partial then.
    ///
    /// `failure` is set if that list was not read, or not as a whole; it costs this device's assets alone.
    pub fn new(device: Object, assets: &[Object], failure: Option<AssetsFailure>, look: &Look) -> Self {
        let offsite = device::offsite_exemption(&device);
        let mut answer = Self {
            device,
            assets: Vec::with_capacity(assets.len()),
            unreadable: Vec::new(),
            repeated_count: 0,
            failure,
        };
        let mut met = Met::default();
        for (object, position) in assets.iter().zip(1..) {
            if met.repeats(object) {
                answer.repeated_count += 1;
                continue;
            }
            match asset::read(object, position, offsite, look) {
                Ok(asset) => answer.assets.push(asset),
                Err(reason) => {
                    let name = value::text(object, "name").map(|name| Name::new(name.trim()));
                    answer.unreadable.push((name, reason));
                }
            }
        }
        answer
    }

    /// Returns how many entries the list of assets had.
    fn listed_count(&self) -> usize {
        self.assets.len() + self.unreadable.len() + self.repeated_count
    }
}

/// Why the assets of one device could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetsFailure {
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words; holds no secret.
    pub reason: String,
}

/// Returns the serial number of a device: the path segment for its assets; `None` if it states none.
pub fn serial_of(device: &Object) -> Option<String> {
    value::text(device, "serialNumber")
        .map(|serial| serial.trim().to_owned())
        .filter(|serial| !serial.is_empty())
}

/// Returns how many agents and shares a device states to have, archived and paused ones included; `None` if it does not
/// say.
pub fn stated_asset_count(device: &Object) -> Option<u64> {
    let counts = [value::count(device, "agentCount"), value::count(device, "shareCount")];
    counts.into_iter().flatten().reduce(u64::saturating_add)
}

/// Makes a Collection of a list of devices and their assets.
///
/// `listing_failure` is set if the list of devices itself broke off; what was read of it stands. A device that stands
/// twice is taken once, and the list is partial then: lists move while they are paged, so another one may be missing.
/// Another device with the same serial number is another device.
pub fn collect(
    devices: Vec<DeviceAnswer>,
    listing_failure: Option<AssetsFailure>,
    look: &Look,
) -> Collection {
    let mut failures = Failures::default();
    let mut listing = Extent::Complete;
    if let Some(AssetsFailure { kind, reason }) = listing_failure {
        listing = if devices.is_empty() { Extent::Failed } else { Extent::Partial };
        failures.note(Failure { place: Place::source(), kind, reason });
    }
    let mut met = Met::default();
    let mut keys = UniqueKeys::new();
    let listed_count = devices.len();
    let mut repositories = Vec::with_capacity(listed_count);
    let (mut observed, mut repeated_count) = (0, 0);
    for (answer, position) in devices.into_iter().zip(1..) {
        observed += 1 + answer.listed_count();
        if observed > OBSERVATIONS_MAX {
            listing = Extent::Partial;
            let reason = format!("more than {OBSERVATIONS_MAX} devices and assets; the rest was not read");
            failures.malformed(Place::source(), reason);
            break;
        }
        if met.repeats(&answer.device) {
            repeated_count += 1;
            continue;
        }
        let mut repository = device::read(&answer.device, position, look);
        keys.claim(&mut repository);
        take_assets(&mut repository, answer, &mut failures);
        repositories.push(repository);
    }
    if repeated_count > 0 {
        listing = Extent::Partial;
        let reason = repetition::reason("the list of devices", repeated_count, listed_count);
        failures.malformed(Place::source(), reason);
    }
    Collection {
        source: look.source.clone(),
        kind: &DATTO_REST,
        observed_at: look.at,
        listing,
        repositories,
        failures: failures.into_vec(),
    }
}

/// Fills in the assets of a device; one that cannot be read makes the list partial.
fn take_assets(repository: &mut RepositoryObservation, answer: DeviceAnswer, failures: &mut Failures) {
    let stated = stated_asset_count(&answer.device).unwrap_or_default();
    let listed = answer.listed_count() as u64;
    let is_hidden = repository.exempt == Some(Exemption::Hidden);
    if answer.failure.is_none() && listed < stated && !is_hidden {
        repository.listing = Extent::Partial;
        let reason = format!(
            "it states {stated} agents and shares, and its list has {listed}; look again, and compare with the portal"
        );
        failures.malformed(Place::repository(repository.key.clone()), reason);
    }
    if answer.repeated_count > 0 {
        repository.listing = Extent::Partial;
        let reason =
            repetition::reason("the list of its assets", answer.repeated_count, answer.listed_count());
        failures.malformed(Place::repository(repository.key.clone()), reason);
    }
    if let Some(AssetsFailure { kind, reason }) = answer.failure {
        let nothing = answer.assets.is_empty() && answer.unreadable.is_empty();
        repository.listing = if nothing { Extent::Failed } else { Extent::Partial };
        failures.note(Failure { place: Place::repository(repository.key.clone()), kind, reason });
    }
    repository.assets = answer.assets;
    repository.used_ever = Some(repository.assets.iter().any(|asset| asset.last_good.value().is_some()));
    make_unique(&mut repository.assets);
    if answer.unreadable.is_empty() {
        return;
    }
    let judged: HashSet<&Name> = repository.assets.iter().map(AssetObservation::key).collect();
    for (name, mut reason) in answer.unreadable {
        repository.listing = repository.listing.max(Extent::Partial);
        let mut place = Place::repository(repository.key.clone());
        match name {
            // The key of one that was judged would blame the wrong asset.
            Some(name) if judged.contains(&name) => {
                reason = format!("another asset named {}: {reason}", name.text());
            }
            name => place.asset = name,
        }
        failures.malformed(place, reason);
    }
}

#[cfg(test)]
mod tests;
