//! What does one volume of a device state? Collected field by field, an asset once its device is known.

use jiff::tz::TimeZone;
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{
    AssetObservation, Detail, Evidence, Exemption, LastRun, Stated, Verification, cut,
};

use super::fields::Field;
use crate::kinds;
use crate::look::Look;
use crate::reading::date::{self, Written};
use crate::screenshot;

/// The longest detail that is kept, in bytes.
const DETAIL_MAX_BYTES: usize = 2_000;

/// The one text that means that the last backup succeeded.
const SUCCESS: &str = "Success";

/// A volume as far as it was read; the first value of a field stands, later ones are passed over.
#[derive(Debug, Default)]
pub(super) struct RawVolume {
    /// True once any field, known or not, was met.
    pub(super) has_fields: bool,
    /// True if it is a machine of the xmlstatus tree.
    pub(super) bare: bool,
    kind: Option<&'static Kind>,
    agent: Option<Name>,
    volume: Option<Name>,
    last_backup: Option<Written>,
    succeeded: Option<bool>,
    latest_offsite: Option<Written>,
    details: Vec<Detail>,
    evidence: Vec<Evidence>,
}

impl RawVolume {
    /// A volume of which nothing is known yet but the tree it stands in.
    pub(super) fn begin(bare: bool) -> Self {
        Self { bare, ..Self::default() }
    }

    /// Takes a value. `line` is asked only where the value is worth keeping as evidence.
    pub(super) fn set(&mut self, field: Field, text: &str, line: impl FnOnce() -> u64, keep_details: bool) {
        let text = text.trim();
        match field {
            Field::Type if self.kind.is_none() => self.kind = Some(kind_of(text)),
            Field::Agent | Field::ProtectedHostname if self.agent.is_none() => {
                self.agent = Some(Name::new(text));
            }
            Field::Volume if self.volume.is_none() => self.volume = Some(Name::new(text)),
            Field::LastBackup | Field::LastSnapshotTime if self.last_backup.is_none() => {
                self.last_backup = Some(self.date(field, text, line));
            }
            Field::LatestOffsite if self.latest_offsite.is_none() => {
                self.latest_offsite = Some(self.date(field, text, line));
            }
            Field::LastBackupStatus | Field::LastSnapshot if self.succeeded.is_none() => {
                self.succeeded = Some(text == SUCCESS);
                if text != SUCCESS {
                    self.evidence.push(Evidence::new(field.tag(), Some(line()), text, "is not Success: failed"));
                }
            }
            Field::ScreenshotImagePath if keep_details && !text.is_empty() => {
                self.details.push(("screenshot", screenshot::current_link(text).into()));
            }
            Field::ScreenshotError if keep_details && !text.is_empty() => {
                self.details.push(("screenshot text", cut(text, DETAIL_MAX_BYTES).into()));
            }
            _ => {}
        }
    }

    fn date(&mut self, field: Field, text: &str, line: impl FnOnce() -> u64) -> Written {
        let written = date::parse(text);
        if written == Written::Unreadable {
            self.evidence.push(Evidence::new(field.tag(), Some(line()), text, "is no date, read as never"));
        }
        written
    }

    /// Makes an asset of it. `position` counts the volumes of the device from 1, for one without any name.
    pub(super) fn finish(self, look: &Look, zone: &TimeZone, offsite: Option<Exemption>, position: usize) -> AssetObservation {
        let mut evidence = self.evidence;
        let mut resolve = |field: Field, written: Option<Written>| {
            let written = written.unwrap_or_default();
            let (stated, remark) = written.resolve(zone, look.at);
            if let Written::Local(local, _) = written
                && !remark.note().is_empty()
            {
                evidence.push(Evidence::new(field.tag(), None, &local.to_string(), remark.note()));
            }
            stated
        };
        let last_good = resolve(Field::LastBackup, self.last_backup);
        let last_offsite = resolve(Field::LatestOffsite, self.latest_offsite);
        let not_empty = |name: &Name| !name.bytes().is_empty();
        let name = self.agent.filter(not_empty).or(self.volume.filter(not_empty));
        let succeeded = self.succeeded.unwrap_or(false);
        AssetObservation {
            key: None,
            name: name.unwrap_or_else(|| Name::new(format!("volume {position}"))),
            identity: None,
            kind: if self.bare { &kinds::BARE_AGENT } else { self.kind.unwrap_or(&kinds::OTHER) },
            exempt: None,
            offsite_exempt: offsite,
            last_run: if succeeded { LastRun::Succeeded } else { LastRun::Failed { in_row: 1, at: None } },
            last_good,
            last_offsite,
            verification: Verification::default(),
            created_at: Stated::Missing,
            details: self.details.into_boxed_slice(),
            evidence: evidence.into_boxed_slice(),
        }
    }
}

/// Tells machines from shares. The text for shares is not published: what names a share protocol is one.
fn kind_of(text: &str) -> &'static Kind {
    const SHARES: [&str; 8] = ["nas", "share", "iscsi", "samba", "smb", "cifs", "nfs", "afp"];
    let lower = text.to_ascii_lowercase();
    if lower == "agent" {
        return &kinds::AGENT;
    }
    if SHARES.iter().any(|share| lower.contains(share)) { &kinds::SHARE } else { &kinds::OTHER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_compared_without_case_and_the_unknown_is_other() {
        for (text, kind) in [
            ("Agent", "agent"),
            ("agent", "agent"),
            ("AGENT", "agent"),
            ("NAS", "share"),
            ("nasShare", "share"),
            ("iSCSI", "share"),
            ("", "other"),
            ("agents", "other"),
            ("replica", "other"),
        ] {
            assert_eq!(kind_of(text).id, kind, "{text:?}");
        }
    }
}
