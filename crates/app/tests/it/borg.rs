//! Does a look at a real borg repository tell the truth?
//!
//! The repositories are made here by the real borg; the dates of their archives are set, so that no clock is read.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lastgood::program::Environment;
use lastgood::sources::borg::{ENTRY, open_in};
use lastgood::sources::{OpenError, Source, SourceConfig};
use lastgood_core::observation::{Extent, FailureKind};
use tempfile::TempDir;

use crate::support::looking::{config, look, only_failure, raw, secret_file, verdicts, written};
use crate::support::packages::program;

const NOON: &str = "2026-11-21T12:00:00Z";

/// A folder with a repository in it; `geheim` is its passphrase.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new(encryption: &str) -> Self {
        let workshop = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        workshop.borg(&["init", "--encryption", encryption]);
        workshop
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("web1")
    }

    fn back_up(&self, archive: &str, started_at: &str) {
        let file = self.folder.path().join("file");
        fs::write(&file, archive).expect("a writable folder");
        let archive = format!("::{archive}");
        self.borg(&["create", "--timestamp", started_at, &archive, file.to_str().expect("UTF-8")]);
    }

    /// The operator's borg, with a home of its own.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("borg"));
        command.args(arguments).env("BORG_REPO", self.repository()).env("TZ", "UTC");
        command.env("BORG_PASSPHRASE", "geheim").env("BORG_BASE_DIR", self.folder.path().join("operator"));
        command.env("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes").stdin(Stdio::null());
        command
    }

    fn borg(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().expect("borg runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn config(&self) -> SourceConfig {
        SourceConfig { program: Some(program("borg")), ..config(&ENTRY, &self.repository()) }
    }

    /// The environment of an operator who set the passphrase.
    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let home = self.folder.path().join("home");
        let path = std::env::var("PATH").expect("a PATH");
        let own =
            [("PATH", path.as_str()), ("HOME", home.to_str().expect("UTF-8")), ("BORG_PASSPHRASE", "geheim")];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    fn open(&self, more: &[(&str, &str)]) -> Box<dyn Source> {
        open_in(self.config(), &self.environment(more)).expect("a source")
    }
}

#[test]
fn a_fresh_archive_in_real_borg_is_ok_and_an_old_one_is_bad() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-18T02:00:00", "2026-11-18T02:00:00");
    workshop.back_up("new-2026-11-21T02:00:00", "2026-11-21T02:00:00");
    workshop.back_up("old-2026-11-21", "2026-11-20T11:59:59");
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert_eq!(collection.extent(), Extent::Complete);
    assert_eq!(collection.failures, []);
    let space = collection.repositories[0].space;
    assert!(space.used.value().is_some_and(|used| used > 0), "{space:?}");
    let expected = [
        "borg visibility ok",
        "borg/web1 quota ok",
        "borg/web1 never_used ok",
        "borg/web1 visibility ok",
        "borg/web1/new behind_local ok",
        "borg/web1/old behind_local bad",
    ];
    assert_eq!(verdicts(collection, NOON), expected);
}

#[test]
fn the_zone_and_the_settings_of_whoever_looks_at_borg_change_nothing() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let here = look(workshop.open(&[]).as_ref(), NOON);
    let base = workshop.folder.path().join("operator");
    let settings = [
        ("TZ", "Asia/Kolkata"),
        ("LC_ALL", "de_CH.UTF-8"),
        ("BORG_REPO", "/nonexistent"),
        ("BORG_BASE_DIR", base.to_str().expect("UTF-8")),
        ("BORG_EXIT_CODES", "modern"),
    ];
    assert_eq!(look(workshop.open(&settings).as_ref(), NOON), here);
    let mut config = workshop.config();
    config.secret = Some(secret_file(workshop.folder.path(), "geheim\n"));
    let wrong = [("BORG_PASSPHRASE", "falsch"), ("BORG_PASSCOMMAND", "false")];
    let source = open_in(config, &workshop.environment(&wrong)).expect("a source");
    assert_eq!(look(source.as_ref(), NOON), here);
}

#[test]
fn a_capacity_gives_a_borg_repository_a_quota() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let config = SourceConfig { capacity_bytes: Some(10), ..workshop.config() };
    let source = open_in(config, &workshop.environment(&[])).expect("a source");
    assert_eq!(verdicts(look(source.as_ref(), NOON), NOON)[1], "borg/web1 quota bad");
}

#[test]
fn a_look_at_a_borg_repository_writes_nothing_to_it_nor_to_the_operators_folder() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let folders = [workshop.repository(), workshop.folder.path().join("operator")];
    let before = folders.each_ref().map(|folder| written(folder));
    let source = workshop.open(&[]);
    look(source.as_ref(), NOON);
    let document = raw(source.as_ref());
    assert!(document.starts_with('{') && document.contains("\"new-2026-11-21\""), "{document}");
    assert_eq!(folders.each_ref().map(|folder| written(folder)), before);
}

#[test]
fn an_empty_borg_repository_is_unknown_and_never_all_ok() {
    let workshop = Workshop::new("repokey");
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert_eq!(collection.extent(), Extent::Complete);
    let verdicts = verdicts(collection, NOON);
    assert!(verdicts.contains(&"borg/web1 never_used unknown".to_owned()), "{verdicts:?}");
}

#[test]
fn three_ways_not_to_see_a_borg_repository_have_three_names() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let wrong = look(workshop.open(&[("BORG_PASSPHRASE", "falsch")]).as_ref(), NOON);
    let (kind, reason) = only_failure(&wrong);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("wrong passphrase") && !reason.contains("falsch"), "{reason}");
    // A passphrase that is a word of the message which says that it is wrong.
    let wrong = look(workshop.open(&[("BORG_PASSPHRASE", "wrong")]).as_ref(), NOON);
    let (_, reason) = only_failure(&wrong);
    assert!(reason.starts_with("wrong passphrase") && !reason.contains("[redacted]"), "{reason}");

    let source = workshop.open(&[]);
    fs::rename(workshop.repository(), workshop.folder.path().join("moved")).expect("our own folder");
    let moved = look(source.as_ref(), NOON);
    let (kind, reason) = only_failure(&moved);
    assert_eq!(kind, FailureKind::Unreachable);
    assert!(reason.starts_with("there is no repository at this location"), "{reason}");
    assert_eq!(verdicts(moved, NOON), ["borg visibility unknown"]);

    let missing = SourceConfig { program: Some("/nonexistent/borg".into()), ..workshop.config() };
    let missing = look(open_in(missing, &workshop.environment(&[])).expect("a source").as_ref(), NOON);
    let (kind, reason) = only_failure(&missing);
    assert_eq!(kind, FailureKind::Unsupported);
    assert!(reason.contains("install the Debian package borgbackup"), "{reason}");
}

#[test]
fn borg_without_a_passphrase_never_waits_for_one() {
    let workshop = Workshop::new("repokey");
    let home = workshop.folder.path().join("home");
    let path = std::env::var("PATH").expect("a PATH");
    let environment =
        [("PATH", path.as_str()), ("HOME", home.to_str().expect("UTF-8"))].into_iter().collect();
    let collection = look(open_in(workshop.config(), &environment).expect("a source").as_ref(), NOON);
    let (kind, reason) = only_failure(&collection);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("no passphrase is set"), "{reason}");
}

#[test]
fn an_unencrypted_borg_repository_is_looked_at_only_after_somebody_agreed() {
    let workshop = Workshop::new("none");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let source = workshop.open(&[("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")]);
    let collection = look(source.as_ref(), NOON);
    let (kind, reason) = only_failure(&collection);
    assert_eq!(kind, FailureKind::Refused);
    let base = reason.split("BORG_BASE_DIR=").nth(1).and_then(|rest| rest.split(' ').next());
    let base = base.expect("the text names the folder");
    let agreed = workshop
        .command(&["--bypass-lock", "info"])
        .env("BORG_BASE_DIR", base)
        .env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
        .output();
    assert!(agreed.expect("borg runs").status.success());
    let verdicts = verdicts(look(source.as_ref(), NOON), NOON);
    assert!(verdicts.contains(&"borg/web1/new behind_local ok".to_owned()), "{verdicts:?}");
}

#[test]
fn a_running_backup_that_holds_its_locks_does_not_keep_us_from_looking() {
    let workshop = Workshop::new("repokey");
    workshop.back_up("new-2026-11-21", "2026-11-21T02:00:00");
    let mut running = workshop.command(&["create", "::running-2026-11-21", "-"]);
    let mut running = running.stdin(Stdio::piped()).spawn().expect("borg runs");
    let lock = workshop.repository().join("lock.exclusive");
    let mut waits = 0;
    while !lock.exists() {
        waits += 1;
        assert!(waits < 6000, "borg create never locked its repository");
        std::thread::sleep(Duration::from_millis(20));
    }
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert!(lock.exists(), "the backup is still running");
    assert_eq!(collection.failures, []);
    let evidence = &collection.repositories[0].evidence;
    assert!(evidence.iter().any(|evidence| evidence.field == "lock"), "{evidence:?}");
    let verdicts = verdicts(collection, NOON);
    assert!(verdicts.contains(&"borg/web1/new behind_local ok".to_owned()), "{verdicts:?}");
    let mut input = running.stdin.take().expect("a pipe");
    input.write_all(b"the end").expect("borg reads");
    drop(input);
    assert!(running.wait().expect("borg ends").success());
}

#[test]
fn an_archive_is_no_repository() {
    let workshop = TempDir::new().expect("a temporary folder");
    let config = config(&ENTRY, &workshop.path().join("web1::monday"));
    let opened = open_in(config, &Environment::default());
    assert!(matches!(opened.err(), Some(OpenError::Location { .. })));
}
