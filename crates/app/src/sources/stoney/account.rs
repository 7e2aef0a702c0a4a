//! What does one account hold, and how do its computers fare?
//!
//! Blocks on the disk and knows no directory server: an [`Account`] says where to look. What goes wrong here is a failure
//! of this account, and of no other.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lastgood_core::id::Name;
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

/// Why nothing can be seen of an account whose entry says too little.
pub const NO_HOME: &str =
    "its entry states no home; set the attribute of its home, or name it in `attributes`";

/// What one look needs to know of every account.
#[derive(Clone)]
pub struct Looking<'a> {
    /// Where the customers' file system is mounted, if not at `/`.
    pub root: Option<&'a Path>,
    /// What is the same for every computer.
    pub look: Look<'a>,
}

/// What was seen of an account.
pub struct Seen {
    /// What it states.
    pub stated: RepositoryObservation,
    /// What could not be seen.
    pub failures: Vec<Failure>,
    /// The last success of each computer that its own files state.
    pub successes: Vec<(Name, Timestamp)>,
}

/// Reads what the computers of an account say: a few small files each. Its sizes are [`sizes`].
pub fn computers(account: &Account, looking: &Looking<'_>) -> Seen {
    let home = match home_of(account, looking.root) {
        Ok(home) => home,
        Err(trouble) => return unseen(account, looking, trouble),
    };
    let listed = match home.computers() {
        Ok(listed) => listed,
        Err(trouble) => return unseen(account, looking, trouble),
    };
    let stated = described(account, looking.look.keep);
    let mut seen = Seen { stated, failures: Vec::new(), successes: Vec::new() };
    for computer in &listed {
        let (asset, mut troubles) = observe(account, computer, &looking.look, &mut seen.successes);
        seen.stated.assets.push(asset);
        seen.failures.append(&mut troubles);
    }
    seen
}

/// An account whose computers could not be read.
pub fn unseen(account: &Account, looking: &Looking<'_>, trouble: TreeError) -> Seen {
    let mut stated = described(account, looking.look.keep);
    stated.listing = Extent::Failed;
    Seen { stated, failures: vec![failure(account, trouble)], successes: Vec::new() }
}

/// Walks through all files of an account.
pub fn sizes(
    account: &Account,
    root: Option<&Path>,
    measuring: &Measuring,
) -> Result<Measured, MeasureError> {
    let home = home_of(account, root);
    let home =
        home.map_err(|TreeError { kind, reason }| MeasureError { kind, reason, regular_file_seen: false })?;
    measure(&home, measuring)
}

/// Adds the sizes to what was seen, and whether the account was ever used. Of an account whose computers could not be read
/// now, sizes that were measured before say nothing: its disk may be gone.
pub fn fill(seen: &mut Seen, account: &Account, sizes: Result<Measured, MeasureError>, keep: Keep) {
    let is_seen = seen.stated.listing != Extent::Failed;
    let file_seen = match &sizes {
        Ok(_) if !is_seen => None,
        Ok(measured) => Some(measured.regular_file_seen),
        Err(error) => error.regular_file_seen.then_some(true),
    };
    seen.stated.used_ever = if account.was_backed_up() { Some(true) } else { file_seen };
    match sizes {
        // Why it cannot be read was said already.
        Ok(_) | Err(_) if !is_seen => {}
        Ok(Measured { incoming_bytes, snapshots_bytes, .. }) => {
            seen.stated.space.used = Stated::Value(incoming_bytes.saturating_add(snapshots_bytes));
            if keep == Keep::Everything {
                seen.stated.details.push(("bytes of incoming", incoming_bytes.to_string().into()));
                seen.stated.details.push(("bytes of .snapshots", snapshots_bytes.to_string().into()));
            }
        }
        Err(MeasureError { kind, reason, .. }) => {
            seen.failures.push(failure(account, TreeError { kind, reason }));
        }
    }
}

fn home_of(account: &Account, root: Option<&Path>) -> Result<Home, TreeError> {
    let path = account
        .home
        .as_deref()
        .ok_or_else(|| TreeError { kind: FailureKind::Malformed, reason: NO_HOME.to_owned() })?;
    Home::open(root, path)
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
    let observed = state::observe(&COMPUTER, computer.name().clone(), &files, look);
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

pub(super) fn failure(account: &Account, trouble: TreeError) -> Failure {
    let TreeError { kind, reason } = trouble;
    Failure { place: Place::repository(Name::new(account.uid.as_bytes())), kind, reason }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lastgood_core::ownership::Ownership;

    use super::*;

    #[test]
    fn sizes_of_before_say_nothing_where_nothing_can_be_read_now() {
        let account = Account {
            uid: "3723707".into(),
            dn: "uid=3723707".into(),
            home: None,
            name: "".into(),
            provisioned_at: None,
            quota: Figure::Value(1024),
            level: Figure::Value(85),
            last_successes: Vec::new(),
            backup_size: Figure::Absent,
            increment_size: Figure::Absent,
            ownership: Arc::new(Ownership::default()),
        };
        let least_clients = BTreeMap::new();
        let look = Look { at: Timestamp::UNIX_EPOCH, least_clients: &least_clients, keep: Keep::Judged };
        let looking = Looking { root: None, look };
        let measured = Measured { incoming_bytes: 8, snapshots_bytes: 0, regular_file_seen: true };
        let mut seen = computers(&account, &looking);
        assert_eq!((seen.stated.listing, seen.failures.len()), (Extent::Failed, 1));
        fill(&mut seen, &account, Ok(measured), Keep::Judged);
        assert_eq!((seen.stated.space.used, seen.stated.used_ever), (Stated::Missing, None));
        seen.stated.listing = Extent::Complete;
        fill(&mut seen, &account, Ok(measured), Keep::Judged);
        assert_eq!((seen.stated.space.used, seen.stated.used_ever), (Stated::Value(8), Some(true)));
    }
}
