//! How does a look that a script pushes become a Collection?
//!
//! [`read`] takes the JSON of a pushed look, strictly: what is not understood is refused and never overlooked, since it
//! may be what a verdict would hang on. It knows no token and no HTTP; the document is described in docs/push.md.

use std::collections::HashSet;

use jiff::Timestamp;
use lastgood_core::id::{Name, SourceId};
use lastgood_core::observation::{
    AssetObservation, Collection, Exemption, Extent, Failure, FailureKind, LastRun, Place,
    RepositoryObservation, Stated,
};

use self::document::{Instant, PushedAsset, PushedListing, PushedLook, PushedOutcome, PushedRepository};
use super::expected::Kinds;

mod document;

pub use document::schema;

/// The largest document, in bytes.
pub const DOCUMENT_MAX_BYTES: usize = 16 * 1024 * 1024;

/// So many assets may one document state, and so many repositories.
pub const ASSETS_MAX: usize = 100_000;

/// The longest key or name, in bytes.
const NAME_MAX_BYTES: usize = 500;

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON.
    #[error("this is no JSON: {0}")]
    Syntax(serde_json::Error),
    /// It is JSON, but not the document.
    #[error("this is not as documented: {0}")]
    Shape(serde_json::Error),
    /// It is the document, but says what cannot be.
    #[error("{place}: {what}")]
    Nonsense {
        /// Which repository or asset, by its place in the document.
        place: String,
        /// What is wrong and what to write instead.
        what: String,
    },
}

impl From<serde_json::Error> for DocumentError {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::Shape(error),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Self::Syntax(error),
        }
    }
}

/// Reads a look at `source`; `now` is when it came, and when it began unless it says so. One that says that it began
/// later began when it came.
pub fn read(
    document: &[u8],
    source: SourceId,
    kinds: Kinds,
    now: Timestamp,
) -> Result<Collection, DocumentError> {
    let look: PushedLook = serde_json::from_slice(document)?;
    check_size(&look)?;
    let observed_at = look.observed_at.map_or(now, |at| at.0.min(now));
    let mut failures = Vec::new();
    if look.listing == PushedListing::Partial {
        failures.push(partial(Place::source(), "repositories"));
    }
    let mut keys = HashSet::new();
    let mut repositories = Vec::with_capacity(look.repositories.len());
    for (index, pushed) in look.repositories.into_iter().enumerate() {
        let place = format!("repositories[{index}]");
        let repository = repository(pushed, kinds, &place)?;
        once(&mut keys, &repository.key, &place)?;
        if repository.listing == Extent::Partial {
            failures.push(partial(Place::repository(repository.key.clone()), "assets"));
        }
        repositories.push(repository);
    }
    let listing = extent(look.listing);
    Ok(Collection { source, kind: kinds.source, observed_at, listing, repositories, failures })
}

fn check_size(look: &PushedLook) -> Result<(), DocumentError> {
    let assets: usize = look.repositories.iter().map(|repository| repository.assets.len()).sum();
    for (count, what) in [(look.repositories.len(), "repositories"), (assets, "assets")] {
        if count > ASSETS_MAX {
            let what = format!("{count} {what} are more than {ASSETS_MAX}; give some to another source");
            return Err(nonsense("repositories", what));
        }
    }
    Ok(())
}

fn repository(
    pushed: PushedRepository,
    kinds: Kinds,
    place: &str,
) -> Result<RepositoryObservation, DocumentError> {
    let (key, name) = names(pushed.key, pushed.name, place)?;
    let mut repository = RepositoryObservation::new(kinds.repository, key, name);
    repository.listing = extent(pushed.listing);
    repository.created_at = stated(pushed.created_at);
    repository.space.used = pushed.used_bytes.map_or(Stated::Missing, Stated::Value);
    repository.space.quota = pushed.quota_bytes.map_or(Stated::Missing, Stated::Value);
    repository.space_exempt = match (pushed.used_bytes, pushed.quota_bytes) {
        (Some(_), None) => Some(Exemption::NoCapacitySet),
        // A quota without what is used of it is unknown, which the check says.
        (_, Some(_)) | (None, None) => None,
    };
    let mut keys = HashSet::new();
    let is_filled = pushed.used_bytes.is_some_and(|bytes| bytes > 0);
    for (index, pushed) in pushed.assets.into_iter().enumerate() {
        let place = format!("{place}.assets[{index}]");
        let asset = asset(pushed, kinds, &place)?;
        once(&mut keys, asset.key(), &place)?;
        repository.assets.push(asset);
    }
    let has_good = repository.assets.iter().any(|asset| asset.last_good.value().is_some());
    repository.used_ever = Some(has_good || is_filled);
    Ok(repository)
}

/// What is left out about an offsite copy means that there is none to be expected.
fn asset(pushed: PushedAsset, kinds: Kinds, place: &str) -> Result<AssetObservation, DocumentError> {
    let (key, name) = names(pushed.key, pushed.name, place)?;
    let mut asset = AssetObservation::new(kinds.asset, name);
    if key != asset.name {
        asset.more.key = Some(key);
    }
    let mut succeeded_at = Stated::Missing;
    if let Some(run) = pushed.last_run {
        let at = run.at.map(|at| at.0);
        asset.last_run = match (run.outcome, run.in_row) {
            (PushedOutcome::Failed, in_row) => {
                LastRun::Failed { in_row: in_row.map_or(1, std::num::NonZeroU32::get), at }
            }
            (PushedOutcome::Succeeded, None) => {
                succeeded_at = at.map_or(Stated::Missing, Stated::Value);
                LastRun::Succeeded
            }
            (PushedOutcome::Succeeded, Some(_)) => {
                let what = "in_row counts failed runs; leave it out of one that succeeded".to_owned();
                return Err(nonsense(&format!("{place}.last_run"), what));
            }
        };
    }
    asset.last_good = pushed.last_good.stated().unwrap_or(succeeded_at);
    asset.last_offsite = pushed.last_offsite.stated().unwrap_or_default();
    asset.offsite_exempt = pushed.last_offsite.stated().is_none().then_some(Exemption::LocalOnly);
    if let Some(last_seen) = pushed.last_seen.stated() {
        asset.more.last_seen = last_seen;
    }
    asset.more.started_at = stated(pushed.started_at);
    asset.more.last_started = stated(pushed.last_started);
    asset.more.created_at = stated(pushed.created_at);
    Ok(asset)
}

fn names(key: String, name: Option<String>, place: &str) -> Result<(Name, Name), DocumentError> {
    let name = name.unwrap_or_else(|| key.clone());
    for (field, text) in [("key", &key), ("name", &name)] {
        if text.is_empty() || text.len() > NAME_MAX_BYTES {
            let what = format!("has {} bytes; write 1 to {NAME_MAX_BYTES}", text.len());
            return Err(nonsense(&format!("{place}.{field}"), what));
        }
    }
    Ok((Name::new(key), Name::new(name)))
}

fn once(keys: &mut HashSet<Name>, key: &Name, place: &str) -> Result<(), DocumentError> {
    if keys.insert(key.clone()) {
        return Ok(());
    }
    Err(nonsense(&format!("{place}.key"), format!("{key} stands here twice; give each a key of its own")))
}

fn stated(at: Option<Instant>) -> Stated<Timestamp> {
    at.map_or(Stated::Missing, |at| Stated::Value(at.0))
}

fn extent(listing: PushedListing) -> Extent {
    match listing {
        PushedListing::Complete => Extent::Complete,
        PushedListing::Partial => Extent::Partial,
    }
}

fn partial(place: Place, of: &str) -> Failure {
    let reason = format!(
        "whoever pushed this says that it is only a part of the list of {of}: see there why, and push all of it"
    );
    Failure { place, kind: FailureKind::Refused, reason }
}

fn nonsense(place: &str, what: String) -> DocumentError {
    DocumentError::Nonsense { place: place.to_owned(), what }
}

#[cfg(test)]
mod tests;
