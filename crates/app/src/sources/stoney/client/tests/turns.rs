//! Where clocks are turned, does a client that runs in time stay good, and one that does not become bad?
//!
//! A client states the offset of the moment; until its next upload it is an hour off. The grace of two hours covers that.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use lastgood_core::schedule::Schedule;
use lastgood_core::verdict::Outcome::{self, Bad, Ok};
use rstest::rstest;

use super::state::{File, Files};
use super::states::outcomes;
use super::*;

const ZURICH: &str = "Europe/Zurich";
const NEW_YORK: &str = "America/New_York";

/// As the family writes an offset; Sepiola wraps the negative ones.
fn written(document: &str, zone: &TimeZone, instant: Timestamp) -> (String, String) {
    let local = zone.to_datetime(instant);
    let seconds = zone.to_offset(instant).seconds();
    let offset = if document.contains("Perl") {
        perl_offset(local.hour(), seconds / 3600)
    } else {
        let wrapped = u32::from_ne_bytes(seconds.to_ne_bytes());
        format!("+{:02}:{:02}", wrapped / 3600, wrapped / 60 % 60)
    };
    (local.strftime("%Y-%m-%dT%H:%M:%S").to_string(), offset)
}

/// Hours of the day subtracted from each other, whatever the date.
fn perl_offset(hour: i8, offset_hours: i32) -> String {
    let difference = i32::from(hour) - (i32::from(hour) - offset_hours).rem_euclid(24);
    format!("{}{:02}:00", if difference < 0 { '-' } else { '+' }, difference.abs())
}

/// What a run that began then and took a minute leaves behind.
fn uploaded(samples: [&str; 3], zone: &TimeZone, time: (i8, i8), start: Timestamp) -> Files {
    let [start_file, end_file, plan_file] = samples;
    let end = start + SignedDuration::from_mins(1);
    let date_of = |instant| {
        let (local, offset) = written(start_file, zone, instant);
        format!("{local}{offset}")
    };
    let plan = with(plan_file, "minute_selected", &time.1.to_string());
    let plan = with(&plan, "hour_selected", &time.0.to_string());
    let plan = with(&plan, "days_of_week", "<every_day_of_week>*</every_day_of_week>");
    let plan = with(&plan, "timezone", &written(start_file, zone, start).1);
    Files {
        started: File::read(with(start_file, "startdate", &date_of(start)).as_bytes(), start, started),
        ended: File::read(with(end_file, "enddate", &date_of(end)).as_bytes(), end, ended),
        scheduler: File::read(plan.as_bytes(), start, scheduler),
    }
}

const SEPIOLA: [&str; 3] = [SEPIOLA_STARTED, SEPIOLA_ENDED, SEPIOLA_SCHEDULER];
const PERL: [&str; 3] = [PERL_STARTED, PERL_ENDED, PERL_SCHEDULER];

fn schedule_and_stuck(files: &Files, now: Timestamp) -> [Outcome; 2] {
    let [_, schedule, stuck, _] = outcomes(files, now);
    [schedule, stuck]
}

/// The two days of the year on which clocks are turned, each from the noon before to the noon after it.
#[rstest]
fn a_client_that_runs_in_time_is_good_at_any_time(
    #[values(
        (ZURICH, "2026-03-28T11:00:00Z"),
        (ZURICH, "2026-10-24T11:00:00Z"),
        (NEW_YORK, "2026-03-07T17:00:00Z"),
        (NEW_YORK, "2026-10-31T17:00:00Z")
    )]
    turn: (&str, &str),
    #[values((20, 0), (0, 30), (2, 30), (3, 0), (12, 5))] time: (i8, i8),
    #[values(SEPIOLA, PERL)] samples: [&str; 3],
) {
    let zone = TimeZone::get(turn.0).expect("a zone");
    let runs =
        Schedule::parse_cron(&format!("{} {} * * *", time.1, time.0), zone.clone()).expect("cron text");
    let mut now = at(turn.1);
    let end = now + SignedDuration::from_hours(48);
    let mut last =
        runs.planned_between(now - SignedDuration::from_hours(26), now).last().expect("a run before");
    while now < end {
        last = runs.planned_between(last, now).last().unwrap_or(last);
        let files = uploaded(samples, &zone, time, last);
        assert_eq!(schedule_and_stuck(&files, now), [Ok, Ok], "at {now}, last at {last}");
        now += SignedDuration::from_mins(11);
    }
}

/// The last run was at 20:00 on the day before clocks are turned: what is missed counts by the offset of then.
#[rstest]
#[case::zurich_spring(ZURICH, "2026-03-28T19:00:00Z", "2026-03-29T21:00:00Z")]
#[case::zurich_autumn(ZURICH, "2026-10-24T18:00:00Z", "2026-10-25T20:00:00Z")]
#[case::new_york_spring(NEW_YORK, "2026-03-08T01:00:00Z", "2026-03-09T03:00:00Z")]
#[case::new_york_autumn(NEW_YORK, "2026-11-01T00:00:00Z", "2026-11-02T02:00:00Z")]
fn a_client_that_stays_away_is_bad_two_hours_after_its_stale_plan(
    #[case] zone: &str,
    #[case] last: &str,
    #[case] bad_from: &str,
    #[values(SEPIOLA, PERL)] samples: [&str; 3],
) {
    let zone = TimeZone::get(zone).expect("a zone");
    assert_eq!(zone.to_datetime(at(last)).hour(), 20);
    let files = uploaded(samples, &zone, (20, 0), at(last));
    let bad_from = at(bad_from);
    assert_eq!(outcomes(&files, bad_from - SignedDuration::from_nanos(1))[1], Ok);
    assert_eq!(outcomes(&files, bad_from)[1], Bad);
}

#[test]
fn after_clocks_are_set_back_a_run_in_time_is_an_hour_late_by_its_stale_plan() {
    let zone = TimeZone::get(ZURICH).expect("a zone");
    let files = uploaded(SEPIOLA, &zone, (20, 0), at("2026-10-24T18:00:00Z"));
    // The stale plan says 18:00Z; the client begins at 19:00Z and uploads a few minutes later.
    for instant in ["2026-10-25T18:00:00Z", "2026-10-25T19:00:00Z", "2026-10-25T19:59:59Z"] {
        assert_eq!(outcomes(&files, at(instant))[1], Ok, "at {instant}");
    }
    let files = uploaded(SEPIOLA, &zone, (20, 0), at("2026-10-25T19:00:00Z"));
    assert_eq!(outcomes(&files, at("2026-10-26T20:59:59Z"))[1], Ok);
    assert_eq!(outcomes(&files, at("2026-10-26T21:00:00Z"))[1], Bad);
}
