//! What is said at the very edge of a limit, across turned clocks and when clocks are wrong; docs/edge-of-time.md lists
//! every case with its test, those of single checks and schedules too.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::observation::Planned;
use crate::schedule::{InvalidSchedule, Schedule};

/// The machine `db` on `s1`, which has a plan at 12:00 UTC each day and was backed up an hour before noon.
fn db() -> AssetObservation {
    let mut db = AssetObservation::new(&MACHINE, Name::new("db"));
    db.last_run = LastRun::Succeeded;
    db.last_good = Stated::Value(minute(-60));
    db.more.last_started = Stated::Value(minute(-90));
    let daily = Schedule::parse_cron("0 12 * * *", TimeZone::UTC).expect("a valid schedule");
    let (schedules, since) = (vec![daily], minute(-9999));
    db.more.planned = Some(Arc::new(Planned { schedules, since, grace: None, is_unreadable: false }));
    db
}

fn look_at(at: Timestamp, change: impl FnOnce(&mut AssetObservation)) -> Collection {
    let mut db = db();
    change(&mut db);
    look(at, vec![server("s1", at, vec![db])])
}

/// A monitor after one look, so many minutes after noon; that the server is silent meanwhile is not what it is about.
fn after_look(minutes: i64, change: impl FnOnce(&mut AssetObservation)) -> Monitor {
    let mut monitor = Monitor::new();
    monitor.values = vec![("offline_after", "off")];
    monitor.look(look_at(minute(minutes), change));
    monitor
}

fn failed(at: i64) -> LastRun {
    LastRun::Failed { in_row: 1, at: Some(minute(at)) }
}

const NOTHING: [&str; 0] = [];
const OPENED: &str = "opened acme/s1/db unsuccessful";
const RECOVERED: &str = "closed acme/s1/db unsuccessful Recovered";
const TWO_HOURS: i64 = 120;

#[test]
fn a_run_that_is_about_to_start_is_not_missed_before_its_grace_is_over() {
    let monitor = after_look(1, |_| {});
    let schedule = checks::schedule::ID;
    assert_eq!(monitor.outcome(schedule, minute(0)), Outcome::Ok);
    assert_eq!(monitor.outcome(schedule, minute(TWO_HOURS) - NANOSECOND), Outcome::Ok);
    assert_eq!(monitor.outcome(schedule, minute(TWO_HOURS)), Outcome::Bad);
}

#[test]
fn a_run_under_way_is_not_missed_and_no_success() {
    let monitor = after_look(100, |db| {
        db.more.started_at = Stated::Value(minute(1));
        db.more.last_started = Stated::Value(minute(1));
        db.last_good = Stated::Value(minute(1 - 24 * 60));
    });
    let now = minute(TWO_HOURS);
    assert_eq!(monitor.outcome(checks::schedule::ID, now), Outcome::Ok);
    assert_eq!(monitor.outcome(checks::stuck::ID, now), Outcome::Ok);
    assert_eq!(monitor.outcome(checks::behind_local::ID, now), Outcome::Bad, "it has not ended");
}

#[test]
fn a_retry_closes_nothing_until_it_succeeds() {
    let mut monitor = after_look(10, |db| db.last_run = failed(5));
    assert_eq!(monitor.tick(minute(11)).words(), [OPENED]);
    monitor.look(look_at(minute(20), |db| {
        db.last_run = failed(5);
        db.more.started_at = Stated::Value(minute(15));
    }));
    assert_eq!(monitor.tick(minute(21)).words(), NOTHING);
    monitor.look(look_at(minute(30), |db| db.last_run = failed(25)));
    assert_eq!(monitor.tick(minute(31)).words(), NOTHING);
    monitor.look(look_at(minute(40), |db| db.last_good = Stated::Value(minute(35))));
    assert_eq!(monitor.tick(minute(41)).words(), [RECOVERED]);
}

#[test]
fn what_finished_exactly_at_the_limit_is_in_time() {
    let day = 24 * 60;
    let monitor = after_look(1, |db| {
        db.last_good = Stated::Value(minute(0));
        db.more.started_at = Stated::Value(minute(0));
    });
    for check in [checks::behind_local::ID, checks::stuck::ID] {
        assert_eq!(monitor.outcome(check, minute(day)), Outcome::Ok);
        assert_eq!(monitor.outcome(check, minute(day) + NANOSECOND), Outcome::Bad);
    }
}

#[test]
fn a_clock_that_is_ahead_neither_opens_nor_closes() {
    let ahead = |db: &mut AssetObservation| {
        let wrong = Stated::Value(minute(9999));
        (db.last_good, db.more.last_started, db.more.started_at) = (wrong, wrong, wrong);
    };
    let mut fresh = after_look(1, ahead);
    assert_eq!(fresh.tick(minute(150)).words(), NOTHING, "never fresh, and not late either");
    for check in [checks::behind_local::ID, checks::schedule::ID, checks::stuck::ID] {
        assert_eq!(fresh.outcome(check, minute(150)), Outcome::Unknown, "{check}");
    }
    let mut late = after_look(1, |db| db.last_good = Stated::Value(minute(-9999)));
    late.look(look_at(minute(2), |db| {
        db.last_good = Stated::Value(minute(-9999));
        db.more.last_started = Stated::Value(minute(1));
    }));
    assert_eq!(late.tick(minute(3)).words(), ["opened acme/s1/db behind_local"]);
    late.look(look_at(minute(5), ahead));
    assert_eq!(late.tick(minute(6)).words(), NOTHING, "what was open stays open");
}

#[test]
fn an_age_is_never_negative() {
    let monitor = after_look(0, |db| db.last_good = Stated::Value(minute(5)));
    let found = verdict(&monitor.facts, &defaults(), minute(0), "acme/s1/db", checks::behind_local::ID);
    let found = found.expect("it is asked");
    let words = found.reason.summary(checks::behind_local::CHECK.words, minute(0));
    assert!(found.outcome == Outcome::Ok && words.contains(" 0 s ago "), "{words}");
}

#[test]
fn our_own_clock_that_is_set_back_closes_nothing_and_tells_nobody_twice() {
    let mut monitor = after_look(600, |db| db.last_run = failed(590));
    monitor.tick(minute(601));
    let set_back = minute(601 - 24 * 60);
    assert_eq!(monitor.tick(set_back).words(), NOTHING);
    assert!(monitor.tick(set_back).plan.digests.is_empty());
    // Looks go on being dated after those that were taken.
    monitor.look(look_at(minute(602), |db| db.last_good = Stated::Value(minute(-99))));
    assert_eq!(monitor.tick(set_back + SignedDuration::from_mins(5)).words(), [RECOVERED]);
}

#[test]
fn an_ok_observed_at_the_very_instant_at_which_it_opened_closes_nothing() {
    let mut monitor = after_look(10, |db| db.last_run = failed(5));
    monitor.tick(minute(20));
    monitor.look(look_at(minute(20), |_| {}));
    assert_eq!(monitor.tick(minute(21)).words(), NOTHING);
    monitor.look(look_at(minute(20) + NANOSECOND, |_| {}));
    assert_eq!(monitor.tick(minute(21)).words(), [RECOVERED]);
}

#[test]
fn two_flips_between_two_ticks_leave_what_was() {
    let mut fine = after_look(1, |_| {});
    fine.tick(minute(2));
    fine.look(look_at(minute(3), |db| db.last_run = failed(3)));
    fine.look(look_at(minute(4), |db| db.last_good = Stated::Value(minute(4))));
    assert_eq!(fine.tick(minute(5)).words(), NOTHING);
    let mut bad = after_look(1, |db| db.last_run = failed(0));
    bad.tick(minute(2));
    bad.look(look_at(minute(3), |db| db.last_good = Stated::Value(minute(3))));
    bad.look(look_at(minute(4), |db| db.last_run = failed(4)));
    assert_eq!(bad.tick(minute(5)).words(), NOTHING);
    assert_eq!(bad.tick(minute(5)).plan.digests.len(), 0);
}

#[test]
fn a_reminder_comes_exactly_when_its_interval_is_over() {
    let mut monitor = after_look(10, |db| db.last_run = failed(5));
    monitor.repeat_after = Some(Seconds::hours(1));
    let mut told = |now| monitor.tick(now).plan.digests.len();
    assert_eq!(
        [told(minute(11)), told(minute(71) - NANOSECOND), told(minute(71)), told(minute(71))],
        [1, 0, 1, 0]
    );
}

/// Looks every day at noon in Zurich; the plan is 02:30 there, which one day does not exist and one day exists twice.
#[test]
fn a_fleet_that_is_backed_up_each_night_stays_fine_on_both_days_on_which_clocks_are_turned() {
    for (zone, first_day, days) in [("Europe/Zurich", "2026-03-27", 4), ("Europe/Zurich", "2026-10-23", 4)]
        .into_iter()
        .chain([("America/New_York", "2026-03-06", 4), ("America/New_York", "2026-10-30", 4)])
    {
        let zone = TimeZone::get(zone).expect("a zone that exists");
        let nightly = Schedule::parse_cron("30 2 * * *", zone.clone()).expect("a valid schedule");
        let day: jiff::civil::Date = first_day.parse().expect("a valid date");
        let mut monitor = Monitor::new();
        monitor.values = vec![("local_after", "26h")];
        for number in 0..days {
            let noon =
                day.saturating_add(jiff::Span::new().days(number)).at(12, 0, 0, 0).to_zoned(zone.clone());
            let now = noon.expect("a valid instant").timestamp();
            let planned_at = nightly.planned_between(now - SignedDuration::from_hours(12), now).last();
            let planned_at = planned_at.expect("one each night");
            monitor.look(look_at(now, |db| {
                let (schedules, since) = (vec![nightly.clone()], Timestamp::MIN);
                let planned = Planned { schedules, since, grace: None, is_unreadable: false };
                db.more.planned = Some(Arc::new(planned));
                db.more.last_started = Stated::Value(planned_at + SignedDuration::from_secs(1));
                db.last_good = Stated::Value(planned_at + SignedDuration::from_mins(20));
            }));
            assert_eq!(monitor.tick(now).words(), NOTHING, "{first_day} + {number}");
        }
    }
}

#[test]
fn an_impossible_schedule_is_refused_and_an_unreadable_plan_stops_no_other() {
    let impossible = Schedule::parse_cron("0 2 31 2 *", TimeZone::UTC);
    assert!(matches!(impossible, Err(InvalidSchedule::Never(_))));
    let unreadable = |db: &mut AssetObservation| {
        let planned = Planned { schedules: Vec::new(), since: minute(0), grace: None, is_unreadable: true };
        db.more.planned = Some(Arc::new(planned));
    };
    let mut web = db();
    web.name = Name::new("web");
    let mut broken = db();
    unreadable(&mut broken);
    let mut monitor = Monitor::new();
    monitor.look(look(minute(1), vec![server("s1", minute(1), vec![broken, web])]));
    assert_eq!(monitor.outcome(checks::schedule::ID, minute(TWO_HOURS)), Outcome::Unknown);
    let opened = monitor.tick(minute(TWO_HOURS)).words();
    assert!(opened.contains(&"opened acme/s1/web schedule".to_owned()), "{opened:?}");
    assert!(!opened.iter().any(|words| words.contains("db")), "{opened:?}");
}

#[test]
fn a_silent_source_is_bad_exactly_past_its_limit() {
    let monitor = after_look(0, |_| {});
    let outcome = |now| {
        let found = verdict(&monitor.facts, &defaults(), now, "acme", checks::visibility::ID);
        found.expect("it is asked").outcome
    };
    assert_eq!(outcome(minute(180)), Outcome::Ok);
    assert_eq!(outcome(minute(180) + NANOSECOND), Outcome::Bad);
}
