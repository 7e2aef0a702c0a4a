//! The checks of a repository's own state: quota, `reboot_due`, `service_expiry`.

use super::*;
use crate::expectation::Percent;
use crate::observation::{Exemption, Space, Uptime};
use Stated::{Missing, Never, Unreadable, Value};

fn of_space(level: u32, used: Stated<u64>, free: Stated<u64>, quota: Stated<u64>) -> Answer {
    of_appliance(&quota::CHECK, Some(level), |facts| {
        facts.stated.space = Space { used, free, quota, ..Space::default() };
    })
}

#[rstest]
#[case::all_stated_quota_is_the_total(Value(85), Value(0), Value(100), Ok)]
#[case::free_does_not_matter_beside_a_quota(Value(86), Value(9999), Value(100), Bad)]
#[case::quota_without_free(Value(85), Missing, Value(100), Ok)]
#[case::quota_and_free_never(Value(86), Never, Value(100), Bad)]
#[case::used_and_free(Value(85), Value(15), Missing, Ok)]
#[case::used_and_free_over(Value(86), Value(14), Missing, Bad)]
#[case::quota_stated_as_none(Value(86), Value(14), Never, Bad)]
#[case::over_the_quota(Value(101), Value(0), Value(100), Bad)]
#[case::nothing_used(Value(0), Value(1), Missing, Ok)]
#[case::nothing_free(Value(1), Value(0), Missing, Bad)]
#[case::no_quota_at_all_left(Value(1), Value(5), Value(0), Bad)]
fn a_repository_is_full_when_it_uses_more_than_the_level(
    #[case] used: Stated<u64>,
    #[case] free: Stated<u64>,
    #[case] quota: Stated<u64>,
    #[case] outcome: Outcome,
) {
    let (found, reason) = of_space(8500, used, free, quota);
    assert_eq!(found, outcome);
    let total = quota.value().unwrap_or_else(|| used.value().unwrap() + free.value().unwrap());
    assert_eq!(reason, Reason::Filled(used.value().unwrap(), total, Percent(8500)));
}

#[rstest]
#[case(Missing, Missing, Missing, (Ok, Reason::Exempt(Exemption::NoStorageStated)))]
#[case(Never, Never, Never, (Ok, Reason::Exempt(Exemption::NoStorageStated)))]
#[case(Value(1), Missing, Missing, (Unknown, Reason::NotStated))]
#[case(Missing, Value(1), Missing, (Unknown, Reason::NotStated))]
#[case(Missing, Missing, Value(1), (Unknown, Reason::NotStated))]
#[case(Missing, Value(1), Value(1), (Unknown, Reason::NotStated))]
#[case(Value(0), Missing, Missing, (Unknown, Reason::NotStated))]
#[case(Value(0), Value(0), Missing, (Unknown, Reason::NoCapacity))]
#[case(Value(0), Value(0), Value(0), (Unknown, Reason::NoCapacity))]
#[case(Value(0), Value(7), Value(0), (Unknown, Reason::NoCapacity))]
#[case(Value(0), Missing, Value(0), (Unknown, Reason::NoCapacity))]
#[case(Unreadable, Value(1), Value(1), (Unknown, Reason::Unreadable))]
#[case(Value(99), Unreadable, Value(1), (Unknown, Reason::Unreadable))]
#[case(Value(99), Value(1), Unreadable, (Unknown, Reason::Unreadable))]
#[case(Unreadable, Missing, Missing, (Unknown, Reason::Unreadable))]
fn a_repository_without_usable_figures_is_not_judged(
    #[case] used: Stated<u64>,
    #[case] free: Stated<u64>,
    #[case] quota: Stated<u64>,
    #[case] expected: Answer,
) {
    assert_eq!(of_space(8500, used, free, quota), expected);
}

#[rstest]
#[case::exactly_at_85(8500, 850_000_000_000, 1_000_000_000_000, Ok)]
#[case::one_byte_more(8500, 850_000_000_001, 1_000_000_000_000, Bad)]
#[case::a_level_with_a_fraction(8550, 8550, 10_000, Ok)]
#[case::one_byte_above_the_fraction(8550, 8551, 10_000, Bad)]
#[case::not_rounded_down(8500, 17, 20, Ok)]
#[case::not_rounded_up(3333, 1, 3, Bad)]
#[case::level_100_full(10_000, 100, 100, Ok)]
#[case::level_100_one_more(10_000, 101, 100, Bad)]
#[case::level_0_empty(0, 0, 100, Ok)]
#[case::level_0_one_byte(0, 1, u64::MAX, Bad)]
#[case::largest_full(10_000, u64::MAX, u64::MAX, Ok)]
#[case::largest_almost(9999, u64::MAX, u64::MAX, Bad)]
#[case::largest_small(1, u64::MAX / 10_000, u64::MAX, Ok)]
#[case::largest_small_one_more(1, u64::MAX / 10_000 + 1, u64::MAX, Bad)]
fn the_level_is_compared_to_the_byte(
    #[case] level: u32,
    #[case] used: u64,
    #[case] quota: u64,
    #[case] outcome: Outcome,
) {
    let answer = of_space(level, Value(used), Missing, Value(quota));
    assert_eq!(answer, (outcome, Reason::Filled(used, quota, Percent(level))));
}

#[test]
fn used_and_free_may_together_be_more_than_64_bits_hold() {
    let half = of_space(5000, Value(u64::MAX), Value(u64::MAX), Missing);
    assert_eq!(half.0, Ok);
    let Reason::Filled(used, total, _) = half.1 else { panic!("{half:?}") };
    assert_eq!((used, total), (u64::MAX / 2, u64::MAX), "the share that is shown stays right");
    let quarter = of_space(5000, Value(1 << 62), Value((1 << 63) + (1 << 62)), Missing);
    assert!(matches!(quarter, (Ok, Reason::Filled(used, total, _)) if (used, total) == (1 << 61, 1 << 63)));
    assert_eq!(of_space(5000, Value(u64::MAX), Value(u64::MAX - 1), Missing).0, Bad);
}

#[test]
fn storage_that_is_exempt_is_not_judged() {
    let answer = of_appliance(&quota::CHECK, None, |facts| {
        facts.stated.space_exempt = Some(Exemption::CloudAppliance);
        facts.stated.space.used = Unreadable;
    });
    assert_eq!(answer, (Ok, Reason::Exempt(Exemption::CloudAppliance)));
}

#[rstest]
#[case(2_591_999.0, 2_591_999, Ok)]
#[case(2_591_999.5, 2_591_999, Ok)]
#[case(2_591_999.999_999, 2_591_999, Ok)]
#[case(2_592_000.0, 2_592_000, Bad)]
#[case(2_592_000.5, 2_592_000, Bad)]
#[case(3e6, 3_000_000, Bad)]
#[case(0.0, 0, Ok)]
#[case(1e300, u64::MAX, Bad)]
fn a_restart_is_due_from_the_limit_on(#[case] uptime: f64, #[case] shown: u64, #[case] outcome: Outcome) {
    let answer = of_appliance(&reboot_due::CHECK, None, |facts| {
        facts.stated.uptime = Value(Uptime::from_seconds(uptime).unwrap());
    });
    assert_eq!(answer, (outcome, Reason::Running(shown, Seconds::days(30))));
}

#[rstest]
#[case(Missing, Reason::NotStated)]
#[case(Never, Reason::NotStated)]
#[case(Unreadable, Reason::Unreadable)]
fn without_a_running_time_nothing_is_said_of_a_restart(
    #[case] uptime: Stated<Uptime>,
    #[case] reason: Reason,
) {
    let answer = of_appliance(&reboot_due::CHECK, None, |facts| facts.stated.uptime = uptime);
    assert_eq!(answer, (Unknown, reason));
}

const NOTICE: Seconds = Seconds::days(30);

/// The end so many seconds after the notice began, and so many nanoseconds.
fn end(seconds: i64, nanoseconds: i64) -> Timestamp {
    noon() + NOTICE.duration() + SignedDuration::from_secs(seconds) + SignedDuration::from_nanos(nanoseconds)
}

#[rstest]
#[case::exactly_at_the_notice(Value(end(0, 0)), Missing, (Bad, Reason::Ends(end(0, 0), NOTICE)))]
#[case::a_nanosecond_later(Value(end(0, 1)), Missing, (Ok, Reason::Ends(end(0, 1), NOTICE)))]
#[case::a_second_later(Value(end(1, 0)), Missing, (Ok, Reason::Ends(end(1, 0), NOTICE)))]
#[case::ended(Value(seconds_ago(1)), Missing, (Bad, Reason::Ends(seconds_ago(1), NOTICE)))]
#[case::warranty_alone(Missing, Value(end(0, 0)), (Bad, Reason::Ends(end(0, 0), NOTICE)))]
#[case::warranty_first(Value(end(9, 0)), Value(end(-9, 0)), (Bad, Reason::Ends(end(-9, 0), NOTICE)))]
#[case::service_first(Value(end(-9, 0)), Value(end(9, 0)), (Bad, Reason::Ends(end(-9, 0), NOTICE)))]
#[case::both_far_the_first_is_shown(Value(end(9, 0)), Value(end(5, 0)), (Ok, Reason::Ends(end(5, 0), NOTICE)))]
#[case::near_beside_unreadable(Unreadable, Value(end(0, 0)), (Bad, Reason::Ends(end(0, 0), NOTICE)))]
#[case::far_beside_unreadable(Unreadable, Value(end(1, 0)), (Unknown, Reason::Unreadable))]
#[case::far_and_warranty_unreadable(Value(end(1, 0)), Unreadable, (Unknown, Reason::Unreadable))]
#[case::unreadable_alone(Missing, Unreadable, (Unknown, Reason::Unreadable))]
#[case::none_stated(Missing, Missing, (Ok, Reason::Exempt(Exemption::NoEndStated)))]
#[case::never_ends(Never, Missing, (Ok, Reason::Exempt(Exemption::NoEndStated)))]
fn the_service_expires_from_the_notice_on(
    #[case] service: Stated<Timestamp>,
    #[case] warranty: Stated<Timestamp>,
    #[case] expected: Answer,
) {
    let answer = of_appliance(&service_expiry::CHECK, None, |facts| {
        facts.stated.service_end = service;
        facts.stated.warranty_end = warranty;
    });
    assert_eq!(answer, expected);
}
