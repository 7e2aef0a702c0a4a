//! How long does it take until everybody knows when 10 000 assets are overdue at the same instant, and when all are well
//! again?
//!
//! The real watch, store, letters, deliverer and mail channel, and `smtp-sink` of Debian's package postfix; once with one
//! owner of everything, once with an owner and a mail for each asset, and beside that what Postfix's own generator takes to
//! the same sink. First, uncounted, to a sink that keeps the mails: each has to be there exactly once.
//! `cargo bench -p lastgood --bench outage` prints it; `cargo test` runs it once with few assets.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use lastgood::deliver::{Channels, Deliverer};
use lastgood::letter;
use lastgood::links::Links;
use lastgood::store::Store;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::watch::{Parts, Watch, Written};
use lastgood_core::facts::Facts;
use lastgood_core::observation::{Collection, Stated};
use lastgood_core::testing::{FleetBuilder, PORTAL, agent, appliance, noon};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[path = "support/hands.rs"]
mod hands;
#[path = "support/sink.rs"]
mod sink;

use hands::{Hands, Silent};
use sink::{Sink, expect_each_once, open_to_everybody};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many assets an appliance has.
const ASSETS: usize = 10;
/// How often what happens is looked for.
const GLANCE: Duration = Duration::from_millis(1);
/// How long is waited for all mails before it has failed.
const PATIENCE: Duration = Duration::from_mins(5);

#[tokio::main]
async fn main() {
    // A second start in one process keeps the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let benching = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if benching { (10_000, 5) } else { (100, 1) };
    for owner_count in [1, count] {
        let fleet = Fleet { count, owner_count };
        let bytes = count_what_arrives(fleet).await;
        println!("{count} assets, {owner_count} recipients, {bytes} bytes a mail");
        rounds_of(fleet, rounds, bytes).await;
    }
}

/// How much is overdue, and to how many owners it belongs.
#[derive(Clone, Copy)]
struct Fleet {
    count: usize,
    owner_count: usize,
}

/// Every mail of an outage and of its end arrives, and none twice. Returns how many bytes one has.
async fn count_what_arrives(fleet: Fleet) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let kept = folder.path().join("mails");
    let sink = Sink::start(&["-D", kept.to_str().expect("UTF-8")]);
    let mut world = World::start(folder.path(), fleet, &sink).await;
    world.outage().await;
    world.recovery().await;
    world.stop.cancel();
    drop(sink);
    expect_each_once(&kept, 2 * fleet.owner_count) / (2 * fleet.owner_count)
}

async fn rounds_of(fleet: Fleet, rounds: usize, bytes: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let sink = Sink::start(&["-c"]);
    let mut world = World::start(folder.path(), fleet, &sink).await;
    for round in 1..=rounds {
        let outage = world.outage().await;
        let started = clock();
        sink.smtp_source(fleet.owner_count, bytes);
        let limit = seconds(clock() - started);
        println!("round {round}, all overdue: {outage}; smtp-source {limit:.2} s");
        println!("round {round}, all well:    {}", world.recovery().await);
    }
    world.stop.cancel();
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

fn seconds(length: Duration) -> f64 {
    length.as_secs_f64()
}

/// What one tick and its mails took.
struct Took {
    /// From the beginning of the tick until it is on the disk.
    decided: Duration,
    /// From there until the sink has the first mail, and all.
    first: Duration,
    all: Duration,
    /// From the beginning of the tick until all of them are marked as delivered.
    marked: Duration,
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [decided, first, all, marked] =
            [self.decided, self.first, self.all, self.marked].map(|length| length.as_secs_f64());
        write!(f, "decided {decided:.3} s, first mail {first:.3} s after that, last {all:.2} s, ")?;
        write!(f, "marked {marked:.2} s after the beginning")
    }
}

struct World {
    fleet: Fleet,
    hands: Hands,
    store: Arc<dyn Store>,
    watch: Watch,
    deliverer: Deliverer,
    stop: CancellationToken,
    /// When all was well last.
    well_at: Timestamp,
}

impl World {
    async fn start(folder: &Path, fleet: Fleet, sink: &Sink) -> Self {
        let find_kind = |word: &str| (word == PORTAL.id).then_some(&PORTAL);
        let store = Sqlite::open(Options::new(folder.join("lastgood.db"), find_kind)).await;
        let store: Arc<dyn Store> = Arc::new(store.expect("a database"));
        let (hands, told, stop) = (Hands::default(), Arc::new(Notify::new()), CancellationToken::new());
        hands.set(noon());
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
        let written = Written { path: folder.join("lastgood.toml"), text: fleet.config() };
        let began = clock();
        let watch = Watch::start(written, Facts::default(), parts).await.expect("a configuration");
        println!("the configuration is read in {:.3} s", seconds(clock() - began));
        let channels = Channels::from([("mail".to_owned(), sink.channel())]);
        let (read, stopped) = (hands.clone(), stop.clone());
        let deliverer =
            Deliverer::new(Arc::clone(&store), channels).with_clock(Arc::new(move || read.read()));
        let running = deliverer.clone();
        tokio::spawn(async move { running.run(told, stopped).await });
        let world = Self { fleet, hands, store, watch, deliverer, stop, well_at: noon() };
        // The first tick comes by itself: after this one, nothing is judged but what is asked for.
        let mut published = world.watch.follow();
        published.wait_for(|published| published.is_judged).await.expect("a tick");
        world.look(noon(), noon() - SignedDuration::from_hours(1)).await;
        world.watch.tick().await.expect("it is decided");
        world
    }

    /// Hands over what will be seen at an instant, before the clock is set to it: a tick that comes by itself meanwhile
    /// finds all of it dated ahead and changes nothing. The other way round it would find that nothing was seen for long.
    async fn look(&self, now: Timestamp, last_good: Timestamp) {
        self.watch.take(self.fleet.look(now, last_good)).await.expect("it is kept");
    }

    /// All were backed up an hour before all was well. A minute before that is a day ago they are looked at and nothing is
    /// overdue, a second after it everything is.
    async fn outage(&mut self) -> Took {
        let last_good = self.well_at - SignedDuration::from_hours(1);
        let due = last_good + SignedDuration::from_hours(24);
        self.look(due - SignedDuration::from_mins(1), last_good).await;
        self.hands.set(due - SignedDuration::from_mins(1));
        self.quiet_tick().await;
        self.hands.set(due + SignedDuration::from_secs(1));
        let took = self.tick().await;
        assert_eq!(self.watch.published().open_count, self.fleet.count);
        took
    }

    /// All were backed up meanwhile, an hour and more from now.
    async fn recovery(&mut self) -> Took {
        self.well_at += SignedDuration::from_hours(26);
        self.look(self.well_at, self.well_at - SignedDuration::from_hours(1)).await;
        self.quiet_tick().await;
        self.hands.set(self.well_at);
        let took = self.tick().await;
        assert_eq!(self.watch.published().open_count, 0);
        took
    }

    /// Ticks where nothing is to be decided. No tick follows it by itself: so the next one that is asked for decides all.
    async fn quiet_tick(&self) {
        let quiet = self.watch.tick().await.expect("it is decided");
        assert_eq!((quiet.change_count, quiet.message_count), (0, 0));
    }

    /// Ticks, and waits until everybody was told.
    async fn tick(&self) -> Took {
        let committed = self.store.counters().committed_count;
        let sent = self.sent_count();
        let (watch, count) = (self.watch.clone(), self.fleet.owner_count as u64);
        let began = clock();
        let ticking = tokio::spawn(async move { watch.tick().await.expect("it is decided") });
        let decided_at = until(|| self.store.counters().committed_count > committed).await;
        let first_at = until(|| self.sent_count() > sent).await;
        let all_at = until(|| self.sent_count() >= sent + count).await;
        while self.store.outbox().await.expect("the outbox").due_count > 0 {
            tokio::time::sleep(GLANCE).await;
        }
        let marked_at = clock();
        let ticked = ticking.await.expect("it ends");
        assert_eq!((ticked.change_count, ticked.message_count), (self.fleet.count, self.fleet.owner_count));
        Took {
            decided: decided_at - began,
            first: first_at - decided_at,
            all: all_at - decided_at,
            marked: marked_at - began,
        }
    }

    fn sent_count(&self) -> u64 {
        self.deliverer.counted().first().map_or(0, |(_, counted)| counted.sent_count)
    }
}

/// When something held first.
async fn until(holds: impl Fn() -> bool) -> Instant {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(GLANCE).await;
        }
        clock()
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("not everything was sent")
}

impl Fleet {
    fn look(self, now: Timestamp, last_good: Timestamp) -> Collection {
        let mut fleet = FleetBuilder::new("acme", now);
        for number in 0..self.count / ASSETS {
            let mut repository = appliance(&format!("NAS{number}"), now);
            let asset = |number| {
                let mut asset = agent(&format!("sql{number}"), now);
                asset.last_good = Stated::Value(last_good);
                asset
            };
            repository.assets = (0..ASSETS).map(asset).collect();
            fleet = fleet.repository(repository);
        }
        fleet.collection()
    }

    /// One owner of everything, or one of each asset.
    fn config(self) -> String {
        let mut text =
            "[serve]\ntick = '5min'\n[[source]]\nname = 'acme'\nkind = 'datto-xml'\nlocation = 'a.xml'\n\
                        [[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\ntls = 'none'\n\
                        from = 'a@example.org'\n"
                .to_owned();
        for number in 0..self.owner_count {
            let subject = match self.owner_count {
                1 => "acme/*".to_owned(),
                _ => format!("acme/NAS{}/sql{}", number / ASSETS, number % ASSETS),
            };
            let to = format!("mail:user{number}@example.org");
            let _ = writeln!(text, "[[owner]]\nsubject = '{subject}'\nrole = 'customer'\nto = ['{to}']");
        }
        text
    }
}
