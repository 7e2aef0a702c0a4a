//! How large does the store grow, how fast does it start, and what does a tick cost, with 100 000 assets for 30 days?
//!
//! `cargo bench -p lastgood --bench store` prints it; `-- --days 3` looks for fewer days. Run by `cargo test`, it is a fleet of a hundred for a day.

use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Cover, Decision, Event, NewMessage, Store};
use lastgood_core::checks::unsuccessful;
use lastgood_core::id::{Name, SubjectId};
use lastgood_core::incident::{Change, Incident, Matter};
use lastgood_core::notify::{Episode, Why};
use lastgood_core::observation::{Collection, LastRun, Stated, Uptime};
use lastgood_core::recipient::Address;
use lastgood_core::testing::{FleetBuilder, PORTAL, agent, appliance, at, source_id};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

/// What is looked at, and for how long.
#[derive(Clone, Copy)]
struct Fleet {
    portals: usize,
    appliances: usize,
    assets: usize,
    days: i64,
    minutes: i64,
}

const LARGE: Fleet = Fleet { portals: 10, appliances: 625, assets: 16, days: 30, minutes: 15 };
const SMALL: Fleet = Fleet { portals: 2, appliances: 5, assets: 10, days: 1, minutes: 60 };
const DAY_MINUTES: i64 = 24 * 60;

fn begin() -> Timestamp {
    at("2026-03-02T00:00:00Z")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn milliseconds(since: Instant) -> f64 {
    (clock() - since).as_micros() as f64 / 1000.0
}

/// A number that looks random and is always the same.
fn mixed(a: usize, b: usize) -> usize {
    let mixed =
        (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (b as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
    usize::try_from((mixed ^ (mixed >> 29)) >> 20).unwrap_or(0)
}

impl Fleet {
    /// One look. Every appliance speaks, runs on and fills up; every asset is backed up once a day at its own minute, one
    /// in thirty in vain, and copied offsite two hours later.
    fn look(self, portal: usize, minute: i64) -> Collection {
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
            repository.assets = (0..self.assets)
                .map(|asset| Self::asset(portal * 1_000_000 + number, asset, minute))
                .collect();
            fleet = fleet.repository(repository);
        }
        fleet.collection()
    }

    fn asset(place: usize, number: usize, minute: i64) -> lastgood_core::observation::AssetObservation {
        let mut asset = agent(&format!("server-{number:02}"), begin());
        let own_minute = i64::try_from(mixed(place, number) % 1440).expect("a day");
        let day_of = |minute: i64| (minute - own_minute).div_euclid(DAY_MINUTES);
        let good = |day: i64| begin() + SignedDuration::from_mins(day * DAY_MINUTES + own_minute);
        let day = day_of(minute);
        let has_failed = mixed(place + number, usize::try_from(day + 1).unwrap_or(0)).is_multiple_of(30);
        let last = if has_failed { day - 1 } else { day };
        asset.last_good = Stated::Value(good(last));
        asset.last_offsite = Stated::Value(good(day_of(minute - 120)) + SignedDuration::from_hours(2));
        if has_failed {
            asset.last_run = LastRun::Failed { in_row: 1, at: Some(good(day)) };
        }
        asset
    }
}

fn memory_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn file_mebibytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len()) / (1024 * 1024)
}

async fn open(path: &Path) -> Sqlite {
    let find_kind = |word: &str| (word == PORTAL.id).then_some(&PORTAL);
    Sqlite::open(Options::new(path, find_kind)).await.expect("it is opened")
}

/// Days of looks, a checkpoint every hour, thinned once a day.
async fn run(store: &Sqlite, path: &Path, fleet: Fleet) {
    let (mut appends, mut spent, mut longest) = (0_u32, 0.0, 0.0_f64);
    for minute in (1..=fleet.days * DAY_MINUTES).step_by(usize::try_from(fleet.minutes).expect("positive")) {
        let now = begin() + SignedDuration::from_mins(minute);
        for portal in 0..fleet.portals {
            let look = fleet.look(portal, minute);
            let began = clock();
            store.append(&look).await.expect("it is kept");
            let took = milliseconds(began);
            (appends, spent, longest) = (appends + 1, spent + took, longest.max(took));
        }
        if minute % 60 < fleet.minutes {
            let began = clock();
            store.checkpoint(now).await.expect("a checkpoint");
            if minute % (5 * DAY_MINUTES) < fleet.minutes {
                println!("day {:2}: checkpoint {:.0} ms", minute / DAY_MINUTES, milliseconds(began));
            }
        }
        if minute % DAY_MINUTES < fleet.minutes {
            let began = clock();
            store.thin(now, Seconds::days(7)).await.expect("it is thinned");
            if minute % (5 * DAY_MINUTES) < fleet.minutes {
                let (size, memory) = (file_mebibytes(path), memory_mebibytes());
                println!(
                    "day {:2}: thinning {:.0} ms, {size} MiB on disk, {memory} MiB in memory",
                    minute / DAY_MINUTES,
                    milliseconds(began)
                );
            }
        }
    }
    println!(
        "{appends} looks: {:.1} ms each, {longest:.0} ms the longest",
        spent / f64::from(appends.max(1))
    );
}

/// A tick with these many incidents that open, one message for each tenth.
async fn tick(store: &Sqlite, minute: i64, count: usize) -> f64 {
    let now = begin() + SignedDuration::from_mins(minute);
    let incident = |number: usize| Incident {
        matter: Matter {
            subject: SubjectId {
                source: source_id("portal1"),
                repository: Some(Name::new(format!("NAS{minute}-{number}"))),
                asset: Some(Name::new("server-01")),
            },
            check: unsuccessful::ID,
        },
        noticed_at: now,
        opened_at: Some(now),
        acknowledged: None,
        looked_at: now,
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(1, 1, Some(now)),
    };
    let incidents: Vec<Incident> = (0..count).map(incident).collect();
    let message = |incidents: &[Incident]| NewMessage {
        key: format!("{}{minute}", incidents[0].matter.subject),
        address: Address { channel: "mail".to_owned(), to: incidents[0].matter.subject.to_string() },
        thread: None,
        content: vec![b'x'; 2_000],
        covers: incidents
            .iter()
            .map(|incident| Cover { episode: Episode::of(incident), why: Why::First, affected_count: 0 })
            .collect(),
    };
    let messages = incidents.chunks(10).map(message).collect();
    let revision = store.standing(now).await.expect("what stands").revision;
    let changes = incidents.into_iter().map(Change::Opened).collect();
    let decision = Decision { revision, decided_at: now, changes, messages, withheld: Vec::new() };
    let began = clock();
    store.decide(decision).await.expect("it is kept");
    milliseconds(began)
}

async fn events(store: &Sqlite, count: usize) {
    let one = |number: usize| Event {
        key: number.to_le_bytes().to_vec(),
        received_at: begin(),
        kind: "success".to_owned(),
        body: vec![b'x'; 64],
    };
    let began = clock();
    let before = store.counters().committed_count;
    let all = futures::future::join_all((0..count).map(|number| store.append_event(one(number)))).await;
    assert!(all.iter().all(Result::is_ok));
    let took = milliseconds(began);
    let commits = store.counters().committed_count - before;
    let per_second = f64::from(u32::try_from(count).expect("some")) / took * 1000.0;
    println!("{count} events: {took:.0} ms in {commits} transactions, {per_second:.0} a second");
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut fleet = if arguments.iter().any(|argument| argument == "--bench") { LARGE } else { SMALL };
    if let Some(place) = arguments.iter().position(|argument| argument == "--days") {
        fleet.days = arguments.get(place + 1).and_then(|days| days.parse().ok()).expect("a number of days");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = open(&path).await;
    println!("{} assets", fleet.portals * fleet.appliances * fleet.assets);
    run(&store, &path, fleet).await;
    for count in [1, 100, 1_000] {
        let minute = fleet.days * DAY_MINUTES + i64::try_from(count).expect("few");
        println!("a tick that opens {count} incidents: {:.1} ms", tick(&store, minute, count).await);
    }
    events(&store, if fleet.assets > SMALL.assets { 100_000 } else { 100 }).await;
    drop(store);
    let began = clock();
    let store = open(&path).await;
    let opened = milliseconds(began);
    let facts = store.facts().await.expect("facts");
    let standing = store.standing(begin()).await.expect("what stands");
    let (took, subjects, known) = (milliseconds(began), facts.subjects().count(), standing.known.len());
    println!(
        "start: opened in {opened:.0} ms, {subjects} subjects and {known} incidents known after {took:.0} ms"
    );
    println!("{} MiB on disk, {} MiB in memory", file_mebibytes(&path), memory_mebibytes());
}
