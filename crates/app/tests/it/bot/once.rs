//! Do `bot --once` and `publish grafolean` publish the truth once, and say with their exit code how it went?

use rstest::rstest;
use serde_json::json;

use super::grafolean::{ACCOUNT, BOT, Grafolean, TOKEN};
use super::{document, holds_no_secret};
use crate::support::binary::{Ran, run, run_with};

const AT: &str = "2021-06-14T14:00:00Z";

/// The same instant in seconds.
const AT_SECONDS: f64 = 1_623_679_200.0;

#[track_caller]
fn run_against(grafolean: &Grafolean, arguments: &[&str]) -> Ran {
    let url = grafolean.url();
    let ran = run_with(arguments, &[("BACKEND_URL", &url), ("BOT_TOKEN", TOKEN), ("LASTGOOD_LOG", "debug")]);
    holds_no_secret(&ran.text(), &[]);
    ran
}

#[track_caller]
fn publish(grafolean: &Grafolean, arguments: &[&str]) -> Ran {
    run_against(grafolean, &[&["publish", "grafolean", "--account", "5", "--at", AT], arguments].concat())
}

fn stored(grafolean: &Grafolean, path: &str) -> Option<(f64, f64)> {
    let values = grafolean.world.values(ACCOUNT);
    values.iter().find(|value| value.path == path).map(|value| (value.value, value.t))
}

#[rstest]
#[case::all_ok("datto-xml:ok.xml", 0, "look.ok", 1.0)]
#[case::bad("datto-xml:datto-status.xml", 1, "check.offline.bad", 2.0)]
#[case::unknown("datto-xml:unknown.xml", 2, "look.ok", 1.0)]
#[case::not_seen("datto-xml:none.xml", 2, "look.ok", 0.0)]
#[case::an_empty_list("datto-xml:empty.xml", 2, "look.ok", 0.0)]
fn a_fleet_is_published_once_with_the_code_of_check(
    #[case] source: &str,
    #[case] code: i32,
    #[case] path: &str,
    #[case] value: f64,
) {
    let grafolean = Grafolean::start();
    let ran = publish(&grafolean, &[source]);
    assert_eq!(ran.code, code, "{}", ran.text());
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.text());
    assert!(ran.stdout.starts_with("published "), "{}", ran.text());
    assert!(ran.stdout.ends_with(" of 1 source to account 5 for 2021-06-14T14:00:00Z\n"), "{}", ran.text());
    let stored = stored(&grafolean, &format!("backup.datto-xml.{path}"));
    assert_eq!(stored, Some((value, AT_SECONDS)));
    assert!(grafolean.world.requests().iter().all(|request| request.method == "PUT"));
}

#[test]
fn two_sources_stand_apart_below_the_prefix() {
    let grafolean = Grafolean::start();
    let ran = publish(&grafolean, &["--prefix", "site-1.backups", "datto-xml:ok.xml", "datto-xml:none.xml"]);
    assert_eq!(ran.code, 2, "{}", ran.text());
    assert_eq!(stored(&grafolean, "site-1.backups.datto-xml.look.ok"), Some((1.0, AT_SECONDS)));
    assert_eq!(stored(&grafolean, "site-1.backups.datto-xml-2.look.ok"), Some((0.0, AT_SECONDS)));
    assert!(stored(&grafolean, "site-1.backups.datto-xml-2.assets").is_none());
}

#[test]
fn what_could_not_be_seen_is_said_beside_the_numbers() {
    let grafolean = Grafolean::start();
    let sources = ["datto-xml:none.xml", "datto-xml:empty.xml", "datto-xml:ok.xml"];
    let sent = publish(&grafolean, &sources);
    let dry = run(&[&["publish", "grafolean", "--dry-run", "--at", AT], &sources[..]].concat());
    for ran in [sent, dry] {
        assert_eq!(ran.code, 2, "{}", ran.text());
        let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("WARN")).collect();
        assert_eq!(warnings.len(), 2, "{}", ran.text());
        assert!(warnings[0].contains("WARN datto-xml: unreachable: "), "{}", ran.text());
        assert!(warnings[1].contains("WARN datto-xml-2: malformed: "), "{}", ran.text());
    }
}

#[test]
fn numbers_that_do_not_arrive_are_our_failure_whatever_they_say() {
    let grafolean = Grafolean::start();
    let ran =
        run_against(&grafolean, &["publish", "grafolean", "--account", "6", "datto-xml:ok.xml", "--at", AT]);
    assert_eq!(ran.code, 4, "{}", ran.text());
    assert!(ran.stderr.contains("the backend answered 403"), "{}", ran.text());
    grafolean.world.revoke_token(BOT, "5eeded00-0000-4000-8000-00000000000b");
    for command in [&["publish", "grafolean", "--account", "5", "datto-xml:ok.xml"][..], &["bot", "--once"]] {
        let ran = run_against(&grafolean, command);
        assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{}", ran.text());
        assert!(ran.stderr.contains("check the bot's token"), "{}", ran.text());
    }
}

#[test]
fn a_dry_run_needs_no_backend_and_gives_the_same_bytes() {
    let arguments = ["publish", "grafolean", "--dry-run", "datto-xml:datto-status.xml", "--at", AT];
    let ran = run(&arguments);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.text());
    assert_eq!(run(&arguments), ran);
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("dry_run", ran.text());
    });
}

#[test]
fn the_bot_looks_at_every_entity_once() {
    let grafolean = Grafolean::start();
    let ran = run_against(&grafolean, &["bot", "--once"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, "looked at 0 entities, published 0 values\n"));
    grafolean.entity(1, &document());
    let ran = run_against(&grafolean, &["bot", "--once"]);
    assert_eq!(ran.code, 1, "the document is years old: {}", ran.text());
    assert!(ran.stdout.starts_with("looked at 1 entity, published "), "{}", ran.text());
    assert_eq!(grafolean.newest(1).get("look.ok"), Some(&1.0));
    let off = ["offline_after", "local_after", "offsite_after", "reboot_after", "expiry_notice"];
    let off: Vec<String> = off.into_iter().map(|name| format!("--set={name}=off")).collect();
    let all_off: Vec<&str> = ["bot", "--once"].into_iter().chain(off.iter().map(String::as_str)).collect();
    assert_eq!(run_against(&grafolean, &all_off).code, 0);
    grafolean.entity(2, &json!({"kind": "restic", "location": "/nonexistent"}));
    let ran = run_against(&grafolean, &all_off);
    assert_eq!(ran.code, 2, "{}", ran.text());
    assert_eq!(grafolean.newest(2).get("look.ok"), Some(&0.0));
}

#[test]
fn the_table_of_the_page_is_that_of_the_program() {
    const BEGIN: &str = "<!-- Made by a test: UPDATE_DOCS=1 cargo test -p lastgood table -->\n";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grafolean.md");
    let page = std::fs::read_to_string(&file).expect("the page is there");
    let (before, behind) = page.split_once(BEGIN).expect("the page says where the table stands");
    let (_, after) = behind.split_once("\n\n").expect("a paragraph follows");
    let table = lastgood::publish::grafolean::path::table();
    let made = [before, BEGIN, table.trim_end(), "\n\n", after].concat();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &made).expect("a writable tree");
        return;
    }
    assert!(page == made, "docs/grafolean.md is not current: run UPDATE_DOCS=1 cargo test -p lastgood table");
}
