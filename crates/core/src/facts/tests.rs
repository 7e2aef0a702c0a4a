//! What folding looks keeps, renews and forgets.

use jiff::SignedDuration;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::observation::{FailureKind, Stated};
use crate::testing::{
    FleetBuilder, NANOSECOND, agent, appliance, at, defaults, noon, strategy, unreachable, verdict,
};
use crate::verdict::Outcome;

/// An instant so many hours after noon.
fn hour(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

/// A complete look at source `acme` with the repositories `nas1` (agents `db`, `web`) and `nas2` (agent `mail`).
fn full(hours: i64) -> Collection {
    let fleet = FleetBuilder::new("acme", hour(hours));
    fleet.agents("nas1", &["db", "web"]).agents("nas2", &["mail"]).collection()
}

/// A look with `nas1` (agent `db`) alone, its assets and the repositories listed to this extent.
fn less(hours: i64, repositories: Extent, assets: Extent) -> Collection {
    let mut look = FleetBuilder::new("acme", hour(hours)).agents("nas1", &["db"]).collection();
    look.listing = repositories;
    look.repositories[0].listing = assets;
    look
}

fn paths(facts: &Facts) -> Vec<String> {
    facts.subjects().map(|subject| subject.path()).collect()
}

const ALL: [&str; 6] = ["acme", "acme/nas1", "acme/nas1/db", "acme/nas1/web", "acme/nas2", "acme/nas2/mail"];

#[test]
fn the_first_look_is_taken_as_it_is() {
    let facts = fold(vec![full(0)]);
    assert_eq!(paths(&facts), ALL);
    let source = &facts.sources[0];
    assert_eq!((source.looked_at, source.listed_at), (hour(0), Some(hour(0))));
    assert_eq!((source.look, source.listing), (Extent::Complete, Extent::Complete));
    let nas = &source.repositories[0];
    assert_eq!((nas.observed_at, nas.listed_at), (hour(0), Some(hour(0))));
}

#[rstest]
#[case::complete_drops_all_it_does_not_list(Extent::Complete, Extent::Complete, &["acme", "acme/nas1", "acme/nas1/db"])]
#[case::a_partial_list_of_assets_keeps_assets(Extent::Complete, Extent::Partial, &ALL[..4])]
#[case::an_unread_list_of_assets_keeps_assets(Extent::Complete, Extent::Failed, &ALL[..4])]
#[case::a_partial_list_of_repositories_keeps_repositories(
    Extent::Partial, Extent::Complete, &["acme", "acme/nas1", "acme/nas1/db", "acme/nas2", "acme/nas2/mail"])]
#[case::both_partial_keep_all(Extent::Partial, Extent::Partial, &ALL)]
fn what_was_not_listed_is_gone_only_after_a_complete_list(
    #[case] repositories: Extent,
    #[case] assets: Extent,
    #[case] expected: &[&str],
) {
    let facts = fold(vec![full(0), less(1, repositories, assets)]);
    assert_eq!(paths(&facts), expected);
}

#[test]
fn a_failed_look_keeps_all_and_says_so() {
    let facts = fold(vec![full(0), unreachable("acme", hour(5))]);
    assert_eq!(paths(&facts), ALL);
    let source = &facts.sources[0];
    assert_eq!((source.look, source.listing), (Extent::Failed, Extent::Failed));
    assert_eq!((source.looked_at, source.listed_at), (hour(5), Some(hour(0))));
    assert_eq!(source.failures[0].kind, FailureKind::Unreachable);
    let mut known = fold(vec![full(0)]).sources.remove(0).repositories;
    for repository in &mut known {
        repository.stated.listing = Extent::Failed;
    }
    assert_eq!(source.repositories, known);
}

#[test]
fn an_empty_list_where_something_was_known_ends_nothing() {
    let empty = |hours| FleetBuilder::new("acme", hour(hours)).collection();
    let facts = fold(vec![full(0), empty(1), empty(2)]);
    assert_eq!(paths(&facts), ALL);
    let source = &facts.sources[0];
    assert_eq!((source.look, source.listing), (Extent::Partial, Extent::Partial));
    assert_eq!((source.looked_at, source.listed_at), (hour(2), Some(hour(0))));
    assert!(source.repositories.iter().all(|repository| repository.stated.listing == Extent::Failed));
    let again = fold(vec![full(0), empty(1), full(2)]);
    assert_eq!((again.sources[0].look, history(&again, "db").first_seen_at), (Extent::Complete, hour(0)));
    let ourselves = |hours, keys: &[&str]| {
        keys.iter().fold(FleetBuilder::new("lastgood", hour(hours)), |f, key| f.agents(key, &[]))
    };
    let facts = fold(vec![ourselves(0, &["mail"]).collection(), ourselves(1, &[]).collection()]);
    assert_eq!((paths(&facts), facts.sources[0].look), (vec!["lastgood".to_owned()], Extent::Complete));
}

#[test]
fn a_repository_that_the_newest_look_did_not_see_is_not_fine_and_in_the_end_bad() {
    let facts = fold(vec![full(0), unreachable("acme", hour(1))]);
    let outcome = |at| {
        let verdict = verdict(&facts, &defaults(), at, "acme/nas1", crate::checks::visibility::ID);
        verdict.expect("it is asked of an appliance").outcome
    };
    assert_eq!(outcome(hour(1)), Outcome::Unknown);
    assert_eq!(outcome(hour(3)), Outcome::Unknown);
    assert_eq!(outcome(hour(3) + NANOSECOND), Outcome::Bad);
}

#[test]
fn a_source_that_was_never_reached_is_known_with_nothing_in_it() {
    let facts = fold(vec![unreachable("acme", hour(0))]);
    assert_eq!(paths(&facts), ["acme"]);
    assert_eq!(facts.sources[0].listed_at, None);
}

#[test]
fn a_look_after_a_failed_one_forgets_the_failure() {
    let facts = fold(vec![unreachable("acme", hour(0)), full(1)]);
    assert!(facts.sources[0].failures.is_empty());
    assert_eq!((facts.sources[0].look, facts.sources[0].listed_at), (Extent::Complete, Some(hour(1))));
}

#[test]
fn when_a_list_was_last_read_stays_while_it_cannot_be_read() {
    let looks =
        vec![full(0), less(1, Extent::Partial, Extent::Partial), less(2, Extent::Partial, Extent::Failed)];
    let facts = fold(looks);
    let source = &facts.sources[0];
    assert_eq!(
        (source.look, source.listing, source.listed_at),
        (Extent::Partial, Extent::Partial, Some(hour(0)))
    );
    let [seen, unseen] = &source.repositories[..] else { panic!("two repositories") };
    assert_eq!((seen.observed_at, seen.listed_at), (hour(2), Some(hour(0))));
    assert_eq!((unseen.observed_at, unseen.listed_at), (hour(0), Some(hour(0))));
    let never =
        fold(vec![less(1, Extent::Partial, Extent::Partial), less(2, Extent::Partial, Extent::Partial)]);
    assert_eq!(never.sources[0].repositories[0].listed_at, None);
    let again = fold(vec![full(0), less(1, Extent::Complete, Extent::Complete)]);
    assert_eq!(again.sources[0].repositories[0].listed_at, Some(hour(1)));
}

#[test]
fn the_newest_statement_about_an_asset_counts_and_it_stands_once() {
    let mut newer = less(1, Extent::Partial, Extent::Partial);
    newer.repositories[0].assets[0].last_good = Stated::Never;
    let facts = fold(vec![newer, full(0)]);
    let assets = &facts.sources[0].repositories[0].stated.assets;
    assert_eq!(assets.iter().map(|asset| asset.key().to_string()).collect::<Vec<_>>(), ["db", "web"]);
    assert_eq!(assets[0].last_good, Stated::Never);
}

fn history<'a>(facts: &'a Facts, key: &str) -> &'a History {
    let repository = &facts.sources[0].repositories[0];
    let asset = repository.stated.assets.iter().find(|asset| *asset.key() == Name::new(key));
    repository.asset(asset.expect("it is there")).history.expect("it is remembered")
}

#[test]
fn what_is_remembered_follows_its_asset_and_begins_anew_when_it_comes_back() {
    let look =
        |hours, keys: &[&str]| FleetBuilder::new("acme", hour(hours)).agents("nas1", keys).collection();
    let first_seen = |looks, key| history(&fold(looks), key).first_seen_at;
    let (before, turned) = (look(0, &["db", "web"]), look(1, &["web", "new", "db"]));
    let looks = || vec![before.clone(), turned.clone()];
    assert_eq!(["db", "web", "new"].map(|key| first_seen(looks(), key)), [hour(0), hour(0), hour(1)]);
    let mut in_part = look(2, &["db"]);
    in_part.repositories[0].listing = Extent::Partial;
    let looks = || vec![before.clone(), turned.clone(), in_part.clone()];
    assert_eq!(["db", "web", "new"].map(|key| first_seen(looks(), key)), [hour(0), hour(0), hour(1)]);
    assert_eq!(fold(looks()).sources[0].repositories[0].first_seen_at, hour(0));
    let looks = vec![before.clone(), look(1, &["web"]), look(2, &["db", "web"])];
    assert_eq!(["db", "web"].map(|key| first_seen(looks.clone(), key)), [hour(2), hour(0)]);
    let named = |hours, name: &str| {
        let mut look = look(hours, &[name]);
        look.repositories[0].assets[0].more.identity = Some("volume 7".into());
        look
    };
    assert_eq!(first_seen(vec![named(0, "old"), named(1, "new")], "new"), hour(0));
}

#[test]
fn an_asset_is_recognised_by_its_key_and_not_by_its_name() {
    let mut older = FleetBuilder::new("acme", hour(0)).agents("nas", &["db", "db"]).collection();
    older.repositories[0].assets[1].more.key = Some(Name::new("db (2)"));
    let mut newer = FleetBuilder::new("acme", hour(1)).agents("nas", &["renamed"]).collection();
    newer.repositories[0].assets[0].more.key = Some(Name::new("db (2)"));
    newer.repositories[0].listing = Extent::Partial;
    let facts = fold(vec![older, newer]);
    assert_eq!(paths(&facts), ["acme", "acme/nas", "acme/nas/db (2)", "acme/nas/db"]);
    assert_eq!(facts.sources[0].repositories[0].stated.assets[0].name, Name::new("renamed"));
}

#[test]
fn repositories_that_were_not_seen_stand_last_in_the_order_of_their_keys() {
    let older = FleetBuilder::new("acme", hour(0))
        .agents("d", &[])
        .agents("b", &[])
        .agents("c", &[])
        .agents("a", &[]);
    let newer = FleetBuilder::new("acme", hour(1)).agents("c", &[]).partial();
    let facts = fold(vec![older.collection(), newer.collection()]);
    assert_eq!(paths(&facts), ["acme", "acme/c", "acme/a", "acme/b", "acme/d"]);
}

#[test]
fn sources_are_kept_apart_in_the_order_in_which_they_were_given() {
    let zeta = |hours| FleetBuilder::new("zeta", hour(hours)).agents("nas1", &[]).collection();
    let facts = fold(vec![zeta(9), full(1), zeta(0), full(0)]);
    let ids: Vec<_> = facts.sources.iter().map(|source| source.id.as_str()).collect();
    assert_eq!(ids, ["zeta", "acme"]);
    assert_eq!(facts.sources[0].looked_at, hour(9));
    assert_eq!(paths(&facts).len(), 2 + ALL.len());
}

#[test]
fn of_looks_at_the_same_instant_blindness_is_taken_last() {
    for looks in [[full(0), unreachable("acme", hour(0))], [unreachable("acme", hour(0)), full(0)]] {
        let facts = fold(looks.to_vec());
        assert_eq!(facts.sources[0].look, Extent::Failed);
        assert_eq!(paths(&facts), ALL);
    }
}

#[test]
fn a_subject_has_a_path_a_name_and_a_kind() {
    let mut repository = appliance("nas", noon());
    repository.name = Name::new(b"b\xfcro");
    repository.assets.push(agent("db", noon()));
    repository.assets[0].name = Name::new(b"\xff");
    repository.assets[0].more.key = Some(Name::new("db"));
    let facts = FleetBuilder::new("acme", noon()).repository(repository).facts();
    let subjects: Vec<_> = facts.subjects().collect();
    let rows: Vec<_> = subjects
        .iter()
        .map(|subject| (subject.path(), subject.name().into_owned(), subject.name_hex(), subject.kind_id()))
        .collect();
    let text = str::to_owned;
    assert_eq!(rows[0], (text("acme"), text("acme"), None, "portal"));
    assert_eq!(rows[1], (text("acme/nas"), text("b\u{fffd}ro"), Some(text("62fc726f")), "appliance"));
    assert_eq!(rows[2], (text("acme/nas/db"), text("\u{fffd}"), Some(text("ff")), "agent"));
    assert!(subjects.iter().all(|subject| subject.source().id.as_str() == "acme"));
}

#[rstest]
#[case(None, None, None, "acme")]
#[case(Some("nas"), None, None, "acme/nas")]
#[case(Some("nas"), Some("db"), None, "acme/nas/db")]
#[case(Some("nas"), None, Some("line 5"), "acme/nas")]
#[case(None, None, Some("device 3, line 57"), "acme: device 3, line 57")]
#[case(None, Some("db"), Some("line 5"), "acme: line 5")]
#[case(None, Some("db"), None, "acme")]
fn a_failure_stands_at_its_subject_else_at_its_position(
    #[case] repository: Option<&str>,
    #[case] asset: Option<&str>,
    #[case] position: Option<&str>,
    #[case] expected: &str,
) {
    let place = Place {
        repository: repository.map(Name::new),
        asset: asset.map(Name::new),
        position: position.map(Into::into),
    };
    let facts = FleetBuilder::new("acme", at("2026-01-01T00:00:00Z")).facts();
    assert_eq!(facts.sources[0].place(&place), expected);
}

/// The facts with their sources in the order of their ids: the only thing the order of looks decides.
fn sorted(mut facts: Facts) -> Facts {
    facts.sources.sort_by(|a, b| a.id.cmp(&b.id));
    facts
}

proptest! {
    #[test]
    fn any_order_of_the_same_looks_gives_the_same_facts(
        (looks, shuffled) in strategy::collections()
            .prop_flat_map(|looks| (Just(looks.clone()), Just(looks).prop_shuffle())),
    ) {
        prop_assert_eq!(sorted(fold(looks)), sorted(fold(shuffled)));
    }

    #[test]
    fn nothing_is_invented_and_nothing_stands_twice(looks in strategy::collections()) {
        let stated: HashSet<String> =
            looks.iter().flat_map(|look| paths(&fold(vec![look.clone()]))).collect();
        let paths = paths(&fold(looks));
        let distinct: HashSet<_> = paths.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), paths.len());
        prop_assert!(distinct.is_subset(&stated));
    }

    #[test]
    fn a_failed_look_after_all_others_loses_nothing(looks in strategy::collections()) {
        let before = fold(looks.clone());
        let mut all = looks;
        all.extend(before.sources.iter().map(|source| unreachable(source.id.as_str(), hour(1))));
        let after = fold(all);
        prop_assert_eq!(paths(&before).into_iter().collect::<HashSet<_>>(), paths(&after).into_iter().collect());
        prop_assert!(after.sources.iter().all(|source| source.look == Extent::Failed));
    }
}
