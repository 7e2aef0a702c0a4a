//! Which fleet does the story happen to? One that is well but for a single agent, so that what happens stands out.

use jiff::{SignedDuration, Timestamp};
use lastgood_simulator::{Device, Fleet};

use super::{AGENTS_PER_DEVICE, SEED};

/// For how long the one agent that is not well has had no backup.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(76);

/// For how long the appliance that falls silent has been heard of no more. Its agents are a day behind by then.
const SILENT: SignedDuration = SignedDuration::from_hours(30);

/// `count` appliances at `now`, all well but for one agent of the last.
pub(super) fn well(count: u16, now: Timestamp) -> Fleet {
    let count = usize::from(count);
    let mut taken = count;
    // Most of a seeded fleet is well; from twice as many and some, enough are left.
    let devices = loop {
        taken = 2 * taken + 16;
        let mut devices = Fleet::seeded(SEED, taken, AGENTS_PER_DEVICE, now).devices;
        devices.retain(|device| device.traits.is_empty());
        if devices.len() >= count {
            break devices;
        }
    };
    let mut fleet = Fleet { now, devices: devices.into_iter().take(count).collect() };
    for device in &mut fleet.devices {
        device.assets.retain(|asset| asset.traits.is_empty());
    }
    let forgotten = fleet.devices.last_mut().and_then(|device| device.assets.first_mut());
    if let Some(asset) = forgotten {
        asset.last_good_at = Some(now - FORGOTTEN);
    }
    fleet
}

/// The same with its first appliance silent, and what that one protects behind.
pub(super) fn with_a_silent_one(count: u16, now: Timestamp) -> Fleet {
    let mut fleet = well(count, now);
    if let Some(device) = fleet.devices.first_mut() {
        device.last_seen_at = Some(now - SILENT);
        for asset in &mut device.assets {
            asset.last_good_at = Some(now - SILENT);
        }
    }
    fleet
}

/// The appliance that falls silent.
pub(super) fn silent_one(fleet: &Fleet) -> &Device {
    fleet.devices.first().expect("a fleet has an appliance")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_of_every_size_has_as_many_appliances_as_asked_for() {
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        for count in [1, 2, 7, 8, 12, 500] {
            assert_eq!(well(count, now).devices.len(), usize::from(count));
        }
        let silent = silent_one(&with_a_silent_one(12, now)).clone();
        assert_eq!(silent.serial, silent_one(&well(12, now)).serial);
        assert_eq!(silent.last_seen_at, Some(now - SILENT));
    }
}
