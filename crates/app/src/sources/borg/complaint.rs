//! What does borg mean by what it logged, and what should be done?
//!
//! With `--log-json` every error has a message id, which decides: exit codes and texts differ between versions. Ids and
//! texts were taken from borg 1.2.4 and its documentation.

use lastgood_core::observation::FailureKind;
use serde::Deserialize;

use super::base::Base;
use crate::sources::program::{Problem, Reason, Text};

/// Everything borg logged: JSON lines, among them plain text from Python and ssh.
#[derive(Debug)]
pub(super) struct Complaint {
    records: Vec<Record>,
}

/// One line of the log.
#[derive(Debug, Default, Deserialize)]
struct Record {
    #[serde(default)]
    message: Text,
    #[serde(default)]
    levelname: String,
    #[serde(default)]
    msgid: String,
}

/// What a message id means.
struct Meaning {
    kind: FailureKind,
    advice: String,
}

impl Complaint {
    /// Reads an error output.
    pub(super) fn of(stderr: &str) -> Self {
        let lines = stderr.lines().filter(|line| !line.trim().is_empty());
        let record = |line: &str| {
            // A prompt has no line break of its own: the next record follows it in its line.
            let json = line.find("{\"").map_or(line, |start| &line[start..]);
            let plain = || Record { message: Text(line.as_bytes().to_vec()), ..Record::default() };
            serde_json::from_str(json).unwrap_or_else(|_| plain())
        };
        Self { records: lines.map(record).collect() }
    }

    /// True if an error was logged.
    pub(super) fn is_error(&self) -> bool {
        self.records.iter().any(Record::is_error)
    }

    /// Returns the line that says most: the last error with an id, else the first line.
    pub(super) fn line(&self) -> Option<String> {
        let record = self.error().or_else(|| self.records.first())?;
        Some(record.message.lossy().into_owned())
    }

    /// Says what it means.
    pub(super) fn problem(&self, base: Option<&Base>) -> Problem {
        self.known(base).unwrap_or_else(|| match self.line() {
            Some(line) => Problem::new(
                FailureKind::Refused,
                Reason::from("borg says ").quoting(&line).then("; run borg list by hand to see more"),
            ),
            None => {
                Problem::new(FailureKind::Refused, "borg failed and did not say why; run borg list by hand")
            }
        })
    }

    /// Says what it means, if that is known.
    pub(super) fn known(&self, base: Option<&Base>) -> Option<Problem> {
        let Some(error) = self.error() else {
            let usage = self.find("usage: ")?;
            let advice =
                "this borg does not know what we ask of it; install version 1.1 or later, or set `program`";
            let line = self.find("error: ").unwrap_or(usage);
            return Some(Problem::new(
                FailureKind::Unsupported,
                Reason::from(format!("{advice}; borg says ")).quoting(&line),
            ));
        };
        // Over ssh ids come without the name of their class.
        let id = error.msgid.rsplit('.').next().unwrap_or_default();
        let meaning = match id {
            "ConnectionClosedWithHint" | "ConnectionClosed" => Some(self.connection()),
            "Exception" | "Error" => self.exception(),
            _ => by_id(id, &error.message.lossy(), base),
        }?;
        if id == "PassphraseWrong" {
            // borg only says the same once more, and a passphrase may be a word of what everybody knows it says.
            return Some(Problem::new(meaning.kind, meaning.advice));
        }
        let line = self.find("Remote: ").filter(|_| id.starts_with("Connection"));
        let line = line.unwrap_or_else(|| error.message.lossy().into_owned());
        let reason = Reason::from(format!("{}; borg says ", meaning.advice)).quoting(&line);
        Some(Problem::new(meaning.kind, reason))
    }

    /// The last error with an id: a traceback without one may follow.
    fn error(&self) -> Option<&Record> {
        self.records.iter().rfind(|record| record.is_error() && !record.msgid.is_empty())
    }

    /// The first line of any message that holds `part`.
    fn find(&self, part: &str) -> Option<String> {
        self.records.iter().find_map(|record| {
            let message = record.message.lossy();
            message.lines().find(|line| line.contains(part)).map(str::to_owned)
        })
    }

    fn says_any_of(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.records.iter().any(|record| record.message.lossy().contains(part)))
    }

    /// Why the other side hung up.
    fn connection(&self) -> Meaning {
        if self.says_any_of(&["Permission denied", "Host key verification failed"]) {
            return meaning(
                FailureKind::Denied,
                "ssh was not let in; give this user a key and the server's entry in known_hosts, and try it with ssh by \
                 hand",
            );
        }
        meaning(
            FailureKind::Unreachable,
            "the server does not answer, or has no borg; see whether it is up, its name is right and borg is installed \
             there (BORG_REMOTE_PATH)",
        )
    }

    /// What a Python exception without an id of its own means. Damage first: who may only read cannot repair it either.
    fn exception(&self) -> Option<Meaning> {
        if self.says_any_of(&["index missing or corrupted"]) {
            return Some(damaged());
        }
        if self.says_any_of(&["MissingSectionHeaderError"]) {
            return Some(meaning(
                FailureKind::Malformed,
                "the configuration of the repository is not one of borg; see whether this is a borg repository at all, \
                 then run borg check",
            ));
        }
        if self.says_any_of(&["UnicodeEncodeError"]) {
            return Some(meaning(
                FailureKind::Unsupported,
                "borg cannot take this location; reach it by a path in UTF-8",
            ));
        }
        if self.says_any_of(&["PermissionError", "[Errno 13]"]) {
            return Some(not_readable());
        }
        if self.says_any_of(&["No such file or directory: 'ssh'", "/ssh'"]) {
            return Some(meaning(
                FailureKind::Unsupported,
                "borg needs ssh to reach this repository; install the Debian package openssh-client",
            ));
        }
        self.says_any_of(&["TypeError", "ValueError", "KeyError", "binascii.Error"]).then(damaged)
    }
}

impl Record {
    fn is_error(&self) -> bool {
        matches!(self.levelname.as_str(), "ERROR" | "CRITICAL")
    }
}

fn meaning(kind: FailureKind, advice: impl Into<String>) -> Meaning {
    Meaning { kind, advice: advice.into() }
}

fn damaged() -> Meaning {
    meaning(FailureKind::Malformed, "the repository is damaged; run borg check")
}

fn not_readable() -> Meaning {
    meaning(
        FailureKind::Denied,
        "this user may not read the repository; let it read all of it, such as by setfacl -R -m u:USER:rX PATH",
    )
}

/// What a message id means, without its class; `None` for one we do not know.
fn by_id(id: &str, message: &str, base: Option<&Base>) -> Option<Meaning> {
    by_secret(id).or_else(|| by_state(id, message)).or_else(|| by_history(id, base))
}

/// Ids about passphrases and keys.
fn by_secret(id: &str) -> Option<Meaning> {
    use FailureKind::{Denied, Malformed};
    let (kind, advice) = match id {
        "PassphraseWrong" => {
            (Denied, "wrong passphrase; check the one set for this repository (it is one line)")
        }
        "NoPassphraseFailure" => (
            Denied,
            "no passphrase is set for this repository; set `secret_file` or `secret_env`, or for a SOURCE on the command \
             line BORG_PASSPHRASE_FILE, BORG_PASSPHRASE or BORG_PASSCOMMAND",
        ),
        "PasscommandFailure" => (Denied, "the passphrase could not be read; check BORG_PASSCOMMAND"),
        "KeyfileNotFoundError" => (
            Denied,
            "the key file of the repository was not found; set BORG_KEY_FILE or BORG_KEYS_DIR to where it is",
        ),
        "RepoKeyNotFoundError" | "KeyfileInvalidError" | "KeyfileMismatchError" | "RepoKeyInvalidError" => {
            (Malformed, "the key of the repository is missing or damaged; bring it back with borg key import")
        }
        _ => return None,
    };
    Some(meaning(kind, advice))
}

/// Ids about the state of the repository and the way to it.
fn by_state(id: &str, message: &str) -> Option<Meaning> {
    use FailureKind::{Denied, Refused, Unreachable};
    let found = match id {
        "DoesNotExist" | "InvalidRepository" | "ParentPathDoesNotExist" => meaning(
            Unreachable,
            "there is no repository at this location; see whether its disk is mounted, whether it was moved, and whether \
             the location is right",
        ),
        "InvalidRepositoryConfig" if message.contains("not supported by this borg") => newer_format(),
        "MandatoryFeatureUnsupported"
        | "UnsupportedManifestError"
        | "UnsupportedPayloadError"
        | "AtticRepository"
        | "RPCServerOutdated"
        | "InvalidRPCMethod" => newer_format(),
        "InvalidRepositoryConfig"
        | "IntegrityError"
        | "CheckNeeded"
        | "ObjectNotFound"
        | "NoManifestError"
        | "UnexpectedRPCDataFormatFromServer"
        | "DecompressionError" => damaged(),
        "PathPermissionDenied" => not_readable(),
        "LockFailed" => meaning(Denied, "borg could not make a lock where it may not write; see that it may"),
        "PathNotAllowed" => meaning(
            Denied,
            "the server does not let this user to that path; check `borg serve --restrict-to-path` there",
        ),
        "LockTimeout" | "LockError" | "LockErrorT" | "NotLocked" | "NotMyLock" => meaning(
            Refused,
            "a lock did not go away, which says nothing about the backups; see who holds it, and remove one that nobody \
             holds with borg break-lock",
        ),
        _ => return None,
    };
    Some(found)
}

/// Ids about what borg remembers of the last look: we never agree to anything in the operator's name.
fn by_history(id: &str, base: Option<&Base>) -> Option<Meaning> {
    let folder = base.map_or_else(String::new, |base| base.folder.display().to_string());
    let advice = match id {
        "RepositoryAccessAborted" => format!(
            "the repository was moved here from another place since the last look; if that is meant, remove {folder}"
        ),
        "CacheInitAbortedError" => format!(
            "the repository is not encrypted and was not seen before; if that is meant, agree to it once: \
             BORG_BASE_DIR={folder} BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes borg --bypass-lock info REPOSITORY"
        ),
        "RepositoryReplay" | "EncryptionMethodMismatch" => format!(
            "the repository is an older state or another one than at the last look; find out why before you trust it; if \
             it is meant, remove {folder}"
        ),
        _ => return None,
    };
    Some(meaning(FailureKind::Refused, advice))
}

fn newer_format() -> Meaning {
    meaning(
        FailureKind::Unsupported,
        "this borg does not know the format of the repository; install the borg it was made with, or set `program`",
    )
}
