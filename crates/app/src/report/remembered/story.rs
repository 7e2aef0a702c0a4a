//! How is everything about one incident told to people?
//!
//! What it is, who was told what about it and what became of that, and who was not told and why.

use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::id::Escaped;
use lastgood_core::notify::Why;
use lastgood_core::recipient::Address;
use lastgood_core::time::Instant;

use super::super::table::{BAD, GOOD, HEAD, QUIET, UNKNOWN};
use super::super::words::counted;
use super::table::style;
use super::{address, because, closing, state};
use crate::store::{MessageState, Notified, Story, WithheldSpan};

/// Writes the story.
pub(super) fn text(story: &Story, at: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let recorded = &story.recorded;
    let (state, matter) = (state(recorded), &recorded.incident.matter);
    let style = style(state);
    writeln!(out, "{HEAD}incident {}{HEAD:#}: {style}{state}{style:#}", recorded.id)?;
    for (label, value) in facts(story, at) {
        writeln!(out, "  {QUIET}{label:<12}{QUIET:#}  {value}")?;
    }
    writeln!(out, "\n{HEAD}told:{HEAD:#}")?;
    if story.notifications.is_empty() {
        writeln!(out, "  nobody")?;
    }
    story.notifications.iter().try_for_each(|notified| told(notified, out))?;
    writeln!(out, "\n{HEAD}not told:{HEAD:#}")?;
    if story.withheld.is_empty() {
        writeln!(out, "  nobody was left out")?;
    }
    story.withheld.iter().try_for_each(|span| left_out(span, out))?;
    if recorded.closed.is_none() {
        let remedy = checks::find(matter.check).map_or("", |check| check.remedy);
        writeln!(out, "\n{HEAD}what to do:{HEAD:#} {remedy}")?;
    }
    Ok(())
}

fn facts(story: &Story, at: Timestamp) -> Vec<(&'static str, String)> {
    let (recorded, incident) = (&story.recorded, &story.recorded.incident);
    let question = checks::find(incident.matter.check).map_or("", |check| check.question);
    let dated = |at: Timestamp| Instant(at).to_string();
    let mut facts = vec![
        ("subject", incident.matter.subject.to_string()),
        ("check", format!("{}: {question}", incident.matter.check)),
        ("because", because(recorded, at)),
        ("noticed", dated(incident.noticed_at)),
    ];
    facts.extend(incident.opened_at.map(|at| ("opened", dated(at))));
    facts.extend(
        incident
            .acknowledged
            .as_ref()
            .map(|known| ("acknowledged", format!("{} by {}", Instant(known.at), Escaped(&known.by)))),
    );
    let knows =
        |(whom, at): &(Address, Timestamp)| ("known", format!("{} to {}", Instant(*at), address(whom)));
    facts.extend(story.knowing.iter().map(knows));
    let looks = counted(incident.bad_looks.into(), "look");
    facts.push((
        "looks",
        format!("{looks} in a row found it bad, the newest at {}", Instant(incident.looked_at)),
    ));
    facts.extend(
        recorded.closed.as_ref().map(|(at, end)| ("closed", format!("{}: {}", Instant(*at), closing(end)))),
    );
    facts
}

fn told(notified: &Notified, out: &mut dyn Write) -> io::Result<()> {
    let (style, state) = match notified.state {
        MessageState::Due => (UNKNOWN, "is still to be sent"),
        MessageState::Delivered => (GOOD, "arrived"),
        MessageState::GivenUp => (BAD, "was given up"),
    };
    let (at, to, message) = (Instant(notified.decided_at), address(&notified.address), notified.message);
    writeln!(out, "  {at}  {to}: {}; message {message} {style}{state}{style:#}", why(notified.why))?;
    for delivery in &notified.deliveries {
        let (at, words) = (Instant(delivery.at), Escaped(&delivery.words));
        match delivery.failure {
            None if delivery.words.is_empty() => writeln!(out, "      {at}  arrived")?,
            None => writeln!(out, "      {at}  arrived: {words}")?,
            Some(kind) => writeln!(out, "      {at}  {UNKNOWN}{}{UNKNOWN:#}: {words}", kind.as_str())?,
        }
    }
    Ok(())
}

fn why(why: Why) -> String {
    match why {
        Why::First => "for the first time".to_owned(),
        Why::Escalated => "for the first time, since nobody said that they know".to_owned(),
        Why::MoreSubjects(count) => format!("it affects {} by now", counted(count as u64, "subject")),
        Why::Reminder(count) => format!("reminder {count}"),
        Why::Resolved => "it is over".to_owned(),
    }
}

fn left_out(span: &WithheldSpan, out: &mut dyn Write) -> io::Result<()> {
    let whom = span.address.as_ref().map_or_else(|| "everybody".to_owned(), address);
    let until = span.until.map_or_else(|| "still".to_owned(), |until| format!("until {}", Instant(until)));
    writeln!(out, "  {}, {until}  {whom}: {}", Instant(span.from), withheld(span))
}

/// Says why in a sentence; a word that a newer version wrote stands as it is.
fn withheld(span: &WithheldSpan) -> String {
    let about = Escaped(&span.about);
    match span.why.as_str() {
        "silence" => format!("silence {about} covers it"),
        "patience" => "their patience is not over".to_owned(),
        "escalation" => "others are told first".to_owned(),
        "cause" => format!("they hear of the cause instead: {about}"),
        "directory_unknown" => "the directory could not be asked".to_owned(),
        "nobody" => "no owner of it is configured".to_owned(),
        word => format!("{} {about}", Escaped(word)),
    }
}
