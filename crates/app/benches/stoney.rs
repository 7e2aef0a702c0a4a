//! How long does a look at a stoney backup server with 20 000 accounts take, and how many LDAP operations does it need?
//!
//! A real slapd with accounts, people and resellers, a home with one computer and its three files for each account, and
//! the real source, whose sizes are measured at the first look and known at the second. Beside it `ldapsearch`, which
//! reads the same entries by the same pages, and `du`, which walks through the same homes.
//! `cargo bench -p lastgood --bench stoney` prints it; `cargo test` runs it once with few accounts and small pages.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use lastgood::config::Config;
use lastgood::pipeline::Opened;
use lastgood::sources::{self, Keep};
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::fold;
use lastgood_core::judge::judge;
use lastgood_core::observation::{Collection, Extent};
use lastgood_core::verdict::Outcome;
use lastgood_simulator::stoney::{
    Client, Directory, End, Home, Plan, Run, SizeLimit, Slapd, SlapdOptions, Wall,
};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many resellers share the accounts.
const RESELLERS: u32 = 50;

/// Each of so many accounts is one whose newest run failed.
const FAILED_OF: u32 = 10;

/// How much is looked at.
#[derive(Clone, Copy)]
struct Size {
    accounts: u32,
    /// How many entries a page has.
    page: u32,
    rounds: u32,
}

const LARGE: Size = Size { accounts: 20_000, page: 1000, rounds: 5 };
const SMALL: Size = Size { accounts: 600, page: 100, rounds: 1 };

impl Size {
    /// The most operations a look may need: one for each half a page of accounts, and 20.
    fn operations_max(self) -> usize {
        (self.accounts / (self.page / 2) + 20) as usize
    }
}

#[tokio::main]
async fn main() {
    let size = if std::env::args().any(|argument| argument == "--bench") { LARGE } else { SMALL };
    let root = tempfile::tempdir().expect("a folder");
    let began = clock();
    let entries = host(size.accounts, root.path());
    let options =
        SlapdOptions { entries, size_limit: SizeLimit::PerPage(size.page), ..SlapdOptions::default() };
    let slapd = Slapd::start(options).unwrap_or_else(|error| panic!("{error}"));
    println!("{} accounts are set up in {:.0} ms", size.accounts, milliseconds(began));
    // What that took in memory does not count: the peak is measured anew from here (proc(5)).
    std::fs::write("/proc/self/clear_refs", "5").expect("our own peak");
    for round in 1..=size.rounds {
        look_twice(&slapd, root.path(), size, round).await;
        println!("  ldapsearch, the same entries by the same pages: {:.0} ms", ldapsearch(&slapd, size));
        println!("  du -s of all homes: {:.0} ms", du(root.path()));
    }
    println!("{} KiB in memory at most", memory_kibibytes());
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

fn milliseconds(since: Instant) -> f64 {
    (clock() - since).as_secs_f64() * 1000.0
}

/// The most memory this program had.
fn memory_kibibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Looks with a source that was just opened, and again; each look is held to the limit of operations.
async fn look_twice(slapd: &Slapd, root: &Path, size: Size, round: u32) {
    let opened = Opened::new(source(slapd, root, size)).expect("nothing is missing");
    for what in ["sizes measured", "sizes known"] {
        let before = slapd.operation_count();
        let began = clock();
        let seen = opened.look(noon(), Keep::Judged).await;
        let looked = milliseconds(began);
        let operation_count = slapd.operation_count() - before;
        let (judged, bad_count) = judged(seen, size);
        println!(
            "round {round}, {what}: looked in {looked:.0} ms, judged in {judged:.0} ms, {operation_count} LDAP operations \
             (at most {})",
            size.operations_max()
        );
        assert!(operation_count <= size.operations_max(), "{operation_count} operations");
        assert_eq!(bad_count, (size.accounts / FAILED_OF) as usize, "the runs that failed, and nothing else");
    }
}

/// Judges what was seen; returns how long that took in milliseconds, and how many verdicts are bad.
fn judged(seen: Collection, size: Size) -> (f64, usize) {
    assert!(seen.failures.is_empty(), "{:?}", seen.failures.first());
    assert_eq!((seen.listing, seen.repositories.len()), (Extent::Complete, size.accounts as usize));
    let began = clock();
    let facts = fold(vec![seen]);
    let expectations = Expectations::new(checks::thresholds_of, Vec::new());
    let judgement = judge(&facts, &expectations, noon());
    let verdicts = judgement.subjects().flat_map(|(_, verdicts)| verdicts);
    let bad_count = verdicts.filter(|verdict| verdict.outcome == Outcome::Bad).count();
    (milliseconds(began), bad_count)
}

fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("an instant")
}

fn source(slapd: &Slapd, root: &Path, size: Size) -> sources::SourceConfig {
    let text = format!(
        "[[source]]\nname = 'stoney'\nkind = 'stoney'\ndirectory = 'ldap'\nroot = '{}'\n\
         [directory.ldap]\nservers = ['{}']\nbase = '{}'\ntls = 'none'\npage_size = {}\n",
        root.display(),
        slapd.url(),
        slapd.base(),
        size.page,
    );
    let config = Config::from_text(&root.join("lastgood.toml"), &text, &sources::ALL).expect("it is valid");
    config.sources.into_iter().next().expect("a source")
}

/// Makes the entries of a directory, and the homes of its accounts below a folder.
fn host(account_count: u32, root: &Path) -> String {
    let mut directory = Directory::default();
    for number in 0..RESELLERS {
        let uid = reseller(number);
        directory.put(directory.reseller(&uid));
        directory.put(directory.settings(&uid));
        let to = format!("support@{uid}.example.org");
        directory.put(directory.notifications(&uid, &[&to], &["quota", "unsuccessful", "nobackup"]));
    }
    for number in 0..account_count {
        let person = (5_000_000 + number).to_string();
        directory.put(directory.person(&person, &format!("petra{number}@example.org")));
        let account = directory
            .account(&(6_000_000 + number).to_string())
            .with("sstBelongsToPersonUID", &person)
            .with("sstBelongsToResellerUID", reseller(number % RESELLERS));
        let home = Home::make(root, account.value("homeDirectory").expect("every account has one"));
        back_up(&home.expect("a home"), number);
        directory.put(account);
    }
    directory.ldif()
}

fn reseller(number: u32) -> String {
    (4_000_000 + number).to_string()
}

/// Leaves what a run of the night before leaves, by either family of clients.
fn back_up(home: &Home, number: u32) {
    let client = if number.is_multiple_of(2) { Client::perl("2.0.11") } else { Client::sepiola("2.7.1") };
    let run = Run {
        id: client.run_id(number.into()),
        client,
        plan: Plan::daily(20, 0),
        started: Wall::at("2026-03-01T20:00:00", "+01:00"),
        ended: Wall::at("2026-03-01T20:15:00", "+01:00"),
        end: if number.is_multiple_of(FAILED_OF) { End::Failed } else { End::Clean },
    };
    home.computer("pc.example.org").and_then(|computer| computer.back_up(&run)).expect("its files");
}

/// Reads every entry with the program of Debian's package ldap-utils; how long it took in milliseconds.
fn ldapsearch(slapd: &Slapd, size: Size) -> f64 {
    let mut command = Command::new("ldapsearch");
    command.args(["-x", "-LLL", "-H", &slapd.url(), "-b", slapd.base()]).env("LDAPNOINIT", "1");
    command.args(["-E", &format!("pr={}/noprompt", size.page), "(objectClass=*)"]);
    timed(&mut command)
}

fn du(root: &Path) -> f64 {
    timed(Command::new("du").arg("-s").arg(root))
}

fn timed(command: &mut Command) -> f64 {
    let began = clock();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(ended.expect("it is installed: ./test installs it, as root").success(), "{command:?} failed");
    milliseconds(began)
}
