//! Which ways are there to tell somebody something, and what does each promise?
//!
//! One file or folder per kind, one line per kind in [`ALL`]. A channel sends one message to one address and says what
//! became of it. It does not know why somebody is told, keeps nothing, repeats nothing and reads no clock: who repeats,
//! and when, follows from the [`FailureKind`]. The same message sent twice carries the same [`Key`], so that the other
//! side can know it again.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lastgood_core::recipient::Address;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::program::Environment;

pub mod command;
mod error;
pub mod mail;
mod settings;
pub mod webhook;
mod words;

pub use lastgood_core::observation::FailureKind;

pub use self::error::{ChannelError, Repeat, advice, repeat};
pub use self::settings::{Mistake, OpenError};

/// Every kind of channel, in the order of the documentation.
pub static ALL: [&Entry; 3] = [&mail::ENTRY, &webhook::ENTRY, &command::ENTRY];

/// A kind of channel: how it is named, configured and opened.
#[derive(Debug)]
pub struct Entry {
    /// Its word.
    pub kind: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// What an address within it is.
    pub address: &'static str,
    /// The keys of its `[[channel]]` besides `name` and `kind`, with their meaning: a JSON Schema.
    pub schema: fn() -> schemars::Schema,
    /// Opens it: reads secrets, checks every setting; sends nothing yet. Needs rustls's provider to be installed.
    pub open: fn(ChannelConfig) -> Result<Box<dyn Channel>, OpenError>,
}

/// Finds a kind of channel by its word.
pub fn find(kind: &str) -> Option<&'static Entry> {
    ALL.into_iter().find(|entry| entry.kind == kind)
}

/// A channel as configured, not judged yet.
#[derive(Clone, Debug, Default)]
pub struct ChannelConfig {
    /// Its name, the first half of an [`Address`].
    pub name: String,
    /// The folder that relative paths in the settings start from.
    pub folder: PathBuf,
    /// The keys of its table besides `name` and `kind`.
    pub settings: toml::Table,
    /// What programs can be given variables from.
    pub environment: Environment,
}

/// Something that takes a message to an address.
pub trait Channel: Send + Sync + fmt::Debug {
    /// Sends a message once, within the deadline of the channel, which begins when fewer than 8 others are under way.
    /// `at` is the instant of this attempt.
    ///
    /// `Ok` means that the other side said it has taken it. `Err` means that it did not, or that nobody knows: then it
    /// may come twice, with the same key. Dropping the future gives the attempt up.
    fn send<'a>(
        &'a self,
        message: &'a Message,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>>;
}

/// A message, with its content frozen: a repeat says the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is known by, the same at every attempt.
    pub key: Key,
    /// Where it goes.
    pub address: Address,
    /// What it belongs to: messages with the same thread are shown as one conversation, where a channel knows such a
    /// thing. It may be the key of the first of them.
    pub thread: Option<Key>,
    /// From whom it comes, as a mailbox, where that is not the channel itself; a channel that knows no senders leaves it.
    pub from: Option<String>,
    /// One line that says it all.
    pub subject: String,
    /// The whole of it for people.
    pub text: String,
    /// The same as HTML. Third-party text in it is escaped already.
    pub html: Option<String>,
    /// The same for programs.
    pub details: Value,
    /// When it was written; not when it is sent.
    pub written_at: Timestamp,
}

/// The largest message, in bytes of all its parts. One that is larger is refused: whoever renders it has to shorten it.
pub const MESSAGE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// The longest address, in bytes.
pub const ADDRESS_MAX_BYTES: usize = 1000;

/// How much of a subject is sent, in bytes; what is longer ends in `…`.
pub const SUBJECT_MAX_BYTES: usize = 300;

impl Message {
    /// Refuses what no channel should carry: an address that could break out of its line, more bytes than allowed.
    fn check(&self) -> Result<(), ChannelError> {
        let refused = |reason: String| Err(ChannelError::new(FailureKind::Refused, reason));
        let to = &self.address.to;
        if to.chars().any(char::is_control) || to.trim().is_empty() {
            return refused(
                "the address is empty or holds control characters; correct it where it is kept".to_owned(),
            );
        }
        if to.len() > ADDRESS_MAX_BYTES {
            return refused(format!(
                "the address is longer than {ADDRESS_MAX_BYTES} bytes; correct it where it is kept"
            ));
        }
        let details_bytes = self.details.to_string().len();
        let html_bytes = self.html.as_ref().map_or(0, String::len);
        let bytes = self.subject.len() + self.text.len() + html_bytes + details_bytes;
        if bytes > MESSAGE_MAX_BYTES {
            return refused(format!(
                "the message has {bytes} bytes, which is more than {MESSAGE_MAX_BYTES}; shorten it"
            ));
        }
        Ok(())
    }

    /// Returns the subject as one short line without control characters. It holds no `=?` either: in a header of a mail,
    /// ours or that of a program, a reader would take what begins so for an encoded word and show something else.
    fn subject_line(&self) -> String {
        // An escape is longer than its character, so cut after escaping; but never escape a megabyte for 300 bytes.
        let begin = lastgood_core::observation::cut(&self.subject, SUBJECT_MAX_BYTES);
        let line = Escaped(begin.trim()).to_string().replace("=?", "= ?");
        lastgood_core::observation::cut(&line, SUBJECT_MAX_BYTES)
    }

    /// Returns the message as a program is given it.
    fn document(&self) -> Value {
        json!({
            "key": self.key.as_str(),
            "thread": self.thread.as_ref().map(Key::as_str),
            "to": self.address.to,
            "from": self.from,
            "subject": self.subject_line(),
            "text": self.text,
            "written_at": self.written_at.to_string(),
            "details": self.details,
        })
    }
}

/// What a message is known by: 1 to 64 ASCII letters, digits, `-` and `_`, so that it fits into any header and path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

/// Why a text is no [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of a message has 1 to 64 ASCII letters, digits, `-` and `_`")]
pub struct InvalidKey;

impl Key {
    /// The longest key, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_key = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
        if is_key { Ok(Self(text.into())) } else { Err(InvalidKey) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the other side said when it took a message: the start of its answer, one line without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// At most about 300 bytes.
    pub answer: String,
}

/// How many messages a channel sends at once, however many it is handed: as many connections, requests or programs.
const AT_ONCE: usize = 8;

/// The places of a channel for messages under way.
fn places() -> Semaphore {
    Semaphore::new(AT_ONCE)
}

/// Waits for a place. That is no part of the deadline: a message must not fail because others were handed in before it.
async fn place(places: &Semaphore) -> SemaphorePermit<'_> {
    places.acquire().await.expect("nobody closes the places")
}

/// Gives a sending that has its place until the deadline.
async fn in_time(
    deadline: Duration,
    sending: impl Future<Output = Result<Receipt, ChannelError>>,
) -> Result<Receipt, ChannelError> {
    tokio::time::timeout(deadline, sending).await.unwrap_or_else(|_| {
        let seconds = deadline.as_secs_f64();
        let reason = format!(
            "there was no answer within {seconds} s; whether the message was taken is not known; see whether the \
             other side is slow, or raise `deadline`"
        );
        Err(ChannelError::new(FailureKind::TimedOut, reason))
    })
}

/// An error and what caused it, from the outside in.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = vec![error];
    let mut last = error;
    while let Some(cause) = last.source() {
        causes.push(cause);
        last = cause;
    }
    causes
}

/// What rustls said, if it was rustls: it stands inside errors of IO, which name as their cause only what is behind it.
fn tls_trouble<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut error = error;
    while let Some(inside) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        error = inside;
    }
    error.downcast_ref::<rustls::Error>()
}

#[cfg(test)]
mod tests;
