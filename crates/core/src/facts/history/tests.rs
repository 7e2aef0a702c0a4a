//! What is counted and remembered from look to look.

use rstest::rstest;

use super::*;
use crate::testing::{NANOSECOND, agent, noon};

#[test]
fn a_history_is_small() {
    // There are hundreds of thousands of them.
    assert!(size_of::<History>() <= 100, "{}", size_of::<History>());
}

fn hour(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

fn failed(in_row: u32, at: Option<i64>) -> LastRun {
    LastRun::Failed { in_row, at: at.map(hour) }
}

/// The counted failures after looks, one an hour from noon on, that state these runs; the last good backup was at -99.
fn counted(runs: &[LastRun]) -> u32 {
    let looks: Vec<_> = runs.iter().map(|run| (*run, -99)).collect();
    counted_with(&looks)
}

/// The same, with the hour of the last good backup.
fn counted_with(looks: &[(LastRun, i64)]) -> u32 {
    let mut history: Option<History> = None;
    for (hours, (last_run, last_good)) in (0..).zip(looks) {
        let mut db = agent("db", hour(hours));
        (db.last_run, db.last_good) = (*last_run, Stated::Value(hour(*last_good)));
        history = Some(match history {
            None => History::first(&db, hour(hours)),
            Some(history) => history.renewed(&db, hour(hours)),
        });
    }
    history.expect("at least one look").failed_in_row
}

#[rstest]
#[case::the_same_run_seen_again(&[failed(1, Some(-3)), failed(1, Some(-3)), failed(1, Some(-3))], 1)]
#[case::each_run_counts_once(&[failed(1, Some(-3)), failed(1, Some(0)), failed(1, Some(0)), failed(1, Some(2))], 3)]
#[case::an_older_one_again_is_none(&[failed(1, Some(0)), failed(1, Some(-3)), failed(1, Some(0))], 1)]
#[case::undated_ones_may_be_the_same(&[failed(1, None), failed(1, None)], 1)]
#[case::the_source_knows_of_more(&[failed(1, Some(-3)), failed(4, Some(-3)), failed(4, Some(0))], 5)]
#[case::the_source_counts_too(&[failed(1, Some(-3)), failed(2, Some(0)), failed(3, Some(1))], 3)]
#[case::a_success_ends_the_row(&[failed(3, Some(-3)), LastRun::Succeeded, failed(1, Some(1))], 1)]
#[case::a_success_is_no_failure(&[failed(3, Some(-3)), LastRun::Succeeded], 0)]
#[case::what_cannot_be_read_ends_no_row(&[failed(2, Some(-3)), LastRun::Unreadable, failed(1, Some(1))], 3)]
#[case::what_cannot_be_read_is_no_failure(&[LastRun::Unreadable, LastRun::Unreadable], 0)]
#[case::dated_ahead_is_not_dated(&[failed(1, Some(-1)), failed(1, Some(99)), failed(1, Some(98))], 1)]
fn failed_runs_are_counted_once_each(#[case] runs: &[LastRun], #[case] expected: u32) {
    assert_eq!(counted(runs), expected);
}

#[test]
fn a_good_backup_between_two_looks_ends_the_row_too() {
    assert_eq!(counted_with(&[(failed(1, Some(-9)), -20), (failed(1, Some(0)), -4)]), 1);
    assert_eq!(counted_with(&[(failed(1, Some(-9)), -20), (failed(1, Some(0)), -20)]), 2);
    assert_eq!(counted_with(&[(failed(2, None), -20), (failed(1, None), -4)]), 1);
    // One dated ahead proves nothing.
    assert_eq!(counted_with(&[(failed(1, Some(-9)), -20), (failed(1, Some(0)), 50)]), 2);
}

#[test]
fn the_newest_success_ever_stated_is_remembered() {
    let mut db = agent("db", noon());
    let mut history = History::first(&db, noon());
    let first = db.last_good.value();
    for stated in
        [Stated::Never, Stated::Missing, Stated::Unreadable, Stated::Value(hour(-50)), Stated::Value(hour(9))]
    {
        db.last_good = stated;
        history = history.renewed(&db, hour(1));
        assert_eq!((history.last_success_at, history.first_seen_at), (first, noon()));
    }
    db.last_good = Stated::Value(hour(1));
    assert_eq!(history.renewed(&db, hour(1)).last_success_at, Some(hour(1)));
}

/// The presence after looks at these hours, each with the hour at which the device was last seen.
fn presence(looks: &[(i64, i64)]) -> Presence {
    let mut history: Option<History> = None;
    for (hours, seen) in looks {
        let mut db = agent("db", hour(-9));
        db.last_offsite = Stated::Missing;
        db.more.last_seen = Stated::Value(hour(*seen));
        history = Some(match history {
            None => History::first(&db, hour(*hours)),
            Some(history) => history.renewed(&db, hour(*hours)),
        });
    }
    *history.and_then(|history| history.presence).expect("it was seen")
}

fn spans(presence: &Presence) -> Vec<(i64, i64)> {
    let hours = |at: Timestamp| at.duration_since(noon()).as_hours();
    presence.spans.iter().map(|span| (hours(span.from), hours(span.until))).collect()
}

#[rstest]
#[case::seen_at_every_look(&[(0, 0), (1, 1), (2, 2)], &[(0, 2)])]
#[case::exactly_the_gap(&[(0, 0), (1, 0), (2, 0), (3, 3)], &[(0, 3)])]
#[case::more_than_the_gap(&[(0, 0), (2, 0), (4, 4)], &[(0, 0), (4, 4)])]
#[case::the_same_sighting_again(&[(0, -1), (1, -1), (2, -1)], &[(-1, -1)])]
#[case::an_older_one(&[(0, 0), (1, -1)], &[(0, 0)])]
#[case::nobody_looked(&[(0, 0), (1, 0), (9, 9)], &[(0, 9)])]
#[case::nobody_looked_after_it_was_away(&[(0, -4), (1, -4), (9, 9)], &[(-4, -4), (1, 9)])]
fn sightings_are_stretches_unless_they_lie_too_far_apart(
    #[case] looks: &[(i64, i64)],
    #[case] expected: &[(i64, i64)],
) {
    assert_eq!(spans(&presence(looks)), expected);
}

#[test]
fn only_seen_time_counts_and_what_is_not_known_counts_as_seen() {
    let known = presence(&[(0, 0), (1, 1), (2, 1), (4, 1), (6, 5), (7, 7)]);
    assert_eq!(spans(&known), [(0, 1), (5, 7)]);
    let seen = |since, now| known.seen_since(hour(since), hour(now)).as_hours();
    assert_eq!([seen(0, 7), seen(0, 9), seen(1, 9), seen(6, 9), seen(7, 9)], [3, 3, 2, 1, 0]);
    assert_eq!(seen(-4, 9), 4 + 3, "before the first sighting nothing is known");
    assert_eq!([seen(0, 4), seen(-4, -2)], [1, 2]);
    let back = |since| known.came_back_since(hour(since));
    assert_eq!([back(-4), back(0), back(3), back(5), back(6)], [true, true, true, false, false]);
}

#[test]
fn a_source_that_stops_stating_sightings_or_whose_clock_is_wrong_is_strict() {
    let mut db = agent("db", noon());
    db.more.last_seen = Stated::Value(hour(0));
    let history = History::first(&db, noon());
    assert!(history.presence.is_some());
    let ahead = noon() + crate::time::FUTURE_TOLERANCE + NANOSECOND;
    for stated in [Stated::Missing, Stated::Never, Stated::Unreadable, Stated::Value(ahead)] {
        db.more.last_seen = stated;
        assert_eq!(history.clone().renewed(&db, noon()).presence, None, "{stated:?}");
    }
}

#[test]
fn old_stretches_are_forgotten_or_taken_together_and_never_count_for_less() {
    let days: Vec<_> = (0..40).flat_map(|day| [(day * 24, day * 24), (day * 24 + 2, day * 24 + 2)]).collect();
    let mut looks = Vec::new();
    for (hours, seen) in days {
        // A look every two hours, so that none of the time was unwatched.
        looks.extend(
            (0..11)
                .map(|step| (hours + 2 * step, seen))
                .filter(|(hours, _)| hours % 24 != 0 || *hours == seen),
        );
    }
    looks.sort_unstable();
    looks.dedup_by_key(|(hours, _)| *hours);
    let known = presence(&looks);
    assert_eq!(known.spans.len(), SPANS_MAX);
    let (since, now) = (hour(0), hour(40 * 24));
    assert!(known.seen_since(since, now) > SignedDuration::from_hours(40 * 2));
    // A backup since then: what was before it is needed no more.
    let mut db = agent("db", hour(39 * 24));
    db.more.last_seen = Stated::Value(hour(39 * 24 + 4));
    (db.last_offsite, db.last_good) = (Stated::Missing, Stated::Value(hour(38 * 24 + 1)));
    let history = History { presence: Some(Box::new(known)), ..History::first(&db, noon()) };
    let renewed = history.renewed(&db, hour(39 * 24 + 4)).presence.expect("it was seen");
    assert_eq!(spans(&renewed), [(912, 914), (936, 940)]);
    assert_eq!(renewed.known_since, hour(37 * 24 + 2));
    assert_eq!(renewed.seen_since(hour(38 * 24 + 1), now).as_hours(), 1 + 4);
}
