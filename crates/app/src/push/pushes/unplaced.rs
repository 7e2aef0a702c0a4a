//! Which pings belong to no job that is configured? Each is noted once, so that a slip of the pen is seen.
//!
//! Only who writes to the database beside the daemon can send one: over HTTP its key opens nothing.

use std::collections::HashSet;

use lastgood_core::id::{Name, SourceId};

/// So many names are noted until the configuration is read again.
pub(super) const NAMES_MAX: usize = 100;

/// As much of a name is shown, in characters.
const SHOWN_MAX: usize = 100;

/// What was noted.
#[derive(Debug, Default)]
pub(super) struct Unplaced {
    seen: HashSet<(SourceId, Name)>,
    unsaid: Vec<Note>,
}

/// A name that nobody knows, as it may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Which source it named.
    pub(super) source: String,
    /// Which of its jobs, escaped.
    pub(super) name: String,
}

impl Unplaced {
    /// Notes it, unless it was, or too many were.
    pub(super) fn note(&mut self, source: SourceId, name: Name) {
        if self.seen.len() >= NAMES_MAX || self.seen.contains(&(source.clone(), name.clone())) {
            return;
        }
        self.unsaid.push(Note { source: source.to_string(), name: shown(&name.text()) });
        self.seen.insert((source, name));
    }

    /// Takes what was not said yet.
    pub(super) fn unsaid(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.unsaid)
    }
}

fn shown(name: &str) -> String {
    let mut characters = name.chars();
    let first: String = characters.by_ref().take(SHOWN_MAX).collect();
    let rest = if characters.next().is_some() { "…" } else { "" };
    format!("{}{rest}", first.escape_debug())
}

/// Says it in the log.
pub(super) fn say(notes: &[Note]) {
    for Note { source, name } in notes {
        tracing::warn!(
            source,
            asset = name,
            "a ping is left out: no source of this name has a job of this name; mend --source and --asset of \
             `lastgood run --database`, or add a [[source.ping]] and reload (said once)"
        );
    }
}
