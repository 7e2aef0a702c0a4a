//! Do all channels keep the same promises, and each its own, against servers that fail and against real ones?

mod command;
mod contract;
mod mail;
pub(crate) mod postfix;
mod receiver;
mod settings;
mod smtp;
mod webhook;

use std::path::Path;

use jiff::Timestamp;
use lastgood::channels::{self, Channel, ChannelConfig, Message, OpenError};
use lastgood_core::recipient::Address;
use serde_json::json;

/// The password, key and token of every channel here; other sides repeat it where they can.
const SECRET: &str = "geheimnis-0123456789";

/// A message that means well.
fn message(key: &str) -> Message {
    Message {
        key: key.parse().expect("a key"),
        address: Address { channel: "test".to_owned(), to: "anna@example.org".to_owned() },
        thread: None,
        from: None,
        subject: "BAD acme/ACME-SQL01: behind_local".to_owned(),
        text: "ACME-SQL01 has had no backup for 3 days.\n".to_owned(),
        html: Some("<p>ACME-SQL01 has had no backup for 3 days.</p>\n".to_owned()),
        details: json!({ "incidents": 1 }),
        written_at: instant(),
    }
}

/// The instant of every attempt here.
fn instant() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("an instant")
}

/// Opens a channel from the keys of its table; relative paths start from `folder`.
fn open(kind: &str, folder: &Path, settings: &str) -> Result<Box<dyn Channel>, OpenError> {
    // A second start in one process (other tests) keeps the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let entry = channels::find(kind).expect("a kind of channel");
    let settings = settings.parse().expect("TOML");
    let path = std::env::var("PATH").unwrap_or_default();
    let environment =
        [("PATH", path.as_str()), ("PAGER_TOKEN", SECRET), ("OTHER_TOKEN", "other")].into_iter().collect();
    (entry.open)(ChannelConfig { name: "test".to_owned(), folder: folder.to_owned(), settings, environment })
}

/// Opens a channel whose settings are right.
#[track_caller]
fn opened(kind: &str, folder: &Path, settings: &str) -> Box<dyn Channel> {
    open(kind, folder, settings).unwrap_or_else(|error| panic!("{error}"))
}

/// Opens the channel `mail` to a server that knows no TLS.
fn mail_to(server: &smtp::Server) -> Box<dyn Channel> {
    let port = server.port;
    opened(
        "mail",
        Path::new("/"),
        &format!("host = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'a@example.org'"),
    )
}
