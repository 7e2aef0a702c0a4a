//! What did a source state at one look, and what could not be seen?
//!
//! A [`Collection`] is all of one look. It records absence, silence and nonsense as what they are: "could not look" is
//! not "saw nothing" is not "good". Nothing here judges, and nothing knows how the source was read.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use jiff::Timestamp;

use crate::client::Client;
use crate::id::{Name, SourceId};
use crate::kind::{Kind, SourceKind};
use crate::ownership::Ownership;
use crate::schedule::Schedule;
use crate::time::Seconds;

/// One value as the source stated it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stated<T> {
    /// The source said nothing: no such field, or an empty one.
    #[default]
    Missing,
    /// The source said that it never happened.
    Never,
    /// The source said something that cannot be read; the raw text is among the [`Evidence`].
    Unreadable,
    /// The source said this.
    Value(T),
}

impl<T: Copy> Stated<T> {
    /// Returns the value if there is one.
    pub fn value(&self) -> Option<T> {
        match *self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Never | Self::Unreadable => None,
        }
    }
}

/// The longest raw text that is kept as evidence, in bytes; what was cut is marked with `…`.
pub const EVIDENCE_MAX_BYTES: usize = 200;

/// Where a value came from, kept only where it was not read plainly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The field as the source calls it.
    pub field: &'static str,
    /// The line of the document, counted from 1, where the source has lines.
    pub line: Option<u64>,
    /// The text as it stood there, at most [`EVIDENCE_MAX_BYTES`].
    pub raw: Box<str>,
    /// How it was read, and why.
    pub note: &'static str,
}

impl Evidence {
    /// Keeps `raw`, cut to [`EVIDENCE_MAX_BYTES`].
    pub fn new(field: &'static str, line: Option<u64>, raw: &str, note: &'static str) -> Self {
        Self { field, line, raw: cut(raw, EVIDENCE_MAX_BYTES).into(), note }
    }
}

/// Cuts a text at a character border so that it has at most `max_bytes`, and marks the cut with `…`.
pub fn cut(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = (0..=max_bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// Why a subject, or one check of it, is not judged: the verdict is then `Ok` and names this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The repository is hidden in the portal, and its assets with it.
    Hidden,
    /// The asset is archived: kept, but no longer backed up.
    Archived,
    /// Its owner paused the backups of this asset.
    Paused,
    /// The service plan keeps backups on the appliance only.
    LocalOnly,
    /// The appliance lives in a cloud: what it holds is offsite already.
    CloudAppliance,
    /// No run was ever reported.
    NoRunYet,
    /// The source states no end of service or warranty.
    NoEndStated,
    /// The source states no storage figures.
    NoStorageStated,
    /// The source knows what is used but not how much may be, and no capacity is configured.
    NoCapacitySet,
    /// No run is planned, as far as the source states.
    NothingPlanned,
    /// The client did not say what it is.
    ClientNotStated,
    /// No least version is set for the client.
    NoLeastVersion,
}

impl Exemption {
    /// Every exemption, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Hidden,
        Self::Archived,
        Self::Paused,
        Self::LocalOnly,
        Self::CloudAppliance,
        Self::NoRunYet,
        Self::NoEndStated,
        Self::NoStorageStated,
        Self::NoCapacitySet,
        Self::NothingPlanned,
        Self::ClientNotStated,
        Self::NoLeastVersion,
    ];

    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Archived => "archived",
            Self::Paused => "paused",
            Self::LocalOnly => "local_only",
            Self::CloudAppliance => "cloud_appliance",
            Self::NoRunYet => "no_run_yet",
            Self::NoEndStated => "no_end_stated",
            Self::NoStorageStated => "no_storage_stated",
            Self::NoCapacitySet => "no_capacity_set",
            Self::NothingPlanned => "nothing_planned",
            Self::ClientNotStated => "client_not_stated",
            Self::NoLeastVersion => "no_least_version",
        }
    }

    /// Says it in words, as a fragment that fits "not judged: …".
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Hidden => "hidden in the portal",
            Self::Archived => "archived, no longer backed up",
            Self::Paused => "paused by its owner",
            Self::LocalOnly => "the service plan keeps no offsite copy",
            Self::CloudAppliance => "the appliance lives in a cloud",
            Self::NoRunYet => "no run was ever reported",
            Self::NoEndStated => "no end of service or warranty is stated",
            Self::NoStorageStated => "no storage figures are stated",
            Self::NoCapacitySet => "how much may be used is neither stated nor configured",
            Self::NothingPlanned => "no run is planned",
            Self::ClientNotStated => "no client is stated",
            Self::NoLeastVersion => "no least version is set for its client",
        }
    }
}

/// How the newest finished run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastRun {
    /// No run was ever reported.
    #[default]
    NoneYet,
    /// How it ended is stated, and cannot be read.
    Unreadable,
    /// It ended well.
    Succeeded,
    /// It did not end well.
    Failed {
        /// How many failed in a row, as far as the source tells; at least 1.
        in_row: u32,
        /// When the newest one ran, where stated.
        at: Option<Timestamp>,
    },
}

/// When runs of an asset are planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Every schedule there is; each of its instants is planned.
    pub schedules: Vec<Schedule>,
    /// Since when: instants up to and including this one count for nothing.
    pub since: Timestamp,
    /// How long after its planned instant a run may start; `None` leaves it to the threshold.
    pub grace: Option<Seconds>,
    /// True if what the source states of its plan cannot be read: nothing may be concluded from the rest then.
    pub is_unreadable: bool,
}

/// What is stated about the times of runs: one way to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// When the newest run that has not ended began; missing if none is under way.
    pub started_at: Stated<Timestamp>,
    /// When the newest run began, ended or not.
    pub last_started: Stated<Timestamp>,
    /// When runs are planned; `None` if the source states nothing of it.
    pub planned: Option<Arc<Planned>>,
}

/// What the source says of the newest verification (a test boot, a check of the file systems).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// When the newest one was.
    pub at: Stated<Timestamp>,
    /// True if any newest verification failed; false if none did or none has ended.
    pub failed: bool,
}

/// Storage figures of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// What is used.
    pub used: Stated<u64>,
    /// What is free.
    pub free: Stated<u64>,
    /// What may be used, where it is stated or configured; else it is used + free.
    pub quota: Stated<u64>,
    /// What the figures count.
    pub unit: SpaceUnit,
}

/// What storage figures count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpaceUnit {
    /// Bytes.
    #[default]
    Bytes,
    /// Something the source did not name in a way we know; the same for all figures, so that shares of it are right.
    Unstated,
}

/// How much of a list was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// All of it: what is not in it is not there.
    Complete,
    /// Some of it: what is not in it may be there.
    Partial,
    /// None of it.
    Failed,
}

/// A further fact for people, which no check reads: label and text.
pub type Detail = (&'static str, Box<str>);

/// What was stated about one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryObservation {
    /// Tells it apart from every other repository of the source; stands in the subject.
    pub key: Name,
    /// The name people know it by.
    pub name: Name,
    /// Which kind it is, and so which checks apply.
    pub kind: &'static Kind,
    /// Set if it is not judged at all; its assets are then not judged either.
    pub exempt: Option<Exemption>,
    /// When it last spoke to whoever tells us.
    pub last_seen: Stated<Timestamp>,
    /// For how long it has been running, in seconds.
    pub uptime: Stated<Uptime>,
    /// Its storage.
    pub space: Space,
    /// Set if its storage is not judged.
    pub space_exempt: Option<Exemption>,
    /// When its service ends.
    pub service_end: Stated<Timestamp>,
    /// When its warranty ends.
    pub warranty_end: Stated<Timestamp>,
    /// When it was made.
    pub created_at: Stated<Timestamp>,
    /// True if it holds any backup at all; `None` if that could not be seen.
    pub used_ever: Option<bool>,
    /// Since when what we tell through it has not arrived, never if nothing waits; stated of our own channels only.
    pub undelivered_since: Stated<Timestamp>,
    /// Thresholds that a directory sets for it, by name; `None` is "off". Each name at most once.
    pub thresholds: Vec<(&'static str, Option<u32>)>,
    /// Who owns it, where a directory says so.
    pub ownership: Option<Arc<Ownership>>,
    /// How much of the list of its assets was read.
    pub listing: Extent,
    /// What was protected.
    pub assets: Vec<AssetObservation>,
    /// Further facts for people.
    pub details: Vec<Detail>,
    /// Values that were not read plainly.
    pub evidence: Vec<Evidence>,
}

impl RepositoryObservation {
    /// A repository about which nothing is stated yet; its list of assets counts as complete.
    pub fn new(kind: &'static Kind, key: Name, name: Name) -> Self {
        Self {
            key,
            name,
            kind,
            exempt: None,
            last_seen: Stated::Missing,
            uptime: Stated::Missing,
            space: Space::default(),
            space_exempt: None,
            service_end: Stated::Missing,
            warranty_end: Stated::Missing,
            created_at: Stated::Missing,
            used_ever: Some(false),
            undelivered_since: Stated::Missing,
            thresholds: Vec::new(),
            ownership: None,
            listing: Extent::Complete,
            assets: Vec::new(),
            details: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

impl RepositoryObservation {
    /// Returns how far its list of assets counts for one who knows some of them, or none: as
    /// [`Collection::listing_beside`]. One backup after the other may leave; that all are gone at once is a glitch until
    /// somebody says otherwise.
    pub fn listing_beside(&self, is_any_known: bool) -> Extent {
        let is_emptied = is_any_known && self.assets.is_empty();
        if is_emptied { self.listing.max(Extent::Partial) } else { self.listing }
    }
}

/// A running time in seconds, with the fraction some devices report: compared as it is.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Uptime(f64);

impl Uptime {
    /// Takes seconds; `None` if they are negative or no number.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        (seconds.is_finite() && seconds >= 0.0).then_some(Self(seconds))
    }

    /// Returns the seconds: finite, not negative.
    pub const fn seconds(self) -> f64 {
        self.0
    }
}

// Never NaN, by construction.
impl Eq for Uptime {}

/// What was stated about one asset.
///
/// There are hundreds of thousands of them at once: what most feeds never state stands boxed in `more`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetObservation {
    /// The name people know it by.
    pub name: Name,
    /// Which kind it is, and so which checks apply.
    pub kind: &'static Kind,
    /// Set if it is not judged at all.
    pub exempt: Option<Exemption>,
    /// Set if it keeps no offsite copy by design.
    pub offsite_exempt: Option<Exemption>,
    /// How the newest finished run ended.
    pub last_run: LastRun,
    /// When the last good backup was.
    pub last_good: Stated<Timestamp>,
    /// When the last offsite copy was.
    pub last_offsite: Stated<Timestamp>,
    /// What is seldom stated.
    pub more: More,
}

/// What is seldom stated about an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoreOfAsset {
    /// Tells it apart from every other asset of its repository and stands in the subject; `None` if that is its name.
    pub key: Option<Name>,
    /// The permanent id the source itself uses, if it has one: what a store recognises it by.
    pub identity: Option<Box<str>>,
    /// The newest verification.
    pub verification: Verification,
    /// When it was set up.
    pub created_at: Stated<Timestamp>,
    /// When the newest run that has not ended began; missing if none is under way.
    pub started_at: Stated<Timestamp>,
    /// When the newest run began, ended or not.
    pub last_started: Stated<Timestamp>,
    /// When the device it stands on was last seen.
    pub last_seen: Stated<Timestamp>,
    /// When runs are planned; `None` if the source states nothing of it.
    pub planned: Option<Arc<Planned>>,
    /// Other ways to read what is stated about the times of runs, besides the three fields above: where they differ in an
    /// answer, nothing can be said.
    pub other_readings: Vec<Timing>,
    /// The program that made the newest backup.
    pub client: Stated<Arc<Client>>,
    /// Further facts for people.
    pub details: Vec<Detail>,
    /// Values that were not read plainly.
    pub evidence: Vec<Evidence>,
}

impl AssetObservation {
    /// An asset about which nothing is stated yet.
    pub fn new(kind: &'static Kind, name: Name) -> Self {
        Self {
            name,
            kind,
            exempt: None,
            offsite_exempt: None,
            last_run: LastRun::NoneYet,
            last_good: Stated::Missing,
            last_offsite: Stated::Missing,
            more: More::default(),
        }
    }

    /// Returns what tells it apart within its repository.
    pub fn key(&self) -> &Name {
        self.more.key.as_ref().unwrap_or(&self.name)
    }
}

/// [`MoreOfAsset`] in eight bytes until something is written to it. Reads as one that states nothing until then.
#[derive(Clone, Debug, Default)]
pub struct More(Option<Box<MoreOfAsset>>);

impl Deref for More {
    type Target = MoreOfAsset;

    fn deref(&self) -> &MoreOfAsset {
        static NOTHING: MoreOfAsset = MoreOfAsset {
            key: None,
            identity: None,
            verification: Verification { at: Stated::Missing, failed: false },
            created_at: Stated::Missing,
            started_at: Stated::Missing,
            last_started: Stated::Missing,
            last_seen: Stated::Missing,
            planned: None,
            other_readings: Vec::new(),
            client: Stated::Missing,
            details: Vec::new(),
            evidence: Vec::new(),
        };
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for More {
    fn deref_mut(&mut self) -> &mut MoreOfAsset {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for More {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for More {}

/// Why something could not be seen, or told: a closed set that decides retrying, the metric label and the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// Nobody answered: no such host, connection refused, no such file or repository.
    Unreachable,
    /// An answer did not come within its deadline.
    TimedOut,
    /// We were not let in: wrong key or password, missing permission.
    Denied,
    /// We asked too often.
    RateLimited,
    /// There was an answer, but it is not what it should be: cut, empty, another format, over a limit.
    Malformed,
    /// The other side is there and does not serve us: an error of its own, a lock, a state we must not touch.
    Refused,
    /// Something this program or that one cannot do: a missing program, an unknown version.
    Unsupported,
}

impl FailureKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Denied,
        Self::RateLimited,
        Self::Malformed,
        Self::Refused,
        Self::Unsupported,
    ];

    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which place could not be seen. All fields empty: the source as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The key of the repository, where it is known.
    pub repository: Option<Name>,
    /// The key of the asset, where it is known.
    pub asset: Option<Name>,
    /// Where it stands, if it has no known subject: `device 3, line 57`.
    pub position: Option<Box<str>>,
}

impl Place {
    /// The source as a whole.
    pub fn source() -> Self {
        Self::default()
    }

    /// Says it beside the name of its source: the subject where it is known, else where it stands, else the source.
    pub fn within(&self, source: &SourceId) -> String {
        match (&self.repository, &self.asset, &self.position) {
            (Some(repository), Some(asset), _) => format!("{source}/{}/{}", repository.text(), asset.text()),
            (Some(repository), None, _) => format!("{source}/{}", repository.text()),
            (None, _, Some(position)) => format!("{source}: {position}"),
            (None, _, None) => source.to_string(),
        }
    }

    /// A repository.
    pub fn repository(key: Name) -> Self {
        Self { repository: Some(key), ..Self::default() }
    }
}

/// One thing that could not be seen, with why and what to do; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub place: Place,
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words, and what to do about it.
    pub reason: String,
}

/// Everything one look at one source gave, and what it could not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Which source.
    pub source: SourceId,
    /// What kind of source.
    pub kind: &'static SourceKind,
    /// When the look began.
    pub observed_at: Timestamp,
    /// How much of the list of repositories was read.
    pub listing: Extent,
    /// What was read, in the order of the source.
    pub repositories: Vec<RepositoryObservation>,
    /// What could not be seen, in the order it was met. Empty if and only if everything was.
    pub failures: Vec<Failure>,
}

impl Collection {
    /// A look that saw nothing, because of `failure`.
    pub fn failed(
        source: SourceId,
        kind: &'static SourceKind,
        observed_at: Timestamp,
        failure: Failure,
    ) -> Self {
        let failures = vec![failure];
        Self { source, kind, observed_at, listing: Extent::Failed, repositories: Vec::new(), failures }
    }

    /// Returns how far its list of repositories counts for one who knows some of this source, or none. A list that was read
    /// completely and is empty where something was known is a glitch of the source until somebody says otherwise: it
    /// counts as partial, so that nobody hears that all is over. We ourselves need no channels.
    pub fn listing_beside(&self, is_any_known: bool) -> Extent {
        let is_emptied = is_any_known && self.repositories.is_empty() && !self.source.is_ourselves();
        if is_emptied { self.listing.max(Extent::Partial) } else { self.listing }
    }

    /// Returns how much of everything was seen: the list of repositories, every list of assets, and whatever else was
    /// looked for.
    pub fn extent(&self) -> Extent {
        if self.listing == Extent::Failed {
            return Extent::Failed;
        }
        let all_read = self.listing == Extent::Complete
            && self.failures.is_empty()
            && self.repositories.iter().all(|repository| repository.listing == Extent::Complete);
        if all_read { Extent::Complete } else { Extent::Partial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_is_marked_and_never_splits_a_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
        assert_eq!(cut("aäö", 2), "a…");
    }

    #[test]
    fn a_running_time_is_a_number_that_is_not_negative() {
        assert!(Uptime::from_seconds(0.0).is_some());
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Uptime::from_seconds(wrong).is_none());
        }
    }
}
