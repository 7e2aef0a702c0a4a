//! How is a family of samples written without keeping all of it?
//!
//! The `prometheus` crate writes and escapes; it is handed a few samples at a time. It does not know what is measured.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ::prometheus::TextEncoder;
use ::prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// How many samples are encoded at once.
const CHUNK_SAMPLES: usize = 1000;

/// Labels of a sample, in the order they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels(Vec<(&'static str, String)>);

impl Labels {
    /// Takes these.
    pub(super) fn new<const N: usize>(labels: [(&'static str, &str); N]) -> Self {
        Self(labels.map(|(name, value)| (name, value.to_owned())).into())
    }

    /// Adds one; an empty value is the same as no label and is left out.
    pub(super) fn push(&mut self, name: &'static str, value: &str) {
        if !value.is_empty() {
            self.0.push((name, value.to_owned()));
        }
    }
}

/// Which of two values of one series is the worse one, and so the one to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worse {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
}

impl Worse {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Higher => a.max(b),
            Self::Lower => a.min(b),
        }
    }
}

/// A gauge with any number of samples, written as they come.
pub(super) struct Family<'o> {
    out: &'o mut dyn Write,
    name: &'static str,
    help: &'static str,
    worse: Worse,
    pending: Vec<Metric>,
    twins: BTreeMap<Labels, Option<f64>>,
    has_head: bool,
}

impl<'o> Family<'o> {
    /// A family without samples; it is written only if it gets one.
    pub(super) fn new(name: &'static str, help: &'static str, worse: Worse, out: &'o mut dyn Write) -> Self {
        Self { out, name, help, worse, pending: Vec::new(), twins: BTreeMap::new(), has_head: false }
    }

    /// Adds a sample.
    pub(super) fn sample(&mut self, labels: Labels, value: f64) -> io::Result<()> {
        self.pending.push(metric(labels, value));
        if self.pending.len() < CHUNK_SAMPLES { Ok(()) } else { self.write() }
    }

    /// Adds a sample that may share its labels with others: of them all the worst is written, and none at all if one of
    /// them has no value.
    pub(super) fn twin(&mut self, labels: Labels, value: Option<f64>) {
        let worse = self.worse;
        let merge = |kept: &mut Option<f64>| {
            *kept = kept.zip(value).map(|(kept, value)| worse.of(kept, value));
        };
        self.twins.entry(labels).and_modify(merge).or_insert(value);
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> io::Result<()> {
        let twins = std::mem::take(&mut self.twins);
        let known = twins.into_iter().filter_map(|(labels, value)| Some(metric(labels, value?)));
        self.pending.extend(known);
        self.write()
    }

    /// Encodes the pending samples; the head of the family, two lines, stands before the first of them only.
    fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(std::mem::take(&mut self.pending));
        let text = TextEncoder::new().encode_to_string(&[family]).map_err(io::Error::other)?;
        let mut rest = text.as_str();
        if self.has_head {
            rest = rest.splitn(3, '\n').nth(2).unwrap_or_default();
        }
        self.has_head = true;
        self.out.write_all(rest.as_bytes())
    }
}

fn metric(labels: Labels, value: f64) -> Metric {
    let pair = |(name, value): (&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value);
        pair
    };
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_gauge(gauge);
    metric.set_label(labels.0.into_iter().map(pair).collect());
    metric
}

/// Turns a whole number into the value of a sample.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sample has 53 bits; bytes beyond 9 PB are rounded by parts in 10^16"
)]
pub(super) fn whole(number: u128) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_of_any_size_has_one_head_and_no_series_twice() {
        let mut out = Vec::new();
        let mut family = Family::new("a_bytes", "Help.", Worse::Lower, &mut out);
        for index in 0..=2 * CHUNK_SAMPLES {
            family.sample(Labels::new([("n", index.to_string().as_str())]), 1.0).expect("fits");
        }
        for value in [3.0, 2.0] {
            family.twin(Labels::new([("n", "twin")]), Some(value));
        }
        for value in [Some(3.0), None, Some(2.0)] {
            family.twin(Labels::new([("n", "silent twin")]), value);
        }
        family.end().expect("fits");
        let text = String::from_utf8(out).expect("only text was written");
        assert!(text.starts_with("# HELP a_bytes Help.\n# TYPE a_bytes gauge\na_bytes{n=\"0\"} 1\n"));
        assert_eq!(text.matches('#').count(), 2);
        assert_eq!(text.lines().count(), 2 + 2 * CHUNK_SAMPLES + 2);
        assert!(text.ends_with("a_bytes{n=\"twin\"} 2\n"));
    }

    #[test]
    fn a_family_without_samples_is_not_written() {
        let mut out = Vec::new();
        Family::new("a_bytes", "Help.", Worse::Lower, &mut out).end().expect("fits");
        assert_eq!(out, b"");
    }
}
