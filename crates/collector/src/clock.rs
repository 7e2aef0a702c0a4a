//! What time is it? The one place of this crate that asks the machine.
//!
//! The engine fires by the clock on the wall, since intervals are aligned to it; deadlines and pauses run on the
//! monotonic time of tokio. A clock on the wall may be set: see the engine for what happens then.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// A whole second of UTC, counted from 1970; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Second(pub i64);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reading of a clock on the wall: microseconds of UTC, counted from 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reading(pub i64);

impl Reading {
    /// The whole second it lies in.
    pub const fn second(self) -> Second {
        Second(self.0.div_euclid(1_000_000))
    }

    /// How long it lies behind the beginning of a second; zero if it lies before.
    pub fn since(self, second: Second) -> Duration {
        let micros = self.0.saturating_sub(second.0.saturating_mul(1_000_000));
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// How long it is until a second begins; zero if it has.
    pub fn until(self, second: Second) -> Duration {
        let micros = second.0.saturating_mul(1_000_000).saturating_sub(self.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// A clock on the wall. It may be set back or forth at any time.
pub trait Clock: Send + Sync + 'static {
    /// Reads it.
    fn now(&self) -> Reading;

    /// Waits, as exactly as it can be done. Unless written, as exactly as tokio's timer, which is a millisecond or two late.
    fn wait(&self, pause: Duration) -> Wait {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// What [`Clock::wait`] returns.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which part of a wait tokio's timer cannot be trusted with.
const LAST_PART: Duration = Duration::from_millis(3);

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the clock on the wall"
    )]
    fn now(&self) -> Reading {
        let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Reading(micros)
    }

    /// Sleeps the last milliseconds on a thread for blocking work, which the system wakes within a fraction of one.
    fn wait(&self, pause: Duration) -> Wait {
        let watch = Stopwatch::start();
        Box::pin(async move {
            if let Some(first_part) = pause.checked_sub(LAST_PART) {
                tokio::time::sleep(first_part).await;
            }
            let rest = pause.saturating_sub(watch.read());
            if !rest.is_zero() {
                // Where no thread can be had, the wait ends too early, and whoever waits looks at the clock and waits again;
                // where all are busy, perhaps for ever, it ends a little late.
                let asleep = tokio::task::spawn_blocking(move || std::thread::sleep(rest));
                let _ = tokio::time::timeout(LAST_PART, asleep).await;
            }
        })
    }
}

/// A clock for tests: it goes as tokio's time goes (also where a test has paused it), and is set by hand.
#[derive(Debug)]
pub struct TestClock {
    began: tokio::time::Instant,
    at_beginning_micros: AtomicI64,
}

impl TestClock {
    /// A clock that shows this second.
    #[expect(clippy::disallowed_methods, reason = "in a test, tokio's time is the time on the wall")]
    pub fn at(second: Second) -> Self {
        Self {
            began: tokio::time::Instant::now(),
            at_beginning_micros: AtomicI64::new(second.0.saturating_mul(1_000_000)),
        }
    }

    /// Sets it by this many seconds, back where negative.
    pub fn step(&self, seconds: i64) {
        self.at_beginning_micros.fetch_add(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    #[expect(clippy::disallowed_methods, reason = "in a test, tokio's time is the time on the wall")]
    fn now(&self) -> Reading {
        let passed = tokio::time::Instant::now().saturating_duration_since(self.began);
        let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        Reading(self.at_beginning_micros.load(Ordering::Relaxed).saturating_add(passed))
    }
}

impl<T: Clock + ?Sized> Clock for std::sync::Arc<T> {
    fn now(&self) -> Reading {
        (**self).now()
    }

    fn wait(&self, pause: Duration) -> Wait {
        (**self).wait(pause)
    }
}

/// Measures how long it has been since it was started, whatever the clock on the wall shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the monotonic clock"
    )]
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the monotonic clock"
    )]
    pub(crate) fn read(self) -> Duration {
        tokio::time::Instant::now().saturating_duration_since(self.0)
    }
}
