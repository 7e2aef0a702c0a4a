//! Does the channel command run what it was told, and nothing that stands in a message?

use std::path::Path;

use lastgood::channels::{FailureKind, Message};
use serde_json::Value;
use tempfile::TempDir;

use super::{instant, message, opened};

/// Runs a line of shell as the operator would write it, in a folder of its own.
async fn run(line: &str, message: &Message) -> (Result<String, (FailureKind, String)>, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = format!("cd {}; {line}", folder.path().display());
    let settings = format!("command = ['/bin/sh', '-c', '''{script}''', 'page', '--to', '{{to}}']");
    let sent = opened("command", folder.path(), &settings).send(message, instant()).await;
    (sent.map(|receipt| receipt.answer).map_err(|error| (error.kind, error.reason)), folder)
}

#[tokio::test]
async fn the_program_gets_its_arguments_as_written_and_the_message_beside_them() {
    let hostile = Message {
        subject: "$(touch owned) `touch owned` ; touch owned\n\0".to_owned(),
        thread: Some("m-0".parse().expect("a key")),
        ..message("m-1")
    };
    let line = "cat >input; env >environment; echo \"$@\"";
    let (sent, folder) = run(line, &hostile).await;
    assert_eq!(sent, Ok("--to {to}".to_owned()), "nothing is put into arguments");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    let environment = read("environment");
    for expected in [
        "LASTGOOD_KEY=m-1",
        "LASTGOOD_THREAD=m-0",
        "LASTGOOD_TO=anna@example.org",
        r"LASTGOOD_SUBJECT=$(touch owned) `touch owned` ; touch owned\n\u{0}",
    ] {
        assert!(environment.lines().any(|line| line == expected), "{expected} in {environment}");
    }
    assert!(!environment.contains("TOKEN"), "nothing of ours is handed on unasked: {environment}");
    let input: Value = serde_json::from_str(&read("input")).expect("JSON");
    assert_eq!(input["text"], hostile.text);
    assert_eq!(input["details"], hostile.details);
    assert!(!folder.path().join("owned").exists());
}

#[tokio::test]
async fn the_exit_code_decides_and_the_last_lines_tell_why() {
    let failed =
        |line: &'static str| async move { run(line, &message("m-1")).await.0.expect_err("a failure") };
    let (kind, reason) = failed("for n in 1 2 3 4 5; do echo line $n >&2; done; exit 3").await;
    assert_eq!(kind, FailureKind::Malformed);
    assert_eq!(
        reason,
        "the program /bin/sh ended with 3: \"line 3 / line 4 / line 5\"; repair what it names; what waits is sent then"
    );
    let (_, reason) = failed("exit 67").await;
    assert_eq!(
        reason,
        "the program /bin/sh ended with 67, which gives the message up; 75 instead would keep it for later"
    );
    for (line, kind) in [
        ("exit 65", FailureKind::Refused),
        ("exit 67", FailureKind::Refused),
        ("exit 68", FailureKind::Refused),
        ("exit 75", FailureKind::RateLimited),
        ("exit 77", FailureKind::Denied),
        ("exit 78", FailureKind::Unsupported),
        ("exit 1", FailureKind::Malformed),
        ("exit 2", FailureKind::Malformed),
        ("exit 64", FailureKind::Malformed),
        ("exit 66", FailureKind::Malformed),
        ("exit 69", FailureKind::Malformed),
        ("exit 127", FailureKind::Malformed),
        ("exit 255", FailureKind::Malformed),
        ("kill -15 $$", FailureKind::Unreachable),
    ] {
        let (given, reason) = failed(line).await;
        assert_eq!(given, kind, "{line}: {reason}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_waits_for_somebody_who_corrects_it() {
    for program in ["no-such-program-anywhere", "/nowhere/page", "./page", "/etc/passwd"] {
        let channel = opened("command", Path::new("/nowhere"), &format!("command = ['{program}']"));
        let error = channel.send(&message("m-1"), instant()).await.expect_err("nothing to run");
        assert_eq!(error.kind, FailureKind::Unsupported, "{error}");
        assert!(error.is_worth_retrying());
    }
}

#[tokio::test]
async fn however_many_messages_there_are_only_eight_programs_run_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = format!("cd {}; touch $$; ls | wc -l; sleep 0.05; rm $$", folder.path().display());
    let channel = opened("command", folder.path(), &format!("command = ['/bin/sh', '-c', '''{script}''']"));
    let messages: Vec<_> = (0..40).map(|number| message(&format!("m-{number}"))).collect();
    let sent =
        futures::future::join_all(messages.iter().map(|message| channel.send(message, instant()))).await;
    for receipt in sent {
        let running: usize = receipt.expect("it is taken").answer.parse().expect("a number");
        assert!(running <= 8, "{running} at once");
    }
}

#[tokio::test]
async fn no_list_of_processes_shows_a_message() {
    let (sent, _folder) = run("cat /proc/$$/cmdline | tr '\\0' ' '", &message("m-1")).await;
    let arguments = sent.expect("it is taken");
    assert!(!arguments.contains("ACME-SQL01") && !arguments.contains("anna"), "{arguments}");
}

#[tokio::test]
async fn what_a_program_started_dies_with_it_at_the_deadline() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = format!("sleep 600 & echo $! >{}/child; wait", folder.path().display());
    let settings = format!("command = ['/bin/sh', '-c', '''{script}''']\ndeadline = '2s'");
    let channel = opened("command", folder.path(), &settings);
    let error = channel.send(&message("m-1"), instant()).await.expect_err("it sleeps");
    assert_eq!(error.kind, FailureKind::TimedOut);
    let child = std::fs::read_to_string(folder.path().join("child")).expect("it had started");
    for _ in 0..3000 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.trim())).unwrap_or_default();
        if status.is_empty() || status.contains("State:\tZ") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the child {child} is still there");
}
