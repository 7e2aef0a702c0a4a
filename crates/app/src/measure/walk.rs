//! What do a folder and everything below it take?
//!
//! It knows folders, entries and errors; it does not know what an account is.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lastgood_core::observation::FailureKind;
use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;

use super::Measuring;
use super::entry::Entry;
use super::limit::{Counted, Open};
use super::linked::Linked;
use super::share::{Part, Shared};
use super::trail::Trail;
use crate::tree::{TreeError, beneath, failure};

/// How many bytes of a directory are read at once: about 1000 names.
const LISTING_BYTES: usize = 32 * 1024;
/// How many bytes of names of sub-directories are remembered before these are walked and the rest is read.
const NAMES_MAX_BYTES: usize = 256 * 1024;

/// One walk over an account, in one or several rounds.
pub(super) struct Walk<'a> {
    measuring: &'a Measuring,
    linked: Linked,
    regular_file_seen: AtomicBool,
    open: Open,
    trouble: Mutex<Trouble>,
}

/// What was left out.
#[derive(Debug, Default)]
struct Trouble {
    /// The first by its text, so that the same tree always gives the same answer.
    first: Option<TreeError>,
    count: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(measuring: &'a Measuring) -> Self {
        Self {
            measuring,
            linked: Linked::default(),
            regular_file_seen: AtomicBool::new(false),
            open: Open::of(measuring.threads),
            trouble: Mutex::default(),
        }
    }

    pub(super) fn regular_file_seen(&self) -> bool {
        self.regular_file_seen.load(Ordering::Relaxed)
    }

    /// Why the sums do not hold, if they do not.
    pub(super) fn into_trouble(self) -> Option<TreeError> {
        if self.is_stopped() {
            let reason = "measuring was stopped before its end".to_owned();
            return Some(TreeError { kind: FailureKind::TimedOut, reason });
        }
        let trouble = self.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut first = trouble.first?;
        if trouble.count > 1 {
            first.reason =
                format!("{}; the same or worse holds for {} more", first.reason, trouble.count - 1);
        }
        Some(first)
    }

    /// Remembers that something is left out of a sum.
    pub(super) fn leave_out(&self, error: TreeError) -> u64 {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.count += 1;
        if trouble.first.as_ref().is_none_or(|first| error.reason < first.reason) {
            trouble.first = Some(error);
        }
        0
    }

    /// What an entry adds, in bytes: nothing where it was counted under another name.
    pub(super) fn count(&self, entry: &Entry) -> u64 {
        if entry.has_several_names() && !self.linked.is_first(entry) { 0 } else { entry.bytes }
    }

    /// Sums up what an open folder and all below it take, in bytes.
    pub(super) fn sum(&self, folder: OwnedFd, shown: &str) -> u64 {
        let round = Round { walk: self, bytes: AtomicU64::new(0) };
        let folder = Folder { open: folder, trail: Trail::start(shown), _counted: self.open.one() };
        let mut tally = Tally::default();
        round.count_folder(&folder, &mut tally);
        round.close(&tally);
        let threads = self.measuring.threads.max(1);
        let shared = Shared::new(threads, Task::List(Arc::new(folder)));
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| round.work(&shared));
            }
            round.work(&shared);
        });
        round.bytes.into_inner()
    }

    fn is_stopped(&self) -> bool {
        self.measuring.stop.load(Ordering::Relaxed)
    }
}

/// An open folder, counted among those that are open.
struct Folder<'w> {
    open: OwnedFd,
    trail: Arc<Trail>,
    _counted: Counted<'w>,
}

/// What is still to be walked.
enum Task<'w> {
    /// Read on in a list of names, from where it was left.
    List(Arc<Folder<'w>>),
    /// Walk sub-directories.
    Enter(Names<'w>),
}

/// Sub-directories of a folder: their names, each ended by a NUL, from `at` to `end`.
struct Names<'w> {
    folder: Arc<Folder<'w>>,
    bytes: Arc<[u8]>,
    at: usize,
    end: usize,
}

impl Names<'_> {
    /// Takes the next name.
    fn next(&mut self) -> Option<(Arc<[u8]>, std::ops::Range<usize>)> {
        let rest = self.bytes.get(self.at..self.end)?;
        let length = rest.iter().position(|&byte| byte == 0)? + 1;
        let range = self.at..self.at + length;
        self.at += length;
        Some((Arc::clone(&self.bytes), range))
    }
}

impl Part for Task<'_> {
    fn split(&mut self) -> Option<Self> {
        let Self::Enter(names) = self else {
            return None;
        };
        let middle = usize::midpoint(names.at, names.end);
        let length = names.bytes.get(middle..names.end)?.iter().position(|&byte| byte == 0)? + 1;
        let cut = middle + length;
        if cut >= names.end {
            return None;
        }
        let half = Names {
            folder: Arc::clone(&names.folder),
            bytes: Arc::clone(&names.bytes),
            at: cut,
            end: names.end,
        };
        names.end = cut;
        Some(Self::Enter(half))
    }
}

/// What one thread has counted since it last said so.
#[derive(Default)]
struct Tally {
    entry_count: u64,
    bytes: u64,
    regular_file_seen: bool,
}

/// One folder of the home and all below it.
struct Round<'w> {
    walk: &'w Walk<'w>,
    bytes: AtomicU64,
}

type Stack<'w> = VecDeque<Task<'w>>;

impl<'w> Round<'w> {
    fn work(&self, shared: &Shared<Task<'w>>) {
        let mut buffer = Vec::with_capacity(LISTING_BYTES);
        shared.work(|task, stack| {
            if self.walk.is_stopped() {
                return;
            }
            let mut tally = Tally::default();
            let folder = match task {
                Task::List(folder) => Some(folder),
                Task::Enter(names) => self.enter(names, &mut tally, stack),
            };
            if let Some(folder) = folder {
                self.list(folder, &mut Hands { buffer: &mut buffer, shared, stack, tally: &mut tally });
            }
            self.close(&tally);
        });
    }

    /// Opens the next of some sub-directories and counts it; the others go back on the stack, below what is in it.
    fn enter(
        &self,
        mut names: Names<'w>,
        tally: &mut Tally,
        stack: &mut Stack<'w>,
    ) -> Option<Arc<Folder<'w>>> {
        let (bytes, range) = names.next()?;
        let parent = Arc::clone(&names.folder);
        if names.at < names.end {
            stack.push_back(Task::Enter(names));
        } else {
            drop(names);
        }
        let name = CStr::from_bytes_with_nul(&bytes[range]).ok()?;
        let trail = Trail::below(&parent.trail, name);
        if self.walk.open.is_full() {
            self.walk.leave_out(TreeError {
                kind: FailureKind::Refused,
                reason: format!(
                    "{} lies too deep: too many folders would be open at once; have the account's owner clear it, or \
                     raise the limit of open files (LimitNOFILE)",
                    trail.shown()
                ),
            });
            return None;
        }
        match beneath::child_folder(parent.open.as_fd(), name) {
            Ok(open) => {
                let folder = Folder { open, trail, _counted: self.walk.open.one() };
                self.count_folder(&folder, tally);
                Some(Arc::new(folder))
            }
            // It became something else meanwhile.
            Err(error @ (Errno::NOTDIR | Errno::LOOP)) => {
                if self.count_entry(&parent, name, tally) {
                    self.miss(error, &trail);
                }
                None
            }
            Err(error) => {
                self.miss(error, &trail);
                None
            }
        }
    }

    /// Reads a portion of a folder's list, and goes on while nobody else can.
    ///
    /// 1. After each portion that came from the kernel: where somebody is hungry, let them read the next one meanwhile.
    /// 2. Count what is no folder; remember the names of those that are.
    /// 3. Where these become many, walk them before the rest is read.
    fn list(&self, folder: Arc<Folder<'w>>, hands: &mut Hands<'_, 'w>) {
        let mut names = Vec::new();
        let mut list = RawDir::new(&folder.open, hands.buffer.spare_capacity_mut());
        let mut is_left_to_others = false;
        while let Some(entry) = list.next() {
            match entry {
                Ok(entry) => {
                    let name = entry.file_name();
                    if self.is_folder(&folder, name, entry.file_type(), hands.tally) {
                        names.extend_from_slice(name.to_bytes_with_nul());
                    }
                }
                Err(error) => {
                    self.miss(error, &folder.trail);
                    break;
                }
            }
            if !list.is_buffer_empty() {
                if !is_left_to_others && hands.shared.is_anybody_hungry() {
                    hands.shared.give(Task::List(Arc::clone(&folder)));
                    is_left_to_others = true;
                }
                continue;
            }
            if is_left_to_others || self.walk.is_stopped() {
                break;
            }
            if names.len() > NAMES_MAX_BYTES {
                hands.stack.push_back(Task::List(Arc::clone(&folder)));
                break;
            }
        }
        if !names.is_empty() {
            let end = names.len();
            hands.stack.push_back(Task::Enter(Names { folder, bytes: names.into(), at: 0, end }));
        }
    }

    /// Whether an entry of a folder is a sub-directory; counts it where it is none.
    fn is_folder(&self, folder: &Folder<'w>, name: &CStr, stated: FileType, tally: &mut Tally) -> bool {
        match (name.to_bytes(), stated) {
            (b"." | b"..", _) => false,
            (_, FileType::Directory) => true,
            // Some file systems do not say it in the list.
            _ => self.count_entry(folder, name, tally),
        }
    }

    /// Counts what a name stands for; returns true, and counts nothing, where that is a folder.
    fn count_entry(&self, folder: &Folder<'w>, name: &CStr, tally: &mut Tally) -> bool {
        match Entry::seen(folder.open.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(entry) if entry.kind == FileType::Directory => return true,
            Ok(entry) => {
                tally.entry_count += 1;
                tally.bytes = tally.bytes.saturating_add(self.walk.count(&entry));
                tally.regular_file_seen |= entry.kind == FileType::RegularFile;
            }
            Err(error) => self.miss(error, &Trail::below(&folder.trail, name)),
        }
        false
    }

    /// Counts what an open folder takes itself.
    fn count_folder(&self, folder: &Folder<'w>, tally: &mut Tally) {
        match Entry::seen(folder.open.as_fd(), c"", AtFlags::EMPTY_PATH) {
            Ok(entry) => {
                tally.entry_count += 1;
                tally.bytes = tally.bytes.saturating_add(entry.bytes);
            }
            Err(error) => self.miss(error, &folder.trail),
        }
    }

    /// Says that something cannot be counted. What went away since its name was read takes no room any more.
    fn miss(&self, error: Errno, trail: &Trail) {
        if error != Errno::NOENT {
            self.walk.leave_out(failure(error, &trail.shown()));
        }
    }

    fn close(&self, tally: &Tally) {
        if tally.regular_file_seen {
            self.walk.regular_file_seen.store(true, Ordering::Relaxed);
        }
        // A sum of sizes only exceeds 64 bits where a file system lies: it stays the largest number there is.
        let add = |bytes: u64| Some(bytes.saturating_add(tally.bytes));
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.walk.measuring.progress.add(tally.entry_count, tally.bytes);
    }
}

/// What one thread works with.
struct Hands<'t, 'w> {
    buffer: &'t mut Vec<u8>,
    shared: &'t Shared<Task<'w>>,
    stack: &'t mut Stack<'w>,
    tally: &'t mut Tally,
}
