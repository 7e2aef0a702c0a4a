//! How is what another side said repeated to people, without its secrets and its tricks?
//!
//! It does not know who said it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lastgood_core::id::Escaped;
use lastgood_core::observation::cut;

/// How much of what another side said is repeated, in bytes.
const SAID_MAX_BYTES: usize = 300;

/// How much of it is looked through for secrets, in bytes.
const READ_MAX_BYTES: usize = 64 * 1024;

/// Secrets shorter than this that are parts of something (a path of an address) are words.
const PART_MIN_BYTES: usize = 8;

/// Knows the secrets of one channel, so that nobody is shown them.
#[derive(Clone, Default)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Knows a secret too, as it is and in base64.
    #[must_use]
    pub(super) fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.0.extend([secret.to_owned(), STANDARD.encode(secret)]);
            // The longest first: a secret may be part of another one.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
        self
    }

    /// Knows a part of a secret too, if it is long enough to be one itself.
    #[must_use]
    pub(super) fn without_part(self, part: &str) -> Self {
        if part.len() < PART_MIN_BYTES { self } else { self.without(part) }
    }

    /// Repeats what was said: redacted first, then shortened to 300 bytes of one line, without control characters.
    pub(super) fn said(&self, text: &str) -> String {
        let mut text = cut(text, READ_MAX_BYTES);
        for secret in &self.0 {
            text = text.replace(secret.as_str(), "[redacted]");
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        cut(&Escaped(&cut(&words.join(" "), SAID_MAX_BYTES)).to_string(), SAID_MAX_BYTES)
    }

    /// Repeats the last lines of what was said.
    pub(super) fn said_last(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        self.said(&lines[lines.len().saturating_sub(3)..].join(" / "))
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_repeated_without_secrets_and_tricks() {
        let words = Words::new().without("pw").without("pw-longer").without("").without_part("short");
        let said = words.said("550 no\r\n550 for \u{1b}[2J pw-longer, pw, cHctbG9uZ2Vy, short");
        assert_eq!(said, "550 no 550 for \\u{1b}[2J [redacted], [redacted], [redacted], short");
        assert_eq!(format!("{words:?}"), "[redacted]");
    }

    #[test]
    fn a_secret_at_the_cut_is_redacted_before_the_cut() {
        let words = Words::new().without("geheimnis");
        let text = format!("{}geheimnis", "x".repeat(SAID_MAX_BYTES - 4));
        assert!(!words.said(&text).contains("geh"));
    }

    #[test]
    fn much_that_was_said_is_cut() {
        let said = Words::new().said(&"\u{0}".repeat(1024 * 1024));
        assert!(said.len() <= SAID_MAX_BYTES + "…".len() && said.ends_with('…'), "{said}");
    }

    #[test]
    fn the_last_lines_tell_most() {
        assert_eq!(Words::new().said_last("a\nb\n\nc\nd\n"), "b / c / d");
        assert_eq!(Words::new().said_last(""), "");
    }
}
