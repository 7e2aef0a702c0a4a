//! Are the words of the Healthchecks ping API understood, whatever comes with them?

use std::sync::atomic::Ordering;
use std::time::Duration;

use lastgood_core::observation::{LastRun, Stated};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{KEY, PATIENCE, PING_KEY, Server, body_of, exchange, line_of};

const RID: &str = "123e4567-e89b-12d3-a456-426614174000";

#[tokio::test]
async fn every_method_and_every_word_is_answered_ok_once_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let mut expected = Vec::new();
    for method in ["GET", "POST", "HEAD"] {
        for (place, name) in [(KEY.to_owned(), "nightly"), (format!("{PING_KEY}/weekly"), "weekly")] {
            for (word, kept) in
                [("", "success"), ("/start", "start"), ("/fail", "fail"), ("/log", "log"), ("/7", "7")]
            {
                let reply = server.ask(method, &format!("/ping/{place}{word}?rid={RID}"), b"").await;
                assert_eq!(reply.status, 200, "{reply:?}");
                assert_eq!(reply.body, if method == "HEAD" { "" } else { "OK" });
                assert!(reply.head.contains("\r\nping-body-limit: 100000"), "{reply:?}");
                expected.push((name.to_owned(), kept.to_owned()));
            }
        }
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let lines = server.events().await.iter().map(line_of).collect::<Vec<_>>();
    let kept: Vec<_> = lines.iter().map(|line| (text(&line["ping"]), text(&line["word"]))).collect();
    assert_eq!(kept, expected);
    assert!(lines.iter().all(|line| text(&line["rid"]) == RID.replace('-', "")));
    for name in ["nightly", "weekly"] {
        let job = server.job(name).await;
        assert!(matches!(job.last_run, LastRun::Failed { in_row: 1 | 2, .. }), "{job:?}");
        assert!(matches!(job.last_good, Stated::Value(_)));
        assert_eq!(job.more.started_at, Stated::Missing);
    }
}

#[tokio::test]
async fn a_slash_at_the_end_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let words = ["success", "start", "fail", "log", "7"];
    for place in [KEY.to_owned(), format!("{PING_KEY}/weekly")] {
        for word in ["/", "/start/", "/fail/", "/log/", "/7/"] {
            let reply = server.ask("POST", &format!("/ping/{place}{word}?rid={RID}"), b"").await;
            assert_eq!((reply.status, reply.body.as_str()), (200, "OK"), "{place}{word}");
        }
        assert_eq!(server.ask("POST", &format!("/ping/{place}/fail//"), b"").await.status, 404);
    }
    let events = server.events().await;
    let kept: Vec<_> =
        events.iter().map(|event| line_of(event)["word"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept, [words, words].concat());
}

#[tokio::test]
async fn a_failure_and_the_success_after_it_are_looked_at_soon() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    for (word, woken) in [
        ("/start", 0),
        ("", 0),
        ("/fail", 1),
        ("/start", 1),
        ("/log", 1),
        ("/3", 2),
        ("/0", 3),
        ("", 3),
        ("/256", 3),
    ] {
        server.ask("POST", &format!("/ping/{KEY}{word}"), b"").await;
        assert_eq!(server.woken.load(Ordering::SeqCst), woken, "{word}");
    }
    server.store.close().await.unwrap();
    assert_eq!(server.ask("POST", &format!("/ping/{KEY}/fail"), b"").await.status, 503);
    assert_eq!(server.woken.load(Ordering::SeqCst), 3, "what is not kept changes nothing");
}

#[tokio::test]
async fn what_is_not_understood_is_told_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let other = KEY.replace('5', "6");
    for (path, status, body) in [
        (format!("/ping/{other}"), 404, "not found"),
        (format!("/ping/{other}/256?rid=x"), 404, "not found"),
        (format!("/ping/{}", KEY.to_uppercase()), 404, "not found"),
        (format!("/ping/{PING_KEY}"), 404, "not found"),
        (format!("/ping/{PING_KEY}/yearly"), 404, "not found"),
        (format!("/ping/{other}/weekly"), 404, "not found"),
        (format!("/ping/{KEY}/stop"), 404, "not found"),
        (format!("/ping/{KEY}/256"), 400, "invalid url format"),
        (format!("/ping/{KEY}?rid=7"), 400, "invalid uuid format"),
        (format!("/ping/{KEY}?at=now"), 400, "invalid at"),
    ] {
        let reply = server.ask("POST", &path, b"body").await;
        assert_eq!((reply.status, reply.body.starts_with(body)), (status, true), "{path}: {reply:?}");
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(server.ask(method, &format!("/ping/{KEY}"), b"").await.status, 405);
    }
    assert_eq!(server.events().await, []);
}

#[tokio::test]
async fn a_body_of_any_size_is_taken_and_as_much_kept_as_is_promised() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    for (length, is_cut) in
        [(0, false), (100_000, false), (100_001, true), (5_000_000, true), (70_000_000, true)]
    {
        let reply = server.ask("POST", &format!("/ping/{KEY}/fail"), &vec![b'x'; length]).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "OK"), "{length}");
        let events = server.events().await;
        let event = events.last().unwrap();
        assert_eq!(body_of(event).len(), length.min(100_000));
        assert_eq!(line_of(event).get("cut").is_some(), is_cut, "{length}");
        let details = server.job("nightly").await.more.details.clone();
        assert_eq!(details.iter().any(|(label, _)| *label == "cut"), is_cut, "{details:?}");
    }
    let head = format!("POST /ping/{KEY}/fail HTTP/1.1\r\nTransfer-Encoding: chunked\r\n");
    let reply = exchange(&server.address, &head, b"5\r\nfirst\r\n6\r\n\nsecon\r\n1\r\nd\r\n0\r\n\r\n").await;
    assert_eq!(reply.status, 200);
    assert_eq!(body_of(server.events().await.last().unwrap()), b"first\nsecond");
    let details = server.job("nightly").await.more.details.clone();
    assert!(details.contains(&("last lines", "first\nsecond".into())), "{details:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_cut_and_its_ping_counts() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let head = format!("POST /ping/{KEY}/fail HTTP/1.1\r\nTransfer-Encoding: chunked\r\n");
    let reply = exchange(&server.address, &head, b"4\r\nfull\r\nnonsense\r\n").await;
    assert_eq!(reply.status, 200);
    // Whoever goes away in the middle hears nothing, and is heard.
    let mut gone = TcpStream::connect(&server.address).await.unwrap();
    let head = format!("POST /ping/{KEY}/fail HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nno space");
    gone.write_all(head.as_bytes()).await.unwrap();
    drop(gone);
    let both = async {
        while server.events().await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("it is kept");
    for (event, body) in server.events().await.iter().zip(["full", "no space"]) {
        assert_eq!((body_of(event), &line_of(event)["cut"]), (body.as_bytes(), &serde_json::json!(true)));
    }
    assert!(matches!(server.job("nightly").await.last_run, LastRun::Failed { in_row: 2, .. }));
}

#[tokio::test]
async fn a_ping_that_waited_counts_at_its_own_instant_and_never_ahead_of_us() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let good = async |at: &str| {
        assert_eq!(server.ask("POST", &format!("/ping/{KEY}?at={at}"), b"").await.status, 200);
        server.job("nightly").await.last_good.value().unwrap()
    };
    let long_ago = "2020-01-01T02:00:00Z";
    assert_eq!(good(long_ago).await, long_ago.parse().unwrap());
    let newest = good("2999-01-01T00:00:00Z").await;
    assert!(newest <= lastgood::clock::now());
    assert_eq!(good(long_ago).await, newest);
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_a_closed_store_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path()).await;
    let path = format!("/ping/{KEY}/fail");
    for _ in 0..3 {
        assert_eq!(server.ask("POST", &path, b"").await.status, 200);
    }
    server.store.close().await.unwrap();
    let reply = server.ask("POST", &path, b"").await;
    assert_eq!((reply.status, reply.body.as_str()), (503, "the ping could not be kept: send it again"));
    drop(server);
    let server = Server::start(folder.path()).await;
    assert!(matches!(server.job("nightly").await.last_run, LastRun::Failed { in_row: 3, .. }));
}
