//! Which fleet do the benches work on?
//!
//! 100 000 repositories with 10 agents each: a million assets with mixed outcomes. `cargo test` runs every bench once to
//! see that it works; it gets a thousandth of that.

use jiff::SignedDuration;
use lastgood_core::observation::{Collection, LastRun, RepositoryObservation, Stated};
use lastgood_core::testing::{FleetBuilder, appliance, noon, share};

/// How many repositories: all under `cargo bench`, few under `cargo test`.
pub(crate) fn repository_count() -> usize {
    let benching = std::env::args().any(|argument| argument == "--bench");
    if benching { 100_000 } else { 100 }
}

/// How many assets each repository has.
pub(crate) const ASSETS: usize = 10;

/// One look at so many repositories; every third asset is behind, every seventh failed, every eleventh was never seen.
pub(crate) fn look(repositories: usize, hours_ago: i64) -> Collection {
    let at = noon() - SignedDuration::from_hours(hours_ago);
    let mut collection = FleetBuilder::new("acme", at).collection();
    collection.repositories = (0..repositories).map(repository).collect();
    collection
}

fn repository(number: usize) -> RepositoryObservation {
    let mut repository = appliance(&format!("appliance{number:06}"), noon());
    for index in 0..ASSETS {
        let count = number * ASSETS + index;
        let mut asset = share(&format!("asset{index}"), noon());
        if count.is_multiple_of(3) {
            asset.last_good = Stated::Value(noon() - SignedDuration::from_hours(30));
        }
        if count.is_multiple_of(7) {
            asset.last_run = LastRun::Failed { in_row: 2, at: None };
        }
        if count.is_multiple_of(11) {
            asset.last_offsite = Stated::Missing;
        }
        repository.assets.push(asset);
    }
    repository
}
