//! Is a mail what it should be, whatever stands in the message?

use super::*;
use crate::channels::tests::hostile;

fn from() -> Mailbox {
    mailbox::read("Backups <backups@example.org>").expect("a mailbox")
}

fn written(message: &Message) -> String {
    String::from_utf8(write(message, &from()).expect("a mail").bytes).expect("a mail is ASCII")
}

/// The headers of a mail, each on one line.
fn headers(mail: &str) -> Vec<String> {
    let head = mail.split_once("\r\n\r\n").expect("a head and a body").0;
    head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_mail_says_who_it_is_and_that_a_machine_wrote_it() {
    let message = Message { subject: "BAD web01: Größe".to_owned(), ..hostile() };
    let headers = headers(&written(&message));
    for expected in [
        "From: Backups <backups@example.org>",
        "To: anna@example.org",
        "Message-ID: <m-1@example.org>",
        "In-Reply-To: <m-0@example.org>",
        "References: <m-0@example.org>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
        "Date: Mon, 02 Mar 2026 12:00:00 +0000",
    ] {
        assert!(headers.iter().any(|header| header == expected), "{expected} in {headers:#?}");
    }
    let subject = headers.iter().find(|header| header.starts_with("Subject: ")).expect("a subject");
    assert!(subject.starts_with("Subject: BAD web01: =?utf-8?b?"), "{subject}");
}

#[test]
fn a_mail_from_somebody_else_says_who_sent_it_and_bounces_come_back_to_us() {
    let shown = |from: &str| {
        let message = Message { from: Some(from.to_owned()), ..hostile() };
        let letter = write(&message, &mailbox::read("Backups <backups@example.org>").expect("a mailbox"));
        let letter = letter.expect("a mail");
        let sender = letter.envelope.from().map(ToString::to_string);
        assert_eq!(sender.as_deref(), Some("backups@example.org"), "{from}");
        let headers = headers(&String::from_utf8(letter.bytes).expect("a mail is ASCII"));
        let of = |name: &str| headers.iter().find_map(|header| header.strip_prefix(name).map(str::to_owned));
        (of("From: ").expect("somebody"), of("Sender: "))
    };
    let ours = "Backups <backups@example.org>".to_owned();
    let reseller = ("\"Backup AG\" <info@reseller.example>".to_owned(), Some(ours.clone()));
    assert_eq!(shown("Backup AG <info@reseller.example>"), reseller);
    assert_eq!(shown("info@reseller.example"), ("info@reseller.example".to_owned(), Some(ours.clone())));
    assert_eq!(shown("Us <backups@example.org>"), ("Us <backups@example.org>".to_owned(), None));
    for unusable in [
        "nobody",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: eve@example.org",
        "\u{202e}Eve <a@example.org>",
        "jürg@example.org",
        "\"back up\"@example.org",
        "",
    ] {
        assert_eq!(shown(unusable), (ours.clone(), None), "{unusable:?}");
    }
}

#[test]
fn hostile_content_adds_no_header_and_no_recipient() {
    let plain = Message { subject: "x".to_owned(), ..hostile() };
    let letter = write(&hostile(), &from()).expect("a mail");
    assert_eq!(letter.envelope.to().len(), 1);
    let names = |mail: &str| -> Vec<String> {
        headers(mail).iter().map(|header| header.split(':').next().unwrap_or_default().to_owned()).collect()
    };
    let mail = written(&hostile());
    assert_eq!(names(&mail), names(&written(&plain)));
    let is_clean =
        |byte: u8| byte == b'\r' || byte == b'\n' || byte == b'\t' || (b' '..=b'~').contains(&byte);
    assert!(mail.bytes().all(is_clean), "{mail:?}");
    assert!(mail.lines().all(|line| line.len() <= 998));
}

#[test]
fn no_reader_decodes_what_stands_in_a_subject() {
    for subject in [
        "BAD =?utf-8?q?OK=20acme/web01?=",
        "=?utf-8?b?T0s=?= BAD",
        "Größe =?utf-8?b?T0s=?= BAD",
        "x=?utf-8?b?T0s=?= =\n?utf-8?b?T0s=?=",
    ] {
        let headers = headers(&written(&Message { subject: subject.to_owned(), ..hostile() }));
        let written = headers.iter().find(|header| header.starts_with("Subject: ")).expect("a subject");
        // What lettre encodes itself is the only encoded word.
        let ours = "=?utf-8?b?R3LDtsOfZQ==?=";
        assert!(!written.replace(ours, "").contains("=?"), "{written}");
        assert_eq!(written.contains(ours), subject.contains("Größe"), "{written}");
    }
}

#[test]
fn the_first_message_of_a_thread_answers_nobody() {
    let first = Message { thread: Some("m-1".parse().expect("a key")), ..hostile() };
    for message in [first, Message { thread: None, ..hostile() }] {
        assert!(!written(&message).contains("In-Reply-To"));
    }
}

#[test]
fn only_exactly_one_mailbox_is_an_address() {
    for (text, address) in [
        ("anna@example.org", Some("anna@example.org")),
        ("  Anna <anna@example.org> ", Some("anna@example.org")),
        ("\"Doe, Anna\" <anna@example.org>", Some("anna@example.org")),
        ("\"anna doe\"@example.org", Some("\"anna doe\"@example.org")),
        ("anna@example.org, eve@example.org", None),
        ("Anna <anna@example.org>, eve@example.org", None),
        ("Anna <anna@example.org> <eve@example.org>", None),
        ("anna@example.org\r\nBcc: eve@example.org", None),
        ("anna@example.org\0", None),
        ("anna", None),
        ("@example.org", None),
        ("anna@", None),
        ("anna example.org", None),
        ("<anna@example.org> x> RCPT TO:<eve@example.org>", None),
        ("", None),
    ] {
        let read = mailbox::read(text);
        assert_eq!(read.as_ref().map(|mailbox| mailbox.email.as_ref()), address, "{text:?}");
    }
}

#[test]
fn a_megabyte_in_one_line_is_a_mail_all_the_same() {
    let message = Message { text: "ä".repeat(500_000), ..hostile() };
    assert!(written(&message).lines().all(|line| line.len() <= 998));
}

#[test]
fn no_instant_is_too_early_or_too_late_for_a_date() {
    for (at, expected) in
        [(Timestamp::MIN, "Thu, 01 Jan 1970 00:00:00"), (Timestamp::MAX, "Thu, 30 Dec 9999 ")]
    {
        let mail = written(&Message { written_at: at, ..hostile() });
        assert!(mail.contains(&format!("Date: {expected}")), "{at}");
    }
}
