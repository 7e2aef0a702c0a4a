//! Does every fault that stands in place of an answer give what its name says?

use std::time::Duration;

use lastgood_simulator::{Fault, Faults, Filler, Portal, Scope};

use crate::support::{client, get, json, portal, rest, small_fleet, until};

#[tokio::test]
async fn refusals_have_their_status_on_both_interfaces() {
    let table = [
        (Fault::Unauthorized, 401),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::InternalError, 500),
        (Fault::BadGateway, 502),
        (Fault::Unavailable, 503),
        (Fault::GatewayTimeout, 504),
    ];
    for (fault, status) in table {
        let portal = portal(Faults::none().with(Scope::Everything, fault)).await;
        assert_eq!(get(&portal.xml_url()).await.status(), status);
        let answer = rest(&portal, "/bcdr/device").await;
        assert_eq!(answer.status(), status);
        assert!(json(answer).await["code"].is_string());
    }
}

#[tokio::test]
async fn the_next_two_are_refused_with_retry_after_and_the_third_is_answered() {
    let fault = Fault::TooManyRequests { retry_after: Some("7".into()) };
    let portal = portal(Faults::none().with_next(2, Scope::Rest, fault)).await;
    assert_eq!(get(&portal.xml_url()).await.status(), 200);
    for _ in 0..2 {
        let answer = rest(&portal, "/bcdr/device").await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "7");
    }
    assert_eq!(rest(&portal, "/bcdr/device").await.status(), 200);
}

#[tokio::test]
async fn a_429_can_come_without_retry_after() {
    let fault = Fault::TooManyRequests { retry_after: None };
    let portal = portal(Faults::none().with_next(1, Scope::Everything, fault)).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.status(), 429);
    assert!(!answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_rate_limit_refuses_what_exceeds_it_and_says_for_how_long() {
    let fault = Fault::RateLimit { requests: 2, per: Duration::from_hours(1) };
    let portal = portal(Faults::none().with(Scope::Rest, fault)).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(rest(&portal, "/bcdr/device").await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(rest(&portal, "/bcdr/device").await.headers()["retry-after"], "3600");
    assert_eq!(get(&portal.xml_url()).await.status(), 200);
}

#[tokio::test]
async fn a_login_page_is_html_with_200() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::LoginPage)).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.text().await.unwrap().contains("password"));
}

#[tokio::test]
async fn a_redirect_leads_to_a_login_page_and_not_in_a_circle() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::RedirectToLogin)).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let page = get(&format!("{}{location}", portal.url())).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Log in"));
}

#[tokio::test]
async fn an_empty_body_is_a_success_of_no_length() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::EmptyBody)).await;
    let answer = get(&portal.xml_url()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.content_length(), Some(0));
    assert!(answer.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_error_object_calls_itself_a_success() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::ErrorObject)).await;
    let answer = rest(&portal, "/bcdr/device").await;
    assert_eq!(answer.status(), 200);
    let body = json(answer).await;
    assert!(body["code"].is_string() && body["message"].is_string() && body.get("items").is_none());
    let document = get(&portal.xml_url()).await.text().await.unwrap();
    assert!(document.contains("<Error>") && !document.contains("<Device"));
}

#[tokio::test]
async fn a_dtd_names_outer_entities_that_nobody_may_ask_for() {
    let portal = portal(Faults::none().with(Scope::Feeds, Fault::Dtd)).await;
    let document = get(&portal.xml_url()).await.text().await.unwrap();
    assert!(document.contains("<!DOCTYPE") && document.contains("file:///"));
    assert!(document.contains(Portal::OUTER_ENTITY_PATH));
    assert_eq!(portal.request_count_below(Portal::OUTER_ENTITY_PATH), 0);
}

#[tokio::test]
async fn nested_entities_are_small_and_unfold_beyond_measure() {
    let portal = portal(Faults::none().with(Scope::Feeds, Fault::NestedEntities)).await;
    let document = get(&portal.xml_url()).await.text().await.unwrap();
    assert!(document.len() < 2000, "{}", document.len());
    assert_eq!(document.matches("<!ENTITY").count(), 10);
    assert!(document.contains(&"&e8;".repeat(10)));
}

#[tokio::test]
async fn one_device_fails_while_the_others_work() {
    let fleet = small_fleet();
    let broken = &fleet.devices[4].serial;
    let portal = portal(Faults::none().with(Scope::AssetsOf(broken.clone()), Fault::InternalError)).await;
    for device in &fleet.devices {
        let status = rest(&portal, &format!("/bcdr/device/{}/asset?_page=1", device.serial)).await.status();
        assert_eq!(status == 500, device.serial == *broken, "{}", device.serial);
        assert!(status == 500 || status == 200);
    }
    assert_eq!(rest(&portal, &format!("/bcdr/device/{broken}")).await.status(), 200);
    assert_eq!(rest(&portal, "/bcdr/device").await.status(), 200);
}

#[tokio::test]
async fn no_answer_ever_comes_and_the_request_runs_until_the_client_leaves() {
    let portal = portal(Faults::none().with(Scope::Feeds, Fault::NeverAnswer)).await;
    let error = client().get(portal.xml_url()).timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout());
    until(|| portal.in_flight() == 0).await;
}

#[tokio::test]
async fn a_portal_that_never_answers_can_still_be_stopped() {
    let portal = portal(Faults::none().with(Scope::Feeds, Fault::NeverAnswer)).await;
    let ask = tokio::spawn(client().get(portal.xml_url()).send());
    until(|| portal.in_flight() == 1).await;
    tokio::time::timeout(Duration::from_mins(1), portal.stop()).await.unwrap().unwrap();
    ask.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_endless_answer_ends_with_its_portal() {
    let fault = Fault::Endless { bytes: None, filler: Filler::OneValue };
    let portal = portal(Faults::none().with(Scope::Feeds, fault)).await;
    let mut answer = get(&portal.xml_url()).await;
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = answer.chunk().await {} });
    portal.stop().await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), reading).await.unwrap().unwrap();
}

#[tokio::test]
async fn faults_can_be_replaced_while_the_portal_runs() {
    let portal = portal(Faults::none().with(Scope::Everything, Fault::Unavailable)).await;
    assert_eq!(get(&portal.xml_url()).await.status(), 503);
    portal.replace_faults(Faults::none());
    assert_eq!(get(&portal.xml_url()).await.status(), 200);
}
