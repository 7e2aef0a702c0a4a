//! Which values does the backend take, and which does it refuse with what words? The rules of POST and PUT, statement by
//! statement of 100 rows, as the facts "POST /accounts/A/values" have them. Stores nothing itself and knows no account.

use super::json::Json;
use super::reply::Reply;

/// Rows of one SQL statement: what is stored or refused as one.
const PAGE_ROWS: usize = 100;

/// From this many values on the worker is killed before it has answered, with part of them stored.
const KILLING_ROWS: usize = 50_000;

/// Longest path the index takes, in bytes. The real limit is 2700 bytes that cannot be compressed.
const PATH_MAX_BYTES: usize = 2700;

/// 10000-01-01T00:00:00Z: the first instant the backend cannot read.
const YEAR_10000_SECONDS: f64 = 253_402_300_800.0;

/// Most digits before the point that the database's `numeric` takes.
const NUMERIC_DIGITS_MAX: i64 = 131_072;

/// What was sent, before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) path: String,
    /// The value as it was written.
    pub(super) raw: String,
    pub(super) number: f64,
    /// Seconds since the epoch.
    pub(super) t: f64,
}

impl Row {
    /// The instant as the database keeps it, in microseconds.
    pub(super) fn micros(&self) -> i64 {
        micros(self.t)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "instants were checked to lie before the year 10000")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// What becomes of one request: the rows that are stored, page by page, and the answer.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) stored: Vec<Row>,
    pub(super) answer: Answered,
}

/// How a request with values ends.
#[derive(Debug, PartialEq)]
pub(super) enum Answered {
    With(Reply),
    /// The worker hangs and is killed: no answer at all.
    Never,
}

/// Where the instants of values come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timing {
    /// One instant of the server for all: POST.
    Server(f64),
    /// Each value brings its own: PUT.
    Own,
}

/// Reads the body of a POST; `query` has `p` and `v` of the address.
pub(super) fn post(body: Option<&Json>, query: Option<(&str, Option<&str>)>, now: f64) -> Outcome {
    let Some(body) = body else { return refused(Reply::crash()) };
    if !body.is_truthy() {
        let Some((path, value)) = query else {
            return refused(Reply::detail(400, "Missing data"));
        };
        let text = |text: &str| Json::Text(text.to_owned());
        let row = [("p", text(path)), ("v", value.map_or(Json::Null, text))];
        let row = row.map(|(name, member)| (name.to_owned(), member)).to_vec();
        return save(&[Json::Object(row)], Timing::Server(now));
    }
    let Json::List(items) = body else { return refused(Reply::crash()) };
    for item in items {
        if !matches!(item, Json::Object(_)) {
            return refused(Reply::crash());
        }
        if item.member("t").is_some_and(Json::is_truthy) {
            return refused(Reply::detail(400, "Parameter 't' shouldn't be specified with POST"));
        }
    }
    if items.iter().any(|item| item.member("p").is_none() || item.member("v").is_none()) {
        return refused(Reply::crash());
    }
    save(items, Timing::Server(now))
}

/// Reads the body of a PUT.
pub(super) fn put(body: Option<&Json>) -> Outcome {
    match body {
        Some(Json::List(items)) => save(items, Timing::Own),
        Some(Json::Object(members)) if members.is_empty() => save(&[], Timing::Own),
        Some(_) | None => refused(Reply::crash()),
    }
}

fn refused(reply: Reply) -> Outcome {
    Outcome { stored: Vec::new(), answer: Answered::With(reply) }
}

/// Goes through the pages: each is stored whole or ends it all.
fn save(items: &[Json], timing: Timing) -> Outcome {
    let mut stored = Vec::with_capacity(items.len());
    let is_killed = items.len() >= KILLING_ROWS;
    let reached = if is_killed { items.len() / 2 } else { items.len() };
    for page in items[..reached].chunks(PAGE_ROWS) {
        match read_page(page, timing) {
            Ok(rows) => stored.extend(rows),
            Err(reply) => return Outcome { stored, answer: Answered::With(reply) },
        }
    }
    // A line break at the end of a path passes the check and makes the publisher loop, after all was stored.
    let never = is_killed || stored.iter().any(|row| row.path.ends_with('\n'));
    let answer = if never { Answered::Never } else { Answered::With(Reply::empty(204)) };
    Outcome { stored, answer }
}

/// One page: 1 its paths are made, 2 each row is checked, 3 the database takes all or none.
fn read_page(page: &[Json], timing: Timing) -> Result<Vec<Row>, Reply> {
    for item in page {
        makes_path(item).ok_or_else(Reply::crash)?;
    }
    let mut rows = Vec::with_capacity(page.len());
    let mut is_storable = true;
    for item in page {
        let (row, takes) = read_row(item, timing)?;
        is_storable &= takes;
        rows.push(row);
    }
    if is_storable && !has_twins(&rows) { Ok(rows) } else { Err(Reply::crash()) }
}

fn makes_path(item: &Json) -> Option<()> {
    match item.member("p")? {
        Json::Text(path) => (!path.contains('\0') && path.len() <= PATH_MAX_BYTES).then_some(()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => None,
    }
}

fn has_twins(rows: &[Row]) -> bool {
    let mut keys: Vec<(&str, i64)> = rows.iter().map(|row| (row.path.as_str(), row.micros())).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// The row, and whether the database will take it. `Err` for what is refused before.
fn read_row(item: &Json, timing: Timing) -> Result<(Row, bool), Reply> {
    let Some(Json::Text(path)) = item.member("p") else { return Err(Reply::crash()) };
    check_path(path)?;
    let t = match timing {
        Timing::Server(now) => now,
        Timing::Own => read_instant(item.member("t").ok_or_else(Reply::crash)?)?,
    };
    let value = item.member("v").ok_or_else(Reply::crash)?;
    let (number, takes_number) = read_number(value)?;
    let row = Row { path: path.clone(), raw: value.python_text(), number, t };
    // A NaN is not below it.
    Ok((row, takes_number && t < YEAR_10000_SECONDS && t > -YEAR_10000_SECONDS))
}

fn invalid(what: &str, value: &Json) -> Reply {
    Reply::validation(&format!("Invalid {what} format: {}", value.python_text()))
}

/// Segments of letters, digits, `_`, `-`, `%2e` and `%3a`, joined by points; a line break at the end slips through.
fn check_path(path: &str) -> Result<(), Reply> {
    let checked = path.strip_suffix('\n').unwrap_or(path);
    if !checked.split('.').all(is_segment) {
        return Err(invalid("PathInputValue", &Json::Text(path.to_owned())));
    }
    if path.starts_with("system.") {
        return Err(Reply::validation("Invalid path - should not start with 'system.'!"));
    }
    Ok(())
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    // What follows an escape may be anything plain, nothing included; the text as a whole may not be empty.
    let mut parts = segment.split('%');
    let first = parts.next().unwrap_or_default();
    let escaped = |part: &str| {
        part.strip_prefix("2e")
            .or_else(|| part.strip_prefix("3a"))
            .is_some_and(|rest| rest.bytes().all(is_plain))
    };
    !segment.is_empty() && first.bytes().all(is_plain) && parts.all(escaped)
}

/// The number as it is read back later, and whether the database takes it. `Err` if Python's `float` refuses it.
fn read_number(value: &Json) -> Result<(f64, bool), Reply> {
    match value {
        Json::Bool(is_true) => Ok((f64::from(u8::from(*is_true)), false)),
        Json::Number(literal) => {
            let number = float(literal).expect("the literal of a number");
            // An integer beyond the range of floats is an exception there, not infinity.
            let is_integer = literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            Ok((number, number.is_finite() || !is_integer))
        }
        Json::Text(text) => match float(text.trim()) {
            Some(number) => Ok((number, fits_numeric(text.trim()))),
            None => float(&without_underscores(text.trim()))
                .map(|number| (number, false))
                .ok_or_else(|| invalid("MeasuredValue", value)),
        },
        Json::Null | Json::List(_) | Json::Object(_) => Err(invalid("MeasuredValue", value)),
    }
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Without those underscores that Python allows: between two digits. The database knows none.
fn without_underscores(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let joins = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    text.char_indices()
        .filter(|(at, letter)| *letter != '_' || !joins(*at))
        .map(|(_, letter)| letter)
        .collect()
}

fn fits_numeric(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return true };
    let whole = mantissa.trim_start_matches(['+', '-']).split('.').next().unwrap_or_default();
    let digits = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    exponent.parse::<i64>().is_ok_and(|exponent| exponent.saturating_add(digits) <= NUMERIC_DIGITS_MAX)
}

/// A number, or a text of 2 to 10 digits with up to 6 behind a point.
fn read_instant(t: &Json) -> Result<f64, Reply> {
    match t {
        Json::Number(literal) => Ok(float(literal).expect("the literal of a number")),
        Json::Text(text) if is_instant(text) => Ok(float(text).expect("digits and a point")),
        Json::Bool(_) => Err(Reply::crash()),
        Json::Text(_) | Json::Null | Json::List(_) | Json::Object(_) => Err(invalid("Timestamp", t)),
    }
}

fn is_instant(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(whole)
        && !whole.starts_with('0')
        && (2..=10).contains(&whole.len())
        && is_number(part)
        && (1..=6).contains(&part.len())
}

#[cfg(test)]
mod tests;
