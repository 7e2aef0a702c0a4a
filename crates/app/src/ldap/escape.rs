//! How does text stand in a filter and in a name, and when are two names the same?
//!
//! Knows RFC 4515 (filters) and RFC 4514 (names), no schema: every attribute is compared without case.

use std::fmt::Write;

/// Writes text as a value of a filter, so that no letter of it can end the value (RFC 4515, 3).
pub fn filter_value(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'*' | b'(' | b')' | b'\\' | 0..0x20 | 0x7f.. => escape(&mut out, byte),
            _ => out.push(char::from(byte)),
        }
    }
    out
}

/// Writes text as a value in a name, so that no letter of it can end the value (RFC 4514, 2.4).
pub fn dn_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (place, letter) in text.chars().enumerate() {
        let at_edge = (place == 0 && matches!(letter, ' ' | '#')) || (place == last && letter == ' ');
        match letter {
            '\0'..='\x1f' | '\x7f' => escape(&mut out, u8::try_from(letter).unwrap_or_default()),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => out.extend(['\\', letter]),
            _ if at_edge => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out
}

fn escape(out: &mut String, byte: u8) {
    write!(out, "\\{byte:02x}").expect("a string takes everything");
}

/// True for a filter (RFC 4515).
pub fn is_filter(text: &str) -> bool {
    text.starts_with('(') && ldap3::parse_filter(text).is_ok()
}

/// True for the name of an attribute, or its number (RFC 4512, 1.4).
pub fn is_attribute(text: &str) -> bool {
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_arc = |arc: &str| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
    is_name || (text.contains('.') && text.split('.').all(is_arc))
}

/// True for a name of an entry (RFC 4514) that is not empty; it does not ask whether values are escaped as they should.
pub fn is_dn(text: &str) -> bool {
    let is_pair = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(attribute, value)| is_attribute(attribute.trim()) && !value.is_empty())
    };
    split(text, b",;").into_iter().all(|part| split(part, b"+").into_iter().all(is_pair))
}

/// Writes a name so that equal names are equal texts: without case, without spaces that mean nothing, every escape
/// resolved and written again in one way. What is no name stays itself, in lower case.
pub fn normalised_dn(dn: &str) -> String {
    let mut out = String::with_capacity(dn.len());
    for (number, part) in split(dn, b",;").into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        for (number, pair) in split(part, b"+").into_iter().enumerate() {
            if number > 0 {
                out.push('+');
            }
            match pair.split_once('=') {
                Some((attribute, value)) => {
                    out.push_str(&attribute.trim().to_lowercase());
                    out.push('=');
                    out.push_str(&dn_value(&squeezed(&unescaped(trimmed(value)).to_lowercase())));
                }
                None => out.push_str(&pair.trim().to_lowercase()),
            }
        }
    }
    out
}

/// The values of the first part of a name, each as [`normalised_value`] writes it.
pub fn rdn_values(dn: &str) -> Vec<String> {
    let rdn = split(dn, b",;").first().copied().unwrap_or_default();
    let value =
        |pair: &str| pair.split_once('=').map(|(_, value)| normalised_value(&unescaped(trimmed(value))));
    split(rdn, b"+").into_iter().filter_map(value).collect()
}

/// Writes a value so that equal values are equal texts: without case, without spaces that mean nothing.
pub fn normalised_value(value: &str) -> String {
    squeezed(&value.to_lowercase())
}

/// Splits at separators that are not escaped.
fn split<'a>(text: &'a str, separators: &[u8]) -> Vec<&'a str> {
    let (mut parts, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        if is_escaped {
            is_escaped = false;
        } else if byte == b'\\' {
            is_escaped = true;
        } else if separators.contains(&byte) {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Cuts the spaces around a value, but for one at its end that is escaped.
fn trimmed(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let cut = value.trim_end_matches(' ');
    let backslashes = cut.len() - cut.trim_end_matches('\\').len();
    if backslashes % 2 == 1 && cut.len() < value.len() { &value[..=cut.len()] } else { cut }
}

fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let hexadecimal = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(value) = hexadecimal.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            bytes.push(value);
            rest = &rest[2..];
        } else {
            bytes.extend(rest.first());
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Several spaces are one (RFC 4518, 2.6.1), those at the edges none.
fn squeezed(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("3723707", "3723707")]
    #[case("*)(uid=*", "\\2a\\29\\28uid=\\2a")]
    #[case("a\\b\0c\n", "a\\5cb\\00c\\0a")]
    #[case("ü", "\\c3\\bc")]
    #[case("", "")]
    fn text_cannot_leave_its_place_in_a_filter(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(filter_value(text.as_bytes()), escaped);
        assert!(ldap3::parse_filter(format!("(uid={escaped}x)")).is_ok());
    }

    #[rstest]
    #[case("4000000", "4000000")]
    #[case("a,ou=x", "a\\,ou\\=x")]
    #[case(" a ", "\\ a\\ ")]
    #[case(" ", "\\ ")]
    #[case("#a#", "\\#a#")]
    #[case("a+b\"c\\<>;", "a\\+b\\\"c\\\\\\<\\>\\;")]
    #[case("a\nb", "a\\0ab")]
    #[case("ü", "ü")]
    fn text_cannot_leave_its_place_in_a_name(#[case] text: &str, #[case] escaped: &str) {
        assert_eq!(dn_value(text), escaped);
    }

    #[rstest]
    #[case("dc=example,dc=org", true)]
    #[case("o=stepping-stone, c=ch", true)]
    #[case("cn=a\\,b+uid=1,dc=x", true)]
    #[case("0.9.2342.19200300.100.1.25=x", true)]
    #[case("", false)]
    #[case("example.org", false)]
    #[case("dc=example,", false)]
    #[case("dc=,dc=x", false)]
    #[case("d c=x", false)]
    fn a_name_is_made_of_pairs(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_dn(text), is);
    }

    #[rstest]
    #[case("(objectClass=sstBackup)", true)]
    #[case("(&(a=b)(!(c=*)))", true)]
    #[case("objectClass=sstBackup", false)]
    #[case("(a=b", false)]
    #[case("", false)]
    fn a_filter_stands_in_brackets(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_filter(text), is);
    }

    #[rstest]
    #[case("mail", true)]
    #[case("x-mail2", true)]
    #[case("1.2.3", true)]
    #[case("2mail", false)]
    #[case("1.", false)]
    #[case("7", false)]
    #[case("a)(b", false)]
    #[case("mail;lang-de", false)]
    #[case("", false)]
    fn an_attribute_is_a_word_or_a_number(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_attribute(text), is);
    }

    #[rstest]
    #[case("uid=1,ou=People,dc=X", "UID=1, ou = people ,DC=x", true)]
    #[case("ou=a  b,dc=x", "ou=A b,dc=x", true)]
    #[case("ou=a\\2cb,dc=x", "ou=a\\,b,dc=x", true)]
    #[case("ou=a\\,b,dc=x", "ou=a,ou=b,dc=x", false)]
    #[case("ou=a;dc=x", "ou=a,dc=x", true)]
    #[case("uid=1+cn=b,dc=x", "uid=1 + CN=b,dc=x", true)]
    #[case("uid=1,dc=x", "uid=2,dc=x", false)]
    #[case("uid=a\\ ,dc=x", "uid=a,dc=x", true)]
    #[case("ou=\\C3\\BC,dc=x", "ou=ü,dc=x", true)]
    #[case("uid=1,dc=x", "uid=1,dc=x,", false)]
    #[case("no name", "No Name", true)]
    #[case("uid=a\\", "uid=a", true)]
    fn names_are_the_same_however_they_are_written(
        #[case] one: &str,
        #[case] other: &str,
        #[case] same: bool,
    ) {
        assert_eq!(normalised_dn(one) == normalised_dn(other), same);
    }
}
