//! Which files with several names were already counted?
//!
//! At most 32 bytes each: a snapshot of everything links everything, so this is what a large account costs.

use std::sync::{Mutex, PoisonError};

use roaring::RoaringTreemap;

use super::entry::Entry;

/// How many parts the set has, each with its own lock: threads seldom meet.
const SHARD_COUNT: u64 = 32;

/// Inodes that differ only in so many of their lowest bits stand together: file systems hand out neighbours, and a set of
/// neighbours takes two bytes for each, or a bit where they are many.
const NEIGHBOUR_BITS: u32 = 16;

/// The inodes that were counted, by device.
#[derive(Debug)]
pub(super) struct Linked {
    shards: Box<[Mutex<Vec<OfDevice>>]>,
}

/// The inodes of one device.
#[derive(Debug)]
struct OfDevice {
    device: (u32, u32),
    inodes: RoaringTreemap,
}

impl Default for Linked {
    fn default() -> Self {
        Self { shards: (0..SHARD_COUNT).map(|_| Mutex::default()).collect() }
    }
}

impl Linked {
    /// Returns true if this is the first name of it that is met.
    pub(super) fn is_first(&self, entry: &Entry) -> bool {
        let shard = (entry.inode >> NEIGHBOUR_BITS) % SHARD_COUNT;
        let shard = &self.shards[usize::try_from(shard).unwrap_or_default()];
        // Nothing in here is left half changed by a thread that panics.
        let mut devices = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = devices.iter_mut().find(|of| of.device == entry.device) {
            return of.inodes.insert(entry.inode);
        }
        devices.push(OfDevice { device: entry.device, inodes: RoaringTreemap::from_iter([entry.inode]) });
        true
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::FileType;

    use super::*;

    fn entry(inode: u64, device: (u32, u32)) -> Entry {
        Entry { kind: FileType::RegularFile, bytes: 0, link_count: 2, inode, device }
    }

    #[test]
    fn an_inode_is_met_for_the_first_time_once_on_each_device() {
        let linked = Linked::default();
        for device in [(8, 1), (8, 2), (0, 8)] {
            for inode in (0..10_000).chain([u64::MAX]) {
                assert!(linked.is_first(&entry(inode, device)));
            }
        }
        for inode in 0..10_000 {
            assert!(!linked.is_first(&entry(inode, (8, 2))));
        }
    }

    /// Every 100th inode, as where most files have one name only; every one; and clusters of 64 far apart, as XFS has them.
    #[test]
    fn each_inode_takes_at_most_32_bytes() {
        let count = 200_000_u64;
        let layouts: [fn(u64) -> u64; 3] =
            [|number| number * 100, |number| number, |number| (number / 64) * 1_000_000 + number % 64];
        for inode_of in layouts {
            let linked = Linked::default();
            for number in 0..count {
                assert!(linked.is_first(&entry(inode_of(number), (8, 1))));
            }
            // A container has its key, where its numbers stand, and at most as much again as it uses.
            let mut bytes = 0;
            for shard in &linked.shards {
                for of in shard.lock().expect("no panic").iter() {
                    for (_, bitmap) in of.inodes.bitmaps() {
                        let statistics = bitmap.statistics();
                        bytes += u64::from(statistics.n_containers) * 64;
                        bytes += statistics.n_bytes_array_containers + statistics.n_bytes_bitset_containers;
                    }
                }
            }
            assert!(bytes * 2 <= count * 32, "{bytes} bytes");
        }
    }
}
