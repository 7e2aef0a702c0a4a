//! Does any text make the reader of dates panic, in any season?

#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_datto::reading::date;
use libfuzzer_sys::fuzz_target;

static ZONE: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("America/New_York").expect("a bundled zone"));

fuzz_target!(|text: &str| {
    for seconds in [0, 1_636_266_600, 253_402_207_200] {
        let at = Timestamp::from_second(seconds).expect("within the range");
        let _ = date::parse(text).resolve(&ZONE, at);
        let _ = date::parse_day(text).resolve(&ZONE, at);
    }
});
