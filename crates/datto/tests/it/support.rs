//! A portal in perfect health, clients for it, and what its faults must come to.

use std::sync::Once;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::judge::judge;
use lastgood_core::observation::{Collection, Extent, FailureKind};
use lastgood_core::verdict::Outcome;
use lastgood_datto::client::{Rate, RestClient, RestLimits, XmlClient, XmlLimits};
use lastgood_datto::key::{ApiKey, KeyPair};
use lastgood_datto::look::Look;
use lastgood_simulator::{Faults, Fleet, Portal};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// More time than anything takes that is not meant to reach a limit, however busy the machine is.
pub(crate) const AMPLE: Duration = Duration::from_mins(5);

/// Whether a limit that is reached on purpose left time for what must happen before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Enough,
    TooShort,
}

/// Tells a story with a limit of a second; where that was too short for a machine that stalled, with one of 40 seconds.
pub(crate) async fn with_limit(story: impl AsyncFn(Duration) -> Time) {
    if story(SECOND).await == Time::TooShort {
        assert_eq!(story(40 * SECOND).await, Time::Enough, "too little happened within 40 seconds");
    }
}

/// The path of the portal feed.
pub(crate) const FEED: &str = "/external/api/xml/status/{key}";

pub(crate) fn now() -> Timestamp {
    "2026-07-01T16:00:00Z".parse().unwrap()
}

/// A fleet in which every check of every subject is ok.
pub(crate) fn healthy() -> Fleet {
    let mut fleet = Fleet::seeded(7, 40, 3, now());
    fleet.devices.retain(|device| device.traits.is_empty());
    for device in &mut fleet.devices {
        device.assets.retain(|asset| asset.traits.is_empty());
    }
    fleet.devices.truncate(12);
    assert_eq!(fleet.devices.len(), 12);
    fleet
}

pub(crate) async fn portal(faults: Faults) -> Portal {
    Portal::start(healthy(), faults).await.unwrap()
}

pub(crate) fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
}

pub(crate) fn xml_limits() -> XmlLimits {
    XmlLimits { deadline: AMPLE, connect_timeout: AMPLE }
}

/// Limits that only a portal that hangs can reach; waits between requests are short.
pub(crate) fn rest_limits() -> RestLimits {
    RestLimits {
        deadline: AMPLE,
        connect_timeout: AMPLE,
        request_timeout: AMPLE,
        rate: Rate { requests: 10_000, per: SECOND },
        backoff: Duration::from_millis(10),
        wait_max: Duration::from_millis(200),
        ..RestLimits::default()
    }
}

pub(crate) fn xml_client(portal: &Portal, path: &str, limits: XmlLimits) -> XmlClient {
    install_tls();
    let key = ApiKey::new(&portal.keys().xml).unwrap();
    XmlClient::new(&format!("{}{path}", portal.url()), &key, limits).unwrap()
}

pub(crate) fn rest_client(portal: &Portal, limits: RestLimits) -> RestClient {
    install_tls();
    let keys = KeyPair::new(&portal.keys().rest_public, &portal.keys().rest_secret).unwrap();
    RestClient::new(&portal.rest_url(), &keys, limits).unwrap()
}

pub(crate) async fn look_xml(faults: Faults, limits: XmlLimits) -> Collection {
    let portal = portal(faults).await;
    let collection = xml_client(&portal, FEED, limits).look(&Look::new(now())).await;
    assert_eq!(portal.request_count_below(Portal::OUTER_ENTITY_PATH), 0);
    assert_eq!(portal.methods().into_iter().collect::<Vec<_>>(), ["GET"]);
    collection
}

pub(crate) async fn look_rest(faults: Faults, limits: RestLimits) -> Collection {
    let portal = portal(faults).await;
    let collection = rest_client(&portal, limits).look(&Look::new_rest(now())).await;
    assert_eq!(portal.methods().into_iter().collect::<Vec<_>>(), ["GET"]);
    collection
}

/// The worst verdict of all.
pub(crate) fn worst(collection: &Collection) -> Outcome {
    let facts = fold(vec![collection.clone()]);
    judge(&facts, &Expectations::new(checks::thresholds_of, Vec::new()), now()).worst()
}

/// A look that saw everything of a healthy fleet.
#[track_caller]
pub(crate) fn assert_fine(collection: &Collection) {
    assert_eq!(collection.failures, []);
    assert_eq!(collection.extent(), Extent::Complete);
    assert_eq!(collection.repositories.len(), 12);
    assert_eq!(worst(collection), Outcome::Ok);
}

/// A look that saw nothing, for one reason of this kind that says these words.
#[track_caller]
pub(crate) fn assert_failed(collection: &Collection, kind: FailureKind, words: &str) {
    assert_eq!(collection.listing, Extent::Failed, "{:?}", collection.failures);
    assert_eq!(collection.repositories.len(), 0);
    assert_told(collection, kind, words);
}

/// A look that saw a part, and for a reason of this kind with these words not all.
#[track_caller]
pub(crate) fn assert_partial(collection: &Collection, kind: FailureKind, words: &str) {
    assert_eq!(collection.extent(), Extent::Partial, "{:?}", collection.failures);
    assert_ne!(collection.repositories.len(), 0);
    assert_told(collection, kind, words);
}

#[track_caller]
fn assert_told(collection: &Collection, kind: FailureKind, words: &str) {
    let told = |failure: &&lastgood_core::observation::Failure| {
        failure.kind == kind && failure.reason.contains(words)
    };
    assert!(collection.failures.iter().any(|failure| told(&failure)), "{:?}", collection.failures);
    assert_ne!(worst(collection), Outcome::Ok);
}
