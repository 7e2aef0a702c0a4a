//! Where are the jobs themselves?
//!
//! In pages that never move: growing costs the same at a million jobs as at one, and a job keeps its slot.

use std::sync::Arc;

use super::groups::GroupId;
use super::{Parts, Slot};
use crate::clock::Second;
use crate::collector::Collector;
use crate::interval::Affecting;
use crate::job::Kept;

/// How many jobs a page holds.
const PAGE: usize = 4096;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for its next firing.
    Idle,
    /// Its call is ready for the second to come.
    Prepared,
    /// Due, and not started.
    Queued,
    /// Running.
    Running,
    /// Running, and due again.
    Overrun,
}

/// A job and where it stands.
pub(super) struct Entry<C: Collector> {
    kept: Arc<Kept<C>>,
    pub(super) start: Second,
    /// The first firing that was not accounted for.
    pub(super) next: Second,
    /// The newest firing it is due for, while it is due.
    pub(super) due_at: Second,
    /// Firings before this are not run.
    pub(super) not_before: Second,
    /// Intervals that fired since the last call.
    pub(super) affecting: Affecting,
    /// Firings since the last call that get none of their own.
    pub(super) missed: u32,
    pub(super) plan: u32,
    pub(super) scope: u32,
    pub(super) group: GroupId,
    /// The group whose place it takes while it is due or runs.
    pub(super) admitted_to: GroupId,
    /// The refresh that offered it last.
    pub(super) seen_in: u32,
    /// The place of the calendar that counts; any other is stale.
    pub(super) epoch: u32,
    /// Failures in a row.
    pub(super) failures: u16,
    pub(super) state: State,
    pub(super) is_aligned_to_creation: bool,
    pub(super) is_vanished: bool,
}

impl<C: Collector> Entry<C> {
    pub(super) fn new(parts: Parts<C>, seen_in: u32) -> Self {
        Self {
            kept: Arc::new(parts.kept),
            start: parts.start,
            next: parts.start,
            due_at: parts.start,
            not_before: Second(i64::MIN),
            affecting: Affecting::default(),
            missed: 0,
            plan: parts.plan,
            scope: parts.scope,
            group: parts.group,
            admitted_to: parts.group,
            seen_in,
            epoch: 0,
            failures: 0,
            state: State::Idle,
            is_aligned_to_creation: parts.is_aligned_to_creation,
            is_vanished: false,
        }
    }

    pub(super) fn kept(&self) -> &Arc<Kept<C>> {
        &self.kept
    }

    /// Whether nothing that matters to its runs differs.
    pub(super) fn is_same(&self, parts: &Parts<C>) -> bool {
        let is_same_perform = match (self.kept.perform, parts.kept.perform) {
            (None, None) => true,
            // Two functions of one address do the same; one at two addresses is replaced by itself.
            (Some(old), Some(new)) => std::ptr::fn_addr_eq(old, new),
            _ => false,
        };
        is_same_perform
            && self.plan == parts.plan
            && self.start == parts.start
            && self.is_aligned_to_creation == parts.is_aligned_to_creation
            && self.scope == parts.scope
            && self.group == parts.group
            && self.kept.deadline == parts.kept.deadline
            && self.kept.spec == parts.kept.spec
    }

    /// Becomes the job as it is described now; a run under way goes on with what it was given.
    pub(super) fn take(&mut self, parts: Parts<C>) {
        self.kept = Arc::new(parts.kept);
        self.start = parts.start;
        self.plan = parts.plan;
        self.scope = parts.scope;
        self.group = parts.group;
        self.is_aligned_to_creation = parts.is_aligned_to_creation;
        self.failures = 0;
        self.not_before = Second(i64::MIN);
    }
}

/// All jobs by their slots.
pub(super) struct Slab<C: Collector> {
    pages: Vec<Vec<Option<Entry<C>>>>,
    free: Vec<Slot>,
    len: usize,
}

impl<C: Collector> Default for Slab<C> {
    fn default() -> Self {
        Self { pages: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<C: Collector> Slab<C> {
    /// Takes a job in; `None` if there is no number left for it.
    pub(super) fn insert(&mut self, entry: Entry<C>) -> Option<Slot> {
        if let Some(slot) = self.free.pop() {
            let place = self.place_mut(slot);
            *place = Some(entry);
            self.len += 1;
            return Some(slot);
        }
        let number = self.end();
        if number == u32::MAX {
            return None;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        self.pages.last_mut().expect("one was just made").push(Some(entry));
        self.len += 1;
        Some(Slot(number))
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        *self.place_mut(slot) = None;
        self.free.push(slot);
        self.len -= 1;
    }

    /// How many jobs there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first number that was never given.
    pub(super) fn end(&self) -> u32 {
        let full = self.pages.len().saturating_sub(1) * PAGE;
        u32::try_from(full + self.pages.last().map_or(0, Vec::len)).unwrap_or(u32::MAX)
    }

    /// A job that is known to be there.
    pub(super) fn get(&self, slot: Slot) -> &Entry<C> {
        let (page, place) = split(slot);
        self.pages[page][place].as_ref().expect("its slot is still in use")
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Entry<C> {
        self.place_mut(slot).as_mut().expect("its slot is still in use")
    }

    /// A job that may be gone.
    pub(super) fn find_mut(&mut self, slot: Slot) -> Option<&mut Entry<C>> {
        self.place_mut(slot).as_mut()
    }

    pub(super) fn id(&self, slot: Slot) -> Option<&str> {
        let (page, place) = split(slot);
        self.pages[page][place].as_ref().map(|entry| &*entry.kept.id)
    }

    fn place_mut(&mut self, slot: Slot) -> &mut Option<Entry<C>> {
        let (page, place) = split(slot);
        &mut self.pages[page][place]
    }
}

fn split(slot: Slot) -> (usize, usize) {
    let number = slot.0 as usize;
    (number / PAGE, number % PAGE)
}
