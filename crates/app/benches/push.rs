//! What does it cost to hear pings, and to know of 100 000 jobs?
//!
//! `cargo bench -p lastgood --bench push` prints it. Run by `cargo test`, it is a hundred jobs.

use std::sync::Arc;
use std::time::Instant;

use lastgood::push::key::KeyHash;
use lastgood::push::{Kinds, PingExpected, PingSource, Plan, PushSource, Pushes};
use lastgood::sources;
use lastgood::store::Store;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood_core::id::Name;
use lastgood_core::testing::{at, source_id};
use lastgood_core::time::Seconds;

/// How many ask at once.
const CLIENTS: usize = 64;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

fn say(what: &str, since: Instant) {
    println!("{what:<60} {:>10.1} ms", (clock() - since).as_secs_f64() * 1000.0);
}

fn source(jobs: usize) -> PushSource {
    let ping = |number: usize| PingExpected {
        name: Name::new(format!("job-{number}")),
        slug: format!("job-{number}"),
        key_hash: Some(KeyHash::of(&format!("key-{number}"))),
        plan: Plan::Period(Seconds::days(1)),
        grace: Seconds::hours(1),
        repository: Name::new(format!("host-{}", number / 100)),
    };
    PushSource::Pings(PingSource {
        id: source_id("jobs"),
        kinds: Kinds {
            source: &sources::ping::KIND,
            repository: &sources::ping::GROUP,
            asset: &sources::ping::JOB,
        },
        key_hash: None,
        pings: (0..jobs).map(ping).collect(),
    })
}

async fn ping_all(pushes: &Arc<Pushes>, jobs: usize, pings: usize) {
    let client = |client: usize| {
        let pushes = Arc::clone(pushes);
        async move {
            for number in (client..pings).step_by(CLIENTS) {
                let path = format!("key-{}/fail", number % jobs);
                let asked = pushes.ask(&path, None).expect("a known key");
                let body = b"pg_dump: error: connection to server failed".to_vec();
                pushes.take(asked, body, false, at("2026-03-02T02:00:00Z")).await.expect("it is kept");
            }
        }
    };
    let clients: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(client(number))).collect();
    for client in clients {
        client.await.expect("a client ends");
    }
}

#[tokio::main]
async fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (jobs, pings) = if is_bench { (100_000, 200_000) } else { (100, 1_000) };
    let folder = tempfile::tempdir().expect("a folder");
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let options = Options::new(folder.path().join("db"), find_kind);
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(options).await.expect("a store"));
    let now = at("2026-03-02T02:00:00Z");

    let start = clock();
    let pushes =
        Arc::new(Pushes::open(vec![source(jobs)], Arc::clone(&store), now).await.expect("it is read"));
    say(&format!("open, {jobs} jobs, nothing known"), start);
    let start = clock();
    ping_all(&pushes, jobs, pings).await;
    say(&format!("{pings} pings on the disk, {CLIENTS} at once"), start);
    for what in ["collection", "collection again, nothing heard"] {
        let start = clock();
        let collections = pushes.collections(now).await;
        say(&format!("{what}: {}", collections.len()), start);
    }
    let start = clock();
    pushes.keep().await;
    say("written down", start);
    let kept = store.pushed().await.expect("it is read").map_or(0, |(_, content)| content.len());
    println!("{:<60} {kept:>10} bytes", "of which the size is");
    let start = clock();
    let again = Pushes::open(vec![source(jobs)], Arc::clone(&store), now).await.expect("it is read");
    say("open again, everything known", start);
    assert_eq!(again.collections(now).await, pushes_of(&pushes, now).await, "the same is known");
}

async fn pushes_of(pushes: &Pushes, now: jiff::Timestamp) -> Vec<lastgood_core::observation::Collection> {
    pushes.restate(&source_id("jobs"));
    pushes.collections(now).await
}
