//! Which files of a client are read, and what is said of the others?

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, SystemTime};

use lastgood::tree::{FILE_MAX_BYTES, Found};
use lastgood_core::observation::FailureKind;
use rstest::rstest;
use rustix::fs::{CWD, FileType, Mode};

use super::{Account, FILES, SECRET, untrusted};

#[test]
fn a_plain_file_is_read_with_its_time_to_the_nanosecond() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", "<a/>");
    let modified = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    let file = File::options().write(true).open(account.path("incoming/pc/.sepiola_backup/backupEnded.xml"));
    file.unwrap().set_modified(modified).unwrap();
    let modified_at = "2023-11-14T22:13:20.123456789Z".parse().unwrap();
    let computer = account.computer();
    assert_eq!(computer.file("backupEnded.xml"), Found::There { bytes: b"<a/>".to_vec(), modified_at });
    assert_eq!(computer.file("backupStarted.xml"), Found::Absent);
}

#[test]
fn a_computer_whose_client_wrote_nothing_has_no_file() {
    let account = Account::new();
    account.write("incoming/pc/holiday.jpg", "");
    for name in FILES {
        assert_eq!(account.computer().file(name), Found::Absent);
    }
}

#[rstest]
#[case::started(FILES[0])]
#[case::ended(FILES[1])]
#[case::scheduler(FILES[2])]
fn a_link_in_the_place_of_a_file_is_never_followed(#[case] name: &str) {
    let account = Account::new();
    let target = account.target().join(name);
    account.write("incoming/pc/.sepiola_backup/real", SECRET);
    for target in [target, "real".into(), "/dev/zero".into(), "/proc/self/environ".into(), SECRET.into()] {
        let planted = format!("incoming/pc/.sepiola_backup/{name}");
        account.link(&planted, &target);
        let (kind, reason) = untrusted(account.computer().file(name));
        assert_eq!(kind, FailureKind::Malformed);
        assert!(reason.contains(&format!("{planted} is a symbolic link")), "{reason}");
        fs::remove_file(account.path(planted)).unwrap();
    }
}

#[test]
fn a_linked_file_is_as_old_as_the_link_itself() {
    let account = Account::new();
    account.link("incoming/pc/.sepiola_backup/scheduler.xml", account.target().join("scheduler.xml"));
    let planted = account.path("incoming/pc/.sepiola_backup/scheduler.xml");
    let of_link = fs::symlink_metadata(planted).unwrap().modified().unwrap();
    let file = File::options().write(true).open(account.target().join("scheduler.xml")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let Found::Untrusted { modified_at, .. } = account.computer().file("scheduler.xml") else {
        panic!("a link is not trusted");
    };
    assert_eq!(modified_at, Some(of_link.try_into().unwrap()));
}

#[rstest]
#[case::to_a_folder_like_it(".sepiola_backup", "incoming/pc/.sepiola_backup is a symbolic link")]
#[case::to_nothing("nothing", "incoming/pc/.sepiola_backup is a symbolic link")]
fn a_linked_folder_about_a_computer_makes_every_file_untrusted(#[case] target: &str, #[case] said: &str) {
    let account = Account::new();
    account.link("incoming/pc/.sepiola_backup", account.target().join(target));
    for name in FILES {
        let (kind, reason) = untrusted(account.computer().file(name));
        assert_eq!(kind, FailureKind::Malformed);
        assert!(reason.contains(said), "{reason}");
    }
}

#[test]
fn a_linked_computer_is_there_and_every_file_of_it_untrusted() {
    let account = Account::new();
    // One that stays inside the account is not followed either.
    account.write("incoming/real/.sepiola_backup/backupEnded.xml", "<a/>");
    account.link("incoming/inside", "real");
    account.link("incoming/outside", account.target());
    account.link("incoming/broken", "nothing");
    account.link("incoming/round", "round");
    let computers = account.computers();
    let names: Vec<_> = computers.iter().map(|computer| computer.name().text()).collect();
    assert_eq!(names, ["broken", "inside", "outside", "real", "round"]);
    for computer in computers.iter().filter(|computer| computer.name().bytes() != b"real") {
        for name in FILES {
            let (_, reason) = untrusted(computer.file(name));
            let said = format!("incoming/{} is a symbolic link", computer.name());
            assert!(reason.contains(&said), "{reason}");
        }
    }
    assert!(matches!(computers[3].file("backupEnded.xml"), Found::There { .. }));
}

#[test]
fn a_folder_about_a_computer_that_is_none_makes_every_file_untrusted() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup", "<a/>");
    account.write("incoming/.sepiola_backup", "<a/>");
    for computer in account.computers() {
        let (_, reason) = untrusted(computer.file("scheduler.xml"));
        assert!(reason.contains(".sepiola_backup is a plain file, not a folder"), "{reason}");
    }
    assert_eq!(account.computers().len(), 2);
}

#[test]
fn a_pipe_a_socket_and_a_folder_are_no_files_and_nobody_waits_for_them() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/scheduler.xml/x", "");
    let folder = account.path("incoming/pc/.sepiola_backup");
    let pipe = folder.join("backupStarted.xml");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let _socket = UnixListener::bind(folder.join("backupEnded.xml")).unwrap();
    let said = FILES.map(|name| untrusted(account.computer().file(name)).1);
    for (said, kind) in said.iter().zip(["a named pipe", "a socket", "a folder"]) {
        assert!(said.contains(&format!(" is {kind}, not a plain file: ")), "{said}");
    }
}

#[test]
fn a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not() {
    let account = Account::new();
    let limit = usize::try_from(FILE_MAX_BYTES).unwrap();
    account.write("incoming/pc/.sepiola_backup/backupStarted.xml", vec![b'a'; limit]);
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", vec![b'a'; limit + 1]);
    let computer = account.computer();
    let Found::There { bytes, .. } = computer.file("backupStarted.xml") else {
        panic!("as large as it may be");
    };
    assert_eq!(bytes.len(), limit);
    let (kind, reason) = untrusted(computer.file("backupEnded.xml"));
    assert_eq!(kind, FailureKind::Malformed);
    assert!(reason.contains("backupEnded.xml is larger than 1048576 bytes"), "{reason}");
}

#[test]
fn a_sparse_file_of_a_tebibyte_is_not_read() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/scheduler.xml", "");
    let file = File::options().write(true).open(account.path("incoming/pc/.sepiola_backup/scheduler.xml"));
    file.unwrap().set_len(1 << 40).unwrap();
    untrusted(account.computer().file("scheduler.xml"));
}

#[test]
fn a_file_that_may_not_be_read_is_never_absent() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", "<a/>");
    let path = account.path("incoming/pc/.sepiola_backup/backupEnded.xml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    match account.computer().file("backupEnded.xml") {
        // The user of this test may read everything.
        Found::There { bytes, .. } if File::open(&path).is_ok() => assert_eq!(bytes, b"<a/>"),
        Found::Untrusted { kind, .. } => assert_eq!(kind, FailureKind::Denied),
        found @ (Found::Absent | Found::There { .. }) => panic!("{found:?}"),
    }
}

#[rstest]
#[case("")]
#[case(".")]
#[case("..")]
#[case("../../../secret")]
#[case("a/b")]
#[case("/etc/hostname")]
#[case("a\0b")]
fn a_name_that_could_lead_elsewhere_is_no_file(#[case] name: &str) {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/a/b", SECRET);
    let (kind, reason) = untrusted(account.computer().file(name));
    assert_eq!(kind, FailureKind::Malformed);
    assert!(reason.contains("is no name of a file"), "{reason}");
}

#[test]
fn a_computer_that_went_away_since_it_was_listed_is_not_one_without_files() {
    let account = Account::new();
    account.write("incoming/pc/.sepiola_backup/backupEnded.xml", "<a/>");
    let computer = account.computer();
    fs::remove_dir_all(account.path("incoming/pc")).unwrap();
    let (kind, reason) = untrusted(computer.file("backupEnded.xml"));
    assert_eq!(kind, FailureKind::Unreachable);
    assert!(reason.contains("incoming/pc is missing"), "{reason}");
}
