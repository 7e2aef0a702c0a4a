//! Which fleet is looked at for days, and what does each look see?

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::Name;
use lastgood_core::observation::{AssetObservation, Collection, LastRun, Stated, Uptime};
use lastgood_core::testing::{FleetBuilder, agent, appliance, at};

/// What is looked at, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Fleet {
    pub(super) portals: usize,
    pub(super) appliances: usize,
    pub(super) assets: usize,
    pub(super) days: i64,
    pub(super) minutes: i64,
}

pub(super) const LARGE: Fleet = Fleet { portals: 10, appliances: 625, assets: 16, days: 30, minutes: 15 };
pub(super) const SMALL: Fleet = Fleet { portals: 2, appliances: 5, assets: 10, days: 1, minutes: 15 };
pub(super) const DAY_MINUTES: i64 = 24 * 60;

pub(super) fn begin() -> Timestamp {
    at("2026-03-02T00:00:00Z")
}

/// A number that looks random and is always the same.
fn mixed(a: usize, b: usize) -> usize {
    let mixed =
        (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (b as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
    usize::try_from((mixed ^ (mixed >> 29)) >> 20).unwrap_or(0)
}

/// The large fleet under `cargo bench`, the small one under `cargo test`; `--days 3` looks for fewer days, 0 for none.
pub(super) fn asked_for() -> Fleet {
    let arguments: Vec<String> = std::env::args().collect();
    let mut fleet = if arguments.iter().any(|argument| argument == "--bench") { LARGE } else { SMALL };
    if let Some(place) = arguments.iter().position(|argument| argument == "--days") {
        fleet.days = arguments.get(place + 1).and_then(|days| days.parse().ok()).expect("a number of days");
    }
    fleet
}

impl Fleet {
    pub(super) fn asset_count(self) -> usize {
        self.portals * self.appliances * self.assets
    }

    /// One look. Every appliance speaks, runs on and fills up; every asset is backed up once a day at its own minute, one
    /// in thirty in vain, and copied offsite two hours later.
    pub(super) fn look(self, portal: usize, minute: i64) -> Collection {
        let now = begin() + SignedDuration::from_mins(minute);
        let mut fleet = FleetBuilder::new(&format!("portal{portal}"), now);
        for number in 0..self.appliances {
            let mut repository = appliance(&format!("NAS{portal:02}{number:06}"), begin());
            repository.name = Name::new(format!("backup-{number}.customer{portal}.example"));
            repository.last_seen = Stated::Value(now - SignedDuration::from_secs(30));
            let seconds = f64::from(u32::try_from(minute).expect("a few weeks")) * 60.0;
            repository.uptime = Uptime::from_seconds(seconds).map_or(Stated::Missing, Stated::Value);
            let used = 4_000_000_000_000 + (number as u64) * 1_000_003 + minute.unsigned_abs() * 65_536;
            (repository.space.used, repository.space.free) =
                (Stated::Value(used), Stated::Value(9_000_000_000_000 - used));
            let place = Self::place(portal, number);
            repository.assets = (0..self.assets).map(|asset| Self::asset(place, asset, minute)).collect();
            fleet = fleet.repository(repository);
        }
        fleet.collection()
    }

    fn asset(place: usize, number: usize, minute: i64) -> AssetObservation {
        let mut asset = agent(&format!("server-{number:02}"), begin());
        let own_minute = Self::own_minute(place, number);
        let day_of = |minute: i64| (minute - own_minute).div_euclid(DAY_MINUTES);
        let good = |day: i64| begin() + SignedDuration::from_mins(day * DAY_MINUTES + own_minute);
        let day = day_of(minute);
        let has_failed = Self::has_failed(place, number, minute);
        let last = if has_failed { day - 1 } else { day };
        asset.last_good = Stated::Value(good(last));
        asset.last_offsite = Stated::Value(good(day_of(minute - 120)) + SignedDuration::from_hours(2));
        if has_failed {
            asset.last_run = LastRun::Failed { in_row: 1, at: Some(good(day)) };
        }
        asset
    }

    /// What tells an appliance from all others.
    pub(super) fn place(portal: usize, number: usize) -> usize {
        portal * 1_000_000 + number
    }

    fn own_minute(place: usize, number: usize) -> i64 {
        i64::try_from(mixed(place, number) % 1440).expect("a day")
    }

    /// True if the newest run of an asset at a minute failed.
    pub(super) fn has_failed(place: usize, number: usize, minute: i64) -> bool {
        let day = (minute - Self::own_minute(place, number)).div_euclid(DAY_MINUTES);
        mixed(place + number, usize::try_from(day + 1).unwrap_or(0)).is_multiple_of(30)
    }
}
