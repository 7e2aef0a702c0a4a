//! Are the facts about the original module kept? One file per section: what to match, what must not come back, and our
//! rules where the original is silent or wrong.
//!
//! Documents are made of a device and a volume in perfect health, of which a test changes what it is about.

use jiff::Timestamp;
use lastgood_datto::fleet::{Count, Fleet, LOCAL_AFTER, OFFLINE_AFTER, OFFSITE_AFTER, REBOOT_AFTER};
use lastgood_datto::look::Look;

mod faults;
mod matched;
mod rules;
mod security;

/// 10:00 in New York, summer.
const NOW: &str = "2021-06-14T14:00:00Z";

/// The same instant as the feed writes it.
const FRESH: &str = "2021-06-14 10:00:00";

const DEVICE: [(&str, &str); 7] = [
    ("SerialNumber", "S1"),
    ("Hostname", "BDR01"),
    ("Uptime", "86400"),
    ("FreeSpace", "600"),
    ("UsedSpace", "400"),
    ("Lastseen", FRESH),
    ("IsHidden", "0"),
];

const VOLUME: [(&str, &str); 5] = [
    ("type", "Agent"),
    ("Agent", "DC01"),
    ("LastBackup", FRESH),
    ("LastBackupStatus", "Success"),
    ("LatestOffsite", FRESH),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The fields of a healthy one, with one of them replaced; the value is markup. An empty `field` replaces none.
fn fields(healthy: &[(&str, &str)], field: &str, value: Option<&str>) -> String {
    let element = |&(name, healthy): &(&str, &str)| match (name == field, value) {
        (false, _) => format!("<{name}>{healthy}</{name}>"),
        (true, Some(value)) => format!("<{name}>{value}</{name}>"),
        (true, None) => String::new(),
    };
    healthy.iter().map(element).collect()
}

/// A volume with these fields.
fn volume(fields: &str) -> String {
    format!("<BackupVolume>{fields}</BackupVolume>")
}

/// A device with these fields and volumes.
fn device(fields: &str, volumes: &str) -> String {
    format!("<Device>{fields}<BackupVolumes>{volumes}</BackupVolumes></Device>")
}

fn healthy_volume() -> String {
    volume(&fields(&VOLUME, "", None))
}

fn healthy_device() -> String {
    device(&fields(&DEVICE, "", None), &healthy_volume())
}

fn document(devices: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Devices total=\"1\">\n{devices}\n</Devices>")
}

/// One healthy device with a healthy agent, but for one field of the device.
fn with(field: &str, value: &str) -> String {
    document(&device(&fields(&DEVICE, field, Some(value)), &healthy_volume()))
}

/// The same without the field.
fn without(field: &str) -> String {
    document(&device(&fields(&DEVICE, field, None), &healthy_volume()))
}

/// One healthy device with a healthy agent, but for one field of the agent.
fn with_agent(field: &str, value: &str) -> String {
    document(&device(&fields(&DEVICE, "", None), &volume(&fields(&VOLUME, field, Some(value)))))
}

/// The same without the field.
fn without_agent(field: &str) -> String {
    document(&device(&fields(&DEVICE, "", None), &volume(&fields(&VOLUME, field, None))))
}

/// Every number about a fleet, and for each whether it is bad, unknown or ok.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    devices: u64,
    agents: u64,
    reboot: (u64, u64),
    offline: (u64, u64),
    failed: (u64, u64),
    local: (u64, u64),
    offsite: (u64, u64),
}

const OK: (u64, u64) = (0, 0);
const BAD: (u64, u64) = (1, 0);
const UNKNOWN: (u64, u64) = (0, 1);

/// One device with one agent, all ok.
const HEALTHY: Seen =
    Seen { devices: 1, agents: 1, reboot: OK, offline: OK, failed: OK, local: OK, offsite: OK };

/// Reads a document that is one, and all of it.
#[track_caller]
fn fleet(document: impl AsRef<[u8]>, now: &str) -> Fleet {
    let fleet = part_of_fleet(document, now);
    assert_eq!(fleet.failures(), []);
    fleet
}

/// Reads a document that is one, at least in part.
#[track_caller]
fn part_of_fleet(document: impl AsRef<[u8]>, now: &str) -> Fleet {
    let look = Look { keep_details: true, ..Look::new(at(now)) };
    Fleet::from_xml(document.as_ref(), &look).unwrap()
}

/// Says why a document is no fleet.
#[track_caller]
fn refusal(document: impl AsRef<[u8]>) -> String {
    Fleet::from_xml(document.as_ref(), &Look::new(at(NOW))).unwrap_err().to_string()
}

fn numbers(fleet: &Fleet, now: &str) -> Seen {
    let pair = |count: Count| (count.bad, count.unknown);
    let now = at(now);
    Seen {
        devices: fleet.device_count(),
        agents: fleet.agent_count(),
        reboot: pair(fleet.reboot_count(REBOOT_AFTER)),
        offline: pair(fleet.offline_count(OFFLINE_AFTER, now)),
        failed: pair(fleet.failed_agent_count()),
        local: pair(fleet.behind_local_count(LOCAL_AFTER, now)),
        offsite: pair(fleet.behind_offsite_count(OFFSITE_AFTER, now)),
    }
}

/// Every number about a document that was read as a whole.
#[track_caller]
fn seen(document: impl AsRef<[u8]>) -> Seen {
    numbers(&fleet(document, NOW), NOW)
}

/// What the three ages are, if every date of a device and its agent is this one.
#[track_caller]
fn ages(date: &str, now: &str) -> [(u64, u64); 3] {
    let volume_fields = VOLUME.map(|(name, value)| (name, if value == FRESH { date } else { value }));
    let device_fields = fields(&DEVICE, "Lastseen", Some(date));
    let document = document(&device(&device_fields, &volume(&fields(&volume_fields, "", None))));
    let seen = numbers(&fleet(document, now), now);
    [seen.offline, seen.local, seen.offsite]
}

/// True if a document was not read as a whole, and that was said.
fn refusal_or_part(document: &str) -> bool {
    let read = Fleet::from_xml(document.as_bytes(), &Look::new(at(NOW)));
    read.map_or_else(
        |failed| !failed.failures().is_empty(),
        |fleet| !fleet.is_complete() && !fleet.failures().is_empty(),
    )
}
