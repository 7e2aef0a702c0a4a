//! Is a job that pings judged as it should be, to the second? From pings through the real store to verdicts.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lastgood::push::key::KeyHash;
use lastgood::push::{Pushes, record, request};
use lastgood::store::Store;
use lastgood_core::checks::{self, never_used, schedule, stuck, unsuccessful};
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{self, Subject};
use lastgood_core::id::{CheckId, Name, SourceId};
use lastgood_core::judge;
use lastgood_core::verdict::Outcome;
use rstest::rstest;

use super::{KEY, PING_KEY, open_store, sources_in};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The job `nightly` is planned at 02:30 UTC with a grace of an hour; `weekly` every 7 days. Both were configured at noon
/// of the 1st.
async fn jobs(folder: &Path) -> Pushes {
    let store = open_store(folder).await;
    Pushes::open(sources_in(folder), Arc::clone(&store), at("2026-11-01T12:00:00Z"))
        .await
        .expect("it is read")
}

/// Sends `2026-11-02T02:30:00Z start`.
async fn send(pushes: &Pushes, key: &str, ping: &str) {
    let (when, word) = ping.split_once(' ').expect("an instant and a word");
    let path = if word == "ok" { key.to_owned() } else { format!("{key}/{word}") };
    let asked = pushes.ask(&path, None).expect("a known key");
    pushes.take(asked, Vec::new(), false, at(when)).await.expect("it is kept");
}

/// What each check says of a job.
async fn verdicts(pushes: &Pushes, job: &str, now: Timestamp) -> Vec<(CheckId, Outcome)> {
    let facts = facts::fold(pushes.collections(now).await);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let judgement = judge::judge(&facts, &expectations, now);
    let mut subjects = judgement.subjects();
    let of_job = subjects.find(|(subject, _)| matches!(subject, Subject::Asset(..)) && subject.name() == job);
    let (_, verdicts) = of_job.expect("it is judged");
    verdicts.iter().map(|verdict| (verdict.check, verdict.outcome)).collect()
}

const ALL_OK: [(CheckId, Outcome); 4] = [
    (unsuccessful::ID, Outcome::Ok),
    (schedule::ID, Outcome::Ok),
    (stuck::ID, Outcome::Ok),
    (never_used::ID, Outcome::Ok),
];

/// One second before the instant nothing of a job is bad; from then on only this check is.
#[rstest]
#[case::never_heard(&[], "2026-11-02T03:30:00Z", schedule::ID)]
#[case::missed(&["2026-11-02T02:31:00Z ok"], "2026-11-03T03:30:00Z", schedule::ID)]
#[case::late_in_its_grace(&["2026-11-02T03:29:59Z ok"], "2026-11-03T03:30:00Z", schedule::ID)]
#[case::a_sign_is_no_run(&["2026-11-02T02:31:00Z ok", "2026-11-03T02:31:00Z log"], "2026-11-03T03:30:00Z", schedule::ID)]
#[case::hangs(&["2026-11-02T02:30:00Z start"], "2026-11-03T02:30:01Z", stuck::ID)]
#[case::hangs_every_night(
    &["2026-11-02T02:30:00Z start", "2026-11-03T02:30:00Z start"], "2026-11-03T02:30:01Z", stuck::ID
)]
#[case::failed(&["2026-11-02T02:30:00Z start", "2026-11-02T04:00:00Z fail"], "2026-11-02T04:00:00Z", unsuccessful::ID)]
#[case::exited(&["2026-11-02T02:30:00Z start", "2026-11-02T04:00:00Z 1"], "2026-11-02T04:00:00Z", unsuccessful::ID)]
#[tokio::test]
async fn a_job_is_bad_from_this_second_on(
    #[case] pings: &[&str],
    #[case] bad_from: &str,
    #[case] check: CheckId,
) {
    let folder = tempfile::tempdir().unwrap();
    let pushes = jobs(folder.path()).await;
    let bad_from = at(bad_from);
    let before = bad_from - SignedDuration::from_secs(1);
    for ping in pings.iter().filter(|ping| at(ping.split_once(' ').unwrap().0) <= before) {
        send(&pushes, KEY, ping).await;
    }
    assert_eq!(verdicts(&pushes, "nightly", before).await, ALL_OK, "{pings:?}");
    for ping in pings.iter().filter(|ping| at(ping.split_once(' ').unwrap().0) > before) {
        send(&pushes, KEY, ping).await;
    }
    pushes.restate(&SourceId::new("jobs").expect("a name"));
    let bad = ALL_OK.map(|(id, outcome)| (id, if id == check { Outcome::Bad } else { outcome }));
    assert_eq!(verdicts(&pushes, "nightly", bad_from).await, bad, "{pings:?}");
}

#[tokio::test]
async fn a_period_begins_anew_with_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let pushes = jobs(folder.path()).await;
    let key = format!("{PING_KEY}/weekly");
    send(&pushes, &key, "2026-11-05T00:00:00Z start").await;
    send(&pushes, &key, "2026-11-05T06:00:00Z ok").await;
    let late = at("2026-11-12T07:00:00Z");
    assert_eq!(verdicts(&pushes, "weekly", late - SignedDuration::from_secs(1)).await, ALL_OK);
    let bad = ALL_OK.map(|(id, outcome)| (id, if id == schedule::ID { Outcome::Bad } else { outcome }));
    pushes.restate(&SourceId::new("jobs").expect("a name"));
    assert_eq!(verdicts(&pushes, "weekly", late).await, bad);
    send(&pushes, &key, "2026-11-12T07:00:01Z ok").await;
    assert_eq!(verdicts(&pushes, "weekly", late + SignedDuration::from_secs(1)).await, ALL_OK);
}

/// How a failure comes in, after the clock was set back by a day.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Over HTTP, at once: with a date or without.
    Http(Option<&'static str>),
    /// Written beside the daemon.
    Local(Option<&'static str>),
}

#[rstest]
#[case::at_once(Way::Http(None))]
#[case::at_once_and_dated(Way::Http(Some("2026-11-02T03:59:58Z")))]
#[case::dated_by_a_clock_that_goes_right(Way::Http(Some("2026-11-03T03:59:58Z")))]
#[case::after_hours_in_a_spool(Way::Http(Some("2026-11-02T02:50:00Z")))]
#[case::local(Way::Local(None))]
#[case::local_and_dated(Way::Local(Some("2026-11-02T03:59:58Z")))]
#[case::local_after_hours_in_a_spool(Way::Local(Some("2026-11-02T02:50:00Z")))]
#[tokio::test]
async fn a_failure_counts_though_the_clock_was_set_back_by_a_day(#[case] way: Way) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path()).await;
    let open = async |now| {
        Pushes::open(sources_in(folder.path()), Arc::clone(&store) as Arc<dyn Store>, at(now)).await.unwrap()
    };
    let pushes = open("2026-11-01T12:00:00Z").await;
    send(&pushes, KEY, "2026-11-03T02:40:00Z ok").await;
    let now = at("2026-11-02T04:00:00Z");
    match way {
        Way::Http(dated) => {
            let query = dated.map(|dated| format!("at={dated}"));
            let asked = pushes.ask(&format!("{KEY}/fail"), query.as_deref()).expect("a known key");
            assert!(
                pushes.take(asked, Vec::new(), false, now).await.expect("it is kept"),
                "it is looked at soon"
            );
        }
        Way::Local(dated) => {
            let ping = record::Ping {
                source: SourceId::new("jobs").expect("a name"),
                name: Name::new("nightly"),
                word: request::Word::Exit(1),
                rid: None,
                at: dated.map(at),
                body: Vec::new(),
                is_cut: false,
            };
            store.append_event(ping.event(KeyHash([0; 32]), now)).await.expect("it is kept");
        }
    }
    let unsuccessful = (unsuccessful::ID, Outcome::Bad);
    assert!(verdicts(&pushes, "nightly", now).await.contains(&unsuccessful), "{way:?}");
    pushes.keep().await;
    drop(pushes);
    let again = open("2026-11-02T04:00:00Z").await;
    assert!(verdicts(&again, "nightly", now).await.contains(&unsuccessful), "after a restart: {way:?}");
    send(&again, KEY, "2026-11-02T05:00:00Z ok").await;
    assert!(verdicts(&again, "nightly", now).await.contains(&(unsuccessful::ID, Outcome::Ok)), "{way:?}");
}
