//! Which number comes next? A small seeded generator (`SplitMix64`), so that one seed is one fleet on every
//! machine and for ever. Not for secrets. Knows nothing of fleets, and takes no entropy from the system.

use std::ops::RangeInclusive;

/// A sequence of numbers that its seed alone decides.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// Starts the sequence that belongs to `seed`.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Gives the next 64 bits: one step of `SplitMix64`, whose constants are those of its authors.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Gives a number of `range`, both ends included. The bias of the remainder is far below what a fleet shows.
    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let span = range.end() - range.start() + 1;
        range.start() + self.next() % span
    }

    /// Is true in `share` of 1000 cases.
    pub(crate) fn chance(&mut self, share: u64) -> bool {
        self.next() % 1000 < share
    }

    /// Picks one of a list that is never empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        let len = choices.len() as u64;
        let index = usize::try_from(self.next() % len).expect("smaller than the list's length");
        choices[index]
    }

    /// Puts a list into an order of its own.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = self.within(0..=end as u64);
            list.swap(end, usize::try_from(other).expect("no larger than an index"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_generator() {
        let mut random = Random::seeded(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn both_ends_of_a_range_occur_and_nothing_beyond() {
        let mut random = Random::seeded(7);
        let mut seen = [false; 3];
        for _ in 0..100 {
            let number = random.within(4..=6);
            seen[usize::try_from(number - 4).unwrap()] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut list: Vec<u32> = (0..50).collect();
        Random::seeded(3).shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
