//! Which elements does a small XML document hold? Strict: it is well-formed to its last byte, or it is refused.
//!
//! The documents are the customers'. A DTD is refused whatever it says, so no entity beyond the five of XML exists; size,
//! depth and the number of kept elements are bounded. Nothing here knows what an element means.

use std::collections::BTreeSet;

use lastgood_core::id::Escaped;
use lastgood_core::observation::cut;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The largest document, in bytes. The clients write less than 1 KiB.
pub const DOCUMENT_MAX_BYTES: usize = 1 << 20;

/// How deep elements may be nested: the clients need four levels.
const DEPTH_MAX: usize = 64;

/// How many elements are kept, which bounds memory: the clients write less than 20.
const ELEMENTS_MAX: usize = 10_000;

/// The longest reason, in bytes: it may quote the document.
const REASON_MAX_BYTES: usize = 200;

/// Why a document is not believed at all: it is not well-formed, or none we read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Untrusted {
    /// The line, counted from 1.
    pub line: u64,
    /// Why, in words that may be printed.
    pub reason: String,
}

impl Untrusted {
    fn at(line: u64, reason: &str) -> Self {
        Self { line, reason: cut(&Escaped(reason).to_string(), REASON_MAX_BYTES) }
    }
}

/// An element with what it holds of the elements that were asked for.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: &'static str,
    /// The line it begins on, counted from 1.
    pub(super) line: u64,
    /// Its own text without that of its children, not trimmed.
    text: String,
    children: Vec<Element>,
    /// True if elements stand in it that were not asked for.
    pub(super) has_others: bool,
}

impl Element {
    /// Returns its own text, trimmed.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Walks the children of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the one child of that name, of several the first if all say the same. `Err` is one that differs from it.
    pub(super) fn only<'a>(&'a self, name: &'a str) -> Result<Option<&'a Element>, &'a Element> {
        let Some(first) = self.all(name).next() else { return Ok(None) };
        match self.all(name).find(|other| !first.says_the_same(other)) {
            Some(other) => Err(other),
            None => Ok(Some(first)),
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let same = |(mine, theirs): (&Self, &Self)| mine.says_the_same(theirs);
        self.name == other.name
            && self.text() == other.text()
            && self.has_others == other.has_others
            && self.children.len() == other.children.len()
            && self.children.iter().zip(&other.children).all(same)
    }
}

/// Which elements are kept; what else stands in the document is passed over with all it holds.
pub(super) struct Wanted {
    /// The name of the root.
    pub(super) root: &'static str,
    /// The names of elements below it.
    pub(super) names: &'static [&'static str],
}

/// Reads a document in UTF-8, with a byte order mark or without one.
pub(super) fn parse(bytes: &[u8], wanted: &'static Wanted) -> Result<Element, Untrusted> {
    let text = characters(bytes)?;
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut lines = Lines { text, end: 0, line: 1 };
    let mut tree = Tree { wanted, open: Vec::new(), root: None, kept_count: 0 };
    loop {
        let start = reader.buffer_position();
        let line = lines.line_at(start);
        match reader.read_event() {
            Ok(Event::Eof) => return tree.finish().map_err(|reason| Untrusted::at(line, &reason)),
            Ok(event) => {
                tree.take(&event, start, line).map_err(|reason| Untrusted::at(line, &reason))?;
            }
            Err(error) => return Err(Untrusted::at(line, &error.to_string())),
        }
    }
}

/// Takes the text of a document: small enough, UTF-8, and characters of XML only.
fn characters(bytes: &[u8]) -> Result<&str, Untrusted> {
    if bytes.len() > DOCUMENT_MAX_BYTES {
        let reason = format!("the document is larger than {} MiB", DOCUMENT_MAX_BYTES >> 20);
        return Err(Untrusted::at(1, &reason));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Untrusted::at(1 + newlines(&bytes[..error.valid_up_to()]), "the document is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The reader would pass over another one.
    if text.starts_with('\u{feff}') {
        return Err(Untrusted::at(1, "the document begins with two byte order marks"));
    }
    match text.char_indices().find(|(_, character)| !is_character(*character)) {
        Some((at, character)) => {
            let reason = format!("U+{:04X} is no character of XML", u32::from(character));
            Err(Untrusted::at(1 + newlines(&text.as_bytes()[..at]), &reason))
        }
        None => Ok(text),
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).fold(0, |count, _| count + 1)
}

/// Counts lines up to positions that rise.
struct Lines<'a> {
    text: &'a str,
    end: usize,
    line: u64,
}

impl Lines<'_> {
    fn line_at(&mut self, position: u64) -> u64 {
        let end = usize::try_from(position).unwrap_or(self.text.len()).clamp(self.end, self.text.len());
        self.line += newlines(&self.text.as_bytes()[self.end..end]);
        self.end = end;
        self.line
    }
}

/// What was read so far.
struct Tree {
    wanted: &'static Wanted,
    /// The open elements, the outermost first; `None` where one is passed over.
    open: Vec<Option<Element>>,
    root: Option<Element>,
    kept_count: usize,
}

type Step = Result<(), String>;

impl Tree {
    fn take(&mut self, event: &Event<'_>, start: u64, line: u64) -> Step {
        match event {
            Event::Start(tag) => self.open(tag, line),
            Event::End(_) => {
                self.close();
                Ok(())
            }
            Event::Text(text) if text.contains("]]>") => Err("]]> stands in a text".to_owned()),
            Event::Text(text) => self.write(text),
            Event::CData(_) if self.open.is_empty() => {
                Err("CDATA stands outside the root element".to_owned())
            }
            Event::CData(text) => self.write(text),
            Event::GeneralRef(_) if self.open.is_empty() => {
                Err("a reference stands outside the root element".to_owned())
            }
            Event::GeneralRef(name) => self.write(resolve(name)?.encode_utf8(&mut [0; 4])),
            Event::DocType(_) => Err("the document has a DTD, which is never read".to_owned()),
            Event::Decl(_) if start != 0 => {
                Err("an XML declaration stands after the beginning of the document".to_owned())
            }
            Event::Decl(declaration) => check_declaration(declaration),
            Event::PI(instruction) => check_instruction(instruction.target()),
            Event::Comment(_) | Event::Empty(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: u64) -> Step {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("elements are nested deeper than {DEPTH_MAX}"));
        }
        if !is_name(tag.name().as_ref()) {
            return Err(format!("{:?} is no name of an element", tag.name().as_ref()));
        }
        attributes(tag.attributes_raw())?;
        let local_name = tag.local_name();
        let name = match self.open.last_mut() {
            None => Some(self.root_name(local_name.as_ref())?),
            Some(None) => None,
            Some(Some(parent)) => {
                let name = self.wanted.names.iter().copied().find(|name| *name == local_name.as_ref());
                parent.has_others |= name.is_none();
                name
            }
        };
        self.kept_count += usize::from(name.is_some());
        if self.kept_count > ELEMENTS_MAX {
            return Err(format!("the document has more than {ELEMENTS_MAX} elements"));
        }
        self.open.push(name.map(|name| Element { name, line, ..Element::default() }));
        Ok(())
    }

    fn root_name(&self, name: &str) -> Result<&'static str, String> {
        match &self.root {
            Some(_) => Err(format!("<{name}> stands after the root element")),
            None if name == self.wanted.root => Ok(self.wanted.root),
            None => Err(format!("the root element is <{name}>, not <{}>", self.wanted.root)),
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop().flatten() else { return };
        match self.open.last_mut() {
            None => self.root = Some(element),
            Some(parent) => {
                let parent = parent.as_mut().expect("nothing is kept below what is passed over");
                parent.children.push(element);
            }
        }
    }

    fn write(&mut self, text: &str) -> Step {
        match self.open.last_mut() {
            None if text.bytes().all(is_blank) => Ok(()),
            None => Err("text stands outside the root element".to_owned()),
            Some(None) => Ok(()),
            Some(Some(element)) => {
                element.text.push_str(text);
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Element, String> {
        match (self.open.last(), self.root) {
            (Some(Some(element)), _) => Err(format!("the document is cut: <{}> does not end", element.name)),
            (Some(None), _) => Err("the document is cut: an element does not end".to_owned()),
            (None, Some(root)) => Ok(root),
            (None, None) => Err("the document has no element".to_owned()),
        }
    }
}

/// Checks an XML declaration: its version, encoding and standing alone, in that order.
fn check_declaration(declaration: &str) -> Step {
    let wrong = || format!("<?{declaration}?> is no XML declaration");
    let mut rest = &attributes(declaration.strip_prefix("xml").ok_or_else(wrong)?)?[..];
    let mut next = |name: &str| {
        let ((_, value), others) = rest.split_first().filter(|((next, _), _)| *next == name)?;
        rest = others;
        Some(*value)
    };
    let version = next("version").ok_or_else(wrong)?;
    let encoding = next("encoding");
    let standalone = next("standalone");
    let minor = version.strip_prefix("1.").unwrap_or_default();
    let is_version = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    if !rest.is_empty() || !is_version || !matches!(standalone, None | Some("yes" | "no")) {
        return Err(wrong());
    }
    match encoding {
        Some(other) if !other.eq_ignore_ascii_case("UTF-8") => {
            Err(format!("the document is declared to be {other:?}, not UTF-8"))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_instruction(target: &str) -> Step {
    if !is_name(target) || target.eq_ignore_ascii_case("xml") {
        return Err(format!("<?{target} …?> is no processing instruction"));
    }
    Ok(())
}

/// Reads the attributes behind the name of a tag; each name may stand there once.
fn attributes(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let (mut found, mut names) = (Vec::new(), BTreeSet::new());
    let mut rest = text;
    loop {
        let next = trim_blanks(rest);
        if next.is_empty() {
            return Ok(found);
        }
        if next.len() == rest.len() {
            return Err("no blank stands before an attribute".to_owned());
        }
        let (name, value, behind) = attribute(next).ok_or("an attribute is not written as name=\"value\"")?;
        check_value(value)?;
        if !names.insert(name) {
            return Err(format!("the attribute {name:?} stands twice in one tag"));
        }
        found.push((name, value));
        rest = behind;
    }
}

/// Splits off the first attribute: its name, its value as it stands there, and what follows.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim_end_matches(BLANKS);
    let value = trim_blanks(value);
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, behind) = value[1..].split_once(quote)?;
    is_name(name).then_some((name, value, behind))
}

fn check_value(value: &str) -> Step {
    if value.contains('<') {
        return Err("a < stands in an attribute".to_owned());
    }
    for reference in value.split('&').skip(1) {
        let (name, _) = reference.split_once(';').ok_or("a & in an attribute begins no reference")?;
        resolve(name)?;
    }
    Ok(())
}

/// Resolves what stands between `&` and `;`: one of the five entities of XML, or the number of a character.
fn resolve(name: &str) -> Result<char, String> {
    let number = |digits: &str, radix: u32| {
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        let code = is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
        char::from_u32(code).filter(|character| is_character(*character))
    };
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => number(digits, 16),
            (None, Some(digits)) => number(digits, 10),
            (None, None) => None,
        },
    };
    character.ok_or_else(|| format!("&{name}; is no reference that is known without a DTD"))
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fn trim_blanks(text: &str) -> &str {
    text.trim_start_matches(BLANKS)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// True for what XML 1.0 calls a character: no control characters, no U+FFFE, no U+FFFF.
const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// True for a name as XML 1.0 (fifth edition) has it.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(begins_name)
        && characters.all(|next| begins_name(next) || goes_on_in_name(next))
}

const fn begins_name(character: char) -> bool {
    matches!(character,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

const fn goes_on_in_name(character: char) -> bool {
    matches!(character,
        '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
