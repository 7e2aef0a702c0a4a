//! Does the service or the warranty of the repository end soon?

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Check, Judge};
use crate::expectation::{Expectation, Threshold, Unit};
use crate::facts::RepositoryFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, Stated};
use crate::time::Seconds;
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("service_expiry");

/// How long before the end notice is given.
pub static EXPIRY_NOTICE: Threshold = Threshold {
    name: "expiry_notice",
    unit: Unit::Time,
    default: Some(Seconds::days(30).0),
    meaning: "how long before the end of service or warranty notice is given",
};

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Repository],
    question: "Does its service or warranty end soon?",
    bad_when: "end - now <= `expiry_notice` for the service or the warranty, whichever ends first",
    remedy: "renew it, or plan its replacement",
    words: Words { matter: "its service or warranty", verb: "ends" },
    thresholds: &[&EXPIRY_NOTICE],
    judge: Judge { source: None, repository: Some(judge), asset: None },
};

/// 1. The first readable end that is near or past is bad, whatever the other one is.
/// 2. Else an end that is stated and cannot be read leaves the answer unknown.
/// 3. None stated: exempt.
fn judge(repository: &RepositoryFacts, expected: &Expectation, now: Timestamp) -> Answer {
    let notice = expected.seconds(&EXPIRY_NOTICE).expect("a check whose threshold is off is not asked");
    let stated = [repository.stated.service_end, repository.stated.warranty_end];
    let first = stated.iter().filter_map(Stated::value).min();
    if let Some(end) = first.filter(|end| left(*end, now) <= notice.duration()) {
        return Reason::Ends(end, notice).is(Outcome::Bad);
    }
    if stated.contains(&Stated::Unreadable) {
        return Reason::Unreadable.is(Outcome::Unknown);
    }
    match first {
        Some(end) => Reason::Ends(end, notice).is(Outcome::Ok),
        None => Reason::Exempt(Exemption::NoEndStated).is(Outcome::Ok),
    }
}

fn left(end: Timestamp, now: Timestamp) -> SignedDuration {
    end.duration_since(now)
}
