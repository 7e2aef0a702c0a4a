//! Why is the answer about one subject what it is?
//!
//! Gathers every fact with its age, every piece of evidence, every threshold with its origin and every verdict with what
//! would turn it, into one structure that both the text and the JSON are made from. Judges nothing.

mod facts;
mod text;

use std::borrow::Cow;

use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::expectation::{Expectation, Setting};
use lastgood_core::facts::Subject;
use lastgood_core::id::CheckId;
use lastgood_core::judge::SOURCE_CHECKS;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{Detail, Evidence, Exemption, Failure};
use lastgood_core::verdict::Verdict;
use serde::Serialize;

pub(super) use text::text;

use super::Explaining;
use super::json::{AnswerWord, At, TypeWord};
use super::recipients::Telling;
use super::words::{check_of, exemption, sentence};
use facts::Fact;

/// Everything that is known about some subjects.
#[derive(Serialize)]
pub(super) struct Explained<'a> {
    at: At,
    subjects: Vec<SubjectPage<'a>>,
}

/// Everything that is known about one subject.
#[derive(Serialize)]
struct SubjectPage<'a> {
    subject: String,
    #[serde(rename = "type")]
    subject_type: TypeWord,
    kind: &'a str,
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    facts: Vec<Fact>,
    details: Vec<DetailRow<'a>>,
    evidence: Vec<EvidenceRow<'a>>,
    failures: Vec<FailureRow<'a>>,
    checks: Vec<CheckPage>,
}

/// A further fact, which no check reads.
#[derive(Serialize)]
struct DetailRow<'a> {
    label: &'a str,
    text: &'a str,
}

/// A value that was not read plainly.
#[derive(Serialize)]
struct EvidenceRow<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    raw: &'a str,
    note: &'a str,
}

/// Something the newest look could not see of the subject, or of the whole source.
#[derive(Serialize)]
struct FailureRow<'a> {
    place: String,
    kind: &'static str,
    reason: &'a str,
}

/// One check with its answer.
#[derive(Serialize)]
struct CheckPage {
    check: &'static str,
    question: &'static str,
    bad_when: &'static str,
    /// `None` where the check is off.
    answer: Option<AnswerPage>,
    thresholds: Vec<ThresholdRow>,
    /// `None` where the check is off, or where nobody says who is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<Telling>,
}

/// The answer to one check.
#[derive(Serialize)]
struct AnswerPage {
    #[serde(skip)]
    verdict: Verdict,
    #[serde(rename = "verdict")]
    word: AnswerWord,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<&'static str>,
    turns: String,
    remedy: &'static str,
}

/// A threshold with its value (`off` too) and who set it.
#[derive(Serialize)]
struct ThresholdRow {
    name: &'static str,
    meaning: &'static str,
    value: String,
    origin: String,
}

/// Gathers everything about some subjects that were judged at `at`.
pub(super) fn explain<'a>(
    subjects: &'a [(Subject<'a>, &'a [Verdict])],
    explaining: &Explaining<'_>,
) -> Explained<'a> {
    let pages = subjects.iter().map(|(subject, verdicts)| page(subject, verdicts, explaining));
    Explained { at: At(explaining.at), subjects: pages.collect() }
}

fn page<'a>(subject: &'a Subject<'a>, verdicts: &[Verdict], explaining: &Explaining<'_>) -> SubjectPage<'a> {
    let Explaining { expectations, at, told } = *explaining;
    let (details, evidence) = notes(subject);
    let (kind, asked) = asked(subject);
    let check = |check: &CheckId| {
        let verdict = verdicts.iter().find(|verdict| verdict.check == *check);
        let told = verdict.and_then(|verdict| told(subject, verdict));
        CheckPage { told, ..check_page(&expectations.of_check(subject, kind, *check), verdict, at) }
    };
    SubjectPage {
        subject: subject.path(),
        subject_type: TypeWord::of(subject),
        kind: subject.kind_id(),
        name: subject.name(),
        name_hex: subject.name_hex(),
        facts: facts::facts(subject, at),
        details: details.iter().map(|(label, text)| DetailRow { label, text }).collect(),
        evidence: evidence.iter().map(evidence_row).collect(),
        failures: failures(subject),
        checks: asked.iter().map(check).collect(),
    }
}

fn notes<'a>(subject: &Subject<'a>) -> (&'a [Detail], &'a [Evidence]) {
    match subject {
        Subject::Source(_) => (&[], &[]),
        Subject::Repository(_, repository) => (&repository.stated.details, &repository.stated.evidence),
        Subject::Asset(_, _, asset) => (&asset.more.details, &asset.more.evidence),
    }
}

fn asked(subject: &Subject<'_>) -> (Option<&'static Kind>, &'static [CheckId]) {
    match subject {
        Subject::Source(_) => (None, SOURCE_CHECKS),
        Subject::Repository(_, repository) => (Some(repository.stated.kind), repository.stated.kind.checks),
        Subject::Asset(_, _, asset) => (Some(asset.kind), asset.kind.checks),
    }
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow<'_> {
    EvidenceRow { field: evidence.field, line: evidence.line, raw: &evidence.raw, note: evidence.note }
}

/// Returns the failures that touch the subject: its own, those of what holds it, and those of unknown place.
fn failures<'a>(subject: &Subject<'a>) -> Vec<FailureRow<'a>> {
    let source = subject.source();
    let touches = |failure: &&'a Failure| {
        let place = &failure.place;
        match subject {
            Subject::Source(_) => true,
            Subject::Repository(_, repository) => {
                place.repository.as_ref().is_none_or(|key| *key == repository.stated.key)
            }
            Subject::Asset(_, repository, asset) => {
                place.repository.as_ref().is_none_or(|key| *key == repository.stated.key)
                    && place.asset.as_ref().is_none_or(|key| key == asset.key())
            }
        }
    };
    let rows = source.failures.iter().filter(touches).map(|failure| FailureRow {
        place: source.place(&failure.place),
        kind: failure.kind.as_str(),
        reason: &failure.reason,
    });
    rows.collect()
}

fn check_page(expected: &Expectation, verdict: Option<&Verdict>, at: Timestamp) -> CheckPage {
    let check = checks::find(expected.check).expect("a kind lists only checks that exist");
    let row = |setting: &Setting| ThresholdRow {
        name: setting.threshold.name,
        meaning: setting.threshold.meaning,
        value: setting.threshold.show(setting.value),
        origin: setting.origin.to_string(),
    };
    CheckPage {
        check: check.id.as_str(),
        question: check.question,
        bad_when: check.bad_when,
        answer: verdict.map(|verdict| answer_page(verdict, at)),
        thresholds: expected.settings.iter().map(row).collect(),
        told: None,
    }
}

fn answer_page(verdict: &Verdict, at: Timestamp) -> AnswerPage {
    let check = check_of(verdict);
    AnswerPage {
        verdict: verdict.clone(),
        word: AnswerWord::of(verdict.outcome),
        summary: sentence(verdict, at),
        since: verdict.reason.since(verdict.outcome).map(At),
        exempt: exemption(verdict).map(Exemption::as_str),
        turns: verdict.reason.turns(verdict.outcome, check.words, at),
        remedy: check.remedy,
    }
}
