//! What does a template know of why something is bad?
//!
//! A word for each reason, and its numbers; never a sentence: that is the template's matter. What a reason does not have is
//! not there, so that a template that asks for it is wrong at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Reason;
use minijinja::value::Value;

/// A total of less than this many is no number of bytes: some sources count in something else.
const BYTES_MIN: u64 = 1024 * 1024;

/// The word as `reason.word`, and its numbers.
pub(super) fn value(reason: &Reason) -> Value {
    let mut numbers = Numbers(BTreeMap::from([("word", Value::from(word(reason)))]));
    match *reason {
        Reason::Exempt(exemption) => numbers.put("exemption", exemption.as_str()),
        Reason::Recent(at, allowed)
        | Reason::TooOld(at, allowed)
        | Reason::Unused(at, allowed)
        | Reason::UnusedSinceSeen(at, allowed)
        | Reason::EmptySince(at, allowed)
        | Reason::UnderWay(at, allowed)
        | Reason::Waiting(at, allowed)
        | Reason::Ends(at, allowed)
        | Reason::MissedAway(at, allowed) => numbers.dated(at, allowed),
        Reason::BlindSince(at, allowed, ref why) | Reason::NeverListed(at, allowed, ref why) => {
            numbers.dated(at, allowed);
            numbers.put("why", why.as_deref());
        }
        Reason::PartUnread(at, allowed, ref why) => {
            numbers.dated(at, allowed);
            numbers.put("why", &**why);
        }
        Reason::Away(at, allowed, seen) | Reason::BackWithout(at, allowed, seen) => {
            numbers.dated(at, allowed);
            numbers.put("seen_seconds", seen.0);
        }
        Reason::Ahead(at) | Reason::PlannedAhead(at) => numbers.put("at", at.as_second()),
        Reason::Running(seconds, allowed) => {
            numbers.put("seconds", seconds);
            numbers.put("allowed_seconds", allowed.0);
        }
        Reason::Filled(used, total, level) => numbers.filled(used, total, level.0),
        Reason::Failed(count, limit, at) => {
            numbers.put("count", count);
            numbers.put("limit", limit);
            numbers.put("at", at.map(Timestamp::as_second));
        }
        Reason::VerificationFailed(at) | Reason::OnPlan(at) => {
            numbers.put("at", at.map(Timestamp::as_second));
        }
        Reason::Missed { count, limit, planned_at, grace } => {
            numbers.put("count", count);
            numbers.put("limit", limit);
            numbers.put("planned_at", planned_at.as_second());
            numbers.put("allowed_seconds", grace.0);
        }
        Reason::ClientRecent(version, least) | Reason::ClientOutdated(version, least) => {
            numbers.put("version", version.to_string());
            numbers.put("least", least.to_string());
        }
        Reason::Never
        | Reason::NotStated
        | Reason::Unreadable
        | Reason::NoCapacity
        | Reason::Succeeded
        | Reason::Used
        | Reason::UseNotSeen
        | Reason::UnusedSinceUnknown
        | Reason::Seen
        | Reason::NothingListed
        | Reason::SeenInPart
        | Reason::NotSeen
        | Reason::PlanUnreadable
        | Reason::NothingUnderWay
        | Reason::NothingWaits
        | Reason::Ambiguous => {}
    }
    Value::from(numbers.0)
}

struct Numbers(BTreeMap<&'static str, Value>);

impl Numbers {
    fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.insert(name, value.into());
    }

    fn dated(&mut self, at: Timestamp, allowed: Seconds) {
        self.put("at", at.as_second());
        self.put("allowed_seconds", allowed.0);
    }

    /// Shares are texts with two decimals, cut and not rounded, so that they never read as more than they are.
    fn filled(&mut self, used: u64, total: u64, level_hundredths: u32) {
        let in_bytes = total >= BYTES_MIN;
        self.put("used_bytes", in_bytes.then_some(used));
        self.put("total_bytes", in_bytes.then_some(total));
        let share = (u128::from(used) * 10_000).checked_div(u128::from(total));
        self.put("percent", share.map(hundredths));
        self.put("level_percent", hundredths(level_hundredths.into()));
    }
}

/// `85`, `92.5` or `92.53`.
fn hundredths(share: u128) -> String {
    let (whole, part) = (share / 100, share % 100);
    match (part, part % 10) {
        (0, _) => whole.to_string(),
        (_, 0) => format!("{whole}.{}", part / 10),
        _ => format!("{whole}.{part:02}"),
    }
}

const fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Exempt(_) => "exempt",
        Reason::Recent(..) => "recent",
        Reason::TooOld(..) => "too_old",
        Reason::Never => "never",
        Reason::Ahead(_) => "ahead",
        Reason::NotStated => "not_stated",
        Reason::Unreadable => "unreadable",
        Reason::Running(..) => "running",
        Reason::Filled(..) => "filled",
        Reason::NoCapacity => "no_capacity",
        Reason::Succeeded => "succeeded",
        Reason::Failed(..) => "failed",
        Reason::Ends(..) => "ends",
        Reason::VerificationFailed(_) => "verification_failed",
        Reason::Used => "used",
        Reason::UseNotSeen => "use_not_seen",
        Reason::Unused(..) => "unused",
        Reason::UnusedSinceUnknown => "unused_since_unknown",
        Reason::UnusedSinceSeen(..) => "unused_since_seen",
        Reason::Seen => "seen",
        Reason::NothingListed => "nothing_listed",
        Reason::SeenInPart => "seen_in_part",
        Reason::NotSeen => "not_seen",
        Reason::BlindSince(..) => "blind_since",
        Reason::NeverListed(..) => "never_listed",
        Reason::PartUnread(..) => "part_unread",
        Reason::EmptySince(..) => "empty_since",
        Reason::OnPlan(_) => "on_plan",
        Reason::Missed { .. } => "missed",
        Reason::MissedAway(..) => "missed_away",
        Reason::Away(..) => "away",
        Reason::BackWithout(..) => "back_without",
        Reason::PlanUnreadable => "plan_unreadable",
        Reason::PlannedAhead(_) => "planned_ahead",
        Reason::NothingUnderWay => "nothing_under_way",
        Reason::UnderWay(..) => "under_way",
        Reason::NothingWaits => "nothing_waits",
        Reason::Waiting(..) => "waiting",
        Reason::Ambiguous => "ambiguous",
        Reason::ClientRecent(..) => "client_recent",
        Reason::ClientOutdated(..) => "client_outdated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_never_reads_as_more_than_it_is() {
        for (share, shown) in [(8500, "85"), (9250, "92.5"), (8501, "85.01"), (0, "0"), (12_345, "123.45")] {
            assert_eq!(hundredths(share), shown);
        }
    }

    #[test]
    fn what_is_not_counted_in_bytes_is_told_as_a_share_only() {
        let told =
            |used, total| value(&Reason::Filled(used, total, lastgood_core::expectation::Percent(8500)));
        let number = |value: &Value, name: &str| value.get_attr(name).expect("it is there").to_string();
        let share = told(1, 2);
        assert_eq!(
            (number(&share, "percent"), number(&share, "used_bytes")),
            ("50".to_owned(), "None".to_owned())
        );
        assert_eq!(number(&told(3 << 20, 4 << 20), "total_bytes"), (4 << 20).to_string());
        assert_eq!(number(&told(1, 0), "percent"), "None");
    }
}
