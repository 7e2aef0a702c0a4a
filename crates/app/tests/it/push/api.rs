//! Is a look that a script pushes taken once, whole, and from nobody else?

use std::path::Path;

use lastgood::push::observations;
use lastgood_core::observation::Extent;
use serde_json::{Value, json};

use super::{Reply, Server, TOKEN, exchange};

const PATH: &str = "/api/v1/observations";

impl Server {
    async fn push(&self, authorization: &str, document: &[u8]) -> (u16, Value) {
        let length = document.len();
        let head = format!("POST {PATH} HTTP/1.1\r\nContent-Length: {length}\r\n{authorization}");
        let Reply { status, body, .. } = exchange(&self.address, &head, document).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}")))
    }

    async fn push_with_token(&self, document: &Value) -> (u16, Value) {
        self.push(&format!("Authorization: Bearer {TOKEN}\r\n"), document.to_string().as_bytes()).await
    }
}

fn look() -> Value {
    json!({
        "listing": "complete",
        "repositories": [
            { "key": "nas", "assets": [{ "key": "photos", "last_good": "2026-11-21T02:00:00Z" }, { "key": "mail" }] },
            { "key": "tape" }
        ]
    })
}

#[tokio::test]
async fn a_look_is_accepted_once_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let accepted = json!({ "accepted": { "repositories": 2, "assets": 2 } });
    assert_eq!(server.push_with_token(&look()).await, (200, accepted));
    let looks = server.taken.looks.lock().unwrap().clone();
    assert_eq!((looks.len(), looks[0].source.as_str(), looks[0].extent()), (1, "scripts", Extent::Complete));
    assert_eq!(looks[0].kind.id, "push");
    *server.taken.is_full.lock().unwrap() = true;
    let (status, answer) = server.push_with_token(&look()).await;
    assert_eq!((status, answer), (503, json!({ "error": "the look could not be kept: push it again" })));
}

#[tokio::test]
async fn nobody_without_the_token_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    for authorization in [
        String::new(),
        "Authorization: Bearer wrong\r\n".to_owned(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
    ] {
        let (status, answer) = server.push(&authorization, b"{}").await;
        assert_eq!(status, 401, "{authorization}");
        assert!(answer["error"].as_str().unwrap().contains("Authorization: Bearer"), "{answer}");
    }
    assert!(server.taken.looks.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_broken_or_too_large_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let token = format!("Authorization: bearer {TOKEN}\r\n");
    let mut large = look().to_string().into_bytes();
    large.resize(observations::DOCUMENT_MAX_BYTES + 1, b' ');
    let mut largest = look().to_string().into_bytes();
    largest.resize(observations::DOCUMENT_MAX_BYTES, b' ');
    for (document, status, word) in [
        (b"{".to_vec(), 400, "no JSON"),
        (b"\xff".to_vec(), 400, "no JSON"),
        (b"{}".to_vec(), 422, "not as documented"),
        (
            look().to_string().replace("photos", "mail").into_bytes(),
            422,
            "assets[1].key: mail stands here twice",
        ),
        (large, 413, "larger than 16777216 bytes"),
    ] {
        let (answered, answer) = server.push(&token, &document).await;
        assert_eq!(answered, status, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
    assert!(server.taken.looks.lock().unwrap().is_empty());
    assert_eq!(server.push(&token, &largest).await.0, 200);
}

#[test]
fn the_schema_of_a_pushed_look_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/observations.schema.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, observations::schema()).expect("a writable tree");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == observations::schema(),
        "docs/schema/observations.schema.json is not current: run UPDATE_DOCS=1 cargo test -p lastgood"
    );
}
