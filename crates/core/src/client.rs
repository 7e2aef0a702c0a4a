//! Which program made a backup, and is it new enough?
//!
//! A [`Version`] is what a client says of itself, read so that two can be compared. What is new enough is decided
//! elsewhere.

use std::cmp::Ordering;
use std::fmt;

/// How many numbers of a version are read.
const PARTS_MAX: usize = 4;

/// A version: up to four numbers below 65536, the missing ones being 0; one before a release (`2.0.5_pre`) comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Small, so that a verdict stays small: there are hundreds of thousands of them.
    parts: [u16; PARTS_MAX],
    part_count: u8,
    is_before_release: bool,
}

/// What follows the numbers where it is one before a release.
const BEFORE_RELEASE: [&str; 5] = ["pre", "alpha", "beta", "rc", "dev"];

impl Version {
    /// Reads a version: numbers with points between them, then nothing, a mark of one before a release behind `_`, `-` or
    /// `~`, or what git adds to a build that is not a release (`-3-gabcdef`), which counts as the release before it. `None`
    /// for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let numbers_end = text.find(|mark: char| !mark.is_ascii_digit() && mark != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(numbers_end);
        let mut parts = [0; PARTS_MAX];
        let mut part_count = 0;
        for number in numbers.split('.') {
            *parts.get_mut(usize::from(part_count))? = number.parse().ok()?;
            part_count += 1;
        }
        let is_before_release = match rest {
            "" => false,
            rest if is_of_git(rest) => false,
            rest => is_mark_before_release(rest).then_some(true)?,
        };
        Some(Self { parts, part_count, is_before_release })
    }

    fn key(&self) -> ([u16; PARTS_MAX], bool) {
        (self.parts, !self.is_before_release)
    }
}

/// `-3-gabcdef`, with or without `-dirty`.
fn is_of_git(rest: &str) -> bool {
    let rest = rest.strip_suffix("-dirty").unwrap_or(rest);
    let Some((count, hash)) = rest.strip_prefix('-').and_then(|rest| rest.split_once("-g")) else {
        return rest.is_empty();
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `_pre`, `-rc2`, `~beta.1`.
fn is_mark_before_release(rest: &str) -> bool {
    let Some(mark) = rest.strip_prefix(['_', '-', '~']) else { return false };
    let mark = mark.to_ascii_lowercase();
    let number = BEFORE_RELEASE.iter().find_map(|word| mark.strip_prefix(word));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As it was written, without what git added.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.parts[..usize::from(self.part_count).clamp(1, PARTS_MAX)];
        let words: Vec<String> = parts.iter().map(u16::to_string).collect();
        let mark = if self.is_before_release { "_pre" } else { "" };
        f.pad(&format!("{}{mark}", words.join(".")))
    }
}

/// The program that made a backup, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself.
    pub identifier: Box<str>,
    /// Its version as it was stated.
    pub version: Box<str>,
    /// The least version that is good enough for a program of that name; `None` where none is set.
    pub least: Option<Version>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::pre("2.0.5_pre", "2.0.5", Ordering::Less)]
    #[case::pre_of_a_later_one("2.0.10_pre", "2.0.9", Ordering::Greater)]
    #[case::of_git("2.7.1-3-gabc", "2.7.1", Ordering::Equal)]
    #[case::of_git_dirty("2.7.1-3-gabc-dirty", "2.7.1", Ordering::Equal)]
    #[case::by_number("2.10", "2.9", Ordering::Greater)]
    #[case::missing_parts_are_zero("2.7", "2.7.0", Ordering::Equal)]
    #[case::four("2.7.0.1", "2.7", Ordering::Greater)]
    #[case::candidate(" 2.7.0-rc2 ", "2.7.0", Ordering::Less)]
    fn versions_are_compared_number_by_number(
        #[case] one: &str,
        #[case] other: &str,
        #[case] order: Ordering,
    ) {
        let parse = |text| Version::parse(text).expect("a version");
        assert_eq!(parse(one).cmp(&parse(other)), order);
        assert_eq!(parse(other).cmp(&parse(one)), order.reverse());
    }

    #[rstest]
    fn what_is_no_version_is_none(
        #[values(
            "",
            "abc",
            "2.",
            ".2",
            "2..1",
            "2.0.x",
            "2.0-",
            "2.0-3-g",
            "2.0 final",
            "1.2.3.4.5",
            "65536",
            "-1"
        )]
        text: &str,
    ) {
        assert_eq!(Version::parse(text), None);
    }

    #[test]
    fn a_version_is_shown_as_it_was_written() {
        for text in ["2", "2.7.0", "2.0.5_pre"] {
            assert_eq!(Version::parse(text).expect("a version").to_string(), text);
        }
        assert_eq!(Version::parse("2.7.1-3-gabc").expect("a version").to_string(), "2.7.1");
    }
}
