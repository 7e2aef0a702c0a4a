//! What is told about a run?
//!
//! That it began, and how it ended. It does not know how that travels.

use jiff::Timestamp;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ping {
    /// What happened.
    pub(super) word: Word,
    /// When, by our clock.
    pub(super) at: Timestamp,
    /// Which run: a random UUID that the begin and the end of one have in common; `None` where the system gave no
    /// randomness.
    pub(super) rid: Option<String>,
    /// What is said about it, for people.
    pub(super) body: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The command was started.
    Start,
    /// It ended with this exit status.
    Status(u8),
}

impl Word {
    /// As it stands at the end of the path of a ping.
    pub(super) fn path(self) -> String {
        match self {
            Self::Start => "start".to_owned(),
            Self::Status(code) => code.to_string(),
        }
    }

    /// Reads what [`Word::path`] wrote.
    pub(super) fn read(path: &str) -> Option<Self> {
        if path == "start" { Some(Self::Start) } else { path.parse().ok().map(Self::Status) }
    }

    /// For people.
    pub(super) const fn said(self) -> &'static str {
        match self {
            Self::Start => "begin",
            Self::Status(_) => "outcome",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_was_written() {
        for word in [Word::Start, Word::Status(0), Word::Status(255)] {
            assert_eq!(Word::read(&word.path()), Some(word));
        }
        assert_eq!(Word::read("256"), None);
        assert_eq!(Word::read("../x"), None);
    }
}
