//! How long does it take to judge a million assets, in time of one core?
//!
//! Time is what this thread ran, as Linux counts it: a busy machine does not make it longer.

mod fleet;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use lastgood_core::checks::thresholds_of;
use lastgood_core::expectation::{Expectations, Layer, Origin, Scope};
use lastgood_core::facts::fold;
use lastgood_core::judge::judge;
use lastgood_core::summary::summarize;
use lastgood_core::testing::{defaults, noon};

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let repositories = fleet::repository_count();
    let facts = fold(vec![fleet::look(repositories, 0)]);
    let mut group = criterion.benchmark_group("judge");
    group.throughput(Throughput::Elements((repositories * fleet::ASSETS) as u64));
    let expectations = defaults();
    group.bench_function("every verdict kept", |bencher| {
        bencher.iter_custom(|rounds| core_time(rounds, || judge(&facts, &expectations, noon())));
    });
    group.bench_function("summary", |bencher| {
        bencher.iter_custom(|rounds| core_time(rounds, || summarize(&facts, &expectations, noon())));
    });
    let overridden = overridden();
    group.bench_function("every verdict kept, one override by pattern", |bencher| {
        bencher.iter_custom(|rounds| core_time(rounds, || judge(&facts, &overridden, noon())));
    });
    group.finish();
    criterion.final_summary();
}

/// Measures how long this thread ran for so many rounds; the results are dropped within.
fn core_time<T>(rounds: u64, mut round: impl FnMut() -> T) -> Duration {
    let start = thread_time();
    for _ in 0..rounds {
        black_box(round());
    }
    thread_time().saturating_sub(start)
}

/// How long this thread has run so far: the first figure of `schedstat`, in nanoseconds.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux keeps this file");
    let nanoseconds = text.split(' ').next().and_then(|figure| figure.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first figure is a number"))
}

/// One override by pattern: every subject has to be looked at by its path.
fn overridden() -> Expectations {
    let layer = Layer {
        scope: Scope::Pattern(Box::new(|path| path.ends_with('7'))),
        values: vec![("local_after", Some(172_800), Origin::CommandLine)],
    };
    Expectations::new(thresholds_of, vec![layer])
}
