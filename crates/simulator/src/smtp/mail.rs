//! What does a mail say to its reader? Enough of MIME (RFC 2045 to 2047) to show the mails of a program: headers over
//! several lines, words beyond ASCII, the plain text among several parts. What it does not understand it shows as it is.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How deep parts may lie within parts.
const DEPTH_MAX: usize = 8;

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address of its envelope that bounces go to; empty where none is wanted.
    pub from: String,
    /// The addresses of its envelope, in the order they were named.
    pub to: Vec<String>,
    /// Headers and body, with lines that end in CR LF, dots as they were meant.
    pub raw: Vec<u8>,
}

impl Mail {
    /// The first header of this name, its lines put together and its encoded words decoded; `None` without one.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw);
        header(split(&text).0, name).map(|value| words(&value))
    }

    /// Its first plain text, decoded, lines ending in LF; `None` where every part is something else.
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw);
        plain(&text, DEPTH_MAX).map(|text| text.replace("\r\n", "\n"))
    }
}

/// Headers and body.
fn split(part: &str) -> (&str, &str) {
    // A part without headers begins with the empty line.
    part.strip_prefix("\r\n")
        .map_or_else(|| part.split_once("\r\n\r\n").unwrap_or((part, "")), |body| ("", body))
}

fn header(headers: &str, name: &str) -> Option<String> {
    let mut lines = headers.split("\r\n").skip_while(|line| {
        let named = line.split_once(':').map(|(named, _)| named.trim_end());
        !named.is_some_and(|named| named.eq_ignore_ascii_case(name))
    });
    let mut value = lines.next()?.split_once(':')?.1.trim().to_owned();
    for more in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push(' ');
        value.push_str(more.trim());
    }
    Some(value)
}

fn plain(part: &str, depth: usize) -> Option<String> {
    let (headers, body) = split(part);
    let content_type = header(headers, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let kind = content_type.to_ascii_lowercase();
    if kind.starts_with("text/plain") {
        let encoding = header(headers, "Content-Transfer-Encoding").unwrap_or_default();
        return Some(decoded(body, &encoding));
    }
    let boundary = kind.starts_with("multipart/").then(|| parameter(&content_type, "boundary")).flatten()?;
    let depth = depth.checked_sub(1)?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter may stand at the very beginning; what follows the last one begins with two hyphens.
    let body = format!("\r\n{body}");
    let parts = body.split(delimiter.as_str()).skip(1).take_while(|part| !part.starts_with("--"));
    parts.filter_map(|part| part.split_once("\r\n")).find_map(|(_, part)| plain(part, depth))
}

/// A parameter such as `boundary="abc"`, without its quotes.
fn parameter(content_type: &str, name: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (named, value) = parameter.trim().split_once('=')?;
        named.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn decoded(body: &str, encoding: &str) -> String {
    let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let letters: String = body.split_ascii_whitespace().collect();
            STANDARD.decode(letters).map_or(Cow::Borrowed(body.as_bytes()), Cow::Owned)
        }
        "quoted-printable" => Cow::Owned(quoted_printable(body, false)),
        _ => Cow::Borrowed(body.as_bytes()),
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes `=C3=A4`, and `=` at the end of a line that goes on; in a word of a header `_` is a space.
fn quoted_printable(text: &str, is_word: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        match (first, more) {
            (b'=', [b'\r', b'\n', after @ ..]) => rest = after,
            (b'=', [high, low, after @ ..]) => {
                let digit =
                    |letter: &u8| char::from(*letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(high << 4 | low);
                        rest = after;
                    }
                    _ => bytes.push(b'='),
                }
            }
            (b'_', _) if is_word => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    bytes
}

/// Decodes the encoded words of a header, such as `=?utf-8?b?w6Q=?=`; white space between two of them does not count.
fn words(value: &str) -> String {
    let mut said = String::with_capacity(value.len());
    let (mut rest, mut was_encoded) = (value, false);
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let Some((bytes, after)) = word(from) else {
            said.push_str(before);
            said.push_str("=?");
            (rest, was_encoded) = (&from[2..], false);
            continue;
        };
        if !(was_encoded && before.trim().is_empty()) {
            said.push_str(before);
        }
        said.push_str(&String::from_utf8_lossy(&bytes));
        (rest, was_encoded) = (after, true);
    }
    said + rest
}

/// The bytes of the encoded word that `text` begins with, and what comes after it. Only UTF-8 and ASCII are known.
fn word(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut fields = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let (letters, after) = rest.split_once("?=")?;
    let is_known = ["utf-8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known));
    let bytes = match encoding {
        "b" | "B" => STANDARD.decode(letters).ok()?,
        "q" | "Q" => quoted_printable(letters, true),
        _ => return None,
    };
    is_known.then_some((bytes, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail { from: String::new(), to: Vec::new(), raw: raw.replace('\n', "\r\n").into_bytes() }
    }

    #[test]
    fn the_plain_text_is_found_among_the_parts_and_decoded() {
        let letter = mail(
            "Subject: BAD\nContent-Type: multipart/alternative;\n boundary=\"x y\"\n\nnot for you\n--x y\n\
             Content-Type: text/html\n\n<b>no</b>\n--x y\nContent-Type: multipart/mixed; boundary=z\n\n--z\n\
             content-type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
             Z=C3=BCrich is =\nbad, 1 =3D 1, =ZZ\n--z--\n--x y--\n",
        );
        assert_eq!(letter.text().as_deref(), Some("Zürich is bad, 1 = 1, =ZZ"));
        let base64 = mail("Content-Transfer-Encoding: BASE64\n\nWsO8\ncmljaA==\n");
        assert_eq!(base64.text().as_deref(), Some("Zürich"));
        assert_eq!(mail("Content-Type: text/html\n\n<b>x</b>").text(), None);
        assert_eq!(mail("\nno headers").text().as_deref(), Some("no headers"));
    }

    #[test]
    fn parts_are_followed_only_so_deep() {
        let nested = |depth: usize| {
            let opened =
                |level| format!("Content-Type: multipart/mixed; boundary=b{level}.\n\n--b{level}.\n");
            let parts: String = (0..depth).map(opened).collect();
            mail(&format!("{parts}\nfound"))
        };
        assert_eq!(nested(DEPTH_MAX).text().as_deref(), Some("found"));
        assert_eq!(nested(DEPTH_MAX + 1).text(), None);
    }

    #[test]
    fn a_header_over_several_lines_is_one_and_its_words_are_decoded() {
        let letter = mail(
            "X-Subject: no\nsubject : =?utf-8?b?w6Q=?=\n =?UTF-8?q?_=C3=B6?= and =?iso-8859-1?q?=E4?=\n more\nTo: a\n\nSubject: no",
        );
        assert_eq!(letter.header("Subject").as_deref(), Some("ä ö and =?iso-8859-1?q?=E4?= more"));
        assert_eq!(letter.header("to").as_deref(), Some("a"));
        assert_eq!(letter.header("From"), None);
    }
}
