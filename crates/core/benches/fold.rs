//! How long does it take to fold two looks at a million assets?

mod fleet;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use lastgood_core::facts::fold;
use lastgood_core::observation::{Collection, Extent};

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let repositories = fleet::repository_count();
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements((repositories * fleet::ASSETS) as u64));
    let older = fleet::look(repositories, 1);
    let complete = fleet::look(repositories, 0);
    let partial = in_part(complete.clone());
    for (name, newer) in [("two complete looks", complete), ("a complete look and a partial one", partial)] {
        group.bench_function(name, |bencher| {
            let both = || vec![older.clone(), newer.clone()];
            bencher.iter_batched(both, |looks| black_box(fold(looks)), BatchSize::PerIteration);
        });
    }
    group.finish();
    criterion.final_summary();
}

/// Every list was read in part: every second asset and repository is missing.
fn in_part(mut look: Collection) -> Collection {
    look.listing = Extent::Partial;
    let mut number = 0;
    look.repositories.retain(|_| {
        number += 1;
        number % 2 == 0
    });
    for repository in &mut look.repositories {
        repository.listing = Extent::Partial;
        repository.assets.truncate(fleet::ASSETS / 2);
    }
    look
}
