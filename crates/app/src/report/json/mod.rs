//! What does a program read from `--format json`?
//!
//! The structs here are the promise: the JSON Schemas in docs/schema are made from them. Rows are made while they are
//! written, so that a large fleet needs no second copy of itself.

mod plain;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::facts::{RepositoryFacts, SourceFacts, Subject};
use lastgood_core::judge::Judgement;
use lastgood_core::kind::SubjectType;
use lastgood_core::observation::{Extent, FailureKind};
use lastgood_core::summary::{CheckCount, KindCount, Summary};
use lastgood_core::verdict::{Outcome, Verdict};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Serialize, Serializer};

use super::words::{exemption, sentence, sources_of, type_of};
use super::{Only, space};
use plain::Plain;

/// Writes every verdict.
pub(super) fn check(judgement: &Judgement<'_>, only: Only, out: &mut dyn Write) -> io::Result<()> {
    let report = Check {
        at: At(judgement.at),
        sources: sources_of(judgement).map(SourceRow::of).collect(),
        subjects: Subjects { judgement, only },
    };
    write(&report, out)
}

/// Writes the counts.
pub(super) fn summary(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    let overview = Overview {
        at: At(summary.at),
        kinds: Kinds(&summary.kinds),
        space: Spaces(&summary.space),
        sources: summary.sources.iter().map(|(source, _)| SourceRow::of(source)).collect(),
    };
    write(&overview, out)
}

/// Writes one document, indented, with a line break at its end. Characters that could steer a terminal stand as JSON
/// escapes, so that the values are what they are.
pub(super) fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(Plain(&mut *out), document)?;
    writeln!(out)
}

/// Returns the schema of what [`write`] makes of a type.
pub(super) fn schema<T: JsonSchema>() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<T>();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

/// Every verdict about a fleet at one instant.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "lastgood check")]
pub(super) struct Check<'a> {
    /// The instant that was judged at, RFC 3339 in UTC.
    at: At,
    /// Every source that was looked at.
    sources: Vec<SourceRow<'a>>,
    /// Every source, repository and asset with its verdicts; with `--only bad` those with a bad verdict.
    #[schemars(with = "Vec<SubjectRow<'a>>")]
    subjects: Subjects<'a>,
}

/// The counts of a fleet at one instant.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "lastgood summary")]
pub(super) struct Overview<'a> {
    /// The instant that was judged at, RFC 3339 in UTC.
    at: At,
    /// One entry per kind of repository and asset that the sources know, in their order, zeros too.
    #[schemars(with = "BTreeMap<String, KindRow<'a>>")]
    kinds: Kinds<'a>,
    /// The storage of every repository that is not hidden.
    #[schemars(with = "Vec<SpaceRow<'a>>")]
    space: Spaces<'a>,
    /// Every source that was looked at.
    sources: Vec<SourceRow<'a>>,
}

/// An instant, written in RFC 3339 in UTC.
pub(super) struct At(pub(super) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for At {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Timestamp::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Timestamp::json_schema(generator)
    }
}

/// How well one source was seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Source")]
struct SourceRow<'a> {
    /// Its name: the first part of its subjects.
    name: &'a str,
    /// Its kind, such as `datto-xml`.
    kind: &'a str,
    /// How much of it the newest look saw.
    look: Look,
    /// What could not be seen; empty if and only if everything was.
    #[schemars(with = "Vec<FailureRow<'a>>")]
    failures: Failures<'a>,
}

impl<'a> SourceRow<'a> {
    fn of(source: &'a SourceFacts) -> Self {
        let look = match source.look {
            Extent::Complete => Look::Complete,
            Extent::Partial => Look::Partial,
            Extent::Failed => Look::Failed,
        };
        Self { name: source.id.as_str(), kind: source.kind.id, look, failures: Failures(source) }
    }
}

/// How much of a source was seen.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Look {
    /// All of it: what is not listed is not there.
    Complete,
    /// Some of it: what is not listed may be there.
    Partial,
    /// None of it.
    Failed,
}

struct Failures<'a>(&'a SourceFacts);

impl Serialize for Failures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.failures.iter().map(|failure| FailureRow {
            place: self.0.place(&failure.place),
            kind: failure.kind.as_str(),
            reason: &failure.reason,
        }))
    }
}

/// One thing that could not be seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
struct FailureRow<'a> {
    /// The subject where one is known, else where it stands in the source.
    place: String,
    /// Why, from a closed set.
    #[schemars(extend("enum" = FailureKind::ALL.map(FailureKind::as_str)))]
    kind: &'a str,
    /// Why, in words, and what to do about it.
    reason: &'a str,
}

struct Subjects<'a> {
    judgement: &'a Judgement<'a>,
    only: Only,
}

impl Serialize for Subjects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.judgement.subjects().filter(|(_, verdicts)| self.only.shows(verdicts));
        serializer.collect_seq(shown.map(|(subject, verdicts)| SubjectRow {
            subject: subject.path(),
            subject_type: TypeWord::of(&subject),
            kind: subject.kind_id(),
            name: subject.name(),
            name_hex: subject.name_hex(),
            verdicts: Verdicts { all: verdicts, only: self.only, at: self.judgement.at },
        }))
    }
}

/// One source, repository or asset with its verdicts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subject")]
struct SubjectRow<'a> {
    /// `source/repository[/asset]`: unique and stable. Bytes that are not UTF-8 stand as U+FFFD.
    subject: String,
    /// What it is.
    #[serde(rename = "type")]
    subject_type: TypeWord,
    /// Which kind, such as `appliance` or `agent`.
    kind: &'a str,
    /// The name people know it by. Bytes that are not UTF-8 stand as U+FFFD.
    name: Cow<'a, str>,
    /// The bytes of the name in hexadecimal, only if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    /// One entry per check that is asked of it; with `--only bad` the bad ones.
    #[schemars(with = "Vec<VerdictRow<'a>>")]
    verdicts: Verdicts<'a>,
}

/// What a subject is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Type")]
pub(super) enum TypeWord {
    /// Something we look at.
    Source,
    /// Where backups are kept.
    Repository,
    /// What is protected.
    Asset,
}

impl TypeWord {
    /// Returns the word for a subject.
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        match type_of(subject) {
            SubjectType::Source => Self::Source,
            SubjectType::Repository => Self::Repository,
            SubjectType::Asset => Self::Asset,
        }
    }
}

struct Verdicts<'a> {
    all: &'a [Verdict],
    only: Only,
    at: Timestamp,
}

impl Serialize for Verdicts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = self.all.iter().filter(|verdict| self.only.keeps(verdict));
        serializer.collect_seq(kept.map(|verdict| VerdictRow {
            check: verdict.check.as_str(),
            verdict: AnswerWord::of(verdict.outcome),
            summary: sentence(verdict, self.at),
            since: verdict.reason.since(verdict.outcome).map(At),
            exempt: exemption(verdict).map(|exemption| Cow::Borrowed(exemption.as_str())),
        }))
    }
}

/// The answer to one check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verdict")]
struct VerdictRow<'a> {
    /// The id of the check, as in docs/checks.md.
    check: &'a str,
    /// The answer.
    verdict: AnswerWord,
    /// What decided, as a sentence for people.
    summary: String,
    /// Since when it is bad, only where the facts tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    /// Why it is not judged, only if it is not; the verdict is then `ok`. The words stand in docs/checks.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<Cow<'a, str>>,
}

/// The answer to a check.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Answer")]
pub(super) enum AnswerWord {
    /// What is expected is true, or the subject is exempt.
    Ok,
    /// What is expected is not true.
    Bad,
    /// Nothing can be said; neither good nor bad.
    Unknown,
}

impl AnswerWord {
    /// Returns the word for an answer.
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Bad => Self::Bad,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

struct Kinds<'a>(&'a [KindCount]);

impl Serialize for Kinds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|kind| {
            let row = KindRow {
                count: kind.count,
                bad: Counts { checks: &kind.checks, count: |check| check.bad },
                unknown: Counts { checks: &kind.checks, count: |check| check.unknown },
            };
            (kind.kind, row)
        }))
    }
}

/// How many subjects of a kind, and how many of them are bad or unknown for each check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Kind")]
struct KindRow<'a> {
    /// How many.
    count: u64,
    /// How many are bad, by check: every check of the kind, zeros too.
    #[schemars(with = "BTreeMap<String, u64>")]
    bad: Counts<'a>,
    /// How many are unknown, by check: every check of the kind, zeros too.
    #[schemars(with = "BTreeMap<String, u64>")]
    unknown: Counts<'a>,
}

struct Counts<'a> {
    checks: &'a [CheckCount],
    count: fn(&CheckCount) -> u64,
}

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.checks.iter().map(|check| (check.check.as_str(), (self.count)(check))))
    }
}

struct Spaces<'a>(&'a [(&'a SourceFacts, &'a RepositoryFacts)]);

impl Serialize for Spaces<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|&(source, repository)| {
            let subject = Subject::Repository(source, repository);
            let bytes = space::bytes(&repository.stated.space);
            SpaceRow {
                subject: subject.path(),
                name: subject.name(),
                name_hex: subject.name_hex(),
                used_bytes: bytes.used,
                free_bytes: bytes.free,
                quota_bytes: bytes.quota,
            }
        }))
    }
}

/// The storage of one repository; a figure is null where it is not stated, not readable or not in bytes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Space")]
struct SpaceRow<'a> {
    /// `source/repository`.
    subject: String,
    /// The name people know it by. Bytes that are not UTF-8 stand as U+FFFD.
    name: Cow<'a, str>,
    /// The bytes of the name in hexadecimal, only if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    /// What is used.
    used_bytes: Option<u64>,
    /// What is free.
    free_bytes: Option<u64>,
    /// What may be used: as stated, else used + free; null where neither is known or both are 0.
    quota_bytes: Option<u128>,
}
