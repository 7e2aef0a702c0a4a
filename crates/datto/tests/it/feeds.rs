//! What does a look at an XML feed come to, fault by fault?

use std::time::Duration;

use lastgood_core::observation::{Extent, FailureKind};
use lastgood_core::verdict::Outcome;
use lastgood_datto::client::{ClientError, PORTAL_FEED, RawError, XmlClient, XmlLimits};
use lastgood_datto::key::ApiKey;
use lastgood_datto::look::Look;
use lastgood_simulator::{ClosedPort, Fault, Faults, Filler, Scope};
use rstest::rstest;

use crate::support::{
    AMPLE, FEED, SECOND, Time, assert_failed, assert_fine, assert_partial, install_tls, look_xml, now,
    portal, with_limit, worst, xml_client, xml_limits,
};

fn fault(fault: Fault) -> Faults {
    Faults::none().with(Scope::Feeds, fault)
}

#[rstest]
#[case::as_it_is(Faults::none())]
#[case::gzip(fault(Fault::Gzip))]
#[case::gzip_unannounced(fault(Fault::GzipUnannounced))]
#[case::gzip_twice(fault(Fault::GzipUnannounced).with(Scope::Feeds, Fault::Gzip))]
#[case::in_pieces(fault(Fault::Drip { bytes: 1_000, pause: Duration::from_millis(1) }))]
#[case::a_body_that_drips_packed(fault(Fault::GzipUnannounced).with(Scope::Feeds, Fault::Drip { bytes: 1, pause: Duration::ZERO }))]
#[tokio::test]
async fn a_healthy_fleet_is_read_as_one(#[case] faults: Faults) {
    assert_fine(&look_xml(faults, xml_limits()).await);
}

#[rstest]
#[case::wrong_key(Fault::Unauthorized, FailureKind::Denied, "check the key")]
#[case::missing_right(Fault::Forbidden, FailureKind::Denied, "check the key")]
#[case::not_found(Fault::NotFound, FailureKind::Denied, "check the address and the key")]
#[case::too_often(Fault::TooManyRequests { retry_after: None }, FailureKind::RateLimited, "less often")]
#[case::error_500(Fault::InternalError, FailureKind::Refused, "500")]
#[case::error_502(Fault::BadGateway, FailureKind::Refused, "502")]
#[case::error_503(Fault::Unavailable, FailureKind::Refused, "503")]
#[case::error_504(Fault::GatewayTimeout, FailureKind::Refused, "504")]
#[case::login_page(Fault::LoginPage, FailureKind::Malformed, "login page")]
#[case::redirect(Fault::RedirectToLogin, FailureKind::Refused, "login page")]
#[case::empty(Fault::EmptyBody, FailureKind::Malformed, "empty")]
#[case::error_document(Fault::ErrorObject, FailureKind::Malformed, "no status document")]
#[case::dtd(Fault::Dtd, FailureKind::Malformed, "DTD")]
#[case::nested_entities(Fault::NestedEntities, FailureKind::Malformed, "DTD")]
#[case::cut_at_once(Fault::CutShort { at: 0 }, FailureKind::Malformed, "look again")]
#[case::cut_early(Fault::CutShort { at: 60 }, FailureKind::Malformed, "look again")]
#[case::cut_early_cleanly(Fault::CutCleanly { at: 60 }, FailureKind::Malformed, "cut")]
#[tokio::test]
async fn an_answer_that_is_no_fleet_is_a_failed_look(
    #[case] fault: Fault,
    #[case] kind: FailureKind,
    #[case] words: &str,
) {
    let collection = look_xml(Faults::none().with(Scope::Feeds, fault), xml_limits()).await;
    assert_failed(&collection, kind, words);
}

#[rstest]
#[case::short(Fault::CutShort { at: 9_000 }, "broke off")]
#[case::cleanly(Fault::CutCleanly { at: 9_000 }, "cut")]
#[tokio::test]
async fn a_cut_document_is_a_part_of_the_fleet(#[case] cut: Fault, #[case] words: &str) {
    let collection = look_xml(fault(cut.clone()), xml_limits()).await;
    assert_partial(&collection, FailureKind::Malformed, words);
    assert_eq!(collection.listing, Extent::Partial);
    let packed = fault(Fault::Gzip).with(Scope::Feeds, Fault::CutShort { at: 2_000 });
    assert_ne!(worst(&look_xml(packed, xml_limits()).await), Outcome::Ok);
}

#[tokio::test]
async fn a_portal_that_never_answers_is_left_at_the_deadline() {
    let limits = XmlLimits { deadline: Duration::from_millis(300), ..xml_limits() };
    let look = look_xml(fault(Fault::NeverAnswer), limits);
    let collection = tokio::time::timeout(AMPLE / 2, look).await.unwrap();
    assert_failed(&collection, FailureKind::TimedOut, "within 0.3 s");
}

#[tokio::test]
async fn a_slow_document_is_read_until_the_deadline() {
    with_limit(async |deadline| {
        let limits = XmlLimits { deadline, ..xml_limits() };
        let words = format!("within {} s", deadline.as_secs());
        let drip = Fault::Drip { bytes: 9_000, pause: deadline * 7 / 10 };
        let collection = look_xml(fault(drip), limits.clone()).await;
        if collection.listing == Extent::Failed {
            return Time::TooShort;
        }
        assert_partial(&collection, FailureKind::TimedOut, &words);
        let silent = Fault::Drip { bytes: 9_000, pause: 2 * AMPLE };
        let collection = tokio::time::timeout(AMPLE, look_xml(fault(silent), limits)).await.unwrap();
        assert_failed(&collection, FailureKind::TimedOut, &words);
        Time::Enough
    })
    .await;
}

#[tokio::test]
async fn a_document_without_end_stops_at_a_limit() {
    let endless = |filler| fault(Fault::Endless { bytes: Some(2 << 30), filler });
    let collection = look_xml(endless(Filler::OneValue), xml_limits()).await;
    assert_eq!((collection.listing, collection.repositories.len()), (Extent::Partial, 0));
    assert_ne!(worst(&collection), Outcome::Ok);
    assert!(collection.failures.iter().any(|failure| failure.reason.contains("larger than 1024 KiB")));
    with_limit(async |deadline| {
        let limits = XmlLimits { deadline, ..xml_limits() };
        let collection = look_xml(endless(Filler::ManyDevices), limits).await;
        assert_ne!(worst(&collection), Outcome::Ok);
        if collection.listing == Extent::Failed {
            return Time::TooShort;
        }
        assert_eq!(collection.listing, Extent::Partial);
        Time::Enough
    })
    .await;
}

#[tokio::test]
async fn dates_in_the_year_9999_are_unknown() {
    let collection = look_xml(fault(Fault::Year9999), xml_limits()).await;
    assert_eq!(collection.extent(), Extent::Complete);
    assert_eq!(worst(&collection), Outcome::Unknown);
}

#[tokio::test]
async fn a_wrong_key_is_denied() {
    install_tls();
    let portal = portal(Faults::none()).await;
    let key = ApiKey::new("not/the?key").unwrap();
    for path in [FEED, "/xml2.php?type=status&apiKey={key}", "/integrateXML.php?feed=xmlstatus&apiKey={key}"]
    {
        let client = XmlClient::new(&format!("{}{path}", portal.url()), &key, xml_limits()).unwrap();
        assert_failed(&client.look(&Look::new(now())).await, FailureKind::Denied, "check the key");
    }
}

#[tokio::test]
async fn all_three_feeds_are_read() {
    let portal = portal(Faults::none()).await;
    for path in [FEED, "/xml2.php?type=status&apiKey={key}"] {
        assert_fine(&xml_client(&portal, path, xml_limits()).look(&Look::new(now())).await);
    }
    let path = "/integrateXML.php?feed=xmlstatus&apiKey={key}";
    let collection = xml_client(&portal, path, xml_limits()).look(&Look::new(now())).await;
    assert_eq!((collection.extent(), collection.repositories.len()), (Extent::Complete, 12));
    assert_eq!(worst(&collection), Outcome::Ok);
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_no_tls_is_named() {
    install_tls();
    let key = ApiKey::new("0123456789abcdef").unwrap();
    let closed = ClosedPort::reserve().unwrap();
    let client = XmlClient::new(&format!("{}{FEED}", closed.url()), &key, xml_limits()).unwrap();
    assert_failed(&client.look(&Look::new(now())).await, FailureKind::Unreachable, "cannot be reached");
    let portal = portal(Faults::none()).await;
    let address = portal.url().replace("http://", "https://");
    let client = XmlClient::new(&format!("{address}{FEED}"), &key, xml_limits()).unwrap();
    assert_failed(&client.look(&Look::new(now())).await, FailureKind::Unreachable, "securely");
    let nowhere = XmlClient::new("https://portal.invalid/{key}", &key, xml_limits()).unwrap();
    assert_failed(&nowhere.look(&Look::new(now())).await, FailureKind::Unreachable, "portal.invalid");
}

#[tokio::test]
async fn a_key_never_goes_over_plain_http_to_another_machine() {
    install_tls();
    let key = ApiKey::new("0123456789abcdef").unwrap();
    let made = XmlClient::new(&PORTAL_FEED.replace("https", "http"), &key, xml_limits());
    assert!(matches!(made, Err(ClientError::Address(why)) if why.contains("in the clear")));
}

#[rstest]
#[case::as_it_is(Faults::none())]
#[case::packed(fault(Fault::Gzip))]
#[case::packed_unannounced(fault(Fault::GzipUnannounced))]
#[tokio::test]
async fn the_raw_document_is_handed_over_as_it_came(#[case] faults: Faults) {
    let portal = portal(faults).await;
    let client = xml_client(&portal, FEED, xml_limits());
    let mut raw = Vec::new();
    client.raw(&mut raw).await.unwrap();
    let document = crate::support::healthy().xml_tree_a();
    assert_eq!(raw, document.as_bytes());
    let (collection, kept) = client.look_with_raw(&Look::new(now())).await;
    assert_fine(&collection);
    assert_eq!(kept, document.as_bytes());
}

#[tokio::test]
async fn a_raw_document_that_is_not_whole_is_an_error() {
    for (broken, kind, deadline) in [
        (Fault::Unauthorized, FailureKind::Denied, AMPLE),
        (Fault::CutShort { at: 5_000 }, FailureKind::Malformed, AMPLE),
        (Fault::NeverAnswer, FailureKind::TimedOut, SECOND),
    ] {
        let portal = portal(fault(broken)).await;
        let client = xml_client(&portal, FEED, XmlLimits { deadline, ..xml_limits() });
        match client.raw(&mut Vec::new()).await {
            Err(RawError::Look(failure)) => assert_eq!(failure.kind, kind, "{failure:?}"),
            other => panic!("{other:?}"),
        }
    }
    let endless = Fault::Endless { bytes: None, filler: Filler::OneValue };
    let portal = portal(fault(endless)).await;
    // A quarter of a gigabyte takes a busy machine minutes without optimization.
    let client = xml_client(&portal, FEED, XmlLimits { deadline: Duration::from_hours(1), ..xml_limits() });
    match client.raw(&mut std::io::sink()).await {
        Err(RawError::Look(failure)) => {
            assert!(failure.reason.contains("larger than 256 MiB"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
}
