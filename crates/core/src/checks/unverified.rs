//! Was the backup proved to be restorable lately?

use jiff::Timestamp;

use super::{Answer, Check, Judge, judge_age};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, LastRun};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("unverified");

/// How old the newest verification may be. Off, unless the kind of asset is known to be verified on its own.
pub static VERIFIED_AFTER: Threshold = Threshold {
    name: "verified_after",
    unit: Unit::Time,
    default: None,
    meaning: "how old the newest verification may be",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Was it proved lately that the backup can be restored?",
    bad_when: "the newest verification failed, or now - newest verification > `verified_after`, or never",
    remedy: "look at the screenshot and the verification errors, and restore a file by hand",
    words: Words { matter: "the newest verification", verb: "was" },
    thresholds: &[&VERIFIED_AFTER],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

/// 1. A verification that failed is bad, however recent.
/// 2. Before the first run there is nothing to verify: exempt.
/// 3. Else its age is judged; never is bad.
fn judge(asset: AssetFacts<'_>, expected: &Expectation, now: Timestamp) -> Answer {
    if asset.more.verification.failed {
        return Reason::VerificationFailed(asset.more.verification.at.value()).is(Outcome::Bad);
    }
    if asset.last_run == LastRun::NoneYet && asset.more.verification.at.value().is_none() {
        return Reason::Exempt(Exemption::NoRunYet).is(Outcome::Ok);
    }
    judge_age(asset.more.verification.at, expected.seconds(&VERIFIED_AFTER), now)
}
