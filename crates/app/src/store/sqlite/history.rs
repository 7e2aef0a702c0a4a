//! Which incidents were there, and what happened to each?

use std::collections::BTreeMap;

use jiff::Timestamp;
use lastgood_core::observation::FailureKind;
use lastgood_core::recipient::Address;
use sqlx::QueryBuilder;
use sqlx::sqlite::SqliteConnection;

use super::incident::{COLUMNS, get, recorded};
use super::writer::unread;
use super::{Sqlite, StoreError, instant};
use crate::store::codec::Damage;
use crate::store::codec::words::read_why;
use crate::store::{Delivery, Filter, IncidentState, MessageState, Notified, Recorded, Story, WithheldSpan};

/// Reads incidents, the newest first.
pub(super) async fn incidents(store: &Sqlite, filter: Filter) -> Result<Vec<Recorded>, StoreError> {
    let mut view = store.view().await?;
    let mut select = select(&filter);
    let rows = select.build().fetch_all(view.connection()?).await.map_err(unread)?;
    rows.iter().map(recorded).collect()
}

fn select(filter: &Filter) -> QueryBuilder<'static, sqlx::Sqlite> {
    let mut select = QueryBuilder::new(format!("SELECT {COLUMNS} FROM incident i WHERE "));
    select.push(match filter.state {
        IncidentState::Suspected => "i.closed_at IS NULL AND i.opened_at IS NULL",
        IncidentState::Open => "i.closed_at IS NULL AND i.opened_at IS NOT NULL",
        IncidentState::Closed => "i.closed_at IS NOT NULL",
        IncidentState::OpenOrClosed => "i.opened_at IS NOT NULL",
    });
    if let Some(source) = &filter.source {
        select.push(" AND i.source = ").push_bind(source.to_string());
        if let Some(repository) = &filter.repository {
            select.push(" AND i.repository = ").push_bind(repository.bytes().to_vec());
            if let Some(asset) = &filter.asset {
                select.push(" AND i.asset = ").push_bind(asset.bytes().to_vec());
            }
        }
    }
    if let Some(check) = filter.check {
        select.push(" AND i.check_id = ").push_bind(check.as_str());
    }
    if let Some(before) = filter.before {
        select.push(" AND i.id < ").push_bind(before);
    }
    select.push(" ORDER BY i.id DESC LIMIT ").push_bind(filter.limit);
    select
}

/// Reads everything about one incident.
pub(super) async fn story(store: &Sqlite, id: i64) -> Result<Option<Story>, StoreError> {
    let mut view = store.view().await?;
    let connection = view.connection()?;
    let sql = format!("SELECT {COLUMNS} FROM incident i WHERE i.id = ?");
    let row = sqlx::query(&sql).bind(id).fetch_optional(&mut *connection).await.map_err(unread)?;
    let Some(row) = row else { return Ok(None) };
    let notifications = notifications(connection, id).await?;
    let withheld = withheld(connection, id).await?;
    let knowing = knowing(connection, id).await?;
    Ok(Some(Story { recorded: recorded(&row)?, notifications, knowing, withheld }))
}

async fn knowing(
    connection: &mut SqliteConnection,
    incident: i64,
) -> Result<Vec<(Address, Timestamp)>, StoreError> {
    const SQL: &str = "SELECT channel, recipient, known_at FROM telling
         WHERE incident = ? AND known_at IS NOT NULL ORDER BY known_at, channel, recipient";
    let rows = sqlx::query_as(SQL).bind(incident).fetch_all(connection).await.map_err(unread)?;
    let rows: Vec<(String, String, i64)> = rows;
    Ok(rows.into_iter().map(|(channel, to, at)| (Address { channel, to }, instant(at))).collect())
}

async fn notifications(
    connection: &mut SqliteConnection,
    incident: i64,
) -> Result<Vec<Notified>, StoreError> {
    const MESSAGES: &str = "SELECT m.id, m.channel, m.recipient, n.why, n.number, m.decided_at, m.state
         FROM notification n JOIN message m ON m.id = n.message WHERE n.incident = ? ORDER BY m.id";
    const DELIVERIES: &str = "SELECT d.message, d.tried_at, d.failure, d.words
         FROM notification n JOIN delivery d ON d.message = n.message WHERE n.incident = ? ORDER BY d.id";
    let rows = sqlx::query(DELIVERIES).bind(incident).fetch_all(&mut *connection).await.map_err(unread)?;
    let mut deliveries: BTreeMap<i64, Vec<Delivery>> = BTreeMap::new();
    for row in rows {
        let failure: Option<String> = get(&row, 2)?;
        let failure = failure.map(|word| failure_kind(&word)).transpose()?;
        let delivery = Delivery { at: instant(get(&row, 1)?), failure, words: get(&row, 3)? };
        deliveries.entry(get(&row, 0)?).or_default().push(delivery);
    }
    let rows = sqlx::query(MESSAGES).bind(incident).fetch_all(connection).await.map_err(unread)?;
    let mut notifications = Vec::with_capacity(rows.len());
    for row in rows {
        let message = get(&row, 0)?;
        notifications.push(Notified {
            message,
            address: Address { channel: get(&row, 1)?, to: get(&row, 2)? },
            why: read_why(&get::<String>(&row, 3)?, get(&row, 4)?)?,
            decided_at: instant(get(&row, 5)?),
            state: state(&get::<String>(&row, 6)?)?,
            deliveries: deliveries.remove(&message).unwrap_or_default(),
        });
    }
    Ok(notifications)
}

fn failure_kind(word: &str) -> Result<FailureKind, Damage> {
    let found = FailureKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    found.ok_or(Damage("no such kind of failure"))
}

fn state(word: &str) -> Result<MessageState, Damage> {
    match word {
        "due" => Ok(MessageState::Due),
        "delivered" => Ok(MessageState::Delivered),
        "given_up" => Ok(MessageState::GivenUp),
        _ => Err(Damage("no such state of a message")),
    }
}

async fn withheld(connection: &mut SqliteConnection, incident: i64) -> Result<Vec<WithheldSpan>, StoreError> {
    const SQL: &str = "SELECT channel, recipient, why, about, from_at, until_at FROM withheld
         WHERE incident = ? ORDER BY id";
    let rows = sqlx::query_as(SQL).bind(incident).fetch_all(connection).await.map_err(unread)?;
    let rows: Vec<(String, String, String, String, i64, Option<i64>)> = rows;
    let span =
        |(channel, to, why, about, from, until): (String, String, String, String, i64, Option<i64>)| {
            let address = (!channel.is_empty()).then_some(Address { channel, to });
            WithheldSpan { address, why, about, from: instant(from), until: until.map(instant) }
        };
    Ok(rows.into_iter().map(span).collect())
}
