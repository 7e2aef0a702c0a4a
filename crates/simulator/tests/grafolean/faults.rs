//! Is every fault met as it says, and are values stored exactly where it says so?

use std::time::Duration;

use lastgood_simulator::grafolean::{Backend, Fault, Faults, Reply, Scope};

use crate::support::{ACCOUNT, TOKEN, get, request, see, small_world, told, until, values};

const ONE: &str = r#"[{"p":"a","v":1}]"#;

/// A backend at which sending values meets this fault, and nothing else does.
fn backend(fault: Fault) -> Backend {
    let scope = Scope::path("/accounts/*/values").method("POST");
    Backend::start(small_world(), Faults::none().with(scope, fault)).unwrap()
}

#[tokio::test]
async fn an_answer_instead_stores_nothing_and_spares_other_requests() {
    for (fault, status, body) in [
        (Fault::internal_error(), 500, "Internal Server Error"),
        (Fault::race(), 400, r#"{"detail":"Invalid input format"}"#),
        (Fault::unauthorized(), 401, "Access denied"),
        (Fault::forbidden(), 403, "Access to resource denied, insufficient permissions"),
    ] {
        let backend = backend(fault);
        assert_eq!(told(values(&backend.url(), "POST", ONE)).await, (status, body.to_owned()));
        assert!(backend.world().values(ACCOUNT).is_empty(), "{status}");
        assert_eq!(get(&backend.url(), "/profile").await.0, 200);
    }
}

#[tokio::test]
async fn a_proxy_answers_in_html() {
    for (fault, status, retry_after) in [
        (Fault::too_many_requests(Some("7")), 429, Some("7")),
        (Fault::too_many_requests(None), 429, None),
        (Fault::bad_gateway(), 502, None),
        (Fault::html(), 200, None),
    ] {
        let response = values(&backend(fault).url(), "POST", ONE).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "text/html");
        assert_eq!(response.headers().get("retry-after").map(|value| value.to_str().unwrap()), retry_after);
        assert!(response.text().await.unwrap().starts_with("<html>"));
    }
}

#[tokio::test]
async fn a_connection_may_end_without_an_answer_before_or_after_values_are_stored() {
    for (fault, stored_count) in [(Fault::Drop, 0), (Fault::DropAfter, 1)] {
        let backend = backend(fault);
        let failure = values(&backend.url(), "POST", ONE).send().await.unwrap_err();
        assert!(!failure.is_connect() && !failure.is_timeout(), "{failure:?}");
        assert_eq!(backend.world().values(ACCOUNT).len(), stored_count);
    }
}

#[tokio::test]
async fn a_hanging_backend_never_answers_and_notices_that_the_client_left() {
    for (fault, stored_count) in [(Fault::Hang, 0), (Fault::HangAfter, 1)] {
        let backend = backend(fault);
        let sending = tokio::spawn(values(&backend.url(), "POST", ONE).send());
        until(|| backend.world().in_flight() == 1 && backend.world().values(ACCOUNT).len() == stored_count)
            .await;
        assert!(!sending.is_finished());
        sending.abort();
        until(|| backend.world().in_flight() == 0).await;
        assert_eq!(backend.world().values(ACCOUNT).len(), stored_count);
    }
}

#[tokio::test]
async fn another_answer_may_come_though_values_were_stored() {
    let backend = backend(Fault::AnswerAfter(Reply::crash()));
    assert_eq!(told(values(&backend.url(), "POST", ONE)).await.0, 500);
    assert_eq!(backend.world().values(ACCOUNT).len(), 1);
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_the_proxy_is_refused() {
    for (limit, status, stored_count) in [(ONE.len(), 204, 1), (ONE.len() - 1, 413, 0)] {
        let backend = backend(Fault::BodyLimit(limit));
        assert_eq!(told(values(&backend.url(), "POST", ONE)).await.0, status);
        assert_eq!(backend.world().values(ACCOUNT).len(), stored_count);
    }
}

#[tokio::test]
async fn lists_can_be_refused_where_single_ones_are_answered() {
    let faults = Faults::none().with(Scope::path("/accounts/*/credentials"), Fault::forbidden());
    let backend = Backend::start(small_world(), faults).unwrap();
    assert_eq!(get(&backend.url(), &format!("/accounts/{ACCOUNT}/credentials/")).await.0, 403);
    assert_eq!(see(&backend.url(), "credentials/9001").await["id"], 9001);
}

#[tokio::test]
async fn a_cut_body_announces_its_length_or_the_whole() {
    let path = format!("/accounts/{ACCOUNT}/entities");
    let cleanly = Faults::none().with(Scope::path(&path), Fault::CutCleanly(20));
    let backend = Backend::start(small_world(), cleanly).unwrap();
    let (status, body) = get(&backend.url(), &path).await;
    assert_eq!((status, body.len()), (200, 20));
    backend.replace_faults(Faults::none().with(Scope::path(&path), Fault::CutShort(20)));
    let response = request(&backend.url(), "GET", &path, TOKEN).send().await.unwrap();
    assert!(response.content_length().unwrap() > 20);
    assert!(response.bytes().await.is_err());
    backend.replace_faults(Faults::none().with(Scope::path(&path), Fault::CutShort(100_000)));
    assert_eq!(see(&backend.url(), "entities").await["list"][0]["id"], 5001);
    backend.replace_faults(Faults::none().with(Scope::path(&path), Fault::garbage()));
    let (_, body) = get(&backend.url(), &path).await;
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_err());
}

#[tokio::test]
async fn a_huge_body_is_valid_and_an_endless_one_ends_with_the_client() {
    let faults = Faults::none()
        .with(Scope::path("/accounts/*/entities"), Fault::HugeBody(1_000_000))
        .with(Scope::path("/accounts/*/sensors"), Fault::EndlessBody);
    let backend = Backend::start(small_world(), faults).unwrap();
    let (_, body) = get(&backend.url(), &format!("/accounts/{ACCOUNT}/entities")).await;
    assert!((900_000..1_100_000).contains(&body.len()), "{}", body.len());
    assert!(
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["list"].as_array().unwrap().len() > 1000
    );
    let path = format!("/accounts/{ACCOUNT}/sensors");
    let mut endless = request(&backend.url(), "GET", &path, TOKEN).send().await.unwrap();
    let mut bytes = 0;
    while bytes < 10_000_000 {
        bytes += endless.chunk().await.unwrap().expect("no end").len();
    }
}

#[tokio::test]
async fn a_fault_for_the_second_request_is_met_by_that_alone() {
    let faults = Faults::none().with_nth(2, Scope::path("/profile"), Fault::internal_error());
    let backend = Backend::start(small_world(), faults).unwrap();
    let mut statuses = Vec::new();
    for path in ["/profile", "/accounts", "/profile", "/profile"] {
        statuses.push(get(&backend.url(), path).await.0);
    }
    assert_eq!(statuses, [200, 200, 500, 200]);
}

#[tokio::test]
async fn latency_adds_up_with_another_fault_and_holds_up_no_other_request() {
    let late = Duration::from_hours(1);
    let slow = Scope::path("/profile");
    let faults = Faults::none().with(slow.clone(), Fault::Latency(late)).with(slow, Fault::internal_error());
    let backend = Backend::start(small_world(), faults).unwrap();
    let sending = tokio::spawn(request(&backend.url(), "GET", "/profile", TOKEN).send());
    until(|| backend.world().in_flight() == 1).await;
    assert_eq!(get(&backend.url(), "/accounts").await.0, 200);
    assert!(!sending.is_finished());
    assert_eq!(backend.world().highest_concurrency(), 2);
    backend.replace_faults(
        Faults::none().with(Scope::path("/profile"), Fault::Latency(Duration::from_millis(1))),
    );
    assert_eq!(get(&backend.url(), "/profile").await.0, 200);
    sending.abort();
}
