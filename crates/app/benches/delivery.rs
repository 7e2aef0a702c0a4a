//! How long does it take until 10 000 messages that were decided have reached a mail server, beside what Postfix's own
//! generator takes to the same one? And how long after the decision does the first one arrive?
//!
//! The messages stand in a SQLite outbox on disk, each to a recipient of its own; `smtp-sink` of Debian's package postfix
//! takes them on loopback and keeps them, and each has to be there exactly once and marked. `cargo test` runs it once with
//! few.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lastgood::deliver::{Channels, Deliverer};
use lastgood::letter;
use lastgood::links::Links;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Decision, Store};
use lastgood_core::checks::unsuccessful;
use lastgood_core::id::{Name, SubjectId};
use lastgood_core::incident::{Change, Incident, Matter};
use lastgood_core::message::Called;
use lastgood_core::notify::{Digest, Entry, Why};
use lastgood_core::recipient::{Address, Role};
use lastgood_core::testing::{noon, source_id};
use lastgood_core::verdict::Reason;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[path = "support/sink.rs"]
mod sink;

use sink::{Sink, expect_each_once, open_to_everybody};

/// How often the outbox and the sink are looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// How long is waited for all of them before it has failed.
const PATIENCE: Duration = Duration::from_mins(5);

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let benching = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if benching { (10_000, 5) } else { (100, 1) };
    let mut took = Vec::new();
    for round in 1..=rounds {
        let ours = deliver(count).await;
        let limit = smtp_source(count, ours.bytes);
        println!(
            "round {round}: decided in {:.3} s, first mail {:.3} s after that, all {count} at the sink {:.2} s, all marked \
             {:.2} s; smtp-source {limit:.2} s with mails of {} bytes, too",
            ours.decided, ours.first, ours.arrived, ours.marked, ours.bytes
        );
        took.push((ours.marked, limit, ours.first));
    }
    took.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (marked, limit, _) = took[took.len() / 2];
    let latest = took.iter().map(|(_, _, first)| *first).fold(0.0, f64::max);
    println!("median {marked:.2} s, smtp-source beside it {limit:.2} s; the latest first mail {latest:.3} s");
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// What one round took, in seconds.
struct Took {
    /// Writing the messages and the transaction.
    decided: f64,
    /// From the end of that transaction to the first mail.
    first: f64,
    /// From there to the last mail.
    arrived: f64,
    /// And to the last mark.
    marked: f64,
    /// So many bytes a mail has.
    bytes: usize,
}

async fn deliver(count: usize) -> Took {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let kept = folder.path().join("mails");
    let sink = Sink::start(&["-D", kept.to_str().expect("UTF-8")]);
    let store = Sqlite::open(Options::new(folder.path().join("lastgood.db"), |_| None)).await;
    let store: Arc<dyn Store> = Arc::new(store.expect("a database"));
    let deliverer = Deliverer::new(Arc::clone(&store), Channels::from([("mail".to_owned(), sink.channel())]));
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let (running, waking, stopping) = (deliverer.clone(), Arc::clone(&wake), stop.clone());
    let running = tokio::spawn(async move { running.run(waking, stopping).await });

    let started = now();
    store.decide(decision(count)).await.expect("it is kept");
    let decided = started.elapsed().as_secs_f64();
    let committed = now();
    wake.notify_one();
    let sent = || deliverer.counted().first().map_or(0, |(_, counted)| counted.sent_count);
    until(|| sent() > 0).await;
    let first = committed.elapsed().as_secs_f64();
    until(|| sent() >= count as u64).await;
    let arrived = committed.elapsed().as_secs_f64();
    while store.outbox().await.expect("the outbox").due_count > 0 {
        tokio::time::sleep(GLANCE).await;
    }
    let marked = committed.elapsed().as_secs_f64();
    stop.cancel();
    running.await.expect("it ends");
    drop(sink);
    let bytes = expect_each_once(&kept, count) / count;
    Took { decided, first, arrived, marked, bytes }
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("not everything was sent");
}

/// One incident for each recipient, and one message about it.
fn decision(count: usize) -> Decision {
    let links = Links::new("https://backup.example.org", &[7; 32]).expect("a key of 32 bytes");
    let writer = letter::Writer::new(Some(links));
    let called = |_: &SubjectId| Called { name: "db".to_owned(), kind: "agent" };
    let incidents: Vec<_> = (0..count).map(incident).collect();
    let message = |(number, incident): (usize, &Incident)| {
        let address = Address { channel: "mail".to_owned(), to: format!("user{number}@example.org") };
        let entry = Entry {
            incident: incident.clone(),
            why: Why::First,
            closing: None,
            affected: Vec::new(),
            role: Some(Role::Customer),
            others: Vec::new(),
            because: vec![format!("customer of `acme/nas1/agent{number}` (config.toml:42)")],
        };
        writer.write(&Digest { voice: None, address, entries: vec![entry] }, &called, noon())
    };
    let messages = incidents.iter().enumerate().map(message).collect();
    let changes = incidents.iter().cloned().map(Change::Opened).collect();
    Decision { revision: 0, decided_at: noon(), changes, messages, withheld: Vec::new() }
}

fn incident(number: usize) -> Incident {
    let (repository, asset) = (Some(Name::new("nas1")), Some(Name::new(format!("agent{number}"))));
    let subject = SubjectId { source: source_id("acme"), repository, asset };
    Incident {
        matter: Matter { subject, check: unsuccessful::ID },
        noticed_at: noon(),
        began_at: None,
        opened_at: Some(noon()),
        acknowledged: None,
        looked_at: noon(),
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(3, 1, Some(Timestamp::UNIX_EPOCH)),
    }
}

/// Lets Postfix's generator send as many mails of the same size over as many connections to the same sort of sink.
fn smtp_source(count: usize, bytes: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let kept = folder.path().join("mails");
    let sink = Sink::start(&["-D", kept.to_str().expect("UTF-8")]);
    let started = now();
    sink.smtp_source(count, bytes);
    started.elapsed().as_secs_f64()
}
