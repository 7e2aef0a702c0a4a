//! How much time, memory and disk does something take?

use std::path::Path;
use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(super) fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn milliseconds(since: Instant) -> f64 {
    (clock() - since).as_micros() as f64 / 1000.0
}

/// What this program keeps in memory now.
pub(super) fn memory_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

pub(super) fn file_mebibytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len()) / (1024 * 1024)
}
