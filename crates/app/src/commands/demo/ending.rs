//! Does somebody want the demonstration to end? With SIGINT or SIGTERM, from when this is made.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The two signals.
pub(super) struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

impl Ending {
    /// Listens from now on: neither signal ends the program by itself any more. Needs a runtime.
    pub(super) fn listen() -> Self {
        let to = |kind| signal(kind).expect("these signals can be listened to");
        Self { terminate: to(SignalKind::terminate()), interrupt: to(SignalKind::interrupt()) }
    }

    /// Waits for the first of them.
    pub(super) async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
