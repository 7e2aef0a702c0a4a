//! What does a text of a feed mean? Lenient in reading: many spellings, one meaning, and what cannot be read is said.

pub mod date;
pub mod number;

/// Cuts white space of any script at both ends. Nearly no value has any, which is seen by its first and last byte.
pub fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Reads a flag such as `IsHidden`: a non-zero number, `true`, `yes` or `on` in any case is yes. Everything else, also
/// empty and unreadable, is no.
pub fn is_yes(text: &str) -> bool {
    let text = text.trim();
    if ["true", "yes", "on"].iter().any(|yes| text.eq_ignore_ascii_case(yes)) {
        return true;
    }
    number::parse(text).is_some_and(|number| number.as_f64() != 0.0)
}

/// True for a text that says no plainly, and for an empty one. What is neither this nor [yes](is_yes) is read as no too,
/// and worth a remark.
pub fn is_no(text: &str) -> bool {
    let text = text.trim();
    let words = ["", "0", "false", "no", "off"];
    words.iter().any(|no| text.eq_ignore_ascii_case(no))
        || number::parse(text).is_some_and(|number| number.as_f64() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_yes_in_many_spellings() {
        for yes in ["1", " 1 ", "2", "-1", "0.5", "true", "TRUE", "Yes", "on", "1.0"] {
            assert!(is_yes(yes) && !is_no(yes), "{yes:?}");
        }
        for no in ["", " ", "0", "0.0", "00", "false", "No", "off", "\u{a0}"] {
            assert!(!is_yes(no) && is_no(no), "{no:?}");
        }
        for neither in ["hidden", "1x", "maybe", "-"] {
            assert!(!is_yes(neither) && !is_no(neither), "{neither:?}");
        }
    }
}
