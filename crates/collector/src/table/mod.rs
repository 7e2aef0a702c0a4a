//! Which jobs are there, which fall due, and whose turn is it?
//!
//! The whole book-keeping of the engine as one value without tasks, clocks or locks: every instant is an argument. A job
//! is idle, in the queue, or running; what falls due meanwhile is remembered as one more firing that knows how many it
//! stands for. A job that vanished while it is in the queue or runs is let go when it leaves.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use self::calendar::{Calendar, Place};
use self::groups::{GroupId, Groups};
use self::prepared::Prepared;
pub(crate) use self::prepared::portion_size;
use self::slab::{Entry, Slab, State};
use crate::backoff::Backoff;
use crate::clock::Second;
use crate::collector::Collector;
use crate::failure::Failure;
use crate::interval::{Affecting, IntervalError, Intervals};
use crate::job::{Call, Job, Kept, Phase, start_from_id};

mod calendar;
mod groups;
mod prepared;
mod slab;
#[cfg(test)]
mod tests;

/// The number of a job in the table, free again after the job left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// By how many seconds a clock may go forth unseen, or back, before everything is planned anew: more than a busy machine
/// loses, less than anybody sets a clock by on purpose.
const STEP_SECONDS: i64 = 5;

/// Over how many seconds jobs are spread that missed a firing because the clock was set or the machine slept.
const CATCH_UP_SECONDS: u64 = 60;

/// How many jobs a slice of a sweep looks at.
const SWEEP_SLICE: u32 = 32 * 1024;

/// What became of an offered job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It was not there before.
    New,
    /// Nothing about it changed: it is left alone.
    Same,
    /// It replaces what was there.
    Changed,
}

/// Why an offered job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(transparent)]
    Intervals(#[from] IntervalError),
    #[error("it was offered twice in one refresh; the first stands: give every job an id of its own")]
    Twice,
    #[error("there are {} jobs already; let several engines share them", u32::MAX)]
    Full,
}

/// A run that is to start.
pub(crate) struct Start<C: Collector> {
    pub(crate) slot: Slot,
    /// The epoch of the job when the call was made.
    epoch: u32,
    pub(crate) call: Call<C>,
}

/// How far a sweep has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// There is more to look at.
    Going,
    /// All was looked at; so many jobs were removed since the sweep began.
    Done(usize),
}

/// All jobs.
pub(crate) struct Table<C: Collector> {
    slab: Slab<C>,
    /// Slots by the id of their job, with a part of its hash, so that growing needs to look at no job.
    index: HashTable<(Slot, u32)>,
    calendar: Calendar,
    queue: VecDeque<Slot>,
    prepared: Option<Prepared<C>>,
    groups: Groups,
    /// Interval lists: few, and shared by very many jobs.
    plans: Vec<Arc<Intervals>>,
    plan_numbers: HashMap<Arc<Intervals>, u32>,
    scopes: HashMap<Box<str>, u32>,
    /// Scopes that could not be listed in this refresh.
    kept_scopes: HashSet<u32>,
    /// The number of this refresh.
    refresh: u32,
    /// Up to which slot a sweep has come, and how many it removed.
    swept: Option<(u32, usize)>,
    epoch: u32,
    backoff: Backoff,
    /// Up to which second firings were taken out.
    taken_until: Second,
    running: usize,
    waiting: usize,
    coalesced: u64,
}

impl<C: Collector> Table<C> {
    pub(crate) fn new(now: Second, backoff: Backoff) -> Self {
        Self {
            slab: Slab::default(),
            index: HashTable::new(),
            calendar: Calendar::default(),
            queue: VecDeque::new(),
            prepared: None,
            groups: Groups::default(),
            plans: Vec::new(),
            plan_numbers: HashMap::new(),
            scopes: HashMap::new(),
            kept_scopes: HashSet::new(),
            refresh: 1,
            swept: None,
            epoch: 0,
            backoff,
            taken_until: now,
            running: 0,
            waiting: 0,
            coalesced: 0,
        }
    }

    // --- what there is -------------------------------------------------------------------------------------------

    /// Takes a job of this refresh.
    pub(crate) fn offer(&mut self, job: Job<C>, now: Second) -> Result<Offered, Unfit> {
        let hash = hash_of(&job.id);
        match self.find(&job.id, hash) {
            Some(slot) => self.replace(slot, job, now),
            None => self.insert(job, hash, now),
        }
    }

    fn find(&self, id: &str, hash: u64) -> Option<Slot> {
        let is_it = |(slot, part): &(Slot, u32)| *part == part_of(hash) && self.slab.id(*slot) == Some(id);
        self.index.find(spread(part_of(hash)), is_it).map(|(slot, _)| *slot)
    }

    fn insert(&mut self, job: Job<C>, hash: u64, now: Second) -> Result<Offered, Unfit> {
        let parts = self.take_apart(job, now)?;
        let entry = Entry::new(parts, self.refresh);
        let slot = self.slab.insert(entry).ok_or(Unfit::Full)?;
        self.index.insert_unique(spread(part_of(hash)), (slot, part_of(hash)), |(_, part)| spread(*part));
        self.plan(slot, now);
        Ok(Offered::New)
    }

    fn replace(&mut self, slot: Slot, job: Job<C>, now: Second) -> Result<Offered, Unfit> {
        let refresh = self.refresh;
        let old = self.slab.get(slot);
        if old.seen_in == refresh && !old.is_vanished {
            return Err(Unfit::Twice);
        }
        let old_start = old.start;
        let was_aligned = old.is_aligned_to_creation;
        let was_vanished = old.is_vanished;
        // An unfit job is not seen: the sweep removes what it was before.
        let mut parts = self.take_apart(job, now)?;
        let entry = self.slab.get_mut(slot);
        let is_other = was_vanished || entry.plan != parts.plan;
        if was_aligned && parts.is_aligned_to_creation && !is_other {
            // Parameters that differ at every refresh would postpone it for ever.
            parts.start = old_start;
        }
        entry.seen_in = refresh;
        entry.is_vanished = false;
        if !was_vanished && entry.is_same(&parts) {
            return Ok(Offered::Same);
        }
        let is_moved = is_other || entry.start != parts.start;
        entry.take(parts);
        if is_other {
            // What fired were other intervals, or another job's.
            (entry.affecting, entry.missed) = Default::default();
        }
        if is_moved {
            if entry.state == State::Prepared {
                // It is not due any more for what it was made ready for.
                entry.state = State::Idle;
            }
            self.plan(slot, now);
        }
        Ok(Offered::Changed)
    }

    fn take_apart(&mut self, job: Job<C>, now: Second) -> Result<Parts<C>, Unfit> {
        let plan = self.plan_number(job.intervals?);
        let scope = job.scope.map_or(0, |scope| {
            let next = u32::try_from(self.scopes.len() + 1).expect("memory ends before the scopes do");
            *self.scopes.entry(scope).or_insert(next)
        });
        let group =
            job.group.map_or(Groups::NONE, |(name, running_max)| self.groups.named(&name, running_max));
        let start = match job.phase {
            Phase::FromId => start_from_id(&job.id),
            Phase::AtCreation => now,
            Phase::At(start) => start,
        };
        let intervals = Arc::clone(&self.plans[plan as usize]);
        let kept =
            Kept { id: job.id, intervals, perform: job.perform, deadline: job.deadline, spec: job.spec };
        let is_aligned_to_creation = job.phase == Phase::AtCreation;
        Ok(Parts { kept, plan, start, is_aligned_to_creation, scope, group })
    }

    fn plan_number(&mut self, intervals: Intervals) -> u32 {
        if let Some(number) = self.plan_numbers.get(&intervals) {
            return *number;
        }
        let number = u32::try_from(self.plans.len()).expect("memory ends before the plans do");
        let intervals = Arc::new(intervals);
        self.plans.push(Arc::clone(&intervals));
        self.plan_numbers.insert(intervals, number);
        number
    }

    /// Puts a job into the calendar at its first firing after `now`.
    fn plan(&mut self, slot: Slot, now: Second) {
        let epoch = self.next_epoch();
        let entry = self.slab.get_mut(slot);
        entry.epoch = epoch;
        entry.next = self.plans[entry.plan as usize].next(entry.start, now);
        self.calendar.put(entry.next, Place { slot, epoch: entry.epoch });
    }

    /// Says that what is in a scope could not be listed in this refresh.
    pub(crate) fn keep(&mut self, scope: &str) {
        if let Some(scope) = self.scopes.get(scope) {
            self.kept_scopes.insert(*scope);
        }
    }

    /// Ends a refresh that failed: what was offered stands, nothing is removed.
    pub(crate) fn end_refresh(&mut self) {
        self.refresh = self.refresh.wrapping_add(1);
        self.kept_scopes.clear();
        self.drop_stale_places();
    }

    /// Ends a refresh that listed all: removes, a slice at every call, what was not offered.
    pub(crate) fn sweep(&mut self) -> Sweep {
        let (from, mut removed) = self.swept.take().unwrap_or_default();
        let until = from.saturating_add(SWEEP_SLICE).min(self.slab.end());
        for number in from..until {
            let slot = Slot(number);
            let Some(entry) = self.slab.find_mut(slot) else { continue };
            if entry.seen_in != self.refresh && !entry.is_vanished && !self.kept_scopes.contains(&entry.scope)
            {
                removed += 1;
                self.vanish(slot);
            }
        }
        if until < self.slab.end() {
            self.swept = Some((until, removed));
            return Sweep::Going;
        }
        self.end_refresh();
        Sweep::Done(removed)
    }

    /// A number no place in the calendar carries; a slot may be given to another job.
    fn next_epoch(&mut self) -> u32 {
        self.epoch = self.epoch.wrapping_add(1);
        self.epoch
    }

    fn vanish(&mut self, slot: Slot) {
        let epoch = self.next_epoch();
        let entry = self.slab.get_mut(slot);
        entry.is_vanished = true;
        entry.epoch = epoch;
        if entry.state == State::Idle {
            self.free(slot);
        }
    }

    fn free(&mut self, slot: Slot) {
        let hash = hash_of(self.slab.id(slot).expect("a job is freed once"));
        let place = self.index.find_entry(spread(part_of(hash)), |(other, _)| *other == slot);
        place.expect("every job is in the index").remove();
        self.slab.remove(slot);
    }

    /// Stale places cost little until there are more of them than of the others.
    fn drop_stale_places(&mut self) {
        if self.calendar.len() > 2 * self.slab.len() + 1024 {
            let slab = &mut self.slab;
            self.calendar
                .retain(|place| slab.find_mut(place.slot).is_some_and(|entry| entry.epoch == place.epoch));
        }
    }

    // --- what falls due --------------------------------------------------------------------------------------------

    /// Takes everything out of the calendar that is due by now.
    ///
    /// Where the clock went on by more than a machine can be busy, what was missed is caught up with, spread over a
    /// minute; where it was set back, everything is planned anew, and firings that were run may be run again.
    pub(crate) fn advance(&mut self, now: Second) {
        let passed = now.0.saturating_sub(self.taken_until.0);
        if passed < -STEP_SECONDS {
            self.taken_until = now;
            self.plan_all(now);
        } else if passed > 0 {
            let is_step = self.is_step(now);
            while let Some((at, places)) = self.calendar.take_until(now) {
                for place in places {
                    if is_step { self.catch_up(place, now) } else { self.fall_due(place, at) }
                }
            }
            self.taken_until = now;
        }
    }

    /// Whether the clock went on by more than a machine can be busy.
    fn is_step(&self, now: Second) -> bool {
        now.0.saturating_sub(self.taken_until.0) > STEP_SECONDS
    }

    /// The second after those that were taken out.
    pub(crate) fn next_second(&self) -> Second {
        Second(self.taken_until.0.saturating_add(1))
    }

    fn plan_all(&mut self, now: Second) {
        self.discard_prepared();
        self.calendar.clear();
        for number in 0..self.slab.end() {
            let slot = Slot(number);
            if let Some(entry) = self.slab.find_mut(slot) {
                entry.not_before = Second(i64::MIN);
                if !entry.is_vanished {
                    self.plan(slot, now);
                }
            }
        }
    }

    /// Puts a job that missed firings to a second of the minute to come, unless it fires before that anyway.
    fn catch_up(&mut self, place: Place, now: Second) {
        let Some(entry) = self.slab.find_mut(place.slot).filter(|entry| entry.epoch == place.epoch) else {
            return;
        };
        // Their starts may be the same; their slots are not.
        let delay = 1 + u64::from(place.slot.0) % CATCH_UP_SECONDS;
        let spread_at = Second(now.0.saturating_add_unsigned(delay));
        let regular_at = self.plans[entry.plan as usize].next(entry.start, now);
        self.calendar.put(spread_at.min(regular_at), place);
    }

    fn fall_due(&mut self, place: Place, at: Second) {
        let Some(entry) = self.slab.find_mut(place.slot).filter(|entry| entry.epoch == place.epoch) else {
            return;
        };
        let plan = &self.plans[entry.plan as usize];
        let was_due = entry.affecting != Affecting::default();
        if entry.next == at {
            entry.affecting = entry.affecting.and(plan.affecting(entry.start, at));
        } else {
            // Caught up with: every firing from the one it was planned for until now.
            let before = Second(entry.next.0 - 1);
            entry.affecting = entry.affecting.and(plan.affecting_between(entry.start, before, at));
            let passed = plan.count_between(entry.start, before, at).saturating_sub(1);
            entry.missed = entry.missed.saturating_add(passed);
            self.coalesced = self.coalesced.saturating_add(passed.into());
        }
        let due_at = if entry.next == at { at } else { plan.last(entry.start, at) };
        entry.next = plan.next(entry.start, at);
        self.calendar.put(entry.next, place);
        if at < entry.not_before {
            self.coalesced += 1;
            entry.missed = entry.missed.saturating_add(1);
            return;
        }
        entry.due_at = due_at;
        match entry.state {
            State::Idle => {
                entry.state = State::Queued;
                self.enqueue(place.slot);
            }
            State::Running => entry.state = State::Overrun,
            // Its intervals changed while it was due, so that it was not any more.
            State::Queued | State::Overrun if !was_due => {}
            State::Prepared | State::Queued | State::Overrun => {
                self.coalesced += 1;
                entry.missed = entry.missed.saturating_add(1);
            }
        }
    }

    fn enqueue(&mut self, slot: Slot) {
        let entry = self.slab.get_mut(slot);
        entry.admitted_to = entry.group;
        self.waiting += 1;
        if self.groups.admit(entry.group, slot) {
            self.queue.push_back(slot);
        }
    }

    // --- whose turn it is ------------------------------------------------------------------------------------------

    /// Takes the next job from the queue; it runs from here on, until [`Self::finish`].
    pub(crate) fn take(&mut self) -> Option<Start<C>> {
        while let Some(slot) = self.queue.pop_front() {
            self.waiting -= 1;
            let entry = self.slab.get_mut(slot);
            if entry.is_vanished || entry.affecting == Affecting::default() {
                let group = entry.admitted_to;
                entry.state = State::Idle;
                if entry.is_vanished {
                    self.free(slot);
                }
                self.groups.release(group, &mut self.queue);
                continue;
            }
            entry.state = State::Running;
            self.running += 1;
            let call = Call {
                kept: Arc::clone(entry.kept()),
                affecting: std::mem::take(&mut entry.affecting),
                scheduled_at: entry.due_at,
                missed_count: u64::from(std::mem::take(&mut entry.missed)),
            };
            return Some(Start { slot, epoch: entry.epoch, call });
        }
        None
    }

    /// A run ended. What fell due meanwhile goes to the queue, or waits out the pause after a failure. Returns the job if
    /// its runs begin to fail with this one, or to succeed again.
    pub(crate) fn finish(
        &mut self,
        slot: Slot,
        failure: Option<&Failure>,
        now: Second,
    ) -> Option<Arc<Kept<C>>> {
        self.running -= 1;
        let backoff = self.backoff;
        let entry = self.slab.get_mut(slot);
        let group = entry.admitted_to;
        let had_more = entry.state == State::Overrun && entry.affecting != Affecting::default();
        entry.state = State::Idle;
        let turned = (failure.is_some() != (entry.failures > 0)).then(|| Arc::clone(entry.kept()));
        if let Some(failure) = failure {
            entry.failures = entry.failures.saturating_add(1);
            let seed = hash_of(&entry.kept().id);
            let pause = backoff.pause(failure, entry.failures.into(), seed);
            entry.not_before = after(now, pause);
        } else {
            entry.failures = 0;
            entry.not_before = Second(i64::MIN);
        }
        if entry.is_vanished {
            self.free(slot);
        } else if had_more && now < entry.not_before {
            entry.missed = entry.missed.saturating_add(1);
            self.coalesced += 1;
        } else if had_more {
            entry.state = State::Queued;
            self.enqueue(slot);
        }
        self.groups.release(group, &mut self.queue);
        turned
    }

    /// The id of a job that runs.
    pub(crate) fn id(&self, slot: Slot) -> Option<&str> {
        self.slab.id(slot)
    }

    /// How many runs could be taken at once.
    pub(crate) fn ready(&self) -> usize {
        self.queue.len()
    }

    /// How many jobs fell due and have not started, those held up by their group included.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// How many jobs there are, those included that vanished and still run.
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// How many firings were not run on their own since the beginning.
    pub(crate) fn coalesced(&self) -> u64 {
        self.coalesced
    }
}

/// A job as offered, its names turned into numbers.
struct Parts<C: Collector> {
    kept: Kept<C>,
    plan: u32,
    start: Second,
    is_aligned_to_creation: bool,
    scope: u32,
    group: GroupId,
}

/// The second in which a pause has passed, the next whole one.
fn after(now: Second, pause: Duration) -> Second {
    let whole = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
    Second(now.0.saturating_add(whole).saturating_add(i64::from(pause.subsec_nanos() > 0)))
}

fn hash_of(id: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// The half of a hash that the index keeps.
fn part_of(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).expect("it was masked")
}

/// A hash for the index, which wants its top bits spread as well.
fn spread(part: u32) -> u64 {
    u64::from(part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
