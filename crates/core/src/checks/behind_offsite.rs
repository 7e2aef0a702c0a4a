//! Is the last offsite copy recent enough?

use jiff::Timestamp;

use super::{Answer, Check, Judge, OVERDUE_COUNTS, judge_seen_age, presence};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::time::Seconds;
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("behind_offsite");

/// How old the last offsite copy may be. 7 days, as in `Backup::Datto`.
pub static OFFSITE_AFTER: Threshold = Threshold {
    name: "offsite_after",
    unit: Unit::Time,
    default: Some(Seconds::days(7).0),
    meaning: "how old the last offsite copy may be",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Is the last offsite copy recent enough?",
    bad_when: "now - last offsite copy > `offsite_after`, or never; not for assets that keep none by \
               design; with `overdue_counts` = while_seen only if the device was seen for longer than that since",
    remedy: "look at the bandwidth, its limits and the queue of uploads",
    words: Words { matter: "the last offsite copy", verb: "was" },
    thresholds: &[&OFFSITE_AFTER, &OVERDUE_COUNTS],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    if let Some(exemption) = asset.offsite_exempt {
        return Reason::Exempt(exemption).is(Outcome::Ok);
    }
    let limit = expected.seconds(&OFFSITE_AFTER);
    judge_seen_age(asset.last_offsite, limit, presence(asset, expected), now)
}
