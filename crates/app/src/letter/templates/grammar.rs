//! What of the syntax of Jinja may stand in a template, so that it cannot use up memory?
//!
//! The library counts steps and not bytes. So whatever puts texts or lists together without being counted is refused
//! before the library sees it (it already reckons with constants while reading), and each piece of text is made to be
//! counted in [`spent`](super::spent). What a variable means it does not know.

use super::spent;

/// The tags there are.
const TAGS: [&str; 10] =
    ["if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro"];

/// Words after which a parenthesis is no call.
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "is", "if", "elif", "else", "set"];

/// What stands there instead of an operator that puts together.
const INSTEAD: &str =
    "is not for templates; write parts one after the other, within {% set name %}…{% endset %} if need be";

/// What may not stand in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// In which line, counted from 1.
    pub(super) line: usize,
    /// What, and what to do.
    pub(super) text: String,
}

/// The template with each piece of text counted; its lines stay what they are.
pub(super) fn counted(source: &str) -> Result<String, Refused> {
    let mut written = String::with_capacity(source.len());
    let mut at = 0;
    let mut is_trimmed = false;
    loop {
        let start = next_start(&source[at..]).map_or(source.len(), |found| at + found);
        if start > at {
            written.push_str(&spent::count_of(start - at, is_trimmed));
            written.push_str(&source[at..start]);
        }
        if start == source.len() {
            return Ok(written);
        }
        let refused =
            |(offset, text): (usize, String)| Refused { line: line_of(source, start + offset), text };
        let length = if source[start..].starts_with("{#") {
            comment(&source[start..])
        } else {
            Tag::read(&source[start..])
        };
        at = start + length.map_err(refused)?;
        is_trimmed = source.as_bytes()[at - 3] == b'-';
        written.push_str(&source[start..at]);
    }
}

fn next_start(text: &str) -> Option<usize> {
    text.as_bytes().windows(2).position(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

fn line_of(source: &str, offset: usize) -> usize {
    source[..offset].matches('\n').count() + 1
}

/// How long a comment is.
fn comment(rest: &str) -> Result<usize, (usize, String)> {
    let end = rest[2..].find("#}").map(|end| end + 4);
    end.ok_or_else(|| (0, "the comment does not end; add #}".to_owned()))
}

/// What is open within a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Call,
    Group,
    List,
}

/// A tag or an expression while it is read.
struct Tag<'a> {
    rest: &'a str,
    at: usize,
    is_block: bool,
    open: Vec<Open>,
    /// The word, or the character, before this one.
    before: &'a str,
    word_count: usize,
}

impl<'a> Tag<'a> {
    /// How long it is; else where in it stands what is refused.
    fn read(rest: &'a str) -> Result<usize, (usize, String)> {
        let is_block = rest.starts_with("{%");
        let mut tag = Tag { rest, at: 2, is_block, open: Vec::new(), before: "", word_count: 0 };
        if tag.next_is(b"-") || tag.next_is(b"+") {
            tag.at += 1;
        }
        loop {
            if let Some(end) = tag.end() {
                return Ok(end);
            }
            let step = tag.step();
            step.map_err(|text| (tag.at.min(rest.len()), text))?;
        }
    }

    fn next_is(&self, bytes: &[u8]) -> bool {
        self.rest.as_bytes()[self.at..].starts_with(bytes)
    }

    /// Where it ends, if here.
    fn end(&self) -> Option<usize> {
        let (plain, marked): (&[u8], [&[u8]; 2]) =
            if self.is_block { (b"%}", [b"-%}", b"+%}"]) } else { (b"}}", [b"-}}", b"+}}"]) };
        if !self.open.is_empty() {
            return None;
        }
        let is_marked = marked.iter().any(|end| self.next_is(end));
        if is_marked { Some(self.at + 3) } else { self.next_is(plain).then_some(self.at + 2) }
    }

    /// Reads a word, a string or a character.
    fn step(&mut self) -> Result<(), String> {
        let Some(first) = self.rest[self.at..].chars().next() else {
            return Err("what begins with {{ or {% does not end; add }} or %}".to_owned());
        };
        let length = match first {
            _ if first.is_ascii_whitespace() => {
                self.at += 1;
                return Ok(());
            }
            '"' | '\'' => self.string(first)?,
            _ if first.is_ascii_alphanumeric() || first == '_' => self.word()?,
            _ => {
                self.sign(first)?;
                first.len_utf8()
            }
        };
        self.before = &self.rest[self.at..self.at + length];
        self.at += length;
        Ok(())
    }

    fn string(&self, quote: char) -> Result<usize, String> {
        let mut is_escaped = false;
        for (offset, letter) in self.rest[self.at..].char_indices().skip(1) {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                _ if letter == quote => return Ok(offset + 1),
                _ => {}
            }
        }
        Err(format!("the string does not end; add {quote}"))
    }

    fn word(&mut self) -> Result<usize, String> {
        let text = &self.rest[self.at..];
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let word = &text[..length];
        self.word_count += 1;
        if self.is_block && self.word_count == 1 && !TAGS.contains(&word) {
            return Err(format!("there is no {{% {word} %}} in templates; there are {}", TAGS.join(", ")));
        }
        if word == "recursive" {
            return Err("a loop does not call itself; remove `recursive`".to_owned());
        }
        let is_constant = word.starts_with(|c: char| c.is_ascii_digit())
            || matches!(word, "true" | "false" | "none" | "True" | "False" | "None");
        if self.open.last() == Some(&Open::List) && !is_constant {
            return Err("within [ ] only strings and numbers may stand; write a.b instead of a[b]".to_owned());
        }
        Ok(length)
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        let open = self.open.last().copied();
        match sign {
            '~' | '+' | '*' => return Err(format!("`{sign}` {INSTEAD}")),
            '{' | '}' | ':' | '\u{80}'.. => {
                return Err(format!("`{sign}` does not belong within a tag; remove it"));
            }
            '(' | '[' if open == Some(Open::List) => {
                return Err("within [ ] only strings and numbers may stand; write them out".to_owned());
            }
            '(' => self.open.push(if self.is_call() { Open::Call } else { Open::Group }),
            '[' => self.open.push(Open::List),
            ')' if matches!(open, Some(Open::Call | Open::Group)) => drop(self.open.pop()),
            ']' if open == Some(Open::List) => drop(self.open.pop()),
            ')' | ']' => return Err(format!("`{sign}` closes nothing; remove it")),
            ',' if !matches!(open, Some(Open::Call | Open::List)) => {
                return Err("`,` stands only between what is given to a filter or a macro and within [ ]; \
                            write one after the other"
                    .to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a parenthesis here begins what is given to something.
    fn is_call(&self) -> bool {
        let is_name = self.before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        is_name && !KEYWORDS.contains(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{{ a ~ a }}", 1)]
    #[case("\n{{ 'x' * 1000000000 }}", 2)]
    #[case("{{ a ** 2 }}", 1)]
    #[case("{% set x = a + a %}", 1)]
    #[case("{{ a[:] }}", 1)]
    #[case("{{ [a, a] }}", 1)]
    #[case("{{ [[1]] }}", 1)]
    #[case("{{ (a, a) }}", 1)]
    #[case("{% set x = a, a %}", 1)]
    #[case("{% if x in (a, a) %}", 1)]
    #[case("{{ {'a': a} }}", 1)]
    #[case("{%- raw %}{{ {% endraw %}", 1)]
    #[case("{% filter upper %}{% endfilter %}", 1)]
    #[case("{% for x in a recursive %}{% endfor %}", 1)]
    #[case("{{ 'a\n", 1)]
    #[case("a\n{# b\n", 2)]
    #[case("{{ a) }}", 1)]
    #[case("{{ [ä, ä] }}", 1)]
    #[case("{{ a }", 1)]
    #[case("{{ 'it\\'s' ~ a }}", 1)]
    fn what_is_not_counted_is_refused(#[case] source: &str, #[case] line: usize) {
        assert_eq!(counted(source).map_err(|refused| refused.line), Err(line), "{source}");
    }

    #[rstest]
    #[case("{{ f(a, 'b ~ c', d=[1, 'x']) | join(', ') }}")]
    #[case("{%+ if a in ['x', \"y\"] and (b - 1) // 2 % 3 == -1 +%}")]
    #[case("{# ~ + * #}{{ a['b'][0].c -}}")]
    fn what_is_harmless_stays_as_it_is(#[case] source: &str) {
        assert_eq!(counted(source).as_deref(), Ok(source));
    }

    #[test]
    fn every_text_is_counted_and_white_space_is_left_to_the_tags() {
        let counted = counted("ab{{ c -}} d\n{#- e -#} f").expect("nothing is refused");
        assert_eq!(counted, "{{ __text(2) }}ab{{ c -}}{{ __text(3) -}} d\n{#- e -#}{{ __text(2) -}} f");
    }
}
