//! How is a whole decision kept, or nothing of it?
//!
//! One transaction. What does not fit what is kept (an incident that is not there, somebody told the same twice) takes
//! all of it back: the constraints of the schema have the last word.

use std::collections::HashMap;

use futures::FutureExt;
use lastgood_core::incident::{Change, Incident, Matter};
use lastgood_core::notify::{Episode, Why, Withheld};
use lastgood_core::recipient::Address;
use sqlx::sqlite::SqliteConnection;

use super::incident::{changed_one, find, subject_key};
use super::standing::revision;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, nanoseconds};
use crate::store::codec::words::{why, withheld, write_closing, write_reason};
use crate::store::{Cover, Decided, Decision, NewMessage};

/// Keeps a decision.
///
/// 1. It is kept only if it was planned on what is still so; the same tick again is no mistake.
/// 2. Incidents change.
/// 3. Messages are put into the outbox, and who was told what is remembered with them.
/// 4. Who is not told is remembered from when to when.
pub(super) async fn keep(store: &Sqlite, decision: Decision) -> Result<Decided, StoreError> {
    let decided_at = nanoseconds(decision.decided_at)?;
    store
        .writer
        .transaction(move |connection| {
            async move {
                if !take_turn(connection, &decision, decided_at).await? {
                    let (revision, newest_at) = revision(connection).await?;
                    let is_repeated = newest_at == Some(decision.decided_at);
                    return if is_repeated {
                        Ok(Decided::Already(revision))
                    } else {
                        Err(StoreError::Superseded)
                    };
                }
                for change in &decision.changes {
                    apply(connection, change, decided_at).await?;
                }
                for message in &decision.messages {
                    send(connection, message, decided_at).await?;
                }
                withhold(connection, &decision.withheld, decided_at).await?;
                Ok(Decided::Kept(decision.revision + 1))
            }
            .boxed()
        })
        .await
}

/// Step 1 of [`keep`].
async fn take_turn(
    connection: &mut SqliteConnection,
    decision: &Decision,
    decided_at: i64,
) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE standing SET revision = revision + 1, decided_at = ? WHERE id = 1 AND revision = ?";
    let update = sqlx::query(SQL).bind(decided_at).bind(decision.revision.cast_signed());
    let update = update.execute(connection).await.map_err(unwritten)?;
    Ok(update.rows_affected() == 1)
}

/// Step 2 of [`keep`].
async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
    decided_at: i64,
) -> Result<(), StoreError> {
    match change {
        Change::Suspected(incident) | Change::Opened(incident) | Change::Kept(incident) => {
            write(connection, incident).await
        }
        Change::Forgotten(matter) => forget(connection, matter).await,
        Change::Closed(incident, closing) => {
            write(connection, incident).await?;
            let update = sqlx::query(
                "UPDATE incident SET closed_at = ?, closing = ?
                 WHERE subject = ? AND check_id = ? AND noticed_at = ? AND closed_at IS NULL",
            );
            let update = update.bind(decided_at).bind(write_closing(closing));
            let update =
                update.bind(subject_key(&incident.matter.subject)).bind(incident.matter.check.as_str());
            let update = update.bind(nanoseconds(incident.noticed_at)?).execute(connection).await;
            changed_one(&update.map_err(unwritten)?, || contradiction("closed", &incident.matter))
        }
    }
}

/// Writes what is counted about an incident. Who knows of it is never overwritten: people say so, not ticks.
async fn write(connection: &mut SqliteConnection, incident: &Incident) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO incident (subject, source, repository, asset, check_id, noticed_at, opened_at,
             acknowledged_at, acknowledged_by, looked_at, bad_looks, ok_looks, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (subject, check_id, noticed_at) DO UPDATE SET opened_at = excluded.opened_at,
             looked_at = excluded.looked_at, bad_looks = excluded.bad_looks, ok_looks = excluded.ok_looks,
             reason = excluded.reason
         WHERE closed_at IS NULL";
    let subject = &incident.matter.subject;
    let name = |name: &Option<lastgood_core::id::Name>| name.as_ref().map(|name| name.bytes().to_vec());
    let insert = sqlx::query(SQL).bind(subject_key(subject)).bind(subject.source.as_str());
    let insert = insert.bind(name(&subject.repository)).bind(name(&subject.asset));
    let insert = insert.bind(incident.matter.check.as_str()).bind(nanoseconds(incident.noticed_at)?);
    let insert = insert.bind(incident.opened_at.map(nanoseconds).transpose()?);
    let acknowledged = incident.acknowledged.as_ref();
    let insert = insert.bind(acknowledged.map(|known| nanoseconds(known.at)).transpose()?);
    let insert = insert.bind(acknowledged.map(|known| known.by.as_str()));
    let insert = insert.bind(nanoseconds(incident.looked_at)?);
    let insert = insert.bind(incident.bad_looks).bind(incident.ok_looks).bind(write_reason(incident.reason));
    let inserted = insert.execute(connection).await.map_err(unwritten)?;
    changed_one(&inserted, || contradiction("changed", &incident.matter))
}

async fn forget(connection: &mut SqliteConnection, matter: &Matter) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM incident
         WHERE subject = ? AND check_id = ? AND closed_at IS NULL AND opened_at IS NULL";
    let delete = sqlx::query(SQL).bind(subject_key(&matter.subject)).bind(matter.check.as_str());
    changed_one(&delete.execute(connection).await.map_err(unwritten)?, || contradiction("forgotten", matter))
}

fn contradiction(verb: &str, matter: &Matter) -> StoreError {
    let what =
        format!("an incident of {} about {} is to be {verb} that is not known", matter.check, matter.subject);
    StoreError::Contradiction { what }
}

/// Step 3 of [`keep`].
async fn send(
    connection: &mut SqliteConnection,
    message: &NewMessage,
    decided_at: i64,
) -> Result<(), StoreError> {
    let NewMessage { key, address, thread, content, covers } = message;
    let insert = sqlx::query(
        "INSERT INTO message (key, channel, recipient, thread, content, decided_at, next_try_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    );
    let insert = insert.bind(key).bind(&address.channel).bind(&address.to).bind(thread).bind(content);
    let inserted = insert.bind(decided_at).execute(&mut *connection).await.map_err(unwritten)?;
    for cover in covers {
        tell(connection, inserted.last_insert_rowid(), address, cover, decided_at).await?;
    }
    Ok(())
}

/// Remembers why a message is sent, and what its address knows from then on.
async fn tell(
    connection: &mut SqliteConnection,
    message: i64,
    address: &Address,
    cover: &Cover,
    decided_at: i64,
) -> Result<(), StoreError> {
    const TELL: &str =
        "INSERT INTO telling (incident, channel, recipient, told_at, reminder_count, affected_count)
         VALUES (?1, ?2, ?3, ?4, coalesce(?5, 0), ?6)
         ON CONFLICT (incident, channel, recipient) DO UPDATE SET told_at = excluded.told_at,
             reminder_count = coalesce(?5, reminder_count), affected_count = excluded.affected_count";
    const END: &str = "UPDATE telling SET ended_at = ?
         WHERE incident = ? AND channel = ? AND recipient = ? AND ended_at IS NULL";
    let unknown = || contradiction("told about", &cover.episode.matter);
    let incident = find(connection, &cover.episode).await?.ok_or_else(unknown)?;
    let (word, number) = why(cover.why);
    let insert = sqlx::query(
        "INSERT INTO notification (message, incident, channel, recipient, why, number) VALUES (?, ?, ?, ?, ?, ?)",
    );
    let insert = insert.bind(message).bind(incident).bind(&address.channel).bind(&address.to);
    insert.bind(word).bind(number).execute(&mut *connection).await.map_err(unwritten)?;
    // What else is told does not begin the reminders anew: each number is told once.
    let reminder = match cover.why {
        Why::Reminder(count) => Some(count),
        Why::First | Why::Escalated | Why::MoreSubjects(_) => None,
        Why::Resolved => {
            let end =
                sqlx::query(END).bind(decided_at).bind(incident).bind(&address.channel).bind(&address.to);
            return changed_one(&end.execute(connection).await.map_err(unwritten)?, unknown);
        }
    };
    let tell = sqlx::query(TELL).bind(incident).bind(&address.channel).bind(&address.to).bind(decided_at);
    let tell = tell.bind(reminder).bind(count(cover.affected_count));
    tell.execute(connection).await.map(drop).map_err(unwritten)
}

/// Who is not told about what: incident by subject, check and instant; address, both empty for everybody.
type Who = (Vec<u8>, String, i64, String, String);

/// The number of a row, why, about what, and who.
type GoingOn = (i64, String, String, Vec<u8>, String, i64, String, String);

/// Step 4 of [`keep`]: only what differs from the tick before is written.
async fn withhold(
    connection: &mut SqliteConnection,
    all: &[(Episode, Option<Address>, Withheld)],
    decided_at: i64,
) -> Result<(), StoreError> {
    const GOING_ON: &str =
        "SELECT w.id, w.why, w.about, i.subject, i.check_id, i.noticed_at, w.channel, w.recipient
         FROM withheld w JOIN incident i ON i.id = w.incident WHERE w.until_at IS NULL";
    const INSERT: &str =
        "INSERT INTO withheld (incident, channel, recipient, why, about, from_at) VALUES (?, ?, ?, ?, ?, ?)";
    let rows = sqlx::query_as(GOING_ON).fetch_all(&mut *connection).await;
    let rows: Vec<GoingOn> = rows.map_err(unread)?;
    let mut going_on: HashMap<Who, (i64, String, String)> = rows
        .into_iter()
        .map(|(id, why, about, subject, check, at, channel, to)| {
            ((subject, check, at, channel, to), (id, why, about))
        })
        .collect();
    let mut new = Vec::new();
    for (episode, address, reason) in all {
        let (word, about) = withheld(reason);
        let about = about.unwrap_or_default();
        let (channel, to) =
            address.clone().map_or_else(Default::default, |Address { channel, to }| (channel, to));
        let Episode { matter, noticed_at } = episode;
        let check = matter.check.as_str().to_owned();
        let who = (subject_key(&matter.subject), check, nanoseconds(*noticed_at)?, channel, to);
        match going_on.get(&who) {
            Some((_, same_word, same_about)) if same_word == word && *same_about == about => {
                going_on.remove(&who);
            }
            _ => new.push((episode, who, word, about)),
        }
    }
    for (id, ..) in going_on.into_values() {
        let end = sqlx::query("UPDATE withheld SET until_at = ? WHERE id = ?").bind(decided_at).bind(id);
        end.execute(&mut *connection).await.map_err(unwritten)?;
    }
    for (episode, (.., channel, to), word, about) in new {
        let incident = find(connection, episode).await?;
        let incident = incident.ok_or_else(|| contradiction("withheld", &episode.matter))?;
        let insert = sqlx::query(INSERT).bind(incident).bind(channel).bind(to).bind(word).bind(about);
        insert.bind(decided_at).execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}
