//! What does restic mean by what it wrote to its error output, and what should be done?
//!
//! restic up to 0.16 tells errors apart by their text only; 0.17 and later also by the exit codes 10, 11 and 12. Texts
//! and codes were taken from restic 0.14, the codes also from its documentation.

use lastgood_core::observation::FailureKind;
use serde::Deserialize;

use crate::sources::program::{Problem, Reason};

/// The lines that stand for something gone wrong.
#[derive(Debug)]
pub(super) struct Complaint {
    lines: Vec<String>,
    code: i32,
}

impl Complaint {
    /// Takes the lines of an error output that matter: retries that ended well and a missing cache do not.
    pub(super) fn of(stderr: &str, code: i32) -> Self {
        let matters =
            |line: &&str| !line.is_empty() && !line.starts_with("unable to open cache:") && !is_retry(line);
        // The hint repeats the location, which may read like anything.
        let hint = "Is there a repository at the following location?";
        let lines = stderr.lines().map(str::trim_end).take_while(|line| !line.starts_with(hint));
        let lines = lines.filter(matters).map(plain).collect();
        Self { lines, code }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Says what it means.
    pub(super) fn problem(&self) -> Problem {
        let text = self.lines.join("\n");
        let symptom = by_code(self.code).or_else(|| by_text(&text));
        let fatal = self.lines().find(|line| line.contains("Fatal:"));
        let line = fatal.or_else(|| self.lines().next());
        match (symptom, line) {
            (Some(symptom), Some(line)) => symptom.problem(line),
            (Some(symptom), None) => Problem::new(symptom.kind, symptom.advice),
            (None, Some(line)) => Problem::new(
                FailureKind::Refused,
                Reason::from("restic says ").quoting(line).then("; run restic snapshots by hand to see more"),
            ),
            (None, None) => Problem::new(
                FailureKind::Refused,
                format!(
                    "restic ended with code {} and did not say why; run restic snapshots by hand",
                    self.code
                ),
            ),
        }
    }
}

/// Says what restic was stuck at, by the last line it wrote; `None` if that tells nothing.
pub(super) fn last(stderr: &str) -> Option<Problem> {
    let line = stderr.lines().map(str::trim_end).rfind(|line| !line.is_empty())?;
    let line = plain(line);
    by_text(&line).map(|symptom| symptom.problem(&line))
}

fn is_retry(line: &str) -> bool {
    line.contains("returned error, retrying after")
}

/// restic 0.18 and later can end with an error as JSON: takes the message out of it.
fn plain(line: &str) -> String {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    match serde_json::from_str::<Message>(line) {
        Ok(Message { message }) => message,
        Err(_) => line.to_owned(),
    }
}

/// What a text means.
#[derive(Debug)]
struct Symptom {
    any_of: &'static [&'static str],
    kind: FailureKind,
    advice: &'static str,
}

impl Symptom {
    fn problem(&self, line: &str) -> Problem {
        if self.any_of.contains(&"wrong password") {
            // restic only says the same once more, and a password may be a word of what everybody knows it says.
            return Problem::new(self.kind, self.advice);
        }
        Problem::new(self.kind, Reason::from(format!("{}; restic says ", self.advice)).quoting(line))
    }
}

fn by_code(code: i32) -> Option<&'static Symptom> {
    match code {
        10 => Some(&NOT_THERE),
        11 => Some(&LOCKED),
        12 => Some(&WRONG_PASSWORD),
        _ => None,
    }
}

fn by_text(text: &str) -> Option<&'static Symptom> {
    let means = |symptom: &&&Symptom| symptom.any_of.iter().any(|part| text.contains(part));
    SYMPTOMS.iter().find(means).copied()
}

/// Every symptom we know; the first that fits decides. `Is there a repository at the following location?` follows every
/// error of a configuration file, also a refused connection: it decides nothing.
static SYMPTOMS: [&Symptom; 17] = [
    &PASSWORD_SOURCE,
    &NO_PASSWORD,
    &OTHER_VERSION,
    &SSH_KEY,
    &PERMISSION,
    &WRONG_PASSWORD,
    &CREDENTIALS,
    &TOO_OFTEN,
    &SERVER_ERROR,
    &NO_OTHER_PROGRAM,
    &LOCKED,
    &NEWER_FORMAT,
    &OTHER_BACKEND,
    &DAMAGED,
    &NETWORK,
    &NOT_THERE,
    &NOT_JSON,
];

static PASSWORD_SOURCE: Symptom = Symptom {
    any_of: &["Resolving password failed"],
    kind: FailureKind::Denied,
    advice: "the password could not be read; check RESTIC_PASSWORD_FILE or RESTIC_PASSWORD_COMMAND, of which only one \
             may be set",
};

static NO_PASSWORD: Symptom = Symptom {
    any_of: &["an empty password is not a password"],
    kind: FailureKind::Denied,
    advice: "the password is empty; set `secret_file` to a file that holds it",
};

static OTHER_VERSION: Symptom = Symptom {
    any_of: &["unknown flag:", "unknown shorthand flag:", "unknown command"],
    kind: FailureKind::Unsupported,
    advice: "this restic does not know what we ask of it; install version 0.14 or later, or set `program`",
};

static SSH_KEY: Symptom = Symptom {
    any_of: &["Permission denied (", "Host key verification failed"],
    kind: FailureKind::Denied,
    advice: "ssh was not let in; give this user a key and the server's entry in known_hosts, and try it with ssh by hand",
};

static PERMISSION: Symptom = Symptom {
    any_of: &["permission denied"],
    kind: FailureKind::Denied,
    advice: "this user may not read the repository; let it read all of it, such as by setfacl -R -m u:USER:rX PATH",
};

static WRONG_PASSWORD: Symptom = Symptom {
    any_of: &["wrong password or no key found", "wrong password"],
    kind: FailureKind::Denied,
    advice: "wrong password; check the one set for this repository (it is one line), and that the folder keys/ of the \
             repository is still there",
};

static CREDENTIALS: Symptom = Symptom {
    any_of: &[
        "unexpected HTTP response (401)",
        "unexpected HTTP response (403)",
        "Access Denied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    ],
    kind: FailureKind::Denied,
    advice: "the storage did not let us in; check its user and password or its keys (RESTIC_REST_USERNAME and \
             RESTIC_REST_PASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
};

static TOO_OFTEN: Symptom = Symptom {
    any_of: &["unexpected HTTP response (429)", "SlowDown"],
    kind: FailureKind::RateLimited,
    advice: "the storage was asked too often; look less often",
};

static SERVER_ERROR: Symptom = Symptom {
    any_of: &["unexpected HTTP response (5"],
    kind: FailureKind::Unreachable,
    advice: "the storage has an error of its own; see its log",
};

static NO_OTHER_PROGRAM: Symptom = Symptom {
    any_of: &["executable file not found"],
    kind: FailureKind::Unsupported,
    advice: "restic needs another program to reach this repository; install it (rclone, openssh-client)",
};

static LOCKED: Symptom = Symptom {
    any_of: &["already locked", "unable to create lock"],
    kind: FailureKind::Refused,
    advice: "the repository is locked, which says nothing about its backups; see who holds the lock, and remove one that \
             nobody holds with restic unlock",
};

static NEWER_FORMAT: Symptom = Symptom {
    any_of: &["unsupported repository version"],
    kind: FailureKind::Unsupported,
    advice: "the repository has a format this restic does not know; install a newer restic, or set `program`",
};

static OTHER_BACKEND: Symptom = Symptom {
    any_of: &["invalid backend"],
    kind: FailureKind::Unsupported,
    advice: "restic does not know this kind of location; write a path that holds a colon as local:PATH",
};

static DAMAGED: Symptom = Symptom {
    any_of: &[
        "config cannot be loaded",
        "is damaged",
        "has zero size",
        "Unmarshal",
        "ciphertext verification failed",
        "error walking snapshot",
        "invalid data returned",
        "could not load snapshot ",
    ],
    kind: FailureKind::Malformed,
    advice: "the repository is damaged; run restic check",
};

static NETWORK: Symptom = Symptom {
    any_of: &[
        "dial tcp",
        "no such host",
        "connection refused",
        "Connection refused",
        "connection reset",
        "network is unreachable",
        "i/o timeout",
        "x509:",
        "tls:",
        "subprocess ssh:",
        "unable to start the sftp session",
        "Could not resolve hostname",
    ],
    kind: FailureKind::Unreachable,
    advice: "the server does not answer; see whether it is up and whether its name, port and certificate are right",
};

static NOT_THERE: Symptom = Symptom {
    any_of: &[
        "no such file or directory",
        "does not exist",
        "not a directory",
        "stale file handle",
        "transport endpoint is not connected",
        "input/output error",
        "unexpected HTTP response (404)",
    ],
    kind: FailureKind::Unreachable,
    advice: "there is no repository at this location; see whether its disk is mounted, whether it was moved, and whether \
             the location is right",
};

static NOT_JSON: Symptom = Symptom {
    any_of: &["invalid character"],
    kind: FailureKind::Malformed,
    advice: "the server does not answer as a restic server does; see whether the URL is right and no login page or proxy \
             stands in between",
};
