//! Does `lastgood ping-key` make keys that work, each another?

use lastgood::config::Config;
use lastgood::push::key::KeyHash;
use lastgood::sources;

use crate::support::binary::run;

fn key_and_configuration(arguments: &[&str]) -> (String, String) {
    let ran = run(arguments);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let path = ran.stdout.lines().find(|line| line.starts_with("/ping/")).expect("a path");
    let key = path.split('/').nth(2).expect("a key").to_owned();
    (key, ran.stdout.replace(path, ""))
}

#[test]
fn what_it_prints_is_a_configuration_for_the_key_it_prints() {
    let (key, ping) = key_and_configuration(&["ping-key", "db \"1\""]);
    let (ping_key, source) = key_and_configuration(&["ping-key", "--source"]);
    assert_ne!(key, ping_key);
    let text = format!("[[source]]\nkind = 'ping'\n{source}\n{ping}");
    let config = Config::from_text("config.toml".as_ref(), &text, &sources::ALL);
    let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let source = &config.sources[0];
    assert_eq!(source.ping_key_hash, Some(KeyHash::of(&ping_key).0));
    assert_eq!(source.pings[0].key_hash, Some(KeyHash::of(&key).0));
    assert_eq!(source.pings[0].name.text(), "db \"1\"");
}
