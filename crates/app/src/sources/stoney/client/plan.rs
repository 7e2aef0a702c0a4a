//! When does a scheduler file plan runs?
//!
//! One of three contents: no schedule, a run some minutes after startup, or a time of the day on days of the week. Only the
//! last plans instants. What it holds becomes the five fields of cron, which [`Schedule`] understands; nothing here knows
//! which instants they mean.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use lastgood_core::observation::Evidence;
use lastgood_core::schedule::Schedule;

use super::date::{self, Offsets};
use super::document::{Element, Wanted};
use super::{DIFFERS, Reading};

/// When runs are planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// At no time that is known: there is no schedule, no day of the week, or a run follows each startup.
    Nothing,
    /// Whenever five fields of cron match the local time of a zone with a fixed offset.
    At {
        /// The five fields; [`Schedule::parse_cron`] accepts them.
        cron: String,
        /// The offset of the zone.
        offsets: Offsets,
    },
    /// It cannot be read, for this reason; the raw text is among the evidence.
    Unreadable(&'static str),
}

pub(super) static WANTED: Wanted = Wanted {
    root: "online_backup_schedule",
    names: &[
        NO_SCHEDULE,
        AFTER_STARTUP,
        "minutes_after_startup",
        CUSTOM,
        "minutes",
        "minute_selected",
        "hours",
        "hour_selected",
        "days_of_month",
        "every_day_of_month",
        "months",
        "everymonth",
        "days_of_week",
        "every_day_of_week",
        "week_day",
        "timezone",
        "client",
        "identifier",
        "version",
        "operatingsystem",
    ],
};

const NO_SCHEDULE: &str = "no_schedule";
const AFTER_STARTUP: &str = "backup_after_startup";
const CUSTOM: &str = "custom_online_backup";

/// The longest field of cron, in bytes: a list of all minutes has 169.
const FIELD_MAX_BYTES: usize = 1000;

/// A field of the plan that cannot be read.
type Doubt = Evidence;

fn doubt(field: &'static str, element: &Element, note: &'static str) -> Doubt {
    Evidence::new(field, Some(element.line), element.text(), note)
}

/// Reads what stands below the root.
pub(super) fn read(root: &Element, reading: &mut Reading) -> Plan {
    match content(root, reading) {
        Ok(plan) => plan,
        Err(doubt) => {
            let reason = doubt.note;
            reading.evidence.push(doubt);
            Plan::Unreadable(reason)
        }
    }
}

fn content(root: &Element, reading: &mut Reading) -> Result<Plan, Doubt> {
    let only = |name| root.only(name).map_err(|other| doubt(name, other, DIFFERS));
    match (only(NO_SCHEDULE)?, only(AFTER_STARTUP)?, only(CUSTOM)?) {
        (Some(_), None, None) | (None, Some(_), None) => Ok(Plan::Nothing),
        (None, None, Some(custom)) => custom_plan(custom, reading),
        (None, None, None) => Err(doubt(WANTED.root, root, "no schedule is stated")),
        (Some(_), _, _) | (_, Some(_), _) => {
            Err(doubt(WANTED.root, root, "several schedules that exclude each other"))
        }
    }
}

/// Where a field of cron stands: the element around it, the elements of its list, and the five fields it is tried in.
struct Part {
    list: &'static str,
    element: &'static str,
    /// The five fields with it: two texts around it.
    around: (&'static str, &'static str),
    /// Why it is not read.
    note: &'static str,
}

const MINUTES: Part = Part {
    list: "minutes",
    element: "minute_selected",
    around: ("", " * * * *"),
    note: "no minutes of an hour, 0 to 59",
};

const HOURS: Part = Part {
    list: "hours",
    element: "hour_selected",
    around: ("* ", " * * *"),
    note: "no hours of a day, 0 to 23",
};

const DAYS: Part = Part {
    list: "days_of_week",
    element: "week_day",
    around: ("* * * * ", ""),
    note: "no days of the week, 1 (Monday) to 7 (Sunday)",
};

/// 1. No day of the week is chosen: nothing is planned, whatever the time.
/// 2. Days of the month and months are every one; no client writes anything else.
/// 3. Minutes, hours and days of the week are lists of crontab text; all combinations are planned.
/// 4. All of it is local time at the offset of the zone.
fn custom_plan(custom: &Element, reading: &mut Reading) -> Result<Plan, Doubt> {
    let Some(days) = days_of_week(custom)? else { return Ok(Plan::Nothing) };
    every(custom, "days_of_month", "every_day_of_month")?;
    every(custom, "months", "everymonth")?;
    let minutes = list(custom, &MINUTES)?;
    let hours = list(custom, &HOURS)?;
    let zone = stated(custom, "timezone")?;
    let offsets = date::offsets(zone.text(), reading.family())
        .ok_or_else(|| doubt("timezone", zone, "no offset, or one that cannot have been meant"))?;
    let offsets = reading.repaired(offsets, "timezone", zone);
    Ok(Plan::At { cron: format!("{minutes} {hours} * * {days}"), offsets })
}

/// Finds the one element of that name.
fn stated<'a>(parent: &'a Element, name: &'static str) -> Result<&'a Element, Doubt> {
    let found = parent.only(name).map_err(|other| doubt(name, other, DIFFERS))?;
    found.ok_or_else(|| doubt(name, parent, "not stated"))
}

/// Reads the days of the week; `None` if none is chosen.
fn days_of_week(custom: &Element) -> Result<Option<String>, Doubt> {
    let list = stated(custom, DAYS.list)?;
    let every =
        list.all("every_day_of_week").map(|every| if every.text().is_empty() { "*" } else { every.text() });
    let chosen: Vec<&str> = every.chain(list.all(DAYS.element).map(Element::text)).collect();
    if chosen.is_empty() && list.text().is_empty() && !list.has_others {
        return Ok(None);
    }
    // Cron takes 0 for Sunday; the clients, who count from Monday, never write it.
    if chosen.iter().any(|text| names_number_zero(text)) {
        return Err(doubt(DAYS.element, list, DAYS.note));
    }
    joined(&chosen, list, &DAYS).map(Some)
}

/// True if 0 stands in crontab text as a value or an end of a range.
fn names_number_zero(text: &str) -> bool {
    let ranges = text.split(',').map(|part| part.split_once('/').map_or(part, |(range, _)| range));
    ranges.flat_map(|range| range.split('-')).any(|value| value.parse() == Ok(0_u32))
}

/// Checks that nothing but every one is chosen, if anything is stated.
fn every(custom: &Element, list: &'static str, element: &'static str) -> Result<(), Doubt> {
    let Some(found) = custom.only(list).map_err(|other| doubt(list, other, DIFFERS))? else { return Ok(()) };
    let is_every = found.only(element).is_ok_and(|every| every.is_some_and(|every| every.text() == "*"));
    if is_every { Ok(()) } else { Err(doubt(element, found, "anything but every one is not understood")) }
}

fn list(custom: &Element, part: &Part) -> Result<String, Doubt> {
    let list = stated(custom, part.list)?;
    let texts: Vec<&str> = list.all(part.element).map(Element::text).collect();
    joined(&texts, list, part)
}

/// Joins crontab texts to one field, plain numbers without leading zeros and each text once.
fn joined(texts: &[&str], list: &Element, part: &Part) -> Result<String, Doubt> {
    let raw = texts.join(",");
    let wrong = || Evidence::new(part.element, Some(list.line), &raw, part.note);
    let mut seen = BTreeSet::new();
    let plain = texts.iter().map(|text| plain_number(text)).filter(|text| seen.insert(text.clone()));
    let field = plain.collect::<Vec<String>>().join(",");
    if field.len() > FIELD_MAX_BYTES {
        return Err(wrong());
    }
    // An empty field, or one with blanks, makes more or fewer than five.
    let (before, after) = part.around;
    match Schedule::parse_cron(&format!("{before}{field}{after}"), TimeZone::UTC) {
        Ok(_) => Ok(field),
        Err(_) => Err(wrong()),
    }
}

fn plain_number(text: &str) -> String {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse::<u32>().ok()).flatten();
    number.map_or_else(|| text.to_owned(), |number| number.to_string())
}
