//! Who answers which path? The three XML feeds and the REST API, with the keys they want. Faults that replace or damage an
//! answer are none of its business; what lists say under a fault arrives as an extension of the request.
//!
//! Follows the facts "Addresses", "Transport", "Endpoints" and "Paging and shapes".

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{OriginalUri, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::World;
use super::pages::{self, Interface};
use crate::datto::faults::Met;
use crate::datto::fleet::{AssetKind, Device};
use crate::datto::paging::{self, Asked, List};
use crate::datto::rest;

/// Path of the login page that redirects lead to.
pub(super) const LOGIN_PATH: &str = "/login";

type Shared = State<Arc<World>>;
type QueryText = Query<HashMap<String, String>>;

/// Every path of the portal.
pub(super) fn router(world: Arc<World>) -> Router {
    let rest = Router::new()
        .route("/bcdr/device", get(device_list))
        .route("/bcdr/device/{serial}", get(device))
        .route("/bcdr/device/{serial}/asset", get(asset_list))
        .route("/bcdr/device/{serial}/asset/agent", get(agent_list))
        .route("/bcdr/device/{serial}/asset/share", get(share_list))
        .route("/bcdr/device/{serial}/asset/{volume}", get(asset))
        .route("/bcdr/device/{serial}/alert", get(alert_list))
        .route("/bcdr/device/{serial}/vm-restores", get(restore_list))
        .route("/bcdr/agent", get(endpoint_list))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .layer(middleware::from_fn_with_state(Arc::clone(&world), want_key));
    Router::new()
        .route("/external/api/xml/status/{key}", get(portal_feed))
        .route("/xml2.php", get(old_feed))
        .route("/integrateXML.php", get(xmlstatus_feed))
        .route(LOGIN_PATH, get(async || pages::login()))
        .nest("/v1", rest)
        .fallback(nothing_here)
        .with_state(world)
}

async fn nothing_here(uri: OriginalUri) -> Response {
    pages::refusal(Interface::of(uri.path()), StatusCode::NOT_FOUND, "There is nothing at this address")
}

async fn not_this_way() -> Response {
    pages::refusal(Interface::Rest, StatusCode::METHOD_NOT_ALLOWED, "This method is not known here")
}

/// HTTP Basic: the public key as user, the secret key as password. Nothing else opens the API.
async fn want_key(State(world): Shared, request: Request, next: Next) -> Response {
    let stated = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let keys = &world.keys;
    let pair = STANDARD.encode(format!("{}:{}", keys.rest_public, keys.rest_secret));
    if stated.and_then(|text| text.strip_prefix("Basic ")) != Some(pair.as_str()) {
        return pages::refusal(Interface::Rest, StatusCode::UNAUTHORIZED, "Invalid API key");
    }
    next.run(request).await
}

async fn portal_feed(
    State(world): Shared,
    Path(key): Path<String>,
    Extension(met): Extension<Met>,
) -> Response {
    tree_a(&world, &key, &met)
}

async fn old_feed(State(world): Shared, Query(query): QueryText, Extension(met): Extension<Met>) -> Response {
    match (query.get("type").map(String::as_str), query.get("apiKey")) {
        (Some("status"), Some(key)) => tree_a(&world, key, &met),
        _ => wrong_key(),
    }
}

async fn xmlstatus_feed(
    State(world): Shared,
    Query(query): QueryText,
    Extension(met): Extension<Met>,
) -> Response {
    match (query.get("feed").map(String::as_str), query.get("apiKey")) {
        (Some("xmlstatus"), Some(key)) if *key == world.keys.xml => {
            pages::xml(world.served().fleet.xml_tree_b_dated(met.dates))
        }
        _ => wrong_key(),
    }
}

fn tree_a(world: &World, key: &str, met: &Met) -> Response {
    if key != world.keys.xml {
        return wrong_key();
    }
    pages::xml(world.served().tree_a(met.dates))
}

fn wrong_key() -> Response {
    pages::refusal(Interface::Feed, StatusCode::FORBIDDEN, "Access denied")
}

/// What was asked of a list.
fn asked(query: &HashMap<String, String>) -> Asked {
    let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
    Asked { page: number("_page"), per_page: number("_perPage") }
}

/// Hidden devices are in the list unless `showHiddenDevices=0`.
async fn device_list(
    State(world): Shared,
    Query(query): QueryText,
    Extension(met): Extension<Met>,
) -> Response {
    let served = world.served();
    let shows_hidden = query.get("showHiddenDevices").is_none_or(|value| value != "0");
    let devices = served.fleet.devices.iter().enumerate();
    let shown: Vec<(usize, &Device)> =
        devices.filter(|(_, device)| shows_hidden || !device.is_hidden).collect();
    let item = |at: usize| rest::device_item(shown[at].1, shown[at].0, met.dates);
    let list = List { count: shown.len(), item: &item };
    Json(paging::envelope(&list, asked(&query), met.paging)).into_response()
}

async fn device(
    State(world): Shared,
    Path(serial): Path<String>,
    Extension(met): Extension<Met>,
) -> Response {
    let served = world.served();
    let found = served.fleet.devices.iter().enumerate().find(|(_, device)| device.serial == serial);
    found.map_or_else(no_device, |(index, device)| {
        Json(rest::device_item(device, index, met.dates)).into_response()
    })
}

async fn asset_list(
    State(world): Shared,
    Path(serial): Path<String>,
    Query(query): QueryText,
    Extension(met): Extension<Met>,
) -> Response {
    let served = world.served();
    let Some(device) = served.fleet.device(&serial) else {
        return no_device();
    };
    let items = rest::asset_items(device, met.dates);
    let list = List { count: items.len(), item: &|at| items[at].clone() };
    Json(paging::asset_list(&list, asked(&query), met.paging)).into_response()
}

async fn agent_list(world: Shared, serial: Path<String>, query: QueryText, met: Extension<Met>) -> Response {
    // This list takes `_page` only.
    let asked = Asked { per_page: None, ..asked(&query) };
    list_of_kind(AssetKind::Agent, &world, &serial, asked, &met)
}

async fn share_list(world: Shared, serial: Path<String>, query: QueryText, met: Extension<Met>) -> Response {
    list_of_kind(AssetKind::Share, &world, &serial, asked(&query), &met)
}

/// The items of these lists state no `type`.
fn list_of_kind(kind: AssetKind, world: &World, serial: &str, asked: Asked, met: &Met) -> Response {
    let served = world.served();
    let Some(device) = served.fleet.device(serial) else {
        return no_device();
    };
    let mut items = rest::asset_items(device, met.dates);
    let mut kinds = device.assets.iter().map(|asset| asset.kind);
    items.retain(|_| kinds.next() == Some(kind));
    for item in items.iter_mut().filter_map(|item| item.as_object_mut()) {
        item.remove("type");
    }
    let list = List { count: items.len(), item: &|at| items[at].clone() };
    Json(paging::asset_list(&list, asked, met.paging)).into_response()
}

/// An array of one asset, or of none.
async fn asset(
    State(world): Shared,
    Path(names): Path<(String, String)>,
    Extension(met): Extension<Met>,
) -> Response {
    let (serial, volume) = names;
    let served = world.served();
    let Some(device) = served.fleet.device(&serial) else {
        return no_device();
    };
    let mut items = rest::asset_items(device, met.dates);
    items.retain(|item| item["volume"] == volume.as_str());
    Json(items).into_response()
}

/// The page size of alerts stays at 100, whatever is asked.
async fn alert_list(
    State(world): Shared,
    Path(serial): Path<String>,
    Query(query): QueryText,
    Extension(met): Extension<Met>,
) -> Response {
    let served = world.served();
    let Some(items) = served.fleet.alert_items(&serial) else {
        return no_device();
    };
    let list = List { count: items.len(), item: &|at| items[at].clone() };
    let asked = Asked { per_page: None, ..asked(&query) };
    Json(paging::envelope(&list, asked, met.paging)).into_response()
}

/// Nobody has a restore running.
async fn restore_list(State(world): Shared, Path(serial): Path<String>, Query(query): QueryText) -> Response {
    if world.served().fleet.device(&serial).is_none() {
        return no_device();
    }
    let none = List { count: 0, item: &|_| serde_json::Value::Null };
    Json(paging::envelope(&none, asked(&query), paging::Paging::default())).into_response()
}

/// Backup of PCs: this partner has none, and the list calls its items `clients`.
async fn endpoint_list() -> Response {
    let pagination = json!({ "page": 1, "perPage": paging::PAGE_SIZE_MAX, "totalPages": 0, "count": 0 });
    Json(json!({ "pagination": pagination, "clients": [] })).into_response()
}

fn no_device() -> Response {
    pages::refusal(Interface::Rest, StatusCode::NOT_FOUND, "There is no such device")
}

/// Copies the request's `X-Request-Id`, where one came, to the answer.
pub(super) fn echo_request_id(asked: Option<&axum::http::HeaderValue>, headers: &mut HeaderMap) {
    if let Some(id) = asked {
        headers.insert("x-request-id", id.clone());
    }
}
