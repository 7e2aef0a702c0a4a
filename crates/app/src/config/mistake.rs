//! What is wrong with a configuration, where, and what to write instead?
//!
//! Messages never hold the value of a key that could be a secret, nor any excerpt of the file.

use std::fmt;
use std::io;

use super::place::Lines;

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong and what to do; one line.
    pub text: String,
}

/// So many mistakes are listed; more than that means the file is something else.
const MAX_SHOWN: usize = 50;

/// Why there is no usable configuration. Each message names the thing, the place and the remedy; none holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or may not be read.
    #[error(
        "the configuration file {path} could not be read; give its path with --config and let this user read it"
    )]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder was named.
    #[error("{path} is a folder; give the configuration file itself, such as {path}/config.toml")]
    Directory {
        /// The path.
        path: String,
    },
    /// More than a configuration could hold.
    #[error(
        "{path} is larger than {max_bytes} bytes and so no configuration file; give the right file with --config"
    )]
    TooLarge {
        /// The path.
        path: String,
        /// The limit.
        max_bytes: u64,
    },
    /// Bytes that are no text.
    #[error("{path}:{line}: this line is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The path.
        path: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// The file has mistakes: all of them, sorted by place.
    #[error("{}", Listed(.path, .mistakes))]
    Invalid {
        /// The path.
        path: String,
        /// At least one.
        mistakes: Vec<Mistake>,
    },
    /// The command line has mistakes: all of them.
    #[error("{}", .mistakes.join("\n"))]
    CommandLine {
        /// At least one; each is one line.
        mistakes: Vec<String>,
    },
    /// Neither the command line nor a file names a source.
    #[error(
        "there is nothing to look at: {why}; name a SOURCE, such as `lastgood check {example}`, or a file with \
         --config FILE (`lastgood config example` prints one)"
    )]
    NoSource {
        /// Where a source was looked for.
        why: String,
        /// A SOURCE that works.
        example: String,
    },
}

/// Shows mistakes one a line, each behind its place.
struct Listed<'a>(&'a str, &'a [Mistake]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, mistakes) = self;
        for (index, Mistake { line, column, text }) in mistakes.iter().take(MAX_SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{path}:{line}:{column}: {text}")?;
        }
        match mistakes.len().checked_sub(MAX_SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\nand {more} more mistakes"),
        }
    }
}

/// The mistakes found so far, each with its offset in the file.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<(usize, String)>);

impl Mistakes {
    /// Notes one.
    pub(super) fn add(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at, text.into()));
    }

    /// Turns them into an error, sorted by place; `Ok` if there is none.
    pub(super) fn check(self, path: &str, lines: &Lines<'_>) -> Result<(), ConfigError> {
        let Self(mut found) = self;
        if found.is_empty() {
            return Ok(());
        }
        found.sort();
        found.dedup();
        let place = |(at, text)| Mistake { line: lines.line(at), column: lines.column(at), text };
        let mistakes = found.into_iter().map(place).collect();
        Err(ConfigError::Invalid { path: path.to_owned(), mistakes })
    }

    /// True if there are more than are ever shown: hints that are costly to find are then left out.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > MAX_SHOWN
    }

    /// True if there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_sorted_and_their_number_is_bounded() {
        let text = "\n".repeat(60);
        let mut mistakes = Mistakes::default();
        for at in (0..60).rev() {
            mistakes.add(at, "wrong");
        }
        let error = mistakes.check("a.toml", &Lines::new(&text)).expect_err("mistakes").to_string();
        assert!(error.starts_with("a.toml:1:1: wrong\na.toml:2:1: wrong\n"), "{error}");
        assert!(error.ends_with("a.toml:50:1: wrong\nand 10 more mistakes"), "{error}");
    }
}
