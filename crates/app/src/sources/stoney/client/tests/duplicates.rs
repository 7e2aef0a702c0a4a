//! Does a field that is stated twice count only where both say the same?

use super::*;

fn twice(document: &str, field: &str, second: &str) -> String {
    document.replacen(&format!("</{field}>"), &format!("</{field}>\n<{field}>{second}</{field}>"), 1)
}

#[test]
fn a_date_or_an_outcome_stated_twice_must_be_the_same() {
    let same = twice(&twice(PERL_ENDED, "success", " 1 "), "enddate", "2022-03-22T17:02:11+01:00");
    assert_eq!(ended(same.as_bytes()), ended(PERL_ENDED.as_bytes()));
    let other = ended(twice(PERL_ENDED, "success", "0").as_bytes()).expect("a file to be trusted");
    assert_eq!((other.success, other.enddate), (None, Dates::One(at("2022-03-22T16:02:11Z"))));
    let other = ended(twice(PERL_ENDED, "enddate", "2022-03-22T17:02:11Z").as_bytes());
    let other = other.expect("a file to be trusted");
    assert_eq!((other.success, other.enddate), (Some(true), Dates::Unreadable));
    assert_eq!((other.evidence[0].note, other.evidence[0].line), (DIFFERS, Some(7)));
}

#[test]
fn a_client_stated_twice_must_be_the_same() {
    let of = |text: String| started(text.as_bytes()).expect("a file to be trusted").client;
    assert_eq!(of(twice(PERL_STARTED, "version", "2.0.9")), perl("2.0.9"));
    assert_eq!(of(twice(PERL_STARTED, "version", "2.0.11")), Stated::Unreadable);
    let inner = PERL_STARTED.split_once("<client>").expect("a client").1;
    let inner = inner.split_once("</client>").expect("a client").0;
    assert_eq!(of(twice(PERL_STARTED, "client", inner)), perl("2.0.9"));
    assert_eq!(of(twice(PERL_STARTED, "client", "")), Stated::Unreadable);
}

#[test]
fn with_a_client_that_cannot_be_read_both_meanings_of_an_offset_stay() {
    let text = with(SEPIOLA_STARTED, "startdate", "2022-03-22T16:00:00+13:00");
    let started = started(twice(&text, "identifier", PERL_IDENTIFIER).as_bytes());
    let started = started.expect("a file to be trusted");
    let both = Dates::Two(at("2022-03-22T03:00:00Z"), at("2022-03-23T03:00:00Z"));
    assert_eq!((started.client, started.startdate), (Stated::Unreadable, both));
}

#[rstest::rstest]
#[case::minutes("minutes", "<minute_selected>5</minute_selected>")]
#[case::hours("hours", "")]
#[case::days("days_of_week", "<week_day>1</week_day>")]
#[case::days_of_another_name("days_of_week", "<every_day_of_week>*</every_day_of_week><day>1</day>")]
#[case::zone("timezone", "+02:00")]
#[case::days_of_month("days_of_month", "")]
#[case::whole("custom_online_backup", "")]
fn a_part_of_the_plan_stated_twice_must_be_the_same(#[case] field: &str, #[case] second: &str) {
    let inner = PERL_SCHEDULER.split_once(&format!("<{field}>")).expect("a field").1;
    let inner = inner.split_once(&format!("</{field}>")).expect("a field").0;
    let same = scheduler(twice(PERL_SCHEDULER, field, inner).as_bytes());
    assert_eq!(same, scheduler(PERL_SCHEDULER.as_bytes()));
    let other = scheduler(twice(PERL_SCHEDULER, field, second).as_bytes()).expect("a file to be trusted");
    assert_eq!(other.plan, Plan::Unreadable(DIFFERS));
    assert_eq!((other.evidence.len(), other.client), (1, perl("2.0.9")));
}
