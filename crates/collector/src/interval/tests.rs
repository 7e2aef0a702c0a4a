//! Does the arithmetic agree with counting second by second?

use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const DAY: i64 = 86_400;

/// No generated interval is longer.
const LONGEST: i64 = 1200;

/// The model: nothing but the definition. A start fires an interval where the distance is a whole number of intervals.
fn fires(length: i64, start: i64, at: i64) -> bool {
    (i128::from(at) - i128::from(start)) % i128::from(length) == 0
}

fn model_affecting(lengths: &BTreeSet<i64>, start: i64, at: i64) -> Vec<i64> {
    lengths.iter().copied().filter(|length| fires(*length, start, at)).collect()
}

fn intervals(lengths: &BTreeSet<i64>) -> Intervals {
    Intervals::new(lengths.iter().copied()).unwrap()
}

fn seconds(affecting: Affecting, intervals: &Intervals) -> Vec<i64> {
    affecting.of(intervals).map(|interval| i64::from(interval.as_secs())).collect()
}

/// Short ones, so that they meet often; multiples of one; and the divisors of a number with very many.
fn lengths() -> impl Strategy<Value = BTreeSet<i64>> {
    let short = proptest::collection::btree_set(1..40_i64, 1..=Intervals::MAX);
    let multiples = (1..20_i64, proptest::collection::btree_set(1..60_i64, 1..=Intervals::MAX))
        .prop_map(|(base, factors)| factors.into_iter().map(|factor| factor * base).collect());
    let divisors: Vec<i64> = (1..=720).filter(|length| 720_720 % length == 0).collect();
    let most = divisors.len().min(Intervals::MAX);
    let divisors = proptest::sample::subsequence(divisors, 1..=most)
        .prop_map(|lengths| lengths.into_iter().collect::<BTreeSet<_>>());
    let few = proptest::collection::btree_set(1..400_i64, 1..4);
    prop_oneof![short, multiples, divisors, few]
}

/// Near each other, and as far from each other as seconds go.
fn start_and_at() -> impl Strategy<Value = (i64, i64)> {
    let at = prop_oneof![-1000..1000_i64, Just(1_700_000_000_i64), -1_i64 << 40..1_i64 << 40];
    at.prop_flat_map(|at| {
        let start = prop_oneof![
            (-3000..3000_i64).prop_map(move |distance| at + distance),
            any::<i64>(),
            Just(i64::MIN),
            Just(i64::MAX),
            Just(0),
        ];
        (start, Just(at))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_firing_is_the_first_second_in_which_any_interval_fires(
        lengths in lengths(), (start, at) in start_and_at(),
    ) {
        let expected = (at + 1..=at + LONGEST).find(|second| !model_affecting(&lengths, start, *second).is_empty());
        prop_assert_eq!(Some(intervals(&lengths).next(Second(start), Second(at)).0), expected);
    }

    #[test]
    fn the_last_firing_is_the_newest_second_in_which_any_interval_fired(
        lengths in lengths(), (start, at) in start_and_at(),
    ) {
        let expected = (0..LONGEST).map(|ago| at - ago).find(|second| !model_affecting(&lengths, start, *second).is_empty());
        prop_assert_eq!(Some(intervals(&lengths).last(Second(start), Second(at)).0), expected);
    }

    #[test]
    fn a_firing_is_told_exactly_the_intervals_that_cause_it(
        lengths in lengths(), (start, from) in start_and_at(),
    ) {
        let intervals = intervals(&lengths);
        for at in from..from + 300 {
            let affecting = intervals.affecting(Second(start), Second(at));
            prop_assert_eq!(seconds(affecting, &intervals), model_affecting(&lengths, start, at));
        }
    }

    #[test]
    fn what_fired_in_a_span_is_what_fired_in_its_seconds(
        lengths in lengths(), (start, after) in start_and_at(), length in 0..3000_i64,
    ) {
        let intervals = intervals(&lengths);
        let mut affected = BTreeSet::new();
        let mut count = 0;
        for at in after + 1..=after + length {
            let affecting = model_affecting(&lengths, start, at);
            count += u32::from(!affecting.is_empty());
            affected.extend(affecting);
        }
        let (start, after, until) = (Second(start), Second(after), Second(after + length));
        let affecting = seconds(intervals.affecting_between(start, after, until), &intervals);
        prop_assert_eq!(affecting, affected.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(intervals.count_between(start, after, until), count);
        // The other way round there is nothing in it, unless it is empty anyway.
        prop_assert_eq!(intervals.count_between(start, until, after), 0);
    }

    #[test]
    fn no_second_is_too_far_for_the_arithmetic(
        lengths in proptest::collection::btree_set(1..=i64::from(u32::MAX), 1..=Intervals::MAX),
        start in any::<i64>(), one in any::<i64>(), other in any::<i64>(),
    ) {
        let intervals = intervals(&lengths);
        let (after, until) = (one.min(other), one.max(other));
        let next = intervals.next(Second(start), Second(after)).0;
        prop_assert!(next > after && next <= after.saturating_add(*lengths.first().unwrap()));
        let last = intervals.last(Second(start), Second(until)).0;
        prop_assert!(last <= until && last >= until.saturating_sub(*lengths.first().unwrap()));
        let count = i128::from(intervals.count_between(Second(start), Second(after), Second(until)));
        let shortest = i128::from(*lengths.first().unwrap());
        let least = ((i128::from(until) - i128::from(after)) / shortest).min(i128::from(u32::MAX));
        prop_assert!(count >= least, "{} firings of {} at least", count, least);
    }
}

#[rstest]
#[case::one(&[60], 0, 59, 60, &[60])]
#[case::not_the_second_itself(&[60], 0, 60, 120, &[60])]
#[case::before_the_start(&[60], 1000, 0, 40, &[60])]
#[case::before_1970(&[60], 7, -114, -113, &[60])]
#[case::all_meet_at_the_start(&[2, 3, 6], 0, -1, 0, &[2, 3, 6])]
#[case::the_shortest_first(&[6, 3, 2], 0, 0, 2, &[2])]
#[case::the_second(&[2, 3, 6], 0, 2, 3, &[3])]
#[case::the_first_again(&[2, 3, 6], 0, 3, 4, &[2])]
#[case::all_again(&[2, 3, 6], 0, 4, 6, &[2, 3, 6])]
#[case::two_of_three(&[4, 6, 9], 0, 9, 12, &[4, 6])]
#[case::the_longest(&[4_294_967_295], 5, 5, 4_294_967_300, &[4_294_967_295])]
#[case::the_longest_backwards(&[4_294_967_295], 4_294_967_300, 4, 5, &[4_294_967_295])]
#[case::a_start_as_far_as_seconds_go(&[2], i64::MAX, 9, 11, &[2])]
#[case::a_start_as_far_back_as_seconds_go(&[2], i64::MIN, 9, 10, &[2])]
fn a_job_fires_at_its_start_and_whole_intervals_from_it(
    #[case] lengths: &[i64],
    #[case] start: i64,
    #[case] after: i64,
    #[case] next: i64,
    #[case] affecting: &[i64],
) {
    let intervals = Intervals::new(lengths.iter().copied()).unwrap();
    assert_eq!(intervals.next(Second(start), Second(after)), Second(next));
    assert_eq!(seconds(intervals.affecting(Second(start), Second(next)), &intervals), affecting);
    assert_eq!(intervals.last(Second(start), Second(next)), Second(next));
    assert!(intervals.last(Second(start), Second(next - 1)) <= Second(after));
    assert_eq!(intervals.count_between(Second(start), Second(after), Second(next)), 1);
    assert_eq!(intervals.count_between(Second(start), Second(after), Second(next - 1)), 0);
}

#[rstest]
#[case::an_hour_of_minutes(&[60], 0, 0, 3600, 60)]
#[case::coinciding_ones_are_one(&[2, 3, 6], 0, 0, 600, 400)]
#[case::three_without_a_common_divisor(&[2, 3, 5], 0, 0, 30, 22)]
#[case::a_year_of_everything(&[60, 300, 3600, 86_400, 7], 3, 0, 365 * DAY, 4_955_657)]
#[case::more_than_it_says(&[1], 0, 0, i64::MAX, u32::MAX)]
#[case::all_there_is(&[1], 0, i64::MIN, i64::MAX, u32::MAX)]
#[case::just_not_more_than_it_says(&[1], 0, 0, 4_294_967_294, 4_294_967_294)]
#[case::exactly_what_it_says_at_most(&[1], 0, 0, 4_294_967_295, 4_294_967_295)]
#[case::both_sides_of_the_start_are_more_than_it_says(&[1], 0, -4_000_000_000, 4_000_000_000, u32::MAX)]
#[case::both_sides_of_the_start(&[10, 15], 0, -31, 31, 9)]
#[case::up_to_the_start(&[10, 15], 0, -1, 0, 1)]
#[case::from_the_start(&[10, 15], 0, 0, 9, 0)]
#[case::long_ones_meet_at_the_start(&[4_294_967_291, 4_294_967_279, 4_294_967_231], 0, -100, 100, 1)]
fn firings_of_a_span_are_counted_exactly(
    #[case] lengths: &[i64],
    #[case] start: i64,
    #[case] after: i64,
    #[case] until: i64,
    #[case] count: u32,
) {
    let intervals = Intervals::new(lengths.iter().copied()).unwrap();
    assert_eq!(intervals.count_between(Second(start), Second(after), Second(until)), count);
}

/// Thirty-two primes: no two have a common multiple below their product.
const PRIMES: [i64; 32] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131,
];

#[rstest]
#[case::over_an_hour(0, 3600)]
#[case::from_1970_to_today(0, 1_800_000_000)]
#[case::at_the_start(-10, 10)]
#[case::far_from_the_start(6_469_693_230 - 5, 6_469_693_230 + 5)]
fn primes_are_counted_in_bearable_time(#[case] after: i64, #[case] until: i64) {
    let intervals = Intervals::new(PRIMES).unwrap();
    let count = intervals.count_between(Second(0), Second(after), Second(until));
    if until - after < 10_000 {
        let fired = (after + 1..=until).filter(|at| PRIMES.iter().any(|prime| at % prime == 0)).count();
        assert_eq!(u32::try_from(fired), Ok(count));
    } else {
        // One second of n is hit by none of the primes with a chance of the product of (1 - 1/p), here 0.1130.
        assert!((0.8869..0.8871).contains(&(f64::from(count) / 1.8e9)), "{count}");
    }
}

#[test]
fn intervals_with_very_many_equal_common_multiples_are_counted_in_bearable_time() {
    // No one of them divides another, and all their common multiples divide 720 720.
    let mut lengths = Vec::new();
    for length in (40..=2000).filter(|length| 720_720 % length == 0) {
        if lengths.iter().all(|shorter| length % shorter != 0) {
            lengths.push(length);
        }
    }
    for length in [2002, 2184, 2310, 2340, 2520, 2574, 2640, 2730, 2772, 2860, 3003, 3080, 3120, 3276] {
        lengths.push(length);
    }
    lengths.truncate(Intervals::MAX);
    let intervals = Intervals::new(lengths.iter().copied()).unwrap();
    let until = 2 * 720_720;
    let fired = (1..=until).filter(|at| lengths.iter().any(|length| at % length == 0)).count();
    assert_eq!(u32::try_from(fired), Ok(intervals.count_between(Second(0), Second(0), Second(until))));
}

#[rstest]
#[case::zero(0, false)]
#[case::one(1, true)]
#[case::negative(-5, false)]
#[case::the_longest(4_294_967_295, true)]
#[case::one_more(4_294_967_296, false)]
#[case::as_negative_as_can_be(i64::MIN, false)]
#[case::as_long_as_can_be(i64::MAX, false)]
fn an_interval_has_a_second_at_least_and_136_years_at_most(#[case] seconds: i64, #[case] is_fit: bool) {
    let expected = if is_fit { Ok(seconds) } else { Err(IntervalError::OutOfRange(seconds)) };
    assert_eq!(Interval::from_secs(seconds).map(|interval| i64::from(interval.as_secs())), expected);
    assert_eq!(Intervals::new([7, seconds]).is_ok(), is_fit);
}

#[test]
fn intervals_are_sorted_and_each_is_there_once() {
    let intervals = Intervals::new([300, 5, 60, 5, 300]).unwrap();
    let seconds: Vec<_> = intervals.as_slice().iter().map(|interval| interval.as_secs()).collect();
    assert_eq!(seconds, [5, 60, 300]);
    assert_eq!(intervals, Intervals::new([60, 300, 5]).unwrap());
}

#[test]
fn there_is_one_interval_at_least_and_32_at_most() {
    assert_eq!(Intervals::new([]), Err(IntervalError::None));
    assert!(Intervals::new(1..=32).is_ok());
    assert_eq!(Intervals::new(1..=33), Err(IntervalError::TooMany(33)));
    // The same one again is no other one.
    assert!(Intervals::new((1..=32).chain(1..=32)).is_ok());
    let affecting = Intervals::new(1..=32).unwrap().affecting(Second(0), Second(0));
    assert_eq!(affecting, Affecting(u32::MAX));
}

#[test]
fn errors_say_what_may_be_given() {
    assert_eq!(
        Interval::from_secs(-5).unwrap_err().to_string(),
        "an interval of -5 s cannot be scheduled; it must be from 1 to 4294967295 s"
    );
    let many = Intervals::new(1..=33).unwrap_err().to_string();
    assert_eq!(many, "it has 33 different intervals; at most 32 are possible, split the job");
    assert_eq!(
        Intervals::new([]).unwrap_err().to_string(),
        "it has no interval; give at least one, in seconds"
    );
    assert_eq!(Interval::from_secs(90).unwrap().to_string(), "90 s");
}
