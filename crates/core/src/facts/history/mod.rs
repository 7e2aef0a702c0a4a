//! What is remembered of an asset beyond its newest statement?
//!
//! Each look renews it, whatever was looked at before; nothing here judges. Instants that another machine stated count
//! only if they are not dated ahead of the look: a wrong clock must not make anything look alive.

use jiff::{SignedDuration, Timestamp};

use crate::observation::{AssetObservation, LastRun, Stated};
use crate::time::{Elapsed, Seconds, elapsed};

/// Two sightings of a device that lie no further apart than this count as one: it was on in between. Three hours: who
/// looks every hour may miss it twice.
pub const SIGHTING_GAP: Seconds = Seconds::hours(3);

/// So many stretches of being seen are remembered of a device; older ones are taken together, which counts as seen.
pub const SPANS_MAX: usize = 16;

/// What is remembered of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// The newest instant that was ever stated as that of its last good backup.
    pub last_success_at: Option<Timestamp>,
    /// How many runs failed in a row: as many as were seen, each once, or more where the source states more.
    pub failed_in_row: u32,
    /// When the newest of them ran, where it is dated.
    pub failed_at: Option<Timestamp>,
    /// When its device was seen; `None` if the source does not state it.
    pub presence: Option<Box<Presence>>,
}

/// When a device was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Of the time before this instant nothing is known: it counts as seen.
    pub known_since: Timestamp,
    /// When it was looked at last.
    pub looked_at: Timestamp,
    /// In rising order, at least one and at most [`SPANS_MAX`], none touching another.
    pub spans: Vec<Span>,
}

/// A stretch of time in which a device was seen, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first sighting.
    pub from: Timestamp,
    /// Its last sighting; the same if there was only one.
    pub until: Timestamp,
}

impl History {
    /// Begins with what a look states that began at `at`.
    pub fn first(stated: &AssetObservation, at: Timestamp) -> Self {
        let nothing = Self {
            first_seen_at: at,
            last_success_at: None,
            failed_in_row: 0,
            failed_at: None,
            presence: None,
        };
        nothing.renewed(stated, at)
    }

    /// Goes on with what a newer look states.
    #[must_use]
    pub fn renewed(self, stated: &AssetObservation, at: Timestamp) -> Self {
        let mut next = self;
        let success = believed(stated.last_good.value(), at);
        next.count(stated.last_run, success, at);
        next.last_success_at = next.last_success_at.max(success);
        next.presence = match believed(stated.more.last_seen.value(), at) {
            None => None,
            Some(seen_at) => Some(match next.presence {
                None => Box::new(Presence::first(seen_at, at)),
                Some(mut presence) => {
                    presence.renew(seen_at, at, oldest_of(stated));
                    presence
                }
            }),
        };
        next
    }

    /// 0. What cannot be read says nothing: the row stays as it is.
    /// 1. A run that succeeded, or none at all, ends the row; so does a good backup since the newest failure that counts.
    /// 2. A failure that is dated later than the newest one is another run. One that is not dated may be the same.
    /// 3. The source may know of more.
    fn count(&mut self, last_run: LastRun, success: Option<Timestamp>, at: Timestamp) {
        let (in_row, failed_at) = match last_run {
            LastRun::Unreadable => return,
            LastRun::NoneYet | LastRun::Succeeded => {
                (self.failed_in_row, self.failed_at) = (0, None);
                return;
            }
            LastRun::Failed { in_row, at } => (in_row, at),
        };
        if success > self.failed_at.or(self.last_success_at) {
            (self.failed_in_row, self.failed_at) = (0, None);
        }
        let failed_at = believed(failed_at, at);
        let is_another = self.failed_in_row == 0 || (failed_at.is_some() && failed_at > self.failed_at);
        if is_another {
            self.failed_in_row = self.failed_in_row.saturating_add(1);
        }
        self.failed_at = self.failed_at.max(failed_at);
        self.failed_in_row = self.failed_in_row.max(in_row);
    }
}

impl Presence {
    fn first(seen_at: Timestamp, at: Timestamp) -> Self {
        Self { known_since: seen_at, looked_at: at, spans: vec![Span { from: seen_at, until: seen_at }] }
    }

    /// 1. A sighting that is not too long after the last one lengthens that stretch.
    /// 2. A later one begins another. Where nobody looked for too long before, the time since the last look counts as
    ///    seen: it may have been.
    /// 3. What lies before everything that its age is asked of is forgotten.
    fn renew(&mut self, seen_at: Timestamp, at: Timestamp, oldest: Option<Timestamp>) {
        let gap = SIGHTING_GAP.duration();
        let looked_at = std::mem::replace(&mut self.looked_at, at);
        let last = self.spans.last_mut().expect("there is at least one (by construction)");
        if seen_at > last.until {
            let was_unwatched = at.duration_since(looked_at) > gap;
            let from = if was_unwatched { looked_at.clamp(last.until, seen_at) } else { seen_at };
            if from.duration_since(last.until) <= gap {
                last.until = seen_at;
            } else {
                self.spans.push(Span { from, until: seen_at });
            }
        }
        let forgotten = oldest.map_or(0, |oldest| {
            self.spans[..self.spans.len() - 1].iter().take_while(|span| span.until < oldest).count()
        });
        if let Some(newest) = self.spans.drain(..forgotten).next_back() {
            self.known_since = newest.until;
        }
        if self.spans.len() > SPANS_MAX {
            self.spans[1].from = self.spans[0].from;
            self.spans.remove(0);
        }
    }

    /// Returns for how long it was seen after an instant up to and including now. The time since its last sighting does
    /// not count: it may be off.
    pub fn seen_since(&self, since: Timestamp, now: Timestamp) -> SignedDuration {
        let unknown = self.known_since.min(now).duration_since(since).max(SignedDuration::ZERO);
        let from = since.max(self.known_since);
        let within = |span: &Span| {
            let seen = span.until.min(now).duration_since(span.from.max(from));
            seen.max(SignedDuration::ZERO)
        };
        unknown + self.spans.iter().map(within).sum::<SignedDuration>()
    }

    /// True if it was away after an instant and was seen again.
    pub fn came_back_since(&self, since: Timestamp) -> bool {
        self.spans.iter().any(|span| span.from > since.max(self.known_since))
    }

    /// Returns when it was seen last.
    pub fn last_seen_at(&self) -> Timestamp {
        self.spans.last().map_or(self.known_since, |span| span.until)
    }
}

/// Nothing if it is dated ahead of the look.
fn believed(stated: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    stated.filter(|stated| elapsed(*stated, at) != Elapsed::Ahead)
}

/// The oldest instant of which the age is asked; `None` if one of them is not known.
fn oldest_of(stated: &AssetObservation) -> Option<Timestamp> {
    let dates = [stated.last_good, stated.last_offsite, stated.more.last_started];
    dates.iter().filter(|date| **date != Stated::Missing).map(Stated::value).min().flatten()
}

#[cfg(test)]
mod tests;
