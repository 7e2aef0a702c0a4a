//! Which subjects does somebody mean?

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;

use globset::Glob;
use lastgood_core::facts::{Facts, SourceFacts, Subject};
use lastgood_core::id::{Escaped, SubjectRef};
use lastgood_core::judge::Judgement;
use lastgood_core::observation::{Extent, Failure};
use lastgood_core::verdict::Verdict;

use crate::exit::Exit;

/// How many subjects are named when the wanted one is not there.
const SUGGESTIONS_MAX: usize = 5;

/// Why writing to a text cannot fail.
const ALWAYS_FITS: &str = "a String takes all text";

/// Finds the subjects that are wanted: the one of this path; else those whose path ends with it after a slash, or whose
/// name it is; else the one of this path as it is printed, escaped; else those that match it as a pattern.
pub(super) fn find<'j, 'a>(judgement: &'j Judgement<'a>, wanted: &str) -> Vec<(Subject<'a>, &'j [Verdict])> {
    let ending = format!("/{wanted}");
    let exact = |subject: &Subject<'_>| subject.path() == wanted;
    let by_end = |subject: &Subject<'_>| subject.path().ends_with(&ending) || subject.name() == wanted;
    let pattern = Glob::new(wanted).map(|glob| glob.compile_matcher());
    let by_pattern = |subject: &Subject<'_>| pattern.as_ref().is_ok_and(|glob| glob.is_match(subject.path()));
    let printed = |subject: &Subject<'_>| {
        let path = Escaped(&subject.path()).to_string();
        path == wanted || path.ends_with(&ending)
    };
    let rules: [&dyn Fn(&Subject<'_>) -> bool; 4] = [&exact, &by_end, &printed, &by_pattern];
    for rule in rules {
        let found: Vec<_> = judgement.subjects().filter(|(subject, _)| rule(subject)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// A subject that is not there is a mistake of the command line, unless the look did not see everything.
pub(super) fn not_found(judgement: &Judgement<'_>, facts: &Facts, wanted: &str) -> Exit {
    let blind = facts.sources.iter().any(|source| source.look != Extent::Complete);
    let (text, exit) = if blind {
        (unseen(facts, wanted), Exit::SomethingUnknown)
    } else {
        (unknown(judgement, wanted), Exit::Usage)
    };
    // Nothing can be done where even this cannot be written.
    let _ = write!(anstream::stderr(), "{text}");
    exit
}

/// Says what could not be looked at: the subject may be there.
fn unseen(facts: &Facts, wanted: &str) -> String {
    let text = failures(facts);
    format!("{text}error: {} was not seen, and not everything could be looked at\n", Escaped(wanted))
}

/// Says that there is no such subject, and which ones are like it.
fn unknown(judgement: &Judgement<'_>, wanted: &str) -> String {
    let mut text = format!("error: no subject {}; `lastgood check` prints all of them\n", Escaped(wanted));
    let needle = wanted.to_lowercase();
    let paths = judgement.subjects().map(|(subject, _)| subject.path());
    for path in paths.filter(|path| path.to_lowercase().contains(&needle)).take(SUGGESTIONS_MAX) {
        writeln!(text, "  did you mean {}", Escaped(&path)).expect(ALWAYS_FITS);
    }
    text
}

/// Says on standard error what could not be seen, for commands whose answer has no place for it.
pub(super) fn say_failures(facts: &Facts) {
    // Nothing can be done where even this cannot be written.
    let _ = write!(anstream::stderr(), "{}", failures(facts));
}

/// The same of what concerns these subjects: their repositories, and their sources apart from all repositories.
pub(super) fn say_failures_of<'a>(facts: &Facts, subjects: impl Iterator<Item = &'a Subject<'a>>) {
    let wanted: HashSet<SubjectRef<'_>> = subjects.map(Subject::id_ref).collect();
    let is_wanted = |source: &SourceFacts, failure: &Failure| {
        wanted.iter().filter(|subject| *subject.source == source.id).any(|subject| {
            let repository = failure.place.repository.as_ref();
            repository.is_none() || subject.repository.is_none() || subject.repository == repository
        })
    };
    let _ = write!(anstream::stderr(), "{}", those(facts, is_wanted));
}

fn failures(facts: &Facts) -> String {
    those(facts, |_, _| true)
}

fn those(facts: &Facts, is_wanted: impl Fn(&SourceFacts, &Failure) -> bool) -> String {
    let mut text = String::new();
    for source in &facts.sources {
        for failure in source.failures.iter().filter(|failure| is_wanted(source, failure)) {
            let place = source.place(&failure.place);
            writeln!(text, "{}: {}", Escaped(&place), Escaped(&failure.reason)).expect(ALWAYS_FITS);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use lastgood_core::judge::judge;
    use lastgood_core::testing::{FleetBuilder, defaults, noon};

    use super::*;

    #[test]
    fn a_subject_is_found_as_it_is_printed_unless_another_has_that_name() {
        let found = |agents: &[&str], wanted: &str| {
            let facts = FleetBuilder::new("acme", noon()).agents("nas", agents).facts();
            let judgement = judge(&facts, &defaults(), noon());
            find(&judgement, wanted).iter().map(|(subject, _)| subject.path()).collect::<Vec<_>>()
        };
        assert_eq!(found(&["new\nline"], "acme/nas/new\\nline"), ["acme/nas/new\nline"]);
        assert_eq!(found(&["new\nline"], "new\\nline"), ["acme/nas/new\nline"]);
        assert_eq!(found(&["new\nline", "new\\nline"], "acme/nas/new\\nline"), ["acme/nas/new\\nline"]);
        assert_eq!(found(&["other"], "new\\nline"), Vec::<String>::new());
    }
}
