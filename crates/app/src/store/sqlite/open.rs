//! Is this file ours, safe and up to date, and is nobody else using it?
//!
//! Nothing is changed before all of that is known. Migrations stand in a list that only grows.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use futures::FutureExt;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor};

use super::place::Place;
use super::queue::Queue;
use super::reader::Readers;
use super::writer::{Writer, unread, unwritten};
use super::{Options, Sqlite, StoreError};
use crate::store::FindKind;

/// "LstG": tells our databases from those of others.
pub(super) const APPLICATION_ID: i32 = 0x4c73_7447;

/// Every change of the schema, in order; the version of a database is how many of them it has seen.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/0001-first.sql"),
    include_str!("../migrations/0002-serve.sql"),
    include_str!("../migrations/0003-links.sql"),
    include_str!("../migrations/0004-order.sql"),
];

/// So many connections read at once.
const READERS_MAX: u32 = 4;
/// A write-ahead log that has grown beyond this is cut back.
const LOG_BYTES_KEPT: u32 = 64 * 1024 * 1024;

/// The newest version this program knows.
pub(super) fn newest_version() -> i64 {
    super::count(MIGRATIONS.len())
}

/// Opens a database.
///
/// 1. Nobody but the owner may write to the file and its folder; a new file is the owner's alone.
/// 2. The lock beside it is taken, for as long as the store lives.
/// 3. It is asked whose it is and how new, before anything is written.
/// 4. It is brought up to date, and what a crash left half written is cleared away.
///
/// Beside another program only 1 and 3 are done, and it must be up to date already.
pub(super) async fn open(options: Options) -> Result<Sqlite, StoreError> {
    let Options { path, find_kind, busy_timeout, beside, pages_max, interrupt } = options;
    guard(&path)?;
    let lock = if beside { None } else { Some(lock_patiently(&path).await?) };
    if beside {
        std::fs::metadata(&path).map_err(|error| file_error(&path, "found: name a database", error))?;
    } else {
        create(&path)?;
    }
    let plain = SqliteConnectOptions::new().filename(&path).busy_timeout(busy_timeout);
    let version = recognise(&path, plain.clone()).await?;
    if beside && version != newest_version() {
        return Err(StoreError::Older { path, found: version, known: newest_version() });
    }
    // Beside another program the file stays as that one wants it.
    let plain = if beside { plain } else { plain.journal_mode(SqliteJournalMode::Wal) };
    let settings = plain
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("journal_size_limit", LOG_BYTES_KEPT.to_string())
        .pragma("trusted_schema", "OFF");
    let writing = match pages_max {
        Some(pages) => settings.clone().pragma("max_page_count", pages.to_string()),
        None => settings.clone(),
    };
    let readers = SqlitePoolOptions::new().max_connections(READERS_MAX).min_connections(0);
    let readers = Readers::Pool(readers.connect_lazy_with(settings.pragma("query_only", "ON")));
    let writer = Writer::new(writing, false, busy_timeout, interrupt);
    let mut store = Sqlite::new(find_kind, writer, readers, lock);
    store.is_beside = beside;
    if !beside {
        prepare(&mut store).await?;
    }
    store.place = Some(Place::of(&path).map_err(|error| file_error(&path, "looked at", error))?);
    Ok(store)
}

/// Opens a database that lives as long as the store.
pub(super) async fn in_memory(find_kind: FindKind) -> Result<Sqlite, StoreError> {
    let settings = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    let writer = Writer::new(settings, true, Duration::ZERO, None);
    let mut store = Sqlite::new(find_kind, writer, Readers::Writer, None);
    prepare(&mut store).await?;
    Ok(store)
}

/// Step 4 of [`open`].
async fn prepare(store: &mut Sqlite) -> Result<(), StoreError> {
    let next_look = store
        .writer
        .transaction(|connection| {
            async move {
                migrate(connection).await?;
                sweep(connection).await
            }
            .boxed()
        })
        .await?;
    store.next_look = AtomicI64::new(next_look);
    Ok(())
}

impl Sqlite {
    fn new(find_kind: FindKind, writer: Writer, readers: Readers, lock: Option<File>) -> Self {
        let writer = Arc::new(writer);
        Self {
            find_kind,
            queue: Queue::start(Arc::clone(&writer)),
            writer,
            readers,
            sources: std::sync::Mutex::default(),
            next_look: AtomicI64::default(),
            is_beside: false,
            upkeep: tokio::sync::Mutex::new(()),
            place: None,
            lock: std::sync::Mutex::new(lock),
        }
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let version = number(connection, "PRAGMA user_version").await?;
    let seen = usize::try_from(version).unwrap_or(usize::MAX);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(seen) {
        let version = index + 1;
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};");
        connection.execute(*migration).await.map_err(unwritten)?;
        connection.execute(&*marks).await.map_err(unwritten)?;
    }
    Ok(())
}

/// Removes parts whose last row was never written, and returns the number of the next look.
async fn sweep(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    for sql in [
        "DELETE FROM look_part WHERE look NOT IN (SELECT id FROM look)",
        "DELETE FROM checkpoint_part WHERE checkpoint NOT IN (SELECT id FROM checkpoint)",
    ] {
        sqlx::query(sql).execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(number(connection, "SELECT coalesce(max(id), 0) FROM look").await? + 1)
}

/// Asks for one number.
pub(super) async fn number(connection: &mut SqliteConnection, sql: &str) -> Result<i64, StoreError> {
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(unread)
}

/// Step 3 of [`open`]. Returns the version; 0 for a new file.
async fn recognise(path: &Path, options: SqliteConnectOptions) -> Result<i64, StoreError> {
    let foreign = || StoreError::Foreign { path: path.to_owned() };
    let mut connection = options.connect().await.map_err(unread)?;
    let id = match number(&mut connection, "PRAGMA application_id").await {
        Err(StoreError::Damaged { .. }) => return Err(foreign()),
        id => id?,
    };
    let version = number(&mut connection, "PRAGMA user_version").await?;
    let tables = number(&mut connection, "SELECT count(*) FROM sqlite_schema").await?;
    connection.close().await.map_err(unread)?;
    let is_new = id == 0 && version == 0 && tables == 0;
    if !is_new && id != i64::from(APPLICATION_ID) {
        return Err(foreign());
    }
    if version > newest_version() {
        return Err(StoreError::Newer { found: version, known: newest_version() });
    }
    Ok(version)
}

/// The bits of a mode that let somebody else than the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// In a folder with this bit, such as `/tmp`, only the owner of a file can replace it.
const STICKY: u32 = 0o1000;

/// Step 1 of [`open`].
fn guard(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mode = |path: &Path| std::fs::metadata(path).map(|found| found.permissions().mode());
    let folder_mode = mode(folder)
        .map_err(|source| file_error(folder, "found: make the folder of the database", source))?;
    if folder_mode & OTHERS_WRITE != 0 && folder_mode & STICKY == 0 {
        return Err(StoreError::Exposed { path: folder.to_owned() });
    }
    match mode(path) {
        Ok(mode) if mode & OTHERS_WRITE != 0 => Err(StoreError::Exposed { path: path.to_owned() }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_error(path, "looked at", error)),
    }
}

fn file_error(path: &Path, operation: &'static str, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), operation, source }
}

/// Makes an empty file that is the owner's alone, if there is none. One that is there is never opened here: closing it
/// would drop every lock that SQLite holds on it in this program, and another one could take its log away.
fn create(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(file_error(path, "made", error)),
    }
}

/// Where the lock of a database stands.
pub(super) fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    name.into()
}

/// How often, and after which pauses, a lock that is held is tried again: for two seconds. A program that is just being
/// started by this one holds a copy of the lock until it runs.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Step 2 of [`open`].
async fn lock_patiently(path: &Path) -> Result<File, StoreError> {
    for _ in 0..LOCK_TRIES {
        match lock(path) {
            Err(StoreError::InUse { .. }) => tokio::time::sleep(LOCK_PAUSE).await,
            outcome => return outcome,
        }
    }
    lock(path)
}

/// Takes the lock or says who holds it. The lock is the kernel's and ends with the program; what stands in the file only tells people.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock = lock_path(path);
    let failed = |source| file_error(&lock, "locked", source);
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock);
    let mut file = opened.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(64).read_to_string(&mut holder);
            return Err(StoreError::InUse { path: path.to_owned(), holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "process {}", std::process::id()).map_err(failed)?;
    Ok(file)
}
