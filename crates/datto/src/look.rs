//! What does a parser need to know about the look besides the document?

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_core::id::SourceId;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Failure, FailureKind, Place};

/// The largest document that is read, in bytes after unpacking: a fleet of more than 50 000 appliances.
pub const DOCUMENT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The most appliances and volumes that are read from one source; beyond it the look is partial and says so.
pub const OBSERVATIONS_MAX: usize = 1_000_000;

/// The most appliances that are read from one source, so that a flood of tiny ones takes no more memory than a real
/// fleet; beyond it the look is partial and says so.
pub const DEVICES_MAX: usize = 100_000;

/// The most volumes that are read from one appliance; beyond it the list of that appliance is partial and says so.
pub const VOLUMES_MAX: usize = 10_000;

/// The most values that were not read plainly and are kept as evidence; beyond it an appliance says that its are not.
pub const EVIDENCE_MAX: usize = 100_000;

/// The most failures that are kept of one look; the last one then says how many more there were.
pub const FAILURES_MAX: usize = 1_000;

/// The look a document belongs to.
#[derive(Clone, Debug)]
pub struct Look {
    /// Which source is looked at.
    pub source: SourceId,
    /// When the look began. Local times that exist twice are read against it.
    pub at: Timestamp,
    /// Which zone local times are in.
    pub zones: Zones,
    /// True to keep details for people too (model, addresses, screenshots), which no check reads.
    pub keep_details: bool,
}

impl Look {
    /// A look at the XML feed that begins at `at`: a source named `datto-xml`, the zone of the portal, no details.
    pub fn new(at: Timestamp) -> Self {
        Self::of(&crate::kinds::DATTO_XML, at)
    }

    /// A look at the REST API that begins at `at`: a source named `datto-rest`, no details.
    pub fn new_rest(at: Timestamp) -> Self {
        Self::of(&crate::kinds::DATTO_REST, at)
    }

    fn of(kind: &SourceKind, at: Timestamp) -> Self {
        let source = SourceId::new(kind.id).expect("the id of a kind is a valid name");
        Self { source, at, zones: Zones::portal(), keep_details: false }
    }
}

/// Which zone the local times of an appliance are in.
///
/// The feeds write local times without a zone; the default is that of the portal, `America/New_York`.
#[derive(Clone, Debug)]
pub struct Zones {
    default: TimeZone,
    by_serial: BTreeMap<String, TimeZone>,
}

impl Zones {
    /// The zone of the portal: `America/New_York`, with its daylight saving time.
    pub fn portal() -> Self {
        let portal = TimeZone::get("America/New_York").expect("the zone database is compiled in");
        Self::new(portal, BTreeMap::new())
    }

    /// A zone for all appliances, and others for single ones by serial number.
    pub fn new(default: TimeZone, by_serial: BTreeMap<String, TimeZone>) -> Self {
        Self { default, by_serial }
    }

    /// The same default, with other zones for single appliances by serial number.
    #[must_use]
    pub fn with(self, by_serial: BTreeMap<String, TimeZone>) -> Self {
        Self { by_serial, ..self }
    }

    /// Returns the zone of every appliance that has none of its own.
    pub fn default_zone(&self) -> &TimeZone {
        &self.default
    }

    /// Returns the zone of an appliance.
    pub fn of(&self, serial: &str) -> &TimeZone {
        if self.by_serial.is_empty() {
            &self.default
        } else {
            self.by_serial.get(serial).unwrap_or(&self.default)
        }
    }
}

impl Default for Zones {
    fn default() -> Self {
        Self::portal()
    }
}

/// Collects what could not be seen, up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    kept: Vec<Failure>,
    dropped: usize,
}

impl Failures {
    /// Notes a document that is not what it should be.
    pub(crate) fn malformed(&mut self, place: Place, reason: String) {
        self.note(Failure { place, kind: FailureKind::Malformed, reason });
    }

    /// Notes a failure; beyond [`FAILURES_MAX`] only their number.
    pub(crate) fn note(&mut self, failure: Failure) {
        if self.kept.len() < FAILURES_MAX { self.kept.push(failure) } else { self.dropped += 1 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Hands them over; the last one tells how many were not kept.
    pub(crate) fn into_vec(mut self) -> Vec<Failure> {
        if self.dropped > 0 {
            let reason = format!("{} more failures of this look are not listed", self.dropped);
            self.kept.push(Failure { place: Place::source(), kind: FailureKind::Malformed, reason });
        }
        self.kept
    }
}
