//! How long is a job left alone after it failed?
//!
//! A firing that falls into the pause is not run; it is counted as missed. A job whose interval is longer than its pause
//! notices nothing.

use std::time::Duration;

use crate::failure::{Failure, FailureKind};

/// The longest pause another side may ask for.
pub(crate) const ASKED_MAX: Duration = Duration::from_hours(24);

/// The longest pause there is, so that reckoning with it never overflows: a hundred years.
const PAUSE_MAX: Duration = Duration::from_hours(24 * 36_525);

/// The pauses after failures: they double with each failure in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// After the first failure where nobody answered, in time or at all, or the answer was of no use.
    pub base: Duration,
    /// The longest of those pauses.
    pub max: Duration,
    /// After the first failure where a credential was refused: trying again soon may lock it.
    pub denied_base: Duration,
    /// The longest of those pauses.
    pub denied_max: Duration,
    /// By which part a pause may be longer or shorter, from 0 (none) to 1; it follows from the job's id and the count.
    pub jitter: f64,
}

impl Default for Backoff {
    /// One second to five minutes; a minute to an hour where access was denied; no jitter.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            max: Duration::from_mins(5),
            denied_base: Duration::from_mins(1),
            denied_max: Duration::from_hours(1),
            jitter: 0.0,
        }
    }
}

impl Backoff {
    /// No pause at all, whatever fails; what another side asks for still holds.
    pub const NONE: Self = Self {
        base: Duration::ZERO,
        max: Duration::ZERO,
        denied_base: Duration::ZERO,
        denied_max: Duration::ZERO,
        jitter: 0.0,
    };

    /// The pause after `count` failures in a row, of which `failure` is the last. `seed` tells jobs apart.
    pub fn pause(&self, failure: &Failure, count: u32, seed: u64) -> Duration {
        let (base, max) = match failure.kind {
            FailureKind::Denied => (self.denied_base, self.denied_max),
            FailureKind::Unreachable
            | FailureKind::TimedOut
            | FailureKind::RateLimited
            | FailureKind::Malformed
            | FailureKind::Refused
            | FailureKind::Unsupported
            | FailureKind::Panicked => (self.base, self.max),
        };
        let base = if failure.is_without_pause { Duration::ZERO } else { base };
        let doubled = base.saturating_mul(1 << count.saturating_sub(1).min(24)).min(max).min(PAUSE_MAX);
        let pause = doubled.mul_f64(self.factor(seed.wrapping_add(u64::from(count))));
        pause.max(failure.retry_after.unwrap_or_default().min(ASKED_MAX))
    }

    /// A factor around 1 that spreads equal seeds' neighbours evenly.
    fn factor(&self, seed: u64) -> f64 {
        let jitter = if self.jitter.is_finite() { self.jitter.clamp(0.0, 1.0) } else { 0.0 };
        // The finishing step of SplitMix64: neighbours become independent.
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let even = f64::from((mixed >> 32) as u32) / f64::from(u32::MAX);
        1.0 + jitter * (2.0 * even - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[rstest]
    #[case::the_first(FailureKind::Unreachable, 1, 1)]
    #[case::the_second(FailureKind::TimedOut, 2, 2)]
    #[case::the_last_below_the_most(FailureKind::Panicked, 9, 256)]
    #[case::the_first_at_the_most(FailureKind::Malformed, 10, 300)]
    #[case::very_many(FailureKind::Refused, u32::MAX, 300)]
    #[case::none_counts_as_one(FailureKind::Unsupported, 0, 1)]
    #[case::denied(FailureKind::Denied, 1, 60)]
    #[case::denied_again(FailureKind::Denied, 6, 1920)]
    #[case::denied_at_the_most(FailureKind::Denied, 7, 3600)]
    fn a_pause_doubles_up_to_its_most(#[case] kind: FailureKind, #[case] count: u32, #[case] seconds: u32) {
        let pause = Backoff::default().pause(&Failure::new(kind, "x"), count, 7);
        assert_eq!(pause, seconds * SECOND);
    }

    #[test]
    fn a_failure_that_says_so_is_followed_by_no_pause() {
        let failure = Failure::new(FailureKind::Malformed, "x").without_pause();
        assert_eq!(Backoff::default().pause(&failure, 9, 7), Duration::ZERO);
    }

    #[test]
    fn what_the_other_side_asks_for_is_the_least_and_a_day_of_it_the_most() {
        let failure = Failure::new(FailureKind::RateLimited, "x");
        let backoff = Backoff::default();
        assert_eq!(backoff.pause(&failure.clone().retry_after(90 * SECOND), 1, 0), 90 * SECOND);
        assert_eq!(backoff.pause(&failure.clone().retry_after(90 * SECOND), 8, 0), 128 * SECOND);
        assert_eq!(backoff.pause(&failure.clone().retry_after(Duration::MAX), 1, 0), ASKED_MAX);
        assert_eq!(Backoff::NONE.pause(&failure.retry_after(SECOND), 3, 0), SECOND);
    }

    #[test]
    fn no_setting_is_too_long_to_reckon_with() {
        let longest = Backoff {
            base: Duration::MAX,
            max: Duration::MAX,
            denied_base: SECOND,
            denied_max: Duration::MAX,
            jitter: f64::INFINITY,
        };
        for jitter in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
            let backoff = Backoff { jitter, ..longest };
            for count in [0, 1, 25, u32::MAX] {
                let pause = backoff.pause(&Failure::new(FailureKind::Refused, "x"), count, u64::MAX);
                assert!(pause <= 2 * PAUSE_MAX);
                let pause = backoff.pause(&Failure::new(FailureKind::Denied, "x"), count, u64::MAX);
                assert!(pause <= 2 * SECOND * (1 << 24));
            }
        }
    }

    #[test]
    fn jitter_out_of_range_counts_as_none_or_as_all() {
        let failure = &Failure::new(FailureKind::Unreachable, "x");
        let pauses = |jitter| {
            let backoff = Backoff { jitter, ..Backoff::default() };
            (0..1000).map(move |seed| backoff.pause(failure, 1, seed)).collect::<Vec<_>>()
        };
        assert!(pauses(-3.0).iter().chain(&pauses(f64::NAN)).all(|pause| *pause == SECOND));
        let all = pauses(7.0);
        assert!(all.iter().all(|pause| *pause <= 2 * SECOND));
        assert!(
            all.iter().any(|pause| *pause < SECOND / 10) && all.iter().any(|pause| *pause > SECOND * 19 / 10)
        );
    }

    #[test]
    fn jitter_spreads_pauses_around_their_middle_and_repeats_itself() {
        let backoff = Backoff { jitter: 0.5, ..Backoff::default() };
        let failure = Failure::new(FailureKind::Unreachable, "x");
        let pauses: Vec<_> = (0..1000).map(|seed| backoff.pause(&failure, 1, seed)).collect();
        assert!(pauses.iter().all(|pause| (SECOND / 2..=SECOND * 3 / 2).contains(pause)));
        assert!(pauses.iter().filter(|pause| **pause < SECOND).count() > 400);
        assert!(pauses.iter().filter(|pause| **pause > SECOND).count() > 400);
        assert_eq!(backoff.pause(&failure, 1, 3), backoff.pause(&failure, 1, 3));
    }
}
