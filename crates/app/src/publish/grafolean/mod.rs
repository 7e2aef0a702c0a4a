//! Which numbers of a look go to Grafolean, and under which paths?
//!
//! Pure. Nothing stale is among them: what was not seen at this look gets no value, and `look.ok` says so. It judges
//! nothing: verdicts come from the core. How numbers travel is not known here.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use lastgood_collector::Sample;
use lastgood_core::checks;
use lastgood_core::expectation::Expectations;
use lastgood_core::facts::{Facts, RepositoryFacts, SourceFacts, Subject};
use lastgood_core::id::{CheckId, SourceId};
use lastgood_core::judge::{SOURCE_CHECKS, each};
use lastgood_core::observation::{AssetObservation, Exemption, Extent, LastRun, Space, SpaceUnit, Stated};
use lastgood_core::time::{Elapsed, elapsed};
use lastgood_core::verdict::{Outcome, Verdict};

pub mod path;
pub mod segment;

use self::path::Path;
use self::segment::escape;

/// The most values of repositories and assets of one source and look: about a minute of work for a backend. What does
/// not fit is left out, counted in `look.unpublished`, and said.
pub const VALUES_MAX: usize = 50_000;

/// A look, or several at once, ready to be published.
pub struct Look<'a> {
    /// What is known.
    pub facts: &'a Facts,
    /// What must be true.
    pub expectations: &'a Expectations,
    /// The instant to judge at.
    pub now: Timestamp,
    /// The instant the numbers are published for: ages are those of this instant.
    pub at: Timestamp,
    /// How long the look took, where that is known.
    pub took: Option<Duration>,
}

/// The numbers of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The numbers; no path occurs twice.
    pub samples: Vec<Sample>,
    /// How many more there would have been.
    pub unpublished_count: u64,
    /// The worst verdict about the source and all in it; unknown where there is none.
    pub worst: Outcome,
}

impl Look<'_> {
    /// Judges, and returns the numbers of each source in the order of the facts; `prefix` says below which path those of
    /// a source stand.
    pub fn numbers(&self, prefix: impl Fn(&SourceId) -> String) -> Vec<Publication> {
        let mut publications = Vec::with_capacity(self.facts.sources.len());
        let mut open: Option<Numbers<'_>> = None;
        each(self.facts, self.expectations, self.now, |subject, verdicts| {
            if let Subject::Source(source) = subject {
                let before = open.replace(Numbers::new(source, self, prefix(&source.id)));
                publications.extend(before.map(Numbers::finish));
            }
            if let Some(numbers) = &mut open {
                numbers.add(subject, verdicts);
            }
        });
        publications.extend(open.map(Numbers::finish));
        publications
    }
}

/// Returns the numbers of a source that could not even be opened.
pub fn not_opened(prefix: &str) -> Publication {
    let visibility = checks::visibility::ID.as_str();
    let numbers = [
        (&path::LOOK_OK, &[][..], 0.0),
        (&path::LOOK_PARTIAL, &[], 0.0),
        (&path::LOOK_FAILURES, &[], 1.0),
        (&path::LOOK_UNPUBLISHED, &[], 0.0),
        (&path::CHECK_UNKNOWN, &[visibility], 1.0),
    ];
    let sample = |(path, names, value): (&Path, &[&str], f64)| Sample::new(path.fill(prefix, names), value);
    Publication {
        samples: numbers.into_iter().map(sample).collect(),
        unpublished_count: 0,
        worst: Outcome::Unknown,
    }
}

/// Says below which path the numbers of an entity stand.
pub fn entity_prefix(entity_id: i64) -> String {
    format!("entity.{entity_id}.backup")
}

/// How much of a source was seen, as numbers tell it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    All,
    /// A part, or a list in which nothing stands: that is no fleet in good health.
    Part,
    Nothing,
}

/// How many subjects were asked a check, and how many of them are bad and unknown.
#[derive(Clone, Copy, Default)]
struct Count {
    asked: u64,
    bad: u64,
    unknown: u64,
}

/// The numbers of one source while its subjects are walked.
struct Numbers<'a> {
    source: &'a SourceFacts,
    now: Timestamp,
    at: Timestamp,
    took: Option<Duration>,
    prefix: String,
    samples: Vec<Sample>,
    unpublished_count: u64,
    repositories: u64,
    assets: u64,
    /// The kinds of which there is at least one.
    kinds: HashSet<&'static str>,
    counts: BTreeMap<CheckId, Count>,
    worst: Option<Outcome>,
    /// The segment of the repository whose assets are walked.
    repository: String,
}

impl<'a> Numbers<'a> {
    fn new(source: &'a SourceFacts, look: &Look<'_>, prefix: String) -> Self {
        Self {
            source,
            now: look.now,
            at: look.at,
            took: look.took,
            prefix,
            samples: Vec::new(),
            unpublished_count: 0,
            repositories: 0,
            assets: 0,
            kinds: HashSet::new(),
            counts: BTreeMap::new(),
            worst: None,
            repository: String::new(),
        }
    }

    /// Takes one subject. Hidden repositories and what is in them stand nowhere, as in a summary; nor does what only an
    /// earlier look saw.
    fn add(&mut self, subject: Subject<'_>, verdicts: &[Verdict]) {
        self.worst = self.worst.max(verdicts.iter().map(|verdict| verdict.outcome).max());
        match subject {
            Subject::Source(_) => self.count(verdicts),
            Subject::Repository(source, repository) => {
                self.repository = escape(repository.stated.key.bytes());
                if is_shown(source, repository) {
                    self.repositories += 1;
                    self.kinds.insert(repository.stated.kind.id);
                    self.count(verdicts);
                    self.add_all(self.of_repository(repository, verdicts));
                }
            }
            Subject::Asset(source, repository, asset) if is_shown(source, repository) => {
                self.assets += 1;
                self.kinds.insert(asset.kind.id);
                self.count(verdicts);
                self.add_all(self.of_asset(asset, verdicts));
            }
            Subject::Asset(..) => {}
        }
    }

    fn count(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let count = self.counts.entry(verdict.check).or_default();
            count.asked += 1;
            match verdict.outcome {
                Outcome::Ok => {}
                Outcome::Bad => count.bad += 1,
                Outcome::Unknown => count.unknown += 1,
            }
        }
    }

    /// Takes all numbers of a subject, or none where they do not fit any more.
    fn add_all(&mut self, samples: Vec<Sample>) {
        if self.samples.len() + samples.len() > VALUES_MAX {
            self.unpublished_count += samples.len() as u64;
        } else {
            self.samples.extend(samples);
        }
    }

    fn of_repository(&self, repository: &RepositoryFacts, verdicts: &[Verdict]) -> Vec<Sample> {
        let stated = &repository.stated;
        let space = bytes(&stated.space);
        let numbers = [
            (&path::REPOSITORY_BAD, Some(tally(verdicts, Outcome::Bad))),
            (&path::REPOSITORY_UNKNOWN, Some(tally(verdicts, Outcome::Unknown))),
            (&path::REPOSITORY_LAST_SEEN, self.age(&stated.last_seen)),
            (&path::REPOSITORY_USED, space.used),
            (&path::REPOSITORY_FREE, space.free),
            (&path::REPOSITORY_CAPACITY, space.capacity),
        ];
        self.sample_all(&numbers, &[&self.repository])
    }

    fn of_asset(&self, asset: &AssetObservation, verdicts: &[Verdict]) -> Vec<Sample> {
        let failed = match asset.last_run {
            LastRun::NoneYet | LastRun::Unreadable => None,
            LastRun::Succeeded => Some(0.0),
            LastRun::Failed { .. } => Some(1.0),
        };
        let numbers = [
            (&path::ASSET_BAD, Some(tally(verdicts, Outcome::Bad))),
            (&path::ASSET_UNKNOWN, Some(tally(verdicts, Outcome::Unknown))),
            (&path::ASSET_LAST_GOOD, self.age(&asset.last_good)),
            (&path::ASSET_LAST_OFFSITE, self.age(&asset.last_offsite)),
            (&path::ASSET_FAILED, failed),
        ];
        self.sample_all(&numbers, &[&self.repository, &escape(asset.key().bytes())])
    }

    fn sample_all(&self, numbers: &[(&Path, Option<f64>)], names: &[&str]) -> Vec<Sample> {
        let stated = numbers.iter().filter_map(|(path, value)| Some((path, (*value)?)));
        stated.map(|(path, value)| self.sample(path, names, value)).collect()
    }

    fn sample(&self, path: &Path, names: &[&str], value: f64) -> Sample {
        Sample::new(path.fill(&self.prefix, names), value)
    }

    /// The age in whole seconds at the instant of publication; none where the verdict would be unknown or never.
    fn age(&self, stated: &Stated<Timestamp>) -> Option<f64> {
        let at = stated.value()?;
        match elapsed(at, self.now) {
            Elapsed::Ahead => None,
            Elapsed::Past(_) => {
                Some(number(u128::try_from(self.at.duration_since(at).as_secs()).unwrap_or(0)))
            }
        }
    }

    fn seen(&self) -> Seen {
        match self.source.look {
            Extent::Failed => Seen::Nothing,
            Extent::Complete if !self.source.repositories.is_empty() => Seen::All,
            Extent::Complete | Extent::Partial => Seen::Part,
        }
    }

    /// Adds what is about the source as a whole.
    fn finish(mut self) -> Publication {
        let seen = self.seen();
        let flag = |is_so: bool| Some(f64::from(u8::from(is_so)));
        let if_seen = |count: u64| (seen != Seen::Nothing).then(|| number(count.into()));
        let whole = [
            (&path::LOOK_OK, flag(seen == Seen::All)),
            (&path::LOOK_PARTIAL, flag(seen == Seen::Part)),
            (&path::LOOK_FAILURES, Some(number(self.source.failures.len() as u128))),
            (&path::LOOK_DURATION, self.took.map(|took| took.as_secs_f64())),
            (&path::LOOK_UNPUBLISHED, Some(number(self.unpublished_count.into()))),
            (&path::REPOSITORIES, if_seen(self.repositories)),
            (&path::ASSETS, if_seen(self.assets)),
        ];
        let mut samples = self.sample_all(&whole, &[]);
        for check in checks::ALL {
            let Some(count) = self.count_of(check.id) else { continue };
            for (path, count) in [(&path::CHECK_BAD, count.bad), (&path::CHECK_UNKNOWN, count.unknown)] {
                // What was bad in the part that was seen is bad. That nothing else is, nobody knows.
                if seen == Seen::All || count > 0 {
                    samples.push(self.sample(path, &[check.id.as_str()], number(count.into())));
                }
            }
        }
        samples.append(&mut self.samples);
        let worst = self.worst.unwrap_or(Outcome::Unknown);
        Publication { samples, unpublished_count: self.unpublished_count, worst }
    }

    /// How a check stands; `None` where the source cannot answer it, or it is switched off: 0 would read as "none is
    /// bad".
    fn count_of(&self, check: CheckId) -> Option<Count> {
        if let Some(count) = self.counts.get(&check) {
            return Some(*count);
        }
        let mut asking = self.source.kind.kinds.iter().filter(|kind| kind.checks.contains(&check)).peekable();
        let is_known = asking.peek().is_some();
        let would_be_asked = asking.all(|kind| !self.kinds.contains(kind.id));
        (is_known && would_be_asked && !SOURCE_CHECKS.contains(&check)).then(Count::default)
    }
}

fn is_shown(source: &SourceFacts, repository: &RepositoryFacts) -> bool {
    repository.stated.exempt != Some(Exemption::Hidden) && repository.observed_at == source.looked_at
}

fn tally(verdicts: &[Verdict], outcome: Outcome) -> f64 {
    number(verdicts.iter().filter(|verdict| verdict.outcome == outcome).count() as u128)
}

/// The figures of a repository; none where they are not stated, not readable or not in bytes.
#[derive(Default)]
struct Bytes {
    used: Option<f64>,
    free: Option<f64>,
    capacity: Option<f64>,
}

fn bytes(space: &Space) -> Bytes {
    if space.unit == SpaceUnit::Unstated {
        return Bytes::default();
    }
    let (used, free) = (space.used.value().map(u128::from), space.free.value().map(u128::from));
    let capacity = match space.quota {
        Stated::Value(quota) => Some(u128::from(quota)),
        // What is stated and cannot be read is not replaced by a guess.
        Stated::Unreadable => None,
        Stated::Missing | Stated::Never => {
            used.zip(free).map(|(used, free)| used + free).filter(|&sum| sum > 0)
        }
    };
    Bytes { used: used.map(number), free: free.map(number), capacity: capacity.map(number) }
}

#[expect(clippy::cast_precision_loss, reason = "Grafolean reads every number as a 64-bit float")]
fn number(whole: u128) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests;
