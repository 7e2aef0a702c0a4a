//! How many jobs does the engine run, how late, in how much memory?
//!
//! Runs jobs that do nothing, for a time, and writes what they cost as one line of JSON. `--firings` writes instead one
//! line per run: `ran`, the second it was scheduled for, the id of the job, the intervals that caused it, and how many
//! firings before it had no run of their own; and `created`, `listed` and `ended` with their seconds.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;
use lastgood_collector::{
    Call, Clock, Collector, Engine, Failure, Interval, Job, Jobs, Outcome, Phase, Second, SystemClock,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Options {
    /// How many jobs.
    #[arg(long, default_value_t = 1000)]
    jobs: u64,
    /// The intervals of jobs, in seconds; job number n has those of the list number n modulo their count.
    #[arg(long, default_values_t = [String::from("1")], value_name = "1,60")]
    intervals: Vec<String>,
    /// Aligns jobs to this second (or to their `creation`), so that they fire in the same instant; otherwise they are
    /// spread by their ids. Of several, job number n has the one number n modulo their count.
    #[arg(long, value_parser = parse_phase, allow_negative_numbers = true)]
    start: Vec<Phase>,
    /// For how many seconds to measure, after the jobs are listed.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The pause between two listings of the jobs, in seconds.
    #[arg(long, default_value_t = 86400)]
    refresh: u64,
    /// How many of a hundred jobs change at every listing.
    #[arg(long, default_value_t = 0)]
    changed: u64,
    /// Writes the runs themselves, of all seconds from `listed` to `ended`.
    #[arg(long)]
    firings: bool,
    /// How many runs may be under way at once.
    #[arg(long, default_value_t = 1_000_000)]
    running: usize,
}

/// Lateness in steps of 10 microseconds, the last step for all beyond.
struct Lateness(Vec<AtomicU32>);

struct LoadBot {
    options: Options,
    intervals: Vec<Vec<i64>>,
    late: Lateness,
    max_late_micros: AtomicU64,
    listings: AtomicU64,
    listing_micros: AtomicU64,
    firings: Mutex<String>,
    measure_from: AtomicU64,
    newest: AtomicI64,
}

impl Collector for LoadBot {
    type Spec = u64;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        let listing = self.listings.fetch_add(1, Ordering::Relaxed);
        let began = SystemClock.now();
        for number in 0..self.options.jobs {
            let spec = if number % 100 < self.options.changed { listing } else { 0 };
            let intervals = nth(&self.intervals, number).into_iter().flatten().copied();
            let phase = nth(&self.options.start, number).copied().unwrap_or_default();
            jobs.push(Job::new(format!("job-{number}"), intervals, spec).phase(phase)).await;
        }
        let micros = SystemClock.now().0 - began.0;
        self.listing_micros.store(micros.try_into().unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        let late = SystemClock.now().since(call.scheduled_at());
        let scheduled_at = u64::try_from(call.scheduled_at().0).unwrap_or(0);
        let from = self.measure_from.load(Ordering::Relaxed);
        if (from..from.saturating_add(self.options.seconds)).contains(&scheduled_at) {
            self.late.note(late);
            let micros = late.as_micros().try_into().unwrap_or(u64::MAX);
            self.max_late_micros.fetch_max(micros, Ordering::Relaxed);
        }
        if self.options.firings {
            let affecting: Vec<u32> = call.affecting().map(Interval::as_secs).collect();
            let (at, missed_count) = (call.scheduled_at(), call.missed_count());
            self.write(format_args!("ran {at} {} {affecting:?} {missed_count}", call.id()));
            self.newest.fetch_max(at.0, Ordering::Relaxed);
        }
        Ok(Vec::new())
    }
}

impl LoadBot {
    fn write(&self, line: std::fmt::Arguments<'_>) {
        let mut firings = self.firings.lock().expect("nobody panics while it is held");
        writeln!(firings, "{line}").expect("memory takes it");
    }

    /// Waits until a run of a later second than this has begun, so that all of this second have.
    async fn see_beyond(&self, end: Second) {
        for _ in 0..100 {
            if self.newest.load(Ordering::Relaxed) > end.0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The one for this number, where they are given out in turn.
fn nth<T>(all: &[T], number: u64) -> Option<&T> {
    let count = u64::try_from(all.len()).ok()?;
    all.get(usize::try_from(number.checked_rem(count)?).ok()?)
}

fn parse_phase(text: &str) -> Result<Phase, std::num::ParseIntError> {
    if text == "creation" { Ok(Phase::AtCreation) } else { Ok(Phase::At(Second(text.parse()?))) }
}

impl Lateness {
    const STEPS: usize = 1_000_000;

    fn note(&self, late: Duration) {
        let step = usize::try_from(late.as_micros() / 10).unwrap_or(usize::MAX);
        self.0[step.min(Self::STEPS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|step| u64::from(step.load(Ordering::Relaxed))).sum()
    }

    /// In milliseconds: so late were `permille` of a thousand at most.
    fn quantile(&self, permille: u64) -> f64 {
        let wanted = (self.count() * permille).div_ceil(1000);
        let mut seen = 0;
        for (step, count) in self.0.iter().enumerate() {
            seen += u64::from(count.load(Ordering::Relaxed));
            if seen >= wanted {
                return f64::from(u32::try_from(step).unwrap_or(u32::MAX)) / 100.0;
            }
        }
        0.0
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let parse = |list: &String| list.split(',').map(|text| text.trim().parse().expect("a number")).collect();
    let intervals = options.intervals.iter().map(parse).collect();
    let (seconds, refresh, running, jobs) = (options.seconds, options.refresh, options.running, options.jobs);
    let bot = LoadBot {
        options,
        intervals,
        late: Lateness((0..Lateness::STEPS).map(|_| AtomicU32::new(0)).collect()),
        max_late_micros: AtomicU64::new(0),
        listings: AtomicU64::new(0),
        listing_micros: AtomicU64::new(0),
        firings: Mutex::default(),
        measure_from: AtomicU64::new(u64::MAX),
        newest: AtomicI64::new(i64::MIN),
    };
    let (before_bytes, began) = (resident_bytes(), SystemClock.now().second());
    let engine = Engine::new(bot).refresh_every(Duration::from_secs(refresh)).running_max(running);
    let (metrics, bot) = (engine.metrics(), engine.collector().clone());
    let mut after_bytes = 0;
    let measured = async {
        while metrics.refreshed() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        after_bytes = resident_bytes();
        let next = SystemClock.now().second().0 + 2;
        bot.measure_from.store(next.try_into().unwrap_or(0), Ordering::Relaxed);
        let end = Second(next + i64::try_from(seconds).unwrap_or(0));
        tokio::time::sleep(SystemClock.now().until(end)).await;
        if bot.options.firings {
            bot.see_beyond(end).await;
            (0..jobs).for_each(|number| bot.write(format_args!("created {began} job-{number} {}", next - 2)));
            bot.write(format_args!("listed {}\nended {end}", next - 1));
        }
    };
    let stopped = engine.run(measured).await;
    if bot.options.firings {
        let firings = bot.firings.lock().expect("nobody panics while it is held");
        std::io::stdout().write_all(firings.as_bytes()).expect("somebody reads it");
        return;
    }
    let max = bot.max_late_micros.load(Ordering::Relaxed);
    println!(
        "{{\"jobs\": {jobs}, \"runs\": {}, \"runs_per_second\": {}, \"p50_ms\": {:.2}, \"p99_ms\": {:.2}, \
         \"max_ms\": {:.2}, \"missed\": {}, \"listing_ms\": {}, \"bytes_per_job\": {}, \"rss_mib\": {}, \"left\": {}}}",
        bot.late.count(),
        bot.late.count() / seconds.max(1),
        bot.late.quantile(500),
        bot.late.quantile(990),
        f64::from(u32::try_from(max).unwrap_or(u32::MAX)) / 1000.0,
        metrics.missed(),
        bot.listing_micros.load(Ordering::Relaxed) / 1000,
        after_bytes.saturating_sub(before_bytes) / jobs.max(1),
        resident_bytes() / 1024 / 1024,
        stopped.aborted_count,
    );
}
