//! The checks of what was reported and what could be seen, ourselves included: unsuccessful, visibility, undelivered.

use std::sync::Arc;

use super::*;
use crate::facts::{fold, said};
use crate::id::Name;
use crate::observation::{Collection, Exemption, Extent, Failure, FailureKind, LastRun, Place};
use crate::testing::{FleetBuilder, source_id, unreachable};

#[rstest]
#[case::no_run_yet(LastRun::NoneYet, 1, (Ok, Reason::Exempt(Exemption::NoRunYet)))]
#[case::succeeded(LastRun::Succeeded, 1, (Ok, Reason::Succeeded))]
#[case::failed_once(failed(1), 1, (Bad, Reason::Failed(1, 1, None)))]
#[case::failed_once_of_two(failed(1), 2, (Ok, Reason::Failed(1, 2, None)))]
#[case::failed_twice_of_two(failed(2), 2, (Bad, Reason::Failed(2, 2, None)))]
#[case::failed_thrice_of_two(failed(3), 2, (Bad, Reason::Failed(3, 2, None)))]
fn a_run_is_unsuccessful_from_the_counted_failure_on(
    #[case] last_run: LastRun,
    #[case] limit: u32,
    #[case] expected: Answer,
) {
    assert_eq!(of_agent(&unsuccessful::CHECK, Some(limit), |agent| agent.last_run = last_run), expected);
}

#[test]
fn failures_that_the_source_does_not_count_are_counted() {
    let looks = (1..=3).map(|hour| {
        let at = seconds_ago(3600 * (4 - hour));
        let mut agent = agent("db", at);
        agent.last_good = Stated::Value(seconds_ago(99_999));
        agent.last_run = LastRun::Failed { in_row: 1, at: Some(at) };
        FleetBuilder::new("acme", at).appliance("nas", vec![agent]).collection()
    });
    let facts = fold(looks.collect());
    let set = crate::testing::set(&[("unsuccessful_count", "3")]);
    let found = crate::testing::verdict(&facts, &set, noon(), "acme/nas/db", unsuccessful::ID);
    let reason = Reason::Failed(3, 3, Some(seconds_ago(3600)));
    assert_eq!(found.map(|found| (found.outcome, found.reason)), Some((Bad, reason)));
}

fn failed(in_row: u32) -> LastRun {
    LastRun::Failed { in_row, at: None }
}

const LIMIT: Seconds = Seconds::hours(3);

/// What a look says of a source that cannot be reached.
fn no_answer() -> Option<Arc<str>> {
    said(unreachable("acme", noon()).failures.iter(), &source_id("acme"))
}

/// A look at `nas` with `db`, of which this failed, if anything; `None` in a part of the source nobody knows.
fn part(seconds: i64, failed: &[Option<&str>]) -> Collection {
    let mut look = FleetBuilder::new("acme", seconds_ago(seconds)).agents("nas", &["db"]).collection();
    look.failures = failed.iter().map(|failed| failure(*failed)).collect();
    look
}

fn failure(repository: Option<&str>) -> Failure {
    let asset = repository.map(|_| Name::new("db"));
    let place = Place { repository: repository.map(Name::new), asset, position: Some("x\ny".into()) };
    Failure { place, kind: FailureKind::Denied, reason: "may not be read".to_owned() }
}

const NAS: &[Option<&str>] = &[Some("nas")];

#[rstest]
#[case::first_look_ever(vec![part(0, NAS)], None)]
#[case::exactly_at_the_limit(vec![part(10_800, NAS), part(0, NAS)], None)]
#[case::a_second_more(vec![part(10_801, NAS), part(0, NAS)], Some(10_801))]
#[case::counts_from_the_first_that_failed(vec![part(20_000, &[]), part(10_800, NAS)], None)]
#[case::all_of_it_once_between(vec![part(20_000, NAS), part(15_000, &[]), part(0, NAS)], None)]
#[case::all_of_it_at_last(vec![part(20_000, NAS), part(0, &[])], None)]
#[case::the_source_unseen_between(
    vec![part(20_000, NAS), unreachable("acme", seconds_ago(15_000)), part(0, NAS)], Some(20_000))]
#[case::nothing_of_this_repository(vec![part(20_000, &[Some("other"), None]), part(0, &[Some("other"), None])], None)]
fn a_part_that_no_look_can_read_is_bad_once_that_lasts(
    #[case] looks: Vec<Collection>,
    #[case] since: Option<i64>,
) {
    let facts = fold(looks);
    let judge = visibility::CHECK.judge.repository.expect("asked of repositories");
    let answer = judge(&facts.sources[0].repositories[0], &expecting(&visibility::CHECK, None), noon());
    let unread = |since| {
        let why = "acme/nas/db: may not be read".into();
        (Bad, Reason::PartUnread(seconds_ago(since), LIMIT, why))
    };
    assert_eq!(answer, since.map_or((Ok, Reason::Seen), unread));
}

#[test]
fn a_list_that_is_blind_says_so_whatever_part_of_it_is_unread() {
    let mut look = part(0, &[Some("nas"), Some("nas"), Some("nas"), None]);
    look.repositories[0].listing = Extent::Failed;
    let facts = fold(vec![part(10_801, NAS), look]);
    let judge = visibility::CHECK.judge.repository.expect("asked of repositories");
    let answer = judge(&facts.sources[0].repositories[0], &expecting(&visibility::CHECK, None), noon());
    let one = "acme/nas/db: may not be read";
    let why = Some(format!("{one}; {one}; and 1 more").into());
    assert_eq!(answer, (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, why)));
    let long = Failure { reason: "y".repeat(999), ..failure(None) };
    let said = said([&long].into_iter(), &source_id("acme")).expect("one failure");
    assert!(said.starts_with("acme: x\\ny: yyy") && said.ends_with('…') && said.len() < 310, "{said}");
}

#[rstest]
#[case::read(Extent::Complete, Some(seconds_ago(0)), (Ok, Reason::Seen))]
#[case::no_look_since_exactly_the_limit(Extent::Complete, Some(seconds_ago(10_800)), (Ok, Reason::Seen))]
#[case::no_look_for_too_long(
    Extent::Complete, Some(seconds_ago(10_800) - NANOSECOND),
    (Bad, Reason::BlindSince(seconds_ago(10_800) - NANOSECOND, LIMIT, None)))]
#[case::read_a_little_ahead_of_now(Extent::Complete, Some(seconds_ago(-300)), (Ok, Reason::Seen))]
#[case::read_ahead_of_now(
    Extent::Complete, Some(seconds_ago(-301)), (Unknown, Reason::Ahead(seconds_ago(-301))))]
#[case::never_read(Extent::Failed, None, (Unknown, Reason::NotSeen))]
#[case::only_ever_in_part(Extent::Partial, None, (Unknown, Reason::SeenInPart))]
#[case::exactly_at_the_limit(Extent::Failed, Some(seconds_ago(10_800)), (Unknown, Reason::NotSeen))]
#[case::a_nanosecond_more(
    Extent::Failed, Some(seconds_ago(10_800) - NANOSECOND),
    (Bad, Reason::BlindSince(seconds_ago(10_800) - NANOSECOND, LIMIT, None)))]
#[case::a_second_more(Extent::Failed, Some(seconds_ago(10_801)), (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, None)))]
#[case::in_part_within(Extent::Partial, Some(seconds_ago(10_800)), (Unknown, Reason::SeenInPart))]
#[case::in_part_for_too_long(
    Extent::Partial, Some(seconds_ago(10_801)), (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, None)))]
#[case::read_at_an_instant_ahead(
    Extent::Failed, Some(seconds_ago(-301)), (Unknown, Reason::Ahead(seconds_ago(-301))))]
fn blindness_is_unknown_at_first_and_bad_once_it_lasts(
    #[case] listing: Extent,
    #[case] listed_at: Option<Timestamp>,
    #[case] expected: Answer,
) {
    let answer = of_appliance(&visibility::CHECK, None, |facts| {
        facts.stated.listing = listing;
        facts.listed_at = listed_at;
    });
    assert_eq!(answer, expected);
    let mut source = FleetBuilder::new("acme", noon()).agents("nas", &["db"]).facts().sources.remove(0);
    source.listing = listing;
    source.listed_at = listed_at;
    let judge = visibility::CHECK.judge.source.expect("asked of sources");
    assert_eq!(judge(&source, &expecting(&visibility::CHECK, None), noon()), expected);
}

const HOUR: Seconds = Seconds::hours(1);

#[rstest]
#[case::not_stated(Stated::Missing, (Ok, Reason::NothingWaits))]
#[case::nothing_waits(Stated::Never, (Ok, Reason::NothingWaits))]
#[case::unreadable(Stated::Unreadable, (Unknown, Reason::Unreadable))]
#[case::exactly_at_the_limit(Stated::Value(seconds_ago(3600)), (Ok, Reason::Waiting(seconds_ago(3600), HOUR)))]
#[case::a_nanosecond_more(
    Stated::Value(seconds_ago(3600) - NANOSECOND), (Bad, Reason::Waiting(seconds_ago(3600) - NANOSECOND, HOUR)))]
#[case::a_little_ahead(Stated::Value(seconds_ago(-300)), (Ok, Reason::Waiting(seconds_ago(-300), HOUR)))]
#[case::further_ahead(Stated::Value(seconds_ago(-301)), (Unknown, Reason::Ahead(seconds_ago(-301))))]
fn messages_wait_for_too_long_once_a_channel_fails(
    #[case] undelivered_since: Stated<Timestamp>,
    #[case] expected: Answer,
) {
    let answer =
        of_appliance(&undelivered::CHECK, None, |facts| facts.stated.undelivered_since = undelivered_since);
    assert_eq!(answer, expected);
}

#[test]
fn an_empty_fleet_is_unknown_and_never_healthy() {
    let judge = visibility::CHECK.judge.source.expect("asked of sources");
    let expected = expecting(&visibility::CHECK, None);
    let empty = FleetBuilder::new("acme", noon()).facts();
    assert_eq!(judge(&empty.sources[0], &expected, noon()), (Unknown, Reason::NothingListed));
    let long_ago = FleetBuilder::new("acme", seconds_ago(10_801)).facts();
    let blind = (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, None));
    assert_eq!(judge(&long_ago.sources[0], &expected, noon()), blind);
    let failed = fold(vec![unreachable("acme", noon())]);
    assert_eq!(judge(&failed.sources[0], &expected, noon()), (Unknown, Reason::NotSeen));
    let before = FleetBuilder::new("acme", seconds_ago(10_801)).collection();
    let lasting = fold(vec![before, unreachable("acme", noon())]);
    let blind = (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, no_answer()));
    assert_eq!(judge(&lasting.sources[0], &expected, noon()), blind);
}

#[rstest]
#[case::within(
    10_800, (Unknown, Reason::NotSeen), (Unknown, Reason::NothingListed), (Unknown, Reason::SeenInPart))]
#[case::for_too_long(
    10_801,
    (Bad, Reason::NeverListed(seconds_ago(10_801), LIMIT, no_answer())),
    (Bad, Reason::EmptySince(seconds_ago(10_801), LIMIT)),
    (Bad, Reason::BlindSince(seconds_ago(10_801), LIMIT, None)))]
fn what_was_never_read_or_is_empty_since_is_bad_once_that_lasts(
    #[case] seconds: i64,
    #[case] never_read: Answer,
    #[case] always_empty: Answer,
    #[case] emptied: Answer,
) {
    let judge = visibility::CHECK.judge.source.expect("asked of sources");
    let answer = |looks| judge(&fold(looks).sources[0], &expecting(&visibility::CHECK, None), noon());
    let fleet = |at| FleetBuilder::new("acme", at);
    let first_at = seconds_ago(seconds);
    assert_eq!(answer(vec![unreachable("acme", first_at), unreachable("acme", noon())]), never_read);
    let empty = fleet(noon()).collection();
    assert_eq!(answer(vec![fleet(first_at).collection(), empty.clone()]), always_empty);
    assert_eq!(answer(vec![fleet(first_at).agents("nas", &["db"]).collection(), empty]), emptied);
}
