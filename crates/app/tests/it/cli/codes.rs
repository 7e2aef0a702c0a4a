//! Does every exit code say what the manual says it does?

use rstest::rstest;

use super::{SAMPLE, UNKNOWN, WELL, judge};

const MISSING: &str = "datto-xml:none.xml";

/// The codes of `check`, `summary` and `explain`, and those under Nagios.
#[rstest]
#[case::all_is_well(&[WELL], 0, 0)]
#[case::two_that_are_well(&[WELL, WELL], 0, 0)]
#[case::something_is_bad(&[SAMPLE], 1, 2)]
#[case::something_is_unknown(&[UNKNOWN], 2, 3)]
#[case::nothing_could_be_read(&[MISSING], 2, 3)]
#[case::one_of_two_could_not_be_read(&[WELL, MISSING], 2, 3)]
#[case::bad_wins_over_unknown(&[UNKNOWN, SAMPLE], 1, 2)]
#[case::bad_wins_over_unread(&[MISSING, SAMPLE, WELL], 1, 2)]
#[case::a_wrong_threshold(&[WELL, "--set", "nonsense=1"], 3, 3)]
#[case::an_unknown_kind(&[WELL, "nonsense:x"], 3, 3)]
#[case::a_missing_configuration(&[WELL, "--config", "none.toml"], 3, 3)]
fn the_codes_are_those_of_the_manual(#[case] looking: &[&str], #[case] plain: i32, #[case] nagios: i32) {
    for command in ["check", "summary"] {
        for (format, code) in
            [("table", plain), ("json", plain), ("csv", plain), ("prometheus", plain), ("nagios", nagios)]
        {
            let ran = judge(&[&[command, "--format", format], looking].concat());
            assert_eq!(ran.code, code, "{command} {format}: {}", ran.text());
        }
    }
    for format in ["text", "json"] {
        let ran = judge(&[&["explain", "*", "--format", format], looking].concat());
        assert_eq!(ran.code, plain, "explain {format}: {}", ran.text());
    }
}

#[test]
fn only_bad_hides_rows_and_not_their_weight() {
    for (source, code) in [(WELL, 0), (SAMPLE, 1), (UNKNOWN, 2), (MISSING, 2)] {
        assert_eq!(judge(&["check", source, "--only", "bad"]).code, code, "{source}");
    }
}

#[test]
fn a_threshold_that_is_set_turns_the_code() {
    assert_eq!(judge(&["check", WELL, "--set", "local_after=59min"]).code, 1);
    assert_eq!(judge(&["check", WELL, "--set", "local_after=60min"]).code, 0);
    assert_eq!(judge(&["check", WELL, "--set", "quota_level=50"]).code, 0);
    assert_eq!(judge(&["check", WELL, "--set", "quota_level=49"]).code, 1);
    assert_eq!(judge(&["check", WELL, "--set", "local_after=1s", "--set", "local_after=24h"]).code, 0);
}

#[test]
fn time_alone_turns_the_code() {
    let at = |at| crate::support::binary::run(&["check", WELL, "--at", at]).code;
    assert_eq!(at("2021-06-14T14:59:00Z"), 0);
    assert_eq!(at("2021-06-14T14:59:01Z"), 1);
    assert_eq!(at("2021-06-14T10:59:00-04:00"), 0);
    assert_eq!(at("2021-06-14T13:54:00Z"), 0, "five minutes ahead is now");
    assert_eq!(at("2021-06-14T13:53:59Z"), 2, "more is another clock");
}

#[test]
fn the_ends_of_time_are_survived() {
    for (at, code) in
        [("9999-12-30T22:00:00Z", 1), ("-009999-01-02T01:59:59Z", 2), ("1970-01-01T00:00:00Z", 2)]
    {
        let at = format!("--at={at}");
        for arguments in [&["check", WELL][..], &["summary", WELL], &["explain", "*", WELL]] {
            let ran = crate::support::binary::run(&[arguments, &[&at]].concat());
            assert_eq!(ran.code, code, "{arguments:?} {at}: {}", ran.text());
        }
    }
}
