//! What is ready to start in the second to come?
//!
//! Most of the cost of a firing is finding the job in memory. That is done before the second begins, for jobs that will
//! simply fall due then; in the second itself their calls are only handed out. What changes in between is noticed there.

use std::sync::Arc;

use super::calendar::Place;
use super::groups::Groups;
use super::slab::{Entry, State};
use super::{Start, Table};
use crate::clock::Second;
use crate::collector::Collector;
use crate::job::Call;

/// How many portions are aimed at, so that one run that is slow to start holds few others up.
const PORTIONS: usize = 16;

/// Calls that are ready for a second that has not begun.
pub(super) struct Prepared<C: Collector> {
    at: Second,
    portions: Vec<Vec<Start<C>>>,
    portion_size: usize,
    /// How many places of that second have not been looked at.
    unseen: usize,
}

impl<C: Collector> Prepared<C> {
    fn push(&mut self, start: Start<C>) {
        if self.portions.last().is_none_or(|portion| portion.len() >= self.portion_size) {
            self.portions.push(Vec::with_capacity(self.portion_size));
        }
        self.portions.last_mut().expect("one was just made").push(start);
    }
}

/// How many of `count` runs one task is to start.
pub(crate) fn portion_size(count: usize, portion_max: usize) -> usize {
    count.div_ceil(PORTIONS).clamp(1, portion_max)
}

impl<C: Collector> Table<C> {
    /// Makes calls ready for the next second, at most `slice_max` in one go; says whether there are more to make.
    pub(crate) fn prepare(&mut self, slice_max: usize, portion_max: usize) -> bool {
        let at = self.next_second();
        if self.prepared.as_ref().is_some_and(|prepared| prepared.at != at || prepared.unseen == 0) {
            return false;
        }
        let mut places = self.calendar.take_at(at);
        let mut prepared = self.prepared.take().unwrap_or_else(|| {
            let unseen = places.len();
            Prepared { at, portions: Vec::new(), portion_size: portion_size(unseen, portion_max), unseen }
        });
        let later = places.split_off(slice_max.min(prepared.unseen).min(places.len()));
        prepared.unseen = prepared.unseen.saturating_sub(slice_max).min(later.len());
        let more = prepared.unseen > 0;
        let mut kept = Vec::new();
        for place in places {
            match self.prepare_one(place, at) {
                Some(start) => prepared.push(start),
                None => kept.push(place),
            }
        }
        // Those that were looked at go last, so that the next slice begins with others.
        self.calendar.put_back(at, later, kept);
        self.prepared = Some(prepared);
        more
    }

    /// Undoes what was made ready: everything is about to be planned anew.
    pub(super) fn discard_prepared(&mut self) {
        for start in self.prepared.take().into_iter().flat_map(|prepared| prepared.portions).flatten() {
            self.undo(&start);
        }
    }

    /// Undoes what was made ready for a second that passed unseen long ago: it is caught up with like everything else.
    fn put_back_prepared(&mut self) {
        let Some(Prepared { at, portions, .. }) = self.prepared.take() else { return };
        for start in portions.into_iter().flatten() {
            if !self.undo(&start) {
                continue;
            }
            let epoch = self.next_epoch();
            let entry = self.slab.get_mut(start.slot);
            (entry.epoch, entry.next) = (epoch, at);
            self.calendar.put(at, Place { slot: start.slot, epoch });
        }
    }

    /// Makes a job idle that is still ready for this call; true if it is there.
    fn undo(&mut self, start: &Start<C>) -> bool {
        let is_ready = |entry: &&mut Entry<C>| {
            entry.state == State::Prepared && (entry.epoch == start.epoch || entry.is_vanished)
        };
        let Some(entry) = self.slab.find_mut(start.slot).filter(is_ready) else { return false };
        entry.state = State::Idle;
        let is_there = !entry.is_vanished;
        if !is_there {
            self.free(start.slot);
        }
        is_there
    }

    /// `None` if what becomes of the job shows only when the second has come.
    fn prepare_one(&mut self, place: Place, at: Second) -> Option<Start<C>> {
        let entry = self.slab.find_mut(place.slot).filter(|entry| entry.epoch == place.epoch)?;
        let is_simple = entry.state == State::Idle
            && entry.next == at
            && entry.not_before <= at
            && entry.group == Groups::NONE;
        if !is_simple {
            return None;
        }
        let plan = &self.plans[entry.plan as usize];
        // What fires is the call's alone until it is launched: it may yet be undone.
        let affecting = entry.affecting.and(plan.affecting(entry.start, at));
        entry.next = plan.next(entry.start, at);
        entry.due_at = at;
        entry.state = State::Prepared;
        let call = Call {
            kept: Arc::clone(entry.kept()),
            affecting,
            scheduled_at: at,
            missed_count: u64::from(entry.missed),
        };
        self.calendar.put(entry.next, place);
        Some(Start { slot: place.slot, epoch: place.epoch, call })
    }

    /// Hands out, portion by portion, what was made ready for a second that has begun. Where fewer than `room` may start,
    /// or others wait already, it joins the queue instead; where the clock went on by a step, it is caught up with.
    pub(crate) fn launch(&mut self, now: Second, room: usize, mut start: impl FnMut(Vec<Start<C>>)) {
        if self.is_step(now) {
            return self.put_back_prepared();
        }
        let Some(prepared) = self.prepared.take_if(|prepared| prepared.at <= now) else { return };
        let count: usize = prepared.portions.iter().map(Vec::len).sum();
        let is_queueing = count > room || !self.queue.is_empty();
        for mut portion in prepared.portions {
            portion.retain_mut(|prepared| self.launch_one(prepared, is_queueing));
            if !portion.is_empty() {
                start(portion);
            }
        }
    }

    /// Whether it starts here and now.
    fn launch_one(&mut self, prepared: &mut Start<C>, is_queueing: bool) -> bool {
        let slot = prepared.slot;
        let is_prepared = |entry: &&mut Entry<C>| {
            entry.state == State::Prepared && (entry.epoch == prepared.epoch || entry.is_vanished)
        };
        let Some(entry) = self.slab.find_mut(slot).filter(is_prepared) else { return false };
        if entry.is_vanished {
            entry.state = State::Idle;
            self.free(slot);
            return false;
        }
        if is_queueing || entry.group != Groups::NONE {
            entry.state = State::Queued;
            entry.affecting = prepared.call.affecting;
            self.enqueue(slot);
            return false;
        }
        entry.state = State::Running;
        entry.admitted_to = Groups::NONE;
        (entry.affecting, entry.missed) = Default::default();
        if !Arc::ptr_eq(entry.kept(), &prepared.call.kept) {
            prepared.call.kept = Arc::clone(entry.kept());
        }
        self.running += 1;
        true
    }
}
