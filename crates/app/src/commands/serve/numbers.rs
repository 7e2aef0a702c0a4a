//! Is the daemon well, what do its pages show, and who is told that it lives?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use prometheus::Registry;

use crate::clock;
use crate::deliver::Deliverer;
use crate::metrics;
use crate::store::Store;
use crate::watch::Watch;
use crate::web::{self, Health};

/// How many ticks may be missed until we are not well, and how long that is at least.
const TICKS_MISSED_MAX: u32 = 3;
const SILENT_MIN: Duration = Duration::from_secs(30);

/// How long whoever watches us may take to answer.
const WATCHDOG_DEADLINE: Duration = Duration::from_secs(10);

/// Tells whether the daemon is well.
pub(super) struct Well {
    watch: Watch,
    engine: lastgood_collector::Health,
    /// How often is judged, and since when.
    configured: Mutex<(Duration, Timestamp)>,
}

impl Well {
    pub(super) fn new(
        watch: Watch,
        engine: lastgood_collector::Health,
        tick: Duration,
        now: Timestamp,
    ) -> Self {
        Self { watch, engine, configured: Mutex::new((tick, now)) }
    }

    /// Goes on with another configuration.
    pub(super) fn configured(&self, tick: Duration, now: Timestamp) {
        *self.lock() = (tick, now);
    }

    /// True while a tick is tried often enough, whatever comes of it.
    pub(super) fn is_judging(&self) -> bool {
        self.watch.published().tried.read() <= self.silent_max()
    }

    fn silent_max(&self) -> Duration {
        (self.lock().0 * TICKS_MISSED_MAX).max(SILENT_MIN)
    }

    fn lock(&self) -> MutexGuard<'_, (Duration, Timestamp)> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health for Well {
    fn check(&self) -> web::Ill {
        let mut ill = Vec::new();
        let published = self.watch.published();
        if !self.is_judging() {
            ill.push(format!("nothing was judged for {} s", published.tried.read().as_secs()));
        }
        ill.extend(published.trouble.iter().map(|why| format!("the newest tick failed: {why}")));
        ill.extend(published.ill.iter().cloned());
        ill.extend(
            self.engine.check().err().map(|illness| format!("the sources are not looked at: {illness}")),
        );
        ill
    }
}

/// What the pages show.
pub(super) fn pages(
    watch: &Watch,
    well: &Arc<Well>,
    store: &Arc<dyn Store>,
    (engine, deliverer): (&lastgood_collector::Metrics, &Deliverer),
) -> web::Pages {
    let rooms = Registry::new();
    engine.register(&rooms).expect("the names of the engine stand here once");
    let (page_watch, page_well, page_store) = (watch.clone(), Arc::clone(well), Arc::clone(store));
    let deliverer = deliverer.clone();
    let metrics: web::Metrics = Arc::new(move || {
        let (watch, well, store) = (page_watch.clone(), Arc::clone(&page_well), Arc::clone(&page_store));
        let (rooms, attempts) = (rooms.clone(), deliverer.counted());
        async move {
            let now = metrics::Now {
                at: clock::now(),
                published: &watch.published(),
                outbox: store.outbox().await.ok(),
                counters: store.counters(),
                is_well: well.check().is_empty(),
                configured_at: well.lock().1,
                delivered: &attempts,
            };
            metrics::page(&now, &[rooms])
        }
        .boxed()
    });
    web::Pages { watch: watch.clone(), health: Arc::clone(well) as Arc<dyn Health>, metrics }
}

/// Tells somebody after every good tick that we live. Who hears nothing knows that we do not.
pub(super) async fn tell_watchdog(url: String, watch: Watch) {
    let client = reqwest::Client::builder()
        .timeout(WATCHDOG_DEADLINE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without certificates of its own");
    let mut published = watch.follow();
    let mut was_told = true;
    while published.changed().await.is_ok() {
        let is_good = {
            let newest = published.borrow_and_update();
            newest.is_judged && newest.trouble.is_none() && newest.ill.is_empty()
        };
        if !is_good {
            continue;
        }
        let answer = client.get(&url).send().await.and_then(reqwest::Response::error_for_status);
        // The address may hold a key: it is not shown.
        let trouble = answer.err().map(|error| error.without_url().to_string());
        if let (Some(why), true) = (&trouble, was_told) {
            tracing::warn!("the watchdog (watchdog.url) could not be told that lastgood lives: {why}");
        }
        was_told = trouble.is_none();
    }
}
