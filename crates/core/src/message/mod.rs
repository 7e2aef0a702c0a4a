//! What does a digest say?
//!
//! The words of a notification: a subject that says it all, and for each entry what is wrong, since when, what decided,
//! what to do and why them. Channels dress it; nothing here knows how, and third-party names are escaped as on a terminal.

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;

use crate::checks;
use crate::id::SubjectId;
use crate::incident::{Closing, Ending, Incident, Matter};
use crate::notify::{Digest, Entry, Why};
use crate::time::{Age, Instant};
use crate::verdict::Words;

#[cfg(test)]
mod tests;

/// How many affected subjects an item names; of more, their number.
const NAMED_MAX: usize = 10;

/// How many items stand in the subject; of more, their number.
const IN_SUBJECT_MAX: usize = 2;

/// What people call a subject, and what kind of thing it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The name people know it by; escaped when it is shown.
    pub name: String,
    /// The word for its kind, such as `agent`.
    pub kind: &'static str,
}

/// A digest in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// One line without line breaks.
    pub subject: String,
    /// One item for each entry, in the order of the digest.
    pub items: Vec<Item>,
}

/// An entry in words. Every part is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `BAD`, `STILL BAD`, or how it ended: `OVER` only for what is ok again.
    pub state: &'static str,
    /// What it is about.
    pub matter: Matter,
    /// What people call its subject, escaped; `None` where the subject says so itself.
    pub name: Option<String>,
    /// What is wrong, or why it is over, as a sentence without its full stop.
    pub headline: String,
    /// Further lines: since when, who is affected, why now.
    pub lines: Vec<String>,
    /// What to do; `None` for what is over.
    pub remedy: Option<&'static str>,
    /// Why them.
    pub because: Vec<String>,
}

impl Item {
    /// Its subject, with the name people know it by.
    fn subject(&self) -> String {
        let subject = &self.matter.subject;
        self.name.as_ref().map_or_else(|| subject.to_string(), |name| format!("{subject} ({name})"))
    }
}

/// Puts a digest into words. `called` knows the names of subjects; for those that left it answers with their key.
pub fn compose(digest: &Digest, called: &dyn Fn(&SubjectId) -> Called, now: Timestamp) -> Content {
    let items: Vec<_> = digest.entries.iter().map(|entry| item(entry, called, now)).collect();
    Content { subject: subject(&items), items }
}

/// The text of a message, as it stands in a plain mail.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, item) in self.items.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{} {}: {}", item.state, item.subject(), item.headline)?;
            item.lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
            if let Some(remedy) = item.remedy {
                writeln!(f, "  What to do: {remedy}")?;
            }
            if !item.because.is_empty() {
                writeln!(f, "  Why you: {}", item.because.join("; "))?;
            }
        }
        Ok(())
    }
}

fn item(entry: &Entry, called: &dyn Fn(&SubjectId) -> Called, now: Timestamp) -> Item {
    let Incident { matter, reason, .. } = &entry.incident;
    let check = checks::find(matter.check);
    let words = check.map_or(Words { matter: "it", verb: "was" }, |check| check.words);
    let is_over = entry.why == Why::Resolved;
    let headline = match &entry.closing {
        Some(closing) => format!("{} ({})", over(closing), matter.check),
        None => format!("{} ({})", reason.summary(words, now), matter.check),
    };
    let mut lines = vec![since(&entry.incident, is_over, now)];
    if !entry.affected.is_empty() {
        lines.push(affected(&entry.affected, called));
    }
    lines.extend(why_now(entry.why));
    let name = crate::id::Escaped(&called(&matter.subject).name).to_string();
    Item {
        state: state(entry),
        matter: matter.clone(),
        name: (!matter.subject.to_string().ends_with(&name)).then_some(name),
        headline,
        lines,
        remedy: check.filter(|_| !is_over).map(|check| check.remedy),
        because: entry.because.clone(),
    }
}

fn state(entry: &Entry) -> &'static str {
    match (entry.why, entry.closing.as_ref().map(Closing::ending)) {
        (Why::First | Why::Escalated, _) => "BAD",
        (Why::MoreSubjects(_) | Why::Reminder(_), _) => "STILL BAD",
        (Why::Resolved, Some(Ending::Recovered)) => "OVER",
        (Why::Resolved, Some(Ending::Unwatched) | None) => "NOT WATCHED ANY MORE",
        (Why::Resolved, Some(Ending::ThresholdChanged)) => "THRESHOLD CHANGED",
        (Why::Resolved, Some(Ending::ByHand)) => "CLOSED BY HAND",
    }
}

fn over(closing: &Closing) -> String {
    match closing {
        Closing::Recovered => "ok again".to_owned(),
        Closing::Exempt(exemption) => format!("not judged any more: {}", exemption.explain()),
        Closing::Left => "it left: the list it stood in was read completely without it".to_owned(),
        Closing::SourceRemoved => "its source is not looked at any more".to_owned(),
        Closing::NotAsked => "this is not asked of it any more".to_owned(),
        Closing::ThresholdChanged => {
            "within a threshold that was changed; nothing else makes it ok".to_owned()
        }
        Closing::ByHand(by) => format!("closed by {}", crate::id::Escaped(by)),
    }
}

fn since(incident: &Incident, is_over: bool, now: Timestamp) -> String {
    let opened_at = incident.opened_at.unwrap_or(incident.noticed_at);
    let age = Age(now.duration_since(opened_at).max(jiff::SignedDuration::ZERO));
    let verb = if is_over { "Lasted" } else { "Open for" };
    format!("{verb} {age}, since {}", Instant(opened_at))
}

/// `14 agents affected: db, web, …`, kinds in the order of their first subject.
fn affected(affected: &[Matter], called: &dyn Fn(&SubjectId) -> Called) -> String {
    let mut subjects: Vec<&SubjectId> = affected.iter().map(|matter| &matter.subject).collect();
    subjects.dedup();
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    let mut names = Vec::new();
    for subject in &subjects {
        let Called { name, kind } = called(subject);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
        if names.len() < NAMED_MAX {
            names.push(crate::id::Escaped(&name).to_string());
        }
    }
    let counted: Vec<_> = kinds.into_iter().map(|(kind, count)| plural(count, kind)).collect();
    let more = subjects.len() - names.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} affected: {}{rest}", counted.join(", "), names.join(", "))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn why_now(why: Why) -> Option<String> {
    match why {
        Why::First | Why::Resolved => None,
        Why::Escalated => Some("Told to you now because nobody has said that they know".to_owned()),
        Why::MoreSubjects(count) => Some(format!("Told again because it affects {count} more")),
        Why::Reminder(count) => Some(format!("Reminder {count}: nobody has said that they know")),
    }
}

/// The worst first; where there is more than fits, how many of what.
fn subject(items: &[Item]) -> String {
    let named = |item: &Item| format!("{} {}: {}", item.state, item.subject(), item.matter.check);
    if let [item] = items {
        return match item.lines.iter().find(|line| line.contains(" affected: ")) {
            Some(line) => {
                let count = line.split(" affected: ").next().unwrap_or_default();
                format!("{} ({count} affected)", named(item))
            }
            None => named(item),
        };
    }
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for item in items {
        match counts.iter_mut().find(|(state, _)| *state == item.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((item.state, 1)),
        }
    }
    let counted: Vec<_> = counts.into_iter().map(|(state, count)| format!("{count} {state}")).collect();
    // What is bad in two ways is named once.
    let mut named = HashSet::new();
    let distinct: Vec<_> = items.iter().filter(|item| named.insert(&item.matter.subject)).collect();
    let first: Vec<_> = distinct.iter().take(IN_SUBJECT_MAX).map(|item| item.subject()).collect();
    let more = distinct.len().saturating_sub(IN_SUBJECT_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{rest}", counted.join(", "), first.join(", "))
}
