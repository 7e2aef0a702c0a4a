//! What does one volume of a device state? Collected field by field, an asset once its device is known.

use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{AssetObservation, Detail, Evidence, Exemption, LastRun, cut};

use super::fields::Field;
use crate::kinds;
use crate::look::Look;
use crate::reading::date::{self, Season, Written};
use crate::reading::trim;
use crate::screenshot;

/// The longest detail that is kept, in bytes.
const DETAIL_MAX_BYTES: usize = 2_000;

/// The one text that means that the last backup succeeded.
const SUCCESS: &str = "Success";

/// The volume that is being read; the first value of a field stands, later ones are passed over. One of them serves a
/// whole document, so that its texts are allocated once.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing was met")]
pub(super) struct OpenVolume {
    /// True once any field, known or not, was met.
    pub(super) has_fields: bool,
    bare: bool,
    kind: Option<&'static Kind>,
    /// Empty until met; an empty one is as good as none.
    agent: String,
    volume: String,
    has_agent: bool,
    has_volume: bool,
    last_backup: Option<Written>,
    succeeded: Option<bool>,
    latest_offsite: Option<Written>,
    details: Vec<Detail>,
    evidence: Vec<Evidence>,
}

/// A volume that was read.
#[derive(Debug)]
pub(super) struct RawVolume {
    /// `None` if it states none.
    name: Option<Name>,
    kind: &'static Kind,
    last_backup: Written,
    succeeded: bool,
    latest_offsite: Written,
    details: Vec<Detail>,
    evidence: Vec<Evidence>,
}

impl OpenVolume {
    /// Begins the next volume; `bare` if it is a machine of the xmlstatus tree.
    pub(super) fn begin(&mut self, bare: bool) {
        self.agent.clear();
        self.volume.clear();
        let (agent, volume) = (std::mem::take(&mut self.agent), std::mem::take(&mut self.volume));
        *self = Self { bare, agent, volume, ..Self::default() };
    }

    /// Ends the volume.
    pub(super) fn close(&mut self) -> RawVolume {
        let name = [&self.agent, &self.volume].into_iter().find(|name| !name.is_empty());
        RawVolume {
            name: name.map(Name::new),
            kind: if self.bare { &kinds::BARE_AGENT } else { self.kind.unwrap_or(&kinds::OTHER) },
            last_backup: self.last_backup.unwrap_or_default(),
            succeeded: self.succeeded.unwrap_or(false),
            latest_offsite: self.latest_offsite.unwrap_or_default(),
            details: std::mem::take(&mut self.details),
            evidence: std::mem::take(&mut self.evidence),
        }
    }

    /// Takes a value. `line` is asked only where the value is worth keeping as evidence.
    pub(super) fn set(&mut self, field: Field, text: &str, line: impl FnOnce() -> u64) {
        let text = trim(text);
        match field {
            Field::Type if self.kind.is_none() => {
                let kind = kind_of(text);
                self.kind = Some(kind);
                if kind.id == kinds::OTHER.id && !text.is_empty() {
                    let note = "is no type we know: neither agent nor share";
                    self.evidence.push(Evidence::new(field.tag(), Some(line()), text, note));
                }
            }
            Field::Agent | Field::ProtectedHostname if !self.has_agent => {
                self.has_agent = true;
                self.agent.push_str(text);
            }
            Field::Volume if !self.has_volume => {
                self.has_volume = true;
                self.volume.push_str(text);
            }
            Field::LastBackup | Field::LastSnapshotTime if self.last_backup.is_none() => {
                self.last_backup = Some(self.date(field, text, line));
            }
            Field::LatestOffsite if self.latest_offsite.is_none() => {
                self.latest_offsite = Some(self.date(field, text, line));
            }
            Field::LastBackupStatus | Field::LastSnapshot if self.succeeded.is_none() => {
                self.succeeded = Some(text == SUCCESS);
                if text != SUCCESS {
                    self.evidence.push(Evidence::new(
                        field.tag(),
                        Some(line()),
                        text,
                        "is not Success: failed",
                    ));
                }
            }
            Field::ScreenshotImagePath if !text.is_empty() => {
                self.details.push(("screenshot", screenshot::current_link(text).into()));
            }
            Field::ScreenshotError if !text.is_empty() => {
                self.details.push(("screenshot text", cut(text, DETAIL_MAX_BYTES).into()));
            }
            _ => {}
        }
    }

    fn date(&mut self, field: Field, text: &str, line: impl FnOnce() -> u64) -> Written {
        let written = date::parse(text);
        let note = written.note();
        if !note.is_empty() {
            self.evidence.push(Evidence::new(field.tag(), Some(line()), text, note));
        }
        written
    }
}

impl RawVolume {
    /// Makes an asset of it. `position` counts the volumes of the device from 1, for one without any name.
    pub(super) fn finish(
        self,
        look: &Look,
        season: &Season,
        offsite: Option<Exemption>,
        position: usize,
    ) -> AssetObservation {
        let mut evidence = self.evidence;
        let mut resolve = |field: Field, written: Written| {
            let (stated, remark) = written.resolve_in(season, look.at);
            evidence.extend(written.evidence(field.tag(), remark));
            stated
        };
        let last_good = resolve(Field::LastBackup, self.last_backup);
        let last_offsite = resolve(Field::LatestOffsite, self.latest_offsite);
        let name = self.name.unwrap_or_else(|| Name::new(format!("volume {position}")));
        let mut asset = AssetObservation::new(self.kind, name);
        asset.offsite_exempt = offsite;
        asset.last_run =
            if self.succeeded { LastRun::Succeeded } else { LastRun::Failed { in_row: 1, at: None } };
        asset.last_good = last_good;
        asset.last_offsite = last_offsite;
        // Written to only where there is something: see `More`.
        if !self.details.is_empty() {
            asset.more.details = self.details;
        }
        if !evidence.is_empty() {
            asset.more.evidence = evidence;
        }
        asset
    }
}

/// Tells machines from shares. The text for shares is not published: what names a share protocol is one.
fn kind_of(text: &str) -> &'static Kind {
    const SHARES: [&str; 8] = ["nas", "share", "iscsi", "samba", "smb", "cifs", "nfs", "afp"];
    if text.eq_ignore_ascii_case("agent") {
        return &kinds::AGENT;
    }
    let lower = text.to_ascii_lowercase();
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
