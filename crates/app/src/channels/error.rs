//! Why was a message not sent, is it worth another try, and when?
//!
//! A closed set of kinds decides all of that. It does not know which channel failed, nor how often it did before.

use std::fmt;
use std::time::Duration;

/// Why a message was not sent, or may not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// Nobody answered, the connection broke, or the other side has trouble of its own.
    Unreachable,
    /// There was no answer within the deadline.
    TimedOut,
    /// We are not let in: a wrong password or key, a sender that may not send.
    Denied,
    /// The other side asks us to come again later.
    RateLimited,
    /// There was an answer, but not one of its protocol.
    Malformed,
    /// The other side will never take this message to this address.
    Refused,
    /// What the settings ask for cannot be had: no TLS, a certificate nobody vouches for, a program that is not there.
    Unsupported,
}

/// When a message that was not sent is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Soon: such trouble passes by itself. 10 s after the first attempt, then twice as long each time, at most 15 min.
    Soon,
    /// Late: somebody has to repair something. 5 min after the first attempt, then twice as long each time, at most
    /// 1 h. Giving up would lose every message written while a password was wrong.
    Late,
    /// Never.
    Never,
}

/// The longest wait another side can ask for.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Denied,
        Self::RateLimited,
        Self::Malformed,
        Self::Refused,
        Self::Unsupported,
    ];

    /// Returns the word used in every output; it is the label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
        }
    }

    /// Says what an operator can do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "see whether the other side runs and can be reached from this machine",
            Self::TimedOut => "see whether the other side is slow, or raise `deadline`",
            Self::Denied => "correct the user, the password or key, or the sender; what waits is sent then",
            Self::RateLimited => {
                "nothing, unless it stays so: then ask the other side for more, or send less"
            }
            Self::Malformed => "see whether address and port are those of the right service",
            Self::Refused => {
                "correct the address, or tell this recipient another way: this message is not sent again"
            }
            Self::Unsupported => {
                "correct the settings of the channel, or the other side; what waits is sent then"
            }
        }
    }

    /// Returns whether another try is worth it.
    pub const fn repeat(self) -> Repeat {
        match self {
            Self::Unreachable | Self::TimedOut | Self::RateLimited => Repeat::Soon,
            Self::Denied | Self::Malformed | Self::Unsupported => Repeat::Late,
            Self::Refused => Repeat::Never,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message was not sent, or nobody knows whether it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ChannelError {
    /// From the closed set.
    pub kind: ErrorKind,
    /// Why, and what to do: one line without secrets and without control characters, to stand behind "failed to send:".
    pub reason: String,
    /// How long the other side asked us to wait, at most 1 h; `None` if it did not.
    pub retry_after: Option<Duration>,
}

impl ChannelError {
    /// An error whose other side asked for no wait.
    pub(super) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), retry_after: None }
    }

    /// Returns whether the same message may be taken later.
    pub const fn is_worth_retrying(&self) -> bool {
        !matches!(self.kind.repeat(), Repeat::Never)
    }

    /// How long to wait after `attempt_count` failed attempts, the one that gave this error included; `None` if the
    /// message is not worth another try. Never shorter than the other side asked for.
    pub fn wait(&self, attempt_count: u32) -> Option<Duration> {
        let (first, longest) = match self.kind.repeat() {
            Repeat::Soon => (Duration::from_secs(10), Duration::from_mins(15)),
            Repeat::Late => (Duration::from_mins(5), Duration::from_hours(1)),
            Repeat::Never => return None,
        };
        let doublings = attempt_count.saturating_sub(1).min(16);
        let wait = first.saturating_mul(1 << doublings).min(longest);
        Some(wait.max(self.retry_after.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first(ErrorKind::Unreachable, 1, Some(10))]
    #[case::second(ErrorKind::TimedOut, 2, Some(20))]
    #[case::the_last_that_grows(ErrorKind::RateLimited, 7, Some(640))]
    #[case::the_longest(ErrorKind::RateLimited, 8, Some(900))]
    #[case::for_ever(ErrorKind::Unreachable, u32::MAX, Some(900))]
    #[case::a_count_of_nothing(ErrorKind::Unreachable, 0, Some(10))]
    #[case::what_somebody_must_repair(ErrorKind::Denied, 1, Some(300))]
    #[case::and_goes_on(ErrorKind::Unsupported, 5, Some(3600))]
    #[case::what_will_never_be_taken(ErrorKind::Refused, 1, None)]
    fn the_kind_decides_the_wait(
        #[case] kind: ErrorKind,
        #[case] attempt_count: u32,
        #[case] seconds: Option<u64>,
    ) {
        let error = ChannelError::new(kind, "");
        assert_eq!(error.wait(attempt_count), seconds.map(Duration::from_secs));
        assert_eq!(error.is_worth_retrying(), seconds.is_some());
    }

    #[test]
    fn the_other_side_can_ask_for_a_longer_wait_only() {
        let asked = |seconds| ChannelError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..ChannelError::new(ErrorKind::RateLimited, "")
        };
        assert_eq!(asked(300).wait(1), Some(Duration::from_mins(5)));
        assert_eq!(asked(1).wait(1), Some(Duration::from_secs(10)));
        assert_eq!(ChannelError { kind: ErrorKind::Refused, ..asked(300) }.wait(1), None);
    }

    #[test]
    fn only_a_refusal_gives_a_message_up() {
        let given_up: Vec<_> =
            ErrorKind::ALL.into_iter().filter(|kind| kind.repeat() == Repeat::Never).collect();
        assert_eq!(given_up, [ErrorKind::Refused]);
        let labels: std::collections::BTreeSet<_> =
            ErrorKind::ALL.map(ErrorKind::as_str).into_iter().collect();
        assert_eq!(labels.len(), ErrorKind::ALL.len());
    }
}
