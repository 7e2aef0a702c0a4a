//! How long does it take to judge a million assets?

mod fleet;

use std::hint::black_box;

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
        bencher.iter(|| black_box(judge(&facts, &expectations, noon())));
    });
    group.bench_function("summary", |bencher| {
        bencher.iter(|| black_box(summarize(&facts, &expectations, noon())));
    });
    let overridden = overridden();
    group.bench_function("every verdict kept, one override by pattern", |bencher| {
        bencher.iter(|| black_box(judge(&facts, &overridden, noon())));
    });
    group.finish();
    criterion.final_summary();
}

/// One override by pattern: every subject has to be looked at by its path.
fn overridden() -> Expectations {
    let layer = Layer {
        scope: Scope::Pattern(Box::new(|path| path.ends_with('7'))),
        values: vec![("local_after", Some(172_800), Origin::CommandLine)],
    };
    Expectations::new(thresholds_of, vec![layer])
}
