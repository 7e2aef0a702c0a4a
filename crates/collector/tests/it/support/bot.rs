//! The bot: what its jobs are and do, and what it saw of their calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use lastgood_collector::{
    Call, Clock, Collector, Failure, FailureKind, Interval, Job, Jobs, Outcome, Phase, Sample, Second,
    TestClock,
};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Nothing,
    Sleep(Duration),
    Hang,
    Panic,
    PanicAfter(Duration),
    PanicInDrop,
    /// It hangs, and panics when it is dropped.
    HangAndPanicInDrop,
    PanicInPublish,
    HangInPublish,
    FailInPublish(FailureKind),
    Fail(FailureKind),
    FailAndAsk(FailureKind, Duration),
    Publish,
}

/// The parameters of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    pub(crate) act: Act,
    pub(crate) version: u32,
}

/// A job with an id, intervals, aligned to the epoch, that does something.
pub(crate) fn job(id: &str, intervals: &[i64], act: Act) -> Job<Bot> {
    Job::new(id, intervals.iter().copied(), Spec { act, version: 0 }).phase(Phase::At(Second(0)))
}

/// How a listing goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Listing {
    Whole,
    /// So many jobs are offered, then it fails.
    FailAfter(usize, FailureKind),
    FailAndAsk(Duration),
    HangAfter(usize),
    PanicAfter(usize),
    /// It takes so long for every job.
    Slow(Duration),
}

/// One call as the bot saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) id: String,
    pub(crate) scheduled_at: i64,
    pub(crate) affecting: Vec<u32>,
    pub(crate) missed_count: u64,
    pub(crate) version: u32,
    /// How long after the bot was made it began.
    pub(crate) began: Duration,
}

type MakeJobs = Box<dyn Fn() -> Vec<Job<Bot>> + Send + Sync>;

pub(crate) struct Bot {
    /// Shows how long it has been since it was made, whatever becomes of the engine's clock.
    watch: TestClock,
    jobs: Mutex<MakeJobs>,
    kept: Mutex<Vec<String>>,
    listing: Mutex<Listing>,
    ran: Mutex<Vec<Ran>>,
    running: Mutex<HashMap<String, usize>>,
    running_most: AtomicUsize,
    twice: AtomicUsize,
    pub(crate) listings: AtomicUsize,
    pub(crate) published: Mutex<Vec<Sample>>,
}

/// Counts a run for as long as it is there.
struct Under<'a>(&'a Bot, String);

impl<'a> Under<'a> {
    fn way(bot: &'a Bot, id: &str) -> Self {
        let mut running = lock(&bot.running);
        let own = running.entry(id.to_owned()).or_default();
        *own += 1;
        if *own > 1 {
            bot.twice.fetch_add(1, Ordering::Relaxed);
        }
        let all = running.values().sum();
        bot.running_most.fetch_max(all, Ordering::Relaxed);
        Self(bot, id.to_owned())
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running).get_mut(&self.1).expect("it was counted") -= 1;
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb was dropped, as the story wants it");
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Bot {
    /// A bot whose jobs are made anew for every listing.
    pub(crate) fn new(jobs: impl Fn() -> Vec<Job<Self>> + Send + Sync + 'static) -> Self {
        Self {
            watch: TestClock::at(Second(0)),
            jobs: Mutex::new(Box::new(jobs)),
            kept: Mutex::default(),
            listing: Mutex::new(Listing::Whole),
            ran: Mutex::default(),
            running: Mutex::default(),
            running_most: AtomicUsize::default(),
            twice: AtomicUsize::default(),
            listings: AtomicUsize::default(),
            published: Mutex::default(),
        }
    }

    /// Its jobs are others from the next listing on.
    pub(crate) fn now_has(&self, jobs: impl Fn() -> Vec<Job<Self>> + Send + Sync + 'static) {
        *lock(&self.jobs) = Box::new(jobs);
    }

    /// These scopes cannot be listed from the next listing on.
    pub(crate) fn keeps(&self, scopes: &[&str]) {
        *lock(&self.kept) = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    }

    pub(crate) fn lists(&self, listing: Listing) {
        *lock(&self.listing) = listing;
    }

    /// The calls of a job, the first one first.
    pub(crate) fn ran_of(&self, id: &str) -> Vec<Ran> {
        lock(&self.ran).iter().filter(|ran| ran.id == id).cloned().collect()
    }

    pub(crate) fn ran(&self) -> Vec<Ran> {
        lock(&self.ran).clone()
    }

    /// How many calls there were.
    pub(crate) fn count(&self) -> usize {
        lock(&self.ran).len()
    }

    /// How many calls are under way, or were at most at once; none of a job may be under way twice.
    pub(crate) fn running(&self) -> (usize, usize) {
        assert_eq!(self.twice.load(Ordering::Relaxed), 0, "a job ran twice at once");
        (lock(&self.running).values().sum(), self.running_most.load(Ordering::Relaxed))
    }

    fn note(&self, call: &Call<Self>) {
        let ran = Ran {
            id: call.id().to_owned(),
            scheduled_at: call.scheduled_at().0,
            affecting: call.affecting().map(Interval::as_secs).collect(),
            missed_count: call.missed_count(),
            version: call.spec().version,
            began: self.watch.now().since(Second(0)),
        };
        lock(&self.ran).push(ran);
    }
}

fn failed(kind: FailureKind) -> Failure {
    Failure::new(kind, "as the story wants it")
}

impl Collector for Bot {
    type Spec = Spec;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        let (made, listing, kept) = (lock(&self.jobs)(), *lock(&self.listing), lock(&self.kept).clone());
        for scope in kept {
            jobs.keep(scope, "as the story wants it").await;
        }
        for (number, job) in made.into_iter().enumerate() {
            match listing {
                Listing::FailAfter(count, kind) if count == number => return Err(failed(kind)),
                Listing::HangAfter(count) if count == number => std::future::pending().await,
                Listing::PanicAfter(count) if count == number => panic!("as the story wants it"),
                Listing::FailAndAsk(pause) => {
                    return Err(failed(FailureKind::RateLimited).retry_after(pause));
                }
                Listing::Slow(pause) => tokio::time::sleep(pause).await,
                _ => {}
            }
            jobs.push(job).await;
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        self.note(call);
        let _under = Under::way(self, call.id());
        match call.spec().act {
            Act::Nothing => {}
            Act::Sleep(pause) => tokio::time::sleep(pause).await,
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("as the story wants it"),
            Act::PanicAfter(pause) => {
                tokio::time::sleep(pause).await;
                panic!("as the story wants it, later");
            }
            Act::PanicInDrop => drop(Bomb),
            Act::HangAndPanicInDrop => {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }
            Act::Fail(kind) => return Err(failed(kind)),
            Act::FailAndAsk(kind, pause) => return Err(failed(kind).retry_after(pause)),
            Act::PanicInPublish | Act::HangInPublish | Act::FailInPublish(_) | Act::Publish => {
                return Ok(vec![Sample::new(call.id(), 1.0)]);
            }
        }
        Ok(Vec::new())
    }

    async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
        match call.spec().act {
            Act::PanicInPublish => panic!("as the story wants it"),
            Act::HangInPublish => std::future::pending().await,
            Act::FailInPublish(kind) => return Err(failed(kind)),
            _ => lock(&self.published).extend(samples),
        }
        Ok(())
    }
}
