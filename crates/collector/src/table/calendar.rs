//! Which jobs are due in which second?
//!
//! One list for every second in which anything is due. Firings lie on whole seconds, so nothing finer is needed: putting
//! a job in and taking a second out cost the same however many jobs there are. A job that is planned anew leaves its old
//! place behind; its epoch tells that such a place is stale.

use std::collections::BTreeMap;

use super::Slot;
use crate::clock::Second;

/// A place in the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: Slot,
    /// The epoch of the job when it was planned; another one now means that this place is stale.
    pub(super) epoch: u32,
}

/// The seconds in which jobs are due.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    seconds: BTreeMap<Second, Vec<Place>>,
    len: usize,
}

impl Calendar {
    pub(super) fn put(&mut self, at: Second, place: Place) {
        self.seconds.entry(at).or_default().push(place);
        self.len += 1;
    }

    /// Takes out the first second that is not after `until`, with all that is due then.
    pub(super) fn take_until(&mut self, until: Second) -> Option<(Second, Vec<Place>)> {
        let first = self.seconds.first_entry()?;
        if *first.key() > until {
            return None;
        }
        let (at, places) = first.remove_entry();
        self.len -= places.len();
        Some((at, places))
    }

    /// Takes out all that is due in a second.
    pub(super) fn take_at(&mut self, at: Second) -> Vec<Place> {
        let places = self.seconds.remove(&at).unwrap_or_default();
        self.len -= places.len();
        places
    }

    /// Puts back what was taken out of a second.
    pub(super) fn put_back(&mut self, at: Second, mut first: Vec<Place>, last: Vec<Place>) {
        first.extend(last);
        if !first.is_empty() {
            self.len += first.len();
            let since = self.seconds.insert(at, first);
            debug_assert!(since.is_none(), "nothing was planned for the second meanwhile");
        }
    }

    /// How many places there are, stale ones included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets the places that `is_stale` says are.
    pub(super) fn retain(&mut self, mut is_fresh: impl FnMut(Place) -> bool) {
        self.seconds.retain(|_, places| {
            places.retain(|place| is_fresh(*place));
            places.shrink_to_fit();
            !places.is_empty()
        });
        self.len = self.seconds.values().map(Vec::len).sum();
    }

    /// All of them, with their seconds.
    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<(Second, Place)> {
        let all = |(at, places): (&Second, &Vec<Place>)| -> Vec<_> {
            places.iter().map(|place| (*at, *place)).collect()
        };
        self.seconds.iter().flat_map(all).collect()
    }

    pub(super) fn clear(&mut self) {
        self.seconds.clear();
        self.len = 0;
    }
}
