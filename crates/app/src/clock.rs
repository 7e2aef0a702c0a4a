//! What time is it, and how long did that take? The only reader of the clock.

use std::time::Duration;

use jiff::Timestamp;

/// Reads the clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Measures how long something takes, whatever becomes of the clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    /// Returns how much time has passed since it was started.
    pub fn read(self) -> Duration {
        self.0.elapsed()
    }
}
