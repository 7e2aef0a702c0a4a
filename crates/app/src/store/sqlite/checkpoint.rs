//! When is the newest knowledge written down as a whole?
//!
//! A checkpoint is made of what the database itself says, never of what somebody hands in: it can only say what looks
//! said. The one before goes with the transaction that makes the new one count.

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::look::{SourceRow, rebuild, sources};
use super::open::number;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, count, nanoseconds};

/// The row that makes a checkpoint count.
struct Row {
    id: i64,
    source: i64,
    look: i64,
    made_at: i64,
    part_count: i64,
}

impl Sqlite {
    /// Writes a checkpoint of every source that was looked at since its last one.
    pub(super) async fn write_checkpoints(&self, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.upkeep.lock().await;
        self.write_checkpoints_in_turn(now).await
    }

    /// The same for somebody whose turn it is.
    pub(super) async fn write_checkpoints_in_turn(&self, now: Timestamp) -> Result<(), StoreError> {
        let made_at = nanoseconds(now)?;
        let all = sources(self.view().await?.connection()?, self.find_kind).await?;
        for source in all {
            self.write_checkpoint(source, made_at).await?;
        }
        Ok(())
    }

    async fn write_checkpoint(&self, source: SourceRow, made_at: i64) -> Result<(), StoreError> {
        let mut view = self.view().await?;
        let connection = view.connection()?;
        if !is_needed(connection, source.row).await? {
            return Ok(());
        }
        let id = number(connection, "SELECT coalesce(max(id), 0) + 1 FROM checkpoint").await?;
        let Some((look, rebuilt)) = rebuild(connection, &source).await? else { return Ok(()) };
        drop(view);
        let parts = rebuilt.write();
        let row = Row { id, source: source.row, look, made_at, part_count: count(parts.len()) };
        self.writer.transaction(move |connection| clear(connection, id).boxed()).await?;
        for (part, content) in parts.into_iter().enumerate() {
            let part = count(part);
            self.writer
                .transaction(move |connection| insert_part(connection, id, part, content).boxed())
                .await?;
        }
        self.writer.transaction(move |connection| insert(connection, row).boxed()).await
    }
}

async fn is_needed(connection: &mut SqliteConnection, source: i64) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT coalesce((SELECT max(id) FROM look WHERE source = ?1), 0)
                            > coalesce((SELECT max(look) FROM checkpoint WHERE source = ?1), 0)";
    sqlx::query_scalar(SQL).bind(source).fetch_one(connection).await.map_err(unread)
}

/// An attempt that failed may have left parts under the same number.
async fn clear(connection: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM checkpoint_part WHERE checkpoint >= ?").bind(id);
    delete.execute(connection).await.map(drop).map_err(unwritten)
}

async fn insert_part(
    connection: &mut SqliteConnection,
    checkpoint: i64,
    number: i64,
    content: Vec<u8>,
) -> Result<(), StoreError> {
    let insert = sqlx::query("INSERT INTO checkpoint_part (checkpoint, number, content) VALUES (?, ?, ?)");
    insert.bind(checkpoint).bind(number).bind(content).execute(connection).await.map(drop).map_err(unwritten)
}

async fn insert(connection: &mut SqliteConnection, row: Row) -> Result<(), StoreError> {
    const OLDER: [&str; 2] = [
        "DELETE FROM checkpoint_part WHERE checkpoint IN (SELECT id FROM checkpoint WHERE source = ? AND id < ?)",
        "DELETE FROM checkpoint WHERE source = ? AND id < ?",
    ];
    let insert =
        sqlx::query("INSERT INTO checkpoint (id, source, look, made_at, part_count) VALUES (?, ?, ?, ?, ?)");
    let insert = insert.bind(row.id).bind(row.source).bind(row.look).bind(row.made_at).bind(row.part_count);
    insert.execute(&mut *connection).await.map_err(unwritten)?;
    for sql in OLDER {
        let delete = sqlx::query(sql).bind(row.source).bind(row.id);
        delete.execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}
