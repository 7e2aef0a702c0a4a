//! How long does it take until 10 000 messages that were decided have reached a mail server, beside what Postfix's own
//! generator takes to the same one? And how long after the decision does the first one arrive?
//!
//! The messages stand in a SQLite outbox on disk, each to a recipient of its own; `smtp-sink` of Debian's package postfix
//! takes them on loopback and keeps them, and each has to be there exactly once and marked. `cargo test` runs it once with
//! few.

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lastgood::channels::{self, Channel, ChannelConfig};
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

/// How often the outbox and the sink are looked at.
const GLANCE: Duration = Duration::from_millis(2);

/// How long is waited for all of them before it has failed.
const PATIENCE: Duration = Duration::from_mins(5);

#[tokio::main]
async fn main() {
    let benching = std::env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if benching { (10_000, 5) } else { (100, 1) };
    let mut took = Vec::new();
    for round in 1..=rounds {
        let ours = deliver(count).await;
        let limit = smtp_source(count);
        println!(
            "round {round}: decided in {:.3} s, first mail {:.3} s after that, all {count} at the sink {:.2} s, all marked \
             {:.2} s; smtp-source {limit:.2} s",
            ours.decided, ours.first, ours.arrived, ours.marked
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
    count_what_arrived(&kept, count);
    Took { decided, first, arrived, marked }
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("not everything was sent");
}

/// Every mail is there, and none twice.
fn count_what_arrived(kept: &Path, count: usize) {
    let kept = std::fs::read_to_string(kept).expect("the sink kept the mails");
    let ids: Vec<&str> = kept.lines().filter(|line| line.starts_with("Message-ID: ")).collect();
    let distinct: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (count, count), "each mail arrives exactly once");
}

/// One incident for each recipient, and one message about it.
fn decision(count: usize) -> Decision {
    let links = Links::new("https://backup.example.org", &[7; 32]).expect("a key of 32 bytes");
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
            because: vec![format!("customer of `acme/nas1/agent{number}` (config.toml:42)")],
        };
        letter::write(&Digest { address, entries: vec![entry] }, &called, Some(&links), noon())
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
        opened_at: Some(noon()),
        acknowledged: None,
        looked_at: noon(),
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(3, 1, Some(Timestamp::UNIX_EPOCH)),
    }
}

/// Lets Postfix's generator send as many mails of about the same size over as many connections to the same sort of sink.
fn smtp_source(count: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let kept = folder.path().join("mails");
    let sink = Sink::start(&["-D", kept.to_str().expect("UTF-8")]);
    let (count, to) = (count.to_string(), format!("127.0.0.1:{}", sink.port));
    let mut command = Command::new("smtp-source");
    command.args(["-s", "8", "-m", &count, "-l", "4000", "-f", "a@example.org", "-t", "u@example.org"]);
    let started = now();
    let ended = command.args(["-d", &to]).stdout(Stdio::null()).status().expect("smtp-source starts");
    assert!(ended.success());
    started.elapsed().as_secs_f64()
}

/// The sink gives up root's rights and writes as another user.
fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Others may write to it as in /tmp: what stands there stays its owner's.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).expect("our own folder");
}

/// A mail server that takes everything; dropping it ends it.
struct Sink {
    port: u16,
    child: Child,
}

impl Sink {
    fn start(options: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("smtp-sink");
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            command.args(["-u", "postfix"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg("1000");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command
            .spawn()
            .expect("smtp-sink starts: install the Debian package postfix (as root, ./test does it)");
        let sink = Self { port, child };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("smtp-sink does not listen");
    }

    fn channel(&self) -> Arc<dyn Channel> {
        // A second start in one process keeps the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings =
            format!("host = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'a@example.org'", self.port);
        let settings = settings.parse().expect("TOML");
        let config = ChannelConfig { name: "mail".to_owned(), settings, ..ChannelConfig::default() };
        Arc::from((channels::mail::ENTRY.open)(config).expect("good settings"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It has no children; what it was told to keep is on disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
