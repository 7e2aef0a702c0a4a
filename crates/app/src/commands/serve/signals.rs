//! What does the daemon do when it is told something from outside: to read its configuration again, or to end?

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Read;
use super::daemon::Daemon;
use crate::exit::Exit;

/// How often a silent supervisor is told that we live, at least.
const WATCHDOG_DEFAULT: Duration = Duration::from_secs(5);

/// The signals we listen to. Taken before anything starts: unheard, each of them would end the program at once.
pub(super) struct Signals {
    hangup: Signal,
    ends: [Signal; 2],
}

impl Signals {
    /// Listens from now on. Needs a tokio runtime.
    pub(super) fn listen() -> Self {
        let listen = |kind| signal(kind).expect("these signals can be listened to");
        let ends = [listen(SignalKind::terminate()), listen(SignalKind::interrupt())];
        Self { hangup: listen(SignalKind::hangup()), ends }
    }
}

/// Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again. Says how it ended.
pub(super) async fn until_the_end(
    daemon: Daemon,
    signals: Signals,
    read_again: impl Fn() -> Result<Read, String>,
) -> Exit {
    let Signals { mut hangup, mut ends } = signals;
    let mut alive = tokio::time::interval(watchdog_every());
    tell(&[sd_notify::NotifyState::Ready]);
    let exit = loop {
        tokio::select! {
            () = first(&mut ends) => break Exit::AllOk,
            _ = hangup.recv() => {
                reloading();
                // A database that somebody holds makes a reload wait: the end does not wait for it.
                tokio::select! {
                    () = daemon.reload(read_again()) => {}
                    () = first(&mut ends) => break Exit::AllOk,
                }
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
                break Exit::OwnFailure;
            }
        }
    };
    tell(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
    exit
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

/// With the instant by the clock of the system: systemd of the type `notify-reload` waits for it.
fn reloading() {
    let reloading = sd_notify::NotifyState::Reloading;
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[reloading, now]),
        Err(_) => tell(&[reloading]),
    }
}

/// Without systemd nobody listens, which is no failure.
fn tell(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the supervisor could not be told: {error}");
    }
}
