//! What stands in the JSON documents of restic?
//!
//! `restic snapshots --json`: one list, written as a whole. Fields that later versions add are passed over, `null` is an
//! empty list. Bytes that are not UTF-8 have become U+FFFD in restic already.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::observation::{AssetObservation, FailureKind, Stated};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::PATHS;
use crate::sources::Keep;
use crate::sources::program::{Listed, Problem, Text};
use crate::sources::series::Series;

/// Why nothing is said of an asset whose name restic did not write as it is.
const NOT_TOLD_APART: &str = "restic writes every byte that is not UTF-8 as U+FFFD, so this may be several hosts or sets \
                              of paths, one of them without backups for long; back it up by a host name and paths in \
                              UTF-8 (a folder above will do), then forget its old snapshots";

/// Every snapshot, folded by host and set of paths.
#[derive(Debug, Default)]
pub(super) struct Snapshots(BTreeMap<Origin, Series>);

/// What was backed up: a host and the paths on it, sorted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    host: Text,
    paths: Vec<Text>,
}

#[derive(Deserialize)]
struct Snapshot<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    hostname: Option<Text>,
    paths: Option<Vec<Text>>,
}

/// Reads the list of snapshots; anything but one whole list is an error.
pub(super) fn snapshots(document: &[u8], at: Timestamp) -> Result<Snapshots, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let snapshots = Folding { at }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(snapshots)
}

/// Reads `total_size` of `restic stats`, in bytes.
pub(super) fn size(document: &[u8]) -> Result<u64, serde_json::Error> {
    #[derive(Deserialize)]
    struct Stats {
        total_size: u64,
    }
    serde_json::from_slice::<Stats>(document).map(|stats| stats.total_size)
}

impl Snapshots {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Turns them into assets, in the order of their hosts and paths.
    pub(super) fn listed(self, keep: Keep, not_read: Option<Problem>) -> Listed {
        let backup_count = self.0.values().map(|series| series.backup_count).sum();
        let mut twins: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut assets = Vec::with_capacity(self.0.len());
        let mut unsure = Vec::new();
        for (origin, series) in self.0 {
            let mut key = origin.key();
            let count = twins.entry(key.clone()).and_modify(|count| *count += 1).or_insert(1);
            if *count > 1 {
                key.extend_from_slice(format!("#{count}").as_bytes());
            }
            let mut asset = AssetObservation::new(&PATHS, Name::new(key));
            asset.last_good = series.last_good();
            asset.more.evidence = series.evidence("time");
            if origin.is_lossy() {
                // A living path would hide a dead one whose other byte reads the same.
                asset.last_good = Stated::Unreadable;
                unsure.push((asset.key().clone(), Problem::new(FailureKind::Unsupported, NOT_TOLD_APART)));
            }
            if keep == Keep::Everything {
                asset.more.details = Vec::from([("snapshots", series.backup_count.to_string().into())]);
            }
            assets.push(asset);
        }
        Listed { assets, backup_count, not_read, unsure, evidence: Vec::new() }
    }
}

impl Origin {
    /// True if bytes of the host or of a path were not UTF-8, or may not have been: which ones, restic does not tell.
    fn is_lossy(&self) -> bool {
        let texts = std::iter::once(&self.host).chain(&self.paths);
        texts.into_iter().any(|text| text.lossy().contains(char::REPLACEMENT_CHARACTER))
    }

    /// Returns `host:/path1,/path2`. A colon in a host and a comma in a path are doubled, so that no two read alike.
    fn key(&self) -> Vec<u8> {
        let mut key = doubled(&self.host.0, b':');
        key.push(b':');
        for (place, path) in self.paths.iter().enumerate() {
            if place > 0 {
                key.push(b',');
            }
            key.extend(doubled(&path.0, b','));
        }
        key
    }
}

fn doubled(bytes: &[u8], sign: u8) -> Vec<u8> {
    let times = |byte: u8| if byte == sign { 2 } else { 1 };
    bytes.iter().flat_map(|&byte| std::iter::repeat_n(byte, times(byte))).collect()
}

/// Folds the list while it is read, so that a long one takes no more memory than its assets.
struct Folding {
    at: Timestamp,
}

impl<'de> DeserializeSeed<'de> for Folding {
    type Value = Snapshots;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Snapshots, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Folding {
    type Value = Snapshots;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of snapshots")
    }

    fn visit_unit<E: Error>(self) -> Result<Snapshots, E> {
        Ok(Snapshots::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Snapshots, A::Error> {
        let mut snapshots = Snapshots::default();
        while let Some(snapshot) = list.next_element::<Snapshot<'de>>()? {
            let mut paths = snapshot.paths.unwrap_or_default();
            paths.sort();
            paths.dedup();
            let origin = Origin { host: snapshot.hostname.unwrap_or_default(), paths };
            let series = snapshots.0.entry(origin).or_default();
            series.add(&snapshot.time, snapshot.time.parse().ok(), self.at);
        }
        Ok(snapshots)
    }
}
