//! What is still to be sent, and what became of each attempt?

use std::collections::HashSet;

use jiff::Timestamp;
use lastgood_core::recipient::Address;
use sqlx::QueryBuilder;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::incident::{COLUMN_COUNT, COLUMNS, get, recorded};
use super::lost::take_back;
use super::rows::pieces;
use super::writer::{unread, unwritten};
use super::{GivenUp, Sqlite, StoreError, instant, nanoseconds};
use crate::store::codec::Damage;
use crate::store::codec::words::read_why;
use crate::store::{Covered, FailedAttempt, Message, Outbox, RETRY_AHEAD_MAX, Undelivered};

/// The columns [`message`] reads.
const MESSAGE: &str =
    "m.id, m.key, m.channel, m.recipient, m.thread, m.content, m.decided_at, m.attempt_count, m.attempts_before,
     EXISTS (SELECT 1 FROM message l WHERE l.state = 'due' AND l.channel = m.channel
         AND l.recipient = m.recipient AND l.id > m.id)";

/// An attempt, and what it makes of its message.
pub(super) struct Mark {
    pub(super) message: i64,
    at: i64,
    failure: Option<&'static str>,
    words: String,
    state: &'static str,
    next_try_at: Option<i64>,
}

impl Mark {
    /// The message arrived.
    pub(super) fn delivered(message: i64, at: Timestamp, receipt: String) -> Result<Self, StoreError> {
        let (at, state) = (nanoseconds(at)?, "delivered");
        Ok(Self { message, at, failure: None, words: receipt, state, next_try_at: None })
    }

    /// Whether the message arrived.
    pub(super) fn arrived(&self) -> bool {
        self.failure.is_none()
    }

    /// Sending it failed.
    pub(super) fn failed(message: i64, attempt: FailedAttempt) -> Result<Self, StoreError> {
        let FailedAttempt { at, kind, words, next_try_at } = attempt;
        let state = if next_try_at.is_some() { "due" } else { "given_up" };
        let next_try_at = next_try_at.map(nanoseconds).transpose()?;
        Ok(Self { message, at: nanoseconds(at)?, failure: Some(kind.as_str()), words, state, next_try_at })
    }
}

/// Says that there is no message of this number.
pub(super) fn not_there(message: i64) -> StoreError {
    StoreError::NotThere { what: format!("message {message}") }
}

/// Those of which none that was decided earlier for the same recipient waits.
const FIRST_IN_ORDER: &str =
    "NOT EXISTS (SELECT 1 FROM message e WHERE e.state = 'due' AND e.channel = w.channel
         AND e.recipient = w.recipient AND e.id < w.id)";

/// Reads what is due, channel by channel. What was never tried has 0 as its next try, what was made due anew 1.
pub(super) async fn due(store: &Sqlite, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
    let sql = format!(
        "SELECT {MESSAGE} FROM message m WHERE m.id IN (
             SELECT id FROM (SELECT w.id FROM message w WHERE w.state = 'due' AND w.channel = ?4
                             AND w.next_try_at <= ?1 AND {FIRST_IN_ORDER} ORDER BY w.next_try_at, w.id LIMIT ?3)
             UNION ALL
             SELECT id FROM (SELECT w.id FROM message w WHERE w.state = 'due' AND w.channel = ?4
                             AND w.next_try_at > ?2 AND {FIRST_IN_ORDER} ORDER BY w.next_try_at, w.id LIMIT ?3))
         ORDER BY m.next_try_at, m.id LIMIT ?3"
    );
    let ahead = now.saturating_add(RETRY_AHEAD_MAX.duration()).unwrap_or(Timestamp::MAX);
    let (now, ahead) = (nanoseconds(now)?, nanoseconds(ahead)?);
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let mut messages = Vec::new();
    for channel in due_channels(connection).await? {
        let due = sqlx::query(&sql).bind(now).bind(ahead).bind(limit).bind(channel);
        let rows = due.fetch_all(&mut *connection).await.map_err(unread)?;
        for row in &rows {
            messages.push(message(row)?);
        }
    }
    Ok(messages)
}

/// Every channel that something is to be sent through. Steps from one to the next along the index: there are few channels
/// and may be many messages.
async fn due_channels(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "WITH RECURSIVE step (channel) AS (
             SELECT min(channel) FROM message WHERE state = 'due'
             UNION ALL
             SELECT (SELECT min(channel) FROM message WHERE state = 'due' AND channel > step.channel)
             FROM step WHERE step.channel IS NOT NULL)
         SELECT channel FROM step WHERE channel IS NOT NULL";
    sqlx::query_scalar(SQL).fetch_all(connection).await.map_err(unread)
}

fn message(row: &SqliteRow) -> Result<Message, StoreError> {
    let attempts = |column| {
        let count = u32::try_from(get::<i64>(row, column)?);
        count.map_err(|_| StoreError::from(Damage("a count of attempts is out of range")))
    };
    Ok(Message {
        id: get(row, 0)?,
        key: get(row, 1)?,
        address: Address { channel: get(row, 2)?, to: get(row, 3)? },
        thread: get(row, 4)?,
        content: get(row, 5)?,
        decided_at: instant(get(row, 6)?),
        attempt_count: attempts(7)?,
        attempts_before: attempts(8)?,
        holds_back: get(row, 9)?,
    })
}

/// Reads one message and what it speaks of.
pub(super) async fn of_key(store: &Sqlite, key: String) -> Result<Option<Covered>, StoreError> {
    let sql = format!("SELECT {MESSAGE} FROM message m WHERE m.key = ?");
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let row = sqlx::query(&sql).bind(key).fetch_optional(&mut *connection).await.map_err(unread)?;
    let Some(row) = row else { return Ok(None) };
    let message = message(&row)?;
    let sql = format!(
        "SELECT {COLUMNS}, n.why, n.number, t.known_at FROM notification n JOIN incident i ON i.id = n.incident
         LEFT JOIN telling t ON (t.incident, t.channel, t.recipient) = (n.incident, n.channel, n.recipient)
         WHERE n.message = ? ORDER BY n.incident"
    );
    let rows = sqlx::query(&sql).bind(message.id).fetch_all(connection).await.map_err(unread)?;
    let cover = |row: &SqliteRow| {
        let why = read_why(&get::<String>(row, COLUMN_COUNT)?, get(row, COLUMN_COUNT + 1)?)?;
        Ok((recorded(row)?, why))
    };
    let covers = rows.iter().map(cover).collect::<Result<_, StoreError>>()?;
    let known = |row: &SqliteRow| Ok(get::<Option<i64>>(row, COLUMN_COUNT + 2)?.map(instant));
    let known = rows.iter().map(known).collect::<Result<_, StoreError>>()?;
    Ok(Some(Covered { message, covers, known }))
}

/// Counts what is to be sent.
pub(super) async fn outbox(store: &Sqlite) -> Result<Outbox, StoreError> {
    let mut view = store.view().await?;
    let row = sqlx::query_as("SELECT count(*), min(decided_at) FROM message WHERE state = 'due'");
    let row: (i64, Option<i64>) = row.fetch_one(view.connection()?).await.map_err(unread)?;
    Ok(Outbox { due_count: row.0.cast_unsigned(), oldest_decided_at: row.1.map(instant) })
}

/// Reads which channels have tried something in vain that is still to be sent.
pub(super) async fn undelivered(store: &Sqlite) -> Result<Vec<Undelivered>, StoreError> {
    const SQL: &str = "SELECT w.channel, d.tried_at, w.waiting_count
         FROM (SELECT channel, min(CASE WHEN attempt_count > 0 THEN id END) AS oldest, count(*) AS waiting_count
               FROM message WHERE state = 'due' GROUP BY channel) w
         JOIN delivery d ON d.id = (SELECT min(id) FROM delivery WHERE message = w.oldest) ORDER BY w.channel";
    let mut view = store.view().await?;
    let rows = sqlx::query_as(SQL).fetch_all(view.connection()?).await.map_err(unread)?;
    let one = |(channel, since, waiting): (String, i64, i64)| Undelivered {
        channel,
        since: instant(since),
        waiting_count: waiting.cast_unsigned(),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Reads the addresses to which a message was given up, and none has arrived since.
pub(super) async fn given_up(store: &Sqlite) -> Result<Vec<GivenUp>, StoreError> {
    const SQL: &str =
        "SELECT g.channel, g.recipient, min(g.ended_at) FROM message g WHERE g.state = 'given_up'
             AND NOT EXISTS (SELECT 1 FROM message d WHERE d.state = 'delivered' AND d.channel = g.channel
                 AND d.recipient = g.recipient AND d.id > g.id)
         GROUP BY g.channel, g.recipient ORDER BY g.channel, g.recipient";
    let mut view = store.view().await?;
    let rows = sqlx::query_as(SQL).fetch_all(view.connection()?).await.map_err(unread)?;
    let one = |(channel, to, since): (String, String, i64)| GivenUp {
        address: Address { channel, to },
        since: instant(since),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Keeps what became of messages, in order; returns the numbers of those that are not there.
pub(super) async fn mark_all(
    connection: &mut SqliteConnection,
    marks: &[Mark],
) -> Result<Vec<i64>, StoreError> {
    let mut missing = Vec::new();
    let mut rest = marks;
    while !rest.is_empty() {
        // One statement marks a message once only.
        let mut seen = HashSet::new();
        let distinct = rest.iter().take_while(|mark| seen.insert(mark.message)).count();
        let (now, later) = rest.split_at(distinct);
        for piece in pieces(now) {
            missing.extend(mark_piece(connection, piece).await?);
        }
        rest = later;
    }
    take_back(connection, marks).await?;
    Ok(missing)
}

/// A message that has ended stays as it is: an answer that came late, or twice, changes nothing. Both statements go to
/// the thread of the connection at once: many who wait for their answers share few marks.
async fn mark_piece(connection: &mut SqliteConnection, marks: &[Mark]) -> Result<Vec<i64>, StoreError> {
    let mut mark = QueryBuilder::new(
        "INSERT INTO delivery (message, tried_at, failure, words)
         SELECT v.column1, v.column2, v.column3, v.column4 FROM (",
    );
    mark.push_values(marks, |mut row, mark| {
        row.push_bind(mark.message).push_bind(mark.at).push_bind(mark.failure).push_bind(&mark.words);
    });
    mark.push(
        ") v CROSS JOIN message m WHERE m.id = v.column1 AND m.state = 'due';
         UPDATE message SET state = v.column2, attempt_count = attempt_count + 1,
             next_try_at = coalesce(v.column3, next_try_at),
             ended_at = CASE WHEN v.column2 = 'due' THEN NULL ELSE v.column4 END FROM (",
    );
    mark.push_values(marks, |mut row, mark| {
        row.push_bind(mark.message).push_bind(mark.state).push_bind(mark.next_try_at).push_bind(mark.at);
    });
    mark.push(") v WHERE message.id = v.column1 AND message.state = 'due'");
    let marked = mark.build().execute(&mut *connection).await.map_err(unwritten)?;
    if marked.rows_affected() == 2 * marks.len() as u64 {
        return Ok(Vec::new());
    }
    let mut find = QueryBuilder::new("SELECT v.column1 FROM (");
    find.push_values(marks, |mut row, mark| {
        row.push_bind(mark.message);
    });
    find.push(") v WHERE v.column1 NOT IN (SELECT id FROM message)");
    find.build_query_scalar().fetch_all(connection).await.map_err(unread)
}
