//! Whatever is looked at, in whichever order things come, go and fail: what is kept says what folding every look says.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lastgood_core::facts::fold;
use lastgood_core::id::Name;
use lastgood_core::observation::{
    AssetObservation, Collection, Evidence, Exemption, Extent, Failure, FailureKind, LastRun, Place, Planned,
    RepositoryObservation, Stated as Value, Uptime,
};
use lastgood_core::schedule::Schedule;
use lastgood_core::testing::{
    ACCOUNT, AGENT, APPLIANCE, FleetBuilder, PORTAL, SHARE, noon, source_id, unreachable,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::difference::Stated;
use super::replay::{LookRow, Rebuilt};
use super::spelling::spelled;
use super::thinning::thinned;
use crate::store::kept;

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![5 => Just(Extent::Complete), 2 => Just(Extent::Partial), 1 => Just(Extent::Failed)]
}

fn nightly(is_unreadable: bool) -> Planned {
    let zurich = TimeZone::get("Europe/Zurich").expect("a zone that exists");
    let schedules = vec![Schedule::parse_cron("30 2 * * *", zurich).expect("a valid schedule")];
    Planned { schedules, since: noon(), grace: None, is_unreadable }
}

fn asset() -> impl Strategy<Value = AssetObservation> {
    // Few different values: so that the same is often stated again.
    (0_u8..4, 0_u8..3, 0_i64..2, any::<[bool; 4]>()).prop_map(
        |(number, identity, hour, [twin, failed, seen, odd])| {
            let kind = if odd { &AGENT } else { &SHARE };
            let mut asset = AssetObservation::new(kind, Name::new([b'a', 0xe4, number]));
            if twin {
                asset.more.key = Some(Name::new(format!("twin{number}")));
            }
            if identity > 0 {
                asset.more.identity = Some(format!("id{identity}").into());
            }
            let at = noon() - SignedDuration::new(hour * 3600, 17);
            asset.last_run =
                if failed { LastRun::Failed { in_row: 2, at: Some(at) } } else { LastRun::Succeeded };
            if twin {
                let started_at = at + SignedDuration::from_mins(9);
                asset.more.started_at = if failed { Value::Value(started_at) } else { Value::Missing };
                asset.more.last_seen = if seen { Value::Value(started_at) } else { Value::Never };
                asset.more.planned = Some(Arc::new(nightly(failed)));
            }
            asset.last_good = if seen { Value::Value(at) } else { Value::Unreadable };
            if !seen {
                asset.more.evidence = vec![Evidence::new("lastBackup", Some(7), "n/a", "no date")];
                asset.exempt = Some(Exemption::Paused);
            }
            asset
        },
    )
}

fn repository() -> impl Strategy<Value = RepositoryObservation> {
    (0_u8..3, vec(asset(), 0..5), extent(), 0_u64..3, any::<bool>()).prop_map(
        |(number, assets, listing, used, is_appliance)| {
            let kind = if is_appliance { &APPLIANCE } else { &ACCOUNT };
            let mut repository =
                RepositoryObservation::new(kind, Name::new([b'r', number]), Name::new("shown"));
            repository.space.used = Value::Value(used);
            repository.uptime = Uptime::from_seconds(0.5).map_or(Value::Never, Value::Value);
            repository.listing = listing;
            repository.assets = assets;
            let mut seen = HashSet::new();
            repository.assets.retain(|asset| seen.insert(asset.key().clone()));
            repository
        },
    )
}

/// What could not be seen of repositories, stated or not.
fn failures() -> impl Strategy<Value = Vec<Failure>> {
    let failure = |number: u8| {
        let reason = format!("no answer {number}");
        Failure { place: Place::repository(Name::new([b'r', number])), kind: FailureKind::TimedOut, reason }
    };
    vec((0_u8..3).prop_map(failure), 0..3)
}

fn look() -> impl Strategy<Value = (Extent, Vec<RepositoryObservation>, Vec<Failure>)> {
    (extent(), vec(repository(), 0..4), failures()).prop_map(|(listing, mut repositories, failures)| {
        let mut seen = HashSet::new();
        repositories.retain(|repository| seen.insert(repository.key.clone()));
        (listing, repositories, failures)
    })
}

/// Looks every five minutes.
fn looks(count: usize) -> impl Strategy<Value = Vec<Collection>> {
    vec(look(), 1..count).prop_map(|looks| {
        let at = |number: usize| noon() + SignedDuration::from_mins(5 * i64::try_from(number).expect("few"));
        let one = |(number, (listing, repositories, failures))| {
            if listing == Extent::Failed {
                return unreachable("acme", at(number));
            }
            let mut collection = FleetBuilder::new("acme", at(number)).collection();
            collection.listing = listing;
            collection.repositories = repositories;
            collection.failures = failures;
            collection
        };
        looks.into_iter().enumerate().map(one).collect()
    })
}

fn row(collection: &Collection) -> LookRow {
    LookRow {
        observed_at: collection.observed_at,
        listing: collection.listing,
        failures: collection.failures.clone(),
        repository_count: collection.repositories.len(),
        asset_count: collection.repositories.iter().map(|repository| repository.assets.len()).sum(),
    }
}

fn go_on(before: Option<Rebuilt>, collection: &Collection, parts: &[Vec<u8>]) -> Rebuilt {
    let source = source_id("acme");
    let parts = parts.iter().map(Vec::as_slice);
    Rebuilt::look(before, (&source, &PORTAL), row(collection), parts).expect("what was written is read")
}

fn again(rebuilt: &Rebuilt) -> Rebuilt {
    let (source, parts) = (source_id("acme"), rebuilt.write());
    Rebuilt::read((&source, &PORTAL), parts.iter().map(Vec::as_slice)).expect("what was written is read")
}

proptest! {
    /// I7, and that nothing is lost or invented by keeping differences only. The writer is now one that has run on, now
    /// one that was started anew; the reader now goes on, now begins from a checkpoint.
    #[test]
    fn what_is_kept_says_what_all_looks_say(
        looks in looks(12),
        restarts in vec((any::<bool>(), any::<bool>()), 12),
    ) {
        let mut stated = Stated::nothing(&PORTAL);
        let mut rebuilt = None;
        for (number, collection) in looks.iter().enumerate() {
            let difference = stated.difference(collection).map_err(|twin| twin.0).expect("no twins");
            let next = go_on(rebuilt, collection, &difference.parts);
            let expected = fold(looks[..=number].iter().map(kept).collect());
            prop_assert_eq!(&next.facts, &expected.sources[0]);
            let next = if restarts[number].0 { again(&next) } else { next };
            prop_assert_eq!(&next.facts, &expected.sources[0]);
            stated = if restarts[number].1 { next.stated() } else { difference.stated };
            rebuilt = Some(next);
        }
    }

    /// What is stated again as it was costs nothing.
    #[test]
    fn the_same_look_again_states_nothing_new(looks in looks(4)) {
        let mut stated = Stated::nothing(&PORTAL);
        for collection in &looks {
            stated = stated.difference(collection).map_err(|twin| twin.0).expect("no twins").stated;
        }
        let last = looks.last().expect("at least one");
        if last.listing == Extent::Complete && !last.repositories.is_empty() {
            let again = stated.difference(last).map_err(|twin| twin.0).expect("no twins");
            prop_assert_eq!(again.parts, Vec::<Vec<u8>>::new());
        }
    }

    /// Bytes that were cut or altered are damage or other facts, never a crash.
    #[test]
    fn no_bytes_make_it_panic(looks in looks(3), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let difference = Stated::nothing(&PORTAL).difference(&looks[0]).map_err(|twin| twin.0).expect("no twins");
        let Some(mut part) = difference.parts.first().cloned() else { return Ok(()) };
        let place = place.index(part.len());
        part[place] = byte;
        let source = source_id("acme");
        for bytes in [&part[..], &part[..place]] {
            drop(Rebuilt::look(None, (&source, &PORTAL), row(&looks[0]), [bytes]));
            drop(Rebuilt::read((&source, &PORTAL), [bytes]));
            drop(thinned(&[(noon(), vec![bytes.to_vec()])], &PORTAL));
        }
    }
}

#[test]
fn a_day_that_was_thinned_keeps_every_statement_about_an_asset() {
    let at = |minutes| noon() + SignedDuration::from_mins(minutes);
    let mut stated = Stated::nothing(&PORTAL);
    let mut looks: Vec<(Timestamp, Vec<Vec<u8>>)> = Vec::new();
    for minutes in [0, 5, 10] {
        let fleet = FleetBuilder::new("acme", at(minutes)).agents("nas1", &["db", "web"]).collection();
        let difference = stated.difference(&fleet).map_err(|twin| twin.0).expect("no twins");
        looks.push((at(minutes), difference.parts));
        stated = difference.stated;
    }
    let parts = thinned(&looks, &PORTAL).expect("what was written is read");
    let again = thinned(&[(at(10), parts.clone())], &PORTAL).expect("it is thinned again");
    assert_eq!(again, parts);
    let words = spelled(&parts, &PORTAL).expect("what was written is read");
    let assets = words.iter().filter(|statement| statement.contains_key("last_good")).count();
    let repositories = words.iter().filter(|statement| statement.contains_key("uptime_seconds")).count();
    assert_eq!((assets, repositories), (6, 1));
}

#[test]
fn two_assets_of_one_name_are_refused() {
    let fleet = FleetBuilder::new("acme", noon()).agents("nas1", &["db", "db"]).collection();
    let Err(twin) = Stated::nothing(&PORTAL).difference(&fleet) else { panic!("nobody can tell them apart") };
    assert_eq!(twin.0, "nas1/db");
}
