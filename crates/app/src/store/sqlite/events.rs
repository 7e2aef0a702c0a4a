//! How is what was pushed to us kept before it is answered?
//!
//! Events queue. Whoever writes takes all that wait into one transaction, so that under load one sync of the disk is
//! shared by many, and without load nobody waits for company.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::writer::{Writer, unread, unwritten};
use super::{Sqlite, StoreError, instant, nanoseconds};
use crate::store::Event;

/// So many may wait; who comes then waits for a place.
const QUEUE_MAX: usize = 10_000;
/// So many are one transaction at most.
const GROUP_MAX: usize = 4_096;
/// Rows of one statement: few enough for SQLite, and always the same numbers, so that statements are prepared once.
const ROWS_PER_STATEMENT: [usize; 3] = [128, 16, 1];

/// An event and who waits for it.
type Waiting = (Event, i64, oneshot::Sender<Result<i64, StoreError>>);

/// The queue.
pub(super) struct Events {
    /// `None` once it is closed.
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Events {
    /// Starts the task that writes what queues; it ends with the queue.
    pub(super) fn start(writer: Arc<Writer>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(write_all(writer, waiting));
        Self { queue: Mutex::new(Some(queue)), task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Answers with the number of the event once it is on the disk.
    pub(super) async fn append(&self, event: Event) -> Result<i64, StoreError> {
        let received_at = nanoseconds(event.received_at)?;
        let (answer, answered) = oneshot::channel();
        let queue = self.queue().ok_or(StoreError::Closed)?;
        let queued = queue.send((event, received_at, answer)).await;
        drop(queue);
        queued.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn queued_count(&self) -> u64 {
        self.queue().map_or(0, |queue| (queue.max_capacity() - queue.capacity()) as u64)
    }

    /// Takes no more, and waits until all that queue are answered.
    pub(super) async fn end(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(task) = self.task.lock().await.take() {
            // It ends with the queue; where it panicked, whoever waited was told.
            let _ = task.await;
        }
    }

    fn queue(&self) -> Option<mpsc::Sender<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn write_all(writer: Arc<Writer>, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.recv().await {
        let turn = writer.turn().await;
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let mut events = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        for (event, received_at, answer) in group {
            events.push((event, received_at));
            answers.push(answer);
        }
        let written = writer.transaction_in(turn, |connection| insert_all(connection, events).boxed()).await;
        match written {
            Ok(numbers) => {
                writer.event_count.fetch_add(answers.len() as u64, Ordering::Relaxed);
                for (answer, number) in answers.into_iter().zip(numbers) {
                    // Whoever does not wait any more has their event kept all the same.
                    let _ = answer.send(Ok(number));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(shared(&error)));
                }
            }
        }
    }
}

/// The same failure for each of those who shared a transaction.
fn shared(error: &StoreError) -> StoreError {
    let source = sqlx::Error::Protocol(error.to_string());
    match error {
        StoreError::Busy { waited_seconds } => StoreError::Busy { waited_seconds: *waited_seconds },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::Damaged { what } => StoreError::Damaged { what: what.clone() },
        _ => StoreError::Unusable { operation: "written to", source },
    }
}

async fn insert_all(
    connection: &mut SqliteConnection,
    events: Vec<(Event, i64)>,
) -> Result<Vec<i64>, StoreError> {
    let mut numbers = Vec::with_capacity(events.len());
    let mut rest = &events[..];
    while !rest.is_empty() {
        let fitting = ROWS_PER_STATEMENT.into_iter().find(|rows| *rows <= rest.len());
        let (now, later) = rest.split_at(fitting.unwrap_or(1));
        let mut insert = QueryBuilder::new("INSERT INTO event (key, received_at, kind, body) ");
        insert.push_values(now, |mut row, (event, received_at)| {
            row.push_bind(&event.key).push_bind(received_at).push_bind(&event.kind).push_bind(&event.body);
        });
        let inserted = insert.build().execute(&mut *connection).await.map_err(unwritten)?;
        // Numbers of one statement follow each other: nobody else writes meanwhile.
        let last = inserted.last_insert_rowid();
        numbers.extend(last - super::count(now.len()) + 1..=last);
        rest = later;
    }
    Ok(numbers)
}

/// Reads events in order.
pub(super) async fn read(store: &Sqlite, after: i64, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
    const SQL: &str = "SELECT id, key, received_at, kind, body FROM event WHERE id > ? ORDER BY id LIMIT ?";
    let event = |row: SqliteRow| {
        let received_at = instant(row.try_get(2)?);
        let event = Event { key: row.try_get(1)?, received_at, kind: row.try_get(3)?, body: row.try_get(4)? };
        Ok((row.try_get(0)?, event))
    };
    let mut view = store.view().await?;
    let rows = sqlx::query(SQL).bind(after).bind(limit).try_map(event).fetch_all(view.connection()?);
    rows.await.map_err(unread)
}
