//! How are messages put into the outbox, and how is it remembered who was told what?

use std::collections::HashMap;

use lastgood_core::notify::{Episode, Why};
use lastgood_core::recipient::Address;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite as Database};

use super::decide::{changed_all, contradiction};
use super::incident::find_all;
use super::rows::pieces;
use super::writer::unwritten;
use super::{StoreError, count};
use crate::store::codec::words::why;
use crate::store::{Cover, NewMessage};

/// What one address is told about one incident.
struct Line<'a> {
    message: i64,
    incident: i64,
    address: &'a Address,
    cover: &'a Cover,
}

/// Puts messages into the outbox.
///
/// 1. The messages are written; what was never tried is due at once, and what waits before it for the same recipient too.
/// 2. Why each is sent is written.
/// 3. What its address knows from then on is written. What else is told does not begin the reminders anew: each number
///    is told once.
pub(super) async fn send(
    connection: &mut SqliteConnection,
    messages: &[NewMessage],
    decided_at: i64,
) -> Result<(), StoreError> {
    let episodes = messages.iter().flat_map(|message| &message.covers).map(|cover| &cover.episode);
    let incidents = find_all(connection, episodes).await?;
    let mut lines = Vec::new();
    for piece in pieces(messages) {
        let last = insert(connection, piece, decided_at).await?;
        hurry(connection, piece).await?;
        // Numbers of one statement follow each other: nobody else writes meanwhile.
        for (number, message) in (last - count(piece.len()) + 1..=last).zip(piece) {
            for cover in &message.covers {
                lines.push(line(number, message, cover, &incidents)?);
            }
        }
    }
    for piece in pieces(&lines) {
        notify(connection, piece).await?;
    }
    let reminds = |line: &Line<'_>| matches!(line.cover.why, Why::Reminder(_));
    let (ended, told): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.cover.why == Why::Resolved);
    let (reminded, told): (Vec<_>, Vec<_>) = told.into_iter().partition(reminds);
    for (lines, count_of_reminders) in [(told, "reminder_count"), (reminded, "excluded.reminder_count")] {
        for piece in pieces(&lines) {
            tell(connection, piece, decided_at, count_of_reminders).await?;
        }
    }
    for piece in pieces(&ended) {
        end(connection, piece, decided_at).await?;
    }
    Ok(())
}

fn line<'a>(
    number: i64,
    message: &'a NewMessage,
    cover: &'a Cover,
    incidents: &HashMap<&Episode, i64>,
) -> Result<Line<'a>, StoreError> {
    let unknown = || contradiction("told about", &cover.episode.matter);
    let incident = *incidents.get(&cover.episode).ok_or_else(unknown)?;
    Ok(Line { message: number, incident, address: &message.address, cover })
}

/// Step 1 of [`send`]. Returns the number of the last one.
async fn insert(
    connection: &mut SqliteConnection,
    messages: &[NewMessage],
    decided_at: i64,
) -> Result<i64, StoreError> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO message (key, channel, recipient, thread, content, decided_at, next_try_at) ",
    );
    insert.push_values(messages, |mut values, message| {
        let NewMessage { key, address, thread, content, covers: _ } = message;
        values.push_bind(key).push_bind(&address.channel).push_bind(&address.to).push_bind(thread.as_ref());
        values.push_bind(content).push_bind(decided_at).push("0");
    });
    Ok(insert.build().execute(connection).await.map_err(unwritten)?.last_insert_rowid())
}

/// Makes due at once, and has the waits counted anew, of what was tried in vain and stands before these messages.
async fn hurry(connection: &mut SqliteConnection, messages: &[NewMessage]) -> Result<(), StoreError> {
    let mut update: QueryBuilder<'_, Database> = QueryBuilder::new(
        "UPDATE message SET next_try_at = 1, attempts_before = attempt_count WHERE id IN (
             SELECT m.id FROM (",
    );
    update.push_values(messages, |mut values, message| {
        values.push_bind(&message.address.channel).push_bind(&message.address.to);
    });
    update.push(
        ") v CROSS JOIN message m INDEXED BY message_in_order WHERE m.channel = v.column1
             AND m.recipient = v.column2 AND m.state = 'due' AND m.attempt_count > 0)",
    );
    update.build().execute(connection).await.map(drop).map_err(unwritten)
}

/// Step 2 of [`send`].
async fn notify(connection: &mut SqliteConnection, lines: &[Line<'_>]) -> Result<(), StoreError> {
    let mut insert =
        QueryBuilder::new("INSERT INTO notification (message, incident, channel, recipient, why, number) ");
    insert.push_values(lines, |mut values, line| {
        let (word, number) = why(line.cover.why);
        values.push_bind(line.message).push_bind(line.incident);
        values.push_bind(&line.address.channel).push_bind(&line.address.to);
        values.push_bind(word).push_bind(number);
    });
    insert.build().execute(connection).await.map(drop).map_err(unwritten)
}

/// Step 3 of [`send`] for what goes on.
async fn tell(
    connection: &mut SqliteConnection,
    lines: &[Line<'_>],
    decided_at: i64,
    count_of_reminders: &'static str,
) -> Result<(), StoreError> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO telling (incident, channel, recipient, told_at, reminder_count, affected_count) ",
    );
    insert.push_values(lines, |mut values, line| {
        let reminder_count = if let Why::Reminder(count) = line.cover.why { count } else { 0 };
        values.push_bind(line.incident).push_bind(&line.address.channel).push_bind(&line.address.to);
        values.push_bind(decided_at).push_bind(reminder_count).push_bind(count(line.cover.affected_count));
    });
    insert.push(
        " ON CONFLICT (incident, channel, recipient) DO UPDATE SET told_at = excluded.told_at,
             affected_count = excluded.affected_count, reminder_count = ",
    );
    insert.push(count_of_reminders);
    insert.build().execute(connection).await.map(drop).map_err(unwritten)
}

/// Step 3 of [`send`] for what is over.
async fn end(
    connection: &mut SqliteConnection,
    lines: &[Line<'_>],
    decided_at: i64,
) -> Result<(), StoreError> {
    let mut update: QueryBuilder<'_, Database> = QueryBuilder::new("UPDATE telling SET ended_at = ");
    update.push_bind(decided_at);
    update.push(" WHERE ended_at IS NULL AND (incident, channel, recipient) IN (");
    update.push_values(lines, |mut values, line| {
        values.push_bind(line.incident).push_bind(&line.address.channel).push_bind(&line.address.to);
    });
    update.push(")");
    let ended = update.build().execute(connection).await.map_err(unwritten)?;
    let unknown = || contradiction("told to be over", &lines[0].cover.episode.matter);
    changed_all(ended.rows_affected(), lines.len(), unknown)
}
