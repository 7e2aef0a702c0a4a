//! How does the backend read a JSON body? As Python does: `NaN`, `Infinity` and `-Infinity` are numbers, integers have
//! any length, of two equal keys the last wins. Knows nothing of values and paths.

/// A document, numbers as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The literal as it stood there.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How deep a document may be nested; Python gives up near 1000.
const DEPTH_MAX: usize = 990;

/// Reads a document; `None` for whatever Python raises an exception on.
pub(super) fn parse(bytes: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    let document = reader.value()?;
    reader.skip_space();
    (reader.at == text.len()).then_some(document)
}

impl Json {
    /// The member of an object; `None` if there is none or this is no object.
    pub(super) fn member(&self, key: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(name, _)| name == key).map(|(_, member)| member)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Is it true to Python's `if`?
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(is_true) => *is_true,
            Self::Number(literal) => literal.parse::<f64>() != Ok(0.0),
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(members) => !members.is_empty(),
        }
    }

    /// As Python's `str` writes it.
    pub(super) fn python_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => self.repr(),
        }
    }

    fn repr(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Number(literal) => literal.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::List(items) => format!("[{}]", joined(items.iter().map(Self::repr))),
            Self::Object(members) => {
                let pairs = members.iter().map(|(name, member)| format!("'{name}': {}", member.repr()));
                format!("{{{}}}", joined(pairs))
            }
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes this text if it comes next.
    fn take(&mut self, expected: &str) -> Option<()> {
        self.rest().starts_with(expected).then(|| self.at += expected.len())
    }

    fn value(&mut self) -> Option<Json> {
        self.skip_space();
        match self.peek()? {
            b'n' => self.take("null").map(|()| Json::Null),
            b't' => self.take("true").map(|()| Json::Bool(true)),
            b'f' => self.take("false").map(|()| Json::Bool(false)),
            b'"' => self.text().map(Json::Text),
            b'[' => self.nested(Self::list),
            b'{' => self.nested(Self::object),
            _ => self.number(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Json>) -> Option<Json> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Option<Json> {
        let mut items = Vec::new();
        self.skip_space();
        if self.take("]").is_some() {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take("]").is_some() {
                return Some(Json::List(items));
            }
            self.take(",")?;
        }
    }

    fn object(&mut self) -> Option<Json> {
        let mut members = Vec::new();
        self.skip_space();
        if self.take("}").is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.text()?;
            self.skip_space();
            self.take(":")?;
            members.push((name, self.value()?));
            self.skip_space();
            if self.take("}").is_some() {
                return Some(Json::Object(members));
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        for special in ["NaN", "Infinity", "-Infinity"] {
            if self.take(special).is_some() {
                return Some(Json::Number(special.to_owned()));
            }
        }
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.take("0").is_none() {
            self.digits()?;
        }
        let whole = self.at;
        if self.take(".").is_some() && self.digits().is_none() {
            // A point without digits belongs to what follows, which is then a mistake.
            self.at = whole;
        }
        let mantissa = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits().is_none() {
                self.at = mantissa;
            }
        }
        Some(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let plain = self.rest().find(|letter: char| letter == '"' || letter == '\\' || letter < ' ')?;
            text.push_str(&self.rest()[..plain]);
            self.at += plain;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(text);
                }
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let letter = *self.text.as_bytes().get(self.at + 1)?;
        self.at += 2;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return None,
        })
    }

    /// A half of a surrogate pair alone is read by Python and cannot be stored: here it is a mistake at once.
    fn code_point(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        self.take("\\u")?;
        let second = self.four_digits()?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + second)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_python_reads_it() {
        for (text, repr) in [
            ("[1, -0, 1e3, 0.5E-2, 18446744073709551615]", "[1, -0, 1e3, 0.5E-2, 18446744073709551615]"),
            ("[NaN,Infinity,-Infinity]", "[NaN, Infinity, -Infinity]"),
            (r#"{"a":{"b":[]},"c":"d"}"#, "{'a': {'b': []}, 'c': 'd'}"),
            (" [true,false,null] ", "[True, False, None]"),
            (r#"["\u00e9\ud83d\ude00\n\/"]"#, "['é😀\n/']"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().python_text(), repr, "{text}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let texts = [
            "",
            "garbage",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "\"\n\"",
            "\"\\x\"",
            "[] []",
            "nan",
            "\u{feff}[]",
            "\"\\ud800\"",
            "'a'",
        ];
        for text in texts {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse(b"\"\xff\""), None);
        assert_eq!(parse("[".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn of_two_equal_keys_the_last_wins() {
        let object = parse(br#"{"p":1,"p":2}"#).unwrap();
        assert_eq!(object.member("p"), Some(&Json::Number("2".to_owned())));
    }
}
