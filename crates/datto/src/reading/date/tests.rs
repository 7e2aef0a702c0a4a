//! Which instant does each spelling of a date come to, in every season?

use super::*;
use rstest::rstest;

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").expect("a zone of the bundled database")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn read(text: &str) -> Stated<Timestamp> {
    parse(text).resolve(&new_york(), at("2030-01-01T00:00:00Z")).0
}

#[rstest]
#[case("2021-06-14 09:05:03")]
#[case("2021-6-14 9:5:3")]
#[case("2021-06-14T09:05:03")]
#[case("2021/06/14 09:05:03")]
#[case("2021/6/14 9:05:03")]
#[case("  2021-06-14 09:05:03\n")]
#[case("2021-06-14  09:05:03")]
#[case("2021-06-14\t09:05:03")]
#[case("2021-06-14\u{a0}09:05:03")]
#[case("\u{a0}2021-06-14 09:05:03\u{a0}")]
#[case("2021-06-14 09:05:03.000")]
#[case("2021-06-14 13:05:03Z")]
#[case("2021-06-14T13:05:03+00:00")]
#[case("2021-06-14 09:05:03 -04:00")]
#[case("2021-06-14 09:05:03-0400")]
#[case("2021-06-14 08:05:03 EST")]
#[case("2021-06-14 09:05:03 EDT")]
#[case("2021-06-14 13:05:03 UTC")]
#[case("2021-06-14 13:05:03 utc")]
#[case("1623675903")]
#[case("1623675903000")]
#[case("1623675903.0")]
fn one_instant_has_many_spellings(#[case] text: &str) {
    assert_eq!(read(text), Stated::Value(at("2021-06-14T13:05:03Z")), "{text:?}");
}

#[test]
fn seconds_may_be_missing_broken_or_sixty() {
    assert_eq!(read("2021-06-14 09:05"), Stated::Value(at("2021-06-14T13:05:00Z")));
    assert_eq!(read("2021-06-14 09:05:03.25"), Stated::Value(at("2021-06-14T13:05:03.25Z")));
    assert_eq!(read("2021-06-14 09:05:03.1234567899"), Stated::Value(at("2021-06-14T13:05:03.123456789Z")));
    assert_eq!(read("2021-06-14 09:05:60"), Stated::Value(at("2021-06-14T13:06:00Z")));
    assert_eq!(read("2021-12-31 23:59:60Z"), Stated::Value(at("2022-01-01T00:00:00Z")));
    assert_eq!(read("2021-06-14 09:05:61"), Stated::Unreadable);
}

#[rstest]
#[case("1969-12-31 19:00:00")]
#[case("1969-12-31 19:00")]
#[case("1969-12-31T19:00:00")]
#[case(" 1969-12-31  19:00:00 ")]
#[case("1969-12-31 19:00:00 EST")]
#[case("1970-01-01T00:00:00Z")]
#[case("1970-01-01 19:00:00")]
#[case("0000-00-00 00:00:00")]
#[case("0")]
#[case("000")]
#[case("-1")]
#[case("86400")]
#[case("0001-01-01 00:00:00")]
fn never_has_many_spellings(#[case] text: &str) {
    assert_eq!(read(text), Stated::Never, "{text:?}");
}

#[rstest]
#[case("never")]
#[case("N/A")]
#[case("2021-13-01 00:00:00")]
#[case("2021-02-29 00:00:00")]
#[case("2021-06-14 24:00:00")]
#[case("2021-06-14 09:60:00")]
#[case("2021-06-14")]
#[case("21-06-14 09:05:03")]
#[case("2021-06-14 09:05:03 CET")]
#[case("2021-06-14 09:05:03 +25:00")]
#[case("2021-06-1409:05:03")]
#[case("2021-06/14 09:05:03")]
#[case("06/14/2021 09:05:03")]
#[case("99999999999999999999")]
#[case("9999-99-99 99:99:99")]
#[case("9999-12-31 24:00:00")]
#[case("1.2.3")]
#[case("2021-06-14 09:05:03 x")]
#[case("--")]
fn what_is_no_date_is_said_to_be_none(#[case] text: &str) {
    assert_eq!(read(text), Stated::Unreadable, "{text:?}");
}

#[test]
fn an_empty_text_is_missing() {
    assert_eq!(read(" \t\u{a0}"), Stated::Missing);
}

#[test]
fn summer_and_winter_have_their_own_offset() {
    assert_eq!(read("2021-07-01 12:00:00"), Stated::Value(at("2021-07-01T16:00:00Z")));
    assert_eq!(read("2021-01-01 12:00:00"), Stated::Value(at("2021-01-01T17:00:00Z")));
    assert_eq!(read("2039-07-01 12:00:00"), Stated::Value(at("2039-07-01T16:00:00Z")));
}

#[test]
fn an_hour_that_exists_twice_is_the_later_one_unless_that_is_ahead() {
    let written = parse("2021-11-07 01:30:00");
    let earlier = at("2021-11-07T05:30:00Z");
    let later = at("2021-11-07T06:30:00Z");
    let tolerated = later - FUTURE_TOLERANCE;
    for (now, instant, remark) in [
        (at("2021-11-08T00:00:00Z"), later, Remark::TwiceLater),
        (tolerated, later, Remark::TwiceLater),
        (tolerated - SignedDuration::from_nanos(1), earlier, Remark::TwiceEarlier),
        (earlier, earlier, Remark::TwiceEarlier),
    ] {
        assert_eq!(written.resolve(&new_york(), now), (Stated::Value(instant), remark), "{now}");
    }
}

#[test]
fn a_full_minute_of_an_hour_that_exists_twice_lies_where_the_minute_lies() {
    let written = parse("2021-11-07 01:25:60");
    let (earlier, later) = (at("2021-11-07T05:26:00Z"), at("2021-11-07T06:26:00Z"));
    let tolerated = later - FUTURE_TOLERANCE;
    for (now, instant, remark) in [
        (tolerated, later, Remark::TwiceLater),
        (tolerated - SignedDuration::from_nanos(1), earlier, Remark::TwiceEarlier),
    ] {
        assert_eq!(written.resolve(&new_york(), now), (Stated::Value(instant), remark), "{now}");
    }
}

#[test]
fn an_hour_that_does_not_exist_is_read_with_the_offset_before() {
    let (instant, remark) = parse("2021-03-14 02:30:00").resolve(&new_york(), at("2022-01-01T00:00:00Z"));
    assert_eq!((instant, remark), (Stated::Value(at("2021-03-14T07:30:00Z")), Remark::Skipped));
}

#[rstest]
#[case("9999-12-31 23:59:59")]
#[case("9999-12-31T23:59:60Z")]
#[case("9999-12-31 23:59:59 -04:00")]
#[case("9999-12-30 12:00:00")]
#[case("999999999999")]
fn the_end_of_the_calendar_is_far_ahead_and_no_trap(#[case] text: &str) {
    let far = at("9999-12-30T00:00:00Z");
    assert!(matches!(read(text), Stated::Value(instant) if instant > far), "{text:?}");
}

#[test]
fn a_day_without_a_time_is_read_where_days_are_expected() {
    let resolve = |text| parse_day(text).resolve(&new_york(), at("2022-01-01T00:00:00Z")).0;
    assert_eq!(resolve("2023-01-31"), Stated::Value(at("2023-01-31T05:00:00Z")));
    assert_eq!(resolve("2023-01-31 00:00:00"), Stated::Value(at("2023-01-31T05:00:00Z")));
    assert_eq!(resolve("0000-00-00"), Stated::Never);
    assert_eq!(resolve("31.1.2023"), Stated::Unreadable);
    assert_eq!(resolve("2023-02-30"), Stated::Unreadable);
}

#[test]
fn a_season_reads_every_local_time_as_its_zone_does() {
    for zone in ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Africa/Casablanca"] {
        let zone = TimeZone::get(zone).expect("a zone of the bundled database");
        for instant in [
            "2021-03-14T06:59:00Z",
            "2021-06-14T14:00:00Z",
            "2021-11-07T06:00:00Z",
            "1990-01-01T00:00:00Z",
            "9999-12-30T21:00:00Z",
        ] {
            let season = Season::around(&zone, at(instant));
            for hours in (-24 * 400..24 * 400).step_by(1) {
                let local = at(instant).saturating_add(SignedDuration::from_mins(hours * 60 + 17));
                let local = Offset::UTC.to_datetime(local.expect("saturates"));
                let written = Written::Local(local, false);
                assert_eq!(
                    written.resolve_in(&season, at(instant)),
                    written.resolve(&zone, at(instant)),
                    "{local} {instant}"
                );
            }
        }
    }
}
