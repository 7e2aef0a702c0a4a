//! Does a customer wish to be told, and where?
//!
//! Their account says whether, of what and after how long; where, the account says or, where it does not, its person.

use std::sync::Arc;

use lastgood_core::checks::{schedule, stuck, unsuccessful};
use lastgood_core::id::CheckId;
use lastgood_core::ownership::OwnerEntry;
use lastgood_core::recipient::{Address, Patience, Role};
use lastgood_core::time::Seconds;

use super::entries::{Entries, shown};
use super::{Resolved, Task};
use crate::directory::Way;
use crate::ldap::Field;

/// After how many days without a success a customer hears of it whose account does not say (facts/stoney.md 1.2).
const DAYS_UNSAID: u32 = 1;

/// After how many failed or missed runs a customer hears of them whose account does not say: not by their number.
const NUMBERS_UNSAID: u32 = 0;

/// More days than this are as good as never, and fit into a length of time.
const DAYS_MAX: u32 = 36_500;

/// How somebody can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Medium {
    Mail,
    Sms,
}

impl Medium {
    const ALL: [Self; 2] = [Self::Mail, Self::Sms];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }

    const fn field(self) -> Field {
        match self {
            Self::Mail => Field::Mail,
            Self::Sms => Field::Mobile,
        }
    }

    /// What somebody must have to be reached by it.
    const fn place_name(self) -> &'static str {
        match self {
            Self::Mail => "mailbox",
            Self::Sms => "mobile number",
        }
    }
}

/// What a customer wishes: `Ok` is to be told, `Err` is not to be; the last step says what decided.
type Wish = Result<Patience, ()>;

/// Names the customer at every address of theirs.
///
/// 1. Mailboxes are those of the account, where it has any value; else those of its person. The same holds for numbers
///    of telephones, where there is a channel for them.
/// 2. They are told where the account says that they want warnings, by that medium, of that task; of runs when their
///    patience is over.
pub(super) fn name(entries: &Entries<'_>, (check, task): (CheckId, Task), resolved: &mut Resolved) {
    let Resolved { ways, notes } = resolved;
    let voice = Arc::new(voice(entries, notes));
    let reached = Medium::ALL.map(|medium| (medium, places(entries, medium, notes)));
    if reached.iter().all(|(_, places)| places.is_empty()) {
        notes.push(format!("no customer of {} can be told anywhere", shown(&entries.account.dn)));
        return;
    }
    let unreached = reached.iter().filter(|(medium, places)| places.is_empty() && wants(entries, *medium));
    let missing: Vec<_> = unreached.map(|(medium, _)| (*medium, missing(entries, *medium))).collect();
    notes.extend(missing.iter().map(|(_, text)| text.clone()));
    for (medium, places) in reached.into_iter().filter(|(_, places)| !places.is_empty()) {
        let mut steps = Vec::new();
        let wish = wish(entries, (check, task, medium), &mut steps, notes);
        // Why they are not told is not that they want another medium, but that it does not reach them.
        if !wants(entries, medium) && switch(entries, &mut Vec::new()).is_ok() {
            steps.extend(missing.iter().map(|(medium, text)| format!("no {}: {text}", medium.place_name())));
        }
        for (address, found) in places {
            let because = found.into_iter().chain(steps.iter().cloned()).collect();
            ways.push(Way {
                address,
                role: Role::Customer,
                patience: wish.unwrap_or(Patience::None),
                is_wanted: wish.is_ok(),
                voice: Some(Arc::clone(&voice)),
                because,
            });
        }
    }
}

/// Every address of the customer, if they want anything at all.
pub(super) fn addresses(entries: &Entries<'_>) -> Vec<Address> {
    let mut ignored = Vec::new();
    if switch(entries, &mut ignored).is_err() {
        return Vec::new();
    }
    let wanted = Medium::ALL.into_iter().filter(|medium| wants(entries, *medium));
    let places = wanted.flat_map(|medium| places(entries, medium, &mut Vec::new()));
    places.map(|(address, _)| address).collect()
}

fn voice(entries: &Entries<'_>, notes: &mut Vec<String>) -> lastgood_core::recipient::Voice {
    let own = entries.value(entries.account, Field::Language);
    let of_person = || entries.people().find_map(|person| entries.value(person, Field::Language));
    let reseller = entries.resellers().into_iter().next();
    entries.voice((own.or_else(of_person), reseller), notes)
}

/// Where the customer is reached by a medium, each place with the steps that led to it.
fn places(entries: &Entries<'_>, medium: Medium, notes: &mut Vec<String>) -> Vec<(Address, Vec<String>)> {
    let (account, field) = (entries.account, medium.field());
    if medium == Medium::Sms && entries.directory.sms_channel.is_none() {
        return Vec::new();
    }
    if !entries.values(account, field).is_empty() {
        let step = format!("customer by {}", entries.place(account, field));
        return with(read(entries, account, medium, notes), &[step]);
    }
    // What is missing is said of the medium they want; where there is none for them, of mail.
    let is_needed = wants(entries, medium) || medium == Medium::Mail && !wants(entries, Medium::Sms);
    let mut places: Vec<(Address, Vec<String>)> = Vec::new();
    for person in entries.people() {
        let belongs = format!("{} names {}", entries.place(account, Field::Person), shown(&person.whose));
        let step = format!("customer by {}", entries.place(person, field));
        if is_needed && entries.values(person, field).is_empty() {
            notes.push(format!("{} is not there", entries.place(person, field)));
        }
        for place in with(read(entries, person, medium, notes), &[step, belongs]) {
            if !places.iter().any(|(address, _)| *address == place.0) {
                places.push(place);
            }
        }
    }
    if is_needed {
        missing_people(entries, medium, notes);
    }
    places
}

/// Notes people who are named and not there, and that nobody is named.
fn missing_people(entries: &Entries<'_>, medium: Medium, notes: &mut Vec<String>) {
    let account = entries.account;
    let named: Vec<&str> = entries.values(account, Field::Person);
    let place = entries.place(account, Field::Person);
    for uid in &named {
        let is_it = |person: &OwnerEntry| person.whose.trim().to_lowercase() == uid.to_lowercase();
        if !entries.people().any(is_it) {
            notes.push(format!("{place} names \"{}\", and there is no such person", shown(uid)));
        }
    }
    if named.is_empty() && entries.people().next().is_none() {
        notes.push(missing(entries, medium));
    }
}

/// Says why a medium does not reach them.
fn missing(entries: &Entries<'_>, medium: Medium) -> String {
    let (account, field) = (shown(&entries.account.dn), medium.field());
    let (place, person) = (entries.attribute(field), entries.attribute(Field::Person));
    if !entries.values(entries.account, field).is_empty() {
        return format!("{account} has no `{place}` that can be used");
    }
    let is_anybody_named = !entries.values(entries.account, Field::Person).is_empty();
    if is_anybody_named || entries.people().next().is_some() {
        format!("neither {account} nor anybody whom its `{person}` names has a `{place}` that can be used")
    } else {
        format!("{account} has neither `{place}` nor `{person}`")
    }
}

fn read<'a>(
    entries: &Entries<'a>,
    entry: &'a OwnerEntry,
    medium: Medium,
    notes: &mut Vec<String>,
) -> Vec<Address> {
    match medium {
        Medium::Mail => entries.mailboxes((entry, Field::Mail), notes),
        Medium::Sms => entries.mobiles(entry, notes),
    }
}

fn with(addresses: Vec<Address>, steps: &[String]) -> Vec<(Address, Vec<String>)> {
    addresses.into_iter().map(|address| (address, steps.to_vec())).collect()
}

/// Decides step by step; each says what it read and what follows.
fn wish(
    entries: &Entries<'_>,
    (check, task, medium): (CheckId, Task, Medium),
    steps: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Wish {
    switch(entries, steps)?;
    by(entries, medium, steps)?;
    of_task(entries, task, steps)?;
    if [schedule::ID, unsuccessful::ID, stuck::ID].contains(&check) {
        return patience(entries, steps, notes);
    }
    Ok(Patience::None)
}

/// Whether they want warnings at all.
fn switch(entries: &Entries<'_>, steps: &mut Vec<String>) -> Result<(), ()> {
    let place = entries.place(entries.account, Field::WarningOn);
    match entries.value(entries.account, Field::WarningOn) {
        Some(value) if value.eq_ignore_ascii_case("TRUE") => {
            steps.push(format!("{place} is TRUE"));
            Ok(())
        }
        Some(value) => {
            steps.push(format!("{place} is {}: they want no warnings", shown(value)));
            Err(())
        }
        None => {
            steps.push(format!("{place} is not there: they want no warnings"));
            Err(())
        }
    }
}

/// True if they want to be told by this medium, and there is a channel for it.
fn wants(entries: &Entries<'_>, medium: Medium) -> bool {
    let has_channel = medium == Medium::Mail || entries.directory.sms_channel.is_some();
    has_channel && by(entries, medium, &mut Vec::new()).is_ok()
}

/// Whether they want them by this medium.
fn by(entries: &Entries<'_>, medium: Medium, steps: &mut Vec<String>) -> Result<(), ()> {
    let place = entries.place(entries.account, Field::Medium);
    let values = entries.values(entries.account, Field::Medium);
    let word = medium.as_str();
    if values.iter().any(|value| value.eq_ignore_ascii_case(word)) {
        steps.push(format!("{place} is {word}"));
        return Ok(());
    }
    let is_sms = values.iter().any(|value| value.eq_ignore_ascii_case(Medium::Sms.as_str()));
    steps.push(match values.as_slice() {
        [] => format!("{place} is not there: they are not told by {word}"),
        [..] if is_sms && entries.directory.sms_channel.is_none() => {
            format!("{place} is sms, and `sms_channel` of [directory.ldap] is not set: they are not told")
        }
        [value, ..] => format!("{place} is {}: they are not told by {word}", shown(value)),
    });
    Err(())
}

/// Whether they want to hear of this.
fn of_task(entries: &Entries<'_>, task: Task, steps: &mut Vec<String>) -> Result<(), ()> {
    let place = entries.place(entries.account, Field::Tasks);
    let values = entries.values(entries.account, Field::Tasks);
    let word = task.as_str();
    if values.is_empty() {
        steps.push(format!("{place} is not there: they hear of everything"));
        return Ok(());
    }
    if values.iter().any(|value| value.eq_ignore_ascii_case(word)) {
        steps.push(format!("{place} names {word}"));
        return Ok(());
    }
    steps.push(format!("{place} does not name {word}: they do not hear of it"));
    Err(())
}

/// How long they want to wait for runs; both 0 is for ever.
fn patience(entries: &Entries<'_>, steps: &mut Vec<String>, notes: &mut Vec<String>) -> Wish {
    let numbers = number(entries, (Field::WarningNumbers, NUMBERS_UNSAID), notes);
    let days = number(entries, (Field::WarningDays, DAYS_UNSAID), notes);
    let account = shown(&entries.account.dn);
    let said = format!(
        "`{}` is {numbers} and `{}` is {days} of {account}",
        entries.attribute(Field::WarningNumbers),
        entries.attribute(Field::WarningDays)
    );
    let words = match (numbers, days) {
        (0, 0) => {
            steps.push(format!("{said}: they never hear of runs"));
            return Err(());
        }
        (numbers, 0) => format!("told from {numbers} in a row on"),
        (0, days) => format!("told when the last success is more than {days} d ago"),
        (numbers, days) => {
            format!("told from {numbers} in a row on, or when the last success is more than {days} d ago")
        }
    };
    steps.push(format!("{said}: {words}"));
    let limit = |number: u32| (number > 0).then_some(number);
    Ok(Patience::Until { count: limit(numbers), length: limit(days.min(DAYS_MAX)).map(Seconds::days) })
}

/// Reads a number; where it is not there, or is none, another one counts.
fn number(entries: &Entries<'_>, (field, unsaid): (Field, u32), notes: &mut Vec<String>) -> u32 {
    let Some(value) = entries.value(entries.account, field) else { return unsaid };
    value.parse().unwrap_or_else(|_| {
        let place = entries.place(entries.account, field);
        notes.push(format!(
            "{place} is \"{}\", which is no number: {unsaid} counts; correct it",
            shown(value)
        ));
        unsaid
    })
}
