//! What does the REST API state about one device?

use lastgood_core::id::Name;
use lastgood_core::observation::{
    Evidence, Exemption, RepositoryObservation, Space, SpaceUnit, Stated, Uptime,
};
use serde_json::Value;

use super::value::{filled, is_yes, note, number, time};
use super::{Object, serial_of};
use crate::cloud::{self, space_exemption};
use crate::kinds::APPLIANCE;
use crate::look::Look;
use crate::reading::number::Number;

/// A service plan whose name holds this keeps backups on the appliance only.
const LOCAL_ONLY_PLAN: &str = "local only";

/// Reads a device. `position` counts the devices from 1, for one without any name.
pub(super) fn read(device: &Object, position: usize, look: &Look) -> RepositoryObservation {
    let position_name = || format!("device {position}");
    let serial = serial_of(device);
    let hostname = filled(device, "name").map(|name| name.trim().to_owned());
    let key = serial.clone().or_else(|| hostname.clone()).unwrap_or_else(position_name);
    let name = hostname.or(serial).unwrap_or_else(position_name);
    let mut repository = RepositoryObservation::new(&APPLIANCE, Name::new(key), Name::new(name));
    let mut evidence = Vec::new();
    if is_yes(device, "hidden") {
        repository.exempt = Some(Exemption::Hidden);
    }
    repository.last_seen = time(device, "lastSeenDate", look.at, &mut evidence);
    repository.service_end = time(device, "servicePeriod", look.at, &mut evidence);
    repository.warranty_end = time(device, "warrantyExpire", look.at, &mut evidence);
    repository.created_at = time(device, "registrationDate", look.at, &mut evidence);
    repository.uptime =
        number(device, "uptime", |number| Uptime::from_seconds(number.as_f64()), &mut evidence);
    repository.space = space(device, &mut evidence);
    repository.space_exempt = is_cloud(device).then(|| space_exemption(&repository.space)).flatten();
    if look.keep_details {
        repository.details = details(device);
    }
    repository.evidence = evidence;
    repository
}

/// Returns why the assets of a device keep no offsite copy, if they do not.
pub(super) fn offsite_exemption(device: &Object) -> Option<Exemption> {
    if is_cloud(device) {
        return Some(Exemption::CloudAppliance);
    }
    let plan = filled(device, "servicePlan")?;
    plan.to_ascii_lowercase().contains(LOCAL_ONLY_PLAN).then_some(Exemption::LocalOnly)
}

fn is_cloud(device: &Object) -> bool {
    filled(device, "model").is_some_and(|model| cloud::is_cloud(&model))
}

/// What one storage figure says: its number and its unit in bytes, where we know the unit.
struct Figure {
    number: Stated<Number>,
    unit: Result<u64, String>,
}

/// Reads used and free storage. Figures in an unknown unit still have a right share if both name the same unit.
fn space(device: &Object, evidence: &mut Vec<Evidence>) -> Space {
    let used = figure(device, "localStorageUsed", evidence);
    let free = figure(device, "localStorageAvailable", evidence);
    let (factors, unit) = match (&used.unit, &free.unit) {
        (Ok(used), Ok(free)) => ([Some(*used), Some(*free)], SpaceUnit::Bytes),
        (Err(used), Err(free)) if used == free => ([Some(1), Some(1)], SpaceUnit::Unstated),
        (used, free) => ([used.as_ref().ok().copied(), free.as_ref().ok().copied()], SpaceUnit::Bytes),
    };
    let scale = |figure: &Figure, factor: Option<u64>| match figure.number {
        Stated::Value(number) => {
            factor.and_then(|factor| number.scaled(factor)).map_or(Stated::Unreadable, Stated::Value)
        }
        Stated::Missing => Stated::Missing,
        Stated::Never => Stated::Never,
        Stated::Unreadable => Stated::Unreadable,
    };
    let (used_space, free_space) = (scale(&used, factors[0]), scale(&free, factors[1]));
    for (figure, scaled, field) in
        [(&used, used_space, "localStorageUsed"), (&free, free_space, "localStorageAvailable")]
    {
        if scaled == Stated::Unreadable && matches!(figure.number, Stated::Value(_)) {
            note(device, field, "is no usable storage figure", evidence);
        }
    }
    Space { used: used_space, free: free_space, quota: Stated::Missing, unit }
}

fn figure(device: &Object, field: &'static str, evidence: &mut Vec<Evidence>) -> Figure {
    let missing = Figure { number: Stated::Missing, unit: Ok(1) };
    match device.get(field) {
        None | Some(Value::Null) => missing,
        Some(Value::Object(object)) => {
            let unit = filled(object, "units").unwrap_or_default().trim().to_ascii_lowercase();
            Figure { number: number(object, "size", Some, evidence), unit: unit_bytes(&unit).ok_or(unit) }
        }
        Some(_) => {
            note(device, field, "is no storage figure", evidence);
            Figure { number: Stated::Unreadable, unit: Ok(1) }
        }
    }
}

/// The units the API uses, all of 1024.
fn unit_bytes(unit: &str) -> Option<u64> {
    let power = match unit {
        "b" | "byte" | "bytes" => 0,
        "kb" | "kib" => 1,
        "mb" | "mib" => 2,
        "gb" | "gib" => 3,
        "tb" | "tib" => 4,
        "pb" | "pib" => 5,
        _ => return None,
    };
    Some(1 << (10 * power))
}

fn details(device: &Object) -> Vec<(&'static str, Box<str>)> {
    let fields = [
        ("model", "model"),
        ("client", "clientCompanyName"),
        ("organisation", "organizationName"),
        ("service plan", "servicePlan"),
        ("internal address", "internalIP"),
        ("open tickets", "activeTickets"),
        ("reseller", "resellerCompanyName"),
    ];
    let shown = |(label, field)| Some((label, filled(device, field)?.trim().into()));
    let mut details: Vec<_> = fields.into_iter().filter_map(shown).collect();
    // A client without a name of its own is known by its organisation.
    if details.iter().any(|(label, _)| *label == "client") {
        details.retain(|(label, _)| *label != "organisation");
    }
    details
}
