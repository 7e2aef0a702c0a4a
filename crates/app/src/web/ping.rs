//! How is a ping taken over HTTP, in the words of the Healthchecks ping API?
//!
//! `POST`, `GET` and `HEAD` say the same. What the address means stands in `push`; here a body is read, as far as it is
//! kept, and answered. No path is logged: it holds a key.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use futures::StreamExt;

use crate::clock;
use crate::push::record::BODY_MAX_BYTES;
use crate::push::{PingError, Pushes};

/// What stands before a key.
const PREFIX: &str = "/ping/";

/// So much of a body is read at most: what is beyond [`BODY_MAX_BYTES`] only so that the client hears the answer.
const READ_MAX_BYTES: usize = 64 * 1024 * 1024;

/// So long may a body take: what came until then is kept.
const READ_MAX: Duration = Duration::from_secs(20);

/// What pings are told to.
#[derive(Clone)]
struct Taking {
    pushes: Arc<Pushes>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// Takes pings at `/ping/`. `wake` is called once one is kept that changes how its job is.
pub fn router(pushes: Arc<Pushes>, wake: impl Fn() + Send + Sync + 'static) -> Router {
    let methods = MethodFilter::GET.or(MethodFilter::HEAD).or(MethodFilter::POST);
    let taking = Taking { pushes, wake: Arc::new(wake) };
    Router::new().route("/ping/{*rest}", on(methods, ping)).with_state(taking)
}

/// Nothing of a body is read before the key is known. What is read is kept by a task of its own: where the connection
/// breaks off nobody waits for the answer any more, but the word was said.
async fn ping(State(Taking { pushes, wake }): State<Taking>, uri: Uri, body: Body) -> Response {
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let asked = match pushes.ask(path, uri.query()) {
        Ok(asked) => asked,
        Err(error) => return refused(&error),
    };
    let taking = tokio::spawn(async move {
        let (body, is_cut) = read(body.into_data_stream()).await;
        let taken = pushes.take(asked, body, is_cut, clock::now()).await;
        if matches!(taken, Ok(true)) {
            wake();
        }
        taken
    });
    match taking.await.expect("neither reading nor keeping a ping panics") {
        Ok(_) => answer(StatusCode::OK, "OK"),
        Err(error) => refused(&error),
    }
}

/// Reads as much as is kept, and says whether there was more: also where the body broke off before its end.
async fn read(mut stream: BodyDataStream) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let mut read_bytes = 0_usize;
    let all = async {
        while read_bytes <= READ_MAX_BYTES
            && let Some(piece) = stream.next().await
        {
            let Ok(piece) = piece else { return false };
            read_bytes = read_bytes.saturating_add(piece.len());
            let room = BODY_MAX_BYTES - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        true
    };
    let is_whole = tokio::time::timeout(READ_MAX, all).await.unwrap_or(false);
    let is_cut = !is_whole || read_bytes > body.len();
    (body, is_cut)
}

fn refused(error: &PingError) -> Response {
    let status = match error {
        PingError::Unknown => StatusCode::NOT_FOUND,
        PingError::Malformed(_) => StatusCode::BAD_REQUEST,
        PingError::NotKept(source) => {
            tracing::error!(error = %source, "a ping could not be kept, and its sender was told so");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    answer(status, &error.to_string())
}

fn answer(status: StatusCode, text: &str) -> Response {
    let limit = BODY_MAX_BYTES.to_string();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (status, headers, [("ping-body-limit", limit)], text.to_owned()).into_response()
}
