//! What time is it in a bench, and who pushes? A clock that is set by hand, and nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood::watch::Pushed;
use lastgood_core::id::SourceId;
use lastgood_core::observation::Collection;

/// A clock. It never stands still: no two ticks have the same instant.
#[derive(Clone, Default)]
pub(super) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(super) fn read(&self) -> Timestamp {
        let nanoseconds = self.0.fetch_add(1_000, Ordering::SeqCst);
        Timestamp::from_nanosecond(nanoseconds.into()).expect("an instant of our days")
    }

    pub(super) fn set(&self, at: Timestamp) {
        let nanoseconds = i64::try_from(at.as_nanosecond()).expect("an instant of our days");
        self.0.store(nanoseconds, Ordering::SeqCst);
    }
}

/// Nothing pushes.
pub(super) struct Silent;

impl Pushed for Silent {
    fn collections(&self, _now: Timestamp) -> BoxFuture<'_, Vec<Collection>> {
        async { Vec::new() }.boxed()
    }

    fn restate(&self, _source: &SourceId) {}
}
