//! When does what was looked at long ago take less room?
//!
//! A day that lies behind the time everything is kept becomes one row, in one transaction. Only looks before a
//! checkpoint are touched, so that what is known never depends on what is thinned.

use futures::FutureExt;
use jiff::Timestamp;
use lastgood_core::kind::SourceKind;
use lastgood_core::time::Seconds;
use sqlx::sqlite::SqliteConnection;

use super::look::{LOOK_PARTS, parts, sources};
use super::open::number;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, instant, nanoseconds};
use crate::store::Thinned;
use crate::store::looks::thinning::thinned;

const LOOKS: &str = "SELECT count(*) FROM look";
const DAY_NANOSECONDS: i64 = 24 * 3600 * 1_000_000_000;

/// Several looks at one source within one day, counted from 1970: the newest one stays.
#[derive(Clone, Copy)]
struct Day {
    source: i64,
    number: i64,
    newest: i64,
}

impl Sqlite {
    /// Thins every day that ended before `keep` ago.
    pub(super) async fn thin_looks(&self, now: Timestamp, keep: Seconds) -> Result<Thinned, StoreError> {
        let _turn = self.upkeep.lock().await;
        self.write_checkpoints_in_turn(now).await?;
        let before_day = nanoseconds(now.saturating_sub(keep.duration()).unwrap_or(Timestamp::MIN))
            .map(|cut| cut.div_euclid(DAY_NANOSECONDS))?;
        let mut view = self.view().await?;
        let connection = view.connection()?;
        let kinds = sources(connection, self.find_kind).await?;
        let looks_before = number(connection, LOOKS).await?;
        let days = days(connection, before_day).await?;
        drop(view);
        for day in days {
            let kind = kinds.iter().find(|source| source.row == day.source).map(|source| source.kind);
            if let Some(kind) = kind {
                self.writer.transaction(move |connection| thin(connection, day, kind).boxed()).await?;
            }
        }
        let looks_after = number(self.view().await?.connection()?, LOOKS).await?;
        Ok(Thinned { looks_before: looks_before.cast_unsigned(), looks_after: looks_after.cast_unsigned() })
    }
}

async fn days(connection: &mut SqliteConnection, before_day: i64) -> Result<Vec<Day>, StoreError> {
    const SQL: &str = "SELECT l.source, l.observed_at / ?1 AS day, max(l.id) FROM look l
         JOIN checkpoint c ON c.source = l.source AND l.id <= c.look
         WHERE l.observed_at >= 0 AND l.observed_at < ?2 GROUP BY l.source, day HAVING count(*) > 1 ORDER BY day";
    let before = before_day.saturating_mul(DAY_NANOSECONDS);
    let rows = sqlx::query_as(SQL).bind(DAY_NANOSECONDS).bind(before).fetch_all(connection).await;
    let rows: Vec<(i64, i64, i64)> = rows.map_err(unread)?;
    Ok(rows.into_iter().map(|(source, number, newest)| Day { source, number, newest }).collect())
}

/// Makes one of the looks of a day.
async fn thin(
    connection: &mut SqliteConnection,
    day: Day,
    kind: &'static SourceKind,
) -> Result<(), StoreError> {
    const OF_DAY: &str =
        "SELECT id, observed_at, part_count, look_count, partial_count, failed_count FROM look
         WHERE source = ? AND observed_at >= ? AND observed_at < ? AND id <= ? ORDER BY id";
    let from = day.number * DAY_NANOSECONDS;
    let rows =
        sqlx::query_as(OF_DAY).bind(day.source).bind(from).bind(from + DAY_NANOSECONDS).bind(day.newest);
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = rows.fetch_all(&mut *connection).await.map_err(unread)?;
    let mut looks = Vec::with_capacity(rows.len());
    let mut counts = [0; 3];
    for (id, observed_at, part_count, looks_in_it, partial, failed) in rows {
        looks.push((instant(observed_at), parts(connection, LOOK_PARTS, id, part_count).await?));
        for (sum, more) in counts.iter_mut().zip([looks_in_it, partial, failed]) {
            *sum += more;
        }
        let delete = sqlx::query("DELETE FROM look_part WHERE look = ?").bind(id);
        delete.execute(&mut *connection).await.map_err(unwritten)?;
        let delete = sqlx::query("DELETE FROM look WHERE id = ? AND id <> ?").bind(id).bind(day.newest);
        delete.execute(&mut *connection).await.map_err(unwritten)?;
    }
    let parts = thinned(&looks, kind)?;
    let update = sqlx::query(
        "UPDATE look SET part_count = ?, look_count = ?, partial_count = ?, failed_count = ? WHERE id = ?",
    );
    let update =
        update.bind(count(parts.len())).bind(counts[0]).bind(counts[1]).bind(counts[2]).bind(day.newest);
    update.execute(&mut *connection).await.map_err(unwritten)?;
    for (number, content) in parts.into_iter().enumerate() {
        let insert = sqlx::query("INSERT INTO look_part (look, number, content) VALUES (?, ?, ?)");
        let insert = insert.bind(day.newest).bind(count(number)).bind(content);
        insert.execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}
