//! How is what a directory states about a repository written as bytes?

use lastgood_core::checks;
use lastgood_core::ownership::{OwnerEntry, Ownership, Part};

use super::{Damage, Reading, bytes, length, number, optional};

pub(super) fn write_ownership(out: &mut Vec<u8>, ownership: &Ownership) {
    length(out, ownership.entries.len());
    for entry in &ownership.entries {
        // Taken apart, so that a new field does not compile before its place is chosen.
        let OwnerEntry { part, whose, is_default, dn, fields } = entry;
        bytes(out, part.as_str().as_bytes());
        bytes(out, whose.as_bytes());
        out.push((*is_default).into());
        bytes(out, dn.as_bytes());
        length(out, fields.len());
        for (field, values) in fields {
            bytes(out, field.as_bytes());
            length(out, values.len());
            for value in values {
                bytes(out, value.as_bytes());
            }
        }
    }
}

pub(super) fn read_ownership(reading: &mut Reading<'_>) -> Result<Ownership, Damage> {
    let count = reading.length()?;
    let entries = (0..count).map(|_| read_entry(reading)).collect::<Result<_, _>>()?;
    Ok(Ownership { entries })
}

fn read_entry(reading: &mut Reading<'_>) -> Result<OwnerEntry, Damage> {
    let word = reading.text()?;
    let part = Part::ALL.into_iter().find(|part| part.as_str() == word);
    let part = part.ok_or(Damage("no such part of an ownership"))?;
    let whose = reading.text()?.into();
    let is_default = reading.truth()?;
    let dn = reading.text()?.into();
    let count = reading.length()?;
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        let field = reading.text()?.into();
        let count = reading.length()?;
        let values = (0..count).map(|_| reading.text().map(Box::from)).collect::<Result<_, _>>()?;
        fields.push((field, values));
    }
    Ok(OwnerEntry { part, whose, is_default, dn, fields })
}

pub(super) fn write_thresholds(out: &mut Vec<u8>, thresholds: &[(&'static str, Option<u32>)]) {
    length(out, thresholds.len());
    for (name, value) in thresholds {
        bytes(out, name.as_bytes());
        optional(out, *value, |out, value| number(out, value.into()));
    }
}

pub(super) fn read_thresholds(reading: &mut Reading<'_>) -> Result<Vec<(&'static str, Option<u32>)>, Damage> {
    let count = reading.length()?;
    let one = |reading: &mut Reading<'_>| {
        let name = checks::find_threshold(reading.text()?).ok_or(Damage("no such threshold"))?.name;
        Ok((name, reading.optional(super::read_count)?))
    };
    (0..count).map(|_| one(reading)).collect()
}
