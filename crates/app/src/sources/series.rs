//! Which of many dated backups of one thing is its last good one?
//!
//! Knows dates, not where they come from. Another machine's clock is not ours: a backup dated ahead is never the last
//! good one while there is another.

use jiff::Timestamp;
use lastgood_core::observation::{Evidence, Stated};
use lastgood_core::time::{Elapsed, elapsed};

/// The dates of all backups of one asset, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Series {
    /// How many backups there are.
    pub(super) backup_count: u64,
    newest: Option<Timestamp>,
    newest_ahead: Option<Timestamp>,
    unreadable: Option<Box<str>>,
}

impl Series {
    /// Adds one backup by its date: `raw` as it was written, `dated` as it was read. `at` is when the look began.
    pub(super) fn add(&mut self, raw: &str, dated: Option<Timestamp>, at: Timestamp) {
        self.backup_count += 1;
        match dated.map(|dated| (dated, elapsed(dated, at))) {
            Some((dated, Elapsed::Past(_))) => self.newest = self.newest.max(Some(dated)),
            Some((dated, Elapsed::Ahead)) => self.newest_ahead = self.newest_ahead.max(Some(dated)),
            None if self.unreadable.is_none() => self.unreadable = Some(raw.into()),
            None => {}
        }
    }

    /// Adds all backups of another one; of two dates that cannot be read one is enough to say so.
    pub(super) fn join(&mut self, other: Self) {
        self.backup_count += other.backup_count;
        self.newest = self.newest.max(other.newest);
        self.newest_ahead = self.newest_ahead.max(other.newest_ahead);
        self.unreadable = self.unreadable.take().or(other.unreadable);
    }

    /// Returns the newest date that is not ahead of us; only where there is none, the newest that is; unreadable if no
    /// date could be read.
    pub(super) fn last_good(&self) -> Stated<Timestamp> {
        match (self.newest.or(self.newest_ahead), &self.unreadable) {
            (Some(newest), _) => Stated::Value(newest),
            (None, Some(_)) => Stated::Unreadable,
            (None, None) => Stated::Never,
        }
    }

    /// Returns the dates that were not taken as they are, `field` as the program calls them.
    pub(super) fn evidence(&self, field: &'static str) -> Vec<Evidence> {
        let ahead = self.newest_ahead.map(|dated| {
            let note = "dated more than 5 minutes in the future: not taken as the last good backup while there is \
                        another; a clock is wrong";
            Evidence::new(field, None, &dated.to_string(), note)
        });
        let unreadable = self.unreadable.as_deref().map(|raw| {
            Evidence::new(field, None, raw, "not a date that can be read: this backup is left out")
        });
        ahead.into_iter().chain(unreadable).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-21T12:00:00Z";

    #[test]
    fn the_last_good_backup_is_the_newest_that_is_not_ahead_of_us() {
        for (dates, last_good, evidence_count) in [
            (vec![], Stated::Never, 0),
            (
                vec!["2026-11-20T02:00:00Z", "2026-11-21T02:00:00Z", "2026-11-19T02:00:00Z"],
                good("2026-11-21T02:00:00Z"),
                0,
            ),
            (vec!["2026-11-21T02:00:00Z", "2026-11-21T12:05:00Z"], good("2026-11-21T12:05:00Z"), 0),
            (vec!["2026-11-21T02:00:00Z", "2026-11-21T12:05:00.000000001Z"], good("2026-11-21T02:00:00Z"), 1),
            (vec!["2031-01-01T00:00:00Z", "2032-01-01T00:00:00Z"], good("2032-01-01T00:00:00Z"), 1),
            (vec!["0001-01-01T00:00:00Z"], good("0001-01-01T00:00:00Z"), 0),
            (vec!["yesterday"], Stated::Unreadable, 1),
            (vec!["yesterday", "2026-11-21T02:00:00+05:30"], good("2026-11-20T20:30:00Z"), 1),
        ] {
            let mut series = Series::default();
            for date in &dates {
                series.add(date, date.parse().ok(), AT.parse().unwrap());
            }
            assert_eq!(series.last_good(), last_good, "{dates:?}");
            assert_eq!(series.evidence("time").len(), evidence_count, "{dates:?}");
            assert_eq!(series.backup_count, dates.len() as u64);
        }
    }

    fn good(text: &str) -> Stated<Timestamp> {
        Stated::Value(text.parse().unwrap())
    }
}
