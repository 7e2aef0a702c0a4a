//! How is it told what happens, while it happens? Looks that went another way than the last, incidents that open and end,
//! and every mail, each with the second it was seen at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use lastgood_core::id::{CheckId, Escaped, SourceId};
use lastgood_core::observation::Extent;
use lastgood_simulator::smtp::Mail;
use tokio::sync::{mpsc, watch};

use super::say;
use crate::clock::Stopwatch;
use crate::commands::looking::complain;
use crate::commands::output::print;
use crate::exit::Exit;
use crate::sources;
use crate::watch::{OpenIncident, Published, SourceState};

/// How long anything is waited for: far longer than it takes.
const PATIENCE: Duration = Duration::from_mins(3);

const HEADING: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default();
const OVER: Style = AnsiColor::Green.on_default();
const SOFT: Style = Style::new().dimmed();

/// How many incidents are told one by one that open or end at once.
const TOGETHER_MAX: usize = 2;

/// How long a mail is held back for the tick that decided it: the two come in no set order.
const MAIL_WAITS: Duration = Duration::from_millis(200);

/// How wide a line is, in characters. Addresses of links are longer, and stay whole.
const WIDTH: usize = 100;

/// Tells what happens.
pub(super) struct Narrator {
    began: Stopwatch,
    mails: mpsc::Receiver<Mail>,
    published: watch::Receiver<Arc<Published>>,
    sight: Sight,
    /// What was open when it was last told: the headline of every subject and check.
    open: BTreeMap<(String, CheckId), String>,
    /// How the newest look at each source went when it was last told.
    looks: BTreeMap<String, Extent>,
}

/// What there is to see.
pub(super) struct Sight {
    /// Every mail so far.
    pub(super) mails: Vec<Mail>,
    /// The newest tick.
    pub(super) published: Arc<Published>,
}

impl Sight {
    /// Was this one told in such a state about something whose name holds this, by any mail but the first so many?
    pub(super) fn was_told(&self, but: usize, (to, state, about): (&str, &str, &str)) -> bool {
        let lines = |mail: &Mail| mail.text().unwrap_or_default();
        let says = |line: &str| line.strip_prefix(state).is_some_and(|rest| rest.contains(about));
        self.mails
            .iter()
            .skip(but)
            .filter(|mail| mail.to.iter().any(|one| one == to))
            .any(|mail| lines(mail).lines().any(says))
    }
}

impl Narrator {
    /// Begins to follow.
    pub(super) fn new(mails: mpsc::Receiver<Mail>, mut published: watch::Receiver<Arc<Published>>) -> Self {
        let newest = Arc::clone(&published.borrow_and_update());
        Self {
            began: Stopwatch::start(),
            mails,
            published,
            sight: Sight { mails: Vec::new(), published: newest },
            open: BTreeMap::new(),
            looks: BTreeMap::new(),
        }
    }

    /// How many mails came in.
    pub(super) fn mail_count(&self) -> usize {
        self.sight.mails.len()
    }

    /// Says what happens next in the story.
    pub(super) fn chapter(&self, words: &str) -> Result<(), Exit> {
        say("")?;
        self.line(HEADING, words)
    }

    /// Says one thing.
    pub(super) fn tell(&self, words: &str) -> Result<(), Exit> {
        self.line(Style::new(), words)
    }

    fn line(&self, style: Style, words: &str) -> Result<(), Exit> {
        let seconds = self.began.read().as_secs();
        let mut lines = wrapped(words, WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        print(true, |out| {
            writeln!(out, "{SOFT}{seconds:>3} s{SOFT:#}  {style}{first}{style:#}")?;
            lines.try_for_each(|line| writeln!(out, "       {style}{line}{style:#}"))
        })
    }

    /// Tells what happens until that is there to see; what does not come within [`PATIENCE`] is our own failure.
    pub(super) async fn until(&mut self, what: &str, is_there: impl Fn(&Sight) -> bool) -> Result<(), Exit> {
        let coming = async {
            while !is_there(&self.sight) {
                self.next().await?;
            }
            Ok(())
        };
        let came = tokio::time::timeout(PATIENCE, coming).await;
        came.unwrap_or_else(|_| {
            let text = format!("{what} did not come within {} s", PATIENCE.as_secs());
            Err(complain(&std::io::Error::other(text), Exit::OwnFailure))
        })
    }

    /// Tells what happens for so long.
    pub(super) async fn go_on(&mut self, time: Duration) -> Result<(), Exit> {
        let all = async {
            loop {
                self.next().await?;
            }
        };
        tokio::time::timeout(time, all).await.unwrap_or(Ok(()))
    }

    /// Waits for the next thing and tells it.
    async fn next(&mut self) -> Result<(), Exit> {
        tokio::select! {
            Some(mail) = self.mails.recv() => {
                // The tick that decided it is shown first, unless it was long ago.
                if let Ok(Ok(())) = tokio::time::timeout(MAIL_WAITS, self.published.changed()).await {
                    self.changed()?;
                }
                self.mail(mail)
            }
            Ok(()) = self.published.changed() => self.changed(),
            else => std::future::pending().await,
        }
    }

    fn changed(&mut self) -> Result<(), Exit> {
        let newest = Arc::clone(&self.published.borrow_and_update());
        for source in &newest.sources {
            self.look(source)?;
        }
        let opened = |one: &OpenIncident| {
            let name = one.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
            ((one.subject.clone() + &name, one.check), one.headline.clone())
        };
        let open: BTreeMap<_, _> = newest.open.iter().map(opened).collect();
        let before = std::mem::take(&mut self.open);
        let new = open.iter().filter(|(matter, _)| !before.contains_key(*matter));
        let new =
            new.map(|((subject, check), headline)| format!("incident: {subject}: {headline} ({check})"));
        self.several(BAD, &new.collect::<Vec<_>>())?;
        let over = before.keys().filter(|matter| !open.contains_key(*matter));
        let over = over.map(|(subject, check)| format!("incident over: {subject} ({check})"));
        self.several(OVER, &over.collect::<Vec<_>>())?;
        self.open = open;
        self.sight.published = newest;
        Ok(())
    }

    /// Tells of a look that went another way than the one before.
    fn look(&mut self, source: &SourceState) -> Result<(), Exit> {
        let id = source.id.to_string();
        // We are a source ourselves, and nobody looks at what pings.
        let is_looked_at = id != SourceId::OURSELVES && source.kind != sources::ping::KIND.id;
        if !is_looked_at || self.looks.insert(id.clone(), source.look) == Some(source.look) {
            return Ok(());
        }
        let why = source.failure.as_deref().map(|why| Escaped(why).to_string()).unwrap_or_default();
        match source.look {
            Extent::Complete => self.tell(&format!("look at {id}: everything was seen")),
            Extent::Partial => self.tell(&format!("look at {id}: seen in part: {why}")),
            Extent::Failed => self.tell(&format!("look at {id}: not seen: {why}")),
        }
    }

    /// Tells of what came at once: what is above the others in the fleet comes first, and stands for many.
    fn several(&self, style: Style, lines: &[String]) -> Result<(), Exit> {
        let shown = if lines.len() > TOGETHER_MAX { 1 } else { lines.len() };
        lines.iter().take(shown).try_for_each(|line| self.line(style, line))?;
        let more = lines.len() - shown;
        if more > 0 { self.line(style, &format!("and {more} more with it")) } else { Ok(()) }
    }

    fn mail(&mut self, mail: Mail) -> Result<(), Exit> {
        self.tell(&format!("mail to {}", mail.to.join(", ")))?;
        let header = |name: &str| format!("{name}: {}", Escaped(&mail.header(name).unwrap_or_default()));
        let mut lines: Vec<_> = ["From", "To", "Subject"].map(header).into();
        lines.push(String::new());
        let text = mail.text().unwrap_or_default();
        for line in text.trim_end().lines() {
            let indent = line.len() - line.trim_start().len();
            let words = Escaped(line.trim_start()).to_string();
            let wrapped = wrapped(&words, WIDTH - indent);
            lines.extend(wrapped.iter().map(|line| format!("{:indent$}{line}", "")));
        }
        print(true, |out| lines.iter().try_for_each(|line| writeln!(out, "       {SOFT}|{SOFT:#} {line}")))?;
        self.sight.mails.push(mail);
        Ok(())
    }
}

/// Breaks a line between words.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().expect("there is a first line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_between_words_only() {
        assert_eq!(wrapped("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrapped("longer-than-that x", 5), ["longer-than-that", "x"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
