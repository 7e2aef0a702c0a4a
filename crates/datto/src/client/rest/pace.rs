//! When may the next request be sent?
//!
//! No clock is read: a permit that was used comes back once its time has passed, and while the portal wants silence the
//! gate is shut.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, Semaphore};

use super::Rate;

/// Lets so many requests pass within any span of the rate's length. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    permits: Arc<Semaphore>,
    gate: Arc<RwLock<()>>,
    per: Duration,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        let permits = Arc::new(Semaphore::new(rate.requests.max(1) as usize));
        Self { permits, gate: Arc::default(), per: rate.per }
    }

    /// Waits until a request may be sent.
    pub(super) async fn admit(&self) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let per = self.per;
        tokio::spawn(async move {
            tokio::time::sleep(per).await;
            drop(permit);
        });
        drop(self.gate.read().await);
    }

    /// Lets nothing pass for so long. Where the gate is shut already, it opens when it would have.
    pub(super) fn pause(&self, wait: Duration) {
        if let Ok(shut) = Arc::clone(&self.gate).try_write_owned() {
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                drop(shut);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const SECOND: Duration = Duration::from_secs(1);

    /// Starts so many requests and returns how many have passed by now.
    fn start(pace: &Pace, count: u32) -> Arc<AtomicU32> {
        let passed = Arc::new(AtomicU32::new(0));
        for _ in 0..count {
            let (pace, passed) = (pace.clone(), Arc::clone(&passed));
            tokio::spawn(async move {
                pace.admit().await;
                passed.fetch_add(1, Ordering::SeqCst);
            });
        }
        passed
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_rate_passes_within_its_span() {
        let passed = start(&Pace::new(Rate { requests: 3, per: 10 * SECOND }), 8);
        for (wait, expected) in [(9 * SECOND, 3), (2 * SECOND, 6), (8 * SECOND, 6), (2 * SECOND, 8)] {
            tokio::time::sleep(wait).await;
            assert_eq!(passed.load(Ordering::SeqCst), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_passes_while_the_portal_wants_silence() {
        let pace = Pace::new(Rate { requests: 100, per: SECOND });
        pace.pause(30 * SECOND);
        pace.pause(300 * SECOND);
        let passed = start(&pace, 5);
        tokio::time::sleep(29 * SECOND).await;
        assert_eq!(passed.load(Ordering::SeqCst), 0);
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(passed.load(Ordering::SeqCst), 5);
    }
}
