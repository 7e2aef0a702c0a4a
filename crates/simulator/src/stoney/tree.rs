//! How do the customers' trees lie on a stoney host? Homes as the directory names them, below a folder of a test: current
//! copies below `incoming`, one folder per computer, and snapshots that share unchanged files with them.
//!
//! Knows the names clients give their files, not what stands in them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::client::{Client, End, Plan, Wall};

/// The folder of a computer in which clients leave their files.
pub const META_FOLDER: &str = ".sepiola_backup";

/// What a client states about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upload {
    /// That a run began.
    Started,
    /// That it ended.
    Ended,
    /// When runs are planned.
    Scheduler,
}

impl Upload {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Started, Self::Ended, Self::Scheduler];

    /// The name of the file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Started => "backupStarted.xml",
            Self::Ended => "backupEnded.xml",
            Self::Scheduler => "scheduler.xml",
        }
    }
}

/// One backup from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Who ran.
    pub client: Client,
    /// What it had planned.
    pub plan: Plan,
    /// Its number.
    pub id: u64,
    /// When it began.
    pub started: Wall,
    /// When it ended, and how.
    pub ended: Wall,
    /// How it ended.
    pub end: End,
}

/// The home of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Makes the home that the directory names (`homeDirectory`, its `/./` collapsed) below a folder, with `incoming`
    /// and `.snapshots`.
    pub fn make(root: &Path, home_directory: &str) -> io::Result<Self> {
        let inside = home_directory.split('/').filter(|part| !part.is_empty() && *part != ".");
        let home = Self { path: root.join(inside.collect::<PathBuf>()) };
        fs::create_dir_all(home.incoming())?;
        fs::create_dir_all(home.snapshots())?;
        Ok(home)
    }

    /// The home itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where current copies lie.
    pub fn incoming(&self) -> PathBuf {
        self.path.join("incoming")
    }

    /// Where earlier copies lie.
    pub fn snapshots(&self) -> PathBuf {
        self.path.join(".snapshots")
    }

    /// Makes the folder of a computer; `.` is `incoming` itself, where a script without a name for its computer writes.
    pub fn computer(&self, name: impl AsRef<OsStr>) -> io::Result<Computer> {
        let name = name.as_ref();
        let path = if name == "." { self.incoming() } else { self.incoming().join(name) };
        fs::create_dir_all(&path)?;
        Ok(Computer { path })
    }

    /// Makes a snapshot, such as `daily.0`, of all that is in `incoming`: files are hard links to those there.
    pub fn snapshot(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.snapshots().join(name);
        link_all(&self.incoming(), &path)?;
        Ok(path)
    }
}

/// The folder of one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computer {
    path: PathBuf,
}

impl Computer {
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a client's file lies.
    pub fn upload_path(&self, upload: Upload) -> PathBuf {
        self.path.join(META_FOLDER).join(upload.file_name())
    }

    /// Puts a client's file in the place of the one before, at once, as rsync does.
    pub fn put(&self, upload: Upload, content: &[u8], modified_at: Timestamp) -> io::Result<()> {
        let path = self.upload_path(upload);
        fs::create_dir_all(self.path.join(META_FOLDER))?;
        let passing = path.with_file_name(format!(".{}.tmp", upload.file_name()));
        let mut file = File::create(&passing)?;
        file.write_all(content)?;
        file.set_modified(SystemTime::from(modified_at))?;
        drop(file);
        fs::rename(passing, path)
    }

    /// Sets the modification time of a file that is there.
    pub fn touch(&self, upload: Upload, modified_at: Timestamp) -> io::Result<()> {
        let file = File::options().write(true).open(self.upload_path(upload))?;
        file.set_modified(SystemTime::from(modified_at))
    }

    /// Takes a client's file away.
    pub fn remove(&self, upload: Upload) -> io::Result<()> {
        fs::remove_file(self.upload_path(upload))
    }

    /// Leaves what a run leaves: the start, the plan, and the end unless it was killed, each modified when it was written.
    pub fn back_up(&self, run: &Run) -> io::Result<()> {
        self.begin(run)?;
        match run.client.ended(run.ended, run.id, run.end) {
            Some(ended) => self.put(Upload::Ended, ended.as_bytes(), run.ended.timestamp()),
            None => Ok(()),
        }
    }

    /// Leaves what a run leaves while it goes on: the start and the plan.
    pub fn begin(&self, run: &Run) -> io::Result<()> {
        let began_at = run.started.timestamp();
        self.put(Upload::Started, run.client.started(run.started, run.id).as_bytes(), began_at)?;
        self.put(Upload::Scheduler, run.client.scheduler(run.started, &run.plan).as_bytes(), began_at)
    }

    /// Writes a file of a customer, whose folders are made, that takes real blocks.
    pub fn file(&self, inside: impl AsRef<Path>, size_bytes: usize) -> io::Result<PathBuf> {
        let path = self.path.join(inside);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, vec![b'x'; size_bytes])?;
        Ok(path)
    }
}

/// Copies a folder, with hard links for files; links themselves are made anew, unfollowed.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_all(&entry.path(), &target)?;
        } else {
            // The link of a symbolic link is that link, on Linux.
            fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}
