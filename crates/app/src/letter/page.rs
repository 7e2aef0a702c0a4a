//! How does a message look in a mail program?
//!
//! One table, styles in the elements, nothing from elsewhere: no picture, no font, no script. It sets no background, and
//! its few colours are readable on white and on black, so that both sorts of mail programs show it well. Askama escapes for
//! HTML.

use askama::Template;
use lastgood_core::incident::{Closing, Ending};
use lastgood_core::message::Item;
use lastgood_core::notify::{Entry, Why};
use lastgood_core::time::Instant;

use super::{Letter, Rest};

#[derive(Template)]
#[template(path = "letter/letter.html")]
struct Page<'a> {
    subject: &'a str,
    rows: Vec<Row<'a>>,
    rest: Option<String>,
    reply: Option<ReplyRow<'a>>,
}

/// One entry.
struct Row<'a> {
    item: &'a Item,
    color: &'static str,
    subject: String,
    /// What people call it, where that is not the end of its path.
    name: Option<&'a str>,
    /// The place of this entry on the page of the link.
    url: Option<String>,
}

struct ReplyRow<'a> {
    acts: &'static str,
    url: &'a str,
    until: Instant,
}

/// Red, green and grey of which none is lost on white or on black.
const BAD: &str = "#d64545";
const RECOVERED: &str = "#2e8b57";
const ENDED: &str = "#707070";

/// Only what is ok again is green.
fn color(entry: &Entry) -> &'static str {
    match (entry.why, entry.closing.as_ref().map(Closing::ending)) {
        (Why::Resolved, Some(Ending::Recovered)) => RECOVERED,
        (Why::Resolved, Some(Ending::Unwatched | Ending::ThresholdChanged | Ending::ByHand) | None) => ENDED,
        (Why::First | Why::Escalated | Why::MoreSubjects(_) | Why::Reminder(_), _) => BAD,
    }
}

pub(super) fn render(letter: &Letter<'_>, subject: &str, items: &[Item], rest: &Rest) -> String {
    let rows = letter.digest.entries.iter().zip(items).enumerate().map(|(index, (entry, item))| {
        let subject = item.matter.subject.to_string();
        let is_over = entry.why == Why::Resolved;
        let reply = letter.reply.filter(|_| !is_over && entry.role.is_some());
        Row {
            item,
            color: color(entry),
            name: item.name.as_deref(),
            subject,
            url: reply.map(|reply| format!("{}#{}", reply.url, index + 1)),
        }
    });
    let reply = letter.reply.map(|reply| ReplyRow {
        acts: reply.acts(),
        url: &reply.url,
        until: Instant(reply.expires_at),
    });
    let page = Page { subject, rows: rows.collect(), rest: rest.words(), reply };
    page.render().expect("writing to a text cannot fail")
}
