//! Where does the program say what it is doing? On standard error, never with a secret, never on standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Which messages are shown, in the syntax of tracing's filters: `info`, `lastgood=debug`.
pub const VARIABLE: &str = "LASTGOOD_LOG";

/// Starts logging to standard error: warnings, and with `verbose` progress too, unless [`VARIABLE`] says otherwise.
pub fn start(verbose: bool) {
    let default = if verbose { "info" } else { "warn" };
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let parsed = EnvFilter::try_new(if wanted.is_empty() { default } else { &wanted });
    let wrong = parsed.is_err();
    let filter = parsed.unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false);
    // A second start in one process (tests) keeps the first.
    let _ = subscriber.try_init();
    if wrong {
        tracing::warn!(
            "{VARIABLE} cannot be read and is ignored; write for example {VARIABLE}=lastgood=debug"
        );
    }
}
