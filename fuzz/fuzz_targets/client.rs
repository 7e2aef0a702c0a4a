//! Do any three files of a customer's computer make their reader panic, or go unseen where they are not believed?
//!
//! The bytes are cut at `0xff` into `backupStarted.xml`, `backupEnded.xml` and `scheduler.xml`.

#![no_main]

use std::collections::BTreeMap;

use jiff::Timestamp;
use lastgood::sources::Keep;
use lastgood::sources::stoney::COMPUTER;
use lastgood::sources::stoney::client::state::{File, Files, Look, observe};
use lastgood::sources::stoney::client::{Untrusted, ended, scheduler, started};
use lastgood_core::id::Name;
use libfuzzer_sys::fuzz_target;

fn file<T>(bytes: Option<&[u8]>, parse: impl FnOnce(&[u8]) -> Result<T, Untrusted>) -> File<T> {
    bytes.map_or(File::Absent, |bytes| File::read(bytes, Timestamp::UNIX_EPOCH, parse))
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0xff);
    let files = Files {
        started: file(parts.next(), started),
        ended: file(parts.next(), ended),
        scheduler: file(parts.next(), scheduler),
    };
    let at = "2022-03-27T02:30:00Z".parse().expect("a valid instant");
    let look = Look { at, least_clients: &BTreeMap::new(), keep: Keep::Everything };
    let observed = observe(&COMPUTER, Name::new("computer"), &files, &look);
    let believed = [
        !matches!(files.started, File::Untrusted(_)),
        !matches!(files.ended, File::Untrusted(_)),
        !matches!(files.scheduler, File::Untrusted(_)),
    ];
    assert_eq!(observed.failures.is_empty(), believed.iter().all(|believed| *believed));
});
