//! What is still to be sent, and what became of each attempt?

use futures::FutureExt;
use jiff::Timestamp;
use lastgood_core::recipient::Address;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::incident::get;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, instant, nanoseconds};
use crate::store::codec::Damage;
use crate::store::{FailedAttempt, Message};

/// An attempt, and what it makes of the message.
struct Attempt {
    message: i64,
    at: i64,
    failure: Option<&'static str>,
    words: String,
    state: &'static str,
    next_try_at: Option<i64>,
}

/// Reads what is due.
pub(super) async fn due(store: &Sqlite, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
    const SQL: &str =
        "SELECT id, key, channel, recipient, thread, content, decided_at, attempt_count FROM message
         WHERE state = 'due' AND next_try_at <= ? ORDER BY next_try_at, id LIMIT ?";
    let now = nanoseconds(now)?;
    let mut view = store.view().await?;
    let rows = sqlx::query(SQL).bind(now).bind(limit).fetch_all(view.connection()?).await.map_err(unread)?;
    rows.iter().map(message).collect()
}

fn message(row: &SqliteRow) -> Result<Message, StoreError> {
    Ok(Message {
        id: get(row, 0)?,
        key: get(row, 1)?,
        address: Address { channel: get(row, 2)?, to: get(row, 3)? },
        thread: get(row, 4)?,
        content: get(row, 5)?,
        decided_at: instant(get(row, 6)?),
        attempt_count: u32::try_from(get::<i64>(row, 7)?)
            .map_err(|_| Damage("a count of attempts is out of range"))?,
    })
}

/// Keeps that a message arrived.
pub(super) async fn delivered(
    store: &Sqlite,
    message: i64,
    at: Timestamp,
    receipt: String,
) -> Result<(), StoreError> {
    let at = nanoseconds(at)?;
    let attempt =
        Attempt { message, at, failure: None, words: receipt, state: "delivered", next_try_at: None };
    store.writer.transaction(move |connection| write(connection, attempt).boxed()).await
}

/// Keeps that sending a message failed.
pub(super) async fn failed(store: &Sqlite, message: i64, attempt: FailedAttempt) -> Result<(), StoreError> {
    let FailedAttempt { at, kind, words, next_try_at } = attempt;
    let state = if next_try_at.is_some() { "due" } else { "given_up" };
    let next_try_at = next_try_at.map(nanoseconds).transpose()?;
    let (at, failure) = (nanoseconds(at)?, Some(kind.as_str()));
    let attempt = Attempt { message, at, failure, words, state, next_try_at };
    store.writer.transaction(move |connection| write(connection, attempt).boxed()).await
}

/// A message that has ended stays as it is: an answer that came late, or twice, changes nothing.
async fn write(connection: &mut SqliteConnection, attempt: Attempt) -> Result<(), StoreError> {
    const UPDATE: &str = "UPDATE message SET state = ?2, attempt_count = attempt_count + 1,
             next_try_at = coalesce(?3, next_try_at), ended_at = CASE WHEN ?2 = 'due' THEN NULL ELSE ?4 END
         WHERE id = ?1 AND state = 'due'";
    let Attempt { message, at, failure, words, state, next_try_at } = attempt;
    let there = sqlx::query_scalar("SELECT count(*) FROM message WHERE id = ?").bind(message);
    let there: i64 = there.fetch_one(&mut *connection).await.map_err(unread)?;
    if there == 0 {
        return Err(StoreError::NotThere { what: format!("message {message}") });
    }
    let update = sqlx::query(UPDATE).bind(message).bind(state).bind(next_try_at).bind(at);
    let update = update.execute(&mut *connection).await.map_err(unwritten)?;
    if update.rows_affected() == 0 {
        return Ok(());
    }
    let insert = sqlx::query("INSERT INTO delivery (message, tried_at, failure, words) VALUES (?, ?, ?, ?)");
    let insert = insert.bind(message).bind(at).bind(failure).bind(words);
    insert.execute(connection).await.map(drop).map_err(unwritten)
}
