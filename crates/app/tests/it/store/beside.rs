//! Does a second program work beside the one that has the database to itself, and never do what only that one may?

use std::path::Path;

use lastgood::store::sqlite::{Options, Sqlite};
use lastgood::store::{Cover, Decided, Decision, Event, FailedAttempt, NewMessage, Store, StoreError, kept};
use lastgood_core::facts::fold;
use lastgood_core::incident::{Acknowledged, Change};
use lastgood_core::notify::{Episode, Why};
use lastgood_core::observation::FailureKind;
use lastgood_core::silence::Silence;
use lastgood_core::time::Seconds;

use super::contract::everything;
use super::files::{other_program, run};
use super::{ada, failed, look, minute, open, options};

async fn beside(path: &Path) -> Sqlite {
    Sqlite::open(Options { beside: true, ..options(path) }).await.expect("it is opened")
}

/// The tick of this minute, made of what stands now; it opens one incident and tells ada.
async fn tick(store: &dyn Store, minutes: i64) -> Decision {
    let revision = store.standing(minute(minutes)).await.expect("what stands").revision;
    let incident = failed(&format!("agent{minutes}"), minutes);
    let covers = vec![Cover { episode: Episode::of(&incident), why: Why::First, affected_count: 0 }];
    let (key, content) = (format!("m{minutes}"), b"{}".to_vec());
    let messages = vec![NewMessage { key, address: ada(), thread: None, content, covers }];
    let (decided_at, changes) = (minute(minutes), vec![Change::Opened(incident)]);
    Decision { revision, decided_at, changes, messages, withheld: Vec::new() }
}

fn event(minutes: i64) -> Event {
    Event { key: vec![1], received_at: minute(minutes), kind: "success".to_owned(), body: Vec::new() }
}

fn silence() -> Silence {
    let (pattern, reason, by) = ("acme/*".to_owned(), "a new disk".to_owned(), "ada".to_owned());
    Silence {
        id: 1,
        pattern,
        checks: None,
        address: Some(ada()),
        from: minute(0),
        until: minute(9),
        reason,
        by,
    }
}

fn is_superseded(answer: &Result<Decided, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Superseded))
}

#[tokio::test]
async fn what_people_say_beside_the_daemon_makes_it_plan_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let daemon = open(&path).await;
    daemon.append(&look(0, 3)).await.expect("it is kept");
    let first = tick(&daemon, 1).await;
    daemon.decide(first).await.expect("it is kept");
    let beside = beside(&path).await;
    assert_eq!(beside.facts().await.expect("facts"), fold(vec![kept(&look(0, 3))]));
    let episode = Episode::of(&failed("agent1", 1));

    let planned = tick(&daemon, 2).await;
    let said = Acknowledged { at: minute(2), by: "ada".to_owned() };
    beside.acknowledge(episode.clone(), said.clone()).await.expect("it is open");
    assert!(is_superseded(&daemon.decide(planned).await), "somebody acknowledged");
    let known = daemon.standing(minute(2)).await.expect("what stands").known;
    assert_eq!(known[&episode.matter].acknowledged, Some(said));

    let planned = tick(&daemon, 2).await;
    let number = beside.add_silence(silence()).await.expect("it is kept");
    assert!(is_superseded(&daemon.decide(planned).await), "somebody silenced");
    assert_eq!(daemon.standing(minute(2)).await.expect("what stands").silences, [silence()]);

    let planned = tick(&daemon, 2).await;
    beside.end_silence(number, minute(2)).await.expect("it is there");
    assert!(is_superseded(&daemon.decide(planned).await), "somebody ended a silence");

    let planned = tick(&daemon, 2).await;
    beside.close_by_hand(episode, minute(2), "seen".to_owned()).await.expect("it is open");
    assert!(is_superseded(&daemon.decide(planned).await), "somebody closed it");

    let planned = tick(&daemon, 2).await;
    assert!(matches!(daemon.decide(planned).await, Ok(Decided::Kept(_))), "nobody said anything");
    assert_eq!(everything(&beside).await, everything(&daemon).await);
}

#[tokio::test]
async fn events_of_both_are_read_in_one_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let (daemon, beside) = (open(&path).await, beside(&path).await);
    let append = |store: &'static str, minutes| {
        let (daemon, beside) = (&daemon, &beside);
        async move {
            let store = if store == "daemon" { daemon } else { beside };
            store.append_event(event(minutes)).await.expect("it is kept")
        }
    };
    let (mut expected, mut after, mut read) = (Vec::new(), 0, Vec::new());
    for minutes in 0..20 {
        let (one, other) = tokio::join!(append("daemon", minutes), append("beside", minutes));
        expected.extend([one, other]);
        // What is read as far as this is never joined by something earlier.
        for (number, _) in daemon.events(after, 100).await.expect("events") {
            read.push(number);
            after = number;
        }
    }
    expected.sort_unstable();
    assert_eq!(read, expected);
    assert_eq!(read, (1..=40).collect::<Vec<i64>>());
}

#[tokio::test]
async fn what_only_one_program_may_do_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let daemon = open(&path).await;
    daemon.append(&look(0, 3)).await.expect("it is kept");
    let first = tick(&daemon, 1).await;
    daemon.decide(first).await.expect("it is kept");
    daemon.append_event(event(1)).await.expect("it is kept");
    let before = everything(&daemon).await;
    let beside = beside(&path).await;
    let second = tick(&beside, 2).await;
    let (at, kind, words) = (minute(2), FailureKind::Refused, String::new());
    let attempt = FailedAttempt { at, kind, words, next_try_at: None };
    for answer in [
        beside.append(&look(5, 3)).await,
        beside.decide(second).await.map(drop),
        beside.delivered(1, minute(2), String::new()).await,
        beside.failed(1, attempt).await,
        beside.keep_pushed(1, Vec::new()).await,
        beside.forget_events(minute(9)).await.map(drop),
        beside.checkpoint(minute(2)).await,
        beside.thin(minute(99_999), Seconds::days(1)).await.map(drop),
        beside.compact().await,
    ] {
        let error = answer.expect_err("only the daemon may");
        assert!(matches!(error, StoreError::Beside { .. }) && !error.may_pass(), "{error}");
        assert!(error.to_string().contains("beside the daemon cannot"), "{error}");
    }
    assert_eq!(everything(&daemon).await, before);
    daemon.append(&look(5, 3)).await.expect("the daemon may");
}

#[tokio::test]
async fn a_look_that_is_being_kept_is_no_damage_and_not_cleared_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let _daemon = open(&path).await;
    let mut other = other_program(&path).await;
    run(&mut other, "INSERT INTO look_part (look, number, content) VALUES (1, 0, x'00')").await;
    let beside = beside(&path).await;
    assert_eq!(beside.check().await.expect("it is checked"), Vec::<String>::new());
    beside.close().await.expect("it is closed");
    // It fails if the part is gone: its number would be free.
    let again = sqlx::query("INSERT INTO look_part (look, number, content) VALUES (1, 0, x'00')");
    assert!(again.execute(&mut other).await.is_err());
}

#[tokio::test]
async fn it_works_without_a_daemon_too_and_keeps_none_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let daemon = open(&path).await;
    let first = tick(&daemon, 1).await;
    daemon.decide(first).await.expect("it is kept");
    daemon.close().await.expect("it is closed");
    let alone = beside(&path).await;
    alone.append_event(event(1)).await.expect("it is kept");
    let daemon = open(&path).await;
    assert_eq!(daemon.events(0, 9).await.expect("events").len(), 1);
    let said = Acknowledged { at: minute(2), by: "ada".to_owned() };
    alone.acknowledge(Episode::of(&failed("agent1", 1)), said).await.expect("it is open");
    daemon.close().await.expect("it is closed");
    let before = everything(&alone).await;
    assert!(before.contains("\"acknowledged_by\":\"ada\""), "{before}");
    alone.close().await.expect("it is closed");
    assert_eq!(everything(&open(&path).await).await, before);
}

#[tokio::test]
async fn what_is_not_there_or_not_up_to_date_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let opened = || Sqlite::open(Options { beside: true, ..options(&path) });
    let error = opened().await.err().expect("there is none").to_string();
    assert!(error.contains("could not be found") && !path.exists(), "{error}");
    drop(open(&path).await);
    let mut other = other_program(&path).await;
    run(&mut other, "PRAGMA user_version = 1").await;
    let error = opened().await.err().expect("it is older");
    assert!(matches!(error, StoreError::Older { found: 1, .. }), "{error}");
    assert!(error.to_string().contains("start `lastgood serve` once"), "{error}");
    let version: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut other).await.expect("a number");
    assert_eq!(version, 1);
}
