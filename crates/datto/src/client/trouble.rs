//! Why did a request fail, and what is to be done? One place that turns what HTTP says into words.

use std::error::Error;

use lastgood_core::observation::{Failure, FailureKind, Place};
use reqwest::StatusCode;

use super::redact::Secrets;
use crate::rest::{AnswerError, AssetsFailure};

/// Why something could not be read: from the closed set, and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: FailureKind,
    pub(super) reason: String,
}

impl Trouble {
    pub(super) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    /// Says that a deadline passed.
    pub(super) fn timed_out(what: &str, seconds: f64) -> Self {
        Self::new(
            FailureKind::TimedOut,
            format!("{what} within {seconds} s; look again, or give it a longer deadline"),
        )
    }

    /// Cleans the words of secrets.
    pub(super) fn without(self, secrets: &Secrets) -> Self {
        Self { reason: secrets.redact(&self.reason), ..self }
    }

    /// Makes a failure about the source as a whole.
    pub(super) fn of_source(self) -> Failure {
        Failure { place: Place::source(), kind: self.kind, reason: self.reason }
    }
}

impl From<Trouble> for AssetsFailure {
    fn from(Trouble { kind, reason }: Trouble) -> Self {
        Self { kind, reason }
    }
}

impl From<AnswerError> for Trouble {
    fn from(error: AnswerError) -> Self {
        let kind = match error {
            AnswerError::Portal { .. } => FailureKind::Refused,
            AnswerError::Empty | AnswerError::WebPage | AnswerError::NotJson(_) | AnswerError::NotAList => {
                FailureKind::Malformed
            }
        };
        Self::new(kind, error.to_string())
    }
}

/// Which of the two interfaces was asked: what a status means and which key to check differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    Feed,
    Rest,
}

/// Says what a status outside 2xx means. `host` is the one asked, `target` the host a redirect leads to.
pub(super) fn of_status(
    interface: Interface,
    status: StatusCode,
    host: &str,
    target: Option<&str>,
) -> Trouble {
    let key = match interface {
        Interface::Feed => "the key (portal, Admin > Integrations, XML)",
        Interface::Rest => "the key pair (portal, Admin > Integrations, API keys)",
    };
    let number = status.as_u16();
    let (kind, advice) = match number {
        401 => (FailureKind::Denied, format!("check {key}")),
        403 => (FailureKind::Denied, format!("check {key} and what it is allowed to read")),
        // The key of a feed is part of its address, so that a wrong one can be "not found".
        404 | 410 => match interface {
            Interface::Feed => (FailureKind::Denied, format!("check the address and {key}")),
            Interface::Rest => {
                (FailureKind::Refused, "there is nothing at this address: check it".to_owned())
            }
        },
        408 => (FailureKind::TimedOut, "look again".to_owned()),
        429 => (
            FailureKind::RateLimited,
            "ask less often: fewer requests per minute, longer intervals".to_owned(),
        ),
        300..=399 => {
            let target = target.map(|target| format!(" to {target}")).unwrap_or_default();
            let advice = format!(
                "it redirects{target}, perhaps to a login page, which is not followed; check the address and {key}"
            );
            (FailureKind::Refused, advice)
        }
        500..=599 => {
            (FailureKind::Refused, "the portal has a problem of its own; look again later".to_owned())
        }
        _ => (FailureKind::Refused, format!("check the address and {key}")),
    };
    let name = status.canonical_reason().map(|name| format!(" {name}")).unwrap_or_default();
    Trouble::new(kind, format!("{host} answered {number}{name}; {advice}"))
}

/// Says why a request got no answer, or not all of one.
pub(super) fn of_error(error: reqwest::Error, host: &str) -> Trouble {
    let error = error.without_url();
    let causes = causes(&error);
    let is_tls = is_tls(&error);
    let (kind, what, advice) = if error.is_timeout() {
        (FailureKind::TimedOut, "did not answer in time", "check the network, look again")
    } else if error.is_connect() && is_tls {
        (
            FailureKind::Unreachable,
            "cannot be spoken to securely",
            "check the address, the clock and the certificates of this machine",
        )
    } else if error.is_connect() {
        (FailureKind::Unreachable, "cannot be reached", "check the address and the network")
    } else if error.is_body() || error.is_decode() {
        (FailureKind::Malformed, "broke off its answer", "look again")
    } else {
        (FailureKind::Unreachable, "did not answer", "check the address and the network")
    };
    Trouble::new(kind, format!("{host} {what} ({causes}); {advice}"))
}

/// True if TLS is what went wrong.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An IO error hides what it wraps from its own chain of causes.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|wrapped| is_tls(wrapped))
        || error.source().is_some_and(is_tls)
}

/// Joins the causes below an error, which say more than the error itself; each once.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        next = cause.source();
        // What the HTTP library says of its own layers helps nobody while a cause below says more.
        let is_layer = text.starts_with("client error (") && next.is_some();
        if !is_layer && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
