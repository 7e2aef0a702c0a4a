//! Does any cron expression make the schedule panic, stand still or go back, in any season?

#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_core::schedule::Schedule;
use libfuzzer_sys::fuzz_target;

static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Europe/Zurich").expect("a bundled zone"));

/// An ordinary day, both changes of the clock, the last year.
const STARTS: [i64; 4] = [0, 1_648_339_200, 1_667_088_000, 253_370_764_800];

fuzz_target!(|text: &str| {
    let Ok(schedule) = Schedule::parse_cron(text, ZONE.clone()) else { return };
    for start in STARTS {
        let start = Timestamp::from_second(start).expect("within the range");
        let mut before = start;
        for planned in schedule.planned_between(start, Timestamp::MAX).take(8) {
            assert!(planned > before, "{planned} follows {before}");
            before = planned;
        }
    }
});
