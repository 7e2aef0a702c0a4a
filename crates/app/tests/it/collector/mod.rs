//! Do the jobs of `lastgood-collector` run exactly when those of the Python package it replaces do, and do its example
//! bots run?

use std::process::{Command, Stdio};
use std::sync::Arc;

use lastgood_simulator::grafolean::{Backend, Faults, Seeded, World};

use self::firings::{Comparison, Firings};
use crate::support::binary::{answer, clean};

mod bots;
mod firings;
mod programs;

/// The word for a job that is aligned to its creation.
const CREATION: &str = "creation";

/// Interval lists and starts, given out to the jobs in turn: with 5 and 6 of them, 30 jobs have every combination.
const INTERVALS: [&str; 5] = ["1", "2,3,6", "5,7", "10,15", "4"];
const STARTS: [&str; 6] = ["0", CREATION, "1", "-7", "1700000003", "1700000004"];
const JOBS: usize = INTERVALS.len() * STARTS.len();

/// For how long both run, and how often they list their jobs, which never change.
const SECONDS: &str = "60";
const REFRESH: &str = "5";

/// How often it is tried to see both on a machine that is too busy for either.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_fire_in_the_same_seconds_by_the_same_intervals_as_those_of_the_original() {
    let jobs = (0..JOBS).map(|number| (format!("job-{number}"), STARTS[number % STARTS.len()] == CREATION));
    let jobs: Vec<(String, bool)> = jobs.collect();
    for attempt in 1..=TRIES {
        let (original, ours) = run_both().await;
        let comparison = Comparison::of(&original, &ours, &jobs);
        let (equal, reported, differences) =
            (comparison.equal_count(), comparison.reported_count, &comparison.differences);
        assert!(
            differences.is_empty(),
            "{} of {} firings differ:\n{}",
            differences.len(),
            equal + differences.len(),
            differences.join("\n")
        );
        println!(
            "attempt {attempt}: {equal} firings of {JOBS} jobs are equal, {reported} were reported as missed"
        );
        if comparison.is_telling() {
            return;
        }
    }
    panic!("{TRIES} times most firings were missed: this machine is too busy to compare anything");
}

/// Runs the same jobs with both in the same minute.
async fn run_both() -> (Firings, Firings) {
    let Seeded { world, systemwide_token, .. } = World::seeded(1, 1, 1, "none");
    let backend = Backend::start(Arc::clone(&world), Faults::none()).expect("a free port");
    let mut original = Command::new(programs::python());
    original.arg(programs::original()).args(options());
    clean(&mut original);
    original.env("BACKEND_URL", backend.url()).env("BOT_TOKEN", &systemwide_token);
    let mut ours = Command::new(programs::example("load_bot"));
    ours.arg("--firings").args(options());
    clean(&mut ours);
    tokio::join!(firings_of(original), firings_of(ours))
}

fn options() -> Vec<String> {
    let mut options =
        vec![format!("--jobs={JOBS}"), format!("--seconds={SECONDS}"), format!("--refresh={REFRESH}")];
    options.extend(INTERVALS.map(|intervals| format!("--intervals={intervals}")));
    options.extend(STARTS.map(|start| format!("--start={start}")));
    options
}

async fn firings_of(mut command: Command) -> Firings {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child =
        tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("the program starts");
    let ran = answer(child).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    Firings::parse(&ran.stdout).unwrap_or_else(|line| panic!("not understood: {line}\n{}", ran.stderr))
}
