//! What do looks fail to see of a repository or of its assets, and since when?
//!
//! One failed look says little: the next one may see all of it. Only how long that goes on is remembered here; whether it
//! is too long is a matter of the check.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::id::{Escaped, Name, SourceId};
use crate::observation::{Collection, Failure, cut};

/// So many failures are repeated in words; of more it is said how many there are.
const SAID_MAX: usize = 2;

/// The longest text of one failure, in bytes.
const SAID_MAX_BYTES: usize = 300;

/// A part of a repository or of its assets that no look has seen for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// When the first look began that failed to see a part; none since saw all of it.
    pub since: Timestamp,
    /// What the newest look says that failed to see a part: the first failures, each with its place, as one line.
    pub why: Arc<str>,
}

impl Unread {
    /// Goes on with a newer look that failed for this reason; or, without one, that saw all or failed to list it.
    pub(super) fn renewed(
        before: Option<Self>,
        why: Option<Arc<str>>,
        is_whole: bool,
        at: Timestamp,
    ) -> Option<Self> {
        match why {
            Some(why) => Some(Self { since: before.map_or(at, |before| before.since), why }),
            None => before.filter(|_| !is_whole),
        }
    }
}

/// What a look failed to see of each repository that its failures name.
pub(super) fn by_repository(collection: &Collection) -> HashMap<Name, Arc<str>> {
    let mut named: HashMap<&Name, Vec<&Failure>> = HashMap::new();
    for failure in &collection.failures {
        if let Some(repository) = &failure.place.repository {
            named.entry(repository).or_default().push(failure);
        }
    }
    let said = |(name, failures): (&Name, Vec<&Failure>)| {
        let why = said(failures.into_iter(), &collection.source)?;
        Some((name.clone(), why))
    };
    named.into_iter().filter_map(said).collect()
}

/// Says failures in one line: the first ones, shortened, then how many more there are. `None` where there is none.
pub fn said<'a>(failures: impl Iterator<Item = &'a Failure>, source: &SourceId) -> Option<Arc<str>> {
    let (mut words, mut more_count) = (Vec::new(), 0_usize);
    for Failure { place, reason, .. } in failures {
        if words.len() == SAID_MAX {
            more_count += 1;
            continue;
        }
        let text = format!("{}: {reason}", place.within(source));
        words.push(cut(&Escaped(&text).to_string(), SAID_MAX_BYTES));
    }
    if more_count > 0 {
        words.push(format!("and {more_count} more"));
    }
    (!words.is_empty()).then(|| words.join("; ").into())
}
