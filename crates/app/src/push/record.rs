//! How is a ping written down, so that it can be folded again after a restart?
//!
//! One line of JSON that says which ping, then the body as it came. The key is in neither: what it is known by stands
//! beside. What was written once is read for ever.

use jiff::Timestamp;
use lastgood_core::id::{Name, SourceId};
use serde::{Deserialize, Serialize};

use super::key::KeyHash;
use super::ping::{Sign, TAIL_MAX_BYTES};
use super::request::Word;
use crate::store::Event;

/// The word for a ping among all that is pushed.
pub const KIND: &str = "ping";

/// As much of a body is kept, in bytes; what was longer is cut, and that is said.
pub const BODY_MAX_BYTES: usize = 100_000;

/// One ping, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Which source.
    pub source: SourceId,
    /// Which of its pings: the key of the asset.
    pub name: Name,
    /// What it says.
    pub word: Word,
    /// The run it speaks of.
    pub rid: Option<u128>,
    /// When it was meant to be sent; `None`: when it came.
    pub at: Option<Timestamp>,
    /// What came with it, at most [`BODY_MAX_BYTES`].
    pub body: Vec<u8>,
    /// True if more came with it than is kept.
    pub is_cut: bool,
}

/// The line before the body.
#[derive(Serialize, Deserialize)]
struct Head {
    source: String,
    ping: String,
    word: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

impl Ping {
    /// Writes it down. A body that is too long is cut, which is said. `key` is what the key it came with is known by.
    pub fn event(&self, key: KeyHash, received_at: Timestamp) -> Event {
        let body = &self.body[..self.body.len().min(BODY_MAX_BYTES)];
        let head = Head {
            source: self.source.to_string(),
            ping: self.name.text().into_owned(),
            word: written(self.word),
            rid: self.rid.map(|rid| format!("{rid:032x}")),
            at: self.at.map(|at| at.to_string()),
            cut: self.is_cut || body.len() < self.body.len(),
        };
        let mut content = serde_json::to_vec(&head).expect("texts are JSON");
        content.reserve_exact(1 + body.len());
        content.push(b'\n');
        content.extend_from_slice(body);
        Event { key: key.0.to_vec(), received_at, kind: KIND.to_owned(), body: content }
    }
}

/// Reads what [`Ping::event`] wrote, as far as it is folded; `None` for what is no ping, or none that we understand.
pub(super) fn heard(event: &Event) -> Option<(SourceId, Name, Sign)> {
    if event.kind != KIND {
        return None;
    }
    let line_end = event.body.iter().position(|byte| *byte == b'\n')?;
    let (line, body) = (&event.body[..line_end], &event.body[line_end + 1..]);
    let head: Head = serde_json::from_slice(line).ok()?;
    let rid = head.rid.map(|rid| u128::from_str_radix(&rid, 16)).transpose().ok()?;
    let meant_at = head.at.map(|at| at.parse::<Timestamp>()).transpose().ok()?;
    let at = meant_at.map_or(event.received_at, |at| at.min(event.received_at));
    let word = read(&head.word)?;
    let came_at = event.received_at;
    let sign = Sign { word, rid, at, tail: tail(body), is_cut: head.cut, came_at };
    Some((SourceId::new(&head.source).ok()?, Name::new(head.ping), sign))
}

fn written(word: Word) -> String {
    match word {
        Word::Success => "success".to_owned(),
        Word::Start => "start".to_owned(),
        Word::Fail => "fail".to_owned(),
        Word::Log => "log".to_owned(),
        Word::Exit(status) => status.to_string(),
    }
}

fn read(word: &str) -> Option<Word> {
    match word {
        "success" => Some(Word::Success),
        "start" => Some(Word::Start),
        "fail" => Some(Word::Fail),
        "log" => Some(Word::Log),
        status => status.parse().ok().map(Word::Exit),
    }
}

/// Returns the last lines of a body, whole ones if any fits; `None` if it says nothing.
fn tail(body: &[u8]) -> Option<Box<str>> {
    let body = body.trim_ascii();
    let from = body.len().saturating_sub(TAIL_MAX_BYTES);
    let text = String::from_utf8_lossy(&body[from..]);
    let text = text.trim_start_matches('\u{fffd}');
    let whole = if from == 0 { text } else { text.split_once('\n').map_or(text, |(_, lines)| lines) };
    (!whole.is_empty()).then(|| whole.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping() -> Ping {
        Ping {
            source: SourceId::new("jobs").expect("a name"),
            name: Name::new("database \"ä\"\n"),
            word: Word::Exit(3),
            rid: Some(7),
            at: Some(at("2026-11-21T01:59:59.5Z")),
            body: b"first\nlast".to_vec(),
            is_cut: false,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn event(ping: &Ping) -> Event {
        ping.event(KeyHash::of("secret"), at("2026-11-21T02:00:00Z"))
    }

    #[test]
    fn what_is_written_is_read_again() {
        for word in [Word::Success, Word::Start, Word::Fail, Word::Log, Word::Exit(0), Word::Exit(255)] {
            let ping = Ping { word, ..ping() };
            let (source, name, sign) = heard(&event(&ping)).expect("a ping");
            assert_eq!((source, name), (ping.source, ping.name));
            let tail = Some("first\nlast".into());
            assert_eq!(
                sign,
                Sign {
                    word,
                    rid: Some(7),
                    at: at("2026-11-21T01:59:59.5Z"),
                    tail,
                    is_cut: false,
                    came_at: at("2026-11-21T02:00:00Z"),
                }
            );
        }
    }

    #[test]
    fn a_ping_happened_when_it_was_meant_and_never_after_it_came() {
        let came = at("2026-11-21T02:00:00Z");
        for (meant, happened) in [
            (None, came),
            (Some(at("2026-10-01T00:00:00Z")), at("2026-10-01T00:00:00Z")),
            (Some(at("2026-11-21T02:00:01Z")), came),
        ] {
            let (_, _, sign) = heard(&event(&Ping { at: meant, ..ping() })).expect("a ping");
            assert_eq!(sign.at, happened);
        }
    }

    #[test]
    fn a_body_that_is_too_long_is_cut_and_that_is_said() {
        for (length, is_cut) in [(0, false), (BODY_MAX_BYTES, false), (BODY_MAX_BYTES + 1, true)] {
            let event = event(&Ping { body: vec![b'x'; length], ..ping() });
            let body = event.body.split(|byte| *byte == b'\n').next_back().expect("a body");
            assert_eq!(body.len(), length.min(BODY_MAX_BYTES));
            let (_, _, sign) = heard(&event).expect("a ping");
            assert_eq!(sign.is_cut, is_cut, "{length}");
        }
    }

    #[test]
    fn the_last_lines_are_whole_and_few() {
        let long = format!("{}\n{}", "ä".repeat(TAIL_MAX_BYTES), "the end");
        for (body, expected) in [
            ("", None),
            (" \n\n", None),
            ("one\ntwo\n", Some("one\ntwo".to_owned())),
            (long.as_str(), Some("the end".to_owned())),
        ] {
            assert_eq!(tail(body.as_bytes()).as_deref(), expected.as_deref());
        }
        let unbroken = tail("ä".repeat(TAIL_MAX_BYTES).as_bytes()).expect("some");
        assert!(unbroken.chars().all(|one| one == 'ä') && unbroken.len() <= TAIL_MAX_BYTES);
        let longest = tail(&[0xff; 2 * TAIL_MAX_BYTES]);
        assert_eq!(longest, None, "what is no text is left out");
    }

    #[test]
    fn what_is_no_ping_is_none() {
        let good = event(&ping());
        assert!(heard(&good).is_some());
        for content in ["", "{}", "{}\n", "x\n", "{\"source\":\"jobs\",\"ping\":\"a\",\"word\":\"x\"}\n"] {
            assert_eq!(heard(&Event { body: content.into(), ..good.clone() }), None, "{content}");
        }
        assert_eq!(heard(&Event { kind: "else".to_owned(), ..good }), None);
    }
}
