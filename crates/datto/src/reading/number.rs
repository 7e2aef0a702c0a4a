//! Which number does a text of a feed mean?

/// A number as it was written: whole, or with a fraction or an exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Whole(i128),
    /// A number with a fraction or an exponent; finite.
    Fraction(f64),
}

impl Number {
    /// Returns the nearest floating-point number.
    #[expect(clippy::cast_precision_loss, reason = "nearest is what is promised")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Fraction(fraction) => fraction,
        }
    }

    /// Multiplies and returns a whole number, the fraction cut; `None` if it is negative or larger than 64 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    pub fn scaled(self, factor: u64) -> Option<u64> {
        // The first floating-point number beyond 64 bits.
        const BEYOND: f64 = 18_446_744_073_709_551_616.0;
        match self {
            Self::Whole(whole) => u64::try_from(whole.checked_mul(i128::from(factor))?).ok(),
            Self::Fraction(fraction) => {
                let scaled = fraction * Self::Whole(i128::from(factor)).as_f64();
                (0.0..BEYOND).contains(&scaled).then_some(scaled as u64)
            }
        }
    }
}

/// Reads `2592000`, `+2592000`, `0002592000`, `2592000.5`, `3e6` and `2,592,000`, white space around it cut. Anything
/// else, also hexadecimal, infinity and commas that do not group by three, is no number.
pub fn parse(text: &str) -> Option<Number> {
    let text = text.trim();
    let plain = if text.contains(',') { &ungroup(text)? } else { text };
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return plain.parse().ok().map(Number::Whole);
    }
    let number: f64 = plain.parse().ok()?;
    number.is_finite().then_some(Number::Fraction(number))
}

/// Removes the commas that group digits by three, as in `-2,592,000.5`; `None` if they stand anywhere else.
fn ungroup(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let unsigned = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let mut groups = unsigned.split(',');
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = (1..=3).contains(&first.len()) && digits(first);
    if !well_formed || !groups.all(|group| group.len() == 3 && digits(group)) {
        return None;
    }
    let whole = whole.replace(',', "");
    Some(fraction.map_or(whole.clone(), |fraction| format!("{whole}.{fraction}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2592000")]
    #[case("+2592000")]
    #[case("0002592000")]
    #[case("2592000.0")]
    #[case("2.592e6")]
    #[case("2,592,000")]
    #[case(" \t2592000\u{a0}\n")]
    #[case("2,592,000.0")]
    fn one_number_has_many_spellings(#[case] text: &str) {
        assert_eq!(parse(text).map(Number::as_f64), Some(2_592_000.0), "{text:?}");
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case(".")]
    #[case("inf")]
    #[case("NaN")]
    #[case("1e999")]
    #[case("0x10")]
    #[case("1_000")]
    #[case("2,5")]
    #[case("2592,000")]
    #[case("1,00,000")]
    #[case(",000")]
    #[case("1 000")]
    #[case("5 KB")]
    #[case("2.592.000")]
    fn other_texts_are_no_numbers(#[case] text: &str) {
        assert_eq!(parse(text), None, "{text:?}");
    }

    #[test]
    fn a_size_is_scaled_without_rounding_or_wrapping() {
        assert_eq!(Number::Whole(859_993_459).scaled(1024), Some(880_633_302_016));
        assert_eq!(Number::Whole(-1).scaled(1024), None);
        assert_eq!(Number::Whole(i128::from(u64::MAX)).scaled(2), None);
        assert_eq!(Number::Whole(i128::MAX).scaled(1024), None);
        assert_eq!(Number::Fraction(1.5).scaled(1024), Some(1536));
        assert_eq!(Number::Fraction(-0.5).scaled(1024), None);
        assert_eq!(Number::Fraction(1e300).scaled(1024), None);
    }
}
