//! Does a look at a real restic repository tell the truth?
//!
//! The repositories are made here by the real restic; the dates of their snapshots are set, so that no clock is read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lastgood::program::Environment;
use lastgood::sources::restic::{ENTRY, open_in};
use lastgood::sources::{Source, SourceConfig};
use lastgood_core::observation::{Extent, FailureKind};
use tempfile::TempDir;

use crate::support::looking::{
    Time, config, look, only_failure, raw, secret_file, verdicts, with_deadline, written,
};
use crate::support::packages::program;

const NOON: &str = "2026-11-21T12:00:00Z";

/// A folder with a repository in it; `geheim` is its password.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// An empty repository; making one takes seconds, so that it is made once and copied.
    fn new() -> Self {
        let workshop = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let made = shared.join("an-empty-restic-repository");
        if !made.exists() {
            let beside = tempfile::tempdir_in(shared).expect("a temporary folder").keep();
            workshop.restic(&beside, "Etc/UTC", &["init"]);
            // Another test may have been faster: then its repository is there, and as good.
            if fs::rename(&beside, &made).is_err() {
                fs::remove_dir_all(&beside).expect("our own folder");
            }
        }
        let copied = Command::new("cp").arg("-r").args([&made, &workshop.repository()]).status();
        assert!(copied.expect("cp runs").success());
        workshop
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("web1")
    }

    fn back_up(&self, host: &str, time: &str) {
        let source = self.folder.path().join("source");
        fs::create_dir_all(&source).expect("a writable folder");
        fs::write(source.join("file"), host).expect("a writable folder");
        let arguments = ["backup", "--host", host, "--time", time, source.to_str().expect("UTF-8")];
        self.restic(&self.repository(), "Etc/UTC", &arguments);
    }

    fn restic(&self, repository: &Path, zone: &str, arguments: &[&str]) {
        let mut command = Command::new(program("restic"));
        command.arg("--quiet").args(arguments).env("RESTIC_REPOSITORY", repository).env("TZ", zone);
        command.env("RESTIC_PASSWORD", "geheim").env("RESTIC_CACHE_DIR", self.folder.path().join("cache"));
        let output = command.output().expect("restic runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn config(&self) -> SourceConfig {
        SourceConfig { program: Some(program("restic")), ..config(&ENTRY, &self.repository()) }
    }

    /// The environment of an operator who set the password.
    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let home = self.folder.path().to_str().expect("UTF-8");
        let path = std::env::var("PATH").expect("a PATH");
        let own = [("PATH", path.as_str()), ("HOME", home), ("RESTIC_PASSWORD", "geheim")];
        own.into_iter().chain(more.iter().copied()).collect()
    }

    fn open(&self, more: &[(&str, &str)]) -> Box<dyn Source> {
        open_in(self.config(), &self.environment(more)).expect("a source")
    }

    fn asset(&self, host: &str) -> String {
        format!("restic/web1/{host}:{}", self.folder.path().join("source").display())
    }
}

#[test]
fn a_fresh_backup_in_real_restic_is_ok_and_an_old_one_is_bad() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-18 02:00:00");
    workshop.back_up("new", "2026-11-21 02:00:00");
    workshop.back_up("old", "2026-11-20 11:59:59");
    let source = workshop.open(&[]);
    let collection = look(source.as_ref(), NOON);
    assert_eq!(collection.extent(), Extent::Complete);
    assert_eq!(collection.failures, []);
    let space = collection.repositories[0].space;
    assert!(space.used.value().is_some_and(|used| used > 0), "{space:?}");
    let expected = [
        "restic visibility ok".to_owned(),
        "restic/web1 quota ok".to_owned(),
        "restic/web1 never_used ok".to_owned(),
        "restic/web1 visibility ok".to_owned(),
        format!("{} behind_local ok", workshop.asset("new")),
        format!("{} behind_local bad", workshop.asset("old")),
    ];
    assert_eq!(verdicts(collection, NOON), expected);
}

#[test]
fn the_zone_and_the_settings_of_whoever_looks_at_restic_change_nothing() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-21 02:00:00");
    let here = look(workshop.open(&[]).as_ref(), NOON);
    let settings = [
        ("TZ", "Asia/Kolkata"),
        ("LANG", "de_CH.UTF-8"),
        ("RESTIC_REPOSITORY_FILE", "/nonexistent"),
        ("RESTIC_CACHE_DIR", "/nonexistent"),
        ("RESTIC_COMPRESSION", "nonsense"),
    ];
    assert_eq!(look(workshop.open(&settings).as_ref(), NOON), here);
    let mut config = workshop.config();
    config.secret = Some(secret_file(workshop.folder.path(), "geheim\n"));
    let wrong = [("RESTIC_PASSWORD", "falsch"), ("RESTIC_PASSWORD_FILE", "/nonexistent")];
    let source = open_in(config, &workshop.environment(&wrong)).expect("a source");
    assert_eq!(look(source.as_ref(), NOON), here);
}

#[test]
fn a_capacity_gives_a_restic_repository_a_quota() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-21 02:00:00");
    let mut config = workshop.config();
    config.capacity_bytes = Some(100);
    config.stats_interval = Some(Duration::from_hours(2));
    let source = open_in(config, &workshop.environment(&[])).expect("a source");
    let quota = |at: &str| verdicts(look(source.as_ref(), at), at)[1].clone();
    assert_eq!(quota(NOON), "restic/web1 quota bad");
    assert_eq!(quota("2026-11-21T13:59:59Z"), "restic/web1 quota unknown", "between, the size is not stated");
    assert_eq!(quota("2026-11-21T14:00:00Z"), "restic/web1 quota bad");
}

#[test]
fn a_look_at_a_restic_repository_writes_nothing_anywhere() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-21 02:00:00");
    let before = written(workshop.folder.path());
    let source = workshop.open(&[]);
    look(source.as_ref(), NOON);
    let document = raw(source.as_ref());
    assert!(document.starts_with('[') && document.contains("\"hostname\":\"new\""), "{document}");
    assert_eq!(written(workshop.folder.path()), before);
}

#[test]
fn an_empty_restic_repository_is_unknown_and_never_all_ok() {
    let workshop = Workshop::new();
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert_eq!(collection.extent(), Extent::Complete);
    let verdicts = verdicts(collection, NOON);
    assert!(verdicts.contains(&"restic/web1 never_used unknown".to_owned()), "{verdicts:?}");
}

#[test]
fn three_ways_not_to_see_a_restic_repository_have_three_names() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-21 02:00:00");
    let wrong = look(workshop.open(&[("RESTIC_PASSWORD", "falsch")]).as_ref(), NOON);
    let (kind, reason) = only_failure(&wrong);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("wrong password") && !reason.contains("falsch"), "{reason}");

    // A password that is a word of the message which says that it is wrong.
    let wrong = look(workshop.open(&[("RESTIC_PASSWORD", "wrong")]).as_ref(), NOON);
    let (kind, reason) = only_failure(&wrong);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("wrong password") && !reason.contains("[redacted]"), "{reason}");

    let source = workshop.open(&[]);
    fs::rename(workshop.repository(), workshop.folder.path().join("moved")).expect("our own folder");
    let moved = look(source.as_ref(), NOON);
    let (kind, reason) = only_failure(&moved);
    assert_eq!(kind, FailureKind::Unreachable);
    assert!(reason.starts_with("there is no repository at this location"), "{reason}");
    assert_eq!(verdicts(moved, NOON), ["restic visibility unknown"]);

    let missing = SourceConfig { program: Some("/nonexistent/restic".into()), ..workshop.config() };
    let missing = look(open_in(missing, &workshop.environment(&[])).expect("a source").as_ref(), NOON);
    let (kind, reason) = only_failure(&missing);
    assert_eq!(kind, FailureKind::Unsupported);
    assert!(reason.contains("install the Debian package restic"), "{reason}");
}

#[test]
fn a_restic_repository_whose_password_nobody_set_is_named_at_once() {
    let workshop = Workshop::new();
    let collection = look(workshop.open(&[("RESTIC_PASSWORD", "")]).as_ref(), NOON);
    let (kind, reason) = only_failure(&collection);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("no password is set") && reason.contains("secret_file"), "{reason}");
    // An empty file is found by restic itself, which must not take our empty input for a password either.
    let file = workshop.folder.path().join("empty");
    fs::write(&file, "").expect("a writable folder");
    let settings = [("RESTIC_PASSWORD", ""), ("RESTIC_PASSWORD_FILE", file.to_str().expect("UTF-8"))];
    let collection = look(workshop.open(&settings).as_ref(), NOON);
    let (kind, reason) = only_failure(&collection);
    assert_eq!(kind, FailureKind::Denied);
    assert!(reason.starts_with("the password is empty"), "{reason}");
}

#[test]
fn a_damaged_snapshot_makes_the_list_of_restic_partial() {
    let workshop = Workshop::new();
    workshop.back_up("one", "2026-11-21 02:00:00");
    workshop.back_up("two", "2026-11-21 02:00:00");
    let snapshots = fs::read_dir(workshop.repository().join("snapshots")).expect("a folder");
    let snapshot = snapshots.last().expect("a snapshot").expect("an entry").path();
    Command::new("chmod").arg("u+w").arg(&snapshot).status().expect("chmod runs");
    fs::write(&snapshot, "garbled").expect("our own file");
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert_eq!(collection.extent(), Extent::Partial);
    assert_eq!(collection.repositories[0].assets.len(), 1);
    assert_eq!(collection.failures[0].kind, FailureKind::Malformed, "{:?}", collection.failures);
    assert!(verdicts(collection, NOON).contains(&"restic/web1 visibility unknown".to_owned()));
}

#[test]
fn a_restic_that_hangs_is_killed_at_its_deadline_with_its_children() {
    with_deadline(|deadline| {
        let workshop = Workshop::new();
        let hanging = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/restic/testdata/hangs.sh");
        let mut config = workshop.config();
        config.program = Some(hanging.into());
        config.deadline = deadline;
        let pids = workshop.folder.path().join("pids");
        let environment = workshop.environment(&[("PIDS", pids.to_str().expect("UTF-8"))]);
        let collection = look(open_in(config, &environment).expect("a source").as_ref(), NOON);
        let (kind, reason) = only_failure(&collection);
        assert_eq!(kind, FailureKind::TimedOut);
        assert!(reason.contains(&format!("after {} s", deadline.as_secs())), "{reason}");
        let pids = fs::read_to_string(pids).unwrap_or_default();
        if pids.split_whitespace().count() < 2 {
            return Time::TooShort;
        }
        for pid in pids.split_whitespace() {
            assert!(is_gone(pid), "process {pid} still runs");
        }
        Time::Enough
    });
}

/// Whether a killed process ends soon. The signal is sent before the look returns, but a process dies only when it is
/// next scheduled; one whose parent is gone too may stay in the table unread.
fn is_gone(pid: &str) -> bool {
    (0..3000).any(|_| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let gone = status.is_empty() || status.contains("State:\tZ");
        if !gone {
            std::thread::sleep(Duration::from_millis(20));
        }
        gone
    })
}

#[test]
fn a_size_that_takes_too_long_is_said_and_does_not_fail_the_look_at_restic() {
    with_deadline(|deadline| {
        let folder = TempDir::new().expect("a temporary folder");
        let slow = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sources/restic/testdata/lists-and-hangs.sh");
        let mut config = config(&ENTRY, &folder.path().join("web1"));
        config.program = Some(slow.into());
        config.capacity_bytes = Some(1_000_000);
        config.deadline = deadline;
        let path = std::env::var("PATH").expect("a PATH");
        let environment = [("PATH", path.as_str()), ("RESTIC_PASSWORD", "geheim")].into_iter().collect();
        let collection = look(open_in(config, &environment).expect("a source").as_ref(), NOON);
        assert_eq!(collection.failures[0].kind, FailureKind::TimedOut);
        if collection.extent() == Extent::Failed {
            return Time::TooShort;
        }
        assert_eq!(collection.extent(), Extent::Partial);
        let reason = &collection.failures[0].reason;
        let words = format!("the size was not taken: restic had not ended after {} s", deadline.as_secs());
        assert!(reason.starts_with(&words), "{reason}");
        let verdicts = verdicts(collection, NOON);
        assert!(verdicts.contains(&"restic/web1 quota unknown".to_owned()), "{verdicts:?}");
        assert!(verdicts.contains(&"restic/web1/new:/a behind_local ok".to_owned()), "{verdicts:?}");
        Time::Enough
    });
}

#[test]
fn a_size_by_which_nothing_is_judged_does_not_spoil_the_look_at_restic() {
    let folder = TempDir::new().expect("a temporary folder");
    let program = folder.path().join("lists-always");
    let list = r#"[{"time":"2026-11-21T02:00:00Z","hostname":"h","paths":["/a"]}]"#;
    fs::write(&program, format!("#!/bin/sh\necho '{list}'\n")).expect("a writable folder");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");
    let look_with = |capacity_bytes| {
        let location = folder.path().join("web1");
        let config =
            SourceConfig { program: Some(program.clone()), capacity_bytes, ..config(&ENTRY, &location) };
        let path = std::env::var("PATH").expect("a PATH");
        let environment = [("PATH", path.as_str()), ("RESTIC_PASSWORD", "geheim")].into_iter().collect();
        look(open_in(config, &environment).expect("a source").as_ref(), NOON)
    };
    let without = look_with(None);
    assert_eq!((without.extent(), &without.failures), (Extent::Complete, &Vec::new()));
    let evidence = &without.repositories[0].evidence;
    assert!(evidence[0].note.starts_with("the size was not taken"), "{evidence:?}");
    let with = look_with(Some(1_000_000));
    assert!(with.failures[0].reason.starts_with("the size was not taken: "), "{:?}", with.failures);
    let verdicts = verdicts(with, NOON);
    assert!(verdicts.contains(&"restic/web1 quota unknown".to_owned()), "{verdicts:?}");
}

#[test]
fn a_lock_on_a_restic_repository_is_evidence() {
    let workshop = Workshop::new();
    workshop.back_up("new", "2026-11-21 02:00:00");
    let locks = workshop.repository().join("locks");
    fs::write(locks.join("5a1c"), "").expect("a writable folder");
    let collection = look(workshop.open(&[]).as_ref(), NOON);
    assert_eq!(collection.failures, []);
    let evidence = &collection.repositories[0].evidence;
    assert!(evidence[0].field == "lock" && evidence[0].raw.starts_with("5a1c, written at "), "{evidence:?}");
}

#[test]
fn a_password_in_the_location_of_a_restic_repository_is_never_shown() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut config = config(&ENTRY, folder.path());
    config.location = "rest:http://ada:lovelace@127.0.0.1:1/web1".to_owned();
    config.program = Some(program("restic"));
    let environment = [("RESTIC_PASSWORD", "geheim")].into_iter().collect();
    let collection = look(open_in(config, &environment).expect("a source").as_ref(), NOON);
    let (kind, reason) = only_failure(&collection);
    assert_eq!(kind, FailureKind::Unreachable);
    assert!(!format!("{collection:?}").contains("lovelace"), "{reason}");
}
