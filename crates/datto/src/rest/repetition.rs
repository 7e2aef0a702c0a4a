//! Which entries of a list stand in it more than once, and what does that mean?
//!
//! Lists move while they are read page by page. An entry that slid onto the next page is read twice, and one that went
//! the other way stands on no page, while the stated count still agrees. So a repetition is the only trace of a loss.

use std::collections::HashSet;

use super::Object;
use super::value::{filled, text};

/// What tells one entry from another: the permanent ids of devices and assets, and the name.
type Identity = ([Option<String>; 3], String);

/// The entries of a list that were met so far.
#[derive(Debug, Default)]
pub(super) struct Met(HashSet<Identity>);

impl Met {
    /// Meets an entry; true if it was met before.
    pub(super) fn repeats(&mut self, entry: &Object) -> bool {
        identity_of(entry).is_some_and(|identity| !self.0.insert(identity))
    }
}

/// Returns how many entries of a list (devices, or assets of one device) repeat one that stands before them.
pub fn repeated_count(entries: &[Object]) -> usize {
    let mut met = Met::default();
    entries.iter().filter(|entry| met.repeats(entry)).count()
}

/// True if two pages hold the same entries in the same order, whatever else the entries state by now. Empty pages are
/// no repetition.
pub fn is_same_page(one: &[Object], other: &[Object]) -> bool {
    let is_same = |(one, other): (&Object, &Object)| {
        one == other || identity_of(one).is_some_and(|identity| identity_of(other) == Some(identity))
    };
    !one.is_empty() && one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// Says what repetitions in a list mean. `list` names it, `listed_count` counts its entries with the repetitions.
pub(super) fn reason(list: &str, repeated_count: usize, listed_count: usize) -> String {
    format!(
        "{list} repeats {repeated_count} of its {listed_count} entries, most likely because it moved while it was read \
         page by page; as many others may be missing from it; look again, and compare with the portal if it stays so"
    )
}

/// `None` for an entry without any id: nothing tells its repetition from another of its name.
fn identity_of(entry: &Object) -> Option<Identity> {
    let ids = ["serialNumber", "volume", "assetId"];
    let ids = ids.map(|field| filled(entry, field).map(|id| id.trim().to_owned()));
    let name = || text(entry, "name").unwrap_or_default().trim().to_owned();
    ids.iter().any(Option::is_some).then(|| (ids, name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &str) -> Vec<Object> {
        serde_json::from_str(list).expect("a list of objects")
    }

    #[test]
    fn a_page_is_the_same_whatever_its_entries_state_by_now() {
        let page = entries(r#"[{"volume":"1","uptime":1},{"name":"a"}]"#);
        for (other, is_same) in [
            (r#"[{"volume":"1","uptime":2},{"name":"a"}]"#, true),
            (r#"[{"volume":"1"},{"name":"a","uptime":2}]"#, false),
            (r#"[{"name":"a"},{"volume":"1"}]"#, false),
            (r#"[{"volume":"1"}]"#, false),
            ("[]", false),
        ] {
            assert_eq!(is_same_page(&page, &entries(other)), is_same, "{other}");
        }
        assert!(!is_same_page(&[], &[]));
    }
}
