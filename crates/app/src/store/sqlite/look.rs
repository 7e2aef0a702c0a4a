//! How is a look kept, and how do looks become facts again?
//!
//! What differs is written in parts, the row of the look last. Rows are read back in the order of their numbers, which is
//! the order in which looks at one source began.

use std::sync::atomic::Ordering;

use futures::FutureExt;
use jiff::Timestamp;
use lastgood_core::facts::Facts;
use lastgood_core::id::SourceId;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Extent};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, instant, nanoseconds};
use crate::store::codec::statement::{read_failures, write_failures};
use crate::store::codec::words::{extent, read_extent};
use crate::store::codec::{Damage, Reading};
use crate::store::looks::difference::{Difference, Stated};
use crate::store::looks::replay::{LookRow, Rebuilt};

/// What is kept in memory about a source: what its next look is compared with.
pub(super) struct Open {
    /// The number of the newest look; 0 before the first.
    newest_look: i64,
    newest_at: Option<Timestamp>,
    stated: Stated,
}

/// A source as its row says.
pub(super) struct SourceRow {
    pub(super) row: i64,
    pub(super) id: SourceId,
    pub(super) kind: &'static SourceKind,
}

/// A look, ready to be written.
struct NewLook {
    id: i64,
    /// The look it was compared with.
    base: i64,
    source: String,
    kind: &'static str,
    observed_at: i64,
    listing: Extent,
    extent: Extent,
    failures: Vec<u8>,
    repository_count: i64,
    asset_count: i64,
    part_count: i64,
    last_part: Option<Vec<u8>>,
}

impl Sqlite {
    /// Keeps a look. What is in memory may be older than what is on the disk, if somebody stopped waiting for a look that
    /// was kept all the same: then it is rebuilt once.
    pub(super) async fn append_look(&self, collection: &Collection) -> Result<(), StoreError> {
        match self.append_once(collection).await {
            Err(StoreError::Superseded) => self.append_once(collection).await,
            done => done,
        }
    }

    /// Keeps a look.
    ///
    /// 1. It is compared with what was last stated, which is rebuilt first if it is not in memory.
    /// 2. All parts but the last are written, one transaction each.
    /// 3. The last part and the row of the look are written together, if the look it was compared with is still the
    ///    newest one.
    /// 4. Only then is it what the next look is compared with. After any failure nothing is: it is rebuilt next time.
    async fn append_once(&self, collection: &Collection) -> Result<(), StoreError> {
        let source = self.source(&collection.source);
        let mut slot = source.lock().await;
        let open = match slot.take() {
            Some(open) => open,
            None => self.open_source(collection).await?,
        };
        let refused = refusal(&open, collection);
        if let Some(error) = refused {
            *slot = Some(open);
            return Err(error);
        }
        let twins = |what| StoreError::Twins { source_id: collection.source.clone(), what };
        let difference = open.stated.difference(collection).map_err(|twin| twins(twin.0))?;
        let Difference { mut parts, stated, asset_count } = difference;
        let part_count = count(parts.len());
        let mut look = new_look(self.next_look.fetch_add(1, Ordering::Relaxed), &open, collection)?;
        (look.part_count, look.asset_count, look.last_part) = (part_count, count(asset_count), parts.pop());
        let newest_look = look.id;
        if let Err(error) = self.write_look(look, parts).await {
            self.forget_parts(newest_look).await;
            return Err(error);
        }
        *slot = Some(Open { newest_look, newest_at: Some(collection.observed_at), stated });
        Ok(())
    }

    /// Steps 2 and 3 of [`Sqlite::append_once`].
    async fn write_look(&self, look: NewLook, parts: Vec<Vec<u8>>) -> Result<(), StoreError> {
        for (part, content) in parts.into_iter().enumerate() {
            let (id, part) = (look.id, count(part));
            self.writer
                .transaction(move |connection| insert_part(connection, id, part, content).boxed())
                .await?;
        }
        self.writer.transaction(move |connection| insert_look(connection, look).boxed()).await
    }

    /// Clears away what a failed look left. What cannot be cleared now is never read, and cleared at the next start.
    async fn forget_parts(&self, look: i64) {
        const SQL: &str = "DELETE FROM look_part WHERE look = ? AND look NOT IN (SELECT id FROM look)";
        let forget = self.writer.transaction(move |connection| {
            async move { sqlx::query(SQL).bind(look).execute(connection).await.map(drop).map_err(unwritten) }.boxed()
        });
        if let Err(error) = forget.await {
            tracing::debug!(%error, "parts of a look that failed are left until the next start");
        }
    }

    async fn open_source(&self, collection: &Collection) -> Result<Open, StoreError> {
        let nothing = |kind| Open { newest_look: 0, newest_at: None, stated: Stated::nothing(kind) };
        let mut view = self.view().await?;
        let connection = view.connection()?;
        let sources = sources(connection, self.find_kind).await?;
        let Some(source) = sources.into_iter().find(|source| source.id == collection.source) else {
            return Ok(nothing(collection.kind));
        };
        let rebuilt = rebuild(connection, &source).await?;
        Ok(rebuilt.map_or_else(|| nothing(source.kind), |(look, rebuilt)| opened(look, &rebuilt)))
    }

    /// Reads when the newest look at a source began.
    pub(super) async fn newest_look(&self, source: SourceId) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str =
            "SELECT max(l.observed_at) FROM source s JOIN look l ON l.source = s.id WHERE s.name = ?";
        let newest = sqlx::query_scalar(SQL).bind(source.to_string());
        let newest: Option<i64> = newest.fetch_one(self.view().await?.connection()?).await.map_err(unread)?;
        Ok(newest.map(instant))
    }

    /// Rebuilds all facts, and keeps what the next looks are compared with.
    pub(super) async fn load_facts(&self) -> Result<Facts, StoreError> {
        let mut view = self.view().await?;
        let connection = view.connection()?;
        let mut facts = Facts::default();
        for source in sources(connection, self.find_kind).await? {
            let Some((look, rebuilt)) = rebuild(connection, &source).await? else { continue };
            // A look that is being kept meanwhile makes this out of date; it is found out when the next one is written.
            let slot = self.source(&rebuilt.facts.id);
            if let Ok(mut slot) = slot.try_lock() {
                slot.get_or_insert_with(|| opened(look, &rebuilt));
            }
            facts.sources.push(rebuilt.facts);
        }
        Ok(facts)
    }
}

fn opened(look: i64, rebuilt: &Rebuilt) -> Open {
    Open { newest_look: look, newest_at: Some(rebuilt.facts.looked_at), stated: rebuilt.stated() }
}

fn refusal(open: &Open, collection: &Collection) -> Option<StoreError> {
    let source_id = collection.source.clone();
    let kind = open.stated.kind();
    if kind.id != collection.kind.id {
        let before = kind.id.to_owned();
        return Some(StoreError::OtherKind { source_id, before, now: collection.kind.id });
    }
    let observed_at = collection.observed_at;
    let newest_at = open.newest_at.filter(|newest_at| *newest_at >= observed_at)?;
    Some(StoreError::NotNewer { source_id, observed_at, newest_at })
}

/// Everything of a look but what follows from the comparison.
fn new_look(id: i64, open: &Open, collection: &Collection) -> Result<NewLook, StoreError> {
    let mut failures = Vec::new();
    write_failures(&mut failures, &collection.failures);
    Ok(NewLook {
        id,
        base: open.newest_look,
        source: collection.source.to_string(),
        kind: collection.kind.id,
        observed_at: nanoseconds(collection.observed_at)?,
        listing: collection.listing,
        extent: collection.extent(),
        failures,
        repository_count: count(collection.repositories.len()),
        asset_count: 0,
        part_count: 0,
        last_part: None,
    })
}

async fn insert_part(
    connection: &mut SqliteConnection,
    look: i64,
    number: i64,
    content: Vec<u8>,
) -> Result<(), StoreError> {
    let insert = sqlx::query("INSERT INTO look_part (look, number, content) VALUES (?, ?, ?)");
    insert.bind(look).bind(number).bind(content).execute(connection).await.map(drop).map_err(unwritten)
}

/// Writes the row that makes a look count.
async fn insert_look(connection: &mut SqliteConnection, look: NewLook) -> Result<(), StoreError> {
    let insert = sqlx::query("INSERT INTO source (name, kind) VALUES (?, ?) ON CONFLICT (name) DO NOTHING");
    insert.bind(&look.source).bind(look.kind).execute(&mut *connection).await.map_err(unwritten)?;
    let newest = "SELECT s.id, coalesce(max(l.id), 0) FROM source s LEFT JOIN look l ON l.source = s.id WHERE s.name = ?";
    let newest = sqlx::query_as(newest).bind(&look.source).fetch_one(&mut *connection).await;
    let (source, newest): (i64, i64) = newest.map_err(unread)?;
    if newest != look.base {
        return Err(StoreError::Superseded);
    }
    if let Some(content) = look.last_part {
        insert_part(connection, look.id, look.part_count - 1, content).await?;
    }
    let insert = sqlx::query(
        "INSERT INTO look (id, source, observed_at, listing, extent, failures, repository_count, asset_count,
             part_count, look_count, partial_count, failed_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
    );
    let insert = insert.bind(look.id).bind(source).bind(look.observed_at);
    let insert = insert.bind(extent(look.listing)).bind(extent(look.extent)).bind(look.failures);
    let insert = insert.bind(look.repository_count).bind(look.asset_count).bind(look.part_count);
    let insert = insert.bind(look.extent == Extent::Partial).bind(look.extent == Extent::Failed);
    insert.execute(connection).await.map(drop).map_err(unwritten)
}

/// Reads every source, in the order in which they were first looked at.
pub(super) async fn sources(
    connection: &mut SqliteConnection,
    find_kind: crate::store::FindKind,
) -> Result<Vec<SourceRow>, StoreError> {
    let rows = sqlx::query_as("SELECT id, name, kind FROM source ORDER BY id").fetch_all(connection).await;
    let rows: Vec<(i64, String, String)> = rows.map_err(unread)?;
    let source = |(row, name, kind): (i64, String, String)| {
        let id = SourceId::new(&name).map_err(|_| Damage("a source has no valid name"))?;
        let what = || format!("{name} is a source of the kind {kind}, which this version does not know");
        let kind = find_kind(&kind).ok_or_else(|| StoreError::NotKnown { what: what() })?;
        Ok(SourceRow { row, id, kind })
    };
    rows.into_iter().map(source).collect()
}

/// Rebuilds the facts about a source: its newest checkpoint, then every look after it. Returns the number of the newest
/// look with them; `None` before the first.
pub(super) async fn rebuild(
    connection: &mut SqliteConnection,
    source: &SourceRow,
) -> Result<Option<(i64, Rebuilt)>, StoreError> {
    const CHECKPOINT: &str =
        "SELECT id, look, part_count FROM checkpoint WHERE source = ? ORDER BY id DESC LIMIT 1";
    const LOOKS: &str =
        "SELECT id, observed_at, listing, failures, repository_count, asset_count, part_count, look_count
         FROM look WHERE source = ? AND id > ? ORDER BY id";
    let damaged = |damage: Damage| StoreError::Damaged { what: format!("{}: {damage}", source.id) };
    let named = (&source.id, source.kind);
    let found = sqlx::query_as(CHECKPOINT).bind(source.row).fetch_optional(&mut *connection).await;
    let found: Option<(i64, i64, i64)> = found.map_err(unread)?;
    let mut newest = 0;
    let mut rebuilt = None;
    if let Some((id, look, part_count)) = found {
        let parts =
            parts(connection, CHECKPOINT_PARTS, id, part_count).await.map_err(|error| at(error, source))?;
        rebuilt = Some(Rebuilt::read(named, parts.iter().map(Vec::as_slice)).map_err(damaged)?);
        newest = look;
    }
    let looks = sqlx::query(LOOKS).bind(source.row).bind(newest).fetch_all(&mut *connection).await;
    for row in looks.map_err(unread)? {
        let id: i64 = row.try_get(0).map_err(unread)?;
        if row.try_get::<i64, _>(7).map_err(unread)? != 1 {
            return Err(damaged(Damage("a look that was thinned is newer than the checkpoint")));
        }
        let part_count = row.try_get(6).map_err(unread)?;
        let parts = parts(connection, LOOK_PARTS, id, part_count).await.map_err(|error| at(error, source))?;
        let look = look_row(&row)?;
        rebuilt =
            Some(Rebuilt::look(rebuilt, named, look, parts.iter().map(Vec::as_slice)).map_err(damaged)?);
        newest = id;
    }
    Ok(rebuilt.map(|rebuilt| (newest, rebuilt)))
}

fn at(error: StoreError, source: &SourceRow) -> StoreError {
    match error {
        StoreError::Damaged { what } => StoreError::Damaged { what: format!("{}: {what}", source.id) },
        error => error,
    }
}

fn look_row(row: &SqliteRow) -> Result<LookRow, StoreError> {
    let failures: Vec<u8> = row.try_get(3).map_err(unread)?;
    let size = |column: usize| -> Result<usize, StoreError> {
        let value: i64 = row.try_get(column).map_err(unread)?;
        Ok(usize::try_from(value).map_err(|_| Damage("a count is negative"))?)
    };
    Ok(LookRow {
        observed_at: instant(row.try_get(1).map_err(unread)?),
        listing: read_extent(row.try_get(2).map_err(unread)?)?,
        failures: read_failures(&mut Reading(&failures))?,
        repository_count: size(4)?,
        asset_count: size(5)?,
    })
}

pub(super) const LOOK_PARTS: &str = "SELECT content FROM look_part WHERE look = ? ORDER BY number";
const CHECKPOINT_PARTS: &str = "SELECT content FROM checkpoint_part WHERE checkpoint = ? ORDER BY number";

/// Reads the parts of something; too few or too many are damage.
pub(super) async fn parts(
    connection: &mut SqliteConnection,
    sql: &'static str,
    of: i64,
    part_count: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    if part_count == 0 {
        return Ok(Vec::new());
    }
    let parts: Vec<Vec<u8>> = sqlx::query_scalar(sql).bind(of).fetch_all(connection).await.map_err(unread)?;
    if count(parts.len()) != part_count {
        return Err(Damage("parts of a look or checkpoint are missing").into());
    }
    Ok(parts)
}
