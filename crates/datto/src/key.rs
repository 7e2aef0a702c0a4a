//! How are the keys of the portal held so that no output, log or error can carry them?
//!
//! Both types print `[redacted]`; what they hold is handed out by a method named `expose` and by nothing else.

use std::fmt;

/// What stands in every output in the place of a key.
pub const REDACTED: &str = "[redacted]";

/// Why a text is no key; never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing stands there.
    #[error("the key is empty; copy it from the portal, under Admin > Integrations")]
    Empty,
    /// A line break, a tab or something else that no key has.
    #[error("the key holds a line break or another control character; copy it again, on one line")]
    ControlCharacter,
    /// A colon in a public key, where HTTP Basic ends the user name.
    #[error("the public key holds a colon; give the public and the secret key on their own")]
    Colon,
}

/// The key of the XML feeds: the only secret of a request, part of its address.
#[derive(Clone)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// Takes a key without the white space around it: the last line break of a file is no part of it.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        accept(text).map(Self)
    }

    /// Returns the key itself, to be sent and never to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REDACTED)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REDACTED)
    }
}

/// The key pair of the REST API: the user and the password of HTTP Basic.
#[derive(Clone)]
pub struct KeyPair {
    public: Box<str>,
    secret: Box<str>,
}

impl KeyPair {
    /// Takes both keys, each without the white space around it.
    pub fn new(public: &str, secret: &str) -> Result<Self, InvalidKey> {
        let public = accept(public)?;
        if public.contains(':') {
            return Err(InvalidKey::Colon);
        }
        Ok(Self { public, secret: accept(secret)? })
    }

    /// Returns the public key itself.
    pub fn expose_public(&self) -> &str {
        &self.public
    }

    /// Returns the secret key itself, to be sent and never to be shown.
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Display for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REDACTED)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REDACTED)
    }
}

fn accept(text: &str) -> Result<Box<str>, InvalidKey> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidKey::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidKey::ControlCharacter);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_without_the_white_space_around_it() {
        assert_eq!(ApiKey::new(" abc\r\n").map(|key| key.expose().to_owned()), Ok("abc".to_owned()));
        let pair = KeyPair::new("user\n", "\tpass word ").unwrap();
        assert_eq!((pair.expose_public(), pair.expose_secret()), ("user", "pass word"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(ApiKey::new(" \n").unwrap_err(), InvalidKey::Empty);
        for text in ["a\nb", "a\u{0}b", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(ApiKey::new(text).unwrap_err(), InvalidKey::ControlCharacter, "{text:?}");
        }
        assert_eq!(KeyPair::new("", "b").unwrap_err(), InvalidKey::Empty);
        assert_eq!(KeyPair::new("a", "").unwrap_err(), InvalidKey::Empty);
        assert_eq!(KeyPair::new("a:b", "c").unwrap_err(), InvalidKey::Colon);
    }

    #[test]
    fn no_output_shows_a_key() {
        let key = ApiKey::new("geheim").unwrap();
        let pair = KeyPair::new("benutzer", "geheim").unwrap();
        let shown = format!("{key} {key:?} {key:#?} {pair} {pair:?} {pair:#?}");
        assert_eq!(shown, [REDACTED; 6].join(" "));
    }
}
