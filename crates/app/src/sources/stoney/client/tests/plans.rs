//! Does every schedule that the clients write plan what was meant?

use jiff::tz::{Offset, TimeZone};
use lastgood_core::schedule::Schedule;
use rstest::rstest;

use super::*;

const PERL_201: &str = include_str!("../testdata/perl-2.0.1-scheduler.xml");
const PERL_203: &str = include_str!("../testdata/perl-2.0.3-scheduler.xml");

fn plan(document: &str) -> Plan {
    scheduler(document.as_bytes()).expect("a file to be trusted").plan
}

fn planned(cron: &str, minutes: i32) -> Plan {
    let offset = Offset::from_seconds(minutes * 60).expect("an offset");
    Plan::At { cron: cron.to_owned(), offsets: Offsets::One(offset) }
}

/// The cron text of the sample with these elements in a list of it.
fn cron(list: &str, elements: &str) -> Result<String, &'static str> {
    match plan(&with(PERL_SCHEDULER, list, elements)) {
        Plan::At { cron, .. } => Ok(cron),
        Plan::Unreadable(why) => Err(why),
        Plan::Nothing => Ok("nothing".to_owned()),
    }
}

#[rstest]
#[case::sepiola(SEPIOLA_SCHEDULER, "0 20 * * 1,2,7", sepiola())]
#[case::without_client(PERL_201, "0 20 * * *", Stated::Missing)]
#[case::client_inside(PERL_203, "0 20 * * *", perl("2.0.3"))]
#[case::client_beside(PERL_SCHEDULER, "0 20 * * *", perl("2.0.9"))]
fn every_version_of_the_clients_is_read(
    #[case] document: &str,
    #[case] cron: &str,
    #[case] client: Stated<Client>,
) {
    let expected = Scheduled { plan: planned(cron, 60), client, evidence: Vec::new() };
    assert_eq!(scheduler(document.as_bytes()), Ok(expected));
}

#[test]
fn a_client_inside_and_another_beside_are_not_believed() {
    let beside = PERL_SCHEDULER.split_once("<client>").expect("a client").1;
    let both = PERL_203
        .replace("</online", &format!("<client>{beside}").replace("</online_backup_schedule>", "</online"));
    assert_eq!(scheduler(both.as_bytes()).expect("a file to be trusted").client, Stated::Unreadable);
}

fn with_content(content: &str) -> String {
    let (before, rest) = PERL_SCHEDULER.split_once("<custom_online_backup>").expect("a schedule");
    let (_, after) = rest.split_once("</custom_online_backup>").expect("a schedule");
    format!("{before}{content}{after}")
}

#[rstest]
#[case::none("<no_schedule/>")]
#[case::none_twice("<no_schedule/><no_schedule></no_schedule>")]
#[case::after_startup(
    "<backup_after_startup><minutes_after_startup>10</minutes_after_startup></backup_after_startup>"
)]
#[case::no_day("<custom_online_backup><days_of_week>\n</days_of_week></custom_online_backup>")]
fn where_no_time_is_known_nothing_is_planned(#[case] content: &str) {
    let scheduled = scheduler(with_content(content).as_bytes()).expect("a file to be trusted");
    assert_eq!(scheduled, Scheduled { plan: Plan::Nothing, client: perl("2.0.9"), evidence: Vec::new() });
}

#[test]
fn without_a_day_of_the_week_nothing_is_planned() {
    assert_eq!(cron("days_of_week", " "), Ok("nothing".to_owned()));
}

#[rstest]
#[case::nothing_stated("")]
#[case::something_new("<custom_offline_backup/>")]
#[case::two_kinds("<no_schedule/><backup_after_startup/>")]
#[case::none_and_custom("<no_schedule/><custom_online_backup/>")]
#[case::after_startup_and_custom("<backup_after_startup/><custom_online_backup/>")]
#[case::empty_custom("<custom_online_backup/>")]
fn a_file_that_states_no_plan_or_several_is_unreadable(#[case] content: &str) {
    let scheduled = scheduler(with_content(content).as_bytes()).expect("a file to be trusted");
    assert!(matches!(scheduled.plan, Plan::Unreadable(_)), "{:?}", scheduled.plan);
    assert_eq!((scheduled.evidence.len(), scheduled.client), (1, perl("2.0.9")));
}

/// Wraps each text, separated by `|`, in an element.
fn elements(name: &str, texts: &str) -> String {
    texts.split('|').fold(String::new(), |all, text| format!("{all}<{name}>{text}</{name}>\n"))
}

#[rstest]
#[case::plain("0", Some("0"))]
#[case::padded("05", Some("5"))]
#[case::padded_zero("00", Some("0"))]
#[case::much_padded("000000000059", Some("59"))]
#[case::with_blanks("\n 30\t", Some("30"))]
#[case::every("*", Some("*"))]
#[case::steps("*/15", Some("*/15"))]
#[case::list("0,30", Some("0,30"))]
#[case::range("1-5", Some("1-5"))]
#[case::range_with_steps("0-30/10", Some("0-30/10"))]
#[case::several("0|30", Some("0,30"))]
#[case::the_same_twice("0|00|30", Some("0,30"))]
#[case::several_and_lists("5|*/20|7,8", Some("5,*/20,7,8"))]
#[case::last("59", Some("59"))]
#[case::too_large("60", None)]
#[case::one_of_them_too_large("0|60", None)]
#[case::negative("-1", None)]
#[case::signed("+1", None)]
#[case::fraction("0.5", None)]
#[case::huge("99999999999999999999", None)]
#[case::word("noon", None)]
#[case::empty("", None)]
#[case::one_of_them_empty("0|", None)]
#[case::two_numbers("0 30", None)]
#[case::another_field("0 20 * * *", None)]
#[case::blank_in_a_list("0, 30", None)]
#[case::other_blank("0\u{a0}30", None)]
#[case::other_digits("３", None)]
#[case::no_step("*/0", None)]
#[case::backwards("5-1", None)]
fn minutes_are_crontab_text(#[case] texts: &str, #[case] expected: Option<&str>) {
    let read = cron("minutes", &elements("minute_selected", texts));
    assert_eq!(read.ok(), expected.map(|minutes| format!("{minutes} 20 * * *")));
}

#[rstest]
#[case::plain("0", Some("0"))]
#[case::padded("05", Some("5"))]
#[case::several("8|12|20", Some("8,12,20"))]
#[case::steps("*/6", Some("*/6"))]
#[case::last("23", Some("23"))]
#[case::too_large("24", None)]
#[case::empty("", None)]
fn hours_are_crontab_text(#[case] texts: &str, #[case] expected: Option<&str>) {
    let read = cron("hours", &elements("hour_selected", texts));
    assert_eq!(read.ok(), expected.map(|hours| format!("0 {hours} * * *")));
}

#[rstest]
#[case::monday("1", Some("1"))]
#[case::sunday("7", Some("7"))]
#[case::padded("07", Some("7"))]
#[case::several("1|3|5", Some("1,3,5"))]
#[case::all("1|2|3|4|5|6|7", Some("1,2,3,4,5,6,7"))]
#[case::range("1-5", Some("1-5"))]
#[case::names("mon-fri", Some("mon-fri"))]
#[case::steps("*/2", Some("*/2"))]
#[case::zero("0", None)]
#[case::padded_zero("00", None)]
#[case::zero_in_a_range("0-5", None)]
#[case::zero_in_a_list("1,0", None)]
#[case::eight("8", None)]
#[case::one_of_them_out_of_range("1|8", None)]
#[case::negative("-1", None)]
#[case::empty("", None)]
#[case::word("caturday", None)]
fn days_of_the_week_are_1_to_7(#[case] texts: &str, #[case] expected: Option<&str>) {
    let read = cron("days_of_week", &elements("week_day", texts));
    assert_eq!(read.ok(), expected.map(|days| format!("0 20 * * {days}")));
}

#[test]
fn the_first_day_is_monday() {
    // 2022-03-21 is a Monday.
    for (day, next) in
        [("1", "2022-03-21T19:00:00Z"), ("6", "2022-03-26T19:00:00Z"), ("7", "2022-03-27T19:00:00Z")]
    {
        let Plan::At { cron, offsets: Offsets::One(offset) } =
            plan(&with(SEPIOLA_SCHEDULER, "days_of_week", &elements("week_day", day)))
        else {
            panic!("a plan with one offset");
        };
        let schedule = Schedule::parse_cron(&cron, TimeZone::fixed(offset)).expect("cron text");
        assert_eq!(schedule.next_after(at("2022-03-21T00:00:00Z")), Some(at(next)));
    }
}

#[rstest]
#[case::no_minutes("minutes", "")]
#[case::no_hours("hours", " ")]
#[case::minutes_of_another_name("minutes", "<minute>5</minute>")]
#[case::text_for_days("days_of_week", "*")]
#[case::days_of_another_name("days_of_week", "<day>1</day>")]
#[case::no_zone("timezone", "")]
#[case::zone_by_name("timezone", "Europe/Zurich")]
#[case::zone_that_cannot_be("timezone", "+38:01")]
#[case::day_of_month("days_of_month", "<every_day_of_month>1</every_day_of_month>")]
#[case::chosen_day_of_month("days_of_month", "<day_selected>1</day_selected>")]
#[case::month("months", "<everymonth>jan</everymonth>")]
fn a_part_that_is_not_understood_makes_the_plan_unreadable(#[case] field: &str, #[case] value: &str) {
    assert!(cron(field, value).is_err());
}

#[rstest]
fn a_part_that_is_not_there_makes_the_plan_unreadable(
    #[values("minutes", "hours", "days_of_week", "timezone")] field: &str,
) {
    let scheduled = scheduler(without(PERL_SCHEDULER, field).as_bytes()).expect("a file to be trusted");
    assert_eq!(scheduled.plan, Plan::Unreadable("not stated"));
    assert_eq!(scheduled.evidence[0].field, field);
}

#[test]
fn months_and_days_of_the_month_are_every_one_where_none_is_stated() {
    let text = without(&without(PERL_SCHEDULER, "months"), "days_of_month");
    assert_eq!(plan(&text), planned("0 20 * * *", 60));
}

#[rstest]
#[case::perl("+05:450", PERL_SCHEDULER, &[345])]
#[case::perl_after_midnight("-23:00", PERL_SCHEDULER, &[60])]
#[case::perl_without_client("-18:150", PERL_201, &[345])]
#[case::perl_client_inside("+13:00", PERL_203, &[-660, 780])]
#[case::perl_far_west("-10:00", PERL_SCHEDULER, &[-600, 840])]
#[case::sepiola("+1193041:28", SEPIOLA_SCHEDULER, &[-300])]
#[case::sepiola_far_east("+13:00", SEPIOLA_SCHEDULER, &[780])]
fn the_offset_of_a_plan_is_repaired_like_that_of_a_date(
    #[case] zone: &str,
    #[case] document: &str,
    #[case] minutes: &[i32],
) {
    let Plan::At { offsets, .. } = plan(&with(document, "timezone", zone)) else { panic!("a plan") };
    assert_eq!(offsets.iter().map(|offset| offset.seconds() / 60).collect::<Vec<_>>(), minutes);
}

#[test]
fn a_list_without_end_is_refused() {
    let steps = |count| (1..=count).map(|step| format!("0-59/{step}")).collect::<Vec<_>>().join("|");
    assert!(cron("minutes", &elements("minute_selected", &steps(100))).is_ok());
    assert!(cron("minutes", &elements("minute_selected", &steps(200))).is_err());
}
