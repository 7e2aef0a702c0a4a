//! Which local times do five cron fields match?
//!
//! Civil times only: nothing here knows a zone, or that clocks are turned.

use jiff::civil::{Date, DateTime, Time};

use super::InvalidSchedule;

/// The local times that five fields match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// Bit n: minute n matches; the other sets alike.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// True if both fields of the day are restricted: then a day that matches one of them is enough.
    either_day: bool,
    /// True if the field of the minute or of the hour begins with `*`.
    pub(super) is_real_time: bool,
}

/// Where a search begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// It may end at its start.
    Here,
    /// It ends after its start.
    After,
}

/// What one of the five fields may hold.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the values from `least` on.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: Field = Field { name: "hour", least: 0, most: 23, names: &[] };
const DAY: Field = Field { name: "day of month", least: 1, most: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0 and 7.
const WEEKDAY: Field = Field {
    name: "day of week",
    least: 0,
    most: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// The rarest day, 29 February on one day of the week, comes within 40 years, also across 2100.
const SEARCH_DAYS: usize = 40 * 366;

impl Fields {
    /// Reads minute, hour, day of month, month and day of week.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(InvalidSchedule::FieldCount(super::quoted(text)));
        };
        let weekdays = WEEKDAY.parse(weekday)?;
        Ok(Self {
            minutes: MINUTE.parse(minute)?,
            hours: HOUR.parse(hour)?,
            days: DAY.parse(day)?,
            months: MONTH.parse(month)?,
            weekdays: weekdays | weekdays >> 7,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
            is_real_time: minute.starts_with('*') || hour.starts_with('*'),
        })
    }

    /// Finds the next local time that matches, as if no clock were ever turned; `None` if none does within 40 years or
    /// before the calendar ends.
    pub(super) fn next(&self, start: DateTime, from: From) -> Option<DateTime> {
        let is_whole_minute = start.second() == 0 && start.subsec_nanosecond() == 0;
        let may_be_here = from == From::Here && is_whole_minute;
        let minute_of_day = unsigned(start.hour()) * 60 + unsigned(start.minute());
        let mut earliest = if may_be_here { minute_of_day } else { minute_of_day + 1 };
        let mut date = start.date();
        for _ in 0..SEARCH_DAYS {
            if self.matches_day(date)
                && let Some(time) = self.next_time(earliest)
            {
                return Some(date.to_datetime(time));
            }
            date = date.tomorrow().ok()?;
            earliest = 0;
        }
        None
    }

    fn matches_day(&self, date: Date) -> bool {
        if !has(self.months, unsigned(date.month())) {
            return false;
        }
        let day = has(self.days, unsigned(date.day()));
        let weekday = has(self.weekdays, unsigned(date.weekday().to_sunday_zero_offset()));
        if self.either_day { day || weekday } else { day && weekday }
    }

    /// The first matching time of a day from this minute of the day on.
    fn next_time(&self, earliest: u32) -> Option<Time> {
        let (hour, minute) = (earliest / 60, earliest % 60);
        if has(self.hours, hour)
            && let Some(minute) = first_from(self.minutes, minute)
        {
            return time(hour, minute);
        }
        time(first_from(self.hours, hour + 1)?, first_from(self.minutes, 0)?)
    }
}

impl Field {
    /// Reads a field as the set of its values.
    fn parse(&self, text: &str) -> Result<u64, InvalidSchedule> {
        text.split(',').try_fold(0, |values, part| Ok(values | self.parse_part(part)?))
    }

    /// Reads `*`, `5`, `1-5`, `*/15` or `1-31/2`.
    fn parse_part(&self, part: &str) -> Result<u64, InvalidSchedule> {
        let invalid = || InvalidSchedule::Field {
            field: self.name,
            text: super::quoted(part),
            least: self.least,
            most: self.most,
        };
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|&step| step > 0).ok_or_else(invalid)?)),
            None => (part, None),
        };
        let (low, high) = match (range.split_once('-'), step) {
            _ if range == "*" => (self.least, self.most),
            (Some((low, high)), _) => {
                (self.value(low).ok_or_else(invalid)?, self.value(high).ok_or_else(invalid)?)
            }
            // A step needs something to step through.
            (None, Some(_)) => return Err(invalid()),
            (None, None) => {
                let value = self.value(range).ok_or_else(invalid)?;
                (value, value)
            }
        };
        if low > high {
            return Err(invalid());
        }
        let step = step.unwrap_or(1);
        Ok((low..=high)
            .filter(|value| (value - low) % step == 0)
            .fold(0, |values, value| values | 1 << value))
    }

    /// Reads a number or a name.
    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => self.least + u32::try_from(index).ok()?,
            None => number(text)?,
        };
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

/// Digits only: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn has(values: u64, value: u32) -> bool {
    values.checked_shr(value).is_some_and(|rest| rest & 1 == 1)
}

fn first_from(values: u64, least: u32) -> Option<u32> {
    let rest = values.checked_shr(least).filter(|&rest| rest != 0)?;
    Some(least + rest.trailing_zeros())
}

fn time(hour: u32, minute: u32) -> Option<Time> {
    Time::new(hour.try_into().ok()?, minute.try_into().ok()?, 0, 0).ok()
}

/// Parts of a date are small and never negative.
fn unsigned(part: i8) -> u32 {
    u32::from(part.unsigned_abs())
}
