//! Is a program that hangs, floods, asks or leaves children behind kept in its place?

use super::*;

async fn shell(script: &str, deadline: Duration) -> Spoken {
    shell_that_reads(script, b"", deadline).await
}

async fn shell_that_reads(script: &str, input: &[u8], deadline: Duration) -> Spoken {
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let arguments = ["-c", script];
    let call = Call {
        program: Path::new("/bin/sh"),
        arguments: &arguments,
        environment,
        input,
        stdout_max_bytes: STDOUT_MAX_BYTES,
    };
    let deadline = pin!(tokio::time::sleep(deadline));
    run(call, deadline).await.expect("/bin/sh starts")
}

/// Enough for every script here that means well.
const STDOUT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// More than a program takes that ends by itself, however busy the machine is.
const LONG: Duration = Duration::from_mins(5);

#[tokio::test]
async fn a_program_has_a_session_of_its_own_and_no_terminal() {
    let spoken = shell(
        "read -r pid comm state ppid pgrp session tty rest </proc/$$/stat; echo $pid $pgrp $session $tty",
        LONG,
    )
    .await;
    let numbers = String::from_utf8(spoken.stdout).unwrap();
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    assert_eq!(numbers, [numbers[0], numbers[0], numbers[0], "0"]);
}

#[tokio::test]
async fn a_program_has_nothing_to_read_and_its_whole_word_is_heard() {
    let spoken = shell("cat; echo out; echo error >&2; exit 3", LONG).await;
    assert_eq!(spoken.stdout, b"out\n");
    assert_eq!(spoken.stderr, "error\n");
    assert_eq!(spoken.end, End::Code(3));
}

#[tokio::test]
async fn a_program_is_given_what_it_shall_read_however_much_it_writes_meanwhile() {
    let input = b"0123456789abcde\n".repeat(64 * 1024);
    let spoken = shell_that_reads("cat; echo end >&2", &input, LONG).await;
    assert_eq!(spoken.end, End::Code(0));
    assert!(spoken.stdout == input, "{} bytes", spoken.stdout.len());
    assert_eq!(spoken.stderr, "end\n");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_ends_all_the_same() {
    let input = vec![b'x'; 1024 * 1024];
    assert_eq!(shell_that_reads("exit 7", &input, LONG).await.end, End::Code(7));
    assert_eq!(shell_that_reads("exec 0<&-; echo out; exit 0", &input, LONG).await.stdout, b"out\n");
}

#[tokio::test]
async fn a_program_that_somebody_killed_did_not_end_well() {
    assert_eq!(shell("kill -9 $$", LONG).await.end, End::Signal(9));
}

#[tokio::test]
async fn a_hanging_program_dies_with_its_children_and_what_it_said_is_kept() {
    let script = "echo early; echo why >&2; sleep 600 & echo $!; wait";
    let mut spoken = shell(script, Duration::from_millis(500)).await;
    if String::from_utf8_lossy(&spoken.stdout).lines().count() < 2 {
        // The machine stalled, and the program was stopped before it had said all this.
        spoken = shell(script, Duration::from_secs(40)).await;
    }
    assert_eq!(spoken.end, End::Deadline);
    assert_eq!(spoken.stderr, "why\n");
    let text = String::from_utf8(spoken.stdout).unwrap();
    let child = text.strip_prefix("early\n").unwrap().trim();
    is_gone(child).await;
}

#[tokio::test]
async fn a_child_left_behind_with_our_pipes_does_not_hold_us_up() {
    let spoken = shell("sleep 600 & echo $!; exit 0", LONG).await;
    assert_eq!(spoken.end, End::Code(0));
    is_gone(String::from_utf8(spoken.stdout).unwrap().trim()).await;
}

#[tokio::test]
async fn a_look_that_is_given_up_kills_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("echo $$ >{0}.new; mv {0}.new {0}; sleep 600", file.display());
    let looking = shell(&script, LONG);
    let started = async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = looking => panic!("it sleeps"),
        () = started => {}
    }
    is_gone(std::fs::read_to_string(file).unwrap().trim()).await;
}

#[tokio::test]
async fn a_flood_of_output_is_stopped() {
    let spoken = shell("exec cat /dev/zero", LONG).await;
    assert_eq!(spoken.end, End::TooMuch);
    assert!(spoken.stdout.len() <= STDOUT_MAX_BYTES);
}

#[tokio::test]
async fn a_flood_of_errors_is_cut_in_the_middle_and_stops_nobody() {
    let spoken = shell("echo first >&2; head -c 1000000 /dev/zero >&2; echo last >&2", LONG).await;
    assert_eq!(spoken.end, End::Code(0));
    assert!(spoken.stderr.starts_with("first\n") && spoken.stderr.ends_with("last\n"));
    assert!(spoken.stderr.contains("\n[…]\n") && spoken.stderr.len() < STDERR_MAX_BYTES + 10);
}

/// Waits until no process of that number runs; a killed child of another parent may stay in the table unread.
async fn is_gone(pid: &str) {
    let pid: u32 = pid.parse().expect("a number");
    for _ in 0..3000 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if status.is_empty() || status.contains("State:\tZ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} is still there");
}
