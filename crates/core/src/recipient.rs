//! Who is to be told, through what, and why them?
//!
//! A directory answers with recipients; nothing here knows which directory, and nothing decides whether there is anything
//! to tell.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::facts::AssetFacts;
use crate::time::{Elapsed, Seconds, elapsed};
use crate::verdict::Reason;

/// Where a message goes: the name of a channel, and an address as that channel understands it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The channel, such as `mail`.
    pub channel: String,
    /// The address within it, such as a mailbox.
    pub to: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.channel, self.to)
    }
}

/// What somebody is to a subject; decides what a link in a message lets them do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Whose backup it is.
    Customer,
    /// Who sold it.
    Reseller,
    /// Who runs lastgood.
    Operator,
}

impl Role {
    /// Returns the word used in the configuration and in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Reseller => "reseller",
            Self::Operator => "operator",
        }
    }
}

/// How long somebody wants to wait before they hear of failed or missed runs. A wish of theirs, and no part of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// None: they are told at once.
    None,
    /// They are told when either is reached; where both are `None`, never.
    Until {
        /// So many runs in a row failed or were missed.
        count: Option<u32>,
        /// The last success is longer ago than this; one that is not known counts as longer ago than any length.
        length: Option<Seconds>,
    },
}

/// What patience is measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many runs in a row failed or were missed.
    pub in_row: u32,
    /// When the last one succeeded.
    pub last_success_at: Option<Timestamp>,
}

impl Streak {
    /// What it is for an asset with a bad verdict that `reason` decided: of missed runs those that were missed, of
    /// everything else the runs that failed.
    pub fn of(asset: AssetFacts<'_>, reason: &Reason) -> Self {
        let failed = asset.history.map_or(0, |history| history.failed_in_row);
        let in_row = if let Reason::Missed { count, .. } = *reason { count } else { failed };
        let last_success_at = asset.history.and_then(|history| history.last_success_at);
        Self { in_row, last_success_at: last_success_at.or_else(|| asset.last_good.value()) }
    }
}

impl Patience {
    /// True if they want to hear of it now.
    pub fn is_over(self, streak: Streak, now: Timestamp) -> bool {
        let Self::Until { count, length } = self else { return true };
        let is_long = |limit: Seconds| match streak.last_success_at.map(|at| elapsed(at, now)) {
            None => true,
            Some(Elapsed::Past(passed)) => passed > limit.duration(),
            Some(Elapsed::Ahead) => false,
        };
        count.is_some_and(|count| streak.in_row >= count) || length.is_some_and(is_long)
    }
}

/// How somebody wants to be written to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Voice {
    /// The language, such as `de-CH`.
    pub language: Box<str>,
    /// From whom it comes, as a mailbox; `None` leaves it to the channel.
    pub from: Option<Box<str>>,
    /// Whose words are used, where several resellers have their own: a unique id.
    pub brand: Option<Box<str>>,
}

/// Somebody who is to be told about an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where.
    pub address: Address,
    /// What they are to the subject.
    pub role: Role,
    /// How long they want to wait.
    pub patience: Patience,
    /// How long an incident must have been open without anybody saying that they know before they are told; `None` for
    /// those who are told first.
    pub escalation: Option<Seconds>,
    /// How they want to be written to; `None` leaves it to us.
    pub voice: Option<Arc<Voice>>,
    /// Why them, step by step.
    pub because: Vec<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::observation::LastRun;
    use crate::testing::{FleetBuilder, NANOSECOND, agent, ago, noon};

    fn until(count: Option<u32>, days: Option<u32>) -> Patience {
        Patience::Until { count, length: days.map(Seconds::days) }
    }

    #[rstest]
    #[case::none_at_all(Patience::None, 0, true)]
    #[case::neither_is_never(until(None, None), u32::MAX, false)]
    #[case::one_before(until(Some(3), None), 2, false)]
    #[case::exactly_the_count(until(Some(3), None), 3, true)]
    fn runs_are_counted(#[case] patience: Patience, #[case] in_row: u32, #[case] is_over: bool) {
        assert_eq!(patience.is_over(Streak { in_row, last_success_at: Some(noon()) }, noon()), is_over);
    }

    #[test]
    fn a_streak_counts_what_was_missed_or_what_failed() {
        let mut db = agent("db", noon());
        db.last_run = LastRun::Failed { in_row: 3, at: None };
        let facts = FleetBuilder::new("acme", noon()).appliance("nas1", vec![db.clone()]).facts();
        let repository = &facts.sources[0].repositories[0];
        let asset = repository.asset(&repository.stated.assets[0]);
        let missed = Reason::Missed { count: 5, limit: 1, planned_at: noon(), grace: Seconds::hours(2) };
        let last_success_at = db.last_good.value();
        for (reason, in_row) in [(missed, 5), (Reason::Failed(3, 1, None), 3), (Reason::Never, 3)] {
            assert_eq!(Streak::of(asset, &reason), Streak { in_row, last_success_at });
        }
    }

    #[test]
    fn the_last_success_must_be_longer_ago_than_the_length() {
        let patience = until(Some(9), Some(2));
        let is_over = |last_success_at| patience.is_over(Streak { in_row: 1, last_success_at }, noon());
        assert!(!is_over(Some(ago(noon(), Seconds::days(2)))));
        assert!(is_over(Some(ago(noon(), Seconds::days(2)) - NANOSECOND)));
        assert!(is_over(None));
    }
}
