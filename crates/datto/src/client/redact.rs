//! How is a secret kept out of everything that is handed on, documents included?
//!
//! A portal can repeat a key in whatever it answers. So bytes are cleaned of it before they are read or written, in
//! every spelling it can have there, also where it is cut in two by a block.

use std::io::{self, Read};
use std::sync::Arc;

use memchr::memmem::Finder;

use super::address::escape;
use crate::key::REDACTED;

/// A shorter key is not looked for in documents: it might be a word or a number that stands there on its own. The
/// portal's keys have 32 characters.
const SOUGHT_MIN_BYTES: usize = 8;

/// How many bytes are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// Finds secrets in any spelling. Cheap to clone.
#[derive(Clone)]
pub(super) struct Secrets {
    texts: Arc<[String]>,
    finders: Arc<[Finder<'static>]>,
    longest: usize,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Secrets {
    /// Takes the secrets as they are sent.
    pub(super) fn new(secrets: &[&str]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for secret in secrets {
            texts.extend([
                (*secret).to_owned(),
                escape(secret),
                quick_xml::escape::escape(*secret).into_owned(),
            ]);
        }
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        let mut spellings: Vec<Vec<u8>> = Vec::new();
        for text in texts.iter().filter(|text| text.len() >= SOUGHT_MIN_BYTES) {
            spellings.push(text.clone().into_bytes());
            spellings.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
            spellings.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        let longest = spellings.iter().map(Vec::len).max().unwrap_or_default();
        let finders = spellings.iter().map(|spelling| Finder::new(spelling).into_owned()).collect();
        Self { texts: texts.into(), finders, longest }
    }

    /// Cleans a text for people, of secrets of any length.
    pub(super) fn redact(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), REDACTED))
    }

    /// Cleans a document that is there as a whole.
    pub(super) fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.finders.iter().all(|finder| finder.find(&bytes).is_none()) {
            return bytes;
        }
        let mut clean = Vec::with_capacity(bytes.len());
        let mut redaction = Redaction::new(self.clone());
        redaction.push(&bytes, &mut clean);
        redaction.finish(&mut clean);
        clean
    }

    /// Cleans a document while it is read.
    pub(super) fn reader<R: Read>(&self, inner: R) -> RedactingReader<R> {
        let redaction = Redaction::new(self.clone());
        RedactingReader {
            inner,
            redaction,
            block: vec![0; BLOCK_BYTES],
            clean: Vec::new(),
            position: 0,
            ended: false,
        }
    }
}

/// Cleans a stream of bytes; holds back as much as could be the beginning of a secret.
struct Redaction {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Redaction {
    fn new(secrets: Secrets) -> Self {
        Self { secrets, held: Vec::new() }
    }

    /// Takes the next bytes and appends to `clean` what is certain.
    fn push(&mut self, bytes: &[u8], clean: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        let certain = self.held.len().saturating_sub(self.secrets.longest.saturating_sub(1));
        self.emit(certain, clean);
    }

    fn finish(&mut self, clean: &mut Vec<u8>) {
        self.emit(self.held.len(), clean);
    }

    /// Hands over everything before `certain`, and a secret that begins there as a whole.
    fn emit(&mut self, certain: usize, clean: &mut Vec<u8>) {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for finder in self.secrets.finders.iter() {
            let length = finder.needle().len();
            found.extend(finder.find_iter(&self.held).map(|start| (start, start + length)));
        }
        found.sort_unstable();
        let mut position = 0;
        for (start, end) in found {
            if start >= certain {
                break;
            }
            if start >= position {
                clean.extend_from_slice(&self.held[position..start]);
                clean.extend_from_slice(REDACTED.as_bytes());
            }
            position = position.max(end);
        }
        if position < certain {
            clean.extend_from_slice(&self.held[position..certain]);
            position = certain;
        }
        self.held.drain(..position);
    }
}

/// A document without secrets, while it is read.
pub(super) struct RedactingReader<R> {
    inner: R,
    redaction: Redaction,
    block: Vec<u8>,
    clean: Vec<u8>,
    position: usize,
    ended: bool,
}

impl<R: Read> Read for RedactingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.clean.len() && !self.ended {
            self.clean.clear();
            self.position = 0;
            match self.inner.read(&mut self.block)? {
                0 => {
                    self.ended = true;
                    self.redaction.finish(&mut self.clean);
                }
                count => self.redaction.push(&self.block[..count], &mut self.clean),
            }
        }
        let count = (&self.clean[self.position..]).read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0aaab/0aaaa&";

    fn through<'d>(secrets: &Secrets, document: &'d [u8], step: usize) -> Vec<u8> {
        let mut read = Vec::new();
        let whole: Box<dyn Read + 'd> = Box::new(io::empty());
        let pieces = document.chunks(step).fold(whole, |before, piece| Box::new(before.chain(piece)));
        secrets.reader(pieces).read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn a_secret_cut_in_two_anywhere_is_redacted_in_every_spelling() {
        let secrets = Secrets::new(&[KEY]);
        let wide: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let spellings = [KEY.as_bytes(), b"0aaab%2F0aaaa%26", b"0aaab/0aaaa&amp;", &wide];
        for spelling in spellings {
            let document = [b"x0aaab".as_slice(), spelling, b"0aaab/0aaaa", spelling, b"0"].concat();
            let expected = b"x0aaab[redacted]0aaab/0aaaa[redacted]0";
            for step in 1..document.len() {
                let read = through(&secrets, &document, step);
                assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(expected), "{step}");
            }
            assert_eq!(secrets.redact_bytes(document), expected);
        }
    }

    #[test]
    fn a_short_key_spoils_no_document_and_stands_in_no_message() {
        let secrets = Secrets::new(&["1"]);
        assert_eq!(secrets.redact_bytes(b"2021".to_vec()), b"2021");
        assert_eq!(secrets.redact("key 1"), "key [redacted]");
    }

    #[test]
    fn an_empty_document_stays_empty() {
        assert_eq!(through(&Secrets::new(&[KEY]), b"", 1), b"");
    }
}
