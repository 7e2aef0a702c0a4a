//! How does a ping get into the database of a daemon on this machine, without a server between?
//!
//! It is written beside the daemon, which finds it at its next tick, or at its next start.

use std::path::Path;
use std::time::Duration;

use lastgood_core::id::{Name, SourceId};

use super::ping::{Ping, Word};
use super::post::Untaken;
use super::words_of;
use crate::clock;
use crate::push::key::KeyHash;
use crate::push::{record, request};
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Event, Store, StoreError};

/// How long the locks of others are waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Writes a ping down. Answers once it is on the disk.
pub(super) async fn keep(file: &Path, source: &SourceId, name: &str, ping: &Ping) -> Result<(), Untaken> {
    let written = record::Ping {
        source: source.clone(),
        name: Name::new(name),
        word: match ping.word {
            Word::Start => request::Word::Start,
            Word::Status(code) => request::Word::Exit(code),
        },
        rid: ping.rid.as_ref().and_then(|rid| u128::from_str_radix(&rid.replace('-', ""), 16).ok()),
        at: Some(ping.at),
        body: ping.body.clone().into_bytes(),
        is_cut: false,
    };
    // Whoever may write to the database needs no key.
    let event = written.event(KeyHash([0; 32]), clock::now());
    append(file, event).await.map_err(|error| Untaken::may_pass(words_of(&error)))
}

async fn append(file: &Path, event: Event) -> Result<(), StoreError> {
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let options = Options { beside: true, busy_timeout: BUSY, ..Options::new(file, find_kind) };
    let store = Sqlite::open(options).await?;
    let appended = store.append_event(event).await;
    let closed = store.close().await;
    appended.and(closed)
}
