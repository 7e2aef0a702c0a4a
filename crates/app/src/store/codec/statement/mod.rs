//! How is what was stated about one repository or asset written as bytes?
//!
//! A statement begins with its key. Details are not written: only `explain` asks a source for them, and it looks itself.
//! The line of evidence is not written either: a document that grew by a line above would make every statement below it
//! a new one.

use std::sync::Arc;

use lastgood_core::id::Name;
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{
    AssetObservation, Collection, Evidence, Exemption, Extent, Failure, FailureKind, LastRun, MoreOfAsset,
    Place, RepositoryObservation, Space, SpaceUnit, Stated, Uptime, Verification,
};

use super::{Damage, Reading, bytes, instant, length, number, optional, stated, stated_code};

mod owner;
mod plan;
mod runs;

/// Returns what of a look is kept: all but details for people and the lines of evidence.
pub fn kept(collection: &Collection) -> Collection {
    let mut kept = collection.clone();
    let without_lines = |evidence: &mut Vec<Evidence>| evidence.iter_mut().for_each(|one| one.line = None);
    for repository in &mut kept.repositories {
        repository.details.clear();
        without_lines(&mut repository.evidence);
        for asset in &mut repository.assets {
            asset.more.details.clear();
            without_lines(&mut asset.more.evidence);
        }
    }
    kept
}

/// Reads the key a statement begins with.
pub(in super::super) fn key(statement: &[u8]) -> Result<&[u8], Damage> {
    Reading(statement).bytes()
}

const HAS_KEY: u64 = 1;
const HAS_EXEMPTION: u64 = 1 << 1;
const HAS_OFFSITE_EXEMPTION: u64 = 1 << 2;
const HAS_IDENTITY: u64 = 1 << 3;
const HAS_VERIFICATION: u64 = 1 << 4;
const HAS_CREATION: u64 = 1 << 5;
const HAS_EVIDENCE: u64 = 1 << 6;
/// Below this the bits above; from here on three codes of two bits each.
const CODES_FROM: u32 = 8;
/// From here on bits again, first of all those for what became known later.
const HAS_STARTED: u64 = 1 << 14;
const HAS_LAST_STARTED: u64 = 1 << 15;
const HAS_LAST_SEEN: u64 = 1 << 16;
const HAS_PLAN: u64 = 1 << 17;
const HAS_CLIENT: u64 = 1 << 18;
const HAS_READINGS: u64 = 1 << 19;
/// The code of the newest run is 0 then.
const HAS_UNREADABLE_RUN: u64 = 1 << 20;
/// Bits that no version has given a meaning.
const UNKNOWN: u64 = (1 << 7) | !((1 << 21) - 1);

/// Writes an asset; most are a key, a kind, two bytes and two instants.
pub(in super::super) fn write_asset(out: &mut Vec<u8>, asset: &AssetObservation) {
    // Taken apart, so that a new field does not compile before its place is chosen.
    let AssetObservation { name, kind, exempt, offsite_exempt, last_run, last_good, last_offsite, more } =
        asset;
    let MoreOfAsset {
        key,
        identity,
        verification,
        created_at,
        started_at,
        last_started,
        last_seen,
        planned,
        other_readings,
        client,
        details: _,
        evidence,
    } = &**more;
    bytes(out, asset.key().bytes());
    number(out, marks(asset));
    bytes(out, kind.id.as_bytes());
    if key.is_some() {
        bytes(out, name.bytes());
    }
    out.extend(exempt.map(exemption_code));
    out.extend(offsite_exempt.map(exemption_code));
    if let LastRun::Failed { in_row, at } = last_run {
        number(out, (*in_row).into());
        if let Some(at) = at {
            instant(out, *at);
        }
    }
    for at in [last_good, last_offsite] {
        if let Stated::Value(at) = at {
            instant(out, *at);
        }
    }
    if let Some(identity) = identity {
        bytes(out, identity.as_bytes());
    }
    if *verification != Verification::default() {
        stated(out, verification.at, instant);
        out.push(verification.failed.into());
    }
    if *created_at != Stated::Missing {
        stated(out, *created_at, instant);
    }
    if !evidence.is_empty() {
        write_evidence(out, evidence);
    }
    for at in [*started_at, *last_started, *last_seen] {
        if at != Stated::Missing {
            stated(out, at, instant);
        }
    }
    if let Some(planned) = planned {
        plan::write(out, planned);
    }
    if *client != Stated::Missing {
        runs::write_client(out, client);
    }
    if !other_readings.is_empty() {
        runs::write_readings(out, other_readings);
    }
}

/// Which fields of an asset are written.
fn marks(asset: &AssetObservation) -> u64 {
    let more = &*asset.more;
    let flag = |is_set: bool, bit: u64| if is_set { bit } else { 0 };
    let run_code = match asset.last_run {
        LastRun::NoneYet | LastRun::Unreadable => 0,
        LastRun::Succeeded => 1,
        LastRun::Failed { at: None, .. } => 2,
        LastRun::Failed { at: Some(_), .. } => 3,
    };
    let codes = run_code
        | u64::from(stated_code(&asset.last_good)) << 2
        | u64::from(stated_code(&asset.last_offsite)) << 4;
    flag(more.key.is_some(), HAS_KEY)
        | flag(asset.exempt.is_some(), HAS_EXEMPTION)
        | flag(asset.offsite_exempt.is_some(), HAS_OFFSITE_EXEMPTION)
        | flag(more.identity.is_some(), HAS_IDENTITY)
        | flag(more.verification != Verification::default(), HAS_VERIFICATION)
        | flag(more.created_at != Stated::Missing, HAS_CREATION)
        | flag(!more.evidence.is_empty(), HAS_EVIDENCE)
        | flag(more.started_at != Stated::Missing, HAS_STARTED)
        | flag(more.last_started != Stated::Missing, HAS_LAST_STARTED)
        | flag(more.last_seen != Stated::Missing, HAS_LAST_SEEN)
        | flag(more.planned.is_some(), HAS_PLAN)
        | flag(more.client != Stated::Missing, HAS_CLIENT)
        | flag(!more.other_readings.is_empty(), HAS_READINGS)
        | flag(asset.last_run == LastRun::Unreadable, HAS_UNREADABLE_RUN)
        | codes << CODES_FROM
}

/// Reads what [`write_asset`] wrote.
pub(in super::super) fn read_asset(
    reading: &mut Reading<'_>,
    source: &'static SourceKind,
) -> Result<AssetObservation, Damage> {
    let key = reading.name()?;
    let flags = reading.number()?;
    let has = |bit: u64| flags & bit != 0;
    let code = |place: u32| ((flags >> (CODES_FROM + place)) & 3) as u8;
    if has(UNKNOWN) {
        return Err(Damage("an asset has marks of a newer version"));
    }
    let kind = read_kind(reading, source, SubjectType::Asset)?;
    let name = if has(HAS_KEY) { reading.name()? } else { key.clone() };
    let mut asset = AssetObservation::new(kind, name);
    if has(HAS_EXEMPTION) {
        asset.exempt = Some(read_exemption(reading)?);
    }
    if has(HAS_OFFSITE_EXEMPTION) {
        asset.offsite_exempt = Some(read_exemption(reading)?);
    }
    asset.last_run = match code(0) {
        0 if has(HAS_UNREADABLE_RUN) => LastRun::Unreadable,
        0 => LastRun::NoneYet,
        1 => LastRun::Succeeded,
        2 => LastRun::Failed { in_row: read_count(reading)?, at: None },
        _ => LastRun::Failed { in_row: read_count(reading)?, at: Some(reading.instant()?) },
    };
    asset.last_good = reading.stated_as(code(2), Reading::instant)?;
    asset.last_offsite = reading.stated_as(code(4), Reading::instant)?;
    if has(HAS_KEY) {
        asset.more.key = Some(key);
    }
    if has(HAS_IDENTITY) {
        asset.more.identity = Some(reading.text()?.into());
    }
    if has(HAS_VERIFICATION) {
        let at = reading.stated(Reading::instant)?;
        asset.more.verification = Verification { at, failed: reading.truth()? };
    }
    if has(HAS_CREATION) {
        asset.more.created_at = reading.stated(Reading::instant)?;
    }
    if has(HAS_EVIDENCE) {
        asset.more.evidence = read_evidence(reading)?;
    }
    read_runs(reading, flags, &mut asset)?;
    Ok(asset)
}

/// Reads what stands behind the evidence.
fn read_runs(reading: &mut Reading<'_>, flags: u64, asset: &mut AssetObservation) -> Result<(), Damage> {
    if flags & HAS_STARTED != 0 {
        asset.more.started_at = reading.stated(Reading::instant)?;
    }
    if flags & HAS_LAST_STARTED != 0 {
        asset.more.last_started = reading.stated(Reading::instant)?;
    }
    if flags & HAS_LAST_SEEN != 0 {
        asset.more.last_seen = reading.stated(Reading::instant)?;
    }
    if flags & HAS_PLAN != 0 {
        asset.more.planned = Some(Arc::new(plan::read(reading)?));
    }
    if flags & HAS_CLIENT != 0 {
        asset.more.client = runs::read_client(reading)?;
    }
    if flags & HAS_READINGS != 0 {
        asset.more.other_readings = runs::read_readings(reading)?;
    }
    Ok(())
}

/// Stands in the byte of a repository's extent: what became known later follows behind the evidence.
const HAS_UNDELIVERED: u8 = 1 << 7;
const HAS_OWNERSHIP: u8 = 1 << 6;
const HAS_THRESHOLDS: u8 = 1 << 5;
const LATER: u8 = HAS_UNDELIVERED | HAS_OWNERSHIP | HAS_THRESHOLDS;

/// Stands in the place of yes and no where it could not be seen whether a repository was ever used.
const USE_NOT_SEEN: u8 = 2;

/// Writes a repository without its assets.
pub(in super::super) fn write_repository(out: &mut Vec<u8>, repository: &RepositoryObservation) {
    // Taken apart, so that a new field does not compile before its place is chosen.
    let RepositoryObservation {
        key,
        name,
        kind,
        exempt,
        last_seen,
        uptime,
        space,
        space_exempt,
        service_end,
        warranty_end,
        created_at,
        used_ever,
        undelivered_since,
        thresholds,
        ownership,
        listing,
        assets: _,
        details: _,
        evidence,
    } = repository;
    let Space { used, free, quota, unit } = space;
    bytes(out, key.bytes());
    bytes(out, kind.id.as_bytes());
    optional(out, Some(name).filter(|name| *name != key), |out, name| {
        bytes(out, name.bytes());
    });
    optional(out, exempt.map(exemption_code), Vec::push);
    stated(out, *last_seen, instant);
    stated(out, *uptime, |out, uptime| out.extend(uptime.seconds().to_le_bytes()));
    stated(out, *used, number);
    stated(out, *free, number);
    stated(out, *quota, number);
    out.push(match unit {
        SpaceUnit::Bytes => 0,
        SpaceUnit::Unstated => 1,
    });
    optional(out, space_exempt.map(exemption_code), Vec::push);
    stated(out, *service_end, instant);
    stated(out, *warranty_end, instant);
    stated(out, *created_at, instant);
    out.push(used_ever.map_or(USE_NOT_SEEN, u8::from));
    let waits = *undelivered_since != Stated::Missing;
    let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    let later = flag(waits, HAS_UNDELIVERED)
        | flag(ownership.is_some(), HAS_OWNERSHIP)
        | flag(!thresholds.is_empty(), HAS_THRESHOLDS);
    out.push(extent_code(*listing) | later);
    write_evidence(out, evidence);
    if waits {
        stated(out, *undelivered_since, instant);
    }
    if let Some(ownership) = ownership {
        owner::write_ownership(out, ownership);
    }
    if !thresholds.is_empty() {
        owner::write_thresholds(out, thresholds);
    }
}

/// Reads what [`write_repository`] wrote; it has no assets yet.
pub(in super::super) fn read_repository(
    reading: &mut Reading<'_>,
    source: &'static SourceKind,
) -> Result<RepositoryObservation, Damage> {
    let key = reading.name()?;
    let kind = read_kind(reading, source, SubjectType::Repository)?;
    let name = reading.optional(Reading::name)?.unwrap_or_else(|| key.clone());
    let mut repository = RepositoryObservation::new(kind, key, name);
    repository.exempt = reading.optional(read_exemption)?;
    repository.last_seen = reading.stated(Reading::instant)?;
    repository.uptime = reading.stated(read_uptime)?;
    repository.space = Space {
        used: reading.stated(Reading::number)?,
        free: reading.stated(Reading::number)?,
        quota: reading.stated(Reading::number)?,
        unit: match reading.byte()? {
            0 => SpaceUnit::Bytes,
            1 => SpaceUnit::Unstated,
            _ => return Err(Damage("no such unit of storage")),
        },
    };
    repository.space_exempt = reading.optional(read_exemption)?;
    repository.service_end = reading.stated(Reading::instant)?;
    repository.warranty_end = reading.stated(Reading::instant)?;
    repository.created_at = reading.stated(Reading::instant)?;
    repository.used_ever = match reading.byte()? {
        0 => Some(false),
        1 => Some(true),
        USE_NOT_SEEN => None,
        _ => return Err(Damage("no such use")),
    };
    let extent = reading.byte()?;
    repository.listing = extent_of(extent & !LATER)?;
    repository.evidence = read_evidence(reading)?;
    if extent & HAS_UNDELIVERED != 0 {
        repository.undelivered_since = reading.stated(Reading::instant)?;
    }
    if extent & HAS_OWNERSHIP != 0 {
        repository.ownership = Some(Arc::new(owner::read_ownership(reading)?));
    }
    if extent & HAS_THRESHOLDS != 0 {
        repository.thresholds = owner::read_thresholds(reading)?;
    }
    Ok(repository)
}

/// Writes what a look could not see.
pub(in super::super) fn write_failures(out: &mut Vec<u8>, failures: &[Failure]) {
    length(out, failures.len());
    for Failure { place, kind, reason } in failures {
        let name = |out: &mut Vec<u8>, name: &Name| bytes(out, name.bytes());
        optional(out, place.repository.as_ref(), name);
        optional(out, place.asset.as_ref(), name);
        optional(out, place.position.as_deref(), |out, position| bytes(out, position.as_bytes()));
        bytes(out, kind.as_str().as_bytes());
        bytes(out, reason.as_bytes());
    }
}

/// Reads what [`write_failures`] wrote.
pub(in super::super) fn read_failures(reading: &mut Reading<'_>) -> Result<Vec<Failure>, Damage> {
    let count = reading.length()?;
    (0..count).map(|_| read_failure(reading)).collect()
}

fn read_failure(reading: &mut Reading<'_>) -> Result<Failure, Damage> {
    let place = Place {
        repository: reading.optional(Reading::name)?,
        asset: reading.optional(Reading::name)?,
        position: reading.optional(Reading::text)?.map(Into::into),
    };
    let word = reading.text()?;
    let kind = FailureKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let kind = kind.ok_or(Damage("no such kind of failure"))?;
    Ok(Failure { place, kind, reason: reading.text()?.to_owned() })
}

fn write_evidence(out: &mut Vec<u8>, evidence: &[Evidence]) {
    length(out, evidence.len());
    for Evidence { field, line: _, raw, note } in evidence {
        for text in [field, &**raw, note] {
            bytes(out, text.as_bytes());
        }
    }
}

fn read_evidence(reading: &mut Reading<'_>) -> Result<Vec<Evidence>, Damage> {
    let count = reading.length()?;
    let one = |reading: &mut Reading<'_>| {
        let (field, raw, note) = (reading.label()?, reading.text()?, reading.label()?);
        Ok(Evidence { field, line: None, raw: raw.into(), note })
    };
    (0..count).map(|_| one(reading)).collect()
}

fn read_count(reading: &mut Reading<'_>) -> Result<u32, Damage> {
    u32::try_from(reading.number()?).map_err(|_| Damage("a count is too large"))
}

fn read_uptime(reading: &mut Reading<'_>) -> Result<Uptime, Damage> {
    let bytes = reading.take(8)?.try_into().map_err(|_| Damage("it ends too early"))?;
    Uptime::from_seconds(f64::from_le_bytes(bytes)).ok_or(Damage("a running time is no number"))
}

/// A kind that the program does not know (any more) is said: without it the subject would lose its checks.
fn read_kind(
    reading: &mut Reading<'_>,
    source: &'static SourceKind,
    subject: SubjectType,
) -> Result<&'static Kind, Damage> {
    let word = reading.text()?;
    let mut kinds = source.kinds.iter().copied();
    let found = kinds.find(|kind| kind.id == word && kind.subject == subject);
    found.ok_or(Damage(
        "a kind of repository or asset is unknown to this version: run the version that wrote it",
    ))
}

/// One code per variant, for ever.
const fn exemption_code(exemption: Exemption) -> u8 {
    match exemption {
        Exemption::Hidden => 0,
        Exemption::Archived => 1,
        Exemption::Paused => 2,
        Exemption::LocalOnly => 3,
        Exemption::CloudAppliance => 4,
        Exemption::NoRunYet => 5,
        Exemption::NoEndStated => 6,
        Exemption::NoStorageStated => 7,
        Exemption::NoCapacitySet => 8,
        Exemption::NothingPlanned => 9,
        Exemption::ClientNotStated => 10,
        Exemption::NoLeastVersion => 11,
    }
}

fn read_exemption(reading: &mut Reading<'_>) -> Result<Exemption, Damage> {
    let code = reading.byte()?;
    let found = Exemption::ALL.into_iter().find(|exemption| exemption_code(*exemption) == code);
    found.ok_or(Damage("no such exemption"))
}

pub(in super::super) const fn extent_code(extent: Extent) -> u8 {
    match extent {
        Extent::Complete => 0,
        Extent::Partial => 1,
        Extent::Failed => 2,
    }
}

pub(in super::super) fn read_extent(reading: &mut Reading<'_>) -> Result<Extent, Damage> {
    extent_of(reading.byte()?)
}

const fn extent_of(code: u8) -> Result<Extent, Damage> {
    match code {
        0 => Ok(Extent::Complete),
        1 => Ok(Extent::Partial),
        2 => Ok(Extent::Failed),
        _ => Err(Damage("no such extent")),
    }
}

#[cfg(test)]
mod tests;
