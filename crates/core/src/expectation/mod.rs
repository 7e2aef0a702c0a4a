//! What must be true of a repository or asset, and who said so?
//!
//! Every threshold has a value and an [`Origin`]. [`Expectations`] holds the layers in which thresholds are set, from
//! the checks' defaults to the command line, and resolves them for each subject. Nothing here judges.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use crate::facts::Subject;
use crate::id::{CheckId, SourceId};
use crate::kind::Kind;
use crate::time::Seconds;

/// What a threshold is measured in, and so how its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A length of time, stored in seconds: `24h`, `7d`.
    Time,
    /// A share, stored in hundredths of a percent: `85`, `85.5 %`.
    Percent,
    /// A number of times: `2`.
    Count,
    /// One of these words, stored as its place among them. Such a threshold cannot be turned off.
    Choice(&'static [&'static str]),
}

/// A number that decides a check: its name in the configuration, its unit and its default.
#[derive(Debug, PartialEq, Eq)]
pub struct Threshold {
    /// The key in the configuration and for `--set`.
    pub name: &'static str,
    /// How its value is written.
    pub unit: Unit,
    /// The value where nobody set one; `None` is "off".
    pub default: Option<u32>,
    /// What it means, as one sentence.
    pub meaning: &'static str,
}

/// Why a text is no value of a threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// A length of time was expected.
    #[error("{name} takes a length of time such as 90s, 30min, 24h or 7d, or off; {text:?} is none")]
    Time {
        /// The threshold.
        name: &'static str,
        /// What was written.
        text: String,
    },
    /// A share was expected.
    #[error("{name} takes a percentage from 0 to 100 such as 85 or 92.5, or off; {text:?} is none")]
    Percent {
        /// The threshold.
        name: &'static str,
        /// What was written.
        text: String,
    },
    /// One of some words was expected.
    #[error("{name} takes {words}; {text:?} is none of them")]
    Choice {
        /// The threshold.
        name: &'static str,
        /// Those words.
        words: String,
        /// What was written.
        text: String,
    },
    /// A number was expected.
    #[error("{name} takes a whole number from 1 on, or off; {text:?} is none")]
    Count {
        /// The threshold.
        name: &'static str,
        /// What was written.
        text: String,
    },
}

impl Threshold {
    /// Reads a value; `Ok(None)` is "off".
    pub fn parse(&self, text: &str) -> Result<Option<u32>, InvalidValue> {
        let name = self.name;
        let text = text.trim();
        let shown = || text.chars().take(80).collect();
        if text.eq_ignore_ascii_case("off") && !matches!(self.unit, Unit::Choice(_)) {
            return Ok(None);
        }
        match self.unit {
            Unit::Choice(words) => {
                let found = (0..).zip(words).find(|(_, word)| text.eq_ignore_ascii_case(word));
                let invalid = || InvalidValue::Choice { name, words: words.join(" or "), text: shown() };
                found.map(|(place, _)| Some(place)).ok_or_else(invalid)
            }
            Unit::Time => match text.parse::<Seconds>() {
                Ok(seconds) => Ok(Some(seconds.0)),
                Err(_) => Err(InvalidValue::Time { name, text: shown() }),
            },
            Unit::Percent => {
                parse_percent(text).map(Some).ok_or_else(|| InvalidValue::Percent { name, text: shown() })
            }
            Unit::Count => match text.parse::<u32>() {
                Ok(count) if count > 0 => Ok(Some(count)),
                _ => Err(InvalidValue::Count { name, text: shown() }),
            },
        }
    }

    /// Shows a value the way people write it.
    pub fn show(&self, value: Option<u32>) -> String {
        match (value, self.unit) {
            (None, _) => "off".to_owned(),
            (Some(value), Unit::Time) => Seconds(value).to_string(),
            (Some(value), Unit::Percent) => Percent(value).to_string(),
            (Some(value), Unit::Count) => value.to_string(),
            (Some(value), Unit::Choice(words)) => {
                let word = usize::try_from(value).ok().and_then(|place| words.get(place));
                word.map_or_else(|| value.to_string(), |word| (*word).to_owned())
            }
        }
    }
}

/// Reads `85`, `92.5` or `85 %` as hundredths of a percent, 0 to 10 000, without rounding.
fn parse_percent(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 || whole.len() > 3 {
        return None;
    }
    let hundredths = whole.parse::<u32>().ok()? * 100 + format!("{fraction:0<2}").parse::<u32>().ok()?;
    (hundredths <= 10_000).then_some(hundredths)
}

/// A share in hundredths of a percent, shown as `85 %` or `92.5 %`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole} %"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{} %", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02} %"),
        }
    }
}

/// Who set a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The check itself.
    Default,
    /// The kind of the asset or repository.
    Kind(&'static str),
    /// The interval on which the source is looked at.
    Interval,
    /// `[thresholds]` of the configuration, with file and line.
    Config(Rc<str>),
    /// `thresholds` of the source, with file and line.
    Source(Rc<str>),
    /// The directory, for this repository alone.
    Directory,
    /// An `[[override]]`, with file and line.
    Override(Rc<str>),
    /// `--set` on the command line.
    CommandLine,
}

impl Origin {
    /// True for what stands above what a directory sets.
    const fn is_above_directories(&self) -> bool {
        match self {
            Self::Override(_) | Self::CommandLine => true,
            Self::Default
            | Self::Kind(_)
            | Self::Interval
            | Self::Config(_)
            | Self::Source(_)
            | Self::Directory => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Kind(kind) => write!(f, "default of {kind}"),
            Self::Interval => f.write_str("3 intervals of the source"),
            Self::Config(place) => write!(f, "[thresholds], {place}"),
            Self::Source(place) => write!(f, "thresholds of the source, {place}"),
            Self::Directory => f.write_str("the directory"),
            Self::Override(place) => write!(f, "[[override]], {place}"),
            Self::CommandLine => f.write_str("--set"),
        }
    }
}

/// A threshold with the value in force and who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which threshold.
    pub threshold: &'static Threshold,
    /// The value in force; `None` is "off".
    pub value: Option<u32>,
    /// Who set it.
    pub origin: Origin,
}

/// What one check must find true of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The check.
    pub check: CheckId,
    /// Its thresholds, in the order of the check.
    pub settings: Box<[Setting]>,
}

impl Expectation {
    /// Returns the value of a threshold of this check; `None` is "off".
    pub fn value(&self, threshold: &'static Threshold) -> Option<u32> {
        let setting = self.settings.iter().find(|setting| std::ptr::eq(setting.threshold, threshold));
        setting.and_then(|setting| setting.value)
    }

    /// Returns a threshold that is a length of time; `None` is "off".
    pub fn seconds(&self, threshold: &'static Threshold) -> Option<Seconds> {
        self.value(threshold).map(Seconds)
    }

    /// True if a threshold of the check is "off", so that the check is not asked at all. A check without thresholds is
    /// always asked.
    pub fn is_off(&self) -> bool {
        self.settings.iter().any(|setting| setting.value.is_none())
    }
}

/// Which subjects a layer speaks of.
pub enum Scope {
    /// All.
    Everything,
    /// Those of one source.
    Source(SourceId),
    /// Those whose path the pattern matches.
    Pattern(Box<dyn Fn(&str) -> bool>),
}

/// Thresholds set in one place.
pub struct Layer {
    /// Which subjects it speaks of.
    pub scope: Scope,
    /// Threshold name, value (`None` is "off") and who set it.
    pub values: Vec<(&'static str, Option<u32>, Origin)>,
}

/// Which thresholds a check has: what resolving needs to know about checks.
pub type ThresholdsOf = fn(CheckId) -> &'static [&'static Threshold];

/// The layers of thresholds, later ones above earlier ones, and what they come to for each subject.
pub struct Expectations {
    thresholds_of: ThresholdsOf,
    layers: Vec<Layer>,
    resolved: RefCell<HashMap<Resolved, Rc<[Expectation]>>>,
}

/// Thresholds that a directory sets for one repository.
type Own = [(&'static str, Option<u32>)];

/// What decides an expectation: the checks asked, the defaults of the kind, the layers that speak of the subject, and what
/// a directory sets for it.
#[derive(PartialEq, Eq, Hash)]
struct Resolved {
    kind: Option<*const Kind>,
    layers: Vec<usize>,
    own: Vec<(&'static str, Option<u32>)>,
}

impl Expectations {
    /// Takes the layers in rising order of precedence.
    pub fn new(thresholds_of: ThresholdsOf, layers: Vec<Layer>) -> Self {
        Self { thresholds_of, layers, resolved: RefCell::default() }
    }

    /// True if some layer speaks of single subjects by pattern, so that each subject has to be resolved on its own.
    pub fn has_patterns(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer.scope, Scope::Pattern(_)))
    }

    /// Returns what is expected of a subject: one entry per check in `checks`, those that are "off" left out.
    /// `kind` is that of the repository or asset, `None` for a source.
    pub fn resolve(
        &self,
        subject: &Subject<'_>,
        kind: Option<&'static Kind>,
        checks: &[CheckId],
    ) -> Rc<[Expectation]> {
        let (layers, own) = (self.layers_of(subject), own(subject));
        let key = Resolved { kind: kind.map(std::ptr::from_ref), layers, own: own.to_vec() };
        if let Some(found) = self.resolved.borrow().get(&key) {
            return Rc::clone(found);
        }
        let expectations: Rc<[Expectation]> = checks
            .iter()
            .map(|&check| self.expectation(check, kind, (&key.layers, own)))
            .filter(|expectation| !expectation.is_off())
            .collect();
        self.resolved.borrow_mut().insert(key, Rc::clone(&expectations));
        expectations
    }

    /// Returns which layers speak of the subject, lowest first.
    fn layers_of(&self, subject: &Subject<'_>) -> Vec<usize> {
        let path = if self.has_patterns() { subject.path() } else { String::new() };
        let speaks = |layer: &Layer| match &layer.scope {
            Scope::Everything => true,
            Scope::Source(source) => *source == subject.source().id,
            Scope::Pattern(matches) => matches(&path),
        };
        (0..self.layers.len()).filter(|&index| speaks(&self.layers[index])).collect()
    }

    /// Returns what is expected of a subject by one check, also where the check is off: what a person asks who wants to
    /// know who turned it off.
    pub fn of_check(
        &self,
        subject: &Subject<'_>,
        kind: Option<&'static Kind>,
        check: CheckId,
    ) -> Expectation {
        self.expectation(check, kind, (&self.layers_of(subject), own(subject)))
    }

    fn expectation(&self, check: CheckId, kind: Option<&'static Kind>, set: (&[usize], &Own)) -> Expectation {
        let thresholds = (self.thresholds_of)(check);
        let settings = thresholds.iter().map(|threshold| self.setting(threshold, kind, set)).collect();
        Expectation { check, settings }
    }

    /// Finds the highest layer that sets the threshold, else the default of the kind, else that of the check. What a
    /// directory sets stands above the file and its sources, below overrides and the command line.
    fn setting(
        &self,
        threshold: &'static Threshold,
        kind: Option<&'static Kind>,
        (layers, own): (&[usize], &Own),
    ) -> Setting {
        let own = own.iter().find(|(name, _)| *name == threshold.name);
        for &index in layers.iter().rev() {
            let found = self.layers[index].values.iter().rev().find(|(name, ..)| *name == threshold.name);
            let found = found.filter(|(.., origin)| own.is_none() || origin.is_above_directories());
            if let Some((_, value, origin)) = found {
                return Setting { threshold, value: *value, origin: origin.clone() };
            }
        }
        if let Some((_, value)) = own {
            return Setting { threshold, value: *value, origin: Origin::Directory };
        }
        let of_kind = kind.and_then(|kind| {
            let found = kind.defaults.iter().find(|(name, _)| *name == threshold.name)?;
            Some(Setting { threshold, value: found.1, origin: Origin::Kind(kind.id) })
        });
        of_kind.unwrap_or(Setting { threshold, value: threshold.default, origin: Origin::Default })
    }
}

/// What a directory sets for a repository holds for its assets too.
fn own<'a>(subject: &Subject<'a>) -> &'a Own {
    match subject {
        Subject::Source(_) => &[],
        Subject::Repository(_, repository) | Subject::Asset(_, repository, _) => {
            &repository.stated.thresholds
        }
    }
}

#[cfg(test)]
mod tests;
