//! What does a link in a message let its holder do, and until when?
//!
//! A link names one message, the role of its reader and its end, signed with HMAC-SHA256: whoever holds it may do what it
//! says, without signing in. It is a secret of its reader: nothing here logs it. What the acts are stands in [`acts`].

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use lastgood_core::recipient::Role;
use ring::hmac;

use crate::secret::{SecretError, SecretFrom};

pub mod acts;

/// How long a link works.
pub const LASTS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Where the page of a link stands below the public URL.
pub const PATH: &str = "/act/";

/// The shortest key that signs, in bytes: as many as its signature has.
pub const KEY_MIN_BYTES: usize = 32;

/// The longest token that is looked at, in bytes.
const TOKEN_MAX_BYTES: usize = 512;

/// The first byte of every token; another one is another layout.
const VERSION: u8 = 1;

/// Version, role, the second the link ends with, and how long the key of the message is: so a link that was copied in part
/// is known as such.
const HEAD_BYTES: usize = 1 + 1 + 8 + 1;

/// The bytes of a signature.
const SIGNATURE_BYTES: usize = 32;

/// Signed before the rest, so that the same key can sign other things without one passing for the other.
const PURPOSE: &[u8] = b"lastgood link\0";

/// Makes links and reads them.
#[derive(Clone)]
pub struct Links {
    public_url: Box<str>,
    key: hmac::Key,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The message it stands in.
    pub message_key: String,
    /// What its reader may do.
    pub role: Role,
    /// From this instant on it does not work any more.
    pub expires_at: Timestamp,
}

/// Why a link does not work, in words for who followed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is none of ours, or a part of it is missing.
    #[error("This link is not complete. Copy all of it from the message, up to its end.")]
    Malformed,
    /// It was not signed with our key.
    #[error("This link was not made here, or was changed on its way. Follow the one in the message itself.")]
    Forged,
    /// Its time is over.
    #[error("This link worked until {0}. Follow the one in a newer message.")]
    Expired(Timestamp),
}

/// Why links cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeyError {
    /// The file cannot be read.
    #[error("the key that signs links was not read")]
    Unread(#[source] SecretError),
    /// Somebody could try all keys.
    #[error(
        "the key that signs links has {0} bytes and needs at least {KEY_MIN_BYTES}; make one with: openssl rand -base64 48"
    )]
    Short(usize),
}

impl Links {
    /// Takes how the world reaches us, such as `https://backup.example.org`, and the key that signs.
    pub fn new(public_url: &str, key: &[u8]) -> Result<Self, LinkKeyError> {
        if key.len() < KEY_MIN_BYTES {
            return Err(LinkKeyError::Short(key.len()));
        }
        let public_url = public_url.trim_end_matches('/').into();
        Ok(Self { public_url, key: hmac::Key::new(hmac::HMAC_SHA256, key) })
    }

    /// Takes the key from the only line of a file.
    pub fn from_file(public_url: &str, key_file: &Path) -> Result<Self, LinkKeyError> {
        let key = SecretFrom::File(key_file.to_owned()).read().map_err(LinkKeyError::Unread)?;
        Self::new(public_url, key.expose().as_bytes())
    }

    /// Returns the whole URL of a link. The same arguments give the same link. The key of a message has 64 bytes at most.
    pub fn sign(&self, message_key: &str, role: Role, expires_at: Timestamp) -> String {
        let mut token = Vec::with_capacity(HEAD_BYTES + message_key.len() + SIGNATURE_BYTES);
        token.extend([VERSION, write(role)]);
        token.extend(expires_at.as_second().to_be_bytes());
        token.push(u8::try_from(message_key.len()).expect("a key of a message has 64 bytes at most"));
        token.extend(message_key.as_bytes());
        let signature = hmac::sign(&self.key, &[PURPOSE, &token].concat());
        token.extend(signature.as_ref());
        format!("{}{PATH}{}", self.public_url, URL_SAFE_NO_PAD.encode(token))
    }

    /// Reads the token of a link, the part behind [`PATH`]. Nothing it says is looked at before its signature holds,
    /// which is compared in the same time wherever it differs.
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Link, LinkError> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(LinkError::Malformed);
        }
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| LinkError::Malformed)?;
        let signed_bytes = token.len().checked_sub(SIGNATURE_BYTES).ok_or(LinkError::Malformed)?;
        let (signed, signature) = token.split_at(signed_bytes);
        let key_bytes = signed.get(HEAD_BYTES - 1).map(|length| usize::from(*length));
        if key_bytes.is_none_or(|length| signed.len() != HEAD_BYTES + length) {
            return Err(LinkError::Malformed);
        }
        hmac::verify(&self.key, &[PURPOSE, signed].concat(), signature).map_err(|_| LinkError::Forged)?;
        let link = read(signed).ok_or(LinkError::Malformed)?;
        if now >= link.expires_at { Err(LinkError::Expired(link.expires_at)) } else { Ok(link) }
    }
}

/// Shows no key.
impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// Reads what [`Links::sign`] wrote, signature taken off; `None` for another version's.
fn read(signed: &[u8]) -> Option<Link> {
    let (head, message_key) = signed.split_at_checked(HEAD_BYTES)?;
    let [version, role, second @ .., _] = head else { return None };
    let second = i64::from_be_bytes(second.try_into().ok()?);
    let message_key = std::str::from_utf8(message_key).ok()?.to_owned();
    let expires_at = Timestamp::from_second(second).ok()?;
    (*version == VERSION).then_some(Link { message_key, role: role_of(*role)?, expires_at })
}

/// How a role stands in a token; never changed.
const fn write(role: Role) -> u8 {
    match role {
        Role::Customer => b'c',
        Role::Reseller => b'r',
        Role::Operator => b'o',
    }
}

fn role_of(byte: u8) -> Option<Role> {
    [Role::Customer, Role::Reseller, Role::Operator].into_iter().find(|role| write(*role) == byte)
}

#[cfg(test)]
mod tests;
