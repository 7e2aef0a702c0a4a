//! What can an operator see of the engine?
//!
//! Counters and gauges in the format of Prometheus. They tell how the engine is, never what a job found.

use std::time::Duration;

use prometheus::core::Collector as Family;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::clock::Second;
use crate::failure::FailureKind;

/// Limits of the lateness histogram, in seconds: what a machine with nothing to do keeps, up to a minute.
const LATENESS_LIMITS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];

/// The metrics of one engine; clones show the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) lateness: Histogram,
    pub(crate) runs: IntCounterVec,
    pub(crate) jobs: IntGauge,
    pub(crate) running: IntGauge,
    pub(crate) waiting: IntGauge,
    pub(crate) missed: IntCounter,
    pub(crate) refused: IntCounter,
    pub(crate) refreshes: IntCounterVec,
    pub(crate) refreshed_at: IntGauge,
    pub(crate) kept_scopes: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let counters = |name: &str, help: &str| {
            IntCounterVec::new(Opts::new(name, help), &["outcome"]).expect("a valid name")
        };
        let gauge = |name: &str, help: &str| IntGauge::new(name, help).expect("a valid name");
        let counter = |name: &str, help: &str| IntCounter::new(name, help).expect("a valid name");
        let lateness =
            HistogramOpts::new("collector_run_lateness_seconds", "How long after its firing a run started.");
        let metrics = Self {
            lateness: Histogram::with_opts(lateness.buckets(LATENESS_LIMITS.into())).expect("a valid name"),
            runs: counters(
                "collector_runs_total",
                "Runs that ended, by outcome: ok, or the kind of failure.",
            ),
            jobs: gauge("collector_jobs", "Jobs that are scheduled."),
            running: gauge("collector_runs_running", "Runs under way."),
            waiting: gauge("collector_runs_waiting", "Jobs that are due and have not started."),
            missed: counter(
                "collector_firings_missed_total",
                "Firings that were not run on their own: coalesced into a later one, or within a pause after a failure.",
            ),
            refused: counter(
                "collector_jobs_refused_total",
                "Offered jobs that were not taken, by all refreshes.",
            ),
            refreshes: counters(
                "collector_refreshes_total",
                "Refreshes, by outcome: ok, or the kind of failure.",
            ),
            refreshed_at: gauge(
                "collector_last_refresh_timestamp_seconds",
                "When the last refresh ended that listed the jobs, but for the scopes it says it kept; 0 before the first.",
            ),
            kept_scopes: gauge(
                "collector_scopes_kept",
                "Parts of the listing (such as accounts) that the last refresh could not list; their old jobs stay.",
            ),
        };
        // A counter that shows only after the first failure cannot be alarmed on.
        for outcome in std::iter::once(OK).chain(FailureKind::ALL.map(FailureKind::word)) {
            metrics.runs.with_label_values(&[outcome]);
            metrics.refreshes.with_label_values(&[outcome]);
        }
        metrics
    }

    /// Adds all of them to a registry. Fails where it has metrics of these names already: two engines in one process want
    /// registries with a label each.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let families: [Box<dyn Family>; 10] = [
            Box::new(self.lateness.clone()),
            Box::new(self.runs.clone()),
            Box::new(self.jobs.clone()),
            Box::new(self.running.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.missed.clone()),
            Box::new(self.refused.clone()),
            Box::new(self.refreshes.clone()),
            Box::new(self.refreshed_at.clone()),
            Box::new(self.kept_scopes.clone()),
        ];
        families.into_iter().try_for_each(|family| registry.register(family))
    }

    /// How many jobs are scheduled.
    pub fn jobs(&self) -> u64 {
        self.jobs.get().try_into().unwrap_or(0)
    }

    /// How many runs are under way.
    pub fn running(&self) -> u64 {
        self.running.get().try_into().unwrap_or(0)
    }

    /// How many jobs are due and have not started.
    pub fn waiting(&self) -> u64 {
        self.waiting.get().try_into().unwrap_or(0)
    }

    /// How many runs ended well.
    pub fn succeeded(&self) -> u64 {
        self.runs.with_label_values(&[OK]).get()
    }

    /// How many runs failed with this kind of failure.
    pub fn failed(&self, kind: FailureKind) -> u64 {
        self.runs.with_label_values(&[kind.word()]).get()
    }

    /// How many firings were not run on their own.
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// How many offered jobs were not taken.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// How many refreshes listed all jobs.
    pub fn refreshed(&self) -> u64 {
        self.refreshes.with_label_values(&[OK]).get()
    }

    /// How many refreshes failed with this kind of failure.
    pub fn refresh_failed(&self, kind: FailureKind) -> u64 {
        self.refreshes.with_label_values(&[kind.word()]).get()
    }

    /// How many parts of the listing the last refresh could not list, so that their old jobs stay.
    pub fn kept_scopes(&self) -> u64 {
        self.kept_scopes.get().try_into().unwrap_or(0)
    }

    /// When the last refresh ended that listed the jobs, but for the scopes it kept; `None` before the first.
    pub fn refreshed_at(&self) -> Option<Second> {
        Some(Second(self.refreshed_at.get())).filter(|at| at.0 != 0)
    }

    pub(crate) fn count_refresh(&self, failure: Option<FailureKind>, at: Second) {
        self.refreshes.with_label_values(&[failure.map_or(OK, FailureKind::word)]).inc();
        if failure.is_none() {
            self.refreshed_at.set(at.0);
        }
    }
}

/// The outcome of what did not fail.
pub(crate) const OK: &str = "ok";

/// The metrics of a portion of runs, handed over at once: one atomic step for hundreds.
pub(crate) struct Tally {
    lateness: prometheus::local::LocalHistogram,
    succeeded: u64,
    runs: IntCounterVec,
}

impl Tally {
    pub(crate) fn of(metrics: &Metrics) -> Self {
        Self { lateness: metrics.lateness.local(), succeeded: 0, runs: metrics.runs.clone() }
    }

    pub(crate) fn started(&self, lateness: Duration) {
        self.lateness.observe(lateness.as_secs_f64());
    }

    pub(crate) fn ended(&mut self, failure: Option<FailureKind>) {
        match failure {
            None => self.succeeded += 1,
            Some(kind) => self.runs.with_label_values(&[kind.word()]).inc(),
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.lateness.flush();
        if self.succeeded > 0 {
            self.runs.with_label_values(&[OK]).inc_by(self.succeeded);
        }
    }
}
