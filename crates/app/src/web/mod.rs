//! What is answered on the port of the daemon?
//!
//! Pings, observations and links each have a file; here are the pages of the daemon itself. A page shows what the newest
//! tick published and computes no verdict. Nothing here logs a path: it may hold a key.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;

pub mod act;
mod health;
pub mod observations;
mod pages;
pub mod ping;
mod server;

pub use health::{Health, Ill};
pub use server::serve;

use crate::watch::Watch;

/// Makes the page for Prometheus.
pub type Metrics = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    /// What was decided.
    pub watch: Watch,
    /// Whether we are well.
    pub health: Arc<dyn Health>,
    /// Our numbers.
    pub metrics: Metrics,
}

/// The pages of the daemon: `/`, `/metrics`, `/healthz`, `/readyz`.
pub fn router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(pages::status::show))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(pages)
}

/// The text format that Prometheus reads.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn metrics(State(pages): State<Pages>) -> Response {
    let page = (pages.metrics)().await;
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], page).into_response()
}

/// What every page for people says of itself: it needs nothing but itself, and nobody may frame or keep it.
fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, html).into_response()
}
