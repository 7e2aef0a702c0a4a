//! Which way leads to a folder, for the message that it could not be read?
//!
//! The way does not keep the folders open. It may be as long as a customer nests folders: nothing here recurses.

use std::ffi::CStr;
use std::sync::Arc;

use crate::tree::shown;

/// How many of the last names of a way are shown.
const NAMES_SHOWN: usize = 16;

/// The way to a folder.
#[derive(Debug)]
pub(super) struct Trail {
    /// `None` for where the walk began.
    parent: Option<Arc<Trail>>,
    name: Box<[u8]>,
}

impl Trail {
    /// Where a walk begins; `shown` is escaped.
    pub(super) fn start(shown: &str) -> Arc<Self> {
        Arc::new(Self { parent: None, name: shown.as_bytes().into() })
    }

    /// The way to what has this name in the folder.
    pub(super) fn below(parent: &Arc<Self>, name: &CStr) -> Arc<Self> {
        Arc::new(Self { parent: Some(Arc::clone(parent)), name: name.to_bytes().into() })
    }

    /// The way in words, escaped; of a very long one the begin and the end.
    pub(super) fn shown(&self) -> String {
        let mut names = Vec::new();
        let mut at = self;
        let mut is_long = false;
        while let Some(parent) = &at.parent {
            is_long = names.len() == NAMES_SHOWN;
            if !is_long {
                names.push(shown(&at.name));
            }
            at = parent;
        }
        if is_long {
            names.push("…".to_owned());
        }
        names.push(String::from_utf8_lossy(&at.name).into_owned());
        names.reverse();
        names.join("/")
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        // By itself, each would drop its parent inside its own drop, as deep as the folders are nested.
        let mut parent = self.parent.take();
        while let Some(mut last) = parent.and_then(Arc::into_inner) {
            parent = last.parent.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_escaped_and_its_middle_left_out_where_it_is_long() {
        let start = Trail::start("/home/1/incoming");
        assert_eq!(start.shown(), "/home/1/incoming");
        let odd = Trail::below(&Trail::below(&start, c"a\nb"), c"\x1b[2J\xff");
        assert_eq!(odd.shown(), "/home/1/incoming/a\\nb/\\u{1b}[2J\u{fffd}");
        let down = |count: usize| (0..count).fold(Arc::clone(&start), |way, _| Trail::below(&way, c"d"));
        assert_eq!(down(16).shown(), format!("/home/1/incoming{}", "/d".repeat(16)));
        assert_eq!(down(17).shown(), format!("/home/1/incoming/…{}", "/d".repeat(16)));
        assert_eq!(down(18).shown(), down(17).shown());
    }

    #[test]
    fn a_way_of_a_million_folders_is_dropped_without_a_deep_stack() {
        let mut way = Trail::start("/");
        for _ in 0..1_000_000 {
            way = Trail::below(&way, c"d");
        }
        drop(way);
    }
}
