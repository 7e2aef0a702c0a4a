//! Which incidents are only the consequence of another?
//!
//! Who cannot see a source knows nothing new about what is in it, and an appliance that is offline makes no backups. The
//! consequences stay incidents of their own, but people hear of the cause. Failed runs and full storage are never taken
//! for a consequence.

use super::{Incident, Known, Matter};
use crate::checks::{behind_local, behind_offsite, offline, unverified, visibility};
use crate::id::{CheckId, SubjectId};

/// Checks of an asset that only say how long something did not happen.
const TIME_CHECKS: [CheckId; 3] = [behind_local::ID, behind_offsite::ID, unverified::ID];

/// Returns the open incidents that explain this one, the outermost first; none if it stands for itself.
///
/// A source that cannot be seen explains repositories that are offline or cannot be seen; any of these explains the
/// time checks of the assets in it. At most one of a source and one of a repository.
pub fn causes<'a>(incident: &Incident, known: &'a Known) -> impl Iterator<Item = &'a Incident> + use<'a> {
    let Matter { subject, check } = &incident.matter;
    let of = |subject: &SubjectId, check: CheckId| {
        let found = known.get(&Matter { subject: subject.clone(), check });
        found.filter(|found| found.is_open())
    };
    let is_explained = match (&subject.repository, &subject.asset) {
        (None, _) => false,
        (Some(_), None) => [offline::ID, visibility::ID].contains(check),
        (Some(_), Some(_)) => TIME_CHECKS.contains(check),
    };
    if !is_explained {
        return None.into_iter().chain(None);
    }
    let source = SubjectId { source: subject.source.clone(), repository: None, asset: None };
    let repository = subject.place().filter(|_| subject.asset.is_some());
    let of_repository = repository
        .and_then(|repository| of(&repository, offline::ID).or_else(|| of(&repository, visibility::ID)));
    of(&source, visibility::ID).into_iter().chain(of_repository)
}
