//! What are the answers for a whole fleet?
//!
//! [`each`] walks every subject once and hands its verdicts on; [`judge`] keeps them. Every expectation has exactly one
//! verdict. Nothing here knows what happens with them.

use jiff::Timestamp;

use crate::checks::{self, Answer, Check};
use crate::expectation::{Expectation, Expectations};
use crate::facts::{Facts, RepositoryFacts, SourceFacts, Subject};
use crate::id::CheckId;
use crate::kind::Kind;
use crate::observation::{AssetObservation, Exemption};
use crate::verdict::{Outcome, Reason, Verdict};
use std::collections::HashMap;
use std::rc::Rc;

/// The checks that are asked of every source.
pub const SOURCE_CHECKS: &[CheckId] = &[checks::visibility::ID];

/// One expectation with the check that answers it.
#[derive(Clone)]
struct Question {
    check: &'static Check,
    expected: Expectation,
}

type Questions = Rc<[Question]>;

/// Judges every subject at `now` and hands its verdicts to `visit`: first the source, then each repository followed by
/// its assets, in the order of the facts. Verdicts stand in the order of the kind's checks; a subject whose checks are
/// all off is visited with none.
pub fn each<'a>(
    facts: &'a Facts,
    expectations: &Expectations,
    now: Timestamp,
    mut visit: impl FnMut(Subject<'a>, &[Verdict]),
) {
    let mut asker = Asker { expectations, per_kind: HashMap::new() };
    let mut verdicts = Vec::new();
    for source in &facts.sources {
        verdicts.clear();
        let questions = asker.of_source(source);
        verdicts.extend(questions.iter().map(|question| question.about_source(source, now)));
        visit(Subject::Source(source), &verdicts);
        for repository in &source.repositories {
            verdicts.clear();
            let subject = Subject::Repository(source, repository);
            let questions = asker.of_kind(subject, repository.stated.kind);
            verdicts.extend(questions.iter().map(|question| question.about_repository(repository, now)));
            visit(subject, &verdicts);
            for asset in &repository.stated.assets {
                verdicts.clear();
                let subject = Subject::Asset(source, repository, asset);
                let questions = asker.of_kind(subject, asset.kind);
                let exempt = repository.stated.exempt.or(asset.exempt);
                verdicts.extend(questions.iter().map(|question| question.about_asset(asset, exempt, now)));
                visit(subject, &verdicts);
            }
        }
    }
}

/// A judged subject.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Of whom.
    pub subject: Subject<'a>,
    /// Where its verdicts stand in [`Judgement::verdicts`].
    verdicts: std::ops::Range<usize>,
}

/// Every verdict about a fleet at one instant.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// The instant that was judged at.
    pub at: Timestamp,
    judged: Vec<Judged<'a>>,
    verdicts: Vec<Verdict>,
}

impl<'a> Judgement<'a> {
    /// Walks every subject with its verdicts, in the order of [`each`].
    pub fn subjects(&self) -> impl Iterator<Item = (Subject<'a>, &[Verdict])> {
        self.judged.iter().map(|judged| (judged.subject, &self.verdicts[judged.verdicts.clone()]))
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
    let repositories = facts.sources.iter().flat_map(|source| &source.repositories);
    let subjects: usize = facts.sources.len()
        + repositories.map(|repository| 1 + repository.stated.assets.len()).sum::<usize>();
    let mut judged = Vec::with_capacity(subjects);
    let mut kept = Vec::new();
    each(facts, expectations, now, |subject, verdicts| {
        let start = kept.len();
        kept.extend_from_slice(verdicts);
        judged.push(Judged { subject, verdicts: start..kept.len() });
    });
    Judgement { at: now, judged, verdicts: kept }
}

/// Finds the questions for each subject, asking the layers once per kind where no layer speaks of single subjects.
struct Asker<'e> {
    expectations: &'e Expectations,
    per_kind: HashMap<(*const SourceFacts, *const Kind), Questions>,
}

impl Asker<'_> {
    fn of_source(&self, source: &SourceFacts) -> Questions {
        self.ask(Subject::Source(source), None, SOURCE_CHECKS)
    }

    fn of_kind(&mut self, subject: Subject<'_>, kind: &'static Kind) -> Questions {
        if self.expectations.has_patterns() {
            return self.ask(subject, Some(kind), kind.checks);
        }
        let key = (std::ptr::from_ref(subject.source()), std::ptr::from_ref(kind));
        if let Some(known) = self.per_kind.get(&key) {
            return Rc::clone(known);
        }
        let questions = self.ask(subject, Some(kind), kind.checks);
        self.per_kind.insert(key, Rc::clone(&questions));
        questions
    }

    fn ask(&self, subject: Subject<'_>, kind: Option<&'static Kind>, checks: &[CheckId]) -> Questions {
        let expected = self.expectations.resolve(&subject, kind, checks);
        let question = |expected: &Expectation| Question {
            check: checks::find(expected.check).expect("a kind lists only checks that exist (tested)"),
            expected: expected.clone(),
        };
        expected.iter().map(question).collect()
    }
}

impl Question {
    fn about_source(&self, source: &SourceFacts, now: Timestamp) -> Verdict {
        let judge = self.check.judge.source.expect("a source is asked only what is asked of sources (tested)");
        self.verdict(judge(source, &self.expected, now))
    }

    fn about_repository(&self, repository: &RepositoryFacts, now: Timestamp) -> Verdict {
        if let Some(exemption) = repository.stated.exempt {
            return self.verdict(Reason::Exempt(exemption).is(Outcome::Ok));
        }
        let judge = self.check.judge.repository.expect("a kind lists only checks of its type (tested)");
        self.verdict(judge(repository, &self.expected, now))
    }

    fn about_asset(&self, asset: &AssetObservation, exempt: Option<Exemption>, now: Timestamp) -> Verdict {
        if let Some(exemption) = exempt {
            return self.verdict(Reason::Exempt(exemption).is(Outcome::Ok));
        }
        let judge = self.check.judge.asset.expect("a kind lists only checks of its type (tested)");
        self.verdict(judge(asset, &self.expected, now))
    }

    fn verdict(&self, (outcome, reason): Answer) -> Verdict {
        Verdict { check: self.check.id, outcome, reason }
    }
}

#[cfg(test)]
mod tests;
