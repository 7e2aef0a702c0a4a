//! Is what the simulated clients write what the facts say they write?

use super::*;

/// The table of the facts, 3.8: true offset, time of the day, what sepiola writes, what the script writes.
#[test]
fn offsets_come_out_as_the_facts_say() {
    let table = [
        ("+00:00", "12:00:00", "-00:00", "-00:00"),
        ("+00:00", "00:00:00", "-00:00", "-00:00"),
        ("+01:00", "12:00:00", "+01:00", "+01:00"),
        ("+01:00", "00:00:00", "+01:00", "-23:00"),
        ("+01:00", "00:59:59", "+01:00", "-23:00"),
        ("+01:00", "01:00:00", "+01:00", "+01:00"),
        ("+02:00", "12:00:00", "+02:00", "+02:00"),
        ("+02:00", "01:59:59", "+02:00", "-22:00"),
        ("+02:00", "02:00:00", "+02:00", "+02:00"),
        ("+03:30", "12:00:00", "+03:30", "+03:30"),
        ("+03:30", "03:29:59", "+03:30", "-20:30"),
        ("+03:30", "03:30:00", "+03:30", "+03:30"),
        ("+05:30", "12:00:00", "+05:30", "+05:30"),
        ("+05:30", "05:29:59", "+05:30", "-18:30"),
        ("+05:30", "05:30:00", "+05:30", "+05:30"),
        ("+05:45", "12:00:00", "+05:45", "+05:450"),
        ("+05:45", "05:44:59", "+05:45", "-18:150"),
        ("+05:45", "05:45:00", "+05:45", "+05:450"),
        ("+12:45", "18:00:00", "+12:45", "+12:450"),
        ("+12:45", "12:44:59", "+12:45", "-11:150"),
        ("+12:45", "12:45:00", "+12:45", "+12:450"),
        ("+13:00", "18:00:00", "+13:00", "+13:00"),
        ("+13:00", "12:59:59", "+13:00", "-11:00"),
        ("+13:00", "13:00:00", "+13:00", "+13:00"),
        ("-03:30", "12:00:00", "+1193042:58", "-03:30"),
        ("-03:30", "20:29:59", "+1193042:58", "-03:30"),
        ("-03:30", "20:30:00", "+1193042:58", "+20:30"),
        ("-04:00", "12:00:00", "+1193042:28", "-04:00"),
        ("-04:00", "19:59:59", "+1193042:28", "-04:00"),
        ("-04:00", "20:00:00", "+1193042:28", "+20:00"),
        ("-05:00", "12:00:00", "+1193041:28", "-05:00"),
        ("-05:00", "18:59:59", "+1193041:28", "-05:00"),
        ("-05:00", "19:00:00", "+1193041:28", "+19:00"),
        ("-10:00", "12:00:00", "+1193036:28", "-10:00"),
        ("-10:00", "13:59:59", "+1193036:28", "-10:00"),
        ("-10:00", "14:00:00", "+1193036:28", "+14:00"),
    ];
    for (offset, time, sepiola, perl) in table {
        let at = Wall::at(&format!("2026-03-02T{time}"), offset);
        assert_eq!(Client::sepiola("2.7.1").offset(at), sepiola, "{offset} {time}");
        assert_eq!(Client::perl("2.0.11").offset(at), perl, "{offset} {time}");
    }
}

#[test]
fn a_backup_at_half_past_midnight_states_a_time_a_day_ahead() {
    let at = Wall::of("2026-01-14T23:30:00Z".parse().unwrap(), &TimeZone::get("Europe/Zurich").unwrap());
    assert_eq!(Client::perl("2.0.9").date(at), "2026-01-15T00:30:00-23:00");
    assert_eq!(at.timestamp(), "2026-01-14T23:30:00Z".parse().unwrap());
}

#[test]
fn sepiola_writes_what_qt_makes_of_it() {
    let client = Client { identifier: "A & B".to_owned(), ..Client::sepiola("2.7.1-3-gabcdef") };
    let at = Wall::at("2022-03-22T16:37:40", "+01:00");
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<backup_ended \
                xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                xsi:schemaLocation=\"http://xml.stepping-stone.ch/schema/backup_ended backup_ended.xsd\">\n";
    let body = "    <enddate>2022-03-22T16:37:40+01:00</enddate>\n    <id>123456</id>\n    <success>1</success>\n    \
                <client>\n        <identifier>A &amp; B</identifier>\n        <version>2.7.1-3-gabcdef</version>\n        \
                <operatingsystem>Windows</operatingsystem>\n    </client>\n</backup_ended>\n";
    assert_eq!(client.ended(at, 123_456, End::QuotaExceeded).unwrap(), head.to_owned() + body);
}

#[test]
fn sepiola_knows_three_kinds_of_plans() {
    let client = Client::sepiola("2.2.0");
    let at = Wall::at("2022-03-22T16:37:40", "-05:00");
    let holds = |plan: &Plan, text: &str| {
        let written = client.scheduler(at, plan);
        assert!(written.contains(text), "{written}");
    };
    holds(&Plan::Never, ".xsd\">\n    <no_schedule/>\n    <client>\n");
    holds(
        &Plan::AfterStartup { minutes: 15 },
        "    <backup_after_startup>\n        <minutes_after_startup>15</minutes_after_startup>\n",
    );
    holds(&Plan::daily(5, 0), "<minute_selected>0</minute_selected>");
    holds(&Plan::daily(5, 0), "<hour_selected>5</hour_selected>");
    holds(&Plan::daily(5, 0), "            <every_day_of_week>*</every_day_of_week>\n");
    holds(
        &Plan::on(&[7, 1], 5, 0),
        "        <days_of_week>\n            <week_day>1</week_day>\n            <week_day>7</week_day>\n        \
         </days_of_week>\n        <timezone>+1193041:28</timezone>\n    </custom_online_backup>\n    <client>\n",
    );
    holds(&Plan::on(&[], 5, 0), "        <days_of_week/>\n");
}

#[test]
fn the_script_writes_lines_of_its_own_kind() {
    let at = Wall::at("2022-03-22T16:37:40", "+01:00");
    let head = |root: &str, blank: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n{blank}\n<{root}\nxmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"\n\
             xsi:schemaLocation=\"http://xml.stepping-stone.ch/schema/{root} {root}.xsd\">\n"
        )
    };
    let started = "\t<startdate>2022-03-22T16:37:40+01:00</startdate>\n\t<id>5</id>\n";
    let client = "    <client>\n        <identifier>Online Backup Perl Script</identifier>\n        \
                  <version>2.0.5_pre</version>\n        <operatingsystem>linux</operatingsystem>\n    </client>\n";
    let old = Client::perl("2.0.1").started(at, 5);
    assert_eq!(old, head("backup_started", " ") + started + "</backup_started>\n");
    let new = Client::perl("2.0.7").started(at, 5);
    assert_eq!(new, head("backup_started", " ") + started + client + "</backup_started>");
    let ended = Client::perl("2.0.7").ended(at, 5, End::Unreadable).unwrap();
    let result = "\t<enddate>2022-03-22T16:37:40+01:00</enddate>\n\t<id>5</id>\n\t<success>0</success>\n";
    assert_eq!(ended, head("backup_ended", "") + result + client + "</backup_ended>");
}

#[test]
fn the_client_wanders_through_the_plans_of_the_script() {
    let at = Wall::at("2022-03-22T05:44:00", "+05:45");
    let plan = Plan::verbatim("*/4", "05");
    let written = |version: &str| Client::perl(version).scheduler(at, &plan);
    let shared = ["<minute_selected>05</minute_selected>", "<hour_selected>*/4</hour_selected>", "-18:150"];
    for version in ["2.0", "2.0.1", "2.0.3", "2.0.4", "2.0.8", "2.0.11"] {
        let text = written(version);
        assert!(shared.iter().all(|part| text.contains(part)), "{text}");
        assert_eq!(text.contains("<client>"), !["2.0", "2.0.1"].contains(&version));
        let inside = text.find("<client>") < text.find("</custom_online_backup>");
        assert_eq!(text.contains("<client>") && inside, version == "2.0.3", "{text}");
    }
    assert!(written("2.0.8").contains("<version>2.0.5_pre</version>"));
    assert!(written("2.0.9").contains("<version>2.0.9</version>"));
    assert!(written("2.0.9").ends_with("  </client>\n \n</online_backup_schedule>"));
    assert!(written("2.0.1").starts_with("<?xml version=\"1.0\"?>\n \n<online_backup_schedule\nxmlns"));
}

#[test]
fn a_failure_for_the_one_may_be_none_for_the_other() {
    let table = [
        (End::Clean, Some(true), Some(true)),
        (End::Vanished, Some(true), Some(true)),
        (End::Unreadable, Some(true), Some(false)),
        (End::QuotaExceeded, Some(true), Some(false)),
        (End::Failed, Some(false), Some(false)),
        (End::AbortedBetween, Some(true), Some(false)),
        (End::Aborted, Some(false), Some(false)),
        (End::Killed, None, None),
    ];
    for (end, sepiola, perl) in table {
        assert_eq!((end.success(Family::Sepiola), end.success(Family::Perl)), (sepiola, perl), "{end:?}");
    }
}

#[test]
fn ids_lie_where_each_client_takes_them_from() {
    let mac = Client { operating_system: "MacOSX".to_owned(), ..Client::sepiola("2.7.1") };
    for seed in 0..2000 {
        assert!((100_000..=999_999_999).contains(&Client::perl("2.0.9").run_id(seed)));
        assert!((100_000..=132_767).contains(&Client::sepiola("2.7.1").run_id(seed)));
        assert_eq!(mac.run_id(seed), mac.run_id(seed + 1000));
    }
}
