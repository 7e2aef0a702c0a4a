//! What was once wrong, and what chance seldom meets: one story each.

use super::super::SWEEP_SLICE;
use super::model::{Described, PhaseKind, Started, name};
use super::*;

fn every(intervals: &[i64]) -> Described {
    Described { intervals: intervals.to_vec(), phase: PhaseKind::At(0), scope: None, spec: 0 }
}

fn call(number: u8, scheduled_at: i64, affecting: &[i64], missed_count: u64) -> Started {
    Started { name: name(number), scheduled_at, affecting: affecting.to_vec(), missed_count, spec: 0 }
}

/// Goes second by second, without making anything ready; what started then, all at once.
fn pass(driven: &mut Driven, seconds: i64) -> Vec<Started> {
    (0..seconds)
        .flat_map(|_| {
            let mut starts = driven.go(driven.now + 1, usize::MAX);
            starts.extend(driven.take(usize::MAX));
            starts
        })
        .collect()
}

#[test]
fn a_call_that_waits_while_its_intervals_change_is_not_made_without_any() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[2])).unwrap();
    driven.go(2, 0);
    driven.sweep();
    assert_eq!(driven.table.ready(), 1);
    driven.offer(8, &every(&[3])).unwrap();
    assert_eq!(driven.take(1), []);
    assert_eq!(driven.table.waiting(), 0);
    assert_eq!(pass(&mut driven, 1), [call(8, 3, &[3], 0)]);
}

#[test]
fn a_call_that_waits_while_its_intervals_change_stands_for_the_new_ones_alone() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[2])).unwrap();
    driven.go(2, 0);
    driven.sweep();
    driven.offer(8, &every(&[3])).unwrap();
    driven.go(3, 0);
    driven.go(6, 0);
    assert_eq!(driven.take(1), [call(8, 6, &[3], 1)]);
}

#[test]
fn a_job_whose_intervals_change_while_it_runs_and_is_due_is_not_called_without_any() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[2])).unwrap();
    assert_eq!(pass(&mut driven, 4), [call(8, 2, &[2], 0)]);
    driven.sweep();
    driven.offer(8, &every(&[5])).unwrap();
    driven.finish(0, None);
    assert_eq!((driven.take(1), driven.table.waiting()), (Vec::new(), 0));
    assert_eq!(pass(&mut driven, 1), [call(8, 5, &[5], 0)]);
    assert_eq!(pass(&mut driven, 5), []);
    driven.finish(0, None);
    assert_eq!(driven.take(1), [call(8, 10, &[5], 0)]);
}

#[test]
fn a_slot_of_a_group_is_given_on_when_a_waiting_job_is_not_due_any_more() {
    let mut driven = Driven::new(0);
    driven.offer(0, &every(&[2])).unwrap();
    driven.offer(1, &every(&[2])).unwrap();
    driven.go(2, 0);
    assert_eq!((driven.table.ready(), driven.table.waiting()), (1, 2));
    driven.sweep();
    driven.offer(0, &every(&[100])).unwrap();
    driven.offer(1, &every(&[2])).unwrap();
    assert_eq!(driven.take(2), [call(1, 2, &[2], 0)]);
    driven.check();
}

#[test]
fn a_clock_set_back_while_calls_are_made_ready_leaves_nothing_of_them() {
    let mut driven = Driven::new(5);
    driven.offer(8, &every(&[2, 3])).unwrap();
    driven.table.prepare(10, 3);
    driven.go(-1000, 8);
    driven.check();
    assert_eq!(pass(&mut driven, 2), [call(8, -999, &[3], 0)]);
}

#[test]
fn a_start_that_changes_while_a_call_is_ready_forgets_no_firing_that_was_missed() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[2, 3])).unwrap();
    assert_eq!(pass(&mut driven, 2), [call(8, 2, &[2], 0)]);
    driven.finish(0, Some(&failure(FailureKind::Unreachable)));
    driven.sweep();
    // It is left alone until 4: the firing of 3 is missed.
    assert_eq!(pass(&mut driven, 1), []);
    driven.table.prepare(10, 3);
    driven.offer(8, &Described { phase: PhaseKind::At(2), ..every(&[2, 3]) }).unwrap();
    driven.check();
    assert_eq!(pass(&mut driven, 1), [call(8, 4, &[2, 3], 1)]);
}

#[test]
fn a_job_that_joins_a_group_while_its_call_is_ready_waits_for_its_turn() {
    let mut driven = Driven::new(0);
    let grouped = |id: &str| Job::<Bot>::new(id, [2], 0).start_at(Second(0)).group("host", 1);
    driven.table.offer(grouped("one"), Second(0)).unwrap();
    driven.table.offer(Job::new("two", [2], 0).start_at(Second(0)), Second(0)).unwrap();
    driven.sweep();
    driven.go(1, 8);
    driven.table.prepare(10, 3);
    driven.table.offer(grouped("two"), Second(1)).unwrap();
    assert_eq!(driven.go(2, 8).len(), 0);
    assert_eq!(driven.take(8).len(), 1);
    assert_eq!((driven.table.running(), driven.table.waiting()), (1, 1));
    driven.check();
    driven.finish(0, None);
    assert_eq!(driven.take(8).len(), 1);
}

#[test]
fn a_job_that_leaves_its_group_while_it_runs_gives_its_slot_back_to_it() {
    let mut driven = Driven::new(0);
    let grouped = |id: &str| Job::<Bot>::new(id, [2], 0).start_at(Second(0)).group("host", 1);
    driven.table.offer(grouped("one"), Second(0)).unwrap();
    driven.table.offer(grouped("two"), Second(0)).unwrap();
    driven.sweep();
    let first = pass(&mut driven, 2).remove(0).name;
    driven.table.offer(Job::new(&*first, [2], 0).start_at(Second(0)), Second(2)).unwrap();
    driven.finish(0, None);
    assert_eq!(driven.take(8).len(), 1, "the other one has its turn");
    driven.check();
    driven.finish(0, None);
    assert_eq!(pass(&mut driven, 2).len(), 2, "they are no longer in one group");
}

#[test]
fn the_limit_of_a_group_is_the_one_stated_last() {
    let mut driven = Driven::new(0);
    let grouped = |number: u32, most| {
        Job::<Bot>::new(format!("{number}"), [2], 0).start_at(Second(0)).group("host", most)
    };
    let offer = |driven: &mut Driven, most| {
        for number in 0..6 {
            driven.table.offer(grouped(number, most), Second(driven.now)).unwrap();
        }
        driven.sweep();
    };
    offer(&mut driven, 3);
    assert_eq!(pass(&mut driven, 2).len(), 3);
    // Fewer: nobody is sent away, and nobody let in until there is room.
    offer(&mut driven, 2);
    driven.finish(0, None);
    assert_eq!(driven.take(8).len(), 0);
    driven.finish(0, None);
    assert_eq!(driven.take(8).len(), 1);
    // More: they are let in with the next one that leaves.
    offer(&mut driven, 4);
    driven.finish(0, None);
    assert_eq!(driven.take(8).len(), 2);
    driven.check();
    // None at all would be a group that never runs.
    let mut driven = Driven::new(0);
    offer(&mut driven, 0);
    assert_eq!(pass(&mut driven, 2).len(), 1);
}

#[test]
fn refreshes_that_fail_do_not_fill_the_calendar() {
    let mut driven = Driven::new(0);
    for _ in 0..100 {
        for number in 0..100_u32 {
            // Their intervals differ every time, so that every one is planned anew.
            let intervals = [86_400 + i64::from(driven.now == 0), 7_000 + driven.now];
            let job = Job::new(format!("{number}"), intervals, 0).phase(Phase::AtCreation);
            driven.table.offer(job, Second(driven.now)).unwrap();
        }
        driven.now += 1;
        driven.table.end_refresh();
    }
    assert!(driven.table.calendar.len() <= 2 * 100 + 1024 + 100, "{} places", driven.table.calendar.len());
    driven.check();
}

#[test]
fn jobs_that_share_a_start_are_caught_up_with_in_different_seconds() {
    let mut driven = Driven::new(0);
    for number in 0..600_u32 {
        let job = Job::new(format!("{number}"), [3600], 0).start_at(Second(0));
        driven.table.offer(job, Second(0)).unwrap();
    }
    assert_eq!(driven.go(5 * 3600 + 7, usize::MAX).len() + driven.take(usize::MAX).len(), 0);
    let per_second: Vec<_> = (0..61).map(|_| pass(&mut driven, 1)).collect();
    assert!(per_second.iter().all(|starts| starts.len() <= 12), "it storms");
    assert_eq!(per_second.iter().map(Vec::len).sum::<usize>(), 600, "it sleeps");
    let calls: Vec<_> = per_second.into_iter().flatten().collect();
    assert!(calls.iter().all(|call| call.scheduled_at == 5 * 3600 && call.missed_count == 4));
    assert_eq!(driven.table.coalesced(), 600 * 4);
}

#[test]
fn jobs_that_share_a_start_have_jitter_of_their_own() {
    let backoff = Backoff { base: Duration::from_mins(1), jitter: 1.0, ..Backoff::default() };
    let mut driven = Driven { table: Table::new(Second(0), backoff), ..Driven::new(0) };
    for number in 0..50_u32 {
        let job = Job::new(format!("{number}"), [1], 0).start_at(Second(0));
        driven.table.offer(job, Second(0)).unwrap();
    }
    assert_eq!(pass(&mut driven, 1).len(), 50);
    for _ in 0..50 {
        driven.finish(0, Some(&failure(FailureKind::Unreachable)));
    }
    let most = (0..121).map(|_| pass(&mut driven, 1).len()).max();
    assert!(most < Some(10), "{most:?} of 50 came back at once");
}

#[test]
fn the_clock_may_lose_five_seconds_and_repeat_five() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[1])).unwrap();
    driven.go(5, 8);
    assert_eq!(driven.take(8), [call(8, 5, &[1], 4)]);
    driven.finish(0, None);
    // Back by five: no second comes twice.
    for second in 0..=5 {
        driven.go(second, 8);
        assert_eq!(driven.take(8), [], "at {second}");
    }
    assert_eq!(pass(&mut driven, 1), [call(8, 6, &[1], 0)]);
    driven.finish(0, None);
    // Back by six: it was set.
    driven.go(0, 8);
    assert_eq!(pass(&mut driven, 1), [call(8, 1, &[1], 0)]);
    driven.finish(0, None);
    // Forth by six: it is caught up with, at its next firing.
    driven.go(7, 8);
    assert_eq!(driven.take(8), []);
    assert_eq!(pass(&mut driven, 1), [call(8, 8, &[1], 6)]);
    assert_eq!(driven.table.coalesced(), 4 + 6);
}

#[test]
fn a_pause_that_ends_within_a_second_lasts_until_the_next_one() {
    let backoff = Backoff { base: Duration::from_millis(1001), ..Backoff::default() };
    let mut driven = Driven { table: Table::new(Second(0), backoff), ..Driven::new(0) };
    driven.offer(8, &every(&[1])).unwrap();
    pass(&mut driven, 1);
    driven.finish(0, Some(&failure(FailureKind::Unreachable)));
    assert_eq!(pass(&mut driven, 1), []);
    assert_eq!(pass(&mut driven, 1), [call(8, 3, &[1], 1)]);
    assert_eq!(driven.table.coalesced(), 1);
}

#[test]
fn failures_in_a_row_pause_longer_until_one_goes_well() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[1])).unwrap();
    let mut pauses = Vec::new();
    for kind in
        [Some(FailureKind::Unreachable); 4].into_iter().chain([None, Some(FailureKind::Malformed), None])
    {
        let from = driven.now;
        while pass(&mut driven, 1).is_empty() {}
        pauses.push(driven.now - from);
        driven.finish(0, kind.map(failure).as_ref());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 8, 1, 2]);
}

#[test]
fn a_job_that_falls_due_while_it_fails_waits_out_the_pause_as_well() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[1])).unwrap();
    pass(&mut driven, 3);
    driven.finish(0, Some(&failure(FailureKind::Unreachable)));
    assert_eq!((driven.take(8), driven.table.coalesced()), (Vec::new(), 2));
    assert_eq!(pass(&mut driven, 2), [call(8, 5, &[1], 3)]);
}

#[test]
fn a_job_that_vanishes_with_a_call_ready_never_starts_and_leaves() {
    for is_set_back in [false, true] {
        let mut driven = Driven::new(0);
        driven.offer(8, &every(&[1])).unwrap();
        driven.sweep();
        driven.table.prepare(10, 3);
        assert_eq!(driven.sweep(), 1);
        driven.check();
        let now = if is_set_back { -500 } else { 1 };
        assert_eq!((driven.go(now, 8), driven.take(8)), (Vec::new(), Vec::new()));
        assert_eq!((driven.table.len(), driven.table.running()), (0, 0));
        // Its slot is free for another.
        driven.offer(7, &every(&[1])).unwrap();
        assert_eq!(pass(&mut driven, 1), [call(7, now + 1, &[1], 0)]);
    }
}

#[test]
fn a_slot_given_to_another_job_is_not_started_for_the_old_one() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[2])).unwrap();
    driven.sweep();
    driven.go(1, 8);
    driven.table.prepare(10, 3);
    // Moved away, so that it is idle; removed; and its slot taken by another one, for the same second.
    driven.offer(8, &every(&[100])).unwrap();
    driven.sweep();
    assert_eq!(driven.sweep(), 1);
    driven.offer(7, &every(&[2])).unwrap();
    driven.table.prepare(10, 3);
    driven.check();
    let mut starts = driven.go(2, 8);
    starts.extend(driven.take(8));
    assert_eq!(starts, [call(7, 2, &[2], 0)]);
    assert_eq!(driven.table.running(), 1);
}

#[test]
fn a_slice_makes_no_more_ready_than_it_may() {
    let mut driven = Driven::new(0);
    for number in 0..10_u32 {
        driven.table.offer(Job::new(format!("{number}"), [1], 0).start_at(Second(0)), Second(0)).unwrap();
    }
    assert!(driven.table.prepare(4, 3));
    driven.check();
    assert!(driven.table.prepare(4, 3));
    assert!(!driven.table.prepare(4, 3), "ten were made ready in three slices");
    assert!(!driven.table.prepare(4, 3));
    driven.check();
    assert_eq!(driven.go(1, usize::MAX).len(), 10);
    // An interrupted preparation loses nobody either.
    for _ in 0..10 {
        driven.finish(0, None);
    }
    assert!(driven.table.prepare(4, 3));
    assert_eq!(driven.go(2, usize::MAX).len(), 4);
    assert_eq!(driven.take(usize::MAX).len(), 6);
}

#[test]
fn calls_that_are_ready_are_no_more_than_there_is_room_for() {
    let mut driven = Driven::new(0);
    for number in 0..10_u32 {
        driven.table.offer(Job::new(format!("{number}"), [1], 0).start_at(Second(0)), Second(0)).unwrap();
    }
    driven.table.prepare(10, 3);
    assert_eq!(driven.go(1, 9).len(), 0, "they queue, so that their order holds");
    assert_eq!(driven.table.waiting(), 10);
    assert_eq!(driven.take(9).len(), 9);
    for _ in 0..9 {
        driven.finish(0, None);
    }
    driven.table.prepare(10, 3);
    assert_eq!(driven.go(2, 10).len(), 0, "one waits already");
    assert_eq!(driven.take(10).len(), 10);
    for _ in 0..10 {
        driven.finish(0, None);
    }
    driven.table.prepare(10, 3);
    assert_eq!(driven.go(3, 10).len(), 10);
}

#[rstest::rstest]
#[case::none(0, 256, 1)]
#[case::few(16, 256, 1)]
#[case::a_few_more(17, 256, 2)]
#[case::the_most(16 * 256, 256, 256)]
#[case::more(1_000_000, 256, 256)]
fn runs_are_cut_into_sixteen_portions_or_more(
    #[case] count: usize,
    #[case] most: usize,
    #[case] size: usize,
) {
    assert_eq!(portion_size(count, most), size);
}

#[test]
fn more_jobs_than_a_slice_are_swept_slice_by_slice() {
    let mut driven = Driven::new(0);
    let count = SWEEP_SLICE + 1;
    let offer = |driven: &mut Driven, number: u32| {
        driven.table.offer(Job::new(format!("{number}"), [60], 0), Second(0)).unwrap()
    };
    for number in 0..count {
        offer(&mut driven, number);
    }
    assert_eq!(driven.table.sweep(), Sweep::Going);
    assert_eq!(driven.table.sweep(), Sweep::Done(0));
    for number in (0..count).step_by(2) {
        assert_eq!(offer(&mut driven, number), Offered::Same);
    }
    assert_eq!(driven.sweep(), usize::try_from(count / 2).unwrap());
    assert_eq!(driven.table.len(), usize::try_from(count / 2 + 1).unwrap());
    // Their slots are given again before there are new ones.
    for number in (1..count).step_by(2) {
        assert_eq!(offer(&mut driven, number), Offered::New);
    }
    assert_eq!(driven.table.slab.end(), count);
    assert_eq!(driven.sweep(), usize::try_from(count / 2 + 1).unwrap());
    let mut starts = pass(&mut driven, 60).len();
    starts += driven.table.ready();
    assert_eq!(starts, usize::try_from(count / 2).unwrap());
}

#[test]
fn a_job_that_begins_to_fail_or_to_succeed_again_is_told_once() {
    let mut driven = Driven::new(0);
    driven.offer(8, &every(&[1])).unwrap();
    let mut told = Vec::new();
    let fails = Some(FailureKind::Unreachable);
    for kind in [None, fails, fails, fails, None, None, fails] {
        while pass(&mut driven, 1).is_empty() {}
        let (slot, _) = driven.running.pop().unwrap();
        let turned = driven.table.finish(slot, kind.map(failure).as_ref(), Second(driven.now));
        told.push(turned.map(|kept| kept.id.to_string()));
    }
    let turned = Some(name(8));
    assert_eq!(told, [None, turned.clone(), None, None, turned.clone(), None, turned]);
}
