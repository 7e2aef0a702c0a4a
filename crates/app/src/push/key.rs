//! What makes a key of a ping, or the token of a source that pushes, and how is it known without being kept?
//!
//! A key is a random UUID, as clients of Healthchecks expect it. Only its SHA-256 is ever compared, stored or configured:
//! with 122 random bits nobody finds the key to a hash.

use std::fmt::{self, Write};

use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};

/// What a key is known by: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// What this key is known by.
    pub fn of(key: &str) -> Self {
        Self::of_parts(&[key.as_bytes()])
    }

    /// What a slug behind this ping key is known by.
    #[must_use]
    pub fn with_slug(&self, slug: &str) -> Self {
        Self::of_parts(&[&self.0, slug.as_bytes()])
    }

    /// As the configuration takes it: 64 hexadecimal digits.
    pub fn hexadecimal(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // A String takes all that is written to it.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// True if both are the same; takes as long wherever they differ.
    pub fn is_same(&self, other: &Self) -> bool {
        let different = self.0.iter().zip(other.0).fold(0, |different, (a, b)| different | (a ^ b));
        std::hint::black_box(different) == 0
    }

    fn of_parts(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let digest = context.finish();
        Self(digest.as_ref().try_into().expect("a SHA-256 has 32 bytes"))
    }
}

/// A few digits are enough to tell hashes apart in tests.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hexadecimal()[..8])
    }
}

/// The system gave no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random numbers: check that /dev/urandom can be read, then try again")]
pub struct NoRandomness;

/// Makes a new key: a UUID of version 4, which has 122 random bits.
pub fn generate() -> Result<String, NoRandomness> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    let version_and_variant = !(0xf000_u128 << 64 | 0xc000_u128 << 48);
    let bits = u128::from_be_bytes(bytes) & version_and_variant | 0x4000 << 64 | 0x8000 << 48;
    let digits = format!("{bits:032x}");
    Ok([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_random_uuid_of_version_4() {
        let key = generate().expect("random numbers");
        assert_eq!(key.len(), 36);
        let groups: Vec<&str> = key.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{key}");
        assert!(groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']), "{key}");
        assert!(key.chars().all(|one| one == '-' || matches!(one, '0'..='9' | 'a'..='f')), "{key}");
    }

    #[test]
    fn every_other_bit_of_a_key_is_random() {
        let (mut ones, mut zeros) = (0_u128, 0_u128);
        for _ in 0..200 {
            let key = generate().expect("random numbers").replace('-', "");
            let bits = u128::from_str_radix(&key, 16).expect("hexadecimal");
            ones |= bits;
            zeros |= !bits;
        }
        assert_eq!((ones & zeros).count_ones(), 122);
    }

    #[test]
    fn a_hash_is_that_of_the_standard() {
        let hash = KeyHash::of("abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.hexadecimal(), known);
        assert!(hash.is_same(&KeyHash::of("abc")));
        assert!(!hash.is_same(&KeyHash::of("abd")));
        assert_ne!(hash.with_slug("a"), hash.with_slug("b"));
    }
}
