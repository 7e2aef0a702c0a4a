//! Is the engine well?
//!
//! It is while its scheduler wakes and its jobs are listed. What the jobs find is no part of it. A thread of its own
//! writes the file for the health check of a container, so that it is also written when every task hangs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::failure::Failure;

/// How long the scheduler may be silent; it wakes every second.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// How often the file is brought up to date.
const FILE_EVERY: Duration = Duration::from_secs(1);

/// After how many refresh intervals without a listing an engine is not well.
const REFRESHES_MISSED_MAX: u32 = 3;

/// Tells whether an engine is well; clones tell the same.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    since: Stopwatch,
    ticked_micros: AtomicU64,
    refresh: Mutex<Refreshes>,
}

#[derive(Debug)]
struct Refreshes {
    every: Duration,
    /// How long one listing may take.
    deadline: Duration,
    /// When the last one that listed all jobs ended; the beginning before the first.
    listed_at: Duration,
    failure: Option<String>,
    is_stopped: bool,
    /// A job that blocks its thread.
    blocking: Option<String>,
}

/// What is wrong with an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illness {
    /// It was stopped.
    #[error("the engine has stopped")]
    Stopped,
    /// Its scheduler does not wake: its runtime is blocked, usually by a job that waits without `await`.
    #[error("the scheduler has not woken for {} s: something blocks the threads it runs on", .0.as_secs())]
    Silent(Duration),
    /// A job blocks one of the threads it runs on, so that its deadline cannot end it.
    #[error("job {0:?} blocks its thread: what waits in it belongs behind `await` or into spawn_blocking")]
    Blocked(String),
    /// Its jobs could not be listed for several refresh intervals; the old ones go on.
    #[error("the jobs could not be listed for {} s: {why}", .since.as_secs())]
    Unlisted {
        /// For how long.
        since: Duration,
        /// Why, in the words of the last try.
        why: String,
    },
}

impl Health {
    pub(crate) fn new(every: Duration, deadline: Duration) -> Self {
        let (listed_at, failure, is_stopped, blocking) = Default::default();
        let refresh = Refreshes { every, deadline, listed_at, failure, is_stopped, blocking };
        Self(Arc::new(Inner {
            since: Stopwatch::start(),
            ticked_micros: AtomicU64::new(0),
            refresh: Mutex::new(refresh),
        }))
    }

    /// Says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), Illness> {
        let now = self.0.since.read();
        let refresh = self.refresh();
        if refresh.is_stopped {
            return Err(Illness::Stopped);
        }
        let silent = now.saturating_sub(Duration::from_micros(self.0.ticked_micros.load(Ordering::Relaxed)));
        if silent > SILENT_MAX {
            return Err(Illness::Silent(silent));
        }
        if let Some(job) = &refresh.blocking {
            return Err(Illness::Blocked(job.clone()));
        }
        let since = now.saturating_sub(refresh.listed_at);
        let bearable = refresh.every.saturating_mul(REFRESHES_MISSED_MAX);
        match &refresh.failure {
            Some(why) if since > bearable => Err(Illness::Unlisted { since, why: why.clone() }),
            // It does not even end at its deadline: it waits without `await`.
            None if since > bearable.saturating_add(refresh.deadline) => {
                Err(Illness::Unlisted { since, why: String::from("the last listing does not end") })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn set_refresh_every(&self, every: Duration) {
        self.refresh().every = every;
    }

    pub(crate) fn set_refresh_deadline(&self, deadline: Duration) {
        self.refresh().deadline = deadline;
    }

    pub(crate) fn ticked(&self) {
        let micros = u64::try_from(self.0.since.read().as_micros()).unwrap_or(u64::MAX);
        self.0.ticked_micros.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn refreshed(&self, failure: Option<&Failure>) {
        let now = self.0.since.read();
        let mut refresh = self.refresh();
        refresh.failure = failure.map(ToString::to_string);
        if failure.is_none() {
            refresh.listed_at = now;
        }
    }

    /// Notes the job that blocks a thread, if there is any.
    pub(crate) fn set_blocking(&self, job: Option<&str>) {
        let mut refresh = self.refresh();
        if refresh.blocking.as_deref() != job {
            refresh.blocking = job.map(str::to_owned);
        }
    }

    pub(crate) fn stop(&self) {
        self.refresh().is_stopped = true;
    }

    fn refresh(&self) -> MutexGuard<'_, Refreshes> {
        self.0.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a file there while the engine is not well, until the returned value is dropped.
    pub(crate) fn write_file(&self, path: PathBuf) -> FileKeeper {
        let (end, ended) = mpsc::channel::<()>();
        let health = self.clone();
        let thread = std::thread::spawn(move || {
            let mut was_kept = true;
            while ended.recv_timeout(FILE_EVERY) == Err(RecvTimeoutError::Timeout) {
                let outcome = show(&path, health.check().err().as_ref());
                if let (Err(error), true) = (&outcome, was_kept) {
                    tracing::warn!(
                        "the file for the health check {} could not be kept: {error}",
                        path.display()
                    );
                }
                was_kept = outcome.is_ok();
            }
        });
        FileKeeper { end: Some(end), thread: Some(thread) }
    }
}

/// Writes what is wrong, or removes the file. A link that somebody put there is replaced, not followed.
fn show(path: &Path, illness: Option<&Illness>) -> io::Result<()> {
    let is_there = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    match illness {
        Some(_) if is_there => Ok(()),
        Some(illness) => {
            remove(path)?;
            let mut file = fs::File::create_new(path)?;
            writeln!(file, "{illness}")
        }
        None => remove(path),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Ends the thread that keeps the file.
pub(crate) struct FileKeeper {
    end: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for FileKeeper {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
