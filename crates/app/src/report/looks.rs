//! How well were the sources seen?
//!
//! Every format says so through this module, so that a look that failed cannot be left out of one.

use std::fmt;

use lastgood_core::facts::SourceFacts;
use lastgood_core::observation::Extent;
use lastgood_core::verdict::Outcome;

use super::words::counted;
use crate::exit::Exit;

/// Returns the word used in every output.
pub(super) const fn word(extent: Extent) -> &'static str {
    match extent {
        Extent::Complete => "complete",
        Extent::Partial => "partial",
        Extent::Failed => "failed",
    }
}

/// Every extent, the best first.
pub(super) const EXTENTS: [Extent; 3] = [Extent::Complete, Extent::Partial, Extent::Failed];

/// True if something of the source could not be read at the newest look, or nothing at all stood in it: whatever is
/// switched off, that is no fleet in good health.
pub(super) fn has_gaps(source: &SourceFacts) -> bool {
    source.look != Extent::Complete || source.repositories.is_empty()
}

/// How many sources were looked at, and how many of them could not be seen in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Looks {
    /// All.
    pub(super) sources: u64,
    /// Of which only a part was seen.
    pub(super) partial: u64,
    /// Of which nothing was seen.
    pub(super) failed: u64,
}

impl Looks {
    /// Counts.
    pub(super) fn of<'a>(sources: impl Iterator<Item = &'a SourceFacts>) -> Self {
        let mut looks = Self::default();
        for source in sources {
            looks.sources += 1;
            match source.look {
                Extent::Failed => looks.failed += 1,
                Extent::Partial => looks.partial += 1,
                Extent::Complete if has_gaps(source) => looks.partial += 1,
                Extent::Complete => {}
            }
        }
        looks
    }

    /// Returns how many sources were not seen in full.
    pub(super) const fn gap_count(self) -> u64 {
        self.partial + self.failed
    }

    /// Returns how the program ends: the worst answer, but never "all ok" while something could not be read.
    pub(super) fn exit(self, worst: Outcome) -> Exit {
        match worst {
            Outcome::Ok if self.gap_count() > 0 || self.sources == 0 => Exit::SomethingUnknown,
            Outcome::Ok | Outcome::Bad | Outcome::Unknown => Exit::from(worst),
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sources {
            0 => f.write_str("no source looked at")?,
            count => write!(f, "{} looked at", counted(count, "source"))?,
        }
        if self.failed > 0 {
            write!(f, ", {} NOT SEEN", self.failed)?;
        }
        if self.partial > 0 {
            write!(f, ", {} only in part", self.partial)?;
        }
        Ok(())
    }
}
