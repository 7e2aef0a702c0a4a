//! What does a program read of incidents and silences?
//!
//! The structs here are the promise: fields are added, never renamed or removed.

use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::notify::Why;
use lastgood_core::observation::FailureKind;
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use serde::Serialize;

use super::super::json::write;
use super::{Rest, because, closing, silence_state, state};
use crate::store::{MessageState, Notified, Recorded, Story, WithheldSpan};

/// Writes incidents.
pub(super) fn incidents(
    incidents: &[Recorded],
    rest: Rest,
    at: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let incidents = incidents.iter().map(|recorded| IncidentRow::of(recorded, at)).collect();
    write(&IncidentList { at: at.to_string(), has_more: rest == Rest::More, incidents }, out)
}

/// Writes everything about one incident.
pub(super) fn story(story: &Story, at: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let page = StoryPage {
        at: at.to_string(),
        incident: IncidentRow::of(&story.recorded, at),
        notifications: story.notifications.iter().map(NotifiedRow::of).collect(),
        knowing: story.knowing.iter().map(|(address, at)| knowing(address, *at)).collect(),
        withheld: story.withheld.iter().map(WithheldRow::of).collect(),
    };
    write(&page, out)
}

/// Writes silences.
pub(super) fn silences(silences: &[Silence], at: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let silences = silences.iter().map(|silence| SilenceRow::of(silence, at)).collect();
    write(&SilenceList { at: at.to_string(), silences }, out)
}

#[derive(Serialize)]
struct IncidentList<'a> {
    at: String,
    has_more: bool,
    incidents: Vec<IncidentRow<'a>>,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    id: i64,
    state: &'static str,
    /// `source/repository/asset`.
    subject: String,
    source: &'a str,
    repository: Option<String>,
    asset: Option<String>,
    check: &'static str,
    because: String,
    noticed_at: String,
    opened_at: Option<String>,
    acknowledged_at: Option<String>,
    acknowledged_by: Option<&'a str>,
    looked_at: String,
    bad_looks: u32,
    closed_at: Option<String>,
    closing: Option<&'static str>,
    closing_words: Option<String>,
}

impl<'a> IncidentRow<'a> {
    fn of(recorded: &'a Recorded, at: Timestamp) -> Self {
        let incident = &recorded.incident;
        let subject = &incident.matter.subject;
        let text = |name: &Option<Name>| name.as_ref().map(|name| name.text().into_owned());
        let (known, closed) = (incident.acknowledged.as_ref(), recorded.closed.as_ref());
        Self {
            id: recorded.id,
            state: state(recorded),
            subject: subject.path(),
            source: subject.source.as_str(),
            repository: text(&subject.repository),
            asset: text(&subject.asset),
            check: incident.matter.check.as_str(),
            because: because(recorded, at),
            noticed_at: incident.noticed_at.to_string(),
            opened_at: incident.opened_at.map(|at| at.to_string()),
            acknowledged_at: known.map(|known| known.at.to_string()),
            acknowledged_by: known.map(|known| known.by.as_str()),
            looked_at: incident.looked_at.to_string(),
            bad_looks: incident.bad_looks,
            closed_at: closed.map(|(at, _)| at.to_string()),
            closing: closed.map(|(_, end)| end.as_str()),
            closing_words: closed.map(|(_, end)| closing(end)),
        }
    }
}

#[derive(Serialize)]
struct StoryPage<'a> {
    at: String,
    incident: IncidentRow<'a>,
    notifications: Vec<NotifiedRow<'a>>,
    /// Who knows of it for themselves only.
    knowing: Vec<KnowingRow<'a>>,
    withheld: Vec<WithheldRow<'a>>,
}

#[derive(Serialize)]
struct KnowingRow<'a> {
    channel: &'a str,
    to: &'a str,
    at: String,
}

fn knowing(address: &Address, at: Timestamp) -> KnowingRow<'_> {
    KnowingRow { channel: &address.channel, to: &address.to, at: at.to_string() }
}

#[derive(Serialize)]
struct NotifiedRow<'a> {
    message: i64,
    channel: &'a str,
    to: &'a str,
    why: &'static str,
    /// Which reminder, or how many subjects.
    count: Option<u64>,
    decided_at: String,
    state: &'static str,
    deliveries: Vec<DeliveryRow<'a>>,
}

#[derive(Serialize)]
struct DeliveryRow<'a> {
    at: String,
    failure: Option<&'static str>,
    words: &'a str,
}

impl<'a> NotifiedRow<'a> {
    fn of(notified: &'a Notified) -> Self {
        let (why, count) = match notified.why {
            Why::First => ("first", None),
            Why::Escalated => ("escalated", None),
            Why::MoreSubjects(count) => ("more_subjects", Some(count as u64)),
            Why::Reminder(count) => ("reminder", Some(count.into())),
            Why::Resolved => ("resolved", None),
        };
        let state = match notified.state {
            MessageState::Due => "due",
            MessageState::Delivered => "delivered",
            MessageState::GivenUp => "given_up",
        };
        let deliveries = notified.deliveries.iter().map(|delivery| DeliveryRow {
            at: delivery.at.to_string(),
            failure: delivery.failure.map(FailureKind::as_str),
            words: &delivery.words,
        });
        Self {
            message: notified.message,
            channel: &notified.address.channel,
            to: &notified.address.to,
            why,
            count,
            decided_at: notified.decided_at.to_string(),
            state,
            deliveries: deliveries.collect(),
        }
    }
}

#[derive(Serialize)]
struct WithheldRow<'a> {
    /// None: from everybody.
    channel: Option<&'a str>,
    to: Option<&'a str>,
    why: &'a str,
    about: &'a str,
    from: String,
    until: Option<String>,
}

impl<'a> WithheldRow<'a> {
    fn of(span: &'a WithheldSpan) -> Self {
        Self {
            channel: span.address.as_ref().map(|address| address.channel.as_str()),
            to: span.address.as_ref().map(|address| address.to.as_str()),
            why: &span.why,
            about: &span.about,
            from: span.from.to_string(),
            until: span.until.map(|until| until.to_string()),
        }
    }
}

#[derive(Serialize)]
struct SilenceList<'a> {
    at: String,
    silences: Vec<SilenceRow<'a>>,
}

#[derive(Serialize)]
struct SilenceRow<'a> {
    id: u64,
    state: &'static str,
    pattern: &'a str,
    /// None: every check.
    checks: Option<Vec<&'static str>>,
    /// None: from everybody.
    channel: Option<&'a str>,
    to: Option<&'a str>,
    from: String,
    until: String,
    reason: &'a str,
    by: &'a str,
}

impl<'a> SilenceRow<'a> {
    fn of(silence: &'a Silence, at: Timestamp) -> Self {
        Self {
            id: silence.id,
            state: silence_state(silence, at),
            pattern: &silence.pattern,
            checks: silence.checks.as_ref().map(|all| all.iter().map(|check| check.as_str()).collect()),
            channel: silence.address.as_ref().map(|address| address.channel.as_str()),
            to: silence.address.as_ref().map(|address| address.to.as_str()),
            from: silence.from.to_string(),
            until: silence.until.to_string(),
            reason: &silence.reason,
            by: &silence.by,
        }
    }
}
