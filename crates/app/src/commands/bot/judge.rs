//! How are looks judged beside each other, though thresholds belong to one thread?
//!
//! A thread of its own reads the thresholds once and judges one look after the other; it knows no backend and no clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use lastgood_collector::Sample;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::observation::Collection;
use tokio::sync::{mpsc, oneshot};

use crate::commands::looking::Trouble;
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;
use crate::publish::grafolean::{Look, Publication};
use crate::report;

/// How many looks may wait to be judged.
const WAITING_MAX: usize = 16;

/// How to judge, as the command line says it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Thresholds {
    /// A configuration file with thresholds and overrides, whose sources are not looked at [default:
    /// `$LASTGOOD_CONFIG`, else none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set a threshold for everything, such as `local_after=48h` or `quota_level=90`; see docs/checks.md
    #[arg(long, value_name = "THRESHOLD=VALUE")]
    set: Vec<String>,
}

/// A look to be judged.
pub(super) struct Seen {
    /// What was seen.
    pub(super) collection: Collection,
    /// Below which path its numbers stand.
    pub(super) prefix: String,
    /// The instant to judge at.
    pub(super) now: Timestamp,
    /// The instant the numbers are published for.
    pub(super) at: Timestamp,
    /// How long it took.
    pub(super) took: Duration,
}

/// A look that was judged.
#[derive(Debug)]
pub(super) struct Judged {
    /// Its numbers.
    pub(super) samples: Vec<Sample>,
    /// How many more there would have been.
    pub(super) unpublished_count: u64,
    /// How a program that looked only at this ends.
    pub(super) exit: Exit,
}

/// Judges looks.
#[derive(Debug)]
pub(super) struct Judge {
    waiting: mpsc::Sender<(Seen, oneshot::Sender<Judged>)>,
}

impl Judge {
    /// Reads the thresholds and waits for looks. It ends when it is dropped.
    pub(super) fn start(thresholds: Thresholds) -> Result<Self, Trouble> {
        let (waiting, mut looks) = mpsc::channel::<(Seen, oneshot::Sender<Judged>)>(WAITING_MAX);
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let request = Request { sources: &[], file: thresholds.config.as_deref(), set: &thresholds.set };
            let layers = match config::load_thresholds(&request, &Surroundings::real()) {
                Ok(layers) => layers,
                Err(error) => {
                    let _ = tell.send(Err(Trouble::new(&error, Exit::Usage)));
                    return;
                }
            };
            let _ = tell.send(Ok(()));
            let expectations = Expectations::new(checks::thresholds_of, layers);
            while let Some((seen, reply)) = looks.blocking_recv() {
                // A look that cannot be judged gets no answer, which is told there; the next one is judged all the same.
                if let Ok(judged) = catch_unwind(AssertUnwindSafe(|| judge(seen, &expectations))) {
                    let _ = reply.send(judged);
                }
            }
        });
        told.recv().expect("the thread tells how reading the thresholds ended")?;
        Ok(Self { waiting })
    }

    /// Judges one look; `None` if that went wrong.
    pub(super) async fn judge(&self, seen: Seen) -> Option<Judged> {
        let (reply, judged) = oneshot::channel();
        self.waiting.send((seen, reply)).await.ok()?;
        judged.await.ok()
    }
}

fn judge(seen: Seen, expectations: &Expectations) -> Judged {
    let Seen { collection, prefix, now, at, took } = seen;
    let facts = fold(vec![collection]);
    let look = Look { facts: &facts, expectations, now, at, took: Some(took) };
    let mut publications = look.numbers(|_| prefix.clone());
    let Publication { samples, unpublished_count, worst } =
        publications.pop().expect("one look gives the numbers of one source");
    Judged { samples, unpublished_count, exit: report::exit(worst, &facts) }
}
