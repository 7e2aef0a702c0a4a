//! What did a program say when it was run, and how did it end?
//!
//! It runs in a session of its own, without a terminal it could ask for a password on, with nothing to read but what it
//! is given, for no longer than its deadline, and what it wrote is kept within limits. It does not know what the output
//! means, nor why it is run: sources and channels both run programs, and know nothing of each other.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::time::{Sleep, timeout};

use self::kept::{Ends, Whole};

mod environment;
mod kept;

pub use self::environment::Environment;

/// How much of the error output is kept, in bytes: half from its begin, half from its end.
const STDERR_MAX_BYTES: usize = 64 * 1024;

/// How long what a program left behind may keep its output open after it has ended: a shared ssh connection does.
const LINGER: Duration = Duration::from_secs(1);

/// How long a killed program is waited for: a system call that hangs can outlive even that.
const REAP: Duration = Duration::from_secs(2);

/// What is run.
#[derive(Debug)]
pub struct Call<'a> {
    /// A path, or a name that is looked for in `PATH`.
    pub program: &'a Path,
    /// Its arguments; never a secret, everybody on the machine can read them.
    pub arguments: &'a [&'a str],
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it can read; empty for nothing at all.
    pub input: &'a [u8],
    /// The largest output that is read, in bytes; one that writes more is stopped.
    pub stdout_max_bytes: usize,
}

/// What a program wrote and how it ended.
#[derive(Debug)]
pub struct Spoken {
    /// All it wrote to its output; cut where [`End::TooMuch`].
    pub stdout: Vec<u8>,
    /// What it wrote to its error output; where it was too long, its middle is missing and marked by a line `[…]`.
    pub stderr: String,
    /// How it ended.
    pub end: End,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// Somebody else killed it, by this signal.
    Signal(i32),
    /// We killed it at its deadline.
    Deadline,
    /// We killed it because it wrote more than [`Call::stdout_max_bytes`].
    TooMuch,
}

/// Runs a program to its end, or to the deadline; whoever drops this future kills the program.
///
/// 1. Start it in a new session: it has no terminal, and everything it starts can be killed with it.
/// 2. Give it its input and read both outputs at once, so that it never waits for us.
/// 3. When it has ended, give what it left behind a moment to close the outputs; after that they are ours to close.
/// 4. At the deadline or too much output kill all of its session, wait for it, not for its outputs.
pub async fn run(call: Call<'_>, deadline: Pin<&mut Sleep>) -> Result<Spoken, io::Error> {
    let mut command = CommandWrap::with_new(call.program, |command| {
        command.args(call.arguments).env_clear().envs(call.environment);
        let stdin = if call.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    });
    let mut session = Session { leader: command.wrap(ProcessSession).spawn()?, is_over: false };
    let mut stdout = Whole::new(call.stdout_max_bytes);
    let mut stderr = Ends::new(STDERR_MAX_BYTES);
    let end = tokio::select! {
        end = session.follow(call.input, &mut stdout, &mut stderr) => end?,
        () = deadline => End::Deadline,
    };
    session.close().await;
    Ok(Spoken { stdout: stdout.into_bytes(), stderr: stderr.into_text(), end })
}

/// A started program and all that it started. Dropping it kills what is left.
struct Session {
    leader: Box<dyn ChildWrapper>,
    /// True once nothing of it can be left.
    is_over: bool,
}

impl Session {
    async fn follow(
        &mut self,
        input: &[u8],
        stdout: &mut Whole,
        stderr: &mut Ends,
    ) -> Result<End, io::Error> {
        let output = self.leader.stdout().take().expect("the output is piped");
        let errors = self.leader.stderr().take().expect("the error output is piped");
        let stdin = self.leader.stdin().take();
        let talking = async { tokio::join!(feed(stdin, input), read_both(output, stdout, errors, stderr)).1 };
        let mut talking = pin!(talking);
        let status = tokio::select! {
            biased;
            fits = &mut talking => match fits {
                Fits::Yes => self.leader.wait().await?,
                Fits::No => return Ok(End::TooMuch),
            },
            status = self.leader.wait() => {
                let status = status?;
                match timeout(LINGER, talking).await {
                    Ok(Fits::Yes) => status,
                    Ok(Fits::No) => return Ok(End::TooMuch),
                    Err(_) => return Ok(end_of(status)),
                }
            }
        };
        self.is_over = true;
        Ok(end_of(status))
    }

    /// Kills what is left and waits for the leader, so that no dead process stays in the table.
    async fn close(&mut self) {
        if self.is_over {
            return;
        }
        self.kill();
        // It is gone, or hangs in a system call that nobody can end: there is nothing left to do in either case.
        let _ = timeout(REAP, self.leader.wait()).await;
        self.is_over = true;
    }

    fn kill(&mut self) {
        // Fails only if nothing is left to kill.
        let _ = self.leader.start_kill();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_over {
            self.kill();
        }
    }
}

fn end_of(status: ExitStatus) -> End {
    match status.code() {
        Some(code) => End::Code(code),
        None => End::Signal(status.signal().unwrap_or_default()),
    }
}

/// Writes the input and closes it. What the program does not read is no failure of ours: its exit code tells.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input).await;
    }
}

/// Whether an output kept within its limit.
enum Fits {
    Yes,
    No,
}

/// Reads both outputs until both are closed, or until the first is too long.
async fn read_both(
    mut output: impl AsyncRead + Unpin,
    stdout: &mut Whole,
    mut errors: impl AsyncRead + Unpin,
    stderr: &mut Ends,
) -> Fits {
    let mut output_chunk = vec![0; 64 * 1024];
    let mut errors_chunk = vec![0; 8 * 1024];
    let (mut output_is_open, mut errors_are_open) = (true, true);
    while output_is_open || errors_are_open {
        tokio::select! {
            // An output that breaks has ended: the exit code tells the rest.
            read = output.read(&mut output_chunk), if output_is_open => match read {
                Ok(0) | Err(_) => output_is_open = false,
                Ok(count) if !stdout.add(&output_chunk[..count]) => return Fits::No,
                Ok(_) => {}
            },
            read = errors.read(&mut errors_chunk), if errors_are_open => match read {
                Ok(0) | Err(_) => errors_are_open = false,
                Ok(count) => stderr.add(&errors_chunk[..count]),
            },
        }
    }
    Fits::Yes
}

/// Quotes a line of a program in a sentence: one line, no control characters, at most 300 bytes.
pub fn quoted(line: &str) -> String {
    let short = lastgood_core::observation::cut(line.trim(), 300);
    format!("\"{}\"", lastgood_core::id::Escaped(&short))
}

#[cfg(test)]
mod tests;
