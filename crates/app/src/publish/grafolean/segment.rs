//! How does a name of any bytes become one segment of a path, such that it can be read back?
//!
//! Knows no path and no meaning of a segment. A segment holds letters, digits, `-` and `_` alone, of all that Grafolean
//! takes.

use std::fmt::Write;

use siphasher::sip128::SipHasher24;

/// The longest segment, in bytes: two of them and all around them fit into the 2 000 bytes of a path.
pub const SEGMENT_MAX_BYTES: usize = 800;

/// What an empty name becomes.
const EMPTY: &str = "__";

/// What stands between the beginning of a name that was cut and the hash of all of it.
const CUT: &str = "_h";

/// How many hexadecimal digits the hash has.
const HASH_DIGITS: usize = 32;

/// Makes a segment of a name: letters, digits and `-` stay, every other byte becomes `_` and two hexadecimal digits.
///
/// No two names become the same segment: one that would be longer than [`SEGMENT_MAX_BYTES`] is cut, and ends in `_h`
/// and 32 digits of a hash of the whole name.
pub fn escape(name: &[u8]) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    let mut segment = String::with_capacity(name.len());
    let mut fits = 0;
    for &byte in name {
        if segment.len() <= SEGMENT_MAX_BYTES - CUT.len() - HASH_DIGITS {
            fits = segment.len();
        }
        if is_plain(byte) {
            segment.push(byte.into());
        } else {
            write!(segment, "_{byte:02x}").expect("a text takes all that is written to it");
        }
        if segment.len() > SEGMENT_MAX_BYTES {
            segment.truncate(fits);
            segment.push_str(CUT);
            segment.push_str(&hash(name));
            return segment;
        }
    }
    segment
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn hash(name: &[u8]) -> String {
    format!("{:032x}", u128::from(SipHasher24::new().hash(name)))
}

/// What a segment says about the name it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unescaped {
    /// The whole name.
    Whole(Vec<u8>),
    /// The beginning of a name that was too long.
    Beginning(Vec<u8>),
}

/// Reads a segment back; `None` if [`escape`] makes no such segment.
pub fn unescape(segment: &str) -> Option<Unescaped> {
    if segment == EMPTY {
        return Some(Unescaped::Whole(Vec::new()));
    }
    if let Some((beginning, hash)) = segment.split_once(CUT) {
        let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(is_digit);
        return is_hash.then(|| bytes(beginning)).flatten().map(Unescaped::Beginning);
    }
    let name = bytes(segment)?;
    (!name.is_empty()).then_some(Unescaped::Whole(name))
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn bytes(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, behind @ ..] = rest {
        if *first == b'_' {
            let [high, low, behind @ ..] = behind else { return None };
            let byte = digit(*high)? << 4 | digit(*low)?;
            if is_plain(byte) {
                return None;
            }
            bytes.push(byte);
            rest = behind;
        } else if is_plain(*first) {
            bytes.push(*first);
            rest = behind;
        } else {
            return None;
        }
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    if !is_digit(byte) {
        return None;
    }
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use lastgood_collector::Second;
    use lastgood_collector::grafolean::Value;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn takes(path: &str) {
        Value::new(path, 0.0, Second(0)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    #[test]
    fn what_a_path_may_not_hold_is_escaped() {
        for (name, segment) in [
            ("ACME-SQL01", "ACME-SQL01"),
            ("a.b", "a_2eb"),
            ("a_b", "a_5fb"),
            ("srv:/home/a b", "srv_3a_2fhome_2fa_20b"),
            ("Müller", "M_c3_bcller"),
            ("", "__"),
            ("_", "_5f"),
            ("%2e", "_252e"),
            ("a\n", "a_0a"),
            ("_h", "_5fh"),
        ] {
            assert_eq!(escape(name.as_bytes()), segment, "of {name:?}");
            assert_eq!(unescape(segment), Some(Unescaped::Whole(name.as_bytes().to_vec())));
            takes(segment);
        }
    }

    #[test]
    fn what_no_name_becomes_is_not_read_back() {
        for segment in ["", "_", "_2", "_2E", "_zz", "_61", "a.b", "a b", "___", "a_h", "a_h00", "ü"] {
            assert_eq!(unescape(segment), None, "{segment:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_still_differs_from_every_other() {
        let longest = "a".repeat(SEGMENT_MAX_BYTES);
        assert_eq!(escape(longest.as_bytes()), longest);
        let names = ["b", "c", "ü"].map(|end| format!("{longest}{end}"));
        let segments = names.each_ref().map(|name| escape(name.as_bytes()));
        for (position, segment) in segments.iter().enumerate() {
            assert_eq!(segment.len(), SEGMENT_MAX_BYTES);
            assert!(!segments[..position].contains(segment));
            let Some(Unescaped::Beginning(beginning)) = unescape(segment) else { panic!("{segment}") };
            assert!(longest.as_bytes().starts_with(&beginning));
            takes(segment);
        }
        let escaped_throughout = escape("ü".repeat(400).as_bytes());
        assert!(escaped_throughout.len() <= SEGMENT_MAX_BYTES, "{}", escaped_throughout.len());
        assert!(matches!(unescape(&escaped_throughout), Some(Unescaped::Beginning(_))));
    }

    proptest! {
        #[test]
        fn every_name_is_read_back_from_a_segment_that_is_taken(name in prop::collection::vec(any::<u8>(), 0..260)) {
            let segment = escape(&name);
            takes(&segment);
            prop_assert!(!segment.contains('.'));
            prop_assert_eq!(unescape(&segment), Some(Unescaped::Whole(name)));
        }

        #[test]
        fn a_segment_of_any_length_keeps_its_limit(name in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let segment = escape(&name);
            takes(&segment);
            prop_assert!(segment.len() <= SEGMENT_MAX_BYTES);
            match unescape(&segment) {
                Some(Unescaped::Whole(whole)) => prop_assert_eq!(whole, name),
                Some(Unescaped::Beginning(beginning)) => prop_assert!(name.starts_with(&beginning)),
                None => prop_assert!(false, "{}", segment),
            }
        }

        #[test]
        fn whatever_can_be_read_back_is_what_is_written(segment in "[a-z0-9_.%-]{0,12}") {
            if let Some(Unescaped::Whole(name)) = unescape(&segment) {
                prop_assert_eq!(escape(&name), segment);
            }
        }
    }
}
