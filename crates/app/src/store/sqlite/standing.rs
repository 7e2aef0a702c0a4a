//! What is a plan made of, as of one instant?

use jiff::Timestamp;
use lastgood_core::incident::Known;
use lastgood_core::notify::{Telling, Told};
use lastgood_core::recipient::Address;
use sqlx::sqlite::SqliteConnection;

use super::incident::{COLUMNS, EPISODE, episode, get, recorded};
use super::writer::unread;
use super::{Sqlite, StoreError, instant, nanoseconds, silences};
use crate::store::codec::Damage;
use crate::store::{Recorded, Standing};

/// Reads all of it in one transaction.
pub(super) async fn read(store: &Sqlite, now: Timestamp) -> Result<Standing, StoreError> {
    let now = nanoseconds(now)?;
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let (revision, decided_at) = revision(connection).await?;
    let mut known = Known::new();
    for found in incidents(connection, "i.closed_at IS NULL").await? {
        known.insert(found.incident.matter.clone(), found.incident);
    }
    let closed = incidents(connection, CLOSED_UNTOLD).await?;
    let closed = closed.into_iter().filter_map(|found| Some((found.incident, found.closed?.1))).collect();
    let told = told(connection).await?;
    let silences = silences::lasting(connection, now).await?;
    Ok(Standing { revision, decided_at, known, told, closed, silences })
}

/// Closed, and somebody who was told of it was not told that it is over.
const CLOSED_UNTOLD: &str =
    "i.closed_at IS NOT NULL AND i.id IN (SELECT incident FROM telling WHERE ended_at IS NULL) ORDER BY i.id";

/// Reads the revision, and when was decided last.
pub(super) async fn revision(
    connection: &mut SqliteConnection,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let row = sqlx::query_as("SELECT revision, decided_at FROM standing WHERE id = 1")
        .fetch_optional(connection)
        .await;
    let row: Option<(i64, Option<i64>)> = row.map_err(unread)?;
    let (revision, decided_at) = row.ok_or(Damage("the row of the newest tick is missing"))?;
    Ok((revision.cast_unsigned(), decided_at.map(instant)))
}

async fn incidents(connection: &mut SqliteConnection, which: &str) -> Result<Vec<Recorded>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM incident i WHERE {which}");
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(unread)?;
    rows.iter().map(recorded).collect()
}

async fn told(connection: &mut SqliteConnection) -> Result<Telling, StoreError> {
    let sql = format!(
        "SELECT {EPISODE}, t.channel, t.recipient, t.told_at, t.reminder_count, t.affected_count,
            t.known_at IS NOT NULL
         FROM telling t JOIN incident i ON i.id = t.incident WHERE t.ended_at IS NULL"
    );
    let rows = sqlx::query(&sql).fetch_all(connection).await.map_err(unread)?;
    let mut telling = Telling::new();
    for row in rows {
        let episode = episode(&row)?;
        let address = Address { channel: get(&row, 6)?, to: get(&row, 7)? };
        let out_of_range = Damage("a count of a telling is out of range");
        let told = Told {
            at: instant(get(&row, 8)?),
            reminder_count: u32::try_from(get::<i64>(&row, 9)?).map_err(|_| out_of_range)?,
            affected_count: usize::try_from(get::<i64>(&row, 10)?).map_err(|_| out_of_range)?,
            knows: get(&row, 11)?,
        };
        telling.entry(episode).or_default().insert(address, told);
    }
    Ok(telling)
}
