//! What do the three files of a computer state together?
//!
//! Pairs the start of a run with its end, and hands over what the checks of a computer need. Where a date or an offset has
//! two meanings, every combination is a reading of its own: what depends on it is for the checks to find out. Nothing
//! here reads a file, or judges; which file was not read, and why, is said as a failure of the look.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lastgood_core::client::{Client as CoreClient, Version};
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{
    AssetObservation, Evidence, Failure, FailureKind, LastRun, Place, Planned, Stated, Timing,
};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::{Elapsed, elapsed};

use super::{Client, Dates, Ended, Plan, Scheduled, Started, Untrusted};
use crate::sources::Keep;

/// The names of the files, in the folder `.sepiola_backup` of a computer.
pub const STARTED_FILE: &str = "backupStarted.xml";
/// See [`STARTED_FILE`].
pub const ENDED_FILE: &str = "backupEnded.xml";
/// See [`STARTED_FILE`].
pub const SCHEDULER_FILE: &str = "scheduler.xml";

/// One of the files of a computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File<T> {
    /// It is not there.
    Absent,
    /// It is there, and is not believed.
    Untrusted(Trouble),
    /// It is there and says this.
    Trusted {
        /// What it says.
        value: T,
        /// When it was last written, by the clock of the server or of the client.
        modified_at: Timestamp,
    },
}

/// Why a file is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Why, from the closed set.
    pub kind: FailureKind,
    /// Why, in words.
    pub reason: String,
    /// When it was last written, where that is known.
    pub modified_at: Option<Timestamp>,
}

impl<T> File<T> {
    /// Reads the bytes of a file.
    pub fn read(
        bytes: &[u8],
        modified_at: Timestamp,
        parse: impl FnOnce(&[u8]) -> Result<T, Untrusted>,
    ) -> Self {
        match parse(bytes) {
            Ok(value) => Self::Trusted { value, modified_at },
            Err(untrusted) => Self::Untrusted(Trouble {
                kind: FailureKind::Malformed,
                reason: untrusted.to_string(),
                modified_at: Some(modified_at),
            }),
        }
    }

    fn trusted(&self) -> Option<&T> {
        match self {
            Self::Trusted { value, .. } => Some(value),
            Self::Absent | Self::Untrusted(_) => None,
        }
    }

    const fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Untrusted(trouble) => Some(trouble),
            Self::Absent | Self::Trusted { .. } => None,
        }
    }

    /// `None` where it is not there or the time is not known.
    const fn modified_at(&self) -> Option<Timestamp> {
        match self {
            Self::Absent => None,
            Self::Untrusted(trouble) => trouble.modified_at,
            Self::Trusted { modified_at, .. } => Some(*modified_at),
        }
    }
}

/// The three files of a computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `backupStarted.xml`.
    pub started: File<Started>,
    /// `backupEnded.xml`.
    pub ended: File<Ended>,
    /// `scheduler.xml`.
    pub scheduler: File<Scheduled>,
}

impl Files {
    /// The folder of the computer is there without any of them.
    pub const fn absent() -> Self {
        Self { started: File::Absent, ended: File::Absent, scheduler: File::Absent }
    }

    /// None of them could be reached, for one reason: the folder is a link, say.
    pub fn untrusted(kind: FailureKind, reason: &str) -> Self {
        let trouble = Trouble { kind, reason: reason.to_owned(), modified_at: None };
        Self {
            started: File::Untrusted(trouble.clone()),
            ended: File::Untrusted(trouble.clone()),
            scheduler: File::Untrusted(trouble),
        }
    }

    fn troubles(&self) -> [(&'static str, Option<&Trouble>); 3] {
        [
            (STARTED_FILE, self.started.trouble()),
            (ENDED_FILE, self.ended.trouble()),
            (SCHEDULER_FILE, self.scheduler.trouble()),
        ]
    }
}

/// What is the same for every computer of a look.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When the look began.
    pub at: Timestamp,
    /// The least version of a client that is not outdated, by its identifier.
    pub least_clients: &'a BTreeMap<String, String>,
    /// How much is kept.
    pub keep: Keep,
}

/// What was seen of a computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it states.
    pub asset: AssetObservation,
    /// What could not be seen of it; the place names the asset, and its repository is not filled in.
    pub failures: Vec<Failure>,
}

/// Puts together what the files of a computer say.
///
/// 1. How the newest finished run ended: what the ended file says, whatever its date.
/// 2. When a run last ended well: its earliest possible date, unless that lies ahead of the look.
/// 3. Whether a run is under way and when runs are planned: every reading of the dates.
/// 4. Which client ran: the newest file of those that are there knows.
pub fn observe(kind: &'static Kind, name: Name, files: &Files, look: &Look<'_>) -> Observed {
    let failures = failures(&name, files);
    let mut asset = AssetObservation::new(kind, name);
    asset.last_run = last_run(&files.ended);
    asset.last_good = last_good(&files.ended, look.at);
    let (first, others) = readings(files, look.at);
    asset.more.started_at = first.started_at;
    asset.more.last_started = first.last_started;
    asset.more.planned = first.planned;
    asset.more.other_readings = others;
    let client = newest_client(files);
    if let (Stated::Value(client), Keep::Everything) = (client, look.keep)
        && !client.operating_system.is_empty()
    {
        asset.more.details.push(("operating system", client.operating_system.as_str().into()));
    }
    asset.more.client = with_least(client, look.least_clients);
    asset.more.evidence = evidence(files, asset.last_good, look.at);
    Observed { asset, failures }
}

/// One failure per file that is not believed, or one for all three where their folder is the trouble.
fn failures(name: &Name, files: &Files) -> Vec<Failure> {
    let failure = |file: Option<&'static str>, trouble: &Trouble| Failure {
        place: Place { repository: None, asset: Some(name.clone()), position: file.map(Into::into) },
        kind: trouble.kind,
        reason: match file {
            Some(file) => format!("{file}: {}", trouble.reason),
            None => trouble.reason.clone(),
        },
    };
    let troubles = files.troubles();
    // No file was reached, and why is the same for all: it is the trouble of their folder.
    if let [(_, Some(first)), (_, Some(second)), (_, Some(third))] = troubles
        && first == second
        && second == third
        && first.modified_at.is_none()
    {
        return vec![failure(None, first)];
    }
    let found = troubles.into_iter().filter_map(|(file, trouble)| Some((file, trouble?)));
    found.map(|(file, trouble)| failure(Some(file), trouble)).collect()
}

fn last_run(ended: &File<Ended>) -> LastRun {
    match ended {
        File::Absent => LastRun::NoneYet,
        File::Untrusted(_) => LastRun::Unreadable,
        File::Trusted { value, .. } => match value.success {
            None => LastRun::Unreadable,
            Some(true) => LastRun::Succeeded,
            Some(false) => LastRun::Failed { in_row: 1, at: value.enddate.earliest() },
        },
    }
}

fn last_good(ended: &File<Ended>, at: Timestamp) -> Stated<Timestamp> {
    match ended {
        File::Absent => Stated::Missing,
        File::Untrusted(_) => Stated::Unreadable,
        File::Trusted { value, .. } => match (value.success, value.enddate.earliest()) {
            (Some(false), _) => Stated::Missing,
            (Some(true), Some(end)) if elapsed(end, at) != Elapsed::Ahead => Stated::Value(end),
            (Some(true) | None, _) => Stated::Unreadable,
        },
    }
}

fn evidence(files: &Files, last_good: Stated<Timestamp>, at: Timestamp) -> Vec<Evidence> {
    let started = files.started.trusted().map_or(&[][..], |started| &started.evidence);
    let ended = files.ended.trusted().map_or(&[][..], |ended| &ended.evidence);
    let scheduled = files.scheduler.trusted().map_or(&[][..], |scheduled| &scheduled.evidence);
    let mut evidence = [started, ended, scheduled].concat();
    let end = files.ended.trusted().and_then(|ended| ended.enddate.earliest());
    if let Some(end) =
        end.filter(|end| last_good == Stated::Unreadable && elapsed(*end, at) == Elapsed::Ahead)
    {
        evidence.push(Evidence::new("enddate", None, &end.to_string(), "lies ahead of the look"));
    }
    evidence
}

/// Every way to read the times of runs, each once; there is at least one.
fn readings(files: &Files, at: Timestamp) -> (Timing, Vec<Timing>) {
    let plans = plans(files, at);
    let mut timings: Vec<Timing> = Vec::new();
    for (last_started, is_running) in runs(files, at) {
        let started_at = match is_running {
            Running::Yes => last_started,
            Running::No => Stated::Missing,
            Running::NotKnown => Stated::Unreadable,
        };
        for planned in &plans {
            let timing = Timing { started_at, last_started, planned: planned.clone() };
            if !timings.contains(&timing) {
                timings.push(timing);
            }
        }
    }
    let mut timings = timings.into_iter();
    (timings.next().unwrap_or_default(), timings.collect())
}

/// Whether the newest run has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Yes,
    No,
    NotKnown,
}

/// Every way to read when the newest run began, and whether it has ended.
///
/// 1. An untrusted file: neither is known, except for a start that another file states.
/// 2. No start: nothing runs. A start that cannot be read: whether it runs is not known.
/// 3. A start and no end: it runs.
/// 4. It has ended if the end is not before the start, whatever the ids say. An end that cannot be read, or that lies
///    ahead of the look, may be either.
fn runs(files: &Files, at: Timestamp) -> Vec<(Stated<Timestamp>, Running)> {
    let starts = match &files.started {
        File::Absent => vec![Stated::Missing],
        File::Untrusted(_) => vec![Stated::Unreadable],
        File::Trusted { value, .. } => candidates(value.startdate),
    };
    let mut runs = Vec::new();
    for start in starts {
        let ways = match (start, &files.ended) {
            (_, File::Untrusted(_)) | (Stated::Unreadable, _) => vec![Running::NotKnown],
            (Stated::Missing | Stated::Never, _) => vec![Running::No],
            (Stated::Value(_), File::Absent) => vec![Running::Yes],
            (Stated::Value(start), File::Trusted { value, .. }) => running_since(start, value.enddate, at),
        };
        runs.extend(ways.into_iter().map(|way| (start, way)));
    }
    runs
}

/// Every instant a date of a trusted file may mean; one that is missing is like one that cannot be read.
fn candidates(dates: Dates) -> Vec<Stated<Timestamp>> {
    match dates {
        Dates::Missing | Dates::Unreadable | Dates::AtLatest(_) => vec![Stated::Unreadable],
        Dates::One(at) => vec![Stated::Value(at)],
        Dates::Two(first, second) => vec![Stated::Value(first), Stated::Value(second)],
    }
}

fn running_since(start: Timestamp, end: Dates, at: Timestamp) -> Vec<Running> {
    if end.may_be_ahead(at) {
        return vec![Running::Yes, Running::No];
    }
    let with_end = |end: Timestamp| if end < start { Running::Yes } else { Running::No };
    match end {
        Dates::Missing | Dates::Unreadable | Dates::AtLatest(_) => vec![Running::Yes, Running::No],
        Dates::One(end) => vec![with_end(end)],
        Dates::Two(first, second) => vec![with_end(first), with_end(second)],
    }
}

/// True if a start is stated that cannot be read and may lie ahead of the look.
fn has_start_nobody_knows(files: &Files, at: Timestamp) -> bool {
    let start = files.started.trusted().map(|started| started.startdate);
    start.is_some_and(|start| start.earliest().is_none() && start.may_be_ahead(at))
}

/// Every way to read when runs are planned; `None` where nothing is stated of it.
fn plans(files: &Files, at: Timestamp) -> Vec<Option<Arc<Planned>>> {
    let since = files.scheduler.modified_at().or_else(|| files.started.modified_at());
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let planned = |schedules: Vec<Schedule>, is_unreadable: bool| {
        Some(Arc::new(Planned { schedules, since, grace: None, is_unreadable }))
    };
    let unreadable = || vec![planned(Vec::new(), true)];
    // Without a start to hold against it, no plan says anything.
    if files.started.trouble().is_some() {
        return unreadable();
    }
    let plan = match &files.scheduler {
        File::Absent => return vec![None],
        File::Untrusted(_) => return unreadable(),
        File::Trusted { value, .. } => &value.plan,
    };
    match plan {
        Plan::Nothing => vec![planned(Vec::new(), false)],
        Plan::Unreadable(_) => unreadable(),
        // A start that may lie ahead of now could be held against no plan, whatever it says.
        Plan::At { .. } if has_start_nobody_knows(files, at) => unreadable(),
        Plan::At { cron, offsets } => {
            let schedules = offsets.iter().map(|offset| {
                Schedule::parse_cron(cron, TimeZone::fixed(offset))
                    .expect("cron text that was checked as it was read")
            });
            schedules.map(|schedule| planned(vec![schedule], false)).collect()
        }
    }
}

/// What the file that was written last says of the client. Files of the same instant must agree; one that is not believed
/// might have said anything.
fn newest_client(files: &Files) -> Stated<&Client> {
    let there = [
        of_file(&files.started, |started| &started.client),
        of_file(&files.ended, |ended| &ended.client),
        of_file(&files.scheduler, |scheduled| &scheduled.client),
    ];
    let there: Vec<_> = there.into_iter().flatten().collect();
    if there.iter().any(|(modified_at, _)| modified_at.is_none()) {
        return Stated::Unreadable;
    }
    let newest_at = there.iter().map(|(modified_at, _)| *modified_at).max();
    let mut newest = there.iter().filter(|(modified_at, _)| Some(*modified_at) == newest_at);
    let Some((_, client)) = newest.next() else { return Stated::Missing };
    if newest.all(|(_, other)| other == client) { *client } else { Stated::Unreadable }
}

/// When a file that is there was written, and which client it names.
fn of_file<T>(
    file: &File<T>,
    client: impl FnOnce(&T) -> &Stated<Client>,
) -> Option<(Option<Timestamp>, Stated<&Client>)> {
    match file {
        File::Absent => None,
        File::Untrusted(trouble) => Some((trouble.modified_at, Stated::Unreadable)),
        File::Trusted { value, modified_at } => Some((Some(*modified_at), by_reference(client(value)))),
    }
}

const fn by_reference<T>(stated: &Stated<T>) -> Stated<&T> {
    match stated {
        Stated::Missing => Stated::Missing,
        Stated::Never => Stated::Never,
        Stated::Unreadable => Stated::Unreadable,
        Stated::Value(value) => Stated::Value(value),
    }
}

fn with_least(client: Stated<&Client>, least: &BTreeMap<String, String>) -> Stated<Arc<CoreClient>> {
    match client {
        Stated::Missing => Stated::Missing,
        Stated::Never => Stated::Never,
        Stated::Unreadable => Stated::Unreadable,
        Stated::Value(client) => Stated::Value(Arc::new(CoreClient {
            identifier: client.identifier.as_str().into(),
            version: client.version.as_str().into(),
            least: least.get(&client.identifier).and_then(|version| Version::parse(version)),
        })),
    }
}
