//! What was said already, so that a trouble that lasts is said when it begins and when it ends?
//!
//! A job that is refused or a part that cannot be listed comes again with every listing. It must not know what is said.

use std::collections::HashMap;

/// How much of a name or a reason the log is told, in characters; names come from outside.
const SHOWN_MAX: usize = 200;

/// Troubles of one kind by what they concern, those of the last listing and those of this one.
#[derive(Debug, Default)]
pub(super) struct Said {
    last: HashMap<Box<str>, Box<str>>,
    this: HashMap<Box<str>, Box<str>>,
}

impl Said {
    /// Notes a trouble of this listing; true if it is to be said, since it is new or its reason is.
    pub(super) fn is_news(&mut self, what: &str, why: &str) -> bool {
        let is_known =
            |said: &HashMap<Box<str>, Box<str>>| said.get(what).is_some_and(|known| **known == *why);
        let is_news = !is_known(&self.last) && !is_known(&self.this);
        self.this.insert(what.into(), why.into());
        is_news
    }

    /// How many things are in trouble in this listing.
    pub(super) fn len(&self) -> usize {
        self.this.len()
    }

    /// Ends a listing of all; what is over with it.
    pub(super) fn end(&mut self) -> Vec<Box<str>> {
        let mut over: Vec<_> =
            self.last.drain().map(|(what, _)| what).filter(|what| !self.this.contains_key(what)).collect();
        over.sort();
        self.last = std::mem::take(&mut self.this);
        over
    }

    /// Ends a listing that failed: what it did not come to is not over.
    pub(super) fn end_early(&mut self) {
        self.last.extend(self.this.drain());
    }
}

/// Cuts a text for the log and escapes what could move a cursor.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_news_once_until_its_reason_changes_or_it_was_over() {
        let mut said = Said::default();
        assert!(said.is_news("a", "denied"));
        assert!(!said.is_news("a", "denied"));
        assert_eq!(said.end(), []);
        assert!(!said.is_news("a", "denied"));
        assert!(said.is_news("b", "denied"));
        assert_eq!(said.len(), 2);
        assert_eq!(said.end(), []);
        assert!(said.is_news("a", "timed out"));
        said.end_early();
        assert!(!said.is_news("b", "denied"));
        assert_eq!(said.end(), ["a".into()]);
        assert_eq!(said.end(), ["b".into()]);
        assert!(said.is_news("a", "timed out"));
    }

    #[test]
    fn a_long_or_hostile_name_is_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(shown(&"x".repeat(1_000_000)).chars().count(), SHOWN_MAX + 1);
    }
}
