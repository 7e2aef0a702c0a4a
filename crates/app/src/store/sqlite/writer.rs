//! How does anything get onto the disk?
//!
//! One connection, one transaction after the other. A transaction runs to its end even if nobody waits for it any more.
//! Where one fails, everything of it is taken back; where the connection may be in a state nobody knows, it is opened
//! anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

use super::{Interrupt, StoreError};

/// SQLite's steps between two questions whether to go on.
const STEPS_PER_QUESTION: i32 = 20;

/// The one who writes.
pub(super) struct Writer {
    connection: Mutex<Option<SqliteConnection>>,
    options: SqliteConnectOptions,
    /// A database in memory is gone with its connection.
    is_in_memory: bool,
    busy_timeout: Duration,
    interrupt: Option<Interrupt>,
    is_closed: AtomicBool,
    pub(super) committed_count: AtomicU64,
    pub(super) failed_count: AtomicU64,
    pub(super) event_count: AtomicU64,
}

/// The connection, while nobody else may write.
pub(super) type Turn<'a> = MutexGuard<'a, Option<SqliteConnection>>;

impl Writer {
    pub(super) fn new(
        options: SqliteConnectOptions,
        is_in_memory: bool,
        busy_timeout: Duration,
        interrupt: Option<Interrupt>,
    ) -> Self {
        Self {
            connection: Mutex::new(None),
            options,
            is_in_memory,
            busy_timeout,
            interrupt,
            is_closed: AtomicBool::new(false),
            committed_count: AtomicU64::new(0),
            failed_count: AtomicU64::new(0),
            event_count: AtomicU64::new(0),
        }
    }

    /// Writes all that `work` writes, or nothing of it.
    pub(super) async fn transaction<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let writer = Arc::clone(self);
        let task = tokio::spawn(async move {
            let turn = writer.turn().await;
            writer.transaction_in(turn, work).await
        });
        task.await.map_err(|_| StoreError::Closed)?
    }

    /// Waits until nobody else writes.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.connection.lock().await
    }

    /// The same as [`Writer::transaction`] for somebody whose turn it is, and who sees to it that it is not cancelled.
    pub(super) async fn transaction_in<T>(
        &self,
        mut turn: Turn<'_>,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let mut connection = self.take(&mut turn).await?;
        let written = self.commit(&mut connection, work).await;
        self.give_back(turn, connection, written).await
    }

    /// The same for work that begins and commits by itself: short work, of which going to the thread of the connection and
    /// back for each step would be the larger part.
    pub(super) async fn whole_in<T>(
        &self,
        mut turn: Turn<'_>,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let mut connection = self.take(&mut turn).await?;
        let written = work(&mut connection).await.map_err(|error| self.timed(error));
        self.give_back(turn, connection, written).await
    }

    /// Taken out, so that a panic leaves no connection with a transaction that somebody else goes on with.
    async fn take(&self, turn: &mut Turn<'_>) -> Result<SqliteConnection, StoreError> {
        match turn.take() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    /// Takes back what was not committed, and keeps the connection for the next one if its state is known.
    async fn give_back<T>(
        &self,
        mut turn: Turn<'_>,
        mut connection: SqliteConnection,
        written: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Err(error) = &written else {
            *turn = Some(connection);
            self.committed_count.fetch_add(1, Ordering::Relaxed);
            return written;
        };
        self.failed_count.fetch_add(1, Ordering::Relaxed);
        let is_taken_back = sqlx::query("ROLLBACK").execute(&mut connection).await.is_ok();
        // SQLite takes some back itself, and says then that there is nothing to take back.
        if self.is_in_memory || (is_taken_back && !error.may_pass()) {
            *turn = Some(connection);
        }
        written
    }

    async fn commit<T>(
        &self,
        connection: &mut SqliteConnection,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let failure = |error| self.failure("written to", error);
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failure)?;
        let value = work(&mut *connection).await.map_err(|error| self.timed(error))?;
        sqlx::query("COMMIT").execute(&mut *connection).await.map_err(failure)?;
        Ok(value)
    }

    /// Runs what must not stand in a transaction.
    pub(super) async fn outside(&self, sql: &'static str) -> Result<(), StoreError> {
        let mut turn = self.turn().await;
        let mut connection = self.take(&mut turn).await?;
        let done = sqlx::query(sql).execute(&mut connection).await;
        *turn = Some(connection);
        done.map(drop).map_err(|error| self.failure("compacted", error))
    }

    /// Lets whoever waits for a turn find it closed.
    pub(super) async fn end(&self) {
        let mut turn = self.turn().await;
        self.is_closed.store(true, Ordering::Relaxed);
        if let Some(connection) = turn.take() {
            // What was answered is on the disk already.
            let _ = connection.close().await;
        }
    }

    /// Opens another connection with the same settings.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let opened = self.options.connect().await;
        let mut connection = opened.map_err(|error| self.failure("opened", error))?;
        if let Some(interrupt) = self.interrupt.clone() {
            let handle = connection.lock_handle().await;
            let mut handle = handle.map_err(|error| self.failure("opened", error))?;
            handle.set_progress_handler(STEPS_PER_QUESTION, move || !interrupt());
        }
        Ok(connection)
    }

    fn failure(&self, operation: &'static str, error: sqlx::Error) -> StoreError {
        self.timed(failure(operation)(error))
    }

    fn timed(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Busy { .. } => StoreError::Busy { waited_seconds: self.busy_timeout.as_secs() },
            error => error,
        }
    }
}

/// Names what kind of failure an error of SQLite is.
pub(super) fn failure(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    /// Codes of SQLite, <https://www.sqlite.org/rescode.html>; the lower eight bits are the kind.
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CONSTRAINT: i32 = 19;
    const NOT_A_DATABASE: i32 = 26;
    move |error| {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        match code.map(|code| code & 0xff) {
            Some(BUSY | LOCKED) => StoreError::Busy { waited_seconds: 0 },
            Some(FULL) => StoreError::Full(error),
            Some(CORRUPT | NOT_A_DATABASE) => StoreError::Damaged { what: error.to_string() },
            Some(CONSTRAINT) => StoreError::Contradiction { what: error.to_string() },
            _ => StoreError::Unusable { operation, source: error },
        }
    }
}

/// An error while reading.
pub(super) fn unread(error: sqlx::Error) -> StoreError {
    failure("read")(error)
}

/// An error while writing.
pub(super) fn unwritten(error: sqlx::Error) -> StoreError {
    failure("written to")(error)
}
