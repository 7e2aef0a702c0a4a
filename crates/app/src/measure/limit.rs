//! How many folders may be open at once?
//!
//! A walk keeps the folders open that it is inside of. A customer can nest folders without end, and must not use up
//! what the rest of the program opens, nor what the walks over other accounts do.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many folders each thread of a walk is inside of at most: a path has at most 4096 bytes, and so 2048 names. Deeper
/// folders have no path that anybody could give to a program.
const NESTED_MAX: usize = 2048;

/// How many folders all walks together have open.
static OPEN_COUNT: AtomicUsize = AtomicUsize::new(0);

/// The most folders that all walks together keep open: half of what this program may open, once that limit is as high as
/// it gets.
static OPEN_MAX: LazyLock<usize> = LazyLock::new(|| {
    let limit = raised_limit().unwrap_or(u64::MAX);
    usize::try_from(limit / 2).unwrap_or(usize::MAX)
});

/// What one walk has open.
#[derive(Debug)]
pub(super) struct Open {
    count: AtomicUsize,
    max: usize,
}

impl Open {
    /// Nothing yet. What one thread has given to another counts for both.
    pub(super) fn of(threads: usize) -> Self {
        Self { count: AtomicUsize::new(0), max: threads.saturating_add(1).saturating_mul(NESTED_MAX) }
    }

    /// Whether one more would be too many.
    pub(super) fn is_full(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= self.max || OPEN_COUNT.load(Ordering::Relaxed) >= *OPEN_MAX
    }

    /// Counts a folder for as long as what is returned is kept.
    pub(super) fn one(&self) -> Counted<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        OPEN_COUNT.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }
}

/// An open folder that is counted.
#[derive(Debug)]
pub(super) struct Counted<'w>(&'w Open);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        OPEN_COUNT.fetch_sub(1, Ordering::Relaxed);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_full_where_each_of_its_threads_is_as_deep_as_a_path_can_be() {
        let open = Open::of(1);
        let mut kept: Vec<_> = (1..2 * NESTED_MAX).map(|_| open.one()).collect();
        assert!(!open.is_full());
        kept.push(open.one());
        assert!(open.is_full() && !Open::of(1).is_full());
        drop(kept);
        assert!(!open.is_full());
    }
}
