//! Section 7.1: behaviour to match, line by line, at the exact boundary.

use rstest::rstest;

use super::{
    BAD, DEVICE, HEALTHY, NOW, OK, Seen, VOLUME, ages, device, document, fields, fleet, healthy_device,
    healthy_volume, numbers, seen, volume, with, with_agent, without, without_agent,
};

#[test]
fn line_1_hidden_devices_and_their_agents_count_nowhere() {
    assert_eq!(seen(document(&healthy_device())), HEALTHY);
    let stale = fields(&DEVICE, "IsHidden", Some("1")).replace("2021", "2011").replace("86400", "9999999");
    let stale_agent = volume(&fields(&VOLUME, "LastBackupStatus", Some("Fail")).replace("2021", "2011"));
    let both = document(&format!("{}{}", healthy_device(), device(&stale, &stale_agent)));
    assert_eq!(seen(&both), HEALTHY);
    assert_eq!(fleet(&both, NOW).used_space().len(), 1);
}

#[test]
fn line_1_volumes_of_another_type_are_no_agents() {
    let of_type = |kind| volume(&fields(&VOLUME, "type", kind).replace("2021", "2011"));
    let others: String =
        [Some("NAS"), Some("iSCSI"), Some("Share"), Some("zvol"), Some(""), None].map(of_type).concat();
    let document = document(&device(&fields(&DEVICE, "", None), &(healthy_volume() + &others)));
    assert_eq!(seen(&document), HEALTHY);
    let fleet = fleet(&document, NOW);
    assert_eq!((fleet.shares().count(), fleet.others().count()), (3, 3));
}

#[rstest]
#[case("2591999", OK)]
#[case("2592000", BAD)]
#[case("2591999.999", OK)]
#[case("2592000.5", BAD)]
#[case("+2592000", BAD)]
#[case("0002592000", BAD)]
#[case("3e6", BAD)]
#[case(" \t2592000\n ", BAD)]
#[case("0", OK)]
fn line_2_a_reboot_is_due_from_30_days_on(#[case] uptime: &str, #[case] expected: (u64, u64)) {
    assert_eq!(seen(with("Uptime", uptime)), Seen { reboot: expected, ..HEALTHY });
}

#[rstest]
#[case("2021-06-14 09:00:01", OK)]
#[case("2021-06-14 09:00:00", OK)]
#[case("2021-06-14 08:59:59", BAD)]
fn line_3_a_device_is_offline_after_more_than_an_hour(#[case] seen_at: &str, #[case] expected: (u64, u64)) {
    assert_eq!(seen(with("Lastseen", seen_at)), Seen { offline: expected, ..HEALTHY });
}

#[test]
fn line_3_offline_counts_devices_and_not_agents() {
    let two_agents = healthy_volume().repeat(2);
    let silent = fields(&DEVICE, "Lastseen", Some("2021-06-14 08:59:59"));
    assert_eq!(seen(document(&device(&silent, &two_agents))), Seen { agents: 2, offline: BAD, ..HEALTHY });
    assert_eq!(seen(document(&device(&silent, ""))), Seen { agents: 0, offline: BAD, ..HEALTHY });
}

#[rstest]
#[case("2021-06-13 10:00:01", OK)]
#[case("2021-06-13 10:00:00", OK)]
#[case("2021-06-13 09:59:59", BAD)]
fn line_4_an_agent_is_behind_locally_after_more_than_24_hours(
    #[case] backup: &str,
    #[case] expected: (u64, u64),
) {
    assert_eq!(seen(with_agent("LastBackup", backup)), Seen { local: expected, ..HEALTHY });
}

#[rstest]
#[case("2021-06-07 10:00:01", OK)]
#[case("2021-06-07 10:00:00", OK)]
#[case("2021-06-07 09:59:59", BAD)]
fn line_4_an_agent_is_behind_offsite_after_more_than_7_days(
    #[case] offsite: &str,
    #[case] expected: (u64, u64),
) {
    assert_eq!(seen(with_agent("LatestOffsite", offsite)), Seen { offsite: expected, ..HEALTHY });
}

#[test]
fn line_4_the_last_backup_is_a_good_one_whatever_the_status_says() {
    assert_eq!(seen(with_agent("LastBackupStatus", "Fail")), Seen { failed: BAD, ..HEALTHY });
}

#[rstest]
#[case::a_day_of_23_hours("2021-03-13 12:00:00", "2021-03-14T17:00:00Z", "2021-03-14T17:00:01Z")]
#[case::a_day_of_25_hours("2021-11-06 12:00:00", "2021-11-07T16:00:00Z", "2021-11-07T16:00:01Z")]
#[case::across_both("2021-11-07 00:30:00", "2021-11-08T04:30:00Z", "2021-11-08T04:30:01Z")]
fn line_4_24_hours_are_real_ones_on_days_when_clocks_change(
    #[case] backup: &str,
    #[case] ok_at: &str,
    #[case] bad_at: &str,
) {
    assert_eq!(ages(backup, ok_at)[1], OK);
    assert_eq!(ages(backup, bad_at)[1], BAD);
}

#[rstest]
#[case::the_week_of_spring("2021-03-10 12:00:00", "2021-03-17T17:00:00Z", "2021-03-17T17:00:01Z")]
#[case::the_week_of_autumn("2021-11-03 12:00:00", "2021-11-10T16:00:00Z", "2021-11-10T16:00:01Z")]
fn line_4_7_days_are_real_ones_across_a_change(
    #[case] offsite: &str,
    #[case] ok_at: &str,
    #[case] bad_at: &str,
) {
    assert_eq!(ages(offsite, ok_at)[2], OK);
    assert_eq!(ages(offsite, bad_at)[2], BAD);
}

#[rstest]
#[case("Success", OK)]
#[case(" Success ", OK)]
#[case("", BAD)]
#[case("Fail", BAD)]
#[case("Failed", BAD)]
#[case("Running", BAD)]
#[case("Success with warnings", BAD)]
#[case("success", BAD)]
#[case("SuccessFail", BAD)]
fn line_5_every_status_but_success_is_a_failure(#[case] status: &str, #[case] expected: (u64, u64)) {
    assert_eq!(seen(with_agent("LastBackupStatus", status)), Seen { failed: expected, ..HEALTHY });
}

#[test]
fn line_5_a_missing_status_is_a_failure() {
    assert_eq!(seen(without_agent("LastBackupStatus")), Seen { failed: BAD, ..HEALTHY });
}

#[test]
fn line_6_the_never_value_is_offline_and_behind() {
    assert_eq!(ages("1969-12-31 19:00:00", NOW), [BAD; 3]);
}

#[rstest]
#[case("2021-6-14 9:5:7", "2021-06-14T13:05:07Z")]
#[case("2021-06-14T09:05:07", "2021-06-14T13:05:07Z")]
#[case("2021/06/14 09:05:07", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 09:05", "2021-06-14T13:05:00Z")]
#[case("2021-06-14 09:05:07.999", "2021-06-14T13:05:07.999Z")]
#[case("2021-06-14 13:05:07Z", "2021-06-14T13:05:07Z")]
#[case("2021-06-14T13:05:07Z", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 09:05:07 -04:00", "2021-06-14T13:05:07Z")]
#[case("2021-06-14T09:05:07-04:00", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 08:05:07 EST", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 09:05:07 EDT", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 13:05:07 UTC", "2021-06-14T13:05:07Z")]
#[case("  2021-06-14 09:05:07\r\n", "2021-06-14T13:05:07Z")]
#[case("2021-06-14  09:05:07", "2021-06-14T13:05:07Z")]
#[case("2021-06-14\t09:05:07", "2021-06-14T13:05:07Z")]
#[case("2021-06-14\u{a0}09:05:07", "2021-06-14T13:05:07Z")]
#[case("\u{a0}2021-06-14 09:05:07\u{a0}", "2021-06-14T13:05:07Z")]
#[case("2021-06-14 09:04:60", "2021-06-14T13:05:00Z")]
#[case("2021-01-14 09:05:07", "2021-01-14T14:05:07Z")]
#[case("1623675907", "2021-06-14T13:05:07Z")]
fn line_7_a_date_is_understood_in_many_spellings(#[case] text: &str, #[case] instant: &str) {
    let fleet = fleet(with("Lastseen", text), NOW);
    let stated = &fleet.facts().sources[0].repositories[0].stated;
    assert_eq!(stated.last_seen.value(), Some(super::at(instant)), "{text:?}");
}

#[test]
fn line_8_used_space_is_counted_in_units_of_1024_bytes() {
    let rows = fleet(with("UsedSpace", "859993459"), NOW).used_space();
    assert_eq!((rows[0].serial.as_str(), rows[0].hostname.as_str()), ("S1", "BDR01"));
    assert_eq!(rows[0].used_bytes, Some(859_993_459 * 1024));
    assert_eq!(fleet(without("UsedSpace"), NOW).used_space()[0].used_bytes, None);
}

#[test]
fn line_8_fields_may_be_attributes() {
    let written = |fields: &[(&str, &str)]| -> String {
        fields.iter().flat_map(|(name, value)| [" ", name, "=\"", value, "\""]).collect()
    };
    let volume = format!("<BackupVolume{}/>", written(&VOLUME));
    let device = format!("<Device{}><BackupVolumes>{volume}</BackupVolumes></Device>", written(&DEVICE));
    assert_eq!(seen(document(&device)), HEALTHY);
    assert_eq!(
        seen(document(&device.replace("2021-06-14", "2011-06-14"))),
        Seen { offline: BAD, local: BAD, offsite: BAD, ..HEALTHY }
    );
}

#[test]
fn line_8_further_attributes_and_elements_are_passed_over() {
    let extra =
        "<Extra a='1'><Uptime>9999999</Uptime><LastBackupStatus>Fail</LastBackupStatus></Extra><Empty/>";
    let noisy = document(&healthy_device())
        .replace("<Device>", &format!("<Device a=\"1\" units='s'>{extra}"))
        .replace("<BackupVolumes>", &format!("<BackupVolumes n=\"1\">{extra}"))
        .replace("<BackupVolume>", &format!("<BackupVolume id=\"7\">{extra}"))
        .replace("<Uptime>86400", "<Uptime units=\"seconds\" max='9999999'>86400")
        .replace("</Devices>", &format!("{extra}</Devices>"));
    assert_eq!(seen(noisy), HEALTHY);
}

#[test]
fn line_8_text_within_a_child_is_no_part_of_a_value() {
    assert_eq!(seen(with("Uptime", "5<Unit>9999999</Unit>")), HEALTHY);
    assert_eq!(seen(with("Uptime", "<Unit>9999999</Unit>5")), HEALTHY);
    assert_eq!(seen(with_agent("LastBackupStatus", "Success<Code>Fail</Code>")), HEALTHY);
}

#[rstest]
#[case("<content>2592000</content>")]
#[case("\n <content>2592000</content>\n ")]
#[case("<other>1</other><content>2592000</content>")]
fn line_8_an_element_without_text_has_the_value_of_its_content(#[case] uptime: &str) {
    assert_eq!(seen(with("Uptime", uptime)), Seen { reboot: BAD, ..HEALTHY });
}

#[test]
fn line_8_content_may_be_an_attribute_and_own_text_wins() {
    let attribute = with("Uptime", "").replace("<Uptime>", "<Uptime content=\"2592000\">");
    assert_eq!(seen(attribute), Seen { reboot: BAD, ..HEALTHY });
    assert_eq!(seen(with("Uptime", "5<content>2592000</content>")), HEALTHY);
}

#[rstest]
#[case::twice("Uptime", "<content>2591999</content><content>1</content>")]
#[case::date_twice("Lastseen", "<content>2021-06-14 10:00:00</content><content>x</content>")]
#[case::within("Uptime", "<content>2591999<content>1</content></content>")]
fn line_8_the_first_content_counts(#[case] field: &str, #[case] value: &str) {
    assert_eq!(seen(with(field, value)), HEALTHY);
}

#[test]
fn line_8_an_attribute_content_comes_before_a_child() {
    let both = with("Uptime", "<content>2000</content>");
    assert_eq!(seen(both.replace("<Uptime>", "<Uptime content=\"259\">")), HEALTHY);
    let volume = with_agent("LastBackup", "<content>75600</content>");
    let volume = volume.replace("<LastBackup>", "<LastBackup content=\"2021-06-14 10:00:00\">");
    assert_eq!(seen(volume), HEALTHY);
}

#[test]
fn line_8_only_direct_children_are_fields() {
    let deeper =
        format!("<Extra>{}</Extra>{}", fields(&DEVICE, "Uptime", Some("9999999")), fields(&DEVICE, "", None));
    assert_eq!(seen(document(&device(&deeper, &healthy_volume()))), HEALTHY);
}

#[rstest]
#[case::cdata("<![CDATA[2592000]]>")]
#[case::cdata_in_parts("25<![CDATA[920]]>00")]
#[case::character_references("&#50;&#x35;92000")]
#[case::a_comment("259<!-- 1 -->2000")]
#[case::an_instruction("259<?x y?>2000")]
#[case::line_ends("\r\n2592000\r\n")]
fn line_8_a_value_may_be_written_in_any_way_of_xml(#[case] uptime: &str) {
    assert_eq!(seen(with("Uptime", uptime)), Seen { reboot: BAD, ..HEALTHY });
}

#[test]
fn line_8_entities_stand_for_their_characters() {
    let fleet = fleet(with("Hostname", "M&#252;ller &amp; S&#xf6;hne &lt;1&gt;"), NOW);
    assert_eq!(fleet.used_space()[0].hostname, "Müller & Söhne <1>");
}

#[test]
fn line_8_every_encoding_is_read() {
    let text = with("Hostname", "Müller");
    let wide = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect()
    };
    let latin = text.replace("version=\"1.0\"", "version=\"1.0\" encoding=\"ISO-8859-1\"");
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let documents = [
        text.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
        wide("\u{feff}", u16::to_le_bytes),
        wide("\u{feff}", u16::to_be_bytes),
        wide("", u16::to_le_bytes),
        latin,
    ];
    for document in documents {
        let fleet = fleet(&document, NOW);
        assert_eq!(numbers(&fleet, NOW), HEALTHY);
        assert_eq!(fleet.used_space()[0].hostname, "Müller");
    }
}
