//! What does it mean that a mail server said no, and at which step?
//!
//! Reads errors of lettre and codes of RFC 5321 and 3463. It talks to nobody.

use std::error::Error;
use std::io;

use lettre::transport::smtp::Error as SmtpError;

use crate::channels::words::Words;
use crate::channels::{ChannelError, FailureKind, advice, causes, tls_trouble};

/// How far a conversation with a mail server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Its greeting and its answer to our name.
    Greeting,
    /// STARTTLS and the handshake.
    Tls,
    /// User and password.
    Login,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA, before anything of the mail was sent.
    Content,
    /// The whole mail was sent; the answer decides.
    End,
}

impl Step {
    const fn shown(self) -> &'static str {
        match self {
            Self::Greeting => "the greeting",
            Self::Tls => "STARTTLS",
            Self::Login => "the user and the password",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Content => "the announcement of a mail",
            Self::End => "the mail",
        }
    }
}

/// A conversation that did not end well.
#[derive(Debug)]
pub(super) struct Broken {
    /// What to tell.
    pub(super) error: ChannelError,
    /// What can be done with the connection.
    pub(super) fate: Fate,
}

/// What a refusal leaves of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It can carry another mail.
    Usable,
    /// It was closed before the mail was sent whole: a new one may do better at once.
    Stale,
    /// It is not used again, and neither is the mail sent again at once.
    Lost,
}

impl Broken {
    /// Reads an error of lettre.
    pub(super) fn at(step: Step, error: &SmtpError, words: &Words) -> Self {
        let Some(code) = error.status().map(u16::from) else {
            let error = without_a_reply(step, error, words);
            let is_stale = error.kind == FailureKind::Unreachable && step < Step::End;
            return Self { error, fate: if is_stale { Fate::Stale } else { Fate::Lost } };
        };
        // The server may repeat what we logged in with, in a spelling nobody thought of: then its words are left out.
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let said = if step == Step::Login { String::new() } else { format!(": \"{}\"", words.said(&text)) };
        let kind = kind_of(step, code, &text);
        let remedy = match kind {
            FailureKind::RateLimited => "it asks to come again later",
            FailureKind::Refused => {
                "the message is not sent again; correct the address, or tell them another way"
            }
            _ => advice(kind),
        };
        let reason = format!("the mail server refused {} with {code}{said}; {remedy}", step.shown());
        let fate = match (code, step) {
            (421, Step::End) => Fate::Lost,
            (421, _) => Fate::Stale,
            (_, Step::Greeting | Step::Tls | Step::Login) => Fate::Lost,
            (_, Step::Sender | Step::Recipient | Step::Content | Step::End) => Fate::Usable,
        };
        Self { error: ChannelError::new(kind, reason), fate }
    }

    /// An answer that is none of the protocol.
    pub(super) fn nonsense(step: Step) -> Self {
        Self { error: malformed(step), fate: Fate::Lost }
    }
}

/// What a code means: 4xx is later, whatever the step. 5xx is about us before a recipient was named, and about the
/// recipient or the mail after that, unless the code itself says that it is about us.
fn kind_of(step: Step, code: u16, text: &str) -> FailureKind {
    let is_about_us = matches!(code, 530 | 534 | 535 | 538);
    match (code, step) {
        (400..500, _) => FailureKind::RateLimited,
        (_, Step::Tls) => FailureKind::Unsupported,
        (_, Step::Greeting | Step::Login | Step::Sender) => FailureKind::Denied,
        _ if is_about_us => FailureKind::Denied,
        // 5.7.x at a recipient is policy ("relay access denied"): nearly always our login, and cheap to ask again.
        (_, Step::Recipient) if text.starts_with("5.7.") => FailureKind::Denied,
        (_, Step::Recipient | Step::Content | Step::End) => FailureKind::Refused,
    }
}

/// What it means that there was no reply, or none that could be read.
fn without_a_reply(step: Step, error: &SmtpError, words: &Words) -> ChannelError {
    // lettre's words for a connection that ended where an answer was due.
    let has_ended = error.source().is_some_and(|source| source.to_string() == "incomplete response");
    if has_ended {
        return broke(step, "the server closed it");
    }
    if error.is_response() {
        return malformed(step);
    }
    if error.is_client() {
        let reason = format!("the mail server cannot do what the settings ask for at {}", step.shown());
        return ChannelError::new(FailureKind::Unsupported, reason);
    }
    no_connection(step, error, words)
}

/// What it means that the socket, or TLS on it, failed.
pub(super) fn no_connection(step: Step, error: &(dyn Error + 'static), words: &Words) -> ChannelError {
    let chain = causes(error);
    if let Some(tls) = chain.iter().find_map(|error| tls_trouble(*error)) {
        let reason = format!(
            "TLS with the mail server failed: {}; correct `host` or `tls`, or name the authority of its certificate in \
             `ca_file`",
            words.said(&tls.to_string())
        );
        return ChannelError::new(FailureKind::Unsupported, reason);
    }
    let is_unreadable = |error: &io::Error| error.kind() == io::ErrorKind::InvalidData;
    if chain.iter().any(|error| error.downcast_ref::<io::Error>().is_some_and(is_unreadable)) {
        return malformed(step);
    }
    let why = chain.last().map(ToString::to_string).unwrap_or_default();
    broke(step, &words.said(&why))
}

fn broke(step: Step, why: &str) -> ChannelError {
    let unknown = if step == Step::End { "; whether it was taken is not known" } else { "" };
    let reason = format!("the connection to the mail server broke at {}: {why}{unknown}", step.shown());
    ChannelError::new(FailureKind::Unreachable, reason)
}

fn malformed(step: Step) -> ChannelError {
    let reason =
        format!("the answer to {} is not SMTP; see whether host, port and `tls` are right", step.shown());
    ChannelError::new(FailureKind::Malformed, reason)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::too_many_connections(Step::Greeting, 421, "", FailureKind::RateLimited)]
    #[case::no_service_for_us(Step::Greeting, 554, "", FailureKind::Denied)]
    #[case::tls_not_now(Step::Tls, 454, "", FailureKind::RateLimited)]
    #[case::tls_never(Step::Tls, 502, "", FailureKind::Unsupported)]
    #[case::login_not_now(Step::Login, 454, "", FailureKind::RateLimited)]
    #[case::wrong_password(Step::Login, 535, "", FailureKind::Denied)]
    #[case::sender_not_ours(Step::Sender, 550, "", FailureKind::Denied)]
    #[case::login_wanted(Step::Recipient, 530, "", FailureKind::Denied)]
    #[case::no_relay(Step::Recipient, 554, "5.7.1 relay access denied", FailureKind::Denied)]
    #[case::greylisted(Step::Recipient, 450, "", FailureKind::RateLimited)]
    #[case::nobody_there(Step::Recipient, 550, "5.1.1 unknown", FailureKind::Refused)]
    #[case::nobody_left(Step::Content, 554, "", FailureKind::Refused)]
    #[case::disk_full(Step::End, 452, "", FailureKind::RateLimited)]
    #[case::taken_for_spam(Step::End, 554, "5.7.1 spam", FailureKind::Refused)]
    fn a_code_means_what_it_means_at_its_step(
        #[case] step: Step,
        #[case] code: u16,
        #[case] text: &str,
        #[case] expected: FailureKind,
    ) {
        assert_eq!(kind_of(step, code, text), expected);
    }
}
