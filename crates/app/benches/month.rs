//! What does it take to watch 100 000 assets for 30 days: disk, memory, and time for each tick?
//!
//! The real watch, store and deliverer on a clock of our own: ten portals are looked at every 15 minutes, a tick follows
//! when all are, a checkpoint every hour, thinning every day. One asset in thirty fails each day and recovers the next; who
//! is told is counted by a channel that takes everything. `cargo bench -p lastgood --bench month` prints it; `-- --days 3`
//! looks for fewer days. Run by `cargo test`, it is a fleet of a hundred for a day.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lastgood::channels::{Channel, ChannelError, Message, Receipt};
use lastgood::deliver::{Channels, Deliverer};
use lastgood::letter;
use lastgood::links::Links;
use lastgood::store::Store;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::watch::{Parts, Watch, Written};
use lastgood_core::facts::Facts;
use lastgood_core::testing::PORTAL;
use lastgood_core::time::Seconds;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/hands.rs"]
mod hands;
#[path = "support/measure.rs"]
mod measure;

use fleet::{DAY_MINUTES, Fleet, asked_for, begin};
use hands::{Hands, Silent};
use measure::{clock, file_mebibytes, memory_mebibytes, milliseconds};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For how long all looks are kept: what the configuration says unless it is told otherwise.
const KEEP: Seconds = Seconds::days(7);

/// Looks at portals follow each other by so much.
const SPREAD: SignedDuration = SignedDuration::from_secs(60);

#[tokio::main]
async fn main() {
    let fleet = asked_for();
    let folder = tempfile::tempdir().expect("a folder");
    let mut month = Month::start(folder.path(), fleet).await;
    println!("{} assets, a look and a tick every {} minutes", fleet.asset_count(), fleet.minutes);
    for day in 0..fleet.days {
        month.day(day).await;
    }
    month.end().await;
}

/// Takes everything and keeps nothing.
#[derive(Debug, Default)]
struct Taker(AtomicU64);

impl Channel for Taker {
    fn send<'a>(
        &'a self,
        _message: &'a Message,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        async { Ok(Receipt { answer: "250 taken".to_owned() }) }.boxed()
    }
}

/// How long the cores were at work for this program so far, in milliseconds.
fn worked_milliseconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads of our own").flatten();
    let of_thread = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_thread).sum::<f64>() / 1_000_000.0
}

/// What took how long within a day.
#[derive(Default)]
struct Spent {
    /// What ticks made the cores work.
    worked: f64,
    counts: [u32; 2],
    sums: [f64; 2],
    longest: [f64; 2],
}

const LOOK: usize = 0;
const TICK: usize = 1;

impl Spent {
    fn add(&mut self, what: usize, took: f64) {
        self.counts[what] += 1;
        self.sums[what] += took;
        self.longest[what] = self.longest[what].max(took);
    }

    fn mean(&self, what: usize) -> f64 {
        self.sums[what] / f64::from(self.counts[what].max(1))
    }
}

struct Month {
    fleet: Fleet,
    hands: Hands,
    path: std::path::PathBuf,
    store: Arc<dyn Store>,
    watch: Watch,
    taker: Arc<Taker>,
    stop: CancellationToken,
}

impl Month {
    async fn start(folder: &Path, fleet: Fleet) -> Self {
        let path = folder.join("db");
        let find_kind = |word: &str| (word == PORTAL.id).then_some(&PORTAL);
        let store = Sqlite::open(Options::new(&path, find_kind)).await.expect("it is opened");
        let store: Arc<dyn Store> = Arc::new(store);
        let (hands, told) = (Hands::default(), Arc::new(Notify::new()));
        hands.set(begin());
        let links = Links::new("https://backup.example.org", &[7; 32]).expect("a key of 32 bytes");
        let writer = letter::Writer::new(Some(links));
        let read = hands.clone();
        let parts = Parts {
            store: Arc::clone(&store),
            clock: Arc::new(move || read.read()),
            pushed: Arc::new(Silent),
            write: Box::new(move |digest, called, now| writer.write(digest, called, now)),
            told: Arc::clone(&told),
        };
        let written = Written { path: folder.join("lastgood.toml"), text: config(fleet) };
        let watch = Watch::start(written, Facts::default(), parts).await.expect("a configuration");
        let (taker, stop) = (Arc::new(Taker::default()), CancellationToken::new());
        let channel: Arc<dyn Channel> = Arc::clone(&taker) as Arc<dyn Channel>;
        let deliverer = Deliverer::new(Arc::clone(&store), Channels::from([("mail".to_owned(), channel)]));
        let (read, stopped) = (hands.clone(), stop.clone());
        let deliverer = deliverer.with_clock(Arc::new(move || read.read()));
        tokio::spawn(async move { deliverer.run(told, stopped).await });
        Self { fleet, hands, path, store, watch, taker, stop }
    }

    /// Looks and ticks for a day, and says what that took.
    async fn day(&mut self, day: i64) {
        let (began, mut spent) = (clock(), Spent::default());
        let first = day * DAY_MINUTES + 1;
        let mut upkeep = [0.0_f64; 2];
        let step = usize::try_from(self.fleet.minutes).expect("positive");
        for minute in (first..first + DAY_MINUTES).step_by(step) {
            let mut now = begin() + SignedDuration::from_mins(minute);
            for portal in 0..self.fleet.portals {
                self.hands.set(now);
                let look = self.fleet.look(portal, minute);
                let started = clock();
                self.watch.take(look).await.expect("it is kept");
                spent.add(LOOK, milliseconds(started));
                now += SPREAD;
            }
            self.hands.set(now);
            let (started, worked) = (clock(), worked_milliseconds());
            self.watch.tick().await.expect("it is decided");
            spent.add(TICK, milliseconds(started));
            spent.worked += worked_milliseconds() - worked;
            if minute % 60 < self.fleet.minutes {
                let started = clock();
                self.store.checkpoint(now).await.expect("a checkpoint");
                upkeep[0] = upkeep[0].max(milliseconds(started));
            }
            self.judges_right(minute);
        }
        let now = begin() + SignedDuration::from_mins(first + DAY_MINUTES - 1);
        let started = clock();
        self.store.thin(now, KEEP).await.expect("it is thinned");
        self.store.forget_events(now - KEEP.duration()).await.expect("it is forgotten");
        upkeep[1] = milliseconds(started);
        self.say(day + 1, milliseconds(began) / 1000.0, &spent, upkeep);
    }

    /// Exactly what failed last is an open incident.
    fn judges_right(&self, minute: i64) {
        let published = self.watch.published();
        let Fleet { portals, appliances, assets, .. } = self.fleet;
        let places =
            (0..portals).flat_map(|portal| (0..appliances).map(move |number| Fleet::place(portal, number)));
        let failing = places.flat_map(|place| (0..assets).map(move |asset| (place, asset)));
        let failing = failing.filter(|&(place, asset)| Fleet::has_failed(place, asset, minute)).count();
        assert_eq!(published.open_count, failing, "at minute {minute}");
    }

    fn say(&self, day: i64, seconds: f64, spent: &Spent, [checkpoint, thinning]: [f64; 2]) {
        println!(
            "day {day:2}: {} MiB on disk, {} MiB in memory; tick {:.1} ms ({:.1} at work, longest {:.0}), look {:.1} ms (longest {:.0}), \
             longest checkpoint {checkpoint:.0} ms, thinning {thinning:.0} ms; {} messages so far, {seconds:.0} s for the day",
            file_mebibytes(&self.path),
            memory_mebibytes(),
            spent.mean(TICK),
            spent.worked / f64::from(spent.counts[TICK].max(1)),
            spent.longest[TICK],
            spent.mean(LOOK),
            spent.longest[LOOK],
            self.taker.0.load(Ordering::Relaxed),
        );
    }

    /// Starts anew from what is stored.
    async fn end(self) {
        let Self { fleet, path, store, watch, stop, .. } = self;
        watch.stop().await;
        stop.cancel();
        store.close().await.expect("it closes");
        let began = clock();
        let find_kind = |word: &str| (word == PORTAL.id).then_some(&PORTAL);
        let store = Sqlite::open(Options::new(&path, find_kind)).await.expect("it is opened");
        let opened = milliseconds(began);
        let facts = store.facts().await.expect("facts");
        println!("start: opened in {opened:.0} ms, all known after {:.0} ms", milliseconds(began));
        let assets =
            facts.subjects().filter(|subject| matches!(subject, lastgood_core::facts::Subject::Asset(..)));
        assert_eq!(assets.count(), fleet.asset_count());
    }
}

/// One customer to a portal, and an operator who hears of what fails twice in a row.
fn config(fleet: Fleet) -> String {
    let mut text = "[serve]\ntick = '5min'\n[thresholds]\nlocal_after = '10d'\nreboot_after = '60d'\nverified_after = 'off'\n\
                    [[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\ntls = 'none'\nfrom = 'a@example.org'\n\
                    [[owner]]\nrole = 'operator'\nto = ['mail:ops@example.org']\nafter_count = 2\n"
        .to_owned();
    for portal in 0..fleet.portals {
        let _ = write!(
            text,
            "[[source]]\nname = 'portal{portal}'\nkind = 'datto-xml'\nlocation = 'a.xml'\n\
             [[owner]]\nsubject = 'portal{portal}/*'\nrole = 'customer'\nto = ['mail:it@customer{portal}.example']\n"
        );
    }
    text
}
