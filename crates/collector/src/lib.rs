//! A framework for polling bots: jobs on aligned intervals, an engine that runs them on time, and a client for the
//! monitoring system [Grafolean](https://grafolean.com).

mod clock;
mod failure;
mod interval;
mod sample;
mod collector;
mod job;
mod backoff;
mod table;
mod metrics;
mod health;
mod engine;
mod signal;
#[cfg(feature = "grafolean")]
pub mod grafolean;

pub use self::backoff::Backoff;
pub use self::clock::{Clock, Reading, Second, SystemClock, TestClock};
pub use self::collector::{Collector, Jobs};
pub use self::engine::{Engine, Stopped, run};
pub use self::failure::{Failure, FailureKind};
pub use self::health::{Health, Illness};
pub use self::interval::{Interval, IntervalError, Intervals};
pub use self::job::{Call, Job, Outcome, Perform, Phase};
pub use self::metrics::Metrics;
pub use self::sample::Sample;
pub use self::signal::shutdown_signal;
