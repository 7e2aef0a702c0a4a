//! Every branch and every limit of every check: exactly at it, and one unit past it.

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::*;
use crate::expectation::{Origin, Setting};
use crate::observation::AssetObservation;
use crate::testing::{NANOSECOND, agent, appliance, at, noon};
use Outcome::{Bad, Ok, Unknown};

mod ages;
mod clients;
mod reports;
mod runs;
mod seen;
mod storage;

/// What a check expects: the value for its threshold, else the default of that threshold.
fn expecting(check: &Check, value: Option<u32>) -> Expectation {
    let setting = |threshold: &&'static Threshold| Setting {
        threshold,
        value: value.or(threshold.default),
        origin: Origin::Default,
    };
    Expectation { check: check.id, settings: check.thresholds.iter().map(setting).collect() }
}

/// The answer of a check about an otherwise healthy agent, at noon.
fn of_agent(check: &Check, value: Option<u32>, change: impl FnOnce(&mut AssetObservation)) -> Answer {
    let mut agent = agent("db", noon());
    change(&mut agent);
    check.judge.asset.expect("asked of assets")(alone(&agent), &expecting(check, value), noon())
}

/// An asset of which only this statement is known, of noon.
fn alone(stated: &AssetObservation) -> AssetFacts<'_> {
    AssetFacts { stated, observed_at: noon(), history: None }
}

/// The answer of a check about an otherwise healthy appliance, at noon.
fn of_appliance(check: &Check, value: Option<u32>, change: impl FnOnce(&mut RepositoryFacts)) -> Answer {
    let mut facts = RepositoryFacts::first(appliance("nas", noon()), noon());
    change(&mut facts);
    check.judge.repository.expect("asked of repositories")(&facts, &expecting(check, value), noon())
}

/// The instant so many seconds before noon.
fn seconds_ago(seconds: i64) -> Timestamp {
    noon() - SignedDuration::from_secs(seconds)
}

#[test]
fn every_check_has_its_own_id_and_is_found_by_it() {
    for (index, check) in ALL.iter().enumerate() {
        let found = find(check.id).expect("listed");
        assert!(std::ptr::eq(found, *check), "{}", check.id);
        assert_eq!(ALL.iter().position(|other| other.id == check.id), Some(index));
        assert!(std::ptr::eq(thresholds_of(check.id), check.thresholds));
    }
    assert!(find(CheckId::new("no_such_check")).is_none());
    assert!(thresholds_of(CheckId::new("no_such_check")).is_empty());
}

#[test]
fn every_threshold_has_its_own_name_is_found_by_it_and_names_its_check_in_bad_when() {
    let all = thresholds();
    for (check, threshold) in
        ALL.iter().flat_map(|check| check.thresholds.iter().map(move |one| (check, one)))
    {
        let same = all.iter().filter(|other| other.name == threshold.name);
        assert_eq!(same.count(), 1, "{}", threshold.name);
        assert!(std::ptr::eq(find_threshold(threshold.name).expect("listed"), *threshold));
        assert!(check.bad_when.contains(&format!("`{}`", threshold.name)), "{}", check.bad_when);
    }
    assert!(find_threshold("no_such_threshold").is_none());
}

#[test]
fn every_check_has_a_judge_for_exactly_the_subjects_it_is_asked_of() {
    for check in ALL {
        let has = [
            (SubjectType::Source, check.judge.source.is_some()),
            (SubjectType::Repository, check.judge.repository.is_some()),
            (SubjectType::Asset, check.judge.asset.is_some()),
        ];
        for (subject, has_judge) in has {
            assert_eq!(check.subjects.contains(&subject), has_judge, "{} of {}", check.id, subject.as_str());
        }
    }
}

#[test]
fn every_check_explains_itself() {
    for check in ALL {
        assert!(check.question.ends_with('?'), "{}", check.id);
        for text in [check.bad_when, check.remedy, check.words.matter, check.words.verb] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text:?}", check.id);
        }
    }
}

#[rstest]
#[case("offline_after", "1 h")]
#[case("reboot_after", "30 d")]
#[case("quota_level", "85 %")]
#[case("unsuccessful_count", "1")]
#[case("local_after", "24 h")]
#[case("offsite_after", "7 d")]
#[case("missed_count", "1")]
#[case("schedule_grace", "2 h")]
#[case("never_used_after", "7 d")]
#[case("verified_after", "off")]
#[case("stuck_after", "24 h")]
#[case("expiry_notice", "30 d")]
#[case("blind_after", "3 h")]
#[case("overdue_counts", "always")]
#[case("undelivered_after", "1 h")]
fn the_defaults_are_those_of_the_design(#[case] name: &str, #[case] shown: &str) {
    let threshold = find_threshold(name).expect("listed");
    assert_eq!(threshold.show(threshold.default), shown);
}
