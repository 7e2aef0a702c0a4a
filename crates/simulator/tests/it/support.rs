//! A small fleet, a portal and a client for every test.

use std::sync::Once;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_simulator::{Faults, Fleet, Portal};
use reqwest::{Client, Response, redirect};
use serde_json::Value;

/// A summer noon in New York.
pub(crate) fn now() -> Timestamp {
    "2026-07-01T16:00:00Z".parse().unwrap()
}

pub(crate) fn small_fleet() -> Fleet {
    Fleet::seeded(42, 12, 3, now())
}

pub(crate) async fn portal(faults: Faults) -> Portal {
    Portal::start(small_fleet(), faults).await.unwrap()
}

/// A client that follows no redirect, undoes no compression and uses no proxy: it shows what was sent.
pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    });
    Client::builder().redirect(redirect::Policy::none()).no_gzip().no_proxy().build().unwrap()
}

pub(crate) async fn get(url: &str) -> Response {
    client().get(url).send().await.unwrap()
}

/// GET below `/v1`, with the portal's keys.
pub(crate) async fn rest(portal: &Portal, path: &str) -> Response {
    let url = format!("{}{path}", portal.rest_url());
    let keys = portal.keys();
    client().get(url).basic_auth(&keys.rest_public, Some(&keys.rest_secret)).send().await.unwrap()
}

pub(crate) async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// Waits until something has come true; a hundred seconds are far more than it takes.
pub(crate) async fn until(is_true: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if is_true() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited for a hundred seconds in vain");
}
