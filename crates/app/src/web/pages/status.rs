//! How is the fleet, on one plain page?

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use lastgood_core::id::Escaped;
use lastgood_core::observation::Extent;
use lastgood_core::time::{Age, Instant};

use crate::clock;
use crate::watch::{OpenIncident, Published, SourceState};
use crate::web::{Pages, page};

#[derive(Template)]
#[template(path = "web/pages/status.html")]
struct Status<'a> {
    published: &'a Published,
    judged: String,
    age: String,
    ill: Vec<String>,
    kinds: Vec<KindRow>,
    sources: Vec<SourceRow>,
    incidents: Vec<IncidentRow<'a>>,
    more: usize,
    version: &'static str,
}

struct KindRow {
    kind: &'static str,
    count: u64,
    bad: String,
    unknown: String,
}

struct SourceRow {
    id: String,
    kind: &'static str,
    class: &'static str,
    look: &'static str,
    looked: String,
    listed: String,
    failure: String,
}

struct IncidentRow<'a> {
    subject: &'a str,
    name: Option<&'a str>,
    check: &'static str,
    headline: &'a str,
    age: String,
    since: String,
    acknowledged_by: String,
}

/// Shows the newest tick.
pub(in crate::web) async fn show(State(pages): State<Pages>) -> Response {
    let (published, now) = (pages.watch.published(), clock::now());
    let status = Status {
        judged: Instant(published.at).to_string(),
        age: age(published.at, now),
        ill: pages.health.check(),
        kinds: published.kinds.iter().filter(|kind| kind.count > 0).map(kind).collect(),
        sources: published.sources.iter().map(|one| source(one, now)).collect(),
        incidents: published.open.iter().map(|one| incident(one, now)).collect(),
        more: published.open_count - published.open.len(),
        version: env!("CARGO_PKG_VERSION"),
        published: &published,
    };
    page(StatusCode::OK, status.render().expect("a template that writes to memory"))
}

fn age(at: Timestamp, now: Timestamp) -> String {
    Age(now.duration_since(at).max(jiff::SignedDuration::ZERO)).to_string()
}

fn kind(kind: &lastgood_core::summary::KindCount) -> KindRow {
    let listed = |count: fn(&lastgood_core::summary::CheckCount) -> u64| {
        let some = kind.checks.iter().filter(|check| count(check) > 0);
        let words: Vec<_> = some.map(|check| format!("{} {}", count(check), check.check)).collect();
        words.join(", ")
    };
    KindRow {
        kind: kind.kind,
        count: kind.count,
        bad: listed(|check| check.bad),
        unknown: listed(|check| check.unknown),
    }
}

fn source(source: &SourceState, now: Timestamp) -> SourceRow {
    let (look, class) = match source.look {
        Extent::Complete => ("seen", "ok"),
        Extent::Partial => ("seen in part", "unknown"),
        Extent::Failed => ("not seen", "bad"),
    };
    SourceRow {
        id: source.id.to_string(),
        kind: source.kind,
        class,
        look,
        looked: age(source.looked_at, now),
        listed: source.listed_at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(at, now))),
        failure: source.failure.as_deref().map(|text| Escaped(text).to_string()).unwrap_or_default(),
    }
}

fn incident(incident: &OpenIncident, now: Timestamp) -> IncidentRow<'_> {
    IncidentRow {
        subject: &incident.subject,
        name: incident.name.as_deref(),
        check: incident.check.as_str(),
        headline: &incident.headline,
        age: age(incident.opened_at, now),
        since: Instant(incident.opened_at).to_string(),
        acknowledged_by: incident
            .acknowledged_by
            .as_deref()
            .map(|by| Escaped(by).to_string())
            .unwrap_or_default(),
    }
}
