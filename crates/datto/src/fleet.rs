//! How many need a reboot, failed, are behind or offline? The front of the library: one look, and a getter per question.
//!
//! Every rule is that of `lastgood-core`; nothing is decided here a second time.

use std::fmt;
use std::io::{BufRead, Read};

use jiff::Timestamp;
use lastgood_core::checks::{self, behind_local, behind_offsite, offline, reboot_due, unsuccessful};
use lastgood_core::expectation::{Expectations, Layer, Origin, Scope, Threshold};
use lastgood_core::facts::{Facts, RepositoryFacts, Subject, fold};
use lastgood_core::id::CheckId;
use lastgood_core::judge;
use lastgood_core::observation::{Collection, Exemption, Extent, Failure, SpaceUnit};
use lastgood_core::time::Seconds;
use lastgood_core::verdict::Outcome;

#[cfg(feature = "client")]
use crate::client::{ClientError, PORTAL_FEED, REST_API, RestClient, RestLimits, XmlClient, XmlLimits};
use crate::key::ApiKey;
#[cfg(feature = "client")]
use crate::key::KeyPair;
use crate::look::Look;
use crate::xml;

/// From which running time on a device needs a reboot: 30 days, `REBOOT_DURATION` of `Backup::Datto`.
pub const REBOOT_AFTER: Seconds = Seconds::days(30);

/// How long a device may be silent: one hour, `OFFLINE_THRESHOLD` of `Backup::Datto`.
pub const OFFLINE_AFTER: Seconds = Seconds::hours(1);

/// How old the last good backup may be: 24 hours, `BACKUP_THRESHOLD` of `Backup::Datto`.
pub const LOCAL_AFTER: Seconds = Seconds::hours(24);

/// How old the last offsite copy may be: one week, `OFFSITE_THRESHOLD` of `Backup::Datto`.
pub const OFFSITE_AFTER: Seconds = Seconds::days(7);

/// A look that saw nothing: why, and what to do.
///
/// Where `Backup::Datto` gives `undef`, or worse an empty fleet in good health, there is no [`Fleet`] at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLook {
    failures: Vec<Failure>,
}

impl FailedLook {
    /// Returns every reason, at least one.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

impl fmt::Display for FailedLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.failures.last().map_or("nothing could be read", |failure| failure.reason.as_str());
        f.write_str(reason)
    }
}

impl std::error::Error for FailedLook {}

/// How many are bad, and how sure that is.
///
/// Printed it says all of it: `2`, `2 (1 unknown)`, `at least 2 (1 unknown, not all was read)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many are bad.
    pub bad: u64,
    /// About how many nothing can be said: they are dated in the future, or what is stated is contradictory.
    pub unknown: u64,
    /// How many were asked about, the bad and the unknown ones included.
    pub of: u64,
    /// False if a part of the fleet could not be read: all three numbers may be higher.
    pub is_complete: bool,
}

impl Count {
    /// True only if there are any, none is bad, none is unknown and all were seen.
    pub fn is_fine(self) -> bool {
        self.of > 0 && self.bad == 0 && self.unknown == 0 && self.is_complete
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.unknown, self.is_complete) {
            (0, true) => write!(f, "{}", self.bad),
            (unknown, true) => write!(f, "{} ({unknown} unknown)", self.bad),
            (0, false) => write!(f, "at least {} (not all was read)", self.bad),
            (unknown, false) => write!(f, "at least {} ({unknown} unknown, not all was read)", self.bad),
        }
    }
}

/// How much of a device's storage is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedSpace {
    /// Its serial number; unique, as far as the source states one.
    pub serial: String,
    /// Its hostname; not unique.
    pub hostname: String,
    /// Used local storage in bytes; `None` if it is not stated, cannot be read, or comes in an unknown unit.
    pub used_bytes: Option<u64>,
}

/// Everything one look at a partner's appliances gave.
///
/// Hidden devices count nowhere. Ages are taken at the `now` each getter is given; one value for all of them makes one
/// consistent picture.
#[derive(Clone, Debug)]
pub struct Fleet {
    facts: Facts,
    key: Option<ApiKey>,
    raw_document: Option<Vec<u8>>,
}

impl Fleet {
    /// Reads a status document of either tree. `Err` if it is none, so that nothing of a fleet was seen.
    pub fn from_xml(document: impl BufRead, look: &Look) -> Result<Self, FailedLook> {
        Self::from_collection(xml::parse(document, look))
    }

    /// Reads a status document and keeps its bytes for [`raw_document`](Self::raw_document).
    pub fn from_xml_with_raw(document: impl BufRead, look: &Look) -> Result<Self, FailedLook> {
        let mut kept = Kept { inner: document, bytes: Vec::new() };
        let collection = xml::parse(std::io::BufReader::new(&mut kept), look);
        let fleet = Self::from_collection(collection)?;
        Ok(Self { raw_document: Some(kept.bytes), ..fleet })
    }

    /// Takes what a look gave. `Err` if it saw nothing; one that saw a part is a fleet that
    /// [is not complete](Self::is_complete).
    pub fn from_collection(collection: Collection) -> Result<Self, FailedLook> {
        if collection.listing != Extent::Complete && collection.repositories.is_empty() {
            return Err(FailedLook { failures: collection.failures });
        }
        Ok(Self { facts: fold(vec![collection]), key: None, raw_document: None })
    }

    /// Returns the key it was fetched with; `None` if it was not fetched with a key of the XML feeds.
    pub fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// Returns the document as it was read; `None` unless it was asked for.
    pub fn raw_document(&self) -> Option<&[u8]> {
        self.raw_document.as_deref()
    }

    /// Returns what could not be seen; empty if and only if the fleet [is complete](Self::is_complete).
    pub fn failures(&self) -> &[Failure] {
        self.facts.sources.first().map_or(&[], |source| &source.failures)
    }

    /// True if everything was read: the list of devices, and of each device all it protects.
    pub fn is_complete(&self) -> bool {
        self.facts.sources.iter().all(|source| source.look == Extent::Complete && source.failures.is_empty())
    }

    /// Returns everything that was stated, for `lastgood-core`'s judge and any question that has no getter here.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the questions about machines backed up by an agent.
    pub fn agents(&self) -> Assets<'_> {
        Assets { fleet: self, kind: "agent" }
    }

    /// Returns the questions about NAS and iSCSI shares.
    pub fn shares(&self) -> Assets<'_> {
        Assets { fleet: self, kind: "share" }
    }

    /// Returns the questions about volumes of a kind that is not known, such as one without a type.
    pub fn others(&self) -> Assets<'_> {
        Assets { fleet: self, kind: "other" }
    }

    /// Counts the devices.
    pub fn device_count(&self) -> u64 {
        self.repositories().count() as u64
    }

    /// Counts the agents.
    pub fn agent_count(&self) -> u64 {
        self.agents().count()
    }

    /// Counts the devices that have been running for `after` or longer.
    pub fn reboot_count(&self, after: Seconds) -> Count {
        let setting = Setting { check: reboot_due::ID, threshold: &reboot_due::REBOOT_AFTER, value: after.0 };
        self.count("appliance", setting, self.looked_at())
    }

    /// Counts the agents whose newest backup failed.
    pub fn failed_agent_count(&self) -> Count {
        self.agents().failed_count()
    }

    /// Counts the agents without a good backup for longer than `after`, or without any.
    pub fn behind_local_count(&self, after: Seconds, now: Timestamp) -> Count {
        self.agents().behind_local_count(after, now)
    }

    /// Counts the agents without an offsite copy for longer than `after`, or without any.
    pub fn behind_offsite_count(&self, after: Seconds, now: Timestamp) -> Count {
        self.agents().behind_offsite_count(after, now)
    }

    /// Counts the devices that have been silent for longer than `after`, or were never seen.
    pub fn offline_count(&self, after: Seconds, now: Timestamp) -> Count {
        let setting = Setting { check: offline::ID, threshold: &offline::OFFLINE_AFTER, value: after.0 };
        self.count("appliance", setting, now)
    }

    /// Lists the used storage of every device in the order of the source; devices with the same hostname are two rows.
    pub fn used_space(&self) -> Vec<UsedSpace> {
        let row = |repository: &RepositoryFacts| {
            let stated = &repository.stated;
            let in_bytes = stated.space.unit == SpaceUnit::Bytes;
            UsedSpace {
                serial: stated.key.text().into_owned(),
                hostname: stated.name.text().into_owned(),
                used_bytes: stated.space.used.value().filter(|_| in_bytes),
            }
        };
        self.repositories().map(row).collect()
    }

    fn repositories(&self) -> impl Iterator<Item = &RepositoryFacts> {
        let all = self.facts.sources.iter().flat_map(|source| &source.repositories);
        all.filter(|repository| repository.stated.exempt != Some(Exemption::Hidden))
    }

    fn looked_at(&self) -> Timestamp {
        self.facts.sources.first().map_or(Timestamp::UNIX_EPOCH, |source| source.looked_at)
    }

    fn count(&self, kind: &str, setting: Setting, now: Timestamp) -> Count {
        let Setting { check, threshold, value } = setting;
        let values = vec![(threshold.name, Some(value), Origin::CommandLine)];
        let layer = Layer { scope: Scope::Everything, values };
        let expectations = Expectations::new(checks::thresholds_of, vec![layer]);
        let mut count = Count { bad: 0, unknown: 0, of: 0, is_complete: self.is_complete() };
        judge::each(&self.facts, &expectations, now, |subject, verdicts| {
            if subject.kind_id() != kind || is_hidden(subject) {
                return;
            }
            count.of += 1;
            match verdicts.iter().find(|verdict| verdict.check == check).map(|verdict| verdict.outcome) {
                Some(Outcome::Ok) => {}
                Some(Outcome::Bad) => count.bad += 1,
                // What the source cannot state is asked of nothing, and so is unknown to who asks here.
                Some(Outcome::Unknown) | None => count.unknown += 1,
            }
        });
        count
    }
}

#[cfg(feature = "client")]
impl Fleet {
    /// Fetches the fleet from [the portal's feed](crate::client::PORTAL_FEED) with the default limits. `at` is the time
    /// now, which this library never asks a clock for.
    ///
    /// For another feed, other limits or other time zones make an [`XmlClient`] and hand its
    /// Collection to [`from_collection`](Self::from_collection).
    pub async fn fetch(key: &ApiKey, at: Timestamp) -> Result<Self, FetchError> {
        let collection = portal(key)?.look(&Look::new(at)).await;
        let fleet = Self::from_collection(collection)?;
        Ok(Self { key: Some(key.clone()), ..fleet })
    }

    /// Fetches the fleet and keeps the document for [`raw_document`](Self::raw_document), the key in it redacted.
    pub async fn fetch_with_raw(key: &ApiKey, at: Timestamp) -> Result<Self, FetchError> {
        let (collection, document) = portal(key)?.look_with_raw(&Look::new(at)).await;
        let fleet = Self::from_collection(collection)?;
        Ok(Self { key: Some(key.clone()), raw_document: Some(document), ..fleet })
    }

    /// Fetches the fleet from [the REST API](crate::client::REST_API) with the default limits: a request per device, 100
    /// a minute. There is no raw document, as there is not one document.
    pub async fn fetch_rest(keys: &KeyPair, at: Timestamp) -> Result<Self, FetchError> {
        let client = RestClient::new(REST_API, keys, RestLimits::default())?;
        Ok(Self::from_collection(client.look(&Look::new_rest(at)).await)?)
    }
}

#[cfg(feature = "client")]
fn portal(key: &ApiKey) -> Result<XmlClient, ClientError> {
    XmlClient::new(PORTAL_FEED, key, XmlLimits::default())
}

/// Why no fleet was fetched; never holds a key.
#[cfg(feature = "client")]
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The look saw nothing.
    #[error(transparent)]
    Look(#[from] FailedLook),
}

/// The questions about one kind of asset of a [`Fleet`].
#[derive(Clone, Copy, Debug)]
pub struct Assets<'f> {
    fleet: &'f Fleet,
    kind: &'static str,
}

impl Assets<'_> {
    /// Counts them.
    pub fn count(self) -> u64 {
        let assets = self.fleet.repositories().flat_map(|repository| &repository.stated.assets);
        assets.filter(|asset| asset.kind.id == self.kind).count() as u64
    }

    /// Counts those whose newest backup failed.
    pub fn failed_count(self) -> Count {
        let setting =
            Setting { check: unsuccessful::ID, threshold: &unsuccessful::UNSUCCESSFUL_COUNT, value: 1 };
        self.fleet.count(self.kind, setting, self.fleet.looked_at())
    }

    /// Counts those without a good backup for longer than `after`, or without any.
    pub fn behind_local_count(self, after: Seconds, now: Timestamp) -> Count {
        let setting =
            Setting { check: behind_local::ID, threshold: &behind_local::LOCAL_AFTER, value: after.0 };
        self.fleet.count(self.kind, setting, now)
    }

    /// Counts those without an offsite copy for longer than `after`, or without any.
    pub fn behind_offsite_count(self, after: Seconds, now: Timestamp) -> Count {
        let setting =
            Setting { check: behind_offsite::ID, threshold: &behind_offsite::OFFSITE_AFTER, value: after.0 };
        self.fleet.count(self.kind, setting, now)
    }
}

/// A check with its threshold set.
#[derive(Clone, Copy)]
struct Setting {
    check: CheckId,
    threshold: &'static Threshold,
    value: u32,
}

fn is_hidden(subject: Subject<'_>) -> bool {
    match subject {
        Subject::Source(_) => false,
        Subject::Repository(_, repository) | Subject::Asset(_, repository, _) => {
            repository.stated.exempt == Some(Exemption::Hidden)
        }
    }
}

/// Keeps what is read through it.
struct Kept<R> {
    inner: R,
    bytes: Vec<u8>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_checks() {
        for (after, threshold) in [
            (REBOOT_AFTER, &reboot_due::REBOOT_AFTER),
            (OFFLINE_AFTER, &offline::OFFLINE_AFTER),
            (LOCAL_AFTER, &behind_local::LOCAL_AFTER),
            (OFFSITE_AFTER, &behind_offsite::OFFSITE_AFTER),
        ] {
            assert_eq!(Some(after.0), threshold.default, "{}", threshold.name);
        }
    }

    #[test]
    fn a_count_says_what_is_not_known() {
        let shown = |unknown, is_complete| Count { bad: 2, unknown, of: 9, is_complete }.to_string();
        assert_eq!(shown(0, true), "2");
        assert_eq!(shown(1, true), "2 (1 unknown)");
        assert_eq!(shown(0, false), "at least 2 (not all was read)");
        assert_eq!(shown(1, false), "at least 2 (1 unknown, not all was read)");
        let fine = Count { bad: 0, unknown: 0, of: 9, is_complete: true };
        assert!(fine.is_fine());
        for other in
            [Count { bad: 1, ..fine }, Count { unknown: 1, ..fine }, Count { is_complete: false, ..fine }]
        {
            assert!(!other.is_fine(), "{other:?}");
        }
    }
}
