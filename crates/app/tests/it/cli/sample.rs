//! Does the sample of the facts give the numbers of the facts, in every format and on every host?

use rstest::rstest;
use serde_json::Value;

use super::{AT, SAMPLE, compare, judge};
use crate::support::binary::{run, run_with, testdata};

#[rstest]
fn the_sample_in_every_format(
    #[values("check", "summary")] command: &str,
    #[values("table", "json", "csv", "nagios", "prometheus")] format: &str,
) {
    let ran = judge(&[command, SAMPLE, "--format", format]);
    compare(&format!("sample_{command}_{format}"), &ran);
    assert_eq!(ran, judge(&[command, SAMPLE, "--format", format]), "the same input gives the same bytes");
}

#[test]
fn the_numbers_of_the_sample_are_those_of_the_facts() {
    let summary = judge(&["summary", SAMPLE, "--format", "json"]).json();
    let appliance = &summary["kinds"]["appliance"];
    assert_eq!(appliance["count"], 4);
    assert_eq!(appliance["bad"]["offline"], 2);
    assert_eq!(appliance["bad"]["reboot_due"], 1);
    let agent = &summary["kinds"]["agent"];
    assert_eq!(agent["count"], 5);
    assert_eq!(agent["bad"]["unsuccessful"], 2);
    assert_eq!(agent["bad"]["behind_local"], 2);
    assert_eq!(agent["bad"]["behind_offsite"], 3);
    let names: Vec<&Value> = list(&summary["space"]).iter().map(|space| &space["name"]).collect();
    assert_eq!(names, ["BDR01", "HARBOR-BDR", "BDR01", "backupDevice"]);
}

#[test]
fn the_form_feed_in_the_sample_is_survived() {
    let bytes = std::fs::read(testdata().join("datto-status.xml")).unwrap();
    assert!(bytes.contains(&0x0c), "the sample holds a raw form feed");
    let check = judge(&["check", SAMPLE, "--format", "json"]).json();
    assert_eq!(check["sources"][0]["look"], "complete");
    assert_eq!(check["sources"][0]["failures"], serde_json::json!([]));
    let explained = judge(&["explain", "ACME-SQL01", SAMPLE]).stdout;
    assert!(explained.contains("Recovery & Startup Repair"), "{explained}");
    assert!(!explained.contains('\u{c}'), "{explained}");
}

#[test]
fn what_stands_exactly_on_a_limit_is_not_behind() {
    let check = judge(&["check", SAMPLE, "--format", "json"]).json();
    let subject = |path: &str| {
        let mut subjects = list(&check["subjects"]).iter();
        subjects.find(|subject| subject["subject"] == path).unwrap_or_else(|| panic!("no {path}"))
    };
    let exact = subject("datto-xml/0CC47A778899/WS-0008");
    assert!(list(&exact["verdicts"]).iter().all(|verdict| verdict["verdict"] == "ok"), "{exact}");
    let hidden = subject("datto-xml/AC1F6B334455/OLD-SRV");
    assert!(list(&hidden["verdicts"]).iter().all(|verdict| verdict["exempt"] == "hidden"), "{hidden}");
}

#[test]
fn only_bad_leaves_the_bad_ones() {
    compare("sample_only_bad", &judge(&["check", SAMPLE, "--only", "bad"]));
    let check = judge(&["check", SAMPLE, "--only", "bad", "--format", "json"]).json();
    for subject in list(&check["subjects"]) {
        assert!(!list(&subject["verdicts"]).is_empty(), "{subject}");
        assert!(list(&subject["verdicts"]).iter().all(|verdict| verdict["verdict"] == "bad"), "{subject}");
    }
    assert_eq!(list(&check["subjects"]).len(), 6);
}

#[rstest]
fn the_zone_of_this_machine_changes_nothing(
    #[values(
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
        "nonsense",
        ""
    )]
    zone: &str,
) {
    let commands: [&[&str]; 4] = [
        &["check", SAMPLE],
        &["check", SAMPLE, "--format", "csv"],
        &["summary", SAMPLE, "--format", "json"],
        &["explain", "*", SAMPLE],
    ];
    for command in commands {
        let arguments = [command, &["--at", AT]].concat();
        assert_eq!(run_with(&arguments, &[("TZ", zone)]), run(&arguments), "{zone} {command:?}");
    }
}

#[test]
fn raw_gives_the_bytes_of_the_file() {
    let mut command = crate::support::binary::program(&["raw", SAMPLE]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert!(output.stdout == std::fs::read(testdata().join("datto-status.xml")).unwrap(), "the bytes differ");
    assert!(output.stderr.is_empty());
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
