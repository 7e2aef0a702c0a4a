//! A Grafolean backend to measure collectors against, in any language:
//! `grafolean_backend --accounts 1 --entities 1000 --sensors 3 --protocol snmp --interval 60 --latency-ms 0 --port 0`.
//!
//! It prints one line, `{"url": …, "token": …, "accounts": [{"id": …, "token": …}]}`; the first token is that of a bot
//! that may see all accounts. It answers each line on its standard input with a line of counts, prints them once more and
//! ends when that is closed or SIGTERM comes. Values are counted and not kept, unless `--keep` is given. Its clock starts at
//! `--now` (seconds since the epoch, such as `$(date +%s)`), is paced by a timer, and is exact to some milliseconds.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lastgood_simulator::grafolean::{Backend, Fault, Faults, Keep, Options, Scope, Seeded, World};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Step of the clock in milliseconds.
const STEP_MILLIS: u32 = 5;

const USAGE: &str = "usage: grafolean_backend [--accounts A] [--entities N] [--sensors S] [--protocol P] \
                     [--interval SECONDS] [--latency-ms L] [--port P] [--now EPOCH_SECONDS] [--keep]";

/// The options by name; `None` for an unknown one, or one without a value.
fn read_options() -> Option<BTreeMap<String, String>> {
    let defaults = [
        ("accounts", "1"),
        ("entities", "100"),
        ("sensors", "3"),
        ("protocol", "snmp"),
        ("interval", "60"),
        ("latency-ms", "0"),
        ("port", "0"),
        ("now", "1795248273"),
        ("keep", "no"),
    ];
    let mut options: BTreeMap<_, _> =
        defaults.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let option = options.get_mut(argument.strip_prefix("--")?)?;
        *option = if argument == "--keep" { "yes".to_owned() } else { arguments.next()? };
    }
    Some(options)
}

fn number<T: std::str::FromStr>(options: &BTreeMap<String, String>, name: &str) -> std::io::Result<T> {
    options[name].parse().map_err(|_| std::io::Error::other(format!("--{name} is no number in range")))
}

fn start(options: &BTreeMap<String, String>) -> std::io::Result<(Seeded, Backend)> {
    let seeded = World::seeded(
        number(options, "accounts")?,
        number(options, "entities")?,
        number(options, "sensors")?,
        &options["protocol"],
    );
    seeded.world.set_default_intervals(Some(number(options, "interval")?));
    seeded.world.keep(if options["keep"] == "yes" { Keep::Everything } else { Keep::Counts });
    let latency = Duration::from_millis(number(options, "latency-ms")?);
    let faults = if latency.is_zero() {
        Faults::none()
    } else {
        Faults::none().with(Scope::everything(), Fault::Latency(latency))
    };
    let how = Options { port: number(options, "port")?, faults, ..Options::default() };
    let backend = Backend::start_with(Arc::clone(&seeded.world), how)?;
    Ok((seeded, backend))
}

fn say(line: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn say_counts(world: &World) -> std::io::Result<()> {
    say(&json!({
        "requests": world.request_count(),
        "values": world.value_count(),
        "highest_concurrency": world.highest_concurrency(),
    }))
}

/// Hands on one message per line; the channel closes with the input.
fn listen() -> mpsc::Receiver<()> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits for lines, the end of input, or SIGTERM, and moves the clock meanwhile.
async fn wait(world: &World, millis: &AtomicU32) -> std::io::Result<()> {
    let mut lines = listen();
    let mut terminated = signal(SignalKind::terminate())?;
    let mut steps = tokio::time::interval(Duration::from_millis(STEP_MILLIS.into()));
    loop {
        tokio::select! {
            _ = steps.tick() => {
                millis.fetch_add(STEP_MILLIS, Ordering::Relaxed);
            }
            line = lines.recv() => match line {
                Some(()) => say_counts(world)?,
                None => return Ok(()),
            },
            _ = terminated.recv() => return Ok(()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let Some(options) = read_options() else {
        eprintln!("{USAGE}");
        std::process::exit(3);
    };
    let (seeded, backend) = start(&options)?;
    let start_seconds: f64 = number(&options, "now")?;
    let millis = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&millis);
    seeded.world.set_clock(move || start_seconds + f64::from(counted.load(Ordering::Relaxed)) / 1000.0);
    let accounts: Vec<_> =
        seeded.accounts.iter().map(|(id, token)| json!({ "id": id, "token": token })).collect();
    say(&json!({ "url": backend.url(), "token": seeded.systemwide_token, "accounts": accounts }))?;
    wait(&seeded.world, &millis).await?;
    say_counts(&seeded.world)
}
