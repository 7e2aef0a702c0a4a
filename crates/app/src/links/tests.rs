//! Does a link work for whom it was made, and for nobody else?

use rstest::rstest;

use super::*;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const MESSAGE: &str = "bWVzc2FnZQ-_1";

fn links() -> Links {
    Links::new("https://backup.example.org/", KEY).expect("a key of 32 bytes")
}

fn end() -> Timestamp {
    "2026-03-16T12:00:00Z".parse().expect("an instant")
}

fn before_end() -> Timestamp {
    end() - SignedDuration::from_nanos(1)
}

fn token(role: Role) -> String {
    let url = links().sign(MESSAGE, role, end());
    url.strip_prefix("https://backup.example.org/act/").expect("the place of links").to_owned()
}

#[rstest]
#[case(Role::Customer)]
#[case(Role::Reseller)]
#[case(Role::Operator)]
fn a_link_says_what_was_signed_until_it_ends(#[case] role: Role) {
    let token = token(role);
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    let link = Link { message_key: MESSAGE.to_owned(), role, expires_at: end() };
    assert_eq!(links().open(&token, before_end()), Ok(link));
    assert_eq!(links().open(&token, end()), Err(LinkError::Expired(end())));
}

#[test]
fn a_link_with_any_bit_turned_does_not_work() {
    let bytes = URL_SAFE_NO_PAD.decode(token(Role::Customer)).expect("base64");
    for position in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[position / 8] ^= 1 << (position % 8);
        let opened = links().open(&URL_SAFE_NO_PAD.encode(turned), before_end());
        let is_length = position / 8 == HEAD_BYTES - 1;
        let expected = if is_length { LinkError::Malformed } else { LinkError::Forged };
        assert_eq!(opened, Err(expected), "bit {position}");
    }
}

#[test]
fn a_link_that_is_cut_or_none_at_all_does_not_work() {
    let whole = token(Role::Customer);
    for length in 0..whole.len() {
        assert_eq!(links().open(&whole[..length], before_end()), Err(LinkError::Malformed), "{length}");
    }
    for nothing in ["", "=", "../../etc/passwd", "ä", &"A".repeat(4096)] {
        assert_eq!(links().open(nothing, before_end()), Err(LinkError::Malformed), "{nothing}");
    }
}

#[test]
fn a_link_of_another_key_is_forged_even_if_it_has_ended() {
    let other = Links::new("https://backup.example.org", &[7; 32]).expect("a key of 32 bytes");
    assert_eq!(other.open(&token(Role::Operator), end()), Err(LinkError::Forged));
}

#[test]
fn something_else_that_was_signed_with_the_key_is_no_link() {
    let mut bytes = URL_SAFE_NO_PAD.decode(token(Role::Operator)).expect("base64");
    let signed_bytes = bytes.len() - SIGNATURE_BYTES;
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), &bytes[..signed_bytes]);
    bytes.truncate(signed_bytes);
    bytes.extend(signature.as_ref());
    assert_eq!(links().open(&URL_SAFE_NO_PAD.encode(bytes), before_end()), Err(LinkError::Forged));
}

#[test]
fn a_short_key_is_refused_with_what_to_do() {
    let error = Links::new("https://backup.example.org", &KEY[..31]).expect_err("31 bytes");
    assert!(error.to_string().contains("31 bytes") && error.to_string().contains("openssl rand"), "{error}");
}

#[test]
fn a_key_comes_from_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    std::fs::write(&file, [KEY, b"\n"].concat()).expect("a file");
    let read = Links::from_file("https://backup.example.org", &file).expect("a good key");
    assert!(read.open(&token(Role::Customer), before_end()).is_ok());
    assert!(!format!("{read:?}").contains("0123456789"));
    assert!(matches!(Links::from_file("", &folder.path().join("none")), Err(LinkKeyError::Unread(_))));
}
