//! What stands in the JSON documents of borg?
//!
//! `borg list --json`: every archive with its name and start. borg 1 writes times without an offset in the zone it runs
//! in, which is UTC here; borg 2 writes an offset. Fields that later versions add are passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lastgood_core::id::Name;
use lastgood_core::observation::AssetObservation;
use serde::Deserialize;
use serde::de::Error as _;

use super::SERIES;
use super::answer::Remarks;
use super::name::{Pattern, names};
use super::time_of_day::Clocks;
use crate::sources::Keep;
use crate::sources::program::{Listed, Text};
use crate::sources::series::Series;

/// Every archive, folded by its name without the date.
#[derive(Debug, Default)]
pub(super) struct Archives(BTreeMap<Pattern, Series>);

/// Archives whose names differ in their day at most, with what is called a clock still in them.
#[derive(Debug)]
struct Alike {
    /// Their names without the clock; `None` once one of them does not agree that it is one.
    without_clock: Option<Pattern>,
    series: Series,
}

#[derive(Deserialize)]
struct Listing {
    archives: Vec<Archive>,
}

/// Older and newer versions give the name and the start under one or both of two words each.
#[derive(Deserialize)]
struct Archive {
    name: Option<Text>,
    #[serde(rename = "archive")]
    other_name: Option<Text>,
    start: Option<Text>,
    time: Option<Text>,
}

/// Reads the list of archives; anything but one whole list is an error. Checkpoints, which are what is left of runs that
/// did not end, are left out. What could be a clock or the number of a machine is a clock only if it agrees with the
/// start of every archive that has it.
pub(super) fn archives(document: &[u8], at: Timestamp) -> Result<Archives, serde_json::Error> {
    let listing: Listing = serde_json::from_slice(document)?;
    let mut found: BTreeMap<Pattern, Alike> = BTreeMap::new();
    for archive in listing.archives {
        let name =
            archive.name.or(archive.other_name).ok_or_else(|| serde_json::Error::missing_field("name"))?;
        let start =
            archive.start.or(archive.time).ok_or_else(|| serde_json::Error::missing_field("start"))?;
        if is_checkpoint(&name.0) {
            continue;
        }
        let start = start.lossy();
        let started_at = instant(&start);
        let with_clock = Pattern::of(&name.0, started_at, Clocks::ByForm);
        let without_clock = Some(Pattern::of(&name.0, started_at, Clocks::Agreeing));
        let alike = found
            .entry(with_clock)
            .or_insert_with(|| Alike { without_clock: without_clock.clone(), series: Series::default() });
        if alike.without_clock != without_clock {
            alike.without_clock = None;
        }
        alike.series.add(&start, started_at, at);
    }
    let mut archives = Archives::default();
    for (with_clock, Alike { without_clock, series }) in found {
        archives.0.entry(without_clock.unwrap_or(with_clock)).or_default().join(series);
    }
    Ok(archives)
}

/// Reads `cache.stats.unique_csize` of `borg info`: what is stored after compression, each chunk once, in bytes.
pub(super) fn size(document: &[u8]) -> Result<u64, serde_json::Error> {
    #[derive(Deserialize)]
    struct Repository {
        cache: Cache,
    }
    #[derive(Deserialize)]
    struct Cache {
        stats: Stats,
    }
    #[derive(Deserialize)]
    struct Stats {
        unique_csize: u64,
    }
    serde_json::from_slice::<Repository>(document).map(|repository| repository.cache.stats.unique_csize)
}

impl Archives {
    /// Turns them into assets, in the order of their names.
    pub(super) fn listed(self, keep: Keep, remarks: Remarks) -> Listed {
        let backup_count = self.0.values().map(|series| series.backup_count).sum();
        let names = names(self.0.keys());
        let assets = self.0.into_values().zip(names).map(|(series, name)| {
            let mut asset = AssetObservation::new(&SERIES, Name::new(name));
            asset.last_good = series.last_good();
            asset.more.evidence = series.evidence("start");
            if keep == Keep::Everything {
                asset.more.details = Vec::from([("archives", series.backup_count.to_string().into())]);
            }
            asset
        });
        Listed {
            assets: assets.collect(),
            backup_count,
            not_read: remarks.not_read,
            unsure: Vec::new(),
            evidence: remarks.evidence,
        }
    }
}

/// Reads an instant with or without an offset.
fn instant(text: &str) -> Option<Timestamp> {
    let in_utc = || {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    text.parse().ok().or_else(in_utc)
}

/// True for `name.checkpoint` and `name.checkpoint.2`.
fn is_checkpoint(name: &[u8]) -> bool {
    const MARK: &[u8] = b".checkpoint";
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let numbered = name[..name.len() - digits].strip_suffix(b".").filter(|_| digits > 0);
    name.ends_with(MARK) || numbered.is_some_and(|name| name.ends_with(MARK))
}
