//! The sentences of every verdict, as people read them.

use insta::assert_snapshot;
use rstest::rstest;

use super::*;
use crate::checks::{self, Check};
use crate::testing::{NANOSECOND, at, noon};
use Outcome::{Bad, Ok, Unknown};

/// What a check says about a reason, one line each: the summary, what would turn it, since when.
fn told(check: &Check, outcome: Outcome, reason: Reason) -> String {
    let Verdict { outcome, reason, .. } = Verdict { check: check.id, outcome, reason };
    let summary = reason.summary(check.words, noon());
    let turns = reason.turns(outcome, check.words, noon());
    let since = reason.since(outcome).map_or("-".to_owned(), |at| Instant(at).to_string());
    format!("{}: {summary}\n  {turns}\n  since {since}\n", outcome.as_str())
}

fn hours_ago(hours: i64) -> Timestamp {
    noon() - SignedDuration::from_hours(hours)
}

const DAY: Seconds = Seconds::hours(24);

#[test]
fn a_verdict_about_an_age_says_when_it_was_and_what_is_allowed() {
    let check = &checks::behind_local::CHECK;
    let text = [
        told(check, Ok, Reason::Recent(hours_ago(2), DAY)),
        told(check, Ok, Reason::Recent(noon() + SignedDuration::from_mins(4), DAY)),
        told(check, Bad, Reason::TooOld(at("2026-02-28T18:57:05Z"), DAY)),
        told(check, Bad, Reason::Never),
        told(check, Unknown, Reason::Ahead(hours_ago(-48))),
        told(&checks::offline::CHECK, Bad, Reason::TooOld(hours_ago(30), Seconds::hours(1))),
        told(&checks::offline::CHECK, Bad, Reason::Never),
        told(&checks::behind_offsite::CHECK, Bad, Reason::TooOld(hours_ago(300), Seconds::days(7))),
        told(&checks::unverified::CHECK, Bad, Reason::Never),
        told(&checks::unverified::CHECK, Bad, Reason::VerificationFailed(Some(hours_ago(2)))),
        told(&checks::unverified::CHECK, Bad, Reason::VerificationFailed(None)),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: the last good backup was 2 h ago (2026-03-02 10:00:00Z), within 24 h
      turns bad after 2026-03-03 10:00:00Z, unless it happens again before
      since -
    ok: the last good backup was 0 s ago (2026-03-02 12:04:00Z), within 24 h
      turns bad after 2026-03-03 12:04:00Z, unless it happens again before
      since -
    bad: the last good backup was 41 h 2 min ago (2026-02-28 18:57:05Z), more than 24 h
      turns ok once the last good backup is dated 2026-03-01 12:00:00Z or later
      since 2026-03-01 18:57:05Z
    bad: no date of the last good backup: it never happened, or its date is missing or unreadable
      turns ok once the last good backup is stated and recent
      since -
    unknown: the last good backup is dated in the future (2026-03-04 12:00:00Z): a clock must be wrong
      can be judged once 2026-03-04 12:00:00Z is past, or the clock that stated it is right
      since -
    bad: the last sign of life was 30 h ago (2026-03-01 06:00:00Z), more than 1 h
      turns ok once the last sign of life is dated 2026-03-02 11:00:00Z or later
      since 2026-03-01 07:00:00Z
    bad: no date of the last sign of life: it never happened, or its date is missing or unreadable
      turns ok once the last sign of life is stated and recent
      since -
    bad: the last offsite copy was 12 d 12 h ago (2026-02-18 00:00:00Z), more than 7 d
      turns ok once the last offsite copy is dated 2026-02-23 12:00:00Z or later
      since 2026-02-25 00:00:00Z
    bad: no date of the newest verification: it never happened, or its date is missing or unreadable
      turns ok once the newest verification is stated and recent
      since -
    bad: the newest verification failed at 2026-03-02 10:00:00Z
      turns ok with the next verification that succeeds
      since 2026-03-02 10:00:00Z
    bad: the newest verification failed
      turns ok with the next verification that succeeds
      since -
    ");
}

#[test]
fn a_verdict_about_a_repository_says_what_it_measured() {
    let (quota, reboot) = (&checks::quota::CHECK, &checks::reboot_due::CHECK);
    let level = Percent(8500);
    let text = [
        told(quota, Ok, Reason::Filled(400, 1000, level)),
        told(quota, Ok, Reason::Filled(850, 1000, level)),
        told(quota, Bad, Reason::Filled(850_000_001, 1_000_000_000, level)),
        told(quota, Bad, Reason::Filled(8501, 10_000, level)),
        told(quota, Bad, Reason::Filled(1200, 1000, level)),
        told(quota, Bad, Reason::Filled(1, 0, level)),
        told(quota, Unknown, Reason::NoCapacity),
        told(quota, Unknown, Reason::NotStated),
        told(quota, Unknown, Reason::Unreadable),
        told(reboot, Ok, Reason::Running(360_000, Seconds::days(30))),
        told(reboot, Bad, Reason::Running(2_606_400, Seconds::days(30))),
        told(reboot, Bad, Reason::Running(u64::MAX, Seconds::days(30))),
        told(reboot, Unknown, Reason::NotStated),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: 40.00 % of its storage is used, within 85 %
      turns bad above 850 of 1000 used, which is 85 %
      since -
    ok: 85.00 % of its storage is used, within 85 %
      turns bad above 850 of 1000 used, which is 85 %
      since -
    bad: a little more than 85 % of its storage is used
      turns ok at 850000000 of 1000000000 used, which is 85 %
      since -
    bad: 85.01 % of its storage is used, more than 85 %
      turns ok at 8500 of 10000 used, which is 85 %
      since -
    bad: 120.00 % of its storage is used, more than 85 %
      turns ok at 850 of 1000 used, which is 85 %
      since -
    bad: more of its storage is used than there is
      turns ok at 0 of 0 used, which is 85 %
      since -
    unknown: nothing is used and there is no capacity, so there is no share to judge
      can be judged once the source states it
      since -
    unknown: the share of its storage in use is not stated
      can be judged once the source states it
      since -
    unknown: the share of its storage in use is stated, but cannot be read
      can be judged once the source states it readably (see the evidence)
      since -
    ok: running for 4 d 4 h, a restart is due from 30 d on
      turns bad once it has been running for 30 d
      since -
    bad: running for 30 d 4 h, a restart is due from 30 d on
      turns ok with a restart
      since -
    bad: running for 106751991167300 d 15 h, a restart is due from 30 d on
      turns ok with a restart
      since -
    unknown: the running time is not stated
      can be judged once the source states it
      since -
    ");
}

#[test]
fn a_verdict_about_an_end_says_how_much_time_is_left() {
    let check = &checks::service_expiry::CHECK;
    let notice = Seconds::days(30);
    let ends = |days: i64| Reason::Ends(hours_ago(-24 * days), notice);
    let text = [
        told(check, Ok, ends(45)),
        told(check, Bad, ends(30)),
        told(check, Bad, ends(0)),
        told(check, Bad, ends(-5)),
        told(check, Unknown, Reason::Unreadable),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: its service or warranty ends in 45 d (2026-04-16 12:00:00Z), more than 30 d
      turns bad at 2026-03-17 12:00:00Z
      since -
    bad: its service or warranty ends in 30 d (2026-04-01 12:00:00Z), within 30 d
      turns ok once it ends more than 30 d from now
      since 2026-03-02 12:00:00Z
    bad: its service or warranty ends in 0 s (2026-03-02 12:00:00Z), within 30 d
      turns ok once it ends more than 30 d from now
      since 2026-01-31 12:00:00Z
    bad: its service or warranty ended 5 d ago (2026-02-25 12:00:00Z)
      turns ok once it ends more than 30 d from now
      since 2026-01-26 12:00:00Z
    unknown: its service or warranty is stated, but cannot be read
      can be judged once the source states it readably (see the evidence)
      since -
    ");
}

#[test]
fn a_verdict_about_runs_says_how_many_failed() {
    let check = &checks::unsuccessful::CHECK;
    let text = [
        told(check, Ok, Reason::Succeeded),
        told(check, Bad, Reason::Failed(1, 1, None)),
        told(check, Bad, Reason::Failed(1, 1, Some(hours_ago(3)))),
        told(check, Ok, Reason::Failed(1, 2, Some(hours_ago(3)))),
        told(check, Ok, Reason::Failed(2, 3, None)),
        told(check, Bad, Reason::Failed(3, 3, Some(hours_ago(3)))),
        told(check, Bad, Reason::Failed(4, 3, Some(hours_ago(3)))),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: the newest run succeeded
      turns bad when too many runs in a row fail
      since -
    bad: the newest run failed
      turns ok with the next run that succeeds
      since -
    bad: the newest run failed at 2026-03-02 09:00:00Z
      turns ok with the next run that succeeds
      since 2026-03-02 09:00:00Z
    ok: the newest run failed at 2026-03-02 09:00:00Z; 2 in a row are too many
      turns bad at 2 failed runs in a row
      since -
    ok: the newest 2 runs failed; 3 in a row are too many
      turns bad at 3 failed runs in a row
      since -
    bad: the newest 3 runs failed, the last at 2026-03-02 09:00:00Z
      turns ok with the next run that succeeds
      since 2026-03-02 09:00:00Z
    bad: the newest 4 runs failed, the last at 2026-03-02 09:00:00Z
      turns ok with the next run that succeeds
      since -
    ");
}

#[test]
fn a_verdict_about_use_and_sight_says_what_is_known() {
    let (unused, seen) = (&checks::never_used::CHECK, &checks::visibility::CHECK);
    let week = Seconds::days(7);
    let text = [
        told(unused, Ok, Reason::Used),
        told(unused, Ok, Reason::Unused(hours_ago(48), week)),
        told(unused, Bad, Reason::Unused(hours_ago(240), week)),
        told(unused, Unknown, Reason::UnusedSinceUnknown),
        told(unused, Unknown, Reason::Ahead(hours_ago(-1))),
        told(seen, Ok, Reason::Seen),
        told(seen, Unknown, Reason::NothingListed),
        told(seen, Unknown, Reason::SeenInPart),
        told(seen, Unknown, Reason::NotSeen),
        told(seen, Bad, Reason::BlindSince(hours_ago(5), Seconds::hours(3), None)),
        told(seen, Bad, Reason::NeverListed(hours_ago(5), Seconds::hours(3), None)),
        told(seen, Bad, Reason::EmptySince(hours_ago(5), Seconds::hours(3))),
        told(seen, Bad, Reason::BlindSince(hours_ago(5), Seconds::hours(3), Some("acme: no answer".into()))),
        told(seen, Bad, Reason::PartUnread(hours_ago(5), Seconds::hours(3), "acme/nas/db: no answer".into())),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: it holds backups
      turns bad only if every backup is gone
      since -
    ok: it holds no backup and was set up 48 h ago (2026-02-28 12:00:00Z), within 7 d
      turns bad after 2026-03-07 12:00:00Z, unless a backup is made before
      since -
    bad: it holds no backup and was set up 10 d ago (2026-02-20 12:00:00Z), more than 7 d
      turns ok with the first good backup
      since 2026-02-27 12:00:00Z
    unknown: it holds no backup, and nothing says how long it has existed
      turns ok with the first good backup
      since -
    unknown: its creation is dated in the future (2026-03-02 13:00:00Z): a clock must be wrong
      can be judged once 2026-03-02 13:00:00Z is past, or the clock that stated it is right
      since -
    ok: its list was read completely
      turns unknown when a look fails or sees only a part
      since -
    unknown: its list was read, and nothing at all stood in it
      can be judged once something is listed
      since -
    unknown: only a part of its list was read
      turns ok with the next look that reads all of it
      since -
    unknown: its list could not be read
      turns ok with the next look that reads all of it
      since -
    bad: its list was last read completely 5 h ago (2026-03-02 07:00:00Z), more than 3 h
      turns ok once the last complete listing is dated 2026-03-02 09:00:00Z or later
      since 2026-03-02 10:00:00Z
    bad: its list was never read completely; it was first tried 5 h ago (2026-03-02 07:00:00Z), more than 3 h
      turns ok with the first look that reads all of it
      since 2026-03-02 10:00:00Z
    bad: nothing at all stands in its list, since 5 h ago (2026-03-02 07:00:00Z) or longer, more than 3 h
      turns ok once something is listed
      since 2026-03-02 10:00:00Z
    bad: its list was last read completely 5 h ago (2026-03-02 07:00:00Z), more than 3 h; the newest look says: acme: no answer
      turns ok once the last complete listing is dated 2026-03-02 09:00:00Z or later
      since 2026-03-02 10:00:00Z
    bad: a part of it could not be read, first 5 h ago (2026-03-02 07:00:00Z), more than 3 h: acme/nas/db: no answer
      turns ok with the next look that reads all of it
      since 2026-03-02 10:00:00Z
    ");
}

#[test]
fn an_exemption_is_named() {
    let all = [
        Exemption::Hidden,
        Exemption::Archived,
        Exemption::Paused,
        Exemption::LocalOnly,
        Exemption::CloudAppliance,
        Exemption::NoRunYet,
        Exemption::NoEndStated,
        Exemption::NoStorageStated,
    ];
    let words = checks::quota::CHECK.words;
    let lines = all.map(|one| format!("{}: {}\n", one.as_str(), Reason::Exempt(one).summary(words, noon())));
    let turns = Reason::Exempt(Exemption::Hidden).turns(Ok, words, noon());
    assert_snapshot!(lines.concat() + &turns, @r"
    hidden: not judged: hidden in the portal
    archived: not judged: archived, no longer backed up
    paused: not judged: paused by its owner
    local_only: not judged: the service plan keeps no offsite copy
    cloud_appliance: not judged: the appliance lives in a cloud
    no_run_yet: not judged: no run was ever reported
    no_end_stated: not judged: no end of service or warranty is stated
    no_storage_stated: not judged: no storage figures are stated
    is judged again once the exemption is gone
    ");
}

#[test]
fn what_lies_outside_the_calendar_is_said_and_never_wraps() {
    let words = checks::behind_local::CHECK.words;
    let recent = Reason::Recent(Timestamp::MAX, DAY);
    assert_eq!(recent.turns(Ok, words, Timestamp::MAX), BEYOND_CALENDAR);
    let old = Reason::TooOld(Timestamp::MIN, DAY);
    assert_eq!(old.turns(Bad, words, Timestamp::MIN), BEYOND_CALENDAR);
    assert_eq!(Reason::TooOld(Timestamp::MAX, DAY).since(Bad), None);
    assert_eq!(Reason::Ends(Timestamp::MIN, DAY).since(Bad), None);
    assert_eq!(
        Reason::Ends(Timestamp::MIN, DAY).turns(Ok, words, noon()),
        "turns ok once it ends more than 24 h from now"
    );
}

#[test]
fn an_unused_thing_compares_its_age_to_the_nanosecond() {
    let words = checks::never_used::CHECK.words;
    let exactly = Reason::Unused(hours_ago(24), DAY).summary(words, noon());
    assert!(exactly.ends_with("within 24 h"), "{exactly}");
    let more = Reason::Unused(hours_ago(24) - NANOSECOND, DAY).summary(words, noon());
    assert!(more.ends_with("more than 24 h"), "{more}");
}

#[rstest]
#[case(Ok, "ok")]
#[case(Unknown, "unknown")]
#[case(Bad, "bad")]
fn outcomes_have_their_words_and_rise_from_ok_to_bad(#[case] outcome: Outcome, #[case] word: &str) {
    assert_eq!(outcome.as_str(), word);
    assert!(Ok <= outcome && outcome <= Bad);
    assert_eq!([Bad, Ok, Unknown].into_iter().max(), Some(Bad));
    assert_eq!([Ok, Unknown].into_iter().max(), Some(Unknown));
}

#[test]
fn only_a_bad_answer_has_a_beginning() {
    let reasons =
        [Reason::TooOld(noon(), DAY), Reason::Failed(1, 1, Some(noon())), Reason::Unused(noon(), DAY)];
    for reason in reasons {
        assert!(reason.since(Bad).is_some());
        assert_eq!((reason.since(Ok), reason.since(Unknown)), (None, None));
    }
}

#[test]
fn a_verdict_about_planned_runs_says_which_were_missed() {
    let schedule = &checks::schedule::CHECK;
    let missed = |count, limit| Reason::Missed {
        count,
        limit,
        planned_at: at("2026-03-02T02:00:00Z"),
        grace: Seconds::hours(2),
    };
    let text = [
        told(schedule, Ok, Reason::OnPlan(Some(hours_ago(-2)))),
        told(schedule, Ok, Reason::OnPlan(None)),
        told(schedule, Bad, missed(1, 1)),
        told(schedule, Ok, missed(1, 2)),
        told(schedule, Bad, missed(3, 1)),
        told(schedule, Bad, missed(3, 2)),
        told(schedule, Ok, missed(3, 4)),
        told(schedule, Bad, missed(MISSED_MAX, 1)),
        told(schedule, Unknown, Reason::PlanUnreadable),
        told(schedule, Unknown, Reason::PlannedAhead(hours_ago(-48))),
        told(schedule, Unknown, Reason::Ahead(hours_ago(-48))),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: no planned run was missed
      turns bad at 2026-03-02 14:00:00Z, unless a run starts before
      since -
    ok: no planned run was missed
      does not turn within the calendar
      since -
    bad: the run planned for 2026-03-02 02:00:00Z did not start within 2 h
      turns ok with the next run that starts
      since 2026-03-02 04:00:00Z
    ok: the run planned for 2026-03-02 02:00:00Z did not start within 2 h; 2 in a row are too many
      turns bad at 2 missed runs in a row
      since -
    bad: 3 planned runs did not start within 2 h, the first at 2026-03-02 02:00:00Z
      turns ok with the next run that starts
      since 2026-03-02 04:00:00Z
    bad: 3 planned runs did not start within 2 h; the one at 2026-03-02 02:00:00Z was one too many
      turns ok with the next run that starts
      since 2026-03-02 04:00:00Z
    ok: 3 planned runs did not start within 2 h, the last at 2026-03-02 02:00:00Z; 4 in a row are too many
      turns bad at 4 missed runs in a row
      since -
    bad: at least 1000 planned runs did not start within 2 h, the first at 2026-03-02 02:00:00Z
      turns ok with the next run that starts
      since 2026-03-02 04:00:00Z
    unknown: when its runs are planned is stated, but cannot be read
      can be judged once the source states it readably (see the evidence)
      since -
    unknown: its runs are planned from an instant in the future (2026-03-04 12:00:00Z): a clock must be wrong
      can be judged once 2026-03-04 12:00:00Z is past, or the clock that stated it is right
      since -
    unknown: the newest start is dated in the future (2026-03-04 12:00:00Z): a clock must be wrong
      can be judged once 2026-03-04 12:00:00Z is past, or the clock that stated it is right
      since -
    ");
}

#[test]
fn a_verdict_about_a_run_under_way_says_since_when() {
    let stuck = &checks::stuck::CHECK;
    let under_way = [
        told(stuck, Ok, Reason::NothingUnderWay),
        told(stuck, Ok, Reason::UnderWay(hours_ago(3), DAY)),
        told(stuck, Bad, Reason::UnderWay(hours_ago(25), DAY)),
        told(stuck, Unknown, Reason::Unreadable),
    ];
    assert_snapshot!(under_way.concat(), @r"
    ok: no run is under way
      turns bad when a run takes too long
      since -
    ok: a run that has not ended began 3 h ago (2026-03-02 09:00:00Z), within 24 h
      turns bad after 2026-03-03 09:00:00Z, unless it ends before
      since -
    bad: a run that has not ended began 25 h ago (2026-03-01 11:00:00Z), more than 24 h
      turns ok once it ends or another one does
      since 2026-03-02 11:00:00Z
    unknown: the start of the run under way is stated, but cannot be read
      can be judged once the source states it readably (see the evidence)
      since -
    ");
}

#[test]
fn a_verdict_about_a_channel_says_since_when_messages_wait() {
    let check = &checks::undelivered::CHECK;
    let hour = Seconds::hours(1);
    let text = [
        told(check, Ok, Reason::NothingWaits),
        told(check, Ok, Reason::Waiting(hours_ago(1), hour)),
        told(check, Bad, Reason::Waiting(hours_ago(2), hour)),
        told(check, Unknown, Reason::Ahead(hours_ago(-48))),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: no message waits
      turns bad when messages cannot be delivered for too long
      since -
    ok: messages wait, the first attempt in vain was 1 h ago (2026-03-02 11:00:00Z), within 1 h
      turns bad after 2026-03-02 12:00:00Z, unless they are delivered before
      since -
    bad: messages wait, the first attempt in vain was 2 h ago (2026-03-02 10:00:00Z), more than 1 h
      turns ok once every message that waits is delivered or given up
      since 2026-03-02 11:00:00Z
    unknown: the first attempt in vain is dated in the future (2026-03-04 12:00:00Z): a clock must be wrong
      can be judged once 2026-03-04 12:00:00Z is past, or the clock that stated it is right
      since -
    ");
}

#[test]
fn a_verdict_about_a_device_that_was_away_says_so() {
    let (local, schedule) = (&checks::behind_local::CHECK, &checks::schedule::CHECK);
    let text = [
        told(local, Ok, Reason::Away(hours_ago(200), DAY, Seconds::hours(8))),
        told(local, Bad, Reason::BackWithout(hours_ago(200), DAY, Seconds::minutes(1500))),
        told(schedule, Ok, Reason::MissedAway(hours_ago(10), Seconds::hours(2))),
        told(&checks::never_used::CHECK, Unknown, Reason::UnusedSinceSeen(hours_ago(24), Seconds::days(7))),
        told(&checks::never_used::CHECK, Bad, Reason::UnusedSinceSeen(hours_ago(200), Seconds::days(7))),
    ];
    assert_snapshot!(text.concat(), @r"
    ok: the last good backup was 8 d 8 h ago (2026-02-22 04:00:00Z), but the device was seen for only 8 h since, within 24 h
      turns bad once the device was seen for more than 24 h without it
      since -
    bad: back online, still nothing new: the last good backup was 8 d 8 h ago (2026-02-22 04:00:00Z), and the device was seen for 25 h since, more than 24 h
      turns ok once the last good backup is dated 2026-03-01 12:00:00Z or later
      since -
    ok: the run planned for 2026-03-02 02:00:00Z has not started; the device was seen for less than 2 h since
      turns bad once the device was seen for more than 2 h without it
      since -
    unknown: it holds no backup; when it was set up is not stated, it was first seen 24 h ago (2026-03-01 12:00:00Z), within 7 d
      turns bad after 2026-03-08 12:00:00Z, unless a backup is made before
      since -
    bad: it holds no backup; when it was set up is not stated, it was first seen 8 d 8 h ago (2026-02-22 04:00:00Z), more than 7 d
      turns ok with the first good backup
      since 2026-03-01 04:00:00Z
    ");
}
