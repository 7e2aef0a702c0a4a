//! Who is out there? The appliances of one invented partner with what they protect, as plain values that both
//! feeds are rendered from. Knows no document format and no clock: `now` is an argument.
//!
//! What can be the matter follows the facts "Data traps" and "Exclusions and order": hidden and never set up devices, plans
//! without offsite copies, Azure devices, names that repeat, paused and archived agents that look stale by design.
//!
//! The words are Datto's own (device, agent, share), because this crate plays the outside world; elsewhere a device is
//! a repository, an agent or a share an asset.

mod names;
mod seed;
mod twins;

use jiff::Timestamp;

/// What is the matter with a device. A device may have several of these, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceTrait {
    /// Last seen two hours to nine days ago.
    Offline,
    /// Up for 31 to 400 days.
    LongUptime,
    /// 96 to 99 % of the local storage is used.
    FullStorage,
    /// The service ends within 2 to 25 days.
    ServiceEnding,
    /// Hidden in the portal, and stale in everything: a retired appliance.
    Hidden,
    /// Never set up: the factory name `backupDevice`, never seen, no storage, no volumes.
    Factory,
    /// Its service plan keeps no offsite copy. Only the REST API states the plan.
    LocalOnly,
    /// Model `CLDSIRIS`, Datto Backup for Azure: no local storage, no offsite copy.
    Azure,
    /// Bears the hostname of another device.
    TwinHostname,
}

impl DeviceTrait {
    /// Every trait, in the order of declaration.
    pub const ALL: [Self; 9] = [
        Self::Offline,
        Self::LongUptime,
        Self::FullStorage,
        Self::ServiceEnding,
        Self::Hidden,
        Self::Factory,
        Self::LocalOnly,
        Self::Azure,
        Self::TwinHostname,
    ];
}

/// What is the matter with an agent or a share. It may have several of these, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetTrait {
    /// The newest backup failed; the last good one is still fresh unless `BehindLocal` stands beside it.
    Failed,
    /// The last good backup is 26 hours to 20 days old.
    BehindLocal,
    /// The newest offsite copy is 8 to 40 days old.
    BehindOffsite,
    /// No backup was ever made.
    NeverBackedUp,
    /// Backups are switched off for a while: stale by design. Only the REST API says so.
    Paused,
    /// Kept read-only for ever: stale by design. Only the REST API says so.
    Archived,
    /// Bears the name of another asset, of the same device where that has more than one agent.
    TwinName,
    /// The newest boot screenshot failed, and its text is hostile.
    ScreenshotFailed,
}

impl AssetTrait {
    /// Every trait, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Failed,
        Self::BehindLocal,
        Self::BehindOffsite,
        Self::NeverBackedUp,
        Self::Paused,
        Self::Archived,
        Self::TwinName,
        Self::ScreenshotFailed,
    ];
}

/// Is it a machine or a network share?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssetKind {
    /// A machine with a backup agent: `type="Agent"` in tree A, `"agent"` in the REST API.
    Agent,
    /// A share on the appliance itself: `type="NAS"` in tree A, `"share"` in the REST API, absent from tree B.
    Share,
}

/// One agent or share, as the portal knows it. Instants are whole seconds; `None` is "never".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Machine or share.
    pub kind: AssetKind,
    /// Name, not unique.
    pub name: String,
    /// The number of the asset in the REST API, unique in the fleet.
    pub asset_id: u64,
    /// 32 hexadecimal digits, unique in the fleet: the last path segment of the REST API's asset.
    pub volume: String,
    /// Operating system; empty for shares.
    pub system: String,
    /// When the last good backup was made. Tree A: `LastBackup`; REST: `lastSnapshot`.
    pub last_good_at: Option<Timestamp>,
    /// Text of tree A's `LastBackupStatus`: `Success`, `Fail`, or empty where nothing was ever tried.
    pub status: String,
    /// When the newest offsite copy was completed.
    pub latest_offsite_at: Option<Timestamp>,
    /// When the newest boot screenshot was tried; always `None` for shares.
    pub screenshot_at: Option<Timestamp>,
    /// Text read from the failed boot screen; empty where it booted or nothing was tried.
    pub screenshot_error: String,
    /// Address of the boot screenshot; empty where there is none.
    pub screenshot_url: String,
    /// Backups are switched off.
    pub is_paused: bool,
    /// Kept read-only.
    pub is_archived: bool,
    /// What was put into it on purpose, sorted.
    pub traits: Vec<AssetTrait>,
}

/// One appliance, as the portal knows it. Instants are whole seconds; `None` is "never" or "not stated".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Unique in the fleet: 12 hexadecimal digits, or `CLD` and nine more characters for Azure.
    pub serial: String,
    /// Hostname, not unique.
    pub hostname: String,
    /// Model text.
    pub model: String,
    /// Client it stands at; tree A does not state it.
    pub client: String,
    /// Service plan, where stated; tree A does not state it.
    pub service_plan: Option<String>,
    /// Seconds since it was started.
    pub uptime_seconds: u64,
    /// Free local storage in units of 1024 bytes.
    pub free_kib: u64,
    /// Used local storage in units of 1024 bytes.
    pub used_kib: u64,
    /// Storage used offsite, in bytes.
    pub offsite_bytes: u64,
    /// Inner address; empty where none is known.
    pub address: String,
    /// When the portal last heard of it.
    pub last_seen_at: Option<Timestamp>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When its service ends.
    pub service_ends_at: Option<Timestamp>,
    /// When its warranty ends.
    pub warranty_ends_at: Option<Timestamp>,
    /// Hidden in the portal.
    pub is_hidden: bool,
    /// Agents and shares, agents first.
    pub assets: Vec<Asset>,
    /// What was put into it on purpose, sorted.
    pub traits: Vec<DeviceTrait>,
}

impl Device {
    /// Is it Datto Backup for Azure, which has no local storage?
    pub fn is_azure(&self) -> bool {
        self.model == "CLDSIRIS"
    }

    /// Counts its assets of one kind.
    pub fn asset_count(&self, kind: AssetKind) -> usize {
        self.assets.iter().filter(|asset| asset.kind == kind).count()
    }
}

/// A partner's whole fleet at one instant. The fields are open, so that a test can make one thing different and
/// put the fleet back into the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The instant that all ages were taken from; whole seconds.
    pub now: Timestamp,
    /// The devices, in the order of both feeds.
    pub devices: Vec<Device>,
}

impl Fleet {
    /// Makes the fleet that belongs to `seed`: the same arguments give the same fleet, byte for byte.
    ///
    /// Most of it is healthy, a realistic share is not; from eight devices with one agent each, every
    /// [`DeviceTrait`], every [`AssetTrait`] and a share occur at least once. About three of ten devices have a
    /// share beside their agents.
    ///
    /// `now` must leave room for five years before and after it in the range of [`Timestamp`].
    pub fn seeded(seed: u64, devices: usize, agents_per_device: usize, now: Timestamp) -> Self {
        seed::fleet(seed, devices, agents_per_device, now)
    }

    /// Finds a device by its serial number.
    pub fn device(&self, serial: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.serial == serial)
    }

    /// The devices that have a trait, in the order of the feeds.
    pub fn devices_with(&self, wanted: DeviceTrait) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(move |device| device.traits.contains(&wanted))
    }

    /// The assets that have a trait, each with its device, in the order of the feeds.
    pub fn assets_with(&self, wanted: AssetTrait) -> impl Iterator<Item = (&Device, &Asset)> {
        self.devices
            .iter()
            .flat_map(|device| device.assets.iter().map(move |asset| (device, asset)))
            .filter(move |(_, asset)| asset.traits.contains(&wanted))
    }
}
