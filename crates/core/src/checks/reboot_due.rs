//! Has the repository been running for so long that updates wait for a restart?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Stated, Uptime};
use crate::time::Seconds;
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("reboot_due");

/// From which running time on a restart is due. 30 days, as in `Backup::Datto`.
pub static REBOOT_AFTER: Threshold = Threshold {
    name: "reboot_after",
    unit: Unit::Time,
    default: Some(Seconds::days(30).0),
    meaning: "from which running time on a restart is due",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository],
    question: "Has it been running so long that a restart is due?",
    bad_when: "uptime >= `reboot_after`",
    remedy: "plan a restart, so that pending updates come into force",
    words: Words { matter: "the running time", verb: "is" },
    thresholds: &[&REBOOT_AFTER],
    judge: Judge { source: None, repository: Some(judge), asset: None },
};

fn judge(repository: &RepositoryFacts, expected: &Expectation, _now: Timestamp) -> Answer {
    let uptime = match repository.stated.uptime {
        Stated::Missing | Stated::Never => return Reason::NotStated.is(Outcome::Unknown),
        Stated::Unreadable => return Reason::Unreadable.is(Outcome::Unknown),
        Stated::Value(uptime) => uptime,
    };
    let limit = expected.seconds(&REBOOT_AFTER).expect("a check whose threshold is off is not asked");
    let due = uptime.seconds() >= f64::from(limit.0);
    Reason::Running(whole_seconds(uptime), limit).is(if due { Outcome::Bad } else { Outcome::Ok })
}

/// Cuts the fraction; a running time beyond what 64 bits hold is shown as the largest one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative; casts saturate")]
fn whole_seconds(uptime: Uptime) -> u64 {
    uptime.seconds() as u64
}
