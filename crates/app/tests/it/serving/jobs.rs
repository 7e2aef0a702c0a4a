//! Who are the jobs that ping, and never give up before they are answered?

use super::{Daemon, KEY, PAUSE};

impl Daemon {
    /// Pings once, and returns the status if anybody answered: `/fail`, `/start`, or nothing for a success.
    pub(super) async fn ping_once(&self, job: &str, word: &str) -> Option<u16> {
        self.status(&format!("/ping/{KEY}/{job}{word}")).await
    }

    /// Pings until that is answered with 200.
    pub(super) async fn ping(&self, job: &str, word: &str) {
        while self.ping_once(job, word).await != Some(200) {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
