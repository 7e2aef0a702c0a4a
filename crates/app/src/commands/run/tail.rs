//! Which end of what a command wrote is kept?
//!
//! Both streams go in as they come. However much that is, only the end is held. It does not know who reads it.

use std::collections::VecDeque;

/// How much of an output is reported, in bytes: a screen or two, and little enough to store for every run.
pub(super) const MAX_BYTES: usize = 10_000;

/// How many lines of an output are reported.
pub(super) const MAX_LINES: usize = 100;

/// The line that stands where the begin is missing.
const CUT: &str = "[…]\n";

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    /// Adds what was written next.
    pub(super) fn add(&mut self, chunk: &[u8]) {
        let kept = &chunk[chunk.len().saturating_sub(MAX_BYTES)..];
        let excess = (self.bytes.len() + kept.len()).saturating_sub(MAX_BYTES);
        self.is_cut |= excess > 0 || kept.len() < chunk.len();
        self.bytes.drain(..excess);
        self.bytes.extend(kept);
    }

    /// Returns the last lines as text; bytes that are none become U+FFFD. Where something is missing before them, the line
    /// `[…]` says so.
    pub(super) fn text(&self) -> String {
        let mut bytes: Vec<u8> = self.bytes.iter().copied().collect();
        if self.is_cut {
            // The rest of a character whose begin is cut away.
            let rest = bytes.iter().take(3).take_while(|&&byte| byte & 0b1100_0000 == 0b1000_0000).count();
            bytes.drain(..rest);
        }
        let text = String::from_utf8_lossy(&bytes);
        let begin = begin_of_last_lines(&text);
        let last = end_within(&text[begin..]);
        if self.is_cut || last.len() < text.len() { format!("{CUT}{last}") } else { last.to_owned() }
    }
}

/// Where the last [`MAX_LINES`] lines begin.
fn begin_of_last_lines(text: &str) -> usize {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.rmatch_indices('\n').nth(MAX_LINES - 1).map_or(0, |(at, _)| at + 1)
}

/// The end of a text that is not longer than [`MAX_BYTES`]: bytes that are no text have grown.
fn end_within(text: &str) -> &str {
    let mut begin = text.len().saturating_sub(MAX_BYTES);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    &text[begin..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(chunks: &[&[u8]]) -> String {
        let mut tail = Tail::default();
        for chunk in chunks {
            tail.add(chunk);
        }
        tail.text()
    }

    #[test]
    fn a_short_output_is_kept_whole() {
        assert_eq!(text_of(&[]), "");
        assert_eq!(text_of(&[b"a\nb", b"c\n"]), "a\nbc\n");
    }

    #[test]
    fn only_the_last_hundred_lines_are_kept() {
        let lines = |count: usize| (0..count).fold(String::new(), |text, number| format!("{text}{number}\n"));
        assert_eq!(text_of(&[lines(100).as_bytes()]), lines(100));
        let text = text_of(&[lines(101).as_bytes()]);
        assert!(text.starts_with("[…]\n1\n") && text.ends_with("\n100\n"), "{text}");
        let open = format!("{}open", lines(99));
        assert_eq!(text_of(&[open.as_bytes()]), open);
        let text = text_of(&[lines(100).as_bytes(), b"open"]);
        assert!(text.starts_with("[…]\n1\n") && text.ends_with("99\nopen"), "{text}");
    }

    #[test]
    fn only_the_last_bytes_are_kept_whatever_their_pieces() {
        let exact = vec![b'x'; MAX_BYTES];
        assert_eq!(text_of(&[&exact]).len(), MAX_BYTES);
        assert_eq!(text_of(&[b"a", &exact]), format!("[…]\n{}", "x".repeat(MAX_BYTES)));
        assert_eq!(text_of(&[&exact, b"b"]), format!("[…]\n{}b", "x".repeat(MAX_BYTES - 1)));
        assert_eq!(text_of(&[&vec![b'x'; MAX_BYTES + 1]]), format!("[…]\n{}", "x".repeat(MAX_BYTES)));
    }

    #[test]
    fn a_character_is_never_cut_and_bytes_that_are_no_text_do_not_grow_beyond_the_limit() {
        let text = text_of(&["€".repeat(MAX_BYTES).as_bytes()]);
        assert!(text.trim_start_matches("[…]\n").chars().all(|character| character == '€'), "{text}");
        let text = text_of(&[&vec![0xff; 3 * MAX_BYTES]]);
        assert!(text.len() <= MAX_BYTES + CUT.len(), "{}", text.len());
    }
}
