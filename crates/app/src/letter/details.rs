//! What do programs read in a message?
//!
//! One JSON object, the same for every channel that carries it. Fields are only ever added: docs/telling.md is its promise.

use lastgood_core::id::SubjectId;
use lastgood_core::incident::{Closing, Matter};
use lastgood_core::message::{Called, Item};
use lastgood_core::notify::{Entry, Why, subject_count};
use lastgood_core::observation::cut;
use lastgood_core::recipient::Role;
use serde_json::{Value, json};

use super::{Letter, NAME_MAX_BYTES, VERSION};

/// How many affected matters of one entry are named; `affected_count` counts all subjects.
const AFFECTED_MAX: usize = 100;

/// The object; `items` are the entries that are shown, in words, `language` is that of the message around it.
pub(super) fn write(letter: &Letter<'_>, items: &[Item], language: &str) -> Value {
    let entries = &letter.digest.entries;
    let shown = entries.iter().zip(items).enumerate();
    let incidents: Vec<_> =
        shown.map(|(index, (entry, item))| incident(index + 1, entry, item, letter)).collect();
    json!({
        "version": VERSION,
        "language": language,
        "incidents": incidents,
        "omitted_count": entries.len() - items.len(),
        "act_url": letter.reply.map(|reply| reply.url.as_str()),
        "act_until": letter.reply.map(|reply| reply.expires_at.to_string()),
    })
}

fn incident(number: usize, entry: &Entry, item: &Item, letter: &Letter<'_>) -> Value {
    let incident = &entry.incident;
    let subject = &incident.matter.subject;
    let Called { name, kind } = (letter.called)(subject);
    let (why, why_count) = why(entry.why);
    let affected: Vec<_> = entry.affected.iter().take(AFFECTED_MAX).map(matter).collect();
    json!({
        "number": number,
        "state": state(entry.why),
        "subject": path(subject),
        "name": cut(&name, NAME_MAX_BYTES),
        "kind": kind,
        "check": incident.matter.check.as_str(),
        "why": why,
        "why_count": why_count,
        "headline": item.headline,
        "remedy": item.remedy,
        "noticed_at": incident.noticed_at.to_string(),
        "opened_at": incident.opened_at.map(|at| at.to_string()),
        "acknowledged_by": incident.acknowledged.as_ref().map(|known| acknowledged_by(&known.by, entry)),
        "closing": entry.closing.as_ref().map(Closing::as_str),
        "affected_count": subject_count(&entry.affected),
        "affected": affected,
        "role": entry.role.map(Role::as_str),
        "because": item.because,
    })
}

/// Who runs it is nobody else's matter.
fn acknowledged_by<'a>(by: &'a str, entry: &Entry) -> &'a str {
    if entry.role == Some(Role::Operator) { by } else { Role::Operator.as_str() }
}

fn matter(matter: &Matter) -> Value {
    json!({ "subject": path(&matter.subject), "check": matter.check.as_str() })
}

/// The path with each name at a bounded length.
fn path(subject: &SubjectId) -> String {
    let names = [&subject.repository, &subject.asset].into_iter().flatten();
    names.fold(subject.source.to_string(), |path, name| {
        format!("{path}/{}", cut(&name.text(), NAME_MAX_BYTES))
    })
}

/// The words of a reason to tell, and its number where it has one.
pub(super) fn why(why: Why) -> (&'static str, Option<u64>) {
    match why {
        Why::First => ("first", None),
        Why::Escalated => ("escalated", None),
        Why::MoreSubjects(count) => ("more_subjects", Some(count as u64)),
        Why::Reminder(count) => ("reminder", Some(count.into())),
        Why::Resolved => ("resolved", None),
    }
}

pub(super) fn state(why: Why) -> &'static str {
    match why {
        Why::First | Why::Escalated => "bad",
        Why::MoreSubjects(_) | Why::Reminder(_) => "still_bad",
        Why::Resolved => "over",
    }
}
