//! Is a key or a token ever written anywhere?

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{KEY, PING_KEY, Server, TOKEN};

/// Writes down every span and event of every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, " {field}={value:?}").expect("a text takes all that is written to it");
    }
}

impl Log {
    fn written(&self) -> MutexGuard<'_, String> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.written()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.written()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.written()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One thread, so that everything is logged here.
#[tokio::test]
async fn no_key_and_no_token_stands_in_the_database_nor_in_a_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let almost = KEY.replace('5', "6");
    for path in [
        KEY,
        PING_KEY,
        &almost,
        &format!("{PING_KEY}/weekly"),
        &format!("{KEY}/9?rid=x"),
        &format!("{KEY}?at=x"),
    ] {
        for method in ["GET", "POST", "HEAD", "PUT"] {
            server.ask(method, &format!("/ping/{path}"), b"body").await;
        }
    }
    for token in [TOKEN, "token-that-is-wrong-0123456789"] {
        let head = format!(
            "POST /api/v1/observations HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n"
        );
        super::exchange(&server.address, &head, b"{}").await;
    }
    server.store.close().await.unwrap();
    server.ask("POST", &format!("/ping/{KEY}"), b"").await;
    server.pushes.keep().await;
    drop(server);
    let mut written = std::mem::take(&mut *log.written()).into_bytes();
    let logged = String::from_utf8_lossy(&written).into_owned();
    assert!(logged.contains("a ping could not be kept"), "{logged}");
    let mut read_bytes = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "token" {
            let content = std::fs::read(path).unwrap();
            read_bytes += content.len();
            written.extend(content);
        }
    }
    assert!(read_bytes > 4096, "the database was read");
    for secret in [KEY, PING_KEY, TOKEN, &almost, "token-that-is-wrong"] {
        for secret in [secret.to_owned(), secret.replace('-', "")] {
            let found = written.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is written somewhere");
        }
    }
}
