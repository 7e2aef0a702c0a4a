//! How many bytes does a text such as `2 TB` name?
//!
//! Knows numbers and units only.

/// Each unit with its bytes: those of the decimal system count in thousands, those with an `i` in 1024s.
const UNITS: [(&str, u64); 12] = [
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
];

/// More digits behind the point than this say nothing about bytes.
const MAX_DECIMALS: usize = 9;

/// Reads `2 TB`, `1.5TiB` or `500000000` as bytes, parts of a byte cut; `None` for anything else, 0 and what 64 bits
/// do not hold.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, unit_bytes) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || decimals.is_empty() || decimals.len() > MAX_DECIMALS {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit_bytes)?;
    let scale = u32::try_from(decimals.len()).ok()?;
    let part = u128::from(decimals.parse::<u64>().ok()?) * u128::from(unit_bytes) / 10_u128.pow(scale);
    let bytes = whole.checked_add(u64::try_from(part).ok()?)?;
    (bytes > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2 TB", Some(2_000_000_000_000))]
    #[case("2TiB", Some(2_199_023_255_552))]
    #[case("1 KB", Some(1000))]
    #[case("1 kb", Some(1000))]
    #[case("1 KiB", Some(1024))]
    #[case("1.5 GB", Some(1_500_000_000))]
    #[case(" 500 ", Some(500))]
    #[case("18446744073709551615", Some(u64::MAX))]
    #[case("18446744073709551616", None)]
    #[case("18446744073709552 kB", None)]
    #[case("0 TB", None)]
    #[case("0.4 B", None)]
    #[case("2 T", None)]
    #[case("TB", None)]
    #[case("", None)]
    #[case("-1 TB", None)]
    #[case("1.2.3 TB", None)]
    #[case(".5 TB", None)]
    #[case("1. TB", None)]
    #[case("inf", None)]
    fn bytes_are_read_with_their_unit(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(parse(text), bytes);
    }
}
