//! Whatever is stated is read as it was written, and yesterday's bytes are read for ever.

use jiff::Timestamp;
use lastgood_core::client::{Client, Version};
use lastgood_core::observation::{Planned, Timing};
use lastgood_core::ownership::{OwnerEntry, Ownership, Part};
use lastgood_core::schedule::Schedule;
use lastgood_core::testing::{AGENT, APPLIANCE, PORTAL, agent, appliance, noon};

use super::*;

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes it");
        text
    })
}

fn every_instant() -> [Stated<Timestamp>; 6] {
    [
        Stated::Missing,
        Stated::Never,
        Stated::Unreadable,
        Stated::Value(Timestamp::MIN),
        Stated::Value(Timestamp::MAX),
        Stated::Value(Timestamp::new(-1, -1).expect("it is in the calendar")),
    ]
}

#[test]
fn every_asset_is_read_as_it_was_written() {
    let mut assets = Vec::new();
    for at in every_instant() {
        let mut asset = AssetObservation::new(&AGENT, Name::new(b"\xff\x00"));
        (asset.last_good, asset.last_offsite, asset.more.created_at) = (at, at, at);
        asset.more.verification = Verification { at, failed: true };
        assets.push(asset.clone());
        (asset.more.started_at, asset.more.last_started, asset.more.last_seen) = (at, at, at);
        let (schedules, since) = (Vec::new(), noon());
        let planned = Planned { schedules, since, grace: None, is_unreadable: true };
        asset.more.planned = Some(Arc::new(planned));
        assets.push(asset);
    }
    for exemption in Exemption::ALL {
        let mut asset = agent("db", noon());
        (asset.exempt, asset.offsite_exempt) = (Some(exemption), Some(exemption));
        assets.push(asset);
    }
    for at in [None, Some(noon())] {
        let mut asset = agent("db", noon());
        asset.last_run = LastRun::Failed { in_row: u32::MAX, at };
        asset.more.key = Some(Name::new("db#2"));
        asset.more.identity = Some("volume 7".into());
        asset.more.evidence = vec![Evidence::new("date", None, "n/a", "no date")];
        assets.push(asset);
    }
    for asset in assets {
        let mut bytes = Vec::new();
        write_asset(&mut bytes, &asset);
        let mut reading = Reading(&bytes);
        assert_eq!(read_asset(&mut reading, &PORTAL), Ok(asset));
        assert!(reading.is_over());
    }
}

#[test]
fn every_repository_is_read_as_it_was_written() {
    for (number, at) in every_instant().into_iter().enumerate() {
        let mut repository = appliance("nas1", noon());
        repository.name = Name::new("Müller");
        (repository.last_seen, repository.service_end, repository.warranty_end) = (at, at, at);
        repository.undelivered_since = at;
        repository.space.quota = [Stated::Value(u64::MAX), Stated::Never][number % 2];
        repository.space.unit = [SpaceUnit::Bytes, SpaceUnit::Unstated][number % 2];
        repository.listing = [Extent::Complete, Extent::Partial, Extent::Failed][number % 3];
        (repository.exempt, repository.space_exempt) =
            (Some(Exemption::ALL[number]), Some(Exemption::ALL[number]));
        let mut bytes = Vec::new();
        write_repository(&mut bytes, &repository);
        let mut reading = Reading(&bytes);
        assert_eq!(read_repository(&mut reading, &PORTAL), Ok(repository));
        assert!(reading.is_over());
    }
}

#[test]
fn every_code_is_read_back() {
    for (code, exemption) in Exemption::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(exemption_code(exemption)), code);
    }
}

/// These bytes stand in databases: a change that alters them needs a new version beside this one.
#[test]
fn the_bytes_of_version_1_stay() {
    let mut bytes = Vec::new();
    write_asset(&mut bytes, &agent("db", noon()));
    insta::assert_snapshot!(hexadecimal(&bytes), @"026462b07a056167656e74e0b6ab9a0d00c0feaa9a0d0003a0c6aa9a0d00000380978d920d00");
    bytes.clear();
    write_repository(&mut bytes, &appliance("nas1", noon()));
    insta::assert_snapshot!(hexadecimal(&bytes), @"046e617331096170706c69616e6365000003d0e5ab9a0d0003000000000018f54003900303d8040000000380f787b30d0003809fe9aa0d000380978d920d00010000");
    bytes.clear();
    let mut asset = agent("db", noon());
    asset.more.started_at = Stated::Value(noon());
    asset.more.last_seen = Stated::Never;
    let zurich = jiff::tz::TimeZone::get("Europe/Zurich").expect("a zone that exists");
    let nightly = Schedule::parse_cron("30 2 * * *", zurich).expect("a valid schedule");
    let (schedules, since) = (vec![nightly], noon());
    asset.more.planned = Some(Arc::new(Planned { schedules, since, grace: None, is_unreadable: false }));
    write_asset(&mut bytes, &asset);
    insta::assert_snapshot!(hexadecimal(&bytes), @"026462b0fa0d056167656e74e0b6ab9a0d00c0feaa9a0d0003a0c6aa9a0d00000380978d920d000380efab9a0d000180efab9a0d00000001010a33302032202a202a202a0d4575726f70652f5a7572696368");
}

#[test]
fn what_a_directory_and_a_client_state_is_read_as_it_was_written() {
    let mut asset = agent("pc", noon());
    asset.last_run = LastRun::Unreadable;
    let planned = Planned { schedules: Vec::new(), since: noon(), grace: None, is_unreadable: true };
    let timing = |started_at| Timing { started_at, last_started: Stated::Never, planned: None };
    asset.more.other_readings = vec![
        timing(Stated::Value(noon())),
        Timing { planned: Some(Arc::new(planned)), ..timing(Stated::Unreadable) },
    ];
    let client = |least: Option<&str>| Client {
        identifier: "Sepiola\n".into(),
        version: "2.7.1-3-gabc".into(),
        least: least.map(|least| Version::parse(least).expect("a version")),
    };
    for client in [None, Some(client(None)), Some(client(Some("2.0.5_pre")))] {
        asset.more.client = client.map_or(Stated::Unreadable, |client| Stated::Value(Arc::new(client)));
        let mut bytes = Vec::new();
        write_asset(&mut bytes, &asset);
        assert_eq!(read_asset(&mut Reading(&bytes), &PORTAL), Ok(asset.clone()));
    }
    let entry = OwnerEntry {
        part: Part::Notifications,
        whose: "4000000".into(),
        is_default: true,
        dn: "ou=notifications,uid=4000000".into(),
        fields: vec![("to".into(), vec!["a@x.example".into(), "b@x.example".into()]), ("x".into(), vec![])],
    };
    for used_ever in [None, Some(false), Some(true)] {
        let mut account = appliance("3723707", noon());
        account.used_ever = used_ever;
        account.thresholds = vec![("quota_level", Some(8500)), ("offline_after", None)];
        account.ownership = Some(Arc::new(Ownership { entries: vec![entry.clone()] }));
        let mut bytes = Vec::new();
        write_repository(&mut bytes, &account);
        assert_eq!(read_repository(&mut Reading(&bytes), &PORTAL), Ok(account));
    }
}

/// What this version does not know must not be lost on the way: better it says that it is too old.
#[test]
fn marks_of_a_newer_version_are_said() {
    for bit in [7, 21, 63] {
        let mut bytes = Vec::new();
        super::super::bytes(&mut bytes, b"db");
        number(&mut bytes, 1 << bit);
        super::super::bytes(&mut bytes, b"agent");
        let damage = read_asset(&mut Reading(&bytes), &PORTAL).expect_err("nobody wrote it");
        assert!(damage.to_string().contains("newer version"), "{damage}");
    }
}

static OTHER: SourceKind = SourceKind { id: "other", kinds: &[&APPLIANCE] };

#[test]
fn a_kind_nobody_knows_is_said() {
    let mut bytes = Vec::new();
    write_asset(&mut bytes, &agent("db", noon()));
    let damage = read_asset(&mut Reading(&bytes), &OTHER).expect_err("it has no agents");
    assert!(damage.to_string().contains("unknown to this version"), "{damage}");
}
