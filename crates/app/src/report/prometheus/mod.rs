//! What does Prometheus scrape, or the textfile collector of a node exporter read?
//!
//! Text format 0.0.4 with gauges only, in base units. Alert on `lastgood_bad == 1`, on `lastgood_unknown == 1`, and on
//! `lastgood_look{state!="complete"} == 1`: what could not be seen has no other series. Names are
//! escaped as on a terminal: they end up in pages and mails of others.

mod exposition;

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};

use jiff::Timestamp;
use lastgood_core::facts::{SourceFacts, Subject};
use lastgood_core::judge::Judgement;
use lastgood_core::observation::{FailureKind, Stated};
use lastgood_core::summary::{KindCount, Summary};
use lastgood_core::verdict::{Outcome, Verdict};

use super::words::{exemption, sources_of};
use super::{Only, looks, space, tally};
use exposition::{Family, Labels, Worse, whole};

/// Writes every verdict and the figures behind them. With `only` bad, a subject without a bad verdict has no series.
pub(super) fn check(judgement: &Judgement<'_>, only: Only, out: &mut dyn Write) -> io::Result<()> {
    let sources: Vec<&SourceFacts> = sources_of(judgement).collect();
    fleet(judgement.at, &sources, &tally::kinds(judgement), out)?;
    let twins = Twins::among(judgement.subjects().map(|(subject, _)| subject));
    for answer in &ANSWERS {
        let mut family = Family::new(answer.name, answer.help, Worse::Higher, out);
        for (subject, verdicts) in judgement.subjects() {
            for verdict in verdicts.iter().filter(|verdict| only.keeps(verdict)) {
                let Some((value, exempt)) = (answer.of)(verdict) else {
                    continue;
                };
                let mut labels = labels_of(&subject);
                labels.push("check", verdict.check.as_str());
                labels.push("exemption", exempt);
                if twins.has(&subject) {
                    family.twin(labels, Some(value));
                } else {
                    family.sample(labels, value)?;
                }
            }
        }
        family.end()?;
    }
    for figure in &FIGURES {
        let mut family = Family::new(figure.name, figure.help, figure.worse, out);
        let shown = judgement.subjects().filter(|(_, verdicts)| only.shows(verdicts));
        for (subject, _) in shown {
            figure.sample(&subject, &twins, &mut family)?;
        }
        family.end()?;
    }
    Ok(())
}

/// Writes the counts and the storage of every repository that is not hidden.
pub(super) fn summary(summary: &Summary<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sources: Vec<&SourceFacts> = summary.sources.iter().map(|(source, _)| *source).collect();
    fleet(summary.at, &sources, &summary.kinds, out)?;
    let repositories =
        || summary.space.iter().map(|&(source, repository)| Subject::Repository(source, repository));
    let twins = Twins::among(repositories());
    for figure in FIGURES.iter().filter(|figure| figure.is_space) {
        let mut family = Family::new(figure.name, figure.help, figure.worse, out);
        for subject in repositories() {
            figure.sample(&subject, &twins, &mut family)?;
        }
        family.end()?;
    }
    Ok(())
}

/// Writes the counts, the storage of every repository that is not hidden, and when the last good backup of each asset
/// was: of those `assets_max` whose last one is the longest ago, and how many others there are. The daemon's page.
pub(super) fn page(judgement: &Judgement<'_>, assets_max: usize, out: &mut dyn Write) -> io::Result<()> {
    let sources: Vec<&SourceFacts> = sources_of(judgement).collect();
    fleet(judgement.at, &sources, &tally::kinds(judgement), out)?;
    let mut repositories = Vec::new();
    let mut assets = Vec::new();
    for (subject, _) in judgement.subjects() {
        match subject {
            Subject::Repository(_, repository) if repository.stated.exempt.is_none() => {
                repositories.push(subject);
            }
            Subject::Asset(_, _, asset) => {
                // With its place, so that of equals always the same are shown.
                let place = assets.len();
                assets.extend(asset.last_good.value().map(|last_good| (last_good, place, subject)));
            }
            Subject::Source(_) | Subject::Repository(..) => {}
        }
    }
    let omitted = assets.len().saturating_sub(assets_max);
    if omitted > 0 {
        // Where they are cut is found without putting all of them in order.
        let order = |asset: &(Timestamp, usize, Subject<'_>)| (asset.0, asset.1);
        assets.select_nth_unstable_by_key(assets_max, order);
        assets.truncate(assets_max);
        assets.sort_unstable_by_key(order);
    }
    let assets: Vec<_> = assets.into_iter().map(|(_, _, subject)| subject).collect();
    let twins = Twins::among(repositories.iter().chain(&assets).copied());
    for figure in FIGURES.iter().filter(|figure| figure.is_space || figure.name == LAST_GOOD) {
        let mut family = Family::new(figure.name, figure.help, figure.worse, out);
        let subjects = if figure.is_space { &repositories } else { &assets };
        subjects.iter().try_for_each(|subject| figure.sample(subject, &twins, &mut family))?;
        family.end()?;
    }
    let help = "How many assets with a good backup have no series of their own, to keep this page small: \
                those whose last one is the most recent.";
    let mut family = Family::new("lastgood_assets_without_series", help, Worse::Higher, out);
    family.sample(Labels::default(), whole(omitted as u128))?;
    family.end()
}

/// The figure that people ask for first.
const LAST_GOOD: &str = "lastgood_last_good_backup_timestamp_seconds";

/// Writes what both commands say: when, how well the sources were seen, and how many of each kind there are.
fn fleet(
    at: Timestamp,
    sources: &[&SourceFacts],
    kinds: &[KindCount],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut judged = Family::new(
        "lastgood_judged_timestamp_seconds",
        "The instant that was judged at.",
        Worse::Lower,
        out,
    );
    judged.sample(Labels::default(), seconds(at))?;
    judged.end()?;
    looks_at(sources, out)?;
    let mut subjects = Family::new(
        "lastgood_subjects",
        "How many repositories and assets of a kind there are, hidden ones left out.",
        Worse::Higher,
        out,
    );
    for kind in kinds {
        let labels = Labels::new([("kind", kind.kind), ("type", kind.subject.as_str())]);
        subjects.sample(labels, whole(u128::from(kind.count)))?;
    }
    subjects.end()?;
    let mut verdicts = Family::new(
        "lastgood_verdicts",
        "How many verdicts of a check are bad or unknown, hidden repositories left out.",
        Worse::Higher,
        out,
    );
    for (kind, check) in kinds.iter().flat_map(|kind| kind.checks.iter().map(move |check| (kind, check))) {
        for (word, count) in [(Outcome::Bad, check.bad), (Outcome::Unknown, check.unknown)] {
            let labels = [("kind", kind.kind), ("check", check.check.as_str()), ("verdict", word.as_str())];
            verdicts.sample(Labels::new(labels), whole(u128::from(count)))?;
        }
    }
    verdicts.end()
}

fn looks_at(sources: &[&SourceFacts], out: &mut dyn Write) -> io::Result<()> {
    let mut look = Family::new(
        "lastgood_look",
        "How much of a source the newest look saw: 1 for its state, 0 for the others.",
        Worse::Higher,
        out,
    );
    for source in sources {
        for extent in looks::EXTENTS {
            let value = if source.look == extent { 1.0 } else { 0.0 };
            let labels = [("source", source.id.as_str()), ("state", looks::word(extent))];
            look.sample(Labels::new(labels), value)?;
        }
    }
    look.end()?;
    let mut failures = Family::new(
        "lastgood_look_failures",
        "How many places the newest look could not see, by reason.",
        Worse::Higher,
        out,
    );
    for source in sources {
        for kind in FailureKind::ALL {
            let count = source.failures.iter().filter(|failure| failure.kind == kind).count();
            let labels = [("source", source.id.as_str()), ("reason", kind.as_str())];
            failures.sample(Labels::new(labels), whole(count as u128))?;
        }
    }
    failures.end()?;
    let mut looked = Family::new(
        "lastgood_look_timestamp_seconds",
        "When the newest look at a source began.",
        Worse::Lower,
        out,
    );
    for source in sources {
        looked.sample(Labels::new([("source", source.id.as_str())]), seconds(source.looked_at))?;
    }
    looked.end()
}

/// A family with a sample per verdict.
struct Answer {
    name: &'static str,
    help: &'static str,
    /// The value and the exemption, which may be empty; `None` where the verdict has no sample.
    of: fn(&Verdict) -> Option<(f64, &'static str)>,
}

static ANSWERS: [Answer; 3] = [
    Answer {
        name: "lastgood_bad",
        help: "1 if the verdict is bad.",
        of: |verdict| Some((is(verdict.outcome, Outcome::Bad), "")),
    },
    Answer {
        name: "lastgood_unknown",
        help: "1 if the verdict is unknown: neither good nor bad.",
        of: |verdict| Some((is(verdict.outcome, Outcome::Unknown), "")),
    },
    Answer {
        name: "lastgood_exempt",
        help: "1 for every verdict that names an exemption instead of judging.",
        of: |verdict| exemption(verdict).map(|exemption| (1.0, exemption.as_str())),
    },
];

fn is(outcome: Outcome, wanted: Outcome) -> f64 {
    if outcome == wanted { 1.0 } else { 0.0 }
}

/// A family with a sample per subject that states the figure.
struct Figure {
    name: &'static str,
    help: &'static str,
    worse: Worse,
    is_space: bool,
    of: fn(&Subject<'_>) -> Option<f64>,
}

impl Figure {
    fn sample(&self, subject: &Subject<'_>, twins: &Twins, family: &mut Family<'_>) -> io::Result<()> {
        let value = (self.of)(subject);
        if twins.has(subject) {
            family.twin(labels_of(subject), value);
            return Ok(());
        }
        value.map_or(Ok(()), |value| family.sample(labels_of(subject), value))
    }
}

static FIGURES: [Figure; 7] = [
    instant(
        "lastgood_last_seen_timestamp_seconds",
        "When the repository last spoke to whoever tells us.",
        |subject| match subject {
            Subject::Repository(_, repository) => stated(repository.stated.last_seen),
            Subject::Source(_) | Subject::Asset(..) => None,
        },
    ),
    instant(LAST_GOOD, "When the last good backup was.", |subject| match subject {
        Subject::Asset(_, _, asset) => stated(asset.last_good),
        Subject::Source(_) | Subject::Repository(..) => None,
    }),
    instant("lastgood_last_offsite_copy_timestamp_seconds", "When the last offsite copy was.", |subject| {
        match subject {
            Subject::Asset(_, _, asset) => stated(asset.last_offsite),
            Subject::Source(_) | Subject::Repository(..) => None,
        }
    }),
    instant(
        "lastgood_last_verification_timestamp_seconds",
        "When the newest verification was, good or failed.",
        |subject| match subject {
            Subject::Asset(_, _, asset) => stated(asset.more.verification.at),
            Subject::Source(_) | Subject::Repository(..) => None,
        },
    ),
    space_figure("lastgood_used_bytes", "What is used of the storage.", Worse::Higher, |subject| {
        bytes(subject)?.used.map(|value| whole(u128::from(value)))
    }),
    space_figure("lastgood_free_bytes", "What is free of the storage.", Worse::Lower, |subject| {
        bytes(subject)?.free.map(|value| whole(u128::from(value)))
    }),
    space_figure(
        "lastgood_quota_bytes",
        "What may be used: as stated, else used and free together.",
        Worse::Lower,
        |subject| bytes(subject)?.quota.map(whole),
    ),
];

const fn instant(name: &'static str, help: &'static str, of: fn(&Subject<'_>) -> Option<f64>) -> Figure {
    Figure { name, help, worse: Worse::Lower, is_space: false, of }
}

const fn space_figure(
    name: &'static str,
    help: &'static str,
    worse: Worse,
    of: fn(&Subject<'_>) -> Option<f64>,
) -> Figure {
    Figure { name, help, worse, is_space: true, of }
}

fn stated(at: Stated<Timestamp>) -> Option<f64> {
    at.value().map(seconds)
}

fn bytes(subject: &Subject<'_>) -> Option<space::Bytes> {
    match subject {
        Subject::Repository(_, repository) => Some(space::bytes(&repository.stated.space)),
        Subject::Source(_) | Subject::Asset(..) => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of every year fit the 53 bits of a sample")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn labels_of(subject: &Subject<'_>) -> Labels {
    let mut labels = Labels::new([("source", subject.source().id.as_str())]);
    match subject {
        Subject::Source(_) => {}
        Subject::Repository(_, repository) => labels.push("repository", &repository.stated.key.to_string()),
        Subject::Asset(_, repository, asset) => {
            labels.push("repository", &repository.stated.key.to_string());
            labels.push("asset", &asset.key().to_string());
        }
    }
    labels.push("kind", subject.kind_id());
    labels
}

/// Subjects that may have equal labels although they differ, because their names are not UTF-8 or hold escapes: Prometheus
/// refuses a page that has a series twice. They are few or none, found by hash, so that a large fleet needs 8 bytes per subject.
struct Twins(HashSet<u64>);

impl Twins {
    fn among<'a>(subjects: impl Iterator<Item = Subject<'a>>) -> Self {
        let mut hashes: Vec<u64> = subjects.map(|subject| hash_of(&subject)).collect();
        hashes.sort_unstable();
        Self(hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect())
    }

    fn has(&self, subject: &Subject<'_>) -> bool {
        !self.0.is_empty() && self.0.contains(&hash_of(subject))
    }
}

fn hash_of(subject: &Subject<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    subject.source().id.as_str().hash(&mut hasher);
    match subject {
        Subject::Source(_) => {}
        Subject::Repository(_, repository) => repository.stated.key.to_string().hash(&mut hasher),
        Subject::Asset(_, repository, asset) => {
            (repository.stated.key.to_string(), asset.key().to_string()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
