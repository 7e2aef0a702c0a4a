//! How does a script push a look? `POST /api/v1/observations` with a bearer token, answered once it is kept.
//!
//! The token says which source it is. What the document means stands in `push`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use futures::future::BoxFuture;
use lastgood_core::observation::Collection;
use serde_json::json;

use crate::clock;
use crate::push::Pushes;
use crate::push::observations::{self, DOCUMENT_MAX_BYTES, DocumentError};
use crate::watch::{TakeError, Watch};

/// Keeps a look, so that it is judged from the next tick on.
pub trait Take: Send + Sync {
    /// Answers once it is on the disk.
    fn take(&self, collection: Collection) -> BoxFuture<'_, Result<(), TakeError>>;
}

impl Take for Watch {
    fn take(&self, collection: Collection) -> BoxFuture<'_, Result<(), TakeError>> {
        Box::pin(Self::take(self, collection))
    }
}

struct Door {
    pushes: Arc<Pushes>,
    take: Box<dyn Take>,
}

/// Takes looks at `/api/v1/observations`.
pub fn router(pushes: Arc<Pushes>, take: impl Take + 'static) -> Router {
    let door = Door { pushes, take: Box::new(take) };
    Router::new().route("/api/v1/observations", post(push)).with_state(Arc::new(door))
}

/// Nothing of a document is read before the token is known.
async fn push(State(door): State<Arc<Door>>, headers: HeaderMap, body: Body) -> Response {
    let Some(looker) = token(&headers).and_then(|token| door.pushes.looker(token)) else {
        let error = refused(
            StatusCode::UNAUTHORIZED,
            "the token of a source is needed: send it as Authorization: Bearer TOKEN",
        );
        return ([(header::WWW_AUTHENTICATE, "Bearer")], error).into_response();
    };
    let Ok(document) = axum::body::to_bytes(body, DOCUMENT_MAX_BYTES).await else {
        let what =
            format!("the document did not come to its end, or is larger than {DOCUMENT_MAX_BYTES} bytes");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &what);
    };
    // A large document takes long enough to hold up others.
    let read = tokio::task::spawn_blocking(move || {
        observations::read(&document, looker.id.clone(), looker.kinds, clock::now())
    });
    let collection = match read.await.expect("reading a document panics at none") {
        Ok(collection) => collection,
        Err(error) => return refused(status(&error), &error.to_string()),
    };
    let repositories = collection.repositories.len();
    let assets: usize = collection.repositories.iter().map(|repository| repository.assets.len()).sum();
    match door.take.take(collection).await {
        Ok(()) => {
            let accepted = json!({ "accepted": { "repositories": repositories, "assets": assets } });
            (StatusCode::OK, Json(accepted)).into_response()
        }
        Err(error @ TakeError::Older(_)) => refused(StatusCode::CONFLICT, &error.to_string()),
        Err(error) => {
            tracing::error!(%error, "a pushed look could not be kept, and its sender was told so");
            refused(StatusCode::SERVICE_UNAVAILABLE, "the look could not be kept: push it again")
        }
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn status(error: &DocumentError) -> StatusCode {
    match error {
        DocumentError::Syntax(_) => StatusCode::BAD_REQUEST,
        DocumentError::Shape(_) | DocumentError::Nonsense { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
