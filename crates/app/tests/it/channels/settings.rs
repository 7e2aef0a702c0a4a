//! Is every mistake in the settings of a channel told at once, in words that help, without a value that may be secret?

use std::path::Path;

use lastgood::channels::{self, FailureKind, advice};
use rstest::rstest;

use super::open;

#[rstest]
#[case::mail(
    "mail",
    "hots = 'geheim'\nport = 'geheim'\ntls = 'geheim'\nuser = 'a'\nca_file = 'none'\ndeadline = '0s'\nfrom = 'a@b, c@d'"
)]
#[case::webhook(
    "webhook",
    "url = 'geheim'\nsecret_file = 'none'\nsecret_env = 'none'\ntoken_file = 'none'\nca_file = 'none'\n\
     plain_http = 'geheim'\nbody = { a = '{subjct}' }\ndeadline = '1h'"
)]
#[case::command("command", "command = []\nenvironment = ['LASTGOOD_NOT_SET']\ndeadline = 5")]
fn all_mistakes_are_told_at_once(#[case] kind: &str, #[case] settings: &str) {
    let error = open(kind, Path::new("/nowhere"), settings).expect_err("mistakes");
    let told = error.to_string();
    assert!(!told.contains("geheim"), "{told}");
    insta::assert_snapshot!(format!("mistakes_{kind}"), told);
}

#[test]
fn every_key_of_every_channel_is_explained() {
    for entry in channels::ALL {
        let schema = (entry.schema)();
        let properties = schema.get("properties").and_then(|keys| keys.as_object()).expect("keys");
        for (key, schema) in properties {
            let about = schema["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.'), "{} of {} is not explained", key, entry.kind);
        }
        assert!(channels::find(entry.kind).is_some_and(|found| std::ptr::eq(found, entry)));
    }
}

#[test]
fn the_examples_on_the_page_lack_only_their_files() {
    let page = include_str!("../../../../../docs/channels.md");
    let mut kinds = Vec::new();
    for example in page.split("```toml\n").skip(1) {
        let example = example.split("```").next().expect("an example");
        let mut file: toml::Table = example.parse().expect("TOML");
        let channels: Vec<toml::Table> =
            file.remove("channel").expect("a channel").try_into().expect("tables");
        for mut settings in channels {
            settings.remove("name");
            let kind: String = settings.remove("kind").expect("a kind").try_into().expect("a text");
            let mistakes = open(&kind, Path::new("/nowhere"), &settings.to_string()).err();
            for mistake in mistakes.into_iter().flat_map(|error| error.mistakes) {
                assert!(mistake.text.starts_with("the secret file /etc/lastgood/"), "{kind}: {mistake:?}");
            }
            kinds.push(kind);
        }
    }
    assert_eq!(kinds, channels::ALL.map(|entry| entry.kind));
}

#[test]
fn every_kind_of_error_comes_with_an_advice() {
    let page = include_str!("../../../../../docs/channels.md");
    for kind in FailureKind::ALL {
        assert!(!advice(kind).is_empty());
        assert!(page.contains(&format!("| `{kind}` |")), "{kind} stands in docs/channels.md");
    }
}
