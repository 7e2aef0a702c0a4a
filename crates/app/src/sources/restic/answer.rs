//! Is what restic said an answer, a part of one, or none?
//!
//! restic can end well and say `[]` though it could not read the folder of snapshots: an exit code alone, or a document
//! alone, is never an answer.

use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::observation::FailureKind;

use super::complaint::{self, Complaint};
use super::parse::{self, Snapshots};
use crate::program::{End, Spoken};
use crate::sources::program::{Problem, Reason, too_slow};

/// Reads the list of snapshots. Beside it stands why it is not complete, if it is not.
///
/// 1. Not ended, or not ended well: no answer, whatever it wrote.
/// 2. The list of snapshots could not be loaded at all: no answer, though the exit code is 0.
/// 3. Not one whole document of snapshots: no answer.
/// 4. Any other complaint beside an empty list: no answer. Beside a list that holds something: a part of one.
pub(super) fn snapshots(
    spoken: &Spoken,
    at: Timestamp,
    deadline: Duration,
) -> Result<(Snapshots, Option<Problem>), Problem> {
    let complaint = ended_well(spoken, deadline)?;
    if complaint.lines().any(|line| line.starts_with("could not load snapshots")) {
        return Err(complaint.problem());
    }
    let snapshots =
        parse::snapshots(&spoken.stdout, at).map_err(|error| not_understood("snapshots", &error))?;
    if complaint.is_empty() {
        return Ok((snapshots, None));
    }
    let problem = complaint.problem();
    if snapshots.is_empty() {
        return Err(problem);
    }
    let reason = problem.reason.behind("the list of snapshots is not complete: ");
    Ok((snapshots, Some(Problem { reason, ..problem })))
}

/// Reads the size of all that is stored, in bytes.
pub(super) fn size(spoken: &Spoken, deadline: Duration) -> Result<u64, Problem> {
    let complaint = ended_well(spoken, deadline)?;
    if !complaint.is_empty() {
        return Err(complaint.problem());
    }
    parse::size(&spoken.stdout).map_err(|error| not_understood("stats", &error))
}

/// Returns what restic complained about though it ended well.
fn ended_well(spoken: &Spoken, deadline: Duration) -> Result<Complaint, Problem> {
    match spoken.end {
        End::Code(0) => Ok(Complaint::of(&spoken.stderr, 0)),
        End::Code(code) => Err(Complaint::of(&spoken.stderr, code).problem()),
        End::Signal(signal) => Err(Problem::new(
            FailureKind::Refused,
            format!(
                "restic was killed by signal {signal}; see the log of the system, memory may have run out"
            ),
        )),
        // What it last waited for tells more than that it was slow.
        End::Deadline => Err(complaint::last(&spoken.stderr).unwrap_or_else(|| too_slow("restic", deadline))),
        End::TooMuch => Err(Problem::new(
            FailureKind::Malformed,
            "restic wrote more than 256 MiB, which is no list of snapshots we can read; see whether `program` is restic",
        )),
    }
}

fn not_understood(command: &str, error: &serde_json::Error) -> Problem {
    let begin = format!("restic {command} ended well, but what it wrote is not what it should be (");
    let remedy = "); see whether `program` is restic and `restic version` is one we know";
    let reason = Reason::from(begin).quoting(&error.to_string()).then(remedy);
    Problem::new(FailureKind::Malformed, reason)
}
