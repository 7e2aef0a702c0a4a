//! How much was sent through each channel since the start, how much failed and why, and how much is under way?

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::channels::FailureKind;

/// What became of the attempts of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// So many messages arrived.
    pub sent_count: u64,
    /// So many attempts failed, by kind; kinds that never did are left out.
    pub failed_counts: Vec<(FailureKind, u64)>,
    /// So many attempts are under way.
    pub under_way_count: u64,
}

/// The counts of every channel that was used.
#[derive(Default)]
pub(super) struct Counts(Mutex<BTreeMap<String, Counted>>);

impl Counts {
    pub(super) fn began(&self, channel: &str) {
        let mut counts = self.lock();
        counts.entry(channel.to_owned()).or_default().under_way_count += 1;
    }

    /// `failure` is `None` if the message arrived.
    pub(super) fn ended(&self, channel: &str, failure: Option<FailureKind>) {
        let mut counts = self.lock();
        let counted = counts.entry(channel.to_owned()).or_default();
        counted.under_way_count = counted.under_way_count.saturating_sub(1);
        let Some(failure) = failure else {
            counted.sent_count += 1;
            return;
        };
        match counted.failed_counts.iter_mut().find(|(kind, _)| *kind == failure) {
            Some((_, count)) => *count += 1,
            None => counted.failed_counts.push((failure, 1)),
        }
    }

    pub(super) fn all(&self) -> Vec<(String, Counted)> {
        self.lock().iter().map(|(channel, counted)| (channel.clone(), counted.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
