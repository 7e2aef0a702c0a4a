//! A disk that is full, a lock that is held, bytes that are not what was written.

use std::time::Duration;

use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Store, StoreError, kept};
use lastgood_core::facts::fold;

use super::files::{other_program, run};
use super::{look, open, options};

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_kept_and_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let small = Options { pages_max: Some(150), ..options(&path) };
    let store = Sqlite::open(small).await.expect("it is opened");
    let mut looks = Vec::new();
    let error = loop {
        let next = look(i64::try_from(looks.len()).expect("few") * 5, 2_000);
        match store.append(&next).await {
            Ok(()) => looks.push(next),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!(error.may_pass() && !looks.is_empty());
    let expected = fold(looks.iter().map(kept).collect());
    assert_eq!(store.facts().await.expect("facts"), expected);
    assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new());
    drop(store);
    let store = open(&path).await;
    assert_eq!(store.facts().await.expect("facts"), expected);
    looks.push(look(i64::try_from(looks.len()).expect("few") * 5, 2_000));
    store.append(looks.last().expect("a look")).await.expect("there is room");
    assert_eq!(store.facts().await.expect("facts"), fold(looks.iter().map(kept).collect()));
}

#[tokio::test]
async fn a_lock_of_another_program_is_named_and_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let busy_timeout = Duration::from_millis(50);
    let store = Sqlite::open(Options { busy_timeout, ..options(&path) }).await.expect("it is opened");
    store.append(&look(0, 2)).await.expect("it is kept");
    let mut other = other_program(&path).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let error = store.append(&look(5, 2)).await.expect_err("it is locked");
    assert!(matches!(error, StoreError::Busy { .. }) && error.may_pass(), "{error}");
    assert!(error.to_string().contains("sqlite3"), "{error}");
    assert_eq!(store.facts().await.expect("reading goes on"), fold(vec![kept(&look(0, 2))]));
    run(&mut other, "ROLLBACK").await;
    store.append(&look(5, 2)).await.expect("it is free");
    assert_eq!(store.facts().await.expect("facts"), fold(vec![kept(&look(0, 2)), kept(&look(5, 2))]));
}

#[tokio::test]
async fn what_is_missing_or_altered_is_damage_and_never_a_guess() {
    for (sql, expected) in [
        ("DELETE FROM look_part WHERE number = 1 AND look = 1", "parts of a look or checkpoint are missing"),
        (
            "UPDATE look_part SET content = x'09' WHERE number = 0 AND look = 1",
            "a part is of a newer version",
        ),
        ("UPDATE look SET asset_count = asset_count + 1 WHERE id = 2", "as many repositories and assets"),
        (
            "UPDATE source SET kind = 'unheard-of'",
            "a source of the kind unheard-of, which this version does not know",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        let store = open(&path).await;
        store.append(&look(0, 2_000)).await.expect("it is kept");
        store.append(&look(5, 2_000)).await.expect("it is kept");
        drop(store);
        let mut other = other_program(&path).await;
        run(&mut other, sql).await;
        let store = open(&path).await;
        let error = store.facts().await.expect_err("it is damaged").to_string();
        assert!(error.contains(expected), "{sql}: {error}");
        let found = store.check().await.expect("it is checked").join("\n");
        assert!(found.contains(expected), "{sql}: {found}");
        store.append(&look(10, 2)).await.expect_err("nothing goes on from damage");
    }
}
