//! Why did the backend not do what it was asked, in words that hold no secret?
//!
//! Every error names the operation and the account. None holds an address or a token, and the backend's own words are
//! cut and cleaned before they come here. What is to be done about a failure is the caller's matter.

use std::fmt;
use std::time::Duration;

use super::token::Token;
use super::value::Refused;
use crate::failure::{Failure, FailureKind};

/// What was asked of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// What was wanted: `the profile`, `the entities`.
    pub what: &'static str,
    /// The account it was wanted of, where it was one.
    pub account_id: Option<i64>,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        self.account_id.map_or(Ok(()), |id| write!(f, " of account {id}"))
    }
}

/// Why a request had no success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody answered there.
    #[error("{asked}: the backend cannot be reached ({words}); check its address and the network")]
    Unreachable {
        /// What was asked.
        asked: Asked,
        /// What the network said.
        words: String,
    },
    /// It was connected, and no answer came in time.
    #[error("{asked}: the backend did not answer in time")]
    TimedOut {
        /// What was asked.
        asked: Asked,
    },
    /// The connection ended before the answer did; a value may have been stored nevertheless.
    #[error("{asked}: the backend broke off the connection ({words})")]
    BrokenOff {
        /// What was asked.
        asked: Asked,
        /// What the network said.
        words: String,
    },
    /// 401: the token is not known. 403: the bot has no permission for this, or there is no such account.
    #[error("{asked}: the backend answered {status} ({words}); check the bot's token and its permissions")]
    Denied {
        /// What was asked.
        asked: Asked,
        /// The HTTP status.
        status: u16,
        /// The backend's words, cut and cleaned.
        words: String,
    },
    /// 429: too many requests.
    #[error("{asked}: the backend asks to be left alone (429, {words})")]
    RateLimited {
        /// What was asked.
        asked: Asked,
        /// How long, where it says so.
        retry_after: Option<Duration>,
        /// The backend's words, cut and cleaned.
        words: String,
    },
    /// Any other status below 500 that is no success, redirects among them: they are not followed.
    #[error("{asked}: the backend answered {status} ({words})")]
    Refused {
        /// What was asked.
        asked: Asked,
        /// The HTTP status.
        status: u16,
        /// The backend's words, cut and cleaned.
        words: String,
    },
    /// 5xx: the backend, or what stands before it, has a problem of its own.
    #[error("{asked}: the backend failed with {status} ({words})")]
    Failed {
        /// What was asked.
        asked: Asked,
        /// The HTTP status.
        status: u16,
        /// The backend's words, cut and cleaned.
        words: String,
    },
    /// A success whose body is not what it should be.
    #[error("{asked}: the answer could not be read ({words}); is this address a Grafolean backend?")]
    Malformed {
        /// What was asked.
        asked: Asked,
        /// What was wrong with it.
        words: String,
    },
    /// Values that may not be sent, and were not.
    #[error(transparent)]
    Values(#[from] Refused),
    /// Some values of a publication did not get there.
    #[error("{unsent_count} of {count} values of account {account_id} were not sent: {cause}{}", also(refused.as_ref()))]
    Unsent {
        /// The account.
        account_id: i64,
        /// How many values did not get there.
        unsent_count: usize,
        /// Of how many.
        count: usize,
        /// Why the last try failed.
        cause: Box<Error>,
        /// Values that may not be sent, beside those.
        refused: Option<Refused>,
    },
}

fn also(refused: Option<&Refused>) -> String {
    refused.map(|refused| format!("; also, {refused}")).unwrap_or_default()
}

impl Error {
    /// Why, from the closed set.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unreachable { .. } | Self::BrokenOff { .. } => FailureKind::Unreachable,
            Self::TimedOut { .. } | Self::Refused { status: 408, .. } => FailureKind::TimedOut,
            Self::Denied { .. } => FailureKind::Denied,
            Self::RateLimited { .. } => FailureKind::RateLimited,
            Self::Refused { .. } | Self::Failed { .. } => FailureKind::Refused,
            Self::Malformed { .. } | Self::Values(_) => FailureKind::Malformed,
            Self::Unsent { cause, .. } => cause.kind(),
        }
    }

    /// The HTTP status that was answered, if one was.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Denied { status, .. } | Self::Refused { status, .. } | Self::Failed { status, .. } => {
                Some(*status)
            }
            Self::RateLimited { .. } => Some(429),
            Self::Unsent { cause, .. } => cause.status(),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BrokenOff { .. }
            | Self::Malformed { .. }
            | Self::Values(_) => None,
        }
    }

    /// How long the backend asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            Self::Unsent { cause, .. } => cause.retry_after(),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BrokenOff { .. }
            | Self::Denied { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Malformed { .. }
            | Self::Values(_) => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Values(refused) = error {
            return refused.into();
        }
        let failure = Self::new(error.kind(), error.to_string());
        match error.retry_after() {
            Some(pause) => failure.retry_after(pause),
            None => failure,
        }
    }
}

/// Without a pause, which would keep the good values of the next runs back as well.
impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(FailureKind::Malformed, refused.to_string()).without_pause()
    }
}

/// How much of somebody else's words an error repeats, in characters.
const WORDS_MAX: usize = 200;

/// Somebody else's words: without the token, in one line without what could move a cursor, cut.
pub(super) fn words(text: &str, token: &Token) -> String {
    let clean = token.redact(text);
    let clean = clean.trim();
    if clean.is_empty() {
        return "without a word".to_owned();
    }
    let mut words = String::new();
    for (position, character) in clean.chars().enumerate() {
        if position == WORDS_MAX {
            words.push('…');
            break;
        }
        let is_plain = character == ' ' || character.is_alphanumeric() || character.is_ascii_graphic();
        words.push(if is_plain { character } else { '\u{fffd}' });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::Backoff;
    use crate::grafolean::value::{NotFinite, Refusal, ValueError};

    const UUID: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";

    #[test]
    fn the_words_of_others_are_cut_and_cleaned() {
        let token = Token::new(UUID).unwrap();
        assert_eq!(words(" Access denied\n", &token), "Access denied");
        assert_eq!(words("", &token), "without a word");
        assert_eq!(words(&format!("GET /?b={UUID}\u{1b}[2J"), &token), "GET /?b=[redacted]\u{fffd}[2J");
        // A token that the cut would halve is gone before the cut.
        let long = words(&format!("{}{UUID}{}", "x".repeat(190), "y".repeat(500)), &token);
        assert!(!long.contains("24b1") && long.ends_with('…') && long.chars().count() == 201, "{long}");
    }

    #[test]
    fn a_failure_keeps_the_kind_the_words_and_the_pause() {
        let asked = Asked { what: "the entities", account_id: Some(7) };
        let pause = Some(Duration::from_secs(9));
        let failure =
            Failure::from(Error::RateLimited { asked, retry_after: pause, words: "slow".to_owned() });
        assert_eq!((failure.kind, failure.retry_after), (FailureKind::RateLimited, pause));
        assert!(failure.reason.contains("the entities of account 7"), "{failure}");
        let denied = Error::Denied { asked, status: 403, words: String::new() };
        assert_eq!(
            (denied.kind(), denied.status(), denied.retry_after()),
            (FailureKind::Denied, Some(403), None)
        );
        let timed_out = Error::Refused { asked, status: 408, words: String::new() };
        assert_eq!(timed_out.kind(), FailureKind::TimedOut);
    }

    #[test]
    fn a_value_that_may_not_be_sent_pauses_nothing() {
        let why = ValueError::NotFinite(NotFinite::Nan);
        let refusals = vec![Refusal { path: "a.b".to_owned(), why }];
        let refused = Refused { account_id: 7, refusals };
        for failure in [Failure::from(refused.clone()), Error::Values(refused).into()] {
            assert_eq!(failure.kind, FailureKind::Malformed);
            assert!(failure.reason.contains("\"a.b\": NaN is no finite number"), "{failure}");
            assert_eq!(Backoff::default().pause(&failure, 9, 1), Duration::ZERO);
        }
    }
}
