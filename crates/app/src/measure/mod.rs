//! How much room does an account take on the disk?
//!
//! What `du -s -B1 incoming .snapshots` says: allocated blocks of files, folders and links alike; a file with several
//! names counted once, in `incoming` first. No link is followed, and access times are left alone where that is permitted.
//! It does not know what may be used, nor which files mean what.
//!
//! A folder is opened relative to the one above it and the walk goes down before it goes on, so that the folders that
//! are open at once are as many as the tree is deep, on each thread. It blocks: who calls it in a runtime gives it a
//! thread of its own.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lastgood_core::observation::FailureKind;
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use self::entry::Entry;
use self::walk::Walk;
use crate::tree::{Home, INCOMING, SNAPSHOTS, TreeError};

mod entry;
mod linked;
mod limit;
mod share;
mod trail;
mod walk;

/// How one account is measured.
#[derive(Clone, Debug)]
pub struct Measuring {
    /// How many threads walk at once, at least 1. Two are enough to wait for one disk while reading another's answer.
    pub threads: usize,
    /// Where it is told how far the walk is.
    pub progress: Arc<Progress>,
    /// Set to true, it ends the walk soon, as an error.
    pub stop: Arc<AtomicBool>,
}

impl Default for Measuring {
    /// As many threads as there are processors, at most 8: beyond that they wait for each other in the kernel.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get).min(8);
        Self { threads, progress: Arc::default(), stop: Arc::default() }
    }
}

/// How far a walk is; counted up after every portion of a folder.
#[derive(Debug, Default)]
pub struct Progress {
    entry_count: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// How many files, folders and links were seen.
    pub fn entry_count(&self) -> u64 {
        self.entry_count.load(Ordering::Relaxed)
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn add(&self, entry_count: u64, bytes: u64) {
        self.entry_count.fetch_add(entry_count, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// How much room an account takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Allocated bytes of `incoming` and all below it.
    pub incoming_bytes: u64,
    /// Allocated bytes of `.snapshots` and all below it, without what `incoming` has already counted; 0 where there is
    /// no `.snapshots`. Where that is a link: what the link itself takes.
    pub snapshots_bytes: u64,
    /// True if there is a regular file anywhere below either.
    pub regular_file_seen: bool,
}

/// Why an account could not be measured. All of it that can be read was walked, unless the walk was stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MeasureError {
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words: what, where, and what to do about it. Names in it are escaped.
    pub reason: String,
    /// True if a regular file was seen nevertheless; false says nothing.
    pub regular_file_seen: bool,
}

/// Measures an account.
///
/// Fails where `incoming` is missing, a link or no folder, where any folder cannot be read, and where the folders are
/// nested deeper than files may be open: a sum that leaves something out is never given.
pub fn measure(home: &Home, measuring: &Measuring) -> Result<Measured, MeasureError> {
    let walk = Walk::new(measuring);
    let incoming_bytes = folder(home, INCOMING, &walk).unwrap_or_else(|error| walk.leave_out(error));
    let snapshots_bytes = snapshots(home, &walk).unwrap_or_else(|error| walk.leave_out(error));
    let regular_file_seen = walk.regular_file_seen();
    match walk.into_trouble() {
        None => Ok(Measured { incoming_bytes, snapshots_bytes, regular_file_seen }),
        Some(TreeError { kind, reason }) => Err(MeasureError { kind, reason, regular_file_seen }),
    }
}

/// Measures a folder of the home.
fn folder(home: &Home, name: &str, walk: &Walk<'_>) -> Result<u64, TreeError> {
    Ok(walk.sum(home.listed(name)?, &format!("{}/{name}", home.shown())))
}

/// Measures `.snapshots`, whatever it is.
fn snapshots(home: &Home, walk: &Walk<'_>) -> Result<u64, TreeError> {
    match Entry::seen(home.as_fd(), SNAPSHOTS, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(0),
        Ok(entry) if entry.kind != FileType::Directory => Ok(walk.count(&entry)),
        // What cannot even be asked about cannot be opened either, and that says why.
        Ok(_) | Err(_) => folder(home, SNAPSHOTS, walk),
    }
}
