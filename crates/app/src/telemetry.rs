//! Where does the program say what it is doing? On standard error, never with a secret, never on standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Which messages are shown, in the syntax of tracing's filters: `info`, `lastgood=debug`.
pub const VARIABLE: &str = "LASTGOOD_LOG";

/// Starts logging to standard error: warnings, with `verbose` 1 progress too, with 2 details, with 3 and more all there
/// is, unless [`VARIABLE`] says otherwise.
pub fn start(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        3.. => "trace",
    };
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
