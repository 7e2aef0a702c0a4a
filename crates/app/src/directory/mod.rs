//! Who owns what, and how are they reached?
//!
//! A directory answers who is to be told of a matter, and why them. It does not decide whether there is anything to
//! tell. Each kind has a file of its own; what the configuration says stands in [`fixed`], what the entries of an LDAP
//! directory say in [`ldap`]. [`who`] asks all of them.

use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use lastgood_core::recipient::{Address, Patience, Role, Voice};
use lastgood_core::time::Seconds;

pub mod fixed;
pub mod ldap;
pub mod who;

/// One way in which somebody is named for a matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where.
    pub address: Address,
    /// What they are to the subject.
    pub role: Role,
    /// How long they want to wait.
    pub patience: Patience,
    /// Whether they wish to be told at all, once their patience is over.
    pub is_wanted: bool,
    /// How they want to be written to; `None` leaves it to us.
    pub voice: Option<Arc<Voice>>,
    /// Why them, step by step; where they do not wish to be told the last step says why not.
    pub because: Vec<String>,
}

/// A pattern over the paths of subjects: `source/repository/asset`, where `*` stands for any text, `/` included.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    matcher: Matcher,
}

/// How a path is compared. A matcher of any pattern takes tens of kilobytes and as long to make as ten thousand others:
/// most patterns are a path, or the beginning of one.
#[derive(Clone, Debug)]
enum Matcher {
    Path(Box<str>),
    Beginning(Box<str>),
    Any(GlobMatcher),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no pattern: {why}; write for example \"acme/*\"")]
pub struct InvalidPattern {
    text: String,
    why: String,
}

impl Pattern {
    /// Reads a pattern: `*` any text, `?` one character, `[abc]` one of several, `{a,b}` alternatives; `\` takes the next
    /// character as it is.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |why: String| InvalidPattern { text: text.chars().take(80).collect(), why };
        if text.trim().is_empty() {
            return Err(invalid("it is empty and matches nothing".to_owned()));
        }
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| invalid(error.kind().to_string()))?;
        let (beginning, rest) = split(text);
        let matcher = match rest {
            "" => Matcher::Path(beginning.into()),
            "*" => Matcher::Beginning(beginning.into()),
            _ => Matcher::Any(glob.compile_matcher()),
        };
        Ok(Self { text: text.into(), matcher })
    }

    /// The pattern that matches this path and no other.
    pub fn exactly(path: &str) -> Self {
        let mut text = String::with_capacity(path.len());
        for character in path.chars() {
            // The crate's own way of escaping leaves `\` as it is, which takes the next character as it is.
            if r"\*?[]{}".contains(character) {
                text.push('\\');
            }
            text.push(character);
        }
        Self::new(&text).expect("an escaped path is a pattern")
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What every path it matches begins with.
    pub fn beginning(&self) -> String {
        split(&self.text).0
    }

    /// True for the path of a subject it speaks of.
    pub fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Path(this) => **this == *path,
            Matcher::Beginning(beginning) => path.starts_with(&**beginning),
            Matcher::Any(matcher) => matcher.is_match(path),
        }
    }
}

/// The text before the first character that stands for others, as it is in paths, and what follows it in the pattern.
fn split(pattern: &str) -> (String, &str) {
    let mut beginning = String::new();
    let mut rest = pattern.chars();
    loop {
        let from_here = rest.as_str();
        match rest.next() {
            None | Some('*' | '?' | '[' | '{') => return (beginning, from_here),
            Some('\\') => beginning.extend(rest.next()),
            Some(plain) => beginning.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_pattern_matches_a_path_whatever_stands_in_it() {
        let path = "acme/[nas]*{1}?\\/db";
        assert!(Pattern::exactly(path).matches(path));
        assert!(!Pattern::exactly(path).matches("acme/nas1/db"));
        assert!(Pattern::new(" ").is_err() && Pattern::new("a[").is_err());
    }

    #[test]
    fn however_a_path_is_compared_the_answer_is_that_of_the_glob() {
        let paths =
            ["", "acme", "acme/", "acme/nas1", "acme/nas1/db", "acme/nas1/d*", "acme/é", "acme/a\nb", "*"];
        let patterns = [
            "acme",
            "acme/*",
            "acme/nas1*",
            "*",
            "**",
            "acme/**",
            "acme/nas1/d?",
            r"acme/nas1/d\*",
            r"\acm\e/*",
            "acme/é*",
            "acme/a\nb",
            "[a]cme*",
            "{acme/,b}*",
            "acme]",
            "acme,*",
        ];
        for pattern in patterns {
            let glob = GlobBuilder::new(pattern).literal_separator(false).backslash_escape(true).build();
            let glob = glob.expect("a glob").compile_matcher();
            let ours = Pattern::new(pattern).expect("a pattern");
            for path in paths {
                assert_eq!(ours.matches(path), glob.is_match(path), "{pattern} {path}");
                assert!(!ours.matches(path) || path.starts_with(&ours.beginning()), "{pattern} {path}");
            }
        }
    }
}

/// `[[owner]]`: who is to be told of some subjects.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Which subjects.
    pub subjects: Pattern,
    /// What they are to them.
    pub role: Role,
    /// Where they are told.
    pub to: Vec<Address>,
    /// How long they want to wait before they hear of failed or missed runs.
    pub patience: Patience,
    /// How long an incident must have been open without anybody saying that they know before they are told.
    pub escalation: Option<Seconds>,
    /// Where the configuration says so: `file:line`.
    pub place: String,
}
