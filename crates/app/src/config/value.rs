//! Is one value of the file valid on its own?
//!
//! Texts, lengths of time, zones, URLs: whatever several tables hold. It does not know which key means what.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use lastgood_core::time::Seconds;
use reqwest::Url;

use super::mistake::Mistakes;
use super::place::{Placed, Written};
use super::similar;
use super::valid::shown;

/// Returns a text without the white space around it; nothing left is a mistake.
pub(super) fn not_empty(
    key: &str,
    written: Option<&Placed<String>>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let written = written?;
    let text = written.value.trim();
    if text.is_empty() {
        mistakes.add(written.at, format!("`{key}` is empty; write a value or remove the line"));
        return None;
    }
    Some(text.to_owned())
}

/// Returns a length of time.
pub(super) fn length(key: &str, written: &Placed<Written>, mistakes: &mut Mistakes) -> Option<Seconds> {
    let Written::Text(text) = &written.value else {
        mistakes.add(written.at, format!("`{key}` takes a length of time, such as {key} = \"2min\""));
        return None;
    };
    match text.parse::<Seconds>() {
        Ok(seconds) => Some(seconds),
        Err(error) => {
            mistakes.add(written.at, format!("`{key}`: {error}"));
            None
        }
    }
}

/// Returns a length of time within limits.
pub(super) fn length_within(
    key: &str,
    written: Option<&Placed<Written>>,
    allowed: RangeInclusive<Seconds>,
    mistakes: &mut Mistakes,
) -> Option<Seconds> {
    let written = written?;
    let length = length(key, written, mistakes)?;
    if allowed.contains(&length) {
        return Some(length);
    }
    let (least, most) = (allowed.start(), allowed.end());
    mistakes.add(written.at, format!("`{key}` is {length}; write a length of time from {least} to {most}"));
    None
}

/// Returns a length of time that is not 0.
pub(super) fn length_above_0(
    key: &str,
    written: Option<&Placed<Written>>,
    mistakes: &mut Mistakes,
) -> Option<Seconds> {
    let written = written?;
    let length = length(key, written, mistakes)?;
    if length.0 == 0 {
        mistakes.add(written.at, format!("`{key}` is 0; write a longer time, such as {key} = \"1h\""));
        return None;
    }
    Some(length)
}

/// Returns a zone by its name.
pub(super) fn time_zone(key: &str, name: &str, at: usize, mistakes: &mut Mistakes) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    let known: Vec<_> =
        if mistakes.are_too_many() { Vec::new() } else { jiff::tz::db().available().collect() };
    let hint = match similar::nearest(name, known.iter().map(jiff::tz::TimeZoneName::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write an IANA name, such as {key} = \"America/New_York\""),
    };
    mistakes.add(at, format!("there is no time zone `{}`; {hint}", shown(name)));
    None
}

/// Reads an http or https URL; `None` for anything else.
pub(super) fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}
