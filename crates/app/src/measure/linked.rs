//! Which files with several names were already counted?
//!
//! At most 32 bytes each: a snapshot of everything links everything, so this is what a large account costs.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::entry::Entry;

/// How many parts the set has, each with its own lock: threads seldom meet, and only a part grows at a time.
const SHARD_COUNT: u64 = 32;

/// The inodes that were counted, by device.
#[derive(Debug)]
pub(super) struct Linked {
    shards: Box<[Mutex<Vec<OfDevice>>]>,
    spread: Spread,
}

/// The inodes of one device. A set of 8-byte numbers takes 10 to 21 bytes each, 31 while it grows.
#[derive(Debug)]
struct OfDevice {
    device: (u32, u32),
    inodes: HashSet<u64, Spread>,
}

impl Default for Linked {
    fn default() -> Self {
        // From the randomness of the standard library: nobody can choose inodes that meet in one place.
        let spread = Spread { key: RandomState::new().hash_one(0_u8) };
        Self { shards: (0..SHARD_COUNT).map(|_| Mutex::default()).collect(), spread }
    }
}

impl Linked {
    /// Returns true if this is the first name of it that is met.
    pub(super) fn is_first(&self, entry: &Entry) -> bool {
        // Bits that the set of the shard uses for nothing: it takes the lowest and the seven highest.
        let shard = (self.spread.of(entry.inode) >> 48) % SHARD_COUNT;
        let shard = &self.shards[usize::try_from(shard).unwrap_or_default()];
        // Nothing in here is left half changed by a thread that panics.
        let mut devices = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of) = devices.iter_mut().find(|of| of.device == entry.device) {
            return of.inodes.insert(entry.inode);
        }
        let mut inodes = HashSet::with_hasher(self.spread.clone());
        inodes.insert(entry.inode);
        devices.push(OfDevice { device: entry.device, inodes });
        true
    }
}

/// Spreads numbers evenly, keyed: cheaper than what the standard library does for texts.
#[derive(Clone, Debug)]
struct Spread {
    key: u64,
}

impl Spread {
    /// Multiplied by odd numbers without a pattern; the shift between brings the high half down to the low one.
    fn of(&self, number: u64) -> u64 {
        let product = (number ^ self.key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let product = (product ^ (product >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        product ^ (product >> 32)
    }
}

impl BuildHasher for Spread {
    type Hasher = Spreading;

    fn build_hasher(&self) -> Spreading {
        Spreading { spread: self.clone(), hash: 0 }
    }
}

/// The state of hashing one number.
struct Spreading {
    spread: Spread,
    hash: u64,
}

impl Hasher for Spreading {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.hash = self.spread.of(self.hash.rotate_left(5) ^ number);
    }

    fn finish(&self) -> u64 {
        self.hash
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

    #[test]
    fn inodes_are_spread_over_all_shards_and_each_takes_at_most_32_bytes() {
        let linked = Linked::default();
        let count = 200_000;
        for inode in 0..count {
            linked.is_first(&entry(inode * 4096, (8, 1)));
        }
        // An entry of such a set is its number and one byte beside it, in a power of two of places of which at most
        // seven eighths are used; while it grows, half as many are there, too.
        let mut bytes = 0;
        for shard in &linked.shards {
            let inodes = &shard.lock().unwrap()[0].inodes;
            assert!(inodes.len() as u64 * SHARD_COUNT < count * 2, "one shard holds {}", inodes.len());
            let places = (inodes.capacity() * 8 / 7).next_power_of_two();
            bytes += places * 9;
        }
        assert!(bytes * 3 / 2 <= 200_000 * 32, "{bytes} bytes");
    }
}
