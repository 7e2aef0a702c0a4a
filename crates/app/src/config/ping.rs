//! Is what one `[[source.ping]]` says valid, and what does it come to?
//!
//! A key of a ping is known by its hash only; what is written in its place could be the key itself, so that no message
//! repeats it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use jiff::tz::TimeZone;
use lastgood_core::id::{Name, SourceId};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::Seconds;

use super::mistake::Mistakes;
use super::place::{Lines, Placed};
use super::raw::RawPing;
use super::reading::{Table, WrittenSource};
use super::valid::{Document, shown};
use super::value::{length_above_0, not_empty, time_zone};
use crate::sources::{KeyHash, PingConfig, PingPlan};

/// How late a run may end where the file does not say.
const GRACE: Seconds = Seconds::hours(1);

/// The repository of a ping where the file does not say.
const REPOSITORY: &str = "pings";

/// The longest name of a ping or of its repository, in bytes: it stands in every subject of a message.
const NAME_MAX_BYTES: usize = 200;

/// The longest slug, in bytes.
const SLUG_MAX_BYTES: usize = 100;

/// Hashes of keys, each with the place where it stands: no two things are known by the same key.
pub(super) type Hashes = HashMap<KeyHash, usize>;

/// What is taken already by other pings of the source, each with its place.
#[derive(Default)]
struct Taken {
    names: HashMap<String, usize>,
    slugs: HashMap<String, usize>,
}

/// Turns the pings of a source into domain types; what is wrong is noted and left out.
pub(super) fn pings(
    id: &SourceId,
    source: &WrittenSource,
    hashes: &mut Hashes,
    document: &Document<'_>,
    mistakes: &mut Mistakes,
) -> Vec<PingConfig> {
    let mut taken = Taken::default();
    let has_ping_key = source.table.has("ping_key_hash");
    if !source.table.has("ping") {
        let text = format!("no ping is expected of the source `{id}`; add a [[source.ping]] below it");
        mistakes.add(source.table.at, text);
    }
    let mut pings = Vec::new();
    for table in &source.pings {
        let name = name(table, mistakes);
        let is_first = name.as_ref().is_none_or(|name| {
            is_first(&mut taken.names, &name.value, name.at, ("name", document.lines), mistakes)
        });
        let slug = name.as_ref().and_then(|name| slug(table, name, mistakes));
        // A name that is there twice makes the same slug, which would be the same mistake again.
        if let Some(slug) = slug.as_ref().filter(|_| is_first) {
            is_first_slug(&mut taken.slugs, slug, document.lines, mistakes);
        }
        let key_hash =
            key_hash("key_hash", table.value.key_hash.as_ref(), (hashes, document.lines), mistakes);
        if !has_ping_key && !table.has("key_hash") {
            mistakes.add(
                table.at,
                "nothing could reach this ping: it has no `key_hash`, and its source no `ping_key_hash`; make a key \
                 with `lastgood ping-key`",
            );
        }
        let plan = plan(table, mistakes);
        let grace = length_above_0("grace", table.value.grace.as_ref(), mistakes);
        let repository = short("repository", table.value.repository.as_ref(), mistakes);
        if let (Some(name), Some(slug), Some(plan)) = (name, slug, plan) {
            pings.push(PingConfig {
                name: Name::new(name.value),
                slug: slug.value,
                key_hash,
                plan,
                grace: grace.unwrap_or(GRACE),
                repository: Name::new(repository.as_deref().unwrap_or(REPOSITORY)),
            });
        }
    }
    pings
}

fn name(table: &Table<RawPing>, mistakes: &mut Mistakes) -> Option<Placed<String>> {
    if !table.has("name") {
        mistakes.add(table.at, "this ping needs a `name`; write for example name = \"nightly-db\"");
    }
    let written = table.value.name.as_ref();
    let value = short("name", written, mistakes)?;
    Some(Placed { value, at: written?.at })
}

/// Returns a text that is neither empty nor long.
fn short(key: &str, written: Option<&Placed<String>>, mistakes: &mut Mistakes) -> Option<String> {
    let text = not_empty(key, written, mistakes)?;
    if text.len() > NAME_MAX_BYTES {
        let at = written.map_or(0, |written| written.at);
        mistakes.add(at, format!("`{key}` is longer than {NAME_MAX_BYTES} bytes; write a shorter one"));
        return None;
    }
    Some(text)
}

/// True if nothing else of the source has this; notes it where something has.
fn is_first(
    taken: &mut HashMap<String, usize>,
    text: &str,
    at: usize,
    (key, lines): (&str, &Lines<'_>),
    mistakes: &mut Mistakes,
) -> bool {
    match taken.entry(text.to_owned()) {
        Place::Vacant(place) => {
            place.insert(at);
            true
        }
        Place::Occupied(first) => {
            let line = lines.line(*first.get());
            let text = format!(
                "the {key} `{}` is that of the ping in line {line}, too; give each its own",
                shown(text)
            );
            mistakes.add(at, text);
            false
        }
    }
}

fn is_first_slug(
    taken: &mut HashMap<String, usize>,
    slug: &Placed<String>,
    lines: &Lines<'_>,
    mistakes: &mut Mistakes,
) {
    is_first(taken, &slug.value, slug.at, ("slug", lines), mistakes);
}

fn slug(table: &Table<RawPing>, name: &Placed<String>, mistakes: &mut Mistakes) -> Option<Placed<String>> {
    if table.has_unreadable("slug") {
        return None;
    }
    let Some(written) = &table.value.slug else {
        let made = made_slug(&name.value);
        if made.is_empty() {
            let text = "no slug can be made of this name; add for example slug = \"nightly-db\"";
            mistakes.add(name.at, text);
            return None;
        }
        if is_word(&made) {
            let text = format!(
                "the slug `{made}` made of this name is a word of a ping; add another `slug`, such as slug = \"nightly-db\""
            );
            mistakes.add(name.at, text);
            return None;
        }
        return Some(Placed { value: made, at: name.at });
    };
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_slug =
        (1..=SLUG_MAX_BYTES).contains(&written.value.len()) && written.value.bytes().all(is_allowed);
    if !is_slug {
        mistakes.add(
            written.at,
            format!(
                "`slug` takes 1 to {SLUG_MAX_BYTES} of the letters a to z, digits, `-` and `_`; write for example \
                 slug = \"nightly-db\""
            ),
        );
        return None;
    }
    if is_word(&written.value) {
        let text = "`slug` is a word of a ping (`start`, `fail`, `log` or a number), which would be taken for how another \
                    job went; write for example slug = \"nightly-db\"";
        mistakes.add(written.at, text);
        return None;
    }
    Some(written.clone())
}

/// True for what stands behind a key to say how a run went: `/ping/KEY/fail` must never be a good run of a job `fail`.
fn is_word(slug: &str) -> bool {
    matches!(slug, "start" | "fail" | "log") || slug.bytes().all(|byte| byte.is_ascii_digit())
}

/// Makes a slug of a name: lower case, one `-` for each stretch of anything else.
fn made_slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars() {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    // Only ASCII stands in it, so that every byte is a place to cut at.
    slug.truncate(SLUG_MAX_BYTES);
    slug.trim_end_matches('-').to_owned()
}

/// Reads what a key is known by; the same one twice is a mistake.
pub(super) fn key_hash(
    key: &str,
    written: Option<&Placed<String>>,
    (hashes, lines): (&mut Hashes, &Lines<'_>),
    mistakes: &mut Mistakes,
) -> Option<KeyHash> {
    let written = written?;
    let Some(hash) = parse_hash(&written.value) else {
        let text = format!(
            "`{key}` takes sha256: and 64 hexadecimal digits, never the key itself; `lastgood ping-key` makes a key \
             and prints this line"
        );
        mistakes.add(written.at, text);
        return None;
    };
    match hashes.entry(hash) {
        Place::Vacant(place) => {
            place.insert(written.at);
        }
        Place::Occupied(first) => {
            let line = lines.line(*first.get());
            let text = format!(
                "`{key}` is that of line {line}, too; make each its own key with `lastgood ping-key`"
            );
            mistakes.add(written.at, text);
        }
    }
    Some(hash)
}

fn parse_hash(text: &str) -> Option<KeyHash> {
    let digits = text.trim().strip_prefix("sha256:")?.as_bytes();
    let mut hash = KeyHash::default();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(hash)
}

fn plan(table: &Table<RawPing>, mistakes: &mut Mistakes) -> Option<PingPlan> {
    let raw = &table.value;
    let later = |one: &str, other: &str| {
        let both = table.keys.iter().filter(|key| key.value == one || key.value == other);
        both.map(|key| key.at).max().unwrap_or(table.at)
    };
    match (table.has("schedule"), table.has("period")) {
        (false, false) => mistakes.add(
            table.at,
            "this ping needs a `schedule` or a `period`; write for example schedule = \"30 2 * * *\" or period = \
             \"24h\"",
        ),
        (true, true) => mistakes
            .add(later("schedule", "period"), "this ping has a schedule and a period; keep one of them"),
        (true, false) | (false, true) => {}
    }
    if table.has("zone") && !table.has("schedule") {
        mistakes
            .add(later("zone", "zone"), "`zone` is that of a `schedule`, which this ping has not; remove it");
    }
    let zone = match &raw.zone {
        Some(zone) => {
            time_zone("zone", &zone.value, zone.at, mistakes).map(|known| (known, zone.value.as_str()))
        }
        None => Some((TimeZone::UTC, "UTC")),
    };
    if let Some(period) = length_above_0("period", raw.period.as_ref(), mistakes) {
        return Some(PingPlan::Period(period));
    }
    let written = raw.schedule.as_ref()?;
    // A schedule is read also where its zone is wrong: both mistakes are told.
    let (known, zone_name) = zone.unwrap_or((TimeZone::UTC, "UTC"));
    match Schedule::parse_cron(&written.value, known) {
        Ok(schedule) => {
            let fields = written.value.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(PingPlan::Cron { schedule, text: format!("{fields} {zone_name}") })
        }
        Err(error) => {
            mistakes.add(written.at, format!("`schedule`: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nightly-db", "nightly-db")]
    #[case("Nightly DB (v2)", "nightly-db-v2")]
    #[case("C:\\Users\\x", "c-users-x")]
    #[case("a_b", "a_b")]
    #[case("  --  ", "")]
    #[case("漢字", "")]
    fn a_slug_is_made_of_a_name(#[case] name: &str, #[case] slug: &str) {
        assert_eq!(made_slug(name), slug);
    }

    #[test]
    fn no_slug_says_how_a_run_went() {
        for word in ["start", "fail", "log", "0", "137"] {
            assert!(is_word(word), "{word}");
        }
        for slug in ["fails", "job-1", "nightly-db"] {
            assert!(!is_word(slug), "{slug}");
        }
    }

    #[test]
    fn a_long_name_makes_a_slug_of_the_longest_kind() {
        assert_eq!(made_slug(&"a".repeat(SLUG_MAX_BYTES + 1)).len(), SLUG_MAX_BYTES);
        let cut_at_a_dash = made_slug(&format!("{} b", "a".repeat(SLUG_MAX_BYTES - 1)));
        assert_eq!(cut_at_a_dash.len(), SLUG_MAX_BYTES - 1);
    }

    #[test]
    fn a_hash_has_64_digits_of_either_case_and_its_prefix() {
        let digits = "0f".repeat(32);
        assert_eq!(parse_hash(&format!("sha256:{digits}")), Some([15; 32]));
        assert_eq!(parse_hash(&format!("sha256:{}", digits.to_uppercase())), Some([15; 32]));
        for wrong in [digits.clone(), format!("sha256:{digits}0"), format!("sha256:{}", &digits[1..])] {
            assert_eq!(parse_hash(&wrong), None, "{wrong}");
        }
        assert_eq!(parse_hash(&format!("sha256:{}ä", &digits[2..])), None);
    }
}
