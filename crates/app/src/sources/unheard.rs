//! What does a look see at a source that tells us of its own accord? Nothing: only the daemon hears of it.

use std::io::Write;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::observation::{Collection, Failure, FailureKind, Place};

use super::{Keep, RawError, Source, SourceConfig};

/// A source that pushes.
pub(super) struct Unheard(SourceConfig);

impl Unheard {
    pub(super) fn new(config: SourceConfig) -> Self {
        Self(config)
    }

    fn failure(&self) -> Failure {
        let reason = format!(
            "{} tells of its own accord, and only `lastgood serve` hears of it: see what it knows with `lastgood \
             incidents`, or on its status page",
            self.0.id
        );
        Failure { place: Place::source(), kind: FailureKind::Unsupported, reason }
    }
}

impl Source for Unheard {
    fn look(&self, at: Timestamp, _: Keep) -> BoxFuture<'_, Collection> {
        let collection = Collection::failed(self.0.id.clone(), self.0.entry.kind, at, self.failure());
        std::future::ready(collection).boxed()
    }

    fn raw<'a>(&'a self, _: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        std::future::ready(Err(RawError::Look(self.failure()))).boxed()
    }
}
