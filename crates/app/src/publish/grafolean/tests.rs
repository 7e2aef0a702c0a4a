//! Are the numbers those of this look, each under a path of its own, and never better than the fleet is?

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lastgood_collector::Second;
use lastgood_collector::grafolean::Value;
use lastgood_core::facts::fold;
use lastgood_core::id::Name;
use lastgood_core::observation::{Failure, FailureKind, Place};
use lastgood_core::testing::{
    AGENT, FleetBuilder, agent, ago, appliance, defaults, noon, set, share, unreachable,
};
use lastgood_core::time::Seconds;
use proptest::prelude::*;

use super::*;

const PREFIX: &str = "entity.7.backup";

fn publish(facts: &Facts, expectations: &Expectations) -> Publication {
    let took = Some(Duration::from_millis(1_500));
    let look = Look { facts, expectations, now: noon(), at: ago(noon(), Seconds(10)), took };
    let mut publications = look.numbers(|_| PREFIX.to_owned());
    assert_eq!(publications.len(), 1);
    publications.remove(0)
}

/// The numbers by their path behind the prefix; every one of them may be sent.
#[track_caller]
fn numbers(publication: &Publication) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    for sample in &publication.samples {
        Value::new(sample.path.as_str(), sample.value, Second(0))
            .unwrap_or_else(|error| panic!("{}: {error}", sample.path));
        let path = sample.path.strip_prefix(&format!("{PREFIX}.")).expect("all stand below the prefix");
        assert_eq!(numbers.insert(path.to_owned(), sample.value), None, "{path} stands there twice");
    }
    numbers
}

fn of(facts: &Facts) -> BTreeMap<String, f64> {
    numbers(&publish(facts, &defaults()))
}

fn fleet() -> FleetBuilder {
    let now = noon();
    let mut box_1 = appliance("BDR 01", now);
    box_1.space = Space { used: Stated::Value(300), free: Stated::Value(100), ..Space::default() };
    let mut late = agent("db.02", now);
    late.last_good = Stated::Value(ago(now, Seconds::days(2)));
    late.last_run = LastRun::Failed { in_row: 1, at: None };
    let mut ahead = agent("ahead", now);
    ahead.last_good = Stated::Value(ago(now, Seconds(0)) + jiff::SignedDuration::from_hours(1));
    let mut never = share("files", now);
    never.last_offsite = Stated::Never;
    box_1.assets = vec![agent("db01", now), late, ahead, never];
    FleetBuilder::new("portal", now).repository(box_1)
}

#[test]
fn a_complete_look_tells_how_each_subject_is_and_how_many_are_bad() {
    let numbers = of(&fleet().facts());
    for (path, value) in [
        ("look.ok", 1.0),
        ("look.partial", 0.0),
        ("look.failures", 0.0),
        ("look.duration_seconds", 1.5),
        ("look.unpublished", 0.0),
        ("repositories", 1.0),
        ("assets", 4.0),
        ("check.behind_local.bad", 1.0),
        ("check.behind_local.unknown", 1.0),
        ("check.behind_offsite.bad", 1.0),
        ("check.unsuccessful.bad", 1.0),
        ("check.quota.bad", 0.0),
        ("check.quota.unknown", 0.0),
        ("check.visibility.unknown", 0.0),
        ("repository.BDR_2001.used_bytes", 300.0),
        ("repository.BDR_2001.free_bytes", 100.0),
        ("repository.BDR_2001.capacity_bytes", 400.0),
        ("repository.BDR_2001.bad", 0.0),
        ("repository.BDR_2001.asset.db_2e02.last_good_age_seconds", 172_790.0),
        ("repository.BDR_2001.asset.db_2e02.failed", 1.0),
        ("repository.BDR_2001.asset.db_2e02.bad", 2.0),
        ("repository.BDR_2001.asset.db01.failed", 0.0),
        ("repository.BDR_2001.asset.db01.bad", 0.0),
        ("repository.BDR_2001.asset.ahead.unknown", 1.0),
        ("repository.BDR_2001.asset.files.bad", 1.0),
    ] {
        assert_eq!(numbers.get(path), Some(&value), "{path}: {numbers:#?}");
    }
    for path in ["ahead.last_good_age_seconds", "files.last_offsite_age_seconds"] {
        let path = format!("repository.BDR_2001.asset.{path}");
        assert!(!numbers.contains_key(&path), "{path} is not known");
    }
    assert_eq!(publish(&fleet().facts(), &defaults()).worst, Outcome::Bad);
}

#[test]
fn a_failed_look_leaves_no_number_that_could_look_alive() {
    let failed = fold(vec![unreachable("portal", noon())]);
    let publication = publish(&failed, &defaults());
    let expected = [
        ("check.visibility.unknown", 1.0),
        ("look.duration_seconds", 1.5),
        ("look.failures", 1.0),
        ("look.ok", 0.0),
        ("look.partial", 0.0),
        ("look.unpublished", 0.0),
    ];
    assert_eq!(numbers(&publication), expected.map(|(path, value)| (path.to_owned(), value)).into());
    assert_eq!(publication.worst, Outcome::Unknown);
    let mut not_opened = numbers(&not_opened(PREFIX));
    not_opened.insert("look.duration_seconds".to_owned(), 1.5);
    assert_eq!(not_opened, numbers(&publication));
}

#[test]
fn what_an_earlier_look_saw_is_not_published_after_a_failed_one() {
    let earlier = fleet().collection();
    let facts = fold(vec![earlier, unreachable("portal", noon() + jiff::SignedDuration::from_secs(1))]);
    assert!(!facts.sources[0].repositories.is_empty(), "facts remember what was seen");
    let numbers = of(&facts);
    assert_eq!(numbers.get("look.ok"), Some(&0.0));
    assert!(numbers.keys().all(|path| !path.starts_with("repositor") && path != "assets"), "{numbers:#?}");
}

#[test]
fn a_partial_look_counts_what_is_bad_and_never_says_that_nothing_is() {
    let numbers = of(&fleet().partial().facts());
    assert_eq!(numbers.get("look.ok"), Some(&0.0));
    assert_eq!(numbers.get("look.partial"), Some(&1.0));
    assert_eq!(numbers.get("check.behind_local.bad"), Some(&1.0));
    assert_eq!(numbers.get("check.quota.bad"), None);
    assert_eq!(numbers.get("repository.BDR_2001.asset.db01.bad"), Some(&0.0));
    assert!(numbers.iter().all(|(path, value)| !path.starts_with("check.") || *value > 0.0), "{numbers:#?}");
}

#[test]
fn a_list_in_which_nothing_stands_is_no_good_look() {
    let numbers = of(&FleetBuilder::new("portal", noon()).facts());
    assert_eq!((numbers["look.ok"], numbers["look.partial"], numbers["repositories"]), (0.0, 1.0, 0.0));
    assert!(!numbers.contains_key("check.behind_local.bad"));
    assert!(numbers["check.visibility.unknown"] > 0.0);
}

#[test]
fn a_check_that_is_off_has_no_number_and_one_of_which_there_is_nothing_has_zero() {
    let facts = FleetBuilder::new("portal", noon()).appliance("a", Vec::new()).facts();
    assert_eq!(of(&facts).get("check.behind_local.bad"), Some(&0.0));
    let off = numbers(&publish(&fleet().facts(), &set(&[("local_after", "off")])));
    assert_eq!(off.get("check.behind_local.bad"), None);
    assert_eq!(off.get("check.behind_offsite.bad"), Some(&1.0));
}

#[test]
fn a_hidden_repository_stands_nowhere_and_a_paused_asset_stays() {
    let now = noon();
    let mut hidden = appliance("hidden", now);
    hidden.exempt = Some(Exemption::Hidden);
    hidden.assets = vec![agent("of-hidden", now)];
    let mut paused = agent("paused", now);
    paused.exempt = Some(Exemption::Paused);
    let facts = FleetBuilder::new("portal", now).repository(hidden).appliance("a", vec![paused]).facts();
    let numbers = of(&facts);
    assert_eq!((numbers["repositories"], numbers["assets"]), (1.0, 1.0));
    assert!(numbers.keys().all(|path| !path.contains("hidden")));
    assert!(numbers.contains_key("repository.a.asset.paused.last_good_age_seconds"));
}

#[test]
fn a_backup_that_ended_after_the_scheduled_instant_is_of_age_zero() {
    let now = noon();
    let mut fresh = agent("fresh", now);
    fresh.last_good = Stated::Value(ago(now, Seconds(3)));
    let facts = FleetBuilder::new("portal", now).appliance("a", vec![fresh]).facts();
    assert_eq!(of(&facts).get("repository.a.asset.fresh.last_good_age_seconds"), Some(&0.0));
}

#[test]
fn figures_without_a_unit_are_no_bytes() {
    let mut box_1 = appliance("a", noon());
    box_1.space = Space { used: Stated::Value(3), unit: SpaceUnit::Unstated, ..Space::default() };
    let numbers = of(&FleetBuilder::new("portal", noon()).repository(box_1).facts());
    assert!(numbers.keys().all(|path| !path.ends_with("_bytes")), "{numbers:#?}");
}

#[test]
fn what_does_not_fit_is_counted_and_the_counts_are_whole() {
    let agents: Vec<_> = (0..VALUES_MAX / 4).map(|number| agent(&format!("a{number}"), noon())).collect();
    let facts = FleetBuilder::new("portal", noon()).appliance("a", agents).facts();
    let publication = publish(&facts, &defaults());
    let numbers = numbers(&publication);
    assert!(publication.unpublished_count > 0);
    let unpublished = number(publication.unpublished_count.into());
    assert_eq!(numbers.get("look.unpublished"), Some(&unpublished));
    assert_eq!(numbers.get("assets"), Some(&number((VALUES_MAX / 4) as u128)));
    let below = numbers.keys().filter(|path| path.starts_with("repository.")).count();
    assert!(below <= VALUES_MAX && below + 5 > VALUES_MAX, "{below}");
}

#[test]
fn every_path_of_the_table_is_published_and_no_other() {
    let mut published = BTreeSet::new();
    for path in of(&fleet().facts()).into_keys() {
        let mut parts: Vec<&str> = path.split('.').collect();
        for (name, place) in [("repository", "<repository>"), ("asset", "<asset>"), ("check", "<check>")] {
            if let Some(position) = parts.iter().position(|part| *part == name) {
                parts[position + 1] = place;
            }
        }
        published.insert(parts.join("."));
    }
    let table: BTreeSet<String> = path::ALL.iter().map(|path| path.template.to_owned()).collect();
    assert_eq!(published, table);
    assert_eq!(path::table().lines().count(), 2 + path::ALL.len());
}

#[test]
fn the_sources_of_a_fleet_are_published_apart() {
    let facts = fold(vec![fleet().collection(), unreachable("other", noon())]);
    let expectations = defaults();
    let look = Look { facts: &facts, expectations: &expectations, now: noon(), at: noon(), took: None };
    let publications = look.numbers(|source| format!("backup.{}", escape(source.as_str().as_bytes())));
    let first = |publication: &Publication| publication.samples[0].path.clone();
    assert_eq!(
        publications.iter().map(first).collect::<Vec<_>>(),
        ["backup.portal.look.ok", "backup.other.look.ok"]
    );
    assert!(
        publications
            .iter()
            .flat_map(|publication| &publication.samples)
            .all(|sample| !sample.path.contains("duration"))
    );
}

proptest! {
    #[test]
    fn no_two_subjects_share_a_path_whatever_they_are_called(
        names in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..6), 1..20),
        long in any::<bool>(),
    ) {
        let ending = if long { "x".repeat(900) } else { String::new() };
        let now = noon();
        let name = |bytes: &Vec<u8>| Name::new([ending.as_bytes(), bytes].concat());
        let assets = names.iter().map(|bytes| AssetObservation::new(&AGENT, name(bytes)));
        let mut builder = FleetBuilder::new("portal", now);
        for bytes in &names {
            let mut repository = appliance("a", now);
            repository.key = name(bytes);
            repository.assets = assets.clone().collect();
            builder = builder.repository(repository);
        }
        let publication = publish(&builder.facts(), &defaults());
        let paths: HashSet<&str> = publication.samples.iter().map(|sample| sample.path.as_str()).collect();
        prop_assert_eq!(paths.len(), publication.samples.len());
        for sample in &publication.samples {
            prop_assert!(Value::new(sample.path.as_str(), sample.value, Second(0)).is_ok(), "{}", sample.path);
        }
    }

    #[test]
    fn ok_is_only_what_was_seen_in_full(failures in 0_usize..3, partial in any::<bool>(), empty in any::<bool>()) {
        let builder = if empty { FleetBuilder::new("portal", noon()) } else { fleet() };
        let mut collection = if partial { builder.partial() } else { builder }.collection();
        for _ in 0..failures {
            let failure = Failure { place: Place::source(), kind: FailureKind::Refused, reason: "no".to_owned() };
            collection.failures.push(failure);
        }
        let is_ok = collection.failures.is_empty() && !partial && !empty;
        let numbers = of(&fold(vec![collection]));
        prop_assert_eq!(numbers["look.ok"] > 0.0, is_ok);
    }
}
