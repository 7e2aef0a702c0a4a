//! Which server takes pings in a test, refuses them, or hangs?

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};

/// The key of the one job.
pub(super) const KEY: &str = "0a1b2c3d-0000-4000-8000-00000000feed";

/// One ping, as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// What stands behind the key: `start`, `0`.
    pub(super) word: String,
    pub(super) rid: Option<String>,
    pub(super) at: Option<String>,
    pub(super) body: String,
}

/// A server on loopback that runs until the runtime ends.
#[derive(Clone, Debug)]
pub(super) struct Server {
    port: u16,
    status: Arc<AtomicU16>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// One that answers with this status.
    pub(super) async fn start(status: u16) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { port, status: Arc::new(AtomicU16::new(status)), asked: Arc::default() };
        let answering = server.clone();
        let answer = move |uri: Uri, body: Bytes| {
            let answering = answering.clone();
            async move { answering.answer(&uri, &body) }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        server
    }

    fn answer(&self, uri: &Uri, body: &Bytes) -> StatusCode {
        let word =
            uri.path().strip_prefix("/ping/").and_then(|path| path.strip_prefix(KEY)).expect("the key");
        let parameter = |name: &str| {
            let mut pairs =
                uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace("%3A", ":"))
        };
        let asked = Asked {
            word: word.trim_start_matches('/').to_owned(),
            rid: parameter("rid"),
            at: parameter("at"),
            body: String::from_utf8(body.to_vec()).expect("a body is text"),
        };
        let status = self.status.load(Ordering::SeqCst);
        if status == 200 {
            self.asked.lock().expect("nobody panics with it").push(asked);
        }
        StatusCode::from_u16(status).expect("a status")
    }

    /// Answers otherwise from here on.
    pub(super) fn turn(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What was asked and taken so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    /// The words of that.
    pub(super) fn words(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.word).collect()
    }

    pub(super) fn url(&self) -> String {
        url(self.port)
    }
}

/// The ping URL of a server.
pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/ping/{KEY}")
}

/// The ping URL of a server that takes connections and never says a word, as long as the listener lives.
pub(super) fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    (listener, url(port))
}

/// The ping URL of a server that is not there.
pub(super) fn away() -> String {
    silent().1
}
