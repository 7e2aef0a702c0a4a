//! Killed again and again while incidents open and close: everybody is told everything, and hardly anything twice.
//!
//! 200 jobs fail and succeed over and over, each with an owner of its own; the daemon is killed at random moments, while
//! it starts, judges, decides and sends to a real Postfix. 20 times, or as often as `LASTGOOD_KILLS` says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lastgood::deliver::AT_ONCE;
use lastgood::store::sqlite::Sqlite;
use lastgood::store::{Filter, IncidentState, MessageState, Recorded, Store};
use lastgood_core::incident::Closing;
use lastgood_core::notify::Why;
use reqwest::Client;

use super::post::Post;
use super::{Daemon, KEY, PAUSE, address, jobs, owners};

/// How many jobs there are; each goes its own way, so that there is always something to tell.
const JOBS: usize = 200;

/// How often it is killed unless somebody says otherwise.
const KILLS: u64 = 20;

/// After how many mails a daemon is killed at most, and how long they are waited for.
const MAILS_MAX: u64 = 80;
const MAILS_WAIT: Duration = Duration::from_secs(20);

/// Every so many times it is killed by the clock, after so many milliseconds at most: most do not live to see their database.
const EARLY_EVERY: u64 = 4;
const EARLY_MAX: u64 = 500;

/// How long all of it may take once nobody is killed any more.
const CALM: Duration = Duration::from_mins(5);

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Whoever makes a job fail and succeed until it is enough, and waits each time until that was told.
struct Driver {
    client: Client,
    url: String,
    post: Arc<Post>,
    enough: Arc<AtomicBool>,
    job: usize,
}

impl Driver {
    /// Returns how often its job failed.
    async fn drive(self) -> usize {
        let mut rounds = 0;
        loop {
            rounds += 1;
            for (word, telling) in [("/fail", "BAD"), ("", "OVER")] {
                self.ping(word).await;
                while self.post.count(&address(self.job), telling) < rounds {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if self.enough.load(Ordering::SeqCst) {
                return rounds;
            }
        }
    }

    /// Pings until that is answered with 200.
    async fn ping(&self, word: &str) {
        let url = format!("{}/ping/{KEY}/job{:03}{word}", self.url, self.job);
        loop {
            let answer = self.client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_told_although_it_is_killed_again_and_again() {
    let kills = number_of("LASTGOOD_KILLS").unwrap_or(KILLS);
    let mut random = number_of("LASTGOOD_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{kills} kills, seed {random}");
    let post = Arc::new(Post::start().await);
    let mut daemon = Daemon::new();
    daemon.write("repeat_after = 'off'", &(jobs(JOBS) + &post.channel() + &owners(JOBS)));
    let enough = Arc::new(AtomicBool::new(false));
    let drivers = (0..JOBS).map(|job| {
        let (client, url) = (daemon.client.clone(), daemon.url(""));
        let driver = Driver { client, url, post: Arc::clone(&post), enough: Arc::clone(&enough), job };
        tokio::spawn(driver.drive())
    });
    let drivers: Vec<_> = drivers.collect();
    for kill in 0..kills {
        // A step of a linear congruential generator, Knuth's MMIX.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        daemon.spawn();
        if kill % EARLY_EVERY == 0 {
            tokio::time::sleep(Duration::from_millis((random >> 33) % EARLY_MAX)).await;
        } else {
            let enough = post.total() + usize::try_from((random >> 33) % MAILS_MAX).expect("a small number");
            let came = async {
                while post.total() < enough {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            // Where nothing is to be told it is killed all the same.
            let _ = tokio::time::timeout(MAILS_WAIT, came).await;
        }
        daemon.kill();
    }
    enough.store(true, Ordering::SeqCst);
    daemon.start().await;
    let mut rounds = Vec::new();
    for driver in drivers {
        let driven = tokio::time::timeout(CALM, driver).await;
        rounds.push(
            driven.unwrap_or_else(|_| panic!("something is not told: {}", daemon.log())).expect("it ends"),
        );
    }
    daemon.wait_for("lastgood_incidents_open", |count| count == 0.0).await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    daemon.stop().await;
    let expected = rounds.iter().sum();
    check(&daemon.store().await, &post, expected, kills).await;
}

/// Compares what the store says was to be told with what came.
async fn check(store: &Sqlite, post: &Post, expected: usize, kills: u64) {
    assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new());
    let incidents = incidents(store).await;
    assert_eq!(incidents.len(), expected, "one incident for each time a job failed");
    let mut messages = BTreeSet::new();
    for recorded in &incidents {
        let told =
            store.incident(recorded.id).await.expect("an incident").expect("it is there").notifications;
        let whys: Vec<_> = told.iter().map(|one| (one.why, one.state)).collect();
        let both = [(Why::First, MessageState::Delivered), (Why::Resolved, MessageState::Delivered)];
        assert_eq!(whys, both, "{recorded:?}");
        assert!(matches!(recorded.closed, Some((_, Closing::Recovered))), "{recorded:?}");
        messages.extend(told.iter().map(|one| one.message));
    }
    let keys = keys(store).await;
    assert_eq!(keys.keys().copied().collect::<BTreeSet<_>>(), messages, "every message tells of an incident");
    let mut came: BTreeMap<String, u64> = BTreeMap::new();
    for letter in post.all() {
        *came.entry(letter.id).or_default() += 1;
    }
    let expected: BTreeSet<_> = keys.values().map(|key| format!("<{key}@example.org>")).collect();
    let lost: Vec<_> = expected.iter().filter(|id| !came.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} messages are lost: {lost:?}", lost.len());
    let unknown: Vec<_> = came.keys().filter(|id| !expected.contains(*id)).collect();
    assert!(unknown.is_empty(), "{} mails were never decided: {unknown:?}", unknown.len());
    let repeats = came.values().sum::<u64>() - came.len() as u64;
    println!(
        "{kills} kills, {} incidents opened and closed, {} messages, {repeats} came again, none is lost",
        incidents.len(),
        keys.len()
    );
    assert!(repeats <= kills * AT_ONCE as u64, "{repeats} repeats after {kills} kills");
}

async fn incidents(store: &Sqlite) -> Vec<Recorded> {
    let mut incidents: Vec<Recorded> = Vec::new();
    loop {
        let before = incidents.last().map(|last| last.id);
        let filter = Filter { state: IncidentState::OpenOrClosed, before, ..Filter::default() };
        let page = store.incidents(filter).await.expect("incidents");
        if page.is_empty() {
            return incidents;
        }
        incidents.extend(page);
    }
}

/// The keys of all messages by their numbers.
async fn keys(store: &Sqlite) -> BTreeMap<i64, String> {
    let mut exported = Vec::new();
    store.export(&mut exported).await.expect("it is exported");
    let lines = std::str::from_utf8(&exported).expect("JSON").lines();
    let rows = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let messages = rows
        .filter(|row| row["table"] == "message")
        .map(|row| (row["id"].as_i64().expect("a number"), row["key"].as_str().expect("a key").to_owned()));
    messages.collect()
}
