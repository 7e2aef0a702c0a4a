//! How does the whole fleet stand, on one screen?
//!
//! Counts what [`crate::judge::each`] finds, without keeping a verdict. Hidden repositories and their assets stand
//! nowhere; archived and paused assets are counted and exempt.

use jiff::Timestamp;

use crate::expectation::Expectations;
use crate::facts::{Facts, RepositoryFacts, SourceFacts, Subject};
use crate::id::CheckId;
use crate::judge;
use crate::kind::{Kind, SubjectType};
use crate::observation::Exemption;
use crate::verdict::{Outcome, Verdict};

/// How many subjects of a kind, and how many of them are bad or unknown for each check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// The word for the kind.
    pub kind: &'static str,
    /// Repository or asset.
    pub subject: SubjectType,
    /// How many.
    pub count: u64,
    /// For every check that is asked of any of them (of a kind of which there is none: that would be): its id, how many
    /// are bad, how many unknown.
    pub checks: Vec<CheckCount>,
}

/// How many subjects are bad or unknown for one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckCount {
    /// The check.
    pub check: CheckId,
    /// How many are bad.
    pub bad: u64,
    /// How many are unknown.
    pub unknown: u64,
}

/// The state of a fleet at one instant.
#[derive(Debug)]
pub struct Summary<'a> {
    /// The instant that was judged at.
    pub at: Timestamp,
    /// Every kind that the sources know, in their order, zeros too.
    pub kinds: Vec<KindCount>,
    /// Every repository that is not hidden.
    pub space: Vec<(&'a SourceFacts, &'a RepositoryFacts)>,
    /// Every source with the answer about it.
    pub sources: Vec<(&'a SourceFacts, Outcome)>,
    /// The worst answer of all, hidden repositories included (they are ok); unknown for a fleet without any verdict.
    pub worst: Outcome,
}

/// Judges the fleet at `now` and counts.
pub fn summarize<'a>(facts: &'a Facts, expectations: &Expectations, now: Timestamp) -> Summary<'a> {
    let kinds = kinds_of(facts);
    let mut summary =
        Summary { at: now, kinds, space: Vec::new(), sources: Vec::new(), worst: Outcome::Unknown };
    let mut worst = None;
    let mut listed = Vec::new();
    judge::each(facts, expectations, now, |subject, verdicts| {
        let of_subject = verdicts.iter().map(|verdict| verdict.outcome).max();
        worst = worst.max(of_subject);
        match subject {
            Subject::Source(source) => {
                summary.sources.push((source, of_subject.unwrap_or(Outcome::Unknown)));
            }
            Subject::Repository(source, repository) if !is_hidden(repository) => {
                summary.space.push((source, repository));
                count(&mut summary.kinds, &mut listed, repository.stated.kind, verdicts);
            }
            Subject::Asset(_, repository, asset) if !is_hidden(repository) => {
                count(&mut summary.kinds, &mut listed, asset.kind, verdicts);
            }
            Subject::Repository(..) | Subject::Asset(..) => {}
        }
    });
    complete(&mut summary.kinds, facts);
    summary.worst = worst.unwrap_or(Outcome::Unknown);
    summary
}

fn is_hidden(repository: &RepositoryFacts) -> bool {
    repository.stated.exempt == Some(Exemption::Hidden)
}

/// Lists every kind of the sources once by its word, in their order, without checks yet.
fn kinds_of(facts: &Facts) -> Vec<KindCount> {
    let mut kinds: Vec<KindCount> = Vec::new();
    for kind in facts.sources.iter().flat_map(|source| source.kind.kinds) {
        if !kinds.iter().any(|known| known.kind == kind.id) {
            kinds.push(KindCount { kind: kind.id, subject: kind.subject, count: 0, checks: Vec::new() });
        }
    }
    kinds
}

/// Gives the kinds of which there is none the checks that would be asked of them.
fn complete(kinds: &mut [KindCount], facts: &Facts) {
    for kind in facts.sources.iter().flat_map(|source| source.kind.kinds) {
        let of_kind = kinds.iter_mut().find(|known| known.kind == kind.id && known.count == 0);
        if let Some(of_kind) = of_kind {
            list_checks(of_kind, kind);
        }
    }
}

/// Lists every check of a kind, zeros too. A check that nothing of this word can be asked has no number: it would read
/// as "none is bad".
fn list_checks(counted: &mut KindCount, kind: &Kind) {
    for &check in kind.checks {
        if !counted.checks.iter().any(|known| known.check == check) {
            counted.checks.push(CheckCount { check, bad: 0, unknown: 0 });
        }
    }
}

/// Counts one subject. `listed` are the kinds whose checks are listed already.
fn count(kinds: &mut [KindCount], listed: &mut Vec<*const Kind>, kind: &'static Kind, verdicts: &[Verdict]) {
    let counted = kinds.iter_mut().find(|counted| counted.kind == kind.id);
    let counted = counted.expect("a source lists every kind it states (tested)");
    if !listed.contains(&std::ptr::from_ref(kind)) {
        listed.push(kind);
        list_checks(counted, kind);
    }
    counted.count += 1;
    for verdict in verdicts {
        let of_check = counted.checks.iter_mut().find(|known| known.check == verdict.check);
        let of_check = of_check.expect("only checks of the kind are asked, and they are listed");
        match verdict.outcome {
            Outcome::Ok => {}
            Outcome::Bad => of_check.bad += 1,
            Outcome::Unknown => of_check.unknown += 1,
        }
    }
}

#[cfg(test)]
mod tests;
