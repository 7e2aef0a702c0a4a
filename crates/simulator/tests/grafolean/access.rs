//! Who may see what, and how are paths read?

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lastgood_simulator::grafolean::{Backend, Bot, Faults, Migration, Permission};

use crate::support::{
    ACCOUNT, BOT, ENTITY, SENSOR, SYSTEMWIDE, SYSTEMWIDE_TOKEN, TOKEN, get, request, small_world, told,
};

const REFUSED: &str = "Access to resource denied, insufficient permissions";

#[tokio::test]
async fn a_systemwide_bot_sees_every_account_and_learns_what_there_is_not() {
    let world = small_world();
    world.put_account(5, "other");
    let backend = Backend::start(world, Faults::none()).unwrap();
    let see = async |path: &str| told(request(&backend.url(), "GET", path, SYSTEMWIDE_TOKEN)).await;
    let accounts = format!(r#"{{"list":[{{"id":5,"name":"other"}},{{"id":{ACCOUNT},"name":"seed-2"}}]}}"#);
    let table = [
        ("/accounts", 200, accounts.as_str()),
        ("/accounts/5", 200, r#"{"id":5,"name":"other"}"#),
        ("/accounts/6", 404, r#"{"detail":"No such account"}"#),
        ("/accounts/6/entities/", 200, r#"{"list":[]}"#),
        ("/accounts/6/entities/1", 404, r#"{"detail":"No such entity"}"#),
        ("/accounts/5/sensors/2000000000", 404, r#"{"detail":"No such sensor"}"#),
        ("/accounts/99999999999/sensors", 500, "Internal Server Error"),
        ("/accounts/5/nosuch", 404, r#"{"detail":"Not Found"}"#),
        ("/nosuch", 403, REFUSED),
    ];
    for (path, status, body) in table {
        assert_eq!(see(path).await, (status, body.to_owned()), "{path}");
    }
    let wrong_method = told(request(&backend.url(), "PATCH", "/accounts/5/sensors", SYSTEMWIDE_TOKEN)).await;
    assert_eq!(wrong_method, (405, r#"{"detail":"Method Not Allowed"}"#.to_owned()));
}

#[tokio::test]
async fn an_account_of_which_only_values_may_be_sent_is_listed_and_refuses_its_entities() {
    let world = small_world();
    world.put_account(12, "twelve");
    world.put_account(123, "not named");
    let bot = Bot::of_account(BOT, TOKEN, "myprotocol", ACCOUNT);
    let more = Permission::new(1, Some("accounts/12/values"), Some(&["POST"]));
    world.set_permissions(BOT, &[bot.permissions, vec![more]].concat());
    let backend = Backend::start(world, Faults::none()).unwrap();
    let accounts = format!(r#"{{"list":[{{"id":12,"name":"twelve"}},{{"id":{ACCOUNT},"name":"seed-2"}}]}}"#);
    assert_eq!(get(&backend.url(), "/accounts/").await, (200, accounts));
    assert_eq!(get(&backend.url(), "/accounts/12/entities/").await, (403, REFUSED.to_owned()));
}

#[tokio::test]
async fn what_is_taken_from_a_bot_is_refused_from_then_on() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let (url, world) = (backend.url(), backend.world());
    let status = async |path: &str| get(&url, &format!("/accounts/{ACCOUNT}/{path}")).await.0;
    assert_eq!([status("sensors").await, status("entities").await], [200, 200]);
    world.remove_permissions(BOT, &format!("accounts/{ACCOUNT}/sensors"));
    assert_eq!([status("sensors").await, status("entities").await], [403, 200]);
    world.revoke_token(BOT, "11111111-2222-4333-8444-555555555555");
    assert_eq!([status("sensors").await, status("entities").await], [401, 401]);
}

#[tokio::test]
async fn a_path_may_end_in_a_slash_and_is_read_decoded() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let (with_slash, without) = (
        format!("/accounts/{ACCOUNT}/entities/{ENTITY}/"),
        format!("/accounts/{ACCOUNT}/entit%69es/{ENTITY}"),
    );
    let answer = get(&backend.url(), &with_slash).await;
    assert_eq!(answer.0, 200);
    assert_eq!(get(&backend.url(), &without).await, answer);
    assert_eq!(get(&backend.url(), &format!("/accounts//{ACCOUNT}/entities")).await.0, 403);
}

#[tokio::test]
async fn two_slashes_at_the_end_lead_to_the_path_without() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let path = format!("/accounts/{ACCOUNT}/sensors");
    let response = request(&backend.url(), "GET", &format!("{path}//"), TOKEN).send().await.unwrap();
    assert_eq!(response.status(), 307);
    assert_eq!(response.headers()["location"], format!("{}{path}?b={TOKEN}", backend.url()).as_str());
}

#[tokio::test]
async fn asking_for_headers_alone_is_a_wrong_method_where_asking_is_allowed() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    let status = async |path: String| told(request(&backend.url(), "HEAD", &path, TOKEN)).await.0;
    assert_eq!(status(format!("/accounts/{ACCOUNT}/sensors/{SENSOR}")).await, 405);
    assert_eq!(status("/accounts/5/sensors".to_owned()).await, 403);
}

#[tokio::test]
async fn the_state_of_the_database_is_told_to_everybody() {
    let backend = Backend::start(small_world(), Faults::none()).unwrap();
    for (migration, needed, user) in [
        (Migration::Complete, false, true),
        (Migration::Needed, true, false),
        (Migration::WithoutUser, false, false),
    ] {
        backend.world().set_migration(migration);
        let (status, body) = get(&backend.url(), "/status/info").await;
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        let flags = ["alive", "db_migration_needed", "user_exists"].map(|name| told[name].as_bool());
        assert_eq!((status, flags), (200, [Some(true), Some(needed), Some(user)]));
    }
    assert_eq!(backend.world().last_login(BOT), None);
}

#[tokio::test]
async fn a_login_is_noted_every_ten_seconds() {
    let world = small_world();
    let seconds = Arc::new(AtomicU32::new(100));
    let clock = Arc::clone(&seconds);
    world.set_clock(move || f64::from(clock.load(Ordering::SeqCst)));
    let backend = Backend::start(Arc::clone(&world), Faults::none()).unwrap();
    for (at, expected) in [(100, 100), (109, 100), (110, 110)] {
        seconds.store(at, Ordering::SeqCst);
        let (_, body) = get(&backend.url(), "/profile").await;
        assert_eq!(world.last_login(BOT), Some(expected), "at {at}");
        assert!(body.contains(&format!("\"last_login\":{expected}")), "at {at}: {body}");
    }
    // Who is refused has not logged in.
    assert_eq!(told(request(&backend.url(), "GET", "/nosuch", SYSTEMWIDE_TOKEN)).await.0, 403);
    assert_eq!(world.last_login(SYSTEMWIDE), None);
}
