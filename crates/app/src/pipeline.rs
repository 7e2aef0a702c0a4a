//! How does a look become a judged fleet? The one place that wires the flow:
//! sources -> collections -> facts -> judge. It knows no format and no command.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, fold};
use lastgood_core::id::SourceId;
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};
use tokio_util::task::AbortOnDropHandle;

use crate::clock;
use crate::config::Config;
use crate::sources::{Keep, OpenError, Source, SourceConfig};

/// How many sources are looked at at once.
const SOURCES_AT_ONCE: usize = 8;

/// How much longer than its own deadline a look may take before it is given up from outside.
const DEADLINE_MARGIN: Duration = Duration::from_secs(5);

/// A fleet that was looked at, ready to be judged at one frozen instant.
pub struct Seen {
    /// What is known.
    pub facts: Facts,
    /// What must be true.
    pub expectations: Expectations,
    /// The instant to judge at.
    pub now: Timestamp,
}

/// Opens every source, looks at all of them, then freezes now.
///
/// `at` stands for the clock where it is given: the same documents at the same instant give the same bytes.
pub async fn see(config: Config, at: Option<Timestamp>, keep: Keep) -> Result<Seen, OpenError> {
    let mut opened = Vec::with_capacity(config.sources.len());
    for source in config.sources {
        opened.push(Opened::new(source)?);
    }
    let began = at.unwrap_or_else(clock::now);
    let looks = opened.into_iter().map(|source| async move { source.look(began, keep).await });
    let collections: Vec<Collection> = futures::stream::iter(looks).buffered(SOURCES_AT_ONCE).collect().await;
    let facts = fold(collections);
    let expectations = Expectations::new(checks::thresholds_of, config.layers);
    Ok(Seen { facts, expectations, now: at.unwrap_or_else(clock::now) })
}

/// A source that is open and can be looked at, again and again. Clones are the same source.
#[derive(Clone)]
pub struct Opened {
    id: SourceId,
    kind: &'static SourceKind,
    deadline: Duration,
    source: Arc<dyn Source>,
}

impl Opened {
    /// Opens a source; nothing is looked at.
    pub fn new(config: SourceConfig) -> Result<Self, OpenError> {
        let (id, entry, deadline) = (config.id.clone(), config.entry, config.deadline);
        let source = Arc::from(config.open()?);
        Ok(Self { id, kind: entry.kind, deadline, source })
    }

    /// Tells it what was known of it before it was opened.
    pub fn recall(&self, facts: &Facts) {
        let known = facts.sources.iter().filter(|source| source.id == self.id);
        let keys: Vec<_> =
            known.flat_map(|source| &source.repositories).map(|known| &known.stated.key).collect();
        self.source.recall(&keys);
    }

    /// Looks once. A source that hangs or panics is a failed look of that source and of no other. Whoever drops this, or
    /// gives it up, ends the look and the programs it runs.
    pub async fn look(&self, at: Timestamp, keep: Keep) -> Collection {
        let source = Arc::clone(&self.source);
        let look = AbortOnDropHandle::new(tokio::spawn(async move { source.look(at, keep).await }));
        let (kind, reason) = match tokio::time::timeout(self.deadline + DEADLINE_MARGIN, look).await {
            Ok(Ok(collection)) => return collection,
            Ok(Err(_)) => (
                FailureKind::Unsupported,
                "lastgood itself failed while looking; please report it".to_owned(),
            ),
            Err(_) => {
                let deadline = self.deadline.as_secs();
                (
                    FailureKind::TimedOut,
                    format!("no answer within the deadline of {deadline} s; set a longer one"),
                )
            }
        };
        let failure = Failure { place: Place::source(), kind, reason };
        Collection::failed(self.id.clone(), self.kind, at, failure)
    }

    /// Does what follows from the newest look, within the deadline of a look, and returns what failed.
    pub async fn after_look(&self) -> Vec<Failure> {
        let Ok(failures) = tokio::time::timeout(self.deadline, self.source.after_look()).await else {
            let reason =
                "what follows from a look did not end within the deadline; set a longer one".to_owned();
            return vec![Failure { place: Place::source(), kind: FailureKind::TimedOut, reason }];
        };
        failures
    }
}
