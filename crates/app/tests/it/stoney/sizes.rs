//! Does `account-size` ask the directory for accounts, and say what `du` and a client would?

use std::fs;
use std::process::Command;

use lastgood_simulator::stoney::{Directory, End};

use super::world::{World, clients, run_of};

const MIB: u64 = 1 << 20;

/// Three accounts that share nothing, the second with files in a snapshot too, the third without a quota; and one that is
/// not live.
fn world() -> World {
    let mut directory = Directory::default();
    directory.put(directory.account("3700001").set("sstQuota", &["5368709120"]));
    directory.put(directory.account("3700002").set("sstQuota", &["1073741824"]));
    directory.put(directory.account("3700003").without("sstQuota"));
    directory.put(directory.account("3700004").set("sstIsActive", &["FALSE"]));
    let world = World::new(directory);
    world.write("", "", "");
    for (uid, size) in [("3700001", 3 * MIB), ("3700002", 2 * MIB), ("3700003", MIB)] {
        let [sepiola, _] = clients();
        let pc = world.computer(uid, "pc");
        pc.back_up(&run_of(sepiola, 30, End::Clean)).expect("a writable folder");
        pc.file("kept", usize::try_from(size).expect("a size")).expect("a file");
        if uid == "3700002" {
            world.home(uid).snapshot("daily.0").expect("a writable folder");
            fs::remove_file(pc.path().join("kept")).expect("ours to remove");
        }
    }
    world
}

/// What `du` says of both folders together.
fn du(world: &World, uid: &str) -> [u64; 2] {
    let mut du = Command::new("du");
    du.args(["-s", "-B1", "incoming", ".snapshots"]).current_dir(world.home_path(uid));
    let said = String::from_utf8(du.output().expect("it starts").stdout).expect("text");
    let size = |line: &str| line.split('\t').next().expect("a size").parse().expect("a number");
    let [incoming, snapshots] = said.lines().map(size).collect::<Vec<_>>()[..] else { panic!("{said}") };
    [incoming, snapshots]
}

#[test]
fn every_live_account_of_the_directory_is_measured_as_du_does() {
    let world = world();
    let ran = world.run(&["account-size", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let document = ran.json();
    let mut found: Vec<_> = document.as_array().expect("a list").iter().collect();
    found.sort_by_key(|account| account["uid"].as_str().map(str::to_owned));
    let uids: Vec<_> = found.iter().map(|account| account["uid"].as_str().expect("a text")).collect();
    assert_eq!(uids, ["3700001", "3700002", "3700003"], "{}", ran.text());
    for (account, quota) in found.into_iter().zip([Some(5 << 30), Some(1 << 30), None::<u64>]) {
        let uid = account["uid"].as_str().expect("a text");
        assert_eq!(account["quota_bytes"].as_u64(), quota, "{account}");
        let said = ["incoming_bytes", "snapshots_bytes"].map(|key| account[key].as_u64().expect("bytes"));
        assert_eq!(said, du(&world, uid), "{account}");
    }
}

#[test]
fn some_accounts_can_be_named_and_one_that_is_not_there_is_a_mistake() {
    let world = world();
    let ran = world.run(&["account-size", "3700002", "--format", "json"]);
    assert_eq!((ran.code, ran.json().as_array().map(Vec::len)), (0, Some(1)), "{}", ran.text());
    assert_eq!(ran.json()[0]["uid"], "3700002");
    let ran = world.run(&["account-size", "3799999"]);
    assert_ne!(ran.code, 0, "{}", ran.text());
    assert!(ran.stderr.contains("3799999"), "{}", ran.text());
}

#[test]
fn a_client_reads_quota_backup_and_snapshots_in_whole_mebibytes() {
    let world = world();
    for (uid, quota) in [("3700001", 5 * 1024), ("3700002", 1024)] {
        let ran = world.run(&["account-size", uid, "--format", "quota"]);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{}", ran.text());
        let numbers: Vec<u64> =
            ran.stdout.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let [said, incoming, snapshots] = numbers[..] else { panic!("{}", ran.text()) };
        assert_eq!(said, quota, "{}", ran.text());
        let [of_incoming, of_snapshots] = du(&world, uid);
        for (said, bytes) in [(incoming, of_incoming), (snapshots, of_snapshots)] {
            assert!((bytes / MIB..=bytes.div_ceil(MIB)).contains(&said), "{bytes}: {}", ran.text());
        }
    }
}

#[test]
fn a_directory_that_is_down_is_said_and_nothing_is_printed() {
    let world = world();
    world.slapd.kill().expect("it can be killed");
    for format in ["table", "json", "quota"] {
        let ran = world.run(&["account-size", "3700001", "--format", format]);
        assert_eq!((ran.code != 0, ran.stdout.as_str()), (true, ""), "{}", ran.text());
        assert!(ran.stderr.contains(&world.slapd.url()), "{}", ran.text());
    }
}

/// The level is that of the directory: what takes exactly that share of the quota is ok, one block more is not.
#[test]
fn exactly_at_the_level_is_ok_and_one_block_more_is_bad() {
    let world = world();
    let uid = "3700001";
    let dn = world.directory.account_dn(uid);
    let used: u64 = du(&world, uid).iter().sum();
    let quota_of = |bytes: u64| world.slapd.set(&dn, "sstQuota", &[&bytes.to_string()]).expect("it is set");
    world.slapd.set(&dn, "sstNotificationWarningLevel", &["80"]).expect("it is set");
    // Sizes are multiples of 512 bytes, so that four fifths of a quota can be one exactly.
    quota_of(used / 4 * 5);
    let outcome = |world: &World| world.outcomes().1[&(format!("stoney/{uid}"), "quota".to_owned())].clone();
    assert_eq!(outcome(&world), "ok");
    world.computer(uid, "pc").file("one block more", 1).expect("a file");
    assert!(du(&world, uid).iter().sum::<u64>() > used);
    assert_eq!(outcome(&world), "bad");
    let used: u64 = du(&world, uid).iter().sum();
    quota_of(used / 4 * 5 - 1);
    assert_eq!(outcome(&world), "bad", "a byte less of quota");
    quota_of(used / 4 * 5);
    assert_eq!(outcome(&world), "ok");
}
