//! What does a link in a message show, and how does its form act?
//!
//! Programs that look through mail follow every link in it: so GET and HEAD show a form and change nothing, and only the
//! POST of that form acts. The token in the path is all that is asked for; there are no cookies, and the token stands in
//! no log, no page and no header. What may be done is decided in `links::acts`.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use lastgood_core::checks;
use lastgood_core::id::Escaped;
use lastgood_core::recipient::Role;
use lastgood_core::time::{Age, Instant};
use lastgood_core::verdict::Words;

use tower_http::timeout::TimeoutLayer;

use super::page;
use crate::links::LinkError;
use crate::links::acts::{Act, ActError, Acts, Line, Sheet, Which};

/// The largest form that is read, in bytes; ours have fewer than 100.
const FORM_MAX_BYTES: usize = 4096;

/// How long a form may take to come.
const FORM_MAX: Duration = Duration::from_secs(10);

/// The page of every link.
pub fn router(acts: Arc<Acts>) -> Router {
    Router::new()
        .route("/act/{token}", get(show).post(act))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, FORM_MAX))
        .with_state(acts)
}

async fn show(State(acts): State<Arc<Acts>>, Path(token): Path<String>) -> Response {
    answer(&acts, &token, None).await
}

async fn act(
    State(acts): State<Arc<Acts>>,
    Path(token): Path<String>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let form = form.map_err(|rejection| rejection.status());
    let (act, which) = match form.and_then(|Form(fields)| read(&fields).ok_or(StatusCode::BAD_REQUEST)) {
        Ok(form) => form,
        Err(status) => {
            return refuse(status, "That is none of the forms of this page. Follow the link again.");
        }
    };
    match acts.act(&token, act, which).await {
        Ok((count, role)) => answer(&acts, &token, Some(done(act, count, role))).await,
        Err(ActError::Over) => answer(&acts, &token, Some(ActError::Over.to_string())).await,
        Err(error) => failed(&error),
    }
}

/// Reads a form: what is said, and of which incident.
fn read(fields: &[(String, String)]) -> Option<(Act, Which)> {
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let word = field("act")?;
    let act = Act::ALL.into_iter().find(|act| act.as_str() == word)?;
    let which = match field("incident")? {
        "all" => Which::All,
        number => Which::One(number.parse().ok()?),
    };
    Some((act, which))
}

/// What was done, as a sentence.
fn done(act: Act, count: usize, role: Role) -> String {
    let it = if count == 1 { "it".to_owned() } else { format!("these {count}") };
    let (hears, are_reminded) = match role {
        Role::Operator => ("nobody hears", "Nobody is reminded"),
        Role::Customer | Role::Reseller => ("you do not hear", "You are not reminded"),
    };
    match act {
        Act::Acknowledge => format!("Kept: you know of {it}. {are_reminded} of {it} any more."),
        Act::SilenceDay => format!("Kept: {hears} of {it} for a day."),
        Act::SilenceWeek => format!("Kept: {hears} of {it} for a week."),
        Act::Expected => format!("Kept: {it} is meant to be so. Nobody hears of it for a year."),
    }
}

/// What stands behind a link, and what was just done.
async fn answer(acts: &Acts, token: &str, said: Option<String>) -> Response {
    let (sheet, now) = match acts.look(token).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let found = Found::new(&sheet, said, now);
    page(StatusCode::OK, found.render().expect("writing to a text cannot fail"))
}

fn failed(error: &ActError) -> Response {
    let status = match error {
        ActError::Link(LinkError::Malformed) | ActError::Gone | ActError::Over => StatusCode::NOT_FOUND,
        ActError::Link(LinkError::Forged) | ActError::NotAllowed => StatusCode::FORBIDDEN,
        ActError::Link(LinkError::Expired(_)) => StatusCode::GONE,
        ActError::Store(error) => {
            tracing::warn!("a link was not answered: {error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    refuse(status, &error.to_string())
}

fn refuse(status: StatusCode, why: &str) -> Response {
    page(status, Refused { why }.render().expect("writing to a text cannot fail"))
}

#[derive(Template)]
#[template(path = "web/act_refused.html")]
struct Refused<'a> {
    why: &'a str,
}

#[derive(Template)]
#[template(path = "web/act.html")]
struct Found {
    said: Option<String>,
    rows: Vec<Row>,
    /// What can be said of all that are listed at once.
    for_all: Vec<Button>,
    more_count: usize,
    over_count: usize,
    address: String,
    role: &'static str,
    until: Instant,
}

/// One incident.
struct Row {
    number: usize,
    id: i64,
    subject: String,
    headline: String,
    since: String,
    acknowledged: Option<String>,
    silent: Option<String>,
    buttons: Vec<Button>,
}

/// Something to say.
struct Button {
    word: &'static str,
    label: &'static str,
}

impl Found {
    fn new(sheet: &Sheet, said: Option<String>, now: Timestamp) -> Self {
        let may = |act: &Act| act.is_for(sheet.role);
        // That something is meant to be so is said of each on its own.
        let for_all = |act: &Act| may(act) && *act != Act::Expected && sheet.lines.len() > 1;
        Self {
            said,
            rows: sheet.lines.iter().map(|line| row(line, sheet.role, now)).collect(),
            for_all: Act::ALL.into_iter().filter(for_all).map(button).collect(),
            more_count: sheet.more_count,
            over_count: sheet.over_count,
            address: Escaped(&sheet.address.to).to_string(),
            role: sheet.role.as_str(),
            until: Instant(sheet.expires_at),
        }
    }
}

fn row(line: &Line, role: Role, now: Timestamp) -> Row {
    let incident = &line.incident;
    let check = checks::find(incident.matter.check);
    let words = check.map_or(Words { matter: "it", verb: "was" }, |check| check.words);
    let opened_at = incident.opened_at.unwrap_or(incident.noticed_at);
    let age = Age(now.duration_since(opened_at).max(jiff::SignedDuration::ZERO));
    let is_known = incident.acknowledged.is_some() || line.known_at.is_some();
    let is_left = |act: &Act| act.is_for(role) && (!is_known || *act != Act::Acknowledge);
    Row {
        number: line.number,
        id: line.id,
        subject: incident.matter.subject.to_string(),
        headline: format!("{} ({})", incident.reason.summary(words, now), incident.matter.check),
        since: format!("Open for {age}, since {}", Instant(opened_at)),
        acknowledged: acknowledged(line, role),
        silent: line.silent_until.map(|until| format!("{} ({} only)", Instant(until), incident.matter.check)),
        buttons: Act::ALL.into_iter().filter(is_left).map(button).collect(),
    }
}

/// Who knows of it, and since when. Who runs it is nobody else's matter.
fn acknowledged(line: &Line, role: Role) -> Option<String> {
    let of_all = line.incident.acknowledged.as_ref().map(|known| match role {
        Role::Operator => format!("{}, {}", Escaped(&known.by), Instant(known.at)),
        Role::Customer | Role::Reseller => format!("the operator, {}", Instant(known.at)),
    });
    of_all.or_else(|| line.known_at.map(|at| format!("you, {}", Instant(at))))
}

fn button(act: Act) -> Button {
    let label = match act {
        Act::Acknowledge => "I know",
        Act::SilenceDay => "Silence for a day",
        Act::SilenceWeek => "Silence for a week",
        Act::Expected => "This is expected",
    };
    Button { word: act.as_str(), label }
}
