//! What does the address of a ping ask for? The words of the Healthchecks ping API, read without any side effect.
//!
//! It knows no key and no HTTP server. <https://healthchecks.io/docs/http_api/>

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::key::KeyHash;

/// What a ping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The run ended well.
    Success,
    /// A run began.
    Start,
    /// The run did not end well.
    Fail,
    /// Something was said in between.
    Log,
    /// The run ended with this exit status: 0 is a success.
    Exit(u8),
}

impl Word {
    /// How the run ended; `None` where nothing ended.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Success | Self::Exit(0) => Some(Outcome::Succeeded),
            Self::Fail | Self::Exit(_) => Some(Outcome::Failed),
            Self::Start | Self::Log => None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
}

/// Why the address of a ping cannot be understood; shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The exit status is above 255. In the words of Healthchecks.
    #[error("invalid url format")]
    ExitStatus,
    /// `rid` is no UUID. In the words of Healthchecks.
    #[error("invalid uuid format")]
    Rid,
    /// `at` is no instant, or one before the year 2000.
    #[error("invalid at: write an instant as in RFC 3339, such as 2026-11-21T02:00:00Z")]
    At,
}

/// An address, read. What may be wrong with it is told only to somebody who has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which doors it may mean, the first that is there counts: the key of a ping, or a ping key with a slug. Always two
    /// lookups, so that nobody learns from the time an answer takes what was wrong.
    pub doors: [Option<(KeyHash, Result<Word, Malformed>)>; 2],
    /// The run it speaks of, a UUID.
    pub rid: Result<Option<u128>, Malformed>,
    /// When it was meant to be sent.
    pub at: Result<Option<Timestamp>, Malformed>,
}

/// Reads what stands behind `/ping/`, and the query if there is one. One `/` at its end says nothing. `None` has no form
/// that a ping could have.
pub fn read(path: &str, query: Option<&str>) -> Option<Request> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut parts = path.split('/');
    let (first, second, third) = (parts.next()?, parts.next(), parts.next());
    if first.is_empty() || parts.next().is_some() {
        return None;
    }
    let key = KeyHash::of(first);
    let with_slug = |slug: &str| key.with_slug(slug);
    let doors = match (second, third) {
        (None, None) => [Some((key, Ok(Word::Success))), None],
        (Some(""), _) | (None, Some(_)) => return None,
        (Some(word), None) => {
            [self::word(word).map(|word| (key, word)), Some((with_slug(word), Ok(Word::Success)))]
        }
        (Some(slug), Some(word)) => [None, Some((with_slug(slug), self::word(word)?))],
    };
    let query = query.unwrap_or_default();
    Some(Request { doors, rid: rid(query), at: at(query) })
}

/// Reads the word behind a key; `None` if it is none.
fn word(text: &str) -> Option<Result<Word, Malformed>> {
    match text {
        "start" => Some(Ok(Word::Start)),
        "fail" => Some(Ok(Word::Fail)),
        "log" => Some(Ok(Word::Log)),
        "" => None,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(number.parse().map(Word::Exit).map_err(|_| Malformed::ExitStatus))
        }
        _ => None,
    }
}

fn rid(query: &str) -> Result<Option<u128>, Malformed> {
    parameter(query, "rid").map(|text| uuid(&text).ok_or(Malformed::Rid)).transpose()
}

fn at(query: &str) -> Result<Option<Timestamp>, Malformed> {
    let first = date(2000, 1, 1).to_zoned(TimeZone::UTC).map_err(|_| Malformed::At)?.timestamp();
    let read = |text: String| text.parse::<Timestamp>().ok().filter(|at| *at >= first).ok_or(Malformed::At);
    parameter(query, "at").map(read).transpose()
}

/// Returns the last value of this name, decoded as forms are.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.rsplit('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
}

/// Decodes `%41` and `+`; what cannot be decoded stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2).and_then(hexadecimal)).flatten();
        bytes.push(escaped.unwrap_or(if first == b'+' { b' ' } else { first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

/// Reads a UUID as it is usually written, in upper or lower case.
fn uuid(text: &str) -> Option<u128> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let fits = |(place, byte): (usize, u8)| {
        if HYPHENS.contains(&place) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    if text.len() != 36 || !text.bytes().enumerate().all(fits) {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KEY: &str = "0b0f1e2d-3c4b-4a59-8677-8695a4b3c2d1";

    fn doors(path: &str) -> [Option<(KeyHash, Result<Word, Malformed>)>; 2] {
        read(&path.replace("KEY", KEY), None).expect("it has the form of a ping").doors
    }

    #[rstest]
    #[case("KEY", Word::Success)]
    #[case("KEY/", Word::Success)]
    #[case("KEY/start", Word::Start)]
    #[case("KEY/fail", Word::Fail)]
    #[case("KEY/log", Word::Log)]
    #[case("KEY/log/", Word::Log)]
    #[case("KEY/start/", Word::Start)]
    #[case("KEY/7/", Word::Exit(7))]
    #[case("KEY/0", Word::Exit(0))]
    #[case("KEY/00", Word::Exit(0))]
    #[case("KEY/255", Word::Exit(255))]
    fn a_key_and_a_word(#[case] path: &str, #[case] word: Word) {
        assert_eq!(doors(path)[0], Some((KeyHash::of(KEY), Ok(word))), "{path}");
    }

    #[rstest]
    #[case("KEY/nightly", Ok(Word::Success))]
    #[case("KEY/nightly/", Ok(Word::Success))]
    #[case("KEY/nightly/start", Ok(Word::Start))]
    #[case("KEY/nightly/start/", Ok(Word::Start))]
    #[case("KEY/nightly/3", Ok(Word::Exit(3)))]
    #[case("KEY/nightly/256", Err(Malformed::ExitStatus))]
    fn a_ping_key_with_a_slug(#[case] path: &str, #[case] word: Result<Word, Malformed>) {
        assert_eq!(doors(path), [None, Some((KeyHash::of(KEY).with_slug("nightly"), word))], "{path}");
    }

    #[rstest]
    #[case("KEY/start", Ok(Word::Start), "start")]
    #[case("KEY/256", Err(Malformed::ExitStatus), "256")]
    fn a_word_may_be_a_slug_as_well(
        #[case] path: &str,
        #[case] word: Result<Word, Malformed>,
        #[case] slug: &str,
    ) {
        let key = KeyHash::of(KEY);
        assert_eq!(doors(path), [Some((key, word)), Some((key.with_slug(slug), Ok(Word::Success)))]);
    }

    #[rstest]
    #[case("")]
    #[case("/")]
    #[case("/start")]
    #[case("KEY//")]
    #[case("KEY//start")]
    #[case("KEY/nightly//")]
    #[case("KEY/nightly/stop")]
    #[case("KEY/nightly/start//")]
    #[case("KEY/nightly/start/now")]
    #[case("KEY/nightly/-1")]
    fn what_is_no_ping(#[case] path: &str) {
        assert_eq!(read(&path.replace("KEY", KEY), None), None, "{path}");
    }

    #[rstest]
    #[case("", Ok(None))]
    #[case("create=1", Ok(None))]
    #[case("rid=123e4567-e89b-12d3-a456-426614174000", Ok(Some(0x123e_4567_e89b_12d3_a456_4266_1417_4000)))]
    #[case(
        "x=y&rid=123E4567-E89B-12D3-A456-426614174000",
        Ok(Some(0x123e_4567_e89b_12d3_a456_4266_1417_4000))
    )]
    #[case("rid=1&rid=%300000000-0000-0000-0000-000000000000", Ok(Some(0)))]
    #[case("rid", Err(Malformed::Rid))]
    #[case("rid=", Err(Malformed::Rid))]
    #[case("rid=123e4567e89b12d3a456426614174000", Err(Malformed::Rid))]
    #[case("rid=+23e4567-e89b-12d3-a456-426614174000", Err(Malformed::Rid))]
    #[case("rid=123e4567-e89b-12d3-a456-42661417400", Err(Malformed::Rid))]
    #[case("rid=123e4567-e89b-12d3-a456-4266141740000", Err(Malformed::Rid))]
    #[case("rid=%zz", Err(Malformed::Rid))]
    #[case("rid=%", Err(Malformed::Rid))]
    #[case("rid=%ff%+1", Err(Malformed::Rid))]
    fn a_run_is_named_by_a_uuid(#[case] query: &str, #[case] rid: Result<Option<u128>, Malformed>) {
        assert_eq!(read(KEY, Some(query)).expect("a ping").rid, rid, "{query}");
    }

    #[rstest]
    #[case("at=2026-11-21T02:00:00Z", Some("2026-11-21T02:00:00Z"))]
    #[case("at=2026-11-21T03%3A00%3A00.5%2B01%3A00", Some("2026-11-21T02:00:00.5Z"))]
    #[case("at=2000-01-01T00:00:00Z", Some("2000-01-01T00:00:00Z"))]
    #[case("at=1999-12-31T23:59:59Z", None)]
    #[case("at=2026-11-21T02:00:00", None)]
    #[case("at=yesterday", None)]
    #[case("at=", None)]
    fn an_instant_is_read_or_refused(#[case] query: &str, #[case] at: Option<&str>) {
        let expected = at.map(|at| Some(at.parse().expect("an instant"))).ok_or(Malformed::At);
        assert_eq!(read(KEY, Some(query)).expect("a ping").at, expected, "{query}");
    }

    #[test]
    fn only_exit_status_0_is_a_success() {
        for (word, outcome) in [
            (Word::Success, Some(Outcome::Succeeded)),
            (Word::Exit(0), Some(Outcome::Succeeded)),
            (Word::Exit(1), Some(Outcome::Failed)),
            (Word::Exit(255), Some(Outcome::Failed)),
            (Word::Fail, Some(Outcome::Failed)),
            (Word::Start, None),
            (Word::Log, None),
        ] {
            assert_eq!(word.outcome(), outcome, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_is_too_strange_to_read(path in ".*", query in ".*") {
            if let Some(request) = read(&path, Some(&query)) {
                prop_assert!(request.doors.iter().any(Option::is_some) && path.split('/').count() <= 4);
            }
        }

        #[test]
        fn a_run_is_read_back_as_it_was_written(rid in any::<u128>()) {
            let digits = format!("{rid:032x}");
            let text = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-");
            prop_assert_eq!(uuid(&text), Some(rid));
        }
    }
}
