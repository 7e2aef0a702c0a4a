//! What of a Rust file is code, what is comment or text, and which part of it is a test?
//!
//! Knows only as much of Rust as blanking needs; it does not know which rules look at the result. Blanked text
//! keeps its line breaks and its length in bytes: an offset found here is an offset in the file.

use std::ops::Range;

/// The text with everything but code blanked: comments, strings and character literals.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (length, is_code) = next_piece(rest);
        let (piece, after) = rest.split_at(length);
        if is_code {
            code.push_str(piece);
        } else {
            code.push_str(&blank(piece));
        }
        rest = after;
    }
    code
}

/// Blanked code without its tests: every item below `#[cfg(test)]` is blanked, too.
pub(super) fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    for range in test_items(code) {
        let blanked = blank(&code[range.clone()]);
        kept.replace_range(range, &blanked);
    }
    kept
}

/// Where blanked code holds items below `#[cfg(test)]`: each from its attribute to its closing brace or semicolon.
pub(super) fn test_items(code: &str) -> Vec<Range<usize>> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, _) in code.match_indices(ATTRIBUTE) {
        let inside_the_last = ranges.last().is_some_and(|last| start < last.end);
        if !inside_the_last {
            let body = start + ATTRIBUTE.len();
            ranges.push(start..body + item_length(&code[body..]));
        }
    }
    ranges
}

/// The number of the line that holds the byte at `offset`, counted from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// The identifiers of blanked code with their offsets; keywords are identifiers here.
pub(super) fn identifiers(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = code[at..].find(is_word) {
        let start = at + step;
        let length = word_length(&code[start..]);
        found.push((start, &code[start..start + length]));
        at = start + length;
    }
    found
}

/// The length of the block in braces that `code` begins with, braces included; the rest where it never closes.
pub(super) fn block_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    code.len()
}

pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn item_length(code: &str) -> usize {
    match code.find(['{', ';']) {
        Some(end) if code[end..].starts_with('{') => end + block_length(&code[end..]),
        Some(end) => end + 1,
        None => code.len(),
    }
}

/// As many bytes as before, all of them spaces except the line breaks.
pub(super) fn blank(piece: &str) -> String {
    piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The length of the piece that `rest` begins with, and whether it is code.
fn next_piece(rest: &str) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment_length(rest), false);
    }
    if let Some(length) = raw_string_length(rest) {
        return (length, false);
    }
    if rest.starts_with('"') {
        return (quoted_length(rest, '"'), false);
    }
    if rest.starts_with('\'') {
        return character_length(rest).map_or((1, true), |length| (length, false));
    }
    // A whole word at once, so that the `r` of `for"` never passes for the start of a raw string.
    (word_length(rest).max(rest.chars().next().map_or(1, char::len_utf8)), true)
}

fn word_length(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    })?;
    let opening = rest[prefix.len()..].find('"')? + prefix.len();
    let closing = format!("\"{}", &rest[prefix.len()..opening]);
    let body = opening + 1;
    Some(rest[body..].find(&closing).map_or(rest.len(), |end| body + end + closing.len()))
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        if !escaped && character == quote {
            return offset + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    rest.len()
}

/// The length of a character literal; `None` where the quote begins a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let mut inside = rest.chars().skip(1);
    let (first, second) = (inside.next()?, inside.next()?);
    (first == '\\' || second == '\'').then(|| quoted_length(rest, '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"x("a\"b", 'c')"#, "x(      ,    )"),
            (r"let q = '\''; y", "let q =     ; y"),
            ("r#\"a\"b\"# z", "         z"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("'{' ok", "    ok"),
            ("for r in b\"x\" {", "for r in b    {"),
            ("\"a\nb\" c", "  \n   c"),
            ("r#fn()", "r#fn()"),
            ("\"ü\"é", "    é"),
        ] {
            assert_eq!(code_only(text), code, "of {text}");
        }
    }

    #[test]
    fn items_below_cfg_test_are_blanked() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x;\n";
        assert_eq!(
            without_tests(code).split_whitespace().collect::<Vec<_>>(),
            ["fn", "a()", "{}", "fn", "c()", "{}"]
        );
        assert_eq!(without_tests(code).lines().count(), code.lines().count());
    }

    #[test]
    fn identifiers_know_where_they_stand() {
        assert_eq!(identifiers("fn a_1(b)"), [(0, "fn"), (3, "a_1"), (7, "b")]);
    }
}
