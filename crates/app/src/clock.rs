//! What time is it? The only reader of the clock.

use jiff::Timestamp;

/// Reads the clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
