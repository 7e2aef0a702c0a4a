//! Whose file is it, who may use it, and does a copy hold all of it?

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Event, Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::contract::everything;
use super::{look, minute, open, options};

/// Another program that has the file open.
pub(super) async fn other_program(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.connect().await.expect("SQLite opens it")
}

pub(super) async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::query(sql).execute(connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn refused(path: &Path) -> StoreError {
    match Sqlite::open(options(path)).await {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error,
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_new_database_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = open(&path).await;
    store.append(&look(0, 1)).await.expect("it is kept");
    for name in ["db", "db-wal", "db-shm", "db-lock"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_database_that_others_may_change_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    drop(open(&path).await);
    let change = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    change(&path, 0o660);
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Exposed { .. }), "{error}");
    change(&path, 0o600);
    change(folder.path(), 0o777);
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Exposed { .. }), "{error}");
    change(folder.path(), 0o1777);
    drop(open(&path).await);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut other = other_program(&path).await;
    run(&mut other, "CREATE TABLE theirs (id INTEGER)").await;
    other.close().await.expect("it is closed");
    let before = std::fs::read(&path).expect("it is there");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).expect("it is there"), before);
    std::fs::write(&path, "a letter to somebody, of some length, which is no database at all")
        .expect("it is written");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    drop(open(&path).await);
    let mut other = other_program(&path).await;
    run(&mut other, "PRAGMA user_version = 999").await;
    other.close().await.expect("it is closed");
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
}

/// What the first version wrote, as far as a later one treats it in another way.
const FIRST_VERSION: &str = "PRAGMA application_id = 1282634823; PRAGMA user_version = 1;
    UPDATE standing SET revision = 7;
    INSERT INTO message (id, key, channel, recipient, content, decided_at, attempt_count, next_try_at)
        VALUES (1, 'new', 'mail', 'ada', x'00', 5000, 0, 5000), (2, 'tried', 'mail', 'bob', x'00', 5000, 1, 9000);
    INSERT INTO message (key, channel, recipient, content, decided_at, state, next_try_at, ended_at)
        VALUES ('gone', 'mail', 'ada', x'00', 5000, 'given_up', 5000, 5000);
    INSERT INTO delivery (message, tried_at, failure, words) VALUES (2, 6000, 'refused', 'greylisted');
    INSERT INTO silence (pattern, from_at, until_at, reason, said_by) VALUES ('acme/*', 0, 9000, 'a disk', 'ada');
    INSERT INTO event (key, received_at, kind, body) VALUES (x'01', 5000, 'success', x'');";

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut other = other_program(&path).await;
    for sql in [include_str!("../../../src/store/migrations/0001-first.sql"), FIRST_VERSION] {
        sqlx::Executor::execute(&mut other, sql).await.expect("the first version did so");
    }
    other.close().await.expect("it is closed");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    let beside = Sqlite::open(Options { beside: true, ..options(&path) }).await;
    assert!(matches!(beside.err(), Some(StoreError::Older { found: 1, .. })));

    let store = open(&path).await;
    assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new());
    let nanosecond = |count| Timestamp::from_nanosecond(count).expect("an instant");
    let standing = store.standing(nanosecond(1)).await.expect("what stands");
    assert_eq!((standing.revision, standing.silences.len()), (7, 1));
    assert_eq!((&standing.silences[0].address, &standing.silences[0].checks), (&None, &None));
    assert_eq!(store.events(0, 9).await.expect("events").len(), 1);
    assert_eq!(store.pushed().await.expect("it is read"), None);
    let waiting = store.undelivered().await.expect("channels");
    assert_eq!((waiting[0].since, waiting[0].waiting_count), (nanosecond(6000), 2));
    assert_eq!(store.outbox().await.expect("counts").due_count, 2);
    let keys = |now| {
        let due = store.due_messages(nanosecond(now), 9);
        async move { due.await.expect("messages").into_iter().map(|message| message.key).collect::<Vec<_>>() }
    };
    assert_eq!(keys(1).await, ["new"], "it was never tried");
    assert_eq!(keys(9000).await, ["new", "tried"]);
    let before = everything(&store).await;
    drop(store);
    assert_eq!(everything(&open(&path).await).await, before, "once is enough");
}

#[tokio::test]
async fn a_file_that_was_moved_away_or_replaced_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, elsewhere) = (folder.path().join("db"), folder.path().join("elsewhere"));
    let store = open(&path).await;
    let moved = |from: &Path, to: &Path| std::fs::rename(from, to).expect("a writable folder");
    assert_eq!(store.trouble(), None);
    moved(&path, &elsewhere);
    let trouble = store.trouble().expect("it is gone");
    assert!(trouble.contains("db was moved away") && trouble.contains("put the file back"), "{trouble}");
    std::fs::write(&path, "").expect("a writable folder");
    assert!(store.trouble().expect("it is another one").contains("was replaced"));
    moved(&elsewhere, &path);
    assert_eq!(store.trouble(), None);
    let in_memory = Sqlite::in_memory(super::find_kind).await.expect("it is opened");
    assert_eq!(in_memory.trouble(), None);
}

#[tokio::test]
async fn a_second_lastgood_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let first = open(&path).await;
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(first);
    drop(open(&path).await);
}

#[tokio::test]
async fn a_closed_store_answers_what_it_was_given_and_nothing_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let store = open(&path).await;
    let event = Event { key: vec![1], received_at: minute(0), kind: "success".to_owned(), body: Vec::new() };
    let (kept, closed) = tokio::join!(store.append_event(event.clone()), store.close());
    kept.expect("it was given before");
    closed.expect("it is closed");
    for answer in [
        store.append_event(event).await.map(drop),
        store.append(&look(0, 1)).await,
        store.facts().await.map(drop),
    ] {
        assert!(matches!(answer, Err(StoreError::Closed)), "{answer:?}");
    }
    assert!(!folder.path().join("db-wal").exists(), "every connection is closed");
    assert_eq!(open(&path).await.events(0, 9).await.expect("events").len(), 1);
}

/// Closing any handle of a file drops the locks that a program has on it: with another program at the same database the
/// one would then take the log of the other away.
#[tokio::test]
async fn opening_again_drops_no_lock_of_the_same_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    drop(open(&path).await);
    let mut first = other_program(&path).await;
    run(&mut first, "BEGIN IMMEDIATE").await;
    let busy_timeout = std::time::Duration::from_millis(10);
    assert!(Sqlite::open(Options { busy_timeout, ..options(&path) }).await.is_err(), "it is locked");
    let locks = std::fs::read_to_string("/proc/locks").expect("Linux tells its locks");
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).expect("it is there"));
    let is_held = locks.lines().any(|line| line.contains("POSIX") && line.contains(&format!(":{inode} ")));
    assert!(is_held, "no lock on {inode} in:\n{locks}");
}

#[tokio::test]
async fn a_copy_holds_everything_and_never_replaces_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("db")).await;
    store.append(&look(0, 1_500)).await.expect("it is kept");
    let copy = folder.path().join("copy");
    store.backup(&copy).await.expect("it is copied");
    assert_eq!(mode(&copy), 0o600);
    let error = store.backup(&copy).await.expect_err("there is one");
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    store.append(&look(5, 1)).await.expect("it goes on");
    let before = everything(&open(&copy).await).await;
    assert!(before.contains("agent1499") && !before.contains(&minute(5).to_string()));
    store.compact().await.expect("it is compacted");
    assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new());
}
