//! Does the real daemon live, reload, end and survive as it promises?
//!
//! The program is started with a configuration of its own, driven over HTTP and signals, killed, and started again on the
//! same database.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use lastgood::push::key::KeyHash;
use lastgood::sources;
use lastgood::store::sqlite::{Options, Sqlite};
use reqwest::Client;
use tempfile::TempDir;

use crate::support::binary;

mod inbox;
mod jobs;
mod kill;
mod life;
mod post;
mod reload;
mod supervisor;
mod trouble;

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// The ping key of the source `jobs`.
const KEY: &str = "5f0c8a3e-9d0b-4c52-8f6e-0a4b7c1d2e3f";

/// A folder with a configuration, and the daemon that runs from it while there is one.
struct Daemon {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    client: Client,
    /// Given to every start.
    variables: Vec<(String, String)>,
    /// What every start is wrapped in, such as a shell that sets a limit first.
    wrapper: Vec<String>,
}

impl Daemon {
    /// A folder and a free port; nothing runs yet.
    fn new() -> Self {
        // A second start in one process (other tests) keeps the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(30)).no_proxy().build();
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            child: None,
            client: client.expect("a client"),
            variables: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration: where it serves, these settings of `[serve]`, then the rest.
    fn write(&self, serve: &str, rest: &str) {
        let port = self.port;
        let text =
            format!("[serve]\ndatabase = 'db'\nlisten = '127.0.0.1:{port}'\ntick = '1s'\n{serve}\n{rest}");
        fs::write(self.path("lastgood.toml"), text).expect("a writable folder");
    }

    /// Starts the daemon and returns at once.
    fn spawn(&mut self) {
        assert!(self.child.is_none(), "one at a time");
        let config = self.path("lastgood.toml").display().to_string();
        let arguments = ["serve", "--config", config.as_str()];
        let mut command = match &self.wrapper[..] {
            [] => binary::program(&arguments),
            [program, before @ ..] => {
                let mut command = Command::new(program);
                command.args(before).arg(env!("CARGO_BIN_EXE_lastgood")).args(arguments);
                binary::clean(&mut command);
                command
            }
        };
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let output = log.try_clone().expect("a second handle");
        command.stdout(output).stderr(log).envs(self.variables.iter().cloned());
        self.child = Some(command.spawn().expect("the program starts"));
    }

    /// Starts the daemon and waits until it has judged.
    async fn start(&mut self) {
        self.spawn();
        self.ready().await;
    }

    async fn ready(&mut self) {
        let waiting = async {
            while self.status("/readyz").await != Some(200) {
                if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                    panic!("it ended with {status}: {}", self.log());
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "it does not get ready: {}", self.log());
    }

    /// What it said on its output so far.
    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Asks and returns the status; `None` if nobody answered.
    async fn status(&self, path: &str) -> Option<u16> {
        let answer = self.client.get(self.url(path)).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.client.get(self.url(path)).send().await.expect("it answers");
        answer.text().await.expect("text")
    }

    /// Returns a number of `/metrics`; `None` if it is not there, or nobody answers.
    async fn number(&self, name: &str) -> Option<f64> {
        let page = self.client.get(self.url("/metrics")).send().await.ok()?.text().await.ok()?;
        number_in(&page, name)
    }

    /// Waits until a number of `/metrics` is as it should be.
    async fn wait_for(&self, name: &str, is_right: impl Fn(f64) -> bool) {
        let mut last = None;
        let waiting = async {
            loop {
                last = self.number(name).await;
                if last.is_some_and(&is_right) {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{name} stays {last:?}: {}", self.log());
    }

    fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends a signal, such as `TERM`.
    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill starts").success());
    }

    /// Kills it without a warning.
    fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
    }

    /// Waits until it has ended by itself; `None` if it does not in time.
    async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let child = self.child.as_mut().expect("it runs");
        let waiting = async {
            loop {
                if let Some(status) = child.try_wait().expect("our own child") {
                    return status;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let status = tokio::time::timeout(within, waiting).await.ok()?;
        self.child = None;
        Some(status)
    }

    /// Asks it to end and waits for that.
    async fn stop(&mut self) {
        self.signal("TERM");
        let status = self.ended(PATIENCE).await;
        assert!(status.is_some_and(|status| status.success()), "{status:?}: {}", self.log());
    }

    /// Opens the database of a daemon that has ended.
    async fn store(&self) -> Sqlite {
        assert!(self.child.is_none(), "it is in use");
        let find_kind = |word: &str| sources::find(word).map(|entry| entry.kind);
        Sqlite::open(Options::new(self.path("db"), find_kind)).await.expect("it is opened")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Finds a series without labels on a page of metrics.
fn number_in(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.split(' ').next() == Some(name))?;
    line.split(' ').nth(1)?.parse().ok()
}

/// A port nobody listens on. Somebody else may take it before it is used: then the test says that it is in use.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The source `jobs` with so many pings, `job000` and on, that may be silent for a month.
fn jobs(count: usize) -> String {
    let hash = KeyHash::of(KEY).hexadecimal();
    let mut text = format!("[[source]]\nname = 'jobs'\nkind = 'ping'\nping_key_hash = 'sha256:{hash}'\n");
    for number in 0..count {
        let _ = writeln!(text, "[[source.ping]]\nname = 'job{number:03}'\nperiod = '30d'");
    }
    text
}

/// A mail channel to a server on loopback that knows no TLS.
fn mail_channel(port: u16) -> String {
    format!(
        "[[channel]]\nname = 'mail'\nkind = 'mail'\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\n\
         from = 'lastgood@example.org'\n"
    )
}

/// The same, and ops who hear of everything.
fn mail_to(port: u16) -> String {
    mail_channel(port) + "[[owner]]\nrole = 'operator'\nto = ['mail:ops@example.org']\n"
}

/// An owner of its own for each job: whatever happens at one tick, each is told in a mail of its own.
fn owners(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let (job, to) = (format!("job{number:03}"), address(number));
        let _ =
            writeln!(text, "[[owner]]\nsubject = 'jobs/pings/{job}'\nrole = 'customer'\nto = ['mail:{to}']");
        text
    })
}

/// Where the owner of a job is told.
fn address(number: usize) -> String {
    format!("job{number:03}@many.example.org")
}

/// Finds a library of a real program that tests need, whatever the processor is.
fn library(name: &str) -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder");
    let found = folders.map(|folder| folder.expect("an entry").path().join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: install the Debian package faketime (as root, ./test does it)")
    })
}
