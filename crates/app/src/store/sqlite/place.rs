//! Is the file we write to still the one that the next start will read?
//!
//! A file that was moved away or replaced goes on taking what we write, and nobody would notice before all of it is gone.
//! It is compared by its number on the disk, without being opened: closing it would drop the locks that SQLite holds.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lastgood_core::id::Escaped;

/// A file under its name.
pub(super) struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Place {
    /// The file that has this name now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        // A relative name means the same file wherever the program stands later.
        Ok(Self { path: std::path::absolute(path)?, device: found.dev(), inode: found.ino() })
    }

    /// What became of it, and what to do; `None` if it has its name still.
    pub(super) fn trouble(&self) -> Option<String> {
        let is_same = |found: &Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        let became = match std::fs::metadata(&self.path) {
            Ok(found) if is_same(&found) => return None,
            Ok(_) => "was replaced by another file".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "was moved away or removed".to_owned(),
            Err(error) => format!("cannot be found any more ({error})"),
        };
        let path = Escaped(&self.path.display().to_string()).to_string();
        Some(format!(
            "the database {path} {became}: what is kept now is lost at the next start; stop lastgood, put the file back \
             with its -wal and -shm, and start it"
        ))
    }
}
