//! Is what borg said an answer, a part of one, or none?
//!
//! borg can complain and go on: an exit code alone, or a document alone, is never an answer.

use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::observation::{Evidence, FailureKind};

use super::base::Base;
use super::complaint::Complaint;
use super::parse::{self, Archives};
use crate::program::{End, Spoken};
use crate::sources::program::{Problem, Reason, too_slow};

/// What advice depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    /// How long borg was given.
    pub(super) deadline: Duration,
    /// The folder of the source.
    pub(super) base: Option<&'a Base>,
}

/// What borg remarked on a list it gave all the same.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    /// Why the list may not be complete; `None` if borg ended without a warning.
    pub(super) not_read: Option<Problem>,
    /// What it warned of.
    pub(super) evidence: Vec<Evidence>,
}

/// Reads the list of archives, with what borg remarked.
///
/// 1. Not ended, or ended by an error: no answer, whatever it wrote.
/// 2. Not one whole document of archives: no answer.
/// 3. Ended with a warning, or logged an error: nothing says that the list is complete. A warning beside a good end is evidence only.
pub(super) fn archives(
    spoken: &Spoken,
    at: Timestamp,
    asking: Asking<'_>,
) -> Result<(Archives, Remarks), Problem> {
    let complaint = ended_well(spoken, asking)?;
    let archives = parse::archives(&spoken.stdout, at).map_err(|error| not_understood("list", &error))?;
    let note = "borg remarked this and gave its list all the same";
    let evidence = complaint.line().map(|line| Evidence::new("borg", None, &line, note));
    let is_in_doubt = spoken.end != End::Code(0) || complaint.is_error();
    let not_read = is_in_doubt.then(|| {
        let problem = complaint.problem(asking.base);
        let reason = problem.reason.behind("the list of archives may not be complete: ");
        Problem { reason, ..problem }
    });
    Ok((archives, Remarks { not_read, evidence: evidence.into_iter().collect() }))
}

/// Reads the size of all that is stored, in bytes.
pub(super) fn size(spoken: &Spoken, asking: Asking<'_>) -> Result<u64, Problem> {
    ended_well(spoken, asking)?;
    parse::size(&spoken.stdout).map_err(|error| not_understood("info", &error))
}

/// Returns what borg remarked though it did not fail: code 1, and from 1.4 on 100 to 127, are warnings.
fn ended_well(spoken: &Spoken, asking: Asking<'_>) -> Result<Complaint, Problem> {
    let complaint = Complaint::of(&spoken.stderr);
    match spoken.end {
        End::Code(0 | 1 | 100..=127) if !complaint.is_error() => Ok(complaint),
        End::Code(0) => Ok(complaint),
        End::Code(_) => Err(complaint.problem(asking.base)),
        End::Signal(signal) => Err(Problem::new(
            FailureKind::Refused,
            format!("borg was killed by signal {signal}; see the log of the system, memory may have run out"),
        )),
        // What it last complained about tells more than that it was slow.
        End::Deadline => {
            Err(complaint.known(asking.base).unwrap_or_else(|| too_slow("borg", asking.deadline)))
        }
        End::TooMuch => Err(Problem::new(
            FailureKind::Malformed,
            "borg wrote more than 256 MiB, which is no list of archives we can read; see whether `program` is borg",
        )),
    }
}

fn not_understood(command: &str, error: &serde_json::Error) -> Problem {
    let begin = format!("borg {command} ended well, but what it wrote is not what it should be (");
    let remedy = "); see whether `program` is borg and `borg --version` is one we know";
    let reason = Reason::from(begin).quoting(&error.to_string()).then(remedy);
    Problem::new(FailureKind::Malformed, reason)
}
