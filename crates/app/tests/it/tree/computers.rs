//! Which computers has an account, and which homes are none?

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use lastgood::tree::{COMPUTERS_MAX, Found, Home};
use lastgood_core::observation::FailureKind;
use rstest::rstest;

use super::{Account, SECRET};

#[test]
fn every_folder_in_incoming_is_a_computer_whatever_its_name() {
    let account = Account::new();
    let names: [&[u8]; 7] =
        [b" ", b"-rf", b"..a", b"a\nb", b"b\xff", b"c\x1b[2J", "M\u{fc}ller & S\u{f6}hne".as_bytes()];
    for name in names {
        let about = account.path("incoming").join(OsStr::from_bytes(name)).join(".sepiola_backup");
        account.write(about.join("backupEnded.xml"), name);
    }
    account.write("incoming/plain", "");
    account.write("incoming/.hidden-file", "");
    let computers = account.computers();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(computers.iter().map(|computer| computer.name().bytes()).collect::<Vec<_>>(), sorted);
    for computer in computers {
        let Found::There { bytes, .. } = computer.file("backupEnded.xml") else {
            panic!("{:?} cannot be read", computer.name());
        };
        assert_eq!(bytes, computer.name().bytes());
    }
}

#[test]
fn an_odd_name_is_escaped_in_what_is_said_of_it() {
    let account = Account::new();
    account.link("incoming/a\nb\u{1b}[2J", account.target());
    let Found::Untrusted { reason, .. } = account.computer().file("backupEnded.xml") else {
        panic!("a link is not trusted");
    };
    assert!(reason.contains("/incoming/a\\nb\\u{1b}[2J is a symbolic link"), "{reason}");
}

#[test]
fn files_directly_in_incoming_belong_to_a_computer_without_a_name() {
    let account = Account::new();
    account.write("incoming/.sepiola_backup/backupEnded.xml", "<a/>");
    account.write("incoming/.sepiola_backup/.sepiola_backup/backupStarted.xml", "<b/>");
    let computer = account.computer();
    assert_eq!(computer.name().bytes(), b".");
    assert!(matches!(computer.file("backupEnded.xml"), Found::There { bytes, .. } if bytes == b"<a/>"));
    assert_eq!(computer.file("backupStarted.xml"), Found::Absent);
}

#[test]
fn an_empty_incoming_has_no_computers() {
    assert!(Account::new().computers().is_empty());
}

#[test]
fn more_computers_than_anybody_has_are_a_failure_that_says_how_many() {
    let account = Account::new();
    for number in 0..COMPUTERS_MAX {
        fs::create_dir(account.path(format!("incoming/{number}"))).unwrap();
    }
    assert_eq!(account.computers().len(), COMPUTERS_MAX);
    account.link("incoming/one more", "nothing");
    let error = account.home().computers().unwrap_err();
    assert_eq!(error.kind, FailureKind::Malformed);
    assert!(error.reason.contains("incoming holds more than 10000 computers"), "{error}");
}

#[rstest]
#[case::missing(None, FailureKind::Unreachable, "incoming is missing")]
#[case::a_link(Some(""), FailureKind::Malformed, "incoming is a symbolic link")]
#[case::a_broken_link(Some("nothing"), FailureKind::Malformed, "incoming is a symbolic link")]
fn an_incoming_that_is_no_folder_is_a_failure(
    #[case] link: Option<&str>,
    #[case] kind: FailureKind,
    #[case] said: &str,
) {
    let account = Account::new();
    fs::remove_dir(account.path("incoming")).unwrap();
    if let Some(target) = link {
        account.link("incoming", account.target().join(target));
    }
    let error = account.home().computers().unwrap_err();
    assert_eq!(error.kind, kind);
    assert!(error.reason.contains(said) && !error.reason.contains(SECRET), "{error}");
}

#[test]
fn a_plain_file_in_the_place_of_incoming_is_a_failure() {
    let account = Account::new();
    fs::remove_dir(account.path("incoming")).unwrap();
    account.write("incoming", "");
    let error = account.home().computers().unwrap_err();
    assert!(error.reason.contains("incoming is a plain file, not a folder"), "{error}");
}

#[test]
fn a_home_below_links_of_the_administrator_is_opened_and_one_that_is_a_link_is_not() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", "<a/>");
    let top = account.0.path();
    std::os::unix::fs::symlink(".", top.join("above")).unwrap();
    std::os::unix::fs::symlink("home", top.join("itself")).unwrap();
    let open = |path: &str| Home::open(Some(top), path);
    for path in ["/home", "/above/home", "/./above//./home/", "/home/."] {
        assert_eq!(open(path).unwrap().computers().unwrap().len(), 1, "{path}");
    }
    for path in ["/itself", "/itself/", "/itself/.", "/above/itself"] {
        let error = open(path).unwrap_err();
        assert_eq!(error.kind, FailureKind::Malformed, "{path}");
        assert!(error.reason.contains("itself is a symbolic link"), "{error}");
        assert!(Home::named(&top.join(path.trim_start_matches('/'))).is_err(), "{path}");
    }
    assert_eq!(open("/gone").unwrap_err().kind, FailureKind::Unreachable);
    assert_eq!(open("/home/../home").unwrap_err().kind, FailureKind::Malformed);
    assert_eq!(open("home").unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn a_home_stays_the_folder_it_was_when_it_was_opened() {
    let account = Account::new();
    account.write("incoming/pc/x", "");
    let home = account.home();
    fs::rename(account.path(""), account.0.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(account.target(), account.path("").parent().unwrap().join("home")).unwrap();
    assert_eq!(home.computers().unwrap()[0].name().bytes(), b"pc");
}

#[test]
fn a_home_somebody_names_may_be_relative() {
    assert!(Home::named(Path::new(".")).is_ok());
    assert!(Home::named(Path::new("src/..")).is_ok());
}
