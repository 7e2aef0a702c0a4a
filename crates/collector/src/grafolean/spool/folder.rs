//! Which folder holds a spool, who may touch it, and what lies where in it?
//!
//! ```text
//! lock                                   held while a process uses the spool
//! account-12/00000000000000000007.values a segment, the lowest number first
//! account-12/head                        up to where the first segment was sent
//! refused-12.jsonl                       values the backend refused for good
//! ```
//!
//! It must not know what a segment holds.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::SpoolError;
use super::segment::{private, sealed, unsealed};
use crate::grafolean::value::Value;

/// The folder of a spool, ours until this is dropped.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// How large a file of refused values may become, in bytes; those beyond stand in the log alone.
const REFUSED_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A place in the spool of an account: a segment and an offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::grafolean) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

#[cfg(test)]
impl Position {
    /// A place for tests that need one.
    pub(in crate::grafolean) fn test(offset: u64) -> Self {
        Self { segment: 1, offset }
    }
}

/// What of an account lies in the folder.
pub(super) struct Found {
    pub(super) account_id: i64,
    /// Up to where it was sent.
    pub(super) head: Position,
    /// Its segments, the first one first.
    pub(super) segments: Vec<(u64, PathBuf)>,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it for this process alone.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Io { folder: path.to_owned(), source };
        make(path).map_err(failed)?;
        check(path)?;
        let lock_path = path.join("lock");
        let lock = private().write(true).open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(SpoolError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a segment lies; makes the folder of its account.
    pub(super) fn segment_path(&self, account_id: i64, segment: u64) -> io::Result<PathBuf> {
        let folder = self.of_account(account_id);
        make(&folder)?;
        Ok(folder.join(format!("{segment:020}.values")))
    }

    /// Everything that was left behind.
    pub(super) fn found(&self) -> Result<Vec<Found>, SpoolError> {
        let failed = |source| SpoolError::Io { folder: self.path.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let account_id = name.to_str().and_then(|name| name.strip_prefix("account-")?.parse().ok());
            if let Some(account_id) = account_id {
                check(&entry.path())?;
                found.push(Found {
                    account_id,
                    head: self.head(account_id),
                    segments: segments_in(&entry.path()).map_err(failed)?,
                });
            }
        }
        Ok(found)
    }

    /// Up to where an account was sent; the beginning if that is not known, and then some is sent once more.
    fn head(&self, account_id: i64) -> Position {
        let Ok(bytes) = fs::read(self.of_account(account_id).join("head")) else {
            return Position::default();
        };
        let head = bytes.strip_suffix(b"\n").and_then(unsealed).and_then(|content| {
            let (segment, offset) = content.split_once(' ')?;
            Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
        });
        head.unwrap_or_default()
    }

    /// Notes up to where an account was sent.
    pub(super) fn set_head(&self, account_id: i64, head: Position) -> io::Result<()> {
        let path = self.of_account(account_id).join("head");
        // Always as long as before, so that it is written over in one piece.
        let line = sealed(&format!("{:020} {:020}", head.segment, head.offset));
        private().write(true).truncate(false).open(&path)?.write_all(line.as_bytes())
    }

    /// Keeps a value the backend refused for good; `false` if the file is full.
    pub(super) fn put_aside(&self, account_id: i64, value: &Value, why: &str) -> io::Result<bool> {
        let path = self.path.join(format!("refused-{account_id}.jsonl"));
        let mut file = private().append(true).open(&path)?;
        if file.metadata()?.len() >= REFUSED_MAX_BYTES {
            return Ok(false);
        }
        let refused =
            serde_json::json!({ "p": value.path(), "v": value.number(), "t": value.at().0, "why": why });
        file.write_all(format!("{refused}\n").as_bytes())?;
        Ok(true)
    }

    fn of_account(&self, account_id: i64) -> PathBuf {
        self.path.join(format!("account-{account_id}"))
    }
}

fn segments_in(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".values")?.parse().ok());
        if let Some(number) = number {
            segments.push((number, path));
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whoever can write there can send values in the bot's name.
fn check(folder: &Path) -> Result<(), SpoolError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        const FOR_OTHERS: u32 = 0o022;
        const STICKY: u32 = 0o1000;
        let failed = |source| SpoolError::Io { folder: folder.to_owned(), source };
        let found = fs::metadata(folder).map_err(failed)?;
        let (mode, owner, folder) = (found.mode() & 0o7777, found.uid(), folder.to_owned());
        if mode & FOR_OTHERS != 0 && mode & STICKY != 0 {
            return Err(SpoolError::ForEverybody { folder, mode });
        }
        if own_user().is_some_and(|own| own != owner) {
            return Err(SpoolError::NotOurs { folder, owner });
        }
        if mode & FOR_OTHERS != 0 {
            return Err(SpoolError::WritableByOthers { folder, mode });
        }
    }
    Ok(())
}

/// The user this process runs as, where the system says so: Linux shows it as the owner of this folder.
#[cfg(unix)]
fn own_user() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|own| std::os::unix::fs::MetadataExt::uid(&own))
}
