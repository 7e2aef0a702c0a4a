//! Does what is written back agree with what is there, whatever becomes of slapd meanwhile, and only where it changed?

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use jiff::Timestamp;
use lastgood_simulator::stoney::{Directory, End};

use super::gate::{Cut, Gate};
use super::world::{World, ago, clients, run_of};

/// So many accounts, each with three computers.
const ACCOUNTS: usize = 4;

/// A name with a colon: what stands before the last one is the host.
const ODD: &str = "a:b c.example.org";

/// The last success of a computer that fails.
const EARLIER: &str = "failing:20260102T030405Z";

fn uid(number: usize) -> String {
    format!("{}", 3_700_000 + number)
}

/// How the directory states a success.
fn success(host: &str, at: Timestamp) -> String {
    format!("{host}:{}", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// What the directory must say of an account, its values sorted.
#[derive(Debug, PartialEq, Eq)]
struct Stated {
    backup: Vec<String>,
    increment: Vec<String>,
    successes: Vec<String>,
}

impl Stated {
    fn by_the_directory(world: &World, uid: &str) -> Self {
        let entry =
            world.slapd.entry(&world.directory.account_dn(uid)).expect("it answers").expect("an entry");
        let values = |attribute: &str| {
            let mut values: Vec<_> = entry.values(attribute).into_iter().map(str::to_owned).collect();
            values.sort();
            values
        };
        Self {
            backup: values("sstBackupSize"),
            increment: values("sstIncrementSize"),
            successes: values("sstBackupLastSuccessfulBackup"),
        }
    }

    /// Sizes as `du` says them.
    fn by_the_disk(world: &World, uid: &str, mut successes: Vec<String>) -> Self {
        let mut du = Command::new("du");
        du.args(["-s", "-B1", "incoming", ".snapshots"]).current_dir(world.home_path(uid));
        let said = String::from_utf8(du.output().expect("it starts").stdout).expect("text");
        let mut sizes = said.lines().map(|line| line.split('\t').next().expect("a size").to_owned());
        let mut next = || vec![sizes.next().expect("two sizes")];
        successes.sort();
        Self { backup: next(), increment: next(), successes }
    }
}

/// Accounts that succeeded by an odd host and failed by another; and what the directory must say of them in the end.
fn world() -> (World, Vec<Vec<String>>) {
    let mut directory = Directory::default();
    let newer = success("pc", ago(2));
    for number in 0..ACCOUNTS {
        let account = directory.account(&uid(number)).set("sstBackupWarningOn", &["FALSE"]);
        directory.put(match number {
            0 => account,
            1 => account.set("sstBackupLastSuccessfulBackup", &[EARLIER, &newer]),
            _ => account.set("sstBackupLastSuccessfulBackup", &[EARLIER, "pc:20260102T030405Z"]),
        });
    }
    let world = World::new(directory);
    let mut successes = Vec::new();
    for number in 0..ACCOUNTS {
        let [sepiola, perl] = clients();
        let (clean, odd) = (run_of(sepiola, 60, End::Clean), run_of(perl.clone(), 50, End::Vanished));
        let computer = |name: &str| world.computer(&uid(number), name);
        computer("pc").back_up(&clean).expect("a writable folder");
        computer("pc").file("data", 10_000 * (number + 1)).expect("a file");
        computer(ODD).back_up(&odd).expect("a writable folder");
        computer("failing").back_up(&run_of(perl, 40, End::Failed)).expect("a writable folder");
        world.home(&uid(number)).snapshot("daily.0").expect("a writable folder");
        computer("pc").file("data", 77_000).expect("a file");
        let mut of_account =
            vec![success("pc", clean.ended.timestamp()), success(ODD, odd.ended.timestamp())];
        if number > 0 {
            of_account.push(EARLIER.to_owned());
        }
        if number == 1 {
            of_account[0].clone_from(&newer);
        }
        successes.push(of_account);
    }
    (world, successes)
}

/// How many changes slapd was asked for.
fn changes(world: &World) -> usize {
    world.slapd.log().matches(" MOD dn=").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_measured_is_written_although_slapd_is_killed_again_and_again_and_only_once() {
    let (world, mut successes) = world();
    let gate = Gate::before(&world.slapd).await;
    world.write_for(&gate.url, "write_back = true", "", "");
    gate.set(Some(Cut::KilledBeforeChange(1)));
    let serving = world.serve();
    for cut in [Some(Cut::KilledAfterChange(1)), None] {
        serving.wait_until("slapd is killed", async || gate.is_cut()).await;
        gate.set(cut);
        world.slapd.restart().expect("it starts again");
    }
    let is_written = async |successes: &[Vec<String>]| {
        let mut accounts = successes.iter().enumerate();
        accounts.all(|(number, successes)| {
            let uid = uid(number);
            Stated::by_the_directory(&world, &uid) == Stated::by_the_disk(&world, &uid, successes.clone())
        })
    };
    serving.wait_until("everything is written", async || is_written(&successes).await).await;
    let before = changes(&world);
    world.looks(&serving, 1).await;
    assert_eq!(changes(&world), before, "nothing changed: {}", world.slapd.log());
    // One success of one account is one change of one entry.
    let [sepiola, _] = clients();
    let newer = run_of(sepiola, 6, End::Clean);
    let computer = world.computer(&uid(2), "pc");
    computer.back_up(&newer).expect("a writable folder");
    successes[2][0] = success("pc", newer.ended.timestamp());
    serving.wait_until("the new success is written", async || is_written(&successes).await).await;
    serving.stop().await;
    let log = world.slapd.log();
    assert_eq!(changes(&world), before + 1, "{log}");
    let no_size = |line: &str| line.contains(" MOD attr=") && line.contains("sstQuota");
    assert!(!log.lines().any(no_size), "three attributes are written and no other: {log}");
}

/// Names of computers that the directory may not take as they are; with each account one more that it does.
const NAMES: [&[&[u8]]; 5] =
    [&[], &[b"line\nbreak"], &[b"\xff"], &["\u{1f600}".as_bytes()], &[b":", b"a:20260101T000000Z"]];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_the_directory_does_not_take_keep_nothing_else_from_being_written() {
    assert_written_once(&NAMES).await;
}

/// One account for each list of names: the sizes and the success of a plain name are written, and written once.
async fn assert_written_once(lists: &[&[&[u8]]]) {
    let mut directory = Directory::default();
    for number in 0..lists.len() {
        directory.put(directory.account(&uid(number)).set("sstBackupWarningOn", &["FALSE"]));
    }
    let world = World::new(directory);
    let [sepiola, _] = clients();
    let run = run_of(sepiola, 60, End::Clean);
    for (number, names) in lists.iter().enumerate() {
        for name in names.iter().copied().chain([&b"plain"[..]]) {
            let computer = world.home(&uid(number)).computer(OsStr::from_bytes(name));
            computer.expect("a writable folder").back_up(&run).expect("a writable folder");
        }
    }
    world.write("write_back = true", "", "");
    let serving = world.serve();
    let plain = success("plain", run.ended.timestamp());
    world.looks(&serving, 1).await;
    let before = changes(&world);
    for (number, names) in lists.iter().enumerate() {
        let stated = Stated::by_the_directory(&world, &uid(number));
        let sizes = Stated::by_the_disk(&world, &uid(number), stated.successes.clone());
        assert!(stated.successes.contains(&plain), "{names:?}: {stated:?} {}", serving.log());
        assert_eq!(stated, sizes, "{names:?}");
    }
    world.looks(&serving, 1).await;
    assert_eq!(changes(&world), before, "{}", serving.log());
    serving.stop().await;
}

/// The directory compares values without case and takes several blanks for one: of two computers whose names are the same
/// to it, with a success at the same second, it takes one value. A name that begins with a blank keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_the_directory_takes_for_the_same_keep_nothing_else_from_being_written() {
    assert_written_once(&[&[b"PC", b"pc"], &[b"a  b", b"a b"], &[b" blank "]]).await;
}
