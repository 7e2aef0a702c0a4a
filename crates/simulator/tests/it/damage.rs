//! Does every fault on the bytes of an answer do what its name says?

use std::io::Read as _;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_simulator::{Fault, Faults, Filler, Scope};
use reqwest::Response;

use crate::support::{client, get, portal, rest, small_fleet, until};

/// Reads until the end or the first error, and says whether there was one.
async fn read(mut answer: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) => bytes.extend(piece),
            Ok(None) => return (bytes, false),
            Err(_) => return (bytes, true),
        }
    }
}

#[tokio::test]
async fn a_body_cut_short_breaks_the_promise_of_its_length() {
    let portal = portal(Faults::none().with(Scope::Feeds, Fault::CutShort { at: 1000 })).await;
    let whole = small_fleet().xml_tree_a();
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.content_length(), Some(whole.len() as u64));
    let (bytes, is_broken) = read(answer).await;
    assert!(is_broken);
    assert_eq!(bytes, whole.as_bytes()[..1000]);
}

#[tokio::test]
async fn a_body_cut_cleanly_looks_complete_to_http() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::CutCleanly { at: 1000 })).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.content_length(), Some(1000));
    let (bytes, is_broken) = read(answer).await;
    assert!(!is_broken);
    assert_eq!(bytes, small_fleet().xml_tree_a().as_bytes()[..1000]);
    let list = rest(&portal, "/bcdr/device").await.bytes().await.unwrap();
    assert_eq!(list.len(), 1000);
}

#[tokio::test]
async fn a_cut_beyond_the_end_leaves_the_body_whole() {
    let faults = Faults::none().with_next(1, Scope::Feeds, Fault::CutShort { at: usize::MAX }).with_next(
        1,
        Scope::Feeds,
        Fault::CutCleanly { at: usize::MAX },
    );
    let portal = portal(faults).await;
    let (bytes, is_broken) = read(get(&portal.xml_url()).await).await;
    assert!(!is_broken);
    assert_eq!(bytes, small_fleet().xml_tree_a().as_bytes());
}

#[tokio::test]
async fn a_dripping_body_is_whole_in_the_end_and_late() {
    let whole = small_fleet().xml_tree_a();
    let fault = Fault::Drip { bytes: whole.len().div_ceil(4), pause: Duration::from_millis(100) };
    let portal = portal(Faults::none().with(Scope::Feeds, fault)).await;
    // Counted from the head of the answer on, where three pauses at least lie ahead.
    let early = get(&portal.xml_url()).await;
    assert!(tokio::time::timeout(Duration::from_millis(250), early.bytes()).await.is_err());
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.content_length(), Some(whole.len() as u64));
    assert_eq!(answer.text().await.unwrap(), whole);
}

#[tokio::test]
async fn gzip_is_announced_or_not() {
    for (fault, is_announced) in [(Fault::Gzip, true), (Fault::GzipUnannounced, false)] {
        let portal = portal(Faults::none().with(Scope::Feeds, fault)).await;
        let answer = get(&portal.xml_url()).await;
        assert_eq!(answer.headers().contains_key("content-encoding"), is_announced);
        let bytes = answer.bytes().await.unwrap();
        let mut document = String::new();
        flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut document).unwrap();
        assert_eq!(document, small_fleet().xml_tree_a());
    }
}

#[tokio::test]
async fn damage_adds_up_in_the_order_given() {
    let faults = Faults::none()
        .with(Scope::Feeds, Fault::LoginPage)
        .with(Scope::Feeds, Fault::Gzip)
        .with(Scope::Feeds, Fault::CutCleanly { at: 20 });
    let portal = portal(faults).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!((bytes.len(), &bytes[..2]), (20, &[0x1f, 0x8b][..]));
}

#[tokio::test]
async fn an_endless_body_ends_where_asked_and_else_never() {
    let length = 3_000_001;
    for filler in [Filler::OneValue, Filler::ManyDevices] {
        let fault = Fault::Endless { bytes: Some(length), filler };
        let limited = portal(Faults::none().with(Scope::Everything, fault)).await;
        let answer = get(&limited.xml_url()).await;
        assert_eq!(answer.content_length(), None);
        let (bytes, is_broken) = read(answer).await;
        assert!(!is_broken);
        assert_eq!(bytes.len() as u64, length);
        assert!(bytes.starts_with(b"<?xml"));
        assert!(rest(&limited, "/bcdr/device").await.bytes().await.unwrap().starts_with(b"{"));
    }
    let fault = Fault::Endless { bytes: None, filler: Filler::ManyDevices };
    let unlimited = portal(Faults::none().with(Scope::Feeds, fault)).await;
    let mut answer = get(&unlimited.xml_url()).await;
    let mut length = 0;
    while length < 100_000_000 {
        length += answer.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn limit_headers_count_down_and_say_when_they_start_anew() {
    let resets_at: Timestamp = "2026-07-01T16:01:00Z".parse().unwrap();
    let portal =
        portal(Faults::none().with(Scope::Rest, Fault::LimitHeaders { remaining: 9, resets_at })).await;
    for remaining in ["9", "8"] {
        let answer = rest(&portal, "/bcdr/device").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-api-limit-remaining"], remaining);
        assert_eq!(answer.headers()["x-api-limit-resets"], resets_at.as_second().to_string().as_str());
        assert_eq!(answer.headers()["x-api-limit-cost"], "1");
    }
    assert!(!get(&portal.xml_url()).await.headers().contains_key("x-api-limit-remaining"));
}

#[tokio::test]
async fn the_highest_concurrency_is_what_the_client_had_open() {
    let portal = portal(Faults::none().with_next(5, Scope::Feeds, Fault::NeverAnswer)).await;
    let asks: Vec<_> = (0..5).map(|_| tokio::spawn(client().get(portal.xml_url()).send())).collect();
    until(|| portal.in_flight() == 5).await;
    assert_eq!(portal.highest_concurrency(), 5);
    asks.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| portal.in_flight() == 0).await;
    portal.forget_requests();
    for _ in 0..3 {
        get(&portal.xml_url()).await.bytes().await.unwrap();
    }
    assert_eq!(portal.highest_concurrency(), 1);
}
