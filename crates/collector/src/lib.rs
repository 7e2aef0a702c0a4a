//! A framework for polling bots: jobs on aligned intervals, an engine that runs them on time, and a client for the
//! monitoring system [Grafolean](https://grafolean.com).

mod clock;
mod collector;
mod failure;
mod interval;
mod job;
mod sample;
#[cfg(feature = "grafolean")]
pub mod grafolean;

pub use self::clock::{Clock, Reading, Second, SystemClock, TestClock};
pub use self::collector::{Collector, Jobs};
pub use self::failure::{Failure, FailureKind};
pub use self::interval::{Interval, IntervalError, Intervals};
pub use self::job::{Call, Job, Outcome, Perform, Phase};
pub use self::sample::Sample;
