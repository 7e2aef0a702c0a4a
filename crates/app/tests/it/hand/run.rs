//! Does `lastgood run` leave the command alone, and tell how it went?

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lastgood::store::Store;
use lastgood::store::sqlite::{Options, Sqlite};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use rstest::rstest;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::server::{KEY, Server, away, silent};
use crate::support::binary::{Ran, clean, program};

/// A command that is wrapped, with a spool of its own.
pub(super) struct Wrapping {
    pub(super) folder: tempfile::TempDir,
}

impl Wrapping {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(super) fn spool(&self) -> std::path::PathBuf {
        self.folder.path().join("state/lastgood/spool")
    }

    pub(super) fn command(&self, url: &str, options: &[&str], command: &[&str]) -> Command {
        let arguments = [&["run", "--asset", "web"], options, &["--"], command].concat();
        let mut command = program(&arguments);
        command.env("XDG_STATE_HOME", self.folder.path().join("state")).env("LASTGOOD_PING_URL", url);
        command
    }

    /// Runs it to its end, beside the server of the test.
    pub(super) async fn output(&self, url: &str, options: &[&str], command: &[&str]) -> Output {
        let mut command = tokio::process::Command::from(self.command(url, options, command));
        command.kill_on_drop(true).output().await.expect("the program starts")
    }

    pub(super) async fn ran(&self, url: &str, options: &[&str], command: &[&str]) -> Ran {
        self.output(url, options, command).await.into()
    }

    pub(super) fn waiting(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.spool()) else { return Vec::new() };
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

fn shell(script: &str) -> [&str; 3] {
    ["sh", "-c", script]
}

#[tokio::test]
async fn begin_and_outcome_are_told_with_the_last_lines() {
    let server = Server::start(200).await;
    let script = "echo out; echo err >&2; exit 3";
    let ran = Wrapping::new().ran(&server.url(), &[], &shell(script)).await;
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (3, "out\n", "err\n"));
    let asked = server.asked();
    assert_eq!(server.words(), ["start", "3"]);
    assert!(asked[0].rid.is_some() && asked[0].rid == asked[1].rid, "{asked:?}");
    assert_eq!(asked[0].body, "");
    let lines: Vec<_> = asked[1].body.lines().collect();
    assert!(lines.contains(&"out") && lines.contains(&"err"), "{lines:?}");
    assert!(lines[2].starts_with("lastgood run: exit status 3 after ") && lines.len() == 3, "{lines:?}");
}

#[tokio::test]
async fn what_the_command_writes_can_be_kept_to_oneself() {
    let server = Server::start(200).await;
    let ran = Wrapping::new().ran(&server.url(), &["--no-output"], &["echo", "private"]).await;
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "private\n", ""));
    assert!(server.asked()[1].body.starts_with("lastgood run: exit status 0"), "{:?}", server.asked());
}

#[rstest]
#[case::by_a_signal(&["sh", "-c", "kill -KILL $$"], 137, &["start", "137"], "ended by signal 9 (KILL)")]
#[case::not_there(&["no-such-command"], 127, &["127"], "could not be started")]
#[case::not_executable(&["/etc/passwd"], 126, &["126"], "could not be started")]
#[case::the_largest_status(&["sh", "-c", "exit 255"], 255, &["start", "255"], "exit status 255")]
#[tokio::test]
async fn the_exit_code_is_that_of_a_shell(
    #[case] command: &[&str],
    #[case] code: i32,
    #[case] words: &[&str],
    #[case] said: &str,
) {
    let server = Server::start(200).await;
    let ran = Wrapping::new().ran(&server.url(), &[], command).await;
    assert_eq!(ran.code, code, "{}", ran.text());
    assert_eq!(server.words(), words);
    let body = &server.asked().last().expect("an outcome").body.clone();
    assert!(body.contains(said), "{body}");
}

/// Starts a command in a session of its own, so that no terminal of the tester sends signals of its own, and waits until
/// it said so.
async fn start(command: Command) -> (Box<dyn ChildWrapper>, BufReader<tokio::process::ChildStdout>) {
    let mut command = started_by("env", &["--default-signal"], &command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = CommandWrap::from(tokio::process::Command::from(command));
    let mut child = command.wrap(ProcessSession).spawn().expect("the program starts");
    let mut stdout = BufReader::new(child.stdout().take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).await.expect("text");
    assert_eq!(line, "ready\n");
    (child, stdout)
}

/// The same, started by another program. Which signals are ignored at the start stays no matter of who runs the tests: a
/// shell that runs them beside something else lets them ignore SIGINT.
fn started_by(program: &str, arguments: &[&str], inner: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(inner.get_program()).args(inner.get_args());
    clean(&mut outer);
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// Sends a signal to the program alone, not to its session.
fn send(child: &dyn ChildWrapper, signal: &str) {
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("kill is there");
    assert!(sent.success());
}

#[rstest]
#[tokio::test]
async fn a_signal_is_passed_on_and_the_outcome_is_told(#[values("TERM", "INT", "HUP", "USR1")] signal: &str) {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let script = format!("trap 'echo bye; exit 7' {signal}; echo ready; while :; do sleep 0.05; done");
    let (mut child, mut stdout) = start(wrapping.command(&server.url(), &[], &shell(&script))).await;
    send(&*child, signal);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.expect("text");
    assert_eq!(rest, "bye\n");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(7));
    assert_eq!(server.words(), ["start", "7"]);
}

#[tokio::test]
async fn a_command_that_a_signal_ends_is_told_as_such() {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let (mut child, _stdout) =
        start(wrapping.command(&server.url(), &[], &shell("echo ready; exec sleep 1000"))).await;
    send(&*child, "TERM");
    assert_eq!(child.wait().await.expect("it ends").code(), Some(143));
    assert_eq!(server.words(), ["start", "143"]);
}

#[tokio::test]
async fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let inner = wrapping.command(&server.url(), &[], &shell("kill -HUP $PPID; kill -HUP $$; echo alive"));
    let outer = started_by("sh", &["-c", "trap '' HUP; exec \"$0\" \"$@\""], &inner);
    let output = tokio::process::Command::from(outer).output().await.expect("it starts");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"alive\n"[..]), "{output:?}");
}

/// Bytes of every value, in an order that repeats late.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[2]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn every_byte_is_passed_on_in_both_directions() {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let (out, err) = (noise(3_000_001), noise(2_000_003));
    let path = |name: &str| wrapping.folder.path().join(name);
    std::fs::write(path("out"), &out).expect("a writable folder");
    std::fs::write(path("err"), &err).expect("a writable folder");
    let script = "cat; cat \"$0/err\" >&2";
    let folder = wrapping.folder.path().to_str().expect("UTF-8").to_owned();
    let mut command = wrapping.command(&server.url(), &[], &["sh", "-c", script, &folder]);
    command.stdin(std::fs::File::open(path("out")).expect("a file"));
    let output = tokio::process::Command::from(command).output().await.expect("it starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == out && output.stderr == err, "{} {}", output.stdout.len(), output.stderr.len());
    // Of bytes that are no text at most as many as promised are told, and they are text by then.
    let body = &server.asked()[1].body;
    assert!(body.starts_with("[…]\n") && body.len() < 11_000, "{}", body.len());
}

#[tokio::test]
async fn what_a_reader_does_not_want_any_more_ends_the_command_as_without_us() {
    let wrapping = Wrapping::new();
    let server = Server::start(200).await;
    let mut command = wrapping.command(&server.url(), &[], &["yes"]);
    let mut child = tokio::process::Command::from({
        command.stdout(Stdio::piped());
        command
    })
    .spawn()
    .expect("it starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 100]).await.expect("some output");
    drop(stdout);
    // 128 and SIGPIPE.
    assert_eq!(child.wait().await.expect("it ends").code(), Some(141));
}

#[tokio::test]
async fn what_the_command_leaves_behind_does_not_hold_us() {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let pid = wrapping.folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}; echo started", pid.display());
    let ran = wrapping.ran(&server.url(), &[], &shell(&script)).await;
    assert_eq!((ran.code, &*ran.stdout), (0, "started\n"));
    let pid = std::fs::read_to_string(pid).expect("a number");
    Command::new("kill").arg(pid.trim()).status().expect("kill is there");
}

/// How much memory the program took at most, in kB, as the command reads it from its parent.
#[tokio::test]
async fn an_endless_output_takes_no_memory() {
    let server = Server::start(200).await;
    let peak = "sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$PPID/status >&2";
    let used = async |script: &str| {
        let wrapping = Wrapping::new();
        let mut command = wrapping.command(&server.url(), &[], &shell(script));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = tokio::process::Command::from(command).spawn().expect("it starts");
        let output = child.wait_with_output().await.expect("it ends");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).expect("text").trim().parse::<u64>().expect("a number")
    };
    let little = used(peak).await;
    let much = used(&format!("head -c 100000000 /dev/zero; {peak}")).await;
    // Half of what was written: threads and their heaps take some megabytes more or less.
    assert!(much < little + 50_000, "{little} kB without an output, {much} kB with 100 MB of it");
}

#[tokio::test]
async fn a_server_that_hangs_delays_no_command() {
    let (_listener, url) = silent();
    let wrapping = Wrapping::new();
    let ran = wrapping.ran(&url, &["--patience", "1"], &shell("echo done; exit 4")).await;
    assert_eq!((ran.code, &*ran.stdout), (4, "done\n"));
    assert!(ran.stderr.contains("did not take the outcome of web"), "{}", ran.stderr);
    assert_eq!(wrapping.waiting().len(), 2);
}

#[tokio::test]
async fn another_signal_ends_the_sending_and_keeps_what_was_not_sent() {
    let (_listener, url) = silent();
    let wrapping = Wrapping::new();
    let command = wrapping.command(&url, &["--patience", "600"], &shell("trap '' TERM; echo ready; exit 5"));
    let (mut child, _stdout) = start(command).await;
    // The first ones may reach the command, which ignores them.
    let status = loop {
        send(&*child, "TERM");
        if let Ok(status) = tokio::time::timeout(std::time::Duration::from_millis(100), child.wait()).await {
            break status.expect("it ends");
        }
    };
    assert_eq!((status.code(), status.signal()), (Some(5), None));
    assert_eq!(wrapping.waiting().len(), 2);
}

#[tokio::test]
async fn a_mistake_in_whom_to_tell_never_keeps_a_command_from_running() {
    let wrapping = Wrapping::new();
    for (url, options, why) in [
        ("", &[][..], "whom to tell is not known"),
        ("", &["--url-file", "none"], "the secret file none could not be read"),
        ("not an address", &[], "is no address of HTTP"),
        ("http://backup.example.org/ping/x", &[], "is plain HTTP to another machine"),
        ("", &["--server", "https://backup.example.org"], "the ping key cannot be read"),
    ] {
        let ran = wrapping.ran(url, options, &shell("echo done; exit 6")).await;
        assert_eq!((ran.code, &*ran.stdout), (6, "done\n"), "{options:?}");
        assert!(ran.stderr.contains(why), "{options:?}: {}", ran.stderr);
    }
    assert_eq!(wrapping.waiting(), Vec::<String>::new());
}

#[tokio::test]
async fn neither_the_command_nor_any_message_shows_the_secret() {
    let wrapping = Wrapping::new();
    let file = wrapping.folder.path().join("url");
    let server = Server::start(200).await;
    std::fs::File::create(&file).and_then(|mut file| writeln!(file, "{}", server.url())).expect("a file");
    let file = file.to_str().expect("UTF-8");
    // What is printed goes where it always went, but not into what is told.
    let ran = wrapping.ran("", &["--url-file", file], &["cat", file]).await;
    assert_eq!((ran.code, ran.stdout.trim()), (0, &*server.url()));
    let body = &server.asked()[1].body;
    assert!(body.contains("[redacted]") && !body.contains("feed"), "{body}");
    for url in [away(), server.url()] {
        server.turn(500);
        let ran = wrapping.ran(&url, &["-vvv", "--patience", "2"], &["env"]).await;
        assert_eq!(ran.code, 0);
        assert!(!ran.text().contains("feed"), "{}", ran.text());
    }
}

#[tokio::test]
async fn a_job_is_named_by_a_ping_key_and_its_slug() {
    let server = Server::start(200).await;
    let wrapping = Wrapping::new();
    let file = wrapping.folder.path().join("key");
    std::fs::write(&file, KEY).expect("a writable folder");
    let base = server.url().replace(&format!("/ping/{KEY}"), "");
    let options = ["--server", &base, "--ping-key-file", file.to_str().expect("UTF-8")];
    let ran = wrapping.ran("", &options, &["true"]).await;
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert_eq!(server.words(), ["web/start", "web/0"]);
}

async fn open(path: &Path, beside: bool) -> Sqlite {
    let find_kind = |word: &str| lastgood::sources::find(word).map(|entry| entry.kind);
    Sqlite::open(Options { beside, ..Options::new(path, find_kind) }).await.expect("it is opened")
}

#[tokio::test]
async fn without_a_server_it_is_written_into_the_database_beside_the_daemon() {
    let wrapping = Wrapping::new();
    let path = wrapping.folder.path().join("db");
    let daemon = open(&path, false).await;
    let options = ["--database", path.to_str().expect("UTF-8"), "--source", "jobs"];
    let ran = wrapping.ran("", &options, &shell("echo out; exit 2")).await;
    assert_eq!((ran.code, &*ran.stderr), (2, ""));
    let events = daemon.events(0, 10).await.expect("events");
    let bodies: Vec<_> = events.iter().map(|(_, event)| String::from_utf8_lossy(&event.body)).collect();
    assert_eq!(events.len(), 2, "{bodies:?}");
    assert!(events.iter().all(|(_, event)| event.kind == "ping"), "{events:?}");
    assert!(bodies[0].contains(r#""source":"jobs","ping":"web","word":"start""#), "{bodies:?}");
    assert!(bodies[1].contains(r#""word":"2""#) && bodies[1].contains("\nout\nlastgood run: "), "{bodies:?}");
}
