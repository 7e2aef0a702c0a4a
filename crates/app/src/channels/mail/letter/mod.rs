//! How does a message look as a mail?
//!
//! Makes RFC 5322 out of a message. Headers are encoded by lettre, which lets no line break through; what it does not
//! keep out (control characters, a second recipient) is kept out here. It sends nothing.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};

use crate::channels::{ChannelError, FailureKind, Key, Message};
use crate::mailbox;

/// A mail on its way: who it is from and to, and all its bytes.
#[derive(Debug)]
pub(super) struct Letter {
    /// Sender and the one recipient.
    pub(super) envelope: Envelope,
    /// Headers and body.
    pub(super) bytes: Vec<u8>,
}

impl Letter {
    /// Whether every server can read who it is from and to.
    pub(super) fn is_ascii_addressed(&self) -> bool {
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        self.envelope.from().into_iter().chain(self.envelope.to()).all(is_ascii)
    }
}

/// Headers that say: no person wrote this, so do not answer it by machine. `Precedence` is left out on purpose: RFC 2076
/// discourages it, and some filters take `bulk` for advertising.
const WRITTEN_BY_A_MACHINE: [(&str, &str); 2] =
    [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

/// Writes a message as a mail.
pub(super) fn write(message: &Message, from: &Mailbox) -> Result<Letter, ChannelError> {
    let to = mailbox::read(&message.address.to).ok_or_else(|| {
        let reason = "the address is no mailbox, such as anna@example.org; correct it where it is kept";
        ChannelError::new(FailureKind::Refused, reason)
    })?;
    // lettre would read it out of the headers again, where it does not know an address with quotes any more.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]).expect("one recipient");
    let id = |key: &Key| format!("<{key}@{}>", from.email.domain());
    let mut builder = lettre::Message::builder();
    builder = match shown_from(message) {
        // Who is shown and who sent it are two: RFC 5322, 3.6.2. Bounces go to who sent it.
        Some(shown) if shown.email != from.email => builder.from(shown).sender(from.clone()),
        Some(shown) => builder.from(shown),
        None => builder.from(from.clone()),
    };
    builder = builder
        .envelope(envelope)
        .to(to)
        .subject(message.subject_line())
        .date(date(message.written_at))
        .message_id(Some(id(&message.key)));
    if let Some(thread) = message.thread.as_ref().filter(|thread| **thread != message.key) {
        builder = builder.in_reply_to(id(thread)).references(id(thread));
    }
    for (name, value) in WRITTEN_BY_A_MACHINE {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    let text = plain(&message.text);
    let built = match &message.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, printable(html))),
        None => builder.singlepart(SinglePart::plain(text)),
    };
    let mail = built.map_err(|error| {
        let reason = format!("no mail could be made of the message: {}", Escaped(&error.to_string()));
        ChannelError::new(FailureKind::Refused, reason)
    })?;
    Ok(Letter { envelope: mail.envelope().clone(), bytes: mail.formatted() })
}

/// From whom a message says that it comes; `None` leaves it to the channel, also where what it says is no mailbox that
/// every server takes: a message must not be lost for that.
fn shown_from(message: &Message) -> Option<Mailbox> {
    let text = message.from.as_deref()?;
    let is_plain = Escaped(text).to_string() == text;
    let is_ascii = |mailbox: &Mailbox| AsRef::<str>::as_ref(&mailbox.email).is_ascii();
    let read = mailbox::read(text).filter(|mailbox| is_plain && is_ascii(mailbox) && can_be_sender(mailbox));
    if read.is_none() {
        tracing::warn!(
            "the sender \"{}\" is no mailbox in ASCII: the mail comes from the channel's own; correct it where it is kept",
            Escaped(text)
        );
    }
    read
}

/// Whether lettre reads it again where it is written as the sender: no mail is made otherwise.
pub(super) fn can_be_sender(mailbox: &Mailbox) -> bool {
    mailbox.to_string().parse::<Mailboxes>().is_ok()
}

/// The instant as a mail can state it: not before 1970.
fn date(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default())
}

/// The text, each of its lines without control characters and without those that turn or hide text.
fn plain(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line).replace('\t', "    "))
        .map(|line| Escaped(&line).to_string())
        .collect();
    lines.join("\n")
}

/// HTML without the characters it must not hold.
fn printable(html: &str) -> String {
    let is_kept = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    html.chars().filter(|&character| is_kept(character)).collect()
}

#[cfg(test)]
mod tests;
