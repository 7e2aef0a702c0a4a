//! How is what was pushed to us kept, read and let go?

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::rows::pieces;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, instant, nanoseconds};
use crate::store::Event;

/// So many events are removed in one transaction, so that nobody who writes waits for long.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// Inserts events with when they came; returns their numbers.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    events: &[(Event, i64)],
) -> Result<Vec<i64>, StoreError> {
    let mut numbers = Vec::with_capacity(events.len());
    for piece in pieces(events) {
        let mut insert = QueryBuilder::new("INSERT INTO event (key, received_at, kind, body) ");
        insert.push_values(piece, |mut row, (event, received_at)| {
            row.push_bind(&event.key).push_bind(received_at).push_bind(&event.kind).push_bind(&event.body);
        });
        let inserted = insert.build().execute(&mut *connection).await.map_err(unwritten)?;
        // Numbers of one statement follow each other: nobody else writes meanwhile.
        let last = inserted.last_insert_rowid();
        numbers.extend(last - count(piece.len()) + 1..=last);
    }
    Ok(numbers)
}

/// Reads events in order.
pub(super) async fn read(store: &Sqlite, after: i64, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
    const SQL: &str = "SELECT id, key, received_at, kind, body FROM event WHERE id > ? ORDER BY id LIMIT ?";
    let event = |row: SqliteRow| {
        let received_at = instant(row.try_get(2)?);
        let event = Event { key: row.try_get(1)?, received_at, kind: row.try_get(3)?, body: row.try_get(4)? };
        Ok((row.try_get(0)?, event))
    };
    let mut view = store.view().await?;
    let rows = sqlx::query(SQL).bind(after).bind(limit).try_map(event).fetch_all(view.connection()?);
    rows.await.map_err(unread)
}

/// Keeps what is to be remembered of events.
pub(super) async fn keep_pushed(store: &Sqlite, upto: i64, content: Vec<u8>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO pushed (id, upto, content) VALUES (1, ?, ?)
         ON CONFLICT (id) DO UPDATE SET upto = excluded.upto, content = excluded.content";
    let keep = sqlx::query(SQL).bind(upto).bind(content);
    store
        .writer
        .transaction(move |connection| {
            async move { keep.execute(connection).await.map(drop).map_err(unwritten) }.boxed()
        })
        .await
}

/// Reads what [`keep_pushed`] kept.
pub(super) async fn pushed(store: &Sqlite) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let mut view = store.view().await?;
    let row = sqlx::query_as("SELECT upto, content FROM pushed WHERE id = 1");
    row.fetch_optional(view.connection()?).await.map_err(unread)
}

/// Removes what came before an instant and is remembered. Looking for it keeps nobody from writing.
pub(super) async fn forget(store: &Sqlite, before: Timestamp) -> Result<u64, StoreError> {
    const FIND: &str = "SELECT id FROM event
         WHERE id > ? AND id <= (SELECT upto FROM pushed WHERE id = 1) AND received_at < ? ORDER BY id LIMIT ?";
    const FORGET: &str = "DELETE FROM event WHERE id BETWEEN ? AND ? AND received_at < ?";
    let before = nanoseconds(before)?;
    let (mut after, mut forgotten) = (0, 0);
    loop {
        let mut view = store.view().await?;
        let find = sqlx::query_scalar(FIND).bind(after).bind(before).bind(FORGOTTEN_AT_ONCE);
        let found: Vec<i64> = find.fetch_all(view.connection()?).await.map_err(unread)?;
        drop(view);
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(forgotten) };
        let forget = sqlx::query(FORGET).bind(*first).bind(*last).bind(before);
        let forget = store.writer.transaction(move |connection| {
            async move { forget.execute(connection).await.map_err(unwritten) }.boxed()
        });
        forgotten += forget.await?.rows_affected();
        after = *last;
    }
}
