//! What does a look at the REST API come to, fault by fault?

use std::time::Duration;

use lastgood_core::observation::{Collection, Extent, Failure, FailureKind};
use lastgood_core::verdict::Outcome;
use lastgood_datto::client::{Rate, RestClient, RestLimits};
use lastgood_datto::key::KeyPair;
use lastgood_datto::look::Look;
use lastgood_simulator::{ClosedPort, Fault, Faults, Filler, Fleet, ListShape, Portal, Scope};
use rstest::rstest;

use crate::support::{
    AMPLE, Time, assert_failed, assert_fine, assert_partial, healthy, install_tls, look_rest, now, portal,
    rest_client, rest_limits, with_limit, worst,
};

fn fault(fault: Fault) -> Faults {
    Faults::none().with(Scope::Rest, fault)
}

fn limited(retry_after: Option<&str>) -> Fault {
    Fault::TooManyRequests { retry_after: retry_after.map(str::to_owned) }
}

#[rstest]
#[case::as_it_is(Faults::none())]
#[case::gzip(fault(Fault::Gzip))]
#[case::array(fault(Fault::Shape(ListShape::Array)))]
#[case::envelope(fault(Fault::Shape(ListShape::Envelope)))]
#[case::indexed_object(fault(Fault::Shape(ListShape::IndexedObject)))]
#[case::small_pages(fault(Fault::PageCap(2)))]
#[case::small_pages_without_a_count(fault(Fault::PageCap(2)).with(Scope::Rest, Fault::Shape(ListShape::Array)))]
#[case::limited_once(Faults::none().with_next(1, Scope::Rest, limited(Some("0"))))]
#[case::limited_three_times(Faults::none().with_next(3, Scope::Rest, limited(None)))]
#[case::limited_with_nonsense(Faults::none().with_next(2, Scope::Rest, limited(Some("soon"))))]
#[case::limited_for_an_hour(Faults::none().with_next(2, Scope::Rest, limited(Some("3600"))))]
#[case::busy(Faults::none().with_next(1, Scope::Rest, Fault::BadGateway).with_next(1, Scope::Rest, Fault::Unavailable).with_next(1, Scope::Rest, Fault::GatewayTimeout))]
#[case::a_real_limit(fault(Fault::RateLimit { requests: 5, per: Duration::from_millis(100) }))]
#[case::nothing_left(fault(Fault::LimitHeaders { remaining: 5, resets_at: now() }))]
#[tokio::test]
async fn a_healthy_fleet_is_read_as_one(#[case] faults: Faults) {
    assert_fine(&look_rest(faults, rest_limits()).await);
}

#[rstest]
#[case::wrong_key(Fault::Unauthorized, FailureKind::Denied, "check the key pair")]
#[case::missing_right(Fault::Forbidden, FailureKind::Denied, "allowed to read")]
#[case::not_found(Fault::NotFound, FailureKind::Refused, "nothing at this address")]
#[case::too_often(limited(None), FailureKind::RateLimited, "less often")]
#[case::error_500(Fault::InternalError, FailureKind::Refused, "500")]
#[case::error_502(Fault::BadGateway, FailureKind::Refused, "502")]
#[case::login_page(Fault::LoginPage, FailureKind::Malformed, "login page")]
#[case::redirect(Fault::RedirectToLogin, FailureKind::Refused, "login page")]
#[case::empty(Fault::EmptyBody, FailureKind::Malformed, "empty")]
#[case::error_with_status_200(Fault::ErrorObject, FailureKind::Refused, "The request could not be processed")]
#[case::dtd(Fault::Dtd, FailureKind::Malformed, "web page")]
#[case::cut_short(Fault::CutShort { at: 900 }, FailureKind::Malformed, "look again")]
#[case::cut_cleanly(Fault::CutCleanly { at: 900 }, FailureKind::Malformed, "look again")]
#[case::endless_value(Fault::Endless { bytes: None, filler: Filler::OneValue }, FailureKind::Malformed, "16384 KiB")]
#[case::endless_list(Fault::Endless { bytes: Some(2 << 30), filler: Filler::ManyDevices }, FailureKind::Malformed, "16384 KiB")]
#[tokio::test]
async fn an_answer_that_is_no_list_is_a_failed_look(
    #[case] broken: Fault,
    #[case] kind: FailureKind,
    #[case] words: &str,
) {
    assert_failed(&look_rest(fault(broken), rest_limits()).await, kind, words);
}

#[rstest]
#[case::wrong_key(Fault::Unauthorized, FailureKind::Denied)]
#[case::not_found(Fault::NotFound, FailureKind::Refused)]
#[case::too_often(limited(None), FailureKind::RateLimited)]
#[case::error_500(Fault::InternalError, FailureKind::Refused)]
#[case::login_page(Fault::LoginPage, FailureKind::Malformed)]
#[case::empty(Fault::EmptyBody, FailureKind::Malformed)]
#[case::error_with_status_200(Fault::ErrorObject, FailureKind::Refused)]
#[case::cut_short(Fault::CutShort { at: 100 }, FailureKind::Malformed)]
#[case::endless(Fault::Endless { bytes: None, filler: Filler::OneValue }, FailureKind::Malformed)]
#[tokio::test]
async fn one_failing_device_costs_its_own_assets_alone(#[case] broken: Fault, #[case] kind: FailureKind) {
    let collection = look_with_one_broken(broken, AMPLE).await;
    assert_one_failed(&collection, kind);
}

#[tokio::test]
async fn one_device_that_never_answers_costs_its_own_assets_alone() {
    with_limit(async |limit| {
        let collection = look_with_one_broken(Fault::NeverAnswer, limit).await;
        let is_late = |failure: &Failure| failure.kind == FailureKind::TimedOut;
        if collection.failures.len() > 1 && collection.failures.iter().all(is_late)
            || collection.listing == Extent::Failed
        {
            return Time::TooShort;
        }
        assert_one_failed(&collection, FailureKind::TimedOut);
        Time::Enough
    })
    .await;
}

/// Which device of the healthy fleet fails where one does.
const BROKEN: usize = 3;

async fn look_with_one_broken(fault: Fault, request_timeout: Duration) -> Collection {
    let serial = healthy().devices[BROKEN].serial.clone();
    let limits = RestLimits { request_timeout, ..rest_limits() };
    look_rest(Faults::none().with(Scope::AssetsOf(serial), fault), limits).await
}

#[track_caller]
fn assert_one_failed(collection: &Collection, kind: FailureKind) {
    let fleet = healthy();
    let serial = &fleet.devices[BROKEN].serial;
    assert_partial(collection, kind, "");
    assert_eq!(collection.failures.len(), 1);
    assert_eq!(collection.repositories.len(), fleet.devices.len());
    for (repository, device) in collection.repositories.iter().zip(&fleet.devices) {
        let is_broken = device.serial == *serial;
        assert_eq!(repository.listing, if is_broken { Extent::Failed } else { Extent::Complete });
        assert_eq!(repository.assets.len(), if is_broken { 0 } else { device.assets.len() });
    }
    assert_eq!(collection.failures[0].place.repository.as_ref().unwrap().text(), *serial);
}

#[tokio::test]
async fn more_pages_promised_than_there_are_is_a_partial_list() {
    let collection = look_rest(fault(Fault::ClaimedPages(1_000_000_000)), rest_limits()).await;
    assert_partial(&collection, FailureKind::Malformed, "page 2 of 1000000000 is empty");
}

#[tokio::test]
async fn a_list_with_more_pages_than_are_read_is_partial() {
    let limits = RestLimits { pages_max: 3, ..rest_limits() };
    let faults = Faults::none().with(Scope::Path("/v1/bcdr/device".to_owned()), Fault::PageCap(1));
    let collection = look_rest(faults, limits).await;
    assert_partial(&collection, FailureKind::Malformed, "more than 3 pages");
    assert_eq!(collection.repositories.len(), 3);
}

/// A list of devices that is paged, and has moved whenever its second page is read.
fn moving_devices() -> Faults {
    let devices = || Scope::Path("/v1/bcdr/device".to_owned());
    Faults::none().with(devices(), Fault::PageCap(5)).with(devices(), Fault::ListMoves(2))
}

#[tokio::test]
async fn a_device_that_stands_on_two_pages_means_that_another_one_was_not_seen() {
    let portal = portal(moving_devices()).await;
    let collection = rest_client(&portal, rest_limits()).look(&Look::new_rest(now())).await;
    assert_partial(&collection, FailureKind::Malformed, "repeats 2 of its 12 entries");
    assert_eq!(collection.listing, Extent::Partial);
    assert_eq!(collection.repositories.len(), 10);
    let lists = portal.requests().into_iter().filter(|request| request.path == "/v1/bcdr/device");
    assert_eq!(lists.count(), 3 * 3);
}

#[tokio::test]
async fn a_list_that_moved_is_read_again_and_then_all_of_it_was_seen() {
    for pages_that_move in [3, 6] {
        let devices = || Scope::Path("/v1/bcdr/device".to_owned());
        let faults = Faults::none().with(devices(), Fault::PageCap(5));
        let faults = faults.with_next(pages_that_move, devices(), Fault::ListMoves(1));
        assert_fine(&look_rest(faults, rest_limits()).await);
    }
}

#[tokio::test]
async fn a_list_that_moved_and_cannot_be_read_again_stands_as_a_partial_one() {
    let limit = Fault::RateLimit { requests: 3, per: Duration::from_hours(1) };
    let limits = RestLimits { retries: 0, ..rest_limits() };
    let collection = look_rest(moving_devices().with(Scope::Rest, limit), limits).await;
    assert_partial(&collection, FailureKind::Malformed, "repeats 2 of its 12 entries");
    assert_eq!(collection.repositories.len(), 10);
}

#[tokio::test]
async fn a_last_page_that_repeats_the_one_before_is_no_end_of_the_list() {
    let devices = || Scope::Path("/v1/bcdr/device".to_owned());
    let faults = Faults::none().with(devices(), Fault::PageCap(6)).with(devices(), Fault::ListMoves(6));
    let collection = look_rest(faults.clone().with(devices(), Fault::Uncounted), rest_limits()).await;
    assert_partial(&collection, FailureKind::Malformed, "page 2 of 2 repeats the page before");
    assert_eq!((collection.listing, collection.repositories.len()), (Extent::Partial, 6));
    let counted = look_rest(faults, rest_limits()).await;
    assert_partial(&counted, FailureKind::Malformed, "it has 12 entries, and 6 came");
}

#[tokio::test]
async fn an_empty_last_page_costs_nothing_where_all_that_was_counted_came() {
    let devices = || Scope::Path("/v1/bcdr/device".to_owned());
    let faults = Faults::none().with(devices(), Fault::PageCap(12)).with(devices(), Fault::ClaimedPages(2));
    let assets = |faults: Faults| {
        let serials = healthy().devices.into_iter().map(|device| device.serial);
        serials.fold(faults, |faults, serial| faults.with(Scope::AssetsOf(serial), Fault::ClaimedPages(1)))
    };
    assert_fine(&look_rest(assets(faults.clone()), rest_limits()).await);
    let uncounted = look_rest(assets(faults.with(devices(), Fault::Uncounted)), rest_limits()).await;
    assert_partial(&uncounted, FailureKind::Malformed, "page 2 of 2 is empty");
}

#[rstest]
#[case::envelope(ListShape::Envelope)]
#[case::array(ListShape::Array)]
#[case::indexed_object(ListShape::IndexedObject)]
#[tokio::test]
async fn an_asset_that_stands_on_two_pages_means_that_another_one_was_not_seen(#[case] shape: ListShape) {
    let fleet = healthy();
    let device = fleet.devices.iter().find(|device| device.assets.len() == 3).unwrap();
    let assets = || Scope::AssetsOf(device.serial.clone());
    let faults = Faults::none().with(assets(), Fault::PageCap(2)).with(assets(), Fault::Shape(shape));
    let collection = look_rest(faults.clone().with(assets(), Fault::ListMoves(1)), rest_limits()).await;
    assert_partial(&collection, FailureKind::Malformed, "repeats 1 of its 3 entries");
    assert_eq!((collection.listing, collection.failures.len()), (Extent::Complete, 1));
    assert_eq!(collection.failures[0].place.repository.as_ref().unwrap().text(), device.serial);
    for repository in &collection.repositories {
        let is_moving = repository.key.text() == device.serial;
        assert_eq!(repository.listing, if is_moving { Extent::Partial } else { Extent::Complete });
        assert!(!is_moving || repository.assets.len() == 2);
    }
    assert_fine(&look_rest(faults.with_next(2, assets(), Fault::ListMoves(1)), rest_limits()).await);
}

#[tokio::test]
async fn a_large_fleet_is_paged_and_asked_at_a_bounded_pace() {
    let fleet = Fleet::seeded(3, 250, 1, now());
    let portal = Portal::start(fleet.clone(), Faults::none()).await.unwrap();
    let client = rest_client(&portal, rest_limits());
    let collection = client.look(&Look::new_rest(now())).await;
    assert_eq!(collection.failures, []);
    assert_eq!(collection.repositories.len(), 250);
    assert!(portal.highest_concurrency() <= 4, "{}", portal.highest_concurrency());
    let lists = portal.requests().into_iter().filter(|request| request.path == "/v1/bcdr/device");
    let queries: Vec<String> = lists.map(|request| request.query).collect();
    let query = |page| format!("showHiddenDevices=1&showChildResellerDevices=1&_page={page}&_perPage=100");
    assert_eq!(queries, [query(1), query(2), query(3)]);
    let hidden = fleet.devices.iter().find(|device| device.is_hidden).unwrap();
    let path = format!("/v1/bcdr/device/{}/asset", hidden.serial);
    assert_eq!(portal.request_count_below(&path), 1);
    assert_eq!(portal.request_count(), 3 + 250);
}

#[tokio::test]
async fn the_rate_is_kept() {
    with_limit(async |deadline| {
        let portal = portal(Faults::none()).await;
        let rate = Rate { requests: 5, per: 2 * deadline };
        let limits = RestLimits { rate, deadline, ..rest_limits() };
        let collection = rest_client(&portal, limits).look(&Look::new_rest(now())).await;
        let read = collection.repositories.iter().filter(|repository| repository.listing == Extent::Complete);
        let read = read.count();
        assert!(portal.request_count() <= 5 && read <= 4, "{} requests", portal.request_count());
        if read < 4 {
            return Time::TooShort;
        }
        let words = format!("its assets were not read within {} s", deadline.as_secs());
        assert_partial(&collection, FailureKind::TimedOut, &words);
        Time::Enough
    })
    .await;
}

#[tokio::test]
async fn a_refused_request_is_sent_again_three_times_and_no_more() {
    let portal = portal(fault(Fault::Unavailable)).await;
    rest_client(&portal, rest_limits()).look(&Look::new_rest(now())).await;
    assert_eq!(portal.request_count(), 4);
    portal.forget_requests();
    portal.replace_faults(fault(Fault::Unauthorized));
    rest_client(&portal, rest_limits()).look(&Look::new_rest(now())).await;
    assert_eq!(portal.request_count(), 1);
}

#[tokio::test]
async fn a_portal_that_never_answers_is_left_at_the_deadline() {
    for limits in [
        RestLimits { deadline: Duration::from_millis(300), ..rest_limits() },
        RestLimits { request_timeout: Duration::from_millis(300), ..rest_limits() },
    ] {
        let look = look_rest(fault(Fault::NeverAnswer), limits);
        let collection = tokio::time::timeout(AMPLE / 2, look).await.unwrap();
        assert_failed(&collection, FailureKind::TimedOut, "within 0.3 s");
    }
}

#[tokio::test]
async fn no_wait_goes_beyond_the_deadline() {
    for retry_after in [None, Some("3600")] {
        with_limit(async |deadline| {
            let wait = Duration::from_hours(1);
            let limits = RestLimits { deadline, wait_max: wait, backoff: wait, ..rest_limits() };
            let look = look_rest(fault(limited(retry_after)), limits);
            let collection = tokio::time::timeout(AMPLE, look).await.unwrap();
            if collection.failures[0].kind == FailureKind::TimedOut {
                return Time::TooShort;
            }
            assert_failed(&collection, FailureKind::RateLimited, "the list of devices was not read");
            Time::Enough
        })
        .await;
    }
}

#[tokio::test]
async fn all_answers_together_are_bounded() {
    let limits = RestLimits { look_max_bytes: 20_000, ..rest_limits() };
    let collection = look_rest(Faults::none(), limits).await;
    assert_ne!(worst(&collection), Outcome::Ok);
    assert!(collection.failures.iter().any(|failure| failure.reason.contains("all answers of this look")));
}

#[tokio::test]
async fn dates_in_the_year_9999_are_unknown() {
    assert_eq!(worst(&look_rest(fault(Fault::Year9999), rest_limits()).await), Outcome::Unknown);
}

#[tokio::test]
async fn wrong_keys_are_denied_and_nobody_there_is_unreachable() {
    install_tls();
    let portal = portal(Faults::none()).await;
    let keys = KeyPair::new("someone", "wrong-secret").unwrap();
    let client = RestClient::new(&portal.rest_url(), &keys, rest_limits()).unwrap();
    assert_failed(&client.look(&Look::new_rest(now())).await, FailureKind::Denied, "check the key pair");
    let closed = ClosedPort::reserve().unwrap();
    let client = RestClient::new(&closed.url(), &keys, rest_limits()).unwrap();
    assert_failed(&client.look(&Look::new_rest(now())).await, FailureKind::Unreachable, "cannot be reached");
}
