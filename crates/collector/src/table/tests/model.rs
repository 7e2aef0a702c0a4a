//! What must the table say, written down as naively as possible?
//!
//! A map of jobs, each with the list of its firings that no call was made for; time passes second by second. It knows
//! nothing of calendars, queues or preparation: whose turn it is, is the table's choice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::failure::FailureKind;
use crate::job::start_from_id;

/// A job as a story describes it.
#[derive(Clone, PartialEq)]
pub(in super::super) struct Described {
    pub(in super::super) intervals: Vec<i64>,
    pub(in super::super) phase: PhaseKind,
    pub(in super::super) scope: Option<&'static str>,
    pub(in super::super) spec: u8,
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // On one line, as a story has very many.
        write!(f, "{:?} {:?} {:?} {}", self.intervals, self.phase, self.scope, self.spec)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum PhaseKind {
    FromId,
    AtCreation,
    At(i64),
}

/// One step of a story.
#[derive(Clone, Debug)]
pub(in super::super) enum Move {
    Offer(u8, Described),
    OfferAgain(u8),
    Keep(&'static str),
    End,
    Fail,
    Go(i64),
    Prepare(usize),
    Take(usize),
    Finish(usize, Option<FailureKind>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    New,
    Same,
    Changed,
    Twice,
    Unfit,
}

/// A call the table made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Started {
    pub(in super::super) name: String,
    pub(in super::super) scheduled_at: i64,
    pub(in super::super) affecting: Vec<i64>,
    pub(in super::super) missed_count: u64,
    pub(in super::super) spec: u8,
}

pub(in super::super) fn name(number: u8) -> String {
    format!("job-{number}")
}

/// When the table looks at the firings without a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// At once.
    Now,
    /// Some of them may be caught up with later.
    Later,
    /// The clock was set back before they were: those may be forgotten.
    Perhaps,
}

struct Modelled {
    described: Described,
    intervals: BTreeSet<i64>,
    start: i64,
    /// Up to when its firings are in the list.
    seen_until: i64,
    /// Firings without a call, the oldest first.
    pending: Vec<(i64, Vec<i64>)>,
    due: Due,
    is_running: bool,
    is_vanished: bool,
    failures: u32,
    not_before: i64,
    starts: usize,
    /// So many seconds in a row have passed since it was planned or the clock was set.
    calm_seconds: i64,
}

impl Modelled {
    fn new(described: Described, intervals: BTreeSet<i64>, start: i64, now: i64) -> Self {
        Self {
            described,
            intervals,
            start,
            seen_until: now,
            pending: Vec::new(),
            due: Due::Now,
            is_running: false,
            is_vanished: false,
            failures: 0,
            not_before: i64::MIN,
            starts: 0,
            calm_seconds: 0,
        }
    }

    fn forget(&mut self) {
        self.pending.clear();
        self.due = Due::Now;
    }

    /// Remembers what fires in a second.
    fn pass(&mut self, at: i64) -> bool {
        let affecting: Vec<_> =
            self.intervals.iter().copied().filter(|length| (at - self.start) % length == 0).collect();
        let has_fired = !affecting.is_empty();
        if has_fired {
            self.pending.push((at, affecting));
        }
        has_fired
    }
}

pub(in super::super) struct Model {
    jobs: BTreeMap<String, Modelled>,
    offered: BTreeSet<String>,
    scopes: BTreeSet<&'static str>,
    kept: BTreeSet<&'static str>,
    /// Removed, and not offered since: one that was ready or in the queue may still be there, which is the table's choice.
    lingering: BTreeSet<String>,
    now: i64,
    newest: i64,
}

impl Model {
    pub(in super::super) fn new(now: i64) -> Self {
        let (jobs, offered, scopes, kept, lingering) = Default::default();
        Self { jobs, offered, scopes, kept, lingering, now, newest: now }
    }

    pub(in super::super) fn described(&self, number: u8) -> Option<Described> {
        self.jobs.get(&name(number)).map(|job| job.described.clone())
    }

    pub(in super::super) fn offer(&mut self, number: u8, described: &Described, outcome: Change) {
        let name = name(number);
        let old = self.jobs.get_mut(&name);
        if old.as_ref().is_some_and(|old| !old.is_vanished) && self.offered.contains(&name) {
            return assert_eq!(outcome, Change::Twice, "{name} was offered before");
        }
        if described.intervals.is_empty() || described.intervals.iter().any(|length| *length < 1) {
            return assert_eq!(outcome, Change::Unfit, "{described:?}");
        }
        self.offered.insert(name.clone());
        self.scopes.extend(described.scope);
        let intervals: BTreeSet<_> = described.intervals.iter().copied().collect();
        let start = match described.phase {
            PhaseKind::FromId => start_from_id(&name).0,
            PhaseKind::AtCreation => match &old {
                Some(old)
                    if !old.is_vanished
                        && old.described.phase == PhaseKind::AtCreation
                        && old.intervals == intervals =>
                {
                    old.start
                }
                _ => self.now,
            },
            PhaseKind::At(start) => start,
        };
        let Some(old) = old else {
            let job = Modelled::new(described.clone(), intervals, start, self.now);
            let may_linger = self.lingering.remove(&name);
            self.jobs.insert(name, job);
            return assert!(
                outcome == Change::New || outcome == Change::Changed && may_linger,
                "{outcome:?}"
            );
        };
        let is_moved = old.is_vanished || old.intervals != intervals || old.start != start;
        let is_same = !is_moved
            && old.described.phase == described.phase
            && old.described.scope == described.scope
            && old.described.spec == described.spec;
        if old.is_vanished && !old.is_running {
            // Whether it was already let go is the table's choice.
            assert!(matches!(outcome, Change::New | Change::Changed));
        } else {
            assert_eq!(outcome, if is_same { Change::Same } else { Change::Changed }, "{name}");
        }
        if is_same {
            return;
        }
        if old.is_vanished || old.intervals != intervals {
            // Its firings were of other intervals, or of another job.
            old.forget();
        }
        if is_moved {
            old.seen_until = self.now;
            old.calm_seconds = 0;
        }
        // Firings that the table had yet to look at are not its any more.
        if is_moved && old.due == Due::Later {
            old.due = Due::Perhaps;
        }
        (old.described, old.intervals, old.start) = (described.clone(), intervals, start);
        (old.is_vanished, old.failures, old.not_before) = (false, 0, i64::MIN);
    }

    pub(in super::super) fn keep(&mut self, scope: &'static str) {
        self.kept.extend(self.scopes.get(scope));
    }

    pub(in super::super) fn end(&mut self) -> usize {
        let mut removed = 0;
        for (name, job) in &mut self.jobs {
            let is_kept = job.described.scope.is_some_and(|scope| self.kept.contains(scope));
            if !job.is_vanished && !is_kept && !self.offered.contains(name) {
                job.is_vanished = true;
                self.lingering.insert(name.clone());
                removed += 1;
            }
        }
        self.jobs.retain(|_, job| !job.is_vanished || job.is_running || !job.pending.is_empty());
        self.fail();
        removed
    }

    pub(in super::super) fn fail(&mut self) {
        self.offered.clear();
        self.kept.clear();
    }

    pub(in super::super) fn go(&mut self, now: i64) {
        let passed = now - self.newest;
        self.now = now;
        if passed < -5 {
            self.newest = now;
            for job in self.jobs.values_mut() {
                job.seen_until = now;
                job.not_before = i64::MIN;
                job.calm_seconds = 0;
                if job.due == Due::Later {
                    job.due = Due::Perhaps;
                }
            }
        } else if passed > 0 {
            self.newest = now;
            for job in self.jobs.values_mut().filter(|job| !job.is_vanished) {
                let mut has_fired = false;
                for at in job.seen_until + 1..=now {
                    has_fired |= job.pass(at);
                }
                job.seen_until = now;
                if has_fired && passed > 5 {
                    job.due = job.due.max(Due::Later);
                }
                job.calm_seconds = if passed > 5 { 0 } else { job.calm_seconds + passed };
            }
        }
    }

    /// A call that was ready: it may lack what fired while it was late.
    pub(in super::super) fn launched(&mut self, start: &Started) {
        let left = self.started(start);
        assert!(left.iter().all(|(at, _)| *at > start.scheduled_at), "{start:?} lacks {left:?}");
    }

    /// A call out of the queue: it stands for all that has fired.
    pub(in super::super) fn taken(&mut self, start: &Started) {
        let job = &self.jobs[&start.name];
        let may_lack = job.due != Due::Now;
        let left = self.started(start);
        assert!(may_lack || left.is_empty(), "{start:?} lacks {left:?}");
    }

    /// Compares a call with the firings it stands for; those that are left.
    fn started(&mut self, start: &Started) -> Vec<(i64, Vec<i64>)> {
        let job = self.jobs.get_mut(&start.name).unwrap_or_else(|| panic!("{start:?} was removed"));
        assert!(!job.is_vanished, "{start:?} was removed");
        assert!(!job.is_running, "{start:?} runs already");
        assert!(
            self.newest.max(self.now) >= job.not_before,
            "{start:?} is left alone until {}",
            job.not_before
        );
        assert_eq!(start.spec, job.described.spec, "{start:?} has old parameters");
        (job.is_running, job.starts) = (true, job.starts + 1);
        let missed = usize::try_from(start.missed_count).unwrap();
        if job.due == Due::Perhaps {
            let known: BTreeSet<_> = job.pending.iter().flat_map(|(_, affecting)| affecting).collect();
            assert!(
                start.affecting.iter().all(|length| known.contains(length)),
                "{start:?} of {:?}",
                job.pending
            );
            assert!(missed < job.pending.len(), "{start:?} of {:?}", job.pending);
            let newest = job.pending.iter().position(|(at, _)| *at == start.scheduled_at);
            job.pending.drain(..=newest.unwrap_or_else(|| panic!("{start:?} of {:?}", job.pending)));
            if job.pending.is_empty() {
                job.forget();
            }
            return Vec::new();
        }
        assert!(missed < job.pending.len(), "{start:?} stands for more than {:?}", job.pending);
        let left = job.pending.split_off(missed + 1);
        assert_eq!(job.pending[missed].0, start.scheduled_at, "{start:?} is for {:?}", job.pending);
        let affecting: BTreeSet<_> =
            job.pending.iter().flat_map(|(_, affecting)| affecting).copied().collect();
        assert_eq!(start.affecting, affecting.into_iter().collect::<Vec<_>>(), "{start:?}");
        if left.is_empty() {
            job.due = Due::Now;
        }
        job.pending.clone_from(&left);
        left
    }

    pub(in super::super) fn finished(&mut self, name: &str, kind: Option<FailureKind>) {
        let now = self.now;
        let job = self.jobs.get_mut(name).expect("it ran");
        assert!(job.is_running);
        job.is_running = false;
        let (base, most) = match kind {
            None => {
                (job.failures, job.not_before) = (0, i64::MIN);
                return self.let_go(name);
            }
            Some(FailureKind::Denied) => (3, 6),
            Some(_) => (2, 8),
        };
        let pause = (base << job.failures.min(8)).min(most);
        job.failures += 1;
        job.not_before = now + pause;
        self.let_go(name);
    }

    fn let_go(&mut self, name: &str) {
        if self.jobs[name].is_vanished {
            self.jobs.remove(name);
        }
    }

    /// Compares what can be counted.
    pub(in super::super) fn check(&self, len: usize, running: usize, waiting: usize) {
        let count = |is_it: fn(&&Modelled) -> bool| self.jobs.values().filter(is_it).count();
        assert_eq!(running, count(|job| job.is_running), "so many run");
        assert!(len >= count(|job| !job.is_vanished || job.is_running), "{len} jobs are too few");
        assert!(running + waiting <= len, "{waiting} wait, {running} run, {len} are there");
    }

    /// After some quiet minutes all that was due has run.
    pub(in super::super) fn check_settled(&self, len: usize) {
        let present = self.jobs.values().filter(|job| !job.is_vanished).count();
        assert_eq!(len, present, "vanished jobs are still there");
        for (name, job) in self.jobs.iter().filter(|(_, job)| !job.is_vanished) {
            assert!(
                job.pending.is_empty() || job.due == Due::Perhaps,
                "{name} did not run for {:?}",
                job.pending
            );
            let shortest = *job.intervals.first().expect("there is one");
            assert!(job.starts > 0 || shortest > job.calm_seconds, "{name} never ran");
        }
    }
}
