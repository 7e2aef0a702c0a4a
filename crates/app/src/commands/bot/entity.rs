//! How is one entity of Grafolean looked at, and what are its numbers?
//!
//! Whatever goes wrong is a failed look with numbers that say so: an entity never keeps its old numbers without a word.
//! Knows neither when it is looked at nor how numbers travel.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lastgood_collector::grafolean::JobConfig;
use lastgood_collector::{Interval, Sample};
use lastgood_core::id::SourceId;
use lastgood_core::observation::{Collection, Failure, FailureKind};
use tokio::task::JoinHandle;

use super::credential::{self, Credential};
use super::judge::{Judge, Judged, Seen};
use super::said::{Matter, Said};
use crate::clock;
use crate::exit::Exit;
use crate::pipeline::Opened;
use crate::publish::grafolean::{entity_prefix, not_opened};
use crate::sources::{Keep, datto};

/// How much longer than its source's own deadline a look may take as a whole, judging included.
const DEADLINE_MARGIN: Duration = Duration::from_secs(30);

/// How long a look may take where the source is not known.
const DEADLINE: Duration = Duration::from_mins(1);

/// How long a disk may take to say whether a document is a file.
const DISK_PATIENCE: Duration = Duration::from_secs(10);

/// An entity as the backend configures it. Its source is opened once and stays open: it remembers when it took costly
/// figures.
pub(super) struct Entity {
    config: JobConfig,
    id: SourceId,
    credential: Result<Credential, String>,
    opened: Mutex<Option<Opened>>,
    /// A question about its document that hung when it was last asked.
    checking: Mutex<Option<Asking>>,
}

/// What is asked of a disk.
type Asking = JoinHandle<std::io::Result<std::fs::Metadata>>;

/// An entity has changed if its configuration has.
impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

/// What one look at an entity gave.
pub(super) struct Looked {
    pub(super) samples: Vec<Sample>,
    pub(super) exit: Exit,
}

impl Entity {
    pub(super) fn new(config: JobConfig) -> Self {
        let name = format!("entity-{}-{}", config.account_id, config.entity_id);
        let id = SourceId::new(&name).expect("made of letters, digits and hyphens");
        let credential =
            credential::read(&config.credential_details, id.clone()).map_err(|error| error.to_string());
        Self { config, id, credential, opened: Mutex::default(), checking: Mutex::default() }
    }

    /// What its job and its source are called: `entity-<account>-<entity>`.
    pub(super) fn id(&self) -> &str {
        self.id.as_str()
    }

    pub(super) fn account_id(&self) -> i64 {
        self.config.account_id
    }

    /// The intervals of its sensors in seconds, and in words which of them cannot be.
    pub(super) fn intervals(&self) -> (Vec<i64>, Option<String>) {
        let mut intervals = Vec::new();
        let mut refused = Vec::new();
        for sensor in &self.config.sensors {
            match sensor.interval {
                Some(seconds) if Interval::from_secs(seconds).is_ok() => intervals.push(seconds),
                Some(seconds) => refused.push(format!("sensor {} has {seconds} s", sensor.sensor_id)),
                None => refused.push(format!("sensor {} has none", sensor.sensor_id)),
            }
        }
        if refused.is_empty() {
            return (intervals, None);
        }
        let refused = refused.join(", ");
        let effect = if intervals.is_empty() {
            ", so that it is NEVER looked at; set an interval of at least 1 s"
        } else {
            ": left out; its other sensors stay"
        };
        (intervals, Some(format!("intervals that cannot be kept: {refused}{effect}")))
    }

    /// Which looks share a server with those at this entity.
    pub(super) fn group(&self) -> String {
        self.credential
            .as_ref()
            .map_or_else(|_| self.id.to_string(), |found| credential::group(&found.source))
    }

    /// How long one look may take as a whole.
    pub(super) fn deadline(&self) -> Duration {
        self.credential.as_ref().map_or(DEADLINE, |found| found.source.deadline) + DEADLINE_MARGIN
    }

    /// Looks once, within its deadline. The numbers are for the instant `at`; `now` stands for the clock where it is given.
    pub(super) async fn look(
        &self,
        at: Timestamp,
        now: Option<Timestamp>,
        judge: &Judge,
        said: &Said,
    ) -> Looked {
        let looking = self.look_patiently(at, now, judge, said);
        match tokio::time::timeout(self.deadline(), looking).await {
            Ok(looked) => looked,
            Err(_) => self.not_opened("it had not ended long after its deadline", said),
        }
    }

    async fn look_patiently(
        &self,
        at: Timestamp,
        now: Option<Timestamp>,
        judge: &Judge,
        said: &Said,
    ) -> Looked {
        let remark = self.credential.as_ref().ok().and_then(|found| found.remark.as_deref());
        said.say(self.id(), Matter::Credential, remark);
        let opened = match self.open().await {
            Ok(opened) => opened,
            Err(why) => return self.not_opened(&why, said),
        };
        let read = || now.unwrap_or_else(clock::now);
        let began = read();
        let collection = opened.look(began, Keep::Judged).await;
        let ended = read();
        let took = Duration::try_from(ended.duration_since(began)).unwrap_or_default();
        let (cause, trouble) = trouble(&collection).unzip();
        said.say_once(self.id(), Matter::Look, cause.map_or("", FailureKind::as_str), trouble.as_deref());
        let prefix = entity_prefix(self.config.entity_id);
        let seen = Seen { collection, prefix, now: ended, at, took };
        let Some(Judged { samples, unpublished_count, exit }) = judge.judge(seen).await else {
            return self.not_opened("lastgood itself failed while judging; please report it", said);
        };
        let unpublished = (unpublished_count > 0)
            .then(|| format!("{unpublished_count} values were left out: there are more than 50 000"));
        said.say_once(self.id(), Matter::Values, "too many", unpublished.as_deref());
        Looked { samples, exit }
    }

    fn not_opened(&self, why: &str, said: &Said) -> Looked {
        said.say(self.id(), Matter::Look, Some(&format!("not looked at: {why}")));
        let samples = not_opened(&entity_prefix(self.config.entity_id)).samples;
        Looked { samples, exit: Exit::SomethingUnknown }
    }

    async fn open(&self) -> Result<Opened, String> {
        let credential = self.credential.as_ref().map_err(Clone::clone)?;
        if credential::is(credential.source.entry, &datto::xml::ENTRY) {
            self.check_document(&credential.source.location).await?;
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        let new = Opened::new(credential.source.clone()).map_err(|error| error.to_string())?;
        *opened = Some(new.clone());
        Ok(new)
    }

    /// Refuses what is there and is no file, and a disk that does not answer: each look at a pipe nobody writes to would
    /// hold a thread for ever. A question that hangs is not asked again beside itself.
    async fn check_document(&self, location: &str) -> Result<(), String> {
        if location.contains("://") {
            return Ok(());
        }
        let path = PathBuf::from(location);
        let hanging = self.checking().take();
        let mut asking = hanging.unwrap_or_else(|| tokio::task::spawn_blocking(move || path.metadata()));
        match tokio::time::timeout(DISK_PATIENCE, &mut asking).await {
            Ok(Ok(Ok(metadata))) if !metadata.is_file() => {
                Err("the location is no file; give the document itself".to_owned())
            }
            // What is not there is told by the look.
            Ok(_) => Ok(()),
            Err(_) => {
                *self.checking() = Some(asking);
                Err("the disk of the document does not answer; is its server there?".to_owned())
            }
        }
    }

    fn checking(&self) -> MutexGuard<'_, Option<Asking>> {
        self.checking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what could not be seen at a look, and of which kind the first of it is; `None` if all was.
fn trouble(collection: &Collection) -> Option<(FailureKind, String)> {
    let (kind, first) = match collection.failures.first() {
        Some(Failure { kind, reason, .. }) => (*kind, reason.as_str()),
        None if collection.repositories.is_empty() => (FailureKind::Malformed, "its list is empty"),
        None => return None,
    };
    let more = collection.failures.len().saturating_sub(1);
    let extent = if collection.repositories.is_empty() { "nothing was seen" } else { "not all was seen" };
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Some((kind, format!("{extent}: {kind}: {first}{more}")))
}
