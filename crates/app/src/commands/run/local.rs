//! How does a ping get into the database of a daemon on this machine, without a server between?
//!
//! It is written beside the daemon, which finds it at its next tick, or at its next start.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::id::{Name, SourceId};

use super::ping::{Ping, Word};
use super::post::{Dated, Untaken};
use crate::causes::said;
use crate::clock;
use crate::push::key::KeyHash;
use crate::push::{record, request};
use crate::sources;
use crate::store::sqlite::{Options, Sqlite};
use crate::store::{Event, Store, StoreError};

/// How long the locks of others are waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Which job a ping belongs to.
pub(super) struct Job<'a> {
    /// Of which source.
    pub(super) source: &'a SourceId,
    /// Which of its jobs.
    pub(super) name: &'a str,
}

/// Writes a ping down. Answers once it is on the disk. What just happened is dated by when it is written, so that a clock
/// that was set back makes it no older than what was written before.
pub(super) async fn keep(file: &Path, job: Job<'_>, ping: &Ping, dated: Dated) -> Result<(), Untaken> {
    let event = event(job, ping, dated, clock::now());
    append(file, event).await.map_err(|error| Untaken::may_pass(said(&error)))
}

fn event(Job { source, name }: Job<'_>, ping: &Ping, dated: Dated, now: Timestamp) -> Event {
    let written = record::Ping {
        source: source.clone(),
        name: Name::new(name),
        word: match ping.word {
            Word::Start => request::Word::Start,
            Word::Status(code) => request::Word::Exit(code),
        },
        rid: ping.rid.as_ref().and_then(|rid| u128::from_str_radix(&rid.replace('-', ""), 16).ok()),
        at: (dated == Dated::ByUs).then_some(ping.at),
        body: ping.body.clone().into_bytes(),
        is_cut: false,
    };
    // Whoever may write to the database needs no key.
    written.event(KeyHash([0; 32]), now)
}

async fn append(file: &Path, event: Event) -> Result<(), StoreError> {
    let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
    let options = Options { beside: true, busy_timeout: BUSY, ..Options::new(file, find_kind) };
    let store = Sqlite::open(options).await?;
    let appended = store.append_event(event).await;
    let closed = store.close().await;
    appended.and(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waited_is_dated() {
        let source = SourceId::new("jobs").expect("a name");
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let (happened, now) = (at("2026-11-21T02:00:00Z"), at("2026-11-21T02:00:07Z"));
        let ping = Ping { word: Word::Status(3), at: happened, rid: None, body: "why".to_owned() };
        for (dated, is_dated) in [(Dated::ByServer, false), (Dated::ByUs, true)] {
            let event = event(Job { source: &source, name: "db" }, &ping, dated, now);
            let text = String::from_utf8(event.body).expect("text");
            assert_eq!(event.received_at, now);
            assert_eq!(text.contains("\"at\":\"2026-11-21T02:00:00Z\""), is_dated, "{text}");
            assert!(text.contains("\"word\":\"3\"") && text.ends_with("\nwhy"), "{text}");
        }
    }
}
