//! Does nobody see from the access times that we were here?

use std::fs::{self, FileTimes};
use std::time::{Duration, SystemTime};

use lastgood::measure::{Measuring, measure};

use super::{Account, FILES};

#[test]
fn neither_reading_nor_measuring_touches_an_access_time() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", "<a/>");
    account.write(".snapshots/daily.0/x", "");
    let places = [
        "incoming",
        "incoming/pc",
        "incoming/pc/.sepiola_backup",
        "incoming/pc/.sepiola_backup/backupEnded.xml",
        ".snapshots",
        ".snapshots/daily.0",
    ];
    // Older than what was last modified: whoever reads it is seen, on a file system mounted as most are.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
    let times = FileTimes::new().set_accessed(long_ago);
    for place in places {
        fs::File::open(account.path(place)).unwrap().set_times(times).unwrap();
    }
    for name in FILES {
        account.computer().file(name);
    }
    measure(&account.home(), &Measuring::default()).unwrap();
    let accessed = |place: &str| fs::metadata(account.path(place)).unwrap().accessed().unwrap();
    for place in places {
        assert_eq!(accessed(place), long_ago, "{place}");
    }
}
