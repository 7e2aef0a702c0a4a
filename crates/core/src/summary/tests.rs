//! What is counted, and that it agrees with the verdicts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::checks::{behind_local, offline, unverified, visibility};
use crate::facts::fold;
use crate::judge::judge;
use crate::observation::{LastRun, Stated};
use crate::testing::{
    AGENT, APPLIANCE, FleetBuilder, PORTAL, agent, appliance, defaults, noon, set, strategy, unreachable,
};

fn kind<'s>(summary: &'s Summary<'_>, id: &str) -> &'s KindCount {
    summary.kinds.iter().find(|kind| kind.kind == id).expect("listed")
}

/// How many are bad and how many unknown for a check.
fn of_check(summary: &Summary<'_>, id: &str, check: CheckId) -> (u64, u64) {
    let found = kind(summary, id).checks.iter().find(|known| known.check == check).expect("listed");
    (found.bad, found.unknown)
}

#[test]
fn every_kind_and_every_check_of_it_stands_there_zeros_too() {
    let facts = FleetBuilder::new("acme", noon()).facts();
    let summary = summarize(&facts, &defaults(), noon());
    let listed: Vec<_> = summary.kinds.iter().map(|kind| (kind.kind, kind.subject, kind.count)).collect();
    assert_eq!(
        listed,
        [
            ("appliance", SubjectType::Repository, 0),
            ("account", SubjectType::Repository, 0),
            ("agent", SubjectType::Asset, 0),
            ("share", SubjectType::Asset, 0),
            ("ping", SubjectType::Asset, 0),
            ("other", SubjectType::Asset, 0),
        ]
    );
    for (counted, kind) in summary.kinds.iter().zip(PORTAL.kinds) {
        let checks: Vec<_> = counted.checks.iter().map(|check| check.check).collect();
        assert_eq!(checks, kind.checks);
        assert!(counted.checks.iter().all(|check| (check.bad, check.unknown) == (0, 0)));
    }
    assert!(summary.space.is_empty());
    assert_eq!((summary.at, summary.worst), (noon(), Outcome::Unknown));
}

#[test]
fn a_hidden_repository_and_its_assets_stand_nowhere() {
    let mut hidden = appliance("hidden", noon());
    hidden.exempt = Some(Exemption::Hidden);
    hidden.last_seen = Stated::Never;
    hidden.assets.push(agent("db", noon()));
    let facts = FleetBuilder::new("acme", noon()).repository(hidden).agents("nas", &["db"]).facts();
    let summary = summarize(&facts, &defaults(), noon());
    assert_eq!((kind(&summary, "appliance").count, kind(&summary, "agent").count), (1, 1));
    assert_eq!(of_check(&summary, "appliance", offline::ID), (0, 0));
    let space: Vec<_> =
        summary.space.iter().map(|(_, repository)| repository.stated.name.to_string()).collect();
    assert_eq!(space, ["nas"]);
    assert_eq!(summary.worst, Outcome::Ok);
}

#[test]
fn archived_and_paused_assets_are_counted_and_exempt() {
    let assets = [Exemption::Archived, Exemption::Paused].map(|exemption| {
        let mut asset = agent(exemption.as_str(), noon());
        asset.exempt = Some(exemption);
        asset.last_good = Stated::Never;
        asset
    });
    let facts = FleetBuilder::new("acme", noon()).appliance("nas", assets.to_vec()).facts();
    let summary = summarize(&facts, &defaults(), noon());
    assert_eq!(kind(&summary, "agent").count, 2);
    assert_eq!(of_check(&summary, "agent", behind_local::ID), (0, 0));
}

#[test]
fn a_repository_that_is_exempt_for_another_reason_is_counted() {
    let mut paused = appliance("paused", noon());
    paused.exempt = Some(Exemption::Paused);
    let facts = FleetBuilder::new("acme", noon()).repository(paused).facts();
    let summary = summarize(&facts, &defaults(), noon());
    assert_eq!((kind(&summary, "appliance").count, summary.space.len()), (1, 1));
}

#[test]
fn bad_and_unknown_are_counted_per_check_and_two_sources_together() {
    let mut ahead = agent("ahead", noon());
    ahead.last_good = Stated::Value(noon() + jiff::SignedDuration::from_hours(1));
    let mut late = agent("late", noon());
    late.last_good = Stated::Never;
    late.last_run = LastRun::Failed { in_row: 1, at: None };
    let one = FleetBuilder::new("one", noon()).appliance("nas", vec![ahead, late.clone()]);
    let two = FleetBuilder::new("two", noon()).appliance("nas", vec![late, agent("fine", noon())]);
    let facts = fold(vec![one.collection(), two.collection(), unreachable("three", noon())]);
    let summary = summarize(&facts, &defaults(), noon());
    assert_eq!(summary.kinds.len(), PORTAL.kinds.len(), "a kind that two sources know stands once");
    assert_eq!((kind(&summary, "agent").count, kind(&summary, "appliance").count), (4, 2));
    assert_eq!(of_check(&summary, "agent", behind_local::ID), (2, 1));
    assert_eq!(of_check(&summary, "agent", crate::checks::unsuccessful::ID), (2, 0));
    assert_eq!(of_check(&summary, "appliance", visibility::ID), (0, 0));
    let sources: Vec<_> =
        summary.sources.iter().map(|(source, outcome)| (source.id.as_str(), *outcome)).collect();
    assert_eq!(sources, [("one", Outcome::Ok), ("two", Outcome::Ok), ("three", Outcome::Unknown)]);
    assert_eq!(summary.worst, Outcome::Bad);
}

#[test]
fn a_source_without_an_answer_is_unknown() {
    let facts = FleetBuilder::new("acme", noon()).agents("nas", &["db"]).facts();
    let summary = summarize(&facts, &set(&[("blind_after", "off")]), noon());
    assert_eq!(summary.sources[0].1, Outcome::Unknown);
    assert_eq!(summary.worst, Outcome::Ok);
    assert_eq!(summarize(&Facts::default(), &defaults(), noon()).worst, Outcome::Unknown);
}

#[test]
fn a_kind_that_two_kinds_of_sources_know_has_the_checks_of_both() {
    static OTHER_AGENT: Kind = Kind {
        id: "agent",
        subject: SubjectType::Asset,
        checks: &[unverified::ID, offline::ID],
        defaults: &[],
    };
    static OTHER_PORTAL: crate::kind::SourceKind =
        crate::kind::SourceKind { id: "other-portal", kinds: &[&OTHER_AGENT, &APPLIANCE] };
    let mut other = FleetBuilder::new("two", noon()).collection();
    other.kind = &OTHER_PORTAL;
    let facts = fold(vec![FleetBuilder::new("one", noon()).collection(), other]);
    let summary = summarize(&facts, &defaults(), noon());
    let checks: Vec<_> = kind(&summary, "agent").checks.iter().map(|check| check.check).collect();
    let expected: Vec<_> = AGENT.checks.iter().copied().chain([offline::ID]).collect();
    assert_eq!(checks, expected);
    assert_eq!(summary.kinds.len(), PORTAL.kinds.len());
}

proptest! {
    #[test]
    fn a_summary_counts_what_judge_says(
        looks in strategy::collections(), thresholds in strategy::thresholds(),
    ) {
        let facts = fold(looks);
        let expectations = set(&thresholds);
        let summary = summarize(&facts, &expectations, noon());
        let judgement = judge(&facts, &expectations, noon());
        let mut counts: BTreeMap<(&str, CheckId), (u64, u64)> = BTreeMap::new();
        let mut subjects: BTreeMap<&str, u64> = BTreeMap::new();
        for (subject, verdicts) in judgement.subjects() {
            let hidden = match subject {
                Subject::Source(_) => continue,
                Subject::Repository(_, repository) | Subject::Asset(_, repository, _) => is_hidden(repository),
            };
            if hidden {
                prop_assert!(verdicts.iter().all(|verdict| verdict.outcome == Outcome::Ok));
                continue;
            }
            *subjects.entry(subject.kind_id()).or_default() += 1;
            for verdict in verdicts {
                let (bad, unknown) = counts.entry((subject.kind_id(), verdict.check)).or_default();
                *bad += u64::from(verdict.outcome == Outcome::Bad);
                *unknown += u64::from(verdict.outcome == Outcome::Unknown);
            }
        }
        for kind in &summary.kinds {
            prop_assert_eq!(kind.count, subjects.get(kind.kind).copied().unwrap_or(0));
            for check in &kind.checks {
                let expected = counts.get(&(kind.kind, check.check)).copied().unwrap_or_default();
                prop_assert_eq!((check.bad, check.unknown), expected);
            }
        }
        prop_assert_eq!(summary.worst, judgement.worst());
    }
}
