//! Does `lastgood account-size` say what accounts take, and what it could not measure?

use std::fs;
use std::process::Command;

use rstest::rstest;
use serde_json::json;

use super::sizes::{du, nest};
use super::{Account, SECRET};
use crate::support::binary::{Ran, clean, run};

/// Measures the homes of accounts.
#[track_caller]
fn account_size(accounts: &[&Account], arguments: &[&str]) -> Ran {
    let homes: Vec<_> =
        accounts.iter().map(|account| account.path("").to_str().expect("UTF-8").to_owned()).collect();
    let homes = homes.iter().flat_map(|home| ["--home", home]);
    run(&["account-size"].into_iter().chain(homes).chain(arguments.iter().copied()).collect::<Vec<_>>())
}

fn account_with_two_files() -> Account {
    let account = Account::new();
    account.write("incoming/pc/a", vec![1; 3_000_000]);
    account.write(".snapshots/daily.0/pc/b", vec![1; 1_000_000]);
    account
}

#[test]
fn two_homes_are_measured_and_nothing_else_is_written() {
    let (first, second) = (account_with_two_files(), Account::new());
    let ran = account_size(&[&first, &second], &["--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let row = |account: &Account| {
        let (incoming_bytes, snapshots_bytes) = du(&account.path(""));
        json!({"uid": null, "home": account.path(""), "quota_bytes": null, "incoming_bytes": incoming_bytes,
               "snapshots_bytes": snapshots_bytes, "error": null})
    };
    assert_eq!(ran.json(), json!([row(&first), row(&second)]));
    let table = account_size(&[&first, &second], &[]);
    assert_eq!((table.code, table.stderr.as_str(), table.stdout.lines().count()), (0, "", 3));
    assert!(table.stdout.contains(" 2.8 MiB  ") && !table.stdout.contains('\u{1b}'), "{}", table.text());
}

#[test]
fn a_client_is_told_quota_backup_and_snapshots_of_one_account() {
    let account = account_with_two_files();
    let ran = account_size(&[&account], &["--format", "quota"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "0 3 1\n", ""));
    let two = account_size(&[&account, &account], &["--format", "quota"]);
    assert_eq!((two.code, two.stdout.as_str()), (3, ""));
    assert!(two.stderr.contains("exactly one account, not of 2"), "{}", two.text());
}

#[test]
fn an_account_that_cannot_be_measured_costs_no_other_account() {
    let (good, bad) = (account_with_two_files(), Account::new());
    fs::remove_dir(bad.path("incoming")).unwrap();
    bad.link("incoming", bad.target());
    let ran = account_size(&[&bad, &good], &["--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""));
    let answer = ran.json();
    assert_eq!(answer[0]["incoming_bytes"], json!(null));
    assert_eq!(answer[1]["error"], json!(null));
    let error = answer[0]["error"].as_str().unwrap();
    assert!(error.contains("home/incoming is a symbolic link"), "{error}");
    let table = account_size(&[&bad, &good], &[]);
    assert!(table.code == 2 && table.stdout.contains("could not measure:"), "{}", table.text());
    let quota = account_size(&[&bad], &["--format", "quota"]);
    assert_eq!((quota.code, quota.stdout.as_str()), (2, ""));
    assert!(quota.stderr.contains("is a symbolic link"), "{}", quota.text());
    assert!([ran, table, quota].iter().all(|ran| !ran.text().contains(SECRET)));
}

#[rstest]
#[case::no_account(&[])]
#[case::an_account_and_a_home(&["3723707", "--home", "."])]
#[case::a_configuration_and_a_home(&["--config", "x.toml", "--home", "."])]
#[case::no_such_format(&["--home", ".", "--format", "csv"])]
fn a_command_line_that_is_wrong_measures_nothing(#[case] arguments: &[&str]) {
    let ran = run(&[&["account-size"], arguments].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(!ran.stderr.is_empty());
}

#[test]
fn folders_nested_deeper_than_files_may_be_open_are_an_error_and_never_a_sum() {
    let account = Account::new();
    account.write("incoming/pc/x", "");
    nest(&account.path("incoming/pc"), 200);
    let limited = |limit: &str| -> Ran {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$1\"; exec \"$0\" account-size --home \"$2\" --format json"]);
        command.args([env!("CARGO_BIN_EXE_lastgood"), limit]).arg(account.path(""));
        clean(&mut command);
        command.output().expect("the shell starts").into()
    };
    let enough = limited("2048");
    assert_eq!((enough.code, &enough.json()[0]["incoming_bytes"]), (0, &json!(du(&account.path("")).0)));
    let few = limited("64");
    assert_eq!((few.code, &few.json()[0]["incoming_bytes"]), (2, &json!(null)));
    let error = few.json()[0]["error"].as_str().unwrap().to_owned();
    // Which thread meets the limit first, and where, is a matter of chance.
    assert!(error.contains("/incoming/") && error.contains("lies too deep"), "{error}");
}
