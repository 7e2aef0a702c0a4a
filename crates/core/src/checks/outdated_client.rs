//! Is the client that makes the backups new enough?

use jiff::Timestamp;

use super::{Answer, Check, Judge};
use crate::client::Version;
use crate::expectation::Expectation;
use crate::facts::AssetFacts;
use crate::id::CheckId;
use crate::kind::SubjectType;
use crate::observation::{Exemption, Stated};
use crate::verdict::{Outcome, Reason, Words};

/// The id.
pub const ID: CheckId = CheckId::new("outdated_client");

/// The check.
pub static CHECK: Check = Check {
    id: ID,
    subjects: &[SubjectType::Asset],
    question: "Is the client that makes the backups new enough?",
    bad_when: "the version of the client that ran is below the least one set for a client of that name; unknown where its \
               version cannot be read",
    remedy: "install the newest version of the backup client on this computer",
    words: Words { matter: "the version of the client", verb: "is" },
    thresholds: &[],
    judge: Judge { source: None, repository: None, asset: Some(judge) },
};

/// 1. No client stated, or none that a least version is set for: exempt.
/// 2. What cannot be read is unknown.
/// 3. A version before a release is below that release.
fn judge(asset: AssetFacts<'_>, _expected: &Expectation, _now: Timestamp) -> Answer {
    let client = match &asset.stated.more.client {
        Stated::Missing | Stated::Never => return Reason::Exempt(Exemption::ClientNotStated).is(Outcome::Ok),
        Stated::Unreadable => return Reason::Unreadable.is(Outcome::Unknown),
        Stated::Value(client) => client,
    };
    let Some(least) = client.least else { return Reason::Exempt(Exemption::NoLeastVersion).is(Outcome::Ok) };
    match Version::parse(&client.version) {
        None => Reason::Unreadable.is(Outcome::Unknown),
        Some(version) if version < least => Reason::ClientOutdated(version, least).is(Outcome::Bad),
        Some(version) => Reason::ClientRecent(version, least).is(Outcome::Ok),
    }
}
