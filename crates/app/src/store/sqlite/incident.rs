//! How is an incident a row, and what do people say about it?

use std::collections::{HashMap, HashSet};

use futures::FutureExt;
use lastgood_core::checks;
use lastgood_core::id::{CheckId, Name, SourceId, SubjectId};
use lastgood_core::incident::{Acknowledged, Closing, Incident, Matter};
use lastgood_core::notify::Episode;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite as Database};

use super::rows::pieces;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, instant, nanoseconds};
use crate::store::Recorded;
use crate::store::codec::words::{read_closing, read_reason, write_closing};
use crate::store::codec::{Damage, bytes, optional};
use lastgood_core::recipient::Address;

/// The columns [`recorded`] reads.
pub(super) const COLUMNS: &str = "i.id, i.source, i.repository, i.asset, i.check_id, i.noticed_at, i.opened_at,
    i.acknowledged_at, i.acknowledged_by, i.looked_at, i.bad_looks, i.ok_looks, i.reason, i.closed_at, i.closing,
    i.began_at";

/// How many they are.
pub(super) const COLUMN_COUNT: usize = 16;

/// The six columns [`episode`] reads.
pub(super) const EPISODE: &str = "i.id, i.source, i.repository, i.asset, i.check_id, i.noticed_at";

/// What a subject is found by: source, repository and asset in one.
pub(super) fn subject_key(subject: &SubjectId) -> Vec<u8> {
    let mut key = Vec::new();
    bytes(&mut key, subject.source.as_str().as_bytes());
    for name in [&subject.repository, &subject.asset] {
        optional(&mut key, name.as_ref(), |key, name| bytes(key, name.bytes()));
    }
    key
}

/// Reads an incident from the columns [`COLUMNS`].
pub(super) fn recorded(row: &SqliteRow) -> Result<Recorded, StoreError> {
    let closed_at: Option<i64> = get(row, 13)?;
    let closing: Option<String> = get(row, 14)?;
    let closed = match (closed_at, closing) {
        (Some(at), Some(closing)) => Some((instant(at), read_closing(&closing)?)),
        _ => None,
    };
    Ok(Recorded { id: get(row, 0)?, incident: incident(row)?, closed })
}

/// Reads an episode from the columns [`EPISODE`], with which [`COLUMNS`] begin.
pub(super) fn episode(row: &SqliteRow) -> Result<Episode, StoreError> {
    let source: String = get(row, 1)?;
    let name = |column| -> Result<Option<Name>, StoreError> {
        Ok(get::<Option<Vec<u8>>>(row, column)?.map(Name::new))
    };
    let source = SourceId::new(&source).map_err(|_| Damage("an incident has no valid source"))?;
    let subject = SubjectId { source, repository: name(2)?, asset: name(3)? };
    let matter = Matter { subject, check: check(&get::<String>(row, 4)?)? };
    Ok(Episode { matter, noticed_at: instant(get(row, 5)?) })
}

fn incident(row: &SqliteRow) -> Result<Incident, StoreError> {
    let Episode { matter, noticed_at } = episode(row)?;
    let count = |column| -> Result<u32, StoreError> {
        Ok(u32::try_from(get::<i64>(row, column)?).map_err(|_| Damage("a count of looks is out of range"))?)
    };
    let acknowledged = match (get::<Option<i64>>(row, 7)?, get::<Option<String>>(row, 8)?) {
        (Some(at), Some(by)) => Some(Acknowledged { at: instant(at), by }),
        _ => None,
    };
    Ok(Incident {
        matter,
        noticed_at,
        began_at: get::<Option<i64>>(row, 15)?.map(instant),
        opened_at: get::<Option<i64>>(row, 6)?.map(instant),
        acknowledged,
        looked_at: instant(get(row, 9)?),
        bad_looks: count(10)?,
        ok_looks: count(11)?,
        reason: read_reason(&get::<String>(row, 12)?)?,
    })
}

/// A check the program does not know is said: its incident would never be closed otherwise.
fn check(word: &str) -> Result<CheckId, StoreError> {
    let found = checks::ALL.into_iter().map(|check| check.id).find(|id| id.as_str() == word);
    found.ok_or_else(|| StoreError::NotKnown { what: format!("there is no check {word}") })
}

/// Reads one column.
pub(super) fn get<'r, T: sqlx::Decode<'r, Database> + sqlx::Type<Database>>(
    row: &'r SqliteRow,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(unread)
}

/// Finds the row of an episode.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    episode: &Episode,
) -> Result<Option<i64>, StoreError> {
    let find =
        sqlx::query_scalar("SELECT id FROM incident WHERE subject = ? AND check_id = ? AND noticed_at = ?");
    let find = find.bind(subject_key(&episode.matter.subject)).bind(episode.matter.check.as_str());
    find.bind(nanoseconds(episode.noticed_at)?).fetch_optional(connection).await.map_err(unread)
}

/// Finds the rows of many episodes; one that has none is left out.
pub(super) async fn find_all<'e>(
    connection: &mut SqliteConnection,
    episodes: impl Iterator<Item = &'e Episode>,
) -> Result<HashMap<&'e Episode, i64>, StoreError> {
    let mut found: HashMap<&Episode, i64> = HashMap::new();
    let mut asked = HashSet::new();
    let mut keys = Vec::new();
    for episode in episodes {
        if asked.insert(episode) {
            keys.push((episode, subject_key(&episode.matter.subject), nanoseconds(episode.noticed_at)?));
        }
    }
    for piece in pieces(&keys) {
        let mut find: QueryBuilder<'_, Database> = QueryBuilder::new("SELECT v.column1, i.id FROM (");
        find.push_values(piece.iter().enumerate(), |mut values, (place, (episode, subject, noticed_at))| {
            values.push_bind(count(place)).push_bind(subject);
            values.push_bind(episode.matter.check.as_str()).push_bind(noticed_at);
        });
        find.push(
            ") v CROSS JOIN incident i WHERE i.subject = v.column2 AND i.check_id = v.column3
             AND i.noticed_at = v.column4",
        );
        let rows: Vec<(i64, i64)> =
            find.build_query_as().fetch_all(&mut *connection).await.map_err(unread)?;
        for (place, id) in rows {
            let place = usize::try_from(place).expect("it was counted from 0");
            found.insert(piece[place].0, id);
        }
    }
    Ok(found)
}

/// Says that the plan must be made anew: something it is made of has changed.
pub(super) async fn revise(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let update = sqlx::query("UPDATE standing SET revision = revision + 1 WHERE id = 1");
    update.execute(connection).await.map(drop).map_err(unwritten)
}

fn not_there(episode: &Episode) -> StoreError {
    let Episode { matter, noticed_at } = episode;
    let what = format!(
        "open incident of {} about {} that was noticed at {noticed_at}",
        matter.check, matter.subject
    );
    StoreError::NotThere { what }
}

/// Keeps who knows of an open incident; the first stays.
pub(super) async fn acknowledge(
    store: &Sqlite,
    episode: Episode,
    acknowledged: Acknowledged,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE incident SET acknowledged_at = coalesce(acknowledged_at, ?),
         acknowledged_by = coalesce(acknowledged_by, ?) WHERE id = ? AND closed_at IS NULL";
    let at = nanoseconds(acknowledged.at)?;
    change(store, episode, sqlx::query(SQL).bind(at).bind(acknowledged.by)).await
}

/// Keeps that somebody who was told of an incident knows of it; the first time they said so stays.
pub(super) async fn know(
    store: &Sqlite,
    episode: Episode,
    address: Address,
    at: jiff::Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE telling SET known_at = coalesce(known_at, ?)
         WHERE channel = ? AND recipient = ? AND ended_at IS NULL AND incident = ?";
    let know = sqlx::query(SQL).bind(nanoseconds(at)?).bind(address.channel).bind(address.to);
    change(store, episode, know).await
}

/// Closes an open incident.
pub(super) async fn close_by_hand(
    store: &Sqlite,
    episode: Episode,
    at: jiff::Timestamp,
    words: String,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE incident SET closed_at = ?, closing = ?
         WHERE id = ? AND closed_at IS NULL AND opened_at IS NOT NULL";
    let closing = write_closing(&Closing::ByHand(words));
    change(store, episode, sqlx::query(SQL).bind(nanoseconds(at)?).bind(closing)).await
}

/// Changes the row of an episode, whose number `update` takes last, and has the plan made anew.
async fn change(
    store: &Sqlite,
    episode: Episode,
    update: Query<'static, Database, SqliteArguments<'static>>,
) -> Result<(), StoreError> {
    store
        .writer
        .transaction(move |connection| {
            async move {
                let id = find(connection, &episode).await?.ok_or_else(|| not_there(&episode))?;
                let done = update.bind(id).execute(&mut *connection).await.map_err(unwritten)?;
                changed_one(&done, || not_there(&episode))?;
                revise(connection).await
            }
            .boxed()
        })
        .await
}

/// Refuses what should have changed one row and did not.
pub(super) fn changed_one(
    done: &sqlx::sqlite::SqliteQueryResult,
    otherwise: impl FnOnce() -> StoreError,
) -> Result<(), StoreError> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(otherwise()) }
}
