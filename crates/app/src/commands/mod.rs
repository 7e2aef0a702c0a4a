//! Which commands are there, and how does each end? One file per command; this one parses and dispatches.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::Exit;
use crate::telemetry;

mod account_size;
mod bot;
mod check;
mod completions;
mod config;
mod db;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod grafolean;
mod incidents;
mod looking;
mod man;
mod notify;
mod output;
mod ping_key;
mod publish;
mod pushing;
mod raw;
mod recipients;
mod remembered;
mod run;
mod serve;
mod silence;
mod subjects;
mod summary;
mod telling;

/// What stands below every `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0  all ok
  1  something is bad
  2  nothing is bad, but something is unknown or could not be read
  3  the configuration or the command line is wrong
  4  lastgood itself failed";

/// What stands below that where there is such a format.
const NAGIOS_CODES: &str = "  With --format nagios: 0 ok, 2 critical (bad), 3 unknown.";

const EXAMPLES: &str = "\
Examples:
  lastgood demo                                      a simulated fleet, watched for a minute
  lastgood summary datto-xml:status.xml              a saved status document
  LASTGOOD_DATTO_XML_KEY=… lastgood check 'datto-xml:https://portal.dattobackup.com/external/api/xml/status/{key}'
  RESTIC_PASSWORD_FILE=pw lastgood check restic:/srv/restic
  lastgood check --only bad                          every source of /etc/lastgood/config.toml";

/// What stands below the long help of a command that has examples.
fn with_exit_codes(examples: &str) -> String {
    format!("{examples}\n\n{EXIT_CODES}")
}

/// What stands below the long help of a command that can be a plugin.
fn plugin_codes() -> String {
    format!("{EXIT_CODES}\n{NAGIOS_CODES}")
}

/// When was the last good backup of everything, and is that good enough?
#[derive(Debug, Parser)]
#[command(name = "lastgood", version, about, after_help = EXAMPLES, after_long_help = with_exit_codes(EXAMPLES) + "\n" + NAGIOS_CODES)]
struct CommandLine {
    /// Say on standard error what is being done; -vv and -vvv say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at sources and print every verdict
    #[command(after_long_help = plugin_codes())]
    Check(check::Arguments),
    /// Look at sources and print the state of the fleet on one screen
    #[command(after_long_help = plugin_codes())]
    Summary(summary::Arguments),
    /// Say everything about a subject: facts, thresholds, verdicts, and what would turn them
    #[command(after_long_help = EXIT_CODES)]
    Explain(explain::Arguments),
    /// Look at sources and say who would be told of what is bad, and why or why not
    #[command(after_help = recipients::EXAMPLES, after_long_help = with_exit_codes(recipients::EXAMPLES))]
    Recipients(recipients::Arguments),
    /// Look at sources once and send their numbers to somewhere else
    Publish(publish::Arguments),
    /// Look at backups when Grafolean says so, and publish their numbers there
    #[command(after_help = bot::EXAMPLES, after_long_help = with_exit_codes(bot::EXAMPLES))]
    Bot(bot::Arguments),
    /// Print the document of a source as it came, secrets redacted
    Raw(raw::Arguments),
    /// Check the configuration, or show an example or its schema
    Config(config::Arguments),
    /// Watch for months: look, remember, judge, and tell the right people
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Arguments),
    /// Make a key for a job that pings
    #[command(after_help = ping_key::EXAMPLES)]
    PingKey(ping_key::Arguments),
    /// Run a command and tell a lastgood how that went
    #[command(after_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// Show, acknowledge and close what the daemon found wrong
    #[command(after_help = incidents::EXAMPLES)]
    Incidents(incidents::Arguments),
    /// Tell nobody about some subjects for a time
    #[command(after_help = silence::EXAMPLES)]
    Silence(silence::Arguments),
    /// Send a test message, or say who would be told what
    #[command(after_help = notify::EXAMPLES, after_long_help = with_exit_codes(notify::EXAMPLES))]
    Notify(notify::Arguments),
    /// Look after what is remembered: check, copy, compact or export the database
    #[command(after_help = db::EXAMPLES)]
    Db(db::Arguments),
    /// Measure what accounts take on the disk
    #[command(after_help = account_size::EXAMPLES, after_long_help = with_exit_codes(account_size::EXAMPLES))]
    AccountSize(account_size::Arguments),
    /// Watch a simulated fleet on this machine for a minute
    #[cfg(feature = "demo")]
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Print the manual page, or write those of all commands to a folder
    Man(man::Arguments),
}

/// Runs the program with the command line of this process and returns its exit code.
pub fn run() -> u8 {
    let parsed = CommandLine::try_parse();
    match parsed {
        Ok(line) => {
            telemetry::start(line.verbose);
            // Asked for by the design: exactly one cryptography provider, installed before anything connects.
            let _ = rustls::crypto::ring::default_provider().install_default();
            dispatch(line.command)
        }
        Err(error) => {
            let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing can be done where even this cannot be written.
            let _ = error.print();
            if !is_answer && is_for_nagios(std::env::args_os().skip(1)) {
                let _ = writeln!(std::io::stdout(), "{}", plugin_line(&error.to_string()));
            }
            if is_answer { Exit::AllOk.code() } else { Exit::Usage.code() }
        }
    }
}

/// True if the words of a command line that is wrong ask for the output of a Nagios plugin.
fn is_for_nagios(words: impl Iterator<Item = OsString>) -> bool {
    let mut before = OsString::new();
    for word in words.take_while(|word| word != "--") {
        if word == "--format=nagios" || (before == "--format" && word == "nagios") {
            return true;
        }
        before = word;
    }
    false
}

/// What a monitor shows of a command line that is wrong: it reads one line of standard output only.
fn plugin_line(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line).replace('|', "¦");
    format!("LASTGOOD UNKNOWN - {}", lastgood_core::id::Escaped(&line))
}

fn dispatch(command: Command) -> u8 {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Summary(arguments) => summary::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Recipients(arguments) => recipients::run(&arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Bot(arguments) => bot::run(&arguments),
        Command::Raw(arguments) => raw::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::PingKey(arguments) => ping_key::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Incidents(arguments) => incidents::run(&arguments),
        Command::Silence(arguments) => silence::run(&arguments),
        Command::Notify(arguments) => notify::run(&arguments),
        Command::Db(arguments) => db::run(&arguments),
        Command::AccountSize(arguments) => account_size::run(&arguments),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, &mut CommandLine::command()),
        Command::Man(arguments) => man::run(&arguments, CommandLine::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_is_told_in_one_line_that_its_command_line_is_wrong() {
        let asks = |line: &str| is_for_nagios(line.split(' ').map(OsString::from));
        assert!(asks("check --format nagios --bogus"));
        assert!(asks("check --at x --format=nagios"));
        assert!(!asks("check --format json nagios"));
        assert!(!asks("run -- check --format nagios"));
        let line = plugin_line("error: unexpected argument '--a|b' found\n\nUsage: lastgood");
        assert_eq!(line, "LASTGOOD UNKNOWN - unexpected argument '--a¦b' found");
    }
}
