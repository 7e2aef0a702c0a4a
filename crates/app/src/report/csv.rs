//! What does a spreadsheet read from `--format csv`?
//!
//! One record per line, always with a header. Control characters and other deceptive ones stand as escapes, so that no
//! field spans lines; the exact bytes are those of JSON. A name that a spreadsheet would run as a formula gets a `'`.

use std::borrow::Cow;
use std::io::{self, Write};

use lastgood_core::facts::{SourceFacts, Subject};
use lastgood_core::id::Escaped;
use lastgood_core::judge::Judgement;
use lastgood_core::summary::Summary;
use lastgood_core::verdict::Outcome;

use super::words::{exemption, sentence, sources_of, type_of};
use super::{Only, looks, space};

const CHECK_HEADER: [&str; 10] =
    ["at", "subject", "type", "kind", "name", "check", "verdict", "summary", "since", "exempt"];

const SUMMARY_HEADER: [&str; 7] = ["at", "subject", "kind", "name", "check", "figure", "value"];

/// Writes one row per verdict, and one without a check per thing that could not be seen.
pub(super) fn check(judgement: &Judgement<'_>, only: Only, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Rows::new(out, &CHECK_HEADER)?;
    let at = judgement.at.to_string();
    for (subject, verdicts) in judgement.subjects() {
        let path = escape(&subject.path());
        let name = inert(&subject.name());
        for verdict in verdicts.iter().filter(|verdict| only.keeps(verdict)) {
            let since = verdict.reason.since(verdict.outcome).map(|since| since.to_string());
            rows.write(&[
                &at,
                &path,
                type_of(&subject).as_str(),
                subject.kind_id(),
                &name,
                verdict.check.as_str(),
                verdict.outcome.as_str(),
                &sentence(verdict, judgement.at),
                &since.unwrap_or_default(),
                exemption(verdict).map_or("", |exemption| exemption.as_str()),
            ])?;
        }
    }
    for source in sources_of(judgement) {
        for (place, gap) in gaps(source) {
            let (kind, name) = (source.kind.id, source.id.as_str());
            let unknown = Outcome::Unknown.as_str();
            let gap = format!("could not see: {gap}");
            rows.write(&[&at, &place, "source", kind, name, "", unknown, &gap, "", ""])?;
        }
    }
    rows.end()
}

/// Writes one row per figure.
pub(super) fn summary(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Rows::new(out, &SUMMARY_HEADER)?;
    let at = summary.at.to_string();
    for kind in &summary.kinds {
        rows.write(&[&at, "", kind.kind, "", "", "count", &kind.count.to_string()])?;
        for check in &kind.checks {
            let id = check.check.as_str();
            rows.write(&[&at, "", kind.kind, "", id, "bad", &check.bad.to_string()])?;
            rows.write(&[&at, "", kind.kind, "", id, "unknown", &check.unknown.to_string()])?;
        }
    }
    for &(source, repository) in &summary.space {
        let subject = Subject::Repository(source, repository);
        let (path, name) = (escape(&subject.path()), inert(&subject.name()));
        let bytes = space::bytes(&repository.stated.space);
        let figures = [
            ("used_bytes", bytes.used.map(u128::from)),
            ("free_bytes", bytes.free.map(u128::from)),
            ("quota_bytes", bytes.quota),
        ];
        for (figure, value) in figures {
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            rows.write(&[&at, &path, subject.kind_id(), &name, "", figure, &value])?;
        }
    }
    for (source, _) in &summary.sources {
        let (id, kind) = (source.id.as_str(), source.kind.id);
        rows.write(&[&at, id, kind, id, "", "look", looks::word(source.look)])?;
        for (place, gap) in gaps(source) {
            rows.write(&[&at, &place, kind, id, "", "could not see", &gap])?;
        }
    }
    rows.end()
}

/// Returns what could not be seen: its place and why.
fn gaps(source: &SourceFacts) -> impl Iterator<Item = (String, String)> {
    source.failures.iter().map(|failure| {
        let why = format!("{}: {}", failure.kind, Escaped(&failure.reason));
        (escape(&source.place(&failure.place)), why)
    })
}

fn escape(text: &str) -> String {
    Escaped(text).to_string()
}

/// Escapes a name, and puts a `'` before one that a spreadsheet would run as a formula.
fn inert(name: &str) -> Cow<'static, str> {
    let escaped = escape(name);
    if escaped.starts_with(['=', '+', '-', '@']) { format!("'{escaped}").into() } else { escaped.into() }
}

struct Rows<'o>(::csv::Writer<&'o mut dyn Write>);

impl<'o> Rows<'o> {
    fn new(out: &'o mut dyn Write, header: &[&str]) -> io::Result<Self> {
        let mut rows = Self(::csv::Writer::from_writer(out));
        rows.write(header)?;
        Ok(rows)
    }

    fn write(&mut self, fields: &[&str]) -> io::Result<()> {
        self.0.write_record(fields).map_err(|error| match error.into_kind() {
            ::csv::ErrorKind::Io(error) => error,
            kind => io::Error::other(format!("{kind:?}")),
        })
    }

    fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}
