//! What is a source called, and is that name still free?
//!
//! Serves the file and the command line alike; does not know what the sources are.

use std::collections::HashMap;

use lastgood_core::id::{InvalidSourceId, SourceId};

/// What a source is called whose kind is no name either: that is a mistake of its own.
const NAMELESS: &str = "source";

/// The source that lastgood itself is, among those it watches.
const OURSELVES: &str = "lastgood";

/// The names that are taken.
#[derive(Default)]
pub(super) struct Names {
    /// Each with the place where it was taken.
    taken: HashMap<SourceId, usize>,
    /// The last number tried for each kind, so that giving many names takes one try each.
    tried: HashMap<String, u64>,
}

/// Why a written name cannot be taken.
pub(super) enum Refused {
    /// It is no name.
    Invalid(InvalidSourceId),
    /// It is taken, at this place.
    Taken(usize),
    /// It is ours.
    Reserved,
}

impl Names {
    /// Takes a name as it is written.
    pub(super) fn take(&mut self, name: &str, at: usize) -> Result<SourceId, Refused> {
        let id = SourceId::new(name).map_err(Refused::Invalid)?;
        if name == OURSELVES {
            return Err(Refused::Reserved);
        }
        if let Some(&first) = self.taken.get(&id) {
            return Err(Refused::Taken(first));
        }
        self.taken.insert(id.clone(), at);
        Ok(id)
    }

    /// Names a source that was given no name: by its kind, with a number from the second one on.
    pub(super) fn give(&mut self, kind: &str, at: usize) -> SourceId {
        let stays_a_name = SourceId::new(&format!("{kind}-{}", u32::MAX)).is_ok();
        let kind = if stays_a_name && !kind.is_empty() { kind } else { NAMELESS };
        loop {
            let number = self.tried.entry(kind.to_owned()).and_modify(|number| *number += 1).or_insert(1);
            let name = if *number == 1 { kind.to_owned() } else { format!("{kind}-{number}") };
            if let Ok(id) = self.take(&name, at) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_from_the_second_one_on_and_taken_ones_left_out() {
        let mut names = Names::default();
        assert!(names.take("disk-2", 7).is_ok());
        assert!(matches!(names.take("disk-2", 8), Err(Refused::Taken(7))));
        assert!(matches!(names.take("a b", 8), Err(Refused::Invalid(_))));
        assert!(matches!(names.take("lastgood", 8), Err(Refused::Reserved)));
        let given =
            ["disk", "disk", "portal", "disk", "no name", ""].map(|kind| names.give(kind, 0).to_string());
        assert_eq!(given, ["disk", "disk-3", "portal", "disk-4", "source", "source-2"]);
    }
}
