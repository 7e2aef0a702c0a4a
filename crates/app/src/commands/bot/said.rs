//! What was last said about each entity, so that the log hears of a trouble when it begins and when its
//! cause changes, and not at every look?

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

/// Remembers the cause of what was said.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<HashMap<(Box<str>, Matter), String>>);

impl Said {
    /// Logs a trouble of a job unless it was the last thing said in this matter; `None` says that there is none any more.
    /// True if anything was logged.
    pub(super) fn say(&self, job: &str, matter: Matter, trouble: Option<&str>) -> bool {
        self.say_once(job, matter, trouble.unwrap_or_default(), trouble)
    }

    /// Logs a trouble of a job unless one of the same cause was the last thing said in this matter, in whatever words: a
    /// text may hold a number or an address that is another one at every look.
    pub(super) fn say_once(&self, job: &str, matter: Matter, cause: &str, trouble: Option<&str>) -> bool {
        let mut said = self.lock();
        let key = (Box::from(job), matter);
        let Some(words) = trouble else {
            let is_told = said.remove(&key).is_some() && matter == Matter::Look;
            if is_told {
                tracing::warn!("{job}: seen in full again");
            }
            return is_told;
        };
        if said.get(&key).is_some_and(|last| last == cause) {
            return false;
        }
        tracing::warn!("{job}: {}", Escaped(&cut(words, WORDS_MAX_BYTES)));
        said.insert(key, cause.to_owned());
        true
    }

    /// Forgets the jobs that are no more.
    pub(super) fn keep(&self, jobs: &HashSet<Box<str>>) {
        self.lock().retain(|(job, _), _| jobs.contains(job));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Box<str>, Matter), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_of_one_cause_are_said_once_until_it_changes_or_is_over() {
        let said = Said::default();
        let told = |cause, words| said.say_once("job", Matter::Look, cause, words);
        assert!(told("timed_out", Some("after 5 s")));
        assert!(!told("timed_out", Some("after 6 s")));
        assert!(told("denied", Some("403")));
        assert!(!said.say("job", Matter::Credential, None));
        assert!(told("", None));
        assert!(!told("", None));
        assert!(told("denied", Some("403")));
    }
}
