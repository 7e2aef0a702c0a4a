//! How is JSON made safe to look at, without changing a value?
//!
//! JSON has to escape control characters below U+0020 only. The others that could steer a terminal or turn its text
//! (U+007F to U+009F, bidirectional controls, invisible marks) are written as `\u202e` here, which reads back as the same.

use std::io::{self, Write};

use lastgood_core::id::Escaped;

/// Writes JSON on, deceptive characters as escapes. Outside its strings JSON is plain ASCII, so that what stands here
/// beyond it stands in a string.
pub(super) struct Plain<'o>(pub(super) &'o mut dyn Write);

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nearly all that is written are a few plain bytes.
        if bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) {
            self.0.write_all(bytes)?;
            return Ok(bytes.len());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text)?,
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Plain<'_> {
    fn text(&mut self, text: &str) -> io::Result<()> {
        for character in text.chars() {
            if is_shown(character) {
                write!(self.0, "{character}")?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(self.0, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// True if the core shows the character as it is; line breaks are those of the layout.
fn is_shown(character: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    character == '\n' || Escaped(text).to_string() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_escaped_and_read_back_as_they_were() {
        let value = "a\u{7f}\u{9b}2J \u{202e}gpj\u{e0041} \u{1b}[2J\n ä 漢 😀";
        let mut out = Vec::new();
        serde_json::to_writer_pretty(Plain(&mut out), &[value]).expect("a vector takes all");
        let text = String::from_utf8(out).expect("only text was written");
        let expected = r"a\u007f\u009b2J \u202egpj\udb40\udc41 \u001b[2J\n ä 漢 😀";
        assert_eq!(text, format!("[\n  \"{expected}\"\n]"));
        let read: Vec<String> = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read, [value]);
    }
}
