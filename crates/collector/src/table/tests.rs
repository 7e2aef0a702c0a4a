//! Does the table keep its promises, whatever happens in whichever order?
//!
//! [`model`] is the same book-keeping written down naively; here both are driven through the same random stories. The
//! stories that were once told wrongly stand in [`cases`].

mod cases;
mod model;

use proptest::prelude::*;

use self::model::{Change, Described, Model, Move, PhaseKind, Started};
use super::*;
use crate::failure::FailureKind;
use crate::{Jobs, Outcome};

/// A collector that is never asked.
pub(super) struct Bot;

impl Collector for Bot {
    type Spec = u8;

    async fn jobs(&self, _: &mut Jobs<Self>) -> Result<(), Failure> {
        Ok(())
    }

    async fn perform(&self, _: &Call<Self>) -> Outcome {
        Ok(Vec::new())
    }
}

pub(super) const BACKOFF: Backoff = Backoff {
    base: Duration::from_secs(2),
    max: Duration::from_secs(8),
    denied_base: Duration::from_secs(3),
    denied_max: Duration::from_secs(6),
    jitter: 0.0,
};

/// Which jobs may run at once: number 0 to 2 one, 3 to 5 two, the others as many as like.
const GROUPS: [(&str, u32); 2] = [("one", 1), ("two", 2)];

fn group_of(number: u8) -> Option<(&'static str, u32)> {
    GROUPS.get(usize::from(number) / 3).copied()
}

pub(super) fn job(number: u8, described: &Described) -> Job<Bot> {
    let phase = match described.phase {
        PhaseKind::FromId => Phase::FromId,
        PhaseKind::AtCreation => Phase::AtCreation,
        PhaseKind::At(start) => Phase::At(Second(start)),
    };
    let mut job =
        Job::new(model::name(number), described.intervals.iter().copied(), described.spec).phase(phase);
    if let Some(scope) = described.scope {
        job = job.scope(scope);
    }
    if let Some((group, running_max)) = group_of(number) {
        job = job.group(group, running_max);
    }
    job
}

pub(super) fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "as the story wants it")
}

fn started(start: &Start<Bot>) -> Started {
    Started {
        name: start.call.id().to_owned(),
        scheduled_at: start.call.scheduled_at().0,
        affecting: start.call.affecting().map(|interval| i64::from(interval.as_secs())).collect(),
        missed_count: start.call.missed_count(),
        spec: *start.call.spec(),
    }
}

/// The table under a story, with what it has handed out and not got back.
pub(super) struct Driven {
    pub(super) table: Table<Bot>,
    pub(super) now: i64,
    running: Vec<(Slot, String)>,
}

impl Driven {
    pub(super) fn new(now: i64) -> Self {
        Self { table: Table::new(Second(now), BACKOFF), now, running: Vec::new() }
    }

    pub(super) fn offer(&mut self, number: u8, described: &Described) -> Result<Offered, Unfit> {
        self.table.offer(job(number, described), Second(self.now))
    }

    pub(super) fn sweep(&mut self) -> usize {
        loop {
            if let Sweep::Done(removed) = self.table.sweep() {
                return removed;
            }
        }
    }

    /// Goes to another second as the engine does; what was ready starts.
    pub(super) fn go(&mut self, now: i64, room: usize) -> Vec<Started> {
        self.now = now;
        let mut launched = Vec::new();
        let room = room.saturating_sub(self.table.running());
        self.table.launch(Second(now), room, |portion| {
            assert!(portion.len() <= 3, "a portion is too large");
            launched.extend(portion);
        });
        let launched = launched.into_iter().map(|start| self.note(&start)).collect();
        self.table.advance(Second(now));
        launched
    }

    pub(super) fn take(&mut self, room: usize) -> Vec<Started> {
        let mut taken = Vec::new();
        while self.table.running() < room {
            let Some(start) = self.table.take() else { break };
            taken.push(self.note(&start));
        }
        taken
    }

    fn note(&mut self, start: &Start<Bot>) -> Started {
        self.running.push((start.slot, start.call.id().to_owned()));
        started(start)
    }

    /// Ends one of the runs under way; which one it was.
    pub(super) fn finish(&mut self, which: usize, failure: Option<&Failure>) -> Option<String> {
        if self.running.is_empty() {
            return None;
        }
        let (slot, name) = self.running.swap_remove(which % self.running.len());
        self.table.finish(slot, failure, Second(self.now));
        Some(name)
    }

    pub(super) fn finish_named(&mut self, name: &str, failure: Option<&Failure>) {
        let which = self.running.iter().position(|(_, other)| other == name).expect("it runs");
        self.finish(which, failure);
    }

    /// What must hold after every step.
    pub(super) fn check(&self) {
        let places = self.table.calendar.places();
        assert_eq!(places.len(), self.table.calendar.len());
        for number in 0..self.table.slab.end() {
            let slot = Slot(number);
            let Some(id) = self.table.slab.id(slot) else { continue };
            let entry = self.table.slab.get(slot);
            assert_eq!(self.table.find(id, hash_of(id)), Some(slot), "{id} is found");
            let is_fresh = |place: &&(Second, Place)| place.1.slot == slot && place.1.epoch == entry.epoch;
            let fresh = places.iter().filter(is_fresh).count();
            assert_eq!(fresh, usize::from(!entry.is_vanished), "{id} has so many places in the calendar");
            assert!(!entry.is_vanished || entry.state != State::Idle, "{id} vanished and is still there");
        }
        assert_eq!(self.table.index.len(), self.table.len());
        assert!(self.table.waiting() >= self.table.ready());
        self.table.groups.check(self.table.waiting() - self.table.ready());
    }
}

fn described() -> impl Strategy<Value = Described> {
    let intervals = proptest::sample::select(vec![
        vec![1],
        vec![2, 3, 6],
        vec![5],
        vec![14, 7, 7],
        vec![60],
        vec![10, 15],
        vec![40, 3600],
        vec![86_400],
        vec![-5],
        vec![0, 5],
        vec![],
    ]);
    let phase = proptest::sample::select(vec![
        PhaseKind::FromId,
        PhaseKind::FromId,
        PhaseKind::AtCreation,
        PhaseKind::At(0),
        PhaseKind::At(-3),
        PhaseKind::At(5_000_000_001),
    ]);
    let scope = proptest::sample::select(vec![None, Some("a"), Some("b")]);
    (intervals, phase, scope, 0..3_u8).prop_map(|(intervals, phase, scope, spec)| Described {
        intervals,
        phase,
        scope,
        spec,
    })
}

fn moves(is_punctual: bool) -> impl Strategy<Value = Vec<Move>> {
    let seconds = if is_punctual {
        Just(1).boxed()
    } else {
        prop_oneof![3 => 0..=5_i64, 2 => 6..400_i64, 1 => 3600..20_000_i64, 1 => -5..0_i64].boxed()
    };
    let single = prop_oneof![
        8 => (0..9_u8, described()).prop_map(|(number, described)| Move::Offer(number, described)),
        2 => (0..9_u8).prop_map(Move::OfferAgain),
        1 => proptest::sample::select(vec!["a", "b", "unknown"]).prop_map(Move::Keep),
        2 => Just(Move::End),
        1 => Just(Move::Fail),
        20 => Just(Move::Go(1)),
        7 => seconds.prop_map(Move::Go),
        1 => (-100_000..-5_i64).prop_map(Move::Go),
        12 => (1..6_usize).prop_map(Move::Prepare),
        12 => (1..12_usize).prop_map(Move::Take),
        14 => any::<usize>().prop_map(|which| Move::Finish(which, None)),
        3 => (any::<usize>(), proptest::sample::select(vec![FailureKind::Unreachable, FailureKind::Denied]))
            .prop_map(|(which, kind)| Move::Finish(which, Some(kind))),
    ];
    proptest::collection::vec(single, 1..150)
}

/// Tells one move to both and compares what they say.
fn tell(driven: &mut Driven, model: &mut Model, next: &Move) {
    match next {
        Move::Offer(number, described) => offer(driven, model, *number, described),
        Move::OfferAgain(number) => {
            if let Some(described) = model.described(*number) {
                offer(driven, model, *number, &described);
            }
        }
        Move::Keep(scope) => {
            driven.table.keep(scope);
            model.keep(scope);
        }
        Move::End => assert_eq!(driven.sweep(), model.end(), "so many were removed"),
        Move::Fail => {
            driven.table.end_refresh();
            model.fail();
        }
        Move::Go(seconds) => {
            let now = driven.now + seconds;
            model.go(now);
            for start in driven.go(now, 8) {
                model.launched(&start);
            }
        }
        Move::Prepare(slice) => {
            driven.table.prepare(*slice, 3);
        }
        Move::Take(room) => {
            for start in driven.take(*room) {
                model.taken(&start);
            }
        }
        Move::Finish(which, kind) => {
            let failure = kind.map(failure);
            if let Some(name) = driven.finish(*which, failure.as_ref()) {
                model.finished(&name, *kind);
            }
        }
    }
    driven.check();
    model.check(driven.table.len(), driven.table.running(), driven.table.waiting());
}

fn offer(driven: &mut Driven, model: &mut Model, number: u8, described: &Described) {
    let outcome = match driven.offer(number, described) {
        Ok(Offered::New) => Change::New,
        Ok(Offered::Same) => Change::Same,
        Ok(Offered::Changed) => Change::Changed,
        Err(Unfit::Twice) => Change::Twice,
        Err(Unfit::Intervals(_)) => Change::Unfit,
        Err(Unfit::Full) => panic!("there is room"),
    };
    model.offer(number, described, outcome);
}

/// Lets everything end well and goes on for some minutes: every job must run, and nothing be left behind.
fn settle(driven: &mut Driven, model: &mut Model) {
    for _ in 0..200 {
        tell(driven, model, &Move::Go(1));
        tell(driven, model, &Move::Prepare(100));
        tell(driven, model, &Move::Take(usize::MAX));
        while driven.table.running() > 0 {
            tell(driven, model, &Move::Finish(0, None));
            tell(driven, model, &Move::Take(usize::MAX));
        }
    }
    assert_eq!((driven.table.running(), driven.table.waiting()), (0, 0));
    // What is ready for the second to come may be of a job that vanished.
    tell(driven, model, &Move::Go(1));
    while driven.table.running() > 0 || driven.table.ready() > 0 {
        tell(driven, model, &Move::Finish(0, None));
        tell(driven, model, &Move::Take(usize::MAX));
    }
    model.check_settled(driven.table.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_firing_vanishes_and_no_job_dies(now in -3..3_i64, moves in moves(false)) {
        let now = now * 1_000_000_007;
        let (mut driven, mut model) = (Driven::new(now), Model::new(now));
        for next in &moves {
            tell(&mut driven, &mut model, next);
        }
        settle(&mut driven, &mut model);
    }

    #[test]
    fn calls_made_ready_beforehand_are_those_that_were_not(moves in moves(true)) {
        let (mut with, mut without) = (Driven::new(7), Driven::new(7));
        for next in &moves {
            match next {
                Move::Prepare(slice) => {
                    with.table.prepare(*slice, 3);
                    continue;
                }
                Move::Finish(which, kind) => {
                    let failure = kind.map(failure);
                    if let Some(name) = with.finish(*which, failure.as_ref()) {
                        without.finish_named(&name, failure.as_ref());
                    }
                }
                Move::Go(seconds) => {
                    let now = with.now + seconds;
                    let mut starts = [&mut with, &mut without].map(|driven| {
                        let mut starts = driven.go(now, usize::MAX);
                        starts.extend(driven.take(usize::MAX));
                        starts.sort();
                        starts
                    });
                    let [one, other] = &mut starts;
                    prop_assert_eq!(one, other);
                }
                Move::Offer(number, described) => {
                    // Of no group: whose turn it is there may be another one.
                    let number = &(6 + number % 3);
                    let (one, other) = (with.offer(*number, described), without.offer(*number, described));
                    prop_assert_eq!(one.is_ok(), other.is_ok());
                }
                Move::OfferAgain(_) | Move::Take(_) => {}
                Move::Keep(scope) => {
                    with.table.keep(scope);
                    without.table.keep(scope);
                }
                Move::End => prop_assert_eq!(with.sweep(), without.sweep()),
                Move::Fail => {
                    with.table.end_refresh();
                    without.table.end_refresh();
                }
            }
            with.check();
            prop_assert_eq!(with.table.running(), without.table.running());
            prop_assert_eq!(with.table.waiting(), without.table.waiting());
            prop_assert_eq!(with.table.coalesced(), without.table.coalesced());
        }
    }
}
