//! When was the newest archive of each series in a borg repository made?
//!
//! Runs the real borg, read-only and without locks, with a folder of its own for what borg remembers: never the
//! operator's. What borg wrote is read in `parse.rs`, which complaint means what stands in `complaint.rs`, what is the
//! date in an archive's name in `name.rs`, what the clock in `time_of_day.rs`.

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
use lastgood_core::observation::{Collection, Place};
use tokio::time::Sleep;

use self::base::Base;
use super::program::{Problem, Redaction, Repository, STDOUT_MAX_BYTES, not_started};
use super::{Entry, Keep, OpenError, RawError, Source, SourceConfig};
use crate::program::{self, Call, Environment, Spoken};
use crate::secret::Secret;

mod answer;
mod base;
mod complaint;
mod name;
mod parse;
mod time_of_day;

/// A borg repository.
pub static REPOSITORY: Kind = Kind {
    id: "borg-repository",
    subject: SubjectType::Repository,
    checks: &[quota::ID, never_used::ID, visibility::ID],
    defaults: &[],
};

/// Archives whose names differ by their date only.
pub static SERIES: Kind =
    Kind { id: "borg-series", subject: SubjectType::Asset, checks: &[behind_local::ID], defaults: &[] };

/// The kind of source.
pub static KIND: SourceKind = SourceKind { id: "borg", kinds: &[&REPOSITORY, &SERIES] };

/// How it is configured and opened.
pub static ENTRY: Entry = Entry {
    kind: &KIND,
    location: "a borg repository, as borg takes it, without `::`",
    about: "one borg repository through the program borg, read-only and without locks",
    example: "borg:/srv/backup/web1",
    keys: &["secret_file", "secret_env", "capacity", "program", "deadline", "stats_interval"],
    pushes: false,
    deadline: Duration::from_mins(2),
    secret_variable: Some("BORG_PASSPHRASE"),
    open: |config| open_in(config, &Environment::of_this_program()),
};

/// The Debian package that brings the program.
const PACKAGE: &str = "borgbackup";

/// The folder that is there while a repository is locked, with who holds it.
const LOCKS: &str = "lock.exclusive";

/// Where borg takes the passphrase from.
const PASSPHRASE_VARIABLES: [&str; 2] = ["BORG_PASSPHRASE", "BORG_PASSCOMMAND"];

/// What of an operator's own borg settings is handed on: how to get in and how to reach a server, never which
/// repository, and no consent to anything.
const HANDED_ON: [&str; 5] =
    ["BORG_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_KEY_FILE", "BORG_RSH", "BORG_REMOTE_PATH"];

/// An ssh that never asks and notices a dead server, unless the operator named another one.
const SSH: &str = "ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15";

/// Two looks at one source wait for each other's lock on the folder of the source, in seconds.
const LOCK_WAIT: &str = "20";

const LIST: [&str; 6] = ["--bypass-lock", "--log-json", "--lock-wait", LOCK_WAIT, "list", "--json"];

/// The size of what is stored; borg reads its index of all chunks for it.
const INFO: [&str; 6] = ["--bypass-lock", "--log-json", "--lock-wait", LOCK_WAIT, "info", "--json"];

/// Opens a source whose program runs in `environment` instead of the one this program was started in.
pub fn open_in(config: SourceConfig, environment: &Environment) -> Result<Box<dyn Source>, OpenError> {
    if config.location.contains("::") {
        let why = "it names an archive; write the repository only, without `::` and what follows".to_owned();
        return Err(OpenError::Location { source_id: config.id, why });
    }
    let secret = config.secret.as_ref().map(crate::secret::SecretFrom::read).transpose()?;
    let known = secret.as_ref().map(Secret::expose);
    let passphrase = known.or_else(|| environment.get("BORG_PASSPHRASE")?.to_str());
    let redaction = Redaction::new(passphrase, &config.location, environment);
    let repository = Repository::new(&config, (&REPOSITORY, LOCKS), redaction)?;
    let base = Base::of(&config.id, &config.location, environment);
    let mut variables = environment.for_program(&HANDED_ON);
    let mut set = |name: &str, value: OsString| variables.insert(name.into(), value);
    if let Some(secret) = &secret {
        set("BORG_PASSPHRASE", secret.expose().into());
    }
    set("BORG_REPO", config.location.into());
    set("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "no".into());
    set("BORG_RELOCATED_REPO_ACCESS_IS_OK", "no".into());
    // Version 1.4 and later have other codes; the message ids decide in any case.
    set("BORG_EXIT_CODES", "legacy".into());
    if environment.get("BORG_RSH").is_none() {
        set("BORG_RSH", SSH.into());
    }
    if let Some(base) = &base {
        set("BORG_BASE_DIR", base.folder.clone().into());
    }
    if let Some(keys) = base::keys_folder(environment) {
        set("BORG_KEYS_DIR", keys.into());
    }
    if secret.is_some() {
        variables.remove(&OsString::from(PASSPHRASE_VARIABLES[1]));
    }
    let program = config.program.unwrap_or_else(|| PathBuf::from("borg"));
    Ok(Box::new(Borg { repository, program, variables, base, deadline: config.deadline }))
}

/// An opened source.
struct Borg {
    repository: Repository,
    program: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    base: Option<Base>,
    deadline: Duration,
}

impl Source for Borg {
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection> {
        self.look_once(at, keep).boxed()
    }

    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>> {
        async move {
            let deadline = pin!(tokio::time::sleep(self.deadline));
            let spoken = self.run(&LIST, deadline).await.map_err(|problem| self.failed(problem))?;
            // The list is read only to tell an answer from a failure; every instant will do.
            answer::archives(&spoken, Timestamp::UNIX_EPOCH, self.asking())
                .map_err(|problem| self.failed(problem))?;
            Ok(out.write_all(&self.repository.redacted_bytes(&spoken.stdout))?)
        }
        .boxed()
    }
}

impl Borg {
    fn failed(&self, problem: Problem) -> RawError {
        RawError::Look(self.repository.failure(Place::source(), problem))
    }

    /// Lists the archives; then, if it is due and time is left, takes the size. Both share one deadline, and a size that
    /// could not be taken never fails the look.
    async fn look_once(&self, at: Timestamp, keep: Keep) -> Collection {
        let mut deadline = pin!(tokio::time::sleep(self.deadline));
        let spoken = self.run(&LIST, deadline.as_mut()).await;
        let listed = spoken.and_then(|spoken| answer::archives(&spoken, at, self.asking()));
        let (archives, remarks) = match listed {
            Ok(listed) => listed,
            Err(problem) => return self.repository.not_seen(at, problem),
        };
        let size = if self.repository.size_is_due(at) { Some(self.size(deadline).await) } else { None };
        let mut listed = archives.listed(keep, remarks);
        listed.evidence.extend(self.repository.lock(keep).await);
        self.repository.seen(at, keep, listed, size)
    }

    async fn size(&self, deadline: Pin<&mut Sleep>) -> Result<u64, Problem> {
        let spoken = self.run(&INFO, deadline).await?;
        answer::size(&spoken, self.asking())
    }

    /// Runs borg. What it complained about may hold a secret until it is taken out of what is handed on.
    async fn run(&self, arguments: &[&str], deadline: Pin<&mut Sleep>) -> Result<Spoken, Problem> {
        base::ready(self.base.as_ref())?;
        let environment = self.variables.clone().into_iter().collect();
        let program = &self.program;
        let call = Call { program, arguments, environment, input: b"", stdout_max_bytes: STDOUT_MAX_BYTES };
        let spoken = program::run(call, deadline).await;
        spoken.map_err(|error| not_started(program, PACKAGE, &error))
    }

    fn asking(&self) -> answer::Asking<'_> {
        answer::Asking { deadline: self.deadline, base: self.base.as_ref() }
    }
}

#[cfg(test)]
mod tests;
