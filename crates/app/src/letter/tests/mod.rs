//! Is the same digest the same message, is everything in it, and does nothing of others break out of it?

use lastgood_core::checks::{behind_local, unsuccessful};
use lastgood_core::id::SourceId;
use lastgood_core::incident::{Closing, Incident, Matter};
use lastgood_core::testing::noon;
use lastgood_core::verdict::Reason;

use super::*;
use crate::channels::MESSAGE_MAX_BYTES;

mod voice;

fn entry(asset: &str, why: Why) -> Entry {
    let source = SourceId::new("acme").expect("a name");
    let subject = SubjectId { source, repository: Some(Name::new("nas1")), asset: Some(Name::new(asset)) };
    let incident = Incident {
        matter: Matter { subject, check: unsuccessful::ID },
        noticed_at: noon(),
        began_at: None,
        opened_at: Some(noon()),
        acknowledged: None,
        looked_at: noon(),
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Failed(2, 1, None),
    };
    let closing = (why == Why::Resolved).then_some(Closing::Recovered);
    let role = (why != Why::Resolved).then_some(Role::Operator);
    let because = vec!["operator of `*` (config.toml:9)".to_owned()];
    Entry { incident, why, closing, affected: Vec::new(), role, because, others: Vec::new() }
}

fn digest(entries: Vec<Entry>) -> Digest {
    Digest {
        voice: None,
        address: Address { channel: "mail".to_owned(), to: "ada@example.org".to_owned() },
        entries,
    }
}

fn called(subject: &SubjectId) -> Called {
    let name = subject.asset.as_ref().map_or_else(String::new, |asset| asset.text().into_owned());
    Called { name, kind: "agent" }
}

fn links() -> Links {
    Links::new("https://backup.example.org", &[7; 32]).expect("a key of 32 bytes")
}

fn written(digest: &Digest) -> NewMessage {
    Writer::new(Some(links())).write(digest, &called, noon())
}

fn opened(written: &NewMessage) -> channels::Message {
    open(&kept(written)).expect("it was written here")
}

fn kept(written: &NewMessage) -> store::Message {
    let NewMessage { key, address, thread, content, .. } = written.clone();
    store::Message {
        id: 1,
        key,
        address,
        thread,
        content,
        decided_at: noon(),
        attempt_count: 0,
        attempts_before: 0,
        holds_back: false,
    }
}

#[test]
fn the_same_digest_is_the_same_message_and_any_other_has_another_key() {
    let one = digest(vec![entry("db", Why::First)]);
    assert_eq!(written(&one), written(&one));
    let mut others = vec![
        digest(vec![entry("db", Why::Reminder(1))]),
        digest(vec![entry("db", Why::Reminder(2))]),
        digest(vec![entry("web", Why::First)]),
        digest(vec![entry("db", Why::First), entry("web", Why::First)]),
    ];
    let mut to_bob = one.clone();
    to_bob.address.to = "bob@example.org".to_owned();
    others.push(to_bob);
    let mut of_other_check = one.clone();
    of_other_check.entries[0].incident.matter.check = behind_local::ID;
    others.push(of_other_check);
    let mut keys: Vec<_> = others.iter().map(|digest| written(digest).key).collect();
    keys.push(written(&one).key);
    let later = noon() + jiff::SignedDuration::from_nanos(1);
    keys.push(Writer::new(None).write(&one, &called, later).key);
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert!(keys.iter().all(|key| key.parse::<channels::Key>().is_ok()), "{keys:?}");
}

#[test]
fn names_that_run_together_are_different_threads() {
    let named = |repository: &str, asset: &str| {
        let mut entry = entry(asset, Why::First);
        entry.incident.matter.subject.repository = Some(Name::new(repository));
        written(&digest(vec![entry])).thread
    };
    assert_ne!(named("a", "bc"), named("ab", "c"));
}

#[test]
fn one_incident_is_one_thread_and_what_is_about_several_is_the_readers_own() {
    let thread = |entries| written(&digest(entries)).thread.expect("every message has one");
    let first = thread(vec![entry("db", Why::First)]);
    assert_eq!(first, thread(vec![entry("db", Why::Resolved)]));
    assert_ne!(first, thread(vec![entry("web", Why::First)]));
    let several = thread(vec![entry("db", Why::First), entry("web", Why::First)]);
    assert_eq!(several, thread(vec![entry("a", Why::First), entry("b", Why::Reminder(1))]));
    assert_ne!(several, first);
}

#[test]
fn what_was_written_is_read_back_with_everything_a_channel_needs() {
    let written = written(&digest(vec![entry("db", Why::First), entry("web", Why::Resolved)]));
    let message = opened(&written);
    assert_eq!(message.key.as_str(), written.key);
    assert_eq!(message.thread.as_ref().map(channels::Key::as_str), written.thread.as_deref());
    assert_eq!(message.written_at, noon());
    assert_eq!(message.subject, "1 BAD, 1 OVER: acme/nas1/db, acme/nas1/web");
    assert!(message.text.contains("BAD acme/nas1/db: "), "{}", message.text);
    let url = message.details["act_url"].as_str().expect("a link").to_owned();
    assert!(message.text.contains(&url));
    let html = message.html.expect("HTML");
    assert!(html.contains(&format!("{url}#1")) && !html.contains(&format!("{url}#2")), "{html}");
    let incidents = message.details["incidents"].as_array().expect("a list");
    assert_eq!(incidents[0]["subject"], "acme/nas1/db");
    assert_eq!(incidents[0]["state"], "bad");
    assert_eq!(incidents[1]["closing"], "recovered");
    assert_eq!(message.details["omitted_count"], 0);
    let covered: Vec<_> = written.covers.iter().map(|cover| cover.why).collect();
    assert_eq!(covered, [Why::First, Why::Resolved]);
}

#[test]
fn a_link_has_the_least_role_of_what_is_not_over() {
    let role = |entries| {
        let message = opened(&written(&digest(entries)));
        let url = message.details["act_url"].as_str()?.to_owned();
        let token = url.rsplit('/').next().expect("a token");
        let link = links().open(token, noon()).expect("it works at once");
        assert_eq!((link.message_key.as_str(), link.expires_at), (message.key.as_str(), noon() + LASTS));
        Some(link.role)
    };
    let of = |role| Entry { role: Some(role), ..entry("db", Why::First) };
    assert_eq!(role(vec![of(Role::Operator)]), Some(Role::Operator));
    assert_eq!(role(vec![of(Role::Operator), of(Role::Customer)]), Some(Role::Customer));
    assert_eq!(role(vec![of(Role::Reseller), entry("web", Why::Resolved)]), Some(Role::Reseller));
    assert_eq!(role(vec![entry("web", Why::Resolved)]), None);
}

#[test]
fn without_links_nothing_says_that_there_is_one() {
    let message = opened(&Writer::new(None).write(&digest(vec![entry("db", Why::First)]), &called, noon()));
    let html = message.html.expect("HTML");
    assert!(!message.text.contains("link") && !html.contains("href"), "{html}");
    assert_eq!(message.details["act_url"], Value::Null);
}

#[test]
fn hostile_names_stay_text_in_html_and_turn_nothing() {
    let hostile = "<script>alert(1)</script>\"'&\u{202e}\n<img src=x>";
    let mut bad = entry(hostile, Why::First);
    bad.because = vec!["<b>why</b>".to_owned()];
    let html = opened(&written(&digest(vec![bad]))).html.expect("HTML");
    for wrong in ["<script", "<img", "<b>why", "\u{202e}"] {
        assert!(!html.contains(wrong), "{wrong} in {html}");
    }
    assert!(html.contains("&#60;script&#62;"), "{html}");
}

#[test]
fn html_loads_nothing_from_anywhere() {
    let html = opened(&written(&digest(vec![entry("db", Why::First)]))).html.expect("HTML");
    for wrong in ["<link", "<script", "<img", "src=", "url(", "@import", "http://"] {
        assert!(!html.contains(wrong), "{wrong} in {html}");
    }
}

#[test]
fn ten_thousand_entries_are_cut_and_their_number_is_said() {
    let entries = (0..10_000).map(|number| entry(&format!("agent{number:05}"), Why::First)).collect();
    let written = written(&digest(entries));
    assert!(written.content.len() <= LETTER_MAX_BYTES, "{}", written.content.len());
    assert_eq!(written.covers.len(), 10_000);
    let message = opened(&written);
    let shown = message.details["incidents"].as_array().expect("a list").len();
    assert_eq!(shown, ENTRIES_MAX);
    assert_eq!(message.details["omitted_count"], 10_000 - ENTRIES_MAX);
    assert!(message.subject.starts_with("10000 BAD: "), "{}", message.subject);
    for text in [&message.text, message.html.as_ref().expect("HTML")] {
        assert!(text.contains("and 9500 more that are bad"), "{text}");
    }
}

#[test]
fn names_of_a_megabyte_make_no_message_that_is_too_large() {
    let name = "\u{202e}<".repeat(256 * 1024);
    let mut entries: Vec<_> = (0..600).map(|_| entry(&name, Why::First)).collect();
    for entry in &mut entries {
        entry.affected = vec![entry.incident.matter.clone(); 3];
        entry.because = vec![name.clone(); 2];
        entry.incident.matter.subject.repository = Some(Name::new("nas1"));
    }
    entries.truncate(40);
    let written = written(&digest(entries));
    let message = opened(&written);
    let bytes = message.text.len() + message.html.as_ref().map_or(0, String::len);
    assert!(bytes + message.details.to_string().len() <= MESSAGE_MAX_BYTES);
    assert!(written.content.len() <= LETTER_MAX_BYTES, "{}", written.content.len());
    assert!(!message.details["incidents"].as_array().expect("a list").is_empty());
}

#[test]
fn what_is_no_message_is_an_error_that_says_what_to_do() {
    let mut broken = kept(&written(&digest(vec![entry("db", Why::First)])));
    broken.content = b"{}".to_vec();
    assert!(open(&broken).expect_err("nothing in it").to_string().contains("db check"));
    broken.content =
        br#"{"version":9,"subject":"","text":"","html":"","details":null,"written_at":""}"#.to_vec();
    assert!(matches!(open(&broken), Err(LetterError::Version(9))));
    broken.content =
        br#"{"version":1,"subject":"","text":"","html":"","details":null,"written_at":""}"#.to_vec();
    assert!(matches!(open(&broken), Err(LetterError::Part("date"))));
}
