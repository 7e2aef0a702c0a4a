//! How long does `lastgood account-size` take on 1 000 000 files, beside `du -s` and `diskus`, and in how much memory?
//!
//! Two homes: one whose files have one name each, and one where every file has a second name in a snapshot. All run in
//! turn, with everything the kernel knows of the files in memory, and must find the same sum. `diskus` runs where it is in
//! `PATH` (`cargo install diskus`). `cargo bench -p lastgood --bench account_size` prints it; `cargo test` runs it once
//! with few files.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many files a folder has.
const FOLDER_FILES: usize = 100;
/// How many threads make the files.
const MAKERS: usize = 2;
/// How often the memory of a running program is asked for.
const GLANCE: Duration = Duration::from_millis(2);

fn main() {
    let is_benching = std::env::args().any(|argument| argument == "--bench");
    let (files, rounds) = if is_benching { (1_000_000, 9) } else { (1000, 1) };
    let top = tempfile::tempdir().expect("a folder");
    let plain = top.path().join("plain");
    make(&plain, files, Names::One);
    compare("one name each", &plain, files, rounds);
    let linked = top.path().join("linked");
    make(&linked, files / 2, Names::Two);
    compare("two names each", &linked, files, rounds);
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

/// How many names a file has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    One,
    Two,
}

/// Makes a home of empty files.
fn make(home: &Path, files: usize, names: Names) {
    fs::create_dir_all(home.join(".snapshots")).expect("snapshots");
    let folders = files / FOLDER_FILES;
    std::thread::scope(|scope| {
        for maker in 0..MAKERS {
            let mine = (maker..folders).step_by(MAKERS);
            scope.spawn(move || mine.for_each(|folder| make_folder(home, folder, names)));
        }
    });
}

fn make_folder(home: &Path, number: usize, names: Names) {
    let place = format!("pc/{}/{number}", number / FOLDER_FILES);
    let folder = home.join("incoming").join(&place);
    let snapshot = home.join(".snapshots/daily.0").join(&place);
    fs::create_dir_all(&folder).expect("a folder");
    if names == Names::Two {
        fs::create_dir_all(&snapshot).expect("a folder");
    }
    for file in 0..FOLDER_FILES {
        let path = folder.join(format!("file {file}.jpg"));
        File::create(&path).expect("a file");
        if names == Names::Two {
            fs::hard_link(&path, snapshot.join(format!("file {file}.jpg"))).expect("a second name");
        }
    }
}

/// Something that measures a home.
struct Measurer {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Where in its answer the sums stand.
    sum: fn(&str) -> u64,
}

const MEASURERS: [Measurer; 3] = [
    Measurer {
        name: "lastgood account-size",
        program: env!("CARGO_BIN_EXE_lastgood"),
        arguments: &["account-size", "--home", ".", "--format", "json"],
        sum: |answer| {
            let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
            let bytes = |field| answer[0][field].as_u64().expect("a number");
            bytes("incoming_bytes") + bytes("snapshots_bytes")
        },
    },
    Measurer {
        name: "du -s",
        program: "du",
        arguments: &["-s", "-B1", "incoming", ".snapshots"],
        sum: |answer| {
            let sizes = answer.lines().filter_map(|line| line.split('\t').next()?.parse::<u64>().ok());
            sizes.sum()
        },
    },
    Measurer {
        name: "diskus",
        program: "diskus",
        arguments: &["incoming", ".snapshots"],
        sum: |answer| answer.trim().parse().expect("a number"),
    },
];

impl Measurer {
    fn start(&self, home: &Path) -> Option<Child> {
        let mut command = Command::new(self.program);
        command.args(self.arguments).current_dir(home).stdout(Stdio::piped()).spawn().ok()
    }

    /// What it found, and how long it took in milliseconds; `None` where it is not installed.
    fn run(&self, home: &Path) -> Option<(u64, f64)> {
        let began = clock();
        let output = self.start(home)?.wait_with_output().expect("it ends");
        let took = (clock() - began).as_secs_f64() * 1000.0;
        assert!(output.status.success(), "{} failed", self.name);
        Some(((self.sum)(&String::from_utf8(output.stdout).expect("text")), took))
    }

    /// The most memory it was seen to have, in KiB.
    fn memory_kibibytes(&self, home: &Path) -> u64 {
        let mut child = self.start(home).expect("it ran before");
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().expect("our own child").is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            most = most.max(now.unwrap_or(0));
            std::thread::sleep(GLANCE);
        }
        most
    }
}

/// Runs all in turn and prints the median of each, beside ours.
fn compare(what: &str, home: &Path, files: usize, rounds: usize) {
    let installed: Vec<_> = MEASURERS.iter().filter(|measurer| measurer.run(home).is_some()).collect();
    let mut took = vec![Vec::new(); installed.len()];
    let mut sums = Vec::new();
    for _ in 0..rounds {
        for (measurer, took) in installed.iter().zip(&mut took) {
            let (sum, milliseconds) = measurer.run(home).expect("it ran before");
            took.push(milliseconds);
            sums.push(sum);
        }
    }
    sums.dedup();
    println!("{files} names of files, {what}; median of {rounds}:");
    let ours = median(&mut took[0]);
    for (measurer, took) in installed.iter().zip(&mut took) {
        let median = median(took);
        let (ratio, memory) = (median / ours, measurer.memory_kibibytes(home));
        println!("  {:<22} {median:8.1} ms  {ratio:5.2} times ours  {memory:7} KiB at most", measurer.name);
    }
    assert_eq!(sums.len(), 1, "all find the same sum");
}

fn median(took: &mut [f64]) -> f64 {
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}
