//! Which texts of a program must nobody see?
//!
//! Takes passwords out of everything a program wrote before anybody else reads it.

use std::borrow::Cow;

use super::location::secret_of_location;
use crate::program::Environment;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Secrets shorter than this that come from the wider environment are no secrets worth hiding, but words.
const FOREIGN_MIN_CHARS: usize = 6;

/// Variables that hold secrets of storage services.
const FOREIGN_SECRETS: [&str; 8] = [
    "RESTIC_REST_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "B2_ACCOUNT_KEY",
    "AZURE_ACCOUNT_KEY",
    "AZURE_ACCOUNT_SAS",
    "OS_PASSWORD",
    "ST_KEY",
];

/// The secrets of one source.
#[derive(Clone)]
pub(in crate::sources) struct Redaction(Vec<String>);

impl Redaction {
    /// Knows the password of the repository, those in its location, and those of storage services.
    pub(in crate::sources) fn new(password: Option<&str>, location: &str, environment: &Environment) -> Self {
        let own = password.map(str::to_owned).into_iter().chain(secret_of_location(location));
        let foreign = FOREIGN_SECRETS.iter().filter_map(|name| environment.get(name)?.to_str());
        let foreign = foreign.filter(|secret| secret.chars().count() >= FOREIGN_MIN_CHARS).map(str::to_owned);
        let mut secrets: Vec<String> =
            own.chain(foreign).filter(|secret| !secret.trim().is_empty()).collect();
        // The longest first: a secret may be part of another one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// Takes the secrets out of a text.
    pub(in crate::sources) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), REDACTED))
    }

    /// Takes the secrets out of bytes; bytes that are not UTF-8 become U+FFFD only where there is a secret to look for.
    pub(in crate::sources) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        if !self.0.iter().any(|secret| text.contains(secret.as_str())) {
            return Cow::Borrowed(bytes);
        }
        Cow::Owned(self.text(&text).into_bytes())
    }
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_source_is_left_in_a_text() {
        let environment: Environment =
            [("AWS_SECRET_ACCESS_KEY", "aws-secret"), ("OS_PASSWORD", "os"), ("B2_ACCOUNT_KEY", "")]
                .into_iter()
                .collect();
        let redaction = Redaction::new(Some("pw"), "rest:https://u:pw-longer@h/", &environment);
        let text = "https://u:pw-longer@h/ with pw and aws-secret on os";
        let expected = "https://u:[redacted]@h/ with [redacted] and [redacted] on os";
        assert_eq!(redaction.text(text), expected);
        assert_eq!(redaction.bytes(text.as_bytes()), expected.as_bytes());
        assert_eq!(redaction.bytes(b"\xff"), b"\xff".as_slice());
        assert_eq!(format!("{redaction:?}"), "[redacted]");
    }
}
