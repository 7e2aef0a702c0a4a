//! Which silences are there?
//!
//! A silence that is ended early keeps what it was meant to be beside when it ended.

use futures::FutureExt;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::id::CheckId;
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::incident::{changed_one, get, revise};
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, instant, nanoseconds};

const COLUMNS: &str = "id, pattern, from_at, min(until_at, coalesce(ended_at, until_at)), reason, said_by, channel, recipient, checks";

/// Adds one and returns its number.
pub(super) async fn add(store: &Sqlite, silence: Silence) -> Result<u64, StoreError> {
    const SQL: &str = "INSERT INTO silence (pattern, from_at, until_at, reason, said_by, channel, recipient,
         checks) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let (from, until) = (nanoseconds(silence.from)?, nanoseconds(silence.until)?);
    let Silence { id: _, pattern, checks, address, from: _, until: _, reason, by } = silence;
    let checks = checks.map(|checks| words(&checks));
    let (channel, to) = address.map(|Address { channel, to }| (channel, to)).unzip();
    store
        .writer
        .transaction(move |connection| {
            async move {
                let insert = sqlx::query(SQL).bind(pattern).bind(from).bind(until).bind(reason).bind(by);
                let insert = insert.bind(channel).bind(to).bind(checks);
                let inserted = insert.execute(&mut *connection).await.map_err(unwritten)?;
                revise(connection).await?;
                Ok(inserted.last_insert_rowid().cast_unsigned())
            }
            .boxed()
        })
        .await
}

/// Ends one early.
pub(super) async fn end(store: &Sqlite, silence: u64, at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE silence SET ended_at = min(?, coalesce(ended_at, until_at)) WHERE id = ?";
    let at = nanoseconds(at)?;
    store
        .writer
        .transaction(move |connection| {
            async move {
                let end =
                    sqlx::query(SQL).bind(at).bind(silence.cast_signed()).execute(&mut *connection).await;
                let not_there = || StoreError::NotThere { what: format!("silence {silence}") };
                changed_one(&end.map_err(unwritten)?, not_there)?;
                revise(connection).await
            }
            .boxed()
        })
        .await
}

/// Reads every one, the newest first.
pub(super) async fn all(store: &Sqlite, limit: u32) -> Result<Vec<Silence>, StoreError> {
    let mut view = store.view().await?;
    let sql = format!("SELECT {COLUMNS} FROM silence ORDER BY id DESC LIMIT ?");
    let rows = sqlx::query(&sql).bind(limit).fetch_all(view.connection()?).await.map_err(unread)?;
    rows.iter().map(silence).collect()
}

/// Reads those that are not over.
pub(super) async fn lasting(connection: &mut SqliteConnection, now: i64) -> Result<Vec<Silence>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM silence WHERE min(until_at, coalesce(ended_at, until_at)) > ? ORDER BY id"
    );
    let rows = sqlx::query(&sql).bind(now).fetch_all(connection).await.map_err(unread)?;
    rows.iter().map(silence).collect()
}

fn silence(row: &SqliteRow) -> Result<Silence, StoreError> {
    Ok(Silence {
        id: get::<i64>(row, 0)?.cast_unsigned(),
        pattern: get(row, 1)?,
        from: instant(get(row, 2)?),
        until: instant(get(row, 3)?),
        reason: get(row, 4)?,
        by: get(row, 5)?,
        address: get::<Option<String>>(row, 6)?
            .zip(get(row, 7)?)
            .map(|(channel, to)| Address { channel, to }),
        checks: get::<Option<String>>(row, 8)?.map(|words| known(&words)),
    })
}

fn words(checks: &[CheckId]) -> String {
    checks.iter().map(|check| check.as_str()).collect::<Vec<_>>().join(" ")
}

/// A check that is not known here (of a newer version) is left out, and never makes a silence wider.
fn known(words: &str) -> Vec<CheckId> {
    let found = |word: &str| checks::ALL.into_iter().map(|check| check.id).find(|id| id.as_str() == word);
    words.split(' ').filter_map(found).collect()
}
