//! How does the portal write an instant? Three encodings of one instant: local Eastern time in XML, ISO 8601 and
//! epoch seconds in JSON, after the facts "Values" and "Data traps". Knows no clock and no document.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Rules of US Eastern time as they stand since 2007: summer time from the second Sunday of March to the first of
/// November, at 2 o'clock. Given as text, so that a machine without a time zone database gets the same document;
/// it also writes Unix 0 as `1969-12-31 19:00:00`, the portal's "never".
const EASTERN: &str = "EST5EDT,M3.2.0,M11.1.0";

/// Which instants are written: those of the fleet, or a year that costs some date libraries seconds each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// Every instant as the fleet has it.
    #[default]
    Stated,
    /// Every instant that the fleet has is written as the last second of the year 9999.
    Year9999,
}

/// Writes instants in the portal's encodings.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    zone: TimeZone,
    dates: Dates,
}

impl Pen {
    pub(crate) fn new(dates: Dates) -> Self {
        Self { zone: TimeZone::posix(EASTERN).expect("a valid POSIX time zone"), dates }
    }

    /// `YYYY-MM-DD HH:MM:SS` in US Eastern time, `1969-12-31 19:00:00` for never.
    pub(crate) fn eastern(&self, at: Option<Timestamp>) -> String {
        if at.is_some() && self.dates == Dates::Year9999 {
            return "9999-12-31 23:59:59".to_owned();
        }
        let local = self.zone.to_datetime(at.unwrap_or(Timestamp::UNIX_EPOCH));
        let mut text = String::with_capacity(19);
        // Written by hand: a format string costs a third of the time of a document with 200 000 dates.
        write!(
            text,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            local.year(),
            local.month(),
            local.day(),
            local.hour(),
            local.minute(),
            local.second()
        )
        .expect("a string takes all text");
        text
    }

    /// `2026-03-02T11:56:00+00:00`; `None` for never, which JSON shows as null.
    pub(crate) fn iso(&self, at: Option<Timestamp>) -> Option<String> {
        let at = at?;
        if self.dates == Dates::Year9999 {
            return Some("9999-12-31T23:59:59+00:00".to_owned());
        }
        let text = at.to_string();
        Some(format!("{}+00:00", text.trim_end_matches('Z')))
    }

    /// Seconds since 1970; `None` for never, which JSON shows as 0 or null.
    pub(crate) fn epoch(&self, at: Option<Timestamp>) -> Option<i64> {
        let at = at?;
        Some(if self.dates == Dates::Year9999 { 253_402_300_799 } else { at.as_second() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eastern(at: &str) -> String {
        Pen::new(Dates::Stated).eastern(Some(at.parse().unwrap()))
    }

    #[test]
    fn never_is_the_last_evening_of_1969() {
        assert_eq!(Pen::new(Dates::Stated).eastern(None), "1969-12-31 19:00:00");
        assert_eq!(Pen::new(Dates::Stated).iso(None), None);
        assert_eq!(Pen::new(Dates::Stated).epoch(None), None);
    }

    #[test]
    fn summer_time_begins_and_ends_with_the_law() {
        assert_eq!(eastern("2026-03-08T06:59:59Z"), "2026-03-08 01:59:59");
        assert_eq!(eastern("2026-03-08T07:00:00Z"), "2026-03-08 03:00:00");
        assert_eq!(eastern("2026-11-01T05:30:00Z"), "2026-11-01 01:30:00");
        assert_eq!(eastern("2026-11-01T06:30:00Z"), "2026-11-01 01:30:00");
        assert_eq!(eastern("2021-06-14T14:00:00Z"), "2021-06-14 10:00:00");
    }

    #[test]
    fn json_has_offsets_and_epochs() {
        let at = Some("2026-03-02T11:56:00Z".parse().unwrap());
        assert_eq!(Pen::new(Dates::Stated).iso(at).unwrap(), "2026-03-02T11:56:00+00:00");
        assert_eq!(Pen::new(Dates::Stated).epoch(at), Some(1_772_452_560));
    }

    #[test]
    fn the_year_9999_replaces_instants_but_never_makes_one() {
        let pen = Pen::new(Dates::Year9999);
        let at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(pen.eastern(at), "9999-12-31 23:59:59");
        assert_eq!(pen.eastern(None), "1969-12-31 19:00:00");
        assert_eq!(pen.iso(at).unwrap(), "9999-12-31T23:59:59+00:00");
        assert_eq!(pen.epoch(at), Some(253_402_300_799));
    }
}
