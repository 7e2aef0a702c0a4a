//! How is a customer's folder read without being led out of it?
//!
//! The customer writes these folders and may plant anything in them: links, pipes, devices, names that are no text, files
//! that grow. Nothing below a home is reached by a path that the kernel may follow: every step is opened relative to the
//! folder before it, links are never followed, and only plain files of at most [`FILE_MAX_BYTES`] are read. What a link
//! points to is never asked for, so no message can hold a byte of it. It does not know what stands in the files.
//!
//! Everything here blocks on the disk, never on the customer: who calls it in a runtime gives it a thread of its own and
//! sets the deadline.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::observation::FailureKind;
use rustix::fs::{FileType, RawDir};

use self::obstacle::{Obstacle, Step};

pub mod beneath;
mod file;
mod obstacle;
mod path;

pub use self::file::FILE_MAX_BYTES;
pub use self::obstacle::{TreeError, failure, shown};

/// The folder of a home that holds the current data, a sub-directory per computer.
pub const INCOMING: &str = "incoming";
/// The folder of a home that holds what the data was, on other days.
pub const SNAPSHOTS: &str = ".snapshots";
/// The folder of a computer that holds the files its client writes about itself.
const ABOUT: &str = ".sepiola_backup";
/// The computer whose files lie directly in `incoming/.sepiola_backup`: its client was given no folder.
const UNNAMED_COMPUTER: &str = ".";

/// How many computers an account may have. A customer who makes more costs their own look, not our memory.
pub const COMPUTERS_MAX: usize = 10_000;
/// How many entries of `incoming` are read in search of computers, for the same reason: an entry takes about 1 µs.
const ENTRIES_MAX: usize = 1_000_000;
/// How many bytes of a directory are read at once.
const LISTING_BYTES: usize = 32 * 1024;

/// The home of an account, open: whatever its path is later made to mean, this stays the same folder.
#[derive(Debug)]
pub struct Home {
    folder: OwnedFd,
    /// How messages call it: escaped, and cut where it is long.
    shown: Arc<str>,
}

impl Home {
    /// Opens the home that a directory names, below `root` where the customers' file system is mounted elsewhere.
    ///
    /// `/./` and doubled slashes are collapsed. The administrator's own links above the home are followed; the home
    /// itself may be none. Fails where the path is relative or holds `..`, and where there is no such folder.
    pub fn open(root: Option<&Path>, home: &str) -> Result<Self, TreeError> {
        Self::opened(&path::collapsed(root, home)?)
    }

    /// Opens the home that somebody at a terminal names: any path, whose last part may be no link.
    pub fn named(path: &Path) -> Result<Self, TreeError> {
        // Components leave out what would make the last of them followed: a slash or `/.` at the end.
        Self::opened(&path.components().collect::<std::path::PathBuf>())
    }

    fn opened(path: &Path) -> Result<Self, TreeError> {
        let shown = shown(path.as_os_str().as_encoded_bytes());
        let folder = beneath::top_folder(path).map_err(|step| step.obstacle.at(&shown))?;
        Ok(Self { folder, shown: shown.into() })
    }

    /// How messages call it: its path, escaped, and cut where it is long.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Opens one of its folders for its list. Fails where it is missing, a link or unreadable.
    pub fn listed(&self, name: &str) -> Result<OwnedFd, TreeError> {
        let place = format!("{}/{}", self.shown, shown(name.as_bytes()));
        let folder =
            beneath::folder(self.as_fd(), &[name.as_bytes()]).map_err(|step| step.obstacle.at(&place))?;
        beneath::readable(folder.as_fd()).map_err(|error| Obstacle::from(error).at(&place))
    }

    /// Lists the computers: every direct sub-directory of `incoming`, sorted by the bytes of its name.
    ///
    /// A link in `incoming` is a computer, too, one whose files are all [`Found::Untrusted`]; so is `.sepiola_backup` in
    /// `incoming`, whatever it is: it stands for the computer `.`. Other files are none. Fails where `incoming` is
    /// missing, a link or unreadable, and where it holds more than [`COMPUTERS_MAX`] computers.
    pub fn computers(&self) -> Result<Vec<Computer>, TreeError> {
        let place = format!("{}/{INCOMING}", self.shown);
        let failed = |step: Step| step.obstacle.at(&place);
        let incoming = beneath::folder(self.as_fd(), &[INCOMING.as_bytes()]).map_err(failed)?;
        let listing =
            beneath::readable(incoming.as_fd()).map_err(|error| Obstacle::from(error).at(&place))?;
        let names = computer_names(&listing, &place)?;
        let incoming = Arc::new(incoming);
        let computer =
            |name| Computer { name, incoming: Arc::clone(&incoming), home: Arc::clone(&self.shown) };
        Ok(names.into_iter().map(computer).collect())
    }
}

impl AsFd for Home {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

fn computer_names(listing: &OwnedFd, place: &str) -> Result<Vec<Name>, TreeError> {
    let mut buffer = Vec::with_capacity(LISTING_BYTES);
    let mut entries = RawDir::new(listing, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    let mut entry_count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| Obstacle::from(error).at(place))?;
        let name = entry.file_name();
        entry_count += 1;
        match name.to_bytes() {
            b"." | b".." => continue,
            bytes if bytes == ABOUT.as_bytes() => names.push(Name::new(UNNAMED_COMPUTER)),
            bytes if is_computer(listing, name, entry.file_type()) => names.push(Name::new(bytes)),
            _ => {}
        }
        if names.len() > COMPUTERS_MAX || entry_count > ENTRIES_MAX {
            return Err(TreeError {
                kind: FailureKind::Malformed,
                reason: format!(
                    "{place} holds more than {COMPUTERS_MAX} computers or {ENTRIES_MAX} entries: have the account's \
                     owner clear it"
                ),
            });
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether an entry of `incoming` is a computer. One that went away meanwhile, or cannot be asked about, is none.
fn is_computer(incoming: &OwnedFd, name: &std::ffi::CStr, stated: FileType) -> bool {
    let kind = match stated {
        FileType::Unknown => beneath::kind_of(incoming.as_fd(), name),
        stated => Some(stated),
    };
    matches!(kind, Some(FileType::Directory | FileType::Symlink))
}

/// A computer that is backed up into an account.
#[derive(Clone, Debug)]
pub struct Computer {
    name: Name,
    incoming: Arc<OwnedFd>,
    home: Arc<str>,
}

/// What stood where a file of a client was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, and it is certain that nothing does.
    Absent,
    /// Something that must not be believed, or that could not be read: a link, a pipe, a folder, too large a file.
    Untrusted {
        /// Why, from the closed set.
        kind: FailureKind,
        /// Why, in words, and what to do about it.
        reason: String,
        /// When it was last modified; of a link the link itself. `None` where even that could not be asked.
        modified_at: Option<Timestamp>,
    },
    /// A plain file, read to its end. What stands in it is still the customer's.
    There {
        /// All of it, at most [`FILE_MAX_BYTES`].
        bytes: Vec<u8>,
        /// When it was last modified, to the nanosecond.
        modified_at: Timestamp,
    },
}

impl Computer {
    /// The name of its folder in `incoming`, or `.` for the computer without one.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Reads one of the files its client writes, such as `backupStarted.xml`.
    ///
    /// A computer without a `.sepiola_backup` has none of them. Where that folder, or the computer, is a link, no folder,
    /// or cannot be opened, every file is [`Found::Untrusted`]. `name` is a plain file name: one that could lead elsewhere
    /// is untrusted, too.
    pub fn file(&self, name: &str) -> Found {
        let is_unnamed = self.name.bytes() == UNNAMED_COMPUTER.as_bytes();
        let steps = [self.name.bytes(), ABOUT.as_bytes()];
        let steps = if is_unnamed { &steps[1..] } else { &steps[..] };
        match beneath::folder(self.incoming.as_fd(), steps) {
            Ok(folder) => file::read(folder.as_fd(), name, &self.place(steps.len(), Some(name))),
            // Without the folder about itself the client has written nothing. A computer that was listed and is gone
            // is another matter: a look that came at the wrong moment.
            Err(step) if step.obstacle == Obstacle::Missing && step.index + 1 == steps.len() => Found::Absent,
            Err(step) => step.obstacle.untrusted(&self.place(step.index + 1, None), None),
        }
    }

    /// How messages call the first `depth` steps to a file of it, and the file behind them.
    fn place(&self, depth: usize, file: Option<&str>) -> String {
        let is_unnamed = self.name.bytes() == UNNAMED_COMPUTER.as_bytes();
        let mut place = format!("{}/{INCOMING}", self.home);
        if !is_unnamed {
            place = format!("{place}/{}", shown(self.name.bytes()));
        }
        if is_unnamed || depth > 1 {
            place = format!("{place}/{ABOUT}");
        }
        file.map_or(place.clone(), |file| format!("{place}/{}", shown(file.as_bytes())))
    }
}
