//! Killed at any moment, no ping is lost that was answered.
//!
//! The test starts itself as another process, which serves; many ping it, and it is killed while they do.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lastgood_core::observation::LastRun;

use super::{PATIENCE, PING_KEY, Server, line_of};

const FOLDER: &str = "LASTGOOD_TEST_PUSH";
const ROUNDS: u64 = 5;
const CLIENTS: u64 = 8;

/// The other process. Without its variable it is no test.
#[tokio::test(flavor = "multi_thread")]
async fn serves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let server = Server::start(&folder).await;
    println!("listening {}", server.address);
    // What is known is written down again and again, so that kills fall into it, too.
    loop {
        server.pushes.keep().await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn start(folder: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "push::kill::serves_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut addresses = lines
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("listening ").map(|(_, address)| address.to_owned()));
    let address = addresses.next().expect("it says where it listens");
    (child, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ping_that_was_answered_is_there_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let answered: Arc<Mutex<HashSet<u64>>> = Arc::default();
    let sent = Arc::new(AtomicU64::new(1));
    for round in 1..=ROUNDS {
        let (mut child, address) = start(folder.path());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                tokio::spawn(ping_until_it_is_gone(address.clone(), Arc::clone(&sent), Arc::clone(&answered)))
            })
            .collect();
        let wanted = round * 100;
        let enough = async {
            while (answered.lock().expect("nobody panics with it").len() as u64) < wanted {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.expect("pings are answered in time");
        child.kill().expect("it is killed");
        child.wait().expect("it ended");
        for client in clients {
            client.await.expect("a client ends");
        }
    }
    let server = Server::start(folder.path()).await;
    let answered = answered.lock().expect("nobody panics with it").clone();
    let mut kept = HashSet::new();
    let mut after = 0;
    loop {
        let events = server.store.events(after, 1_000).await.expect("events");
        let Some((last, _)) = events.last() else { break };
        after = *last;
        let rid = |event| {
            u64::from_str_radix(line_of(event)["rid"].as_str().expect("a run"), 16).expect("a number")
        };
        kept.extend(events.iter().map(|(_, event)| rid(event)));
    }
    let lost: Vec<_> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} are lost", lost.len(), answered.len());
    let LastRun::Failed { in_row, .. } = server.job("weekly").await.last_run else { panic!("all failed") };
    assert_eq!(in_row as usize, kept.len(), "each is folded once");
}

async fn ping_until_it_is_gone(address: String, sent: Arc<AtomicU64>, answered: Arc<Mutex<HashSet<u64>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    loop {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        let target = format!("/ping/{PING_KEY}/weekly/fail?rid=00000000-0000-0000-0000-{number:012x}");
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let asked = async {
            let mut stream = tokio::net::TcpStream::connect(&address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        match asked.await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => {
                answered.lock().expect("nobody panics with it").insert(number);
            }
            Ok(_) | Err(_) => return,
        }
    }
}
