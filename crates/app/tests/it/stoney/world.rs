//! A stoney host of one test: a real slapd, the customers' homes, a configuration, and the program run on them.
//!
//! It knows no rule of the program: what it makes is what a hoster has on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lastgood_simulator::stoney::{
    Client, Computer, Directory, End, Home, Plan, Run, SizeLimit, Slapd, SlapdOptions, Wall, directory,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::binary::{self, Ran};

/// How long anything may take on a machine that is busy.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// How often a condition is looked at.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// A real directory, the folders it names below `homes`, and a configuration beside them.
pub(super) struct World {
    pub(super) slapd: Arc<Slapd>,
    pub(super) directory: Directory,
    folder: TempDir,
    port: u16,
}

impl World {
    /// Starts slapd with these entries. No home is there yet, and no configuration.
    pub(super) fn new(directory: Directory) -> Self {
        Self::with(directory, SlapdOptions { size_limit: SizeLimit::Unlimited, ..SlapdOptions::default() })
    }

    /// The same, of a slapd that limits what it gives, or to whom.
    pub(super) fn with(directory: Directory, options: SlapdOptions) -> Self {
        let options = SlapdOptions { entries: directory.ldif(), ..options };
        let slapd = Arc::new(Slapd::start(options).unwrap_or_else(|error| panic!("{error}")));
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        fs::write(folder.path().join("ldap.password"), slapd.service_password()).expect("a writable folder");
        let world = Self { slapd, directory, folder, port };
        fs::create_dir(world.path("homes")).expect("a writable folder");
        world
    }

    /// A path beside the configuration.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The home of an account, made where it is not there.
    pub(super) fn home(&self, uid: &str) -> Home {
        Home::make(&self.path("homes"), &directory::home(uid)).expect("a writable folder")
    }

    /// Where the home of an account lies.
    pub(super) fn home_path(&self, uid: &str) -> PathBuf {
        let inside = directory::home(uid).replace("/./", "/");
        self.path("homes").join(inside.trim_start_matches('/'))
    }

    /// The folder of a computer, made where it is not there.
    pub(super) fn computer(&self, uid: &str, name: &str) -> Computer {
        self.home(uid).computer(name).expect("a writable folder")
    }

    /// Writes the configuration: the source, with further keys of its own and of `[directory.ldap]`, then the rest.
    pub(super) fn write(&self, source: &str, ldap: &str, rest: &str) {
        self.write_for(&self.slapd.url(), source, ldap, rest);
    }

    /// The same, with another way to the directory.
    pub(super) fn write_for(&self, server: &str, source: &str, ldap: &str, rest: &str) {
        let (port, base, bind_dn) = (self.port, self.slapd.base(), self.slapd.service_dn());
        let text = format!(
            "[serve]\ndatabase = 'db'\nlisten = '127.0.0.1:{port}'\ntick = '1s'\nrepeat_after = 'off'\n\
             [[source]]\nname = 'stoney'\nkind = 'stoney'\ndirectory = 'ldap'\nroot = 'homes'\n\
             interval = '10s'\nstats_interval = '0s'\n{source}\n\
             [directory.ldap]\nservers = ['{server}']\nbase = '{base}'\ntls = 'none'\n\
             bind_dn = '{bind_dn}'\npassword_file = 'ldap.password'\n{ldap}\n{rest}"
        );
        fs::write(self.path("lastgood.toml"), text).expect("a writable folder");
    }

    /// Runs the program with this configuration.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        let config = self.path("lastgood.toml").display().to_string();
        binary::run(&[arguments, &["--config", &config]].concat())
    }

    /// What `check` says now: its exit code, and the outcome of each check of each subject.
    #[track_caller]
    pub(super) fn outcomes(&self) -> (i32, Outcomes) {
        let ran = self.run(&["check", "--format", "json"]);
        assert!((0..=2).contains(&ran.code), "{}", ran.text());
        (ran.code, outcomes(&ran.json()))
    }

    /// Waits for so many looks of the daemon from the beginning to the end: that many and one more begin.
    pub(super) async fn looks(&self, serving: &Serving, count: usize) {
        let before = self.begun();
        serving.wait_until("it looks again and again", async || self.begun() > before + count).await;
    }

    /// Starts the daemon anew, which looks at once, and waits until that look was judged.
    pub(super) async fn look_anew(&self, serving: Serving) -> Serving {
        let before = serving.looked_at().await;
        serving.stop().await;
        let serving = self.serve();
        serving.wait_until("it looks anew", async || serving.looked_at().await > before).await;
        serving
    }

    /// On how many connections accounts were searched for.
    fn begun(&self) -> usize {
        let searched = format!(" SRCH base=\"{}\" scope=2 ", self.directory.backup_base());
        let log = self.slapd.log();
        let connection =
            |line: &str| line.split_whitespace().find(|word| word.starts_with("conn=")).map(str::to_owned);
        log.lines()
            .filter(|line| line.contains(&searched))
            .filter_map(connection)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Starts the daemon.
    pub(super) fn serve(&self) -> Serving {
        let config = self.path("lastgood.toml").display().to_string();
        let log_path = self.path("log");
        let log = File::options().create(true).append(true).open(&log_path).expect("a log");
        let mut command = binary::program(&["serve", "--config", &config]);
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let child = command.spawn().expect("the program starts");
        Serving { child: Some(child), log_path, port: self.port }
    }
}

/// Outcomes by subject and check.
pub(super) type Outcomes = BTreeMap<(String, String), String>;

/// Reads the outcomes of a document of `check`.
fn outcomes(document: &Value) -> Outcomes {
    let subjects = document["subjects"].as_array().expect("a list");
    let rows = subjects.iter().flat_map(|subject| {
        let path = subject["subject"].as_str().expect("a text");
        let verdicts = subject["verdicts"].as_array().expect("a list");
        verdicts.iter().map(move |verdict| {
            let text = |key: &str| verdict[key].as_str().expect("a text").to_owned();
            ((path.to_owned(), text("check")), text("verdict"))
        })
    });
    rows.collect()
}

/// The daemon, killed where it is dropped.
pub(super) struct Serving {
    child: Option<Child>,
    log_path: PathBuf,
    port: u16,
}

impl Serving {
    /// What it said so far, in this and earlier runs.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap_or_default()
    }

    /// Asks for a page; `None` if nobody answers with 200.
    pub(super) async fn page(&self, path: &str) -> Option<String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().expect("a client");
        let answer = client.get(format!("http://127.0.0.1:{}{path}", self.port)).send().await.ok()?;
        if answer.status() == 200 { answer.text().await.ok() } else { None }
    }

    /// When it looked last, as `/metrics` says; `None` before that.
    async fn looked_at(&self) -> Option<String> {
        let page = self.page("/metrics").await?;
        let line = page.lines().find(|line| line.starts_with("lastgood_look_timestamp_seconds{"))?;
        line.split(' ').next_back().map(str::to_owned)
    }

    /// Waits until it has judged.
    pub(super) async fn ready(&self) {
        self.wait_until("it is ready", async || self.page("/readyz").await.is_some()).await;
    }

    /// Waits until something is so.
    pub(super) async fn wait_until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "not within {PATIENCE:?}: {what}; it said: {}", self.log());
    }

    /// Asks it to end and waits for that.
    pub(super) async fn stop(mut self) {
        let mut child = self.child.take().expect("it runs");
        let status = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        assert!(status.expect("kill starts").success());
        let ended = tokio::task::spawn_blocking(move || child.wait());
        let ended = tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time");
        let status = ended.expect("nobody panics").expect("our own child");
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// So long ago.
pub(super) fn ago(minutes: i64) -> Timestamp {
    lastgood::clock::now() - SignedDuration::from_mins(minutes)
}

/// A run of a client in Zurich that began so many minutes ago and took five, planned for every day at the time it began.
pub(super) fn run_of(client: Client, minutes_ago: i64, end: End) -> Run {
    let zone = TimeZone::get("Europe/Zurich").expect("a zone");
    let started = Wall::of(ago(minutes_ago), &zone);
    let (hour, minute) = (started.local.hour(), started.local.minute());
    let number = |of: i8| u8::try_from(of).expect("a time of the day");
    Run {
        id: client.run_id(u64::try_from(minutes_ago).expect("some time ago")),
        plan: Plan::daily(number(hour), number(minute)),
        started,
        ended: Wall::of(ago(minutes_ago - 5), &zone),
        end,
        client,
    }
}

/// A client of each family that is not outdated.
pub(super) fn clients() -> [Client; 2] {
    [Client::sepiola("2.7.1"), Client::perl("2.0.11")]
}
