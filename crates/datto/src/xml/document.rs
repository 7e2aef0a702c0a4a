//! How do the bytes of a feed become clean UTF-8 text, within bounds?
//!
//! Feeds come packed or plain, in several encodings, with control characters no XML may hold and bytes that are no
//! text. This reader unpacks, decodes and cleans while streaming; it does not know what the text says.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;

use crate::look::DOCUMENT_MAX_BYTES;

/// How many bytes are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// How many bytes one tag, text or comment may have: the free text of a screenshot has a few thousand.
pub(super) const TOKEN_MAX_BYTES: u64 = 1024 * 1024;

/// How far into a document its encoding may be declared.
const DECLARATION_MAX_BYTES: usize = 256;

/// Why reading stopped before the end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The document is larger than [`DOCUMENT_MAX_BYTES`].
    TooLarge,
    /// One tag, text or comment is larger than [`TOKEN_MAX_BYTES`].
    TokenTooLarge,
    /// The bytes could not be had, or not be unpacked.
    Broken(String),
}

/// A document as clean UTF-8 text: no byte order mark, no control characters besides tab and line breaks, every
/// sequence that is no UTF-8 replaced by U+FFFD.
pub(super) struct Document<'r> {
    inner: Box<dyn Read + 'r>,
    /// Clean text; what lies before `position` is consumed.
    clean: Vec<u8>,
    position: usize,
    /// Raw bytes; up to three at its start may be left of the block before, a character cut in two.
    raw: Vec<u8>,
    left: usize,
    ended: bool,
    /// Line breaks in the first `counted` bytes of `clean` and all text before it.
    lines: u64,
    counted: usize,
    bytes_before: u64,
    token_start: u64,
    /// How many unpacked bytes may still come, those that are dropped included.
    allowed: u64,
    stop: Option<Stop>,
}

impl<'r> Document<'r> {
    /// Opens a document: unpacks gzip and finds out the encoding by what its first bytes are.
    pub(super) fn open(reader: impl BufRead + 'r) -> Self {
        match Self::unpack(reader) {
            Ok(inner) => Self::new(inner, None),
            Err(error) => Self::new(Box::new(io::empty()), Some(Stop::Broken(error.to_string()))),
        }
    }

    fn new(inner: Box<dyn Read + 'r>, stop: Option<Stop>) -> Self {
        Self {
            inner,
            clean: Vec::with_capacity(BLOCK_BYTES),
            position: 0,
            raw: vec![0; BLOCK_BYTES],
            left: 0,
            ended: stop.is_some(),
            lines: 0,
            counted: 0,
            bytes_before: 0,
            token_start: 0,
            allowed: DOCUMENT_MAX_BYTES,
            stop,
        }
    }

    fn unpack(mut reader: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
        let packed = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        if packed { decode(Box::new(MultiGzDecoder::new(reader))) } else { decode(Box::new(reader)) }
    }

    /// Returns the line of what was consumed last, counted from 1.
    pub(super) fn line(&mut self) -> u64 {
        self.count_to(self.position);
        1 + self.lines
    }

    fn count_to(&mut self, position: usize) {
        self.lines += memchr::memchr_iter(b'\n', &self.clean[self.counted..position]).count() as u64;
        self.counted = position;
    }

    /// Notes that a token ended here: the next one may again have [`TOKEN_MAX_BYTES`].
    pub(super) fn end_token(&mut self) {
        self.token_start = self.bytes_before + self.position as u64;
    }

    /// Returns why reading stopped before the end, if it did.
    pub(super) fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// True if nothing more comes.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.position == self.clean.len()
    }

    /// Takes back the end of what was consumed last, to give it again. A token that was too large is forgiven then.
    pub(super) fn unread(&mut self, text: &[u8]) {
        self.count_to(self.position);
        self.lines -= memchr::memchr_iter(b'\n', text).count() as u64;
        self.bytes_before = self.bytes_before + self.position as u64 - text.len() as u64;
        self.clean.splice(..self.position, text.iter().copied());
        (self.position, self.counted) = (0, 0);
        if matches!(self.stop, Some(Stop::TokenTooLarge)) {
            (self.stop, self.ended) = (None, false);
        }
    }

    /// Makes the next block of clean text.
    #[cold]
    fn refill(&mut self) -> io::Result<()> {
        self.count_to(self.clean.len());
        self.counted = 0;
        self.bytes_before += self.clean.len() as u64;
        self.clean.clear();
        self.position = 0;
        if self.bytes_before - self.token_start > TOKEN_MAX_BYTES {
            return self.halt(Stop::TokenTooLarge);
        }
        while self.clean.is_empty() && !self.ended {
            match self.inner.read(&mut self.raw[self.left..]) {
                Ok(0) => self.finish(),
                Ok(count) => {
                    let Some(allowed) = self.allowed.checked_sub(count as u64) else {
                        return self.halt(Stop::TooLarge);
                    };
                    self.allowed = allowed;
                    self.take(self.left + count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.halt(Stop::Broken(error.to_string())),
            }
        }
        Ok(())
    }

    fn halt(&mut self, stop: Stop) -> io::Result<()> {
        self.ended = true;
        self.stop = Some(stop);
        Err(io::Error::other("stopped"))
    }

    /// Cleans the first `length` raw bytes; a character cut in two at their end waits for the next block.
    fn take(&mut self, length: usize) {
        let mut rest = &self.raw[..length];
        loop {
            match simdutf8::compat::from_utf8(rest) {
                Ok(text) => {
                    push_clean(&mut self.clean, text.as_bytes());
                    self.left = 0;
                    return;
                }
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    push_clean(&mut self.clean, valid);
                    let Some(wrong) = error.error_len() else {
                        self.left = behind.len();
                        self.raw.copy_within(length - self.left..length, 0);
                        return;
                    };
                    self.clean.extend_from_slice("\u{fffd}".as_bytes());
                    rest = &behind[wrong..];
                }
            }
        }
    }

    fn finish(&mut self) {
        self.ended = true;
        if self.left > 0 {
            self.clean.extend_from_slice("\u{fffd}".as_bytes());
            self.left = 0;
        }
    }
}

impl Read for Document<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Document<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.clean.len() && !self.ended {
            self.refill()?;
        }
        Ok(&self.clean[self.position..])
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.position += count;
    }
}

/// Writes every line break as a line feed, as XML 1.0 section 2.11 wants it: a name is the same however a document was
/// written.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// How many bytes are looked through at once for control characters: few enough that one of them costs little.
const SPAN_BYTES: usize = 512;

/// Appends a text without its control characters.
fn push_clean(clean: &mut Vec<u8>, text: &[u8]) {
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    for span in text.chunks(SPAN_BYTES) {
        // Looking at every byte without a branch is what the compiler turns into vector instructions.
        if span.iter().fold(false, |found, &byte| found | is_control(byte)) {
            clean.extend(span.iter().copied().filter(|&byte| !is_control(byte)));
        } else {
            clean.extend_from_slice(span);
        }
    }
}

/// Turns other encodings into UTF-8: by byte order mark, by the zero bytes of UTF-16 without one, else by declaration.
fn decode<'r>(reader: Box<dyn Read + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    let mut reader = BufReader::with_capacity(BLOCK_BYTES, reader);
    let start = reader.fill_buf()?;
    let encoding = match start {
        [0xef, 0xbb, 0xbf, ..] => {
            reader.consume(3);
            return Ok(Box::new(reader));
        }
        [0xff, 0xfe, ..] | [b'<', 0, ..] => encoding_rs("utf-16le"),
        [0xfe, 0xff, ..] | [0, b'<', ..] => encoding_rs("utf-16be"),
        _ => declared(start),
    };
    let Some(encoding) = encoding else { return Ok(Box::new(reader)) };
    let decoder = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(reader);
    Ok(Box::new(decoder))
}

type Encoding = &'static encoding_rs::Encoding;

fn encoding_rs(label: &str) -> Option<Encoding> {
    encoding_rs::Encoding::for_label(label.as_bytes())
}

/// Finds a declared encoding that is not UTF-8. A declared UTF-16 is not believed: the declaration was readable here.
fn declared(start: &[u8]) -> Option<Encoding> {
    let start = &start[..start.len().min(DECLARATION_MAX_BYTES)];
    let text = String::from_utf8_lossy(start);
    let declaration = text.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let label = value[1..].split(quote).next()?;
    let believed = |encoding: &Encoding| encoding.is_ascii_compatible() && *encoding != encoding_rs::UTF_8;
    encoding_rs(label).filter(believed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        Document::open(bytes).read_to_string(&mut text).expect("clean text");
        text
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_becomes_the_same_text() {
        let text = "<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>Müller</a>";
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect();
        assert_eq!(read(&latin), text);
        let plain = "<a>Müller 漢</a>";
        assert_eq!(read(plain.as_bytes()), plain);
        assert_eq!(read(format!("\u{feff}{plain}").as_bytes()), plain);
        for little in [true, false] {
            assert_eq!(read(&utf16(&format!("\u{feff}{plain}"), little)), plain, "with a mark");
            assert_eq!(read(&utf16(plain, little)), plain, "without a mark");
        }
        let lying = "<?xml version='1.0' encoding='UTF-16'?><a>Müller</a>";
        assert_eq!(read(lying.as_bytes()), lying);
        let unknown = "<?xml version='1.0' encoding='klingon'?><a>Müller</a>";
        assert_eq!(read(unknown.as_bytes()), unknown);
    }

    #[test]
    fn control_characters_and_broken_utf8_do_not_get_through() {
        assert_eq!(read(b"a\x00b\x0cc\x1fd\te\r\nf"), "abcd\te\r\nf");
        assert_eq!(read(b"M\xfcller\xc3"), "M\u{fffd}ller\u{fffd}");
    }

    #[test]
    fn a_character_cut_in_two_by_a_block_stays_whole() {
        let text = format!("{}{}", "x".repeat(BLOCK_BYTES - 1), "ü漢😀".repeat(40_000));
        assert_eq!(read(text.as_bytes()), text);
    }

    #[test]
    fn a_packed_document_is_unpacked_and_a_broken_one_is_said() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"<a>text</a>").expect("memory");
        let bytes = packer.finish().expect("memory");
        assert_eq!(read(&bytes), "<a>text</a>");
        let mut cut = Document::open(&bytes[..bytes.len() - 9]);
        assert!(cut.read_to_string(&mut String::new()).is_err());
        assert!(matches!(cut.stop(), Some(Stop::Broken(_))));
    }

    #[test]
    fn a_token_without_end_is_not_kept() {
        let endless = io::repeat(b'x').take(3 * TOKEN_MAX_BYTES);
        let mut document = Document::open(BufReader::new(endless));
        assert!(document.read_to_string(&mut String::new()).is_err());
        assert!(matches!(document.stop(), Some(Stop::TokenTooLarge)));
    }

    #[rstest::rstest]
    #[case::text("x", 1000, true)]
    #[case::more_text("x", 1001, false)]
    #[case::dropped("\u{c}", 1000, true)]
    #[case::more_that_is_dropped("\u{c}", 1001, false)]
    fn every_byte_counts_also_one_that_is_dropped(
        #[case] text: &str,
        #[case] count: usize,
        #[case] fits: bool,
    ) {
        let bytes = text.repeat(count);
        for packed in [false, true] {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(bytes.as_bytes()).expect("memory");
            let bytes = if packed { packer.finish().expect("memory") } else { bytes.clone().into_bytes() };
            let mut document = Document::open(&*bytes);
            document.allowed = 1000;
            assert_eq!(document.read_to_string(&mut String::new()).is_ok(), fits, "packed: {packed}");
            assert_eq!(matches!(document.stop(), Some(Stop::TooLarge)), !fits, "packed: {packed}");
        }
    }

    #[test]
    fn lines_are_counted_across_blocks() {
        let text = "line\n".repeat(40_000);
        let mut document = Document::open(text.as_bytes());
        document.read_exact(&mut vec![0; 5 * 30_000 - 1]).expect("enough text");
        assert_eq!(document.line(), 30_000);
        document.read_exact(&mut [0]).expect("enough text");
        assert_eq!(document.line(), 30_001);
    }
}
