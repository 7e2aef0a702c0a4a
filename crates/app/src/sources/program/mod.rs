//! What do looks that run a program have in common?
//!
//! Names and secrets of repositories, problems in the words of a look, one Collection per repository. How a program is
//! run stands in `crate::program`; what its output means, only its source knows.

use std::io;
use std::path::Path;
use std::time::Duration;

use lastgood_core::observation::FailureKind;

mod location;
pub(in crate::sources) mod lock;
mod reason;
mod redaction;
mod repository;
mod text;

use self::location::{repository_key, shown_location};
pub(in crate::sources) use self::reason::Reason;
pub(in crate::sources) use self::redaction::Redaction;
pub(in crate::sources) use self::repository::{Listed, Repository};
pub(in crate::sources) use self::text::Text;

/// The largest output that is read, in bytes: a list of about a million backups. What is longer is no answer.
pub(in crate::sources) const STDOUT_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Why a program's answer could not be had; what the program said may hold secrets until they are taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sources) struct Problem {
    /// From the closed set.
    pub(in crate::sources) kind: FailureKind,
    /// Why, and what to do.
    pub(in crate::sources) reason: Reason,
}

impl Problem {
    /// Pairs both.
    pub(in crate::sources) fn new(kind: FailureKind, reason: impl Into<Reason>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// Says why a program could not be started.
pub(in crate::sources) fn not_started(program: &Path, package: &str, error: &io::Error) -> Problem {
    let shown = program.display();
    let remedy = format!("install the Debian package {package}, or set `program` to the path of the program");
    match error.kind() {
        io::ErrorKind::NotFound => {
            Problem::new(FailureKind::Unsupported, format!("the program {shown} was not found; {remedy}"))
        }
        io::ErrorKind::PermissionDenied => Problem::new(
            FailureKind::Unsupported,
            format!("the program {shown} may not be run by this user; {remedy}"),
        ),
        _ => Problem::new(FailureKind::Refused, format!("the program {shown} could not be started: {error}")),
    }
}

/// Says that a program was killed at its deadline.
pub(in crate::sources) fn too_slow(program: &str, deadline: Duration) -> Problem {
    let seconds = deadline.as_secs_f64();
    let reason = format!(
        "{program} had not ended after {seconds} s and was stopped; see whether the repository answers, or raise \
         `deadline`"
    );
    Problem::new(FailureKind::TimedOut, reason)
}
