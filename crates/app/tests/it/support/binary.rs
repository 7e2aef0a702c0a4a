//! How is the real program run in a test, and what did it answer?
//!
//! Nothing of the environment gets in but `PATH`, a time zone and what the test sets; it runs in `testdata`, so that
//! answers hold no path of this machine.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// How long the program may take where a test says nothing else: far more than any answer here needs, so that only a
/// program that hangs meets it.
const PATIENCE: Duration = Duration::from_mins(2);

/// The folder of documents the program is run in.
pub(crate) fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/testdata")
}

/// Prepares the program with a clean environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command.args(arguments);
    clean(&mut command);
    command
}

/// Takes the environment away from a command.
pub(crate) fn clean(command: &mut Command) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("TZ", "UTC").current_dir(testdata()).stdin(Stdio::null());
}

/// What the program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Exit code, standard output and standard error as one text.
    pub(crate) fn text(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// Reads standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl From<Output> for Ran {
    #[track_caller]
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        let code = output.status.code().expect("the program ends by itself, not by a signal");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs the program.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, &[])
}

/// Runs the program with environment variables.
#[track_caller]
pub(crate) fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    program(arguments).envs(variables.iter().copied()).output().expect("the program starts").into()
}

/// Runs a command and gives it a text on its standard input.
#[track_caller]
pub(crate) fn feed(mut command: Command, input: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let writing = std::thread::scope(|scope| {
        // What is not read is no failure of the writer: the answer says what the reader made of it.
        scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
        child.wait_with_output()
    });
    writing.expect("the program ends").into()
}

/// Runs the program beside whatever else this runtime runs, and ends it after two minutes at the latest.
#[track_caller]
pub(crate) fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> tokio::process::Child {
    let mut command = program(arguments);
    command.envs(variables.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the program starts")
}

/// Waits for the answer of a program that was spawned.
pub(crate) async fn answer(child: tokio::process::Child) -> Ran {
    let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    ended.expect("the program ends in time").expect("the program ends").into()
}
