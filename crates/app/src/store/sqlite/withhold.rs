//! Who is not told about what, from when to when?
//!
//! Only what differs from the tick before is written. What was so is read before anybody who writes has to wait; the
//! revision it was read with tells whether it still is.

use std::collections::HashMap;

use lastgood_core::notify::Episode;
use lastgood_core::recipient::Address;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite as Database};

use super::decide::contradiction;
use super::incident::{find_all, subject_key};
use super::rows::pieces;
use super::standing::revision;
use super::writer::{unread, unwritten};
use super::{Sqlite, StoreError, nanoseconds};
use crate::store::Decision;
use crate::store::codec::words::withheld;

/// Who is not told about what: incident by subject, check and instant; address, both empty for everybody.
type Who = (Vec<u8>, String, i64, String, String);

/// The number of a row, why, about what, and who.
type GoingOn = (i64, String, String, Vec<u8>, String, i64, String, String);

/// What differs from the tick before.
pub(super) struct Withholding {
    /// Of what it was compared with.
    pub(super) revision: u64,
    /// Numbers of rows that go on no more.
    ended: Vec<i64>,
    new: Vec<New>,
}

struct New {
    episode: Episode,
    channel: String,
    to: String,
    why: &'static str,
    about: String,
}

impl Withholding {
    /// Compares a decision with what is kept.
    pub(super) async fn of(store: &Sqlite, decision: &Decision) -> Result<Self, StoreError> {
        let mut view = store.view().await?;
        let connection = view.connection()?;
        let (revision, _) = revision(connection).await?;
        let mut going_on = going_on(connection).await?;
        drop(view);
        let mut new = Vec::new();
        for (episode, address, reason) in &decision.withheld {
            let (why, about) = withheld(reason);
            let about = about.unwrap_or_default();
            let (channel, to) =
                address.clone().map_or_else(Default::default, |Address { channel, to }| (channel, to));
            let Episode { matter, noticed_at } = episode;
            let check = matter.check.as_str().to_owned();
            let who = (subject_key(&matter.subject), check, nanoseconds(*noticed_at)?, channel, to);
            let is_same = |was: &(i64, String, String)| was.1 == why && was.2 == about;
            if going_on.get(&who).is_some_and(is_same) {
                going_on.remove(&who);
            } else {
                let (.., channel, to) = who;
                new.push(New { episode: episode.clone(), channel, to, why, about });
            }
        }
        let ended = going_on.into_values().map(|(id, ..)| id).collect();
        Ok(Self { revision, ended, new })
    }
}

async fn going_on(
    connection: &mut SqliteConnection,
) -> Result<HashMap<Who, (i64, String, String)>, StoreError> {
    const SQL: &str =
        "SELECT w.id, w.why, w.about, i.subject, i.check_id, i.noticed_at, w.channel, w.recipient
         FROM withheld w JOIN incident i ON i.id = w.incident WHERE w.until_at IS NULL";
    let rows: Vec<GoingOn> = sqlx::query_as(SQL).fetch_all(connection).await.map_err(unread)?;
    let one = |(id, why, about, subject, check, at, channel, to): GoingOn| {
        ((subject, check, at, channel, to), (id, why, about))
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Keeps what differs.
pub(super) async fn withhold(
    connection: &mut SqliteConnection,
    withholding: Withholding,
    decided_at: i64,
) -> Result<(), StoreError> {
    for piece in pieces(&withholding.ended) {
        let mut end: QueryBuilder<'_, Database> = QueryBuilder::new("UPDATE withheld SET until_at = ");
        end.push_bind(decided_at);
        end.push(" WHERE id IN (");
        end.push_values(piece, |mut values, id| {
            values.push_bind(*id);
        });
        end.push(")");
        end.build().execute(&mut *connection).await.map_err(unwritten)?;
    }
    let incidents = find_all(connection, withholding.new.iter().map(|new| &new.episode)).await?;
    let unknown = |new: &New| contradiction("withheld", &new.episode.matter);
    let mut rows = Vec::with_capacity(withholding.new.len());
    for new in &withholding.new {
        rows.push((*incidents.get(&new.episode).ok_or_else(|| unknown(new))?, new));
    }
    for piece in pieces(&rows) {
        let mut insert =
            QueryBuilder::new("INSERT INTO withheld (incident, channel, recipient, why, about, from_at) ");
        insert.push_values(piece, |mut values, (incident, new)| {
            values.push_bind(incident).push_bind(&new.channel).push_bind(&new.to);
            values.push_bind(new.why).push_bind(&new.about).push_bind(decided_at);
        });
        insert.build().execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}
