//! How are entries of a directory written as text, and read back? LDIF (RFC 2849) as slapadd, ldapmodify and ldapsearch
//! take and give it. Knows no schema and no tree.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An entry: its name, and its attributes with their values in order. An attribute may stand several times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Distinguished name.
    pub dn: String,
    /// Attributes and values, of which no value need be UTF-8.
    pub attributes: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), attributes: Vec::new() }
    }

    /// Adds a value behind those the attribute has: slapadd wants the values of an attribute together.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl AsRef<[u8]>) -> Self {
        let is_named = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case(attribute);
        let end = self.attributes.iter().rposition(is_named).map_or(self.attributes.len(), |last| last + 1);
        self.attributes.insert(end, (attribute.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds several values.
    #[must_use]
    pub fn with_all(self, attribute: &str, values: &[&str]) -> Self {
        values.iter().fold(self, |entry, value| entry.with(attribute, value))
    }

    /// Takes every value of an attribute away.
    #[must_use]
    pub fn without(mut self, attribute: &str) -> Self {
        self.attributes.retain(|(name, _)| !name.eq_ignore_ascii_case(attribute));
        self
    }

    /// Puts these values in the place of all the attribute had; none takes it away.
    #[must_use]
    pub fn set(self, attribute: &str, values: &[&str]) -> Self {
        self.without(attribute).with_all(attribute, values)
    }

    /// The values of an attribute that are UTF-8, in order.
    pub fn values(&self, attribute: &str) -> Vec<&str> {
        let named = self.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
        named.filter_map(|(_, value)| str::from_utf8(value).ok()).collect()
    }

    /// The first value of an attribute that is UTF-8.
    pub fn value(&self, attribute: &str) -> Option<&str> {
        self.values(attribute).first().copied()
    }

    /// Writes the entry, with the empty line that ends it.
    pub fn write(&self, ldif: &mut String) {
        write_line(ldif, "dn", self.dn.as_bytes());
        for (attribute, value) in &self.attributes {
            write_line(ldif, attribute, value);
        }
        ldif.push('\n');
    }
}

/// Writes entries one after the other.
pub fn write<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let mut ldif = String::new();
    for entry in entries {
        entry.write(&mut ldif);
    }
    ldif
}

/// Reads the entries of LDIF that is as this module or `ldapsearch -LLL` writes it; comments and lines that are no
/// `name: value` are passed over. A value that is not base64 though it says so is read as empty.
pub fn read(ldif: &str) -> Vec<Entry> {
    let unfolded = ldif.replace("\r\n", "\n").replace("\n ", "");
    let mut entries: Vec<Entry> = Vec::new();
    for line in unfolded.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let value = match rest.strip_prefix(':') {
            Some(encoded) => STANDARD.decode(encoded.trim()).unwrap_or_default(),
            None => rest.trim_start().as_bytes().to_vec(),
        };
        if name == "dn" {
            entries.push(Entry::new(String::from_utf8_lossy(&value)));
        } else if let Some(entry) = entries.last_mut() {
            entry.attributes.push((name.to_owned(), value));
        }
    }
    entries
}

/// Writes a text as one value of a distinguished name (RFC 4514), such as the uid of a person.
pub fn dn_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (offset, character) in text.char_indices() {
        let is_end = offset == 0 || offset + character.len_utf8() == text.len();
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => escaped.extend(['\\', character]),
            ' ' if is_end => escaped.push_str("\\ "),
            '#' if offset == 0 => escaped.push_str("\\#"),
            _ if character.is_control() => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    write!(escaped, "\\{byte:02x}").expect("a string takes all text");
                }
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn write_line(ldif: &mut String, name: &str, value: &[u8]) {
    ldif.push_str(name);
    match str::from_utf8(value) {
        Ok(text) if is_plain(text) => ldif.extend([": ", text]),
        _ => {
            ldif.push_str(":: ");
            STANDARD.encode_string(value, ldif);
        }
    }
    ldif.push('\n');
}

/// Whether a value may stand as it is: ASCII without NUL and line ends, beginning with no space, colon or `<`. A space at
/// the end may, but some readers trim it.
fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    text.bytes().all(is_safe) && !text.starts_with([' ', ':', '<']) && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_only_plain_text_stands_as_it_is() {
        let table: [(&[u8], &str); 9] = [
            (b"plain text: with a colon", "cn: plain text: with a colon"),
            (b"", "cn: "),
            (b" leading", "cn:: IGxlYWRpbmc="),
            (b"trailing ", "cn:: dHJhaWxpbmcg"),
            (b":colon", "cn:: OmNvbG9u"),
            (b"<url", "cn:: PHVybA=="),
            (b"two\nlines", "cn:: dHdvCmxpbmVz"),
            ("Zürich".as_bytes(), "cn:: WsO8cmljaA=="),
            (b"\xff", "cn:: /w=="),
        ];
        for (value, line) in table {
            let entry = Entry::new("cn=a").with("cn", value);
            let ldif = write([&entry]);
            assert_eq!(ldif, format!("dn: cn=a\n{line}\n\n"));
            assert_eq!(read(&ldif), [entry]);
        }
    }

    #[test]
    fn folded_lines_and_comments_are_understood() {
        let entries = read("# one\ndn: cn=a,\n dc=b\ncn: a\n b\n\ndn:: Y249Yw==\n");
        assert_eq!(entries, [Entry::new("cn=a,dc=b").with("cn", "ab"), Entry::new("cn=c")]);
    }

    #[test]
    fn values_are_set_added_and_taken_away_whatever_the_case_of_the_name() {
        let entry = Entry::new("cn=a").with_all("mail", &["a", "b"]).with("sn", "c");
        assert_eq!(entry.values("MAIL"), ["a", "b"]);
        let names: Vec<String> =
            entry.clone().with("mail", "e").attributes.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["mail", "mail", "mail", "sn"]);
        assert_eq!(entry.clone().set("Mail", &["d"]).value("mail"), Some("d"));
        assert_eq!(entry.without("MAIL").value("mail"), None);
    }

    #[test]
    fn what_has_a_meaning_in_a_name_is_escaped() {
        let table = [
            ("4000002", "4000002"),
            ("a,b+c=d", "a\\,b\\+c\\=d"),
            (" a b ", "\\ a b\\ "),
            ("#1#", "\\#1#"),
            ("a\nb", "a\\0ab"),
            ("ü", "ü"),
        ];
        for (text, escaped) in table {
            assert_eq!(dn_value(text), escaped);
        }
    }
}
