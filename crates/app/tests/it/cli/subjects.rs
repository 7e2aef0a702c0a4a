//! Are subjects found, told apart and explained, and is what could not be looked at said?

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use super::{SAMPLE, WELL, compare, judge};
use crate::support::binary::run;

#[rstest]
#[case::a_source("datto-xml", 0)]
#[case::a_repository("datto-xml/E43A6E0F1122", 1)]
#[case::a_repository_by_the_end_of_its_path("E43A6E0F1122", 1)]
#[case::two_repositories_of_one_name("BDR01", 0)]
#[case::an_asset("datto-xml/D05099A1B2C3/ACME-SQL01", 1)]
#[case::an_asset_by_its_name("Müller & Sohn FS", 1)]
#[case::a_pattern("*/D05099*", 1)]
#[case::a_hidden_one("OLD-SRV", 0)]
#[case::what_is_unknown("backupDevice", 1)]
#[case::an_unknown_one("nonsense", 3)]
#[case::one_in_the_wrong_case("acme-dc01", 3)]
fn explain_finds(#[case] subject: &str, #[case] code: i32) {
    let ran = judge(&["explain", subject, SAMPLE]);
    assert_eq!(ran.code, code, "{}", ran.text());
    let name: String = subject.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    compare(&format!("explain_{name}"), &ran);
    let json = judge(&["explain", subject, SAMPLE, "--format", "json"]);
    assert_eq!(json.code, code);
    if code != 3 {
        assert!(json.json().is_object() || json.json().is_array());
    }
}

#[test]
fn explain_after_a_failed_look_says_why_nothing_was_seen() {
    let source = judge(&["explain", "datto-xml", "datto-xml:none.xml"]);
    assert_eq!(source.code, 2);
    compare("explain_a_source_that_failed", &source);
    let asset = judge(&["explain", "ACME-DC01", "datto-xml:none.xml"]);
    assert_eq!(asset.code, 2, "it may well be there: {}", asset.text());
    compare("explain_what_was_not_seen", &asset);
}

#[test]
fn explain_says_where_a_threshold_was_set() {
    let ran = judge(&["explain", "acme/E43A*", "--config", "valid.toml", "--set", "offline_after=2h"]);
    let line = |text: &str| assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    line("quota_level = 97 % (set by: [[override]], valid.toml:17)");
    line("offline_after = 2 h (set by: --set)");
    line("offsite_after = 8 d (set by: [thresholds], valid.toml:2)");
    line("reboot_after = 30 d (set by: default)");
}

/// A document that is not there, or is none, is a failed look: exit 2 with a remedy, and never an empty fleet.
#[rstest]
#[case::missing("none.xml", "check the path")]
#[case::a_directory(".", "give the document itself")]
#[case::empty("empty.xml", "check the address and the key")]
#[case::a_login_page("login.html", "perhaps a login page")]
#[case::no_document_at_all("/dev/null", "check the address and the key")]
#[case::a_broken_disk("/proc/self/mem", "")]
#[case::cut_within_the_first_device("cut.xml", "look again")]
fn a_document_that_cannot_be_read_is_said(#[case] path: &str, #[case] remedy: &str) {
    let source = format!("datto-xml:{path}");
    for command in ["check", "summary"] {
        for format in ["table", "json", "csv", "nagios", "prometheus"] {
            let ran = judge(&[command, &source, "--format", format]);
            assert_eq!(ran.code, if format == "nagios" { 3 } else { 2 }, "{}", ran.text());
            assert!(
                format == "prometheus" || ran.stdout.contains(remedy),
                "{command} {format}: {}",
                ran.text()
            );
        }
    }
    let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !path.starts_with("/proc") {
        compare(&format!("unreadable_{name}"), &judge(&["check", &source]));
    }
}

#[test]
fn a_document_without_permission_is_said_unless_this_user_may_read_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.xml");
    fs::copy(crate::support::binary::testdata().join("ok.xml"), &path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    let ran = judge(&["check", &format!("datto-xml:{}", path.display())]);
    if fs::File::open(&path).is_ok() {
        assert_eq!(ran.code, 0, "{}", ran.text());
    } else {
        assert_eq!(ran.code, 2, "{}", ran.text());
        assert!(ran.stdout.contains("let this user read it"), "{}", ran.text());
    }
}

#[test]
fn a_pipe_nobody_writes_to_ends_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let config = folder.path().join("config.toml");
    let text = format!("[[source]]\nkind = 'datto-xml'\nlocation = '{}'\ndeadline = '1s'\n", path.display());
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    for ran in [judge(&["check", "--config", config]), run(&["raw", "datto-xml", "--config", config])] {
        assert_eq!(ran.code, 2, "{}", ran.text());
        assert!(ran.text().contains("within the deadline of 1 s"), "{}", ran.text());
    }
}

#[test]
fn two_sources_are_looked_at_in_one_go_and_named_apart() {
    let ran = judge(&["check", SAMPLE, WELL, "--format", "json"]);
    let names: Vec<String> = ran.json()["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["datto-xml", "datto-xml-2"]);
    compare("two_sources", &judge(&["summary", SAMPLE, WELL]));
    let second = judge(&["explain", "datto-xml-2/0CC47A000001", SAMPLE, WELL]);
    assert_eq!(second.code, 0, "{}", second.text());
}

#[test]
fn sources_of_the_file_are_looked_at_by_name_or_all() {
    let all = judge(&["check", "--config", "valid.toml", "--only", "bad"]);
    assert_eq!(all.code, 1);
    compare("sources_of_the_file", &all);
    assert_eq!(judge(&["check", "well", "--config", "valid.toml"]).code, 0);
    let mixed = judge(&["check", "well", "datto-xml:unknown.xml", "--config", "valid.toml"]);
    assert_eq!(mixed.code, 2, "{}", mixed.text());
    let wrong = run(&["check", "wel", "--config", "valid.toml"]);
    assert_eq!(wrong.code, 3);
    assert!(wrong.stderr.contains("did you mean `well`"), "{}", wrong.text());
}
