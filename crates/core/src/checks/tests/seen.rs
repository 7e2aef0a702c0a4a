//! Devices that are not always on: what is overdue counts only while they were seen, if that is set.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::facts::{Facts, fold};
use crate::observation::Planned;
use crate::schedule::Schedule;
use crate::testing::{FleetBuilder, set, verdict};

fn hour(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

/// A laptop whose last good backup and offsite copy were at noon, looked at every hour up to `until`, and switched on in
/// these hours.
fn laptop(on: &[(i64, i64)], until: i64) -> Facts {
    laptop_that_states(on, until, Stated::Value)
}

fn laptop_that_states(on: &[(i64, i64)], until: i64, stated: fn(Timestamp) -> Stated<Timestamp>) -> Facts {
    let mut last_seen = 0;
    let look = |hours: i64| {
        let sighting = on.iter().map(|(_, to)| hours.min(*to)).zip(on).filter(|(at, (from, _))| at >= from);
        last_seen = sighting.map(|(at, _)| at).max().unwrap_or(last_seen);
        let mut agent = agent("laptop", hour(hours));
        agent.last_good = Stated::Value(noon());
        agent.last_offsite = Stated::Value(noon());
        agent.more.last_seen = stated(hour(last_seen));
        agent.more.last_started = Stated::Value(noon());
        FleetBuilder::new("acme", hour(hours)).appliance("nas", vec![agent]).collection()
    };
    fold((0..=until).map(look).collect())
}

fn judged(facts: &Facts, check: &Check, now: i64, overdue_counts: &'static str) -> Answer {
    let expected = set(&[("overdue_counts", overdue_counts), ("offsite_after", "24h")]);
    let found = verdict(facts, &expected, hour(now), "acme/nas/laptop", check.id).expect("it is asked");
    (found.outcome, found.reason)
}

const DAY: Seconds = Seconds::hours(24);

#[rstest]
fn what_is_overdue_counts_only_while_the_device_was_seen_if_so_set(
    #[values(&behind_local::CHECK, &behind_offsite::CHECK)] check: &Check,
) {
    // On for 8 hours, off for a week, then on again.
    let back_at = 8 + 7 * 24;
    let away = laptop(&[(0, 8)], back_at - 1);
    assert_eq!(judged(&away, check, back_at - 1, "always"), (Bad, Reason::TooOld(noon(), DAY)));
    let eight = Reason::Away(noon(), DAY, Seconds::hours(8));
    assert_eq!(judged(&away, check, back_at - 1, "while_seen"), (Ok, eight));
    let answer = |hours: i64| {
        let facts = laptop(&[(0, 8), (back_at, 9999)], back_at + hours);
        judged(&facts, check, back_at + hours, "while_seen")
    };
    assert_eq!(answer(16), (Ok, Reason::Away(noon(), DAY, Seconds::hours(24))));
    assert_eq!(answer(17), (Bad, Reason::BackWithout(noon(), DAY, Seconds::hours(25))));
}

#[test]
fn a_device_that_is_always_on_is_judged_as_ever() {
    let facts = laptop(&[(0, 9999)], 25);
    for overdue_counts in ["while_seen", "always"] {
        let answer = judged(&facts, &behind_local::CHECK, 25, overdue_counts);
        assert_eq!(answer, (Bad, Reason::TooOld(noon(), DAY)));
    }
    let young = laptop(&[(0, 9999)], 24);
    let answer = judged(&young, &behind_local::CHECK, 24, "while_seen");
    assert_eq!(answer, (Ok, Reason::Recent(noon(), DAY)));
}

#[test]
fn a_device_whose_sightings_are_not_stated_or_dated_ahead_is_judged_as_ever() {
    let not_stated: [fn(Timestamp) -> Stated<Timestamp>; 4] = [
        |_| Stated::Missing,
        |_| Stated::Never,
        |_| Stated::Unreadable,
        |at| Stated::Value(at + SignedDuration::from_hours(9999)),
    ];
    for stated in not_stated {
        let facts = laptop_that_states(&[(0, 8)], 30, stated);
        let answer = judged(&facts, &behind_local::CHECK, 30, "while_seen");
        assert_eq!(answer, (Bad, Reason::TooOld(noon(), DAY)));
    }
}

#[test]
fn what_never_happened_is_bad_also_while_nobody_was_there() {
    let mut facts = laptop(&[(0, 8)], 30);
    facts.sources[0].repositories[0].stated.assets[0].last_good = Stated::Never;
    assert_eq!(judged(&facts, &behind_local::CHECK, 30, "while_seen"), (Bad, Reason::Never));
}

/// Planned at 02:00 each night, 14 hours after noon, with a grace of two hours.
fn nightly(on: &[(i64, i64)], now: i64) -> Answer {
    let mut facts = laptop(on, now);
    let two = Schedule::parse_cron("0 2 * * *", TimeZone::UTC).expect("a valid schedule");
    let planned = Planned { schedules: vec![two], since: hour(-99), grace: None, is_unreadable: false };
    let repository = &mut facts.sources[0].repositories[0];
    repository.stated.assets[0].more.planned = Some(Arc::new(planned));
    let repository = &facts.sources[0].repositories[0];
    let asset = repository.asset(&repository.stated.assets[0]);
    let mut expected = expecting(&schedule::CHECK, None);
    expected.settings[2].value = Some(1);
    schedule::CHECK.judge.asset.expect("asked of assets")(asset, &expected, hour(now))
}

#[test]
fn a_planned_run_is_missed_once_the_device_was_there_for_its_grace() {
    let first = Reason::MissedAway(hour(14), Seconds::hours(2));
    let missed = |planned_at, count| Reason::Missed {
        count,
        limit: 1,
        planned_at: hour(planned_at),
        grace: Seconds::hours(2),
    };
    assert_eq!(nightly(&[(0, 8)], 15), (Ok, Reason::OnPlan(Some(hour(16)))));
    assert_eq!(nightly(&[(0, 8)], 20), (Ok, first.clone()), "off since before it was planned");
    assert_eq!(nightly(&[(0, 8), (20, 9999)], 21), (Ok, first.clone()), "on for an hour");
    assert_eq!(nightly(&[(0, 8), (20, 9999)], 22), (Bad, missed(14, 1)), "on for as long as the grace");
    assert_eq!(nightly(&[(0, 15)], 20), (Ok, first), "on for an hour of the grace");
    assert_eq!(nightly(&[(0, 9999)], 16), (Bad, missed(14, 1)), "on all the time");
    // Away for five nights: what passed meanwhile is one missed run, the newest.
    assert_eq!(nightly(&[(0, 8), (120, 9999)], 122), (Bad, missed(110, 1)));
    // On by day only: each night's run is one.
    assert_eq!(nightly(&[(0, 8), (20, 32), (44, 9999)], 46), (Bad, missed(14, 2)));
}
