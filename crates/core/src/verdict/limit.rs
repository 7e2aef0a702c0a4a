//! Is something ok only because another limit is set now?
//!
//! A reason keeps the limit it was found with, so that what is known now can be held against the limit of before.

use jiff::Timestamp;

use super::Reason;
use crate::time::{Elapsed, Seconds, elapsed};

impl Reason {
    /// True if this reason of an ok answer would be one of a bad answer with the limit of `before`, which was the reason of
    /// a bad answer to the same check. False where `before` had no limit: then something else has changed.
    ///
    /// Which time counts (`overdue_counts`) is a limit too: what is ok only since its device was away, and is as old as
    /// before, was not made good by anybody.
    pub fn is_bad_within_limit_of(&self, before: &Self, now: Timestamp) -> bool {
        match (before, self) {
            (Self::TooOld(before, limit), Self::Away(at, _, seen)) => at <= before || seen > limit,
            (Self::BackWithout(_, limit, _), Self::Away(_, _, seen)) => seen > limit,
            (Self::TooOld(_, limit) | Self::BackWithout(_, limit, _), Self::Recent(at, _))
            | (Self::Unused(_, limit) | Self::UnusedSinceSeen(_, limit), Self::Unused(at, _))
            | (Self::UnderWay(_, limit), Self::UnderWay(at, _))
            | (Self::Waiting(_, limit), Self::Waiting(at, _)) => is_longer_ago(*at, *limit, now),
            (Self::Running(_, limit), Self::Running(seconds, _)) => *seconds >= u64::from(limit.0),
            (Self::Filled(_, _, level), Self::Filled(used, total, _)) => {
                u128::from(*used) * 10_000 > u128::from(level.0) * u128::from(*total)
            }
            (Self::Failed(_, limit, _), Self::Failed(count, ..))
            | (Self::Missed { limit, .. }, Self::Missed { count, .. }) => count >= limit,
            (Self::Ends(_, notice), Self::Ends(end, _)) => end.duration_since(now) <= notice.duration(),
            (Self::ClientOutdated(_, least), Self::ClientRecent(version, _)) => version < least,
            (_, _) => false,
        }
    }
}

fn is_longer_ago(at: Timestamp, limit: Seconds, now: Timestamp) -> bool {
    matches!(elapsed(at, now), Elapsed::Past(passed) if passed > limit.duration())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::client::Version;
    use crate::expectation::Percent;
    use crate::testing::noon;

    /// Every reason that has a limit: the bad answer, the ok one by another limit, and one that is ok within both.
    #[test]
    fn what_is_ok_only_by_another_limit_is_told_from_what_is_ok() {
        let now = noon();
        let ago = |hours| now - SignedDuration::from_hours(hours);
        let (day, month) = (Seconds::hours(24), Seconds::days(30));
        let version = |text: &str| Version::parse(text).expect("a version");
        let missed = |count, limit| Reason::Missed { count, limit, planned_at: ago(9), grace: day };
        for (bad, by_limit, recovered) in [
            (Reason::TooOld(ago(25), day), Reason::Recent(ago(25), month), Reason::Recent(ago(24), month)),
            (Reason::TooOld(ago(50), day), Reason::Away(ago(50), day, day), Reason::Away(ago(49), day, day)),
            (
                Reason::BackWithout(ago(50), day, month),
                Reason::Away(ago(50), month, Seconds::hours(25)),
                Reason::Away(ago(50), month, day),
            ),
            (
                Reason::BackWithout(ago(50), day, month),
                Reason::Recent(ago(50), month),
                Reason::Recent(ago(2), day),
            ),
            (Reason::Unused(ago(25), day), Reason::Unused(ago(25), month), Reason::Used),
            (Reason::UnusedSinceSeen(ago(25), day), Reason::Unused(ago(25), month), Reason::Used),
            (Reason::UnderWay(ago(25), day), Reason::UnderWay(ago(25), month), Reason::UnderWay(ago(1), day)),
            (Reason::Waiting(ago(25), day), Reason::Waiting(ago(25), month), Reason::NothingWaits),
            (Reason::Running(86_400, day), Reason::Running(86_400, month), Reason::Running(86_399, month)),
            (
                Reason::Filled(86, 100, Percent(8500)),
                Reason::Filled(86, 100, Percent(9000)),
                Reason::Filled(85, 100, Percent(9000)),
            ),
            (Reason::Failed(1, 1, None), Reason::Failed(1, 3, None), Reason::Succeeded),
            (Reason::Failed(3, 2, None), Reason::Failed(2, 4, None), Reason::Failed(1, 4, None)),
            (missed(2, 2), missed(2, 3), missed(1, 3)),
            (missed(2, 2), missed(2, 3), Reason::OnPlan(None)),
            (
                Reason::Ends(now + day.duration(), day),
                Reason::Ends(now + day.duration(), Seconds(0)),
                Reason::Ends(now + day.duration() * 2, Seconds(0)),
            ),
            (
                Reason::ClientOutdated(version("2.0.5"), version("2.0.9")),
                Reason::ClientRecent(version("2.0.8"), version("2.0.5")),
                Reason::ClientRecent(version("2.0.9"), version("2.0.5")),
            ),
        ] {
            assert!(by_limit.is_bad_within_limit_of(&bad, now), "{bad:?} {by_limit:?}");
            assert!(!recovered.is_bad_within_limit_of(&bad, now), "{bad:?} {recovered:?}");
        }
    }

    #[test]
    fn where_there_was_no_limit_something_else_has_changed() {
        let recent = Reason::Recent(noon(), Seconds::hours(24));
        for bad in
            [Reason::Never, Reason::VerificationFailed(None), Reason::BlindSince(noon(), Seconds(0), None)]
        {
            assert!(!recent.is_bad_within_limit_of(&bad, noon()), "{bad:?}");
        }
    }
}
