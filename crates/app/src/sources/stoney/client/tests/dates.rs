//! Does every offset that the clients write mean the instant they meant?

use jiff::tz::Offset;
use rstest::rstest;

use super::*;

fn startdate(document: &str, text: &str) -> Dates {
    started(with(document, "startdate", text).as_bytes()).expect("a file to be trusted").startdate
}

fn one(text: &str) -> Dates {
    Dates::One(at(text))
}

/// The offset table of the facts, the column of Sepiola.
#[rstest]
#[case::utc("2022-03-22T16:37:40-00:00", "2022-03-22T16:37:40Z")]
#[case::plus_1("2022-03-22T00:30:00+01:00", "2022-03-21T23:30:00Z")]
#[case::plus_2("2022-06-22T01:59:59+02:00", "2022-06-21T23:59:59Z")]
#[case::plus_3_30("2022-03-22T03:29:59+03:30", "2022-03-21T23:59:59Z")]
#[case::plus_5_30("2022-03-22T16:37:40+05:30", "2022-03-22T11:07:40Z")]
#[case::plus_5_45("2022-03-22T16:37:40+05:45", "2022-03-22T10:52:40Z")]
#[case::plus_12_45("2022-03-22T16:37:40+12:45", "2022-03-22T03:52:40Z")]
#[case::plus_13("2022-03-22T16:37:40+13:00", "2022-03-22T03:37:40Z")]
#[case::minus_3_30("2022-03-22T16:37:40+1193042:58", "2022-03-22T20:07:40Z")]
#[case::minus_4("2022-03-22T20:00:00+1193042:28", "2022-03-23T00:00:00Z")]
#[case::minus_5("2022-03-22T16:37:40+1193041:28", "2022-03-22T21:37:40Z")]
#[case::minus_10("2022-03-22T16:37:40+1193036:28", "2022-03-23T02:37:40Z")]
fn an_offset_of_sepiola_means_one_instant(#[case] written: &str, #[case] meant: &str) {
    assert_eq!(startdate(SEPIOLA_STARTED, written), one(meant));
}

/// The column of the Perl client, with the hours in which the date in UTC is another one.
#[rstest]
#[case::utc("2022-03-22T16:37:40-00:00", "2022-03-22T16:37:40Z")]
#[case::utc_at_midnight("2022-03-22T00:00:00-00:00", "2022-03-22T00:00:00Z")]
#[case::plus_1_from_midnight("2022-03-22T00:00:00-23:00", "2022-03-21T23:00:00Z")]
#[case::plus_1_after_midnight("2022-03-22T00:30:00-23:00", "2022-03-21T23:30:00Z")]
#[case::plus_1_to_the_hour("2022-03-22T00:59:59-23:00", "2022-03-21T23:59:59Z")]
#[case::plus_1_from_the_hour("2022-03-22T01:00:00+01:00", "2022-03-22T00:00:00Z")]
#[case::plus_2_after_midnight("2022-06-22T01:59:59-22:00", "2022-06-21T23:59:59Z")]
#[case::plus_2("2022-06-22T02:00:00+02:00", "2022-06-22T00:00:00Z")]
#[case::plus_3_30_before("2022-03-22T03:29:59-20:30", "2022-03-21T23:59:59Z")]
#[case::plus_3_30("2022-03-22T03:30:00+03:30", "2022-03-22T00:00:00Z")]
#[case::plus_5_30_before("2022-03-22T05:29:59-18:30", "2022-03-21T23:59:59Z")]
#[case::plus_5_30("2022-03-22T05:30:00+05:30", "2022-03-22T00:00:00Z")]
#[case::plus_5_45_before("2022-03-22T05:44:59-18:150", "2022-03-21T23:59:59Z")]
#[case::plus_5_45("2022-03-22T05:45:00+05:450", "2022-03-22T00:00:00Z")]
#[case::minus_3_30("2022-03-22T20:29:59-03:30", "2022-03-22T23:59:59Z")]
#[case::minus_3_30_late("2022-03-22T20:30:00+20:30", "2022-03-23T00:00:00Z")]
#[case::minus_4("2022-03-22T19:59:59-04:00", "2022-03-22T23:59:59Z")]
#[case::minus_4_late("2022-03-22T20:00:00+20:00", "2022-03-23T00:00:00Z")]
#[case::minus_5("2022-03-22T18:59:59-05:00", "2022-03-22T23:59:59Z")]
#[case::minus_5_late("2022-03-22T19:00:00+19:00", "2022-03-23T00:00:00Z")]
fn most_offsets_of_the_perl_client_mean_one_instant(#[case] written: &str, #[case] meant: &str) {
    assert_eq!(startdate(PERL_STARTED, written), one(meant));
    assert_eq!(startdate(&without(PERL_STARTED, "client"), written), one(meant), "before version 2.0.3");
}

/// Where a day more or less is an offset there is, both are kept.
#[rstest]
#[case::plus_12_45("2022-03-22T12:45:00+12:450", "2022-03-22T00:00:00Z", "2022-03-23T00:00:00Z")]
#[case::plus_12_45_before("2022-03-22T12:44:59-11:150", "2022-03-21T23:59:59Z", "2022-03-22T23:59:59Z")]
#[case::plus_13("2022-03-22T13:00:00+13:00", "2022-03-22T00:00:00Z", "2022-03-23T00:00:00Z")]
#[case::plus_13_before("2022-03-22T12:59:59-11:00", "2022-03-21T23:59:59Z", "2022-03-22T23:59:59Z")]
#[case::minus_10("2022-03-22T13:59:59-10:00", "2022-03-21T23:59:59Z", "2022-03-22T23:59:59Z")]
#[case::minus_10_late("2022-03-22T14:00:00+14:00", "2022-03-22T00:00:00Z", "2022-03-23T00:00:00Z")]
#[case::least("2022-03-22T12:00:00-12:00", "2022-03-22T00:00:00Z", "2022-03-23T00:00:00Z")]
#[case::plus_12("2022-03-22T12:00:00+12:00", "2022-03-22T00:00:00Z", "2022-03-23T00:00:00Z")]
fn some_offsets_of_the_perl_client_mean_one_of_two_instants(
    #[case] written: &str,
    #[case] earlier: &str,
    #[case] later: &str,
) {
    let both = Dates::Two(at(earlier), at(later));
    assert_eq!(startdate(PERL_STARTED, written), both);
    assert_eq!(startdate(&without(PERL_STARTED, "client"), written), both, "before version 2.0.3");
}

#[rstest]
#[case::below_minus_10("-09:59", "2022-03-22T21:59:00Z")]
#[case::below_plus_12("+11:59", "2022-03-22T00:01:00Z")]
#[case::above_plus_14("+14:10", "2022-03-22T21:50:00Z")]
#[case::below_minus_12("-12:10", "2022-03-22T00:10:00Z")]
fn one_step_outside_the_doubtful_offsets_there_is_no_doubt(#[case] offset: &str, #[case] meant: &str) {
    assert_eq!(startdate(PERL_STARTED, &format!("2022-03-22T12:00:00{offset}")), one(meant));
}

#[test]
fn another_family_has_no_doubt_about_large_offsets() {
    for (offset, meant) in [
        ("+14:00", "2022-03-21T22:00:00Z"),
        ("+12:00", "2022-03-22T00:00:00Z"),
        ("-10:00", "2022-03-22T22:00:00Z"),
        ("-12:00", "2022-03-23T00:00:00Z"),
    ] {
        let text = format!("2022-03-22T12:00:00{offset}");
        assert_eq!(startdate(SEPIOLA_STARTED, &text), one(meant));
        let branded = with(PERL_STARTED, "identifier", "Backup of Example Ltd.");
        assert_eq!(startdate(&branded, &text), one(meant));
    }
}

#[rstest]
fn zero_is_utc_however_it_is_written(#[values("Z", "+00:00", "-00:00", "+00:000")] offset: &str) {
    for document in [PERL_STARTED, SEPIOLA_STARTED] {
        let text = format!(" 2022-03-22T12:00:00{offset}\n");
        assert_eq!(startdate(document, &text), one("2022-03-22T12:00:00Z"));
    }
}

#[rstest]
#[case::word("soon")]
#[case::zero("0")]
#[case::no_offset("2022-03-22T12:00:00")]
#[case::no_time("2022-03-22+01:00")]
#[case::blank_between("2022-03-22 12:00:00+01:00")]
#[case::blank_before_the_offset("2022-03-22T12:00:00 +01:00")]
#[case::month_13("2022-13-22T12:00:00+01:00")]
#[case::february_30("2022-02-30T12:00:00+01:00")]
#[case::hour_24("2022-03-22T24:00:00+01:00")]
#[case::second_60("2022-03-22T12:00:60+01:00")]
#[case::year_of_5_digits("12022-03-22T12:00:00+01:00")]
#[case::other_digits("２022-03-22T12:00:00+01:00")]
#[case::sign_in_a_number("2022-03-22T12:00:+1+01:00")]
#[case::short_month("2022-3-022T12:00:00+01:00")]
#[case::no_colon("2022-03-22T12:00:00+0100")]
#[case::no_sign("2022-03-22T12:00:0001:00")]
#[case::hours_of_one_digit("2022-03-22T12:00:00+1:00")]
#[case::minutes_of_one_digit("2022-03-22T12:00:00+01:0")]
#[case::minute_60("2022-03-22T12:00:00+01:60")]
#[case::tenths_of_60("2022-03-22T12:00:00+01:600")]
#[case::no_whole_tenths("2022-03-22T12:00:00+05:455")]
#[case::minutes_of_four_digits("2022-03-22T12:00:00+05:4500")]
#[case::more_than_a_day("2022-03-22T12:00:00+38:01")]
#[case::less_than_a_day("2022-03-22T12:00:00-36:01")]
#[case::hundreds_of_hours("2022-03-22T12:00:00+999:00")]
#[case::a_thousand_hours("2022-03-22T12:00:00+1000:00")]
#[case::wrapped_below_minus_12("2022-03-22T12:00:00+1193034:27")]
#[case::wrapped_above_plus_14("2022-03-22T12:00:00+1193060:29")]
#[case::wrapped_with_minus("2022-03-22T12:00:00-1193041:28")]
#[case::wrapped_with_tenths("2022-03-22T12:00:00+1193041:280")]
#[case::too_many_digits("2022-03-22T12:00:00+11930410000:28")]
#[case::overflow("2022-03-22T12:00:00+999999999:59")]
#[case::something_behind("2022-03-22T12:00:00+01:00.")]
#[case::outside_the_calendar("9999-12-31T23:59:59-12:00")]
fn what_is_no_date_is_unreadable(#[case] text: &str) {
    for document in [PERL_STARTED, SEPIOLA_STARTED] {
        let date = startdate(document, text);
        assert!(date.earliest().is_none() && date != Dates::Missing, "{date:?}");
    }
}

#[test]
fn an_offset_that_cannot_be_repaired_leaves_the_latest_instant_it_may_have_been() {
    for offset in ["+99:00", "-36:01", "", "+01:60"] {
        let date = startdate(PERL_STARTED, &format!("2022-03-22T12:00:00{offset}"));
        assert_eq!(date, Dates::AtLatest(at("2022-03-23T00:00:00Z")), "{offset}");
    }
    let date = Dates::AtLatest(at("2022-03-23T00:00:00Z"));
    assert!(date.may_be_ahead(at("2022-03-22T23:54:59Z")));
    assert!(!date.may_be_ahead(at("2022-03-22T23:55:00Z")));
    assert!(Dates::Unreadable.may_be_ahead(at("2022-03-22T23:55:00Z")));
}

#[test]
fn a_wrapped_offset_is_good_to_the_last_minute() {
    let of = |offset| startdate(SEPIOLA_STARTED, &format!("2022-03-22T12:00:00{offset}"));
    assert_eq!(of("+1193034:28"), one("2022-03-23T00:00:00Z"));
    assert_eq!(of("+1193046:27"), one("2022-03-22T12:01:00Z"));
}

/// Subtracts hours of the day without looking at the date, and writes quarters of an hour as the Perl client does.
fn as_perl_writes(wall: Timestamp, offset_minutes: i64) -> String {
    let of_day = |at: Timestamp| at.as_second().div_euclid(60).rem_euclid(24 * 60);
    let universal = wall - jiff::SignedDuration::from_mins(offset_minutes);
    let difference = of_day(wall) - of_day(universal);
    let (hours, minutes) = (difference.abs() / 60, difference.abs() % 60);
    let sign = if difference > 0 { '+' } else { '-' };
    let minutes = if minutes % 30 == 0 { format!("{minutes:02}") } else { format!("{minutes}0") };
    format!("{sign}{hours:02}:{minutes}")
}

fn as_sepiola_writes(offset_minutes: i64) -> String {
    let seconds = u32::try_from((offset_minutes * 60).rem_euclid(1 << 32)).expect("32 bits");
    let sign = if offset_minutes == 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

#[test]
fn at_every_quarter_of_every_offset_the_true_instant_is_among_the_meanings() {
    let offsets = (-12 * 4..=14 * 4).map(|quarters| quarters * 15);
    let walls = (0..24 * 4)
        .map(|quarters| at("2022-03-22T00:00:00Z") + jiff::SignedDuration::from_mins(quarters * 15));
    let walls: Vec<Timestamp> = walls.collect();
    for offset_minutes in offsets {
        for wall in &walls {
            let meant = *wall - jiff::SignedDuration::from_mins(offset_minutes);
            let local = Offset::UTC.to_datetime(*wall);
            let sepiola = format!("{local}{}", as_sepiola_writes(offset_minutes));
            assert_eq!(startdate(SEPIOLA_STARTED, &sepiola), Dates::One(meant), "{sepiola}");
            let perl = format!("{local}{}", as_perl_writes(*wall, offset_minutes));
            let is_decidable = (-10 * 60 + 1..12 * 60).contains(&offset_minutes);
            match startdate(PERL_STARTED, &perl) {
                Dates::One(read) if is_decidable => assert_eq!(read, meant, "{perl}"),
                Dates::Two(first, second) if !is_decidable => {
                    assert!([first, second].contains(&meant), "{perl}");
                }
                other => panic!("{perl}: {other:?}"),
            }
        }
    }
}
