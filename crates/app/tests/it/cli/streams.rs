//! Where do answers go: a pipe, a terminal, a reader that went away, a full disk?

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use rstest::rstest;

use super::{AT, SAMPLE, compare, judge};
use crate::support::binary::{Ran, clean, program, run, run_with};

const HOSTILE: &str = "datto-xml:hostile.xml";

/// Every command that writes more than a line.
const WRITERS: [&[&str]; 11] = [
    &["check", SAMPLE, "--at", AT],
    &["check", SAMPLE, "--at", AT, "--format", "json"],
    &["check", SAMPLE, "--at", AT, "--format", "csv"],
    &["summary", SAMPLE, "--at", AT],
    &["summary", SAMPLE, "--at", AT, "--format", "prometheus"],
    &["explain", "*", SAMPLE, "--at", AT],
    &["raw", SAMPLE],
    &["config", "example"],
    &["config", "schema"],
    &["completions", "bash"],
    &["man"],
];

#[test]
fn a_reader_that_went_away_is_no_failure() {
    for arguments in
        WRITERS.into_iter().chain([&["demo", "--quick", "--at", AT][..], &["--help"], &["--version"]])
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran: Ran = program(arguments).stdout(writer).output().unwrap().into();
        let judged = matches!(arguments[0], "check" | "summary" | "explain");
        assert_eq!((ran.code, ran.stderr.as_str()), (i32::from(judged), ""), "{arguments:?}");
    }
}

#[test]
fn the_first_line_of_a_long_answer_can_be_taken() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" check datto-xml:datto-status.xml --at \"$1\" --format json | head -1"]);
    shell.args([env!("CARGO_BIN_EXE_lastgood"), AT]);
    clean(&mut shell);
    let ran: Ran = shell.output().unwrap().into();
    assert_eq!(ran.text(), "exit 0\n--- stdout\n{\n--- stderr\n");
}

#[test]
fn a_full_disk_is_our_own_failure_and_not_an_answer() {
    for arguments in WRITERS.into_iter().chain([&["demo", "--quick", "--at", AT][..]]) {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran: Ran = program(arguments).stdout(full).output().unwrap().into();
        assert_eq!(ran.code, 4, "{arguments:?}: {}", ran.text());
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {}", ran.text());
    }
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut nagios = program(&["check", SAMPLE, "--at", AT, "--format", "nagios"]);
    assert_eq!(Ran::from(nagios.stdout(full).output().unwrap()).code, 3);
}

#[test]
fn errors_that_nobody_can_read_do_not_change_the_code() {
    for (arguments, code) in [
        (&["check", "bacula:x"][..], 3),
        (&["chekc"], 3),
        (&["raw", "datto-xml:none.xml"], 2),
        (&["explain", "x", SAMPLE], 3),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran: Ran = program(arguments).stderr(writer).output().unwrap().into();
        assert_eq!(ran.code, code, "{arguments:?}");
    }
}

#[test]
fn a_pipe_gets_no_colour_and_a_terminal_does() {
    for arguments in WRITERS {
        let ran = run(arguments);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{arguments:?}");
    }
    let table = ["check", SAMPLE, "--at", AT];
    let forced = run_with(&table, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.stdout.contains("\u{1b}["), "{}", forced.stdout);
    assert!(!run_with(&table, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).stdout.contains('\u{1b}'));
    let json = [&table[..], &["--format", "json"]].concat();
    assert_eq!(run_with(&json, &[("CLICOLOR_FORCE", "1")]), run(&json));
}

/// `script` is part of every Debian system: the program thinks it writes to a terminal.
#[test]
fn a_real_terminal_gets_colour_unless_it_wants_none() {
    let through_terminal = |variables: &[(&str, &str)]| -> Ran {
        let line = format!("{} check {SAMPLE} --at {AT}", env!("CARGO_BIN_EXE_lastgood"));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]);
        clean(&mut script);
        script.env("TERM", "xterm").envs(variables.iter().copied()).stdin(Stdio::null());
        script.output().expect("script is part of util-linux").into()
    };
    let coloured = through_terminal(&[]);
    assert_eq!(coloured.code, 1, "{}", coloured.text());
    assert!(coloured.stdout.contains("\u{1b}["), "{}", coloured.text());
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert!(!through_terminal(&[plain]).stdout.contains('\u{1b}'), "{plain:?}");
    }
}

#[rstest]
#[case::check(&["check"])]
#[case::summary(&["summary"])]
#[case::explain(&["explain", "*"])]
#[case::csv(&["check", "--format", "csv"])]
#[case::nagios(&["check", "--format", "nagios"])]
fn a_hostile_name_does_nothing_to_a_terminal(#[case] command: &[&str]) {
    let ran = judge(&[command, &[HOSTILE]].concat());
    let is_hostile = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!ran.stdout.contains(is_hostile), "{}", ran.text());
    assert!(!ran.stdout.lines().any(|line| line.starts_with("BAD two")), "{}", ran.text());
    compare(&format!("hostile_{}", command.join("_").replace(['-', '*'], "")), &ran);
}

#[test]
fn json_holds_a_hostile_name_as_it_is() {
    let check = judge(&["check", HOSTILE, "--format", "json"]).json();
    let names: Vec<&str> =
        check["subjects"].as_array().unwrap().iter().filter_map(|subject| subject["name"].as_str()).collect();
    assert!(names.contains(&"\u{1b}[2J\u{9b}31mEVIL\u{202e}gnp.exe"), "{names:?}");
}
