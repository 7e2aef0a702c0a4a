//! What does a JSON field mean? Numbers and times come as numbers or as text, flags as flags, numbers or text.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_core::observation::{Evidence, Stated};
use serde_json::Value;

use super::Object;
use crate::reading::date::{self, Written};
use crate::reading::number::{self, Number};

/// Returns a text or number as text; `None` if it is missing, null or anything else.
pub(super) fn text<'o>(object: &'o Object, field: &str) -> Option<Cow<'o, str>> {
    match object.get(field)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns a whole number that is not negative, written as a number or as text.
pub(super) fn count(object: &Object, field: &str) -> Option<u64> {
    number::parse(&text(object, field)?)?.scaled(1)
}

/// Returns a text that is not empty once trimmed.
pub(super) fn filled<'o>(object: &'o Object, field: &str) -> Option<Cow<'o, str>> {
    text(object, field).filter(|text| !text.trim().is_empty())
}

/// True for `true`, a number other than 0, and the texts that mean yes.
pub(super) fn is_yes(object: &Object, field: &str) -> bool {
    match object.get(field) {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(_) | Value::String(_)) => {
            text(object, field).is_some_and(|text| crate::reading::is_yes(&text))
        }
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// Reads a time: ISO 8601 (UTC where it names no offset), or seconds or milliseconds since 1970 as number or text.
pub(super) fn time(
    object: &Object,
    field: &'static str,
    at: Timestamp,
    evidence: &mut Vec<Evidence>,
) -> Stated<Timestamp> {
    let written = match object.get(field) {
        None | Some(Value::Null) => Written::Missing,
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Written::Unreadable,
        Some(Value::Number(_) | Value::String(_)) => {
            let text = text(object, field).unwrap_or_default();
            match number::parse(&text) {
                Some(number) => epoch(number),
                None => date::parse_day(&text),
            }
        }
    };
    let (stated, _) = written.resolve(&TimeZone::UTC, at);
    if stated == Stated::Unreadable {
        note(object, field, "is no time", evidence);
    }
    stated
}

#[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is cut; casts saturate")]
fn epoch(number: Number) -> Written {
    let seconds = match number {
        Number::Whole(whole) => whole,
        Number::Fraction(fraction) => fraction as i128,
    };
    if seconds <= 0 {
        Written::Never
    } else {
        date::epoch(seconds).map_or(Written::Unreadable, Written::Instant)
    }
}

/// Reads a number with a conversion; null, missing and empty are not stated.
pub(super) fn number<T>(
    object: &Object,
    field: &'static str,
    convert: impl Fn(Number) -> Option<T>,
    evidence: &mut Vec<Evidence>,
) -> Stated<T> {
    match object.get(field) {
        None | Some(Value::Null) => return Stated::Missing,
        Some(Value::String(text)) if text.trim().is_empty() => return Stated::Missing,
        Some(_) => {}
    }
    if let Some(value) = text(object, field).and_then(|text| number::parse(&text)).and_then(convert) {
        return Stated::Value(value);
    }
    note(object, field, "is no usable number", evidence);
    Stated::Unreadable
}

/// Keeps a field as it came as evidence.
pub(super) fn note(object: &Object, field: &'static str, why: &'static str, evidence: &mut Vec<Evidence>) {
    let raw = object.get(field).map(Value::to_string).unwrap_or_default();
    evidence.push(Evidence::new(field, None, &raw, why));
}
