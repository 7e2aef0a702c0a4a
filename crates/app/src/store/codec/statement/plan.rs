//! How is a plan written as bytes, and read again?
//!
//! A zone is written by its name, and looked up when it is read: its rules change, its name does not. What cannot be
//! made again, such as a zone that is not known any more, makes the plan one that cannot be read, never a plan with a
//! part missing.

use jiff::tz::{Offset, TimeZone};
use lastgood_core::observation::Planned;
use lastgood_core::schedule::{Schedule, Spelling};
use lastgood_core::time::Seconds;

use super::{Damage, Reading, bytes, instant, length, number, optional};
use crate::store::codec::signed;

const INTERVAL: u8 = 0;
const CRON_IN_ZONE: u8 = 1;
const CRON_AT_OFFSET: u8 = 2;
/// A zone that has neither a name nor an offset that stays: nothing more follows.
const NAMELESS: u8 = 3;

pub(super) fn write(out: &mut Vec<u8>, planned: &Planned) {
    // Taken apart, so that a new field does not compile before its place is chosen.
    let Planned { schedules, since, grace, is_unreadable } = planned;
    instant(out, *since);
    optional(out, *grace, |out, grace| number(out, grace.0.into()));
    out.push((*is_unreadable).into());
    length(out, schedules.len());
    for schedule in schedules {
        match schedule.spelling() {
            Spelling::Every(interval, anchor) => {
                out.push(INTERVAL);
                number(out, interval.0.into());
                instant(out, anchor);
            }
            Spelling::Cron(text, zone) => write_cron(out, text, zone),
        }
    }
}

fn write_cron(out: &mut Vec<u8>, text: &str, zone: &TimeZone) {
    if let Some(name) = zone.iana_name() {
        out.push(CRON_IN_ZONE);
        bytes(out, text.as_bytes());
        bytes(out, name.as_bytes());
    } else if let Ok(offset) = zone.to_fixed_offset() {
        out.push(CRON_AT_OFFSET);
        bytes(out, text.as_bytes());
        signed(out, offset.seconds().into());
    } else {
        out.push(NAMELESS);
    }
}

pub(super) fn read(reading: &mut Reading<'_>) -> Result<Planned, Damage> {
    let since = reading.instant()?;
    let grace = reading.optional(read_seconds)?;
    let is_unreadable = reading.truth()?;
    let mut planned = Planned { schedules: Vec::new(), since, grace, is_unreadable };
    for _ in 0..reading.length()? {
        match read_schedule(reading)? {
            Some(schedule) => planned.schedules.push(schedule),
            None => planned.is_unreadable = true,
        }
    }
    Ok(planned)
}

/// `None` for one that cannot be made again.
fn read_schedule(reading: &mut Reading<'_>) -> Result<Option<Schedule>, Damage> {
    let (text, zone) = match reading.byte()? {
        INTERVAL => {
            let interval = read_seconds(reading)?;
            return Ok(Schedule::every(interval, reading.instant()?).ok());
        }
        CRON_IN_ZONE => (reading.text()?, TimeZone::get(reading.text()?).ok()),
        CRON_AT_OFFSET => {
            let text = reading.text()?;
            let seconds = i32::try_from(reading.signed()?).ok();
            let offset = seconds.and_then(|seconds| Offset::from_seconds(seconds).ok());
            (text, Some(TimeZone::fixed(offset.ok_or(Damage("an offset is out of range"))?)))
        }
        NAMELESS => return Ok(None),
        _ => return Err(Damage("no such kind of schedule")),
    };
    Ok(zone.and_then(|zone| Schedule::parse_cron(text, zone).ok()))
}

fn read_seconds(reading: &mut Reading<'_>) -> Result<Seconds, Damage> {
    u32::try_from(reading.number()?).map(Seconds).map_err(|_| Damage("a length of time is too large"))
}

#[cfg(test)]
mod tests {
    use lastgood_core::testing::noon;

    use super::*;

    fn again(planned: &Planned) -> Planned {
        let mut bytes = Vec::new();
        write(&mut bytes, planned);
        let mut reading = Reading(&bytes);
        let read = read(&mut reading).expect("what was written is read");
        assert!(reading.is_over());
        read
    }

    fn nightly(zone: TimeZone) -> Planned {
        let schedules = vec![Schedule::parse_cron("30 2 * * *", zone).expect("a valid schedule")];
        Planned { schedules, since: noon(), grace: Some(Seconds(u32::MAX)), is_unreadable: false }
    }

    #[test]
    fn every_plan_is_read_as_it_was_written() {
        let zurich = TimeZone::get("Europe/Zurich").expect("a zone that exists");
        let west = TimeZone::fixed(Offset::from_seconds(-19_800).expect("a valid offset"));
        for zone in [zurich, west, TimeZone::UTC] {
            let planned = nightly(zone);
            assert_eq!(again(&planned), planned);
        }
        let every = Schedule::every(Seconds::hours(25), noon()).expect("a valid interval");
        for is_unreadable in [false, true] {
            let planned =
                Planned { schedules: vec![every.clone(); 2], since: noon(), grace: None, is_unreadable };
            assert_eq!(again(&planned), planned);
        }
    }

    #[test]
    fn a_plan_that_cannot_be_made_again_is_unreadable() {
        let nameless = TimeZone::posix("AAA3BBB,M3.2.0,M11.1.0").expect("a valid zone");
        let found = again(&nightly(nameless));
        assert!(found.is_unreadable && found.schedules.is_empty());
        let mut bytes = Vec::new();
        write(&mut bytes, &nightly(TimeZone::get("Europe/Zurich").expect("a zone that exists")));
        let place = bytes.windows(6).position(|window| window == b"Zurich").expect("it is named");
        bytes[place] = b'X';
        let found = read(&mut Reading(&bytes)).expect("it is no damage");
        assert!(found.is_unreadable && found.schedules.is_empty());
    }
}
