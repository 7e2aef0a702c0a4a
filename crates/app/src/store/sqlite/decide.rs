//! How is a whole decision kept, or nothing of it?
//!
//! One transaction. What does not fit what is kept (an incident that is not there, somebody told the same twice) takes
//! all of it back: the constraints of the schema have the last word. Pings wait meanwhile, so whatever can be made ready
//! before is.

use futures::FutureExt;
use lastgood_core::id::Name;
use lastgood_core::incident::{Acknowledged, Change, Closing, Incident, Matter};
use sqlx::QueryBuilder;
use sqlx::sqlite::SqliteConnection;

use super::incident::subject_key;
use super::rows::pieces;
use super::standing::revision;
use super::tell::send;
use super::withhold::{Withholding, withhold};
use super::writer::unwritten;
use super::{Sqlite, StoreError, nanoseconds};
use crate::store::codec::words::{write_closing, write_reason};
use crate::store::{Decided, Decision};

/// Keeps a decision.
///
/// 1. It is kept only if it was planned on what is still so; the same tick again is no mistake.
/// 2. Incidents change.
/// 3. Messages are put into the outbox, and who was told what is remembered with them.
/// 4. Who is not told is remembered from when to when.
pub(super) async fn keep(store: &Sqlite, decision: Decision) -> Result<Decided, StoreError> {
    let decided_at = nanoseconds(decision.decided_at)?;
    let steps = steps(&decision.changes, decided_at)?;
    let withholding = Withholding::of(store, &decision).await?;
    store
        .writer
        .transaction(move |connection| {
            async move {
                let is_standing = withholding.revision == decision.revision;
                if !is_standing || !take_turn(connection, &decision, decided_at).await? {
                    let (revision, newest_at) = revision(connection).await?;
                    let is_repeated = newest_at == Some(decision.decided_at);
                    return if is_repeated {
                        Ok(Decided::Already(revision))
                    } else {
                        Err(StoreError::Superseded)
                    };
                }
                for step in &steps {
                    apply(connection, step).await?;
                }
                send(connection, &decision.messages, decided_at).await?;
                withhold(connection, withholding, decided_at).await?;
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

/// Changes of one kind that follow each other.
enum Step {
    Write(Vec<Row>),
    Forget(Vec<Matter>),
}

/// An incident as its row will be.
struct Row {
    matter: Matter,
    subject: Vec<u8>,
    noticed_at: i64,
    began_at: Option<i64>,
    opened_at: Option<i64>,
    acknowledged: Option<(i64, String)>,
    looked_at: i64,
    looks: (u32, u32),
    reason: String,
    closed: Option<(i64, String)>,
}

/// Makes changes ready to be written, in their order.
fn steps(changes: &[Change], decided_at: i64) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    for change in changes {
        let row = match change {
            Change::Suspected(incident) | Change::Opened(incident) | Change::Kept(incident) => {
                row(incident, None, decided_at)?
            }
            Change::Closed(incident, closing) => row(incident, Some(closing), decided_at)?,
            Change::Forgotten(matter) => {
                match steps.last_mut() {
                    Some(Step::Forget(matters)) => matters.push(matter.clone()),
                    _ => steps.push(Step::Forget(vec![matter.clone()])),
                }
                continue;
            }
        };
        match steps.last_mut() {
            Some(Step::Write(rows)) => rows.push(row),
            _ => steps.push(Step::Write(vec![row])),
        }
    }
    Ok(steps)
}

fn row(incident: &Incident, closing: Option<&Closing>, decided_at: i64) -> Result<Row, StoreError> {
    let said = |known: &Acknowledged| Ok::<_, StoreError>((nanoseconds(known.at)?, known.by.clone()));
    Ok(Row {
        subject: subject_key(&incident.matter.subject),
        matter: incident.matter.clone(),
        noticed_at: nanoseconds(incident.noticed_at)?,
        began_at: incident.began_at.map(nanoseconds).transpose()?,
        opened_at: incident.opened_at.map(nanoseconds).transpose()?,
        acknowledged: incident.acknowledged.as_ref().map(said).transpose()?,
        looked_at: nanoseconds(incident.looked_at)?,
        looks: (incident.bad_looks, incident.ok_looks),
        reason: write_reason(&incident.reason),
        closed: closing.map(|closing| (decided_at, write_closing(closing))),
    })
}

/// Step 2 of [`keep`].
async fn apply(connection: &mut SqliteConnection, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Write(rows) => {
            for piece in pieces(rows) {
                write(connection, piece).await?;
            }
        }
        Step::Forget(matters) => {
            for piece in pieces(matters) {
                forget(connection, piece).await?;
            }
        }
    }
    Ok(())
}

/// Writes what is counted about incidents. Who knows of one is never overwritten: people say so, not ticks.
async fn write(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), StoreError> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO incident (subject, source, repository, asset, check_id, noticed_at, opened_at,
             acknowledged_at, acknowledged_by, looked_at, bad_looks, ok_looks, reason, closed_at, closing,
             began_at) ",
    );
    insert.push_values(rows, |mut values, row| {
        let subject = &row.matter.subject;
        values.push_bind(&row.subject).push_bind(subject.source.as_str());
        values.push_bind(subject.repository.as_ref().map(Name::bytes));
        values.push_bind(subject.asset.as_ref().map(Name::bytes));
        values.push_bind(row.matter.check.as_str()).push_bind(row.noticed_at).push_bind(row.opened_at);
        let (at, by) = row.acknowledged.as_ref().map(|(at, by)| (*at, by)).unzip();
        values.push_bind(at).push_bind(by).push_bind(row.looked_at);
        values.push_bind(row.looks.0).push_bind(row.looks.1).push_bind(&row.reason);
        let (at, closing) = row.closed.as_ref().map(|(at, closing)| (*at, closing)).unzip();
        values.push_bind(at).push_bind(closing).push_bind(row.began_at);
    });
    insert.push(
        " ON CONFLICT (subject, check_id, noticed_at) DO UPDATE SET opened_at = excluded.opened_at,
             looked_at = excluded.looked_at, bad_looks = excluded.bad_looks, ok_looks = excluded.ok_looks,
             reason = excluded.reason, closed_at = excluded.closed_at, closing = excluded.closing
         WHERE closed_at IS NULL",
    );
    let written = insert.build().execute(connection).await.map_err(unwritten)?;
    changed_all(written.rows_affected(), rows.len(), || contradiction("changed", &rows[0].matter))
}

async fn forget(connection: &mut SqliteConnection, matters: &[Matter]) -> Result<(), StoreError> {
    let mut delete = QueryBuilder::new(
        "DELETE FROM incident WHERE closed_at IS NULL AND opened_at IS NULL AND (subject, check_id) IN (",
    );
    delete.push_values(matters, |mut values, matter| {
        values.push_bind(subject_key(&matter.subject)).push_bind(matter.check.as_str());
    });
    delete.push(")");
    let deleted = delete.build().execute(connection).await.map_err(unwritten)?;
    changed_all(deleted.rows_affected(), matters.len(), || contradiction("forgotten", &matters[0]))
}

/// Refuses a statement that should have changed so many rows and did not.
pub(super) fn changed_all(
    changed: u64,
    expected: usize,
    otherwise: impl FnOnce() -> StoreError,
) -> Result<(), StoreError> {
    if changed == expected as u64 { Ok(()) } else { Err(otherwise()) }
}

/// Says that what is to be changed is not there. The matter may be the first of several that are changed together.
pub(super) fn contradiction(verb: &str, matter: &Matter) -> StoreError {
    let what = format!(
        "an incident of {} about {}, or one that is changed together with it, is to be {verb} that is not known",
        matter.check, matter.subject
    );
    StoreError::Contradiction { what }
}
