//! Does the daemon tell the right people the right things through days of trouble, wherever it is started anew?
//!
//! The real store in a folder, the real watch and the real deliverer, on a clock that a story sets; only sources and
//! channels are made up. Every story is told once as it stands and then again with a restart after each of its steps,
//! and must tell the same every time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lastgood::channels::Channel;
use lastgood::deliver::Deliverer;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Filter, Recorded, Store, StoreError};
use lastgood::watch::{Parts, Pushed, TakeError, Ticked, Watch, Written};
use lastgood::{letter, sources};
use lastgood_core::id::SourceId;
use lastgood_core::incident::Acknowledged;
use lastgood_core::notify::Episode;
use lastgood_core::observation::Collection;
use lastgood_core::silence::Silence;
use lastgood_core::testing::at;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use self::fleet::as_datto;
use self::mailbox::{Mailbox, Recorder};

mod causes;
mod changes;
mod clock;
mod fleet;
mod mailbox;
mod missed;
mod owned;
mod patience;
mod trouble;

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where every story begins: a Monday.
fn monday() -> Timestamp {
    at("2026-03-02T12:00:00Z")
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// What is told: address and subject, one telling a line.
type Told = Vec<String>;

/// The time of a story. It never stands still: no two ticks have the same instant.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn read(&self) -> Timestamp {
        let nanoseconds = self.0.fetch_add(1_000, Ordering::SeqCst);
        Timestamp::from_nanosecond(nanoseconds.into()).expect("an instant of our days")
    }

    fn set(&self, at: Timestamp) {
        let nanoseconds = i64::try_from(at.as_nanosecond()).expect("an instant of our days");
        self.0.store(nanoseconds, Ordering::SeqCst);
    }
}

/// Nothing pushes in a story.
struct Silent;

impl Pushed for Silent {
    fn collections(&self, _now: Timestamp) -> BoxFuture<'_, Vec<Collection>> {
        async { Vec::new() }.boxed()
    }

    fn restate(&self, _source: &SourceId) {}
}

/// What a restart ends.
struct Running {
    store: Arc<dyn Store>,
    watch: Watch,
    deliverer: Deliverer,
}

/// A daemon on a clock of its own.
struct Story {
    folder: TempDir,
    config: String,
    hands: Hands,
    mailbox: Mailbox,
    running: Option<Running>,
    /// After which step it is started anew.
    restarts: Restarts,
    step_count: usize,
    expected_count: usize,
}

/// When a story is interrupted.
#[derive(Clone, Copy, Debug)]
enum Restarts {
    Never,
    After(usize),
    Always,
}

/// Tells a story as it stands, then with a restart after each of its steps, then with one after every step.
async fn everywhere(config: &str, script: impl AsyncFn(&mut Story)) {
    let mut story = Story::begin(config, Restarts::Never).await;
    script(&mut story).await;
    let (expected, step_count) = (story.whole(), story.step_count);
    drop(story);
    let restarts = (1..=step_count).map(Restarts::After).chain([Restarts::Always]);
    for restarts in restarts {
        println!("with a restart: {restarts:?}");
        let mut story = Story::begin(config, restarts).await;
        script(&mut story).await;
        assert_eq!(story.whole(), expected, "{restarts:?}");
    }
}

impl Story {
    async fn begin(config: &str, restarts: Restarts) -> Self {
        let hands = Hands(Arc::default());
        hands.set(monday());
        let mut story = Self {
            folder: tempfile::tempdir().expect("a folder"),
            config: config.to_owned(),
            hands,
            mailbox: Mailbox::default(),
            running: None,
            restarts,
            step_count: 0,
            expected_count: 0,
        };
        story.start().await;
        story
    }

    /// Goes on from the folder, and waits until something was judged.
    async fn start(&mut self) {
        let store = self.open().await;
        let told = Arc::new(Notify::new());
        let hands = self.hands.clone();
        let writer = letter::Writer::new(None);
        let parts = Parts {
            store: Arc::clone(&store),
            clock: Arc::new(move || hands.read()),
            pushed: Arc::new(Silent),
            write: Box::new(move |digest, called, now| writer.write(digest, called, now)),
            told,
        };
        let facts = store.facts().await.expect("facts");
        let watch = Watch::start(self.written(), facts, parts).await.expect("a valid configuration");
        let mut published = watch.follow();
        let judged = published.wait_for(|published| {
            published.is_judged || published.trouble.is_some() || published.awaited_count > 0
        });
        tokio::time::timeout(PATIENCE, judged).await.expect("a tick").expect("a watch");
        let channels = ["mail", "page"].map(|name| {
            let channel: Arc<dyn Channel> = Arc::new(Recorder::new(name, &self.mailbox));
            (name.to_owned(), channel)
        });
        let hands = self.hands.clone();
        let deliverer = Deliverer::new(Arc::clone(&store), channels.into_iter().collect());
        let deliverer = deliverer.with_clock(Arc::new(move || hands.read()));
        self.running = Some(Running { store, watch, deliverer });
    }

    /// What was dropped lets go of the file when its thread ends.
    async fn open(&self) -> Arc<dyn Store> {
        let options =
            Options::new(self.folder.path().join("db"), |word| sources::find(word).map(|entry| entry.kind));
        let opening = async {
            loop {
                match Sqlite::open(options.clone()).await {
                    Ok(store) => return store,
                    Err(StoreError::InUse { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        Arc::new(tokio::time::timeout(PATIENCE, opening).await.expect("it is let go of"))
    }

    fn written(&self) -> Written {
        Written { path: self.folder.path().join("lastgood.toml"), text: self.config.clone() }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs between two steps")
    }

    /// What happens after each step.
    async fn step(&mut self) {
        self.step_count += 1;
        let restarts = match self.restarts {
            Restarts::Never => false,
            Restarts::After(step) => step == self.step_count,
            Restarts::Always => true,
        };
        if restarts {
            self.running = None;
            self.start().await;
        }
    }

    /// Sets the clock, so long after the beginning of the story.
    fn after(&mut self, length: SignedDuration) -> Timestamp {
        self.hands.set(monday() + length);
        monday() + length
    }

    /// A look that begins now, or began when the collection says, is handed over.
    async fn look(&mut self, collection: Collection) {
        self.take(collection).await.expect("it is kept");
        self.step().await;
    }

    async fn take(&self, collection: Collection) -> Result<(), TakeError> {
        let is_stoney = collection.kind.id == "stoney";
        let collection = if is_stoney { collection } else { fleet::as_datto(collection) };
        self.running().watch.take(collection).await
    }

    async fn tick(&mut self) -> Ticked {
        let ticked = self.running().watch.tick().await.expect("it is decided");
        self.step().await;
        ticked
    }

    /// Sends until nothing is due.
    async fn deliver(&mut self) {
        self.mailbox.next_post();
        let Running { store, deliverer, .. } = self.running();
        let stop = CancellationToken::new();
        let (sending, until) = (deliverer.clone(), stop.clone());
        let task = tokio::spawn(async move { sending.run(Arc::new(Notify::new()), until).await });
        let empty = async {
            while !store.due_messages(self.hands.read(), 1).await.expect("messages").is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, empty).await.expect("everything that is due is tried");
        stop.cancel();
        task.await.expect("it ends");
        self.step().await;
    }

    /// Sets the clock, hands a look over, ticks and sends.
    async fn see(&mut self, length: SignedDuration, look: impl Fn(Timestamp) -> Collection) {
        let now = self.after(length);
        self.look(look(now)).await;
        self.decide().await;
    }

    /// Ticks and sends.
    async fn decide(&mut self) {
        self.tick().await;
        self.deliver().await;
    }

    /// What was told since this was asked last.
    #[track_caller]
    fn expect(&mut self, expected: &[&str]) {
        let whole = self.whole();
        assert_eq!(whole[self.expected_count..], *expected, "all of it: {whole:#?}");
        self.expected_count = whole.len();
    }

    fn expect_nothing(&mut self) {
        self.expect(&[]);
    }

    fn whole(&self) -> Told {
        self.mailbox.told()
    }

    /// Everything that stands in the newest message.
    fn newest(&self) -> String {
        self.mailbox.newest_text().expect("something was told")
    }

    /// The incidents there ever were, the newest first.
    async fn incidents(&self) -> Vec<Recorded> {
        let state = lastgood::store::IncidentState::OpenOrClosed;
        self.running().store.incidents(Filter { state, ..Filter::default() }).await.expect("incidents")
    }

    /// Says that somebody knows of the newest incident.
    async fn acknowledge(&mut self) {
        let newest = self.incidents().await.swap_remove(0);
        let acknowledged = Acknowledged { at: self.hands.read(), by: "Ada".to_owned() };
        let acknowledging = self.running().store.acknowledge(Episode::of(&newest.incident), acknowledged);
        acknowledging.await.expect("it is kept");
        self.step().await;
    }

    async fn silence(&mut self, pattern: &str, until: Timestamp) {
        let silence = Silence {
            id: 0,
            pattern: pattern.to_owned(),
            checks: None,
            address: None,
            from: self.hands.read(),
            until,
            reason: "a new disk".to_owned(),
            by: "Ada".to_owned(),
        };
        self.running().store.add_silence(silence).await.expect("it is kept");
        self.step().await;
    }

    /// Goes on with another configuration.
    async fn reload(&mut self, config: &str) {
        config.clone_into(&mut self.config);
        self.running().watch.reload(self.written()).await.expect("a valid configuration");
        self.step().await;
    }
}

/// A configuration of these sources and owners; both channels are there. Sources may be unseen, and appliances silent, for
/// days: such stories are about something else.
fn config(serve: &str, sources: &[&str], owners: &str) -> String {
    configured(serve, sources, "thresholds = { blind_after = '20d', offline_after = '20d' }", owners)
}

/// The same with the thresholds of a daemon that looks every 15 minutes.
fn wakeful(serve: &str, sources: &[&str], owners: &str) -> String {
    configured(serve, sources, "interval = '15min'", owners)
}

fn configured(serve: &str, sources: &[&str], more: &str, owners: &str) -> String {
    let mut text = format!("[serve]\ntick = '5min'\n{serve}\n");
    for source in sources {
        let source =
            format!("[[source]]\nname = '{source}'\nkind = 'datto-xml'\nlocation = '{source}.xml'\n{more}\n");
        text.push_str(&source);
    }
    for channel in ["mail", "page"] {
        let channel = format!("[[channel]]\nname = '{channel}'\nkind = 'command'\ncommand = ['true']\n");
        text.push_str(&channel);
    }
    text + owners
}

/// Ops hear of everything at once.
const OPS: &str = "[[owner]]\nrole = 'operator'\nto = ['mail:ops']\n";
