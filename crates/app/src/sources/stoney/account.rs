//! What does one account hold, and how do its computers fare?
//!
//! Blocks on the disk and knows no directory server: an [`Account`] says where to look. What goes wrong here is a failure
//! of this account, and of no other.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{
    AssetObservation, Exemption, Extent, Failure, FailureKind, Place, RepositoryObservation, Space, Stated,
};

use super::accounts::{Account, Figure};
use super::client::state::{self, ENDED_FILE, File, Files, Look, SCHEDULER_FILE, STARTED_FILE};
use super::client::{self, Untrusted};
use super::{ACCOUNT, COMPUTER};
use crate::measure::{MeasureError, Measured, Measuring, measure};
use crate::sources::Keep;
use crate::tree::{Computer, Found, Home, TreeError};

/// What one look needs to know of every account.
#[derive(Clone)]
pub struct Looking<'a> {
    /// Where the customers' file system is mounted, if not at `/`.
    pub root: Option<&'a Path>,
    /// What is the same for every computer.
    pub look: Look<'a>,
}

/// How the sizes of an account come to be known.
pub enum Size<'a> {
    /// They are measured now.
    Measure(&'a Measuring),
    /// They were measured not long ago.
    Known(Measured),
}

/// What was seen of an account.
pub struct Seen {
    /// What it states.
    pub stated: RepositoryObservation,
    /// What could not be seen.
    pub failures: Vec<Failure>,
    /// Its sizes; `None` where they could not be had.
    pub measured: Option<Measured>,
    /// The last success of each computer that its own files state.
    pub successes: Vec<(Name, Timestamp)>,
}

/// Looks at an account: its computers, then its sizes.
pub fn look(account: &Account, looking: &Looking<'_>, size: &Size<'_>) -> Seen {
    let Some(path) = account.home.as_deref() else {
        let reason = "its entry states no home; set the attribute of its home, or name it in `attributes`";
        let trouble = TreeError { kind: FailureKind::Malformed, reason: reason.to_owned() };
        return unseen(account, looking, trouble);
    };
    match Home::open(looking.root, path) {
        Ok(home) => in_home(account, &home, looking, size),
        Err(trouble) => unseen(account, looking, trouble),
    }
}

/// An account that could not be looked at at all.
pub fn unseen(account: &Account, looking: &Looking<'_>, trouble: TreeError) -> Seen {
    let mut stated = described(account, looking.look.keep);
    stated.listing = Extent::Failed;
    stated.used_ever = account.was_backed_up().then_some(true);
    stated.space.used = Stated::Missing;
    let failure = failure(account, trouble);
    Seen { stated, failures: vec![failure], measured: None, successes: Vec::new() }
}

fn in_home(account: &Account, home: &Home, looking: &Looking<'_>, size: &Size<'_>) -> Seen {
    let mut stated = described(account, looking.look.keep);
    let (mut failures, mut successes) = (Vec::new(), Vec::new());
    match home.computers() {
        Ok(computers) => {
            for computer in &computers {
                let (asset, mut troubles) = observe(account, computer, &looking.look, &mut successes);
                stated.assets.push(asset);
                failures.append(&mut troubles);
            }
        }
        Err(trouble) => {
            stated.listing = Extent::Failed;
            failures.push(failure(account, trouble));
        }
    }
    let sizes = match size {
        Size::Measure(measuring) => measure(home, measuring),
        Size::Known(measured) => Ok(*measured),
    };
    let file_seen = match &sizes {
        Ok(measured) => Some(measured.regular_file_seen),
        Err(error) => error.regular_file_seen.then_some(true),
    };
    stated.used_ever = if account.was_backed_up() { Some(true) } else { file_seen };
    let measured = match sizes {
        Ok(measured) => Some(measured),
        // That `incoming` cannot be read was said already.
        Err(_) if stated.listing == Extent::Failed => None,
        Err(MeasureError { kind, reason, .. }) => {
            failures.push(failure(account, TreeError { kind, reason }));
            None
        }
    };
    if let Some(measured) = measured {
        stated.space.used = Stated::Value(measured.incoming_bytes.saturating_add(measured.snapshots_bytes));
        if looking.look.keep == Keep::Everything {
            stated.details.push(("bytes of incoming", measured.incoming_bytes.to_string().into()));
            stated.details.push(("bytes of .snapshots", measured.snapshots_bytes.to_string().into()));
        }
    }
    Seen { stated, failures, measured, successes }
}

/// Reads what a computer's client wrote, and adds what the directory knows of its last success.
fn observe(
    account: &Account,
    computer: &Computer,
    look: &Look<'_>,
    successes: &mut Vec<(Name, Timestamp)>,
) -> (AssetObservation, Vec<Failure>) {
    let files = Files {
        started: read(computer, STARTED_FILE, client::started),
        ended: read(computer, ENDED_FILE, client::ended),
        scheduler: read(computer, SCHEDULER_FILE, client::scheduler),
    };
    let kind: &'static Kind = &COMPUTER;
    let observed = state::observe(kind, computer.name().clone(), &files, look);
    let (mut asset, mut failures) = (observed.asset, observed.failures);
    for failure in &mut failures {
        failure.place.repository = Some(Name::new(account.uid.as_bytes()));
    }
    if let Stated::Value(success) = asset.last_good {
        successes.push((computer.name().clone(), success));
    }
    let of_directory = account.last_success(computer.name().bytes(), look.at);
    if let Some(newest) = of_directory.max(asset.last_good.value()) {
        asset.last_good = Stated::Value(newest);
    }
    (asset, failures)
}

fn read<T>(computer: &Computer, name: &str, parse: fn(&[u8]) -> Result<T, Untrusted>) -> File<T> {
    match computer.file(name) {
        Found::Absent => File::Absent,
        Found::There { bytes, modified_at } => File::read(&bytes, modified_at, parse),
        Found::Untrusted { kind, reason, modified_at } => {
            File::Untrusted(state::Trouble { kind, reason, modified_at })
        }
    }
}

/// What the directory says of an account.
fn described(account: &Account, keep: Keep) -> RepositoryObservation {
    let key = Name::new(account.uid.as_bytes());
    let name = if account.name.trim().is_empty() { key.clone() } else { Name::new(account.name.as_bytes()) };
    let mut stated = RepositoryObservation::new(&ACCOUNT, key, name);
    stated.created_at = account.provisioned_at.map_or(Stated::Unreadable, Stated::Value);
    (stated.space, stated.space_exempt) = space(account);
    stated.thresholds = level(account).map(|level| ("quota_level", Some(level))).into_iter().collect();
    stated.ownership = Some(Arc::clone(&account.ownership));
    if keep == Keep::Everything {
        stated.details.push(("entry", account.dn.clone()));
        stated.details.push(("home", account.home.clone().unwrap_or_default()));
    }
    stated
}

/// Without a quota there is no share to judge; 0 is none. A quota, or a level of warning, that is no number leaves the
/// question open.
fn space(account: &Account) -> (Space, Option<Exemption>) {
    let quota = match account.quota {
        Figure::Absent | Figure::Value(0) => return (Space::default(), Some(Exemption::NoCapacitySet)),
        Figure::Unreadable => Stated::Unreadable,
        Figure::Value(_) if account.level != Figure::Absent && level(account).is_none() => Stated::Unreadable,
        Figure::Value(bytes) => Stated::Value(bytes),
    };
    (Space { quota, ..Space::default() }, None)
}

/// The level in hundredths of a percent.
fn level(account: &Account) -> Option<u32> {
    match account.level {
        Figure::Absent | Figure::Unreadable => None,
        Figure::Value(percent) => percent.checked_mul(100),
    }
}

fn failure(account: &Account, trouble: TreeError) -> Failure {
    let TreeError { kind, reason } = trouble;
    Failure { place: Place::repository(Name::new(account.uid.as_bytes())), kind, reason }
}
