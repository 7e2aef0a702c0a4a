//! The checks of runs that are planned or under way: schedule, stuck.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::observation::{Exemption, LastRun, Planned, Timing};
use crate::schedule::Schedule;

fn cron(text: &str, zone: &str) -> Schedule {
    Schedule::parse_cron(text, TimeZone::get(zone).expect("a zone that exists")).expect("a valid schedule")
}

/// A plan since long ago.
fn planned(schedules: Vec<Schedule>) -> Planned {
    Planned { schedules, since: seconds_ago(99 * 86_400), grace: None, is_unreadable: false }
}

/// The answer of `schedule` about an agent with a plan whose newest run began then, at an instant.
fn of_plan(planned: Planned, last_started: Stated<Timestamp>, now: Timestamp) -> Answer {
    of_plan_with(planned, last_started, now, 1)
}

fn of_plan_with(
    planned: Planned,
    last_started: Stated<Timestamp>,
    now: Timestamp,
    missed_count: u32,
) -> Answer {
    let check = &schedule::CHECK;
    let mut agent = agent("db", noon());
    agent.more.planned = Some(Arc::new(planned));
    agent.more.last_started = last_started;
    let mut expected = expecting(check, None);
    expected.settings[0].value = Some(missed_count);
    check.judge.asset.expect("asked of assets")(alone(&agent), &expected, now)
}

fn missed(count: u32, limit: u32, planned_at: &str) -> Reason {
    Reason::Missed { count, limit, planned_at: at(planned_at), grace: Seconds::hours(2) }
}

#[rstest]
#[case::started_in_time("2026-03-02T02:00:00.000000001Z", "2026-03-02T04:00:00Z", (Ok, Reason::OnPlan(Some(at("2026-03-03T04:00:00Z")))))]
#[case::within_the_grace("2026-03-01T02:00:01Z", "2026-03-02T03:59:59.999999999Z", (Ok, Reason::OnPlan(Some(at("2026-03-02T04:00:00Z")))))]
#[case::exactly_at_the_grace("2026-03-01T02:00:01Z", "2026-03-02T04:00:00Z", (Bad, missed(1, 1, "2026-03-02T02:00:00Z")))]
#[case::a_start_at_the_planned_instant("2026-03-02T02:00:00Z", "2026-03-02T04:00:00Z", (Ok, Reason::OnPlan(Some(at("2026-03-03T04:00:00Z")))))]
#[case::a_start_just_before_it_is_of_the_day_before("2026-03-02T01:59:59.999999999Z", "2026-03-02T04:00:00Z", (Bad, missed(1, 1, "2026-03-02T02:00:00Z")))]
#[case::two_nights("2026-02-28T02:00:01Z", "2026-03-02T04:00:00Z", (Bad, missed(2, 1, "2026-03-01T02:00:00Z")))]
#[case::a_little_ahead_is_now("2026-03-02T03:05:00Z", "2026-03-02T03:00:00Z", (Ok, Reason::OnPlan(Some(at("2026-03-03T04:00:00Z")))))]
#[case::further_ahead("2026-03-02T03:05:00.000000001Z", "2026-03-02T03:00:00Z", (Unknown, Reason::Ahead(at("2026-03-02T03:05:00.000000001Z"))))]
fn a_planned_run_is_missed_once_its_grace_has_passed(
    #[case] last_started: &str,
    #[case] now: &str,
    #[case] expected: Answer,
) {
    let nightly = planned(vec![cron("0 2 * * *", "UTC")]);
    assert_eq!(of_plan(nightly, Stated::Value(at(last_started)), at(now)), expected);
}

#[rstest]
#[case(1, (Bad, missed(3, 1, "2026-02-28T02:00:00Z")))]
#[case(2, (Bad, missed(3, 2, "2026-03-01T02:00:00Z")))]
#[case(3, (Bad, missed(3, 3, "2026-03-02T02:00:00Z")))]
#[case(4, (Ok, missed(3, 4, "2026-03-02T02:00:00Z")))]
#[case(u32::MAX, (Ok, missed(3, 1000, "2026-03-02T02:00:00Z")))]
fn as_many_as_are_too_many_must_be_missed(#[case] missed_count: u32, #[case] expected: Answer) {
    let nightly = planned(vec![cron("0 2 * * *", "UTC")]);
    let last_started = Stated::Value(at("2026-02-27T02:00:00Z"));
    assert_eq!(of_plan_with(nightly, last_started, noon(), missed_count), expected);
}

#[rstest]
#[case(1, "2026-03-03T04:00:00Z")]
#[case(2, "2026-03-04T04:00:00Z")]
fn the_answer_tells_when_it_would_turn(#[case] missed_count: u32, #[case] turns_at: &str) {
    let nightly = planned(vec![cron("0 2 * * *", "UTC")]);
    let answer = of_plan_with(nightly, Stated::Value(noon()), noon(), missed_count);
    assert_eq!(answer, (Ok, Reason::OnPlan(Some(at(turns_at)))));
}

#[test]
fn what_was_planned_before_the_plan_began_counts_for_nothing() {
    for nothing in [Stated::Missing, Stated::Never, Stated::Unreadable] {
        let mut nightly = planned(vec![cron("0 2 * * *", "UTC")]);
        nightly.since = at("2026-03-02T02:00:00Z");
        let turns_at = Some(at("2026-03-03T04:00:00Z"));
        assert_eq!(of_plan(nightly.clone(), nothing, noon()), (Ok, Reason::OnPlan(turns_at)));
        nightly.since -= NANOSECOND;
        // A start that cannot be read may have been in time.
        let expected = match nothing {
            Stated::Unreadable => (Unknown, Reason::Unreadable),
            Stated::Missing | Stated::Never | Stated::Value(_) => (Bad, missed(1, 1, "2026-03-02T02:00:00Z")),
        };
        assert_eq!(of_plan(nightly.clone(), nothing, noon()), expected);
        nightly.since = noon() + SignedDuration::from_mins(5);
        assert_eq!(of_plan(nightly.clone(), nothing, noon()).0, Ok);
        nightly.since += NANOSECOND;
        let ahead = nightly.since;
        assert_eq!(of_plan(nightly, nothing, noon()), (Unknown, Reason::PlannedAhead(ahead)));
    }
}

#[test]
fn the_grace_of_the_asset_goes_before_the_threshold() {
    let mut nightly = planned(vec![cron("0 2 * * *", "UTC")]);
    nightly.grace = Some(Seconds::minutes(10));
    let last_started = Stated::Value(at("2026-03-01T02:00:00Z"));
    let outcome = |now| of_plan(nightly.clone(), last_started, at(now)).0;
    assert_eq!((outcome("2026-03-02T02:09:59Z"), outcome("2026-03-02T02:10:00Z")), (Ok, Bad));
}

#[test]
fn a_run_under_way_has_started() {
    let mut agent = agent("db", noon());
    agent.more.planned = Some(Arc::new(planned(vec![cron("0 2 * * *", "UTC")])));
    let judge = schedule::CHECK.judge.asset.expect("asked of assets");
    let expected = expecting(&schedule::CHECK, None);
    agent.more.last_started = Stated::Value(at("2026-03-01T02:00:00Z"));
    assert_eq!(judge(alone(&agent), &expected, noon()).0, Bad);
    agent.more.started_at = Stated::Value(at("2026-03-02T02:00:00Z"));
    assert_eq!(judge(alone(&agent), &expected, noon()).0, Ok);
}

#[test]
fn every_instant_of_several_schedules_is_planned_once() {
    let schedules = || vec![cron("0 2 * * *", "UTC"), cron("0 2,8 * * *", "UTC"), cron("0 8 * * 1", "UTC")];
    let last_started = Stated::Value(at("2026-03-01T08:00:00Z"));
    let answer = of_plan(planned(schedules()), last_started, noon());
    assert_eq!(answer, (Bad, missed(2, 1, "2026-03-02T02:00:00Z")));
}

#[test]
fn a_plan_that_is_not_there_or_not_readable_is_no_missed_run() {
    let none = of_agent(&schedule::CHECK, None, |agent| agent.more.last_started = Stated::Never);
    assert_eq!(none, (Ok, Reason::Exempt(Exemption::NothingPlanned)));
    assert_eq!(of_plan(planned(Vec::new()), Stated::Never, noon()), none);
    let unreadable = Planned { is_unreadable: true, ..planned(Vec::new()) };
    assert_eq!(of_plan(unreadable, Stated::Never, noon()), (Unknown, Reason::PlanUnreadable));
    let in_part = Planned { is_unreadable: true, ..planned(vec![cron("0 2 * * *", "UTC")]) };
    assert_eq!(of_plan(in_part, Stated::Value(noon()), noon()), (Unknown, Reason::PlanUnreadable));
}

#[test]
fn a_year_of_absence_is_counted_to_a_thousand() {
    let mut each_minute = planned(vec![cron("* * * * *", "UTC")]);
    each_minute.since = Timestamp::MIN;
    let started_at = noon() - SignedDuration::from_hours(24 * 365);
    let (outcome, reason) = of_plan_with(each_minute, Stated::Value(started_at), noon(), u32::MAX);
    let Reason::Missed { count, limit, .. } = reason else { panic!("{reason:?}") };
    assert_eq!((outcome, count, limit), (Bad, 1000, 1000));
}

/// An interval that a source anchors at the newest start: the next run is due so long after it.
#[test]
fn an_interval_of_25_hours_is_anchored_at_the_newest_start() {
    let started_at = at("2026-03-01T09:00:00Z");
    let interval = Schedule::every(Seconds::hours(25), started_at).expect("a valid interval");
    let outcome = |now| of_plan(planned(vec![interval.clone()]), Stated::Value(started_at), at(now)).0;
    assert_eq!((outcome("2026-03-02T11:59:59.999999999Z"), outcome("2026-03-02T12:00:00Z")), (Ok, Bad));
}

/// 02:30 exists neither on the spring day in Zurich nor on that in New York, and twice on the autumn days. Each night has
/// one planned run; of a night without one, at most the other of the two is left.
#[rstest]
#[case::zurich_spring("Europe/Zurich", "30 2", "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00")]
#[case::zurich_autumn("Europe/Zurich", "30 2", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00")]
#[case::new_york_spring("America/New_York", "30 2", "2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00")]
#[case::new_york_autumn("America/New_York", "30 1", "2026-10-31T01:30:00-04:00", "2026-11-01T01:30:00-04:00")]
fn a_night_in_which_clocks_are_turned_has_one_planned_run(
    #[case] zone: &str,
    #[case] time: &str,
    #[case] last_started: &str,
    #[case] planned_at: &str,
) {
    let plan = || planned(vec![cron(&format!("{time} * * *"), zone)]);
    let started = Stated::Value(at(last_started));
    let due_at = at(planned_at) + SignedDuration::from_hours(2);
    assert_eq!(of_plan(plan(), started, due_at - NANOSECOND), (Ok, Reason::OnPlan(Some(due_at))));
    assert_eq!(of_plan(plan(), started, due_at), (Bad, missed(1, 1, planned_at)));
    let a_day_later = due_at + SignedDuration::from_hours(22);
    assert_eq!(of_plan(plan(), started, a_day_later), (Bad, missed(1, 1, planned_at)));
    assert_eq!(of_plan(plan(), Stated::Value(at(planned_at)), a_day_later).0, Ok);
}

#[test]
fn the_31st_is_planned_only_in_months_that_have_it() {
    let plan = || planned(vec![cron("0 2 31 * *", "UTC")]);
    let outcome = |now| of_plan(plan(), Stated::Value(at("2026-01-31T02:00:00Z")), at(now)).0;
    assert_eq!((outcome("2026-03-31T03:59:59Z"), outcome("2026-03-31T04:00:00Z")), (Ok, Bad));
}

const DAY: Seconds = Seconds::hours(24);

#[rstest]
#[case::nothing_under_way(Stated::Missing, (Ok, Reason::NothingUnderWay))]
#[case::never(Stated::Never, (Ok, Reason::NothingUnderWay))]
#[case::unreadable(Stated::Unreadable, (Unknown, Reason::Unreadable))]
#[case::just_begun(Stated::Value(noon()), (Ok, Reason::UnderWay(noon(), DAY)))]
#[case::exactly_at_the_limit(Stated::Value(seconds_ago(86_400)), (Ok, Reason::UnderWay(seconds_ago(86_400), DAY)))]
#[case::a_nanosecond_more(
    Stated::Value(seconds_ago(86_400) - NANOSECOND), (Bad, Reason::UnderWay(seconds_ago(86_400) - NANOSECOND, DAY)))]
#[case::a_little_ahead(Stated::Value(seconds_ago(-300)), (Ok, Reason::UnderWay(seconds_ago(-300), DAY)))]
#[case::further_ahead(
    Stated::Value(seconds_ago(-300) + NANOSECOND), (Unknown, Reason::Ahead(seconds_ago(-300) + NANOSECOND)))]
fn a_run_is_stuck_once_it_took_longer_than_allowed(
    #[case] started_at: Stated<Timestamp>,
    #[case] expected: Answer,
) {
    assert_eq!(of_agent(&stuck::CHECK, None, |agent| agent.more.started_at = started_at), expected);
}

#[test]
fn a_run_under_way_is_neither_success_nor_failure() {
    let failed = crate::observation::LastRun::Failed { in_row: 1, at: None };
    for (last_run, outcome) in [(crate::observation::LastRun::Succeeded, Ok), (failed, Bad)] {
        let answer = of_agent(&unsuccessful::CHECK, None, |agent| {
            agent.last_run = last_run;
            agent.more.started_at = Stated::Value(noon());
            agent.more.last_started = Stated::Value(noon());
        });
        assert_eq!(answer.0, outcome);
    }
}

/// A start a day ago and, read otherwise, these others; a run is under way.
fn of_starts(check: &Check, others: &[&str], now: &str) -> Answer {
    let timing = |start: &str| {
        let start = Stated::Value(at(start));
        let planned = Some(Arc::new(planned(vec![cron("0 2 * * *", "UTC")])));
        Timing { started_at: start, last_started: start, planned }
    };
    let mut agent = agent("db", noon());
    let Timing { started_at, last_started, planned } = timing("2026-03-01T12:00:00Z");
    (agent.more.started_at, agent.more.last_started, agent.more.planned) =
        (started_at, last_started, planned);
    agent.more.other_readings = others.iter().map(|start| timing(start)).collect();
    check.judge.asset.expect("asked of assets")(alone(&agent), &expecting(check, None), at(now))
}

#[test]
fn times_that_can_be_read_in_several_ways_answer_only_where_all_agree() {
    let ambiguous = (Unknown, Reason::Ambiguous);
    let stuck_at = |others: &[&str], now: &str| of_starts(&stuck::CHECK, others, now);
    assert_eq!(stuck_at(&[], "2026-03-02T12:00:01Z").0, Bad);
    assert_eq!(stuck_at(&["2026-03-02T12:00:00Z"], "2026-03-02T12:00:00Z").0, Ok);
    assert_eq!(stuck_at(&["2026-03-02T12:00:00Z"], "2026-03-02T12:00:01Z"), ambiguous);
    assert_eq!(stuck_at(&["2026-03-02T12:00:00Z"], "2026-03-03T12:00:01Z").0, Bad);
    assert_eq!(
        stuck_at(&["2026-03-01T11:00:00Z", "2026-03-05T12:00:00Z"], "2026-03-02T12:00:01Z"),
        ambiguous
    );
    let schedule_at = |others: &[&str], now: &str| of_starts(&schedule::CHECK, others, now);
    assert_eq!(schedule_at(&["2026-03-02T12:00:00Z"], "2026-03-02T03:59:59Z"), ambiguous, "one lies ahead");
    assert_eq!(
        schedule_at(&["2026-02-28T12:00:00Z"], "2026-03-02T03:59:59Z"),
        ambiguous,
        "one missed a night"
    );
    assert_eq!(schedule_at(&["2026-02-28T12:00:00Z"], "2026-03-02T04:00:00Z").0, Bad, "both missed this one");
    assert_eq!(schedule_at(&["2026-03-01T13:00:00Z"], "2026-03-02T03:59:59Z").0, Ok);
}

#[test]
fn a_run_whose_outcome_cannot_be_read_is_neither_good_nor_bad() {
    let answer = of_agent(&unsuccessful::CHECK, None, |agent| agent.last_run = LastRun::Unreadable);
    assert_eq!(answer, (Unknown, Reason::Unreadable));
}
