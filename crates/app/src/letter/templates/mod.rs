//! In which words does a letter speak to somebody, in their language and that of their reseller?
//!
//! A language is four files, ours built in, an operator's in a folder above them, each file on its own: that of the
//! reseller, else that of everybody, else ours. They are read and tried once, when the configuration is opened. Nothing is
//! included from elsewhere: a template knows no other file. What is told in them stands in `variables`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use lastgood_core::id::Escaped;
use lastgood_core::recipient::Voice;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use self::folder::Found;

mod filters;
mod folder;
mod grammar;
mod language;
mod sample;
mod spent;

#[cfg(test)]
mod tests;

/// The language that is spoken where none is nearer; also what is said where another one fails.
const ENGLISH: &str = "en-gb";

/// How many steps a template may take: a letter of 500 entries takes about 100 000.
const STEPS_MAX: u64 = 2_000_000;

/// The most one template may write, in bytes.
const WRITTEN_MAX_BYTES: usize = 8 * 1024 * 1024;

/// How many mistakes are shown; of more, their number.
const SHOWN_MAX: usize = 20;

/// A file of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    /// What is said about one entry, in parts.
    Words,
    /// The subject.
    Subject,
    /// The text.
    Text,
    /// The same as HTML.
    Html,
}

impl File {
    const ALL: [Self; 4] = [Self::Words, Self::Subject, Self::Text, Self::Html];

    const fn name(self) -> &'static str {
        match self {
            Self::Words => "words.txt",
            Self::Subject => "subject.txt",
            Self::Text => "mail.txt",
            Self::Html => "mail.html",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

/// The parts that `words.txt` says about an entry; each is one line.
pub(super) const PARTS: [&str; 9] =
    ["label", "place", "matter", "headline", "since", "affects", "again", "advice", "told"];

macro_rules! built_in {
    ($($language:literal)*) => {
        [$(
            ($language, File::Words, include_str!(concat!($language, "/words.txt"))),
            ($language, File::Subject, include_str!(concat!($language, "/subject.txt"))),
            ($language, File::Text, include_str!(concat!($language, "/mail.txt"))),
            ($language, File::Html, include_str!(concat!($language, "/mail.html"))),
        )*]
    };
}

/// The languages that are built in.
const BUILT_IN: [(&str, File, &str); 8] = built_in!("de-CH" "en-GB");

/// The four files of one language, for one reseller or for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// The language as it is written.
    pub(super) language: Arc<str>,
    /// Under which name each file is known, in the order of [`File::ALL`].
    names: [Arc<str>; 4],
}

/// A language of which perhaps not every file is there.
#[derive(Clone)]
struct Draft {
    language: Arc<str>,
    names: [Option<Arc<str>>; 4],
}

/// All texts.
pub(super) struct Templates {
    environment: Environment<'static>,
    /// By language; for everybody, and for the resellers that have their own.
    everybody: BTreeMap<String, Set>,
    brands: BTreeMap<String, BTreeMap<String, Set>>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("everybody", &self.everybody).finish_non_exhaustive()
    }
}

/// What is wrong with one template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub path: String,
    /// In which line, counted from 1, as far as it is known.
    pub line: Option<usize>,
    /// What, and what to do.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, text } = self;
        write!(f, "{}", Escaped(path))?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", Escaped(text))
    }
}

/// Why templates cannot be used: all that is wrong with them, sorted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TemplatesError(pub Vec<Mistake>);

impl fmt::Display for TemplatesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().take(SHOWN_MAX).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        match self.0.len().checked_sub(SHOWN_MAX) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\nand {more} more mistakes in templates"),
        }
    }
}

impl Templates {
    /// Those that are built in.
    pub(super) fn built_in() -> Self {
        let (templates, mistakes) = Self::of(Vec::new());
        assert!(mistakes.is_empty(), "what is built in is tested: {mistakes:?}");
        templates
    }

    /// Reads those of a folder too, and tries every one with a sample of every check and every state.
    pub(super) fn open(folder: &Path) -> Result<Self, TemplatesError> {
        let mut mistakes = Vec::new();
        let found = folder::read(folder, &mut mistakes);
        let (templates, wrong) = Self::of(found);
        mistakes.extend(wrong);
        if mistakes.is_empty() {
            mistakes = templates.tried();
        }
        mistakes.sort();
        mistakes.dedup();
        if mistakes.is_empty() { Ok(templates) } else { Err(TemplatesError(mistakes)) }
    }

    /// Puts what was found above what is built in.
    fn of(found: Vec<Found>) -> (Self, Vec<Mistake>) {
        let mut environment = environment();
        let mut mistakes = Vec::new();
        let mut everybody: BTreeMap<String, Draft> = BTreeMap::new();
        let mut brands: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        let ours = BUILT_IN.into_iter().map(|(language, file, text)| Found {
            brand: None,
            language: language.to_ascii_lowercase(),
            spelling: language.to_owned(),
            file,
            path: format!("built in: {language}/{}", file.name()),
            text: text.to_owned(),
        });
        for mut found in ours.chain(found) {
            let text = std::mem::take(&mut found.text);
            if let Err(mistake) = add(&mut environment, &found.path, &text) {
                mistakes.push(mistake);
            }
            match &found.brand {
                None => put(&mut everybody, &found),
                Some(brand) => brands.entry(brand.clone()).or_default().push(found),
            }
        }
        let whole = |drafts: &BTreeMap<String, Draft>, whose: &str, mistakes: &mut Vec<Mistake>| {
            let sets =
                drafts.iter().filter_map(|(tag, draft)| Some((tag.clone(), draft.whole(whose, mistakes)?)));
            sets.collect::<BTreeMap<String, Set>>()
        };
        let of_brands = brands.into_iter().map(|(brand, found)| {
            let mut drafts = everybody.clone();
            for found in &found {
                put(&mut drafts, found);
            }
            let sets = whole(&drafts, &format!(" of {brand}"), &mut mistakes);
            (brand, sets)
        });
        let brands = of_brands.collect();
        let everybody = whole(&everybody, "", &mut mistakes);
        (Self { environment, everybody, brands }, mistakes)
    }

    /// The texts for somebody: of their reseller if it has any, in the language that comes nearest to theirs.
    pub(super) fn choose(&self, voice: &Voice) -> &Set {
        let brand = voice.brand.as_ref().and_then(|brand| self.brands.get(&brand.to_lowercase()));
        let sets = brand.unwrap_or(&self.everybody);
        // Ours first: of several with the same base it is what is shipped, whatever else a folder holds.
        let mut tags: Vec<&str> = sets.keys().map(String::as_str).collect();
        tags.sort_by_key(|tag| !BUILT_IN.iter().any(|(ours, ..)| ours.eq_ignore_ascii_case(tag)));
        let chosen = language::choose(&voice.language, &tags).unwrap_or(ENGLISH);
        sets.get(chosen).unwrap_or_else(|| self.english())
    }

    /// What is said where another text fails.
    pub(super) fn english(&self) -> &Set {
        &self.everybody[ENGLISH]
    }

    /// Says what `words.txt` says about an entry, part by part.
    pub(super) fn words(&self, set: &Set, told: Value) -> Result<BTreeMap<&'static str, String>, Mistake> {
        let name = set.name(File::Words);
        let wrong = |error: Error| mistake(&error, name);
        let template = self.environment.get_template(name).map_err(wrong)?;
        let mut written = Written::default();
        let said = template.render_captured_to(told, &mut written).map_err(wrong)?;
        let part = |part: &'static str| match said.state().lookup(part) {
            Some(text) if !text.is_undefined() && !text.is_none() => {
                spent::plain(&text).map(|text| (part, text)).map_err(wrong)
            }
            Some(_) | None => {
                let text = format!(
                    "does not say `{part}`; add {{% set {part} %}}…{{% endset %}} outside of every loop"
                );
                Err(Mistake { path: name.to_owned(), line: None, text })
            }
        };
        PARTS.into_iter().map(part).collect()
    }

    /// Writes a file of a language.
    pub(super) fn render(&self, set: &Set, file: File, told: &Value) -> Result<String, Mistake> {
        let name = set.name(file);
        let wrong = |error: Error| mistake(&error, name);
        let template = self.environment.get_template(name).map_err(wrong)?;
        let mut written = Written::default();
        template.render_captured_to(told.clone(), &mut written).map_err(wrong)?;
        Ok(String::from_utf8_lossy(&written.0).into_owned())
    }

    /// Tries every text with every sample.
    fn tried(&self) -> Vec<Mistake> {
        let sets: BTreeSet<_> =
            self.everybody.values().chain(self.brands.values().flat_map(BTreeMap::values)).collect();
        let samples = sample::letters();
        sets.into_iter().flat_map(|set| sample::trial(self, set, &samples)).collect()
    }
}

impl Set {
    fn name(&self, file: File) -> &str {
        let place = File::ALL.iter().position(|known| *known == file).expect("all of them");
        &self.names[place]
    }
}

impl PartialOrd for Set {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Set {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.names, &self.language).cmp(&(&other.names, &other.language))
    }
}

impl Draft {
    fn whole(&self, whose: &str, mistakes: &mut Vec<Mistake>) -> Option<Set> {
        let mut names = Vec::new();
        for (file, name) in File::ALL.into_iter().zip(&self.names) {
            match name {
                Some(name) => names.push(Arc::clone(name)),
                None => mistakes.push(Mistake {
                    path: self.names.iter().flatten().next().map_or_else(String::new, ToString::to_string),
                    line: None,
                    text: format!(
                        "the language {}{whose} has no {}; add it: nothing of this language is built in",
                        self.language,
                        file.name()
                    ),
                }),
            }
        }
        let names = <[Arc<str>; 4]>::try_from(names).ok()?;
        Some(Set { language: Arc::clone(&self.language), names })
    }
}

/// Puts a file above the one that was there.
fn put(drafts: &mut BTreeMap<String, Draft>, found: &Found) {
    let draft = drafts.entry(found.language.clone());
    let draft = draft
        .or_insert_with(|| Draft { language: found.spelling.as_str().into(), names: [const { None }; 4] });
    for (file, name) in File::ALL.into_iter().zip(&mut draft.names) {
        if file == found.file {
            *name = Some(found.path.as_str().into());
        }
    }
}

/// Adds a template, if nothing stands in it that is not for templates.
fn add(environment: &mut Environment<'static>, path: &str, text: &str) -> Result<(), Mistake> {
    let refused = |grammar::Refused { line, text }| Mistake { path: path.to_owned(), line: Some(line), text };
    let counted = grammar::counted(text).map_err(refused)?;
    environment.add_template_owned(path.to_owned(), counted).map_err(|error| mistake(&error, path))
}

/// Strict: a variable that is not there is a mistake. HTML is escaped, the rest is text. It begins empty: a template has
/// only what is added here and what [`grammar`] lets through, and all of that is counted.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(File::Html.name()) { AutoEscape::Html } else { AutoEscape::None }
    });
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_debug(true);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "there is nothing to write here; ask first with `if`",
            ));
        }
        spent::count_written(state, value)?;
        minijinja::escape_formatter(out, state, value)
    });
    filters::add(&mut environment);
    spent::add(&mut environment);
    environment
}

/// Says what is wrong in one line: what, and the words of the template it is about.
fn mistake(error: &Error, path: &str) -> Mistake {
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        text = format!("{text}: {detail}");
    }
    if let Some(source) = std::error::Error::source(error) {
        text = format!("{text}: {source}");
    }
    let about = error.range().and_then(|range| error.template_source()?.get(range).map(str::to_owned));
    if let Some(about) =
        about.filter(|about| !about.trim().is_empty() && about.len() <= 100 && !spent::is_ours(about))
    {
        text = format!("{text}, at `{}`", about.trim());
    }
    Mistake { path: path.to_owned(), line: error.line(), text }
}

/// What a template writes, as long as it is not too much.
#[derive(Default)]
struct Written(Vec<u8>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > WRITTEN_MAX_BYTES {
            return Err(io::Error::other(format!(
                "it writes more than {WRITTEN_MAX_BYTES} bytes; shorten it"
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
