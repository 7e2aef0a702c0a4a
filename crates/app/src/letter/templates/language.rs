//! Which of the languages there are comes nearest to the one that is wished for?
//!
//! Tags as in RFC 5646, compared without case; wishes as in `preferredLanguage` (RFC 2798), which is a list with weights as
//! in HTTP. It does not know what is said in a language.

/// The longest tag that is one, in bytes.
const TAG_MAX_BYTES: usize = 35;

/// How many wishes of one person are read.
const WISHES_MAX: usize = 20;

/// Reads a tag such as `de-CH`: letters, then parts of letters and digits behind hyphens. In lower case, with `-` for `_`.
pub(super) fn tag(text: &str) -> Option<String> {
    let text = text.trim();
    let tag = text.replace('_', "-").to_ascii_lowercase();
    let mut parts = tag.split('-');
    let is_first = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_other = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_tag = tag.len() <= TAG_MAX_BYTES && parts.next().is_some_and(is_first) && parts.all(is_other);
    is_tag.then_some(tag)
}

/// Chooses for each wish, the dearest first: the language itself, else the same with less said of it (`de-CH-1996`,
/// `de-CH`, `de`), else another one of the same base. `None` where none of that is there.
///
/// `there` are tags; of several with the same base the first one counts.
pub(super) fn choose<'a>(wished: &str, there: &[&'a str]) -> Option<&'a str> {
    wishes(wished).iter().find_map(|wish| nearest(wish, there))
}

fn nearest<'a>(wish: &str, there: &[&'a str]) -> Option<&'a str> {
    let mut shorter = Some(wish);
    while let Some(tag) = shorter {
        if let Some(found) = there.iter().find(|known| **known == tag) {
            return Some(found);
        }
        shorter = tag.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    let base = |tag: &str| tag.split('-').next().map(str::to_owned);
    there.iter().find(|known| base(known) == base(wish)).copied()
}

/// The tags of a list such as `fr, de-CH;q=0.8`, the dearest first; what is none is left out.
fn wishes(text: &str) -> Vec<String> {
    let read = |wish: &str| {
        let (text, weight) = wish.split_once(';').unwrap_or((wish, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        // A locale says its character set, or another variant, behind the language: `de_CH.UTF-8`, `de_CH@euro`.
        let text = text.split(['.', '@']).next().unwrap_or_default();
        tag(text).zip(weight.filter(|weight| *weight > 0.0))
    };
    let mut wishes: Vec<(String, f32)> = text.split(',').take(WISHES_MAX).filter_map(read).collect();
    wishes.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    wishes.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same("de-CH", "de-ch")]
    #[case::another_case("DE-ch", "de-ch")]
    #[case::as_a_locale("de_CH", "de-ch")]
    #[case::a_locale_with_its_character_set("de_CH.UTF-8", "de-ch")]
    #[case::a_locale_with_a_variant("fr_CH@euro;q=0.9, en;q=0.2", "fr-ch")]
    #[case::more_said("de-CH-1996", "de-ch")]
    #[case::of_the_same_base("de-AT", "de-ch")]
    #[case::the_base("de", "de-ch")]
    #[case::english("en-GB", "en-gb")]
    #[case::other_english("en-US", "en-gb")]
    #[case::base_itself("fr-CA", "fr")]
    #[case::exactly("fr-CH", "fr-ch")]
    #[case::a_list("it, de;q=0.5", "de-ch")]
    #[case::by_weight("en;q=0.2, de;q=0.9", "de-ch")]
    #[case::not_wished("de;q=0, en", "en-gb")]
    fn the_nearest_language_is_chosen(#[case] wished: &str, #[case] chosen: &str) {
        assert_eq!(choose(wished, &["de-ch", "en-gb", "fr", "fr-ch"]), Some(chosen));
    }

    #[rstest]
    #[case("it")]
    #[case("")]
    #[case("*")]
    #[case("deutsch-und-deutlich")]
    #[case("../de-CH")]
    #[case("den")]
    fn a_language_that_is_not_there_is_none(#[case] wished: &str) {
        assert_eq!(choose(wished, &["de-ch", "en-gb"]), None);
    }

    #[test]
    fn only_tags_are_tags() {
        for (text, is_tag) in [
            ("de", true),
            ("de-CH", true),
            ("zh-Hant-TW", true),
            ("d", false),
            ("de-", false),
            ("de/CH", false),
            ("4711", false),
        ] {
            assert_eq!(tag(text).is_some(), is_tag, "{text}");
        }
    }
}
