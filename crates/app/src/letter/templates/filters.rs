//! Which filters and tests does a template have, and how does it write an instant and an amount of bytes?
//!
//! Only those that are added here, none of which makes more than is counted; nothing goes into HTML as it is. A language
//! is a template, so its form of a date and its decimal mark are given by the template.

use jiff::Timestamp;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, State};

use super::spent;

/// The longest form of a date, in bytes.
const FORM_MAX_BYTES: usize = 256;

/// Adds them to an environment that is empty.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("date", date);
    environment.add_filter("size", size);
    environment.add_filter("join", join);
    environment
        .add_filter("upper", |state: &mut State, value: &Value| changed(state, value, str::to_uppercase));
    environment
        .add_filter("lower", |state: &mut State, value: &Value| changed(state, value, str::to_lowercase));
    environment.add_filter("trim", |state: &mut State, value: &Value| {
        changed(state, value, |text| text.trim().to_owned())
    });
    for name in ["escape", "e"] {
        environment.add_filter(name, escape);
    }
    for name in ["length", "count"] {
        environment.add_filter(name, minijinja::filters::length);
    }
    for name in ["default", "d"] {
        environment.add_filter(name, minijinja::filters::default);
    }
    environment.add_filter("first", minijinja::filters::first);
    environment.add_filter("last", minijinja::filters::last);
    environment.add_filter("round", minijinja::filters::round);
    environment.add_filter("abs", minijinja::filters::abs);
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("undefined", minijinja::tests::is_undefined);
    environment.add_test("none", minijinja::tests::is_none);
    environment.add_test("odd", minijinja::tests::is_odd);
    environment.add_test("even", minijinja::tests::is_even);
}

fn changed(state: &mut State<'_, '_>, value: &Value, change: fn(&str) -> String) -> Result<String, Error> {
    let text = change(&spent::plain(value)?);
    spent::count(state, text.len())?;
    Ok(text)
}

fn escape(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.is_safe() {
        return Ok(value.clone());
    }
    let text = spent::plain(value)?;
    spent::count(state, spent::escaped_bytes(&text))?;
    Ok(Value::from_safe_string(HtmlEscape(&text).to_string()))
}

/// `{{ entry.affected | join(", ") }}`.
fn join(state: &mut State<'_, '_>, list: &Value, between: Option<&str>) -> Result<String, Error> {
    let between = between.unwrap_or("");
    let mut joined = String::new();
    for (index, part) in list.try_iter()?.enumerate() {
        let part = spent::plain(&part)?;
        let between = if index == 0 { "" } else { between };
        spent::count(state, between.len() + part.len())?;
        joined.push_str(between);
        joined.push_str(&part);
    }
    Ok(joined)
}

/// `{{ entry.since_at | date("%d.%m.%Y, %H:%M UTC") }}`: seconds since 1970 in UTC, as strftime writes them.
fn date(second: i64, format: &str) -> Result<String, Error> {
    let wrong = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, format!("date: {error}"));
    if format.len() > FORM_MAX_BYTES {
        let text = format!("date: its form is longer than {FORM_MAX_BYTES} bytes; shorten it");
        return Err(Error::new(ErrorKind::InvalidOperation, text));
    }
    let at = Timestamp::from_second(second).map_err(wrong)?;
    jiff::fmt::strtime::format(format, at).map_err(wrong)
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// `{{ bytes | size }}` or `{{ bytes | size(mark=",") }}`: `1.5 GiB`, one decimal, cut and not rounded.
#[expect(clippy::needless_pass_by_value, reason = "the signature of a filter")]
fn size(bytes: u64, options: Kwargs) -> Result<String, Error> {
    let mark: Option<&str> = options.get("mark")?;
    options.assert_all_used()?;
    let power = (bytes.max(1).ilog2() / 10) as usize;
    let unit = UNITS[power];
    if power == 0 {
        return Ok(format!("{bytes} {unit}"));
    }
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    Ok(match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}{}{tenth} {unit}", tenths / 10, mark.unwrap_or(".")),
    })
}

#[cfg(test)]
mod tests {
    use minijinja::context;
    use rstest::rstest;

    use super::*;

    fn rendered(template: &str, value: i64) -> Result<String, Error> {
        let mut environment = Environment::empty();
        add(&mut environment);
        environment.render_str(template, context! { value })
    }

    #[rstest]
    #[case(0, "0 B")]
    #[case(1023, "1023 B")]
    #[case(1024, "1 KiB")]
    #[case(1_610_612_736, "1.5 GiB")]
    #[case(1_073_741_823, "1023.9 MiB")]
    #[case(i64::MAX, "7.9 EiB")]
    fn sizes_are_cut_to_one_decimal(#[case] bytes: i64, #[case] shown: &str) {
        assert_eq!(rendered("{{ value | size }}", bytes).expect("a number"), shown);
    }

    #[test]
    fn a_language_has_its_own_mark_and_form_of_a_date() {
        assert_eq!(rendered("{{ value | size(mark=',') }}", 1536).expect("a mark"), "1,5 KiB");
        let date = rendered("{{ value | date('%d.%m.%Y, %H:%M UTC') }}", 1_772_452_800);
        assert_eq!(date.expect("a date"), "02.03.2026, 12:00 UTC");
    }

    #[rstest]
    #[case("{{ value | date('%') }}")]
    #[case("{{ value | date }}")]
    #[case("{{ value | size(point=',') }}")]
    #[case("{{ value | safe }}")]
    fn what_cannot_be_written_is_an_error(#[case] template: &str) {
        assert!(rendered(template, 1).is_err(), "{template}");
    }
}
