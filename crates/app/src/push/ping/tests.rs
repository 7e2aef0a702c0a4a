//! What a job that pings is known by, whatever it says and in which order.

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::Name;
use lastgood_core::kind::{Kind, SubjectType};
use lastgood_core::observation::{AssetObservation, LastRun, Stated};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::Seconds;
use proptest::prelude::*;

use super::*;
use crate::push::expected::Plan;

static JOB: Kind = Kind { id: "job", subject: SubjectType::Asset, checks: &[], defaults: &[] };

const HOURLY: Plan = Plan::Period(Seconds::hours(1));

/// So many minutes after the job was configured.
fn minute(count: i64) -> Timestamp {
    let configured_at: Timestamp = "2026-11-21T00:00:00Z".parse().expect("an instant");
    configured_at + SignedDuration::from_mins(count)
}

/// One that comes after all others.
fn sign(minutes: i64, word: Word, rid: Option<u128>) -> Sign {
    Sign { word, rid, at: minute(minutes), tail: None, is_cut: false, came_at: minute(2_000_000) }
}

/// Reads `START 10 a`: the word, the minute, and the run if it is named.
fn heard(signs: &[&str]) -> Heard {
    let mut heard = Heard::new("every 3600", minute(0));
    for text in signs {
        heard.hear(&read(text));
    }
    heard
}

fn read(text: &str) -> Sign {
    let mut parts = text.split(' ');
    let word = match parts.next().expect("a word") {
        "ok" => Word::Success,
        "start" => Word::Start,
        "fail" => Word::Fail,
        "log" => Word::Log,
        status => Word::Exit(status.parse().expect("a status")),
    };
    let minutes = parts.next().expect("a minute").parse().expect("a number");
    let rid = parts.next().map(|rid| u128::from_str_radix(rid, 16).expect("a run"));
    sign(minutes, word, rid)
}

fn stated_with(heard: &Heard, plan: &Plan) -> AssetObservation {
    observe(Name::new("db"), &JOB, heard, Planning { plan, grace: Seconds::minutes(5) })
}

fn stated(signs: &[&str]) -> AssetObservation {
    stated_with(&heard(signs), &HOURLY)
}

fn failed(in_row: u32, minutes: i64) -> LastRun {
    LastRun::Failed { in_row, at: Some(minute(minutes)) }
}

#[test]
fn how_the_newest_run_ended() {
    let rows: [(&[&str], LastRun, Option<i64>); 14] = [
        (&[], LastRun::NoneYet, None),
        (&["start 1"], LastRun::NoneYet, None),
        (&["log 1"], LastRun::NoneYet, None),
        (&["ok 1"], LastRun::Succeeded, Some(1)),
        (&["0 1"], LastRun::Succeeded, Some(1)),
        (&["1 1"], failed(1, 1), None),
        (&["fail 1", "255 2", "fail 3"], failed(3, 3), None),
        (&["fail 1", "ok 2"], LastRun::Succeeded, Some(2)),
        (&["ok 1", "fail 2", "log 3", "start 4"], failed(1, 2), Some(1)),
        // Late ones count at their own instant.
        (&["ok 5", "fail 3"], LastRun::Succeeded, Some(5)),
        (&["fail 5", "ok 3"], failed(1, 5), Some(3)),
        (&["fail 1", "fail 5", "fail 6", "ok 3"], failed(2, 6), Some(3)),
        (&["fail 5", "fail 3"], failed(2, 5), None),
        // At the same instant the one that was heard last counts.
        (&["ok 5", "fail 5"], failed(1, 5), Some(5)),
    ];
    for (signs, last_run, last_good) in rows {
        let asset = stated(signs);
        assert_eq!(asset.last_run, last_run, "{signs:?}");
        let last_good = last_good.map_or(Stated::Never, |minutes| Stated::Value(minute(minutes)));
        assert_eq!(asset.last_good, last_good, "{signs:?}");
    }
}

#[test]
fn a_failure_that_is_said_again_is_one_failure() {
    let rows: [(&[&str], LastRun, Option<i64>); 9] = [
        (&["fail 1 a", "fail 2 a", "fail 3 a"], failed(1, 3), None),
        (&["start 1 a", "fail 2 a", "1 3 a"], failed(1, 3), None),
        (&["fail 1 a", "fail 2 b", "fail 3 a"], failed(2, 3), None),
        (&["fail 3 a", "fail 1 a"], failed(1, 3), None),
        // Who names no run may have had three.
        (&["fail 1", "fail 2", "fail 3"], failed(3, 3), None),
        // Another outcome is said of another attempt, and a start begins another run.
        (&["fail 1 a", "ok 2 a"], LastRun::Succeeded, Some(2)),
        (&["fail 1 a", "ok 2 a", "fail 3 a"], failed(1, 3), Some(2)),
        (&["fail 1 a", "start 2 a", "fail 3 a"], failed(2, 3), None),
        // After a success nobody knows: told twice is better than hidden.
        (&["fail 1 a", "ok 2 b", "fail 3 a"], failed(1, 3), Some(2)),
    ];
    for (signs, last_run, last_good) in rows {
        let asset = stated(signs);
        let last_good = last_good.map_or(Stated::Never, |minutes| Stated::Value(minute(minutes)));
        assert_eq!((asset.last_run, asset.last_good), (last_run, last_good), "{signs:?}");
    }
}

#[test]
fn since_when_a_run_has_been_under_way() {
    let rows: [(&[&str], Option<i64>); 19] = [
        (&[], None),
        (&["ok 1"], None),
        (&["log 1"], None),
        (&["start 1"], Some(1)),
        (&["start 1", "log 2"], Some(1)),
        (&["start 1", "ok 2"], None),
        (&["start 1", "7 2"], None),
        (&["start 1 a", "ok 2 a"], None),
        // One that begins anew every day and never ends has been under way since the first.
        (&["start 1", "start 2", "start 3"], Some(1)),
        (&["start 1 a", "start 2 b"], Some(1)),
        (&["start 1 a", "start 2 b", "ok 3 a"], None),
        (&["start 1 a", "ok 2 a", "start 3 b"], Some(3)),
        (&["start 1", "ok 2", "start 3"], Some(3)),
        // Whoever names no run has one at a time.
        (&["start 1 a", "ok 2"], None),
        (&["start 1 a", "start 3 b", "ok 2"], Some(3)),
        // A start that comes after its end opens nothing, and one of a later run does.
        (&["ok 2 a", "start 1 a"], None),
        (&["ok 2", "start 1"], None),
        (&["ok 2 a", "start 3 a"], Some(3)),
        // A late end ends nothing that began after it.
        (&["start 1", "start 5", "ok 3"], Some(5)),
    ];
    for (signs, since) in rows {
        let since = since.map_or(Stated::Missing, |minutes| Stated::Value(minute(minutes)));
        assert_eq!(stated(signs).more.started_at, since, "{signs:?}");
    }
}

#[test]
fn a_failure_leaves_the_run_of_another_name_open() {
    let heard = heard(&["start 1 a", "start 2 b", "fail 3 b"]);
    let open: Vec<_> = heard.open.iter().map(|open| open.rid).collect();
    assert_eq!(open, [Some(Rid(10))]);
}

#[test]
fn when_the_newest_run_began() {
    let rows: [(&[&str], Option<i64>); 7] = [
        (&[], None),
        (&["log 1"], None),
        (&["start 1"], Some(1)),
        (&["start 1", "ok 5"], Some(1)),
        (&["ok 5"], Some(5)),
        (&["start 1 a", "ok 5 b"], Some(5)),
        (&["start 5", "start 1"], Some(5)),
    ];
    for (signs, began) in rows {
        let began = began.map_or(Stated::Never, |minutes| Stated::Value(minute(minutes)));
        assert_eq!(stated(signs).more.last_started, began, "{signs:?}");
    }
}

#[test]
fn a_log_changes_nothing_and_is_a_sign_of_life() {
    let before = heard(&["start 1", "fail 2"]);
    let mut after = before.clone();
    after.hear(&read("log 9"));
    assert_eq!(stated_with(&after, &HOURLY).more.last_seen, Stated::Value(minute(9)));
    after.seen_at = before.seen_at;
    assert_eq!(after, before);
}

#[test]
fn a_period_begins_with_the_newest_start_or_end() {
    let rows: [(&[&str], i64); 6] = [
        (&[], 0),
        (&["log 5"], 0),
        (&["ok 5"], 5),
        (&["fail 5"], 5),
        (&["ok 5", "start 30"], 30),
        (&["start 5", "ok 30", "ok 10"], 30),
    ];
    for (signs, begin) in rows {
        let planned = stated(signs).more.planned.clone().expect("it is planned");
        assert_eq!(planned.schedules.len(), 1);
        assert_eq!(planned.schedules[0].next_after(minute(begin)), Some(minute(begin + 60)), "{signs:?}");
        assert_eq!((planned.since, planned.grace), (minute(begin), Some(Seconds::minutes(5))));
        assert!(!planned.is_unreadable);
    }
}

#[test]
fn what_was_planned_before_a_change_counts_for_nothing() {
    let schedule = Schedule::parse_cron("0 2 * * *", jiff::tz::TimeZone::UTC).expect("a schedule");
    let plan = Plan::Cron { schedule: schedule.clone(), text: "0 2 * * * UTC".to_owned() };
    let mut heard = heard(&["ok 5"]);
    assert!(heard.is_planned("every 3600") && !heard.is_planned(&plan.words()));
    heard.plan_anew(&plan.words(), minute(90));
    let asset = stated_with(&heard, &plan);
    let planned = asset.more.planned.clone().expect("it is planned");
    assert_eq!((planned.since, &planned.schedules), (minute(90), &vec![schedule]));
    assert_eq!(asset.more.created_at, Stated::Value(minute(0)));
}

#[test]
fn a_run_just_before_its_planned_instant_is_the_planned_one() {
    let of = |text: &str, early_seconds: i64| {
        let schedule = Schedule::parse_cron(text, jiff::tz::TimeZone::UTC).expect("a schedule");
        let plan = Plan::Cron { schedule, text: text.to_owned() };
        let mut heard = Heard::new(&plan.words(), minute(0));
        // 02:00 is planned.
        let at = minute(120) - SignedDuration::from_secs(early_seconds);
        heard.hear(&Sign { at, ..sign(0, Word::Success, None) });
        stated_with(&heard, &plan).more.planned.as_ref().expect("it is planned").since
    };
    assert_eq!(of("0 2 * * *", 1), minute(120));
    assert_eq!(of("0 2 * * *", 60), minute(120));
    assert_eq!(of("0 2 * * *", 61), minute(0), "too early to be that one");
    assert_eq!(of("* * * * *", 29), minute(120));
    assert_eq!(of("* * * * *", 30), minute(0), "as near to the one before");
}

#[test]
fn what_people_are_told_of_the_newest_run() {
    let mut heard = heard(&["start 1 a"]);
    let tail: Option<Box<str>> = Some("disk full".into());
    heard.hear(&Sign { tail: tail.clone(), is_cut: true, ..read("3 4 a") });
    let asset = stated_with(&heard, &HOURLY);
    let details: Vec<_> = asset.more.details.iter().map(|(label, text)| (*label, &**text)).collect();
    let cut = "it sent more than is kept: these are not its last lines";
    let expected = [("exit status", "3"), ("took", "3 min"), ("last lines", "disk full"), ("cut", cut)];
    assert_eq!(details, expected);
    heard.hear(&Sign { tail, ..read("ok 5") });
    assert_eq!(stated_with(&heard, &HOURLY).more.details, []);
}

#[test]
fn too_many_runs_under_way_are_forgotten_but_not_the_oldest() {
    let mut heard = heard(&[]);
    for rid in 0..1_000_u32 {
        heard.hear(&sign(i64::from(rid) + 1, Word::Start, Some(rid.into())));
    }
    assert_eq!(heard.open.len(), OPEN_MAX);
    assert_eq!(stated_with(&heard, &HOURLY).more.started_at, Stated::Value(minute(1)));
    heard.hear(&sign(1_000, Word::Success, Some(999)));
    heard.hear(&sign(1_001, Word::Start, Some(1_001)));
    heard.hear(&sign(1_002, Word::Start, Some(1_002)));
    assert_eq!(heard.open.len(), OPEN_MAX);
    assert_eq!(stated_with(&heard, &HOURLY).more.started_at, Stated::Value(minute(1_001)));
}

#[test]
fn more_failures_than_are_remembered_are_counted() {
    let mut heard = heard(&[]);
    for minutes in 1..=100 {
        heard.hear(&sign(minutes, Word::Fail, None));
    }
    assert_eq!(heard.failures.len(), FAILURES_MAX);
    assert_eq!(stated_with(&heard, &HOURLY).last_run, failed(100, 100));
    heard.hear(&sign(10, Word::Success, None));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, failed(100, 100), "nobody knows how many came after");
    heard.hear(&sign(90, Word::Success, None));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, failed(10, 100));
}

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        Just(Word::Success),
        Just(Word::Start),
        Just(Word::Fail),
        Just(Word::Log),
        any::<u8>().prop_map(Word::Exit)
    ]
}

/// Few runs and instants, so that they meet; or any, so that limits are reached.
fn any_signs() -> impl Strategy<Value = Vec<Sign>> {
    let rid = prop_oneof![Just(None), (0..4_u128).prop_map(Some), any::<u128>().prop_map(Some)];
    let at = prop_oneof![0..20_i64, 0..1_000_000_i64];
    let sign = (any_word(), rid, at).prop_map(|(word, rid, at)| sign(at, word, rid));
    proptest::collection::vec(sign, 0..300)
}

proptest! {
    #[test]
    fn writing_down_and_going_on_changes_nothing(signs in any_signs(), every in 1_usize..50) {
        let mut at_once = heard(&[]);
        let mut in_parts = heard(&[]);
        for part in signs.chunks(every) {
            for sign in part {
                at_once.hear(sign);
                in_parts.hear(sign);
            }
            let written = serde_json::to_string(&in_parts).expect("it is written");
            in_parts = serde_json::from_str(&written).expect("it is read");
        }
        prop_assert_eq!(at_once, in_parts);
    }

    #[test]
    fn no_order_of_signs_makes_anything_newer_than_it_was(signs in any_signs()) {
        let mut heard = heard(&[]);
        let mut good: Option<Timestamp> = None;
        let mut newest: Option<Timestamp> = None;
        for sign in &signs {
            heard.hear(sign);
            newest = newest.max(Some(sign.at));
            if sign.word.outcome() == Some(Outcome::Succeeded) {
                good = good.max(Some(sign.at));
            }
            let asset = stated_with(&heard, &HOURLY);
            prop_assert_eq!(asset.last_good.value(), good);
            prop_assert_eq!(asset.more.last_seen.value(), newest);
            prop_assert!(asset.more.last_started.value() <= newest);
            prop_assert!(asset.more.started_at.value() <= asset.more.last_started.value());
            prop_assert!(heard.open.len() <= OPEN_MAX && heard.ended.len() <= ENDED_MAX);
        }
    }

    #[test]
    fn the_newest_end_says_how_the_job_is(signs in any_signs()) {
        let mut heard = heard(&[]);
        for sign in &signs {
            heard.hear(sign);
        }
        // Of ends at the same instant the one that was heard last; max_by_key takes the last of equals.
        let newest = signs.iter().filter(|sign| sign.word.outcome().is_some()).max_by_key(|sign| sign.at);
        let has_failed = matches!(stated_with(&heard, &HOURLY).last_run, LastRun::Failed { .. });
        prop_assert_eq!(has_failed, newest.is_some_and(|sign| sign.word.outcome() == Some(Outcome::Failed)));
    }
}

#[test]
fn a_clock_that_is_set_back_hides_no_failure_and_no_success() {
    let live = |text: &str| came(text, 0);
    let mut heard = heard(&["ok 1440"]);
    heard.hear(&live("fail 10"));
    let failed = stated_with(&heard, &HOURLY).last_run;
    assert!(matches!(failed, LastRun::Failed { in_row: 1, .. }), "{failed:?}");
    // One that was meant to come before all of that changes nothing.
    heard.hear(&read("ok 12"));
    assert!(matches!(stated_with(&heard, &HOURLY).last_run, LastRun::Failed { in_row: 1, .. }));
    heard.hear(&live("ok 13"));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, LastRun::Succeeded);
}

/// One that came so many minutes after it happened.
fn came(text: &str, later: i64) -> Sign {
    let sign = read(text);
    Sign { came_at: sign.at + SignedDuration::from_mins(later), ..sign }
}

#[test]
fn a_failure_that_comes_after_the_clock_was_set_back_by_a_day_is_a_failure() {
    // At once without a date, at once with one, and after hours in a spool.
    for later in [0, 1, 4, 6, 300] {
        let mut heard = heard(&[]);
        heard.hear(&came("ok 2000", 0));
        heard.hear(&came("start 559", 0));
        heard.hear(&came("3 560", later));
        let asset = stated_with(&heard, &HOURLY);
        assert!(matches!(asset.last_run, LastRun::Failed { in_row: 1, .. }), "{later}: {asset:?}");
        assert!(heard.is_failing());
        assert_eq!(asset.more.details.first(), Some(&("exit status", "3".into())), "{later}");
        assert_eq!(asset.last_good, Stated::Value(minute(2000)), "it is known when it was good last");
        // The next one that comes at once and is good ends it, with a date or without.
        heard.hear(&came("ok 900", later.min(4)));
        assert_eq!(stated_with(&heard, &HOURLY).last_run, LastRun::Succeeded, "{later}");
    }
}

#[test]
fn a_success_that_waited_ends_no_failure_and_a_failure_that_waited_is_no_newer_than_it_was() {
    let mut heard = heard(&[]);
    heard.hear(&came("ok 1000", 0));
    // The clock goes right: each counts at its own instant, also where it waited only a little.
    heard.hear(&came("fail 998", 4));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, LastRun::Succeeded);
    heard.hear(&came("fail 1010", 0));
    heard.hear(&came("ok 1008", 4));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, failed(1, 1010));
    // It was set back: nobody knows which of both was first.
    heard.hear(&came("ok 500", 60));
    assert_eq!(stated_with(&heard, &HOURLY).last_run, failed(1, 1010));
}
