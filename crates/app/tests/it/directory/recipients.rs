//! Does the real program say who would be told of what is bad, through what, and why or why not?

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::binary::{Ran, run, testdata};

/// The instant the sample is judged at.
const AT: &str = "2021-06-14T14:00:00Z";

const OWNERS: &str = "[[channel]]\nname = 'mail'\nkind = 'command'\ncommand = ['true']\n
    [[owner]]\nsubject = 'acme/D05099A1B2C3/*'\nrole = 'customer'\nto = ['mail:Anna <anna@ACME.example>']\nafter_count = 50\n
    [[owner]]\nsubject = 'acme/*'\nrole = 'operator'\nto = ['mail:ops@msp.example']\n
    [[owner]]\nsubject = 'acme/*'\nrole = 'reseller'\nto = ['mail:boss@msp.example']\nescalate_after = '4h'\n";

/// The sample of the facts as the source `acme`.
fn configured(document: &str, owners: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let location = testdata().join(document);
    let source =
        format!("[[source]]\nname = 'acme'\nkind = 'datto-xml'\nlocation = '{}'\n", location.display());
    let file = folder.path().join("config.toml");
    fs::write(&file, format!("{source}{owners}")).expect("a writable folder");
    (folder, file)
}

fn recipients(file: &Path, arguments: &[&str]) -> Ran {
    let config = file.to_str().expect("a path in UTF-8");
    run(&[&["recipients", "--config", config, "--at", AT], arguments].concat())
}

fn rows(ran: &Ran) -> Vec<Value> {
    ran.json().as_array().unwrap_or_else(|| panic!("an array: {}", ran.text())).clone()
}

#[test]
fn every_bad_verdict_has_a_row_for_each_address() {
    let (_folder, file) = configured("datto-status.xml", OWNERS);
    let ran = recipients(&file, &[]);
    assert_eq!(ran.code, 1, "{}", ran.text());
    let config = file.to_str().expect("a path in UTF-8");
    let checked = run(&["check", "--config", config, "--at", AT, "--format", "json", "--only", "bad"]);
    let mut bad = Vec::new();
    for subject in checked.json()["subjects"].as_array().expect("subjects") {
        for verdict in subject["verdicts"].as_array().expect("verdicts") {
            bad.push((subject["subject"].clone(), verdict["check"].clone()));
        }
    }
    assert!(bad.len() > 3, "{}", checked.text());
    let rows = rows(&ran);
    let told: Vec<_> = rows.iter().map(|row| (row["subject"].clone(), row["check"].clone())).collect();
    let mut each = told.clone();
    each.dedup();
    let expected: Vec<_> = bad.iter().filter(|(subject, _)| subject != "acme").cloned().collect();
    assert_eq!(each, expected, "in the order of check: {}", ran.text());
    for row in &rows {
        let keys: Vec<_> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let fields = ["address", "because", "check", "role", "subject", "task", "told"];
        assert!(fields.iter().all(|field| keys.contains(field)) && keys.len() <= 8, "{keys:?}");
        let is_operator = row["role"] == "operator";
        assert!(row["told"] == is_operator || row["role"] == "customer", "{row}");
    }
}

#[test]
fn patience_and_escalation_say_why_not() {
    let (_folder, file) = configured("datto-status.xml", OWNERS);
    let of_sql = rows(&recipients(&file, &["ACME-SQL01"]));
    let unsuccessful: Vec<_> = of_sql.iter().filter(|row| row["check"] == "unsuccessful").collect();
    let [customer, reseller, operator] = unsuccessful.as_slice() else { panic!("{of_sql:#?}") };
    assert_eq!((&customer["address"], &customer["told"]), (&"anna@acme.example".into(), &false.into()));
    let because = customer["because"].as_array().expect("reasons");
    assert_eq!(because[0], "customer of `acme/D05099A1B2C3/*`");
    assert!(
        because[1].as_str().is_some_and(|text| text.starts_with("their patience is not over: ")),
        "{because:?}"
    );
    assert_eq!(reseller["because"][1], "they are told only when nobody says for 4 h that they know");
    assert_eq!((&operator["task"], &operator["told"]), (&"unsuccessful".into(), &true.into()));
}

#[test]
fn what_nobody_is_named_for_and_what_could_not_be_seen_is_said() {
    let (_folder, file) = configured("datto-status.xml", "");
    let ran = recipients(&file, &[]);
    assert_eq!((ran.code, ran.stdout.trim()), (1, "[]"));
    assert!(ran.stderr.contains("): nobody is named for it; add an [[owner]]"), "{}", ran.stderr);
    let (_folder, file) = configured("none.xml", OWNERS);
    let ran = recipients(&file, &[]);
    assert_eq!((ran.code, ran.stdout.trim()), (2, "[]"));
    assert!(ran.stderr.contains("none.xml"), "{}", ran.stderr);
}

#[test]
fn subjects_are_found_as_explain_finds_them() {
    let (_folder, file) = configured("datto-status.xml", OWNERS);
    let all = rows(&recipients(&file, &[]));
    let of = |arguments: &[&str]| rows(&recipients(&file, arguments));
    let within = |prefix: &str| -> Vec<Value> {
        let is_within = |row: &&Value| row["subject"].as_str().is_some_and(|path| path.starts_with(prefix));
        all.iter().filter(is_within).cloned().collect()
    };
    assert_eq!(of(&["acme/D05099A1B2C3/*"]), within("acme/D05099A1B2C3/"));
    assert_eq!(of(&["*", "ACME-SQL01"]), all, "each once, in one order");
    let unknown = recipients(&file, &["nonsense"]);
    assert_eq!(unknown.code, 3, "{}", unknown.text());
    assert_eq!(
        recipients(&file, &["backupDevice", "--format", "table"]).stdout.lines().count(),
        1 + of(&["backupDevice"]).len()
    );
}

#[test]
fn explain_says_below_each_check_who_would_be_told() {
    let (_folder, file) = configured("datto-status.xml", OWNERS);
    let config = file.to_str().expect("a path in UTF-8");
    let explained = run(&["explain", "acme/*", "--config", config, "--at", AT]);
    for line in [
        "      told       operator ops@msp.example through mail\n",
        "      not told   customer anna@acme.example through mail\n",
        "                   customer of `acme/D05099A1B2C3/*`\n",
        "      if bad     operator ops@msp.example through mail: operator of `acme/*` (",
    ] {
        assert!(explained.stdout.contains(line), "{line}: {}", explained.text());
    }
    let json = run(&["explain", "ACME-SQL01", "--config", config, "--at", AT, "--format", "json"]).json();
    let checks = json["subjects"][0]["checks"].as_array().expect("checks");
    let unsuccessful = checks.iter().find(|check| check["check"] == "unsuccessful").expect("a check");
    assert_eq!(unsuccessful["told"]["known"], true);
    assert_eq!(unsuccessful["told"]["recipients"][0]["address"], "anna@acme.example");
}
