//! When is each source looked at while the daemon runs?
//!
//! The jobs of the collector's engine: one per source that is polled, on its own interval. A job looks and hands what it
//! saw to the watch; what it saw is no matter of the engine's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use lastgood_collector::{Call, Collector, FailureKind, Job, Jobs, Outcome, Phase, Second};
use lastgood_core::facts;
use lastgood_core::id::{Escaped, SourceId};
use lastgood_core::observation::{Collection, Extent, Failure};

use crate::causes::said;
use crate::clock;
use crate::pipeline::Opened;
use crate::sources::Keep;
use crate::watch::{TakeError, Watch};

/// How long keeping a look may take, which may wait for a disk.
const KEEPING: Duration = Duration::from_mins(1);

/// How far ahead the first look lies, in seconds: the engine must know of it before.
const AHEAD: i64 = 2;

/// A source that is polled.
#[derive(Clone)]
pub struct Polled {
    /// Its name.
    pub id: SourceId,
    /// The source, open.
    pub source: Opened,
    /// How long a look may take.
    pub deadline: Duration,
    /// How often it is looked at.
    pub interval: Duration,
    /// When it is looked at, now and then: at this second and every interval before and after it.
    pub start_at: Second,
}

/// What is polled now. Clones are the same.
#[derive(Clone, Default)]
pub struct Polling(Arc<RwLock<(u64, Vec<Polled>)>>);

impl Polling {
    /// Polls these from the next refresh of the engine on, each opened anew. One that was polled before as often as now
    /// is looked at when it would have been.
    pub fn replace(&self, sources: Vec<Polled>) {
        let mut polling = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (generation, before) = &*polling;
        let start_at = |new: &Polled| {
            let is_same = |old: &&Polled| old.id == new.id && old.interval == new.interval;
            before.iter().find(is_same).map_or(new.start_at, |old| old.start_at)
        };
        let sources = sources.into_iter().map(|new| Polled { start_at: start_at(&new), ..new }).collect();
        *polling = (generation + 1, sources);
    }

    fn now(&self) -> (u64, Vec<Polled>) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Offers the sources as jobs.
pub struct Looks {
    /// What is polled.
    pub polling: Polling,
    /// Who is handed what was seen.
    pub watch: Watch,
    /// What was said of the newest looks.
    pub sight: Sight,
}

/// How much the newest look at each source saw, so that a log says when that turns and not at every look.
#[derive(Default)]
pub struct Sight(Mutex<BTreeMap<SourceId, Extent>>);

impl Sight {
    /// What is to be said of a look: that it saw less than the one before, and why, or that it sees all again. Before the
    /// first look all was seen.
    fn turn(&self, collection: &Collection) -> Option<String> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let extent = collection.extent();
        let before = seen.insert(collection.source.clone(), extent).unwrap_or(Extent::Complete);
        let why = || facts::said(collection.failures.iter(), &collection.source);
        let why = || why().map(|why| format!(": {why}")).unwrap_or_default();
        match extent {
            _ if extent == before => None,
            Extent::Complete => Some("all of it is seen again".to_owned()),
            Extent::Partial if before == Extent::Complete => {
                Some(format!("a part of it is not seen{}", why()))
            }
            Extent::Partial => None,
            Extent::Failed => Some(format!("it is not seen{}", why())),
        }
    }
}

/// A source as one configuration opened it: another one is another source, though nothing in its text may differ.
pub struct Spec {
    generation: u64,
    source: Opened,
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation
    }
}

impl Collector for Looks {
    type Spec = Spec;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), lastgood_collector::Failure> {
        let (generation, sources) = self.polling.now();
        for polled in sources {
            let interval = i64::try_from(polled.interval.as_secs()).unwrap_or(i64::MAX);
            let spec = Spec { generation, source: polled.source };
            let job = Job::new(polled.id.as_str(), [interval], spec);
            jobs.push(job.phase(Phase::At(polled.start_at)).deadline(polled.deadline + KEEPING)).await;
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        tracing::debug!(source = call.id(), missed = call.missed_count(), "looking");
        let collection = call.spec().source.look(clock::now(), Keep::Judged).await;
        let source = collection.source.clone();
        if let Some(turn) = self.sight.turn(&collection) {
            tracing::warn!(%source, "{turn}");
        }
        for Failure { place, kind, reason } in &collection.failures {
            tracing::info!(place = %Escaped(&place.within(&source)), %kind, "not seen: {reason}");
        }
        let seen = collection.repositories.len();
        let taken = match self.watch.take(collection).await {
            // A reload meanwhile looked again, or took the source away: nothing failed.
            Err(error @ (TakeError::Older(_) | TakeError::NotWatched(_))) => {
                tracing::info!(source = call.id(), "{error}");
                return Ok(Vec::new());
            }
            taken => taken,
        };
        let refused = |error: TakeError| lastgood_collector::Failure::new(FailureKind::Refused, said(&error));
        taken.map_err(refused)?;
        for Failure { place, kind, reason } in call.spec().source.after_look().await {
            tracing::warn!(place = %Escaped(&place.within(&source)), %kind, "{reason}");
        }
        tracing::info!(source = call.id(), repositories = seen, "looked");
        Ok(Vec::new())
    }
}

/// When a source is looked at first, all in seconds: an interval after the last look, at once where there was none or
/// where that has passed, and never later than in an interval. Restarting the daemon asks nobody more often. The
/// `place` of a source among all keeps the first looks a second apart.
pub fn first_look(looked_at: Option<i64>, interval: i64, now: i64, place: i64) -> Second {
    let soon = now.saturating_add(AHEAD).saturating_add(place);
    let latest = soon.saturating_add(interval);
    Second(looked_at.map_or(soon, |at| at.saturating_add(interval).clamp(soon, latest)))
}

#[cfg(test)]
mod tests {
    use lastgood_core::testing::{FleetBuilder, noon, unreachable};

    use super::*;

    #[test]
    fn a_log_says_once_that_a_source_is_not_seen_and_once_that_it_is_again() {
        let sight = Sight::default();
        let whole = FleetBuilder::new("acme", noon()).agents("nas", &["db"]);
        let said = |look: Collection| sight.turn(&look);
        let (whole, partial) = (whole.clone().collection(), whole.partial().collection());
        let failed = || unreachable("acme", noon());
        assert_eq!(said(whole.clone()), None);
        let part = "a part of it is not seen: acme: the answer ended early; look again";
        assert_eq!(said(partial.clone()).as_deref(), Some(part));
        assert_eq!(said(partial.clone()), None);
        assert_eq!(
            said(failed()).as_deref(),
            Some("it is not seen: acme: nobody answered; check the address")
        );
        assert_eq!(said(failed()), None);
        assert_eq!(said(partial), None);
        assert_eq!(said(whole.clone()).as_deref(), Some("all of it is seen again"));
        assert_eq!(said(whole), None);
    }

    #[test]
    fn a_restart_asks_nobody_more_often_and_nobody_later() {
        let first = |looked_at| first_look(looked_at, 900, 9_990, 8).0;
        assert_eq!(first(None), 10_000);
        assert_eq!(first(Some(9_900)), 10_800);
        assert_eq!(first(Some(1_000)), 10_000);
        assert_eq!(first(Some(99_000)), 10_900, "a clock that was set back");
    }
}
