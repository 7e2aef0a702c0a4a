//! How does a digest become the message that is kept and sent, and how is it read back?
//!
//! [`Writer::write`] freezes everything a channel may need: subject, text, HTML and what programs read. It is pure: the same
//! digest gives the same bytes and the same key, so that a repeated tick writes the same message. Whoever has a [`Voice`] is
//! written to in their language, in the words of `templates`; everybody else in those of `lastgood_core::message`. How it
//! is sent is the channels' matter.

use std::convert::Infallible;
use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use lastgood_core::id::{Name, SubjectId};
use lastgood_core::message::{Called, Content, Item, compose};
use lastgood_core::notify::{Digest, Entry, Episode, Why, subject_count};
use lastgood_core::observation::cut;
use lastgood_core::recipient::{Address, Role, Voice};
use lastgood_core::time::Instant;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::channels::{self, SUBJECT_MAX_BYTES};
use crate::links::{LASTS, Links};
use crate::store::{self, Cover, NewMessage};

use self::spoken::Speech;
use self::templates::{Set, Templates};

pub use self::templates::{Mistake, TemplatesError};

mod details;
mod page;
mod reason;
mod spoken;
mod templates;
mod variables;

/// How many entries a message shows; of more, their number.
pub const ENTRIES_MAX: usize = 500;

/// The largest message, in bytes as it is kept: of one that would be larger fewer entries are shown. It goes once to each
/// recipient, and mail servers refuse what is much larger than a few MiB.
pub const LETTER_MAX_BYTES: usize = 1024 * 1024;

/// The longest name within a subject, in bytes; what is longer is cut.
const NAME_MAX_BYTES: usize = 300;

/// The longest line of an entry, in bytes; what is longer is cut.
const LINE_MAX_BYTES: usize = 2000;

/// How many reasons "why you" an entry has at most.
const REASONS_MAX: usize = 10;

/// The language of what has no voice.
const OURS: &str = "en-GB";

/// How the content is laid out; another number is another layout.
const VERSION: u32 = 1;

/// A message as it is kept.
#[derive(Serialize, Deserialize)]
struct Frozen {
    version: u32,
    subject: String,
    text: String,
    html: String,
    details: Value,
    written_at: String,
    /// From whom it comes, where that is not the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

/// Why a kept message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// It is not what was written.
    #[error(
        "the message in the outbox cannot be read: run `lastgood db check`, or the version that wrote it"
    )]
    Unreadable(#[source] serde_json::Error),
    /// It has the layout of another version.
    #[error("the message in the outbox has layout {0}, this program reads {VERSION}: run the newer program")]
    Version(u32),
    /// Its key, its thread or its date is none.
    #[error("the message in the outbox has no {0} that can be read: run `lastgood db check`")]
    Part(&'static str),
}

/// What lets the reader answer a message.
struct Reply {
    url: String,
    role: Role,
    expires_at: Timestamp,
}

/// What a message may say, in its own words.
struct Said {
    language: String,
    subject: String,
    text: String,
    html: String,
}

/// Writes messages.
#[derive(Debug)]
pub struct Writer {
    templates: Templates,
    settings_url: Option<String>,
    links: Option<Links>,
}

impl Writer {
    /// Writes in the words that are built in. With `links` a message holds one link to answer it, as far as its reader has
    /// a role for anything in it that is not over.
    pub fn new(links: Option<Links>) -> Self {
        Self { templates: Templates::built_in(), settings_url: None, links }
    }

    /// Says where somebody changes what they are told, with `{uid}` for the account.
    #[must_use]
    pub fn with_settings_url(self, settings_url: Option<String>) -> Self {
        Self { settings_url, ..self }
    }

    /// Puts the words of a folder above those that are built in. Reads and tries all of them: a folder in which anything
    /// is wrong is not taken.
    pub fn with_templates(self, folder: &Path) -> Result<Self, TemplatesError> {
        Ok(Self { templates: Templates::open(folder)?, ..self })
    }

    /// Writes the message of a digest decided at `now`. Where roles differ, its link has the least of them.
    pub fn write(
        &self,
        digest: &Digest,
        called: &dyn Fn(&SubjectId) -> Called,
        now: Timestamp,
    ) -> NewMessage {
        let key = key(digest, now);
        let reply = self.links.as_ref().zip(least_role(digest)).map(|(links, role)| {
            let expires_at = now + LASTS;
            Reply { url: links.sign(&key, role, expires_at), role, expires_at }
        });
        let Content { subject, items } = compose(digest, called, now);
        let items: Vec<_> = items.into_iter().take(ENTRIES_MAX).map(shortened).collect();
        let letter = Letter { digest, called, reply: reply.as_ref(), now };
        let content = match &digest.voice {
            Some(voice) => self.voiced(&letter, &items, voice),
            None => None,
        };
        let content = content.unwrap_or_else(|| letter.plain(&cut(&subject, SUBJECT_MAX_BYTES), &items));
        let covers = digest.entries.iter().map(|entry| Cover {
            episode: Episode::of(&entry.incident),
            why: entry.why,
            affected_count: subject_count(&entry.affected),
        });
        NewMessage {
            key,
            address: digest.address.clone(),
            thread: Some(thread(digest)),
            content,
            covers: covers.collect(),
        }
    }

    /// Says it in the language of the voice; where its words fail, in English. `None` where those fail too: nothing that is
    /// to be told is lost by its words.
    fn voiced(&self, letter: &Letter<'_>, items: &[Item], voice: &Voice) -> Option<Vec<u8>> {
        let chosen = self.templates.choose(voice);
        let sets = [chosen, self.templates.english()];
        sets.into_iter().find_map(|set| {
            let said = self.said(letter, items, set);
            said.inspect_err(|mistake| tracing::error!("a letter is said in other words: {mistake}")).ok()
        })
    }

    fn said(&self, letter: &Letter<'_>, items: &[Item], set: &Set) -> Result<Vec<u8>, Mistake> {
        let settings_url = self.settings_url.as_deref();
        let speech = Speech::new(&self.templates, set, letter, items, settings_url)?;
        let content = fitting(items.len(), |shown| Ok(letter.freeze(&items[..shown], speech.say(shown)?)))?;
        if content.len() <= LETTER_MAX_BYTES {
            return Ok(content);
        }
        let text =
            format!("makes a letter of {} bytes of one entry, more than {LETTER_MAX_BYTES}", content.len());
        Err(Mistake { path: set.language.to_string(), line: None, text })
    }
}

/// The content with as many entries as fit, at least one.
fn fitting<E>(count: usize, freeze: impl Fn(usize) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
    let mut shown = count;
    loop {
        let content = freeze(shown)?;
        if content.len() <= LETTER_MAX_BYTES || shown <= 1 {
            return Ok(content);
        }
        shown /= 2;
    }
}

/// Reads a kept message as the channels take it.
pub fn open(kept: &store::Message) -> Result<channels::Message, LetterError> {
    let frozen: Frozen = serde_json::from_slice(&kept.content).map_err(LetterError::Unreadable)?;
    if frozen.version != VERSION {
        return Err(LetterError::Version(frozen.version));
    }
    let key = |text: &str| text.parse::<channels::Key>().map_err(|_| LetterError::Part("key"));
    Ok(channels::Message {
        key: key(&kept.key)?,
        address: kept.address.clone(),
        thread: kept.thread.as_deref().map(key).transpose()?,
        from: frozen.from,
        subject: frozen.subject,
        text: frozen.text,
        html: Some(frozen.html),
        details: frozen.details,
        written_at: frozen.written_at.parse().map_err(|_| LetterError::Part("date"))?,
    })
}

/// Everything a message is made of, but which of its entries are shown.
struct Letter<'a> {
    digest: &'a Digest,
    called: &'a dyn Fn(&SubjectId) -> Called,
    reply: Option<&'a Reply>,
    now: Timestamp,
}

impl Letter<'_> {
    /// Says it in the words of those who run lastgood.
    fn plain(&self, subject: &str, items: &[Item]) -> Vec<u8> {
        let frozen = fitting(items.len(), |shown| -> Result<_, Infallible> {
            let items = &items[..shown];
            let rest = Rest::of(&self.digest.entries[shown..]);
            let said = Said {
                language: OURS.to_owned(),
                subject: subject.to_owned(),
                text: self.text(items, &rest),
                html: page::render(self, subject, items, &rest),
            };
            Ok(self.freeze(items, said))
        });
        match frozen {
            Ok(content) => content,
        }
    }

    /// Freezes what is said of these items, the first of the digest.
    fn freeze(&self, items: &[Item], said: Said) -> Vec<u8> {
        let Said { language, subject, text, html } = said;
        let voice = self.digest.voice.as_ref();
        let frozen = Frozen {
            version: VERSION,
            subject,
            text,
            html,
            details: details::write(self, items, &language),
            written_at: self.now.to_string(),
            from: voice.and_then(|voice| voice.from.as_deref()).map(str::to_owned),
        };
        serde_json::to_vec(&frozen).expect("texts and numbers are always JSON")
    }

    fn text(&self, items: &[Item], rest: &Rest) -> String {
        let content = Content { subject: String::new(), items: items.to_vec() };
        let mut text = content.to_string();
        if let Some(rest) = rest.words() {
            let _ = writeln!(text, "\n{rest}");
        }
        if let Some(reply) = self.reply {
            let Reply { url, expires_at, .. } = reply;
            let until = Instant(*expires_at);
            let acts = reply.acts();
            let _ = writeln!(text, "\n{acts}:\n{url}\nThe link is yours alone and works until {until}.");
        }
        text
    }
}

impl Reply {
    /// What the link is for, as far as its reader's role goes.
    fn acts(&self) -> &'static str {
        match self.role {
            Role::Customer => "Say that you know, or silence this for a day",
            Role::Reseller => "Say that you know, or silence this for a day or a week",
            Role::Operator => "Say that you know, silence this, or say that it is expected",
        }
    }
}

/// How many entries are not shown.
struct Rest {
    bad_count: usize,
    over_count: usize,
}

impl Rest {
    fn of(entries: &[Entry]) -> Self {
        let over_count = entries.iter().filter(|entry| entry.why == Why::Resolved).count();
        Self { bad_count: entries.len() - over_count, over_count }
    }

    fn words(&self) -> Option<String> {
        match (self.bad_count, self.over_count) {
            (0, 0) => None,
            (bad, 0) => Some(format!("… and {bad} more that are bad; `lastgood incidents list` shows all")),
            (0, over) => Some(format!("… and {over} more that are over")),
            (bad, over) => Some(format!(
                "… and {bad} more that are bad, {over} more that are over; `lastgood incidents list` shows all"
            )),
        }
    }
}

/// Cuts what would be too long: names are other people's.
fn shortened(item: Item) -> Item {
    let short = |text: &str| cut(text, LINE_MAX_BYTES);
    let Item { state, mut matter, name, headline, lines, remedy, because } = item;
    for name in [&mut matter.subject.repository, &mut matter.subject.asset].into_iter().flatten() {
        if name.bytes().len() > NAME_MAX_BYTES {
            *name = Name::new(cut(&name.text(), NAME_MAX_BYTES).as_bytes());
        }
    }
    Item {
        state,
        matter,
        name: name.map(|name| cut(&name, NAME_MAX_BYTES)),
        headline: short(&headline),
        lines: lines.iter().map(|line| short(line)).collect(),
        remedy,
        because: because.iter().take(REASONS_MAX).map(|reason| short(reason)).collect(),
    }
}

/// What its reader may surely do: the least of what they are to anything in it that is not over.
fn least_role(digest: &Digest) -> Option<Role> {
    let open = digest.entries.iter().filter(|entry| entry.why != Why::Resolved);
    open.filter_map(|entry| entry.role).min()
}

/// Names a message for ever: who is told what, why and when. No two ticks have the same instant.
fn key(digest: &Digest, now: Timestamp) -> String {
    let mut naming = Naming::new(b"lastgood message");
    naming.instant(now);
    naming.address(&digest.address);
    for entry in &digest.entries {
        naming.episode(&entry.incident.matter.subject, &Episode::of(&entry.incident));
        naming.why(entry.why);
    }
    naming.end()
}

/// A message about one episode belongs to that one's thread, any other to its reader's own.
fn thread(digest: &Digest) -> String {
    let mut naming = Naming::new(b"lastgood thread");
    naming.address(&digest.address);
    if let [entry] = &digest.entries[..] {
        naming.episode(&entry.incident.matter.subject, &Episode::of(&entry.incident));
    }
    naming.end()
}

/// Makes a name of parts, each with its length, so that no two lists of parts are the same bytes.
struct Naming(Context);

impl Naming {
    fn new(purpose: &[u8]) -> Self {
        let mut naming = Self(Context::new(&SHA256));
        naming.part(purpose);
        naming
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn instant(&mut self, at: Timestamp) {
        self.part(&at.as_nanosecond().to_be_bytes());
    }

    fn address(&mut self, address: &Address) {
        self.part(address.channel.as_bytes());
        self.part(address.to.as_bytes());
    }

    fn episode(&mut self, subject: &SubjectId, episode: &Episode) {
        self.part(subject.source.as_str().as_bytes());
        for name in [&subject.repository, &subject.asset] {
            self.part(&[u8::from(name.is_some())]);
            self.part(name.as_ref().map_or(&[], Name::bytes));
        }
        self.part(episode.matter.check.as_str().as_bytes());
        self.instant(episode.noticed_at);
    }

    fn why(&mut self, why: Why) {
        let (word, number) = details::why(why);
        self.part(word.as_bytes());
        self.part(&number.unwrap_or_default().to_be_bytes());
    }

    /// 43 letters, digits, `-` and `_`.
    fn end(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.finish())
    }
}

#[cfg(test)]
mod tests;
