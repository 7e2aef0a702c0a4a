//! Of which entries are a look and a checkpoint made?
//!
//! Entries stand one behind the other, cut into parts of a size that one short transaction writes. It does not know what
//! follows from them.

use lastgood_core::id::Name;

use crate::store::codec::{Damage, Reading, VERSION, bytes, length};

/// So many entries at most are one part.
const PART_ENTRIES_MAX: usize = 1_000;
/// A part that has grown to this is full: a second of a slow disk at most.
const PART_BYTES_FULL: usize = 256 * 1024;

/// The keys of every repository that was stated, in order; written only where they changed.
pub(in super::super) const REPOSITORIES: u8 = 1;
/// A repository that states something new, without its assets.
pub(in super::super) const REPOSITORY: u8 = 2;
/// A repository of which only assets state something new: its key.
pub(in super::super) const SAME_REPOSITORY: u8 = 3;
/// The keys of all assets of the repository before, in order; written only where they changed.
pub(in super::super) const ASSETS: u8 = 4;
/// An asset of the repository before that states something new.
pub(in super::super) const ASSET: u8 = 5;
/// In a checkpoint: when a repository was observed, listed, and which of its assets were not seen since.
pub(in super::super) const KNOWN_REPOSITORY: u8 = 6;
/// In a checkpoint: the source.
pub(in super::super) const KNOWN_SOURCE: u8 = 7;
/// In a thinned look: when what follows was observed.
pub(in super::super) const OBSERVED: u8 = 8;

/// In a checkpoint: when the repository before was first seen, where that is not when it was observed.
pub(in super::super) const FIRST_SEEN: u8 = 9;
/// In a checkpoint: what is remembered of the asset before, where that is more than its statement says.
pub(in super::super) const HISTORY: u8 = 10;
/// In a checkpoint: when the source was first looked at, and when it listed anything last.
pub(in super::super) const SOURCE_SINCE: u8 = 11;

/// In a checkpoint: since when looks fail to see a part of the repository before, and why.
pub(in super::super) const UNREAD: u8 = 12;

/// Entries, cut into parts.
#[derive(Debug, Default)]
pub(in super::super) struct Parts {
    full: Vec<Vec<u8>>,
    open: Vec<u8>,
    entry_count: usize,
}

impl Parts {
    /// Writes an entry.
    pub(super) fn push(&mut self, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
        if self.entry_count == PART_ENTRIES_MAX || self.open.len() >= PART_BYTES_FULL {
            self.full.push(std::mem::take(&mut self.open));
            self.entry_count = 0;
        }
        if self.open.is_empty() {
            self.open.push(VERSION);
        }
        self.entry_count += 1;
        self.open.push(tag);
        write(&mut self.open);
    }

    /// Returns the parts; none where there was nothing to write.
    pub(in super::super) fn into_parts(mut self) -> Vec<Vec<u8>> {
        if !self.open.is_empty() {
            self.full.push(self.open);
        }
        self.full
    }
}

/// Writes keys.
pub(super) fn write_keys<'a>(out: &mut Vec<u8>, keys: impl ExactSizeIterator<Item = &'a [u8]>) {
    length(out, keys.len());
    keys.for_each(|key| bytes(out, key));
}

/// Walks the entries of parts: the tag, and where its content begins.
pub(in super::super) fn each_entry<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    mut entry: impl FnMut(u8, &mut Reading<'a>) -> Result<(), Damage>,
) -> Result<(), Damage> {
    for part in parts {
        let mut reading = Reading(part);
        if reading.byte()? != VERSION {
            return Err(Damage("a part is of a newer version"));
        }
        while !reading.is_over() {
            let tag = reading.byte()?;
            entry(tag, &mut reading)?;
        }
    }
    Ok(())
}

/// Reads the keys [`write_keys`] wrote.
pub(super) fn read_keys(reading: &mut Reading<'_>) -> Result<Vec<Name>, Damage> {
    reading.names()
}
