//! Why could the store not keep or say something, and what is to be done about it?
//!
//! A closed set: the variant decides whether trying again can help. It knows no SQL.

use std::path::PathBuf;

use jiff::Timestamp;
use lastgood_core::id::SourceId;

use super::codec::Damage;

/// Why an operation of the store failed. Nothing of it was kept then, except where the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the lock longer than we wait.
    #[error(
        "the database is locked by another program for more than {waited_seconds} s: end the sqlite3, backup or copy \
         that has it open, then try again"
    )]
    Busy {
        /// How long was waited.
        waited_seconds: u64,
    },
    /// Another lastgood uses the database.
    #[error(
        "the database {} is already in use by another lastgood ({holder}): stop that one, or name another database",
        path.display()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// Which one, as far as it says.
        holder: String,
    },
    /// There is no room on the disk, or the database has reached its limit.
    #[error("there is no room left for the database: make room on its disk; nothing was half written")]
    Full(#[source] sqlx::Error),
    /// It cannot be opened, read or written.
    #[error(
        "the database could not be {operation}: check that its disk works and that its folder may be written to"
    )]
    Unusable {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: sqlx::Error,
    },
    /// A file beside or of the database could not be used.
    #[error("the file {} could not be {operation}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// What is kept is not what was written.
    #[error("the database is damaged ({what}): run `lastgood db check`, and put back a backup of it")]
    Damaged {
        /// Where.
        what: String,
    },
    /// Its bytes were written by a newer version, or by one that knew other kinds.
    #[error("the database cannot be read in full: {what}; run the version that wrote it, or a newer one")]
    NotKnown {
        /// What is not known.
        what: String,
    },
    /// It was made by a newer version.
    #[error("the database has version {found}, this program knows up to {known}: run the newer program")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest one we know.
        known: i64,
    },
    /// It was made by an older version, and another program may be using it.
    #[error(
        "the database {} has version {found}, this program works with version {known}: start `lastgood serve` once, \
         which brings it up to date",
        path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its version; 0 if nothing was ever kept in it.
        found: i64,
        /// The one we need.
        known: i64,
    },
    /// Only the program that has the database to itself may do so.
    #[error(
        "a program that works beside the daemon cannot {operation}: this is left to the one program that has the \
         database to itself"
    )]
    Beside {
        /// What was asked.
        operation: &'static str,
    },
    /// It belongs to something else.
    #[error("{} is a database of another program: name a file of its own for lastgood", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may change it.
    #[error("others may write to {}: run `chmod go-w` on it, then check what it holds", path.display())]
    Exposed {
        /// The file or its folder.
        path: PathBuf,
    },
    /// The look began before one that is already kept, or at the same instant.
    #[error(
        "a look at {source_id} that began at {observed_at} is not kept, since one that began at {newest_at} is: was the \
         clock of this machine set back? Looks are kept again once that instant has passed, or under another name of \
         the source"
    )]
    NotNewer {
        /// The source.
        source_id: SourceId,
        /// When the refused look began.
        observed_at: Timestamp,
        /// When the newest one that is kept began.
        newest_at: Timestamp,
    },
    /// A source changed its kind.
    #[error("{source_id} was a {before} and is a {now} now: give the new one a name of its own")]
    OtherKind {
        /// The source.
        source_id: SourceId,
        /// What it was.
        before: String,
        /// What it is now.
        now: &'static str,
    },
    /// A source stated two things with the same key, so that nobody can tell which is which.
    #[error(
        "{source_id} states two different things as {what}: this is a mistake of that source's reader, report it"
    )]
    Twins {
        /// The source.
        source_id: SourceId,
        /// The key both have.
        what: String,
    },
    /// Something was decided, acknowledged or silenced since the plan was made.
    #[error("what was planned is out of date: something was decided or said meanwhile; plan again")]
    Superseded,
    /// There is no such thing (any more).
    #[error("there is no {what}")]
    NotThere {
        /// What was named.
        what: String,
    },
    /// The same was told before, or a decision contradicts what is kept. Nothing of the decision was kept.
    #[error("the decision contradicts what is kept ({what}): this is a mistake of this program, report it")]
    Contradiction {
        /// What.
        what: String,
    },
    /// An instant that nobody means.
    #[error("{0} lies outside the years 1678 to 2261: correct the date, or the clock of this machine")]
    OutOfTime(Timestamp),
    /// The answer could not be written where the caller wanted it.
    #[error("the export could not be written")]
    Output(#[source] std::io::Error),
    /// The store is being closed.
    #[error("the store is closed: the program is ending")]
    Closed,
}

impl StoreError {
    /// True where the same may succeed a little later, without anybody changing what is asked.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Full(_) | Self::Unusable { .. } | Self::File { .. } => true,
            Self::InUse { .. }
            | Self::Damaged { .. }
            | Self::NotKnown { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Beside { .. }
            | Self::Foreign { .. }
            | Self::Exposed { .. }
            | Self::NotNewer { .. }
            | Self::OtherKind { .. }
            | Self::Twins { .. }
            | Self::Superseded
            | Self::NotThere { .. }
            | Self::Contradiction { .. }
            | Self::OutOfTime(_)
            | Self::Output(_)
            | Self::Closed => false,
        }
    }
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged { what: damage.to_string() }
    }
}
