//! How long does reading and counting a whole fleet take, beside a bare pass of the XML library over the same bytes?
//!
//! `cargo bench -p lastgood-datto`; the large fleet has 10 000 devices with 10 agents each. As a test it runs on a small
//! one.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::summary::summarize;
use lastgood_datto::look::Look;
use lastgood_datto::xml;
use lastgood_simulator::Fleet;
use quick_xml::events::Event;

/// Reads every event of the document and does nothing with it.
fn bare(document: &[u8]) -> usize {
    let mut reader = quick_xml::Reader::from_reader(document);
    let mut buffer = Vec::new();
    let mut events = 0;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).expect("well-formed") {
            Event::Eof => return events,
            _ => events += 1,
        }
    }
}

/// Parses, folds and judges it, and counts what is bad.
fn summary(document: &[u8], look: &Look) -> u64 {
    let facts = fold(vec![xml::parse(document, look)]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let summary = summarize(&facts, &expectations, look.at);
    summary.kinds.iter().flat_map(|kind| &kind.checks).map(|check| check.bad).sum()
}

fn fleet(criterion: &mut Criterion) {
    let look = Look::new("2026-03-02T12:00:00Z".parse().expect("a valid instant"));
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[usize] = if is_bench { &[100, 10_000] } else { &[10] };
    let mut group = criterion.benchmark_group("xml");
    group.sample_size(10);
    for &devices in sizes {
        let mut document = Fleet::seeded(1, devices, 10, look.at).xml_tree_a().into_bytes();
        // The feed holds control characters, as the real one did; the bare pass reads it without them.
        document.retain(|&byte| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'));
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(format!("bare pass, {devices} devices"), |bencher| {
            bencher.iter(|| bare(black_box(&document)));
        });
        group.bench_function(format!("parse and summarize, {devices} devices"), |bencher| {
            bencher.iter(|| summary(black_box(&document), &look));
        });
    }
    group.finish();
}

criterion_group!(benches, fleet);
criterion_main!(benches);
