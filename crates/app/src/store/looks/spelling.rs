//! What do the entries of a look say, in words other programs read?

use jiff::tz::TimeZone;
use lastgood_core::checks;
use lastgood_core::id::Name;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{AssetObservation, LastRun, Planned, RepositoryObservation, Stated, Timing};
use lastgood_core::ownership::OwnerEntry;
use lastgood_core::schedule::{Schedule, Spelling};
use serde_json::{Map, Value, json};

use super::entry::{
    ASSET, ASSETS, OBSERVED, REPOSITORIES, REPOSITORY, SAME_REPOSITORY, each_entry, read_keys,
};
use crate::store::codec::Damage;
use crate::store::codec::statement::{read_asset, read_repository};
use crate::store::codec::words::extent;

/// Spells out every statement and list of a look, in order.
pub(in super::super) fn spelled(
    parts: &[Vec<u8>],
    kind: &'static SourceKind,
) -> Result<Vec<Map<String, Value>>, Damage> {
    let mut spelled = Vec::new();
    let mut observed_at = Value::Null;
    let mut repository = Value::Null;
    each_entry(parts.iter().map(Vec::as_slice), |tag, reading| {
        let statement = match tag {
            OBSERVED => {
                observed_at = json!(reading.instant()?.to_string());
                return Ok(());
            }
            SAME_REPOSITORY => {
                repository = name(&reading.name()?);
                return Ok(());
            }
            REPOSITORIES => json!({ "repositories": names(&read_keys(reading)?) }),
            ASSETS => json!({ "repository": repository, "assets": names(&read_keys(reading)?) }),
            REPOSITORY => {
                let stated = read_repository(reading, kind)?;
                repository = name(&stated.key);
                repository_words(&stated)
            }
            ASSET => {
                let mut words = asset_words(&read_asset(reading, kind)?);
                words["repository"] = repository.clone();
                words
            }
            _ => return Err(Damage("a look has an entry that does not belong there")),
        };
        if let Value::Object(mut statement) = statement {
            if !observed_at.is_null() {
                statement.insert("observed_at".to_owned(), observed_at.clone());
            }
            spelled.push(statement);
        }
        Ok(())
    })?;
    Ok(spelled)
}

fn names(names: &[Name]) -> Vec<Value> {
    names.iter().map(name).collect()
}

fn name(name: &Name) -> Value {
    match name.hex_if_lossy() {
        Some(hex) => json!({ "hex": hex }),
        None => json!(name.text()),
    }
}

/// A value as it is, `never` and `unreadable` as words, null where nothing is stated.
fn stated<T: Copy>(value: Stated<T>, words: impl Fn(T) -> Value) -> Value {
    match value {
        Stated::Missing => Value::Null,
        Stated::Never => json!("never"),
        Stated::Unreadable => json!("unreadable"),
        Stated::Value(value) => words(value),
    }
}

fn repository_words(stated_repository: &RepositoryObservation) -> Value {
    let repository = stated_repository;
    let instant = |at| stated(at, |at: jiff::Timestamp| json!(at.to_string()));
    let mut words = json!({
        "repository": name(&repository.key),
        "name": name(&repository.name),
        "kind": repository.kind.id,
        "exempt": repository.exempt.map(lastgood_core::observation::Exemption::as_str),
        "last_seen": instant(repository.last_seen),
        "uptime_seconds": stated(repository.uptime, |uptime| json!(uptime.seconds())),
        "used": stated(repository.space.used, |bytes| json!(bytes)),
        "free": stated(repository.space.free, |bytes| json!(bytes)),
        "quota": stated(repository.space.quota, |bytes| json!(bytes)),
        "service_end": instant(repository.service_end),
        "warranty_end": instant(repository.warranty_end),
        "created_at": instant(repository.created_at),
        "used_ever": repository.used_ever,
        "listing": extent(repository.listing),
    });
    if repository.undelivered_since != Stated::Missing {
        words["undelivered_since"] = instant(repository.undelivered_since);
    }
    if !repository.thresholds.is_empty() {
        words["thresholds"] = repository.thresholds.iter().map(threshold_word).collect();
    }
    if let Some(ownership) = &repository.ownership {
        words["ownership"] = ownership.entries.iter().map(entry_words).collect();
    }
    words
}

/// A threshold as people write it.
fn threshold_word((name, value): &(&'static str, Option<u32>)) -> (String, Value) {
    let shown = checks::find_threshold(name).map(|threshold| threshold.show(*value));
    ((*name).to_owned(), json!(shown))
}

fn entry_words(entry: &OwnerEntry) -> Value {
    let fields: serde_json::Map<String, Value> =
        entry.fields.iter().map(|(field, values)| (field.to_string(), json!(values))).collect();
    json!({
        "part": entry.part.as_str(),
        "whose": entry.whose,
        "is_default": entry.is_default,
        "dn": entry.dn,
        "fields": fields,
    })
}

fn asset_words(asset: &AssetObservation) -> Value {
    let instant = |at| stated(at, |at: jiff::Timestamp| json!(at.to_string()));
    let last_run = match asset.last_run {
        LastRun::NoneYet => Value::Null,
        LastRun::Unreadable => json!("unreadable"),
        LastRun::Succeeded => json!("succeeded"),
        LastRun::Failed { in_row, at } => json!({ "failed": in_row, "at": at.map(|at| at.to_string()) }),
    };
    let mut words = json!({
        "asset": name(asset.key()),
        "name": name(&asset.name),
        "kind": asset.kind.id,
        "exempt": asset.exempt.map(lastgood_core::observation::Exemption::as_str),
        "offsite_exempt": asset.offsite_exempt.map(lastgood_core::observation::Exemption::as_str),
        "last_run": last_run,
        "last_good": instant(asset.last_good),
        "last_offsite": instant(asset.last_offsite),
        "verified_at": instant(asset.more.verification.at),
        "verification_failed": asset.more.verification.failed,
        "created_at": instant(asset.more.created_at),
        "identity": asset.more.identity,
    });
    let more = &asset.more;
    for (key, at) in
        [("started_at", more.started_at), ("last_started", more.last_started), ("last_seen", more.last_seen)]
    {
        if at != Stated::Missing {
            words[key] = instant(at);
        }
    }
    if let Some(planned) = &more.planned {
        words["planned"] = plan_words(planned);
    }
    if !more.other_readings.is_empty() {
        words["other_readings"] = more.other_readings.iter().map(timing_words).collect();
    }
    match &more.client {
        Stated::Missing | Stated::Never => {}
        Stated::Unreadable => words["client"] = json!("unreadable"),
        Stated::Value(client) => {
            let least = client.least.map(|least| least.to_string());
            words["client"] =
                json!({ "identifier": client.identifier, "version": client.version, "least": least });
        }
    }
    words
}

fn timing_words(timing: &Timing) -> Value {
    let instant = |at| stated(at, |at: jiff::Timestamp| json!(at.to_string()));
    json!({
        "started_at": instant(timing.started_at),
        "last_started": instant(timing.last_started),
        "planned": timing.planned.as_deref().map(plan_words),
    })
}

fn plan_words(planned: &Planned) -> Value {
    let schedule = |schedule: &Schedule| match schedule.spelling() {
        Spelling::Cron(text, zone) => json!({ "cron": text, "zone": zone_word(zone) }),
        Spelling::Every(interval, anchor) => {
            json!({ "every_seconds": interval.0, "anchor": anchor.to_string() })
        }
    };
    json!({
        "schedules": planned.schedules.iter().map(schedule).collect::<Vec<_>>(),
        "since": planned.since.to_string(),
        "grace_seconds": planned.grace.map(|grace| grace.0),
        "is_unreadable": planned.is_unreadable,
    })
}

/// The name of a zone, or its offset.
fn zone_word(zone: &TimeZone) -> Option<String> {
    let offset = || zone.to_fixed_offset().ok().map(|offset| offset.to_string());
    zone.iana_name().map(ToOwned::to_owned).or_else(offset)
}
