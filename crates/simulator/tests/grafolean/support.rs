//! A small world and a client for every test.

use std::sync::{Arc, Once};

use lastgood_simulator::grafolean::{Bot, Credential, Entity, Polling, Sensor, World};
use reqwest::{Client, RequestBuilder, redirect};
use serde_json::Value;

pub(crate) const TOKEN: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";
pub(crate) const SYSTEMWIDE_TOKEN: &str = "5b1d92a4-0a5c-4e0e-9a35-3f5be7f1c0de";
pub(crate) const ACCOUNT: i64 = 1_207_001;
pub(crate) const BOT: i64 = 77;
pub(crate) const SYSTEMWIDE: i64 = 78;
pub(crate) const CREDENTIAL: i64 = 9_001;
pub(crate) const ENTITY: i64 = 5_001;
pub(crate) const SENSOR: i64 = 2_000_000_000;

/// One account with one device polled by one sensor, its bot, and a systemwide bot.
pub(crate) fn small_world() -> Arc<World> {
    let world = World::new();
    world.put_account(ACCOUNT, "seed-2");
    world.put_bot(Bot::of_account(BOT, TOKEN, "myprotocol", ACCOUNT));
    world.put_bot(Bot::systemwide(SYSTEMWIDE, SYSTEMWIDE_TOKEN, "myprotocol"));
    world.put_credential(ACCOUNT, credential(CREDENTIAL));
    world.put_sensor(ACCOUNT, sensor(SENSOR));
    let polling = Polling { credential: CREDENTIAL, sensors: vec![(SENSOR, None)], bot: Some(BOT) };
    world.put_entity(ACCOUNT, Entity::device(ENTITY, "device 0").polled("myprotocol", polling));
    world
}

pub(crate) fn credential(id: i64) -> Credential {
    let details = r#"{"version":"snmpv2c","snmpv12_community":"public"}"#.to_owned();
    Credential { id, name: "cred".to_owned(), protocol: "myprotocol".to_owned(), details }
}

pub(crate) fn sensor(id: i64) -> Sensor {
    Sensor {
        id,
        name: "sensor 0".to_owned(),
        protocol: "myprotocol".to_owned(),
        default_interval: Some(60),
        details: r#"{"n":0}"#.to_owned(),
    }
}

/// A client that follows no redirect, undoes no compression and uses no proxy: it shows what was sent.
pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    });
    Client::builder().redirect(redirect::Policy::none()).no_gzip().no_proxy().build().unwrap()
}

/// A request of the method for a path below `/api`, with a token.
pub(crate) fn request(url: &str, method: &str, path: &str, token: &str) -> RequestBuilder {
    client().request(method.parse().unwrap(), format!("{url}{path}?b={token}"))
}

/// Status and body.
pub(crate) async fn told(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// GET with the token of the account's bot.
pub(crate) async fn get(url: &str, path: &str) -> (u16, String) {
    told(request(url, "GET", path, TOKEN)).await
}

/// GET below the account, an answer in JSON.
pub(crate) async fn see(url: &str, path: &str) -> Value {
    let (status, body) = get(url, &format!("/accounts/{ACCOUNT}/{path}")).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Values for the account, in JSON, by its bot.
pub(crate) fn values(url: &str, method: &str, body: &str) -> RequestBuilder {
    let path = format!("/accounts/{ACCOUNT}/values/");
    request(url, method, &path, TOKEN).header("content-type", "application/json").body(body.to_owned())
}

/// Waits until something has come true; ten seconds are far more than it takes.
pub(crate) async fn until(is_true: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_true() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("waited for ten seconds in vain");
}
