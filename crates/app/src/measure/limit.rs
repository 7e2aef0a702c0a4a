//! How many folders may one walk keep open?
//!
//! A walk keeps the folders open that it is inside of. A customer can nest folders without end, and must not use up
//! what the rest of the program opens.

use std::sync::LazyLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a walk never exceeds, however many may be open: longer ways than this have no path a client could name, since
/// a path of 4096 bytes holds at most 2048 names, and each of 8 threads is inside of at most one such way.
const FOLDERS_MAX: u64 = 16 * 1024;

/// The most folders that one walk keeps open: half of what this program may open, once the limit is as high as it gets.
pub(super) fn folders_max() -> usize {
    static MAX: LazyLock<u64> = LazyLock::new(|| raised_limit().map_or(FOLDERS_MAX, |limit| limit / 2));
    usize::try_from((*MAX).min(FOLDERS_MAX)).unwrap_or(usize::MAX)
}

/// Raises the soft limit of open files to the hard one, which needs no permission; returns it, `None` for no limit.
fn raised_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Forbidden by whoever started us: the walk is content with what there is.
        Err(_) => limit.current,
    }
}
