//! How is one real repository looked at and judged in a test?
//!
//! Goes through the library as the program does: open, look, fold, judge. It knows no program.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lastgood::secret::SecretFrom;
use lastgood::sources::{Entry, Keep, Source, SourceConfig};
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::id::SourceId;
use lastgood_core::judge::judge;
use lastgood_core::observation::{Collection, FailureKind};

/// A source as a configuration without optional keys would have it.
pub(crate) fn config(entry: &'static Entry, location: &Path) -> SourceConfig {
    let id = SourceId::new(entry.kind.id).expect("a kind is a name");
    let location = location.to_str().expect("a path in UTF-8").to_owned();
    SourceConfig::new(id, entry, location, Duration::from_mins(5))
}

/// Writes a secret into a file of its own.
pub(crate) fn secret_file(folder: &Path, secret: &str) -> SecretFrom {
    let file = folder.join("secret");
    fs::write(&file, secret).expect("a writable folder");
    SecretFrom::File(file)
}

/// Looks once.
pub(crate) fn look(source: &dyn Source, at: &str) -> Collection {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(source.look(instant(at), Keep::Everything))
}

/// Whether a deadline that is reached on purpose left time for what must happen before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Enough,
    TooShort,
}

/// Tells a story with a deadline of a second; where that was too short for a machine that stalled, with one of 40.
pub(crate) fn with_deadline(story: impl Fn(Duration) -> Time) {
    if story(Duration::from_secs(1)) == Time::TooShort {
        let told = story(Duration::from_secs(40));
        assert_eq!(told, Time::Enough, "too little happened within 40 seconds");
    }
}

/// Reads the raw document.
pub(crate) fn raw(source: &dyn Source) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut document = Vec::new();
    runtime.block_on(source.raw(&mut document)).expect("a readable source");
    String::from_utf8(document).expect("UTF-8")
}

/// Judges one look by the defaults: `subject check outcome`, one a line.
pub(crate) fn verdicts(collection: Collection, at: &str) -> Vec<String> {
    let facts = fold(vec![collection]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let judgement = judge(&facts, &expectations, instant(at));
    let lines = judgement.subjects().flat_map(|(subject, verdicts)| {
        let path = subject.path();
        let line = move |check: &str, outcome: &str| format!("{path} {check} {outcome}");
        verdicts.iter().map(move |verdict| line(verdict.check.as_str(), verdict.outcome.as_str()))
    });
    lines.collect()
}

/// The one failure of a look that saw nothing: its kind and its text.
#[track_caller]
pub(crate) fn only_failure(collection: &Collection) -> (FailureKind, &str) {
    assert!(collection.repositories.is_empty(), "{collection:?}");
    assert_eq!(collection.failures.len(), 1, "{collection:?}");
    (collection.failures[0].kind, &collection.failures[0].reason)
}

/// Every file and folder below a folder, with when it was written and how long it is.
pub(crate) fn written(folder: &Path) -> HashMap<String, (SystemTime, u64)> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let about = path.symlink_metadata().expect("an entry");
        let modified_at = about.modified().expect("a time");
        found.insert(path.display().to_string(), (modified_at, about.len()));
        if about.is_dir() {
            found.extend(written(&path));
        }
    }
    found
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
