//! Is there a slapd to ask? A stoney backup server with a few accounts: a directory in a real slapd, and the customers'
//! folders with what their clients left in them.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use lastgood_simulator::stoney::{
    Client, Computer, Directory, End, Entry, Home, Plan, Run, Slapd, SlapdOptions, Wall,
};
use tokio::sync::oneshot;

use super::configuration::HOMES;

/// The account that fills: its customer has an address of their own, and reads German.
pub(super) const FULL: &str = "3723707";
pub(super) const FULL_TO: &str = "it@muster.example";

/// The account in which a backup fails: its customer is a person of the directory.
pub(super) const FAILING: &str = "3723708";
pub(super) const FAILING_TO: &str = "petra@beispiel.example";
const PERSON: &str = "4000102";

/// The account that was never used, and the one whose client is too old. Their customers want no warnings.
pub(super) const UNUSED: &str = "3723709";
const OUTDATED: &str = "3723710";

/// The reseller of all of them.
const RESELLER: &str = "4000000";
pub(super) const RESELLER_TO: &str = "support@reseller.example";
const RESELLER_FROM: &str = "Reseller Backup <backup@reseller.example>";

/// How much an account may hold, how much it holds, and how much comes to that: 60 %, then 90 %. More than 85 % is too much.
const QUOTA_BYTES: u64 = 10 * 1024 * 1024;
const USED_BYTES: u64 = QUOTA_BYTES / 10 * 6;
const MORE_BYTES: u64 = QUOTA_BYTES / 10 * 3;
const MORE: &str = "holidays.tar";

/// How long ago the accounts were provisioned, the newest run of each began, and how long a run takes.
const PROVISIONED: SignedDuration = SignedDuration::from_hours(30 * 24);
const NIGHT: SignedDuration = SignedDuration::from_hours(3);
const RUN: SignedDuration = SignedDuration::from_secs(2);

/// A server that runs until this is dropped.
pub(super) struct Hoster {
    slapd: Slapd,
    full: Computer,
    failing: Computer,
}

/// A server that is being set up on a thread of its own.
pub(super) struct Coming {
    /// The server; an error says why there is none.
    pub(super) server: oneshot::Receiver<Result<Hoster, String>>,
    thread: JoinHandle<()>,
}

impl Coming {
    /// Waits until nothing of it is under way any more: what nobody has taken by then is gone after this.
    pub(super) fn end(self) {
        let Self { server, thread } = self;
        drop(server);
        // A panic was told by the thread itself.
        let _ = thread.join();
    }
}

impl Hoster {
    /// Begins to set it up, as things stand at `now`, with its homes below `folder`.
    pub(super) fn begin(folder: PathBuf, now: Timestamp) -> Coming {
        let (made, server) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let hoster = Self::start(&folder, now).map_err(|error| match error.kind() {
                ErrorKind::NotFound => error.to_string(),
                _ => format!("it cannot be set up: {}", lastgood_core::id::Escaped(&error.to_string())),
            });
            // Nobody waits for it any more where the demonstration has ended.
            drop(made.send(hoster));
        });
        Coming { server, thread }
    }

    fn start(folder: &Path, now: Timestamp) -> io::Result<Self> {
        let root = folder.join(HOMES);
        let directory = directory();
        let home = |account: &Entry| {
            Home::make(&root, account.value("homeDirectory").expect("every account has one"))
        };
        let [full, failing, unused, outdated] = accounts(&directory, now);
        let full_at = home(&full)?.computer("server.muster.example")?;
        let failing_at = home(&failing)?.computer("laptop")?;
        let outdated_at = home(&outdated)?.computer("kasse")?;
        home(&unused)?;
        let began_at = now - NIGHT;
        full_at.back_up(&run(Client::perl("2.0.11"), began_at, End::Clean))?;
        write(&full_at.path().join("documents.tar"), USED_BYTES)?;
        failing_at.back_up(&run(Client::sepiola("2.7.1"), began_at, End::Clean))?;
        outdated_at.back_up(&run(Client::perl("2.0.5"), began_at, End::Clean))?;
        let all = [full, failing, unused, outdated].into_iter().fold(directory, Directory::with);
        let slapd = Slapd::start(SlapdOptions { entries: all.ldif(), ..SlapdOptions::default() })?;
        Ok(Self { slapd, full: full_at, failing: failing_at })
    }

    /// Where its directory answers.
    pub(super) fn url(&self) -> String {
        self.slapd.url()
    }

    /// One account fills.
    pub(super) fn fill(&self) -> io::Result<()> {
        write(&self.full.path().join(MORE), MORE_BYTES)
    }

    /// And has room again.
    pub(super) fn make_room(&self) -> io::Result<()> {
        std::fs::remove_file(self.full.path().join(MORE))
    }

    /// A backup of the other one ends, as of now.
    pub(super) fn back_up(&self, end: End, now: Timestamp) -> io::Result<()> {
        self.failing.back_up(&run(Client::sepiola("2.7.1"), now - RUN, end))
    }
}

/// A reseller, who stands in for all others, and a person.
fn directory() -> Directory {
    let directory = Directory::default();
    let reseller = directory.reseller(RESELLER).set("sstIsDefault", &["TRUE"]);
    let settings = directory.settings(RESELLER).set("sstMailFrom", &[RESELLER_FROM]);
    let tasks = ["unsuccessful", "upgrade", "nobackup"];
    let notifications = directory.notifications(RESELLER, &[RESELLER_TO], &tasks);
    let person = directory.person(PERSON, FAILING_TO);
    [reseller, settings, notifications, person].into_iter().fold(directory, Directory::with)
}

/// [`FULL`], [`FAILING`], [`UNUSED`] and [`OUTDATED`]. Customers hear of the first run that fails.
fn accounts(directory: &Directory, now: Timestamp) -> [Entry; 4] {
    let quota = QUOTA_BYTES.to_string();
    let written = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let provisioned = written(now - PROVISIONED);
    let success = format!("laptop:{}", written(now - NIGHT + RUN));
    let account = |uid: &str, name: &str| {
        let account = directory.account(uid).set("gecos", &[name]).set("sstQuota", &[&quota]);
        let account = account.set("sstProvisioningState", &[&provisioned]);
        account.set("sstBackupWarningNumbers", &["1"]).with("sstBelongsToResellerUID", RESELLER)
    };
    let silent = |account: Entry| account.set("sstBackupWarningOn", &["FALSE"]);
    [
        account(FULL, "Muster AG").with("mail", FULL_TO).with("preferredLanguage", "de-CH"),
        account(FAILING, "Beispiel Ltd.")
            .with("sstBelongsToPersonUID", PERSON)
            .set("sstBackupLastSuccessfulBackup", &[&success]),
        silent(account(UNUSED, "Neu GmbH").with("sstBelongsToPersonUID", PERSON)),
        silent(account(OUTDATED, "Altbau KG").with("mail", "altbau@example.org")),
    ]
}

/// A run of a client in Bern in winter, planned for every day at the time of the night's run.
fn run(client: Client, began_at: Timestamp, end: End) -> Run {
    let zone = TimeZone::fixed(Offset::constant(1));
    let (started, ended) = (Wall::of(began_at, &zone), Wall::of(began_at + RUN, &zone));
    let planned = started.local.time();
    Run {
        id: client.run_id(began_at.as_second().unsigned_abs()),
        plan: Plan::daily(planned.hour().unsigned_abs(), planned.minute().unsigned_abs()),
        client,
        started,
        ended,
        end,
    }
}

/// Writes a file that no file system makes smaller.
fn write(path: &Path, size_bytes: u64) -> io::Result<()> {
    let mut noise = File::open("/dev/urandom")?.take(size_bytes);
    io::copy(&mut noise, &mut File::create(path)?).map(drop)
}
