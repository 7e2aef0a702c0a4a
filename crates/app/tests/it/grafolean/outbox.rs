//! Does every value arrive once and in order, whatever happens to the backend or to us?

use std::path::Path;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, Error, Outbox, OutboxSettings, SpoolError, Token};
use lastgood_collector::{FailureKind, Sample, Second};
use lastgood_simulator::ClosedPort;
use lastgood_simulator::grafolean::{Backend, Down, Fault, Faults, Options, Scope, Seeded, World};

use super::{AMPLE, AT, backend, client, open, quick, samples, stored, storing, systemwide, until};

/// Sends one value of a path for each of these seconds, numbered like them.
async fn send_series(outbox: &Outbox, account_id: i64, seconds: std::ops::Range<u32>) {
    for second in seconds {
        let samples = ["x", "y"].map(|path| Sample::new(path, f64::from(second)));
        outbox
            .send_results(account_id, Second(i64::from(second)), samples.into())
            .await
            .expect("good values");
    }
}

/// Every value of such a series is there once, and each path was stored in order.
fn assert_series(world: &World, account_id: i64, seconds: std::ops::Range<u32>) {
    let stored = stored(world, account_id);
    for path in ["x", "y"] {
        let series: Vec<_> =
            stored.iter().filter(|(own, ..)| own == path).map(|(_, at, number)| (*at, *number)).collect();
        let expected: Vec<_> = seconds.clone().map(|second| (i64::from(second), f64::from(second))).collect();
        assert_eq!(series, expected, "{path} of account {account_id}");
    }
}

/// An address where nobody is, until a backend is started on its port.
fn closed(seeded: &Seeded) -> (Down, String) {
    let backend = backend(seeded, Faults::none());
    let url = backend.url();
    (backend.go_down().expect("its own port"), url)
}

#[tokio::test]
async fn values_of_many_jobs_go_together_with_their_own_instants() {
    let seeded = World::seeded(2, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none());
    let outbox = open(&systemwide(&backend, &seeded), None).await;
    for account_id in [1, 2] {
        send_series(&outbox, account_id, 1_000..1_040).await;
    }
    let unsent = outbox.close(AMPLE).await;
    assert_eq!((unsent.count, unsent.lost_count), (0, 0));
    for account_id in [1, 2] {
        assert_series(&seeded.world, account_id, 1_000..1_040);
    }
    assert!(seeded.world.requests().iter().all(|request| request.method == "PUT"));
    // A path at most once in a request: forty requests or a few more, as their values came in together.
    assert!(seeded.world.request_count() >= 80);
}

#[tokio::test]
async fn a_backend_that_is_down_at_the_start_gets_everything_later() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let (down, url) = closed(&seeded);
    let outbox = open(&client(&url, &seeded.systemwide_token), None).await;
    send_series(&outbox, 1, 0..50).await;
    until("it failed", || outbox.counts().last_error.is_some()).await;
    let counts = outbox.counts();
    assert_eq!((counts.waiting_count, counts.sent_count), (100, 0));
    assert_eq!(counts.oldest_waiting_at, Some(Second(0)));
    assert!(counts.waiting_bytes > 0);
    let _backend = down.come_up(seeded.world.clone(), Faults::none()).unwrap();
    until("all is sent", || outbox.counts().waiting_count == 0).await;
    assert_series(&seeded.world, 1, 0..50);
    until("it is well again", || outbox.counts().last_error.is_none()).await;
    assert_eq!((outbox.counts().sent_count, outbox.counts().dropped_count), (100, 0));
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_comes_first() {
    let seeded = World::seeded(2, 0, 0, "snmp");
    let (down, url) = closed(&seeded);
    let folder = tempfile::tempdir().unwrap();
    let client = client(&url, &seeded.systemwide_token);
    for start in [0, 20] {
        let outbox = open(&client, Some(folder.path())).await;
        send_series(&outbox, 1, start..start + 20).await;
        send_series(&outbox, 2, start..start + 20).await;
        let unsent = outbox.close(Duration::ZERO).await;
        assert_eq!((unsent.count, unsent.lost_count), (u64::from(start + 20) * 4, 0));
        assert_eq!(unsent.folder.as_deref(), Some(folder.path()));
    }
    // The third one is dropped halfway, as a kill would end it.
    let backend = down.come_up(seeded.world.clone(), Faults::none()).unwrap();
    let outbox = open(&client, Some(folder.path())).await;
    until("something is sent", || outbox.counts().sent_count > 0).await;
    drop(outbox);
    let outbox = reopen(&client, folder.path()).await;
    send_series(&outbox, 1, 40..50).await;
    assert_eq!(outbox.close(AMPLE).await.count, 0);
    assert_eq!(seeded.world.values(1).len(), 100);
    assert_eq!(seeded.world.values(2).len(), 80);
    assert_eq!(stored(&seeded.world, 1).last().map(|(_, at, _)| *at), Some(49));
    drop(backend);
}

/// Opens a spool that an outbox has just been dropped of: its senders are ending.
async fn reopen(client: &Client, folder: &Path) -> Outbox {
    let opening = async {
        loop {
            match Outbox::open(client.clone(), quick(Some(folder))).await {
                Ok(outbox) => return outbox,
                Err(SpoolError::InUse(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(AMPLE, opening).await.expect("the folder becomes free")
}

/// Names the folder for the process that is to die.
const DYING: &str = "LASTGOOD_TEST_DYING_SPOOL";

#[tokio::test]
async fn a_process_that_is_killed_loses_no_value_it_took() {
    if let Some(folder) = std::env::var_os(DYING) {
        let nobody = ClosedPort::reserve().unwrap();
        let client = client(&nobody.url(), "24b10e42-37e6-41bb-b18b-abd2fd7a7a36");
        let outbox = open(&client, Some(Path::new(&folder))).await;
        send_series(&outbox, 1, 0..100).await;
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let test = concat!("grafolean::outbox::", "a_process_that_is_killed_loses_no_value_it_took");
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact"])
        .env(DYING, folder.path())
        .output()
        .unwrap();
    assert!(!ran.status.success());
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none());
    let outbox = open(&systemwide(&backend, &seeded), Some(folder.path())).await;
    assert_eq!(outbox.close(AMPLE).await.count, 0);
    assert_series(&seeded.world, 1, 0..100);
}

#[tokio::test]
async fn a_connection_that_the_backend_closed_meanwhile_costs_nothing() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let idle_timeout = Duration::from_millis(20);
    let options = Options { idle_timeout, ..Options::default() };
    let backend = Backend::start_with(seeded.world.clone(), options).unwrap();
    let client = systemwide(&backend, &seeded);
    for milliseconds in 10..40 {
        client.accounts().await.unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[tokio::test]
async fn every_trouble_that_passes_costs_no_value_and_doubles_none() {
    for fault in [
        Fault::internal_error(),
        Fault::race(),
        Fault::bad_gateway(),
        Fault::Drop,
        Fault::DropAfter,
        Fault::AnswerAfter(lastgood_simulator::grafolean::Reply::crash()),
        Fault::unauthorized(),
        Fault::forbidden(),
        Fault::too_many_requests(None),
        Fault::too_many_requests(Some("0")),
        Fault::too_many_requests(Some("nonsense")),
        Fault::html(),
        Fault::CutShort(3),
    ] {
        for times in [1, 3, 15] {
            let seeded = World::seeded(2, 0, 0, "snmp");
            let faults = Faults::none().with_next(times, storing(), fault.clone());
            let backend = backend(&seeded, faults);
            let folder = tempfile::tempdir().unwrap();
            let outbox = open(&systemwide(&backend, &seeded), Some(folder.path())).await;
            send_series(&outbox, 1, 0..5).await;
            send_series(&outbox, 2, 0..5).await;
            until("all is sent", || outbox.counts().waiting_count == 0).await;
            assert_eq!(outbox.close(AMPLE).await.count, 0);
            assert_series(&seeded.world, 1, 0..5);
            assert_series(&seeded.world, 2, 0..5);
            assert!(!folder.path().join("refused-1.jsonl").exists(), "{fault:?} {times}");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_given_up_and_sent_again() {
    for fault in [Fault::Hang, Fault::HangAfter] {
        let seeded = World::seeded(1, 0, 0, "snmp");
        let backend = backend(&seeded, Faults::none().with_next(1, storing(), fault));
        let token = Token::new(&seeded.systemwide_token).unwrap();
        let client = Client::with_timeout(&backend.url(), token, Duration::from_secs(1)).unwrap();
        let outbox = open(&client, None).await;
        send_series(&outbox, 1, 0..3).await;
        until("all is sent", || outbox.counts().waiting_count == 0).await;
        assert_series(&seeded.world, 1, 0..3);
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_goes_in_halves() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none().with(storing(), Fault::BodyLimit(2_000)));
    let outbox = open(&systemwide(&backend, &seeded), None).await;
    outbox.send_results(1, AT, samples(500)).await.unwrap();
    until("all is sent", || outbox.counts().waiting_count == 0).await;
    assert_eq!(seeded.world.values(1).len(), 500);
    assert_eq!(outbox.counts().refused_count, 0);
}

#[tokio::test]
async fn a_revoked_token_keeps_the_values_until_it_is_known_again() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none());
    let outbox = open(&systemwide(&backend, &seeded), None).await;
    seeded.world.revoke_token(1, "11111111-1111-4111-8111-111111111111");
    send_series(&outbox, 1, 0..10).await;
    until("it is denied", || outbox.counts().last_error.is_some_and(|words| words.contains("401"))).await;
    assert_eq!(outbox.counts().waiting_count, 20);
    seeded.world.revoke_token(1, &seeded.systemwide_token);
    until("all is sent", || outbox.counts().waiting_count == 0).await;
    assert_series(&seeded.world, 1, 0..10);
}

#[tokio::test]
async fn an_account_that_fails_holds_up_no_other() {
    let seeded = World::seeded(3, 0, 0, "snmp");
    let scope = Scope::path("/accounts/2/values");
    let backend = backend(&seeded, Faults::none().with(scope, Fault::forbidden()));
    let outbox = open(&systemwide(&backend, &seeded), None).await;
    for account_id in [1, 2, 3] {
        send_series(&outbox, account_id, 0..10).await;
    }
    until("the others are sent", || outbox.counts().waiting_count == 20).await;
    assert_series(&seeded.world, 1, 0..10);
    assert_series(&seeded.world, 3, 0..10);
    assert!(seeded.world.values(2).is_empty());
    backend.replace_faults(Faults::none());
    assert_eq!(outbox.close(AMPLE).await.count, 0);
    assert_series(&seeded.world, 2, 0..10);
}

#[tokio::test]
async fn what_may_not_be_sent_is_named_and_the_rest_arrives() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none());
    let outbox = open(&systemwide(&backend, &seeded), None).await;
    let mixed = || {
        vec![
            Sample::new("good", 1.0),
            Sample::new("nan", f64::NAN),
            Sample::new("endless", f64::INFINITY),
            Sample::new("line\n", 1.0),
            Sample::new("good", 2.0),
            Sample::new("system.x", 2.0),
        ]
    };
    let refused = outbox.send_results(1, AT, mixed()).await.unwrap_err();
    let paths: Vec<_> = refused.refusals.iter().map(|refusal| refusal.path.as_str()).collect();
    assert_eq!(paths, ["nan", "endless", "line\n", "good", "system.x"]);
    let late = outbox.send_results(1, Second(253_402_300_800), vec![Sample::new("late", 1.0)]).await;
    assert!(late.unwrap_err().to_string().contains("late"));
    until("the good one is sent", || outbox.counts().sent_count == 1).await;
    assert_eq!(outbox.counts().refused_count, 6);
    let error = systemwide(&backend, &seeded).send_results(1, AT, mixed()).await.unwrap_err();
    assert!(matches!(&error, Error::Values(refused) if refused.refusals.len() == 5), "{error}");
    assert_eq!(error.kind(), FailureKind::Malformed);
    assert_eq!(stored(&seeded.world, 1), [("good".to_owned(), AT.0, 1.0)]);
    assert!(seeded.world.poisoned_paths(1).is_empty());
}

#[tokio::test]
async fn a_request_holds_at_most_1000_values_and_an_account_has_one_at_a_time() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none());
    let client = systemwide(&backend, &seeded);
    let outbox = open(&client, None).await;
    outbox.send_results(1, AT, samples(2_500)).await.unwrap();
    assert_eq!(outbox.close(AMPLE).await.count, 0);
    assert_eq!((seeded.world.values(1).len(), seeded.world.request_count()), (2_500, 3));
    client.send_results(1, Second(AT.0 + 1), samples(2_500)).await.unwrap();
    assert_eq!((seeded.world.values(1).len(), seeded.world.request_count()), (5_000, 6));
    assert_eq!(seeded.world.highest_concurrency(), 1);
}

#[tokio::test]
async fn a_program_that_runs_once_tries_again_and_then_says_what_is_missing() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none().with_next(1, storing(), Fault::internal_error()));
    let client = systemwide(&backend, &seeded);
    client.send_results(1, AT, samples(3)).await.unwrap();
    assert_eq!(seeded.world.values(1).len(), 3);
    backend.replace_faults(Faults::none().with_nth(2, storing(), Fault::forbidden()));
    let error = client.send_results(1, Second(0), samples(2_500)).await.unwrap_err();
    assert!(error.to_string().contains("1500 of 2500 values of account 1"), "{error}");
    assert_eq!(error.kind(), FailureKind::Denied);
}

#[tokio::test]
async fn closing_takes_no_longer_than_said_and_tells_what_is_left() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let backend = backend(&seeded, Faults::none().with(storing(), Fault::Hang));
    for (folder, lost) in [(Some(tempfile::tempdir().unwrap()), 0), (None, 6)] {
        let path = folder.as_ref().map(tempfile::TempDir::path);
        let outbox = open(&systemwide(&backend, &seeded), path).await;
        send_series(&outbox, 1, 0..3).await;
        let closing = tokio::time::timeout(AMPLE, outbox.close(Duration::from_millis(100)));
        let unsent = closing.await.expect("it ends");
        assert_eq!((unsent.count, unsent.lost_count), (6, lost));
    }
}

#[tokio::test]
async fn a_spool_that_is_full_says_how_much_it_dropped() {
    let seeded = World::seeded(1, 0, 0, "snmp");
    let (down, url) = closed(&seeded);
    let client = client(&url, &seeded.systemwide_token);
    let settings = OutboxSettings { bytes_max: 64 * 1024, ..quick(None) };
    let outbox = Outbox::open(client, settings).await.unwrap();
    for second in 0..20 {
        outbox.send_results(1, Second(second), samples(200)).await.unwrap();
    }
    let counts = outbox.counts();
    assert!(counts.dropped_count > 0 && counts.waiting_bytes <= 64 * 1024, "{counts:?}");
    assert_eq!(counts.waiting_count + counts.dropped_count, 4_000);
    let _backend = down.come_up(seeded.world.clone(), Faults::none()).unwrap();
    assert_eq!(outbox.close(AMPLE).await.count, 0);
    let stored = stored(&seeded.world, 1);
    assert!(stored.len() as u64 >= counts.waiting_count);
    assert_eq!(stored.last().map(|(_, at, _)| *at), Some(19), "the newest are there");
}
