//! When is the first tick after a start?
//!
//! Who was off for a night knows only what was: judged at once, every source would be unseen for too long, and everybody
//! would be told so just before the first look says otherwise. So the first tick waits until each such source was looked
//! at once, though not for ever: what cannot be seen must be told.

use std::collections::BTreeSet;
use std::time::Duration;

use lastgood_core::id::SourceId;

use crate::clock::Stopwatch;

/// How long it waits at most, and how much longer for each source: the first looks begin a second apart.
const WAIT_MAX: Duration = Duration::from_mins(2);
const WAIT_PER_SOURCE: Duration = Duration::from_secs(1);

/// What the first tick waits for.
pub(super) struct Hold {
    since: Stopwatch,
    wait_max: Duration,
    awaited: BTreeSet<SourceId>,
}

impl Hold {
    /// Waits for these sources, which are unseen for too long.
    pub(super) fn new(unseen: impl Iterator<Item = SourceId>) -> Self {
        let awaited: BTreeSet<_> = unseen.collect();
        let count = u32::try_from(awaited.len()).unwrap_or(u32::MAX);
        Self { since: Stopwatch::start(), wait_max: WAIT_MAX + WAIT_PER_SOURCE * count, awaited }
    }

    /// Goes on after a look at this source, whatever it saw.
    pub(super) fn looked_at(&mut self, source: &SourceId) {
        self.awaited.remove(source);
    }

    /// How many sources are still waited for.
    pub(super) fn awaited_count(&mut self) -> usize {
        if self.since.read() > self.wait_max {
            self.awaited.clear();
        }
        self.awaited.len()
    }
}
