//! What does a look at one repository come to, whatever program looked?
//!
//! Puts what was read into a Collection of one repository. It runs nothing and reads no output.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::{Name, SourceId};
use lastgood_core::kind::{Kind, SourceKind};
use lastgood_core::observation::{
    AssetObservation, Collection, Evidence, Exemption, Extent, Failure, Place, RepositoryObservation, Space,
    Stated,
};

use super::{Problem, Redaction, lock, repository_key, shown_location};
use crate::sources::{Keep, OpenError, SourceConfig};

/// How often the size is taken where nobody said otherwise: it costs reading the whole index.
const DEFAULT_STATS_INTERVAL: Duration = Duration::from_hours(24);

/// What is known of a repository before anybody looks.
#[derive(Debug)]
pub(in crate::sources) struct Repository {
    id: SourceId,
    source_kind: &'static SourceKind,
    kind: &'static Kind,
    key: String,
    location: String,
    /// Where locks lie, if the repository is on this machine.
    locks: Option<PathBuf>,
    capacity_bytes: Option<u64>,
    stats_interval: Duration,
    size_taken_at: Mutex<Option<Timestamp>>,
    redaction: Redaction,
}

/// What one look listed.
#[derive(Debug)]
pub(in crate::sources) struct Listed {
    /// Every asset.
    pub(in crate::sources) assets: Vec<AssetObservation>,
    /// How many backups of all assets were listed.
    pub(in crate::sources) backup_count: u64,
    /// Why the list is not complete; `None` if it is.
    pub(in crate::sources) not_read: Option<Problem>,
    /// Assets of which nothing sure can be said, and why.
    pub(in crate::sources) unsure: Vec<(Name, Problem)>,
    /// What the program remarked on the repository.
    pub(in crate::sources) evidence: Vec<Evidence>,
}

impl Repository {
    /// Takes what is configured; a location that no program could be given is a mistake. `locks` is the folder of a
    /// repository that holds its locks.
    pub(in crate::sources) fn new(
        config: &SourceConfig,
        (kind, locks): (&'static Kind, &str),
        redaction: Redaction,
    ) -> Result<Self, OpenError> {
        if config.location.contains('\0') {
            let why = "it holds a NUL byte; write the repository as its program takes it".to_owned();
            return Err(OpenError::Location { source_id: config.id.clone(), why });
        }
        Ok(Self {
            id: config.id.clone(),
            source_kind: config.entry.kind,
            kind,
            key: repository_key(&config.location),
            location: shown_location(&config.location),
            locks: lock::local_folder(&config.location).map(|folder| folder.join(locks)),
            capacity_bytes: config.capacity_bytes,
            stats_interval: config.stats_interval.unwrap_or(DEFAULT_STATS_INTERVAL),
            size_taken_at: Mutex::new(None),
            redaction,
        })
    }

    /// Says what could not be seen, without secrets. Done as the last step: a password may be a word of the very message
    /// that tells what is wrong.
    pub(in crate::sources) fn failure(&self, place: Place, Problem { kind, reason }: Problem) -> Failure {
        Failure { place, kind, reason: reason.said(&self.redaction) }
    }

    /// Takes the secrets out of a document.
    pub(in crate::sources) fn redacted_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.redaction.bytes(bytes)
    }

    /// Returns whether the size is due, and notes that it is taken: at the first look, then once per `stats_interval`.
    pub(in crate::sources) fn size_is_due(&self, at: Timestamp) -> bool {
        let mut taken_at = self.size_taken_at.lock().unwrap_or_else(PoisonError::into_inner);
        let interval = SignedDuration::try_from(self.stats_interval).unwrap_or(SignedDuration::MAX);
        let is_due = taken_at.is_none_or(|taken_at| at.duration_since(taken_at) >= interval);
        if is_due {
            *taken_at = Some(at);
        }
        is_due
    }

    /// A look that saw nothing.
    pub(in crate::sources) fn not_seen(&self, at: Timestamp, problem: Problem) -> Collection {
        let failure = self.failure(Place::source(), problem);
        Collection::failed(self.id.clone(), self.source_kind, at, failure)
    }

    /// Returns the locks on it, where that costs nothing and somebody will read of them.
    pub(in crate::sources) async fn lock(&self, keep: Keep) -> Option<Evidence> {
        let folder = self.locks.clone().filter(|_| keep == Keep::Everything)?;
        lock::held(folder).await
    }

    /// A look that saw at least something. `size` is `None` where it was not due.
    pub(in crate::sources) fn seen(
        &self,
        at: Timestamp,
        keep: Keep,
        listed: Listed,
        size: Option<Result<u64, Problem>>,
    ) -> Collection {
        let name = Name::new(&self.key);
        let mut repository = RepositoryObservation::new(self.kind, name.clone(), name.clone());
        repository.used_ever = Some(listed.backup_count > 0);
        if listed.not_read.is_some() {
            repository.listing = Extent::Partial;
        }
        let used = size.as_ref().and_then(|size| size.as_ref().ok().copied());
        repository.space = self.space(used);
        // Without a capacity there is no share to judge; the size is shown all the same.
        repository.space_exempt = self.capacity_bytes.is_none().then_some(Exemption::NoCapacitySet);
        if keep == Keep::Everything {
            let count = listed.backup_count.to_string();
            repository.details = vec![("location", self.location.as_str().into()), ("backups", count.into())];
        }
        repository.assets = listed.assets;
        repository.evidence = listed.evidence;
        for evidence in &mut repository.evidence {
            evidence.raw = self.redaction.text(&evidence.raw).into();
        }
        let size_problem = self.size_problem(size.and_then(Result::err), &mut repository.evidence);
        let here = Place::repository(name.clone());
        let whole = listed.not_read.into_iter().chain(size_problem).map(|problem| (here.clone(), problem));
        let of_asset = |(key, problem)| (Place { asset: Some(key), ..here.clone() }, problem);
        let problems = whole.chain(listed.unsure.into_iter().map(of_asset));
        let failure = |(place, problem)| self.failure(place, problem);
        Collection {
            source: self.id.clone(),
            kind: self.source_kind,
            observed_at: at,
            listing: Extent::Complete,
            failures: problems.map(failure).collect(),
            repositories: vec![repository],
        }
    }

    /// Says why the size is not there. Only a quota is judged by it: without one all that is judged was seen, and it is
    /// evidence.
    fn size_problem(&self, problem: Option<Problem>, evidence: &mut Vec<Evidence>) -> Option<Problem> {
        let Problem { kind, reason } = problem?;
        if self.capacity_bytes.is_some() {
            return Some(Problem { kind, reason: reason.behind("the size was not taken: ") });
        }
        let note = "the size was not taken; nothing is judged by it while no `capacity` is set";
        evidence.push(Evidence::new("size", None, &reason.said(&self.redaction), note));
        None
    }

    fn space(&self, used: Option<u64>) -> Space {
        let stated = |figure: Option<u64>| figure.map_or(Stated::Missing, Stated::Value);
        Space { used: stated(used), quota: stated(self.capacity_bytes), ..Space::default() }
    }
}
