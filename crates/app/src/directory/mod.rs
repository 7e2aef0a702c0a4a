//! Who owns what, and how are they reached?
//!
//! A directory answers who is to be told of a matter, and why them. It does not decide whether there is anything to
//! tell. Each kind has a file of its own; what the configuration says stands in [`fixed`].

use globset::{GlobBuilder, GlobMatcher};
use lastgood_core::recipient::{Address, Patience, Role};
use lastgood_core::time::Seconds;

pub mod fixed;

/// A pattern over the paths of subjects: `source/repository/asset`, where `*` stands for any text, `/` included.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    matcher: GlobMatcher,
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
        Ok(Self { text: text.into(), matcher: glob.compile_matcher() })
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

    /// True for the path of a subject it speaks of.
    pub fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
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
