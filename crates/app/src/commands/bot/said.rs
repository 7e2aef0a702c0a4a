//! What was last said about each entity, so that the log hears of a trouble once and not at every look?

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lastgood_core::id::Escaped;
use lastgood_core::observation::cut;

/// The longest trouble that is logged, in bytes.
const WORDS_MAX_BYTES: usize = 1_000;

/// What a trouble is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Matter {
    /// Which entities there are.
    Entities,
    /// When the entity is looked at.
    Intervals,
    /// What its credential holds.
    Credential,
    /// What was seen of it.
    Look,
    /// Values that were too many.
    Values,
    /// Values that may not be sent.
    Refused,
}

/// Remembers what was said.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<HashMap<(Box<str>, Matter), String>>);

impl Said {
    /// Logs a trouble of a job unless it was the last thing said in this matter; `None` says that there is none any more.
    pub(super) fn say(&self, job: &str, matter: Matter, trouble: Option<&str>) {
        let mut said = self.lock();
        let key = (Box::from(job), matter);
        match trouble {
            Some(words) if said.get(&key).is_some_and(|last| last == words) => {}
            Some(words) => {
                tracing::warn!("{job}: {}", Escaped(&cut(words, WORDS_MAX_BYTES)));
                said.insert(key, words.to_owned());
            }
            None if said.remove(&key).is_some() && matter == Matter::Look => {
                tracing::warn!("{job}: seen in full again");
            }
            None => {}
        }
    }

    /// Forgets the jobs that are no more.
    pub(super) fn keep(&self, jobs: &HashSet<Box<str>>) {
        self.lock().retain(|(job, _), _| jobs.contains(job));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Box<str>, Matter), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
