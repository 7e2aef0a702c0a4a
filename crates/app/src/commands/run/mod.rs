//! `lastgood run`: runs a command and tells how that went.
//!
//! The command comes first: it is started before anything else, gets every signal, writes where it would have written,
//! and its exit code is ours. Nothing that goes wrong with telling changes any of that.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use lastgood_core::id::Escaped;
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::courier::{Errand, send_waiting, tell};
use self::ending::{Ending, length};
use self::outputs::Outputs;
use self::ping::{Ping, Word};
use self::post::Post;
use self::signals::Signals;
use self::spool::Spool;
use self::target::{KEY_VARIABLE, URL_VARIABLE, Whom};
use super::looking::{complain, runtime};
use super::output::print;
use crate::clock::{self, Stopwatch};
use crate::exit::Exit;
use crate::push::key;

mod courier;
mod ending;
mod local;
mod outputs;
mod ping;
mod post;
mod signals;
mod spool;
mod tail;
mod target;

/// What stands below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  LASTGOOD_PING_URL=https://backup.example.org/ping/… lastgood run --asset web -- restic backup /srv
  lastgood run --asset web --url-file /etc/lastgood/web.url -- /usr/local/sbin/backup --all
  lastgood run --asset web --server https://b.example.org --ping-key-file ping.key -- backup
  lastgood run --asset web --database /var/lib/lastgood/lastgood.db --source jobs -- backup
  lastgood run --flush     send what waits since a server was away

The exit code is that of the command: 128 and the number of the signal that ended it, 127 if it is
not there, 126 if it cannot be started. With --flush: 0 if nothing waits any more, 4 if something
does. 3 if the command line is wrong.

The ping URL is a secret, so it is no argument: everybody on a machine can read those.";

/// How much longer than promised we wait before we end: a disk that hangs holds nobody up.
const LAST_GRACE: Duration = Duration::from_secs(6);

/// The longest time that may be spent on sending after the end, in seconds.
const PATIENCE_MAX: u32 = 600;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The name of the job; behind a ping key, its slug
    #[arg(long, value_name = "NAME", required_unless_present = "flush")]
    asset: Option<String>,
    #[command(flatten)]
    whom: Whom,
    /// Keep what the command writes to ourselves: tell only how it ended
    #[arg(long)]
    no_output: bool,
    /// How many seconds are spent on sending at most once the command has ended
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=i64::from(PATIENCE_MAX)))]
    patience: u32,
    /// The folder in which waits what could not be sent [default: `$LASTGOOD_SPOOL`, else
    /// `$XDG_STATE_HOME/lastgood/spool`, else /var/lib/lastgood/spool, else ~/.local/state/lastgood/spool]
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// Run nothing; send what waits
    #[arg(long, conflicts_with_all = ["asset", "command", "url_file", "server", "database", "no_output"])]
    flush: bool,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true, required_unless_present = "flush")]
    command: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(trouble) => return trouble.say().code(),
    };
    let code = runtime.block_on(async {
        match arguments.command.split_first() {
            Some((program, rest)) => wrap(arguments, program, rest).await,
            None => flush(arguments).await.unwrap_or_else(|exit| exit).code(),
        }
    });
    // Whatever still looks up a name or waits for a disk is not waited for.
    runtime.shutdown_background();
    code
}

/// Runs the command.
async fn wrap(arguments: &Arguments, program: &OsString, rest: &[OsString]) -> u8 {
    let mut signals = Signals::listen();
    let (began_at, stopwatch) = (clock::now(), Stopwatch::start());
    let rid = key::generate().ok();
    let begin = Ping { word: Word::Start, at: began_at, rid: rid.clone(), body: String::new() };
    let (ending, output, mut telling) = match start(program, rest) {
        Ok((mut child, mut outputs)) => {
            let telling = Telling::start(arguments, Some(begin));
            let ending = follow(&mut *child, &mut outputs, &mut signals).await;
            (ending, outputs.text(), telling)
        }
        Err(error) => {
            let ending = Ending::not_started(&error);
            tracing::error!("{} {}", Escaped(&program.to_string_lossy()), ending.words);
            (ending, String::new(), Telling::start(arguments, None))
        }
    };
    let output = if arguments.no_output { String::new() } else { output };
    let body = body(output, &format!("{} after {}", ending.words, length(stopwatch.read())));
    telling.finish(Ping { word: Word::Status(ending.code), at: clock::now(), rid, body }, &mut signals).await;
    ending.code
}

/// What is told about the end. How it ended stands last: where only the end of it all is shown, that is seen.
fn body(mut output: String, how: &str) -> String {
    if !output.is_empty() && !output.ends_with('\n') {
        output.push('\n');
    }
    output + "lastgood run: " + how + "\n"
}

/// Starts the command, in our session and our group of programs, with our input, and without our secrets.
fn start(program: &OsString, rest: &[OsString]) -> std::io::Result<(Box<dyn ChildWrapper>, Outputs)> {
    let mut command = CommandWrap::with_new(program, |command| {
        command.args(rest).stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove(URL_VARIABLE).env_remove(KEY_VARIABLE);
    });
    let mut child = command.spawn()?;
    let stdout = child.stdout().take().expect("the output is piped");
    let stderr = child.stderr().take().expect("the error output is piped");
    Ok((child, Outputs::pass_on(stdout, stderr)))
}

/// Passes signals on until the command has ended, and waits until all it wrote is passed on; then a signal is for us.
async fn follow(child: &mut dyn ChildWrapper, outputs: &mut Outputs, signals: &mut Signals) -> Ending {
    let status = loop {
        let signal = tokio::select! {
            biased;
            status = child.wait() => break status,
            signal = signals.next() => signal,
        };
        // Fails only if it has just ended.
        let _ = child.signal(signal.as_raw_value());
    };
    tokio::select! {
        () = outputs.finish() => {}
        _ = signals.next() => {}
    }
    ended(status)
}

fn ended(status: std::io::Result<ExitStatus>) -> Ending {
    match status {
        Ok(status) => Ending::of(status),
        Err(error) => Ending::not_known(&error),
    }
}

/// What is told of the run, beside it.
struct Telling {
    outcome: Option<oneshot::Sender<Ping>>,
    hurry: CancellationToken,
    task: JoinHandle<()>,
    patience: Duration,
}

impl Telling {
    fn start(arguments: &Arguments, begin: Option<Ping>) -> Self {
        let patience = Duration::from_secs(arguments.patience.into());
        let errand = Errand {
            asset: arguments.asset.clone().unwrap_or_default(),
            whom: arguments.whom.clone(),
            spool: arguments.spool.clone(),
            patience,
        };
        let ((outcome, receiver), hurry) = (oneshot::channel(), CancellationToken::new());
        let task = tokio::spawn(tell(errand, begin, receiver, hurry.clone()));
        Self { outcome: Some(outcome), hurry, task, patience }
    }

    /// Tells the outcome. Another signal means that somebody is in a hurry: what is not sent yet is kept.
    async fn finish(&mut self, outcome: Ping, signals: &mut Signals) {
        if let Some(sender) = self.outcome.take() {
            // Whom to tell is not known: that is said already.
            let _ = sender.send(outcome);
        }
        let hurry = self.hurry.clone();
        let hurrying = async {
            signals.next().await;
            hurry.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            _ = &mut self.task => {}
            () = hurrying => {}
            () = tokio::time::sleep(self.patience + LAST_GRACE) => {}
        }
    }
}

/// Sends what waits.
async fn flush(arguments: &Arguments) -> Result<Exit, Exit> {
    let spool = Spool::open(arguments.spool.as_deref()).map_err(|error| complain(&error, Exit::Usage))?;
    let flushed = send_waiting(&spool, &mut Post::default(), |_| true).await;
    let Some(flushed) = flushed.map_err(|error| complain(&error, Exit::OwnFailure))? else {
        print(false, |out| writeln!(out, "another lastgood is sending what waits"))?;
        return Ok(Exit::AllOk);
    };
    let courier::Flushed { sent_count, dropped_count, waiting_count } = flushed;
    print(false, |out| writeln!(out, "{sent_count} sent, {dropped_count} dropped, {waiting_count} waiting"))?;
    Ok(if waiting_count == 0 { Exit::AllOk } else { Exit::OwnFailure })
}
