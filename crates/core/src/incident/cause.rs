//! Which incidents are only the consequence of another?
//!
//! Who cannot see a source knows nothing new about what is in it, and an appliance that is offline makes no backups. The
//! consequences stay incidents of their own, but people hear of the cause. Failed runs and full storage are never taken
//! for a consequence.

use super::{Incident, Known, Matter};
use crate::checks::{behind_local, behind_offsite, offline, schedule, stuck, unverified, visibility};
use crate::id::{CheckId, SourceId, SubjectId};
use crate::verdict::Reason;

/// Checks of an asset that only say how long something did not happen, or did not end.
const TIME_CHECKS: [CheckId; 5] =
    [behind_local::ID, behind_offsite::ID, schedule::ID, stuck::ID, unverified::ID];

/// Returns the open incidents that explain this one, the outermost first; none if it stands for itself.
///
/// 1. Where we ourselves see nothing, that explains every source that cannot be seen, and through it what that explains.
/// 2. A source that cannot be seen explains repositories that are offline or cannot be seen; any of these explains the
///    time checks of the assets in it.
///
/// At most one of ourselves, one of a source and one of a repository.
pub fn causes<'a>(incident: &Incident, known: &'a Known) -> impl Iterator<Item = &'a Incident> + use<'a> {
    let Matter { subject, check } = &incident.matter;
    let of = |subject: &SubjectId, check: CheckId| {
        let found = known.get(&Matter { subject: subject.clone(), check });
        found.filter(|found| found.is_open())
    };
    let is_explained = match (&subject.repository, &subject.asset) {
        (None, _) => *check == visibility::ID,
        (Some(_), None) => [offline::ID, visibility::ID].contains(check),
        (Some(_), Some(_)) => TIME_CHECKS.contains(check),
    };
    let mut causes = [None; 3];
    if is_explained {
        let source = SubjectId { source: subject.source.clone(), repository: None, asset: None };
        let repository = subject.place().filter(|_| subject.asset.is_some());
        let of_source = of(&source, visibility::ID);
        // A source that can be seen is not explained by our blindness, nor is anything in it.
        let of_ourselves = of_source.filter(|_| !subject.source.is_ourselves());
        causes[0] = of_ourselves.and_then(|_| of(&ourselves(), visibility::ID));
        causes[1] = of_source.filter(|_| subject.repository.is_some());
        // A repository of which only a part cannot be read was listed: it explains nothing of what is bad in it.
        let is_blind = |found: &&Incident| !matches!(found.reason, Reason::PartUnread(..));
        let unlisted = |repository: &SubjectId| of(repository, visibility::ID).filter(is_blind);
        causes[2] =
            repository.and_then(|repository| of(&repository, offline::ID).or_else(|| unlisted(&repository)));
    }
    causes.into_iter().flatten()
}

fn ourselves() -> SubjectId {
    let source = SourceId::new(SourceId::OURSELVES).expect("our own name is a name (tested)");
    SubjectId { source, repository: None, asset: None }
}
