//! When did each host last back each of its sets of paths up to a restic repository?
//!
//! Runs the real restic, read-only and without locks. It sees that a backup was made, not that it can be restored.
//! What restic wrote is read in `parse.rs`; which complaint means what stands in `complaint.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::checks::{behind_local, never_used, quota, visibility};
use lastgood_core::kind::{Kind, SourceKind, SubjectType};
use lastgood_core::observation::{Collection, FailureKind, Place};
use tokio::time::Sleep;

use super::program::{Problem, Redaction, Repository, STDOUT_MAX_BYTES, not_started};
use super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};
use crate::program::{self, Call, Environment, Spoken};
use crate::secret::Secret;

mod answer;
mod complaint;
mod parse;

/// A restic repository.
pub static REPOSITORY: Kind = Kind {
    id: "restic-repository",
    subject: SubjectType::Repository,
    checks: &[quota::ID, never_used::ID, visibility::ID],
    defaults: &[],
};

/// What one host backs up together: its name and a set of paths.
pub static PATHS: Kind =
    Kind { id: "restic-paths", subject: SubjectType::Asset, checks: &[behind_local::ID], defaults: &[] };

/// The kind of source.
pub static KIND: SourceKind = SourceKind { id: "restic", kinds: &[&REPOSITORY, &PATHS] };

/// How it is configured and opened.
pub static ENTRY: Entry = Entry {
    kind: &KIND,
    location: "a restic repository, as restic takes it",
    about: "one restic repository through the program restic, read-only and without locks",
    example: "restic:/srv/backup/web1",
    keys: &["secret_file", "secret_env", "capacity", "program", "deadline", "stats_interval"],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: Some("RESTIC_PASSWORD"),
    open: |config| open_in(config, &Environment::of_this_program()),
};

/// The Debian package that brings the program.
const PACKAGE: &str = "restic";

/// The folder that holds a file for each lock.
const LOCKS: &str = "locks";

/// Where restic takes the password from, one of them.
const PASSWORD_VARIABLES: [&str; 3] = ["RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"];

/// What else of an operator's own restic settings is handed on: how to reach a storage, never which repository.
const HANDED_ON: [&str; 11] = [
    "RESTIC_PASSWORD",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_PASSWORD_COMMAND",
    "RESTIC_KEY_HINT",
    "RESTIC_REST_USERNAME",
    "RESTIC_REST_PASSWORD",
    "RESTIC_CACERT",
    "RESTIC_TLS_CLIENT_CERT",
    "RESTIC_AWS_ASSUME_ROLE_ARN",
    "RESTIC_AWS_ASSUME_ROLE_SESSION_NAME",
    "RESTIC_AWS_ASSUME_ROLE_EXTERNAL_ID",
];

/// Flags that any version knows, newer ones would be refused by older versions. No cache: a warm one hides that files
/// of the repository are damaged.
const SNAPSHOTS: [&str; 4] = ["--no-lock", "--no-cache", "--json", "snapshots"];

/// The size of what is stored; restic reads the trees of all snapshots for it.
const STATS: [&str; 6] = ["--no-lock", "--no-cache", "--json", "stats", "--mode", "raw-data"];

/// Opens a source whose program runs in `environment` instead of the one this program was started in.
pub fn open_in(config: SourceConfig, environment: &Environment) -> Result<Box<dyn Source>, OpenError> {
    let secret = config.secret.as_ref().map(crate::secret::SecretFrom::read).transpose()?;
    let known = secret.as_ref().map(Secret::expose);
    let password = known.or_else(|| environment.get("RESTIC_PASSWORD")?.to_str());
    let redaction = Redaction::new(password, &config.location, environment);
    let repository = Repository::new(&config, (&REPOSITORY, LOCKS), redaction)?;
    let has_password =
        secret.is_some() || PASSWORD_VARIABLES.iter().any(|name| environment.get(name).is_some());
    let mut variables = environment.for_program(&HANDED_ON);
    variables.insert("RESTIC_REPOSITORY".into(), config.location.into());
    if let Some(secret) = &secret {
        // A password file wins over a password inside restic: only one of them may be there.
        for name in PASSWORD_VARIABLES {
            variables.remove(&OsString::from(name));
        }
        variables.insert("RESTIC_PASSWORD".into(), secret.expose().into());
    }
    let program = config.program.unwrap_or_else(|| PathBuf::from("restic"));
    Ok(Box::new(Restic { repository, program, variables, has_password, deadline: config.deadline }))
}

/// An opened source.
struct Restic {
    repository: Repository,
    program: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    has_password: bool,
    deadline: Duration,
}

impl Source for Restic {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        self.look_once(at, keep).boxed()
    }

    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move {
            let deadline = pin!(tokio::time::sleep(self.deadline));
            let spoken = self.list(deadline).await.map_err(|problem| self.failed(problem))?;
            // The list is read only to tell an answer from a failure; every instant will do.
            answer::snapshots(&spoken, Timestamp::UNIX_EPOCH, self.deadline)
                .map_err(|problem| self.failed(problem))?;
            Ok(out.write_all(&self.repository.redacted_bytes(&spoken.stdout))?)
        }
        .boxed()
    }
}

impl Restic {
    fn failed(&self, problem: Problem) -> RawError {
        RawError::Look(self.repository.failure(Place::source(), problem))
    }

    /// Lists the snapshots; then, if it is due and time is left, takes the size. Both share one deadline, and a size that
    /// could not be taken never fails the look.
    async fn look_once(&self, at: Timestamp, keep: Keep) -> Collection {
        let mut deadline = pin!(tokio::time::sleep(self.deadline));
        let spoken = self.list(deadline.as_mut()).await;
        let listed = spoken.and_then(|spoken| answer::snapshots(&spoken, at, self.deadline));
        let (snapshots, not_read) = match listed {
            Ok(listed) => listed,
            Err(problem) => return self.repository.not_seen(at, problem),
        };
        let size = if self.repository.size_is_due(at) { Some(self.size(deadline).await) } else { None };
        let mut listed = snapshots.listed(keep, not_read);
        listed.evidence.extend(self.repository.lock(keep).await);
        self.repository.seen(at, keep, listed, size)
    }

    async fn list(&self, deadline: Pin<&mut Sleep>) -> Result<Spoken, Problem> {
        if !self.has_password {
            // Without one restic would take the empty line it is given for the password.
            let reason = "no password is set for this repository; set `secret_file` or `secret_env`, or for a SOURCE on \
                          the command line RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or RESTIC_PASSWORD_COMMAND";
            return Err(Problem::new(FailureKind::Denied, reason));
        }
        self.run(&SNAPSHOTS, deadline).await
    }

    async fn size(&self, deadline: Pin<&mut Sleep>) -> Result<u64, Problem> {
        let spoken = self.run(&STATS, deadline).await?;
        answer::size(&spoken, self.deadline)
    }

    /// Runs restic. What it complained about may hold a secret until it is taken out of what is handed on.
    async fn run(&self, arguments: &[&str], deadline: Pin<&mut Sleep>) -> Result<Spoken, Problem> {
        let environment = self.variables.clone().into_iter().collect();
        let program = &self.program;
        let call = Call { program, arguments, environment, input: b"", stdout_max_bytes: STDOUT_MAX_BYTES };
        let spoken = program::run(call, deadline).await;
        spoken.map_err(|error| not_started(program, PACKAGE, &error))
    }
}

#[cfg(test)]
mod tests;
