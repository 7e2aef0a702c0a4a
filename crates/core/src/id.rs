//! What is a thing called, and how is it told apart from every other thing?
//!
//! Names come from other people's systems: they may hold any byte. Nothing here knows what is named.

use std::borrow::Cow;
use std::fmt;

/// A name as a source gave it: any bytes, most often UTF-8.
///
/// Printing it with `{}` gives the text with everything escaped that could move a cursor, ring a bell or reverse the
/// reading direction; [`Name::text`] gives the text as it is, for formats that escape on their own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Takes the bytes as they are.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }

    /// Returns the bytes as the source gave them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the bytes in hexadecimal if [`Name::text`] could not show them, else `None`.
    pub fn hex_if_lossy(&self) -> Option<String> {
        match std::str::from_utf8(&self.0) {
            Ok(_) => None,
            Err(_) => Some(hexadecimal(&self.0)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(half.into(), 16));
        }
    }
    text
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.text()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// Shows third-party text on a terminal: control characters, line breaks and characters that change the reading
/// direction or are invisible stand as escapes such as `\u{1b}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                _ if is_deceptive(character) => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                _ => fmt::Write::write_char(f, character)?,
            }
        }
        Ok(())
    }
}

/// True for control characters (C0, DEL, C1), bidirectional controls, line separators and invisible marks.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Which configured source: the first part of every subject, such as `datto-xml` or `acme`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(Box<str>);

/// Why a text is no [`SourceId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source name {0:?} is not made of letters, digits, '.', '_' and '-' (1 to 64 of them)")]
pub struct InvalidSourceId(String);

impl SourceId {
    /// The name of the source that we are ourselves; no other source may have it.
    pub const OURSELVES: &str = "lastgood";

    /// True for the source that we are ourselves.
    pub fn is_ourselves(&self) -> bool {
        self.as_str() == Self::OURSELVES
    }

    /// Reads a source name: 1 to 64 ASCII letters, digits, `.`, `_` or `-`, so that it never needs escaping.
    pub fn new(text: &str) -> Result<Self, InvalidSourceId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
            return Err(InvalidSourceId(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a subject is recognised by from look to look: its source, within it its repository, within that its asset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId {
    /// The source.
    pub source: SourceId,
    /// The key of the repository; `None` for the source itself.
    pub repository: Option<Name>,
    /// The key of the asset; `None` for a source or a repository.
    pub asset: Option<Name>,
}

impl SubjectId {
    /// Returns `source`, `source/repository` or `source/repository/asset`, names as they are.
    pub fn path(&self) -> String {
        let names = [&self.repository, &self.asset].into_iter().flatten();
        names.fold(self.source.to_string(), |path, name| format!("{path}/{}", name.text()))
    }

    /// Returns the place it stands in: the repository of an asset, the source of a repository, nothing for a source.
    pub fn place(&self) -> Option<Self> {
        let repository = self.repository.as_ref().filter(|_| self.asset.is_some());
        self.repository.as_ref()?;
        Some(Self { source: self.source.clone(), repository: repository.cloned(), asset: None })
    }
}

/// A [`SubjectId`] that owns nothing: made for each of 100 000 subjects, it costs no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectRef<'a> {
    /// The source.
    pub source: &'a SourceId,
    /// The key of the repository; `None` for the source itself.
    pub repository: Option<&'a Name>,
    /// The key of the asset; `None` for a source or a repository.
    pub asset: Option<&'a Name>,
}

impl<'a> From<&'a SubjectId> for SubjectRef<'a> {
    fn from(id: &'a SubjectId) -> Self {
        Self { source: &id.source, repository: id.repository.as_ref(), asset: id.asset.as_ref() }
    }
}

impl From<SubjectRef<'_>> for SubjectId {
    fn from(id: SubjectRef<'_>) -> Self {
        Self { source: id.source.clone(), repository: id.repository.cloned(), asset: id.asset.cloned() }
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        let names = [&self.repository, &self.asset];
        names.into_iter().flatten().try_for_each(|name| write!(f, "/{name}"))
    }
}

/// The permanent id of a check, such as `behind_offsite`: config key, database value, metric label and docs anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckId(&'static str);

impl CheckId {
    /// Names a check; done once, in the file of that check.
    pub const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// Returns the id as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_on_a_terminal_cannot_move_the_cursor_or_turn_the_text() {
        let name = Name::new("a\u{1b}[2Jb\nc\u{202e}d\u{200b}");
        assert_eq!(name.to_string(), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{200b}");
        assert_eq!(Name::new("Müller & Söhne 漢").to_string(), "Müller & Söhne 漢");
    }

    #[test]
    fn a_name_that_is_not_utf8_keeps_its_bytes() {
        let name = Name::new(b"\xe4b");
        assert_eq!(name.text(), "\u{fffd}b");
        assert_eq!(name.hex_if_lossy().as_deref(), Some("e462"));
        assert_eq!(Name::new("ab").hex_if_lossy(), None);
        assert_ne!(Name::new(b"\xe4"), Name::new(b"\xe5"));
    }

    #[test]
    fn a_source_name_never_needs_escaping() {
        assert!(SourceId::new("acme-2.eu_x").is_ok_and(|id| !id.is_ourselves()));
        assert!(SourceId::new(SourceId::OURSELVES).is_ok_and(|id| id.is_ourselves()));
        for wrong in ["", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert!(SourceId::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
