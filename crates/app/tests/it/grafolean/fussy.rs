//! Does one value over which the backend breaks cost that value alone?
//!
//! No value we send is known to break the real backend, so a backend stands here that breaks over one path.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lastgood_collector::{Sample, Second};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{AMPLE, AT, client, open, until};

const TOKEN: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";

/// What it answers to a request that holds its path; `None` breaks off.
type Complaint = Option<(u16, &'static str)>;

/// A backend that breaks over every request that holds the path `bad`, or over most of them at random.
#[derive(Clone)]
struct Fussy {
    complaint: Complaint,
    /// Of a hundred requests, so many fail whatever they hold.
    failing_percent: u64,
    request_count: Arc<AtomicU64>,
    stored: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl Fussy {
    async fn start(complaint: Complaint, failing_percent: u64) -> (Self, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}/api", listener.local_addr().expect("an address"));
        let (request_count, stored) = (Arc::default(), Arc::default());
        let fussy = Self { complaint, failing_percent, request_count, stored };
        let serving = fussy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.exchange(stream).await });
            }
        });
        (fussy, url)
    }

    async fn exchange(&self, mut stream: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let values: Vec<Json> = serde_json::from_slice(&body).ok()?;
        let (status, words) = if self.is_failing() {
            (500, "Internal Server Error")
        } else if values.iter().any(|value| value["p"] == "bad") {
            self.complaint?
        } else {
            let mut stored = self.stored.lock().expect("nobody panics holding it");
            for value in values {
                stored.insert(value["p"].as_str()?.to_owned(), value["v"].as_f64()?);
            }
            (204, "")
        };
        let length = words.len();
        let answer =
            format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{words}");
        stream.write_all(answer.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }

    /// The same for every run: of the number of the request alone.
    fn is_failing(&self) -> bool {
        let number = self.request_count.fetch_add(1, Ordering::Relaxed);
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 32) % 100 < self.failing_percent
    }
}

#[tokio::test]
async fn one_value_over_which_the_backend_breaks_is_put_aside_and_all_others_arrive() {
    for complaint in [
        Some((500, "Internal Server Error")),
        Some((400, "Input validation failed: Invalid PathInputValue format: bad")),
        Some((400, r#"{"detail":"Invalid input format"}"#)),
        Some((422, "no")),
        Some((413, "too large")),
        None,
    ] {
        // Alone in front, between others, and after all.
        for place in [0, 17, 40] {
            let (fussy, url) = Fussy::start(complaint, 0).await;
            let folder = tempfile::tempdir().unwrap();
            let outbox = open(&client(&url, TOKEN), Some(folder.path())).await;
            let mut samples: Vec<_> =
                (0..40).map(|number| Sample::new(format!("good.{number}"), 1.0)).collect();
            samples.insert(place, Sample::new("bad", 2.0));
            outbox.send_results(7, AT, samples).await.unwrap();
            until("all is sent or put aside", || outbox.counts().waiting_count == 0).await;
            assert_eq!(fussy.stored.lock().unwrap().len(), 40, "{complaint:?} {place}");
            let counts = outbox.counts();
            assert_eq!((counts.sent_count, counts.refused_count, counts.dropped_count), (40, 1, 0));
            assert_eq!(counts.last_error, None);
            let aside = std::fs::read_to_string(folder.path().join("refused-7.jsonl")).unwrap();
            assert_eq!(aside.lines().count(), 1, "{aside}");
            assert!(aside.contains(r#""p":"bad""#) && !aside.contains(TOKEN), "{aside}");
            assert_eq!(outbox.close(AMPLE).await.count, 0);
        }
    }
}

#[tokio::test]
async fn a_value_that_stands_alone_waits_until_another_shows_that_the_backend_takes_any() {
    let (fussy, url) = Fussy::start(Some((500, "Internal Server Error")), 0).await;
    let outbox = open(&client(&url, TOKEN), None).await;
    outbox.send_results(7, AT, vec![Sample::new("bad", 2.0)]).await.unwrap();
    until("it failed", || outbox.counts().last_error.is_some()).await;
    assert_eq!(outbox.counts().refused_count, 0);
    outbox.send_results(7, AT, vec![Sample::new("good", 1.0)]).await.unwrap();
    until("all is sent or put aside", || outbox.counts().waiting_count == 0).await;
    assert_eq!(fussy.stored.lock().unwrap().len(), 1);
    assert_eq!((outbox.counts().sent_count, outbox.counts().refused_count), (1, 1));
    assert_eq!(outbox.close(AMPLE).await.count, 0);
}

#[tokio::test]
async fn a_backend_that_fails_at_random_costs_no_value() {
    let (fussy, url) = Fussy::start(None, 70).await;
    let outbox = open(&client(&url, TOKEN), None).await;
    for second in 0..200 {
        // One path: every value is a request of its own.
        outbox.send_results(7, Second(second), vec![Sample::new("good", 1.0)]).await.unwrap();
    }
    until("all is sent or put aside", || outbox.counts().waiting_count == 0).await;
    assert_eq!((outbox.counts().sent_count, outbox.counts().refused_count), (200, 0));
    assert!(fussy.request_count.load(Ordering::Relaxed) > 500, "it failed often");
    assert_eq!(outbox.close(AMPLE).await.count, 0);
}
