//! Where does the demonstration keep its files? In a folder of its own that only this user can read, and that is gone when
//! this is dropped.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How many names are tried: others may be taken by demonstrations that were killed.
const NAMES_MAX: u32 = 100;

/// A folder until it is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one in the folder for temporary files. One that is there already is never used: it may be somebody else's.
    pub(super) fn new() -> io::Result<Self> {
        let id = std::process::id();
        let mut tried = 0;
        loop {
            let path = std::env::temp_dir().join(format!("lastgood-demo-{id}-{tried}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tried < NAMES_MAX => tried += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it.
    pub(super) fn write(&self, name: &str, content: &str) -> io::Result<()> {
        std::fs::write(self.0.join(name), content)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays where temporary files stay.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
