//! `lastgood account-size`: what do accounts take on the disk?
//!
//! It measures and prints; it judges nothing and needs no daemon.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use lastgood_core::id::{Escaped, SourceId};
use lastgood_core::observation::FailureKind;

use super::looking::{Trouble, complain, runtime};
use super::output::print;
use crate::config::{self, Request, Surroundings};
use crate::exit::Exit;
use crate::measure::{MeasureError, Measured, Measuring, Progress, measure};
use crate::report::sizes::{AccountSize, SizesFormat, sizes};
use crate::sources::SourceConfig;
use crate::sources::stoney::account::NO_HOME;
use crate::sources::stoney::accounts::{Account, Figure};
use crate::sources::stoney::{self, Stoney};
use crate::tree::{Home, TreeError};

/// What stands below the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood account-size                                        every account of the directory
  lastgood account-size 3723707 --format quota                 the line that clients read from /bin/getQuota
  lastgood account-size --home /srv/home/a --home /srv/home/b  two homes, without asking any directory";

/// How often the bar is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The accounts to measure, as the directory calls them [default: all of them]
    #[arg(value_name = "UID")]
    uids: Vec<String>,
    /// The configuration file [default: `$LASTGOOD_CONFIG`, else /etc/lastgood/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Measure this home, without asking a directory; may be given several times
    #[arg(long = "home", value_name = "DIR", conflicts_with_all = ["uids", "config"])]
    homes: Vec<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    format: SizesFormat,
}

/// An account that is to be measured.
struct AccountHome {
    /// What the directory calls it; `None` where only its home was named.
    uid: Option<String>,
    /// Its home as it was named.
    home: String,
    /// Who named it.
    place: Place,
    /// What it may take; `None` where nobody has said so.
    quota_bytes: Option<u64>,
    /// True if somebody has said what it may take, and that is no number.
    is_quota_unreadable: bool,
}

/// Who named a home.
enum Place {
    /// Somebody at a terminal.
    Terminal(PathBuf),
    /// A directory, for a file system that is mounted here, if not at `/`.
    Directory(Option<PathBuf>),
    /// Nobody: its entry is not taken for an account, or names no home, and this is why.
    Refused(String),
}

/// Why nothing is measured.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(
        "the configuration has no source of the kind stoney, whose directory lists accounts; name homes with --home DIR"
    )]
    NoDirectory,
    #[error("the accounts of {source_id} could not be listed: {why}")]
    NotListed {
        /// The source.
        source_id: SourceId,
        /// Why, and what to do.
        why: String,
    },
    #[error("the directory lists no account {0} that is in use; `lastgood check` prints all of them")]
    NoAccount(String),
    #[error("the directory states a quota of the account that is no number of bytes; correct it")]
    QuotaUnreadable,
    #[error("--format quota says the sizes of exactly one account, not of {0}: name one")]
    NotOne(usize),
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    answer(arguments).map_or_else(|exit| exit, |()| Exit::AllOk).code()
}

fn answer(arguments: &Arguments) -> Result<(), Exit> {
    let accounts = if arguments.homes.is_empty() {
        accounts(arguments.config.as_deref(), &arguments.uids)?
    } else {
        arguments.homes.iter().map(|home| AccountHome::named(home)).collect()
    };
    if arguments.format == SizesFormat::Quota && accounts.len() != 1 {
        return Err(complain(&Refused::NotOne(accounts.len()), Exit::Usage));
    }
    if arguments.format == SizesFormat::Quota && accounts[0].is_quota_unreadable {
        return Err(complain(&Refused::QuotaUnreadable, Exit::SomethingUnknown));
    }
    let bar = bar(accounts.len());
    let measured: Vec<_> = accounts.into_iter().map(|account| size_of(account, &bar)).collect();
    bar.finish_and_clear();
    print(arguments.format.is_styled(), |out| sizes(&measured, arguments.format, out))?;
    let mut missed = measured.iter().filter_map(|account| account.error.as_deref());
    match (missed.next(), arguments.format) {
        (None, _) => Ok(()),
        // What a client reads has no room for it.
        (Some(error), SizesFormat::Quota) => Err(complain(&Missed(error), Exit::SomethingUnknown)),
        (Some(_), SizesFormat::Table | SizesFormat::Json) => Err(Exit::SomethingUnknown),
    }
}

/// Why an account could not be measured, in words that are escaped already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Missed<'a>(&'a str);

/// Asks the directories of the configuration for accounts: those named, else all.
fn accounts(config: Option<&Path>, uids: &[String]) -> Result<Vec<AccountHome>, Exit> {
    let request = Request { file: config, ..Request::default() };
    let config = config::load(&request, &Surroundings::real());
    let config = config.map_err(|error| complain(&error, Exit::Usage))?;
    let hosts: Vec<SourceConfig> =
        config.sources.into_iter().filter(|source| source.entry.kind.id == stoney::KIND.id).collect();
    if hosts.is_empty() {
        return Err(complain(&Refused::NoDirectory, Exit::Usage));
    }
    let runtime = runtime().map_err(Trouble::say)?;
    let mut accounts = Vec::new();
    for host in hosts {
        let (source_id, root) = (host.id.clone(), host.root.clone());
        let host = Stoney::open(host).map_err(|error| complain(&error, Exit::Usage))?;
        let listed = runtime.block_on(host.accounts()).map_err(|error| {
            complain(&Refused::NotListed { source_id, why: error.reason }, Exit::SomethingUnknown)
        })?;
        let listed_accounts = listed.accounts.iter();
        accounts.extend(listed_accounts.map(|account| AccountHome::listed(account, root.clone())));
        if uids.is_empty() {
            accounts.extend(listed.refused.into_iter().map(AccountHome::refused));
        }
    }
    if uids.is_empty() {
        return Ok(accounts);
    }
    let is_listed = |uid: &&String| accounts.iter().any(|account| account.uid.as_ref() == Some(*uid));
    if let Some(missing) = uids.iter().find(|uid| !is_listed(uid)) {
        return Err(complain(&Refused::NoAccount(Escaped(missing).to_string()), Exit::Usage));
    }
    accounts.retain(|account| account.uid.as_ref().is_some_and(|uid| uids.contains(uid)));
    Ok(accounts)
}

impl AccountHome {
    /// An account of which only the home is known.
    fn named(home: &Path) -> Self {
        let shown = home.to_string_lossy().into_owned();
        Self {
            uid: None,
            home: shown,
            place: Place::Terminal(home.to_owned()),
            quota_bytes: None,
            is_quota_unreadable: false,
        }
    }

    /// An account of a directory.
    fn listed(account: &Account, root: Option<PathBuf>) -> Self {
        let quota_bytes = match account.quota {
            Figure::Value(bytes) if bytes > 0 => Some(bytes),
            Figure::Value(_) | Figure::Absent | Figure::Unreadable => None,
        };
        let place = match account.home {
            Some(_) => Place::Directory(root),
            None => Place::Refused(NO_HOME.to_owned()),
        };
        let home = account.home.as_deref().unwrap_or_default().to_owned();
        let is_quota_unreadable = account.quota == Figure::Unreadable;
        Self { uid: Some(account.uid.to_string()), home, place, quota_bytes, is_quota_unreadable }
    }

    /// An entry of a directory that is not taken for an account.
    fn refused((dn, why): (Box<str>, String)) -> Self {
        Self {
            uid: None,
            home: dn.into(),
            place: Place::Refused(why),
            quota_bytes: None,
            is_quota_unreadable: false,
        }
    }

    fn open(&self) -> Result<Home, TreeError> {
        match &self.place {
            Place::Refused(why) => Err(TreeError { kind: FailureKind::Malformed, reason: why.clone() }),
            Place::Terminal(path) => Home::named(path),
            Place::Directory(root) => Home::open(root.as_deref(), &self.home),
        }
    }
}

/// Measures one account; why that is not possible is part of the answer.
fn size_of(account: AccountHome, bar: &ProgressBar) -> AccountSize {
    let home = account.open().map_err(|error| error.reason);
    let measured = home.and_then(|home| watched(&home, bar).map_err(|error| error.reason));
    bar.inc(1);
    let sizes = measured.as_ref().ok();
    AccountSize {
        uid: account.uid,
        home: account.home,
        quota_bytes: account.quota_bytes,
        incoming_bytes: sizes.map(|sizes| sizes.incoming_bytes),
        snapshots_bytes: sizes.map(|sizes| sizes.snapshots_bytes),
        error: measured.err(),
    }
}

/// Measures, and shows on a terminal how far that is.
fn watched(home: &Home, bar: &ProgressBar) -> Result<Measured, MeasureError> {
    let measuring = Measuring::default();
    std::thread::scope(|scope| {
        let (end, has_ended) = channel::<Infallible>();
        let (measuring, progress) = (&measuring, &measuring.progress);
        let walk = scope.spawn(move || {
            let _end = end;
            measure(home, measuring)
        });
        while has_ended.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
            bar.set_message(seen_so_far(progress));
            bar.tick();
        }
        walk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn seen_so_far(progress: &Progress) -> String {
    format!("{} entries, {}", HumanCount(progress.entry_count()), HumanBytes(progress.bytes()))
}

/// A bar on standard error where that is a terminal; elsewhere it is never seen.
fn bar(account_count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} of {len} measured; {msg}");
    let bar = ProgressBar::new(account_count as u64);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
