//! Which words do all formats share for a subject, a verdict and a place?

use std::fmt;

use jiff::Timestamp;
use lastgood_core::checks::{self, Check};
use lastgood_core::facts::{SourceFacts, Subject};
use lastgood_core::id::Escaped;
use lastgood_core::judge::Judgement;
use lastgood_core::kind::SubjectType;
use lastgood_core::observation::Exemption;
use lastgood_core::verdict::{Outcome, Reason, Verdict};

/// Returns the check a verdict answers.
pub(super) fn check_of(verdict: &Verdict) -> &'static Check {
    checks::find(verdict.check).expect("a verdict is the answer of a check that exists")
}

/// Says what decided, as a sentence without its full stop.
pub(super) fn sentence(verdict: &Verdict, at: Timestamp) -> String {
    verdict.reason.summary(check_of(verdict).words, at)
}

/// Returns why it was not judged, if it was not.
pub(super) fn exemption(verdict: &Verdict) -> Option<Exemption> {
    match verdict.reason {
        Reason::Exempt(exemption) => Some(exemption),
        _ => None,
    }
}

/// Returns source, repository or asset.
pub(super) fn type_of(subject: &Subject<'_>) -> SubjectType {
    match subject {
        Subject::Source(_) => SubjectType::Source,
        Subject::Repository(..) => SubjectType::Repository,
        Subject::Asset(..) => SubjectType::Asset,
    }
}

/// Returns the sources of a judgement, in its order.
pub(super) fn sources_of<'a>(judgement: &'a Judgement<'_>) -> impl Iterator<Item = &'a SourceFacts> {
    judgement.subjects().filter_map(|(subject, _)| match subject {
        Subject::Source(source) => Some(source),
        Subject::Repository(..) | Subject::Asset(..) => None,
    })
}

/// Returns the worst of some verdicts; `None` where there is none.
pub(super) fn worst(verdicts: &[Verdict]) -> Option<Outcome> {
    verdicts.iter().map(|verdict| verdict.outcome).max()
}

/// True if nothing about the subject was judged: every verdict is an exemption, or there is none.
pub(super) fn is_unjudged(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| exemption(verdict).is_some())
}

/// Shows a subject to people: its path, and its name where that says more, all escaped.
pub(super) struct Shown<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path();
        let name = self.0.name();
        write!(f, "{}", Escaped(&path))?;
        let key = match self.0 {
            Subject::Source(_) => return Ok(()),
            Subject::Repository(_, repository) => repository.stated.key.text(),
            Subject::Asset(_, _, asset) => asset.key().text(),
        };
        if key == name { Ok(()) } else { write!(f, " ({})", Escaped(&name)) }
    }
}

/// Counts things: `1 source`, `2 sources`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
