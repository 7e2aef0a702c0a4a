//! How is a statement written as bytes, and read again?
//!
//! The bytes are ours for ever: a value that was written once must be read the same by every later version. So nothing
//! is derived; every code stands here. It knows neither SQL nor what a statement means.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::observation::Stated;

pub(super) mod history;
pub(super) mod statement;
pub(super) mod words;

/// The first byte of everything that is written; another one is from a newer version.
pub(super) const VERSION: u8 = 1;

/// So many different labels are kept at most: they stem from sources, which have a few dozen.
const LABELS_MAX: usize = 10_000;

/// Bytes that are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub(super) &'static str);

/// Appends a number in as many bytes as it needs.
pub(super) fn number(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7f) as u8);
}

/// Appends the length of something, then come its parts.
pub(super) fn length(out: &mut Vec<u8>, value: usize) {
    number(out, value as u64);
}

/// Appends bytes behind their length.
pub(super) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    length(out, value.len());
    out.extend_from_slice(value);
}

/// Appends an instant, exact to the nanosecond.
pub(super) fn instant(out: &mut Vec<u8>, at: Timestamp) {
    signed(out, at.as_second());
    signed(out, at.subsec_nanosecond().into());
}

/// Small numbers of either sign become small numbers.
pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends something that may be absent.
pub(super) fn optional<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

/// Appends a stated value.
pub(super) fn stated<T>(out: &mut Vec<u8>, value: Stated<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(stated_code(&value));
    if let Stated::Value(value) = value {
        write(out, value);
    }
}

pub(super) const fn stated_code<T>(value: &Stated<T>) -> u8 {
    match value {
        Stated::Missing => 0,
        Stated::Never => 1,
        Stated::Unreadable => 2,
        Stated::Value(_) => 3,
    }
}

/// What is still to be read.
pub(super) struct Reading<'a>(pub(super) &'a [u8]);

impl<'a> Reading<'a> {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        let (first, rest) = self.0.split_first().ok_or(Damage("it ends too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damage> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage("a number has too many bytes"))
    }

    /// A length that can be true: what is counted takes at least a byte each.
    pub(super) fn length(&mut self) -> Result<usize, Damage> {
        let length = usize::try_from(self.number()?).map_err(|_| Damage("a length is too large"))?;
        if length > self.0.len() { Err(Damage("a length reaches beyond the end")) } else { Ok(length) }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.length()?;
        self.take(length)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damage("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damage("a text is not UTF-8"))
    }

    pub(super) fn name(&mut self) -> Result<Name, Damage> {
        self.bytes().map(Name::new)
    }

    pub(super) fn names(&mut self) -> Result<Vec<Name>, Damage> {
        let count = self.length()?;
        (0..count).map(|_| self.name()).collect()
    }

    pub(super) fn label(&mut self) -> Result<&'static str, Damage> {
        interned(self.text()?)
    }

    pub(super) fn instant(&mut self) -> Result<Timestamp, Damage> {
        let second = self.signed()?;
        let nanosecond = i32::try_from(self.signed()?).map_err(|_| Damage("an instant is out of range"))?;
        Timestamp::new(second, nanosecond).map_err(|_| Damage("an instant is out of range"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damage> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(super) fn truth(&mut self) -> Result<bool, Damage> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damage("neither yes nor no")),
        }
    }

    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damage>,
    ) -> Result<Option<T>, Damage> {
        if self.truth()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn stated<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damage>,
    ) -> Result<Stated<T>, Damage> {
        let code = self.byte()?;
        self.stated_as(code, read)
    }

    pub(super) fn stated_as<T>(
        &mut self,
        code: u8,
        read: impl FnOnce(&mut Self) -> Result<T, Damage>,
    ) -> Result<Stated<T>, Damage> {
        match code {
            0 => Ok(Stated::Missing),
            1 => Ok(Stated::Never),
            2 => Ok(Stated::Unreadable),
            3 => read(self).map(Stated::Value),
            _ => Err(Damage("no such way to state a value")),
        }
    }
}

/// Returns the one copy of a label that lives as long as the program: labels stem from sources' code, where they do too.
fn interned(text: &str) -> Result<&'static str, Damage> {
    static LABELS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut labels = LABELS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(label) = labels.get(text) {
        return Ok(label);
    }
    if labels.len() >= LABELS_MAX {
        return Err(Damage("there are more different labels of evidence than any source has"));
    }
    let label: &'static str = Box::leak(text.into());
    labels.insert(label);
    Ok(label)
}
