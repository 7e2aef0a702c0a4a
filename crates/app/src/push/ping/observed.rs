//! What does a job that pings state, from all that was heard of it?

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lastgood_core::id::Name;
use lastgood_core::kind::Kind;
use lastgood_core::observation::{AssetObservation, Detail, LastRun, Planned, Stated};
use lastgood_core::schedule::Schedule;
use lastgood_core::time::{Age, Seconds};

use super::instant::At;
use super::{Heard, Run};
use crate::push::expected::Plan;

/// How much earlier than planned a run may begin, by our clock, and still be the planned one.
const EARLY_MAX: SignedDuration = SignedDuration::from_secs(60);

/// When a job is to run.
#[derive(Clone, Copy, Debug)]
pub struct Planning<'a> {
    /// At which instants.
    pub plan: &'a Plan,
    /// How late it may be.
    pub grace: Seconds,
}

/// States everything that is known of a job.
pub fn observe(name: Name, kind: &'static Kind, heard: &Heard, planning: Planning<'_>) -> AssetObservation {
    let mut asset = AssetObservation::new(kind, name);
    asset.last_run = match heard.failures.last() {
        Some(newest) => LastRun::Failed { in_row: heard.failed_count.max(1), at: Some(newest.0) },
        None if heard.last_good.is_some() => LastRun::Succeeded,
        None => LastRun::NoneYet,
    };
    asset.last_good = heard.last_good.map_or(Stated::Never, |at| Stated::Value(at.0));
    let more = &mut *asset.more;
    more.created_at = Stated::Value(heard.configured_at.0);
    more.started_at = stated(heard.under_way_since());
    more.last_started = heard.started_at.map_or(Stated::Never, |at| Stated::Value(at.0));
    more.last_seen = heard.seen_at.map_or(Stated::Never, |at| Stated::Value(at.0));
    more.planned = Some(Arc::new(planned(heard, planning)));
    more.details = heard.last_run.as_ref().map(details).unwrap_or_default();
    asset
}

fn stated(at: Option<At>) -> Stated<Timestamp> {
    at.map_or(Stated::Missing, |at| Stated::Value(at.0))
}

/// A period begins with the newest start or end of a run, and nothing is planned before that.
fn planned(heard: &Heard, planning: Planning<'_>) -> Planned {
    let (schedule, since) = match planning.plan {
        Plan::Cron { schedule, .. } => (
            Ok(schedule.clone()),
            heard.planned_since.max(meant(heard, schedule).map_or(At(Timestamp::MIN), At)),
        ),
        Plan::Period(period) => {
            let newest = heard.ended_at().max(heard.started_at).unwrap_or(heard.configured_at);
            (Schedule::every(*period, newest.0), newest.max(heard.planned_since))
        }
    };
    Planned {
        is_unreadable: schedule.is_err(),
        schedules: schedule.into_iter().collect(),
        since: since.0,
        grace: Some(planning.grace),
    }
}

/// The planned instant that the newest run is meant for where it began a little before it: another machine's clock is not
/// ours, and cron is punctual. It is at most [`EARLY_MAX`] early, and nearer to that instant than to the one before it.
fn meant(heard: &Heard, schedule: &Schedule) -> Option<Timestamp> {
    let began = heard.started_at.or(heard.ended_at())?.0;
    let planned = schedule.next_after(began)?;
    let early = planned.duration_since(began);
    let pause = schedule.next_after(planned)?.duration_since(planned);
    (early <= EARLY_MAX && early * 2 < pause).then_some(planned)
}

fn details(run: &Run) -> Vec<Detail> {
    let mut details: Vec<Detail> = Vec::new();
    if let Some(status) = run.exit_status {
        details.push(("exit status", status.to_string().into()));
    }
    if let Some(took_ms) = run.took_ms {
        details.push(("took", Age(SignedDuration::from_millis(took_ms)).to_string().into()));
    }
    if let Some(tail) = &run.tail {
        details.push(("last lines", tail.clone()));
    }
    if run.is_cut {
        details.push(("cut", "it sent more than is kept: these are not its last lines".into()));
    }
    details
}
