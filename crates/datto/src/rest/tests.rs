//! What do the samples of the REST API come to, in every shape a list can have?

use super::*;
use crate::look::Zones;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::id::SourceId;
use lastgood_core::judge::judge;
use lastgood_core::verdict::Outcome;
use serde_json::json;

const DEVICES: &[u8] = include_bytes!("../../testdata/datto-rest-devices.json");
const ASSETS: &[u8] = include_bytes!("../../testdata/datto-rest-assets.json");
const NOW: &str = "2026-03-02T12:00:00Z";
const WITH_ASSETS: &str = "D05099A1B2C3";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn look() -> Look {
    let source = SourceId::new("datto-rest").expect("a valid name");
    Look { source, at: at(NOW), zones: Zones::portal(), keep_details: true }
}

fn sample(assets: &[u8]) -> Collection {
    let devices = read_page(DEVICES).expect("the sample").items;
    let assets = read_page(assets).expect("the sample").items;
    let answer = |mut device: Object| {
        let is_first = serial_of(&device).as_deref() == Some(WITH_ASSETS);
        if !is_first {
            // The sample holds the assets of one device only.
            device.retain(|field, _| field != "agentCount");
        }
        DeviceAnswer::new(device, if is_first { &assets } else { &[] }, None, &look())
    };
    collect(devices.into_iter().map(answer).collect(), None, &look())
}

/// Every verdict that is not ok, and every exemption, a line each.
fn verdicts(collection: Collection) -> String {
    let facts = fold(vec![collection]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let judgement = judge(&facts, &expectations, at(NOW));
    let mut lines = Vec::new();
    for (subject, verdicts) in judgement.subjects() {
        for verdict in verdicts {
            let words = checks::find(verdict.check).expect("a check").words;
            let summary = verdict.reason.summary(words, at(NOW));
            if verdict.outcome != Outcome::Ok || summary.starts_with("not judged") {
                let path = subject.path();
                lines.push(format!("{path}: {} {}: {summary}", verdict.check, verdict.outcome.as_str()));
            }
        }
    }
    lines.join("\n")
}

#[test]
fn the_sample_gives_the_verdicts_that_the_facts_list() {
    insta::assert_snapshot!(verdicts(sample(ASSETS)));
}

#[test]
fn all_three_shapes_give_the_same_verdicts() {
    let list: Vec<Value> = serde_json::from_slice(ASSETS).expect("the sample");
    let envelope = json!({"pagination": {"page": 1, "perPage": 100, "totalPages": 1, "count": list.len()}, "items": list});
    let indexed: Object =
        list.iter().enumerate().map(|(index, item)| (index.to_string(), item.clone())).collect();
    let bare = verdicts(sample(ASSETS));
    assert_eq!(verdicts(sample(envelope.to_string().as_bytes())), bare);
    assert_eq!(verdicts(sample(Value::Object(indexed).to_string().as_bytes())), bare);
}

#[test]
fn a_list_of_assets_that_breaks_off_keeps_what_was_read_of_it() {
    let failure = AssetsFailure { kind: FailureKind::Refused, reason: "page 2 was refused".to_owned() };
    let device: Object = serde_json::from_str(r#"{"serialNumber": "A"}"#).expect("valid");
    let asset: Object = serde_json::from_str(r#"{"name": "a"}"#).expect("valid");
    let answer =
        |assets: Vec<Object>| DeviceAnswer::new(device.clone(), &assets, Some(failure.clone()), &look());
    for (assets, listing) in [(vec![asset], Extent::Partial), (Vec::new(), Extent::Failed)] {
        let count = assets.len();
        let collection = collect(vec![answer(assets)], None, &look());
        assert_eq!((collection.listing, collection.repositories[0].listing), (Extent::Complete, listing));
        assert_eq!(collection.repositories[0].assets.len(), count);
        assert_eq!(collection.failures.len(), 1);
    }
}

#[test]
fn a_device_that_states_more_assets_than_it_lists_was_not_seen_as_a_whole() {
    let asset: Object = serde_json::from_str(r#"{"name": "a"}"#).expect("valid");
    for (device, listed, listing) in [
        (r#"{"serialNumber": "A", "agentCount": 1, "shareCount": 0}"#, 0, Extent::Partial),
        (r#"{"serialNumber": "A", "agentCount": 1, "shareCount": 1}"#, 1, Extent::Partial),
        (r#"{"serialNumber": "A", "agentCount": 1, "shareCount": 0}"#, 1, Extent::Complete),
        (r#"{"serialNumber": "A", "agentCount": 0, "shareCount": 0}"#, 1, Extent::Complete),
        (r#"{"serialNumber": "A"}"#, 0, Extent::Complete),
        (r#"{"serialNumber": "A", "agentCount": 1, "shareCount": 0, "hidden": true}"#, 0, Extent::Complete),
    ] {
        let object: Object = serde_json::from_str(device).expect("valid");
        let answer = DeviceAnswer::new(object, &vec![asset.clone(); listed], None, &look());
        let collection = collect(vec![answer], None, &look());
        assert_eq!(collection.repositories[0].listing, listing, "{device} with {listed}");
        assert_eq!(collection.failures.is_empty(), listing == Extent::Complete);
    }
}

#[test]
fn counts_may_be_texts_and_one_of_them_is_enough() {
    for device in [r#"{"serialNumber": "A", "agentCount": "2"}"#, r#"{"serialNumber": "A", "shareCount": 1}"#]
    {
        let object: Object = serde_json::from_str(device).expect("valid");
        let collection = collect(vec![DeviceAnswer::new(object, &[], None, &look())], None, &look());
        assert_eq!(collection.repositories[0].listing, Extent::Partial, "{device}");
    }
}

#[test]
fn a_repeated_device_is_taken_once_and_another_one_with_its_serial_number_is_kept() {
    let answer = |text: &str| {
        let object: Object = serde_json::from_str(text).expect("valid");
        DeviceAnswer::new(object, &[], None, &look())
    };
    let one = r#"{"serialNumber": "A", "name": "one", "uptime": 1}"#;
    let again = r#"{"serialNumber": "A", "name": "one", "uptime": 2}"#;
    let other = r#"{"serialNumber": "A", "name": "other"}"#;
    let collection = collect(vec![answer(one), answer(again), answer(other)], None, &look());
    let keys: Vec<_> =
        collection.repositories.iter().map(|repository| repository.key.text().into_owned()).collect();
    assert_eq!(keys, ["A", "A#2"]);
}

#[test]
fn a_list_that_repeats_a_device_may_have_lost_another_and_is_partial() {
    let answer = |text: &str| {
        let object: Object = serde_json::from_str(text).expect("valid");
        DeviceAnswer::new(object, &[], None, &look())
    };
    let one = r#"{"serialNumber": "A", "name": "one"}"#;
    let other = r#"{"serialNumber": "B", "name": "one"}"#;
    let nameless = r#"{"serialNumber": " "}"#;
    for (devices, listing) in [
        (vec![one, other], Extent::Complete),
        (vec![one, other, one], Extent::Partial),
        (vec![one, one, one], Extent::Partial),
        (vec![nameless, nameless], Extent::Complete),
    ] {
        let collection = collect(devices.iter().copied().map(answer).collect(), None, &look());
        assert_eq!(collection.listing, listing, "{devices:?}");
        assert_eq!(collection.failures.len(), usize::from(listing == Extent::Partial));
    }
    let collection = collect([one, other, one, one].map(answer).to_vec(), None, &look());
    let reason = &collection.failures[0].reason;
    assert_eq!(collection.failures[0].place, Place::source());
    assert!(reason.starts_with("the list of devices repeats 2 of its 4 entries"), "{reason}");
    assert!(reason.contains("may be missing from it; look again"), "{reason}");
}

#[test]
fn a_list_that_repeats_an_asset_may_have_lost_another_and_is_partial() {
    let device: Object = serde_json::from_str(r#"{"serialNumber": "A", "agentCount": 3}"#).expect("valid");
    let listed = |assets: [&str; 3]| {
        let assets = assets.map(|asset| serde_json::from_str::<Object>(asset).expect("valid"));
        let collection =
            collect(vec![DeviceAnswer::new(device.clone(), &assets, None, &look())], None, &look());
        let repository = &collection.repositories[0];
        (repository.listing, repository.assets.len(), collection.failures.len())
    };
    let volume = r#"{"volume": "7", "name": "a", "lastSnapshot": 1}"#;
    let again = r#"{"volume": "7 ", "name": "a", "lastSnapshot": 2}"#;
    let numbered = r#"{"assetId": 7, "name": "a"}"#;
    let renamed = r#"{"volume": "7", "name": "b"}"#;
    let other = r#"{"volume": "8", "name": "a"}"#;
    let bare = r#"{"name": "a"}"#;
    assert_eq!(listed([volume, again, other]), (Extent::Partial, 2, 1));
    assert_eq!(listed([numbered, numbered, numbered]), (Extent::Partial, 1, 1));
    assert_eq!(listed([volume, renamed, other]), (Extent::Complete, 3, 0));
    assert_eq!(listed([volume, numbered, bare]), (Extent::Complete, 3, 0));
    assert_eq!(listed([bare, bare, bare]), (Extent::Complete, 3, 0));
}

#[test]
fn a_run_dated_ahead_does_not_hide_the_failures_after_it() {
    let run = |at: &str, status: &str| json!({"timestamp": at, "backup": {"status": status}});
    let asset = |runs: Vec<Value>| match json!({"name": "a", "type": "agent", "backups": runs}) {
        Value::Object(object) => object,
        _ => Object::new(),
    };
    let device: Object = serde_json::from_str(r#"{"serialNumber": "A"}"#).expect("valid");
    let read = |runs| {
        let answer = DeviceAnswer::new(device.clone(), &[asset(runs)], None, &look());
        collect(vec![answer], None, &look()).repositories.remove(0).assets.remove(0)
    };
    let ahead = || run("2031-01-01T00:00:00+00:00", "success");
    let hidden = read(vec![ahead(), run("2026-03-02T11:00:00+00:00", "failure")]);
    assert!(matches!(hidden.last_run, lastgood_core::observation::LastRun::Failed { in_row: 1, .. }));
    assert_eq!(hidden.more.evidence.len(), 1);
    let alone = read(vec![ahead()]);
    assert!(alone.last_good.value().is_some_and(|good| good > look().at));
}

#[test]
fn an_asset_that_cannot_be_read_is_not_named_by_the_key_of_one_that_was_judged() {
    let device: Object = serde_json::from_str(r#"{"serialNumber": "A"}"#).expect("valid");
    let assets: Vec<Object> = serde_json::from_str(
        r#"[{"name": "a", "volume": "1"}, {"name": "a", "volume": "2", "backups": 1}, {"name": "b", "backups": 1}]"#,
    )
    .expect("valid");
    let collection = collect(vec![DeviceAnswer::new(device, &assets, None, &look())], None, &look());
    let told: Vec<_> =
        collection.failures.iter().map(|f| (f.place.within(&collection.source), &*f.reason)).collect();
    assert_eq!(told[0].0, "datto-rest/A");
    assert!(told[0].1.starts_with("another asset named a: "), "{told:?}");
    assert_eq!(told[1].0, "datto-rest/A/b");
}
