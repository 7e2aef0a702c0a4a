//! Which kinds of sources are there, and how is each opened and looked at?
//!
//! One folder per kind, one line per kind in [`ALL`]. A source looks and hands over a Collection; it never judges and
//! does not know who asks.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_core::id::{Name, SourceId};
use lastgood_core::kind::SourceKind;
use lastgood_core::observation::{Collection, Failure};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::Seconds;

use crate::ldap::LdapDirectory;
use crate::secret::{SecretError, SecretFrom};

pub mod datto;
pub mod program;
pub mod restic;
pub mod borg;
pub mod stoney;
pub mod ping;
pub mod push;
mod series;
mod unheard;

/// Every kind of source, in the order of the documentation.
pub static ALL: [&Entry; 7] = [
    &datto::xml::ENTRY,
    &datto::rest::ENTRY,
    &restic::ENTRY,
    &borg::ENTRY,
    &stoney::ENTRY,
    &ping::ENTRY,
    &push::ENTRY,
];

/// A kind of source: how it is named, configured and opened.
#[derive(Debug)]
pub struct Entry {
    /// Its word and the kinds it lists.
    pub kind: &'static SourceKind,
    /// What stands behind the colon of a SOURCE; empty where nothing is named: it pushes, or its directory says where to look.
    pub location: &'static str,
    /// What it looks at, in one sentence.
    pub about: &'static str,
    /// An example of a SOURCE.
    pub example: &'static str,
    /// Which keys of a `[[source]]` it understands besides `name`, `kind` and `thresholds`, where it does not push
    /// `interval`, and where `location` here is not empty that. All are optional but `directory`, which it then needs.
    pub keys: &'static [&'static str],
    /// True if it tells us of its own accord: nothing is polled, and looking at it once sees nothing.
    pub pushes: bool,
    /// How long a look may take where the configuration does not say.
    pub deadline: Duration,
    /// The environment variable a SOURCE on the command line takes its secret from; with `_FILE` behind it, it names a
    /// file instead.
    pub secret_variable: Option<&'static str>,
    /// Opens it: reads secrets, checks the location; does not look yet.
    pub open: fn(SourceConfig) -> Result<Box<dyn Source>, OpenError>,
}

/// Finds a kind of source by its word.
pub fn find(kind: &str) -> Option<&'static Entry> {
    ALL.into_iter().find(|entry| entry.kind.id == kind)
}

/// How often a source is looked at by the daemon where the configuration does not say.
pub const INTERVAL: Duration = Duration::from_mins(15);

/// How often a source that pushes is expected to where the configuration does not say: none may fall silent unseen.
pub const PUSH_INTERVAL: Duration = Duration::from_hours(24);

/// A source as configured, every value valid on its own.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Its name, unique.
    pub id: SourceId,
    /// Its kind.
    pub entry: &'static Entry,
    /// The file and line that configured it; `None` where no file did.
    pub written_at: Option<String>,
    /// A file, URL or repository, as the kind understands it; empty where its kind takes none.
    pub location: String,
    /// Where its secret is read from; `None` where the configuration names none.
    pub secret: Option<SecretFrom>,
    /// The public half of a key pair.
    pub public_key: Option<String>,
    /// The zone of local times without one.
    pub zone: Option<TimeZone>,
    /// Zones of single repositories, by serial number.
    pub zones: BTreeMap<String, TimeZone>,
    /// What may be used, in bytes, where the source itself does not know.
    pub capacity_bytes: Option<u64>,
    /// The program to run instead of the one found in `PATH`.
    pub program: Option<PathBuf>,
    /// How long one look may take as a whole.
    pub deadline: Duration,
    /// How often it is looked at by the daemon; means nothing where it pushes.
    pub interval: Duration,
    /// How often a source that pushes is expected to; `None`: nobody is missed.
    pub pushed_every: Option<Duration>,
    /// How many requests may be under way at once.
    pub concurrency: Option<usize>,
    /// How many requests may be started within a minute.
    pub requests_per_minute: Option<u32>,
    /// How often costly figures (the size of a restic repository) are taken; between, none are stated.
    pub stats_interval: Option<Duration>,
    /// What the ping key of the source is known by, which with a slug names a ping; `None`: only keys of pings do.
    pub ping_key_hash: Option<KeyHash>,
    /// What pings, in the order of the file; names, slugs and hashes of keys are unique.
    pub pings: Vec<PingConfig>,
    /// The directory that names what it looks at; never `None` where its kind takes the key and a file configured it.
    pub directory: Option<Arc<LdapDirectory>>,
    /// What stands before every path the directory names, where its trees are mounted elsewhere.
    pub root: Option<PathBuf>,
    /// Whether what was measured is written into the directory.
    pub write_back: bool,
    /// The least version of a client that is not outdated, by its identifier: the defaults, and what was set above them.
    pub least_clients: BTreeMap<String, String>,
}

/// The least versions of backup clients where the configuration does not say, by what they call themselves.
pub const LEAST_CLIENTS: [(&str, &str); 2] =
    [("Sepiola Online Backup Client", "2.7.0"), ("Online Backup Perl Script", "2.0.9")];

/// What a key is known by without being kept: its SHA-256.
pub type KeyHash = [u8; 32];

/// A job that pings, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingConfig {
    /// The key of its asset.
    pub name: Name,
    /// What names it behind the ping key of its source: 1 to 100 lower-case letters, digits, `-` and `_`.
    pub slug: String,
    /// What its own key is known by; `None`: only its slug names it.
    pub key_hash: Option<KeyHash>,
    /// When it is to run.
    pub plan: PingPlan,
    /// How late a run may begin.
    pub grace: Seconds,
    /// The key of the repository it is listed in.
    pub repository: Name,
}

/// When a job that pings is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PingPlan {
    /// At planned instants.
    Cron {
        /// Which.
        schedule: Schedule,
        /// The five fields as they were written, and the zone.
        text: String,
    },
    /// So long after the last run at the latest; above 0.
    Period(Seconds),
}

impl SourceConfig {
    /// A source of which only this is set.
    pub fn new(id: SourceId, entry: &'static Entry, location: String, deadline: Duration) -> Self {
        Self {
            id,
            entry,
            written_at: None,
            location,
            secret: None,
            public_key: None,
            zone: None,
            zones: BTreeMap::new(),
            capacity_bytes: None,
            program: None,
            deadline,
            interval: INTERVAL,
            concurrency: None,
            requests_per_minute: None,
            stats_interval: None,
            pushed_every: None,
            ping_key_hash: None,
            pings: Vec::new(),
            directory: None,
            root: None,
            write_back: false,
            least_clients: LEAST_CLIENTS
                .map(|(client, version)| (client.to_owned(), version.to_owned()))
                .into(),
        }
    }
}

impl SourceConfig {
    /// Opens it; what is wrong is told with the place where it is configured.
    pub fn open(self) -> Result<Box<dyn Source>, OpenError> {
        let written_at = self.written_at.clone();
        (self.entry.open)(self).map_err(|error| error.at(written_at))
    }
}

/// How much of what a source states is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What checks read.
    Judged,
    /// Also details for people.
    Everything,
}

/// Something we look at.
pub trait Source: Send + Sync {
    /// Looks once, within the deadline. What could not be seen stands in the Collection as failures. `at` is when the
    /// look begins; local times that exist twice are read against it.
    fn look(&self, at: Timestamp, keep: Keep) -> BoxFuture<'_, Collection>;

    /// Writes the document as the source gave it, secrets redacted.
    fn raw<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), RawError>>;

    /// Is told before its first look which repositories were known of it before it was opened, by their keys. Only the
    /// daemon does so.
    fn recall(&self, _keys: &[&Name]) {}

    /// Does what follows from the newest look, such as writing sizes back where that is configured, and returns what
    /// failed. Only the daemon asks, once the look is kept.
    fn after_look(&self) -> BoxFuture<'_, Vec<Failure>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// Why a source could not be opened: a mistake in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The location is not one this kind understands.
    #[error("the location of {source_id} is not usable: {why}")]
    Location {
        /// The source.
        source_id: SourceId,
        /// What is wrong and what to write instead; holds no secret.
        why: String,
    },
    /// Something the kind needs is not configured.
    #[error("{source_id} needs {what}")]
    Missing {
        /// The source.
        source_id: SourceId,
        /// What, and where to set it.
        what: String,
    },
    /// Two sources push with one token: whose a look is could not be told.
    #[error("the sources {first} and {second} push with the same token; give each its own")]
    SameToken {
        /// The one that stands first.
        first: SourceId,
        /// The other one.
        second: SourceId,
    },
    /// What is wrong with a source that a file configures.
    #[error("{place}")]
    At {
        /// The file and the line.
        place: String,
        /// What is wrong.
        #[source]
        why: Box<OpenError>,
    },
}

impl OpenError {
    /// Adds the place where the source is configured, and leaves out what a file has no use for: variables that serve
    /// a SOURCE on the command line only.
    #[must_use]
    pub fn at(self, written_at: Option<String>) -> Self {
        let Some(place) = written_at else { return self };
        let why = match self {
            Self::Missing { source_id, what } => {
                let what =
                    what.split(", or for a SOURCE on the command line").next().unwrap_or_default().to_owned();
                Self::Missing { source_id, what }
            }
            other @ (Self::Secret(_) | Self::Location { .. } | Self::SameToken { .. } | Self::At { .. }) => {
                other
            }
        };
        Self::At { place, why: Box::new(why) }
    }
}

/// Why the raw document could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The source could not be read.
    #[error("failed to read the source: {}", .0.reason)]
    Look(Failure),
    /// The document could not be written.
    #[error("failed to write the document")]
    Write(#[from] std::io::Error),
}
