//! What is known about a subject, fact by fact?

use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::client::Client;
use lastgood_core::facts::{AssetFacts, RepositoryFacts, SourceFacts, Subject};
use lastgood_core::id::Escaped;
use lastgood_core::observation::{AssetObservation, Exemption, LastRun, Planned, SpaceUnit, Stated};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::{Age, Elapsed, Instant, elapsed};
use serde::Serialize;

use crate::report::json::At;
use crate::report::{looks, space};

/// One fact with its value for people; with its instant and its age where it is one. Nothing in it is third-party text.
#[derive(Serialize)]
pub(super) struct Fact {
    /// Which fact.
    #[serde(rename = "fact")]
    pub(super) label: &'static str,
    /// Its value in words.
    pub(super) value: String,
    /// The instant itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<At>,
}

impl Fact {
    fn new(label: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        Self { label, value: value.to_string(), at: None }
    }

    fn instant(label: &'static str, at: Timestamp, now: Timestamp) -> Self {
        let distance = match elapsed(at, now) {
            Elapsed::Past(passed) => format!("{} ago", Age(passed)),
            Elapsed::Ahead => format!("{} ahead", Age(at.duration_since(now))),
        };
        Self { label, value: format!("{}, {distance}", Instant(at)), at: Some(At(at)) }
    }

    fn stated(label: &'static str, at: Stated<Timestamp>, now: Timestamp) -> Self {
        match at {
            Stated::Value(at) => Self::instant(label, at, now),
            Stated::Missing | Stated::Never | Stated::Unreadable => Self::new(label, silence(&at)),
        }
    }
}

/// Returns the words for a value that is none.
fn silence<T>(stated: &Stated<T>) -> &'static str {
    match stated {
        Stated::Missing => "not stated",
        Stated::Never => "never",
        Stated::Unreadable => "stated, but not readable (see the evidence)",
        Stated::Value(_) => "stated",
    }
}

fn use_word(used_ever: Option<bool>) -> &'static str {
    match used_ever {
        Some(true) => "yes",
        Some(false) => "no, as far as is stated",
        None => "not seen",
    }
}

fn or_never(at: Option<Timestamp>) -> Stated<Timestamp> {
    at.map_or(Stated::Never, Stated::Value)
}

/// Returns every fact about the subject, first those about the look that found it.
pub(super) fn facts(subject: &Subject<'_>, now: Timestamp) -> Vec<Fact> {
    let mut facts = of_look(subject.source(), now);
    match subject {
        Subject::Source(source) => {
            facts.push(Fact::new("repositories", &source.repositories.len()));
            facts.push(Fact::new("failures", &source.failures.len()));
        }
        Subject::Repository(_, repository) => facts.extend(of_repository(repository, now)),
        Subject::Asset(_, repository, asset) => {
            facts.push(Fact::instant("stated at", repository.observed_at, now));
            facts.extend(of_asset(repository.stated.exempt, asset, now));
            facts.extend(of_history(repository.asset(asset), now));
        }
    }
    facts
}

fn of_look(source: &SourceFacts, now: Timestamp) -> Vec<Fact> {
    let listed = or_never(source.listed_at);
    vec![
        Fact::instant("newest look at the source", source.looked_at, now),
        Fact::new("that look saw", looks::word(source.look)),
        Fact::stated("last complete list of repositories", listed, now),
    ]
}

fn of_repository(repository: &RepositoryFacts, now: Timestamp) -> Vec<Fact> {
    let stated = &repository.stated;
    let uptime = match stated.uptime {
        Stated::Value(uptime) => length(uptime.seconds()),
        Stated::Missing | Stated::Never | Stated::Unreadable => silence(&stated.uptime).to_owned(),
    };
    let figure = |figure: Stated<u64>| match (figure, stated.space.unit) {
        (Stated::Value(value), SpaceUnit::Bytes) => {
            format!("{value} bytes ({})", space::size(u128::from(value)))
        }
        (Stated::Value(value), SpaceUnit::Unstated) => format!("{value}, of what is not stated"),
        (Stated::Missing | Stated::Never | Stated::Unreadable, _) => silence(&figure).to_owned(),
    };
    vec![
        Fact::instant("stated at", repository.observed_at, now),
        Fact::new("exempt", exempt(stated.exempt)),
        Fact::stated("last seen", stated.last_seen, now),
        Fact::new("running for", &uptime),
        Fact::new("used", &figure(stated.space.used)),
        Fact::new("free", &figure(stated.space.free)),
        Fact::new("quota", &figure(stated.space.quota)),
        Fact::new("storage exempt", exempt(stated.space_exempt)),
        Fact::stated("end of service", stated.service_end, now),
        Fact::stated("end of warranty", stated.warranty_end, now),
        Fact::stated("made", stated.created_at, now),
        Fact::new("holds backups", use_word(stated.used_ever)),
        Fact::new("list of its assets", looks::word(stated.listing)),
        Fact::stated("last complete list of its assets", or_never(repository.listed_at), now),
        Fact::new("assets", &stated.assets.len()),
    ]
}

fn of_asset(of_repository: Option<Exemption>, asset: &AssetObservation, now: Timestamp) -> Vec<Fact> {
    let last_run = match asset.last_run {
        LastRun::NoneYet => "none reported yet".to_owned(),
        LastRun::Unreadable => "stated, but not readable (see the evidence)".to_owned(),
        LastRun::Succeeded => "succeeded".to_owned(),
        LastRun::Failed { in_row, at } => {
            let when = at.map(|at| format!(", the newest at {}", Instant(at))).unwrap_or_default();
            format!("failed, {in_row} in a row{when}")
        }
    };
    let verification = if asset.more.verification.failed { "failed" } else { "no failure stated" };
    let mut facts = vec![
        Fact::new("exempt", exempt(of_repository.or(asset.exempt))),
        Fact::new("newest run", &last_run),
        Fact::stated("last good backup", asset.last_good, now),
        Fact::stated("last offsite copy", asset.last_offsite, now),
        Fact::new("offsite exempt", exempt(asset.offsite_exempt)),
        Fact::stated("newest verification", asset.more.verification.at, now),
        Fact::new("its result", verification),
        Fact::stated("made", asset.more.created_at, now),
    ];
    for (label, at) in [
        ("newest start", asset.more.last_started),
        ("run under way since", asset.more.started_at),
        ("device last seen", asset.more.last_seen),
    ] {
        if at != Stated::Missing {
            facts.push(Fact::stated(label, at, now));
        }
    }
    if let Some(planned) = &asset.more.planned {
        facts.extend(of_plan(planned, now));
    }
    if !asset.more.other_readings.is_empty() {
        let count = asset.more.other_readings.len() + 1;
        facts.push(Fact::new("ways to read its times", &count));
    }
    facts.extend(of_client(&asset.more.client));
    facts
}

fn of_client(client: &Stated<Arc<Client>>) -> Vec<Fact> {
    let client = match client {
        Stated::Missing | Stated::Never => return Vec::new(),
        Stated::Unreadable => return vec![Fact::new("client", silence(client))],
        Stated::Value(client) => client,
    };
    let shown = format!("{} {}", Escaped(&client.identifier), Escaped(&client.version));
    let least = client.least.map_or_else(|| "none is set".to_owned(), |least| least.to_string());
    vec![Fact::new("client", &shown), Fact::new("least version of it", &least)]
}

/// What is remembered beyond the newest statement.
fn of_history(asset: AssetFacts<'_>, now: Timestamp) -> Vec<Fact> {
    let Some(history) = asset.history.filter(|history| history.first_seen_at != asset.observed_at) else {
        return Vec::new();
    };
    let mut facts = vec![Fact::instant("first seen", history.first_seen_at, now)];
    facts.extend(history.last_success_at.map(|at| Fact::instant("last success ever stated", at, now)));
    if history.failed_in_row > 0 {
        facts.push(Fact::new("failed in a row, counted", &history.failed_in_row));
    }
    facts
}

fn of_plan(planned: &Planned, now: Timestamp) -> Vec<Fact> {
    let next = |schedule: &Schedule| schedule.next_after(now);
    let mut facts = vec![Fact::instant("planned since", planned.since, now)];
    if planned.is_unreadable {
        facts.push(Fact::new("planned next", silence(&Stated::<Timestamp>::Unreadable)));
    } else {
        let next = planned.schedules.iter().filter_map(next).min();
        facts.push(next.map_or_else(
            || Fact::new("planned next", "nothing"),
            |at| Fact::new("planned next", &Instant(at)),
        ));
    }
    facts.extend(planned.grace.map(|grace| Fact::new("grace of its own", &grace)));
    facts
}

fn exempt(exemption: Option<Exemption>) -> &'static str {
    exemption.map_or("no", Exemption::explain)
}

/// Shows seconds, their fraction cut.
#[expect(clippy::cast_possible_truncation, reason = "seconds beyond the range of i64 saturate")]
fn length(seconds: f64) -> String {
    Age(jiff::SignedDuration::from_secs(seconds as i64)).to_string()
}
