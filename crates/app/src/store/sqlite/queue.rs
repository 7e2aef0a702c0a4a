//! How do many who each write a little share one transaction?
//!
//! What is pushed to us and what became of messages queues. Whoever writes takes all that wait into one transaction, so
//! that under load one sync of the disk is shared by many, and without load nobody waits for company.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::writer::Writer;
use super::{StoreError, events, messages};
use crate::store::Event;

/// So many may wait; who comes then waits for a place.
const QUEUE_MAX: usize = 10_000;
/// So many are one transaction at most.
const GROUP_MAX: usize = 4_096;

/// Who waits for an answer.
type Asker<T> = oneshot::Sender<Result<T, StoreError>>;

/// What is to be written, and who waits for it.
enum Waiting {
    /// An event with when it came.
    Event(Event, i64, Asker<i64>),
    Mark(messages::Mark, Asker<()>),
}

/// The queue.
pub(super) struct Queue {
    /// `None` once it is closed.
    entrance: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// Starts the task that writes what queues; it ends with the queue.
    pub(super) fn start(writer: Arc<Writer>) -> Self {
        let (entrance, waiting) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(write_all(writer, waiting));
        Self { entrance: Mutex::new(Some(entrance)), task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Answers with the number of the event once it is on the disk.
    pub(super) async fn append(&self, event: Event) -> Result<i64, StoreError> {
        let received_at = super::nanoseconds(event.received_at)?;
        self.answer(|asker| Waiting::Event(event, received_at, asker)).await
    }

    /// Answers once what became of a message is on the disk.
    pub(super) async fn mark(&self, mark: messages::Mark) -> Result<(), StoreError> {
        self.answer(|asker| Waiting::Mark(mark, asker)).await
    }

    async fn answer<T>(&self, waiting: impl FnOnce(Asker<T>) -> Waiting) -> Result<T, StoreError> {
        let (asker, answer) = oneshot::channel();
        let entrance = self.entrance().ok_or(StoreError::Closed)?;
        let queued = entrance.send(waiting(asker)).await;
        drop(entrance);
        queued.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn queued_count(&self) -> u64 {
        self.entrance().map_or(0, |queue| (queue.max_capacity() - queue.capacity()) as u64)
    }

    /// Takes no more, and waits until all that queue are answered.
    pub(super) async fn end(&self) {
        drop(self.entrance.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(task) = self.task.lock().await.take() {
            // It ends with the queue; where it panicked, whoever waited was told.
            let _ = task.await;
        }
    }

    fn entrance(&self) -> Option<mpsc::Sender<Waiting>> {
        self.entrance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is one transaction.
#[derive(Default)]
struct Group {
    events: Vec<(Event, i64)>,
    event_askers: Vec<Asker<i64>>,
    marks: Vec<messages::Mark>,
    mark_askers: Vec<(i64, Asker<()>)>,
}

impl Group {
    fn add(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Event(event, received_at, asker) => {
                self.events.push((event, received_at));
                self.event_askers.push(asker);
            }
            Waiting::Mark(mark, asker) => {
                self.mark_askers.push((mark.message, asker));
                self.marks.push(mark);
            }
        }
    }

    fn len(&self) -> usize {
        self.event_askers.len() + self.mark_askers.len()
    }
}

async fn write_all(writer: Arc<Writer>, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.recv().await {
        // Whoever is ready to ask as well is heard first; nobody is waited for.
        tokio::task::yield_now().await;
        let turn = writer.turn().await;
        let mut group = Group::default();
        group.add(first);
        while group.len() < GROUP_MAX
            && let Ok(next) = waiting.try_recv()
        {
            group.add(next);
        }
        let Group { events, event_askers, marks, mark_askers } = group;
        let is_short = marks.is_empty() && events.len() <= events::WHOLE_MAX;
        let written = if is_short {
            writer.whole_in(turn, |connection| write_events(connection, events).boxed()).await
        } else {
            writer.transaction_in(turn, |connection| write(connection, events, marks).boxed()).await
        };
        // Whoever does not wait any more has theirs kept all the same.
        match written {
            Ok((numbers, missing)) => {
                writer.event_count.fetch_add(numbers.len() as u64, Ordering::Relaxed);
                for (asker, number) in event_askers.into_iter().zip(numbers) {
                    let _ = asker.send(Ok(number));
                }
                for (message, asker) in mark_askers {
                    let is_there = !missing.contains(&message);
                    let _ = asker.send(if is_there { Ok(()) } else { Err(messages::not_there(message)) });
                }
            }
            Err(error) => {
                for asker in event_askers {
                    let _ = asker.send(Err(shared(&error)));
                }
                for (_, asker) in mark_askers {
                    let _ = asker.send(Err(shared(&error)));
                }
            }
        }
    }
}

/// Returns the numbers of the events, and messages that are not there.
async fn write(
    connection: &mut SqliteConnection,
    events: Vec<(Event, i64)>,
    marks: Vec<messages::Mark>,
) -> Result<(Vec<i64>, Vec<i64>), StoreError> {
    let numbers = events::insert_all(connection, &events).await?;
    let missing = messages::mark_all(connection, &marks).await?;
    Ok((numbers, missing))
}

/// The same for a few events alone, which are most of what is pushed.
async fn write_events(
    connection: &mut SqliteConnection,
    events: Vec<(Event, i64)>,
) -> Result<(Vec<i64>, Vec<i64>), StoreError> {
    Ok((events::insert_whole(connection, &events).await?, Vec::new()))
}

/// The same failure for each of those who shared a transaction.
fn shared(error: &StoreError) -> StoreError {
    let source = sqlx::Error::Protocol(error.to_string());
    match error {
        StoreError::Busy { waited_seconds } => StoreError::Busy { waited_seconds: *waited_seconds },
        StoreError::Full(_) => StoreError::Full(source),
        StoreError::Damaged { what } => StoreError::Damaged { what: what.clone() },
        StoreError::Closed => StoreError::Closed,
        _ => StoreError::Unusable { operation: "written to", source },
    }
}
