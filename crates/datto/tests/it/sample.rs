//! What does the front of the library say about the sample, and about what it cannot know?

use lastgood_core::observation::{Extent, FailureKind};
use lastgood_datto::fleet::{Count, Fleet, LOCAL_AFTER, OFFLINE_AFTER, OFFSITE_AFTER, REBOOT_AFTER};
use lastgood_datto::lastgood_core::time::Seconds;
use lastgood_datto::look::Look;

const SAMPLE: &[u8] = include_bytes!("../../testdata/datto-status.xml");

fn look() -> Look {
    Look::new("2021-06-14T14:00:00Z".parse().unwrap())
}

fn count(bad: u64, unknown: u64, of: u64) -> Count {
    Count { bad, unknown, of, is_complete: true }
}

#[test]
fn every_getter_gives_the_number_of_the_original() {
    let fleet = Fleet::from_xml(SAMPLE, &look()).unwrap();
    let now = look().at;
    assert_eq!((fleet.device_count(), fleet.agent_count(), fleet.shares().count()), (4, 5, 1));
    assert_eq!(fleet.reboot_count(REBOOT_AFTER), count(1, 0, 4));
    assert_eq!(fleet.failed_agent_count(), count(2, 0, 5));
    assert_eq!(fleet.behind_offsite_count(OFFSITE_AFTER, now), count(3, 0, 5));
    assert_eq!(fleet.offline_count(OFFLINE_AFTER, now), count(2, 0, 4));
    assert_eq!(fleet.behind_local_count(LOCAL_AFTER, now), count(2, 0, 5));
    assert!(fleet.is_complete() && fleet.failures().is_empty());
    assert!(fleet.key().is_none() && fleet.raw_document().is_none());
    let hostnames: Vec<String> = fleet.used_space().into_iter().map(|row| row.hostname).collect();
    assert_eq!(hostnames.iter().filter(|name| *name == "BDR01").count(), 2, "{hostnames:?}");
    assert_eq!(hostnames.len(), 4);
}

#[test]
fn thresholds_and_the_time_are_arguments() {
    let fleet = Fleet::from_xml(SAMPLE, &look()).unwrap();
    let now = look().at;
    assert_eq!(fleet.offline_count(Seconds::hours(2), now).bad, 1);
    assert_eq!(fleet.reboot_count(Seconds(u32::MAX)).bad, 0);
    assert_eq!(fleet.behind_local_count(Seconds::hours(23), now).bad, 3);
    // A day earlier everything that happened since lies in the future: unknown, never fresh.
    let earlier = now - Seconds::days(1).duration();
    assert_eq!(fleet.offline_count(OFFLINE_AFTER, earlier), count(1, 3, 4));
}

#[test]
fn the_raw_document_is_kept_where_it_was_asked_for() {
    let fleet = Fleet::from_xml_with_raw(SAMPLE, &look()).unwrap();
    assert_eq!(fleet.raw_document(), Some(SAMPLE));
}

#[test]
fn what_is_no_fleet_is_an_error_that_says_so() {
    for (document, words) in [
        ("", "empty"),
        ("<html><body>Log in</body></html>", "login page"),
        ("<Error><code>1</code></Error>", "no status document"),
        ("dymr1gc0bvbinik88p5gkql4x4xexzkc", "no status document"),
    ] {
        let error = Fleet::from_xml(document.as_bytes(), &look()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.failures()[0].kind, FailureKind::Malformed);
    }
}

#[test]
fn a_part_of_a_fleet_is_never_fine() {
    let cut = SAMPLE.len() - 900;
    let fleet = Fleet::from_xml(&SAMPLE[..cut], &look()).unwrap();
    assert!(!fleet.is_complete());
    assert_eq!(fleet.facts().sources[0].listing, Extent::Partial);
    let counted = fleet.reboot_count(Seconds(u32::MAX));
    assert_eq!((counted.bad, counted.unknown), (0, 0));
    assert!(!counted.is_fine());
    assert_eq!(counted.to_string(), "at least 0 (not all was read)");
}

#[test]
fn what_a_feed_cannot_state_is_unknown() {
    let bare = "<ROOT><Device><hostname>a</hostname><protectedMachines><protected>\
        <protectedHostname>b</protectedHostname><lastSnapshot>Success</lastSnapshot>\
        <lastSnapshotTime>2021-06-14 09:00:00</lastSnapshotTime></protected></protectedMachines></Device></ROOT>";
    let fleet = Fleet::from_xml(bare.as_bytes(), &look()).unwrap();
    let now = look().at;
    assert_eq!(fleet.reboot_count(REBOOT_AFTER), count(0, 1, 1));
    assert_eq!(fleet.offline_count(OFFLINE_AFTER, now), count(0, 1, 1));
    assert_eq!(fleet.behind_offsite_count(OFFSITE_AFTER, now), count(0, 1, 1));
    assert!(fleet.behind_local_count(LOCAL_AFTER, now).is_fine());
    assert!(fleet.failed_agent_count().is_fine());
}
