//! What is kept of what a client sends?

use lastgood_simulator::grafolean::{Backend, Faults, Keep};

use crate::support::{ACCOUNT, SYSTEMWIDE_TOKEN, TOKEN, get, request, small_world, told, values};

#[tokio::test]
async fn a_post_has_the_time_of_the_server_and_a_put_its_own() {
    let world = small_world();
    world.set_clock(|| 1_700_000_000.25);
    let backend = Backend::start(world, Faults::none()).unwrap();
    let url = backend.url();
    let posted = told(values(&url, "POST", r#"[{"p":"a","v":1.50},{"p":"b","v":"7"}]"#)).await;
    let put = told(values(&url, "PUT", r#"[{"p":"a","v":2,"t":1600000000.5}]"#)).await;
    assert_eq!([posted.0, put.0], [204, 204]);
    let stored = backend.world().values(ACCOUNT);
    let seen: Vec<_> =
        stored.iter().map(|value| (value.path.as_str(), value.raw.as_str(), value.t, value.by)).collect();
    assert_eq!(
        seen,
        [
            ("a", "1.50", 1_700_000_000.25, "POST"),
            ("b", "7", 1_700_000_000.25, "POST"),
            ("a", "2", 1_600_000_000.5, "PUT"),
        ]
    );
}

#[tokio::test]
async fn a_put_of_the_same_path_and_instant_replaces_and_a_second_post_adds() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    for value in ["1", "2"] {
        let put = format!(r#"[{{"p":"put","v":{value},"t":1600000000}}]"#);
        assert_eq!(told(values(&backend.url(), "PUT", &put)).await.0, 204);
        let post = format!(r#"[{{"p":"post","v":{value}}}]"#);
        assert_eq!(told(values(&backend.url(), "POST", &post)).await.0, 204);
    }
    let stored = backend.world().values(ACCOUNT);
    let seen: Vec<_> = stored.iter().map(|value| (value.path.as_str(), value.raw.as_str())).collect();
    assert_eq!(seen, [("post", "1"), ("put", "2"), ("post", "2")]);
    assert_eq!(backend.world().value_count(), 4);
}

#[tokio::test]
async fn a_value_that_is_no_finite_number_is_taken_and_poisons_its_path() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let body = r#"[{"p":"c","v":NaN},{"p":"a","v":Infinity},{"p":"b","v":1}]"#;
    assert_eq!(told(values(&backend.url(), "POST", body)).await.0, 204);
    assert_eq!(backend.world().poisoned_paths(ACCOUNT), ["a", "c"]);
}

#[tokio::test]
async fn a_refusal_guesses_at_the_content_type_where_it_is_not_exactly_json() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let path = format!("/accounts/{ACCOUNT}/values");
    let plain = "Input validation failed: Invalid PathInputValue format: a b";
    let hinted = format!("{plain} - maybe Content-Type header was not set to application/json?");
    for (content_type, expected) in [
        ("application/json", plain),
        ("application/json; charset=utf-8", hinted.as_str()),
        ("text/plain", &hinted),
    ] {
        let request = request(&backend.url(), "POST", &path, TOKEN).body(r#"[{"p":"a b","v":1}]"#);
        let told = told(request.header("content-type", content_type)).await;
        assert_eq!(told, (400, expected.to_owned()), "{content_type}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_takes_no_values() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let race = (400, r#"{"detail":"Invalid input format"}"#.to_owned());
    let crash = (500, "Internal Server Error".to_owned());
    for (path, body, expected) in [
        ("/accounts/6/values", r#"[{"p":"a","v":1}]"#, race.clone()),
        ("/accounts/6/values", r#"[{"p":"a b","v":1}]"#, race),
        ("/accounts/6/values", r#"[{"p":"a"}]"#, crash.clone()),
        ("/accounts/99999999999/values", r#"[{"p":"a","v":1}]"#, crash),
    ] {
        let request = request(&backend.url(), "POST", path, SYSTEMWIDE_TOKEN).body(body);
        assert_eq!(told(request).await, expected, "{path} {body}");
    }
    let no_integer = request(&backend.url(), "POST", "/accounts/abc/values", SYSTEMWIDE_TOKEN).body("[]");
    let (status, body) = told(no_integer).await;
    assert!(status == 422 && body.contains(r#"["path","account_id"]"#), "{status} {body}");
    assert!(backend.world().values(6).is_empty());
}

#[tokio::test]
async fn every_request_is_recorded_with_what_a_client_must_not_send() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let url = backend.url();
    let with_login = request(&url, "GET", "/profile", TOKEN).basic_auth("user", Some("password"));
    assert_eq!(told(with_login).await.0, 401);
    assert_eq!(told(values(&url, "POST", r#"[{"p":"a","v":1}]"#)).await.0, 204);
    let requests = backend.world().requests();
    let [login, sent] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((login.method.as_str(), login.path.as_str()), ("GET", "/api/profile"));
    assert_eq!(login.query, format!("b={TOKEN}"));
    assert_eq!([login.has_authorization, sent.has_authorization], [true, false]);
    assert_eq!(sent.token.as_deref(), Some(TOKEN));
    assert_eq!(sent.content_type.as_deref(), Some("application/json"));
    assert_eq!((sent.body_bytes, login.body_bytes), (17, 0));
    let world = backend.world();
    assert_eq!([world.requests_count("/api/accounts"), world.requests_count("/api/nosuch")], [1, 0]);
    world.clear();
    assert_eq!((world.request_count(), world.value_count(), world.requests().len()), (0, 0, 0));
    assert!(world.values(ACCOUNT).is_empty());
}

#[tokio::test]
async fn where_only_counts_are_kept_nothing_else_is() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let world = backend.world();
    world.keep(Keep::Counts);
    assert_eq!(told(values(&backend.url(), "POST", r#"[{"p":"a","v":1},{"p":"b","v":1}]"#)).await.0, 204);
    assert_eq!(get(&backend.url(), "/profile").await.0, 200);
    assert_eq!((world.request_count(), world.value_count()), (2, 2));
    assert!(world.requests().is_empty() && world.values(ACCOUNT).is_empty());
}
