//! How is what was pushed to us kept, read and let go?

use std::ops::RangeInclusive;

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite as Database};

use super::rows::pieces;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, instant, nanoseconds};
use crate::store::Event;

/// So many events are removed in one transaction, so that nobody who writes waits for long.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// So many events are written at once with [`insert_whole`] at most.
pub(super) const WHOLE_MAX: usize = 128;

/// An event with when it came.
type Dated = (Event, i64);

/// Inserts events with when they came; returns their numbers.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    events: &[Dated],
) -> Result<Vec<i64>, StoreError> {
    let mut numbers = Vec::with_capacity(events.len());
    for piece in pieces(events) {
        let mut insert = QueryBuilder::new("");
        push_insert(&mut insert, piece);
        let inserted = insert.build().execute(&mut *connection).await.map_err(unwritten)?;
        numbers.extend(numbered(inserted.last_insert_rowid(), piece.len()));
    }
    Ok(numbers)
}

/// Does the same as a transaction of its own, in one statement of many.
pub(super) async fn insert_whole(
    connection: &mut SqliteConnection,
    events: &[Dated],
) -> Result<Vec<i64>, StoreError> {
    let mut whole = QueryBuilder::new("BEGIN IMMEDIATE; ");
    for piece in pieces(events) {
        push_insert(&mut whole, piece);
        whole.push("; ");
    }
    whole.push("COMMIT");
    let written = whole.build().execute(connection).await.map_err(unwritten)?;
    Ok(numbered(written.last_insert_rowid(), events.len()).collect())
}

fn push_insert<'e>(query: &mut QueryBuilder<'e, Database>, events: &'e [Dated]) {
    query.push("INSERT INTO event (key, received_at, kind, body) ");
    query.push_values(events, |mut row, (event, received_at)| {
        row.push_bind(&event.key).push_bind(received_at).push_bind(&event.kind).push_bind(&event.body);
    });
}

/// Numbers of one transaction follow each other: nobody else writes meanwhile.
fn numbered(last: i64, written: usize) -> RangeInclusive<i64> {
    last - count(written) + 1..=last
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
