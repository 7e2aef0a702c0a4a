//! How many pings a second are on the disk before they are answered, beside a handler that keeps nothing? And how long
//! does a ping take while a large fleet is judged?
//!
//! `cargo bench -p lastgood --bench pings` needs wrk (Debian's package of that name). Both servers run in this process and
//! are asked in turn, so that a noisy machine is noisy for both. Run by `cargo test` it sends a few pings and counts them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use futures::future::BoxFuture;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use lastgood::push::key::{KeyHash, generate};
use lastgood::push::{Kinds, PingExpected, PingSource, Plan, PushSource, Pushes};
use lastgood::sources::{self, ping};
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{NewMessage, Store};
use lastgood::watch::{Parts, Pushed, Watch, Written};
use lastgood::{clock, web};
use lastgood_core::facts::Facts;
use lastgood_core::id::{Name, SourceId};
use lastgood_core::observation::Collection;
use lastgood_core::testing::{FleetBuilder, PORTAL, agent, appliance, source_id};
use lastgood_core::time::Seconds;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many connections wrk has.
const CONNECTIONS: &str = "64";
/// How long each server is asked in a round.
const ROUND: &str = "4s";
const ROUNDS: usize = 7;
/// How many jobs ping.
const JOBS: usize = 1_000;
/// Pings a second while the fleet is judged.
const RATE: u32 = 2_000;
/// How large that fleet is: portals, appliances of each, machines of each.
const FLEET: (usize, usize, usize) = (10, 625, 16);
/// How long pings are timed.
const TIMED: Duration = Duration::from_secs(75);

fn main() {
    // Exactly one cryptography provider, before anything connects.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_benching = std::env::args().any(|argument| argument == "--bench");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let served = runtime.block_on(Served::start(folder.path()));
    if !is_benching {
        runtime.block_on(few(&served));
        return;
    }
    beside_nothing(&served);
    runtime.block_on(while_judging(&served));
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Both servers.
struct Served {
    bare: SocketAddr,
    durable: SocketAddr,
    store: Arc<dyn Store>,
    pushes: Arc<Pushes>,
    path: String,
}

impl Served {
    async fn start(folder: &Path) -> Self {
        let find_kind = |word: &str| {
            let known = sources::find(word).map(|entry| entry.kind);
            known.or_else(|| (word == PORTAL.id).then_some(&PORTAL))
        };
        let opened = Sqlite::open(Options::new(folder.join("lastgood.db"), find_kind)).await;
        let store: Arc<dyn Store> = Arc::new(opened.expect("a new database"));
        let keys: Vec<String> = (0..JOBS).map(|_| generate().expect("randomness")).collect();
        let source = PushSource::Pings(PingSource {
            id: source_id("jobs"),
            kinds: Kinds { source: &ping::KIND, repository: &ping::GROUP, asset: &ping::JOB },
            key_hash: None,
            pings: keys.iter().enumerate().map(|(number, key)| job(number, key)).collect(),
        });
        let pushes = Pushes::open(vec![source], Arc::clone(&store), clock::now()).await;
        let pushes = Arc::new(pushes.expect("nothing was pushed before"));
        let bare = Router::new().route("/ping/{*rest}", any(|| async { "OK" }));
        let durable = web::ping::router(Arc::clone(&pushes), || {});
        let path = format!("/ping/{}", keys[0]);
        Self { bare: listen(bare).await, durable: listen(durable).await, store, pushes, path }
    }
}

fn job(number: usize, key: &str) -> PingExpected {
    PingExpected {
        name: Name::new(format!("job-{number}")),
        slug: format!("job-{number}"),
        key_hash: Some(KeyHash::of(key)),
        plan: Plan::Period(Seconds::days(1)),
        grace: Seconds::hours(1),
        repository: Name::new("pings"),
    }
}

async fn listen(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(web::serve(listener, router, CancellationToken::new()));
    address
}

/// Asks both in turn and prints the rates.
fn beside_nothing(served: &Served) {
    let mut ratios = Vec::new();
    let mut durable_rates = Vec::new();
    for round in 1..=ROUNDS {
        let bare = wrk(served.bare, &served.path);
        let before = served.store.counters();
        let durable = wrk(served.durable, &served.path);
        let after = served.store.counters();
        let commits = after.committed_count - before.committed_count;
        println!(
            "round {round}: nothing kept {bare:>9.0}/s   on the disk {durable:>9.0}/s   {:.2}   {} pings a transaction",
            durable / bare,
            (after.event_count - before.event_count) / commits.max(1)
        );
        ratios.push(durable / bare);
        durable_rates.push(durable);
    }
    println!(
        "median: on the disk {:.0}/s, {:.2} of a handler that keeps nothing",
        median(durable_rates),
        median(ratios)
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the requests a second that were answered with 200.
fn wrk(address: SocketAddr, path: &str) -> f64 {
    let url = format!("http://{address}{path}");
    let answer = Command::new("wrk").args(["-t2", "-c", CONNECTIONS, "-d", ROUND, &url]).output();
    let answer = answer.expect("wrk: install Debian's package wrk");
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// Times pings at a steady rate while all of a fleet is looked at and judged.
async fn while_judging(served: &Served) {
    let watch = watch(served).await;
    let (portals, appliances, machines) = FLEET;
    println!("{} assets, {RATE} pings a second for {} s", portals * appliances * machines, TIMED.as_secs());
    for portal in 0..portals {
        watch.take(look(portal)).await.expect("kept");
    }
    let (stop, looking) = (CancellationToken::new(), watch.clone());
    let looks = tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
        // Every source once a minute.
        for portal in (0..FLEET.0).cycle() {
            tokio::time::sleep(Duration::from_mins(1) / u32::try_from(FLEET.0).expect("few")).await;
            looking.take(look(portal)).await.expect("kept");
        }
    }));
    let mut taken = timed(served.durable, &served.path).await;
    stop.cancel();
    let _ = looks.await;
    taken.sort_unstable();
    let at = |share: usize| taken[(taken.len() * share / 1000).min(taken.len() - 1)];
    println!(
        "{} pings: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}; the newest tick took {:?}",
        taken.len(),
        at(500),
        at(990),
        at(999),
        at(1000),
        watch.published().took
    );
    watch.stop().await;
}

struct Pings(Arc<Pushes>);

impl Pushed for Pings {
    fn collections(&self, now: Timestamp) -> BoxFuture<'_, Vec<Collection>> {
        Box::pin(self.0.collections(now))
    }

    fn restate(&self, source: &SourceId) {
        self.0.restate(source);
    }
}

async fn watch(served: &Served) -> Watch {
    let key_hash = format!("sha256:{}", "0".repeat(64));
    let mut text = format!(
        "[serve]\ntick = \"15s\"\n[[source]]\nname = \"jobs\"\nkind = \"ping\"\nping_key_hash = \"{key_hash}\"\n\
         [[source.ping]]\nname = \"job-0\"\nperiod = \"24h\"\n"
    );
    let portal = |number| {
        format!("[[source]]\nname = \"portal{number}\"\nkind = \"datto-xml\"\nlocation = \"a.xml\"\n")
    };
    text.extend((0..FLEET.0).map(portal));
    let parts = Parts {
        store: Arc::clone(&served.store),
        clock: Arc::new(clock::now),
        pushed: Arc::new(Pings(Arc::clone(&served.pushes))),
        write: Box::new(|_, _, _| -> NewMessage { unreachable!("nobody is to be told") }),
        told: Arc::default(),
    };
    let written = Written { path: "bench.toml".into(), text };
    Watch::start(written, Facts::default(), parts).await.expect("a configuration")
}

fn look(portal: usize) -> Collection {
    let now = clock::now();
    let mut fleet = FleetBuilder::new(&format!("portal{portal}"), now);
    for number in 0..FLEET.1 {
        let mut repository = appliance(&format!("NAS{number:06}"), now);
        repository.assets = (0..FLEET.2).map(|asset| agent(&format!("server-{asset:02}"), now)).collect();
        fleet = fleet.repository(repository);
    }
    fleet.collection()
}

/// Sends pings at [`RATE`], whatever becomes of those before: a slow answer does not slow the next ping down. Time counts
/// from when a ping was due.
async fn timed(address: SocketAddr, path: &str) -> Vec<Duration> {
    let lanes = 40_u32;
    let pause = Duration::from_secs(1) * lanes / RATE;
    let mut tasks = Vec::new();
    for lane in 0..lanes {
        let path = path.to_owned();
        tasks.push(tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.expect("a connection");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
            tokio::spawn(connection);
            tokio::time::sleep(pause * lane / lanes).await;
            let (began, mut taken) = (now(), Vec::new());
            for due in (0..).map(|number| began + pause * number).take_while(|due| *due < began + TIMED) {
                tokio::time::sleep_until(due.into()).await;
                let request =
                    hyper::Request::get(&path).header("host", "localhost").body(Empty::<Bytes>::new());
                let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
                assert_eq!(answer.status(), 200);
                taken.push(now() - due);
            }
            taken
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("a lane"));
    }
    all
}

/// Every ping that was answered is kept.
async fn few(served: &Served) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for address in [served.bare, served.durable] {
        for _ in 0..20 {
            let answer =
                client.get(format!("http://{address}{}", served.path)).send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
        }
    }
    assert_eq!(served.store.events(0, 100).await.expect("the store").len(), 20);
}
