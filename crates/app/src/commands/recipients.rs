//! `lastgood recipients`: who would be told of everything that is bad, and why or why not?

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;
use lastgood_core::facts::Subject;
use lastgood_core::id::{Escaped, SubjectRef};
use lastgood_core::judge::{Judgement, judge};
use lastgood_core::verdict::{Outcome, Verdict};

use super::looking::{Looking, Trouble, instant};
use super::output::print;
use super::subjects::{find, not_found, say_failures, say_failures_of};
use super::telling::Telling;
use crate::directory::ldap::Task;
use crate::exit::Exit;
use crate::report::{self, RecipientRow, RecipientsFormat};
use crate::sources::Keep;

pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood recipients                                     of everything that is bad
  lastgood recipients stoney/3723707 --format table       of one account
  lastgood recipients '*/3723707/*' --at 2026-03-09T07:00:00Z";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Of which subjects, as `explain` takes them: a subject as `check` prints it, the end of one, or a pattern
    /// [default: all]
    #[arg(value_name = "SUBJECT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    subjects: Vec<String>,
    /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Judge at this instant instead of now, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// Set a threshold for everything, such as `local_after=48h` or `quota_level=90`; see docs/checks.md
    #[arg(long, value_name = "THRESHOLD=VALUE")]
    set: Vec<String>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: RecipientsFormat,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    look(arguments).unwrap_or_else(|exit| exit).code()
}

fn look(arguments: &Arguments) -> Result<Exit, Exit> {
    let Arguments { config, at, set, .. } = arguments;
    let looking = Looking { config: config.clone(), at: *at, set: set.clone(), ..Looking::default() };
    let (seen, directories) = looking.see_with_directories(Keep::Judged).map_err(Trouble::say)?;
    let judgement = judge(&seen.facts, &seen.expectations, seen.now);
    let wanted = wanted(&judgement, &arguments.subjects)
        .map_err(|subject| not_found(&judgement, &seen.facts, subject))?;
    if arguments.subjects.is_empty() {
        say_failures(&seen.facts);
    } else {
        say_failures_of(&seen.facts, wanted.iter().map(|(subject, _)| subject));
    }
    show(&Telling::new(&directories, &seen.facts, seen.now), &wanted, arguments.format)?;
    let outcomes = wanted.iter().flat_map(|(_, verdicts)| verdicts.iter().map(|verdict| verdict.outcome));
    Ok(report::exit(outcomes.max().unwrap_or(Outcome::Unknown), &seen.facts))
}

/// Prints who would be told of what is bad about these, and says what is broken or missing in a directory.
pub(super) fn show(
    telling: &Telling<'_>,
    wanted: &[Judged<'_, '_>],
    format: RecipientsFormat,
) -> Result<(), Exit> {
    let mut answer = Answer::default();
    for (subject, verdicts) in wanted {
        for verdict in verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Bad) {
            answer.take(subject, verdict, telling.of(subject, verdict));
        }
    }
    // Nothing can be done where even this cannot be written.
    let _ = write!(anstream::stderr(), "{}", answer.said);
    print(format.is_styled(), |out| report::recipients(&answer.rows, format, out))
}

/// A subject with its verdicts.
pub(super) type Judged<'j, 'a> = (Subject<'a>, &'j [Verdict]);

/// The subjects that are wanted, in the order of the judgement; all if none is named. An error is one that is not there.
fn wanted<'j, 'a, 's>(
    judgement: &'j Judgement<'a>,
    subjects: &'s [String],
) -> Result<Vec<Judged<'j, 'a>>, &'s str> {
    if subjects.is_empty() {
        return Ok(judgement.subjects().collect());
    }
    let mut wanted: HashSet<SubjectRef<'_>> = HashSet::new();
    for subject in subjects {
        let found = find(judgement, subject);
        if found.is_empty() {
            return Err(subject);
        }
        wanted.extend(found.iter().map(|(subject, _)| subject.id_ref()));
    }
    Ok(judgement.subjects().filter(|(subject, _)| wanted.contains(&subject.id_ref())).collect())
}

/// What is printed, and what is said beside it.
#[derive(Default)]
struct Answer {
    rows: Vec<RecipientRow>,
    said: String,
    /// What was said of each repository: each of its checks meets the same.
    notes: HashSet<String>,
}

impl Answer {
    fn take(&mut self, subject: &Subject<'_>, verdict: &Verdict, telling: report::Telling) {
        let (path, check) = (subject.path(), verdict.check);
        let mut say = |text: &str| {
            writeln!(self.said, "{} ({check}): {text}", Escaped(&path)).expect("a String takes all text");
        };
        if !telling.known {
            say("the directory has not said who owns it: nobody is told until it has");
        } else if telling.recipients.is_empty() {
            say("nobody is named for it; add an [[owner]]");
        }
        for note in telling.notes {
            if self.notes.insert(note.clone()) {
                say(&note);
            }
        }
        self.rows.extend(telling.recipients.into_iter().map(|row| RecipientRow {
            subject: path.clone(),
            name_hex: subject.name_hex(),
            check: check.as_str(),
            task: Task::of(check).map(Task::as_str),
            role: row.role,
            address: row.address,
            told: row.told,
            because: row.because,
        }));
    }
}
