//! What does the daemon do when it is told something from outside: to read its configuration again, or to end?

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Read;
use super::daemon::Daemon;

/// How often a silent supervisor is told that we live, at least.
const WATCHDOG_DEFAULT: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again.
pub(super) async fn until_the_end(daemon: Daemon, read_again: impl Fn() -> Result<Read, String>) {
    let listen = |kind| signal(kind).expect("these signals can be listened to");
    let mut hangup = listen(SignalKind::hangup());
    let mut ends = [listen(SignalKind::terminate()), listen(SignalKind::interrupt())];
    let mut alive = tokio::time::interval(watchdog_every());
    tell(&[sd_notify::NotifyState::Ready]);
    loop {
        tokio::select! {
            () = first(&mut ends) => break,
            _ = hangup.recv() => {
                tell(&[sd_notify::NotifyState::Reloading]);
                daemon.reload(read_again()).await;
                tell(&[sd_notify::NotifyState::Ready]);
            }
            // A supervisor that hears nothing starts us anew: we are silent only when nothing is judged any more.
            _ = alive.tick() => {
                if daemon.is_judging() {
                    tell(&[sd_notify::NotifyState::Watchdog]);
                }
            }
            () = daemon.has_failed() => {
                tracing::error!("a part of lastgood has ended by itself; it ends, so that it can be started anew");
                break;
            }
        }
    }
    tell(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
}

async fn first(ends: &mut [Signal; 2]) {
    let [terminate, interrupt] = ends;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// A third of what systemd allows.
fn watchdog_every() -> Duration {
    sd_notify::watchdog_enabled()
        .map_or(WATCHDOG_DEFAULT, |allowed| allowed / 3)
        .max(Duration::from_millis(100))
}

/// Without systemd nobody listens, which is no failure.
fn tell(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the supervisor could not be told: {error}");
    }
}
