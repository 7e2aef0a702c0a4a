//! What does each key of the configuration file mean?
//!
//! Makes `docs/config.md` from the doc comments of the raw structs, the thresholds and the kinds of sources and channels.

use std::fmt::Write;

use lastgood_core::checks;
use lastgood_core::expectation::Unit;

use super::fields::{self, Field};
use super::file::{DEFAULT_FILE, VARIABLE};
use super::raw::{
    RawChannel, RawFile, RawLdap, RawOverride, RawOwner, RawPing, RawServe, RawSource, RawWatchdog,
};
use super::source::{self, takes};
use crate::channels;
use crate::ldap;
use crate::sources::Entry;

/// Makes the page.
pub(super) fn render(entries: &[&'static Entry]) -> String {
    let mut page = introduction();
    let sections = fields::of::<RawFile>();
    for Field { name, about, .. } in &sections {
        let heading = match name.as_str() {
            "thresholds" | "serve" | "watchdog" => format!("[{name}]"),
            "directory" => "[directory.ldap]".to_owned(),
            _ => format!("[[{name}]]"),
        };
        append(&mut page, &format!("\n## `{heading}`\n\n{about}\n"));
        match name.as_str() {
            "thresholds" => thresholds(&mut page),
            "source" => sources(&mut page, entries),
            "directory" => directory(&mut page),
            "override" => keys(&mut page, &fields::of::<RawOverride>()),
            "channel" => channels(&mut page),
            "owner" => keys(&mut page, &fields::of::<RawOwner>()),
            "serve" => keys(&mut page, &fields::of::<RawServe>()),
            _ => keys(&mut page, &fields::of::<RawWatchdog>()),
        }
    }
    page.push_str(COMMAND_LINE);
    if entries.iter().any(|entry| entry.secret_variable.is_some()) {
        variables(&mut page, entries);
    }
    page
}

const COMMAND_LINE: &str = "
## On the command line

A SOURCE is `kind:location`, or the `name` of a source of the file. Without SOURCE every source of the file is looked
at. An unnamed source is called by its kind; the second one of a kind is `KIND-2`, and so on, names of the file left
free. `--set THRESHOLD=VALUE` takes the same values as `[thresholds]` and stands above everything.
";

fn introduction() -> String {
    format!(
        "<!-- Made by a test from crates/app/src/config: UPDATE_DOCS=1 cargo test -p lastgood config -->

# The configuration file

One TOML file says what to look at, what must be true of it, and who is told when it is not. `lastgood config example`
prints a complete one, `lastgood config check` tells every mistake with its line and what to write instead, and
`lastgood config schema` prints its JSON Schema ([config.schema.json](config.schema.json)). A file with one mistake is
refused as a whole.

## Which file is used

1. The file given with `--config`, else the one that the environment variable `{VARIABLE}` names. It is always read.
2. Else `{DEFAULT_FILE}`, if it is there, and only if no SOURCE is given or a SOURCE is a name: `kind:location` alone
   means the same on every machine.

A file in the current folder is never used unless it is named: a configuration can name programs to run. The file may
hold 1 MiB of UTF-8. Relative paths in it are paths beside it.

## Secrets

A secret never stands in this file. It stands in a file of its own that only its user can read (`secret_file`), or in an
environment variable (`secret_env`).

## Values

- A length of time is a number with a unit: `90s`, `30min`, `24h`, `7d`, `2w`, or several of them (`1d 12h`). A day has 24
  hours.
- A share is a number from 0 to 100 with up to two decimals: `85`, `\"92.5 %\"`.
- A count is a whole number from 1 on.
- Every threshold can be `\"off\"`: the check that reads it is then not asked.
- Later layers win: default of the check, default of the kind, with `lastgood serve` three times the `interval` of the
  source for `blind_after`, `[thresholds]`, `thresholds` of the source, `[[override]]`, `--set`. `lastgood explain` shows
  for every threshold where it was set.
"
    )
}

fn thresholds(page: &mut String) {
    page.push_str("\n| key | value | default | meaning | check |\n| --- | --- | --- | --- | --- |\n");
    for threshold in checks::thresholds() {
        let value = match threshold.unit {
            Unit::Time => "length of time".to_owned(),
            Unit::Percent => "share".to_owned(),
            Unit::Count => "count".to_owned(),
            Unit::Choice(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
            }
        };
        let reads =
            |check: &&&checks::Check| check.thresholds.iter().any(|read| std::ptr::eq(*read, threshold));
        let readers = checks::ALL.iter().filter(reads).map(|check| format!("`{}`", check.id));
        let (name, shown, meaning) =
            (threshold.name, threshold.show(threshold.default), sentence(threshold.meaning));
        let readers = readers.collect::<Vec<_>>().join(", ");
        append(page, &format!("| `{name}` | {value} | {shown} | {meaning} | {readers} |\n"));
    }
}

fn sources(page: &mut String, entries: &[&'static Entry]) {
    page.push_str("\n| kind | looks at | `location` |\n| --- | --- | --- |\n");
    for entry in entries {
        let location = match entry.location {
            "" if entry.pushes => "none: it pushes",
            "" => "none: its directory says what to look at",
            location => location,
        };
        append(page, &format!("| `{}` | {} | {location} |\n", entry.kind.id, entry.about));
    }
    let mut pings = None;
    for mut field in fields::of::<RawSource>() {
        let kinds = entries.iter().filter(|entry| takes(entry, &field.name)).map(|entry| entry.kind.id);
        let kinds: Vec<&str> = kinds.collect();
        if kinds.len() < entries.len() {
            append(&mut field.about, &format!(" Kinds: {}.", listed(&kinds)));
        }
        if field.name == source::PING { pings = Some(field) } else { key(page, &field) }
    }
    if let Some(Field { about, .. }) = pings {
        append(page, &format!("\n## `[[source.{}]]`\n\n{about}\n", source::PING));
        keys(page, &fields::of::<RawPing>());
    }
}

fn listed(kinds: &[&str]) -> String {
    if kinds.is_empty() { "none yet".to_owned() } else { kinds.join(", ") }
}

/// Writes the keys of a directory, and those of its tables of attributes.
fn directory(page: &mut String) {
    keys(page, &fields::of::<RawLdap>());
    page.push_str(
        "
### The keys of `attributes` and `absent`

| key | attribute unless said |
| --- | --- |
",
    );
    for field in ldap::Field::ALL {
        append(page, &format!("| `{}` | `{}` |\n", field.as_str(), field.attribute()));
    }
}

/// Writes the keys that all channels have, and a part per kind.
fn channels(page: &mut String) {
    page.push_str("\n| kind | tells by | an address is |\n| --- | --- | --- |\n");
    for entry in channels::ALL {
        append(page, &format!("| `{}` | {} | {} |\n", entry.kind, entry.about, entry.address));
    }
    page.push_str("\nWhat each promises stands in [channels.md](channels.md).\n");
    keys(page, &fields::of::<RawChannel>());
    for entry in channels::ALL {
        append(page, &format!("\n## `[[channel]]` of the kind `{}`\n", entry.kind));
        keys(page, &fields::of_schema(&(entry.schema)().to_value()));
    }
}

fn keys(page: &mut String, fields: &[Field]) {
    for field in fields {
        key(page, field);
    }
}

/// Writes one heading for a key, with its meaning and an example.
fn key(page: &mut String, field: &Field) {
    let Field { name, about, takes, .. } = field;
    append(page, &format!("\n### `{name}`\n\n{about}\n"));
    match field.shown() {
        Some(shown) => append(page, &format!("\nTakes {takes}:\n\n```toml\n{shown}\n```\n")),
        None => append(page, &format!("\nTakes {takes}.\n")),
    }
}

fn variables(page: &mut String, entries: &[&'static Entry]) {
    page.push_str(
        "
The secret of a `kind:location` comes from an environment variable, or from the file that the variable with `_FILE`
behind its name names:

| kind | secret | file that holds it |
| --- | --- | --- |
",
    );
    for entry in entries {
        if let Some(variable) = entry.secret_variable {
            append(page, &format!("| `{}` | `{variable}` | `{variable}_FILE` |\n", entry.kind.id));
        }
    }
}

/// Returns a fragment with its first letter as a capital.
pub(super) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

fn append(page: &mut String, text: &str) {
    page.write_str(text).expect("a string takes everything");
}
