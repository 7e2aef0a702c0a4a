//! How is the daemon itself, in numbers for Prometheus?
//!
//! What the fleet is like stands in what the newest tick published; here follow the tick, the outbox, the store and the
//! configuration. The rooms that count for themselves (the engine, the deliveries) have a registry of their own.

use jiff::Timestamp;
use lastgood_core::observation::FailureKind;
use prometheus::{CounterVec, Encoder, Gauge, GaugeVec, Opts, Registry, TextEncoder};

use crate::deliver::Counted;
use crate::store::{Counters, Outbox};
use crate::watch::Published;

/// What the page is made of.
pub struct Now<'a> {
    /// The instant.
    pub at: Timestamp,
    /// What the newest tick published.
    pub published: &'a Published,
    /// What is to be sent; `None` if the store could not say.
    pub outbox: Option<Outbox>,
    /// What the store did.
    pub counters: Counters,
    /// True if nothing is wrong with us.
    pub is_well: bool,
    /// When the configuration in force was read.
    pub configured_at: Timestamp,
    /// What became of attempts to send, by channel.
    pub delivered: &'a [(String, Counted)],
}

/// A number of our own: its name, what it means, and how it is read.
type Figure = (&'static str, &'static str, fn(&Now<'_>) -> Option<f64>);

/// Our own numbers, in the order of the page.
static FIGURES: [Figure; 15] = [
    ("lastgood_healthy", "1 if nothing is wrong with lastgood itself, as /healthz says.", |now| {
        Some(truth(now.is_well))
    }),
    ("lastgood_tick_age_seconds", "How long ago the newest judgement was made.", |now| {
        now.published.is_judged.then(|| age(now.published.at, now.at))
    }),
    ("lastgood_tick_duration_seconds", "How long the newest tick took.", |now| {
        now.published.is_judged.then_some(now.published.took.as_secs_f64())
    }),
    ("lastgood_tick_failing", "1 if the newest tick could not be decided.", |now| {
        Some(truth(now.published.trouble.is_some()))
    }),
    ("lastgood_incidents_open", "How many incidents are open.", |now| {
        now.published.is_judged.then(|| count(now.published.open_count as u64))
    }),
    ("lastgood_incidents_ownerless", "How many of them have nobody to tell.", |now| {
        now.published.is_judged.then(|| count(now.published.ownerless_count as u64))
    }),
    ("lastgood_outbox_messages", "How many messages are to be sent.", |now| {
        now.outbox.as_ref().map(|outbox| count(outbox.due_count))
    }),
    (
        "lastgood_outbox_age_seconds",
        "How long the oldest message has waited to be sent; 0 if none waits.",
        |now| {
            let oldest = now.outbox.as_ref()?.oldest_decided_at;
            Some(oldest.map_or(0.0, |at| age(at, now.at)))
        },
    ),
    ("lastgood_events_queued", "How many pings wait for the disk.", |now| {
        Some(count(now.counters.queued_count))
    }),
    ("lastgood_events_kept", "How many pings were kept since the start.", |now| {
        Some(count(now.counters.event_count))
    }),
    ("lastgood_store_transactions_committed", "Transactions that are on the disk since the start.", |now| {
        Some(count(now.counters.committed_count))
    }),
    ("lastgood_store_transactions_failed", "Transactions that were taken back since the start.", |now| {
        Some(count(now.counters.failed_count))
    }),
    ("lastgood_config_reload_successful", "1 if the newest configuration is in force.", |now| {
        Some(truth(now.published.refused.is_none()))
    }),
    ("lastgood_config_timestamp_seconds", "When the configuration in force was read.", |now| {
        Some(seconds(now.configured_at))
    }),
    ("lastgood_time_seconds", "What the clock of lastgood says.", |now| Some(seconds(now.at))),
];

/// Writes the page: the fleet, then ourselves, then the rooms that count for themselves.
pub fn page(now: &Now<'_>, rooms: &[Registry]) -> String {
    let registry = Registry::new();
    for (name, help, read) in &FIGURES {
        if let Some(value) = read(now) {
            let gauge = Gauge::new(*name, *help).expect("a valid name");
            gauge.set(value);
            registry.register(Box::new(gauge)).expect("no name stands here twice");
        }
    }
    let about = Opts::new("lastgood_build", "1, with the version as a label.");
    let build = GaugeVec::new(about, &["version"]).expect("a valid name");
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
    registry.register(Box::new(build)).expect("no name stands here twice");
    deliveries(now, &registry);
    let mut page = now.published.metrics.clone().into_bytes();
    for registry in std::iter::once(&registry).chain(rooms) {
        TextEncoder::new().encode(&registry.gather(), &mut page).expect("memory can be written to");
    }
    String::from_utf8(page).expect("the page is written as text")
}

/// What became of attempts to send: every kind of failure from the first attempt on, since a series that begins with its
/// first failure cannot be alarmed on.
fn deliveries(now: &Now<'_>, registry: &Registry) {
    let about = Opts::new("lastgood_deliveries_total", "Attempts to send a message, by channel and outcome.");
    let ended = CounterVec::new(about, &["channel", "outcome"]).expect("a valid name");
    let about = Opts::new("lastgood_deliveries_under_way", "Attempts to send a message that are under way.");
    let under_way = GaugeVec::new(about, &["channel"]).expect("a valid name");
    for (channel, counted) in now.delivered {
        let sent = ended.with_label_values(&[channel.as_str(), "sent"]);
        sent.inc_by(count(counted.sent_count));
        for kind in FailureKind::ALL {
            ended.with_label_values(&[channel.as_str(), kind.as_str()]);
        }
        for (kind, failed) in &counted.failed_counts {
            ended.with_label_values(&[channel.as_str(), kind.as_str()]).inc_by(count(*failed));
        }
        under_way.with_label_values(&[channel.as_str()]).set(count(counted.under_way_count));
    }
    registry.register(Box::new(ended)).expect("no name stands here twice");
    registry.register(Box::new(under_way)).expect("no name stands here twice");
}

fn truth(is_true: bool) -> f64 {
    if is_true { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "no count of ours reaches 2^53")]
fn count(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of every year fit the 53 bits of a sample")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn age(at: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(at).as_secs_f64().max(0.0)
}
