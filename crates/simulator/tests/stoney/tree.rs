//! Do trees lie on disk as the server keeps them?

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use jiff::Timestamp;
use lastgood_simulator::stoney::{Client, End, Home, Plan, Run, Upload, Wall};

fn run(client: Client, end: End) -> Run {
    Run {
        id: client.run_id(7),
        client,
        plan: Plan::daily(20, 0),
        started: Wall::at("2026-03-02T20:00:05", "+01:00"),
        ended: Wall::at("2026-03-02T20:31:00", "+01:00"),
        end,
    }
}

#[test]
fn a_run_leaves_three_files_each_as_old_as_it_says() {
    let root = tempfile::tempdir().unwrap();
    let home = Home::make(root.path(), "/var/backup/7/707/723/3723707/chroot/./home/3723707").unwrap();
    assert_eq!(home.path(), root.path().join("var/backup/7/707/723/3723707/chroot/home/3723707"));
    for (name, client) in [("a b", Client::sepiola("2.7.1")), (".", Client::perl("2.0.9"))] {
        let computer = home.computer(name).unwrap();
        computer.back_up(&run(client.clone(), End::Clean)).unwrap();
        let modified: Vec<i64> =
            Upload::ALL.map(|upload| fs::metadata(computer.upload_path(upload)).unwrap().mtime()).to_vec();
        assert_eq!(modified, [1_772_478_005, 1_772_479_860, 1_772_478_005]);
        let ended = fs::read_to_string(computer.upload_path(Upload::Ended)).unwrap();
        assert_eq!(
            Some(ended),
            client.ended(run(client.clone(), End::Clean).ended, client.run_id(7), End::Clean)
        );
        assert_eq!(fs::read_dir(computer.upload_path(Upload::Ended).parent().unwrap()).unwrap().count(), 3);
        computer.touch(Upload::Ended, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(fs::metadata(computer.upload_path(Upload::Ended)).unwrap().mtime(), 0);
    }
}

#[test]
fn a_killed_run_leaves_no_end() {
    let root = tempfile::tempdir().unwrap();
    let computer = Home::make(root.path(), "/h").unwrap().computer("c").unwrap();
    computer.back_up(&run(Client::perl("2.0.9"), End::Killed)).unwrap();
    assert!(computer.upload_path(Upload::Scheduler).exists());
    assert!(!computer.upload_path(Upload::Ended).exists());
    computer.remove(Upload::Started).unwrap();
    assert!(!computer.upload_path(Upload::Started).exists());
}

#[test]
fn a_snapshot_shares_its_files_with_the_current_copy() {
    let root = tempfile::tempdir().unwrap();
    let home = Home::make(root.path(), "/h").unwrap();
    let computer = home.computer("c").unwrap();
    let file = computer.file("deep/inside/file", 10_000).unwrap();
    std::os::unix::fs::symlink("nowhere", computer.path().join("link")).unwrap();
    let snapshot = home.snapshot("daily.0").unwrap();
    let kept = fs::metadata(snapshot.join("c/deep/inside/file")).unwrap();
    assert_eq!((kept.ino(), kept.nlink()), (fs::metadata(file).unwrap().ino(), 2));
    assert!(kept.blocks() * 512 >= 10_000);
    assert!(fs::symlink_metadata(snapshot.join("c/link")).unwrap().is_symlink());
}
