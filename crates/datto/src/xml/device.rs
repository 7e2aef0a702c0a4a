//! What does one device state? Collected field by field, a repository once its end tag is met.

use lastgood_core::id::Name;
use lastgood_core::observation::{
    Detail, Evidence, Exemption, Extent, Place, RepositoryObservation, Space, SpaceUnit, Stated, Uptime,
};

use super::fields::Field;
use super::volume::RawVolume;
use crate::cloud::{is_cloud, space_exemption};
use crate::kinds;
use crate::look::{FAILURES_MAX, Failures, Look, VOLUMES_MAX};
use crate::reading::date::{self, Season, Written};
use crate::reading::number::{self, Number};
use crate::reading::{is_no, is_yes, trim};
use crate::unique::make_unique;

/// Both feeds count storage in units of 1024 bytes.
const SPACE_UNIT_BYTES: u64 = 1024;

/// The device that is being read; the first value of a field stands, later ones are passed over. One of them serves a
/// whole document, so that its texts are allocated once.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing was met")]
pub(super) struct OpenDevice {
    /// The line of its start tag.
    pub(super) line: u64,
    /// True once any field, known or not, was met.
    pub(super) has_fields: bool,
    /// True once anything of the xmlstatus tree was met.
    pub(super) has_bare_fields: bool,
    /// True once anything of the status tree was met: whatever else stands in it, it is a device of that tree then.
    pub(super) has_status_fields: bool,
    /// Set if its tags do not fit together: why, and the line.
    pub(super) broken: Option<(String, u64)>,
    /// True once it had more volumes than are read.
    pub(super) is_flooded: bool,
    /// What of it is no volume: why, and the line.
    volume_failures: Vec<(String, u64)>,
    pub(super) volumes: Vec<RawVolume>,
    /// Which fields were met.
    met: Vec<Field>,
    serial: String,
    hostname: String,
    hidden: bool,
    cloud: bool,
    last_seen: Written,
    service_end: Written,
    warranty_end: Written,
    uptime: Stated<Uptime>,
    used: Stated<u64>,
    free: Stated<u64>,
    details: Vec<Detail>,
    evidence: Vec<Evidence>,
}

impl OpenDevice {
    /// Begins the next device, whose start tag is on this line.
    pub(super) fn begin(&mut self, line: u64) {
        let mut next = Self { line, ..Self::default() };
        // The buffers of the device before are worth keeping, what stands in them is not.
        std::mem::swap(&mut next.volumes, &mut self.volumes);
        std::mem::swap(&mut next.met, &mut self.met);
        std::mem::swap(&mut next.serial, &mut self.serial);
        std::mem::swap(&mut next.hostname, &mut self.hostname);
        next.volumes.clear();
        next.met.clear();
        next.serial.clear();
        next.hostname.clear();
        *self = next;
    }

    /// Takes a value. `line` is asked only where the value is worth keeping as evidence.
    pub(super) fn set(&mut self, field: Field, text: &str, line: impl FnOnce() -> u64) {
        if self.met.contains(&field) {
            return;
        }
        self.met.push(field);
        match field {
            Field::BareHostname => self.has_bare_fields = true,
            _ => self.has_status_fields = true,
        }
        let text = trim(text);
        let mut wrong = "";
        match field {
            Field::Serial => self.serial.push_str(text),
            Field::Hostname => {
                self.hostname.clear();
                self.hostname.push_str(text);
            }
            Field::BareHostname if self.hostname.is_empty() => self.hostname.push_str(text),
            Field::IsHidden => {
                self.hidden = is_yes(text);
                if !self.hidden && !is_no(text) {
                    wrong = "is neither yes nor no, read as not hidden";
                }
            }
            Field::LastSeen => {
                self.last_seen = date::parse(text);
                wrong = self.last_seen.note();
            }
            Field::ServiceExpire => {
                self.service_end = date_of(text, date::parse_day, "is no date", &mut wrong);
            }
            Field::WarrantyExpire => {
                self.warranty_end = date_of(text, date::parse_day, "is no date", &mut wrong);
            }
            Field::Uptime => {
                self.uptime = number_of(text, |number| Uptime::from_seconds(number.as_f64()), &mut wrong);
            }
            Field::UsedSpace => {
                self.used = number_of(text, |number| number.scaled(SPACE_UNIT_BYTES), &mut wrong);
            }
            Field::FreeSpace => {
                self.free = number_of(text, |number| number.scaled(SPACE_UNIT_BYTES), &mut wrong);
            }
            Field::Model => {
                self.cloud = is_cloud(text);
                self.detail("model", text);
            }
            Field::Shown(label) => self.detail(label, text),
            _ => {}
        }
        if !wrong.is_empty() {
            self.evidence.push(Evidence::new(field.tag(), Some(line()), text, wrong));
        }
    }

    fn detail(&mut self, label: &'static str, text: &str) {
        if !text.is_empty() {
            self.details.push((label, text.into()));
        }
    }

    /// Notes something in it that is no volume; a flood of them is cut.
    pub(super) fn lose_volume(&mut self, reason: String, line: u64) {
        if self.volume_failures.len() < FAILURES_MAX {
            self.volume_failures.push((reason, line));
        }
    }

    /// Returns where it stands, for a failure: its place in the document, and its serial number if it has one, until
    /// [it is known](super::lost::settle) whether that is the key of a device that was judged.
    pub(super) fn place(&self, position: usize) -> Place {
        let repository = (!self.serial.is_empty()).then(|| Name::new(&self.serial));
        let position = format!("device {position}, line {}", self.line);
        Place { repository, position: Some(position.into()), ..Place::default() }
    }

    /// Makes a repository of it. `position` counts the devices of the document from 1.
    /// What of it could not be seen is noted by [`Self::note_failures`], once its key is settled.
    pub(super) fn finish(&mut self, look: &Look, season: &Season, position: usize) -> RepositoryObservation {
        let is_bare = self.has_bare_fields && !self.has_status_fields;
        let kind = if is_bare { &kinds::BARE_APPLIANCE } else { &kinds::APPLIANCE };
        let first = |choices: [&String; 2]| {
            let filled = choices.into_iter().find(|choice| !choice.is_empty());
            filled.map_or_else(|| Name::new(format!("device {position}")), Name::new)
        };
        let key = first([&self.serial, &self.hostname]);
        let mut repository = RepositoryObservation::new(kind, key, first([&self.hostname, &self.serial]));
        let zone = look.zones.of(&self.serial);
        let own = (!std::ptr::eq(zone, look.zones.default_zone())).then(|| Season::around(zone, look.at));
        let season = own.as_ref().unwrap_or(season);
        repository.exempt = self.hidden.then_some(Exemption::Hidden);
        repository.last_seen = self.resolve(Field::LastSeen, self.last_seen, look, season);
        repository.service_end = self.resolve(Field::ServiceExpire, self.service_end, look, season);
        repository.warranty_end = self.resolve(Field::WarrantyExpire, self.warranty_end, look, season);
        repository.uptime = self.uptime;
        let unit = SpaceUnit::Bytes;
        repository.space = Space { used: self.used, free: self.free, quota: Stated::Missing, unit };
        repository.space_exempt = self.cloud.then(|| space_exemption(&repository.space)).flatten();
        if look.keep_details {
            repository.details = std::mem::take(&mut self.details);
        }
        repository.evidence = std::mem::take(&mut self.evidence);
        self.finish_volumes(&mut repository, look, season);
        repository
    }

    /// Notes what of it could not be seen.
    pub(super) fn note_failures(&self, repository: &RepositoryObservation, failures: &mut Failures) {
        let place = || Place::repository(repository.key.clone());
        for (reason, line) in &self.volume_failures {
            failures.malformed(place(), format!("line {line}: {reason}"));
        }
        if self.is_flooded {
            let reason = format!("it has more than {VOLUMES_MAX} volumes; the rest was not read");
            failures.malformed(place(), reason);
        }
    }

    fn finish_volumes(&mut self, repository: &mut RepositoryObservation, look: &Look, season: &Season) {
        if self.is_flooded || !self.volume_failures.is_empty() {
            repository.listing = Extent::Partial;
        }
        let offsite = self.cloud.then_some(Exemption::CloudAppliance);
        repository.assets.reserve_exact(self.volumes.len());
        for (volume, position) in self.volumes.drain(..).zip(1..) {
            repository.assets.push(volume.finish(look, season, offsite, position));
        }
        repository.used_ever = Some(repository.assets.iter().any(|asset| asset.last_good.value().is_some()));
        make_unique(&mut repository.assets);
    }

    /// Makes an instant of a date, and keeps as evidence what had to be decided about it.
    fn resolve(
        &mut self,
        field: Field,
        written: Written,
        look: &Look,
        season: &Season,
    ) -> Stated<jiff::Timestamp> {
        let (stated, remark) = written.resolve_in(season, look.at);
        self.evidence.extend(written.evidence(field.tag(), remark));
        stated
    }
}

/// Reads a date; one that cannot be read is `wrong`, for that reason.
fn date_of(text: &str, parse: fn(&str) -> Written, why: &'static str, wrong: &mut &'static str) -> Written {
    let written = parse(text);
    if written == Written::Unreadable {
        *wrong = why;
    }
    written
}

/// Reads a number; one that cannot be used is `wrong`.
fn number_of<T>(text: &str, convert: impl Fn(Number) -> Option<T>, wrong: &mut &'static str) -> Stated<T> {
    if text.is_empty() {
        return Stated::Missing;
    }
    number::parse(text).and_then(convert).map_or_else(
        || {
            *wrong = "is no usable number";
            Stated::Unreadable
        },
        Stated::Value,
    )
}
