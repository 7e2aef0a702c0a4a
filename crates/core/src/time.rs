//! How long ago was it, and is that too long?
//!
//! Instants are compared as they are, to the nanosecond; an age is rounded only for people. There is no clock here.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// Another machine's clock is not ours: up to this far ahead still counts as now, beyond it nothing can be said.
pub const FUTURE_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A length of time in whole seconds, up to 136 years: what thresholds are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u32);

impl Seconds {
    /// `count` minutes.
    pub const fn minutes(count: u32) -> Self {
        Self(count * 60)
    }

    /// `count` hours.
    pub const fn hours(count: u32) -> Self {
        Self(count * 3600)
    }

    /// `count` days of 24 hours.
    pub const fn days(count: u32) -> Self {
        Self(count * 86_400)
    }

    /// The same length as jiff's type.
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.0 as i64)
    }
}

/// Shows the length in the largest unit that divides it, days only from three days on: `90 s`, `48 h`, `7 d`.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        match seconds {
            0 => f.write_str("0 s"),
            _ if seconds.is_multiple_of(86_400) && seconds >= 3 * 86_400 => {
                write!(f, "{} d", seconds / 86_400)
            }
            _ if seconds.is_multiple_of(3600) => write!(f, "{} h", seconds / 3600),
            _ if seconds.is_multiple_of(60) => write!(f, "{} min", seconds / 60),
            _ => write!(f, "{seconds} s"),
        }
    }
}

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time; write a number and a unit, such as 90s, 30min, 24h or 7d")]
pub struct InvalidSeconds(String);

impl FromStr for Seconds {
    type Err = InvalidSeconds;

    /// Reads `90s`, `30min`, `24h`, `7d`, `2 weeks` or several of them (`1d 12h`); a day has 24 hours. Months and
    /// years, fractions of a second, negative lengths and numbers without a unit are refused.
    fn from_str(text: &str) -> Result<Self, InvalidSeconds> {
        let invalid = || InvalidSeconds(text.chars().take(80).collect());
        let span: jiff::Span = text.trim().parse().map_err(|_| invalid())?;
        if span.get_months() != 0 || span.get_years() != 0 {
            return Err(invalid());
        }
        let relative = jiff::SpanRelativeTo::days_are_24_hours();
        let duration = span.to_duration(relative).map_err(|_| invalid())?;
        if duration.subsec_nanos() != 0 {
            return Err(invalid());
        }
        u32::try_from(duration.as_secs()).map(Self).map_err(|_| invalid())
    }
}

/// What may be said about an instant that another machine stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elapsed {
    /// It lies more than [`FUTURE_TOLERANCE`] ahead of now: nothing may be concluded from it.
    Ahead,
    /// So much time has passed; never negative.
    Past(SignedDuration),
}

/// Tells how long before `now` the instant `at` was.
pub fn elapsed(at: Timestamp, now: Timestamp) -> Elapsed {
    let passed = now.duration_since(at);
    if passed < -FUTURE_TOLERANCE {
        return Elapsed::Ahead;
    }
    Elapsed::Past(passed.max(SignedDuration::ZERO))
}

/// Shows an age for people: the two largest units, cut and not rounded up, such as `41 h 3 min` or `12 d 4 h`.
#[derive(Clone, Copy, Debug)]
pub struct Age(pub SignedDuration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().unsigned_abs();
        let (large, large_unit, small, small_unit) = match seconds {
            0..60 => return write!(f, "{seconds} s"),
            60..3600 => (seconds / 60, "min", seconds % 60, "s"),
            3600..259_200 => (seconds / 3600, "h", seconds % 3600 / 60, "min"),
            _ => (seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
        };
        write!(f, "{large} {large_unit}")?;
        if small > 0 {
            write!(f, " {small} {small_unit}")?;
        }
        Ok(())
    }
}

/// Shows an instant for people, in UTC: `2021-06-14 14:00:05Z`. Fractions of a second are cut.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d %H:%M:%SZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90s", 90)]
    #[case("30min", 1800)]
    #[case("24h", 86_400)]
    #[case("7d", 604_800)]
    #[case("1d 12h", 129_600)]
    #[case(" 2 weeks ", 1_209_600)]
    #[case("0s", 0)]
    fn a_length_is_read(#[case] text: &str, #[case] seconds: u32) {
        assert_eq!(text.parse(), Ok(Seconds(seconds)));
    }

    #[rstest]
    #[case("")]
    #[case("24")]
    #[case("-1h")]
    #[case("1month")]
    #[case("1y")]
    #[case("0.5s")]
    #[case("200 years")]
    #[case("7000w 100000000h")]
    #[case("soon")]
    fn no_length_is_refused(#[case] text: &str) {
        assert!(text.parse::<Seconds>().is_err(), "{text:?}");
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(90, "90 s")]
    #[case(120, "2 min")]
    #[case(86_400, "24 h")]
    #[case(172_800, "48 h")]
    #[case(259_200, "3 d")]
    #[case(2_592_000, "30 d")]
    fn a_length_is_shown_in_its_largest_unit(#[case] seconds: u32, #[case] shown: &str) {
        assert_eq!(Seconds(seconds).to_string(), shown);
    }

    #[test]
    fn five_minutes_ahead_is_now_and_a_nanosecond_more_is_not() {
        let now: Timestamp = "2026-03-29T01:00:00Z".parse().expect("a valid instant");
        assert_eq!(elapsed(now + FUTURE_TOLERANCE, now), Elapsed::Past(SignedDuration::ZERO));
        let more = FUTURE_TOLERANCE + SignedDuration::from_nanos(1);
        assert_eq!(elapsed(now + more, now), Elapsed::Ahead);
        assert_eq!(
            elapsed(now - SignedDuration::from_secs(3), now),
            Elapsed::Past(SignedDuration::from_secs(3))
        );
        assert_eq!(elapsed(Timestamp::MAX, Timestamp::MIN), Elapsed::Ahead);
    }

    #[rstest]
    #[case(59, "59 s")]
    #[case(3599, "59 min 59 s")]
    #[case(3600, "1 h")]
    #[case(147_780, "41 h 3 min")]
    #[case(259_199, "71 h 59 min")]
    #[case(1_051_200, "12 d 4 h")]
    fn an_age_is_cut_to_two_units(#[case] seconds: i64, #[case] shown: &str) {
        assert_eq!(Age(SignedDuration::from_secs(seconds)).to_string(), shown);
    }
}
