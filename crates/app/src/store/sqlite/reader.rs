//! Who reads, while another writes?
//!
//! A file is read by a few connections that cannot write, each seeing one instant. A database in memory has one
//! connection for everything.

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Sqlite as Database, Transaction};

use super::writer::{Turn, unread};
use super::{Sqlite, StoreError};

/// Where connections for reading come from.
pub(super) enum Readers {
    /// A few of their own.
    Pool(SqlitePool),
    /// The one that writes.
    Writer,
}

/// What is read through one of these is read as of one instant. Dropping it ends it: there is nothing to commit.
pub(super) enum View<'a> {
    Pooled(Transaction<'static, Database>),
    Writer(Turn<'a>),
}

impl View<'_> {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self {
            Self::Pooled(transaction) => Ok(transaction),
            Self::Writer(turn) => turn.as_mut().ok_or(StoreError::Closed),
        }
    }
}

impl Sqlite {
    /// Begins to read.
    pub(super) async fn view(&self) -> Result<View<'_>, StoreError> {
        match &self.readers {
            Readers::Writer => Ok(View::Writer(self.writer.turn().await)),
            Readers::Pool(pool) => match pool.begin().await {
                Ok(transaction) => Ok(View::Pooled(transaction)),
                Err(sqlx::Error::PoolClosed) => Err(StoreError::Closed),
                Err(error) => Err(unread(error)),
            },
        }
    }
}
