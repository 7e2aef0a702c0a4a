//! How does what a command writes get to where it would have gone without us?
//!
//! Byte for byte, as it comes, each stream at its own pace. It does not know what the bytes say.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::tail::Tail;

/// How much is read at once, in bytes: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long what a command left behind may keep its outputs open after it has ended: a daemon it started does so for ever.
const LINGER: Duration = Duration::from_secs(1);

/// How much of that is passed on, in bytes: the largest pipe, so that all the command itself wrote is.
const LEFT_BEHIND_MAX_BYTES: usize = 1024 * 1024;

/// Both outputs of a command that runs.
#[derive(Debug)]
pub(super) struct Outputs {
    tail: Arc<Mutex<Tail>>,
    ended: CancellationToken,
    passing: [JoinHandle<()>; 2],
}

impl Outputs {
    /// Begins to pass on what the command writes.
    pub(super) fn pass_on(stdout: ChildStdout, stderr: ChildStderr) -> Self {
        let (tail, ended) = (Arc::default(), CancellationToken::new());
        let passing = [
            tokio::spawn(pass(stdout, to_stdout, Arc::clone(&tail), ended.clone())),
            tokio::spawn(pass(stderr, to_stderr, Arc::clone(&tail), ended.clone())),
        ];
        Self { tail, ended, passing }
    }

    /// Says that the command has ended, and waits until all it wrote is passed on.
    pub(super) async fn finish(&mut self) {
        self.ended.cancel();
        for passing in &mut self.passing {
            // A task that panicked has nothing more to pass on.
            let _ = passing.await;
        }
    }

    /// The last lines of what came so far.
    pub(super) fn text(&self) -> String {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}

fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn to_stderr(bytes: &[u8]) -> io::Result<()> {
    io::stderr().lock().write_all(bytes)
}

/// Passes one stream on until it is closed. Where nobody takes it any more it is closed towards the command too, which
/// then hears of it as it would without us.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    to: fn(&[u8]) -> io::Result<()>,
    tail: Arc<Mutex<Tail>>,
    ended: CancellationToken,
) {
    let lingered = async {
        ended.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    let mut lingered = std::pin::pin!(lingered);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left_behind_bytes = 0;
    while left_behind_bytes < LEFT_BEHIND_MAX_BYTES {
        let read = tokio::select! {
            biased;
            read = from.read(&mut chunk) => read,
            () = &mut lingered => break,
        };
        let Ok(count @ 1..) = read else { break };
        tail.lock().unwrap_or_else(PoisonError::into_inner).add(&chunk[..count]);
        // Whoever reads it may be slow, and is waited for as the command itself would.
        let written = tokio::task::spawn_blocking(move || to(&chunk[..count]).map(|()| chunk)).await;
        let Ok(Ok(back)) = written else { break };
        chunk = back;
        if ended.is_cancelled() {
            left_behind_bytes += count;
        }
    }
}
