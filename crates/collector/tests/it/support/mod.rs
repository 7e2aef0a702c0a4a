//! A bot that does what a story says, and an engine that runs it on fake time.
//!
//! Only the public interface is used, as a bot would. Nothing here knows what is expected.

pub(crate) mod bot;

use std::sync::Arc;
use std::time::Duration;

use lastgood_collector::{
    Clock, Collector, Engine, Health, Job, Metrics, Reading, Second, Stopped, TestClock,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use self::bot::{Act, Bot, Listing, Spec, job};

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// An engine under way; it is refreshed every 60 s and begins on a whole second unless a test says otherwise.
pub(crate) struct Story<C: Collector = Bot> {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) bot: Arc<C>,
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    refresh: Box<dyn Fn() + Send + Sync>,
    stop: oneshot::Sender<()>,
    pub(crate) engine: JoinHandle<Stopped>,
}

impl Story<Bot> {
    /// Begins at second 1000 with the usual settings and these jobs.
    pub(crate) fn of(jobs: impl Fn() -> Vec<Job<Bot>> + Send + Sync + 'static) -> Self {
        Self::begin(1000, Bot::new(jobs), |engine| engine)
    }

    /// When each call of a job was scheduled, from the beginning.
    pub(crate) fn firings(&self, id: &str) -> Vec<i64> {
        self.bot.ran_of(id).iter().map(|ran| ran.scheduled_at).collect()
    }
}

impl<C: Collector> Story<C> {
    pub(crate) fn begin(second: i64, bot: C, settle: impl FnOnce(Engine<C>) -> Engine<C>) -> Self {
        let clock = Arc::new(TestClock::at(Second(second)));
        let engine = settle(Engine::new(bot)).clock(Arc::clone(&clock));
        let (stop, stopping) = oneshot::channel();
        let shutdown = async {
            // A story that ends without a word is dropped with its runtime.
            if stopping.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        Self {
            clock,
            bot: Arc::clone(engine.collector()),
            metrics: engine.metrics(),
            health: engine.health(),
            refresh: Box::new(engine.refresher()),
            stop,
            engine: tokio::spawn(engine.run(shutdown)),
        }
    }

    /// Lets so many seconds pass; those who only wait notice nothing else.
    pub(crate) async fn pass(&self, count: u64) {
        self.pass_for(seconds(count)).await;
    }

    pub(crate) async fn pass_for(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    /// Lists the jobs at once and waits until that is through.
    pub(crate) async fn refresh(&self) {
        (self.refresh)();
        self.pass_for(millis(5)).await;
    }

    pub(crate) fn refresh_soon(&self) {
        (self.refresh)();
    }

    pub(crate) fn now(&self) -> Reading {
        self.clock.now()
    }

    pub(crate) async fn stop(self) -> Stopped {
        self.stop.send(()).expect("the engine goes on");
        self.engine.await.expect("the engine does not panic")
    }
}
