//! Which value does the backend take, and why is another one refused before it is sent?
//!
//! The rules are those of Grafolean's backend, measured: it answers a bad path with 400 or 500 after storing a part of
//! the request, stores a NaN and can never read it again, and loses a worker over a path that ends in a line break. So
//! nothing of that kind may leave this crate. It must not know how values travel.

use std::collections::HashSet;
use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::clock::Second;
use crate::sample::Sample;

/// A value the backend takes: a path it accepts, a finite number, an instant it can store.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    path: Box<str>,
    number: f64,
    at: Second,
}

/// Why a value cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A path has at least one segment, and no segment is empty.
    #[error("a path consists of segments separated by single dots, and none may be empty")]
    EmptySegment,
    /// A character that no path may hold.
    #[error(
        "a path holds only letters a to z and A to Z, digits, '_', '-', and '%2e' or '%3a' in lower case; {0:?} is \
         not allowed"
    )]
    Character(char),
    /// The backend keeps these for itself.
    #[error("paths that begin with \"system.\" belong to the backend")]
    System,
    /// Longer than the backend can be relied on to store.
    #[error("a path has at most {max} bytes, this one has {0}", max = Value::PATH_MAX_BYTES)]
    TooLong(usize),
    /// NaN or infinite: stored, it would make every later reading of the path fail.
    #[error("{0} is no finite number")]
    NotFinite(NotFinite),
    /// An instant the backend cannot store.
    #[error("it is of second {0}, outside the years 1 to 9999 that the backend can store")]
    OutOfTime(Second),
    /// The same path twice for one instant.
    #[error("the path stands twice in one publication")]
    Twice,
}

/// Which number it is that is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFinite {
    /// Not a number.
    Nan,
    /// Above every number.
    Infinity,
    /// Below every number.
    NegativeInfinity,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nan => "NaN",
            Self::Infinity => "infinity",
            Self::NegativeInfinity => "-infinity",
        })
    }
}

/// The first and the last second the backend can store: the years 1 and 9999.
const STORABLE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Value {
    /// The longest path, in bytes. The backend's index has room for about 2 700 bytes of one, and fails with 500 beyond.
    pub const PATH_MAX_BYTES: usize = 2_000;

    /// Takes a number under a path at an instant, if the backend would take it.
    pub fn new(path: impl Into<Box<str>>, number: f64, at: Second) -> Result<Self, ValueError> {
        let path = path.into();
        check_path(&path)?;
        check_number(number)?;
        if !STORABLE.contains(&at.0) {
            return Err(ValueError::OutOfTime(at));
        }
        Ok(Self { path, number, at })
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its number, always finite.
    pub fn number(&self) -> f64 {
        self.number
    }

    /// The instant it belongs to.
    pub fn at(&self) -> Second {
        self.at
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Value", 3)?;
        object.serialize_field("p", &*self.path)?;
        object.serialize_field("v", &self.number)?;
        object.serialize_field("t", &self.at.0)?;
        object.end()
    }
}

fn check_number(number: f64) -> Result<(), ValueError> {
    if number.is_finite() {
        return Ok(());
    }
    Err(ValueError::NotFinite(if number.is_nan() {
        NotFinite::Nan
    } else if number > 0.0 {
        NotFinite::Infinity
    } else {
        NotFinite::NegativeInfinity
    }))
}

/// The backend's own rule, `^([a-zA-Z0-9_-]|%2e|%3a)+([.]([a-zA-Z0-9_-]|%2e|%3a)+)*$`, whose `$` lets a line break pass
/// that then kills a worker: here it does not.
fn check_path(path: &str) -> Result<(), ValueError> {
    if path.len() > Value::PATH_MAX_BYTES {
        return Err(ValueError::TooLong(path.len()));
    }
    for segment in path.split('.') {
        check_segment(segment)?;
    }
    if path.starts_with("system.") { Err(ValueError::System) } else { Ok(()) }
}

fn check_segment(segment: &str) -> Result<(), ValueError> {
    if segment.is_empty() {
        return Err(ValueError::EmptySegment);
    }
    let mut rest = segment;
    while let Some(character) = rest.chars().next() {
        rest = if let Some(rest) = rest.strip_prefix("%2e").or_else(|| rest.strip_prefix("%3a")) {
            rest
        } else if character.is_ascii_alphanumeric() || matches!(character, '_' | '-') {
            &rest[1..]
        } else {
            return Err(ValueError::Character(character));
        };
    }
    Ok(())
}

/// A value that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its path as it was given.
    pub path: String,
    /// Why.
    pub why: ValueError,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 80;
        let mut shown: String = self.path.chars().take(SHOWN_MAX).collect();
        if shown.len() < self.path.len() {
            shown.push('…');
        }
        write!(f, "{shown:?}: {}", self.why)
    }
}

/// The values of a publication that may not be sent, each with its path and why. All others were taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// The account they were meant for.
    pub account_id: i64,
    /// Each of them; never empty.
    pub refusals: Vec<Refusal>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED_MAX: usize = 20;
        let count = self.refusals.len();
        write!(f, "{count} values for account {} were refused and not sent", self.account_id)?;
        for (position, refusal) in self.refusals.iter().take(NAMED_MAX).enumerate() {
            write!(f, "{} {refusal}", if position == 0 { ":" } else { ";" })?;
        }
        if count > NAMED_MAX { write!(f, "; and {} more", count - NAMED_MAX) } else { Ok(()) }
    }
}

/// Parts what may be sent from what may not. Of a path that stands twice, the first one is taken.
pub(super) fn sort_out(account_id: i64, at: Second, samples: Vec<Sample>) -> (Vec<Value>, Option<Refused>) {
    let mut seen = HashSet::with_capacity(samples.len());
    let mut values = Vec::with_capacity(samples.len());
    let mut refusals = Vec::new();
    for sample in samples {
        match Value::new(sample.path.as_str(), sample.value, at) {
            Err(why) => refusals.push(Refusal { path: sample.path, why }),
            Ok(value) => {
                if seen.insert(value.path.clone()) {
                    values.push(value);
                } else {
                    refusals.push(Refusal { path: sample.path, why: ValueError::Twice });
                }
            }
        }
    }
    let refused = (!refusals.is_empty()).then_some(Refused { account_id, refusals });
    (values, refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_path(path: &str) -> bool {
        Value::new(path, 0.0, Second(0)).is_ok()
    }

    #[test]
    fn paths_are_taken_and_refused_as_the_backend_does() {
        let long = |length: usize| "a".repeat(length);
        for path in
            ["a", "A.b.C-d_e.0", "a%2eb", "a%3ab", "%2e", "system", "systems.x", "a.system.b", &long(2_000)]
        {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a/b",
            "a:b",
            "a%2Eb",
            "a%3Ab",
            "a%20b",
            "a%",
            "a%2",
            "system.x",
            "é",
            "a\0b",
            "a\n",
            "a\r",
            "\n",
            &long(2_001),
        ] {
            assert!(!is_path(path), "{path:?}");
        }
    }

    #[test]
    fn only_finite_numbers_at_storable_instants_are_taken() {
        for number in [0.0, -0.0, -1.0, 1e308, f64::MAX, f64::MIN, 5e-324] {
            assert!(Value::new("a", number, Second(0)).is_ok());
        }
        for (number, word) in
            [(f64::NAN, "NaN"), (f64::INFINITY, "infinity"), (f64::NEG_INFINITY, "-infinity")]
        {
            let error = Value::new("a", number, Second(0)).unwrap_err();
            assert_eq!(error.to_string(), format!("{word} is no finite number"));
        }
        for (at, is_taken) in [
            (253_402_300_799, true),
            (253_402_300_800, false),
            (-62_135_596_800, true),
            (-62_135_596_801, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Value::new("a", 1.0, Second(at)).is_ok(), is_taken, "{at}");
        }
    }

    #[test]
    fn the_good_are_taken_and_the_refused_all_named() {
        let samples = vec![
            Sample::new("good", 1.0),
            Sample::new("b d", 2.0),
            Sample::new("good", 3.0),
            Sample::new("nan", f64::NAN),
            Sample::new("other", 4.0),
        ];
        let (values, refused) = sort_out(7, Second(60), samples);
        let taken: Vec<_> = values.iter().map(|value| (value.path(), value.number())).collect();
        assert_eq!(taken, [("good", 1.0), ("other", 4.0)]);
        let text = refused.unwrap().to_string();
        for part in ["3 values", "account 7", "\"b d\"", "\"good\": the path stands twice", "\"nan\": NaN"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_text_about_refused_values_is_bounded() {
        let samples = (0..5_000).map(|_| Sample::new("\u{1b}".repeat(10_000), 0.0)).collect();
        let (values, refused) = sort_out(7, Second(60), samples);
        let text = refused.unwrap().to_string();
        assert!(values.is_empty());
        assert!(text.len() < 20_000 && text.contains("and 4980 more") && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_value_is_written_as_the_backend_reads_it() {
        let value = Value::new("a.b", 1.5, Second(1_600_000_000)).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"p":"a.b","v":1.5,"t":1600000000}"#);
    }

    /// The rule once more, as an automaton: in which state the characters so far leave the expression.
    fn model(path: &str) -> bool {
        let mut state = 's';
        for character in path.chars() {
            state = match (state, character) {
                ('s' | 'w', 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-') | ('2', 'e') | ('3', 'a') => 'w',
                ('s' | 'w', '%') => '%',
                ('%', '2') => '2',
                ('%', '3') => '3',
                ('w', '.') => 's',
                _ => return false,
            };
        }
        state == 'w' && path.len() <= 2_000 && !path.starts_with("system.")
    }

    proptest! {
        #[test]
        fn every_path_is_judged_as_the_model_does(
            path in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "Z", "0", "_", "-", ".", "%2e", "%3a", "%2E", "%", "2", "e", "system", "system.", " ", "\n",
                    "/", ":", "ü", "\0", "+", "#",
                ]),
                0..8,
            )
        ) {
            let path = path.concat();
            prop_assert_eq!(is_path(&path), model(&path), "{:?}", path);
        }

        #[test]
        fn any_text_is_judged_as_the_model_does(path in any::<String>()) {
            prop_assert_eq!(is_path(&path), model(&path), "{:?}", path);
        }
    }
}
