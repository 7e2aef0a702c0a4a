//! Which kinds of things does a source know, and which questions can it answer about each?
//!
//! A source brings these tables as statics; the core compares and lists them, and holds none of its own.

use crate::id::CheckId;

/// What a subject is: something we look at, a place where backups are kept, or something protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectType {
    /// Something we look at.
    Source,
    /// Where backups are kept, with its capacity.
    Repository,
    /// What is protected.
    Asset,
}

impl SubjectType {
    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Repository => "repository",
            Self::Asset => "asset",
        }
    }
}

/// A kind of repository or asset, such as `appliance` or `agent`, as one kind of source knows it.
///
/// Two sources may know the same kind (the same `id`) and be able to answer different checks about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The word used in every output.
    pub id: &'static str,
    /// Repository or asset.
    pub subject: SubjectType,
    /// The checks whose facts this kind of source can state, in the order they are shown. Any other check has no
    /// expectation and no row.
    pub checks: &'static [CheckId],
    /// Defaults that differ from the check's own, by threshold name; `None` is "off".
    pub defaults: &'static [(&'static str, Option<u32>)],
}

/// A kind of source, such as `datto-xml`.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceKind {
    /// The word before the colon of a SOURCE, and the name of a source that was given none.
    pub id: &'static str,
    /// Every kind it can list, in the order they are shown; no two with the same `id` and different `subject`.
    pub kinds: &'static [&'static Kind],
}
