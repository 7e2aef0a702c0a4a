//! Is whatever is pushed over HTTP taken, kept and understood: by the real store, from the real clients?

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lastgood::clock;
use lastgood::config::Config;
use lastgood::push::key::KeyHash;
use lastgood::push::{PushSource, Pushes};
use lastgood::sources;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Event, Store};
use lastgood::watch::TakeError;
use lastgood::web;
use lastgood_core::id::SourceId;
use lastgood_core::observation::{AssetObservation, Collection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

mod api;
mod borgmatic;
mod command;
mod curl;
mod judged;
mod kill;
mod protocol;
mod secrets;

/// The key of the job `nightly`.
const KEY: &str = "5f1d4c3a-9b8e-4f70-8a6b-0c1d2e3f4a5b";
/// The ping key of the source.
const PING_KEY: &str = "6a2e5d4b-8c9f-4e81-9b7c-1d2e3f4a5b6c";
/// The token of the source `scripts`.
const TOKEN: &str = "token-of-the-scripts-0123456789";

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// The configuration of these tests: two jobs that ping, and a source that pushes.
fn sources_in(folder: &Path) -> Vec<PushSource> {
    std::fs::write(folder.join("token"), format!("{TOKEN}\n")).expect("a writable folder");
    let hash = |key: &str| KeyHash::of(key).hexadecimal();
    let text = format!(
        "[[source]]\nname = 'jobs'\nkind = 'ping'\nping_key_hash = 'sha256:{}'\n\
         [[source.ping]]\nname = 'nightly'\nkey_hash = 'sha256:{}'\nschedule = '30 2 * * *'\n\
         [[source.ping]]\nname = 'weekly'\nperiod = '7d'\n\
         [[source]]\nname = 'scripts'\nkind = 'push'\nsecret_file = 'token'\n",
        hash(PING_KEY),
        hash(KEY)
    );
    let config = Config::from_text(&folder.join("config.toml"), &text, &sources::ALL);
    let sources = config.unwrap_or_else(|error| panic!("{error}")).sources;
    sources.into_iter().map(|source| PushSource::new(source).expect("a token")).collect()
}

async fn open_store(folder: &Path) -> Arc<dyn Store> {
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    Arc::new(Sqlite::open(Options::new(folder.join("db"), find_kind)).await.expect("it is opened"))
}

/// Looks that were taken, or a failure to take any.
#[derive(Clone, Default)]
struct Taken {
    looks: Arc<Mutex<Vec<Collection>>>,
    is_full: Arc<Mutex<bool>>,
}

impl web::observations::Take for Taken {
    fn take(&self, collection: Collection) -> BoxFuture<'_, Result<(), TakeError>> {
        let answer = if *self.is_full.lock().expect("nobody panics with it") {
            Err(TakeError::Ended)
        } else {
            self.looks.lock().expect("nobody panics with it").push(collection);
            Ok(())
        };
        std::future::ready(answer).boxed()
    }
}

/// Everything that is pushed to, on a port of its own.
struct Server {
    address: String,
    store: Arc<dyn Store>,
    pushes: Arc<Pushes>,
    taken: Taken,
    /// How often somebody was asked to look soon.
    woken: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Server {
    async fn start(folder: &Path) -> Self {
        let store = open_store(folder).await;
        let pushes =
            Pushes::open(sources_in(folder), Arc::clone(&store), clock::now()).await.expect("it is read");
        let (pushes, taken) = (Arc::new(pushes), Taken::default());
        let woken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&woken);
        let wake = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let router = web::ping::router(Arc::clone(&pushes), wake);
        let router = router.merge(web::observations::router(Arc::clone(&pushes), taken.clone()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let stop = CancellationToken::new();
        tokio::spawn(web::serve(listener, router, stop.clone()));
        Self { address, store, pushes, taken, woken, stop }
    }

    /// Asks with a body of its own length.
    async fn ask(&self, method: &str, target: &str, body: &[u8]) -> Reply {
        let head = format!("{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
        exchange(&self.address, &head, body).await
    }

    /// What is stated of a job.
    async fn job(&self, name: &str) -> AssetObservation {
        self.pushes.restate(&SourceId::new("jobs").expect("a name"));
        let collections = self.pushes.collections(clock::now()).await;
        let mut assets =
            collections.into_iter().flat_map(|look| look.repositories).flat_map(|place| place.assets);
        assets.find(|asset| asset.name.text() == name).expect("it is stated")
    }

    async fn events(&self) -> Vec<Event> {
        let events = self.store.events(0, 1_000).await.expect("events");
        events.into_iter().map(|(_, event)| event).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer of the server.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

/// Sends one request on a connection of its own and reads the answer to its end.
async fn exchange(address: &str, head: &str, body: &[u8]) -> Reply {
    let whole = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{head}Host: here\r\nConnection: close\r\n\r\n").as_bytes()).await?;
        // A server that has answered need not read the rest.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(PATIENCE, whole).await.expect("an answer in time").expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// What came with an event.
fn body_of(event: &Event) -> &[u8] {
    let line_end = event.body.iter().position(|byte| *byte == b'\n').expect("a line");
    &event.body[line_end + 1..]
}

/// What stands before it.
fn line_of(event: &Event) -> serde_json::Value {
    let line_end = event.body.iter().position(|byte| *byte == b'\n').expect("a line");
    serde_json::from_slice(&event.body[..line_end]).expect("JSON")
}
