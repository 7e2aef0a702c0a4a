//! Do the three files together state what the checks of a computer need?

use std::collections::BTreeMap;

use jiff::SignedDuration;
use lastgood_core::id::Name;
use lastgood_core::observation::{FailureKind, LastRun};
use lastgood_core::testing::{COMPUTER, FleetBuilder, defaults, verdict};
use lastgood_core::verdict::Outcome::{self, Bad, Ok, Unknown};
use rstest::rstest;

use super::state::{File, Files, Look, Observed, observe};
use super::*;
use crate::sources::Keep;

/// When the files of the samples were written.
const WRITTEN: &str = "2022-03-22T16:02:12Z";

fn look(least_clients: &BTreeMap<String, String>, now: Timestamp) -> Look<'_> {
    Look { at: now, least_clients, keep: Keep::Everything }
}

pub(super) fn observed(files: &Files, now: Timestamp) -> Observed {
    let least = [(PERL_IDENTIFIER, "2.0.9"), ("Sepiola Online Backup Client", "2.7.0")];
    let least = least.map(|(client, version)| (client.to_owned(), version.to_owned())).into();
    observe(&COMPUTER, Name::new("pc"), files, &look(&least, now))
}

/// The outcomes of `unsuccessful`, `schedule`, `stuck` and `outdated_client`.
pub(super) fn outcomes(files: &Files, now: Timestamp) -> [Outcome; 4] {
    let asset = observed(files, now).asset;
    let facts = FleetBuilder::new("host", now).appliance("3723707", vec![asset]).facts();
    let outcome_of =
        |check| verdict(&facts, &defaults(), now, "host/3723707/pc", check).expect("a row").outcome;
    let [unsuccessful, schedule, stuck, client] = COMPUTER.checks else { panic!("four checks") };
    [unsuccessful, schedule, stuck, client].map(|check| outcome_of(*check))
}

fn samples() -> Files {
    Files {
        started: File::read(PERL_STARTED.as_bytes(), at(WRITTEN), started),
        ended: File::read(PERL_ENDED.as_bytes(), at(WRITTEN), ended),
        scheduler: File::read(PERL_SCHEDULER.as_bytes(), at(WRITTEN), scheduler),
    }
}

fn with_start(files: Files, date: &str) -> Files {
    let text = with(PERL_STARTED, "startdate", date);
    Files { started: File::read(text.as_bytes(), at(WRITTEN), started), ..files }
}

fn with_end(files: Files, date: &str) -> Files {
    let text = with(PERL_ENDED, "enddate", date);
    Files { ended: File::read(text.as_bytes(), at(WRITTEN), ended), ..files }
}

fn with_success(files: Files, success: &str) -> Files {
    let text = with(PERL_ENDED, "success", success);
    Files { ended: File::read(text.as_bytes(), at(WRITTEN), ended), ..files }
}

fn broken<T>() -> File<T> {
    File::read(b"<", at(WRITTEN), |bytes| Err(ended(bytes).expect_err("no document")))
}

/// Before the next planned run: 19:00Z every day.
const SOON: &str = "2022-03-22T17:00:00Z";

#[test]
fn a_finished_run_in_time_is_good() {
    assert_eq!(outcomes(&samples(), at(SOON)), [Ok, Ok, Ok, Ok]);
    let Observed { asset, failures } = observed(&samples(), at(SOON));
    assert_eq!(asset.last_good, Stated::Value(at("2022-03-22T16:02:11Z")));
    assert_eq!(asset.more.last_started, Stated::Value(at("2022-03-22T15:37:40Z")));
    assert_eq!((asset.more.started_at, asset.more.other_readings.len()), (Stated::Missing, 0));
    assert_eq!((asset.more.details.len(), asset.more.evidence.len(), failures.len()), (1, 0, 0));
}

#[test]
fn files_that_are_not_there_are_good() {
    let now = at("2032-03-22T16:00:00Z");
    assert_eq!(outcomes(&Files::absent(), now), [Ok, Ok, Ok, Ok]);
    assert_eq!(outcomes(&Files { started: File::Absent, ..samples() }, now), [Ok, Bad, Ok, Ok]);
    assert_eq!(outcomes(&Files { ended: File::Absent, ..samples() }, now), [Ok, Bad, Bad, Ok]);
    assert_eq!(outcomes(&Files { scheduler: File::Absent, ..samples() }, now), [Ok, Ok, Ok, Ok]);
}

#[test]
fn what_an_untrusted_file_would_have_said_is_unknown() {
    let one_of = |file: &str| {
        let mut files = samples();
        match file {
            "started" => files.started = broken(),
            "ended" => files.ended = broken(),
            _ => files.scheduler = broken(),
        }
        files
    };
    for (file, expected) in [
        ("started", [Ok, Unknown, Unknown, Unknown]),
        ("ended", [Unknown, Ok, Unknown, Unknown]),
        ("scheduler", [Ok, Unknown, Ok, Unknown]),
    ] {
        assert_eq!(outcomes(&one_of(file), at(SOON)), expected, "{file}");
        assert_eq!(observed(&one_of(file), at(SOON)).failures.len(), 1);
    }
    let only_started = Files { started: broken(), ..Files::absent() };
    assert_eq!(outcomes(&only_started, at(SOON)), [Ok, Unknown, Unknown, Unknown]);
    let only_ended = Files { ended: broken(), ..Files::absent() };
    assert_eq!(outcomes(&only_ended, at(SOON)), [Unknown, Ok, Unknown, Unknown]);
    let only_scheduler = Files { scheduler: broken(), ..Files::absent() };
    assert_eq!(outcomes(&only_scheduler, at(SOON)), [Ok, Unknown, Ok, Unknown]);
}

#[test]
fn a_failure_names_the_computer_the_file_and_the_reason() {
    let files = Files { started: broken(), ended: broken(), ..samples() };
    let failures = observed(&files, at(SOON)).failures;
    assert_eq!(failures.len(), 2);
    assert_eq!(
        (failures[0].kind, failures[0].place.asset.clone()),
        (FailureKind::Malformed, Some(Name::new("pc")))
    );
    assert!(failures[0].reason.starts_with("backupStarted.xml: line 1: "), "{}", failures[0].reason);
    assert!(failures[1].reason.starts_with("backupEnded.xml: line 1: "), "{}", failures[1].reason);
    let all = Files { started: broken(), ended: broken(), scheduler: broken() };
    assert_eq!(observed(&all, at(SOON)).failures.len(), 3);
    let denied = |reason: &str| Files::untrusted(FailureKind::Denied, reason);
    let apart = Files { ended: denied("locked").ended, ..denied("not ours") };
    assert_eq!(observed(&apart, at(SOON)).failures.len(), 3);
    let apart = Files { started: denied("locked").started, ..denied("not ours") };
    assert_eq!(observed(&apart, at(SOON)).failures.len(), 3);
    let linked = Files::untrusted(FailureKind::Refused, "`.sepiola_backup` is a link");
    assert_eq!(outcomes(&linked, at(SOON)), [Unknown; 4]);
    let failures = observed(&linked, at(SOON)).failures;
    assert_eq!((failures.len(), &*failures[0].reason), (1, "`.sepiola_backup` is a link"));
}

#[test]
fn the_outcome_of_the_newest_run_needs_no_date() {
    let failed = with_success(samples(), "0");
    assert_eq!(outcomes(&failed, at(SOON))[0], Bad);
    let asset = observed(&failed, at(SOON)).asset;
    assert_eq!(asset.last_run, LastRun::Failed { in_row: 1, at: Some(at("2022-03-22T16:02:11Z")) });
    assert_eq!(asset.last_good, Stated::Missing);
    assert_eq!(outcomes(&with_success(samples(), "yes"), at(SOON))[0], Unknown);
    let text = with(&with(PERL_ENDED, "enddate", "soon"), "success", "0");
    let undated = Files { ended: File::read(text.as_bytes(), at(WRITTEN), ended), ..samples() };
    assert_eq!(observed(&undated, at(SOON)).asset.last_run, LastRun::Failed { in_row: 1, at: None });
    assert_eq!(outcomes(&undated, at(SOON))[0], Bad);
}

#[rstest]
#[case::exact("2022-03-22T17:02:11+01:00", Stated::Value(at("2022-03-22T16:02:11Z")), 0)]
#[case::of_two_the_earlier("2022-03-22T17:02:11+13:00", Stated::Value(at("2022-03-22T04:02:11Z")), 1)]
#[case::five_minutes_ahead("2022-03-22T17:05:00-00:00", Stated::Value(at("2022-03-22T17:05:00Z")), 0)]
#[case::more_than_that_ahead("2022-03-22T17:05:01-00:00", Stated::Unreadable, 1)]
#[case::unreadable("soon", Stated::Unreadable, 1)]
fn the_last_good_run_is_no_later_than_stated_and_never_ahead(
    #[case] end: &str,
    #[case] good: Stated<Timestamp>,
    #[case] evidence_count: usize,
) {
    let asset = observed(&with_end(samples(), end), at(SOON)).asset;
    assert_eq!((asset.last_good, asset.more.evidence.len()), (good, evidence_count));
}

/// The run of the sample began at 15:37:40Z.
#[rstest]
#[case::ended_later("2022-03-22T17:02:11+01:00", Ok)]
#[case::ended_at_once("2022-03-22T16:37:40+01:00", Ok)]
#[case::ended_before("2022-03-22T16:37:39+01:00", Bad)]
#[case::end_unreadable("soon", Unknown)]
#[case::end_missing("", Unknown)]
#[case::end_of_two_days("2022-03-23T04:00:00+13:00", Unknown)]
#[case::both_ends_later("2022-03-23T04:40:00+13:00", Ok)]
#[case::end_ahead("2022-03-23T15:43:00-00:00", Unknown)]
#[case::end_five_minutes_ahead("2022-03-23T15:42:40-00:00", Ok)]
#[case::one_end_ahead("2022-03-24T04:00:00+13:00", Unknown)]
#[case::both_ends_before("2022-03-21T04:00:00+13:00", Bad)]
fn a_run_has_ended_if_its_end_is_not_before_its_start(#[case] end: &str, #[case] expected: Outcome) {
    let files = with_end(samples(), end);
    let limit = at("2022-03-22T15:37:40Z") + SignedDuration::from_hours(24);
    assert_eq!(outcomes(&files, limit)[2], Ok, "after 24 h");
    let is_open = !observed(&files, limit).asset.more.other_readings.is_empty();
    assert_eq!(is_open, expected == Unknown, "each way to read it is kept once");
    assert_eq!(outcomes(&files, limit + SignedDuration::from_nanos(1))[2], expected, "after more than 24 h");
    let text = with(&with(PERL_ENDED, "enddate", end), "id", "111111111");
    let files = Files { ended: File::read(text.as_bytes(), at(WRITTEN), ended), ..samples() };
    assert_eq!(outcomes(&files, limit + SignedDuration::from_nanos(1))[2], expected, "whatever the id");
}

#[test]
fn a_start_that_cannot_be_read_leaves_open_what_depends_on_it() {
    // Whatever it is, it lies before the look. Planned at 19:00Z, with two hours of grace.
    let files = with_start(samples(), "2022-03-21T16:37:40+38:01");
    assert_eq!(outcomes(&files, at(SOON))[1..3], [Ok, Unknown]);
    assert_eq!(outcomes(&files, at("2022-03-22T20:59:59Z"))[1], Ok);
    assert_eq!(outcomes(&files, at("2022-03-22T21:00:00Z"))[1], Unknown);
}

#[test]
fn a_start_that_may_lie_ahead_can_be_held_against_no_plan() {
    for date in ["soon", "", "2022-03-22T16:37:40+38:01"] {
        let files = with_start(samples(), date);
        assert_eq!(outcomes(&files, at(SOON))[1..3], [Unknown, Unknown]);
        let unplanned = Files { scheduler: File::Absent, ..files };
        assert_eq!(outcomes(&unplanned, at(SOON))[1..3], [Ok, Unknown]);
    }
}

#[test]
fn a_start_of_two_meanings_counts_where_both_agree() {
    // 03:37:40Z of this day or of the next.
    let files = Files { ended: File::Absent, ..with_start(samples(), "2022-03-22T16:37:40+13:00") };
    assert_eq!(observed(&files, at(SOON)).asset.more.other_readings.len(), 1);
    assert_eq!(outcomes(&files, at("2022-03-23T03:37:40Z"))[2], Ok);
    assert_eq!(outcomes(&files, at("2022-03-23T03:37:41Z"))[2], Unknown);
    assert_eq!(outcomes(&files, at("2022-03-24T03:37:40Z"))[2], Unknown);
    assert_eq!(outcomes(&files, at("2022-03-24T03:37:41Z"))[2], Bad);
    // The run planned for 19:00Z was missed if the earlier one is true; that of the next day in any case.
    assert_eq!(outcomes(&files, at("2022-03-23T20:59:59Z"))[1], Unknown);
    assert_eq!(outcomes(&files, at("2022-03-23T21:00:00Z"))[1], Bad);
}

#[test]
fn an_offset_of_two_meanings_counts_where_both_agree() {
    // 20:00 at +13:00 is 07:00Z, at -11:00 it is 07:00Z too; a day of the week tells them apart.
    let text = with(PERL_SCHEDULER, "timezone", "+13:00");
    let weekly = with(&text, "days_of_week", "<week_day>4</week_day>");
    let of =
        |text: &str| Files { scheduler: File::read(text.as_bytes(), at(WRITTEN), scheduler), ..samples() };
    assert_eq!(outcomes(&of(&text), at("2022-03-23T08:59:59Z"))[1], Ok);
    assert_eq!(outcomes(&of(&text), at("2022-03-23T09:00:00Z"))[1], Bad);
    // Thursday 20:00 is 07:00Z of 2022-03-24 or of 2022-03-25.
    assert_eq!(outcomes(&of(&weekly), at("2022-03-24T08:59:59Z"))[1], Ok);
    assert_eq!(outcomes(&of(&weekly), at("2022-03-24T09:00:00Z"))[1], Unknown);
    assert_eq!(outcomes(&of(&weekly), at("2022-03-25T08:59:59Z"))[1], Unknown);
    assert_eq!(outcomes(&of(&weekly), at("2022-03-25T09:00:00Z"))[1], Bad);
}

#[test]
fn what_was_planned_before_the_file_was_written_counts_for_nothing() {
    let written = |modified_at: &str| Files {
        scheduler: File::read(PERL_SCHEDULER.as_bytes(), at(modified_at), scheduler),
        ..samples()
    };
    let due = at("2022-03-22T21:00:00Z");
    assert_eq!(outcomes(&written("2022-03-22T18:59:59Z"), due)[1], Bad);
    assert_eq!(outcomes(&written("2022-03-22T19:00:00Z"), due)[1], Ok);
    assert_eq!(outcomes(&written("2022-03-22T21:05:00Z"), due)[1], Ok);
    assert_eq!(outcomes(&written("2022-03-22T21:05:01Z"), due)[1], Unknown);
    let begun = with_start(written("2022-03-22T16:00:00Z"), "2022-03-22T19:00:00-00:00");
    assert_eq!(outcomes(&begun, due)[1], Ok);
    let ahead = with_start(samples(), "2022-03-22T21:05:01-00:00");
    assert_eq!(outcomes(&ahead, due)[1..3], [Unknown, Unknown]);
}

#[rstest]
#[case::nothing("<no_schedule/>", Ok)]
#[case::after_startup("<backup_after_startup/>", Ok)]
#[case::unreadable("", Unknown)]
fn a_plan_without_instants_misses_none(#[case] content: &str, #[case] expected: Outcome) {
    let text = format!("<online_backup_schedule>{content}</online_backup_schedule>");
    let files = Files { scheduler: File::read(text.as_bytes(), at(WRITTEN), scheduler), ..samples() };
    assert_eq!(outcomes(&files, at("2032-03-22T21:00:00Z"))[1], expected);
}

#[test]
fn the_file_that_was_written_last_names_the_client() {
    let version = |document: &str, version: &str| with(document, "version", version);
    let files = |first: &str, second: &str| Files {
        started: File::read(version(PERL_STARTED, "2.0.3").as_bytes(), at("2022-03-22T16:00:00Z"), started),
        ended: File::read(version(PERL_ENDED, "2.0.11").as_bytes(), at(first), ended),
        scheduler: File::read(version(PERL_SCHEDULER, "2.0.5_pre").as_bytes(), at(second), scheduler),
    };
    let of = |files: &Files| outcomes(files, at(SOON))[3];
    assert_eq!(of(&files("2022-03-22T16:00:02Z", "2022-03-22T16:00:01Z")), Ok);
    assert_eq!(of(&files("2022-03-22T16:00:01Z", "2022-03-22T16:00:02Z")), Bad);
    assert_eq!(of(&files("2022-03-22T16:00:01Z", "2022-03-22T16:00:01Z")), Unknown);
    let older = Files { scheduler: broken(), ..files("2022-03-22T16:02:13Z", WRITTEN) };
    assert_eq!(of(&older), Ok, "an untrusted file that is older");
    let newer = Files { scheduler: broken(), ..files("2022-03-22T16:02:11Z", WRITTEN) };
    assert_eq!(of(&newer), Unknown, "an untrusted file that is newer");
    let unreached = Files::untrusted(FailureKind::Denied, "permission denied").ended;
    let undated = Files { ended: unreached, ..files(WRITTEN, "2022-03-22T16:00:00Z") };
    assert_eq!(of(&undated), Unknown, "an untrusted file of unknown age");
    let newest = Files {
        started: File::read(without(PERL_STARTED, "client").as_bytes(), at("2022-03-22T17:00:00Z"), started),
        ..files("2022-03-22T16:00:01Z", "2022-03-22T16:00:02Z")
    };
    assert_eq!(of(&newest), Ok, "the newest names none");
}

#[test]
fn the_computer_keeps_what_it_was_read_from() {
    let files = with_end(with_start(samples(), "2022-03-22T00:30:00-23:00"), "soon");
    let Observed { asset, .. } = observed(&files, at(SOON));
    let fields: Vec<&str> = asset.more.evidence.iter().map(|evidence| evidence.field).collect();
    assert_eq!(fields, ["startdate", "enddate"]);
    let least = BTreeMap::new();
    let judged = Look { keep: Keep::Judged, ..look(&least, at(SOON)) };
    let asset = observe(&COMPUTER, Name::new("pc"), &files, &judged).asset;
    assert_eq!(asset.more.details, []);
    assert!(matches!(&asset.more.client, Stated::Value(client) if client.least.is_none()));
}
