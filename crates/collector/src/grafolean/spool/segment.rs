//! How does one piece of a spool lie on disk?
//!
//! A segment is a text file that only grows: one value a line, each with a checksum, so that a line cut by a crash is
//! told from a whole one and its neighbours stay readable.
//!
//! ```text
//! 7d18af3503498736 1600000000 1.5 a.b
//! checksum         instant    number path
//! ```
//!
//! It must not know the order of segments, nor what was sent.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher13;

use crate::clock::Second;
use crate::grafolean::value::Value;

/// One piece of the spool of an account.
pub(super) struct Segment {
    /// Its place among the segments of its account; never used twice.
    pub(super) number: u64,
    /// How many bytes were appended.
    pub(super) length: u64,
    /// How many values in it wait.
    pub(super) waiting_count: u64,
    body: Body,
}

enum Body {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl Segment {
    /// A segment in a file.
    pub(super) fn in_file(number: u64, path: PathBuf) -> Self {
        Self { number, length: 0, waiting_count: 0, body: Body::File(path) }
    }

    /// A segment that ends with the program.
    pub(super) fn in_memory(number: u64) -> Self {
        Self { number, length: 0, waiting_count: 0, body: Body::Memory(Vec::new()) }
    }

    /// True if it ends with the program.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.body, Body::Memory(_))
    }

    /// Appends whole lines. After an error nothing more may be appended: a part of them may stand in the file where not
    /// even that could be undone.
    pub(super) fn append(&mut self, lines: &[u8], count: u64) -> io::Result<()> {
        match &mut self.body {
            Body::Memory(bytes) => bytes.extend_from_slice(lines),
            Body::File(path) => {
                let mut file = private().append(true).open(&*path)?;
                if let Err(error) = file.write_all(lines) {
                    undo(&file, path, self.length);
                    return Err(error);
                }
            }
        }
        self.length += lines.len() as u64;
        self.waiting_count += count;
        Ok(())
    }

    /// Everything from an offset on.
    pub(super) fn read_from(&self, offset: u64) -> io::Result<Vec<u8>> {
        match &self.body {
            Body::Memory(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes[offset..].to_vec())
            }
            Body::File(path) => {
                let mut file = fs::File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                let mut bytes = Vec::new();
                file.take(self.length.saturating_sub(offset)).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Deletes it.
    pub(super) fn remove(self) {
        if let Body::File(path) = self.body
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!("a spent part of the spool, {}, could not be deleted: {error}", path.display());
        }
    }
}

/// Leaves nothing of a write that failed, so that a restart finds no damage: the values are kept in memory instead.
fn undo(file: &fs::File, path: &Path, length: u64) {
    let undone = if length == 0 { fs::remove_file(path) } else { file.set_len(length) };
    if let Err(error) = undone {
        tracing::debug!("a part of a line stays in {}: {error}", path.display());
    }
}

/// Opens files that nobody else may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a value as a line.
pub(super) fn encode(value: &Value, lines: &mut Vec<u8>) {
    let content = format!("{} {:?} {}", value.at(), value.number(), value.path());
    lines.extend_from_slice(sealed(&content).as_bytes());
}

/// A line with its checksum.
pub(super) fn sealed(content: &str) -> String {
    let mut line = String::with_capacity(content.len() + 18);
    // Writing to a text cannot fail.
    let _ = writeln!(line, "{:016x} {content}", checksum(content.as_bytes()));
    line
}

/// What stands in a line of [`sealed`] without its line break, if it is whole.
pub(super) fn unsealed(line: &[u8]) -> Option<&str> {
    let (sum, content) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let is_whole = sum.len() == 16 && u64::from_str_radix(sum, 16) == Ok(checksum(content.as_bytes()));
    is_whole.then_some(content)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Reads lines: for each its value, or `None` where it is damaged, and its length with its line break.
pub(super) fn decode(bytes: &[u8]) -> impl Iterator<Item = (Option<Value>, u64)> + '_ {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let value = line.strip_suffix(b"\n").and_then(unsealed).and_then(value_of);
        (value, line.len() as u64)
    })
}

fn value_of(content: &str) -> Option<Value> {
    let mut parts = content.splitn(3, ' ');
    let at = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    Value::new(parts.next()?, number, Second(at)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(path: &str, number: f64, at: i64) -> Vec<u8> {
        let mut lines = Vec::new();
        encode(&Value::new(path, number, Second(at)).unwrap(), &mut lines);
        lines
    }

    #[test]
    fn the_format_is_a_promise_to_the_next_version() {
        assert_eq!(
            String::from_utf8(line("a.b", 1.5, 1_600_000_000)).unwrap(),
            "7d18af3503498736 1600000000 1.5 a.b\n"
        );
    }

    #[test]
    fn a_line_that_is_cut_or_altered_is_damaged_and_its_neighbours_are_not() {
        let (first, second) = (line("a", 1.0, 1), line("b", 2.0, 2));
        for cut in 0..first.len() {
            let torn = [&first[..cut], b"\n", &second].concat();
            let read: Vec<_> = decode(&torn).map(|(value, _)| value.is_some()).collect();
            assert_eq!(read.last(), Some(&true), "{cut}");
            assert_eq!(read.len() == 2 && read[0], cut == first.len() - 1, "{cut}");
            assert!(decode(&first[..cut]).all(|(value, _)| value.is_none()), "{cut}");
        }
        let mut altered = first.clone();
        altered[20] ^= 1;
        assert!(decode(&altered).all(|(value, _)| value.is_none()));
    }

    #[test]
    fn what_was_put_into_a_spool_by_hand_is_no_way_round_the_rules() {
        for content in
            ["1 NaN a", "1 inf a", "1 1.0 a b", "1 1.0 system.x", "999999999999999 1.0 a", "1 1.0", ""]
        {
            assert!(decode(sealed(content).as_bytes()).all(|(value, _)| value.is_none()), "{content}");
        }
    }

    #[test]
    fn a_write_that_failed_halfway_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.values");
        let mut segment = Segment::in_file(1, path.clone());
        segment.append(&line("a", 1.0, 1), 1).unwrap();
        let mut file = private().append(true).open(&path).unwrap();
        file.write_all(&line("b", 2.0, 2)[..20]).unwrap();
        undo(&file, &path, segment.length);
        assert_eq!(fs::read(&path).unwrap(), line("a", 1.0, 1));
        undo(&file, &path, 0);
        assert!(!path.exists());
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_it_was(number in any::<f64>(), at in -62_135_596_800_i64..=253_402_300_799) {
            prop_assume!(number.is_finite());
            let (value, _) = decode(&line("a.b-c_d%2e", number, at)).next().unwrap();
            let value = value.unwrap();
            prop_assert_eq!(value.number().to_bits(), number.to_bits());
            prop_assert_eq!((value.at(), value.path()), (Second(at), "a.b-c_d%2e"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let length: u64 = decode(&bytes).map(|(_, length)| length).sum();
            prop_assert_eq!(length, bytes.len() as u64);
        }
    }
}
