//! Is the database sound, how is it copied whole, and how does it get smaller?

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use super::look::{rebuild, sources};
use super::writer::unread;
use super::{Sqlite, StoreError};
use crate::store::{Filter, IncidentState, Store};

/// What must not be there, each with a query that counts it.
const MUST_NOT_BE: [(&str, &str); 5] = [
    (
        "looks with parts that are missing",
        "SELECT count(*) FROM look l
         WHERE part_count <> (SELECT count(*) FROM look_part p WHERE p.look = l.id)",
    ),
    (
        "checkpoints with parts that are missing",
        "SELECT count(*) FROM checkpoint c
         WHERE part_count <> (SELECT count(*) FROM checkpoint_part p WHERE p.checkpoint = c.id)",
    ),
    (
        "incidents somebody was told about without a message",
        "SELECT count(*) FROM telling t WHERE NOT EXISTS (SELECT 1 FROM notification n
             WHERE (n.incident, n.channel, n.recipient) = (t.incident, t.channel, t.recipient))",
    ),
    (
        "notifications to another address than that of their message",
        "SELECT count(*) FROM notification n JOIN message m ON m.id = n.message
         WHERE (n.channel, n.recipient) <> (m.channel, m.recipient)",
    ),
    (
        "delivered messages without a delivery",
        "SELECT count(*) FROM message m WHERE state = 'delivered'
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message = m.id AND d.failure IS NULL)",
    ),
];

/// What must not be there either while nobody writes: a look that is being kept has its parts first.
const UNFINISHED: (&str, &str) =
    ("parts of no look", "SELECT count(*) FROM look_part WHERE look NOT IN (SELECT id FROM look)");

/// So many complaints of SQLite are told; a broken file has as many as pages.
const COMPLAINTS_MAX: u32 = 20;

/// Looks for damage.
///
/// 1. SQLite looks at its own structures and references.
/// 2. What must not be there is counted.
/// 3. Everything is read as a start would: facts, what a plan is made of, and every incident.
pub(super) async fn check(store: &Sqlite) -> Result<Vec<String>, StoreError> {
    let mut found = complaints(store).await?;
    if let Err(error) = read_all(store).await {
        found.push(error.to_string());
    }
    Ok(found)
}

async fn complaints(store: &Sqlite) -> Result<Vec<String>, StoreError> {
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let integrity = format!("PRAGMA integrity_check({COMPLAINTS_MAX})");
    let lines: Vec<String> =
        sqlx::query_scalar(&integrity).fetch_all(&mut *connection).await.map_err(unread)?;
    let mut found: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *connection).await.map_err(unread)?;
    for row in broken.iter().take(20) {
        let table: String = row.try_get(0).map_err(unread)?;
        found.push(format!("a row of {table} names another one that is not there"));
    }
    let unfinished = (!store.is_beside).then_some(UNFINISHED);
    for (what, sql) in MUST_NOT_BE.into_iter().chain(unfinished) {
        let count = super::open::number(connection, sql).await?;
        if count > 0 {
            found.push(format!("{count} {what}"));
        }
    }
    Ok(found)
}

/// Step 3 of [`check`].
async fn read_all(store: &Sqlite) -> Result<(), StoreError> {
    const PAGE: u32 = 1_000;
    let mut view = store.view().await?;
    let connection = view.connection()?;
    for source in sources(connection, store.find_kind).await? {
        rebuild(connection, &source).await?;
    }
    drop(view);
    store.standing(jiff::Timestamp::UNIX_EPOCH).await?;
    let mut filter = Filter { state: IncidentState::OpenOrClosed, limit: PAGE, ..Filter::default() };
    loop {
        let page = store.incidents(filter.clone()).await?;
        match page.last() {
            Some(last) => filter.before = Some(last.id),
            None => return Ok(()),
        }
    }
}

/// Writes a copy as of one instant, sound by itself, that only its owner may read. A copy that did not come to its end is
/// removed.
pub(super) async fn backup(store: &Sqlite, to: &Path) -> Result<(), StoreError> {
    let failed = |operation| move |source| StoreError::File { path: to.to_owned(), operation, source };
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let file = created.map_err(failed("made: name a file that is not there yet"))?;
    let copied = copy(store, to).await;
    let copied = copied.and_then(|()| file.sync_all().map_err(failed("written")));
    if copied.is_err() {
        let _ = std::fs::remove_file(to);
    }
    copied
}

async fn copy(store: &Sqlite, to: &Path) -> Result<(), StoreError> {
    let Some(path) = to.to_str() else {
        let source = std::io::Error::other("its name is not UTF-8");
        return Err(StoreError::File { path: to.to_owned(), operation: "named", source });
    };
    if let super::Readers::Writer = store.readers {
        return vacuum_into(store.view().await?.connection()?, path).await;
    }
    // A connection of its own: the writer goes on writing meanwhile.
    let mut connection = store.writer.connect().await?;
    let copied = vacuum_into(&mut connection, path).await;
    let _ = connection.close().await;
    copied
}

async fn vacuum_into(connection: &mut SqliteConnection, path: &str) -> Result<(), StoreError> {
    let done = sqlx::query("VACUUM INTO ?").bind(path).execute(connection).await;
    done.map(drop).map_err(super::writer::failure("copied"))
}

/// Gives unused pages back, and empties the write-ahead log.
pub(super) async fn compact(store: &Sqlite) -> Result<(), StoreError> {
    store.writer.outside("VACUUM").await?;
    store.writer.outside("PRAGMA wal_checkpoint(TRUNCATE)").await
}
