//! Section 7.2: faults of the original that must not come back, each by its name.

use std::io::Write;
use std::process::Command;

use rstest::rstest;

use super::{
    BAD, DEVICE, FRESH, HEALTHY, NOW, OK, Seen, UNKNOWN, VOLUME, ages, device, document, fields, fleet,
    healthy_device, healthy_volume, numbers, part_of_fleet, refusal, seen, volume, with, with_agent, without,
    without_agent,
};

#[test]
fn exactly_one_device() {
    assert_eq!(seen(document(&healthy_device())), HEALTHY);
    assert_eq!(seen(document(&device(&fields(&DEVICE, "", None), ""))), Seen { agents: 0, ..HEALTHY });
    let bare = format!("<Device>{}</Device>", fields(&DEVICE, "", None));
    assert_eq!(seen(document(&bare)), Seen { agents: 0, ..HEALTHY });
}

#[test]
fn a_field_with_and_without_an_attribute() {
    let plain = with("Uptime", "2592000");
    let attributed = plain.replace("<Uptime>", "<Uptime units=\"seconds\">");
    for document in [plain, attributed] {
        assert_eq!(seen(document), Seen { reboot: BAD, ..HEALTHY });
    }
}

#[test]
fn a_repeated_field() {
    let repeated = with("Uptime", "5</Uptime><Uptime>9999999");
    assert_eq!(seen(repeated), HEALTHY);
    let repeated = with_agent("LastBackupStatus", "Success</LastBackupStatus><LastBackupStatus>Fail");
    assert_eq!(seen(repeated), HEALTHY);
    let repeated = with_agent("type", "Agent</type><type>NAS");
    assert_eq!(seen(repeated), HEALTHY);
    let repeated = with_agent("type", "</type><type>Agent");
    assert_eq!(seen(repeated), Seen { agents: 0, ..HEALTHY });
}

#[rstest]
#[case("name")]
#[case("id")]
#[case("key")]
fn name_id_or_key_on_every_device_and_volume(#[case] attribute: &str) {
    let twice = healthy_device().replace("S1", "S2") + &healthy_device();
    let attributed = twice
        .replace("<Device>", &format!("<Device {attribute}=\"1\">"))
        .replace("<BackupVolume>", &format!("<BackupVolume {attribute}=\"1\">"));
    let children = twice.replace("<Device>", &format!("<Device><{attribute}>1</{attribute}>"));
    for document in [document(&attributed), document(&children)] {
        assert_eq!(seen(document), Seen { devices: 2, agents: 2, ..HEALTHY });
    }
}

#[rstest]
#[case::device(format!("<Device>offline</Device>{}", healthy_device()))]
#[case::volumes(device(&fields(&DEVICE, "", None), &healthy_volume()) + &device(&fields(&DEVICE, "SerialNumber", Some("S2")), "none"))]
#[case::volume(device(&fields(&DEVICE, "", None), &(healthy_volume() + "<BackupVolume>none</BackupVolume>")))]
fn text_only_elements(#[case] devices: String) {
    let fleet = part_of_fleet(document(&devices), NOW);
    assert_eq!((fleet.failures().len(), fleet.is_complete()), (1, false));
    let seen = numbers(&fleet, NOW);
    assert_eq!((seen.agents, seen.offline, seen.local), (1, OK, OK));
}

#[test]
fn a_gzip_body() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(with("Uptime", "2592000").as_bytes()).unwrap();
    assert_eq!(seen(packer.finish().unwrap()), Seen { reboot: BAD, ..HEALTHY });
}

#[rstest]
#[case::a_wrong_end_tag("<Device><SerialNumber>S9</Serial></Device>", "S9")]
#[case::an_end_tag_of_nothing("<Device><SerialNumber>S9</SerialNumber></Volume></Device>", "S9")]
#[case::no_end("<Device><SerialNumber>S9</SerialNumber>", "S9")]
#[case::a_broken_attribute("<Device a=><SerialNumber>S9</SerialNumber></Device>", "S9")]
fn one_malformed_device_loses_the_whole_fleet(#[case] malformed: &str, #[case] serial: &str) {
    let second = healthy_device().replace("S1", "S2");
    let fleet = part_of_fleet(document(&format!("{}\n{malformed}\n{second}", healthy_device())), NOW);
    assert_eq!(numbers(&fleet, NOW), Seen { devices: 2, agents: 2, ..HEALTHY });
    assert!(!fleet.is_complete());
    let told = fleet.failures().iter().any(|failure| {
        let is_named = failure.place.repository.as_ref().is_some_and(|key| key.text() == serial);
        is_named && failure.reason.contains("line ")
    });
    assert!(told, "{:?}", fleet.failures());
}

#[test]
fn future_times_are_late_by_their_distance() {
    assert_eq!(ages("2021-07-14 10:00:00", NOW), [UNKNOWN; 3]);
}

#[rstest]
#[case("")]
#[case(" \n ")]
#[case("never")]
#[case("n/a")]
#[case("2021-13-01 00:00:00")]
#[case("2021-02-30 10:00:00")]
#[case("2021-06-14 25:00:00")]
#[case("2021-06-14 10:00:61")]
#[case("14.06.2021 10:00")]
fn empty_and_unreadable_dates_are_up_to_date(#[case] date: &str) {
    assert_eq!(ages(date, NOW), [BAD; 3]);
}

#[test]
fn missing_dates_are_up_to_date() {
    assert_eq!(seen(without("Lastseen")), Seen { offline: BAD, ..HEALTHY });
    assert_eq!(seen(without_agent("LastBackup")), Seen { local: BAD, ..HEALTHY });
    assert_eq!(seen(without_agent("LatestOffsite")), Seen { offsite: BAD, ..HEALTHY });
}

#[rstest]
#[case(" 1969-12-31 19:00:00 ")]
#[case("1969-12-31T19:00:00")]
#[case("1969-12-31 19:00")]
#[case("1969-12-31 19:00:00 EST")]
#[case("1970-01-01 00:00:00Z")]
#[case("1969-12-31 19:00:00 -05:00")]
#[case("1970-01-01 00:00:00")]
#[case("1970-01-02 00:00:00Z")]
#[case("0000-00-00 00:00:00")]
#[case("0")]
fn the_null_date_in_another_spelling_is_up_to_date(#[case] date: &str) {
    assert_eq!(ages(date, NOW), [BAD; 3]);
}

#[test]
fn a_host_outside_us_eastern_reports_every_device_offline() {
    let program = std::env::current_exe().unwrap();
    for zone in ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/Zurich"] {
        let tests = ["sample::every_getter_gives_the_number_of_the_original", "--exact"];
        let output = Command::new(&program).args(tests).env("TZ", zone).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{zone}: {text}");
    }
}

#[test]
fn the_second_hour_of_the_autumn_change_is_an_hour_off() {
    // 01:30 for the second time is 06:30 in UTC.
    assert_eq!(ages("2021-11-07 01:30:00", "2021-11-07T07:30:00Z")[0], OK);
    assert_eq!(ages("2021-11-07 01:30:00", "2021-11-07T07:30:01Z")[0], BAD);
}

#[test]
fn is_hidden_empty_or_with_an_attribute_drops_the_device() {
    assert_eq!(seen(with("IsHidden", "")), HEALTHY);
    assert_eq!(seen(without("IsHidden")), HEALTHY);
    let attributed = with("IsHidden", "0").replace("<IsHidden>", "<IsHidden kind=\"flag\">");
    assert_eq!(seen(attributed), HEALTHY);
}

#[rstest]
#[case("true")]
#[case("1")]
fn is_hidden_true_does_not_hide(#[case] hidden: &str) {
    assert_eq!(seen(with("IsHidden", hidden)), Seen { devices: 0, agents: 0, ..HEALTHY });
}

#[test]
fn a_padded_or_attributed_status_is_a_failure() {
    assert_eq!(seen(with_agent("LastBackupStatus", "\n  Success\t")), HEALTHY);
    let attributed = with_agent("LastBackupStatus", "Success");
    assert_eq!(seen(attributed.replace("<LastBackupStatus>", "<LastBackupStatus code=\"0\">")), HEALTHY);
}

#[test]
fn agent_in_lower_case_is_skipped() {
    for kind in ["agent", "AGENT", " Agent "] {
        assert_eq!(seen(with_agent("type", kind)), HEALTHY, "{kind}");
    }
}

#[test]
fn duplicate_hostnames_are_lost_from_the_used_space() {
    let second = device(&fields(&DEVICE, "UsedSpace", Some("7")).replace("S1", "S2"), "");
    let rows = fleet(document(&(healthy_device() + &second)), NOW).used_space();
    let rows: Vec<_> =
        rows.iter().map(|row| (row.serial.as_str(), row.hostname.as_str(), row.used_bytes)).collect();
    assert_eq!(rows, [("S1", "BDR01", Some(400 * 1024)), ("S2", "BDR01", Some(7 * 1024))]);
}

#[test]
fn a_number_with_commas_is_cut_at_the_first() {
    assert_eq!(seen(with("Uptime", "2,592,000")), Seen { reboot: BAD, ..HEALTHY });
    assert_eq!(seen(with("Uptime", "2,591,999")), HEALTHY);
}

#[test]
fn the_transmit_limit_is_undefined() {
    let limited = document(&device(&(fields(&DEVICE, "", None) + "<TxSpeedLimit>1250</TxSpeedLimit>"), ""));
    let fleet = fleet(limited, NOW);
    let details = &fleet.facts().sources[0].repositories[0].stated.details;
    assert!(
        details.iter().any(|(label, text)| label.contains("upload limit") && &**text == "1250"),
        "{details:?}"
    );
}

#[test]
fn a_login_page_is_a_healthy_fleet() {
    for page in [
        "<html><body>Log in</body></html>",
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>Log in</title></head><body><br></body></html>",
        "<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"><HTML></HTML>",
    ] {
        assert!(refusal(page).contains("login page"), "{}", refusal(page));
    }
}

#[test]
fn an_error_document_is_a_healthy_fleet() {
    for error in
        ["<Error><code>403</code></Error>", "<error/>", "<Devices>Access denied</Devices>", "{\"code\": 403}"]
    {
        assert!(refusal(error).contains("check the address and the key"), "{}", refusal(error));
    }
}

#[test]
fn one_more_wrapping_element_is_a_healthy_fleet() {
    let wrapped = format!("<Answer><Devices total=\"1\">{}</Devices></Answer>", with_agent_markup("Fail"));
    assert_eq!(seen(wrapped), Seen { failed: BAD, ..HEALTHY });
}

fn with_agent_markup(status: &str) -> String {
    device(&fields(&DEVICE, "", None), &volume(&fields(&VOLUME, "LastBackupStatus", Some(status))))
}

#[test]
fn three_different_nows_in_one_evaluation() {
    // All three ages sit on their boundaries; one now judges them, however long it takes and however often.
    let volume_fields = fields(&VOLUME, "", None).replacen(FRESH, "2021-06-13 10:00:00", 1).replacen(
        FRESH,
        "2021-06-07 10:00:00",
        1,
    );
    let on_the_edge =
        document(&device(&fields(&DEVICE, "Lastseen", Some("2021-06-14 09:00:00")), &volume(&volume_fields)));
    let fleet = fleet(on_the_edge, NOW);
    for _ in 0..3 {
        assert_eq!(numbers(&fleet, NOW), HEALTHY);
        let late = numbers(&fleet, "2021-06-14T14:00:00.000000001Z");
        assert_eq!((late.offline, late.local, late.offsite), (BAD, BAD, BAD));
    }
}
