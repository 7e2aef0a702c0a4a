//! Why did a run or a refresh fail, and how long is it left alone then?
//!
//! The kinds are a closed set: they decide the pause before the next try and are a label of the metrics. The words are
//! for people.

use std::io;
use std::time::Duration;

/// Why something failed, from a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// Nobody answered there.
    Unreachable,
    /// It had not ended at its deadline.
    TimedOut,
    /// Somebody answered, and the credential does not open the door.
    Denied,
    /// Too many requests; the other side asks for a pause.
    RateLimited,
    /// The answer could not be read.
    Malformed,
    /// The other side understood, and does not do it.
    Refused,
    /// It cannot be done here: a missing program, an unknown version.
    Unsupported,
    /// The code of the job panicked.
    Panicked,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Denied,
        Self::RateLimited,
        Self::Malformed,
        Self::Refused,
        Self::Unsupported,
        Self::Panicked,
    ];

    /// Its word, for labels and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::Panicked => "panicked",
        }
    }
}

/// A failed run or refresh. Nothing in it may be secret: it is logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words.
    pub reason: String,
    /// How long the other side asks to be left alone; at most a day of it is believed.
    pub retry_after: Option<Duration>,
    /// True if the next try is worth as much as if this one had gone well.
    pub(crate) is_without_pause: bool,
}

impl Failure {
    /// A failure whose pause follows from its kind.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), retry_after: None, is_without_pause: false }
    }

    /// The same failure with the pause the other side asks for.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// The same failure, after which the job is not left alone: what went wrong was one number of many, not the other side.
    #[must_use]
    pub fn without_pause(self) -> Self {
        Self { is_without_pause: true, ..self }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::TimedOut => FailureKind::TimedOut,
            io::ErrorKind::PermissionDenied => FailureKind::Denied,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => FailureKind::Malformed,
            io::ErrorKind::Unsupported => FailureKind::Unsupported,
            _ => FailureKind::Unreachable,
        };
        Self::new(kind, error.to_string())
    }
}
