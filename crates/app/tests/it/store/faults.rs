//! Every statement of a day's work fails once: the first, the second, until none fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Answer, Cover, Decision, Event, FailedAttempt, NewMessage, Store, StoreError};
use lastgood_core::incident::{Acknowledged, Change};
use lastgood_core::notify::{Episode, Why, Withheld};
use lastgood_core::observation::FailureKind;
use lastgood_core::silence::Silence;
use lastgood_core::time::Seconds;

use super::contract::everything;
use super::{ada, failed, late, look, minute, options};

type Step = for<'a> fn(&'a dyn Store) -> Answer<'a, ()>;

/// Two days of work, one step after the other.
const STEPS: [Step; 15] = [
    |store| appended(store, 0),
    |store| appended(store, 5),
    |store| decided(store, 6).boxed(),
    |store| appended(store, 10),
    |store| {
        let said = Acknowledged { at: minute(11), by: "ada".to_owned() };
        store.acknowledge(Episode::of(&failed("db", 6)), said)
    },
    |store| {
        let (kind, words) = (FailureKind::Refused, "greylisted".to_owned());
        store.failed(1, FailedAttempt { at: minute(11), kind, words, next_try_at: Some(minute(12)) })
    },
    |store| store.delivered(1, minute(12), "250".to_owned()),
    |store| reminded(store, 13).boxed(),
    |store| pinged(store).boxed(),
    |store| silenced(store).boxed(),
    |store| store.keep_pushed(1, b"one ping".to_vec()),
    |store| store.keep_pushed(1, b"one ping, said anew".to_vec()),
    |store| store.forget_events(minute(14)).map(|forgotten| forgotten.map(drop)).boxed(),
    |store| appended(store, 3 * 24 * 60),
    |store| store.thin(minute(3 * 24 * 60), Seconds::days(1)).map(|thinned| thinned.map(drop)).boxed(),
];

fn appended(store: &dyn Store, minutes: i64) -> Answer<'_, ()> {
    async move { store.append(&look(minutes, 3)).await }.boxed()
}

async fn decided(store: &dyn Store, minutes: i64) -> Result<(), StoreError> {
    let revision = store.standing(minute(minutes)).await?.revision;
    let incident = failed("db", minutes);
    let covers = vec![Cover { episode: Episode::of(&incident), why: Why::First, affected_count: 0 }];
    let (key, content) = ("m1".to_owned(), b"{}".to_vec());
    let messages = vec![NewMessage { key, address: ada(), thread: None, content, covers }];
    let (decided_at, changes) = (minute(minutes), vec![Change::Opened(incident)]);
    store.decide(Decision { revision, decided_at, changes, messages, withheld: Vec::new() }).await.map(drop)
}

/// One incident goes on and is told again, another begins and is not told, a third is suspected and forgotten.
async fn reminded(store: &dyn Store, minutes: i64) -> Result<(), StoreError> {
    let (known, new, suspected) = (failed("db", 6), failed("web", minutes), late("web", minutes));
    let revision = store.standing(minute(minutes)).await?.revision;
    let why = Why::Reminder(1);
    let covers = vec![Cover { episode: Episode::of(&known), why, affected_count: 0 }];
    let (key, content) = ("m2".to_owned(), b"{}".to_vec());
    let messages = vec![NewMessage { key, address: ada(), thread: None, content, covers }];
    let withheld = vec![(Episode::of(&new), Some(ada()), Withheld::Patience)];
    let forgotten = Change::Forgotten(suspected.matter.clone());
    let changes = vec![Change::Kept(known), Change::Suspected(suspected), forgotten, Change::Opened(new)];
    store
        .decide(Decision { revision, decided_at: minute(minutes), changes, messages, withheld })
        .await
        .map(drop)
}

async fn silenced(store: &dyn Store) -> Result<(), StoreError> {
    let words = || "a new disk".to_owned();
    let (from, until) = (minute(13), minute(99));
    let (pattern, address) = ("acme/*".to_owned(), Some(ada()));
    store
        .add_silence(Silence {
            id: 0,
            pattern,
            checks: None,
            address,
            from,
            until,
            reason: words(),
            by: words(),
        })
        .await
        .map(drop)
}

async fn pinged(store: &dyn Store) -> Result<(), StoreError> {
    let (kind, body) = ("success".to_owned(), Vec::new());
    store.append_event(Event { key: vec![1], received_at: minute(13), kind, body }).await.map(drop)
}

/// Does all the work on a database that fails its `nth` question, and everything that failed once more. Returns what is
/// there in the end, and whether anything failed.
async fn work(path: &Path, nth: u64) -> (String, bool) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let interrupt = move || counter.fetch_add(1, Ordering::Relaxed) + 1 == nth;
    let options = Options { interrupt: Some(Arc::new(interrupt)), ..options(path) };
    let open = |options: Options| -> BoxFuture<'_, Sqlite> {
        async move {
            match Sqlite::open(options.clone()).await {
                Ok(store) => store,
                Err(_) => Sqlite::open(options).await.expect("it fails once only"),
            }
        }
        .boxed()
    };
    let mut store = open(options.clone()).await;
    for (number, step) in STEPS.into_iter().enumerate() {
        let before = everything(&store).await;
        if step(&store).await.is_ok() {
            continue;
        }
        let is_last = number + 1 == STEPS.len();
        if !is_last {
            assert_eq!(everything(&store).await, before, "a failed step {number} kept something");
        }
        // Every second time as after a crash.
        if nth.is_multiple_of(2) {
            drop(store);
            store = open(options.clone()).await;
        }
        step(&store).await.unwrap_or_else(|error| panic!("step {number} of {nth}: {error}"));
    }
    assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new());
    (everything(&store).await, asked.load(Ordering::Relaxed) >= nth)
}

#[tokio::test]
async fn whatever_fails_once_is_taken_back_whole_and_succeeds_the_second_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let (expected, _) = work(&folder.path().join("sound"), u64::MAX).await;
    let expected = without_numbers(&expected);
    let mut nth = 1;
    loop {
        let (found, has_failed) = work(&folder.path().join(format!("db{nth}")), nth).await;
        if !has_failed {
            break;
        }
        assert_eq!(without_numbers(&found), expected, "the {nth}th question failed");
        nth += 1;
    }
    assert!(nth > 50, "only {nth} questions were asked");
    println!("{nth} questions");
}

/// Numbers of looks may have gaps: the number of a look that failed is not used again.
fn without_numbers(everything: &str) -> String {
    let lines = everything.lines().map(|line| {
        let mut kept = String::new();
        let mut rest = line;
        for key in ["\"id\":", "\"look\":"] {
            if let Some(at) = rest.find(key) {
                let (before, after) = rest.split_at(at + key.len());
                kept += before;
                rest = after.trim_start_matches(|character: char| character.is_ascii_digit());
            }
        }
        kept + rest
    });
    lines.collect::<Vec<_>>().join("\n")
}
