//! What does a directory state about who owns a repository?
//!
//! Entries as they stand there, by the words of our own for their fields. Who is to be told follows from them elsewhere;
//! nothing here knows a kind of directory or what a field means.

/// What an entry is to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The repository's own.
    Account,
    /// Of the person it belongs to.
    Person,
    /// What a reseller wants to hear of.
    Notifications,
    /// How a reseller wants to be seen.
    Settings,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Account, Self::Person, Self::Notifications, Self::Settings];

    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Person => "person",
            Self::Notifications => "notifications",
            Self::Settings => "settings",
        }
    }
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerEntry {
    /// What it is to the repository.
    pub part: Part,
    /// Whose entry it is: the unique id of the account, person or reseller.
    pub whose: Box<str>,
    /// True for the reseller who stands in where none is named, or where one has no such entry.
    pub is_default: bool,
    /// Its name in the directory.
    pub dn: Box<str>,
    /// Its fields that have values, by our words in rising order; the values in rising order, each once. Bytes that are no
    /// UTF-8 are replaced.
    pub fields: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl OwnerEntry {
    /// Returns the values of a field; none where it is not there.
    pub fn values(&self, field: &str) -> &[Box<str>] {
        let found = self.fields.iter().find(|(name, _)| **name == *field);
        found.map_or(&[], |(_, values)| values)
    }

    /// Returns the value of a field with one value, the first of several.
    pub fn value(&self, field: &str) -> Option<&str> {
        self.values(field).first().map(|value| &**value)
    }
}

/// The entries that say who owns a repository. An entry that is named in another one and is not among them does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The entry of the account first.
    pub entries: Vec<OwnerEntry>,
}

impl Ownership {
    /// Returns the first entry that is this part.
    pub fn find(&self, part: Part) -> Option<&OwnerEntry> {
        self.entries.iter().find(|entry| entry.part == part)
    }
}
