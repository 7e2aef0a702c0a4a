//! How much of what a program writes is kept?
//!
//! Knows limits, not meaning.

use std::collections::VecDeque;

/// Keeps everything up to a limit, then refuses.
pub(super) struct Whole {
    kept: Vec<u8>,
    max_bytes: usize,
}

impl Whole {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { kept: Vec::new(), max_bytes }
    }

    /// Adds a chunk; false if it goes beyond the limit, and then it is not kept.
    pub(super) fn add(&mut self, chunk: &[u8]) -> bool {
        let fits = self.kept.len() + chunk.len() <= self.max_bytes;
        if fits {
            self.kept.extend_from_slice(chunk);
        }
        fits
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.kept
    }
}

/// Keeps the begin and the end of what may be endless: the first error and the last one tell most.
pub(super) struct Ends {
    begin: Vec<u8>,
    end: VecDeque<u8>,
    half_bytes: usize,
    is_cut: bool,
}

impl Ends {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { begin: Vec::new(), end: VecDeque::new(), half_bytes: max_bytes / 2, is_cut: false }
    }

    pub(super) fn add(&mut self, chunk: &[u8]) {
        let room = self.half_bytes - self.begin.len();
        let (first, rest) = chunk.split_at(room.min(chunk.len()));
        self.begin.extend_from_slice(first);
        self.end.extend(rest);
        let excess = self.end.len().saturating_sub(self.half_bytes);
        if excess > 0 {
            self.end.drain(..excess);
            self.is_cut = true;
        }
    }

    /// Returns the text; where something is missing, the line `[…]` stands in its place.
    pub(super) fn into_text(self) -> String {
        let mut bytes = self.begin;
        if self.is_cut {
            bytes.extend_from_slice("\n[…]\n".as_bytes());
        }
        bytes.extend(self.end);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_beyond_its_limit_is_refused() {
        let mut whole = Whole::new(4);
        assert!(whole.add(b"abc"));
        assert!(whole.add(b"d"));
        assert!(!whole.add(b"e"));
        assert_eq!(whole.into_bytes(), b"abcd");
    }

    #[test]
    fn an_endless_error_output_keeps_its_begin_and_its_end() {
        let text = |chunks: &[&str]| {
            let mut ends = Ends::new(8);
            for chunk in chunks {
                ends.add(chunk.as_bytes());
            }
            ends.into_text()
        };
        assert_eq!(text(&["abcdefgh"]), "abcdefgh");
        assert_eq!(text(&["abc", "def", "gh"]), "abcdefgh");
        assert_eq!(text(&["abcdefghi"]), "abcd\n[…]\nfghi");
        assert_eq!(text(&["a", "bcdefghij", "k", "lm"]), "abcd\n[…]\njklm");
    }
}
