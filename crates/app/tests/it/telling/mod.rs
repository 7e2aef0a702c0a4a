//! Does everything that was decided reach people, once, and do their answers reach us?
//!
//! With the real store, the real deliverer, the channel `mail` and a mail server on loopback. The instants of attempts come
//! from a clock the test moves; waiting for a condition has a generous deadline and no other meaning.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lastgood::channels::{self, Channel, ChannelConfig, ChannelError, Message, Receipt};
use lastgood::deliver::{Channels, Deliverer};
use lastgood::letter;
use lastgood::links::Links;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Decision, Filter, IncidentState, Notified, Store};
use lastgood_core::checks::unsuccessful;
use lastgood_core::id::{Name, SubjectId};
use lastgood_core::incident::{Change, Closing, Incident, Matter};
use lastgood_core::message::Called;
use lastgood_core::notify::{Digest, Entry, Why};
use lastgood_core::recipient::{Address, Role};
use lastgood_core::testing::{noon, source_id};
use lastgood_core::verdict::Reason;
use lastgood_simulator::smtp::{Mail, MailServer};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod command;
mod links;
mod outage;
mod sending;
mod threads;

/// How long a condition is waited for before the test has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store, a clock, and what was decided so far.
struct World {
    /// Removed when the world ends.
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    store: Arc<Sqlite>,
    /// Nanoseconds since 1970.
    now: Arc<AtomicI64>,
    wake: Arc<Notify>,
}

impl World {
    async fn new() -> Self {
        // A second start in one process (other tests) keeps the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lastgood.db");
        let store = Arc::new(open(&path).await);
        let now = Arc::new(AtomicI64::new(nanoseconds(noon())));
        Self { _folder: folder, path, store, now, wake: Arc::default() }
    }

    fn now(&self) -> Timestamp {
        instant(self.now.load(Ordering::SeqCst))
    }

    fn pass(&self, time: SignedDuration) {
        let nanoseconds = i64::try_from(time.as_nanos()).expect("a few days");
        self.now.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// Decides what a tick would at this instant: changes, and one digest to each address.
    async fn decide(&self, changes: Vec<Change>, digests: &[Digest]) -> Vec<String> {
        let now = self.now();
        let called = |_: &SubjectId| Called { name: "db".to_owned(), kind: "agent" };
        let writer = letter::Writer::new(Some(links()));
        let write = |digest| writer.write(digest, &called, now);
        let messages: Vec<_> = digests.iter().map(write).collect();
        let keys = messages.iter().map(|message| message.key.clone()).collect();
        let revision = self.store.standing(now).await.expect("what stands").revision;
        let decision = Decision { revision, decided_at: now, changes, messages, withheld: Vec::new() };
        self.store.decide(decision).await.expect("it is kept");
        self.wake.notify_one();
        keys
    }

    /// Opens one incident for each name, of which one message goes to each address of the same name.
    async fn tell_all(&self, channel: &str, names: &[String]) -> Vec<String> {
        let incidents: Vec<_> = names.iter().map(|name| incident(name, self.now())).collect();
        let told = |(incident, name): (&Incident, &String)| {
            digest(&format!("{channel}:{name}@example.org"), vec![entry(incident, Why::First)])
        };
        let digests: Vec<_> = incidents.iter().zip(names).map(told).collect();
        self.decide(incidents.into_iter().map(Change::Opened).collect(), &digests).await
    }

    fn deliverer(&self, channels: Channels) -> Deliverer {
        let now = Arc::clone(&self.now);
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let clock = Arc::new(move || instant(now.load(Ordering::SeqCst)));
        Deliverer::new(store, channels).with_clock(clock)
    }

    fn run(&self, deliverer: &Deliverer) -> Running {
        let (wake, stop) = (Arc::clone(&self.wake), CancellationToken::new());
        let (deliverer, stopping) = (deliverer.clone(), stop.clone());
        Running { stop, task: tokio::spawn(async move { deliverer.run(wake, stopping).await }) }
    }

    /// Everything about the messages of the only incident about this asset.
    async fn notified(&self, asset: &str) -> Vec<Notified> {
        let filter = Filter {
            state: IncidentState::OpenOrClosed,
            source: Some(source_id("acme")),
            repository: Some(Name::new("nas1")),
            asset: Some(Name::new(asset)),
            ..Filter::default()
        };
        let found = self.store.incidents(filter).await.expect("history");
        let story = self.store.incident(found[0].id).await.expect("history").expect("it is there");
        story.notifications
    }

    /// Waits until nothing is due and nothing under way.
    async fn settled(&self, deliverer: &Deliverer) {
        self.wake.notify_one();
        until("nothing is due any more", async || {
            let is_still = deliverer.counted().iter().all(|(_, counted)| counted.under_way_count == 0);
            is_still && self.store.due_messages(self.now(), 1).await.expect("the outbox").is_empty()
        })
        .await;
    }
}

/// A deliverer that runs.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("it ends by itself");
    }

    /// Ends it as a kill would: nothing of it goes on.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits for a condition.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never so: {what}"));
}

async fn open(path: &Path) -> Sqlite {
    let mut options = Options::new(path, |_| None);
    options.busy_timeout = Duration::from_millis(100);
    Sqlite::open(options).await.expect("it is opened")
}

fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).expect("an instant of our time")
}

fn instant(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).expect("an instant of our time")
}

fn links() -> Links {
    Links::new("http://backup.example.org", &[7; 32]).expect("a key of 32 bytes")
}

/// An incident about an agent whose newest run failed.
fn incident(asset: &str, opened_at: Timestamp) -> Incident {
    let (repository, asset) = (Some(Name::new("nas1")), Some(Name::new(asset)));
    let subject = SubjectId { source: source_id("acme"), repository, asset };
    Incident {
        matter: Matter { subject, check: unsuccessful::ID },
        noticed_at: opened_at,
        began_at: None,
        opened_at: Some(opened_at),
        acknowledged: None,
        looked_at: opened_at,
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(1, 1, Some(opened_at)),
    }
}

fn entry(incident: &Incident, why: Why) -> Entry {
    entry_for(incident, why, Role::Operator)
}

fn entry_for(incident: &Incident, why: Why, role: Role) -> Entry {
    let closing = (why == Why::Resolved).then_some(Closing::Recovered);
    let role = (why != Why::Resolved).then_some(role);
    let because = vec!["owner of `*`".to_owned()];
    Entry {
        incident: incident.clone(),
        why,
        closing,
        affected: Vec::new(),
        role,
        because,
        others: Vec::new(),
    }
}

fn digest(address: &str, entries: Vec<Entry>) -> Digest {
    Digest { voice: None, address: to(address), entries }
}

fn to(address: &str) -> Address {
    let (channel, to) = address.split_once(':').expect("channel:address");
    Address { channel: channel.to_owned(), to: to.to_owned() }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("agent{number:03}")).collect()
}

/// A mail server and the mails it took, in the order they came.
struct Post {
    server: MailServer,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Post {
    async fn start() -> Self {
        let mails = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&mails);
        let take = move |mail| taking.lock().expect("nobody panics with it").push(mail);
        Self { server: MailServer::start(take).await.expect("a free port"), mails }
    }

    fn channel(&self) -> Arc<dyn Channel> {
        let port = self.server.port();
        let settings = format!("host = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'a@example.org'");
        let settings = settings.parse().expect("TOML");
        let config = ChannelConfig { name: "mail".to_owned(), settings, ..ChannelConfig::default() };
        Arc::from((channels::mail::ENTRY.open)(config).expect("good settings"))
    }

    fn channels(&self) -> Channels {
        Channels::from([("mail".to_owned(), self.channel())])
    }

    /// A header of every mail it took.
    fn headers(&self, name: &str) -> Vec<String> {
        let mails = self.mails.lock().expect("nobody panics with it");
        mails.iter().map(|mail| mail.header(name).unwrap_or_default()).collect()
    }

    fn count(&self) -> usize {
        self.mails.lock().expect("nobody panics with it").len()
    }
}

/// What a message of this key is known by at the mail server.
fn message_id(key: &str) -> String {
    format!("<{key}@example.org>")
}

/// A channel that does what the test says.
struct Scripted<F>(F);

impl<F> std::fmt::Debug for Scripted<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl<F> Channel for Scripted<F>
where
    F: Fn(&Message) -> BoxFuture<'static, Result<Receipt, ChannelError>> + Send + Sync,
{
    fn send<'a>(
        &'a self,
        message: &'a Message,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        (self.0)(message)
    }
}

fn scripted(
    send: impl Fn(&Message) -> BoxFuture<'static, Result<Receipt, ChannelError>> + Send + Sync + 'static,
) -> Arc<dyn Channel> {
    Arc::new(Scripted(send))
}

fn taken() -> Receipt {
    Receipt { answer: "taken".to_owned() }
}
