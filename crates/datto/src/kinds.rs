//! Which kinds of things do the feeds list, and which checks can each feed answer about them?

use lastgood_core::checks::{
    behind_local, behind_offsite, offline, quota, reboot_due, service_expiry, unsuccessful, unverified,
    visibility,
};
use lastgood_core::id::CheckId;
use lastgood_core::kind::{Kind, SourceKind, SubjectType};

/// How old a screenshot verification may be by default: 48 hours, in seconds.
const SCREENSHOT_MAX_AGE_SECONDS: u32 = 48 * 3600;

const APPLIANCE_CHECKS: &[CheckId] =
    &[offline::ID, reboot_due::ID, quota::ID, service_expiry::ID, visibility::ID];
const VOLUME_CHECKS: &[CheckId] = &[unsuccessful::ID, behind_local::ID, behind_offsite::ID];

const fn repository(checks: &'static [CheckId]) -> Kind {
    Kind { id: "appliance", subject: SubjectType::Repository, checks, defaults: &[] }
}

const fn asset(id: &'static str, checks: &'static [CheckId]) -> Kind {
    Kind { id, subject: SubjectType::Asset, checks, defaults: &[] }
}

/// An appliance of the status feed or the REST API.
pub static APPLIANCE: Kind = repository(APPLIANCE_CHECKS);
/// A machine backed up by an agent.
pub static AGENT: Kind = asset("agent", VOLUME_CHECKS);
/// A machine backed up by an agent, as the REST API knows it: verifications are stated too.
pub static VERIFIED_AGENT: Kind = Kind {
    id: "agent",
    subject: SubjectType::Asset,
    checks: &[unsuccessful::ID, behind_local::ID, behind_offsite::ID, unverified::ID],
    defaults: &[("verified_after", Some(SCREENSHOT_MAX_AGE_SECONDS))],
};
/// A NAS or iSCSI share of an appliance.
pub static SHARE: Kind = asset("share", VOLUME_CHECKS);
/// A volume that the feed does not name a kind for, or one that we do not know.
pub static OTHER: Kind = asset("other", VOLUME_CHECKS);

/// An appliance of the xmlstatus feed, which states nothing about it but its name.
pub static BARE_APPLIANCE: Kind = repository(&[visibility::ID]);
/// A machine of the xmlstatus feed, which states nothing about offsite copies.
pub static BARE_AGENT: Kind = asset("agent", &[unsuccessful::ID, behind_local::ID]);

/// The XML status feeds of both trees.
pub static DATTO_XML: SourceKind = SourceKind {
    id: "datto-xml",
    kinds: &[&APPLIANCE, &AGENT, &SHARE, &OTHER, &BARE_APPLIANCE, &BARE_AGENT],
};

/// The REST API.
pub static DATTO_REST: SourceKind =
    SourceKind { id: "datto-rest", kinds: &[&APPLIANCE, &VERIFIED_AGENT, &SHARE, &OTHER] };

#[cfg(test)]
mod tests {
    use super::*;
    use lastgood_core::checks;

    #[test]
    fn every_check_of_a_kind_exists_for_its_type_of_subject() {
        for kind in [&DATTO_XML, &DATTO_REST].into_iter().flat_map(|source| source.kinds) {
            for &id in kind.checks {
                let check = checks::find(id).expect("a check of this id");
                assert!(check.subjects.contains(&kind.subject), "{id} of {}", kind.id);
            }
            for (threshold, _) in kind.defaults {
                assert!(checks::find_threshold(threshold).is_some(), "{threshold}");
            }
        }
    }
}
