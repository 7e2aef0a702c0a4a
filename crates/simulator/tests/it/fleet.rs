//! Is the fleet what it promises: the same for a seed, complete from eight devices, alike in both feeds?

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lastgood_simulator::{AssetKind, AssetTrait, DeviceTrait, Fleet};
use serde_json::Value;

use crate::support::{now, small_fleet};

#[test]
fn one_seed_is_one_fleet_and_another_seed_another() {
    assert_eq!(Fleet::seeded(7, 20, 4, now()), Fleet::seeded(7, 20, 4, now()));
    assert_ne!(Fleet::seeded(7, 20, 4, now()), Fleet::seeded(8, 20, 4, now()));
}

#[test]
fn from_eight_devices_everything_that_can_be_the_matter_occurs() {
    for (seed, devices, agents) in (0..40).flat_map(|seed| [(seed, 8, 1), (seed, 9, 2), (seed, 30, 3)]) {
        let fleet = Fleet::seeded(seed, devices, agents, now());
        for wanted in DeviceTrait::ALL {
            assert!(fleet.devices_with(wanted).count() > 0, "{seed} {devices} {agents} {wanted:?}");
        }
        for wanted in AssetTrait::ALL {
            assert!(fleet.assets_with(wanted).count() > 0, "{seed} {devices} {agents} {wanted:?}");
        }
        let shares = fleet.devices.iter().map(|device| device.asset_count(AssetKind::Share)).sum::<usize>();
        assert!(shares > 0, "{seed} {devices} {agents} has no share");
    }
}

#[test]
fn twins_really_bear_a_name_that_another_has() {
    for seed in 0..40 {
        let fleet = Fleet::seeded(seed, 8, 1 + usize::try_from(seed % 3).unwrap(), now());
        for twin in fleet.devices_with(DeviceTrait::TwinHostname) {
            assert!(
                fleet.devices.iter().filter(|device| device.hostname == twin.hostname).count() > 1,
                "{seed}"
            );
        }
        for (_, twin) in fleet.assets_with(AssetTrait::TwinName) {
            let assets = fleet.devices.iter().flat_map(|device| &device.assets);
            assert!(assets.filter(|asset| asset.name == twin.name).count() > 1, "{seed}");
        }
    }
}

#[test]
fn most_of_a_large_fleet_is_healthy_and_keys_are_unique() {
    let fleet = Fleet::seeded(3, 2000, 5, now());
    let healthy = fleet.devices.iter().filter(|device| device.traits.is_empty()).count();
    assert!((1500..1900).contains(&healthy), "{healthy}");
    let assets = || fleet.devices.iter().flat_map(|device| &device.assets);
    let healthy = assets().filter(|asset| asset.traits.is_empty()).count();
    assert!(healthy * 100 / assets().count() >= 85, "{healthy}");
    let serials: BTreeSet<_> = fleet.devices.iter().map(|device| &device.serial).collect();
    assert_eq!(serials.len(), 2000);
    assert_eq!(assets().map(|asset| &asset.volume).collect::<BTreeSet<_>>().len(), assets().count());
    assert_eq!(assets().map(|asset| asset.asset_id).collect::<BTreeSet<_>>().len(), assets().count());
}

#[test]
fn nothing_happened_in_the_future_and_traits_are_what_they_say() {
    let fleet = Fleet::seeded(11, 3000, 4, now());
    let age = |at: Option<Timestamp>| at.map(|at| fleet.now.duration_since(at));
    let hours = SignedDuration::from_hours;
    for device in &fleet.devices {
        let has = |wanted| device.traits.contains(&wanted);
        let is_late = age(device.last_seen_at).is_none_or(|age| age > hours(1));
        let is_expected_late =
            has(DeviceTrait::Offline) || has(DeviceTrait::Hidden) || has(DeviceTrait::Factory);
        assert_eq!(is_late, is_expected_late, "{device:?}");
        let is_long_up = device.uptime_seconds >= 30 * 86_400;
        assert_eq!(is_long_up, has(DeviceTrait::LongUptime) || has(DeviceTrait::Hidden), "{device:?}");
        let total = device.used_kib + device.free_kib;
        assert_eq!(device.used_kib * 100 > total * 85, has(DeviceTrait::FullStorage), "{device:?}");
        for asset in &device.assets {
            let instants =
                [asset.last_good_at, asset.latest_offsite_at, asset.screenshot_at, device.last_seen_at];
            assert!(instants.into_iter().all(|at| age(at).is_none_or(|age| age >= hours(0))), "{asset:?}");
            if !is_late {
                assert_asset(asset, &age);
            }
        }
    }
}

fn assert_asset(
    asset: &lastgood_simulator::Asset,
    age: &dyn Fn(Option<Timestamp>) -> Option<SignedDuration>,
) {
    let has = |wanted| asset.traits.contains(&wanted);
    let is_stopped = asset.is_paused || asset.is_archived || has(AssetTrait::NeverBackedUp);
    let is_behind = age(asset.last_good_at).is_none_or(|age| age > SignedDuration::from_hours(24));
    assert_eq!(is_behind, is_stopped || has(AssetTrait::BehindLocal), "{asset:?}");
    assert_eq!(
        asset.status == "Success",
        !has(AssetTrait::Failed) && !has(AssetTrait::NeverBackedUp),
        "{asset:?}"
    );
    if let Some(age) = age(asset.latest_offsite_at).filter(|_| !is_stopped) {
        assert_eq!(age > SignedDuration::from_hours(24 * 7), has(AssetTrait::BehindOffsite), "{asset:?}");
    }
    assert_eq!(!asset.screenshot_error.is_empty(), has(AssetTrait::ScreenshotFailed), "{asset:?}");
}

#[test]
fn ten_thousand_devices_with_ten_agents_are_between_33_and_38_megabytes() {
    let fleet = Fleet::seeded(1, 10_000, 10, now());
    let mut length = Counted(0);
    fleet.write_xml_tree_a(&mut length).unwrap();
    assert!((33_000_000..38_000_000).contains(&length.0), "{}", length.0);
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_streamed_document_is_the_whole_document() {
    let fleet = small_fleet();
    let mut streamed = Vec::new();
    fleet.write_xml_tree_a(&mut streamed).unwrap();
    assert_eq!(String::from_utf8(streamed).unwrap(), fleet.xml_tree_a());
}

#[test]
fn tree_a_has_every_device_and_volume_with_the_fields_of_the_feed() {
    let fleet = small_fleet();
    let document = fleet.xml_tree_a();
    let assets = fleet.devices.iter().flat_map(|device| &device.assets);
    let (agents, shares): (Vec<_>, Vec<_>) = assets.partition(|asset| asset.kind == AssetKind::Agent);
    assert!(document.contains("<Devices total=\"12\">"));
    assert_eq!(document.matches("<Device>").count(), 12);
    assert_eq!(document.matches("<BackupVolume type=\"Agent\">").count(), agents.len());
    assert_eq!(document.matches("<BackupVolume type=\"NAS\">").count(), shares.len());
    assert!(document.contains("<Hostname>backupDevice</Hostname>"));
    assert!(document.contains("<Lastseen tz=\"EST\">1969-12-31 19:00:00</Lastseen>"));
    assert!(document.contains("<BackupVolumes/>"));
    assert!(document.contains("<IsHidden>1</IsHidden>"));
}

#[test]
fn text_of_boot_screens_is_escaped_but_keeps_its_control_characters() {
    let documents: String = (0..30).map(|seed| Fleet::seeded(seed, 8, 2, now()).xml_tree_a()).collect();
    assert!(documents.contains("Recovery &amp; Startup Repair\u{c}Press F8"));
    assert!(documents.contains("&lt;script&gt;"));
    assert!(!documents.contains("<script>"));
    assert!(!documents.contains("]]>"));
}

#[test]
fn tree_b_is_another_tree_and_knows_machines_only() {
    let fleet = small_fleet();
    let document = fleet.xml_tree_b();
    let agents: usize = fleet.devices.iter().map(|device| device.asset_count(AssetKind::Agent)).sum();
    assert_eq!(document.matches("<hostname>").count(), 12);
    assert_eq!(document.matches("<protectedHostname>").count(), agents);
    assert!(!document.contains("SerialNumber"));
}

#[test]
fn both_interfaces_tell_of_the_same_instants() {
    let fleet = small_fleet();
    let document = fleet.xml_tree_a();
    let device = fleet.devices_with(DeviceTrait::Offline).next().unwrap();
    let item =
        fleet.device_items().into_iter().find(|item| item["serialNumber"] == device.serial.as_str()).unwrap();
    let seen_at: Timestamp = item["lastSeenDate"].as_str().unwrap().parse().unwrap();
    assert_eq!(Some(seen_at), device.last_seen_at);
    let eastern = (seen_at - SignedDuration::from_hours(4)).strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert!(document.contains(&format!("<Lastseen tz=\"EST\">{eastern}</Lastseen>")));
    for (asset, item) in device.assets.iter().zip(fleet.asset_items(&device.serial).unwrap()) {
        assert_eq!(item["lastSnapshot"].as_i64().unwrap(), asset.last_good_at.unwrap().as_second());
    }
}

#[test]
fn rest_items_hold_the_traps_of_the_real_ones() {
    let fleet = Fleet::seeded(5, 60, 3, now());
    let devices = fleet.device_items();
    assert!(devices.iter().any(|item| item["localStorageUsed"]["size"].is_string()));
    assert!(devices.iter().any(|item| item["localStorageUsed"]["size"].is_u64()));
    assert!(devices.iter().any(|item| item["localStorageUsed"].is_null()));
    assert!(devices.iter().any(|item| item["hidden"].is_null()));
    assert!(devices.iter().any(|item| item["clientCompanyName"] == ""));
    assert!(devices.iter().any(|item| item["servicePlan"] == "ALTO Local Only"));
    let assets: Vec<Value> =
        fleet.devices.iter().flat_map(|device| fleet.asset_items(&device.serial).unwrap()).collect();
    assert!(assets.iter().any(|item| item["isPaused"] == true));
    assert!(assets.iter().any(|item| item["isArchived"] == true));
    assert!(assets.iter().any(|item| item["type"] == "share" && item["os"].is_null()));
    assert!(assets.iter().any(|item| item["lastSnapshot"] == 0 && item["backups"] == Value::Array(vec![])));
    assert!(assets.iter().any(|item| item["lastScreenshotAttemptStatus"] == "1"));
    assert!(assets.iter().any(|item| item["lastScreenshotAttemptStatus"] == false));
    assert!(assets.iter().any(|item| item["backups"][0]["backup"]["status"] == "failure"));
    assert!(fleet.asset_items("no such serial").is_none());
}

#[test]
fn a_fleet_of_any_size_can_be_made() {
    for devices in [0, 1, 2, 7] {
        assert_eq!(Fleet::seeded(1, devices, 0, now()).devices.len(), devices);
        assert_eq!(Fleet::seeded(1, devices, 3, now()).devices.len(), devices);
    }
}
