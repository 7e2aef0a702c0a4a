//! When is what told, and what if nobody listens?
//!
//! Everything here happens beside the command, or within a set time after it. Whatever goes wrong is said and is no
//! failure of the command. It does not know what runs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Shared;
use lastgood_core::id::Escaped;
use lastgood_core::time::Instant;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::ping::Ping;
use super::post::{Dated, Post, Untaken};
use super::spool::{self, Spool, Waiting};
use super::target::{Target, Whom};
use crate::causes::said;
use crate::clock;

/// How long after it happened a ping is still dated by the server: on the way, and while what waited goes first.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// How often something is sent after the command has ended, and after which pause: a server that is just being started
/// again is there a second later, and one that is away is not waited for.
const LAST_TRIES: u32 = 2;
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// After which pauses a begin that nobody took is sent again while the command runs: twice as long each time.
const PAUSE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_mins(5);

/// How long the disk may take to keep what was not sent.
const KEEP_MAX: Duration = Duration::from_secs(5);

/// Who is told of one run, and how long that may take.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    /// The name of the job.
    pub(super) asset: String,
    /// Whom.
    pub(super) whom: Whom,
    /// The folder for what nobody took; `None` for the usual one.
    pub(super) spool: Option<PathBuf>,
    /// How long is spent on sending once the command has ended.
    pub(super) patience: Duration,
}

/// The outcome, as soon as there is one.
type Outcome = Shared<oneshot::Receiver<Ping>>;

/// Tells of a run: of its begin at once, of its outcome when it comes. Ends at once when `hurry` is cancelled.
///
/// 1. Send what waits for the same server, so that it hears everything in order.
/// 2. Send the begin, again and again if need be.
/// 3. Send what waits for others, and wait for the outcome. It ends all sending of older things.
/// 4. Send the outcome.
/// 5. When the time after the command is over, keep what was not sent.
pub(super) async fn tell(
    errand: Errand,
    begin: Option<Ping>,
    outcome: oneshot::Receiver<Ping>,
    hurry: CancellationToken,
) {
    let (whom, asset) = (errand.whom.clone(), errand.asset.clone());
    // A file may stand on a disk that hangs.
    let target = match tokio::task::spawn_blocking(move || whom.target(&asset)).await {
        Ok(Ok(target)) => target,
        Ok(Err(error)) => {
            tracing::warn!("nobody is told of this run: {}", said(&error));
            return;
        }
        Err(_) => return,
    };
    let spool = open(&errand).await;
    let outcome = outcome.shared();
    let mut telling =
        Telling { errand, target, spool, post: Post::default(), unsent: begin, ended: None, why: None };
    let over = over(outcome.clone(), telling.errand.patience, hurry);
    tokio::select! {
        biased;
        () = telling.send_all(&outcome) => {}
        () = over => {}
    }
    if telling.ended.is_none()
        && let Some(Ok(ping)) = outcome.now_or_never()
    {
        telling.ended = Some(End { ping: telling.redacted(ping), is_sent: false });
    }
    telling.keep().await;
}

/// Waits until the time for sending is over.
async fn over(outcome: Outcome, patience: Duration, hurry: CancellationToken) {
    let last = async {
        let _ = outcome.await;
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        () = last => {}
        () = hurry.cancelled() => {}
    }
}

async fn open(errand: &Errand) -> Option<Spool> {
    let named = errand.spool.clone();
    match tokio::task::spawn_blocking(move || Spool::open(named.as_deref())).await {
        Ok(Ok(spool)) => Some(spool),
        Ok(Err(error)) => {
            tracing::warn!("what cannot be sent is lost: {}", said(&error));
            None
        }
        Err(_) => None,
    }
}

/// The outcome, and whether nothing is left to be sent of it.
struct End {
    ping: Ping,
    is_sent: bool,
}

/// One run that is told of.
struct Telling {
    errand: Errand,
    target: Target,
    spool: Option<Spool>,
    post: Post,
    /// The begin, until somebody took it.
    unsent: Option<Ping>,
    ended: Option<End>,
    /// Why the last attempt was in vain.
    why: Option<String>,
}

impl Telling {
    async fn send_all(&mut self, outcome: &Outcome) {
        let own = self.target.clone();
        if let Some(spool) = self.spool.clone() {
            unless_ended(outcome, send_waiting(&spool, &mut self.post, |target| *target == own)).await;
        }
        if !self.send_begin(outcome).await {
            return;
        }
        if let Some(spool) = self.spool.clone() {
            unless_ended(outcome, send_waiting(&spool, &mut self.post, |target| *target != own)).await;
        }
        let Ok(ping) = outcome.clone().await else { return };
        let ping = self.redacted(ping);
        self.ended = Some(End { ping: ping.clone(), is_sent: false });
        for attempt in 1..=LAST_TRIES {
            match self.send(&ping).await {
                Ok(()) => {
                    self.ended = Some(End { ping, is_sent: true });
                    return;
                }
                Err(untaken) if untaken.is_final => {
                    tracing::warn!("{}", self.lost(&ping, &untaken.words));
                    self.ended = Some(End { ping, is_sent: true });
                    return;
                }
                Err(untaken) => self.why = Some(untaken.words),
            }
            if attempt < LAST_TRIES {
                tokio::time::sleep(LAST_PAUSE).await;
            }
        }
    }

    /// Sends the begin; false if it was not taken and the command has ended.
    async fn send_begin(&mut self, outcome: &Outcome) -> bool {
        let mut pause = PAUSE_MIN;
        let mut last_tries = 0;
        while let Some(begin) = self.unsent.clone() {
            let untaken = match self.send(&begin).await {
                Ok(()) => {
                    self.unsent = None;
                    break;
                }
                Err(untaken) => untaken,
            };
            tracing::info!("{} did not take the begin: {}", self.target.shown(), untaken.words);
            if untaken.is_final {
                // The same will be said of the outcome, and that louder.
                self.unsent = None;
                break;
            }
            self.why = Some(untaken.words);
            if outcome.clone().now_or_never().is_some() {
                last_tries += 1;
                if last_tries == LAST_TRIES {
                    return false;
                }
                tokio::time::sleep(LAST_PAUSE).await;
            } else {
                unless_ended(outcome, tokio::time::sleep(pause)).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
        }
        true
    }

    async fn send(&mut self, ping: &Ping) -> Result<(), Untaken> {
        let is_fresh = clock::now().duration_since(ping.at).abs() <= FRESH;
        let dated = if is_fresh { Dated::ByServer } else { Dated::ByUs };
        self.post.send(&self.target, ping, dated).await
    }

    fn redacted(&self, ping: Ping) -> Ping {
        Ping { body: self.target.redact(&ping.body), ..ping }
    }

    /// Keeps what nobody took, for the next run.
    async fn keep(self) {
        let end = self.ended.as_ref().filter(|end| !end.is_sent).map(|end| end.ping.clone());
        let left: Vec<Ping> = self.unsent.clone().into_iter().chain(end).collect();
        let Some(last) = left.last().cloned() else { return };
        let why = self.why.as_deref().unwrap_or("the time for it was over");
        let Some(spool) = self.spool.clone() else {
            tracing::warn!("{}", self.lost(&last, why));
            return;
        };
        let (asset, target) = (self.errand.asset.clone(), self.target.clone());
        let waiting =
            left.into_iter().map(move |ping| Waiting { asset: asset.clone(), target: target.clone(), ping });
        let keeping = {
            let spool = spool.clone();
            tokio::task::spawn_blocking(move || {
                waiting.map(|one| spool.keep(&one)).sum::<std::io::Result<usize>>()
            })
        };
        let folder = spool.folder().display();
        match tokio::time::timeout(KEEP_MAX, keeping).await {
            Ok(Ok(Ok(dropped_count))) => {
                tracing::warn!(
                    "{} did not take the {} of {}: {why}; it waits in {folder} for the next `lastgood run`",
                    self.target.shown(),
                    last.word.said(),
                    Escaped(&self.errand.asset),
                );
                if dropped_count > 0 {
                    tracing::warn!("too much waits in {folder}: the oldest {dropped_count} were dropped");
                }
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!("{}, nor be kept in {folder}: {error}", self.lost(&last, why));
            }
            Ok(Err(_)) | Err(_) => tracing::warn!("{}, nor be kept in {folder}", self.lost(&last, why)),
        }
    }

    fn lost(&self, ping: &Ping, why: &str) -> String {
        let (word, asset) = (ping.word.said(), Escaped(&self.errand.asset));
        format!("the {word} of {asset} could not be told to {}: {why}", self.target.shown())
    }
}

/// Waits for something, but no longer than for the outcome.
async fn unless_ended(outcome: &Outcome, waiting: impl Future) {
    tokio::select! {
        biased;
        _ = outcome.clone() => {}
        _ = waiting => {}
    }
}

/// What became of what waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "all are counts")]
pub(super) struct Flushed {
    /// So many pings were taken.
    pub(super) sent_count: usize,
    /// So many were dropped: nobody will ever take them.
    pub(super) dropped_count: usize,
    /// So many wait on.
    pub(super) waiting_count: usize,
}

/// Sends what waits for some targets, the oldest first; whoever does not take one is not sent another. `None` if another
/// program is at it.
pub(super) async fn send_waiting(
    spool: &Spool,
    post: &mut Post,
    is_wanted: impl Fn(&Target) -> bool,
) -> std::io::Result<Option<Flushed>> {
    let Some(_turn) = spool.turn()? else { return Ok(None) };
    let mut flushed = Flushed::default();
    let mut deaf: HashSet<Target> = HashSet::new();
    for path in spool.files()? {
        let waiting = match spool::read(&path) {
            Ok(waiting) => waiting,
            // Dropped by somebody who had too many.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                tracing::warn!("{} holds no ping and is removed", path.display());
                spool::remove(&path)?;
                flushed.dropped_count += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Waiting { asset, target, ping } = waiting;
        if !is_wanted(&target) {
            continue;
        }
        if deaf.contains(&target) {
            flushed.waiting_count += 1;
            continue;
        }
        let (asset, word) = (Escaped(&asset), ping.word.said());
        match post.send(&target, &ping, Dated::ByUs).await {
            Ok(()) => {
                tracing::info!("{} took the {word} of {asset} of {}", target.shown(), Instant(ping.at));
                spool::remove(&path)?;
                flushed.sent_count += 1;
            }
            Err(untaken) if untaken.is_final => {
                let (shown, words) = (target.shown(), untaken.words);
                tracing::warn!("{shown} will never take the {word} of {asset}, which is dropped: {words}");
                spool::remove(&path)?;
                flushed.dropped_count += 1;
            }
            Err(untaken) => {
                tracing::info!("{} did not take the {word} of {asset}: {}", target.shown(), untaken.words);
                flushed.waiting_count += 1;
                deaf.insert(target);
            }
        }
    }
    Ok(Some(flushed))
}
