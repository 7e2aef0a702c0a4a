//! How large does the store grow, how fast does it start, and what does a tick cost, with 100 000 assets for 30 days?
//!
//! `cargo bench -p lastgood --bench store` prints it; `-- --days 3` looks for fewer days, 0 for none. Run by `cargo test`, it is a fleet of a hundred for a day.

use std::path::Path;

use jiff::SignedDuration;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Cover, Decision, Event, NewMessage, Store};
use lastgood_core::checks::unsuccessful;
use lastgood_core::id::{Name, SubjectId};
use lastgood_core::incident::{Change, Closing, Incident, Matter};
use lastgood_core::notify::{Episode, Why, Withheld};
use lastgood_core::recipient::Address;
use lastgood_core::testing::{PORTAL, source_id};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;

#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/measure.rs"]
mod measure;

use fleet::{DAY_MINUTES, Fleet, SMALL, asked_for, begin};
use measure::{clock, file_mebibytes, memory_mebibytes, milliseconds};

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

/// These many incidents, noticed at this minute.
fn incidents(minute: i64, count: usize) -> Vec<Incident> {
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
        began_at: None,
        opened_at: Some(now),
        acknowledged: None,
        looked_at: now,
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(1, 1, Some(now)),
    };
    (0..count).map(incident).collect()
}

/// Decides at this minute, with one message for each `digest` incidents, to an address of its own.
async fn decide(store: &Sqlite, minute: i64, changes: Vec<Change>, (why, digest): (Why, usize)) -> f64 {
    let now = begin() + SignedDuration::from_mins(minute);
    let incidents: Vec<&Incident> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Opened(incident) | Change::Closed(incident, _) => Some(incident),
            Change::Suspected(_) | Change::Kept(_) | Change::Forgotten(_) => None,
        })
        .collect();
    let cover = |incident: &&Incident| Cover { episode: Episode::of(incident), why, affected_count: 0 };
    let message = |incidents: &[&Incident]| NewMessage {
        key: format!("{}{minute}", incidents[0].matter.subject),
        address: Address { channel: "mail".to_owned(), to: incidents[0].matter.subject.to_string() },
        thread: None,
        content: vec![b'x'; 2_000],
        covers: incidents.iter().map(cover).collect(),
    };
    let messages = incidents.chunks(digest).map(message).collect();
    let revision = store.standing(now).await.expect("what stands").revision;
    let decision = Decision { revision, decided_at: now, changes, messages, withheld: Vec::new() };
    let began = clock();
    store.decide(decision).await.expect("it is kept");
    milliseconds(began)
}

/// Everything is late at once, is told to somebody each, told as delivered, and recovers at once.
async fn storm(store: &Sqlite, minute: i64, count: usize) {
    let all = incidents(minute, count);
    let opened = all.iter().cloned().map(Change::Opened).collect();
    let took = decide(store, minute, opened, (Why::First, 1)).await;
    println!("{count} incidents that open with {count} messages: {took:.0} ms");
    let began = clock();
    let standing = store.standing(begin()).await.expect("what stands");
    assert!(standing.known.len() >= count);
    println!(
        "what a plan is made of, with {} incidents: {:.0} ms",
        standing.known.len(),
        milliseconds(began)
    );
    marks(store, count).await;
    let withheld = |incident: &Incident| (Episode::of(incident), None, Withheld::Silence(1));
    for (minute, words) in [(minute + 1, "begin to be"), (minute + 2, "stay")] {
        let now = begin() + SignedDuration::from_mins(minute);
        let revision = store.standing(now).await.expect("what stands").revision;
        let withheld = all.iter().map(withheld).collect();
        let decision = Decision { revision, decided_at: now, withheld, ..Decision::default() };
        let began = clock();
        store.decide(decision).await.expect("it is kept");
        println!("a tick with {count} incidents that {words} withheld: {:.0} ms", milliseconds(began));
    }
    let kept = all.iter().cloned().map(Change::Kept).collect();
    println!(
        "{count} incidents that go on: {:.0} ms",
        decide(store, minute + 3, kept, (Why::First, 1)).await
    );
    let closed = |incident: Incident| Change::Closed(incident, Closing::Recovered);
    let closed = all.into_iter().map(closed).collect();
    let took = decide(store, minute + 4, closed, (Why::Resolved, 1)).await;
    println!("{count} incidents that close with {count} messages: {took:.0} ms");
}

/// All that is due is delivered, by eight who each wait for their answer.
async fn marks(store: &Sqlite, count: usize) {
    const CALLERS: usize = 8;
    let limit = u32::try_from(count).expect("some");
    let began = clock();
    let due = store.due_messages(begin(), limit).await.expect("messages");
    println!("{} due messages read: {:.0} ms", due.len(), milliseconds(began));
    let before = store.counters().committed_count;
    let began = clock();
    let caller = |first: usize| {
        let ids = due.iter().skip(first).step_by(CALLERS).map(|message| message.id);
        async move {
            for id in ids {
                store.delivered(id, begin(), "250 queued".to_owned()).await.expect("it is kept");
            }
        }
    };
    futures::future::join_all((0..CALLERS).map(caller)).await;
    let commits = store.counters().committed_count - before;
    println!("{} delivered by {CALLERS}: {:.0} ms in {commits} transactions", due.len(), milliseconds(began));
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
    let fleet = asked_for();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = open(&path).await;
    println!("{} assets", fleet.asset_count());
    run(&store, &path, fleet).await;
    let end = fleet.days * DAY_MINUTES;
    for count in [1, 100, 1_000] {
        let minute = end + i64::try_from(count).expect("few");
        let opened = incidents(minute, count).into_iter().map(Change::Opened).collect();
        let took = decide(&store, minute, opened, (Why::First, 10)).await;
        println!("a tick that opens {count} incidents: {took:.1} ms");
    }
    let is_large = fleet.assets > SMALL.assets;
    storm(&store, end + 2_000, if is_large { 10_000 } else { 100 }).await;
    events(&store, if is_large { 100_000 } else { 100 }).await;
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
