//! How do texts and what they are told become a letter in somebody's language?
//!
//! It knows the order: first what is said about each entry, then subject, text and HTML of all of it. What is said stands
//! in `templates`.

use std::collections::BTreeMap;

use lastgood_core::message::Item;
use lastgood_core::observation::cut;
use minijinja::value::Value;

use super::templates::{File, Mistake, PARTS, Set, Templates};
use super::{LINE_MAX_BYTES, Letter, Said, variables};
use crate::channels::SUBJECT_MAX_BYTES;

/// How many places stand in a subject; of more, their number.
const PLACES_MAX: usize = 2;

/// Everything that is said, but which of the entries are shown.
pub(super) struct Speech<'a> {
    templates: &'a Templates,
    set: &'a Set,
    /// What the letter is told of itself.
    letter: variables::Variables,
    /// What each entry is told of itself, and what is said about it.
    entries: Vec<Value>,
    subject: String,
    entry_count: usize,
}

impl<'a> Speech<'a> {
    /// Says something about each of these items, the first of the digest, and the subject.
    pub(super) fn new(
        templates: &'a Templates,
        set: &'a Set,
        letter: &Letter<'_>,
        items: &[Item],
        settings_url: Option<&str>,
    ) -> Result<Self, Mistake> {
        let mut told = variables::letter(letter, settings_url);
        told.insert("language", Value::from(set.language.to_string()));
        let (mut entries, mut places) = (Vec::new(), Vec::new());
        for (index, (entry, item)) in letter.digest.entries.iter().zip(items).enumerate() {
            let mut variables = variables::entry(letter, index + 1, entry, item);
            let context = [("entry", Value::from(variables.clone())), ("letter", Value::from(told.clone()))];
            let mut words = templates.words(set, Value::from(BTreeMap::from(context)))?;
            for part in PARTS {
                let line = one_line(&words.remove(part).unwrap_or_default());
                if part == "place" && !places.contains(&line) {
                    places.push(line.clone());
                }
                variables.insert(part, line.into());
            }
            entries.push(Value::from(variables));
        }
        told.insert("places_more_count", places.len().saturating_sub(PLACES_MAX).into());
        places.truncate(PLACES_MAX);
        told.insert("places", places.into());
        let entry_count = letter.digest.entries.len();
        let mut speech = Self { templates, set, letter: told, entries, subject: String::new(), entry_count };
        let subject = templates.render(set, File::Subject, &speech.told(speech.entries.len()))?;
        speech.subject = cut(&one_line(&subject), SUBJECT_MAX_BYTES);
        speech.letter.insert("subject", speech.subject.clone().into());
        Ok(speech)
    }

    /// Shows so many entries, and says how many more there are.
    pub(super) fn say(&self, shown: usize) -> Result<Said, Mistake> {
        let told = self.told(shown);
        let text = self.templates.render(self.set, File::Text, &told)?;
        Ok(Said {
            language: self.set.language.to_string(),
            subject: self.subject.clone(),
            text: format!("{}\n", text.trim_end()),
            html: self.templates.render(self.set, File::Html, &told)?,
        })
    }

    fn told(&self, shown: usize) -> Value {
        let mut letter = self.letter.clone();
        letter.insert("entries", self.entries[..shown].to_vec().into());
        letter.insert("omitted_count", (self.entry_count - shown).into());
        Value::from(BTreeMap::from([("letter", Value::from(letter))]))
    }
}

/// A template may break lines where it likes; what it says is one.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&words.join(" "), LINE_MAX_BYTES)
}
