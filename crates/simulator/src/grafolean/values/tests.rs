//! Is each rule of POST and PUT kept, at its limit and one past it?

use super::*;
use crate::grafolean::json;

const NOW: f64 = 1_795_248_273.5;

fn posted(body: &str) -> Outcome {
    post(json::parse(body.as_bytes()).as_ref(), None, NOW)
}

fn put_in(body: &str) -> Outcome {
    put(json::parse(body.as_bytes()).as_ref())
}

/// Status, or 0 for no answer, and how many rows are stored.
fn told(outcome: &Outcome) -> (u16, usize) {
    let status = match &outcome.answer {
        Answered::With(reply) => reply.status,
        Answered::Never => 0,
    };
    (status, outcome.stored.len())
}

fn value(literal: &str) -> Outcome {
    posted(&format!(r#"[{{"p":"a","v":{literal}}}]"#))
}

fn path(path: &str) -> Outcome {
    posted(&format!(r#"[{{"p":{},"v":1}}]"#, serde_json::Value::from(path)))
}

fn list(count: usize, row: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..count).map(row).collect::<Vec<_>>().join(","))
}

#[test]
fn a_value_is_what_python_and_the_database_both_take() {
    for (literal, number) in [
        ("0", 0.0),
        ("-0", -0.0),
        ("123456789012345678901234567890", 123_456_789_012_345_678_901_234_567_890.0),
        ("\"1e3\"", 1000.0),
        ("\" 7 \"", 7.0),
        ("\".5\"", 0.5),
        ("1e309", f64::INFINITY),
        ("\"-inf\"", f64::NEG_INFINITY),
        ("\"1e309\"", f64::INFINITY),
        ("\"1e131071\"", f64::INFINITY),
    ] {
        let outcome = value(literal);
        assert_eq!(told(&outcome), (204, 1), "{literal}");
        assert_eq!(outcome.stored[0].number.to_bits(), f64::to_bits(number), "{literal}");
    }
    assert!(value("\"nan\"").stored[0].number.is_nan());
    assert!(value("NaN").stored[0].number.is_nan());
    for refused in ["null", "\"abc\"", "\"\"", "\"0x10\"", "[1]", "{}", "\"_1\"", "\"1__0\"", "\"1_\""] {
        assert_eq!(told(&value(refused)), (400, 0), "{refused}");
    }
    let long = "9".repeat(400);
    for crashing in ["true", "false", "\"1_000\"", "\"1e200000\"", "\"1e131072\"", &long] {
        assert_eq!(told(&value(crashing)), (500, 0), "{crashing}");
    }
}

#[test]
fn the_value_is_kept_as_it_was_written() {
    let raws = ["1.50", "\" 7 \"", "NaN"].map(|literal| value(literal).stored[0].raw.clone());
    assert_eq!(raws, ["1.50", " 7 ", "NaN"]);
}

#[test]
fn a_path_is_segments_joined_by_points() {
    for taken in ["a", "A.b.C-d_e.0", "a%2eb", "%3a", "system", "systems.x", &"a".repeat(PATH_MAX_BYTES)] {
        assert_eq!(told(&path(taken)), (204, 1), "{taken}");
    }
    for refused in ["", ".", "a.", ".a", "a..b", "a b", "a/b", "a%2Eb", "a%", "a%2", "system.x", "é", "a\n\n"]
    {
        assert_eq!(told(&path(refused)), (400, 0), "{refused:?}");
    }
    for crashing in ["a\0b", &"a".repeat(PATH_MAX_BYTES + 1)] {
        assert_eq!(told(&path(crashing)), (500, 0), "{crashing:?}");
    }
}

#[test]
fn a_line_break_at_the_end_of_a_path_is_stored_and_never_answered() {
    assert_eq!(told(&path("a\n")), (0, 1));
}

#[test]
fn a_post_has_one_instant_and_names_none() {
    let outcome = posted(r#"[{"p":"a","v":1,"t":null},{"p":"b","v":2,"t":0,"x":1}]"#);
    assert_eq!(told(&outcome), (204, 2));
    assert!(outcome.stored.iter().all(|row| row.t.to_bits() == NOW.to_bits()));
    // An instant anywhere is noticed before a missing part elsewhere.
    assert_eq!(told(&posted(r#"[{"p":"a"},{"p":"b","v":2,"t":1}]"#)), (400, 0));
    for crashing in
        [r#"[{"p":"a"}]"#, r#"[{"v":1}]"#, "[1]", "{\"p\":\"a\",\"v\":1}", "5", "\"a\"", "garbage"]
    {
        assert_eq!(told(&posted(crashing)), (500, 0), "{crashing}");
    }
    for missing in ["[]", "{}", "null", "0", "false", "\"\""] {
        assert_eq!(posted(missing).answer, Answered::With(Reply::detail(400, "Missing data")), "{missing}");
    }
}

#[test]
fn the_address_counts_only_where_the_body_is_empty() {
    let query = Some(("q.a", Some("3")));
    let stored = |body: &str| post(json::parse(body.as_bytes()).as_ref(), query, NOW).stored;
    assert_eq!(stored("[]")[0].path, "q.a");
    assert_eq!(stored("null")[0].number.to_bits(), 3_f64.to_bits());
    assert_eq!(stored(r#"[{"p":"a","v":1}]"#)[0].path, "a");
    assert!(stored("").is_empty());
    assert_eq!(told(&post(Some(&Json::Null), Some(("q.a", None)), NOW)), (400, 0));
}

#[test]
fn an_instant_of_a_put_is_a_number_or_a_short_text() {
    let instant = |literal: &str| put_in(&format!(r#"[{{"p":"a","v":1,"t":{literal}}}]"#));
    for taken in ["0", "-5", "1600000000.123456", "\"10\"", "\"9999999999.123456\"", "253402300799"] {
        assert_eq!(told(&instant(taken)), (204, 1), "{taken}");
    }
    for refused in
        ["null", "\"abc\"", "\"1\"", "\"12345678901\"", "\"10.1234567\"", "\"10.\"", "\"010\"", "[1]"]
    {
        assert_eq!(told(&instant(refused)), (400, 0), "{refused}");
    }
    for crashing in ["253402300800", "99999999999999", "NaN", "true"] {
        assert_eq!(told(&instant(crashing)), (500, 0), "{crashing}");
    }
    assert_eq!(told(&put_in(r#"[{"p":"a","v":1}]"#)), (500, 0));
    assert_eq!(
        [told(&put_in("[]")), told(&put_in("{}")), told(&put_in("null"))],
        [(204, 0), (204, 0), (500, 0)]
    );
}

#[test]
fn a_page_is_stored_whole_or_not_at_all_and_those_before_it_stay() {
    let row = |number| format!(r#"{{"p":"a{number}","v":1}}"#);
    let bad_at = |bad, number| if number == bad { r#"{"p":"a","v":"bad"}"#.to_owned() } else { row(number) };
    assert_eq!(told(&posted(&list(151, |number| bad_at(150, number)))), (400, 100));
    assert_eq!(told(&posted(&list(151, |number| bad_at(99, number)))), (400, 0));
    assert_eq!(told(&posted(&list(101, |number| bad_at(100, number)))), (400, 100));
}

#[test]
fn twins_within_a_page_crash_and_further_apart_they_are_stored() {
    let row = |number: usize| format!(r#"{{"p":"a{}","v":{number},"t":5}}"#, number % 100);
    let without_t = |number: usize| row(number).replace(r#","t":5"#, "");
    assert_eq!(told(&posted(&list(101, without_t))), (204, 101));
    assert_eq!(told(&put_in(&list(101, row))), (204, 101));
    assert_eq!(told(&posted(r#"[{"p":"a","v":1},{"p":"a","v":2}]"#)), (500, 0));
    assert_eq!(told(&put_in(r#"[{"p":"a","v":1,"t":5},{"p":"a","v":2,"t":5.0}]"#)), (500, 0));
    assert_eq!(told(&put_in(r#"[{"p":"a","v":1,"t":5},{"p":"a","v":2,"t":6}]"#)), (204, 2));
}

#[test]
fn a_refused_row_is_told_before_a_crash_of_its_page_but_after_a_path_that_cannot_be_made() {
    assert_eq!(told(&posted(r#"[{"p":"a","v":true},{"p":"b","v":"bad"}]"#)), (400, 0));
    assert_eq!(told(&posted(r#"[{"p":"a","v":"bad"},{"p":5,"v":1}]"#)), (500, 0));
}

#[test]
fn so_many_values_kill_the_worker_with_a_part_of_them_stored() {
    let row = |number: usize| format!(r#"{{"p":"a{number}","v":1}}"#);
    assert_eq!(told(&posted(&list(KILLING_ROWS - 1, row))), (204, KILLING_ROWS - 1));
    assert_eq!(told(&posted(&list(KILLING_ROWS, row))), (0, KILLING_ROWS / 2));
}
