//! Which signals are passed on to the command?
//!
//! Those that ask for an end, and those that many programs answer with a report. It does not know what became of them.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// HUP, INT, QUIT, USR1, USR2, TERM.
const PASSED_ON: [fn() -> SignalKind; 6] = [
    SignalKind::hangup,
    SignalKind::interrupt,
    SignalKind::quit,
    SignalKind::user_defined1,
    SignalKind::user_defined2,
    SignalKind::terminate,
];

/// How many signals wait at most; more say nothing new.
const QUEUE_MAX: usize = 16;

/// Signals that came to us.
#[derive(Debug)]
pub(super) struct Signals(mpsc::Receiver<SignalKind>);

impl Signals {
    /// Takes signals from here on: they do not end this program any more. Those it was started to ignore (`nohup`) stay
    /// ignored, by the command too.
    pub(super) fn listen() -> Self {
        let ignored = ignored();
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        for kind in PASSED_ON.map(|kind| kind()) {
            // One that cannot be taken does to us what it always did.
            let Ok(mut signal) = signal_unless(ignored, kind) else { continue };
            let sender = sender.clone();
            tokio::spawn(async move {
                while signal.recv().await.is_some() {
                    // If so many wait, the command is asked already.
                    let _ = sender.try_send(kind);
                }
            });
        }
        Self(receiver)
    }

    /// Waits for a signal that is for the command and did not reach it.
    pub(super) async fn next(&mut self) -> SignalKind {
        loop {
            match self.0.recv().await {
                Some(kind) if is_of_keyboard(kind) && is_in_foreground() => {}
                Some(kind) => return kind,
                None => std::future::pending().await,
            }
        }
    }
}

fn signal_unless(ignored: u64, kind: SignalKind) -> std::io::Result<tokio::signal::unix::Signal> {
    let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(u32::MAX);
    if ignored.checked_shr(bit).is_some_and(|mask| mask & 1 == 1) {
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    signal(kind)
}

/// Which signals this program was started to ignore, signal 1 in the lowest bit; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

/// True for what a key of a terminal sends: to everything that runs in its foreground, so to the command too.
fn is_of_keyboard(kind: SignalKind) -> bool {
    kind == SignalKind::interrupt() || kind == SignalKind::quit()
}

/// True if this program runs in the foreground of a terminal.
fn is_in_foreground() -> bool {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    foreground(&stat).unwrap_or(false)
}

/// Reads proc(5)'s `stat`: the name of the program ends with the last bracket; behind it stand state, parent, group,
/// session, terminal and the group in the foreground of that.
fn foreground(stat: &str) -> Option<bool> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(2);
    let (group, _session, terminal, in_front) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(terminal != "0" && group == in_front)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_in_front_of_its_terminal_is_in_the_foreground() {
        assert_eq!(foreground("12 (lastgood) S 1 12 10 34816 12 4194304"), Some(true));
        assert_eq!(foreground("12 (last) good) S 1 12 10 34816 13 4194304"), Some(false));
        assert_eq!(foreground("12 (lastgood) S 1 12 12 0 -1 4194304"), Some(false));
        assert_eq!(foreground("12 (lastgood) S 1"), None);
        assert_eq!(foreground(""), None);
    }
}
