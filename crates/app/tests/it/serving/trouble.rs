//! The disk is full, somebody else has the database, the clock of the machine is set: nothing is lost, nothing said twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::inbox::Inbox;
use super::{Daemon, PATIENCE, PAUSE, jobs, mail_channel, owners};

/// A database that another program has to itself.
pub(super) struct Locked(SqliteConnection);

impl Locked {
    pub(super) async fn take(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE);
        let mut connection = options.connect().await.expect("it is opened");
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.expect("it is ours");
        Self(connection)
    }

    pub(super) async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.expect("it is given back");
        sqlx::Connection::close(self.0).await.expect("it is closed");
    }
}

/// Fails so many jobs, lets them succeed again, and waits until all of that was told.
async fn open_and_close(daemon: &Daemon, inbox: &Inbox, job_numbers: std::ops::Range<usize>) {
    for number in job_numbers.clone() {
        daemon.ping(&format!("job{number:03}"), "/fail").await;
        inbox.wait_for(&format!("BAD jobs/pings/job{number:03}")).await;
    }
    for number in job_numbers {
        daemon.ping(&format!("job{number:03}"), "").await;
        inbox.wait_for(&format!("OVER jobs/pings/job{number:03}")).await;
    }
}

/// So many jobs, and an owner for each.
fn told_each(count: usize, inbox: &Inbox) -> String {
    jobs(count) + &mail_channel(inbox.port()) + &owners(count)
}

/// Each was told once that it is bad and once that it is over, and nothing else came.
#[track_caller]
fn each_was_told_once(inbox: &Inbox, job_numbers: &[usize]) {
    let mut told = inbox.subjects();
    told.sort();
    let both = |number: &usize| {
        ["BAD", "OVER"].map(|word| format!("{word} jobs/pings/job{number:03}: unsuccessful"))
    };
    let mut expected: Vec<_> = job_numbers.iter().flat_map(both).collect();
    expected.sort();
    assert_eq!(told, expected);
    let mut ids = inbox.ids();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), expected.len(), "no two mails have the same Message-ID");
}

#[tokio::test]
async fn a_database_that_another_program_locks_for_some_seconds_loses_nothing() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    daemon.write("", &told_each(6, &inbox));
    daemon.start().await;
    open_and_close(&daemon, &inbox, 0..2).await;
    let locked = Locked::take(&daemon.path("db")).await;
    // Whoever pings now is not told 200, and tries again.
    let waiting = async {
        tokio::join!(daemon.ping("job002", "/fail"), daemon.ping("job003", "/fail"), async {
            daemon.wait_for("lastgood_tick_failing", |value| value > 0.5).await;
            locked.release().await;
        })
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("they are answered in the end");
    open_and_close(&daemon, &inbox, 4..6).await;
    daemon.ping("job002", "").await;
    daemon.ping("job003", "").await;
    daemon.wait_for("lastgood_incidents_open", |count| count == 0.0).await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    daemon.kill();
    daemon.start().await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    daemon.stop().await;
    each_was_told_once(&inbox, &[0, 1, 2, 3, 4, 5]);
}

/// A disk of a few megabytes of our own; where none can be mounted, a limit to the size of files.
enum Disk {
    Mounted(PathBuf),
    Limited,
}

impl Disk {
    /// How much there is of it: room for a database, not for long.
    const SIZE: u64 = 4 * 1024 * 1024;

    fn mount(folder: &Path) -> Self {
        let size = format!("size={}", Self::SIZE);
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "lastgood-test"]).arg(folder).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            Self::Mounted(folder.to_owned())
        } else {
            Self::Limited
        }
    }

    /// Leaves no room.
    fn fill(&self, daemon: &Daemon) {
        match self {
            Self::Mounted(folder) => {
                // Until no more fits.
                let _ =
                    fs::write(folder.join("ballast"), vec![0; usize::try_from(Self::SIZE).expect("small")]);
            }
            Self::Limited => {
                let length = |name: &str| fs::metadata(daemon.path(name)).map_or(0, |file| file.len());
                limit(daemon, &length("disk/db").max(length("disk/db-wal")).to_string());
            }
        }
    }

    fn make_room(&self, daemon: &Daemon) {
        match self {
            Self::Mounted(folder) => fs::remove_file(folder.join("ballast")).expect("it is there"),
            Self::Limited => limit(daemon, "unlimited"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(folder) = self {
            let _ = Command::new("umount").arg("--lazy").arg(folder).status();
        }
    }
}

/// Limits how long files may get that the daemon writes.
fn limit(daemon: &Daemon, bytes: &str) {
    let mut command = Command::new("prlimit");
    let command = command.arg("--pid").arg(daemon.id().to_string()).arg(format!("--fsize={bytes}"));
    assert!(command.status().expect("prlimit starts").success());
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_answered_and_goes_on_once_there_is_room() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    fs::create_dir(daemon.path("disk")).expect("a writable folder");
    let disk = Disk::mount(&daemon.path("disk"));
    daemon.write("", &told_each(8, &inbox));
    let config = fs::read_to_string(daemon.path("lastgood.toml")).expect("a file");
    fs::write(daemon.path("lastgood.toml"), config.replace("'db'", "'disk/db'")).expect("a writable folder");
    // A file that may not grow is a signal first, which ends whoever does not ignore it.
    daemon.wrapper = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""].map(str::to_owned).to_vec();
    daemon.start().await;
    open_and_close(&daemon, &inbox, 0..2).await;
    disk.fill(&daemon);
    // Bodies fill what is left of the pages there are.
    let body = "x".repeat(90_000);
    let refused = async {
        loop {
            let url = daemon.url(&format!("/ping/{}/job002/log", super::KEY));
            let answer = daemon.client.post(url).body(body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_server_error()) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("what cannot be kept is not answered with 200");
    assert_eq!(daemon.status("/readyz").await, Some(200), "it lives: {}", daemon.log());
    let waiting = async {
        tokio::join!(daemon.ping("job003", "/fail"), async {
            daemon.wait_for("lastgood_store_transactions_failed", |count| count > 0.0).await;
            tokio::time::sleep(PAUSE).await;
            disk.make_room(&daemon);
        })
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is answered in the end");
    inbox.wait_for("BAD jobs/pings/job003").await;
    daemon.ping("job003", "").await;
    inbox.wait_for("OVER jobs/pings/job003").await;
    open_and_close(&daemon, &inbox, 4..6).await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    daemon.kill();
    daemon.start().await;
    open_and_close(&daemon, &inbox, 6..8).await;
    daemon.stop().await;
    each_was_told_once(&inbox, &[0, 1, 3, 4, 5, 6, 7]);
}

/// Starts the daemon on a clock that a file sets.
fn on_a_clock(daemon: &mut Daemon) -> PathBuf {
    let clock = daemon.path("clock");
    fs::write(&clock, "+0").expect("a writable folder");
    let library = super::library("faketime/libfaketimeMT.so.1");
    for (name, value) in [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ] {
        daemon.variables.push((name.to_owned(), value));
    }
    clock
}

#[tokio::test]
async fn a_clock_that_is_set_a_day_back_and_forward_repeats_nothing_and_loses_nothing() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    let clock = on_a_clock(&mut daemon);
    daemon.write("repeat_after = 'off'", &told_each(16, &inbox));
    daemon.start().await;
    open_and_close(&daemon, &inbox, 0..2).await;
    let mut before = daemon.number("lastgood_time_seconds").await.expect("a number");
    let mut first = 2;
    for (step, by) in [("-1d", -1.0), ("+0", 1.0), ("+1d", 1.0), ("+0", -1.0)] {
        // What is open and what waits must survive it too.
        let open = first;
        daemon.ping(&format!("job{open:03}"), "/fail").await;
        inbox.wait_for(&format!("BAD jobs/pings/job{open:03}")).await;
        fs::write(&clock, step).expect("a writable folder");
        let is_set = |now: f64| (now - before) * by > 43_200.0;
        daemon.wait_for("lastgood_time_seconds", is_set).await;
        open_and_close(&daemon, &inbox, first + 1..first + 2).await;
        daemon.ping(&format!("job{open:03}"), "").await;
        inbox.wait_for(&format!("OVER jobs/pings/job{open:03}")).await;
        // A mail that is there and not yet marked as sent may come again after a kill.
        daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
        daemon.kill();
        daemon.start().await;
        open_and_close(&daemon, &inbox, first + 2..first + 3).await;
        before = daemon.number("lastgood_time_seconds").await.expect("a number");
        first += 3;
    }
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    daemon.stop().await;
    each_was_told_once(&inbox, &(0..first).collect::<Vec<_>>());
}
