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
            FailureKind::Denied if step > Step::Sender => {
                "correct the login, the sender, the address or a filter, as it says; what waits is sent then"
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

/// What a code means: 4xx is later, whatever the step. 5xx is final only where it says that this address is wrong, or this
/// mail too large; anything else (a policy, a filter, a full mailbox, a server that is set up wrongly) can be repaired, and
/// giving up would lose what was written meanwhile.
fn kind_of(step: Step, code: u16, text: &str) -> FailureKind {
    let status = Status::read(text);
    match (code, step) {
        (400..500, _) => FailureKind::RateLimited,
        (_, Step::Tls) => FailureKind::Unsupported,
        (_, Step::Greeting | Step::Login | Step::Sender) => FailureKind::Denied,
        _ if status.is_some_and(Status::is_too_large) => FailureKind::Refused,
        // A full mailbox, at whichever code; a 552 that does not say which limit was met is taken for one.
        _ if status == Some(MAILBOX_FULL) || (code == 552 && status.is_none()) => FailureKind::RateLimited,
        (550 | 551 | 553, _) if status.is_some_and(Status::is_wrong_recipient) => FailureKind::Refused,
        (550 | 551 | 553, Step::Recipient) if status.is_none() => FailureKind::Refused,
        (_, Step::Recipient | Step::Content | Step::End) => FailureKind::Denied,
    }
}

/// An enhanced status code of class 5 (RFC 3463): its subject and its detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status(u16, u16);

/// 5.2.2.
const MAILBOX_FULL: Status = Status(2, 2);

impl Status {
    /// Reads what a text begins with, such as `5.1.1 nobody`, `5.1.1:nobody` or `#5.1.1 nobody`.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_start_matches([' ', '#', '(', '[']);
        let end = text.find(|character: char| !character.is_ascii_digit() && character != '.');
        let number = text[..end.unwrap_or(text.len())].trim_end_matches('.');
        let (subject, detail) = number.strip_prefix("5.")?.split_once('.')?;
        Some(Self(subject.parse().ok()?, detail.parse().ok()?))
    }

    /// Longer than the mailbox takes, or too big for the system.
    fn is_too_large(self) -> bool {
        matches!(self, Self(2, 3) | Self(3, 4))
    }

    /// 5.1.7 and 5.1.8 are about the address of the sender, which many servers look at only now; so may be 5.1.0.
    fn is_wrong_recipient(self) -> bool {
        self.0 == 1 && !matches!(self.1, 0 | 7 | 8)
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
    #[case::nobody_there_without_a_status(Step::Recipient, 550, "No such user", FailureKind::Refused)]
    #[case::moved(Step::Recipient, 551, "", FailureKind::Refused)]
    #[case::no_mailbox(Step::Recipient, 553, "5.1.3 syntax", FailureKind::Refused)]
    #[case::not_found_at_exchange(Step::Recipient, 550, "5.1.10 not found", FailureKind::Refused)]
    #[case::sender_looked_at_late(Step::Recipient, 550, "5.1.8 no such domain", FailureKind::Denied)]
    #[case::sender_unknown(Step::Recipient, 550, "5.1.0 sender unknown", FailureKind::Denied)]
    #[case::listed(Step::Recipient, 550, "5.7.1 listed at rbl", FailureKind::Denied)]
    #[case::listed_with_a_colon(Step::Recipient, 550, "5.7.1: listed", FailureKind::Denied)]
    #[case::listed_with_a_hash(Step::Recipient, 550, "#5.7.1 listed", FailureKind::Denied)]
    #[case::a_status_alone(Step::Recipient, 550, "5.7.1", FailureKind::Denied)]
    #[case::letters_first(Step::Recipient, 550, "größe 5.7.1", FailureKind::Refused)]
    #[case::mailbox_disabled(Step::Recipient, 550, "5.2.1 disabled", FailureKind::Denied)]
    #[case::no_transaction(Step::Recipient, 554, "", FailureKind::Denied)]
    #[case::bad_sequence(Step::Recipient, 503, "5.5.1 MAIL first", FailureKind::Denied)]
    #[case::mailbox_full(Step::Recipient, 552, "5.2.2 full", FailureKind::RateLimited)]
    #[case::mailbox_full_at_550(Step::Recipient, 550, "5.2.2 full", FailureKind::RateLimited)]
    #[case::storage(Step::Recipient, 552, "", FailureKind::RateLimited)]
    #[case::nobody_left(Step::Content, 554, "", FailureKind::Denied)]
    #[case::disk_full(Step::End, 452, "", FailureKind::RateLimited)]
    #[case::full_after_all(Step::End, 552, "5.2.2 full", FailureKind::RateLimited)]
    #[case::storage_after_all(Step::End, 552, "", FailureKind::RateLimited)]
    #[case::too_large(Step::End, 552, "5.3.4 too big", FailureKind::Refused)]
    #[case::too_large_for_the_mailbox(Step::End, 552, "5.2.3 too long", FailureKind::Refused)]
    #[case::taken_for_spam(Step::End, 554, "5.7.1 spam", FailureKind::Denied)]
    #[case::policy(Step::End, 550, "5.7.26 unauthenticated", FailureKind::Denied)]
    #[case::nobody_there_after_all(Step::End, 550, "5.1.1 unknown", FailureKind::Refused)]
    #[case::no_reason(Step::End, 550, "", FailureKind::Denied)]
    fn a_code_means_what_it_means_at_its_step(
        #[case] step: Step,
        #[case] code: u16,
        #[case] text: &str,
        #[case] expected: FailureKind,
    ) {
        assert_eq!(kind_of(step, code, text), expected);
    }
}
