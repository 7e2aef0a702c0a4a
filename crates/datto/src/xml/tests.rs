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
