//! Is the daemon well, and is it ready?

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Pages;

/// What is wrong with us, in words.
pub type Ill = Vec<String>;

/// Tells whether the daemon is well.
pub trait Health: Send + Sync {
    /// Everything that is wrong; empty if nothing is.
    fn check(&self) -> Ill;
}

/// 200 while we judge and look; 503 with what is wrong in lines. What the fleet is like is no part of it.
pub(super) async fn healthz(State(pages): State<Pages>) -> Response {
    answer(&pages.health.check())
}

/// 200 once something was judged.
pub(super) async fn readyz(State(pages): State<Pages>) -> Response {
    let mut ill = Vec::new();
    let published = pages.watch.published();
    match (published.is_judged, published.awaited_count) {
        (true, _) => {}
        (false, 0) => ill.push("nothing was judged yet".to_owned()),
        (false, count) => {
            ill.push(format!("nothing was judged yet: {count} sources are to be looked at first"));
        }
    }
    answer(&ill)
}

fn answer(ill: &Ill) -> Response {
    let status = if ill.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = if ill.is_empty() { "ok\n".to_owned() } else { ill.join("\n") + "\n" };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text).into_response()
}
