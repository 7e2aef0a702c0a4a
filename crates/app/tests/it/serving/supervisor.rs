//! What do systemd and a watchdog elsewhere hear?

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::trouble::Locked;
use super::{Daemon, PATIENCE, PAUSE, jobs};
use crate::support::http;

/// Reads messages of the supervisor's socket until one holds this line; returns all of them.
fn heard(socket: &UnixDatagram, line: &str) -> Vec<String> {
    socket.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length =
            socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {line} in {heard:?}: {error}"));
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let is_it = message.lines().any(|one| one == line);
        heard.push(message);
        if is_it {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_hears_that_it_is_ready_that_it_lives_that_it_reloads_and_that_it_ends() {
    let mut daemon = Daemon::new();
    daemon.write("", &jobs(1));
    let path = daemon.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    daemon.variables.push(("NOTIFY_SOCKET".to_owned(), path.display().to_string()));
    daemon.variables.push(("WATCHDOG_USEC".to_owned(), "900000".to_owned()));
    daemon.spawn();
    let first = heard(&socket, "READY=1");
    assert_eq!(first.len(), 1, "nothing comes before it is ready: {first:?}");
    assert_eq!(daemon.status("/healthz").await, Some(200), "who is ready answers");
    for _ in 0..3 {
        heard(&socket, "WATCHDOG=1");
    }
    daemon.signal("HUP");
    let reloading = heard(&socket, "RELOADING=1");
    let message = reloading.last().expect("a message");
    // Without its own clock in it systemd takes a reload for one that never ends.
    assert!(message.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{message}");
    heard(&socket, "READY=1");
    daemon.signal("TERM");
    heard(&socket, "STOPPING=1");
    assert!(daemon.ended(PATIENCE).await.is_some_and(|status| status.success()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_told_after_good_ticks_only() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let url = http::serve(move |path| {
        counting.fetch_add(usize::from(path == "/alive/secret"), Ordering::SeqCst);
        (200, "OK".to_owned())
    });
    let url = url.await;
    let count = || asked.load(Ordering::SeqCst);
    let more_than = async |least: usize| {
        let waiting = async {
            while count() <= least {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the watchdog is told");
    };
    let mut daemon = Daemon::new();
    daemon.write("", &(format!("[watchdog]\nurl = '{url}/alive/secret'\n") + &jobs(1)));
    daemon.start().await;
    more_than(1).await;
    // Nothing can be decided while somebody else has the database to themselves.
    let locked = Locked::take(&daemon.path("db")).await;
    daemon.wait_for("lastgood_tick_failing", |value| value > 0.5).await;
    // The last good one may still be told.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = count();
    daemon.wait_for("lastgood_store_transactions_failed", |value| value >= 2.0).await;
    assert_eq!(count(), before, "nothing was decided meanwhile");
    assert_eq!(daemon.status("/healthz").await, Some(503));
    locked.release().await;
    more_than(before).await;
    daemon.wait_for("lastgood_healthy", |value| value > 0.5).await;
    daemon.stop().await;
    assert!(!daemon.log().contains("secret"), "{}", daemon.log());
}
