//! What does one device state? Collected field by field, a repository once its end tag is met.

use jiff::tz::TimeZone;
use lastgood_core::id::Name;
use lastgood_core::observation::{
    Evidence, Exemption, Extent, Place, RepositoryObservation, Space, SpaceUnit, Stated, Uptime,
};

use super::fields::Field;
use super::volume::RawVolume;
use crate::kinds;
use crate::look::{Failures, Look};
use crate::reading::{date, is_yes, number};
use crate::unique::make_unique;

/// Both feeds count storage in units of 1024 bytes.
const SPACE_UNIT_BYTES: u64 = 1024;

/// The model name of an appliance that lives in Azure.
pub(crate) const CLOUD_MODEL: &str = "CLDSIRIS";

/// A device as far as it was read.
#[derive(Debug, Default)]
pub(super) struct RawDevice {
    /// The line of its start tag.
    pub(super) line: u64,
    /// True once any field, known or not, was met.
    pub(super) has_fields: bool,
    /// True once anything of the xmlstatus tree was met.
    pub(super) bare: bool,
    /// Set if its tags do not fit together: why, and the line.
    pub(super) broken: Option<(String, u64)>,
    /// What of it is no volume: why, and the line.
    pub(super) volume_failures: Vec<(String, u64)>,
    pub(super) volumes: Vec<RawVolume>,
    /// The first value of each field, trimmed, and its line.
    fields: Vec<(Field, String, u64)>,
}

impl RawDevice {
    /// A device whose start tag is on this line.
    pub(super) fn begin(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    pub(super) fn set(&mut self, field: Field, text: &str, line: u64) {
        if !self.fields.iter().any(|(known, ..)| *known == field) {
            self.fields.push((field, text.trim().to_owned(), line));
        }
    }

    fn text(&self, field: Field) -> Option<(&str, u64)> {
        let found = self.fields.iter().find(|(known, ..)| *known == field);
        found.map(|(_, text, line)| (text.as_str(), *line))
    }

    fn filled(&self, field: Field) -> Option<&str> {
        self.text(field).map(|(text, _)| text).filter(|text| !text.is_empty())
    }

    /// Returns where it stands, for a failure: its serial number if it has one, else its place in the document.
    pub(super) fn place(&self, position: usize) -> Place {
        match self.filled(Field::Serial) {
            Some(serial) => Place::repository(Name::new(serial)),
            None => Place { position: Some(format!("device {position}, line {}", self.line).into()), ..Place::default() },
        }
    }

    /// Makes a repository of it. `position` counts the devices of the document from 1.
    pub(super) fn finish(self, look: &Look, position: usize, failures: &mut Failures) -> RepositoryObservation {
        let hostname = self.filled(Field::Hostname).or(self.filled(Field::BareHostname)).unwrap_or_default();
        let serial = self.filled(Field::Serial).unwrap_or_default();
        let position_name = format!("device {position}");
        let name = [hostname, serial, &position_name].into_iter().find(|name| !name.is_empty());
        let key = [serial, hostname, &position_name].into_iter().find(|key| !key.is_empty());
        let kind = if self.bare { &kinds::BARE_APPLIANCE } else { &kinds::APPLIANCE };
        let name = Name::new(name.unwrap_or_default());
        let mut repository = RepositoryObservation::new(kind, Name::new(key.unwrap_or_default()), name);
        let zone = look.zones.of(serial);
        self.state(&mut repository, look, zone);
        self.state_storage(&mut repository);
        if look.keep_details {
            self.detail(&mut repository);
        }
        if !self.volume_failures.is_empty() {
            repository.listing = Extent::Partial;
            for (reason, line) in &self.volume_failures {
                failures.malformed(Place::repository(repository.key.clone()), format!("line {line}: {reason}"));
            }
        }
        let offsite = repository.space_exempt;
        repository.assets.reserve_exact(self.volumes.len());
        for (volume, position) in self.volumes.into_iter().zip(1..) {
            repository.assets.push(volume.finish(look, zone, offsite, position));
        }
        repository.used_ever = repository.assets.iter().any(|asset| asset.last_good.value().is_some());
        make_unique(&mut repository.assets);
        repository
    }

    fn state(&self, repository: &mut RepositoryObservation, look: &Look, zone: &TimeZone) {
        if self.text(Field::IsHidden).is_some_and(|(text, _)| is_yes(text)) {
            repository.exempt = Some(Exemption::Hidden);
        }
        if self.filled(Field::Model).is_some_and(|model| model.eq_ignore_ascii_case(CLOUD_MODEL)) {
            repository.space_exempt = Some(Exemption::CloudAppliance);
        }
        let mut date = |field, parse: fn(&str) -> date::Written, note| {
            let Some((text, line)) = self.text(field) else { return Stated::Missing };
            let (stated, remark) = parse(text).resolve(zone, look.at);
            let note = if stated == Stated::Unreadable { note } else { remark.note() };
            if !note.is_empty() {
                repository.evidence.push(Evidence::new(field.tag(), Some(line), text, note));
            }
            stated
        };
        let last_seen = date(Field::LastSeen, date::parse, "is no date, read as never");
        let service_end = date(Field::ServiceExpire, date::parse_day, "is no date");
        let warranty_end = date(Field::WarrantyExpire, date::parse_day, "is no date");
        repository.last_seen = last_seen;
        repository.service_end = service_end;
        repository.warranty_end = warranty_end;
        repository.uptime =
            self.number(repository, Field::Uptime, |number| Uptime::from_seconds(number.as_f64()));
    }

    fn state_storage(&self, repository: &mut RepositoryObservation) {
        let bytes = |number: number::Number| number.scaled(SPACE_UNIT_BYTES);
        let used = self.number(repository, Field::UsedSpace, bytes);
        let free = self.number(repository, Field::FreeSpace, bytes);
        repository.space = Space { used, free, quota: Stated::Missing, unit: SpaceUnit::Bytes };
    }

    fn number<T>(
        &self,
        repository: &mut RepositoryObservation,
        field: Field,
        convert: impl Fn(number::Number) -> Option<T>,
    ) -> Stated<T> {
        let Some((text, line)) = self.text(field).filter(|(text, _)| !text.is_empty()) else {
            return Stated::Missing;
        };
        if let Some(value) = number::parse(text).and_then(convert) {
            return Stated::Value(value);
        }
        repository.evidence.push(Evidence::new(field.tag(), Some(line), text, "is no usable number"));
        Stated::Unreadable
    }

    fn detail(&self, repository: &mut RepositoryObservation) {
        for (field, text, _) in self.fields.iter().filter(|(_, text, _)| !text.is_empty()) {
            match field {
                Field::Model => repository.details.push(("model", text.as_str().into())),
                Field::Shown(label) => repository.details.push((label, text.as_str().into())),
                _ => {}
            }
        }
    }
}
