//! How long do 10 000 mails to 10 000 recipients take, beside what Postfix's own generator takes to the same sink?
//!
//! `smtp-sink` of Debian's package postfix takes them on loopback. Before anything is measured, as many mails go to a sink
//! that keeps them, and each has to be there exactly once. `cargo test` runs it once with few mails.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use criterion::{Criterion, Throughput};
use jiff::Timestamp;
use lastgood::channels::{self, Channel, ChannelConfig, Message};
use lastgood_core::recipient::Address;
use serde_json::json;
use tokio::runtime::Runtime;

/// How many messages are handed to the channel at once; it has 8 connections for them.
const HANDED_AT_ONCE: usize = 32;

fn main() {
    let count = mail_count();
    let runtime = Runtime::new().expect("a runtime");
    count_what_arrives(&runtime, count);

    let sink = Sink::start(&["-c"]);
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("mail");
    group.throughput(Throughput::Elements(count as u64));
    let channel = sink.channel();
    group.bench_function("lastgood, 8 connections", |bencher| {
        bencher.iter(|| runtime.block_on(send_all(&channel, count)));
    });
    group.bench_function("smtp-source, 8 connections", |bencher| bencher.iter(|| sink.smtp_source(count)));
    group.finish();
    criterion.final_summary();
}

/// How many mails: all under `cargo bench`, few under `cargo test`.
fn mail_count() -> usize {
    let benching = std::env::args().any(|argument| argument == "--bench");
    if benching { 10_000 } else { 100 }
}

/// Every mail arrives, and none twice.
fn count_what_arrives(runtime: &Runtime, count: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    open_to_everybody(folder.path());
    let kept = folder.path().join("mails");
    let sink = Sink::start(&["-D", kept.to_str().expect("UTF-8")]);
    runtime.block_on(send_all(&sink.channel(), count));
    drop(sink);
    let kept = std::fs::read_to_string(kept).expect("the sink kept the mails");
    let ids: Vec<&str> = kept.lines().filter(|line| line.starts_with("Message-ID: ")).collect();
    let distinct: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (count, count), "each mail arrives exactly once");
}

/// The sink gives up root's rights and writes as another user.
fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("our own folder");
}

/// Sends so many mails, each to a recipient of its own.
async fn send_all(channel: &Arc<dyn Channel>, count: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..HANDED_AT_ONCE)
        .map(|_| {
            let (channel, next) = (Arc::clone(channel), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    channel
                        .send(&message(number), Timestamp::UNIX_EPOCH)
                        .await
                        .expect("the sink takes everything");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("nobody panics");
    }
}

fn message(number: usize) -> Message {
    Message {
        key: format!("m-{number}").parse().expect("a key"),
        address: Address { channel: "mail".to_owned(), to: format!("user{number}@example.org") },
        thread: Some("m-thread".parse().expect("a key")),
        subject: format!("BAD: 3 of 40 backups, worst acme/ACME-SQL{number:05}"),
        text: "ACME-SQL01 has had no good backup for 3 days; the limit is 24 h.\n".repeat(10),
        html: Some("<p>ACME-SQL01 has had no good backup for 3 days; the limit is 24 h.</p>\n".repeat(10)),
        details: json!(null),
        written_at: Timestamp::UNIX_EPOCH,
    }
}

/// A mail server that takes everything; dropping it ends it.
struct Sink {
    port: u16,
    child: Child,
}

impl Sink {
    fn start(options: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("smtp-sink");
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            command.args(["-u", "postfix"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg("1000");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command
            .spawn()
            .expect("smtp-sink starts: install the Debian package postfix (as root, ./test does it)");
        let sink = Self { port, child };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("smtp-sink does not listen");
    }

    fn channel(&self) -> Arc<dyn Channel> {
        let settings =
            format!("host = '127.0.0.1'\nport = {}\ntls = 'none'\nfrom = 'a@example.org'", self.port);
        let settings = settings.parse().expect("TOML");
        let config = ChannelConfig { name: "mail".to_owned(), settings, ..ChannelConfig::default() };
        let channel = (channels::mail::ENTRY.open)(config).expect("good settings");
        Arc::from(channel)
    }

    /// Lets Postfix's generator send as many mails of about the same size.
    fn smtp_source(&self, count: usize) {
        let (count, size) = (count.to_string(), "2400");
        let to = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new("smtp-source");
        command.args([
            "-s",
            "8",
            "-m",
            &count,
            "-l",
            size,
            "-f",
            "a@example.org",
            "-t",
            "u@example.org",
            "-d",
            &to,
        ]);
        assert!(command.stdout(Stdio::null()).status().expect("smtp-source starts").success());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It has no children; what it was told to keep is on disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
