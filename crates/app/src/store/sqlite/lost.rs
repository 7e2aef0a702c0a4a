//! What must be told anew, of all that was given up, once a later message arrived at the same recipient?
//!
//! A mail server that refuses for a minute must not cost anybody the one message they would have had about an incident. So
//! what was told in a message that was given up counts as untold again, and the next tick decides anew whether and how to
//! say it: as things are then, not as they were. What never arrives for its own sake is not told over and over.

use jiff::SignedDuration;
use sqlx::QueryBuilder;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;
use super::incident::{get, revise};
use super::messages::Mark;
use super::rows::pieces;
use super::writer::{unread, unwritten};

/// So often the same is told anew as soon as something arrived; from then on only what was given up so long ago.
const AT_ONCE_MAX: i64 = 3;
const PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// A line of a message that was given up, of which no other message to its recipient is still to be sent.
struct Line {
    message: i64,
    incident: i64,
    channel: String,
    recipient: String,
    why: String,
    number: i64,
    given_up_at: i64,
    /// When the later message arrived.
    arrived_at: i64,
    /// It is bad still; or, of an end, the same was not found bad again since.
    is_true: bool,
    /// Somebody there heard that it is bad.
    is_known: bool,
    /// Something later about the incident arrived there.
    is_outdated: bool,
    lost_count: i64,
}

const LINES: &str = "SELECT n.message, n.incident, n.channel, n.recipient, n.why, n.number,
         g.ended_at AS given_up_at, max(d.ended_at) AS arrived_at,
         CASE WHEN n.why = 'resolved' THEN NOT EXISTS (SELECT 1 FROM incident o WHERE o.subject = i.subject
             AND o.check_id = i.check_id AND o.noticed_at > i.noticed_at) ELSE i.closed_at IS NULL END AS is_true,
         EXISTS (SELECT 1 FROM notification k JOIN message m ON m.id = k.message WHERE k.incident = n.incident
             AND k.channel = n.channel AND k.recipient = n.recipient AND m.state = 'delivered'
             AND k.why <> 'resolved') AS is_known,
         EXISTS (SELECT 1 FROM notification k JOIN message m ON m.id = k.message WHERE k.incident = n.incident
             AND k.channel = n.channel AND k.recipient = n.recipient AND m.state = 'delivered'
             AND k.message > n.message) AS is_outdated,
         (SELECT count(*) FROM notification k WHERE k.incident = n.incident AND k.channel = n.channel
             AND k.recipient = n.recipient AND k.lost = 1) AS lost_count
     FROM (";
const LINES_OF: &str = ") v CROSS JOIN message d ON d.id = v.column1
     CROSS JOIN message g INDEXED BY message_given_up ON g.state = 'given_up' AND g.channel = d.channel
         AND g.recipient = d.recipient AND g.id < d.id
     CROSS JOIN notification n ON n.message = g.id AND n.lost = 0
     CROSS JOIN incident i ON i.id = n.incident
     WHERE NOT EXISTS (SELECT 1 FROM notification k JOIN message m ON m.id = k.message
         WHERE k.incident = n.incident AND k.channel = n.channel AND k.recipient = n.recipient AND m.state = 'due')
     GROUP BY n.message, n.incident ORDER BY n.message, n.incident";

/// Takes back what was told in vain to those at whom something has just arrived, and has the plan made anew.
pub(super) async fn take_back(connection: &mut SqliteConnection, marks: &[Mark]) -> Result<(), StoreError> {
    let arrived: Vec<i64> = marks.iter().filter(|mark| mark.arrived()).map(|mark| mark.message).collect();
    let mut has_changed = false;
    for piece in pieces(&arrived) {
        let mut find = QueryBuilder::new(LINES);
        find.push_values(piece, |mut row, message| {
            row.push_bind(*message);
        });
        find.push(LINES_OF);
        let rows = find.build().fetch_all(&mut *connection).await.map_err(unread)?;
        let lines = rows.iter().map(Line::read).collect::<Result<Vec<_>, _>>()?;
        for line in lines.iter().filter(|line| line.is_worth_it()) {
            has_changed |= untell(connection, line).await?;
        }
    }
    if has_changed { revise(connection).await } else { Ok(()) }
}

/// Makes one line untold, where it still matters; says whether it did.
///
/// 1. That an incident is bad, to somebody who never heard of it: they are told as if for the first time.
/// 2. That it affects more subjects, to somebody who heard of it: they know of so many fewer.
/// 3. That it is over, to somebody who heard of it, unless the same is bad again: they are told so.
/// 4. Another reminder follows by itself.
async fn untell(connection: &mut SqliteConnection, line: &Line) -> Result<bool, StoreError> {
    const LOST: &str = "UPDATE notification SET lost = 1 WHERE message = ? AND incident = ?";
    let is_end = line.why == "resolved";
    let change = if !line.is_true || is_end && !line.is_known {
        None
    } else if is_end {
        Some("UPDATE telling SET ended_at = NULL")
    } else if !line.is_known {
        Some("DELETE FROM telling")
    } else if line.why == "more_subjects" && !line.is_outdated {
        Some("UPDATE telling SET affected_count = max(0, affected_count - ?4)")
    } else {
        None
    };
    if let Some(change) = change {
        let sql = format!("{change} WHERE incident = ?1 AND channel = ?2 AND recipient = ?3");
        let change = sqlx::query(&sql).bind(line.incident).bind(&line.channel).bind(&line.recipient);
        change.bind(line.number).execute(&mut *connection).await.map_err(unwritten)?;
    }
    let lost = sqlx::query(LOST).bind(line.message).bind(line.incident);
    lost.execute(connection).await.map_err(unwritten)?;
    Ok(change.is_some())
}

impl Line {
    /// Reads what [`LINES`] asks for.
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            message: get(row, 0)?,
            incident: get(row, 1)?,
            channel: get(row, 2)?,
            recipient: get(row, 3)?,
            why: get(row, 4)?,
            number: get(row, 5)?,
            given_up_at: get(row, 6)?,
            arrived_at: get(row, 7)?,
            is_true: get(row, 8)?,
            is_known: get(row, 9)?,
            is_outdated: get(row, 10)?,
            lost_count: get(row, 11)?,
        })
    }

    /// False for what was told in vain again and again, until a while has passed.
    fn is_worth_it(&self) -> bool {
        let pause = i64::try_from(PAUSE.as_nanos()).unwrap_or(i64::MAX);
        self.lost_count < AT_ONCE_MAX || self.arrived_at.saturating_sub(self.given_up_at) >= pause
    }
}
