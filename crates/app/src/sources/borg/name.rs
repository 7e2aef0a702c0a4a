//! What is the date in the name of an archive, and what is its series called?
//!
//! borg knows no series: people put the date into the name of each archive, each in their own way. What is left without
//! the date is the series. Two names that differ in anything but dates are never one series: a living one would hide a
//! dead one. Times in names are never judged, they are in the zone of the client.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::time_of_day::{self, Clocks};

/// What stands before, between and behind the dates of a name; a single piece is a name without a date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<Vec<u8>>);

/// Stands between a date and the rest of a name.
const SEPARATORS: &[u8] = b"-_.:@ +";

/// What archives are called whose names are nothing but dates.
const ONLY_DATES: &[u8] = b"archives";

/// Ways to write a day, month or week that could be something else: they count only if they are those of the start of
/// the archive.
const WEAK_FORMATS: [&str; 10] =
    ["%d%m%Y", "%m%d%Y", "%y-%m-%d", "%y_%m_%d", "%y%m%d", "%G-W%V", "%GW%V", "%Y-%m", "%Y_%m", "%Y.%m"];

impl Pattern {
    /// Takes the dates out of a name, and the clocks behind them. `started_at` confirms what could be something else.
    pub(super) fn of(name: &[u8], started_at: Option<Timestamp>, clocks: Clocks) -> Self {
        let weak = weak_dates(started_at);
        let mut pieces = Vec::new();
        let (mut piece, mut at) = (0, 0);
        while at < name.len() {
            let Some(date) = date_length(&name[at..], started_at, (&weak, clocks)) else {
                at += digit_count(&name[at..]).max(1);
                continue;
            };
            pieces.push(name[piece..at].to_vec());
            at += date + time_of_day::length(&name[at + date..], started_at, clocks).unwrap_or(0);
            piece = at;
        }
        pieces.push(name[piece..].to_vec());
        Self(pieces)
    }

    fn has_date(&self) -> bool {
        self.0.len() > 1
    }

    /// Returns the name without dates and without the separators around them.
    fn short(&self) -> Vec<u8> {
        if !self.has_date() {
            return self.0[0].clone();
        }
        let mut short: Vec<u8> = Vec::new();
        let mut joint = b'-';
        for piece in &self.0 {
            let text = trimmed(piece);
            if !text.is_empty() && !short.is_empty() {
                short.push(joint);
            }
            short.extend_from_slice(text);
            joint = piece.last().copied().filter(|last| SEPARATORS.contains(last)).unwrap_or(b'-');
        }
        if short.is_empty() { ONLY_DATES.to_vec() } else { short }
    }

    /// Returns the name with `*` for each date.
    fn long(&self) -> Vec<u8> {
        self.0.join(b"*".as_slice())
    }

    /// How much right it has to the short name that others have, too: a name without a date is exactly that, `name-*` is
    /// what most people write. Higher comes first.
    fn claim(&self, short: &[u8]) -> u8 {
        let is_usual =
            self.0.len() == 2 && self.0[1].is_empty() && self.0[0].strip_suffix(b"-") == Some(short);
        match (self.has_date(), is_usual) {
            (false, _) => 2,
            (true, true) => 1,
            (true, false) => 0,
        }
    }
}

/// Names each series, in their order: the short name where no other one has it, else at most one keeps it and the
/// others are written out with `*` for the date.
pub(super) fn names<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Vec<Vec<u8>> {
    let patterns: Vec<&Pattern> = patterns.collect();
    let mut claims: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (place, pattern) in patterns.iter().enumerate() {
        claims.entry(pattern.short()).or_default().push(place);
    }
    let mut names = vec![Vec::new(); patterns.len()];
    let mut taken: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut others = Vec::new();
    for (short, mut places) in claims {
        places.sort_by_key(|&place| std::cmp::Reverse(patterns[place].claim(&short)));
        let keeps = places.len() == 1 || patterns[places[0]].claim(&short) > 0;
        let rest = if keeps { places.split_off(1) } else { std::mem::take(&mut places) };
        for place in places {
            taken.insert(short.clone());
            names[place].clone_from(&short);
        }
        others.extend(rest);
    }
    others.sort_unstable();
    for place in others {
        let long = patterns[place].long();
        let numbered = (2..).map(|number| [long.as_slice(), format!("#{number}").as_bytes()].concat());
        let free = std::iter::once(long.clone()).chain(numbered).find(|name| !taken.contains(name));
        names[place] = free.expect("numbers do not end");
        taken.insert(names[place].clone());
    }
    names
}

fn trimmed(piece: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !SEPARATORS.contains(byte);
    let start = piece.iter().position(is_text).unwrap_or(piece.len());
    let end = piece.iter().rposition(is_text).map_or(start, |last| last + 1);
    &piece[start..end]
}

/// The length of the date that `text` begins with; the caller stands at the begin of a run of digits, if at any.
///
/// A date counts only if it is that of the start of the archive, give or take a day for the zone of the client: what
/// looks like any other date is the number of a machine.
fn date_length(
    text: &[u8],
    started_at: Option<Timestamp>,
    (weak, clocks): (&[Vec<u8>], Clocks),
) -> Option<usize> {
    let is_day = |year: &[u8], month: &[u8], day: &[u8]| is_day_of(year, month, day, started_at);
    match digit_count(text) {
        count @ (8 | 12 | 14) if is_day(&text[..4], &text[4..6], &text[6..8]) => {
            let is_clock = time_of_day::is_joined_clock(&text[8..count], started_at, clocks);
            return Some(if is_clock { count } else { 8 });
        }
        4 if separated(text, [4, 2, 2]) && is_day(&text[..4], &text[5..7], &text[8..10]) => return Some(10),
        2 if separated(text, [2, 2, 4]) => {
            let (first, second, year) = (&text[..2], &text[3..5], &text[6..10]);
            if is_day(year, second, first) || is_day(year, first, second) {
                return Some(10);
            }
        }
        10 | 13 if is_epoch(text, started_at) => return Some(digit_count(text)),
        0 => return None,
        _ => {}
    }
    weak.iter().find(|date| text.starts_with(date) && ends(text, date.len())).map(Vec::len)
}

/// True if a weak date of so many bytes is whole: no digit follows, and no day follows a month.
fn ends(text: &[u8], length: usize) -> bool {
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let is_joined = text.get(length).is_some_and(|byte| b"-_.".contains(byte));
    let goes_on_as_day = length == "2026-11".len() && is_joined && is_digit(length + 1);
    !is_digit(length) && !goes_on_as_day
}

/// True for a day that is that of the start, or the one before or after it. Without a known start every day is.
fn is_day_of(year: &[u8], month: &[u8], day: &[u8], started_at: Option<Timestamp>) -> bool {
    if !is_day(year, month, day) {
        return false;
    }
    let Some(start) = started_at else { return true };
    let written = [year, b"-", month, b"-", day].concat();
    let start = start.to_zoned(TimeZone::UTC).date();
    let days = [start.checked_sub(1.day()), Ok(start), start.checked_add(1.day())];
    days.into_iter().flatten().any(|day| day.to_string().as_bytes() == written)
}

/// Every weak way to write the day of the start, or the day before or after it: the client lives in another zone.
fn weak_dates(started_at: Option<Timestamp>) -> Vec<Vec<u8>> {
    let Some(start) = started_at else {
        return Vec::new();
    };
    let start = start.to_zoned(TimeZone::UTC).date();
    let days = [start.checked_sub(1.day()), Ok(start), start.checked_add(1.day())];
    let days: Vec<_> = days.into_iter().flatten().collect();
    let written =
        |format: &'static str| days.iter().map(move |day| day.strftime(format).to_string().into_bytes());
    WEAK_FORMATS.into_iter().flat_map(written).collect()
}

/// True for seconds or milliseconds since 1970 within a day of the start.
fn is_epoch(text: &[u8], started_at: Option<Timestamp>) -> bool {
    let seconds: Option<i64> = std::str::from_utf8(&text[..10]).ok().and_then(|digits| digits.parse().ok());
    let (Some(seconds), Some(start)) = (seconds, started_at) else {
        return false;
    };
    seconds.abs_diff(start.as_second()) <= 86_400
}

fn digit_count(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// True for three groups of so many digits with twice the same separator, such as `2026-11-21`.
fn separated(text: &[u8], groups: [usize; 3]) -> bool {
    let [first, second, third] = groups;
    let Some(sign) = text.get(first).filter(|sign| b"-_.".contains(sign)) else {
        return false;
    };
    let rest = &text[first + 1..];
    digit_count(text) == first
        && digit_count(rest) == second
        && rest.get(second) == Some(sign)
        && digit_count(&rest[second + 1..]) == third
}

fn is_day(year: &[u8], month: &[u8], day: &[u8]) -> bool {
    is_within(year, 1990, 2099) && is_within(month, 1, 12) && is_within(day, 1, 31)
}

fn is_within(digits: &[u8], least: u16, most: u16) -> bool {
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok());
    number.is_some_and(|number| (least..=most).contains(&number))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The only series of archives that all started at noon of 2026-11-21.
    fn series(names_of_archives: &[&str]) -> Vec<String> {
        let started_at = "2026-11-21T12:00:00Z".parse().ok();
        let of = |name: &&str| Pattern::of(name.as_bytes(), started_at, Clocks::Agreeing);
        let patterns: BTreeSet<Pattern> = names_of_archives.iter().map(of).collect();
        names(patterns.iter()).into_iter().map(|name| String::from_utf8(name).unwrap()).collect()
    }

    #[rstest]
    #[case("web1-2026-11-21", "web1")]
    #[case("web1-2026-11-21T02:00:00", "web1")]
    #[case("web1-2026-11-21T02:00:00.645137", "web1")]
    #[case("web1-2026-11-21T02:00:00.645137+01:00", "web1")]
    #[case("web1-2026-11-21T02:00:00-05:00", "web1")]
    #[case("web1-2026-11-21T02:00:00Z", "web1")]
    #[case("web1.example.org-2026-11-21T02:00:00", "web1.example.org")]
    #[case("daily-20261121", "daily")]
    #[case("daily-20261121-0200", "daily")]
    #[case("daily-20261121_020000", "daily")]
    #[case("daily-20261121T020000Z", "daily")]
    #[case("daily20261121", "daily")]
    #[case("daily-202611210200", "daily")]
    #[case("daily-20261121020000", "daily")]
    #[case("2026-11-21-web1", "web1")]
    #[case("2026-11-21_02-00_web1", "web1")]
    #[case("2026-11-21T02:00:00-web1", "web1")]
    #[case("backup.2026-11-21_02-00", "backup")]
    #[case("backup 2026-11-21 02:00", "backup")]
    #[case("backup_2026_11_21__02_00", "backup")]
    #[case("backup-21.11.2026-02.00", "backup")]
    #[case("backup-11-21-2026", "backup")]
    #[case("web1-2026-11-21-daily", "web1-daily")]
    #[case("web1_2026-11-21_daily", "web1_daily")]
    #[case("web1-2026-11-21T02h00", "web1")]
    #[case("web1-2026-11-21T02", "web1")]
    #[case("web1-2026-11-20-to-2026-11-21", "web1-to")]
    #[case("2026-11-21", "archives")]
    #[case("20261121T0200", "archives")]
    #[case("web1-1795262400", "web1")]
    #[case("web1-1795262400123", "web1")]
    #[case("monthly-2026-11", "monthly")]
    #[case("weekly-2026-W47", "weekly")]
    #[case("web1-261121", "web1")]
    #[case("web1-21112026", "web1")]
    fn the_series_is_what_is_left_without_the_date(#[case] archive: &str, #[case] name: &str) {
        assert_eq!(series(&[archive]), [name]);
    }

    #[rstest]
    #[case("host-v2.1")]
    #[case("web1")]
    #[case("")]
    #[case("before the upgrade")]
    #[case("-")]
    #[case("web1-2026-13-21")]
    #[case("web1-2026-11-32")]
    #[case("web1-1826-11-21")]
    #[case("web1-2026-11_21")]
    #[case("192.168.20.26")]
    #[case("nas-1234567890")]
    #[case("disk-99999999")]
    #[case("web1-2025-11")]
    #[case("web1-123456")]
    #[case("web1-2026")]
    #[case("web1-2026-11-211")]
    fn a_name_without_a_date_stays_as_it_is(#[case] archive: &str) {
        assert_eq!(series(&[archive]), [archive]);
    }

    #[rstest]
    #[case("2026-11-21-01", "01")]
    #[case("2026-11-21-2", "2")]
    #[case("2026-11-21-24-00", "24-00")]
    #[case("2026-11-21T02:00:00-1001", "1001")]
    #[case("web2-2026-11-21_a", "web2_a")]
    fn what_is_no_time_of_day_stays_in_the_name(#[case] archive: &str, #[case] name: &str) {
        let left = series(&[archive]);
        assert_eq!(left.len(), 1);
        assert!(left[0].ends_with(name.trim_start_matches("web2_")), "{left:?}");
    }

    #[test]
    fn days_of_one_series_are_one_series() {
        let days =
            ["web1-2026-11-22", "web1-2026-11-20T02:00:00", "web1-20261121", "web1-2026-11-21T02:00:00.123"];
        assert_eq!(series(&days), ["web1"]);
    }

    #[test]
    fn two_names_that_differ_in_more_than_dates_are_never_one_series() {
        for (archives, expected) in [
            (vec!["web1-2026-11-21", "web2-2026-11-21"], vec!["web1", "web2"]),
            (vec!["web1-2026-11-21", "web1_2026-11-21"], vec!["web1", "web1_*"]),
            (vec!["web1.2026-11-21", "web1_2026-11-21"], vec!["web1.*", "web1_*"]),
            (vec!["web1", "web1-2026-11-21"], vec!["web1", "web1-*"]),
            (vec!["2026-11-21-web1", "web1-2026-11-21"], vec!["*-web1", "web1"]),
            (vec!["2026-11-21", "archives-2026-11-21"], vec!["*", "archives"]),
            (vec!["web1-2026-11-21-a", "web1-a-2026-11-21"], vec!["web1-*-a", "web1-a"]),
            (vec!["web1", "web1_2026-11-21", "web1_*"], vec!["web1", "web1_*#2", "web1_*"]),
            (vec!["nas-1234567890", "nas-1987654321"], vec!["nas-1234567890", "nas-1987654321"]),
            (vec!["pve-2026-11-21-1107", "pve-2026-11-21-1108"], vec!["pve-1107", "pve-1108"]),
            (vec!["pc20190412", "pc20200413"], vec!["pc20190412", "pc20200413"]),
            (vec!["vm-2026-11-21-10-21", "vm-2026-11-21-10-22"], vec!["vm-10-21", "vm-10-22"]),
            (vec!["vm.2026-11-21.10.21", "vm.2026-11-21.10.22"], vec!["vm.10.21", "vm.10.22"]),
            (vec!["vm-202611211021", "vm-202611211022"], vec!["vm-1021", "vm-1022"]),
            (vec!["vm-2026-11-21_12-00-00.1", "vm-2026-11-21_12-00-00.2"], vec!["vm-1", "vm-2"]),
            (vec!["x-2026-11-21-T14", "x-2026-11-21-T15"], vec!["x-T14", "x-T15"]),
        ] {
            assert_eq!(series(&archives), expected);
        }
    }

    #[test]
    fn what_could_be_something_else_is_a_date_only_on_its_own_day() {
        let of = |name: &str, start: &str| {
            Pattern::of(name.as_bytes(), start.parse().ok(), Clocks::Agreeing).has_date()
        };
        assert!(of("m-2026-10", "2026-11-01T00:30:00Z"), "31 October in the zone of the client");
        assert!(!of("m-2026-10", "2026-11-02T00:30:00Z"));
        assert!(!of("m-1795262400", "2026-11-19T12:00:00Z"));
        assert!(!of("m-2026-11", "no date"));
        assert!(of("m-2026-11-21", "no date"));
    }

    proptest::proptest! {
        #[test]
        fn every_name_has_a_series_and_no_two_series_one_name(archives in proptest::collection::vec("[a-b0-2T:_. *-]{0,24}|.{0,12}", 1..12)) {
            let started_at = "2026-11-21T12:00:00Z".parse().ok();
            let of = |name: &String| Pattern::of(name.as_bytes(), started_at, Clocks::Agreeing);
            let patterns: BTreeSet<Pattern> = archives.iter().map(of).collect();
            let named = names(patterns.iter());
            let distinct: BTreeSet<_> = named.iter().collect();
            proptest::prop_assert_eq!(distinct.len(), patterns.len());
        }
    }
}
