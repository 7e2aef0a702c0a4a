//! Does the sample of the status feed give the numbers of the original?

use super::*;
use crate::look::Zones;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::id::SourceId;
use lastgood_core::judge::judge;
use lastgood_core::summary::{Summary, summarize};
use lastgood_core::verdict::Outcome;

const SAMPLE: &[u8] = include_bytes!("../../testdata/datto-status.xml");
const NOW: &str = "2021-06-14T14:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn look(now: &str) -> Look {
    let source = SourceId::new("datto-xml").expect("a valid name");
    Look { source, at: at(now), zones: Zones::portal(), keep_details: false }
}

fn count(summary: &Summary<'_>, kind: &str, check: &str) -> u64 {
    let kind = summary.kinds.iter().find(|known| known.kind == kind).expect("a known kind");
    kind.checks.iter().find(|known| known.check.as_str() == check).expect("a check of the kind").bad
}

#[test]
fn the_sample_gives_the_numbers_of_the_original() {
    let facts = fold(vec![parse(SAMPLE, &look(NOW))]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let summary = summarize(&facts, &expectations, at(NOW));
    assert_eq!((summary.kinds[0].kind, summary.kinds[0].count), ("appliance", 4));
    assert_eq!((summary.kinds[1].kind, summary.kinds[1].count), ("agent", 5));
    assert_eq!(count(&summary, "appliance", "offline"), 2);
    assert_eq!(count(&summary, "appliance", "reboot_due"), 1);
    assert_eq!(count(&summary, "agent", "unsuccessful"), 2);
    assert_eq!(count(&summary, "agent", "behind_local"), 2);
    assert_eq!(count(&summary, "agent", "behind_offsite"), 3);
    assert_eq!(count(&summary, "appliance", "quota"), 1);
    assert_eq!(summary.space.len(), 4);
    assert_eq!(facts.sources[0].failures, []);
    assert_eq!(judge(&facts, &expectations, at(NOW)).worst(), Outcome::Bad);
}

fn device(serial: usize, volumes: &str) -> String {
    format!("<Device><SerialNumber>S{serial}</SerialNumber><BackupVolumes>{volumes}</BackupVolumes></Device>")
}

#[test]
fn an_appliance_with_more_volumes_than_are_read_was_seen_in_part() {
    let document = format!("<a>{}</a>", device(1, &"<BackupVolume type='Agent'/>".repeat(VOLUMES_MAX + 1)));
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!(collection.repositories[0].assets.len(), VOLUMES_MAX);
    assert_eq!(collection.repositories[0].listing, Extent::Partial);
    assert_eq!(collection.failures.len(), 1);
}

#[test]
fn a_flood_of_tiny_appliances_is_cut_and_said() {
    let mut document = "<a>".to_owned();
    document.extend((0..=DEVICES_MAX).map(|serial| device(serial, "")));
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!(collection.repositories.len(), DEVICES_MAX);
    assert_eq!(collection.listing, Extent::Partial);
    assert!(collection.failures[0].reason.contains("more than 100000 devices"), "{:?}", collection.failures);
}

#[test]
fn evidence_beyond_its_limit_is_dropped_and_that_is_said() {
    let volume = "<BackupVolume type='Agent'><LastBackup>soon</LastBackup></BackupVolume>".repeat(100);
    let devices: String = (0..=EVIDENCE_MAX / 100).map(|serial| device(serial, &volume)).collect();
    let collection = parse(format!("<a>{devices}</a>").as_bytes(), &look(NOW));
    let (first, last) = (&collection.repositories[0], &collection.repositories[EVIDENCE_MAX / 100]);
    assert_eq!((first.assets[0].more.evidence.len(), first.evidence.len()), (1, 0));
    assert_eq!((last.assets[0].more.evidence.len(), last.evidence.len()), (0, 1));
    // Without a name of their own all of them are twins of nobody, and their keys stay.
    assert_eq!(last.assets[99].key().text(), "volume 100");
}

#[test]
fn a_document_that_cannot_be_read_at_all_says_why() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let collection = parse(std::io::BufReader::new(Broken), &look(NOW));
    assert_eq!(collection.listing, Extent::Failed);
    assert!(collection.failures[0].reason.contains("the disk is gone"), "{:?}", collection.failures);
}

#[test]
fn blanks_in_an_end_tag_change_nothing() {
    let document = "<a><Device><SerialNumber>S1</SerialNumber \n></Device\t></a >";
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!((collection.repositories.len(), collection.failures.len()), (1, 0));
}

const DEAD: &str = "<SerialNumber>S2</SerialNumber><Lastseen>2019-01-01 00:00:00</Lastseen>";

#[rstest::rstest]
#[case::too_deep("<Group><Sub><Device>DEAD</Device></Sub></Group>")]
#[case::other_case("<device>DEAD</device>")]
#[case::with_a_prefix("<d:Device>DEAD</d:Device>")]
fn what_is_named_like_a_device_and_not_read_is_said(#[case] element: &str) {
    let element = element.replace("DEAD", DEAD);
    let collection = parse(format!("<a>{}{element}</a>", device(1, "")).as_bytes(), &look(NOW));
    assert_eq!((collection.repositories.len(), collection.listing), (1, Extent::Partial));
    assert!(collection.failures[0].reason.contains("passed over"), "{:?}", collection.failures);
}

#[rstest::rstest]
#[case::in_a_group("<Group><BackupVolume type='Agent'><Agent>a</Agent></BackupVolume></Group>")]
#[case::in_other_case("<backupVolume type='Agent'><Agent>a</Agent></backupVolume>")]
#[case::a_device_among_volumes("<Device><SerialNumber>S3</SerialNumber></Device>")]
fn what_is_named_like_a_volume_and_not_read_is_said(#[case] element: &str) {
    let collection = parse(format!("<a>{}</a>", device(1, element)).as_bytes(), &look(NOW));
    assert_eq!(collection.repositories[0].listing, Extent::Partial, "{:?}", collection.failures);
}

#[test]
fn an_element_of_the_other_tree_does_not_take_the_checks_of_a_device_away() {
    for foreign in ["<hostname>x</hostname>", "<protectedMachines/>"] {
        let document = format!("<a><Device>{DEAD}{foreign}</Device></a>");
        let collection = parse(document.as_bytes(), &look(NOW));
        assert_eq!(collection.repositories[0].kind, &crate::kinds::APPLIANCE, "{foreign}");
    }
}

#[test]
fn a_second_device_with_one_serial_number_keeps_its_own_failures() {
    let bad = "<BackupVolume/>";
    let document = format!("<a>{}{}</a>", device(1, ""), device(1, bad));
    let collection = parse(document.as_bytes(), &look(NOW));
    let place = collection.failures[0].place.repository.as_ref().expect("a repository");
    assert_eq!(place.text(), "S1#2");
}

#[test]
fn an_error_document_is_no_empty_fleet() {
    for document in ["<error code='0'/>", "<html lang='0'/>", "<Fault n='0'></Fault>"] {
        assert_eq!(parse(document.as_bytes(), &look(NOW)).listing, Extent::Failed, "{document}");
    }
    assert_eq!(parse("<Devices total='0'/>".as_bytes(), &look(NOW)).listing, Extent::Complete);
}

#[test]
fn a_volume_beside_its_list_is_said() {
    let document = "<a><Device><SerialNumber>S1</SerialNumber><BackupVolume type='Agent'/></Device></a>";
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!(collection.repositories[0].listing, Extent::Partial, "{:?}", collection.failures);
}

#[rstest::rstest]
#[case::behind("<Device><SerialNumber>S1</SerialNumber></x></Device>", true)]
#[case::before("<Device><SerialNumber>S1</SerialNumber></x></Device>", false)]
#[case::the_cut_one("<Device><SerialNumber>S1</SerialNumber>", true)]
fn a_broken_device_is_not_named_by_the_key_of_one_that_was_judged(
    #[case] broken: &str,
    #[case] is_behind: bool,
) {
    let healthy = device(1, "");
    let (first, second) = if is_behind { (&*healthy, broken) } else { (broken, &*healthy) };
    let collection = parse(format!("<a>{first}\n{second}</a>").as_bytes(), &look(NOW));
    assert_eq!(collection.repositories.len(), 1);
    let failure = &collection.failures[0];
    let position = if is_behind { "device 2, line 2" } else { "device 1, line 1" };
    assert_eq!((&failure.place.repository, failure.place.position.as_deref()), (&None, Some(position)));
    assert!(failure.reason.contains("serial number S1"), "{}", failure.reason);
}

#[rstest::rstest]
#[case::broken("<Device></x></Device>")]
#[case::without_fields("<Device/>")]
#[case::cut("<Device>")]
fn a_line_is_said_once(#[case] broken: &str) {
    let failures = parse(format!("<a>\n{broken}").as_bytes(), &look(NOW)).failures;
    assert_eq!(failures[0].place.position.as_deref(), Some("device 1, line 2"));
    assert!(!failures[0].reason.contains("line "), "{}", failures[0].reason);
}

#[rstest::rstest]
#[case::fewer("total='3'", false)]
#[case::as_many("total='2'", true)]
#[case::more("total='1'", true)]
#[case::called_otherwise("deviceCount=' 3 '", false)]
#[case::a_version("version='3'", true)]
#[case::a_second_attribute("version='1' total='3'", true)]
#[case::no_number("total='many'", true)]
#[case::none_is_stated("total='0'", true)]
fn a_document_with_fewer_devices_than_it_states_is_partial(#[case] count: &str, #[case] is_complete: bool) {
    let document = format!("<a {count}>{}<Device></x></Device></a>", device(1, ""));
    let whole = format!("<a {count}>{}{}</a>", device(1, ""), device(2, ""));
    let collection = parse(whole.as_bytes(), &look(NOW));
    assert_eq!(collection.listing == Extent::Complete, is_complete, "{:?}", collection.failures);
    assert_eq!(collection.failures.is_empty(), is_complete);
    // A broken one came as well.
    let broken = parse(document.as_bytes(), &look(NOW));
    assert_eq!(broken.failures.len(), 1 + usize::from(!is_complete), "{:?}", broken.failures);
}

#[rstest::rstest]
#[case::a_quote("<Model a=\"b>x</Model>")]
#[case::a_quote_that_a_later_one_ends("<Model a='b>x</Model>")]
#[case::a_tag("<Model ")]
#[case::an_end_tag("<Model>x</Model ")]
#[case::a_comment("<!-- oops")]
#[case::a_cdata_section("<Model><![CDATA[ oops</Model>")]
#[case::an_instruction("<?oops")]
#[case::an_unknown_one("<!oops>")]
#[case::within_a_volume("<BackupVolumes><BackupVolume type='Agent'><Agent a=\"b>x</Agent>")]
fn what_has_no_end_costs_its_own_device_alone(#[case] broken: &str) {
    let others = "<Device><SerialNumber>S3</SerialNumber><Hostname>Müller's</Hostname></Device>\n\
        <Device><SerialNumber>S4</SerialNumber><Uptime a='s'>5</Uptime></Device>\n";
    let second = format!("<Device><SerialNumber>S2</SerialNumber>\n{broken}");
    for (end, others) in [("</Device>", others), ("</Device>\n", others), ("</Device>", ""), ("", others)] {
        let document = format!("<a>\n{}\n{second}{end}{others}</a>", device(1, ""));
        let collection = parse(document.as_bytes(), &look(NOW));
        let keys: Vec<_> = collection.repositories.iter().map(|one| one.key.text().into_owned()).collect();
        let expected = if others.is_empty() { &["S1"][..] } else { &["S1", "S3", "S4"] };
        assert_eq!(keys, expected, "{:?}", collection.failures);
        assert_eq!((collection.listing, collection.failures.len()), (Extent::Partial, 1));
        assert_eq!(collection.failures[0].place, Place::repository(lastgood_core::id::Name::new("S2")));
        assert!(collection.failures[0].reason.starts_with("line 4: "), "{:?}", collection.failures);
    }
}

#[rstest::rstest]
#[case::of_a_device("<Hostname>x")]
#[case::that_only_details_have("<Model>x")]
#[case::of_a_volume("<BackupVolumes><BackupVolume><Agent>x")]
#[case::of_a_volume_that_only_details_have("<BackupVolumes><BackupVolume><ScreenshotError>x")]
fn a_field_without_an_end_costs_its_own_device_alone(#[case] cut: &str) {
    let cut = format!("<Device><SerialNumber>S2</SerialNumber>{cut}");
    let document = format!("<a>{}{cut}{}{}</a>", device(1, ""), device(3, ""), device(4, ""));
    for keep_details in [false, true] {
        let look = Look { keep_details, ..look(NOW) };
        let collection = parse(document.as_bytes(), &look);
        let keys: Vec<_> = collection.repositories.iter().map(|one| one.key.text().into_owned()).collect();
        assert_eq!(keys, ["S1", "S3", "S4"], "{:?}", collection.failures);
        assert_eq!((collection.listing, collection.failures.len()), (Extent::Partial, 1));
    }
}

#[test]
fn a_comment_without_an_end_between_devices_is_said() {
    for comment in ["<!-- oops", "<!-- oops <!-- again -->"] {
        let document = format!("<a>{}\n{comment}\n{}</a>", device(1, ""), device(2, ""));
        let collection = parse(document.replace("again", &device(3, "")).as_bytes(), &look(NOW));
        assert_eq!(collection.listing, Extent::Partial);
        assert_eq!(collection.failures[0].place, Place::source());
        assert!(collection.failures[0].reason.starts_with("line 2: "), "{:?}", collection.failures);
        assert_eq!(
            collection.repositories.last().map(|one| one.key.text().into_owned()).as_deref(),
            Some("S2")
        );
    }
}

#[test]
fn a_device_within_a_comment_or_cdata_section_is_none() {
    let hidden = device(2, "");
    let document = format!(
        "<a><!-- {hidden} -->{}<x><![CDATA[ <![CDATA[ {hidden} ]]></x><!-- {hidden} --></a>",
        device(1, "")
    );
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!((collection.repositories.len(), collection.failures.len()), (1, 0));
}

#[test]
fn a_flood_of_tokens_without_an_end_is_cut_and_said() {
    let document = format!("<a>{}{}</a>", device(1, ""), "<Device><!-- ".repeat(5_000));
    let collection = parse(document.as_bytes(), &look(NOW));
    assert_eq!((collection.repositories.len(), collection.listing), (1, Extent::Partial));
    assert!(collection.failures.len() < 200, "{}", collection.failures.len());
}

#[test]
fn a_line_break_in_a_name_is_one_however_it_was_written() {
    for line_break in ["\n", "\r\n", "\r", "&#10;"] {
        let volume = format!("<BackupVolume type='Agent'><Agent>new{line_break}line</Agent></BackupVolume>");
        let collection = parse(format!("<a n='1'>{}</a>", device(1, &volume)).as_bytes(), &look(NOW));
        assert_eq!(collection.repositories[0].assets[0].name.text(), "new\nline", "{line_break:?}");
    }
}
