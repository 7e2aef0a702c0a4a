//! It starts, answers, remembers and ends.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastgood::store::Store;
use lastgood_core::testing::{FleetBuilder, agent};
use lastgood_simulator::smtp::Fault;

use super::inbox::Inbox;
use super::{Daemon, KEY, PATIENCE, jobs, mail_to};
use crate::support::packages::program;

/// The limit a supervisor sets, and as much again for a machine that is busy.
const END: Duration = Duration::from_secs(20);

#[tokio::test]
async fn it_starts_answers_tells_and_ends() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    daemon.write("", &(jobs(2) + &mail_to(inbox.port())));
    daemon.start().await;
    assert_eq!(daemon.text("/healthz").await, "ok\n");
    assert_eq!(daemon.text(&format!("/ping/{KEY}/job000")).await, "OK");
    assert_eq!(daemon.status("/ping/00000000-0000-4000-8000-000000000000").await, Some(404));
    assert_eq!(daemon.ping_once("job000", "/fail").await, Some(200));
    inbox.wait_for("BAD jobs/pings/job000: unsuccessful").await;
    let page = daemon.text("/").await;
    assert!(page.contains("jobs/pings/job000"), "{page}");
    daemon.ping("job000", "/0").await;
    inbox.wait_for("OVER jobs/pings/job000: unsuccessful").await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    daemon.stop().await;
    let log = daemon.log();
    assert!(!log.contains(KEY), "{log}");
    assert_eq!(inbox.subjects().len(), 2, "{:?}", inbox.subjects());
}

#[tokio::test]
async fn its_metrics_are_what_prometheus_reads() {
    let inbox = Inbox::start().await;
    let mut daemon = Daemon::new();
    daemon.write("", &(jobs(3) + &mail_to(inbox.port())));
    daemon.start().await;
    daemon.ping("job000", "").await;
    daemon.ping("job001", "/fail").await;
    inbox.wait_for("BAD").await;
    daemon.wait_for("lastgood_outbox_messages", |count| count == 0.0).await;
    let page = daemon.text("/metrics").await;
    let mut promtool = Command::new(program("promtool"));
    let promtool = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = promtool.expect("it starts");
    promtool.stdin.take().expect("a pipe").write_all(page.as_bytes()).expect("it reads");
    let answer = promtool.wait_with_output().expect("it ends");
    assert!(answer.status.success(), "{}: {page}", String::from_utf8_lossy(&answer.stderr));
    assert!(answer.stderr.is_empty(), "{}", String::from_utf8_lossy(&answer.stderr));
    assert_eq!(super::number_in(&page, "lastgood_incidents_open"), Some(1.0));
}

#[tokio::test]
async fn sigterm_ends_it_although_a_delivery_hangs_and_the_message_is_sent_after_the_next_start() {
    let inbox = Inbox::start().await;
    inbox.fail(Some(Fault::Delay(Duration::from_mins(5))));
    let mut daemon = Daemon::new();
    let mail = mail_to(inbox.port()).replace("[[owner]]", "deadline = '10min'\n[[owner]]");
    daemon.write("", &(jobs(1) + &mail));
    daemon.start().await;
    daemon.ping("job000", "/fail").await;
    let under_way = "lastgood_deliveries_under_way{channel=\"mail\"}";
    daemon.wait_for(under_way, |count| count > 0.5).await;
    daemon.signal("TERM");
    let status = daemon.ended(END).await;
    assert!(status.is_some_and(|status| status.success()), "{status:?}: {}", daemon.log());
    inbox.fail(None);
    daemon.start().await;
    inbox.wait_for("BAD jobs/pings/job000: unsuccessful").await;
}

#[tokio::test]
async fn it_is_ill_while_its_database_stands_somewhere_else() {
    let mut daemon = Daemon::new();
    daemon.write("", &jobs(1));
    daemon.start().await;
    daemon.wait_for("lastgood_healthy", |value| value > 0.5).await;
    let moved = |from: &str, to: &str| {
        std::fs::rename(daemon.path(from), daemon.path(to)).expect("a writable folder");
    };
    moved("db", "elsewhere");
    daemon.wait_for("lastgood_healthy", |value| value < 0.5).await;
    assert_eq!(daemon.status("/healthz").await, Some(503));
    let said = daemon.text("/healthz").await;
    assert!(said.contains("was moved away or removed") && said.contains("put the file back"), "{said}");
    moved("elsewhere", "db");
    daemon.wait_for("lastgood_healthy", |value| value > 0.5).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_configuration_that_is_wrong_ends_with_3_and_a_port_in_use_says_which() {
    let mut daemon = Daemon::new();
    daemon.write("", "[[source]]\nkind = 'no-such-kind'\n");
    daemon.spawn();
    let status = daemon.ended(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(3), "{}", daemon.log());
    assert!(daemon.log().contains("no-such-kind"), "{}", daemon.log());
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    daemon.port = taken.local_addr().expect("an address").port();
    daemon.write("", &jobs(1));
    daemon.spawn();
    let status = daemon.ended(PATIENCE).await.expect("it ends");
    assert_eq!(status.code(), Some(4), "{}", daemon.log());
    let address = format!("127.0.0.1:{}", daemon.port);
    let log = daemon.log();
    assert!(log.contains(&address) && log.contains("listen") && log.contains("in use"), "{log}");
}

#[tokio::test]
async fn a_second_one_on_the_same_database_is_refused() {
    let mut daemon = Daemon::new();
    daemon.write("", &jobs(1));
    daemon.start().await;
    let second = daemon.path("second.toml");
    let text = std::fs::read_to_string(daemon.path("lastgood.toml")).expect("a file");
    let other_port = format!("127.0.0.1:{}", super::free_port());
    let text = text.replace(&format!("127.0.0.1:{}", daemon.port), &other_port);
    std::fs::write(&second, text).expect("a writable folder");
    let path = second.display().to_string();
    let ran = tokio::task::spawn_blocking(move || crate::support::binary::run(&["serve", "--config", &path]));
    let ran = ran.await.expect("it ends");
    assert_eq!(ran.code, 4, "{}", ran.text());
    assert!(ran.stderr.contains("already in use by another lastgood"), "{}", ran.text());
    assert_eq!(daemon.status("/healthz").await, Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_no_ping_that_was_answered_with_200() {
    const WRITERS: usize = 8;
    let mut daemon = Daemon::new();
    daemon.write("", &jobs(WRITERS));
    let answered: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    for round in 0..5 {
        daemon.start().await;
        let writers = (0..WRITERS).map(|writer| {
            let (client, answered) = (daemon.client.clone(), Arc::clone(&answered));
            let url = daemon.url(&format!("/ping/{KEY}/job{writer:03}/log"));
            tokio::spawn(async move {
                for number in 0.. {
                    let body = format!("said {round}-{writer}-{number} so");
                    let answer = client.post(&url).body(body.clone()).send().await;
                    // Killed: whoever got no answer knows nothing.
                    let Ok(answer) = answer else { return };
                    if answer.status() == 200 {
                        answered.lock().expect("nobody panics with it").insert(body);
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let enough = (round + 1) * 200;
        while answered.lock().expect("nobody panics with it").len() < enough {
            tokio::task::yield_now().await;
        }
        daemon.kill();
        for writer in writers {
            writer.await.expect("it ends with the daemon");
        }
    }
    let store = daemon.store().await;
    let (mut kept, mut after) = (BTreeSet::new(), 0);
    loop {
        let events = store.events(after, 1_000).await.expect("events");
        let Some((last, _)) = events.last() else { break };
        after = *last;
        kept.extend(events.iter().filter_map(|(_, event)| said(&event.body)));
    }
    let answered = answered.lock().expect("nobody panics with it");
    let lost: Vec<_> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), answered.len());
}

/// What stands in a kept ping of those above.
fn said(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once("said ")?;
    Some(format!("said {} so", rest.split(" so").next()?))
}

#[tokio::test]
async fn it_starts_with_a_hundred_thousand_assets_in_its_store() {
    const APPLIANCES: usize = 100;
    const AGENTS: usize = 1_000;
    let mut daemon = Daemon::new();
    let now = lastgood::clock::now();
    let mut fleet = FleetBuilder::new("portal", now);
    for number in 0..APPLIANCES {
        let agents = (0..AGENTS).map(|agent_number| agent(&format!("agent{agent_number}"), now)).collect();
        fleet = fleet.appliance(&format!("nas{number}"), agents);
    }
    let store = daemon.store().await;
    store.append(&crate::stories::as_datto(fleet.collection())).await.expect("it is kept");
    store.close().await.expect("it is closed");
    drop(store);
    daemon.write(
        "",
        "[[source]]\nname = 'portal'\nkind = 'datto-xml'\nlocation = 'gone.xml'\ninterval = '1h'\n",
    );
    daemon.start().await;
    let page = daemon.text("/metrics").await;
    assert!(page.contains("100000"), "the agents are counted: {}", &page[..page.len().min(4_000)]);
    daemon.stop().await;
}
