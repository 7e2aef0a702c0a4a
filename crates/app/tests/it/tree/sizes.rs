//! Is what is measured what `du` says, and is nothing said where it cannot be known?

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use lastgood::measure::{Measured, Measuring, measure};
use lastgood_core::observation::FailureKind;
use rstest::rstest;
use rustix::fs::{CWD, FileType, Mode, OFlags};

use super::{Account, SECRET};
use crate::support::packages::program;

/// What `du` says of `incoming` and `.snapshots`; of the second nothing where it is missing.
pub(super) fn du(home: &Path) -> (u64, u64) {
    let mut command = Command::new(program("du"));
    command.args(["-s", "-B1", "incoming"]).current_dir(home);
    if home.join(".snapshots").symlink_metadata().is_ok() {
        command.arg(".snapshots");
    }
    let output = command.output().expect("du starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("du writes text");
    let mut sizes =
        text.lines().map(|line| line.split('\t').next().unwrap_or_default().parse().expect("a number"));
    (sizes.next().expect("a line for incoming"), sizes.next().unwrap_or(0))
}

/// Measures with one, two and many threads; all must agree.
#[track_caller]
pub(super) fn measured(account: &Account) -> Measured {
    let with = |threads| {
        let measuring = Measuring { threads, ..Measuring::default() };
        measure(&account.home(), &measuring).expect("it can be measured")
    };
    let [one, two, many] = [1, 2, 5].map(with);
    assert_eq!((one, one), (two, many));
    one
}

#[track_caller]
fn agrees_with_du(account: &Account) -> Measured {
    let measured = measured(account);
    assert_eq!((measured.incoming_bytes, measured.snapshots_bytes), du(&account.path("")));
    measured
}

fn link_hard(account: &Account, from: &str, to: &str) {
    let to = account.path(to);
    fs::create_dir_all(to.parent().expect("it has a folder")).expect("its folders");
    fs::hard_link(account.path(from), to).expect("a second name");
}

#[test]
fn a_file_with_several_names_is_counted_once_and_in_incoming_first() {
    let account = Account::new();
    account.write("incoming/pc/a", vec![1; 100_000]);
    account.write(".snapshots/daily.0/pc/only here", vec![1; 50_000]);
    let alone = agrees_with_du(&account);
    for to in ["incoming/pc/b", ".snapshots/daily.0/pc/a", ".snapshots/daily.1/pc/a"] {
        link_hard(&account, "incoming/pc/a", to);
    }
    link_hard(&account, ".snapshots/daily.0/pc/only here", ".snapshots/weekly.0/pc/only here");
    let linked = agrees_with_du(&account);
    assert_eq!(linked.incoming_bytes, alone.incoming_bytes);
    assert!(linked.snapshots_bytes - alone.snapshots_bytes < 50_000);
}

#[test]
fn holes_take_no_room_and_folders_and_links_do() {
    let account = Account::new();
    let empty = agrees_with_du(&account);
    account.write("incoming/sparse", "");
    File::options().write(true).open(account.path("incoming/sparse")).unwrap().set_len(1 << 40).unwrap();
    account.link("incoming/long link", "x".repeat(2000));
    fs::create_dir_all(account.path("incoming/empty/er")).unwrap();
    let full = agrees_with_du(&account);
    assert!(full.incoming_bytes > empty.incoming_bytes);
    assert!(full.incoming_bytes - empty.incoming_bytes < 1 << 20);
}

#[test]
fn no_snapshots_take_no_room() {
    let account = Account::new();
    let measured = agrees_with_du(&account);
    assert_eq!((measured.snapshots_bytes, measured.regular_file_seen), (0, false));
}

#[test]
fn snapshots_that_are_a_link_take_what_the_link_takes() {
    let account = Account::new();
    fs::write(account.target().join("large"), vec![1; 1_000_000]).unwrap();
    account.link(".snapshots", account.target());
    let measured = agrees_with_du(&account);
    assert!(measured.snapshots_bytes < 10_000);
    assert!(!measured.regular_file_seen, "what a link leads to is not seen");
}

#[test]
fn links_inside_the_tree_are_not_followed() {
    let account = Account::new();
    fs::write(account.target().join("large"), vec![1; 1_000_000]).unwrap();
    for (path, target) in [("incoming/a", account.target()), ("incoming/pc/b", "/".into())] {
        account.link(path, target);
    }
    account.link("incoming/pc/round", "../pc");
    account.link("incoming/file", account.target().join("large"));
    let measured = agrees_with_du(&account);
    assert!(measured.incoming_bytes < 100_000);
    assert!(!measured.regular_file_seen);
}

#[rstest]
#[case::in_incoming("incoming/a/b/c/d", true)]
#[case::in_snapshots(".snapshots/daily.0/x", true)]
#[case::beside_them("elsewhere/x", false)]
fn a_regular_file_is_seen_anywhere_below_both(#[case] path: &str, #[case] is_seen: bool) {
    let account = Account::new();
    fs::create_dir_all(account.path("incoming/.sepiola_backup/empty")).unwrap();
    account.link("incoming/link", "nothing");
    let pipe = account.path("incoming/pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let _socket = UnixListener::bind(account.path("incoming/socket")).unwrap();
    assert!(!agrees_with_du(&account).regular_file_seen);
    account.write(path, "");
    assert_eq!(agrees_with_du(&account).regular_file_seen, is_seen);
}

#[test]
fn snapshots_that_are_a_file_are_measured_and_are_no_file_below_them() {
    let account = Account::new();
    account.write(".snapshots", vec![1; 10_000]);
    assert!(!agrees_with_du(&account).regular_file_seen);
}

#[test]
fn a_folder_with_very_many_entries_is_measured_in_portions() {
    let account = Account::new();
    // Names as long as they get: the sub-directories are walked before the rest of the list is read.
    for number in 0..1500 {
        fs::create_dir(account.path(format!("incoming/{number:0>250}"))).unwrap();
        account.write(format!("incoming/{number:0>250}/x"), "x");
        account.write(format!("incoming/file{number}"), "");
    }
    agrees_with_du(&account);
}

/// Makes folders below each other, deeper than any path can name, with a sibling at each step.
pub(super) fn nest(top: &Path, depth: usize) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = rustix::fs::openat(CWD, top, flags, Mode::empty()).expect("the top opens");
    for _ in 0..depth {
        for name in ["down", "beside", "-"] {
            rustix::fs::mkdirat(at.as_fd(), name, Mode::from_raw_mode(0o700)).expect("a folder");
        }
        at = rustix::fs::openat(at.as_fd(), "down", flags, Mode::empty()).expect("it opens");
    }
}

#[test]
fn folders_nested_2000_deep_are_measured() {
    let account = Account::new();
    nest(&account.path("incoming"), 2000);
    let measured = agrees_with_du(&account);
    assert!(measured.incoming_bytes >= 2000 * 512);
    // Deeper than what removes the folder of a test can go by itself.
    let removed = Command::new(program("rm")).arg("-rf").arg(account.path("incoming")).status();
    assert!(removed.expect("rm starts").success());
}

#[rstest]
#[case::missing(None, FailureKind::Unreachable)]
#[case::a_link(Some(SECRET), FailureKind::Malformed)]
fn without_incoming_nothing_is_said_but_whether_a_file_was_seen(
    #[case] link: Option<&str>,
    #[case] kind: FailureKind,
) {
    let account = Account::new();
    fs::remove_dir(account.path("incoming")).unwrap();
    if link.is_some() {
        account.link("incoming", account.target());
    }
    let fail = || measure(&account.home(), &Measuring::default()).unwrap_err();
    assert_eq!((fail().kind, fail().regular_file_seen), (kind, false));
    assert!(!format!("{:?}", fail()).contains(SECRET));
    account.write(".snapshots/daily.0/x", "");
    assert!(fail().regular_file_seen);
}

#[test]
fn a_walk_that_is_stopped_gives_no_sum() {
    let account = Account::new();
    account.write("incoming/pc/x", "");
    let measuring = Measuring::default();
    measuring.stop.store(true, Ordering::Relaxed);
    let error = measure(&account.home(), &measuring).unwrap_err();
    assert_eq!(error.kind, FailureKind::TimedOut);
}

#[test]
fn progress_counts_every_entry() {
    let account = Account::new();
    account.write("incoming/pc/x", vec![1; 10_000]);
    account.link("incoming/pc/link", "x");
    account.write(".snapshots/daily.0/y", "");
    let measuring = Measuring::default();
    let measured = measure(&account.home(), &measuring).unwrap();
    assert_eq!(measuring.progress.entry_count(), 7);
    assert_eq!(measuring.progress.bytes(), measured.incoming_bytes + measured.snapshots_bytes);
}
