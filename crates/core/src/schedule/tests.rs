//! Planned times, where clocks are turned too.

use jiff::SignedDuration;
use jiff::tz::Offset;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{NANOSECOND, at};

fn zone(name: &str) -> TimeZone {
    match name {
        "+02:00" => TimeZone::fixed(Offset::constant(2)),
        "-05:30" => TimeZone::fixed(Offset::from_seconds(-19_800).unwrap()),
        _ => TimeZone::get(name).unwrap(),
    }
}

fn cron(text: &str, zone_name: &str) -> Schedule {
    Schedule::parse_cron(text, zone(zone_name)).unwrap()
}

/// The next planned instants after an instant, as local times with their offsets.
fn next(schedule: &Schedule, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let shown =
        |instant: Timestamp| instant.to_zoned(zone(zone_name)).strftime("%Y-%m-%dT%H:%M%:z").to_string();
    let planned = std::iter::successors(schedule.next_after(at(after)), |&last| schedule.next_after(last));
    planned.take(count).map(shown).collect()
}

#[rstest]
#[case::every_minute("* * * * *", "2026-03-02T12:00:30Z", &["2026-03-02T12:01+00:00", "2026-03-02T12:02+00:00"])]
#[case::exactly_planned_is_past("0 12 * * *", "2026-03-02T12:00:00Z", &["2026-03-03T12:00+00:00"])]
#[case::a_nanosecond_before("0 12 * * *", "2026-03-02T11:59:59.999999999Z", &["2026-03-02T12:00+00:00"])]
#[case::a_nanosecond_after("0 12 * * *", "2026-03-02T12:00:00.000000001Z", &["2026-03-03T12:00+00:00"])]
#[case::list("5,35 1 * * *", "2026-03-02T00:00:00Z", &["2026-03-02T01:05+00:00", "2026-03-02T01:35+00:00", "2026-03-03T01:05+00:00"])]
#[case::a_value_named_twice("5,5,4-6 1 * * *", "2026-03-02T00:00:00Z", &["2026-03-02T01:04+00:00", "2026-03-02T01:05+00:00", "2026-03-02T01:06+00:00"])]
#[case::range_and_step("0 1-5/2 * * *", "2026-03-02T01:00:00Z", &["2026-03-02T03:00+00:00", "2026-03-02T05:00+00:00", "2026-03-03T01:00+00:00"])]
#[case::names("0 3 * jan Mon-TUE", "2026-12-30T00:00:00Z", &["2027-01-04T03:00+00:00", "2027-01-05T03:00+00:00", "2027-01-11T03:00+00:00"])]
#[case::seven_is_sunday("0 0 * * 7", "2026-03-02T00:00:00Z", &["2026-03-08T00:00+00:00"])]
#[case::zero_is_sunday("0 0 * * 0", "2026-03-02T00:00:00Z", &["2026-03-08T00:00+00:00"])]
#[case::day_of_month_or_of_week("0 0 13 * fri", "2026-03-01T00:00:00Z",
    &["2026-03-06T00:00+00:00", "2026-03-13T00:00+00:00", "2026-03-20T00:00+00:00", "2026-03-27T00:00+00:00",
      "2026-04-03T00:00+00:00", "2026-04-10T00:00+00:00", "2026-04-13T00:00+00:00"])]
#[case::a_star_with_a_step_restricts_both_days("0 0 */2 * mon", "2026-03-02T00:00:00Z",
    &["2026-03-09T00:00+00:00", "2026-03-23T00:00+00:00", "2026-04-13T00:00+00:00"])]
#[case::a_range_that_ends_on_sunday("0 0 * * 6-7", "2026-03-02T00:00:00Z",
    &["2026-03-07T00:00+00:00", "2026-03-08T00:00+00:00", "2026-03-14T00:00+00:00"])]
#[case::day_of_week_alone("0 0 * * fri", "2026-03-01T00:00:00Z", &["2026-03-06T00:00+00:00", "2026-03-13T00:00+00:00"])]
#[case::the_31st_only_where_there_is_one("0 0 31 * *", "2026-01-31T00:00:00Z", &["2026-03-31T00:00+00:00", "2026-05-31T00:00+00:00"])]
#[case::leap_day("0 0 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"])]
#[case::no_leap_day_in_2100("0 0 29 2 *", "2096-02-29T00:00:00Z", &["2104-02-29T00:00+00:00"])]
#[case::new_year("59 23 31 12 *", "2026-12-31T23:59:00Z", &["2027-12-31T23:59+00:00"])]
fn fields_are_read_as_cron_reads_them(#[case] text: &str, #[case] after: &str, #[case] expected: &[&str]) {
    assert_eq!(next(&cron(text, "UTC"), "UTC", after, expected.len()), expected);
}

#[test]
fn every_name_stands_for_its_number() {
    let fields = |text: &str| Fields::parse(text).unwrap();
    let same = |one: &str, other: &str| assert_eq!(fields(one), fields(other), "{one}");
    for (number, name) in (1..).zip("JAN feb Mar apr may jun jul aug sep oct nov dec".split(' ')) {
        same(&format!("0 0 1 {name} *"), &format!("0 0 1 {number} *"));
    }
    for (number, name) in (0..).zip("SUN mon Tue wed thu fri sat".split(' ')) {
        same(&format!("0 0 * * {name}"), &format!("0 0 * * {number}"));
    }
    same("*/1 0 * * *", "* 0 * * *");
    same("  0\t0 * *  5-7", "0 0 * * 5-7");
}

#[test]
fn a_search_that_may_end_where_it_begins_begins_at_a_whole_minute() {
    let fields = Fields::parse("* * * * *").unwrap();
    let day = date(2026, 1, 1);
    for (second, nanosecond, minute) in [(0, 0, 0), (30, 0, 1), (0, 1, 1)] {
        let found = fields.next(day.at(0, 0, second, nanosecond), From::Here);
        assert_eq!(found, Some(day.at(0, minute, 0, 0)));
    }
    assert_eq!(fields.next(day.at(0, 0, 0, 0), From::After), Some(day.at(0, 1, 0, 0)));
}

#[test]
fn the_rarest_day_is_found_across_2100() {
    let found = next(&cron("0 0 29 2 */7", "UTC"), "UTC", "2004-02-29T00:00:00Z", 4);
    let expected = ["2032-02-29", "2060-02-29", "2088-02-29", "2128-02-29"];
    assert_eq!(found, expected.map(|day| format!("{day}T00:00+00:00")));
}

#[rstest]
#[case::the_gap_is_planned_after_it("30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z",
    &["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"])]
#[case::a_gap_is_planned_once("0,15,30 2,3 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z",
    &["2026-03-29T03:00+02:00", "2026-03-29T03:15+02:00", "2026-03-29T03:30+02:00", "2026-03-30T02:00+02:00"])]
#[case::the_edge_of_the_gap("0 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z",
    &["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"])]
#[case::just_before_the_gap("59 1 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", &["2026-03-29T01:59+01:00"])]
#[case::real_time_skips_the_gap("*/20 * * * *", "Europe/Zurich", "2026-03-29T00:30:00Z",
    &["2026-03-29T01:40+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:20+02:00"])]
#[case::a_step_in_the_missing_hour_is_not_planned("*/30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z",
    &["2026-03-30T02:00+02:00", "2026-03-30T02:30+02:00"])]
#[case::the_fold_is_planned_once("30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z",
    &["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"])]
#[case::from_within_the_second_pass("0,30,59 2 * * *", "Europe/Zurich", "2026-10-25T01:10:00Z", &["2026-10-26T02:00+01:00"])]
#[case::a_list_in_the_fold_is_planned_once("15,45 1-3 * * *", "Europe/Zurich", "2026-10-25T00:10:00Z",
    &["2026-10-25T02:15+02:00", "2026-10-25T02:45+02:00", "2026-10-25T03:15+01:00"])]
#[case::real_time_goes_on_in_the_fold("*/30 * * * *", "Europe/Zurich", "2026-10-24T23:50:00Z",
    &["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"])]
#[case::every_hour_at_a_minute_is_real_time("30 * * * *", "Europe/Zurich", "2026-10-24T23:50:00Z",
    &["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"])]
#[case::a_step_in_the_hour_that_exists_twice("*/30 2 * * *", "Europe/Zurich", "2026-10-25T00:10:00Z",
    &["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-26T02:00+01:00"])]
#[case::new_york_gap("15 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", &["2026-03-08T03:00-04:00", "2026-03-09T02:15-04:00"])]
#[case::new_york_fold("15 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", &["2026-11-01T01:15-04:00", "2026-11-02T01:15-05:00"])]
#[case::new_york_fold_in_real_time("0 * * * *", "America/New_York", "2026-11-01T04:30:00Z",
    &["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"])]
#[case::lord_howe_gap_of_half_an_hour("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
    &["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"])]
#[case::lord_howe_beside_the_gap("45 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", &["2026-10-04T02:45+11:00", "2026-10-05T02:45+11:00"])]
#[case::lord_howe_fold_of_half_an_hour("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
    &["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"])]
#[case::lord_howe_fold_in_real_time("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z",
    &["2026-04-05T01:45+11:00", "2026-04-05T01:30+10:30", "2026-04-05T01:45+10:30", "2026-04-05T02:00+10:30"])]
#[case::a_day_that_does_not_exist("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-31T00:00+14:00"])]
#[case::a_fixed_offset_is_never_turned("30 2 * * *", "+02:00", "2026-03-28T12:00:00Z", &["2026-03-29T02:30+02:00", "2026-03-30T02:30+02:00"])]
#[case::a_fixed_offset_with_minutes("0 0 * * *", "-05:30", "2026-03-28T05:29:59Z", &["2026-03-28T00:00-05:30"])]
fn clocks_are_turned_without_losing_or_doubling_a_run(
    #[case] text: &str,
    #[case] zone_name: &str,
    #[case] after: &str,
    #[case] expected: &[&str],
) {
    let schedule = cron(text, zone_name);
    let found = next(&schedule, zone_name, after, expected.len());
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case("0 0 31 2 *")]
#[case("0 0 30 feb *")]
#[case("0 0 31 4,6,9,11 *")]
fn a_schedule_that_never_happens_is_refused(#[case] text: &str) {
    assert_eq!(Schedule::parse_cron(text, TimeZone::UTC), Err(InvalidSchedule::Never(text.to_owned())));
}

#[rstest]
#[case("")]
#[case("*")]
#[case("* * * *")]
#[case("0 * * * * *")]
#[case("@daily")]
fn a_schedule_has_five_fields(#[case] text: &str) {
    assert_eq!(Schedule::parse_cron(text, TimeZone::UTC), Err(InvalidSchedule::FieldCount(text.to_owned())));
}

#[rstest]
#[case("60 * * * *")]
#[case("* 24 * * *")]
#[case("* * 0 * *")]
#[case("* * 32 * *")]
#[case("* * * 13 *")]
#[case("* * * 0 *")]
#[case("* * * * 8")]
#[case("*/0 * * * *")]
#[case("5-1 * * * *")]
#[case("1,,2 * * * *")]
#[case("a * * * *")]
#[case("5/15 * * * *")]
#[case("*/ * * * *")]
#[case("/5 * * * *")]
#[case("1- * * * *")]
#[case("* * * * mond")]
#[case("jan * * * *")]
#[case("-1 * * * *")]
#[case("* * L * *")]
#[case("* * 15W * *")]
#[case("* * * * 5#2")]
#[case("* * ? * *")]
#[case("* * * * +5")]
#[case("ä * * * *")]
#[case("99999999999999999999 * * * *")]
fn a_field_that_cannot_be_read_is_refused(#[case] text: &str) {
    let found = Schedule::parse_cron(text, TimeZone::UTC);
    assert!(matches!(found, Err(InvalidSchedule::Field { .. })), "{found:?}");
}

#[test]
fn an_error_quotes_no_more_than_a_line() {
    let error = Schedule::parse_cron(&"9".repeat(10_000), TimeZone::UTC).unwrap_err().to_string();
    assert!(error.len() < 180, "{error}");
    let error = Schedule::parse_cron("0 24 * * *", TimeZone::UTC).unwrap_err().to_string();
    let expected = "\"24\" is no hour; write numbers from 0 to 23, names, *, lists, ranges and steps, such as */15, \
                    1-5 or mon,fri";
    assert_eq!(error, expected);
}

#[test]
fn an_interval_runs_through_its_anchor_in_both_directions() {
    let anchor = at("2026-03-29T00:00:00Z");
    let schedule = Schedule::every(Seconds::hours(6), anchor).unwrap();
    assert_eq!(schedule.next_after(anchor), Some(at("2026-03-29T06:00:00Z")));
    assert_eq!(schedule.next_after(anchor - NANOSECOND), Some(anchor));
    assert_eq!(schedule.next_after(at("2026-03-28T12:00:00Z")), Some(at("2026-03-28T18:00:00Z")));
    assert_eq!(schedule.next_after(Timestamp::MAX), None);
    assert_eq!(Schedule::every(Seconds(0), anchor), Err(InvalidSchedule::NoLength));
}

#[test]
fn a_schedule_is_made_again_from_its_spelling() {
    let anchor = at("2026-03-29T00:00:00Z");
    for schedule in [
        cron("  */15 1-5\t* jan,MAR  mon ", "Europe/Zurich"),
        cron("30 2 * * *", "-05:30"),
        Schedule::every(Seconds::hours(25), anchor).unwrap(),
    ] {
        let again = match schedule.spelling() {
            Spelling::Cron(text, zone) => Schedule::parse_cron(text, zone.clone()),
            Spelling::Every(interval, anchor) => Schedule::every(interval, anchor),
        };
        assert_eq!(again, Ok(schedule));
    }
    let schedule = cron("  */15 1-5\t* jan,MAR  mon ", "Europe/Zurich");
    let Spelling::Cron(text, zone) = schedule.spelling() else { panic!("it has fields") };
    assert_eq!((text, zone.iana_name()), ("*/15 1-5 * jan,MAR mon", Some("Europe/Zurich")));
}

#[test]
fn what_is_planned_between_begins_after_and_ends_with() {
    let schedule = cron("0 * * * *", "UTC");
    let (six, nine) = (at("2026-03-02T06:00:00Z"), at("2026-03-02T09:00:00Z"));
    assert_eq!(schedule.planned_between(six, nine).count(), 3);
    assert_eq!(schedule.planned_between(six - NANOSECOND, nine - NANOSECOND).count(), 3);
    assert_eq!(schedule.planned_between(nine, six).count(), 0);
    assert_eq!(schedule.planned_between(six, six).count(), 0);
}

#[test]
fn beyond_the_calendar_nothing_is_planned() {
    for text in ["0 0 * * *", "* * * * *"] {
        for name in ["UTC", "Europe/Zurich"] {
            assert_eq!(cron(text, name).next_after(Timestamp::MAX), None);
            assert!(cron(text, name).next_after(at("9998-01-01T00:00:00Z")).is_some());
        }
    }
}

const ZONES: [&str; 6] =
    ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "+02:00"];

/// The values of a field: all of them, some, a range or a step; with how they are written.
fn field(least: i8, most: i8) -> impl Strategy<Value = (String, Vec<i8>)> {
    prop_oneof![
        Just(("*".to_owned(), (least..=most).collect())),
        (least..=most).prop_map(|value| (value.to_string(), vec![value])),
        (least..=most, least..=most).prop_map(|(one, other)| {
            let (low, high) = (one.min(other), one.max(other));
            (format!("{low}-{high}"), (low..=high).collect())
        }),
        (2_i8..12).prop_map(move |step| {
            let values = (least..=most).step_by(step.unsigned_abs().into());
            (format!("*/{step}"), values.collect())
        }),
        proptest::collection::btree_set(least..=most, 1..4).prop_map(|values| {
            let text: Vec<_> = values.iter().map(i8::to_string).collect();
            (text.join(","), values.into_iter().collect())
        }),
    ]
}

proptest! {
    #[test]
    fn planned_instants_strictly_increase_and_match_the_fields(
        (minute, hour, month) in (field(0, 59), field(0, 23), field(1, 12)),
        zone_name in proptest::sample::select(&ZONES[..]),
        start in 1_293_840_000_i64..1_900_000_000,
    ) {
        let text = format!("{} {} * {} *", minute.0, hour.0, month.0);
        let schedule = cron(&text, zone_name);
        let zone = zone(zone_name);
        let mut last = Timestamp::from_second(start).unwrap();
        for planned in schedule.planned_between(last, Timestamp::MAX).take(100) {
            prop_assert!(planned > last, "{planned} after {last}");
            let local = zone.to_datetime(planned);
            let matches =
                minute.1.contains(&local.minute()) && hour.1.contains(&local.hour()) && month.1.contains(&local.month());
            let after_gap = zone.to_datetime(planned - NANOSECOND).duration_until(local) > SignedDuration::from_secs(1);
            prop_assert!(matches || after_gap, "{text}: {local}");
            last = planned;
        }
    }

    #[test]
    fn every_matching_minute_is_planned(
        (minute, hour) in (field(0, 59), field(0, 23)),
        zone_name in proptest::sample::select(&ZONES[..]),
        turn in proptest::sample::select(&["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03", "2011-12-29"][..]),
    ) {
        let schedule = cron(&format!("{} {} * * *", minute.0, hour.0), zone_name);
        let zone = zone(zone_name);
        let start = at(&format!("{turn}T00:00:00Z"));
        let until = start + SignedDuration::from_hours(72);
        let planned: Vec<_> = schedule.planned_between(start, until).collect();
        let real_time = minute.0.starts_with('*') || hour.0.starts_with('*');
        let mut expected = std::collections::BTreeSet::new();
        let mut local_times = std::collections::HashSet::new();
        let mut instant = start;
        local_times.insert(zone.to_datetime(instant));
        while instant < until {
            let before = zone.to_datetime(instant);
            instant += SignedDuration::from_mins(1);
            let local = zone.to_datetime(instant);
            let matches = |local: DateTime| minute.1.contains(&local.minute()) && hour.1.contains(&local.hour());
            if matches(local) && (real_time || local_times.insert(local)) {
                expected.insert(instant);
            }
            let mut skipped = before + SignedDuration::from_mins(1);
            while !real_time && skipped < local {
                if matches(skipped) {
                    expected.insert(instant);
                }
                skipped += SignedDuration::from_mins(1);
            }
        }
        prop_assert_eq!(planned, expected.into_iter().collect::<Vec<_>>());
    }
}
