//! What does everybody see of the newest tick?
//!
//! A finished picture: pages and metrics show it and compute no verdict of their own.

use std::time::Duration;

use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::facts::{Facts, SourceFacts};
use lastgood_core::id::{CheckId, Escaped, SourceId};
use lastgood_core::incident::{Incident, Known};
use lastgood_core::judge::Judgement;
use lastgood_core::observation::Extent;
use lastgood_core::summary::KindCount;
use lastgood_core::verdict::Words;

use super::tick::Names;
use crate::clock::Stopwatch;
use crate::report;

/// How many open incidents a picture shows; of more, their number.
const INCIDENTS_MAX: usize = 500;

/// What a tick found and decided.
#[derive(Clone, Debug)]
pub struct Published {
    /// The instant that was judged at.
    pub at: Timestamp,
    /// True once something was judged.
    pub is_judged: bool,
    /// How many sources the first tick after a start waits for.
    pub awaited_count: usize,
    /// How long the tick took.
    pub took: Duration,
    /// The fleet in the text format of Prometheus.
    pub metrics: String,
    /// How many there are of each kind, and how many of them are bad or unknown.
    pub kinds: Vec<KindCount>,
    /// The sources.
    pub sources: Vec<SourceState>,
    /// How many incidents are open.
    pub open_count: usize,
    /// The newest of them.
    pub open: Vec<OpenIncident>,
    /// What is wrong with us that nobody is told otherwise.
    pub ill: Vec<String>,
    /// How many incidents are open of which there is nobody to tell.
    pub ownerless_count: usize,
    /// Why ticks fail since then, if they do.
    pub trouble: Option<String>,
    /// Since the last try to tick, good or not.
    pub tried: Stopwatch,
    /// Why the newest configuration was not taken, if it was not.
    pub refused: Option<String>,
}

/// How well a source is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// Which.
    pub id: SourceId,
    /// The word for its kind.
    pub kind: &'static str,
    /// How much the newest look saw.
    pub look: Extent,
    /// When that look began.
    pub looked_at: Timestamp,
    /// When the list was last read completely.
    pub listed_at: Option<Timestamp>,
    /// What the newest look could not see first.
    pub failure: Option<String>,
}

/// An incident that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIncident {
    /// The subject, escaped as on a terminal.
    pub subject: String,
    /// What people call it, escaped; `None` where the subject says so itself.
    pub name: Option<String>,
    /// The check.
    pub check: CheckId,
    /// What is wrong, as a sentence without its full stop.
    pub headline: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// Who said that they know.
    pub acknowledged_by: Option<String>,
}

impl Published {
    /// Before the first tick.
    pub(super) fn nothing_yet(at: Timestamp) -> Self {
        Self {
            at,
            is_judged: false,
            awaited_count: 0,
            took: Duration::ZERO,
            metrics: String::new(),
            kinds: Vec::new(),
            sources: Vec::new(),
            open_count: 0,
            open: Vec::new(),
            ill: Vec::new(),
            ownerless_count: 0,
            trouble: None,
            tried: Stopwatch::start(),
            refused: None,
        }
    }

    /// After a tick; how long it took is set by whoever measured.
    pub(super) fn of(judgement: &Judgement<'_>, facts: &Facts, known: &Known, assets_max: usize) -> Self {
        let mut open: Vec<_> = known.values().filter(|incident| incident.is_open()).collect();
        open.sort_by_key(|incident| std::cmp::Reverse(incident.opened_at));
        Self {
            is_judged: true,
            metrics: report::metrics(judgement, assets_max),
            kinds: report::kinds(judgement),
            sources: facts.sources.iter().map(source).collect(),
            open_count: open.len(),
            open: shown(&open, facts, judgement.at),
            ..Self::nothing_yet(judgement.at)
        }
    }
}

fn source(source: &SourceFacts) -> SourceState {
    SourceState {
        id: source.id.clone(),
        kind: source.kind.id,
        look: source.look,
        looked_at: source.looked_at,
        listed_at: source.listed_at,
        failure: source.failures.first().map(|failure| failure.reason.clone()),
    }
}

/// The first so many, each with the name people know it by.
fn shown(open: &[&Incident], facts: &Facts, now: Timestamp) -> Vec<OpenIncident> {
    let open = &open[..open.len().min(INCIDENTS_MAX)];
    let names = Names::of(facts, open.iter().map(|incident| &incident.matter.subject));
    let name = |subject| names.find(subject).map(|called| Escaped(&called.name).to_string());
    open.iter().map(|one| incident(one, name(&one.matter.subject), now)).collect()
}

fn incident(incident: &Incident, name: Option<String>, now: Timestamp) -> OpenIncident {
    let Incident { matter, reason, acknowledged, .. } = incident;
    let check = checks::find(matter.check);
    let words = check.map_or(Words { matter: "it", verb: "was" }, |check| check.words);
    let subject = matter.subject.to_string();
    OpenIncident {
        name: name.filter(|name| !subject.ends_with(name.as_str())),
        subject,
        check: matter.check,
        headline: reason.summary(words, now),
        opened_at: incident.opened_at.unwrap_or(incident.noticed_at),
        acknowledged_by: acknowledged.as_ref().map(|known| known.by.clone()),
    }
}
