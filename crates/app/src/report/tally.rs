//! How many of each are there?

use std::fmt;

use lastgood_core::facts::Subject;
use lastgood_core::judge::Judgement;
use lastgood_core::observation::Exemption;
use lastgood_core::summary::{CheckCount, KindCount};
use lastgood_core::verdict::{Outcome, Verdict};

use super::words::{is_unjudged, sources_of, worst};

/// How many subjects have which worst answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Subjects with a bad verdict.
    pub(super) bad: u64,
    /// Those of them that also have an unknown verdict.
    pub(super) bad_and_unknown: u64,
    /// Subjects without a bad and with an unknown verdict.
    pub(super) unknown: u64,
    /// Subjects of which something was judged, and nothing bad or unknown.
    pub(super) ok: u64,
    /// Subjects of which nothing was judged.
    pub(super) unjudged: u64,
}

impl Tally {
    /// Counts the subjects of a judgement.
    pub(super) fn of(judgement: &Judgement<'_>) -> Self {
        let mut tally = Self::default();
        for (_, verdicts) in judgement.subjects() {
            match worst(verdicts) {
                Some(Outcome::Bad) => {
                    tally.bad += 1;
                    let has_unknown = verdicts.iter().any(|verdict| verdict.outcome == Outcome::Unknown);
                    tally.bad_and_unknown += u64::from(has_unknown);
                }
                Some(Outcome::Unknown) => tally.unknown += 1,
                Some(Outcome::Ok) if !is_unjudged(verdicts) => tally.ok += 1,
                Some(Outcome::Ok) | None => tally.unjudged += 1,
            }
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bad", self.bad)?;
        // Each subject is counted once, by its worst answer: rows that are unknown would seem to be forgotten.
        if self.bad_and_unknown > 0 {
            write!(f, " ({} of them also unknown)", self.bad_and_unknown)?;
        }
        write!(f, ", {} unknown, {} ok", self.unknown, self.ok)?;
        if self.unjudged > 0 {
            write!(f, ", {} not judged", self.unjudged)?;
        }
        Ok(())
    }
}

/// Counts bad and unknown verdicts per kind and check as the summary does: every check of every kind, zeros too, hidden
/// repositories and their assets left out.
pub(super) fn kinds(judgement: &Judgement<'_>) -> Vec<KindCount> {
    let mut counts: Vec<KindCount> = Vec::new();
    for kind in sources_of(judgement).flat_map(|source| source.kind.kinds) {
        let index = counts.iter().position(|known| known.kind == kind.id).unwrap_or_else(|| {
            counts.push(KindCount { kind: kind.id, subject: kind.subject, count: 0, checks: Vec::new() });
            counts.len() - 1
        });
        for &check in kind.checks {
            if !counts[index].checks.iter().any(|known| known.check == check) {
                counts[index].checks.push(CheckCount { check, bad: 0, unknown: 0 });
            }
        }
    }
    for (subject, verdicts) in judgement.subjects() {
        if !is_hidden(&subject)
            && let Some(count) = counts.iter_mut().find(|count| count.kind == subject.kind_id())
        {
            add(count, verdicts);
        }
    }
    counts
}

fn is_hidden(subject: &Subject<'_>) -> bool {
    match subject {
        // A source is no repository or asset, even where a kind of either is called like it.
        Subject::Source(_) => true,
        Subject::Repository(_, repository) | Subject::Asset(_, repository, _) => {
            repository.stated.exempt == Some(Exemption::Hidden)
        }
    }
}

fn add(count: &mut KindCount, verdicts: &[Verdict]) {
    count.count += 1;
    for verdict in verdicts {
        for of_check in count.checks.iter_mut().filter(|known| known.check == verdict.check) {
            match verdict.outcome {
                Outcome::Ok => {}
                Outcome::Bad => of_check.bad += 1,
                Outcome::Unknown => of_check.unknown += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bad_and_unknown_at_once_is_counted_once_and_said() {
        let tally = Tally { bad: 6, bad_and_unknown: 2, unknown: 0, ok: 3, unjudged: 0 };
        assert_eq!(tally.to_string(), "6 bad (2 of them also unknown), 0 unknown, 3 ok");
        assert_eq!(Tally { bad_and_unknown: 0, ..tally }.to_string(), "6 bad, 0 unknown, 3 ok");
    }
}
