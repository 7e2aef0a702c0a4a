//! Which run of an asset is the newest, and how did it end?
//!
//! Runs come in no promised order, and some with a time that cannot be true. Such a time decides in one direction only:
//! it never makes a failure older nor a success newer than it may have been.

use jiff::Timestamp;
use lastgood_core::observation::{Evidence, LastRun};
use lastgood_core::time::FUTURE_TOLERANCE;
use serde_json::Value;

use super::Object;
use super::value::{note, text, time};

/// The one text that means that a backup or a local verification succeeded.
pub(super) const SUCCESS: &str = "success";

/// When a run was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// At a time that may be true.
    At(Timestamp),
    /// At a time that lies too far ahead to be true.
    Ahead(Timestamp),
    /// No time is stated, or none that can be read.
    Unknown,
}

/// One entry of `backups`.
pub(super) struct Run<'o> {
    when: When,
    pub(super) succeeded: bool,
    pub(super) object: &'o Object,
}

impl Run<'_> {
    /// True if its time says where it stands among the others.
    pub(super) fn is_placed(&self) -> bool {
        matches!(self.when, When::At(_))
    }

    /// When it was made, if its time may be true.
    pub(super) fn made_at(&self) -> Option<Timestamp> {
        match self.when {
            When::At(at) => Some(at),
            When::Ahead(_) | When::Unknown => None,
        }
    }

    /// What sorts it, the newest first: failures without a place before all others, successes without one behind them.
    fn rank(&self) -> (u8, std::cmp::Reverse<Option<Timestamp>>) {
        let newest_first = std::cmp::Reverse;
        match (self.when, self.succeeded) {
            (When::Unknown, false) => (0, newest_first(None)),
            (When::Ahead(at), false) => (1, newest_first(Some(at))),
            (When::At(at), _) => (2, newest_first(Some(at))),
            (When::Unknown, true) => (3, newest_first(None)),
            (When::Ahead(at), true) => (4, newest_first(Some(at))),
        }
    }
}

/// The runs of an asset, as far as they are known the newest first.
pub(super) struct Runs<'o>(Vec<Run<'o>>);

impl<'o> Runs<'o> {
    /// Reads them. An `Err` says why the asset cannot be judged.
    pub(super) fn read(
        object: &'o Object,
        at: Timestamp,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Self, String> {
        let list = match object.get("backups") {
            None | Some(Value::Null) => return Ok(Self(Vec::new())),
            Some(Value::Array(list)) => list,
            Some(_) => return Err("its list of backups is no list; the asset was not judged".to_owned()),
        };
        let mut runs = Vec::with_capacity(list.len());
        for entry in list {
            let Value::Object(entry) = entry else {
                return Err("its list of backups holds something else; the asset was not judged".to_owned());
            };
            let status = entry.get("backup").and_then(Value::as_object).and_then(|run| text(run, "status"));
            let succeeded = status.is_some_and(|status| status.trim() == SUCCESS);
            let when = match time(entry, "timestamp", at, evidence).value() {
                None => When::Unknown,
                Some(run) if run.duration_since(at) > FUTURE_TOLERANCE => {
                    let note_text = if succeeded {
                        "is in the future: no proof of a good backup"
                    } else {
                        "is in the future: this failed run may be the newest"
                    };
                    note(entry, "timestamp", note_text, evidence);
                    When::Ahead(run)
                }
                Some(run) => When::At(run),
            };
            runs.push(Run { when, succeeded, object: entry });
        }
        runs.sort_by_key(Run::rank);
        Ok(Self(runs))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Run<'o>> {
        self.0.iter()
    }

    /// Says how the newest run ended.
    ///
    /// 1. A failure without a readable time is the newest.
    /// 2. Of the runs whose time may be true the newest counts. If it failed, so did every failure that may be newer.
    /// 3. If it succeeded, a failure dated in the future may be newer or not: nobody knows.
    /// 4. Where all times are in the future or unreadable, a success cannot cover a failure either.
    pub(super) fn last(&self) -> LastRun {
        let failed: Vec<&Run<'_>> = self.0.iter().take_while(|run| !run.succeeded).collect();
        if failed.is_empty() {
            return if self.0.is_empty() { LastRun::NoneYet } else { LastRun::Succeeded };
        }
        let has_success = failed.len() < self.0.len();
        if has_success && failed.iter().all(|run| matches!(run.when, When::Ahead(_))) {
            return LastRun::Unreadable;
        }
        let believed = failed.iter().find_map(|run| match run.when {
            When::At(at) => Some(at),
            When::Ahead(_) | When::Unknown => None,
        });
        LastRun::Failed { in_row: u32::try_from(failed.len()).unwrap_or(u32::MAX), at: believed }
    }

    /// Returns when the newest success was. One dated in the future is taken only where there is no other run: as a time
    /// that nobody knows, and never as a fresh one.
    pub(super) fn last_success(&self) -> Option<Timestamp> {
        let only_ahead = self.0.iter().all(|run| matches!(run.when, When::Ahead(_)));
        let time_of = |run: &Run<'_>| match run.when {
            When::At(at) => Some(at),
            When::Ahead(at) => Some(at).filter(|_| only_ahead),
            When::Unknown => None,
        };
        self.0.iter().filter(|run| run.succeeded).filter_map(time_of).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const NOW: &str = "2026-03-02T12:00:00Z";
    const EARLIER: &str = "2026-03-02T10:00:00Z";
    const BEFORE: &str = "2026-03-02T11:59:00Z";
    const TOLERATED: &str = "2026-03-02T12:05:00Z";
    const AHEAD: &str = "2026-03-02T12:06:40Z";
    const FURTHER: &str = "2031-01-01T00:00:00Z";

    fn asset(runs: &[(&str, &str)]) -> Object {
        let run = |(at, status): &(&str, &str)| json!({"timestamp": at, "backup": {"status": status}});
        let runs: Vec<Value> = runs.iter().map(run).collect();
        Object::from_iter([("backups".to_owned(), Value::Array(runs))])
    }

    fn last(runs: &[(&str, &str)]) -> LastRun {
        let asset = asset(runs);
        Runs::read(&asset, NOW.parse().expect("valid"), &mut Vec::new()).expect("a list").last()
    }

    const fn failed(in_row: u32) -> LastRun {
        LastRun::Failed { in_row, at: None }
    }

    fn failed_at(in_row: u32, at: &str) -> LastRun {
        LastRun::Failed { in_row, at: Some(at.parse().expect("valid")) }
    }

    #[rstest]
    #[case::none(&[], LastRun::NoneYet)]
    #[case::a_failure_ahead_beside_a_success(&[(AHEAD, "failure"), (BEFORE, "success")], LastRun::Unreadable)]
    #[case::up_to_five_minutes_ahead_is_now(&[(TOLERATED, "failure"), (BEFORE, "success")], failed_at(1, TOLERATED))]
    #[case::a_failure_ahead_beside_a_failure(&[(AHEAD, "failure"), (BEFORE, "failure")], failed_at(2, BEFORE))]
    #[case::a_failure_ahead_alone(&[(AHEAD, "failure")], failed(1))]
    #[case::a_success_ahead_beside_a_failure(&[(AHEAD, "success"), (BEFORE, "failure")], failed_at(1, BEFORE))]
    #[case::a_success_ahead_covers_no_failure_ahead(&[(FURTHER, "success"), (AHEAD, "failure")], LastRun::Unreadable)]
    #[case::a_success_ahead_alone(&[(AHEAD, "success")], LastRun::Succeeded)]
    #[case::both_ahead_beside_a_success(&[(FURTHER, "success"), (AHEAD, "failure"), (BEFORE, "success")], LastRun::Unreadable)]
    #[case::both_ahead_beside_a_failure(&[(FURTHER, "success"), (AHEAD, "failure"), (BEFORE, "failure"), (EARLIER, "success")], failed_at(2, BEFORE))]
    #[case::an_undated_success_beside_a_failure(&[("", "success"), (BEFORE, "failure")], failed_at(1, BEFORE))]
    #[case::an_unreadable_success_beside_a_failure(&[("soon", "success"), (BEFORE, "failure")], failed_at(1, BEFORE))]
    #[case::an_undated_failure_beside_a_success(&[("", "failure"), (BEFORE, "success")], failed(1))]
    #[case::an_undated_failure_and_one_ahead(&[(AHEAD, "failure"), ("", "failure"), (BEFORE, "success")], failed(2))]
    #[case::an_undated_success_alone(&[("", "success")], LastRun::Succeeded)]
    #[case::an_undated_success_covers_no_failure_ahead(&[("", "success"), (AHEAD, "failure")], LastRun::Unreadable)]
    fn the_newest_run_is_never_better_than_it_may_have_been(
        #[case] runs: &[(&str, &str)],
        #[case] expected: LastRun,
    ) {
        assert_eq!(last(runs), expected);
        let reversed: Vec<_> = runs.iter().rev().copied().collect();
        assert_eq!(last(&reversed), expected, "in the other order");
    }

    #[test]
    fn a_time_in_the_future_is_kept_as_evidence() {
        let asset = asset(&[(AHEAD, "failure"), (FURTHER, "success"), (BEFORE, "success")]);
        let mut evidence = Vec::new();
        Runs::read(&asset, NOW.parse().expect("valid"), &mut evidence).expect("a list");
        let shown: Vec<_> = evidence.iter().map(|evidence| (evidence.field, &*evidence.raw)).collect();
        let (ahead, further) = (format!("\"{AHEAD}\""), format!("\"{FURTHER}\""));
        assert_eq!(shown, [("timestamp", ahead.as_str()), ("timestamp", further.as_str())]);
    }
}
