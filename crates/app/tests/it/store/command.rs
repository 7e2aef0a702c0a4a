//! Does `lastgood db` answer for a database as it is?

use std::path::Path;

use jiff::Timestamp;
use lastgood::sources;
use lastgood::store::Store;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood_core::id::SourceId;
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};

use super::files::{other_program, run};
use crate::support::binary;

/// A database with one look that failed, at a source of a real kind.
async fn database(path: &Path) {
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let store = Sqlite::open(Options::new(path, find_kind)).await.expect("it is opened");
    let kind = find_kind("restic").expect("there is one");
    let source = SourceId::new("vault").expect("a name");
    let reason = "nobody answered".to_owned();
    let failure = Failure { place: Place::source(), kind: FailureKind::Unreachable, reason };
    let look = Collection::failed(source, kind, Timestamp::UNIX_EPOCH, failure);
    store.append(&look).await.expect("it is kept");
    store.close().await.expect("it is closed");
}

#[tokio::test]
async fn a_sound_database_is_checked_copied_compacted_and_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, copy) = (folder.path().join("db"), folder.path().join("copy"));
    database(&path).await;
    let (path, copy) = (path.to_str().expect("UTF-8"), copy.to_str().expect("UTF-8"));
    for arguments in [
        &["db", "check", "--database", path][..],
        &["db", "backup", "--database", path, copy],
        &["db", "compact", "--database", path],
        &["db", "check", "--database", copy],
    ] {
        let ran = binary::run(arguments);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{arguments:?}: {}", ran.text());
    }
    let ran = binary::run(&["db", "export", "--database", copy]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.stdout.contains(r#""kind":"restic","name":"vault","table":"source""#), "{}", ran.text());
}

#[tokio::test]
async fn a_database_that_a_daemon_works_with_is_checked_copied_and_exported_but_not_compacted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, copy) = (folder.path().join("db"), folder.path().join("copy"));
    database(&path).await;
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let daemon = Sqlite::open(Options::new(&path, find_kind)).await.expect("it is opened");
    let name = path.to_str().expect("UTF-8");
    for arguments in [
        &["db", "check", "--database", name][..],
        &["db", "backup", "--database", name, copy.to_str().expect("UTF-8")],
        &["db", "export", "--database", name],
    ] {
        let ran = binary::run(arguments);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{arguments:?}: {}", ran.text());
    }
    let ran = binary::run(&["db", "compact", "--database", name]);
    assert_eq!(ran.code, 4, "{}", ran.text());
    assert!(ran.stderr.contains("already in use by another lastgood"), "{}", ran.text());
    daemon.checkpoint(Timestamp::UNIX_EPOCH).await.expect("the daemon goes on");
    let copied = Sqlite::open(Options::new(&copy, find_kind)).await.expect("it is opened");
    assert_eq!(copied.facts().await.expect("facts"), daemon.facts().await.expect("facts"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_never_made_and_found_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("typing-error");
    let ran = binary::run(&["db", "check", "--database", path.to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 3, "{}", ran.text());
    assert!(!path.exists());
}

#[tokio::test]
async fn damage_is_told_with_exit_code_4() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    database(&path).await;
    let mut other = other_program(&path).await;
    run(&mut other, "UPDATE look SET part_count = 3").await;
    let ran = binary::run(&["db", "check", "--database", path.to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 4, "{}", ran.text());
    assert!(ran.stdout.contains("1 looks with parts that are missing"), "{}", ran.text());
}
