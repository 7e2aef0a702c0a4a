//! Which bytes stood in a text of a program's JSON?
//!
//! JSON is UTF-8, names of files and archives are any bytes. Python writes such a byte as half of a surrogate pair
//! (`"\udcff"`), which most readers refuse: here it becomes the byte it was.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text with any bytes, most often UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sources) struct Text(pub(in crate::sources) Vec<u8>);

impl Text {
    /// Returns the text; bytes that are not UTF-8 become U+FFFD.
    pub(in crate::sources) fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(without_surrogates(bytes)))
    }
}

/// Turns U+DC80 to U+DCFF, which no UTF-8 holds, into the bytes 0x80 to 0xFF they stand for.
fn without_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        if let [0xED, high @ 0xB2..=0xB3, low @ 0x80..=0xBF, after @ ..] = rest {
            plain.push(0x80 + (high - 0xB2) * 64 + (low - 0x80));
            rest = after;
        } else {
            plain.push(first);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_name_survives_its_way_through_json() {
        for (json, bytes) in [
            (r#""web1""#.as_bytes(), b"web1".as_slice()),
            (r#""ü \" \n \u00fc \ud83d\ude00""#.as_bytes(), "ü \" \n ü 😀".as_bytes()),
            (br#""b\udcff\udc80\udce4""#, b"b\xff\x80\xe4"),
            (b"\"\xff\"", b"\xff"),
        ] {
            let text: Text = serde_json::from_slice(json).unwrap();
            assert_eq!(text.0, bytes);
        }
        assert!(serde_json::from_str::<Text>("1").is_err());
        assert!(serde_json::from_str::<Text>("null").is_err());
    }
}
