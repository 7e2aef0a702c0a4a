//! How is the token of a bot held, so that no log and no error can carry it?
//!
//! A token is a UUID and stands in the query of every request. It must not know where it is sent.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The token of a bot: prints as `[redacted]`, is handed out only by [`Token::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

/// Why there is no token; holds nothing of what was found instead.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It is no UUID.
    #[error(
        "the token of a bot is a UUID (8-4-4-4-12 hexadecimal digits), and this is none; copy it from the bot's page \
         in Grafolean"
    )]
    NotAUuid,
    /// The file could not be read.
    #[error("the token file {path} could not be read; give its path and let this user read it")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the token file {0} must hold the token of a bot, a UUID, and nothing else")]
    NotAToken(PathBuf),
}

/// The largest token file, in bytes: anything larger is another file.
const FILE_MAX_BYTES: u64 = 4096;

impl Token {
    /// Takes the text without surrounding white space; it must be a UUID.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if is_uuid(text) { Ok(Self(text.into())) } else { Err(TokenError::NotAUuid) }
    }

    /// Reads a file that holds the token and nothing else; a line break at its end is no part of it.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let is_small = bytes.len() as u64 <= FILE_MAX_BYTES;
        let text = std::str::from_utf8(&bytes).ok().filter(|_| is_small);
        Self::new(text.unwrap_or_default()).map_err(|_| TokenError::NotAToken(path.to_owned()))
    }

    /// The token itself, to be sent and never to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text with the token, in any case of letters, blotted out.
    pub(super) fn redact(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let needle = self.0.to_ascii_lowercase();
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for (at, found) in lower.match_indices(&needle) {
            clean.push_str(&text[from..at]);
            clean.push_str("[redacted]");
            from = at + found.len();
        }
        clean.push_str(&text[from..]);
        clean
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";

    #[test]
    fn a_token_is_trimmed_and_never_printed() {
        let token = Token::new(&format!(" {UUID}\r\n")).unwrap();
        assert_eq!(token.expose(), UUID);
        assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
        assert!(Token::new(&UUID.to_uppercase()).is_ok());
    }

    #[test]
    fn what_is_no_uuid_is_refused_and_not_shown() {
        for text in ["", "hunter2", &UUID[1..], &UUID.replace('-', "0"), &format!("{UUID}\nx"), "ü"] {
            let error = Token::new(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_token_file_holds_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let large = format!("{UUID}{}", " ".repeat(5000));
        for (content, is_token) in [
            (format!("{UUID}\n"), true),
            (String::new(), false),
            (format!("{UUID}\n{UUID}"), false),
            (large, false),
        ] {
            std::fs::write(&path, &content).unwrap();
            let read = Token::from_file(&path);
            assert_eq!(read.is_ok(), is_token, "{content:?}");
            assert!(!format!("{read:?}").contains("24b1"));
        }
        assert!(matches!(Token::from_file(&folder.path().join("none")), Err(TokenError::Unreadable { .. })));
    }

    #[test]
    fn a_token_is_blotted_out_wherever_it_stands() {
        let token = Token::new(UUID).unwrap();
        let text = format!("ü GET /?b={} and {UUID}", UUID.to_uppercase());
        assert_eq!(token.redact(&text), "ü GET /?b=[redacted] and [redacted]");
        assert_eq!(token.redact("nothing"), "nothing");
    }
}
