//! How long after `lastgood serve` is started is it ready, with 100 000 assets stored?
//!
//! The program itself: it looks at ten portals, each a file of a simulated fleet, and is ended and started again. Ready is
//! when `/readyz` says that everything was judged. `cargo bench -p lastgood --bench start` prints it; `cargo test` starts
//! it with few assets.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use lastgood_simulator::Fleet;

/// How many portals, and how many machines an appliance has.
const PORTALS: usize = 10;
const MACHINES: usize = 16;
/// How often something is asked that is waited for.
const GLANCE: Duration = Duration::from_millis(5);
/// How often that is asked before it has failed.
const GLANCES_MAX: u32 = 60_000;

fn main() {
    let is_benching = std::env::args().any(|argument| argument == "--bench");
    let (appliances, rounds) = if is_benching { (625, 7) } else { (2, 2) };
    let folder = tempfile::tempdir().expect("a folder");
    let port = write(folder.path(), appliances);
    let first = Daemon::start(folder.path());
    until(|| seen_count(port) == Some(PORTALS));
    let count = asset_count(port).expect("it answers");
    assert!(count > 0);
    first.end();
    println!("{count} assets");
    for round in 1..=rounds {
        let began = clock();
        let daemon = Daemon::start(folder.path());
        until(|| get(port, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
        println!("round {round}: ready after {:.3} s", (clock() - began).as_secs_f64());
        assert_eq!(asset_count(port), Some(count), "all that was known is judged at once");
        daemon.end();
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn clock() -> Instant {
    Instant::now()
}

/// Writes the fleets and the configuration; returns the port it names.
fn write(folder: &Path, appliances: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let mut text = format!("[serve]\ndatabase = 'db'\nlisten = '127.0.0.1:{port}'\n");
    for portal in 0..PORTALS {
        let fleet = Fleet::seeded(portal as u64, appliances, MACHINES, lastgood::clock::now());
        let file = File::create(folder.join(format!("portal{portal}.xml"))).expect("a file");
        let mut out = BufWriter::new(file);
        fleet.write_xml_tree_a(&mut out).and_then(|()| out.flush()).expect("it is written");
        let _ = write!(
            text,
            "[[source]]\nname = 'portal{portal}'\nkind = 'datto-xml'\nlocation = 'portal{portal}.xml'\ninterval = '1h'\n"
        );
    }
    fs::write(folder.join("lastgood.toml"), text).expect("a configuration");
    port
}

/// The daemon; dropping it kills it.
struct Daemon(Child);

impl Daemon {
    fn start(folder: &Path) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command.arg("serve").arg("--config").arg(folder.join("lastgood.toml")).stderr(log);
        Self(command.spawn().expect("it starts"))
    }

    /// Asks it to end and waits for that.
    fn end(mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(asked.expect("kill starts").success());
        assert!(self.0.wait().expect("our own child").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(holds: impl Fn() -> bool) {
    for _ in 0..GLANCES_MAX {
        if holds() {
            return;
        }
        std::thread::sleep(GLANCE);
    }
    panic!("it does not come to that");
}

/// How many portals were seen; `None` while nobody answers.
fn seen_count(port: u16) -> Option<usize> {
    let page = get(port, "/metrics")?;
    let is_seen = |line: &&str| {
        line.starts_with("lastgood_look{source=\"portal") && line.ends_with("state=\"complete\"} 1")
    };
    Some(page.lines().filter(is_seen).count())
}

/// How many assets the daemon has judged; `None` while nobody answers.
fn asset_count(port: u16) -> Option<usize> {
    let page = get(port, "/metrics")?;
    let counts =
        page.lines().filter(|line| line.starts_with("lastgood_subjects{") && line.contains("type=\"asset\""));
    Some(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum())
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
