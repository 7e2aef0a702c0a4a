//! Documents good and broken.

use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

static REPOSITORY: Kind = Kind { id: "place", subject: SubjectType::Repository, checks: &[], defaults: &[] };
static ASSET: Kind = Kind { id: "thing", subject: SubjectType::Asset, checks: &[], defaults: &[] };
static SOURCE: SourceKind = SourceKind { id: "script", kinds: &[&REPOSITORY, &ASSET] };

const NOW: &str = "2026-11-21T12:00:00Z";
const NIGHT: &str = "2026-11-21T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read_text(document: &str) -> Result<Collection, DocumentError> {
    read_bytes(document.as_bytes())
}

fn read_bytes(document: &[u8]) -> Result<Collection, DocumentError> {
    let kinds = Kinds { source: &SOURCE, repository: &REPOSITORY, asset: &ASSET };
    read(document, SourceId::new("scripts").unwrap(), kinds, at(NOW))
}

fn read_json(document: &Value) -> Result<Collection, DocumentError> {
    read_text(&document.to_string())
}

/// The one asset of a document.
fn read_asset(asset: &Value) -> Result<AssetObservation, DocumentError> {
    let document = json!({ "listing": "complete", "repositories": [{ "key": "r", "assets": [asset] }] });
    read_json(&document).map(|look| look.repositories[0].assets[0].clone())
}

#[test]
fn everything_that_can_be_said_is_read() {
    let collection = read_json(&json!({
        "observed_at": NIGHT,
        "listing": "partial",
        "repositories": [{
            "key": "r1", "name": "Rack 1", "used_bytes": 5, "quota_bytes": 10, "created_at": NIGHT,
            "listing": "partial",
            "assets": [{
                "key": "a1", "name": "Files", "last_good": NIGHT, "last_offsite": null,
                "last_run": { "outcome": "failed", "at": NIGHT, "in_row": 3 },
                "started_at": NIGHT, "last_started": NIGHT, "last_seen": NIGHT, "created_at": NIGHT
            }]
        }]
    }))
    .unwrap();
    let night = Stated::Value(at(NIGHT));
    let mut asset = AssetObservation::new(&ASSET, Name::new("Files"));
    asset.last_run = LastRun::Failed { in_row: 3, at: Some(at(NIGHT)) };
    (asset.last_good, asset.last_offsite) = (night, Stated::Never);
    asset.more.key = Some(Name::new("a1"));
    (asset.more.started_at, asset.more.last_started) = (night, night);
    (asset.more.last_seen, asset.more.created_at) = (night, night);
    let mut repository = RepositoryObservation::new(&REPOSITORY, Name::new("r1"), Name::new("Rack 1"));
    (repository.listing, repository.used_ever, repository.created_at) = (Extent::Partial, Some(true), night);
    (repository.space.used, repository.space.quota) = (Stated::Value(5), Stated::Value(10));
    repository.assets = vec![asset];
    assert_eq!(collection.repositories, [repository]);
    assert_eq!((collection.observed_at, collection.listing), (at(NIGHT), Extent::Partial));
    let places: Vec<_> = collection.failures.iter().map(|failure| failure.place.clone()).collect();
    assert_eq!(places, [Place::source(), Place::repository(Name::new("r1"))]);
}

#[test]
fn what_is_left_out_is_not_stated() {
    let collection = read_json(&json!({ "listing": "complete", "repositories": [
        { "key": "r", "used_bytes": 1, "assets": [{ "key": "a" }] }, { "key": "s" }
    ] }))
    .unwrap();
    assert_eq!((collection.observed_at, collection.extent()), (at(NOW), Extent::Complete));
    let [full, empty] = collection.repositories.as_slice() else { panic!("{collection:?}") };
    assert_eq!((full.space_exempt, empty.space_exempt), (Some(Exemption::NoCapacitySet), None));
    assert_eq!((full.used_ever, empty.used_ever), (Some(true), Some(false)));
    let mut asset = AssetObservation::new(&ASSET, Name::new("a"));
    asset.offsite_exempt = Some(Exemption::LocalOnly);
    assert_eq!(full.assets, [asset]);
}

#[test]
fn a_run_that_succeeded_was_the_last_good_one_unless_something_else_is_said() {
    let run = json!({ "outcome": "succeeded", "at": NIGHT });
    for (asset, last_good) in [
        (json!({ "key": "a", "last_run": run }), Stated::Value(at(NIGHT))),
        (json!({ "key": "a", "last_run": run, "last_good": null }), Stated::Never),
        (json!({ "key": "a", "last_run": run, "last_good": NOW }), Stated::Value(at(NOW))),
        (json!({ "key": "a", "last_run": { "outcome": "succeeded" } }), Stated::Missing),
        (json!({ "key": "a", "last_run": { "outcome": "failed", "at": NIGHT } }), Stated::Missing),
    ] {
        assert_eq!(read_asset(&asset).unwrap().last_good, last_good, "{asset}");
    }
}

#[test]
fn a_look_did_not_begin_after_it_came_and_dates_ahead_are_kept() {
    let ahead = "2027-01-01T00:00:00Z";
    let document = json!({ "observed_at": ahead, "listing": "complete", "repositories": [] });
    assert_eq!(read_json(&document).unwrap().observed_at, at(NOW));
    let asset = read_asset(&json!({ "key": "a", "last_good": ahead })).unwrap();
    assert_eq!(asset.last_good, Stated::Value(at(ahead)));
}

#[rstest]
#[case("", "no JSON")]
#[case("{\"listing\":\"complete\"", "no JSON")]
#[case("[]", "not as documented")]
#[case("{\"listing\":\"complete\"}", "missing field `repositories`")]
#[case("{\"repositories\":[]}", "missing field `listing`")]
#[case("{\"listing\":\"all\",\"repositories\":[]}", "unknown variant `all`")]
#[case("{\"listing\":\"complete\",\"repositories\":[],\"x\":1}", "unknown field `x`")]
#[case("{\"listing\":\"complete\",\"repositories\":[],\"observed_at\":null}", "null")]
#[case("{\"listing\":\"complete\",\"repositories\":[]}x", "no JSON")]
#[case(
    "{\"listing\":\"complete\",\"listing\":\"complete\",\"repositories\":[]}",
    "duplicate field `listing`"
)]
fn a_broken_document_is_refused(#[case] document: &str, #[case] word: &str) {
    let error = read_text(document).unwrap_err().to_string();
    assert!(error.contains(word), "{document}: {error}");
}

#[rstest]
#[case(json!({}), "missing field `key`")]
#[case(json!({ "key": "" }), "repositories[0].assets[0].key: has 0 bytes; write 1 to 500")]
#[case(json!({ "key": "x".repeat(501) }), "has 501 bytes")]
#[case(json!({ "key": "a", "name": "" }), "assets[0].name")]
#[case(json!({ "key": "a", "name": null }), "null")]
#[case(json!({ "key": "a", "last_good": "yesterday" }), "\"yesterday\" is no instant")]
#[case(json!({ "key": "a", "last_good": "2026-11-21T02:00:00" }), "is no instant")]
#[case(json!({ "key": "a", "last_good": 1_763_000_000 }), "invalid type")]
#[case(json!({ "key": "a", "created_at": null }), "null")]
#[case(json!({ "key": "a", "started_at": null }), "null")]
#[case(json!({ "key": "a", "last_run": null }), "null")]
#[case(json!({ "key": "a", "last_run": {} }), "missing field `outcome`")]
#[case(json!({ "key": "a", "last_run": { "outcome": "skipped" } }), "unknown variant `skipped`")]
#[case(json!({ "key": "a", "last_run": { "outcome": "failed", "in_row": 0 } }), "nonzero")]
#[case(json!({ "key": "a", "last_run": { "outcome": "failed", "in_row": -1 } }), "invalid value")]
#[case(json!({ "key": "a", "last_run": { "outcome": "succeeded", "in_row": 1 } }), "in_row counts failed runs")]
#[case(json!({ "key": "a", "last_god": NIGHT }), "unknown field `last_god`")]
fn a_broken_asset_is_refused(#[case] asset: Value, #[case] word: &str) {
    let error = read_asset(&asset).unwrap_err().to_string();
    assert!(error.contains(word), "{asset}: {error}");
}

#[test]
fn two_of_the_same_key_are_refused() {
    let twins = json!([{ "key": "x" }, { "key": "x" }]);
    for repositories in [twins.clone(), json!([{ "key": "r", "assets": twins }])] {
        let document = json!({ "listing": "complete", "repositories": repositories });
        let error = read_json(&document).unwrap_err().to_string();
        assert!(error.contains("[1].key: x stands here twice"), "{error}");
    }
}

#[test]
fn no_more_than_the_limit_is_taken() {
    let assets =
        |count: usize| -> Vec<Value> { (0..count).map(|one| json!({ "key": one.to_string() })).collect() };
    for (count, fits) in [(ASSETS_MAX, true), (ASSETS_MAX + 1, false)] {
        let half = count / 2;
        let repositories = json!([
            { "key": "r", "assets": assets(half) }, { "key": "s", "assets": assets(count - half) }
        ]);
        let look = read_json(&json!({ "listing": "complete", "repositories": repositories }));
        assert_eq!(look.is_ok(), fits, "{count}");
        let look = read_json(&json!({ "listing": "complete", "repositories": assets(count) }));
        assert_eq!(look.is_ok(), fits, "{count}");
    }
}

proptest! {
    #[test]
    fn a_document_that_is_cut_or_damaged_is_never_taken_for_another(
        cut in 0_usize..400, place in 0_usize..400, byte in any::<u8>()
    ) {
        let whole = json!({ "listing": "complete", "repositories": [
            { "key": "r", "assets": [{ "key": "a", "last_good": NIGHT, "last_run": { "outcome": "failed" } }] }
        ] })
        .to_string()
        .into_bytes();
        if cut < whole.len() {
            prop_assert!(read_bytes(&whole[..cut]).is_err());
        }
        let mut damaged = whole.clone();
        if let Some(one) = damaged.get_mut(place) {
            *one = byte;
        }
        // It may still be a document (another date, another name); whatever it is, it states one asset.
        if let Ok(look) = read_bytes(&damaged) {
            prop_assert_eq!(look.repositories[0].assets.len(), 1);
        }
    }
}
