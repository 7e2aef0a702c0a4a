//! Why was a message not sent, is it worth another try, and when?
//!
//! The closed set of kinds that looks have too decides all of that. It does not know which channel failed, nor how often it
//! did before.

use std::time::Duration;

use lastgood_core::observation::FailureKind;

/// When a message that was not sent is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Soon: such trouble passes by itself. 10 s after the first attempt, then twice as long each time, at most 15 min.
    Soon,
    /// Late: somebody has to repair something. 5 min after the first attempt, then twice as long each time, at most
    /// 1 h. Giving up would lose every message written while a password was wrong.
    Late,
    /// Never: only where this very message, or its address, is said to be wrong. A message that is given up is lost.
    Never,
}

/// The longest wait another side can ask for.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Says what an operator can do about a message that was not sent.
pub const fn advice(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Unreachable => "see whether the other side runs and can be reached from this machine",
        FailureKind::TimedOut => "see whether the other side is slow, or raise `deadline`",
        FailureKind::Denied => {
            "correct the user, the password or key, or the sender; what waits is sent then"
        }
        FailureKind::RateLimited => {
            "nothing, unless it stays so: then ask the other side for more, or send less"
        }
        FailureKind::Malformed => {
            "see whether address and port are those of the right service; what waits is sent then"
        }
        FailureKind::Refused => {
            "correct the address, or tell this recipient another way: this message is not sent again"
        }
        FailureKind::Unsupported => {
            "correct the settings of the channel, or the other side; what waits is sent then"
        }
    }
}

/// Returns when another try is worth it, if it is.
pub const fn repeat(kind: FailureKind) -> Repeat {
    match kind {
        FailureKind::Unreachable | FailureKind::TimedOut | FailureKind::RateLimited => Repeat::Soon,
        FailureKind::Denied | FailureKind::Malformed | FailureKind::Unsupported => Repeat::Late,
        FailureKind::Refused => Repeat::Never,
    }
}

/// A message was not sent, or nobody knows whether it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ChannelError {
    /// From the closed set.
    pub kind: FailureKind,
    /// Why, and what to do: one line without secrets and without control characters, to stand behind "failed to send:".
    pub reason: String,
    /// How long the other side asked us to wait, at most 1 h; `None` if it did not.
    pub retry_after: Option<Duration>,
}

impl ChannelError {
    /// An error whose other side asked for no wait.
    pub(super) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), retry_after: None }
    }

    /// Returns whether the same message may be taken later.
    pub const fn is_worth_retrying(&self) -> bool {
        !matches!(repeat(self.kind), Repeat::Never)
    }

    /// How long to wait after `attempt_count` failed attempts, the one that gave this error included; `None` if the
    /// message is not worth another try. Never shorter than the other side asked for.
    pub fn wait(&self, attempt_count: u32) -> Option<Duration> {
        let (first, longest) = match repeat(self.kind) {
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
    #[case::first(FailureKind::Unreachable, 1, Some(10))]
    #[case::second(FailureKind::TimedOut, 2, Some(20))]
    #[case::the_last_that_grows(FailureKind::RateLimited, 7, Some(640))]
    #[case::the_longest(FailureKind::RateLimited, 8, Some(900))]
    #[case::for_ever(FailureKind::Unreachable, u32::MAX, Some(900))]
    #[case::a_count_of_nothing(FailureKind::Unreachable, 0, Some(10))]
    #[case::what_somebody_must_repair(FailureKind::Denied, 1, Some(300))]
    #[case::and_goes_on(FailureKind::Unsupported, 5, Some(3600))]
    #[case::what_will_never_be_taken(FailureKind::Refused, 1, None)]
    fn the_kind_decides_the_wait(
        #[case] kind: FailureKind,
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
            ..ChannelError::new(FailureKind::RateLimited, "")
        };
        assert_eq!(asked(300).wait(1), Some(Duration::from_mins(5)));
        assert_eq!(asked(1).wait(1), Some(Duration::from_secs(10)));
        assert_eq!(ChannelError { kind: FailureKind::Refused, ..asked(300) }.wait(1), None);
    }

    #[test]
    fn only_a_refusal_gives_a_message_up() {
        let given_up: Vec<_> =
            FailureKind::ALL.into_iter().filter(|kind| repeat(*kind) == Repeat::Never).collect();
        assert_eq!(given_up, [FailureKind::Refused]);
    }
}
