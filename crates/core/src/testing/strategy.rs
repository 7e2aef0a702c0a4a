//! Which fleets could there be? Generators for the property tests of this crate.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::observation::Exemption;

/// An instant up to 60 days before and up to 10 minutes after noon, often near a limit.
pub(crate) fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (-600_i64..5_184_000).prop_map(|seconds| noon() - SignedDuration::from_secs(seconds)),
        prop_oneof![Just(3600_i64), Just(86_400), Just(172_800), Just(604_800), Just(-300)]
            .prop_flat_map(|limit| (-1_i64..=1).prop_map(move |step| limit * 1_000_000_000 + step))
            .prop_map(|nanoseconds| noon() - SignedDuration::from_nanos(nanoseconds)),
    ]
}

/// Something stated or not.
pub(crate) fn stated<T: Copy + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Stated<T>> {
    prop_oneof![
        6 => value.prop_map(Stated::Value),
        1 => Just(Stated::Missing),
        1 => Just(Stated::Never),
        1 => Just(Stated::Unreadable),
    ]
}

fn last_run() -> impl Strategy<Value = LastRun> {
    prop_oneof![
        Just(LastRun::NoneYet),
        Just(LastRun::Succeeded),
        (1_u32..4, option::of(instant())).prop_map(|(in_row, at)| LastRun::Failed { in_row, at }),
    ]
}

fn one_asset() -> impl Strategy<Value = AssetObservation> {
    let kind = prop_oneof![Just(&AGENT), Just(&SHARE), Just(&OTHER)];
    let exempt = prop_oneof![8 => Just(None), 1 => Just(Some(Exemption::Archived)), 1 => Just(Some(Exemption::Paused))];
    let offsite_exempt = prop_oneof![4 => Just(None), 1 => Just(Some(Exemption::LocalOnly))];
    let dates = (stated(instant()), stated(instant()), stated(instant()), stated(instant()));
    (0_u8..6, kind, exempt, offsite_exempt, last_run(), dates, any::<bool>()).prop_map(
        |(number, kind, exempt, offsite_exempt, last_run, dates, failed)| {
            let mut asset = AssetObservation::new(kind, Name::new(format!("asset{number}")));
            asset.exempt = exempt;
            asset.offsite_exempt = offsite_exempt;
            asset.last_run = last_run;
            asset.last_good = dates.0;
            asset.last_offsite = dates.1;
            asset.more.created_at = dates.2;
            asset.more.verification = Verification { at: dates.3, failed };
            asset
        },
    )
}

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![4 => Just(Extent::Complete), 1 => Just(Extent::Partial), 1 => Just(Extent::Failed)]
}

/// Keeps the first of each name: a source tells its things apart.
fn unique<T>(mut things: Vec<T>, key: impl Fn(&T) -> Name) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    things.retain(|thing| seen.insert(key(thing)));
    things
}

fn one_repository() -> impl Strategy<Value = RepositoryObservation> {
    let kind = prop_oneof![Just(&APPLIANCE), Just(&ACCOUNT)];
    let exempt = prop_oneof![5 => Just(None), 1 => Just(Some(Exemption::Hidden))];
    let figures = (stated(0_u64..1000), stated(0_u64..1000), stated(0_u64..1000));
    let dates = (stated(instant()), stated(instant()), stated(instant()));
    let rest = (extent(), vec(one_asset(), 0..6), any::<bool>());
    (0_u8..4, kind, exempt, figures, dates, rest).prop_map(|(number, kind, exempt, figures, dates, rest)| {
        let name = Name::new(format!("repository{number}"));
        let mut repository = RepositoryObservation::new(kind, name.clone(), name);
        repository.exempt = exempt;
        repository.space.used = figures.0;
        repository.space.free = figures.1;
        repository.space.quota = figures.2;
        repository.last_seen = dates.0;
        repository.service_end = dates.1;
        repository.created_at = dates.2;
        repository.listing = rest.0;
        repository.assets = unique(rest.1, |asset| asset.key().clone());
        repository.used_ever = Some(rest.2);
        repository
    })
}

/// A look at one of three sources.
pub(crate) fn collection() -> impl Strategy<Value = Collection> {
    (0_u8..3, 0_i64..20, extent(), vec(one_repository(), 0..4)).prop_map(
        |(source, hour, listing, repositories)| {
            let observed_at = noon() - SignedDuration::from_hours(hour);
            let name = format!("source{source}");
            if listing == Extent::Failed {
                return unreachable(&name, observed_at);
            }
            let mut collection = FleetBuilder::new(&name, observed_at).collection();
            collection.listing = listing;
            collection.repositories = unique(repositories, |repository| repository.key.clone());
            collection
        },
    )
}

/// The looks that make a fleet.
pub(crate) fn collections() -> impl Strategy<Value = Vec<Collection>> {
    vec(collection(), 0..7)
}

/// Thresholds as an operator might set them, some of them off.
pub(crate) fn thresholds() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let one = prop_oneof![
        Just(("local_after", "off")),
        Just(("local_after", "0s")),
        Just(("offline_after", "off")),
        Just(("verified_after", "24h")),
        Just(("quota_level", "50")),
        Just(("unsuccessful_count", "3")),
        Just(("blind_after", "off")),
        Just(("never_used_after", "1d")),
        Just(("overdue_counts", "while_seen")),
    ];
    vec(one, 0..4)
}

/// The same thresholds for assets and repositories whose path ends in an even digit.
pub(crate) fn by_pattern(values: &[(&'static str, &'static str)]) -> Expectations {
    let parsed = values.iter().map(|(name, text)| {
        let threshold = checks::find_threshold(name).expect("a threshold that exists");
        (threshold.name, threshold.parse(text).expect("a valid value"), Origin::CommandLine)
    });
    let scope = Scope::Pattern(Box::new(|path| path.ends_with(['0', '2', '4'])));
    Expectations::new(checks::thresholds_of, vec![Layer { scope, values: parsed.collect() }])
}
