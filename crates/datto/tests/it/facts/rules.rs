//! Section 7.3: our rules where the original is silent or wrong.

use lastgood_core::observation::Evidence;
use rstest::rstest;

use super::{
    BAD, DEVICE, HEALTHY, NOW, OK, Seen, UNKNOWN, VOLUME, ages, at, device, document, fields, fleet,
    healthy_device, healthy_volume, numbers, part_of_fleet, refusal, seen, volume, with, with_agent,
};

fn evidence(document: String, now: &str) -> Vec<Evidence> {
    let fleet = fleet(document, now);
    let repository = &fleet.facts().sources[0].repositories[0].stated;
    let of_assets = repository.assets.iter().flat_map(|asset| asset.more.evidence.iter());
    repository.evidence.iter().chain(of_assets).cloned().collect()
}

#[rstest]
#[case("2021-06-14 10:05:00", OK)]
#[case("2021-06-14 10:05:00.000000001", UNKNOWN)]
#[case("2021-06-14 10:05:01", UNKNOWN)]
#[case("2021-06-14T14:05:00Z", OK)]
#[case("2031-06-14 10:00:00", UNKNOWN)]
fn up_to_five_minutes_ahead_is_now_and_more_is_unknown(#[case] date: &str, #[case] expected: (u64, u64)) {
    assert_eq!(ages(date, NOW), [expected; 3]);
}

#[test]
fn a_local_time_that_exists_twice_is_the_later_instant() {
    let document = with("Lastseen", "2021-11-07 01:30:00");
    let stated = |now| fleet(&document, now).facts().sources[0].repositories[0].stated.last_seen.value();
    // 05:30 and 06:30 in UTC; the later one stands while it is not more than five minutes ahead.
    for (now, expected) in [
        ("2021-11-07T07:00:00Z", "2021-11-07T06:30:00Z"),
        ("2021-11-07T06:25:00Z", "2021-11-07T06:30:00Z"),
        ("2021-11-07T06:24:59.999999999Z", "2021-11-07T05:30:00Z"),
        ("2021-11-07T05:31:00Z", "2021-11-07T05:30:00Z"),
    ] {
        assert_eq!(stated(now), Some(at(expected)), "{now}");
    }
    for (now, word) in [("2021-11-07T07:00:00Z", "later"), ("2021-11-07T06:00:00Z", "earlier")] {
        let evidence = evidence(document.clone(), now);
        assert!(evidence.iter().any(|evidence| evidence.field == "Lastseen" && evidence.note.contains(word)));
    }
}

#[test]
fn an_unreadable_date_is_never_and_its_text_is_kept() {
    let kept = evidence(with("Lastseen", "yesterday"), NOW);
    assert_eq!((kept[0].field, &*kept[0].raw, kept[0].line), ("Lastseen", "yesterday", Some(3)));
    let kept = evidence(with_agent("LatestOffsite", "soon"), NOW);
    assert_eq!((kept[0].field, &*kept[0].raw, kept[0].line), ("LatestOffsite", "soon", Some(3)));
    assert_eq!(ages("yesterday", NOW), [BAD; 3]);
}

#[rstest]
#[case::zero("LastBackup", "0", "zero")]
#[case::zero_date("LatestOffsite", "0000-00-00 00:00:00", "zero")]
#[case::before_1970("LastBackup", "-5", "zero")]
#[case::no_date("LastBackup", "soon", "no date")]
#[case::a_type("type", "Replica", "no type")]
#[case::zero_seen("Lastseen", "0000-00-00 00:00:00", "zero")]
#[case::hidden("IsHidden", "maybe", "neither yes nor no")]
fn what_was_not_read_plainly_is_kept_as_it_stands(
    #[case] field: &str,
    #[case] text: &str,
    #[case] words: &str,
) {
    let is_of_device = DEVICE.iter().any(|(name, _)| *name == field);
    let document = if is_of_device { with(field, text) } else { with_agent(field, text) };
    let kept = evidence(document, NOW);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!((kept[0].field, &*kept[0].raw, kept[0].line), (field, text, Some(3)));
    assert!(kept[0].note.contains(words), "{kept:?}");
}

#[rstest]
#[case("Lastseen", "1969-12-31 19:00:00")]
#[case("Lastseen", "")]
#[case("IsHidden", "")]
#[case("IsHidden", "no")]
#[case("type", "")]
#[case("type", "nasShare")]
fn what_is_plain_leaves_no_evidence(#[case] field: &str, #[case] text: &str) {
    let is_of_device = DEVICE.iter().any(|(name, _)| *name == field);
    let document = if is_of_device { with(field, text) } else { with_agent(field, text) };
    assert_eq!(evidence(document, NOW), []);
}

#[rstest]
#[case("1623679200")]
#[case("1623679200.5")]
#[case("1623679200000")]
fn unix_seconds_are_a_date(#[case] date: &str) {
    assert_eq!(ages(date, NOW), [OK; 3]);
}

#[test]
fn an_untyped_volume_is_no_agent_and_a_repeated_list_is_one() {
    assert_eq!(seen(with_agent("type", "")), Seen { agents: 0, ..HEALTHY });
    let second = "</BackupVolumes><BackupVolumes>".to_owned() + &healthy_volume();
    let twice = document(&device(&fields(&DEVICE, "", None), &(healthy_volume() + &second)));
    assert_eq!(seen(twice), Seen { agents: 2, ..HEALTHY });
}

#[test]
fn two_agents_of_one_name_stay_two() {
    let twins = document(&device(&fields(&DEVICE, "", None), &healthy_volume().repeat(2)));
    let fleet = fleet(twins, NOW);
    let assets = &fleet.facts().sources[0].repositories[0].stated.assets;
    let keys: Vec<_> = assets.iter().map(|asset| asset.key().text().into_owned()).collect();
    assert_eq!(keys, ["DC01", "DC01#2"]);
}

#[test]
fn what_holds_only_text_is_not_counted_and_is_a_failure_of_the_look() {
    let devices = format!("{}<Device>text</Device>", healthy_device());
    let fleet = part_of_fleet(document(&devices), NOW);
    assert_eq!(numbers(&fleet, NOW), HEALTHY);
    assert_eq!(fleet.failures().len(), 1);
    let volumes = healthy_volume() + "<BackupVolume>text</BackupVolume>";
    let fleet = part_of_fleet(document(&device(&fields(&DEVICE, "", None), &volumes)), NOW);
    assert_eq!(numbers(&fleet, NOW), HEALTHY);
    assert_eq!(fleet.failures()[0].place.repository.as_ref().unwrap().text(), "S1");
}

#[rstest]
#[case("1", true)]
#[case("2", true)]
#[case("-1", true)]
#[case("0.5", true)]
#[case("TRUE", true)]
#[case("Yes", true)]
#[case("on", true)]
#[case(" 1 ", true)]
#[case("0", false)]
#[case("0.0", false)]
#[case("", false)]
#[case("no", false)]
#[case("false", false)]
#[case("perhaps", false)]
fn a_device_is_hidden_by_a_number_or_a_yes(#[case] text: &str, #[case] is_hidden: bool) {
    assert_eq!(seen(with("IsHidden", text)).devices, u64::from(!is_hidden));
}

#[rstest]
#[case("<Devices total=\"0\"/>", 0)]
#[case("<Devices total=\"0\"></Devices>", 0)]
fn a_fleet_that_says_it_is_empty_is_one(#[case] document: &str, #[case] devices: u64) {
    let fleet = fleet(document, NOW);
    assert_eq!(fleet.device_count(), devices);
}

#[rstest]
#[case("<Devices/>")]
#[case("<Devices total=\"5\"/>")]
#[case("<Devices total=\"0\"><Error>denied</Error></Devices>")]
#[case("<Devices total=\"0\">denied</Devices>")]
#[case("<ROOT><message>maintenance</message></ROOT>")]
#[case("")]
#[case("\u{feff}")]
#[case("<?xml version=\"1.0\"?>")]
fn a_document_without_a_device_is_an_error_and_never_an_empty_fleet(#[case] document: &str) {
    assert!(refusal(document).contains("check the address and the key"), "{}", refusal(document));
}

#[test]
fn a_device_one_level_deeper_is_read() {
    for deeper in [
        format!("<Answer><Devices>{}</Devices></Answer>", healthy_device()),
        format!("<Answer><a>1</a><Devices>{}</Devices><b/></Answer>", healthy_device()),
    ] {
        assert_eq!(seen(deeper), HEALTHY);
    }
}

#[test]
fn a_malformed_device_is_reported_with_its_serial_or_place_and_the_rest_is_judged() {
    let bad_agent = volume(&fields(&VOLUME, "LastBackup", Some("2011-06-14 10:00:00")));
    let second = device(&fields(&DEVICE, "SerialNumber", Some("S2")), &bad_agent);
    for (malformed, named) in [
        ("<Device>\n<SerialNumber>S9</SerialNumber><Hostname></Device>", "S9"),
        ("<Device>\n<Hostname></Device>", "device 2, line 4"),
    ] {
        let fleet = part_of_fleet(document(&format!("{}\n{malformed}\n{second}", healthy_device())), NOW);
        assert_eq!(numbers(&fleet, NOW), Seen { devices: 2, agents: 2, local: BAD, ..HEALTHY });
        let place = &fleet.failures()[0].place;
        let repository = place.repository.as_ref().map(|key| key.text().into_owned());
        assert_eq!(repository.or(place.position.as_deref().map(str::to_owned)).as_deref(), Some(named));
        assert!(fleet.failures()[0].reason.contains("line 5"), "{:?}", fleet.failures());
    }
}

#[test]
fn a_device_without_a_serial_number_is_known_by_its_hostname() {
    let fleet = fleet(document(&(healthy_device() + &healthy_device().replace("S1", ""))), NOW);
    let serials: Vec<String> = fleet.used_space().into_iter().map(|row| row.serial).collect();
    assert_eq!(serials, ["S1", "BDR01"]);
    assert_eq!(numbers(&fleet, NOW), Seen { devices: 2, agents: 2, ..HEALTHY });
}

#[test]
fn nothing_used_and_nothing_free_is_unknown_and_no_division() {
    let empty = fields(&DEVICE, "", None).replace("600", "0").replace("400", "0");
    let fleet = fleet(document(&device(&empty, "")), NOW);
    assert_eq!(fleet.used_space()[0].used_bytes, Some(0));
    assert_eq!(numbers(&fleet, NOW), Seen { agents: 0, ..HEALTHY });
}
