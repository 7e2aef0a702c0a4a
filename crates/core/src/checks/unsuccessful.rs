//! Did the newest run end well?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, LastRun};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("unsuccessful");

/// How many failed runs in a row are too many.
pub static UNSUCCESSFUL_COUNT: Threshold = Threshold {
    name: "unsuccessful_count",
    unit: Unit::Count,
    default: Some(1),
    meaning: "how many failed runs in a row are too many",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Did the newest run end well?",
    bad_when: "the newest finished run failed, `unsuccessful_count` times in a row; unknown where its outcome cannot be \
               read",
    remedy: "read the error of the run where it was made, and start one by hand",
    words: Words { matter: "the newest run", verb: "was" },
    thresholds: &[&UNSUCCESSFUL_COUNT],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

fn judge(asset: AssetFacts<'_>, expected: &Expectation, _now: Timestamp) -> Answer {
    let limit = expected.value(&UNSUCCESSFUL_COUNT).expect("a check whose threshold is off is not asked");
    match asset.last_run {
        LastRun::NoneYet => Reason::Exempt(Exemption::NoRunYet).is(Outcome::Ok),
        LastRun::Unreadable => Reason::Unreadable.is(Outcome::Unknown),
        LastRun::Succeeded => Reason::Succeeded.is(Outcome::Ok),
        LastRun::Failed { in_row, at } => {
            let in_row = in_row.max(asset.history.map_or(0, |history| history.failed_in_row));
            let outcome = if in_row >= limit { Outcome::Bad } else { Outcome::Ok };
            Reason::Failed(in_row, limit, at).is(outcome)
        }
    }
}
