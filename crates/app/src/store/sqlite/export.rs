//! How is everything told to another program?
//!
//! As lines of JSON, one object per row with the name of its table, read as of one instant. Instants become RFC 3339, names that are text
//! become text, and what looks stated is spelled out. Checkpoints are left out: they follow from the rest.

use std::io::Write;

use futures::TryStreamExt;
use lastgood_core::kind::SourceKind;
use serde_json::{Map, Value, json};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Column, Row, TypeInfo, ValueRef};

use super::look::{LOOK_PARTS, SourceRow, parts, sources};
use super::writer::unread;
use super::{Sqlite, StoreError, instant};
use crate::store::looks::spelling::spelled;

/// Every table that is exported, in an order in which each row stands after those it names.
const TABLES: [&str; 12] = [
    "standing",
    "source",
    "look",
    "incident",
    "telling",
    "message",
    "notification",
    "delivery",
    "withheld",
    "silence",
    "event",
    "pushed",
];

/// Writes everything.
pub(super) async fn write(store: &Sqlite, out: &mut (dyn Write + Send)) -> Result<(), StoreError> {
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let sources = sources(connection, store.find_kind).await?;
    for table in TABLES {
        write_table(connection, table, out).await?;
        if table == "look" {
            write_statements(connection, &sources, out).await?;
        }
    }
    Ok(())
}

async fn write_table(
    connection: &mut SqliteConnection,
    table: &str,
    out: &mut (dyn Write + Send),
) -> Result<(), StoreError> {
    let sql = format!("SELECT * FROM {table} ORDER BY 1");
    let mut rows = sqlx::query(&sql).fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(unread)? {
        write_line(out, table, object(&row)?)?;
    }
    Ok(())
}

/// What each look stated anew, one line per statement, with the number of the look.
async fn write_statements(
    connection: &mut SqliteConnection,
    sources: &[SourceRow],
    out: &mut (dyn Write + Send),
) -> Result<(), StoreError> {
    let looks = sqlx::query_as("SELECT id, source, part_count FROM look ORDER BY id")
        .fetch_all(&mut *connection)
        .await;
    let looks: Vec<(i64, i64, i64)> = looks.map_err(unread)?;
    for (look, source, part_count) in looks {
        let kind: Option<&'static SourceKind> =
            sources.iter().find(|row| row.row == source).map(|source| source.kind);
        let Some(kind) = kind else { continue };
        let parts = parts(connection, LOOK_PARTS, look, part_count).await?;
        for mut statement in spelled(&parts, kind)? {
            statement.insert("look".to_owned(), json!(look));
            write_line(out, "statement", statement)?;
        }
    }
    Ok(())
}

fn write_line(
    out: &mut (dyn Write + Send),
    table: &str,
    mut object: Map<String, Value>,
) -> Result<(), StoreError> {
    object.insert("table".to_owned(), json!(table));
    let mut line = Value::Object(object).to_string();
    line.push('\n');
    out.write_all(line.as_bytes()).map_err(StoreError::Output)
}

fn object(row: &SqliteRow) -> Result<Map<String, Value>, StoreError> {
    let mut object = Map::new();
    for column in row.columns() {
        let (name, index) = (column.name(), column.ordinal());
        // What repeats other columns as bytes.
        if matches!(name, "subject" | "failures") {
            continue;
        }
        object.insert(name.to_owned(), value(row, name, index)?);
    }
    Ok(object)
}

fn value(row: &SqliteRow, name: &str, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index).map_err(unread)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => {
            let number: i64 = row.try_get(index).map_err(unread)?;
            if name.ends_with("_at") { json!(instant(number).to_string()) } else { json!(number) }
        }
        "BLOB" => bytes(row.try_get(index).map_err(unread)?),
        _ => {
            let text: String = row.try_get(index).map_err(unread)?;
            let is_json = matches!(name, "reason" | "closing") && kind == "TEXT";
            let parsed = serde_json::from_str(&text).ok().filter(|_| is_json);
            parsed.unwrap_or(Value::String(text))
        }
    })
}

/// Text as text, anything else in hexadecimal.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": lastgood_core::id::Name::new(bytes).hex_if_lossy() }),
    }
}
