//! The checks that ask how old something is: offline, `behind_local`, `behind_offsite`, unverified, `never_used`.

use super::*;
use crate::observation::{Exemption, LastRun, Verification};

/// Asks each age check about one date; all of them follow the same rule.
fn of_date(check: &Check, limit: u32, date: Stated<Timestamp>) -> Answer {
    match check.id {
        offline::ID => of_appliance(check, Some(limit), |facts| facts.stated.last_seen = date),
        behind_local::ID => of_agent(check, Some(limit), |agent| agent.last_good = date),
        behind_offsite::ID => of_agent(check, Some(limit), |agent| agent.last_offsite = date),
        unverified::ID => of_agent(check, Some(limit), |agent| agent.more.verification.at = date),
        _ => unreachable!("no age check"),
    }
}

#[rstest]
fn an_age_is_bad_past_its_limit_and_unknown_when_dated_ahead(
    #[values(&offline::CHECK, &behind_local::CHECK, &behind_offsite::CHECK, &unverified::CHECK)]
    check: &Check,
    #[values(0, 3600, 604_800)] limit: u32,
) {
    let value = |instant| of_date(check, limit, Stated::Value(instant));
    let limited = Seconds(limit);
    let edge = seconds_ago(i64::from(limit));
    let second = SignedDuration::from_secs(1);
    let ahead = noon() + SignedDuration::from_mins(5);
    for (instant, expected) in [
        (edge + second, (Ok, Reason::Recent(edge + second, limited))),
        (edge, (Ok, Reason::Recent(edge, limited))),
        (edge - NANOSECOND, (Bad, Reason::TooOld(edge - NANOSECOND, limited))),
        (edge - second, (Bad, Reason::TooOld(edge - second, limited))),
        (Timestamp::MIN, (Bad, Reason::TooOld(Timestamp::MIN, limited))),
        (ahead, (Ok, Reason::Recent(ahead, limited))),
        (ahead + NANOSECOND, (Unknown, Reason::Ahead(ahead + NANOSECOND))),
        (Timestamp::MAX, (Unknown, Reason::Ahead(Timestamp::MAX))),
    ] {
        assert_eq!(value(instant), expected, "{instant}");
    }
    for date in [Stated::Missing, Stated::Never, Stated::Unreadable] {
        assert_eq!(of_date(check, limit, date), (Bad, Reason::Never), "{date:?}");
    }
}

/// A day on which clocks are turned has 23 or 25 hours; what counts are the seconds that passed.
#[rstest]
#[case::spring_day_before("2026-03-28T09:00:00+01:00", "2026-03-29T10:00:00+02:00", Ok)]
#[case::spring_same_wall_time("2026-03-28T10:00:00+01:00", "2026-03-29T10:00:00+02:00", Ok)]
#[case::spring_late("2026-03-28T08:59:59+01:00", "2026-03-29T10:00:00+02:00", Bad)]
#[case::autumn_same_wall_time("2026-10-24T10:00:00+02:00", "2026-10-25T10:00:00+01:00", Bad)]
#[case::autumn_in_time("2026-10-24T11:00:00+02:00", "2026-10-25T10:00:00+01:00", Ok)]
#[case::autumn_late("2026-10-24T10:59:59+02:00", "2026-10-25T10:00:00+01:00", Bad)]
fn a_day_is_24_real_hours_whatever_the_clocks_do(
    #[case] last_good: &str,
    #[case] now: &str,
    #[case] outcome: Outcome,
) {
    let mut agent = agent("db", noon());
    agent.last_good = Stated::Value(at(last_good));
    let check = &behind_local::CHECK;
    let judge = check.judge.asset.expect("asked of assets");
    assert_eq!(judge(alone(&agent), &expecting(check, None), at(now)).0, outcome);
}

#[rstest]
#[case(Exemption::LocalOnly)]
#[case(Exemption::CloudAppliance)]
fn an_asset_that_keeps_no_offsite_copy_is_not_behind_offsite(#[case] exemption: Exemption) {
    let answer = of_agent(&behind_offsite::CHECK, None, |agent| {
        agent.offsite_exempt = Some(exemption);
        agent.last_offsite = Stated::Never;
    });
    assert_eq!(answer, (Ok, Reason::Exempt(exemption)));
    let local = of_agent(&behind_local::CHECK, None, |agent| {
        agent.offsite_exempt = Some(exemption);
        agent.last_good = Stated::Never;
    });
    assert_eq!(local, (Bad, Reason::Never));
}

const FAILED: LastRun = LastRun::Failed { in_row: 1, at: None };

#[rstest]
#[case::failed_and_fresh(LastRun::Succeeded, Stated::Value(noon()), true, (Bad, Reason::VerificationFailed(Some(noon()))))]
#[case::failed_undated(LastRun::Succeeded, Stated::Missing, true, (Bad, Reason::VerificationFailed(None)))]
#[case::failed_before_any_run(LastRun::NoneYet, Stated::Never, true, (Bad, Reason::VerificationFailed(None)))]
#[case::no_run_yet(LastRun::NoneYet, Stated::Never, false, (Ok, Reason::Exempt(Exemption::NoRunYet)))]
#[case::no_run_yet_unreadable(LastRun::NoneYet, Stated::Unreadable, false, (Ok, Reason::Exempt(Exemption::NoRunYet)))]
#[case::no_run_but_dated(LastRun::NoneYet, Stated::Value(noon()), false, (Ok, Reason::Recent(noon(), Seconds(60))))]
#[case::ran_never_verified(LastRun::Succeeded, Stated::Never, false, (Bad, Reason::Never))]
#[case::run_failed_never_verified(FAILED, Stated::Never, false, (Bad, Reason::Never))]
fn a_failed_verification_is_bad_and_before_the_first_run_there_is_none(
    #[case] last_run: LastRun,
    #[case] date: Stated<Timestamp>,
    #[case] failed: bool,
    #[case] expected: Answer,
) {
    let answer = of_agent(&unverified::CHECK, Some(60), |agent| {
        agent.last_run = last_run;
        agent.more.verification = Verification { at: date, failed };
    });
    assert_eq!(answer, expected);
}

const WEEK: i64 = 604_800;

#[rstest]
#[case::young(true, Stated::Value(seconds_ago(0)), Ok)]
#[case::exactly_at_the_limit(true, Stated::Value(seconds_ago(WEEK)), Ok)]
#[case::a_nanosecond_more(true, Stated::Value(seconds_ago(WEEK) - NANOSECOND), Bad)]
#[case::a_second_more(true, Stated::Value(seconds_ago(WEEK + 1)), Bad)]
#[case::made_a_little_ahead(true, Stated::Value(seconds_ago(-300)), Ok)]
#[case::used_though_old(false, Stated::Value(seconds_ago(10 * WEEK)), Ok)]
#[case::used_though_made_ahead(false, Stated::Value(seconds_ago(-301)), Ok)]
#[case::used_though_unreadable(false, Stated::Unreadable, Ok)]
fn something_is_never_used_only_while_it_holds_no_backup(
    #[case] unused: bool,
    #[case] created_at: Stated<Timestamp>,
    #[case] outcome: Outcome,
) {
    for answer in never_used_of_both(unused, created_at) {
        assert_eq!(answer.0, outcome);
        let expected = match created_at {
            Stated::Value(at) if unused => Reason::Unused(at, Seconds::days(7)),
            _ => Reason::Used,
        };
        assert_eq!(answer.1, expected);
    }
}

#[test]
fn something_unused_whose_creation_is_not_known_is_unknown() {
    for created_at in [Stated::Missing, Stated::Never, Stated::Unreadable] {
        assert_eq!(
            never_used_of_both(true, created_at),
            [(Unknown, Reason::UnusedSinceUnknown), (Unknown, Reason::UnusedSinceUnknown)]
        );
    }
    let ahead = seconds_ago(-300) + NANOSECOND;
    assert_eq!(
        never_used_of_both(true, Stated::Value(ahead)),
        [(Unknown, Reason::Ahead(ahead)), (Unknown, Reason::Ahead(ahead))]
    );
}

/// Asks about a repository and about an asset.
fn never_used_of_both(unused: bool, created_at: Stated<Timestamp>) -> [Answer; 2] {
    let check = &never_used::CHECK;
    let repository = of_appliance(check, None, |facts| {
        facts.stated.used_ever = Some(!unused);
        facts.stated.created_at = created_at;
    });
    let asset = of_agent(check, None, |agent| {
        agent.last_good = if unused { Stated::Never } else { Stated::Value(seconds_ago(99 * WEEK)) };
        agent.more.created_at = created_at;
    });
    [repository, asset]
}

/// What was seen first so long ago, at hourly looks or once, and neither says when it was made nor holds a backup.
fn unused_since(seconds: i64, is_seen_again: bool) -> [Answer; 2] {
    let (first_at, last_at) =
        (seconds_ago(seconds), if is_seen_again { noon() } else { seconds_ago(seconds) });
    let mut stated = agent("db", noon());
    (stated.last_good, stated.more.created_at) = (Stated::Never, Stated::Missing);
    let history = crate::facts::History::first(&stated, first_at);
    let asset = AssetFacts { stated: &stated, observed_at: last_at, history: Some(&history) };
    let (check, expected) = (&never_used::CHECK, expecting(&never_used::CHECK, None));
    let of_asset = check.judge.asset.expect("asked of assets")(asset, &expected, noon());
    let of_repository = of_appliance(check, None, |facts| {
        (facts.stated.used_ever, facts.stated.created_at) = (Some(false), Stated::Unreadable);
        (facts.first_seen_at, facts.observed_at) = (first_at, last_at);
    });
    [of_asset, of_repository]
}

#[rstest]
#[case::one_look(0, false, (Unknown, Reason::UnusedSinceUnknown))]
#[case::one_look_long_ago(WEEK, false, (Unknown, Reason::UnusedSinceUnknown))]
#[case::within(60, true, (Unknown, Reason::UnusedSinceSeen(seconds_ago(60), Seconds::days(7))))]
#[case::exactly_at_the_limit(WEEK, true, (Unknown, Reason::UnusedSinceSeen(seconds_ago(WEEK), Seconds::days(7))))]
#[case::a_second_more(WEEK + 1, true, (Bad, Reason::UnusedSinceSeen(seconds_ago(WEEK + 1), Seconds::days(7))))]
#[case::a_second_more_and_never_stated_again(WEEK + 1, false, (Bad, Reason::UnusedSinceSeen(seconds_ago(WEEK + 1), Seconds::days(7))))]
fn the_first_sight_of_something_unused_makes_it_bad_and_never_good(
    #[case] seconds: i64,
    #[case] is_seen_again: bool,
    #[case] expected: Answer,
) {
    assert_eq!(unused_since(seconds, is_seen_again), [expected.clone(), expected]);
}

#[test]
fn what_could_not_be_seen_is_neither_used_nor_unused() {
    let answer = of_appliance(&never_used::CHECK, None, |facts| {
        (facts.stated.used_ever, facts.stated.created_at) = (None, Stated::Value(seconds_ago(999 * 86_400)));
    });
    assert_eq!(answer, (Unknown, Reason::UseNotSeen));
}
