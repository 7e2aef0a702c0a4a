//! What is wrong through time: since when, does anybody care, and why is it over?
//!
//! An incident is one `Bad` verdict as long as it lasts. [`reconcile`] compares what is known with what was judged and
//! says what changes, each change with its reason. It does not know who is told, and changes nothing itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use crate::checks::visibility;
use crate::facts::Subject;
use crate::id::{CheckId, SourceId, SubjectId, SubjectRef};
use crate::judge::Judgement;
use crate::observation::{Exemption, LastRun};
use crate::verdict::{Outcome, Reason, Verdict};

pub mod cause;

#[cfg(test)]
mod tests;

/// What an incident is about; at most one is open about the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Matter {
    /// The subject.
    pub subject: SubjectId,
    /// The check whose verdict is bad.
    pub check: CheckId,
}

/// A bad verdict through time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What it is about.
    pub matter: Matter,
    /// When it was first judged bad. With the matter it names the episode.
    pub noticed_at: Timestamp,
    /// Since when it was bad, as the facts told when it was noticed; what happens later does not change it. `None` where
    /// they did not tell.
    pub began_at: Option<Timestamp>,
    /// When it had been bad for enough looks; `None` while it is only suspected.
    pub opened_at: Option<Timestamp>,
    /// Who said that they know, and when.
    pub acknowledged: Option<Acknowledged>,
    /// The newest look that was counted.
    pub looked_at: Timestamp,
    /// How many looks in a row found it bad, until one did not.
    pub bad_looks: u32,
    /// How many looks in a row found it ok, since it was bad last.
    pub ok_looks: u32,
    /// What decided at the newest bad verdict.
    pub reason: Reason,
}

/// Somebody said that they know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// When.
    pub at: Timestamp,
    /// Who, in their own words.
    pub by: String,
}

impl Incident {
    /// True once it was bad for enough looks.
    pub fn is_open(&self) -> bool {
        self.opened_at.is_some()
    }

    /// Only what was observed after this instant can end it.
    fn since(&self) -> Timestamp {
        self.opened_at.unwrap_or(self.noticed_at)
    }
}

/// How many looks in a row it takes to open and to close an incident; 0 counts as 1. Looks are counted, not ticks: judging
/// the same observation again proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// Bad ones until it opens.
    pub open_after: u32,
    /// Ok ones until it closes.
    pub close_after: u32,
}

impl Default for Damping {
    /// The first of each.
    fn default() -> Self {
        Self { open_after: 1, close_after: 1 }
    }
}

/// Why an incident is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The check is ok again, in observations made after it opened, and not only by another threshold.
    Recovered,
    /// The subject is not judged any more, for this reason.
    Exempt(Exemption),
    /// The subject left: the place it stood in was listed completely without it.
    Left,
    /// The source is not looked at any more.
    SourceRemoved,
    /// The check is not asked of the subject any more.
    NotAsked,
    /// The check is ok by a threshold that was changed; by the one it was bad by last it would be bad still.
    ThresholdChanged,
    /// Somebody closed it, in their own words.
    ByHand(String),
}

/// What an end says of the backups: only one that recovered is known to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is ok again.
    Recovered,
    /// Nothing is known of it any more: it is not judged.
    Unwatched,
    /// It would still be bad by the threshold of before.
    ThresholdChanged,
    /// Somebody said so.
    ByHand,
}

impl Ending {
    /// Returns the word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Unwatched => "unwatched",
            Self::ThresholdChanged => "threshold_changed",
            Self::ByHand => "by_hand",
        }
    }
}

impl Closing {
    /// What it says of the backups.
    pub const fn ending(&self) -> Ending {
        match self {
            Self::Recovered => Ending::Recovered,
            Self::Exempt(_) | Self::Left | Self::SourceRemoved | Self::NotAsked => Ending::Unwatched,
            Self::ThresholdChanged => Ending::ThresholdChanged,
            Self::ByHand(_) => Ending::ByHand,
        }
    }

    /// Returns the word used in every output.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Exempt(_) => "exempt",
            Self::Left => "left",
            Self::SourceRemoved => "source_removed",
            Self::NotAsked => "not_asked",
            Self::ThresholdChanged => "threshold_changed",
            Self::ByHand(_) => "by_hand",
        }
    }
}

/// What becomes of an incident at a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is bad for the first time, and not yet for enough looks.
    Suspected(Incident),
    /// It has been bad for enough looks.
    Opened(Incident),
    /// It goes on; only what is counted about it differs.
    Kept(Incident),
    /// It was only suspected, and is over.
    Forgotten(Matter),
    /// It is over.
    Closed(Incident, Closing),
}

/// All incidents that are suspected or open.
pub type Known = BTreeMap<Matter, Incident>;

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Every source.
    pub sources: BTreeSet<SourceId>,
    /// Those of them whose looks are made of what was heard of their assets one by one: such a look says nothing new of an
    /// asset of which nothing was heard.
    pub restated: BTreeSet<SourceId>,
}

/// Compares what is known with what was judged. Matters of which nothing changes are not mentioned.
///
/// 1. A bad verdict is a new suspicion, or another look of a known one. It opens with the look that makes them enough,
///    `visibility` at once: looks may have stopped coming.
/// 2. An ok verdict counts against a known one only if the subject was observed after that opened, and no other plan
///    makes good a run that was missed. It closes with the look that makes them enough: as recovered only if it is ok
///    by the threshold it was bad by last, too; a changed threshold is a reason of its own. An exemption closes it at
///    once, unless it only says that nothing is stated any more.
/// 3. An unknown verdict changes nothing, neither way.
/// 4. Of an asset of a source that is only restated another failed run is another bad look, and what is overdue opens at
///    once: nothing more may be heard of it. After the first ok look another one is what was heard of a run since.
/// 5. A matter of which there is no verdict is over if its source is not among those looked at, if its subject is there
///    and the check is not asked of it, or if the place it stood in was listed completely since without it. Otherwise
///    nothing is known, and it stays.
pub fn reconcile(
    known: &Known,
    judgement: &Judgement<'_>,
    watched: &Watched,
    damping: Damping,
) -> Vec<Change> {
    let by_subject = by_subject(known);
    let mut answered: HashSet<&Matter> = HashSet::with_capacity(known.len());
    let mut present: HashSet<SubjectRef<'_>> = HashSet::new();
    let mut changes = Vec::new();
    for (subject, verdicts) in judgement.subjects() {
        let incidents = by_subject.get(&subject.id_ref()).map_or(&[][..], Vec::as_slice);
        if !incidents.is_empty() {
            present.insert((&incidents[0].matter.subject).into());
        }
        for verdict in verdicts {
            let incident = incidents.iter().copied().find(|incident| incident.matter.check == verdict.check);
            answered.extend(incident.map(|incident| &incident.matter));
            let (at, observed_at) = (judgement.at, subject.observed_at());
            let restated = Restated::of(&subject, watched);
            let looked = Looked { at, observed_at, last_started: last_started(&subject), restated, damping };
            changes.extend(match incident {
                Some(incident) => looked.again(incident, verdict),
                None => looked.first(&subject, verdict),
            });
        }
    }
    let places = Places::of(judgement);
    for (matter, incident) in known.iter().filter(|(matter, _)| !answered.contains(matter)) {
        let closing = if !watched.sources.contains(&matter.subject.source) {
            Closing::SourceRemoved
        } else if present.contains(&SubjectRef::from(&matter.subject)) {
            Closing::NotAsked
        } else if places.listed_at(&matter.subject).is_some_and(|at| at > incident.since()) {
            Closing::Left
        } else {
            continue;
        };
        changes.push(end(incident, closing));
    }
    changes
}

/// When the list of everything that holds other things was last read completely.
struct Places<'a>(HashMap<SubjectRef<'a>, Option<Timestamp>>);

impl<'a> Places<'a> {
    fn of(judgement: &Judgement<'a>) -> Self {
        let listed = judgement.subjects().filter_map(|(subject, _)| match subject {
            Subject::Source(source) => Some((subject.id_ref(), source.listed_at)),
            Subject::Repository(_, repository) => Some((subject.id_ref(), repository.listed_at)),
            Subject::Asset(..) => None,
        });
        Self(listed.collect())
    }

    /// The innermost place around a subject that is still there.
    fn listed_at(&self, subject: &SubjectId) -> Option<Timestamp> {
        let place = |repository| SubjectRef { source: &subject.source, repository, asset: None };
        let repository = subject.repository.as_ref().filter(|_| subject.asset.is_some());
        let of_repository = repository.and_then(|repository| self.0.get(&place(Some(repository))));
        *of_repository.or_else(|| self.0.get(&place(None)))?
    }
}

fn by_subject(known: &Known) -> HashMap<SubjectRef<'_>, Vec<&Incident>> {
    let mut by_subject: HashMap<SubjectRef<'_>, Vec<&Incident>> = HashMap::with_capacity(known.len());
    for incident in known.values() {
        by_subject.entry((&incident.matter.subject).into()).or_default().push(incident);
    }
    by_subject
}

fn end(incident: &Incident, closing: Closing) -> Change {
    if incident.is_open() {
        Change::Closed(incident.clone(), closing)
    } else {
        Change::Forgotten(incident.matter.clone())
    }
}

/// One verdict's place in time.
struct Looked {
    at: Timestamp,
    observed_at: Timestamp,
    /// When the newest run of an asset began.
    last_started: Option<Timestamp>,
    /// Set for an asset of a source that is only restated.
    restated: Option<Restated>,
    damping: Damping,
}

/// What was heard of an asset.
#[derive(Clone, Copy)]
struct Restated {
    /// When the newest run began or ended.
    ran_at: Option<Timestamp>,
}

impl Restated {
    fn of(subject: &Subject<'_>, watched: &Watched) -> Option<Self> {
        let Subject::Asset(source, _, asset) = subject else { return None };
        let failed_at = match asset.last_run {
            LastRun::Failed { at, .. } => at,
            LastRun::NoneYet | LastRun::Unreadable | LastRun::Succeeded => None,
        };
        let ran_at = failed_at.max(asset.last_good.value()).max(asset.more.last_started.value());
        watched.restated.contains(&source.id).then_some(Self { ran_at })
    }
}

/// True if a run failed that had not failed before: the same failure may be said again, at another instant.
fn has_failed_again(reason: &Reason, before: &Reason) -> bool {
    match (reason, before) {
        (Reason::Failed(count, ..), Reason::Failed(before, ..)) => count != before,
        (_, _) => true,
    }
}

fn last_started(subject: &Subject<'_>) -> Option<Timestamp> {
    match subject {
        Subject::Asset(_, _, asset) => asset.more.last_started.value(),
        Subject::Source(_) | Subject::Repository(..) => None,
    }
}

impl Looked {
    fn first(&self, subject: &Subject<'_>, verdict: &Verdict) -> Option<Change> {
        match verdict.outcome {
            Outcome::Ok | Outcome::Unknown => None,
            Outcome::Bad => {
                let incident = Incident {
                    matter: Matter { subject: subject.id(), check: verdict.check },
                    noticed_at: self.at,
                    began_at: verdict.reason.since(verdict.outcome),
                    opened_at: None,
                    acknowledged: None,
                    looked_at: self.observed_at,
                    bad_looks: 1,
                    ok_looks: 0,
                    reason: verdict.reason.clone(),
                };
                let is_due = self.is_due(&incident);
                Some(if is_due { self.open(incident) } else { Change::Suspected(incident) })
            }
        }
    }

    fn again(&self, known: &Incident, verdict: &Verdict) -> Option<Change> {
        match verdict.outcome {
            Outcome::Unknown => None,
            Outcome::Bad => self.still_bad(known, verdict.reason.clone()),
            Outcome::Ok => match &verdict.reason {
                // It was stated, and was bad: that it is not stated any more is no reason to think better of it.
                Reason::Exempt(Exemption::NoRunYet | Exemption::NoEndStated | Exemption::NoStorageStated) => {
                    None
                }
                Reason::Exempt(exemption) => Some(end(known, Closing::Exempt(*exemption))),
                _ if self.is_without_a_run(known) => None,
                reason => self.ok(known, reason),
            },
        }
    }

    fn still_bad(&self, known: &Incident, reason: Reason) -> Option<Change> {
        let is_another = self.restated.is_none() || has_failed_again(&reason, &known.reason);
        let mut incident = known.clone();
        incident.ok_looks = 0;
        incident.reason = reason;
        if is_another && self.is_new_to(known) {
            incident.looked_at = self.observed_at;
            incident.bad_looks = if known.ok_looks > 0 { 1 } else { known.bad_looks.saturating_add(1) };
        }
        if self.is_due(&incident) {
            return Some(self.open(incident));
        }
        (incident != *known).then_some(Change::Kept(incident))
    }

    /// True if it is not open and has been bad for enough looks. Blindness waits for no further look: there may be none,
    /// and its threshold has damped it. Nor does what is overdue where nothing may be heard any more.
    fn is_due(&self, incident: &Incident) -> bool {
        let is_of_a_run = matches!(incident.reason, Reason::Failed(..));
        let is_damped = incident.matter.check != visibility::ID && (self.restated.is_none() || is_of_a_run);
        !incident.is_open() && (!is_damped || incident.bad_looks >= self.damping.open_after.max(1))
    }

    fn open(&self, incident: Incident) -> Change {
        Change::Opened(Incident { opened_at: Some(self.at), ..incident })
    }

    fn ok(&self, known: &Incident, reason: &Reason) -> Option<Change> {
        let has_run = |restated: Restated| restated.ran_at > Some(known.looked_at);
        let is_another = known.ok_looks == 0 || self.restated.is_none_or(has_run);
        if !is_another || !self.is_new_to(known) || self.observed_at <= known.since() {
            return None;
        }
        let ok_looks = known.ok_looks.saturating_add(1);
        if ok_looks >= self.damping.close_after.max(1) {
            let is_by_threshold = reason.is_bad_within_limit_of(&known.reason, self.at);
            let closing = if is_by_threshold { Closing::ThresholdChanged } else { Closing::Recovered };
            return Some(end(known, closing));
        }
        Some(Change::Kept(Incident { looked_at: self.observed_at, ok_looks, ..known.clone() }))
    }

    /// True if a planned run was missed and none has begun since: then another plan made it ok, and no run.
    fn is_without_a_run(&self, known: &Incident) -> bool {
        let Reason::Missed { planned_at, .. } = known.reason else { return false };
        self.last_started.is_none_or(|at| at < planned_at)
    }

    fn is_new_to(&self, known: &Incident) -> bool {
        self.observed_at > known.looked_at
    }
}
