//! What stood in the way of reading something of a customer's, and in which words is that said?
//!
//! It knows the errors of the kernel. It does not know what was to be read, and never what a link points to.

use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lastgood_core::observation::{FailureKind, cut};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::Found;

/// How many bytes of a path a message holds.
const SHOWN_MAX_BYTES: usize = 300;

/// Why a folder of a customer could not be read; holds nothing of what a link points to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TreeError {
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words: what, where, and what to do about it. Names in it are escaped.
    pub reason: String,
}

/// Shows a path or a name in a message: escaped, cut where it is long, U+FFFD for what is not UTF-8.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    Escaped(&cut(&text, SHOWN_MAX_BYTES)).to_string()
}

/// Says why the kernel did not let us have what is at a place, which is shown as it stands.
pub fn failure(error: Errno, place: &str) -> TreeError {
    Obstacle::from(error).at(place)
}

/// A step of a way that could not be gone.
#[derive(Debug)]
pub(super) struct Step {
    /// Which component of the way, counted from 0.
    pub(super) index: usize,
    /// What is in the way there.
    pub(super) obstacle: Obstacle,
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nothing is there.
    Missing,
    /// Something else is there than was expected.
    Unexpected {
        /// What is there.
        kind: FileType,
        /// What was expected, with its article.
        expected: &'static str,
    },
    /// No name of one file: empty, `.`, `..`, or with a slash or a NUL in it.
    NoName,
    /// More bytes than a file of a client may have.
    TooLarge,
    /// A modification time outside of the years we can name.
    NoTime,
    /// The kernel says no.
    Error(Errno),
}

impl From<Errno> for Obstacle {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT => Self::Missing,
            error => Self::Error(error),
        }
    }
}

impl Obstacle {
    /// Says it of a place, which is shown as it stands.
    pub(super) fn at(self, place: &str) -> TreeError {
        TreeError { kind: self.kind(), reason: format!("{place} {}", self.words()) }
    }

    /// Says it of a file.
    pub(super) fn untrusted(self, place: &str, modified_at: Option<Timestamp>) -> Found {
        let TreeError { kind, reason } = self.at(place);
        Found::Untrusted { kind, reason, modified_at }
    }

    fn kind(self) -> FailureKind {
        match self {
            Self::Missing => FailureKind::Unreachable,
            Self::Unexpected { .. } | Self::NoName | Self::TooLarge | Self::NoTime => FailureKind::Malformed,
            Self::Error(Errno::ACCESS | Errno::PERM) => FailureKind::Denied,
            Self::Error(_) => FailureKind::Refused,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Missing => "is missing: see whether the account was moved or its file system is mounted".to_owned(),
            Self::Unexpected { kind: FileType::Symlink, .. } => {
                "is a symbolic link, and links of customers are never followed: put what is meant in its place".to_owned()
            }
            Self::Unexpected { kind, expected } => {
                format!("is {}, not {expected}: put what is meant in its place", kind_in_words(kind))
            }
            Self::NoName => "is no name of a file: name one without slashes".to_owned(),
            Self::TooLarge => {
                format!("is larger than {} bytes: no client writes such a file; remove it", super::FILE_MAX_BYTES)
            }
            Self::NoTime => "has a modification time outside of the years -9999 to 9999: touch it".to_owned(),
            Self::Error(Errno::ACCESS | Errno::PERM) => {
                "may not be read by us: run lastgood as a user who may read it".to_owned()
            }
            Self::Error(Errno::MFILE | Errno::NFILE) => {
                "cannot be opened, too many files are: raise the limit of open files (LimitNOFILE)".to_owned()
            }
            Self::Error(error) => format!("cannot be read ({error}): see the log of the kernel"),
        }
    }
}

/// What a file of this kind is called, with its article.
fn kind_in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a plain file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of an unknown kind",
    }
}
