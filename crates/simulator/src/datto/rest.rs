//! What does the REST API say of one device, one asset, one alert? The items of its lists as JSON; pages around them
//! are made in `paging`. Knows neither HTTP nor keys.
//!
//! Follows the facts "Device", "Asset" and "Others" of the REST API, and the data traps that the API itself lays: sizes
//! as numbers or strings, KB locally beside bytes offsite, three encodings of time in one answer, a screenshot status
//! that is a boolean or a string, a client name that is null or empty, a screenshot address that comes and goes,
//! backups in no promised order.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fleet::{Asset, AssetKind, AssetTrait, Device, DeviceTrait, Fleet};
use super::time_text::{Dates, Pen};

/// How many backups of an asset are listed at most.
const BACKUPS_LISTED: i64 = 6;

impl Fleet {
    /// Every device as an item of `/bcdr/device`, hidden ones included.
    pub fn device_items(&self) -> Vec<Value> {
        self.devices
            .iter()
            .enumerate()
            .map(|(index, device)| device_item(device, index, Dates::Stated))
            .collect()
    }

    /// Every asset of a device as an item of `/bcdr/device/{serial}/asset`; `None` if there is no such device.
    pub fn asset_items(&self, serial: &str) -> Option<Vec<Value>> {
        self.device(serial).map(|device| asset_items(device, Dates::Stated))
    }

    /// Every alert of a device as an item of `/bcdr/device/{serial}/alert`; `None` if there is no such device. An
    /// alert bears no serial.
    pub fn alert_items(&self, serial: &str) -> Option<Vec<Value>> {
        self.device(serial).map(alert_items)
    }
}

/// One device. `index` decides which of the API's spellings it shows.
pub(crate) fn device_item(device: &Device, index: usize, dates: Dates) -> Value {
    let pen = Pen::new(dates);
    let local = |kib: u64| {
        if device.is_azure() { Value::Null } else { size(kib, "KB", index % 5 == 1) }
    };
    // Some clients are stated under the organization alone: the client name is then null, or empty.
    let client = match index % 6 {
        2 => Value::Null,
        4 => json!(""),
        _ => json!(device.client),
    };
    let region = match (device.is_azure(), index % 3) {
        (true, _) => json!({ "location": "eastus", "provider": "azure" }),
        (false, 0) => json!({ "location": "us-east", "provider": null }),
        (false, _) => Value::Null,
    };
    let address = if device.address.is_empty() { Value::Null } else { json!(device.address) };
    json!({
        "serialNumber": device.serial,
        "name": device.hostname,
        "region": region,
        "model": device.model,
        "lastSeenDate": pen.iso(device.last_seen_at),
        "organizationId": 410_001 + index,
        "clientCompanyName": client,
        "organizationName": device.client,
        "hidden": if index % 7 == 3 && !device.is_hidden { Value::Null } else { json!(device.is_hidden) },
        "servicePlan": device.service_plan,
        "registrationDate": pen.iso(Some(device.registered_at)),
        "servicePeriod": pen.iso(device.service_ends_at),
        "warrantyExpire": pen.iso(device.warranty_ends_at),
        "localStorageUsed": local(device.used_kib),
        "localStorageAvailable": local(device.free_kib),
        "offsiteStorageUsed": size(device.offsite_bytes, "Bytes", index % 5 == 1),
        "totalManagedDisk": size(device.used_kib + device.free_kib, "KB", false),
        "internalIP": address,
        "activeTickets": 0,
        "resellerCompanyName": "Example MSP",
        "agentCount": device.asset_count(AssetKind::Agent),
        "shareCount": device.asset_count(AssetKind::Share),
        "alertCount": alert_items(device).len(),
        "uptime": device.uptime_seconds,
        "remoteWebUrl": format!("https://{}.example.invalid/", device.serial.to_lowercase()),
    })
}

fn size(amount: u64, units: &str, as_text: bool) -> Value {
    let size = if as_text { json!(amount.to_string()) } else { json!(amount) };
    json!({ "size": size, "units": units })
}

/// Every asset of one device.
pub(crate) fn asset_items(device: &Device, dates: Dates) -> Vec<Value> {
    let pen = Pen::new(dates);
    device.assets.iter().enumerate().map(|(index, asset)| asset_item(asset, index, &pen)).collect()
}

fn asset_item(asset: &Asset, index: usize, pen: &Pen) -> Value {
    let is_agent = asset.kind == AssetKind::Agent;
    let machine_text = |text: String| if is_agent { json!(text) } else { Value::Null };
    let never_offsite = if index.is_multiple_of(2) { Value::Null } else { json!(0) };
    let offsite = pen.epoch(asset.latest_offsite_at).map_or(never_offsite, |epoch| json!(epoch));
    let host = asset.name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    json!({
        "name": asset.name,
        "assetId": asset.asset_id,
        "volume": asset.volume,
        "localIp": machine_text(format!("192.0.2.{}", 20 + index % 230)),
        "os": machine_text(asset.system.clone()),
        "protectedVolumesCount": 1,
        "unprotectedVolumesCount": 0,
        "protectedVolumeNames": ["C:\\"],
        "unprotectedVolumeNames": [],
        "agentVersion": if is_agent { "3.0.18.5" } else { "" },
        "isPaused": asset.is_paused,
        "isArchived": asset.is_archived,
        "latestOffsite": offsite,
        "localSnapshots": if asset.last_good_at.is_some() { 40 } else { 0 },
        "lastSnapshot": pen.epoch(asset.last_good_at).unwrap_or(0),
        "lastScreenshotAttempt": pen.epoch(asset.screenshot_at).unwrap_or(0),
        "lastScreenshotAttemptStatus": screenshot_status(asset, index),
        "lastScreenshotUrl": asset.screenshot_url.replace("/images/", "/image/"),
        "fqdn": machine_text(format!("{host}.example.invalid")),
        "backups": backups(asset, index, pen),
        "protectedMachine": { "mac": null, "serial": null },
        "type": if is_agent { "agent" } else { "share" },
    })
}

/// A boolean by the contract, a string now and then, null where nothing was tried. A share's false means nothing.
fn screenshot_status(asset: &Asset, index: usize) -> Value {
    if asset.kind == AssetKind::Share {
        return json!(false);
    }
    let Some(_) = asset.screenshot_at else {
        return Value::Null;
    };
    match (asset.traits.contains(&AssetTrait::ScreenshotFailed), index % 3) {
        (true, 1) => json!(""),
        (true, _) => json!(false),
        (false, 1) => json!("1"),
        (false, _) => json!(true),
    }
}

/// Hourly backups up to the last good one, and the failed one after it where the newest failed. Every third asset
/// lists them oldest first.
fn backups(asset: &Asset, index: usize, pen: &Pen) -> Vec<Value> {
    let Some(last_good_at) = asset.last_good_at else {
        return Vec::new();
    };
    let hours = |count: i64| SignedDuration::from_hours(count);
    let mut listed: Vec<Value> = Vec::new();
    if asset.status != "Success" {
        // Later than the last good one, earlier than anything the fleet's `now` could call the future.
        let failed_at = last_good_at + SignedDuration::from_mins(3);
        listed.push(backup(failed_at, Some("The backup agent could not be reached"), pen));
    }
    listed.extend((0..BACKUPS_LISTED).map(|age| backup(last_good_at - hours(age), None, pen)));
    if index % 3 == 2 {
        listed.reverse();
    }
    listed
}

fn backup(at: Timestamp, error: Option<&str>, pen: &Pen) -> Value {
    let status = if error.is_some() { "failure" } else { "success" };
    json!({
        "timestamp": pen.iso(Some(at)),
        "backup": { "status": status, "errorMessage": error },
        "localVerification": { "status": status, "errors": [] },
        "advancedVerification": { "screenshotVerification": null },
    })
}

fn alert_items(device: &Device) -> Vec<Value> {
    let is_offline = device.traits.contains(&DeviceTrait::Offline);
    let Some(seen_at) = device.last_seen_at.filter(|_| is_offline) else {
        return Vec::new();
    };
    let pen = Pen::new(Dates::Stated);
    let triggered_at = seen_at + SignedDuration::from_mins(60);
    vec![json!({
        "type": "Device Not Seen Alert",
        "threshold": 60,
        "unit": "Minutes",
        "dateTriggered": pen.iso(Some(triggered_at)),
        "dateSent": pen.iso(Some(triggered_at + SignedDuration::from_mins(1))),
    })]
}
