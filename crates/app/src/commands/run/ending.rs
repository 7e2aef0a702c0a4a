//! How did a command end, and how is that said?
//!
//! As a shell says it. It does not know what ran.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// What shells say of a command that is not there.
const NOT_FOUND: u8 = 127;
/// What shells say of a command that cannot be started.
const NOT_STARTED: u8 = 126;
/// What shells add to the number of the signal that ended a command.
const BY_SIGNAL: i32 = 128;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// The exit code of a shell that ran it.
    pub(super) code: u8,
    /// The same for people.
    pub(super) words: String,
}

impl Ending {
    /// One that ran.
    pub(super) fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self { code: byte(code), words: format!("exit status {}", byte(code)) },
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                let named = name(signal).map_or_else(String::new, |name| format!(" ({name})"));
                Self { code: byte(BY_SIGNAL + signal), words: format!("ended by signal {signal}{named}") }
            }
        }
    }

    /// One that never ran.
    pub(super) fn not_started(error: &io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
        Self { code, words: format!("could not be started: {error}") }
    }

    /// One of which the system does not say how it ended.
    pub(super) fn not_known(error: &io::Error) -> Self {
        Self { code: NOT_STARTED, words: format!("could not be waited for: {error}") }
    }
}

/// Exit codes are bytes on every system we run on.
fn byte(code: i32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}

/// The signals that end commands in practice.
const fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        6 => "ABRT",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        15 => "TERM",
        _ => return None,
    })
}

/// Says how long something took: `0.5 s`, `2 min 5 s`, `3 h 0 min 12 s`.
pub(super) fn length(took: Duration) -> String {
    let seconds = took.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}.{} s", took.subsec_millis() / 100),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min {rest} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_has_the_code_a_shell_would_give() {
        let of = |raw: i32| Ending::of(ExitStatus::from_raw(raw));
        assert_eq!(of(0), Ending { code: 0, words: "exit status 0".to_owned() });
        assert_eq!(of(255 << 8), Ending { code: 255, words: "exit status 255".to_owned() });
        assert_eq!(of(9), Ending { code: 137, words: "ended by signal 9 (KILL)".to_owned() });
        assert_eq!(of(34), Ending { code: 162, words: "ended by signal 34".to_owned() });
        assert_eq!(Ending::not_started(&io::ErrorKind::NotFound.into()).code, 127);
        assert_eq!(Ending::not_started(&io::ErrorKind::PermissionDenied.into()).code, 126);
    }

    #[test]
    fn a_length_is_said_in_the_units_people_use() {
        let said = |millis: u64| length(Duration::from_millis(millis));
        assert_eq!(said(0), "0.0 s");
        assert_eq!(said(59_999), "59.9 s");
        assert_eq!(said(60_000), "1 min 0 s");
        assert_eq!(said(3_600_000 + 61_000), "1 h 1 min 1 s");
    }
}
