//! Which words of a problem are ours, and which are those of a program?
//!
//! A password may be a word of our own sentences: taken out of them it would garble them, and whoever knows the sentence
//! would know the password. So secrets are taken out of what came from outside only.

use super::Redaction;
use crate::program::quoted;

/// Why something could not be had, in words of two origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sources) struct Reason(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Ours(String),
    Theirs(String),
}

impl<T: Into<String>> From<T> for Reason {
    fn from(ours: T) -> Self {
        Self(vec![Part::Ours(ours.into())])
    }
}

impl Reason {
    /// Quotes what a program said behind it.
    pub(in crate::sources) fn quoting(mut self, theirs: &str) -> Self {
        self.0.push(Part::Theirs(theirs.to_owned()));
        self
    }

    /// Goes on in our words.
    pub(in crate::sources) fn then(mut self, ours: &str) -> Self {
        self.0.push(Part::Ours(ours.to_owned()));
        self
    }

    /// Begins in our words.
    pub(in crate::sources) fn behind(mut self, ours: &str) -> Self {
        self.0.insert(0, Part::Ours(ours.to_owned()));
        self
    }

    /// Says it without secrets: they are taken out before anything is cut, so that no half of one is left.
    pub(in crate::sources) fn said(&self, redaction: &Redaction) -> String {
        let words = self.0.iter().map(|part| match part {
            Part::Ours(text) => text.clone(),
            Part::Theirs(text) => quoted(&redaction.text(text)),
        });
        words.collect()
    }

    /// Says it with secrets, which only a test has reason to.
    #[cfg(test)]
    pub(in crate::sources) fn plain(&self) -> String {
        self.said(&Redaction::new(None, "", &std::iter::empty::<(&str, &str)>().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_words_are_never_taken_for_a_secret() {
        let redaction = Redaction::new(Some("wrong"), "", &std::iter::empty::<(&str, &str)>().collect());
        let reason =
            Reason::from("wrong password; restic says ").quoting("all wrong").then("; what is wrong?");
        let said = reason.behind("wrong: ").said(&redaction);
        assert_eq!(said, "wrong: wrong password; restic says \"all [redacted]\"; what is wrong?");
    }

    #[test]
    fn no_half_of_a_secret_is_left_at_the_cut() {
        let redaction = Redaction::new(Some("geheimnis"), "", &std::iter::empty::<(&str, &str)>().collect());
        let said = Reason::from("").quoting(&format!("{}geheimnis", "x".repeat(295))).said(&redaction);
        assert!(!said.contains("geh"), "{said}");
    }
}
