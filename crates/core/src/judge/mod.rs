//! What are the answers for a whole fleet?
//!
//! [`each`] walks every subject once and hands its verdicts on; [`judge`] keeps them. Every expectation has exactly one
//! verdict. Nothing here knows what happens with them.

use std::rc::Rc;

use jiff::Timestamp;

use crate::checks::{self, Answer, Check};
use crate::expectation::{Expectation, Expectations};
use crate::facts::{AssetFacts, Facts, RepositoryFacts, SourceFacts, Subject};
use crate::id::CheckId;
use crate::kind::Kind;
use crate::observation::Exemption;
use crate::verdict::{Outcome, Reason, Verdict};

/// The checks that are asked of every source.
pub const SOURCE_CHECKS: &[CheckId] = &[checks::visibility::ID];

/// Judges every subject at `now` and hands its verdicts to `visit`, in the order of [`Facts::subjects`]. Verdicts stand
/// in the order of the kind's checks; a subject whose checks are all off is visited with none.
pub fn each<'a>(
    facts: &'a Facts,
    expectations: &Expectations,
    now: Timestamp,
    mut visit: impl FnMut(Subject<'a>, &[Verdict]),
) {
    let mut asker = Asker::new(expectations);
    let mut verdicts = Vec::new();
    for subject in facts.subjects() {
        verdicts.clear();
        asker.judge(subject, now, &mut verdicts);
        visit(subject, &verdicts);
    }
}

/// Every verdict about a fleet at one instant.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// The instant that was judged at.
    pub at: Timestamp,
    facts: &'a Facts,
    /// Where the verdicts of each subject end, in the order of [`Facts::subjects`].
    ends: Vec<usize>,
    verdicts: Vec<Verdict>,
}

impl<'a> Judgement<'a> {
    /// Walks every subject with its verdicts, in the order of [`each`].
    pub fn subjects(&self) -> impl Iterator<Item = (Subject<'a>, &[Verdict])> {
        let mut start = 0;
        self.facts.subjects().zip(&self.ends).map(move |(subject, &end)| {
            let verdicts = &self.verdicts[start..end];
            start = end;
            (subject, verdicts)
        })
    }

    /// Returns the worst answer of all: bad before unknown before ok. A fleet without any verdict is unknown.
    pub fn worst(&self) -> Outcome {
        self.verdicts.iter().map(|verdict| verdict.outcome).max().unwrap_or(Outcome::Unknown)
    }

    /// Returns every verdict.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}

/// Judges every subject at `now` and keeps the verdicts.
pub fn judge<'a>(facts: &'a Facts, expectations: &Expectations, now: Timestamp) -> Judgement<'a> {
    let (mut subject_count, mut verdict_count) = (0, 0);
    for subject in facts.subjects() {
        subject_count += 1;
        verdict_count += checks_of(subject).len();
    }
    let mut ends = Vec::with_capacity(subject_count);
    let mut verdicts = Vec::with_capacity(verdict_count);
    let mut asker = Asker::new(expectations);
    for subject in facts.subjects() {
        asker.judge(subject, now, &mut verdicts);
        ends.push(verdicts.len());
    }
    Judgement { at: now, facts, ends, verdicts }
}

/// Returns the checks that a subject is asked, those that are off included.
fn checks_of(subject: Subject<'_>) -> &'static [CheckId] {
    subject.kind().map_or(SOURCE_CHECKS, |kind| kind.checks)
}

/// What is expected of some subjects, and for each expectation the check that answers it.
struct Questions {
    kind: Option<&'static Kind>,
    /// True if the kind decides alone what is expected.
    is_of_kind: bool,
    expected: Rc<[Expectation]>,
    checks: Box<[&'static Check]>,
}

/// Asks each subject its questions. Those found stay for the other subjects of the same source: a source has few kinds,
/// so a list is searched faster than a hash is made.
struct Asker<'e> {
    expectations: &'e Expectations,
    /// True if the kind does not decide alone what is expected.
    has_patterns: bool,
    source: *const SourceFacts,
    found: Vec<Questions>,
}

impl<'e> Asker<'e> {
    fn new(expectations: &'e Expectations) -> Self {
        let has_patterns = expectations.has_patterns();
        Self { expectations, has_patterns, source: std::ptr::null(), found: Vec::new() }
    }

    fn judge(&mut self, subject: Subject<'_>, now: Timestamp, verdicts: &mut Vec<Verdict>) {
        let index = self.find(subject);
        let questions = &self.found[index];
        let asked = questions.checks.iter().zip(&*questions.expected);
        let matter = Matter::of(subject);
        verdicts.extend(asked.map(|(check, expected)| {
            let (outcome, reason) = matter.answer(check, expected, now);
            Verdict { check: check.id, outcome, reason }
        }));
    }

    /// Returns where the questions for a subject stand in `found`.
    fn find(&mut self, subject: Subject<'_>) -> usize {
        let source = std::ptr::from_ref(subject.source());
        if self.source != source {
            self.source = source;
            self.found.clear();
        }
        let kind = subject.kind();
        let is_decided_by_kind = !self.has_patterns && !subject.has_own_thresholds();
        let known = || self.found.iter().position(|known| known.is_of_kind && same_kind(known.kind, kind));
        if let Some(index) = is_decided_by_kind.then(known).flatten() {
            return index;
        }
        let expected = self.expectations.resolve(&subject, kind, checks_of(subject));
        let is_known = |known: &Questions| {
            known.is_of_kind == is_decided_by_kind && Rc::ptr_eq(&known.expected, &expected)
        };
        let known = self.found.iter().position(is_known);
        known.unwrap_or_else(|| {
            let check = |expected: &Expectation| {
                checks::find(expected.check).expect("a kind lists only checks that exist (tested)")
            };
            let checks = expected.iter().map(check).collect();
            self.found.push(Questions { kind, is_of_kind: is_decided_by_kind, expected, checks });
            self.found.len() - 1
        })
    }
}

/// Kinds are statics: two that look alike but stand in two sources are two.
fn same_kind(one: Option<&'static Kind>, other: Option<&'static Kind>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}

/// What is asked about: found once for all checks of a subject.
enum Matter<'a> {
    Exempt(Exemption),
    Source(&'a SourceFacts),
    Repository(&'a RepositoryFacts),
    Asset(AssetFacts<'a>),
}

impl<'a> Matter<'a> {
    /// An exemption wins over whatever a check would say, and that of a repository covers its assets.
    fn of(subject: Subject<'a>) -> Self {
        if let Some(exemption) = exemption(subject) {
            return Self::Exempt(exemption);
        }
        match subject {
            Subject::Source(source) => Self::Source(source),
            Subject::Repository(_, repository) => Self::Repository(repository),
            Subject::Asset(_, repository, asset) => Self::Asset(repository.asset(asset)),
        }
    }

    fn answer(&self, check: &Check, expected: &Expectation, now: Timestamp) -> Answer {
        match *self {
            Self::Exempt(exemption) => Reason::Exempt(exemption).is(Outcome::Ok),
            Self::Source(source) => {
                let judge =
                    check.judge.source.expect("a source is asked only what is asked of sources (tested)");
                judge(source, expected, now)
            }
            Self::Repository(repository) => {
                let judge = check.judge.repository.expect("a kind lists only checks of its type (tested)");
                judge(repository, expected, now)
            }
            Self::Asset(asset) => {
                let judge = check.judge.asset.expect("a kind lists only checks of its type (tested)");
                judge(asset, expected, now)
            }
        }
    }
}

fn exemption(subject: Subject<'_>) -> Option<Exemption> {
    match subject {
        Subject::Source(_) => None,
        Subject::Repository(_, repository) => repository.stated.exempt,
        Subject::Asset(_, repository, asset) => repository.stated.exempt.or(asset.exempt),
    }
}

#[cfg(test)]
mod tests;
