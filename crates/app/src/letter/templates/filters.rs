//! How does a template write an instant and an amount of bytes?
//!
//! Two filters. A language is a template, so its form of a date and its decimal mark are given by the template.

use jiff::Timestamp;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind};

/// Adds them. `safe` is taken away: nothing goes into HTML as it is.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.remove_filter("safe");
    environment.add_filter("date", date);
    environment.add_filter("size", size);
}

/// `{{ entry.since_at | date("%d.%m.%Y, %H:%M UTC") }}`: seconds since 1970 in UTC, as strftime writes them.
fn date(second: i64, format: &str) -> Result<String, Error> {
    let wrong = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, format!("date: {error}"));
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
        let mut environment = Environment::new();
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
