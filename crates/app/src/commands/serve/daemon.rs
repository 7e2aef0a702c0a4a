//! Which parts does the daemon have, in which order do they start, and how do they end?

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lastgood_collector::Engine;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Read;
use super::built::{BuildError, Built};
use super::numbers::{self, Well};
use crate::causes::said;
use crate::clock;
use crate::collect::{Looks, Polling, Sight};
use crate::config::{Config, ConfigError, Serve};
use crate::deliver::{Deliverer, STOP_WITHIN};
use crate::exit::Exit;
use crate::letter::{TemplatesError, Writer};
use crate::links::acts::Acts;
use crate::links::{LinkKeyError, Links};
use crate::push::Pushes;
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Store, StoreError};
use crate::watch::{self, Clock, Parts, Watch, Written};
use crate::web;

/// How many looks may be under way at once: each may be a program that takes hundreds of megabytes.
const LOOKS_AT_ONCE: usize = 16;

/// How often the engine asks what is polled; a reload tells it at once.
const REFRESH_EVERY: Duration = Duration::from_mins(1);

/// How long looks under way are waited for at the end.
const LOOKS_END: Duration = Duration::from_secs(3);

/// How long everything under way is waited for at the end: all waits together are less than 9 s, since a
/// supervisor kills after 10 s.
const END: Duration = Duration::from_millis(7_200);

/// How long the database is waited for after that.
const LAST_END: Duration = Duration::from_secs(1);

// A delivery that hangs is let go before everything is, and all of it ends well before a supervisor kills.
const _: () = assert!(STOP_WITHIN.as_millis() < END.as_millis());
const _: () = assert!(END.as_millis() + LAST_END.as_millis() + super::LAST_END.as_millis() <= 9_000);

/// How often what is known of pings is written down, so that a start need not go through all of them.
const KEEP_PUSHED_EVERY: Duration = Duration::from_mins(5);

/// The daemon while it runs.
pub(super) struct Daemon {
    store: Arc<dyn Store>,
    watch: Watch,
    pushes: Arc<Pushes>,
    deliverer: Deliverer,
    polling: Polling,
    /// Writes messages; another one after a reload.
    writer: Arc<Mutex<Arc<Writer>>>,
    links: Option<Arc<Links>>,
    refresh: Box<dyn Fn() + Send + Sync>,
    well: Arc<Well>,
    serve: Serve,
    stop: CancellationToken,
    parts: tokio::sync::Mutex<JoinSet<()>>,
}

/// Why the daemon did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something in the configuration cannot be opened.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Links cannot be made.
    #[error("messages cannot hold links (link_key_file)")]
    Links(#[from] LinkKeyError),
    /// Letters cannot be written in the words of the configuration.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port cannot be listened on.
    #[error("failed to listen on {address}; set another `listen` in [serve], or end what listens there")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl StartError {
    /// How the program ends.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Build(_) | Self::Links(_) | Self::Templates(_) => Exit::Usage,
            Self::Store(_) | Self::Listen { .. } => Exit::OwnFailure,
        }
    }
}

impl Daemon {
    /// Starts everything. Once this returns, pings are answered and the first tick is on its way.
    pub(super) async fn start((path, text, config): Read) -> Result<Self, StartError> {
        let serve = config.serve.clone();
        let address = serve.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| StartError::Listen { address, source })?;
        let links = links_of(&serve)?;
        let writer = Arc::new(Mutex::new(Arc::new(writer_of(&config, links.as_deref())?)));
        let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(Options::new(&serve.database, find_kind)).await?);
        let facts = store.facts().await?;
        let now = clock::now();
        let looked_at = facts.sources.iter().map(|source| (source.id.clone(), source.looked_at)).collect();
        let built = Built::new(Written { path, text }, config, &looked_at, now)?;
        built.recall(&facts);
        let pushes = Arc::new(Pushes::open(built.pushing, Arc::clone(&store), now).await?);
        let told = Arc::new(Notify::new());
        let clock: Clock = Arc::new(clock::now);
        let write_with = Arc::clone(&writer);
        let parts = Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            pushed: Arc::clone(&pushes) as Arc<dyn watch::Pushed>,
            write: Box::new(move |digest, called, now| {
                let writer = Arc::clone(&write_with.lock().unwrap_or_else(PoisonError::into_inner));
                writer.write(digest, called, now)
            }),
            told: Arc::clone(&told),
        };
        let watch = Watch::start(built.written, facts, parts).await?;
        let deliverer = Deliverer::new(Arc::clone(&store), built.channels);
        let polling = Polling::default();
        polling.replace(built.polled);
        let looks = Looks { polling: polling.clone(), watch: watch.clone(), sight: Sight::default() };
        let engine =
            Engine::new(looks).refresh_every(REFRESH_EVERY).running_max(LOOKS_AT_ONCE).drain(LOOKS_END);
        let refresh = Box::new(engine.refresher());
        let well = Arc::new(Well::new(watch.clone(), engine.health(), serve.tick, now));
        let pages = numbers::pages(&watch, &well, &store, (&engine.metrics(), &deliverer));
        let router = routes(pages, &pushes, &watch, (&store, links.as_ref()));
        let stop = CancellationToken::new();
        let mut parts = JoinSet::new();
        parts.spawn(web::serve(listener, router, stop.clone()));
        parts.spawn(run_engine(engine, stop.clone()));
        parts.spawn(deliver(deliverer.clone(), told, stop.clone()));
        parts.spawn(until(stop.clone(), watch::keep_up(Arc::clone(&store), clock, serve.keep)));
        parts.spawn(until(stop.clone(), keep_pushed(Arc::clone(&pushes))));
        parts.spawn(until(stop.clone(), ended(watch.clone())));
        if let Some(url) = serve.watchdog_url.clone() {
            parts.spawn(until(stop.clone(), numbers::tell_watchdog(url, watch.clone())));
        }
        tracing::info!(%address, "watching");
        let parts = tokio::sync::Mutex::new(parts);
        Ok(Self {
            store,
            watch,
            pushes,
            deliverer,
            polling,
            writer,
            links,
            refresh,
            well,
            serve,
            stop,
            parts,
        })
    }

    /// Goes on with another configuration, or with the one it has where anything in the new one is wrong.
    pub(super) async fn reload(&self, read: Result<Read, String>) {
        let taken = match read {
            Ok(read) => self.take(read).await,
            Err(why) => Err(why),
        };
        match taken {
            Ok(()) => tracing::warn!("the configuration was read again and is in force"),
            Err(why) => {
                tracing::error!("the new configuration is not taken, the old one stays: {why}");
                self.watch.refused(why).await;
            }
        }
    }

    /// Builds all of it, then swaps.
    async fn take(&self, (path, text, config): Read) -> Result<(), String> {
        if let Some(key) = self.needs_a_restart(&config.serve) {
            tracing::warn!("`{key}` of [serve] changed, which takes effect at the next start");
        }
        let now = clock::now();
        let published = self.watch.published();
        let looked_at =
            published.sources.iter().map(|source| (source.id.clone(), source.looked_at)).collect();
        let writer = writer_of(&config, self.links.as_deref()).map_err(|error| said(&error))?;
        let built = Built::new(Written { path, text }, config, &looked_at, now);
        let built = built.map_err(|error| said(&error))?;
        built.recall(&self.store.facts().await.map_err(|error| said(&error))?);
        self.watch.reload(built.written).await.map_err(|error| said(&error))?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(writer);
        self.pushes.reload(built.pushing, now);
        self.deliverer.replace(built.channels);
        self.polling.replace(built.polled);
        (self.refresh)();
        self.well.configured(built.serve.tick, now);
        self.watch.wake();
        Ok(())
    }

    /// Which key differs that only a start reads.
    fn needs_a_restart(&self, new: &Serve) -> Option<&'static str> {
        let old = &self.serve;
        let differs = [
            ("database", old.database != new.database),
            ("listen", old.listen != new.listen),
            ("public_url", old.public_url != new.public_url),
            ("link_key_file", old.link_key_file != new.link_key_file),
            ("keep", old.keep != new.keep),
            ("watchdog.url", old.watchdog_url != new.watchdog_url),
        ];
        differs.into_iter().find(|(_, differs)| *differs).map(|(key, _)| key)
    }

    /// Follows what is decided.
    #[cfg(feature = "demo")]
    pub(super) fn follow(&self) -> tokio::sync::watch::Receiver<Arc<watch::Published>> {
        self.watch.follow()
    }

    /// True while something is judged, or tried to be, at every tick.
    pub(super) fn is_judging(&self) -> bool {
        self.well.is_judging()
    }

    /// Waits until a part ends that should run for ever.
    pub(super) async fn has_failed(&self) {
        let mut parts = self.parts.lock().await;
        if let Some(Err(error)) = parts.join_next().await {
            tracing::error!("a part of lastgood failed: {error}");
        }
    }

    /// Starts nothing more, finishes what is under way within the limit, and writes down what is known.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let mut parts = self.parts.into_inner();
        let all = async { while parts.join_next().await.is_some() {} };
        if tokio::time::timeout(END, all).await.is_err() {
            tracing::warn!(
                "something under way was not waited for any longer; it is done again at the next start"
            );
        }
        parts.abort_all();
        let rest = async {
            self.watch.stop().await;
            self.pushes.keep().await;
            self.store.close().await
        };
        // Everything that was answered is on the disk already.
        match tokio::time::timeout(LAST_END, rest).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the database could not be closed: {}", said(&error)),
            Err(_) => tracing::warn!("the database was busy until the end; the next start goes on from it"),
        }
    }
}

fn links_of(serve: &Serve) -> Result<Option<Arc<Links>>, StartError> {
    let (Some(url), Some(file)) = (&serve.public_url, &serve.link_key_file) else { return Ok(None) };
    Ok(Some(Arc::new(Links::from_file(url, file)?)))
}

/// Reads the words of letters; links are those of the start.
fn writer_of(config: &Config, links: Option<&Links>) -> Result<Writer, TemplatesError> {
    let writer = Writer::new(links.cloned());
    let Some(directory) = &config.directory else { return Ok(writer) };
    let writer = writer.with_settings_url(directory.settings_url.clone());
    match &directory.templates {
        Some(folder) => writer.with_templates(folder),
        None => Ok(writer),
    }
}

fn routes(
    pages: web::Pages,
    pushes: &Arc<Pushes>,
    watch: &Watch,
    (store, links): (&Arc<dyn Store>, Option<&Arc<Links>>),
) -> axum::Router {
    let woken = watch.clone();
    let mut router = web::router(pages).merge(web::ping::router(Arc::clone(pushes), move || woken.wake()));
    router = router.merge(web::observations::router(Arc::clone(pushes), watch.clone()));
    if let Some(links) = links {
        let woken = watch.clone();
        let acts = Acts::new(Arc::clone(store), Arc::clone(links), Box::new(move || woken.wake()));
        router = router.merge(web::act::router(Arc::new(acts)));
    }
    router
}

async fn run_engine(engine: Engine<Looks>, stop: CancellationToken) {
    let stopped = engine.run(stop.cancelled_owned()).await;
    tracing::info!(?stopped, "the looks have ended");
}

async fn deliver(deliverer: Deliverer, told: Arc<Notify>, stop: CancellationToken) {
    deliverer.run(told, stop).await;
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

/// Waits for what should never happen: nobody judges any more.
async fn ended(watch: Watch) {
    let mut published = watch.follow();
    while published.changed().await.is_ok() {}
}

async fn keep_pushed(pushes: Arc<Pushes>) {
    let mut every = tokio::time::interval(KEEP_PUSHED_EVERY);
    loop {
        every.tick().await;
        pushes.keep().await;
    }
}
