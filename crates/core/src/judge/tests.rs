//! One verdict per expectation, exemptions first, the same for the same input.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::checks::{behind_local, behind_offsite, offline, unsuccessful, unverified, visibility};
use crate::expectation::{Layer, Origin, Scope};
use crate::facts::fold;
use crate::id::SourceId;
use crate::kind::SubjectType;
use crate::observation::Stated;
use crate::testing::{
    self, AGENT, FleetBuilder, HOST, OURSELVES, PORTAL, SHARE, agent, appliance, defaults, noon, set,
    strategy,
};

/// Every row as text: subject, check and outcome.
fn rows(facts: &Facts, expectations: &Expectations) -> Vec<String> {
    let judgement = judge(facts, expectations, noon());
    let row = |(subject, verdicts): (Subject<'_>, &[Verdict])| {
        let verdicts =
            verdicts.iter().map(|verdict| format!("{}={}", verdict.check, verdict.outcome.as_str()));
        format!("{} {}", subject.path(), verdicts.collect::<Vec<_>>().join(" "))
    };
    judgement.subjects().map(row).collect()
}

#[test]
fn subjects_are_judged_in_the_order_of_the_facts_and_checks_in_that_of_the_kind() {
    let facts = FleetBuilder::new("acme", noon())
        .agents("nas1", &["db"])
        .appliance(
            "nas2",
            vec![testing::share("files", noon()), testing::asset(&testing::OTHER, "iscsi", noon())],
        )
        .facts();
    assert_eq!(
        rows(&facts, &defaults()),
        [
            "acme visibility=ok",
            "acme/nas1 offline=ok reboot_due=ok quota=ok service_expiry=ok visibility=ok",
            "acme/nas1/db unsuccessful=ok behind_local=ok behind_offsite=ok never_used=ok unverified=ok",
            "acme/nas2 offline=ok reboot_due=ok quota=ok service_expiry=ok visibility=ok",
            "acme/nas2/files unsuccessful=ok behind_local=ok behind_offsite=ok",
            "acme/nas2/iscsi ",
        ]
    );
}

#[test]
fn a_check_whose_threshold_is_off_has_no_row() {
    let facts = FleetBuilder::new("acme", noon()).agents("nas", &["db"]).facts();
    let off = set(&[("blind_after", "off"), ("verified_after", "off"), ("quota_level", "off")]);
    assert_eq!(
        rows(&facts, &off),
        [
            "acme ",
            "acme/nas offline=ok reboot_due=ok service_expiry=ok",
            "acme/nas/db unsuccessful=ok behind_local=ok behind_offsite=ok never_used=ok",
        ]
    );
}

#[test]
fn a_bad_subject_is_bad_for_itself_alone() {
    let mut late = agent("late", noon());
    late.last_good = Stated::Never;
    let facts = FleetBuilder::new("acme", noon()).appliance("nas", vec![agent("fine", noon()), late]).facts();
    let outcome = |path| {
        testing::verdict(&facts, &defaults(), noon(), path, behind_local::ID).map(|found| found.outcome)
    };
    assert_eq!(outcome("acme/nas/late"), Some(Outcome::Bad));
    assert_eq!(outcome("acme/nas/fine"), Some(Outcome::Ok));
    assert_eq!(outcome("acme/nas"), None);
    assert_eq!(judge(&facts, &defaults(), noon()).worst(), Outcome::Bad);
}

#[rstest]
#[case::repository_hidden(Some(Exemption::Hidden), None, Some(Exemption::Hidden), Some(Exemption::Hidden))]
#[case::asset_archived(None, Some(Exemption::Archived), None, Some(Exemption::Archived))]
#[case::the_repository_comes_first(
    Some(Exemption::Hidden),
    Some(Exemption::Paused),
    Some(Exemption::Hidden),
    Some(Exemption::Hidden)
)]
#[case::neither(None, None, None, None)]
fn an_exemption_wins_over_every_check_and_that_of_a_repository_covers_its_assets(
    #[case] of_repository: Option<Exemption>,
    #[case] of_asset: Option<Exemption>,
    #[case] shown_repository: Option<Exemption>,
    #[case] shown_asset: Option<Exemption>,
) {
    let mut repository = appliance("nas", noon());
    repository.exempt = of_repository;
    repository.last_seen = Stated::Never;
    let mut asset = agent("db", noon());
    asset.exempt = of_asset;
    asset.last_good = Stated::Never;
    repository.assets.push(asset);
    let facts = FleetBuilder::new("acme", noon()).repository(repository).facts();
    let expectations = defaults();
    let judgement = judge(&facts, &expectations, noon());
    for (subject, verdicts) in judgement.subjects() {
        let (shown, bad) = match subject {
            Subject::Source(_) => continue,
            Subject::Repository(..) => (shown_repository, offline::ID),
            Subject::Asset(..) => (shown_asset, behind_local::ID),
        };
        let Some(exemption) = shown else {
            assert!(verdicts.iter().any(|verdict| verdict.check == bad && verdict.outcome == Outcome::Bad));
            continue;
        };
        assert_eq!(verdicts.len(), checks_of(subject).len(), "never a missing row");
        for verdict in verdicts {
            assert_eq!((verdict.outcome, verdict.reason.clone()), (Outcome::Ok, Reason::Exempt(exemption)));
        }
    }
}

#[test]
fn a_fleet_without_any_verdict_is_unknown() {
    let nothing = Facts::default();
    let judgement_of_nothing = defaults();
    assert_eq!(judge(&nothing, &judgement_of_nothing, noon()).worst(), Outcome::Unknown);
    let listed_nothing = FleetBuilder::new("acme", noon()).facts();
    let off = set(&[("blind_after", "off")]);
    assert_eq!(judge(&listed_nothing, &off, noon()).worst(), Outcome::Unknown);
    assert_eq!(judge(&listed_nothing, &defaults(), noon()).worst(), Outcome::Unknown);
}

#[test]
fn a_fleet_is_bad_before_it_is_unknown_before_it_is_ok() {
    let worst = |facts: &Facts| judge(facts, &defaults(), noon()).worst();
    let fine = FleetBuilder::new("acme", noon()).agents("nas", &["db"]);
    assert_eq!(worst(&fine.clone().facts()), Outcome::Ok);
    assert_eq!(worst(&fine.clone().partial().facts()), Outcome::Unknown);
    let mut dead = appliance("dead", noon());
    dead.last_seen = Stated::Missing;
    assert_eq!(worst(&fine.partial().repository(dead).facts()), Outcome::Bad);
}

#[test]
fn an_override_for_one_subject_changes_that_subject_alone() {
    let facts = FleetBuilder::new("acme", noon()).agents("nas", &["db", "web"]).facts();
    let pattern = Scope::Pattern(Box::new(|path| path == "acme/nas/web"));
    let layer = |scope, values| Layer { scope, values };
    let values =
        vec![("local_after", Some(60), Origin::CommandLine), ("verified_after", None, Origin::CommandLine)];
    let expectations = Expectations::new(checks::thresholds_of, vec![layer(pattern, values)]);
    let rows = rows(&facts, &expectations);
    assert_eq!(
        rows[2],
        "acme/nas/db unsuccessful=ok behind_local=ok behind_offsite=ok never_used=ok unverified=ok"
    );
    assert_eq!(rows[3], "acme/nas/web unsuccessful=ok behind_local=bad behind_offsite=ok never_used=ok");
}

#[test]
fn thresholds_of_one_source_do_not_reach_another() {
    let look = |name| FleetBuilder::new(name, noon()).agents("nas", &["db"]).collection();
    let facts = fold(vec![look("one"), look("two"), look("three")]);
    let source = Scope::Source(SourceId::new("two").unwrap());
    let values = vec![("local_after", Some(60), Origin::CommandLine)];
    let expectations = Expectations::new(checks::thresholds_of, vec![Layer { scope: source, values }]);
    let outcome =
        |path| testing::verdict(&facts, &expectations, noon(), path, behind_local::ID).unwrap().outcome;
    assert_eq!(outcome("one/nas/db"), Outcome::Ok);
    assert_eq!(outcome("two/nas/db"), Outcome::Bad);
    assert_eq!(outcome("three/nas/db"), Outcome::Ok);
}

#[test]
fn the_kinds_for_tests_list_only_checks_that_can_be_asked_of_them() {
    let mut asked: Vec<CheckId> = SOURCE_CHECKS.to_vec();
    for kind in PORTAL.kinds.iter().chain(HOST.kinds).chain(OURSELVES.kinds) {
        for &check in kind.checks {
            let found = checks::find(check).expect("a check that exists");
            assert!(found.subjects.contains(&kind.subject), "{check} of {}", kind.id);
        }
        for (name, _) in kind.defaults {
            let threshold = checks::find_threshold(name).expect("a threshold that exists");
            let of_kind = kind.checks.iter().flat_map(|&check| checks::thresholds_of(check));
            assert!(
                of_kind.into_iter().any(|known| std::ptr::eq(*known, threshold)),
                "{name} of {}",
                kind.id
            );
        }
        asked.extend(kind.checks);
    }
    assert!(checks::ALL.iter().all(|check| asked.contains(&check.id)), "every check is used by some kind");
    let of_sources = SOURCE_CHECKS.iter().map(|&id| checks::find(id).expect("a check that exists"));
    assert!(of_sources.into_iter().all(|check| check.subjects.contains(&SubjectType::Source)));
    assert_eq!(SOURCE_CHECKS, [visibility::ID]);
    assert_eq!(SHARE.checks, [unsuccessful::ID, behind_local::ID, behind_offsite::ID, unverified::ID]);
    assert_eq!(AGENT.defaults, [("verified_after", Some(172_800))]);
}

proptest! {
    #[test]
    fn every_expectation_has_exactly_one_verdict(
        looks in strategy::collections(), thresholds in strategy::thresholds(), by_pattern: bool,
    ) {
        let facts = fold(looks);
        let expectations = if by_pattern { strategy::by_pattern(&thresholds) } else { set(&thresholds) };
        let judgement = judge(&facts, &expectations, noon());
        let mut count = 0;
        for ((subject, verdicts), expected) in judgement.subjects().zip(facts.subjects()) {
            prop_assert_eq!(subject.path(), expected.path());
            let expected = expectations.resolve(&subject, subject.kind(), checks_of(subject));
            let checks = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| verdict.check).collect::<Vec<_>>();
            prop_assert_eq!(checks(verdicts), expected.iter().map(|one| one.check).collect::<Vec<_>>());
            count += verdicts.len();
        }
        prop_assert_eq!(count, judgement.verdicts().len());
        prop_assert_eq!(judgement.subjects().count(), facts.subjects().count());
    }

    #[test]
    fn walking_and_keeping_give_the_same_and_twice_the_same(
        looks in strategy::collections(), thresholds in strategy::thresholds(), by_pattern: bool,
    ) {
        let facts = fold(looks);
        let expectations = if by_pattern { strategy::by_pattern(&thresholds) } else { set(&thresholds) };
        let mut walked = Vec::new();
        each(&facts, &expectations, noon(), |subject, verdicts| walked.push((subject.path(), verdicts.to_vec())));
        let judgement = judge(&facts, &expectations, noon());
        let kept: Vec<_> = judgement.subjects().map(|(subject, verdicts)| (subject.path(), verdicts.to_vec())).collect();
        prop_assert_eq!(&walked, &kept);
        let worst = kept.iter().flat_map(|(_, verdicts)| verdicts).map(|verdict| verdict.outcome).max();
        prop_assert_eq!(judgement.worst(), worst.unwrap_or(Outcome::Unknown));
    }

    #[test]
    fn the_order_of_looks_changes_no_verdict(
        (looks, shuffled) in strategy::collections()
            .prop_flat_map(|looks| (Just(looks.clone()), Just(looks).prop_shuffle())),
    ) {
        let sorted = |looks| {
            let mut rows = rows(&fold(looks), &defaults());
            rows.sort();
            rows
        };
        prop_assert_eq!(sorted(looks), sorted(shuffled));
    }
}

#[test]
fn each_repository_is_judged_by_the_thresholds_of_its_own_and_no_other_by_them() {
    // 40 % are used of each; 85 % is the default.
    let levels = [None, Some(3_900), None, Some(4_000), Some(3_900), None];
    let appliance_of = |(number, level): (usize, &Option<u32>)| {
        let mut appliance = appliance(&format!("nas{number}"), noon());
        appliance.thresholds = level.map(|level| ("quota_level", Some(level))).into_iter().collect();
        appliance
    };
    let fleet = levels.iter().enumerate().map(appliance_of);
    let builder = fleet.fold(FleetBuilder::new("acme", noon()), FleetBuilder::repository);
    let facts = builder.facts();
    let judgement = judge(&facts, &defaults(), noon());
    let quota = |verdicts: &[Verdict]| {
        let verdict = verdicts.iter().find(|verdict| verdict.check == checks::quota::ID);
        verdict.map(|verdict| verdict.outcome)
    };
    let outcomes: Vec<_> = judgement.subjects().filter_map(|(_, verdicts)| quota(verdicts)).collect();
    let [ok, bad] = [Outcome::Ok, Outcome::Bad];
    assert_eq!(outcomes, [ok, bad, ok, ok, bad, ok]);
}
