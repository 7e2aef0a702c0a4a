//! How long do 10 000 mails to 10 000 recipients take, beside what Postfix's own generator takes to the same sink?
//!
//! `smtp-sink` of Debian's package postfix takes them on loopback. Before anything is measured, as many mails go to a sink
//! that keeps them, and each has to be there exactly once. `cargo test` runs it once with few mails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use criterion::{Criterion, Throughput};
use jiff::Timestamp;
use lastgood::channels::{Channel, Message};
use lastgood_core::recipient::Address;
use serde_json::json;
use tokio::runtime::Runtime;

#[path = "support/sink.rs"]
mod sink;

use sink::{Sink, expect_each_once, open_to_everybody};

/// How many bytes a mail has.
const MAIL_BYTES: usize = 2400;

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
    group.bench_function("smtp-source, 8 connections", |bencher| {
        bencher.iter(|| sink.smtp_source(count, MAIL_BYTES));
    });
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
    expect_each_once(&kept, count);
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
        from: None,
        subject: format!("BAD: 3 of 40 backups, worst acme/ACME-SQL{number:05}"),
        text: "ACME-SQL01 has had no good backup for 3 days; the limit is 24 h.\n".repeat(10),
        html: Some("<p>ACME-SQL01 has had no good backup for 3 days; the limit is 24 h.</p>\n".repeat(10)),
        details: json!(null),
        written_at: Timestamp::UNIX_EPOCH,
    }
}
