//! Are a message and a key what every channel may rely on?

use lastgood_core::testing::noon;

use super::*;

/// A message whose every part wants to break out of its place.
pub(super) fn hostile() -> Message {
    Message {
        key: "m-1".parse().expect("a key"),
        address: Address { channel: "test".to_owned(), to: "anna@example.org".to_owned() },
        thread: Some("m-0".parse().expect("a key")),
        from: Some("Eve\r\nBcc: eve@example.org <eve@example.org>".to_owned()),
        subject: "BAD\r\nBcc: eve@example.org\r\n\r\n\u{0}body \u{1b}[2J".to_owned(),
        text: "first\r\n.\r\nMAIL FROM:<eve@example.org>\u{0}\n\u{202e}last".to_owned(),
        html: Some("<p>&lt;script&gt;\u{0}</p>\r\n.\r\n".to_owned()),
        details: json!({ "name": "\"}\u{0}\n<script>" }),
        written_at: noon(),
    }
}

#[test]
fn a_key_fits_into_any_header_and_path() {
    for (text, is_key) in [
        ("m-1_A", true),
        ("", false),
        ("a b", false),
        ("a.b", false),
        ("a\n", false),
        ("ä", false),
        (&"k".repeat(64), true),
        (&"k".repeat(65), false),
    ] {
        assert_eq!(text.parse::<Key>().is_ok(), is_key, "{text:?}");
    }
}

#[test]
fn an_address_that_could_break_out_is_refused_for_every_channel() {
    for (to, is_fine) in [
        ("anna@example.org", true),
        ("", false),
        (" ", false),
        ("a\r\nb", false),
        ("a\0b", false),
        (&"x".repeat(ADDRESS_MAX_BYTES), true),
        (&"x".repeat(ADDRESS_MAX_BYTES + 1), false),
    ] {
        let address = Address { channel: "test".to_owned(), to: to.to_owned() };
        let checked = Message { address, ..hostile() }.check();
        assert_eq!(checked.is_ok(), is_fine, "{to:?}");
        assert!(checked.err().is_none_or(|error| error.kind == FailureKind::Refused));
    }
}

#[test]
fn a_message_beyond_the_limit_is_refused_and_never_cut() {
    let sized = |bytes: usize| {
        let message = Message { subject: String::new(), html: None, details: json!(0), ..hostile() };
        Message { text: "x".repeat(bytes), ..message }
    };
    assert_eq!(sized(MESSAGE_MAX_BYTES - 1).check(), Ok(()));
    let error = sized(MESSAGE_MAX_BYTES).check().expect_err("one byte of details too many");
    assert!(error.reason.contains("8388609 bytes, which is more than 8388608"), "{error}");
}

#[test]
fn a_subject_is_one_short_line() {
    assert_eq!(hostile().subject_line(), r"BAD\r\nBcc: eve@example.org\r\n\r\n\u{0}body \u{1b}[2J");
    let encoded = Message { subject: "BAD ==??=?utf-8?q?OK?=".to_owned(), ..hostile() }.subject_line();
    assert_eq!(encoded, "BAD == ??= ?utf-8?q?OK?=");
    let long = Message { subject: "\u{7}".repeat(1024 * 1024), ..hostile() }.subject_line();
    assert!(long.len() <= SUBJECT_MAX_BYTES + "…".len() && long.ends_with('…'), "{long}");
}
