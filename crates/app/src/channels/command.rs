//! How is a program on this machine told?
//!
//! It is started with the arguments of the settings, and nothing of the message among them: everybody on the machine can
//! read arguments, and a message must not become an option. No shell. The message comes as JSON on standard input and in
//! variables. Its exit code says what became of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood_core::id::Escaped;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::settings::Mistakes;
use super::words::Words;
use super::{
    Channel, ChannelConfig, ChannelError, Entry, FailureKind, Key, Message, OpenError, Receipt, advice,
    place, places,
};
use crate::program::{self, Call, End, Spoken};

/// The channel `command`.
pub static ENTRY: Entry = Entry {
    kind: "command",
    about: "runs a program on this machine, without a shell",
    address: "any name; the program finds it as LASTGOOD_TO and as `to`",
    schema: || schemars::schema_for!(RawCommand),
    open,
};

/// How long a program may run where the settings do not say.
const DEADLINE: Duration = Duration::from_secs(30);

/// The most a program may write to its output, in bytes: nobody reads more than its last lines.
const STDOUT_MAX_BYTES: usize = 1024 * 1024;

/// `EX_DATAERR`, `EX_NOUSER` and `EX_NOHOST` of sysexits.h: only who names one of these means that it will never do. 1 is
/// what every program ends with that met any trouble, most of which passes.
const GIVE_UP: [i32; 3] = [65, 67, 68];

/// `EX_TEMPFAIL` of sysexits.h: try again later.
const AGAIN_LATER: i32 = 75;

/// `EX_NOPERM` of sysexits.h: it may not.
const MAY_NOT: i32 = 77;

/// `EX_CONFIG` of sysexits.h: its settings are wrong.
const WRONG_SETTINGS: i32 = 78;

/// What every program is given of our environment. Anything else may be a secret of somebody else.
const HANDED_ON: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "TZ"];

/// Runs a program on this machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Command")]
struct RawCommand {
    /// The program and its arguments, as they are: no shell reads them, and nothing is put in. Never a secret:
    /// everybody on the machine can read them. Required.
    #[schemars(example = &["/usr/local/bin/page", "--team", "backup"])]
    command: Option<Vec<String>>,
    /// Variables of our own environment that the program is given beside PATH, HOME, USER, LOGNAME, TMPDIR, LANG and
    /// TZ. Their values are redacted in everything it says. Unset: none.
    #[schemars(example = &["PAGER_TOKEN"])]
    environment: Vec<String>,
    /// How long the program may run, from 1s to 10min; then it and all it started are killed. Unset: 30s.
    #[schemars(example = &"10s")]
    deadline: Option<String>,
}

/// A program that takes our messages.
struct Command {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    deadline: Duration,
    places: Semaphore,
    words: Words,
}

impl Channel for Command {
    fn send<'a>(
        &'a self,
        message: &'a Message,
        _at: Timestamp,
    ) -> BoxFuture<'a, Result<Receipt, ChannelError>> {
        Box::pin(async move {
            message.check()?;
            let _place = place(&self.places).await;
            self.run(message).await
        })
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Command {
    async fn run(&self, message: &Message) -> Result<Receipt, ChannelError> {
        let input = message.document().to_string();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut environment = self.environment.clone();
        environment.extend(variables(message));
        let call = Call {
            program: &self.program,
            arguments: &arguments,
            environment,
            input: input.as_bytes(),
            stdout_max_bytes: STDOUT_MAX_BYTES,
        };
        let deadline = pin!(tokio::time::sleep(self.deadline));
        let spoken = program::run(call, deadline).await.map_err(|error| self.not_started(&error))?;
        self.read(&spoken)
    }

    fn read(&self, spoken: &Spoken) -> Result<Receipt, ChannelError> {
        let said = self.words.said_last(&spoken.stderr);
        let said = if said.is_empty() { said } else { format!(": \"{said}\"") };
        let (kind, what) = match spoken.end {
            End::Code(0) => {
                let output = String::from_utf8_lossy(&spoken.stdout);
                return Ok(Receipt { answer: self.words.said_last(&output) });
            }
            End::Code(AGAIN_LATER) => {
                (FailureKind::RateLimited, "ended with 75, which asks to try again later".to_owned())
            }
            End::Code(MAY_NOT) => {
                (FailureKind::Denied, "ended with 77, which says that it may not".to_owned())
            }
            End::Code(WRONG_SETTINGS) => {
                (FailureKind::Unsupported, "ended with 78, which says that its settings are wrong".to_owned())
            }
            End::Code(code) if GIVE_UP.contains(&code) => {
                (FailureKind::Refused, format!("ended with {code}, which gives the message up"))
            }
            End::Code(code) => (FailureKind::Malformed, format!("ended with {code}")),
            End::Signal(signal) => (FailureKind::Unreachable, format!("was killed by signal {signal}")),
            End::Deadline => {
                let seconds = self.deadline.as_secs_f64();
                (
                    FailureKind::TimedOut,
                    format!("had not ended after {seconds} s and was stopped with all it started"),
                )
            }
            End::TooMuch => {
                (FailureKind::Malformed, format!("wrote more than {STDOUT_MAX_BYTES} bytes and was stopped"))
            }
        };
        let remedy = match (kind, spoken.end) {
            (FailureKind::Refused, _) => "75 instead would keep it for later",
            (FailureKind::Malformed, End::Code(_)) => "repair what it names; what waits is sent then",
            (FailureKind::Malformed, _) => "see why; what waits is sent then",
            (FailureKind::Unreachable, _) => "see who stopped it; it is started again",
            (FailureKind::Denied, _) => "give it the right it misses; what waits is sent then",
            _ => advice(kind),
        };
        Err(ChannelError::new(kind, format!("the program {} {what}{said}; {remedy}", self.shown())))
    }

    fn not_started(&self, error: &std::io::Error) -> ChannelError {
        let reason = format!("the program {} could not be started: {error}; correct `command`", self.shown());
        ChannelError::new(FailureKind::Unsupported, reason)
    }

    fn shown(&self) -> String {
        Escaped(&self.program.display().to_string()).to_string()
    }
}

/// The message as variables: what fits into a line. The rest stands in the JSON.
fn variables(message: &Message) -> Vec<(OsString, OsString)> {
    let thread = message.thread.as_ref().map_or("", Key::as_str);
    let subject = message.subject_line();
    [
        ("LASTGOOD_KEY", message.key.as_str()),
        ("LASTGOOD_THREAD", thread),
        ("LASTGOOD_TO", message.address.to.as_str()),
        ("LASTGOOD_SUBJECT", subject.as_str()),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec()
}

fn open(config: ChannelConfig) -> Result<Box<dyn Channel>, OpenError> {
    let (folder, ours) = (config.folder.clone(), config.environment.clone());
    let (raw, mut mistakes): (RawCommand, _) = Mistakes::reading(config);
    let deadline = mistakes.deadline(raw.deadline, DEADLINE);
    let command =
        mistakes.required("command", raw.command, "[\"/usr/local/bin/page\", \"--team\", \"backup\"]");
    let command = command.and_then(|command| {
        let is_usable = command.first().is_some_and(|program| !program.is_empty());
        if !is_usable || command.iter().any(|word| word.contains('\0')) {
            mistakes.add("command", "names no program, or holds a NUL; write [\"PROGRAM\", \"ARGUMENT\"]");
            return None;
        }
        Some(command)
    });
    let mut words = Words::new();
    let mut environment = Vec::new();
    for name in HANDED_ON {
        environment.extend(ours.get(name).map(|value| (name.into(), value.to_owned())));
    }
    for name in raw.environment {
        match ours.get(&name) {
            Some(value) if !name.starts_with("LASTGOOD_") => {
                words = words.without_part(&value.to_string_lossy());
                environment.push((name.clone().into(), value.to_owned()));
            }
            Some(_) => mistakes.add("environment", "names a variable of lastgood itself; use another name"),
            None => mistakes.add("environment", format!("names {}, which is not set", Escaped(&name))),
        }
    }
    let channel = command.map(|mut command| {
        let program = located(&folder, &command.remove(0));
        Command { program, arguments: command, environment, deadline, places: places(), words }
    });
    mistakes.check(channel).map(|channel| Box::new(channel) as Box<dyn Channel>)
}

/// A name is looked for in `PATH`; a relative path is one beside the configuration file.
fn located(folder: &Path, program: &str) -> PathBuf {
    if program.contains('/') { folder.join(program) } else { PathBuf::from(program) }
}
