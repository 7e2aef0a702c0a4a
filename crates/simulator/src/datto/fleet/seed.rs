//! How does a seed become a fleet? First every device gets its traits (those that must occur, then by chance), then
//! its fields follow from them, then the same for its assets. Knows no document format.

use jiff::{SignedDuration, Timestamp};

use super::{Asset, AssetKind, AssetTrait, Device, DeviceTrait, Fleet, names, twins};
use crate::random::Random;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From this many devices on, everything that can be the matter occurs at least once.
const COMPLETE_FROM: usize = 8;

/// Traits of the first eight devices of a shuffled order. Devices whose agents carry the traits of
/// [`CERTAIN_ASSET_TRAITS`] come first: they are neither hidden nor without volumes.
const CERTAIN_TRAITS: [&[DeviceTrait]; COMPLETE_FROM] = [
    &[],
    &[DeviceTrait::LongUptime, DeviceTrait::ServiceEnding],
    &[DeviceTrait::FullStorage, DeviceTrait::TwinHostname],
    &[DeviceTrait::LocalOnly],
    &[DeviceTrait::Azure],
    &[DeviceTrait::Offline],
    &[DeviceTrait::Hidden],
    &[DeviceTrait::Factory],
];

/// Traits of the agents that the first five certain devices have, dealt out in turns, one per device and turn.
const CERTAIN_ASSET_TRAITS: [&[AssetTrait]; 9] = [
    &[AssetTrait::Failed, AssetTrait::ScreenshotFailed],
    &[AssetTrait::BehindLocal, AssetTrait::BehindOffsite],
    &[AssetTrait::Archived, AssetTrait::TwinName],
    &[AssetTrait::Paused],
    &[AssetTrait::NeverBackedUp],
    &[AssetTrait::ScreenshotFailed],
    &[AssetTrait::BehindOffsite],
    &[AssetTrait::Failed, AssetTrait::BehindLocal],
    &[AssetTrait::NeverBackedUp],
];

/// How many of the certain devices have agents dealt traits.
const DEALT_TO: usize = 5;

/// Traits that chance gives a device, in cases of 1000; at most one each. The rest is healthy.
const DEVICE_CHANCES: [(DeviceTrait, u64); 9] = [
    (DeviceTrait::Offline, 30),
    (DeviceTrait::LongUptime, 40),
    (DeviceTrait::FullStorage, 30),
    (DeviceTrait::ServiceEnding, 30),
    (DeviceTrait::Hidden, 15),
    (DeviceTrait::Factory, 5),
    (DeviceTrait::LocalOnly, 20),
    (DeviceTrait::Azure, 10),
    (DeviceTrait::TwinHostname, 20),
];

/// Traits that chance gives an agent, in cases of 1000; at most one each.
const ASSET_CHANCES: [(AssetTrait, u64); 8] = [
    (AssetTrait::Failed, 20),
    (AssetTrait::BehindLocal, 15),
    (AssetTrait::BehindOffsite, 20),
    (AssetTrait::NeverBackedUp, 5),
    (AssetTrait::Paused, 10),
    (AssetTrait::Archived, 10),
    (AssetTrait::TwinName, 5),
    (AssetTrait::ScreenshotFailed, 15),
];

/// See [`Fleet::seeded`].
pub(super) fn fleet(seed: u64, device_count: usize, agents_per_device: usize, now: Timestamp) -> Fleet {
    let now = Timestamp::from_second(now.as_second()).expect("the seconds of a timestamp are one");
    let mut random = Random::seeded(seed);
    let mut places: Vec<usize> = (0..device_count).collect();
    random.shuffle(&mut places);
    // Which part of the certain traits a device plays, where it plays one.
    let mut parts: Vec<Option<usize>> = vec![None; device_count];
    if device_count >= COMPLETE_FROM {
        for (part, place) in places.iter().take(COMPLETE_FROM).enumerate() {
            parts[*place] = Some(part);
        }
    }
    let mut devices = Vec::with_capacity(device_count);
    for (index, part) in parts.into_iter().enumerate() {
        let mut birth = Birth { random: &mut random, now, index, part, agent_count: agents_per_device };
        let mut device = birth.device();
        birth.populate(&mut device);
        devices.push(device);
    }
    twins::name(&mut devices);
    Fleet { now, devices }
}

/// One device in the making.
struct Birth<'a> {
    random: &'a mut Random,
    now: Timestamp,
    /// Place in the feeds.
    index: usize,
    /// Which of the certain parts it plays.
    part: Option<usize>,
    /// How many agents it gets.
    agent_count: usize,
}

impl Birth<'_> {
    fn device(&mut self) -> Device {
        let traits = self.device_traits();
        let has = |wanted| traits.contains(&wanted);
        let client = self.random.pick(names::CLIENTS);
        let used_share = if has(DeviceTrait::FullStorage) { 960..=990 } else { 200..=800 };
        let total_kib = self.random.within(1..=24) * 1024 * 1024 * 1024;
        let used_kib = total_kib / 1000 * self.random.within(used_share) + self.random.within(0..=999_999);
        let seen_ago = if has(DeviceTrait::Offline) { 2 * HOUR..=9 * DAY } else { 20..=14 * MINUTE };
        let uptime = if has(DeviceTrait::LongUptime) { 31 * DAY..=400 * DAY } else { HOUR..=28 * DAY };
        let service_left =
            if has(DeviceTrait::ServiceEnding) { 2 * DAY..=25 * DAY } else { 60 * DAY..=900 * DAY };
        let mut device = Device {
            serial: self.serial(has(DeviceTrait::Azure)),
            hostname: format!("{}-BDR{:02}", first_word(client), self.index + 1),
            model: self.random.pick(names::MODELS).to_owned(),
            client: client.to_owned(),
            service_plan: Some(self.random.pick(names::PLANS).to_owned()),
            uptime_seconds: self.random.within(uptime),
            free_kib: total_kib - used_kib,
            used_kib,
            offsite_bytes: used_kib * 700,
            address: format!("192.0.2.{}", self.random.within(1..=254)),
            last_seen_at: Some(self.ago(seen_ago)),
            registered_at: midnight(self.ago(400 * DAY..=1500 * DAY)),
            service_ends_at: Some(midnight(self.ahead(service_left))),
            warranty_ends_at: Some(midnight(self.ahead(40 * DAY..=1200 * DAY))),
            is_hidden: false,
            assets: Vec::new(),
            traits: traits.clone(),
        };
        for one in traits {
            self.shape(&mut device, one);
        }
        device
    }

    fn device_traits(&mut self) -> Vec<DeviceTrait> {
        if let Some(part) = self.part {
            return CERTAIN_TRAITS[part].to_vec();
        }
        let found = DEVICE_CHANCES.iter().find(|(_, share)| self.random.chance(*share));
        found.map(|(one, _)| *one).into_iter().collect()
    }

    /// Makes a device what a trait says, where that is more than another range of a number.
    fn shape(&mut self, device: &mut Device, one: DeviceTrait) {
        match one {
            DeviceTrait::Hidden => {
                device.is_hidden = true;
                device.last_seen_at = Some(self.ago(300 * DAY..=900 * DAY));
                device.uptime_seconds = 9_999_999;
                device.service_plan = None;
                device.service_ends_at = Some(midnight(self.ago(200 * DAY..=290 * DAY)));
            }
            DeviceTrait::Factory => {
                "backupDevice".clone_into(&mut device.hostname);
                device.last_seen_at = None;
                (device.service_ends_at, device.warranty_ends_at, device.service_plan) = (None, None, None);
                (device.uptime_seconds, device.free_kib, device.used_kib, device.offsite_bytes) =
                    (0, 0, 0, 0);
                device.address.clear();
            }
            DeviceTrait::LocalOnly => {
                device.service_plan = Some(names::LOCAL_ONLY_PLAN.to_owned());
                device.offsite_bytes = 0;
            }
            DeviceTrait::Azure => {
                "CLDSIRIS".clone_into(&mut device.model);
                device.service_plan = Some(names::AZURE_PLAN.to_owned());
                (device.free_kib, device.used_kib, device.offsite_bytes) = (0, 0, 0);
                device.address.clear();
                device.warranty_ends_at = None;
            }
            // Numbers of these were drawn from their own ranges; names of twins are given at the end.
            DeviceTrait::Offline
            | DeviceTrait::LongUptime
            | DeviceTrait::FullStorage
            | DeviceTrait::ServiceEnding
            | DeviceTrait::TwinHostname => {}
        }
    }

    /// Unique for 16 million devices: an odd factor permutes the numbers below 2^24.
    fn serial(&mut self, is_azure: bool) -> String {
        let scrambled = (self.index as u64).wrapping_mul(0x9E_3779) & 0xFF_FFFF;
        if is_azure {
            format!("CLD{scrambled:08X}A")
        } else {
            format!("{}{scrambled:06X}", self.random.pick(names::SERIAL_PREFIXES))
        }
    }

    fn populate(&mut self, device: &mut Device) {
        if device.traits.contains(&DeviceTrait::Factory) {
            return;
        }
        for number in 0..self.agent_count {
            let traits = self.asset_traits(number);
            let asset = self.asset(device, AssetKind::Agent, number, traits);
            device.assets.push(asset);
        }
        if self.part == Some(0) || self.random.chance(300) {
            let asset = self.asset(device, AssetKind::Share, self.agent_count, Vec::new());
            device.assets.push(asset);
        }
    }

    fn asset_traits(&mut self, number: usize) -> Vec<AssetTrait> {
        if let Some(part) = self.part.filter(|part| *part < DEALT_TO)
            && let Some(certain) = CERTAIN_ASSET_TRAITS.get(number * DEALT_TO + part)
        {
            return certain.to_vec();
        }
        let found = ASSET_CHANCES.iter().find(|(_, share)| self.random.chance(*share));
        found.map(|(one, _)| *one).into_iter().collect()
    }

    fn asset(&mut self, device: &Device, kind: AssetKind, number: usize, traits: Vec<AssetTrait>) -> Asset {
        let has = |wanted| traits.contains(&wanted);
        let role = if kind == AssetKind::Share { "share" } else { self.random.pick(names::ROLES) };
        let good_ago =
            if has(AssetTrait::BehindLocal) { 26 * HOUR..=20 * DAY } else { 20 * MINUTE..=3 * HOUR };
        let offsite_ago =
            if has(AssetTrait::BehindOffsite) { 8 * DAY..=40 * DAY } else { 4 * HOUR..=60 * HOUR };
        // Counted through the fleet, a share's place included: what makes keys unique.
        let place = (self.index * (self.agent_count + 1) + number) as u64;
        let noise = self.random.next();
        let mut asset = Asset {
            kind,
            name: format!("{}-{role}{:02}", first_word(&device.client), number + 1),
            asset_id: 900_000 + place,
            volume: format!("{place:016x}{noise:016x}"),
            system: if kind == AssetKind::Share {
                String::new()
            } else {
                self.random.pick(names::SYSTEMS).to_owned()
            },
            last_good_at: Some(self.ago(good_ago)),
            status: if has(AssetTrait::Failed) { "Fail" } else { "Success" }.to_owned(),
            latest_offsite_at: Some(self.ago(offsite_ago)),
            screenshot_at: (kind == AssetKind::Agent).then(|| self.ago(HOUR..=30 * HOUR)),
            screenshot_error: String::new(),
            screenshot_url: String::new(),
            is_paused: has(AssetTrait::Paused),
            is_archived: has(AssetTrait::Archived),
            traits: traits.clone(),
        };
        if kind == AssetKind::Agent && self.random.chance(50) {
            asset.screenshot_url =
                format!("https://device.dattobackup.com/sirisReporting/images/latest/{noise:016x}.png");
        }
        for one in traits {
            self.shape_asset(&mut asset, one);
        }
        follow_device(device, &mut asset);
        asset
    }

    /// Makes an asset what a trait says, where that is more than another range of a number.
    fn shape_asset(&mut self, asset: &mut Asset, one: AssetTrait) {
        match one {
            AssetTrait::NeverBackedUp => {
                (asset.last_good_at, asset.latest_offsite_at, asset.screenshot_at) = (None, None, None);
                asset.status.clear();
                asset.screenshot_url.clear();
            }
            AssetTrait::Paused => self.stop(asset, 3 * DAY..=20 * DAY),
            AssetTrait::Archived => self.stop(asset, 200 * DAY..=700 * DAY),
            AssetTrait::ScreenshotFailed => {
                self.random.pick(names::HOSTILE_TEXTS).clone_into(&mut asset.screenshot_error);
                asset.screenshot_url = format!(
                    "https://partners.dattobackup.com/screenshot.php?latest/{}.png",
                    &asset.volume[16..]
                );
            }
            AssetTrait::Failed
            | AssetTrait::BehindLocal
            | AssetTrait::BehindOffsite
            | AssetTrait::TwinName => {}
        }
    }

    /// Nothing is newer than a moment long ago.
    fn stop(&mut self, asset: &mut Asset, ago: std::ops::RangeInclusive<u64>) {
        let stopped_at = self.ago(ago);
        asset.last_good_at = Some(stopped_at);
        asset.latest_offsite_at = Some(stopped_at - seconds(HOUR));
        asset.screenshot_at = asset.screenshot_at.map(|_| stopped_at - seconds(HOUR));
    }

    fn ago(&mut self, seconds_range: std::ops::RangeInclusive<u64>) -> Timestamp {
        self.now - seconds(self.random.within(seconds_range))
    }

    fn ahead(&mut self, seconds_range: std::ops::RangeInclusive<u64>) -> Timestamp {
        self.now + seconds(self.random.within(seconds_range))
    }
}

/// An asset is never fresher than what its device can have told, nor offsite where the device keeps no such copy.
fn follow_device(device: &Device, asset: &mut Asset) {
    if let Some(seen_at) = device.last_seen_at {
        for instant in [&mut asset.last_good_at, &mut asset.latest_offsite_at, &mut asset.screenshot_at] {
            *instant = instant.map(|at| if at > seen_at { seen_at - seconds(5 * MINUTE) } else { at });
        }
    }
    if device.is_azure() || device.traits.contains(&DeviceTrait::LocalOnly) {
        asset.latest_offsite_at = None;
    }
}

fn seconds(count: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(count).expect("an age of years at most"))
}

/// Start of the UTC day: service and warranty end on a date.
fn midnight(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(86_400)).expect("earlier by less than a day")
}

fn first_word(client: &str) -> String {
    client.split(' ').next().unwrap_or(client).to_uppercase()
}
