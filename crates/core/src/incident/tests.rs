//! When incidents open, go on and close, and what explains what.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::cause::causes;
use super::*;
use crate::checks::{behind_local, offline, schedule, unsuccessful, visibility};
use crate::facts::fold;
use crate::id::Name;
use crate::judge::judge;
use crate::observation::{Collection, Extent, Failure, FailureKind, LastRun, Place, Stated};
use crate::testing::{FleetBuilder, agent, appliance, defaults, noon, set, source_id, unreachable};
use crate::time::Seconds;

fn minute(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// A look at the appliance `nas1` of `acme` with the agent `db`, whose newest run failed or not.
fn look(minutes: i64, db_failed: bool) -> Collection {
    let mut db = agent("db", minute(minutes));
    db.last_run = if db_failed { LastRun::Failed { in_row: 1, at: None } } else { LastRun::Succeeded };
    FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
}

/// A monitor that keeps what it knows from tick to tick.
struct Monitor {
    looks: Vec<Collection>,
    known: Known,
    damping: Damping,
    watched: Watched,
    values: Vec<(&'static str, &'static str)>,
}

impl Monitor {
    fn new() -> Self {
        let sources = BTreeSet::from([source_id("acme")]);
        let watched = Watched { sources, restated: BTreeSet::new() };
        Self {
            looks: Vec::new(),
            known: Known::new(),
            damping: Damping::default(),
            watched,
            values: Vec::new(),
        }
    }

    fn damped(open_after: u32, close_after: u32) -> Self {
        Self { damping: Damping { open_after, close_after }, ..Self::new() }
    }

    fn look(&mut self, collection: Collection, at: Timestamp) -> Vec<String> {
        self.looks.push(collection);
        self.tick(at)
    }

    /// Judges, applies what changes and tells it in words.
    fn tick(&mut self, at: Timestamp) -> Vec<String> {
        let facts = fold(self.looks.clone());
        let expectations = if self.values.is_empty() { defaults() } else { set(&self.values) };
        let judgement = judge(&facts, &expectations, at);
        let changes = reconcile(&self.known, &judgement, &self.watched, self.damping);
        changes.into_iter().map(|change| self.apply(change)).collect()
    }

    fn apply(&mut self, change: Change) -> String {
        let told = |matter: &Matter| format!("{} {}", matter.subject, matter.check);
        match change {
            Change::Suspected(incident) => {
                let words = format!("suspected {}", told(&incident.matter));
                self.known.insert(incident.matter.clone(), incident);
                words
            }
            Change::Opened(incident) => {
                let words = format!("opened {}", told(&incident.matter));
                self.known.insert(incident.matter.clone(), incident);
                words
            }
            Change::Kept(incident) => {
                let words = format!("kept {}", told(&incident.matter));
                self.known.insert(incident.matter.clone(), incident);
                words
            }
            Change::Forgotten(matter) => {
                self.known.remove(&matter);
                format!("forgotten {}", told(&matter))
            }
            Change::Closed(incident, closing) => {
                self.known.remove(&incident.matter);
                format!("closed {} {closing:?}", told(&incident.matter))
            }
        }
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_incident_opens_once_goes_on_and_closes_with_the_look_that_finds_it_ok() {
    let mut monitor = Monitor::new();
    assert_eq!(monitor.look(look(0, false), minute(1)), NOTHING);
    assert_eq!(monitor.look(look(5, true), minute(6)), ["opened acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.tick(minute(7)), NOTHING);
    assert_eq!(monitor.look(look(10, true), minute(11)), ["kept acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.look(look(15, false), minute(16)), ["closed acme/nas1/db unsuccessful Recovered"]);
    assert_eq!(monitor.tick(minute(17)), NOTHING);
}

#[test]
fn an_unreachable_source_never_closes_an_incident() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    for minutes in 2..10 {
        monitor.look(unreachable("acme", minute(minutes)), minute(minutes));
    }
    let open: Vec<_> = monitor.known.keys().map(|matter| matter.check).collect();
    assert_eq!(open, [unsuccessful::ID]);
}

#[test]
fn a_threshold_that_is_raised_closes_nothing_before_the_next_look_and_then_with_that_reason() {
    let mut monitor = Monitor::new();
    let mut db = agent("db", noon());
    db.last_good = Stated::Value(noon() - SignedDuration::from_hours(30));
    let late = FleetBuilder::new("acme", noon()).appliance("nas1", vec![db]).collection();
    assert_eq!(monitor.look(late.clone(), minute(1)), ["opened acme/nas1/db behind_local"]);
    monitor.values = vec![("local_after", "48h")];
    assert_eq!(monitor.tick(minute(2)), NOTHING);
    let again = Collection { observed_at: minute(5), ..late };
    assert_eq!(monitor.look(again, minute(6)), ["closed acme/nas1/db behind_local ThresholdChanged"]);
}

#[test]
fn a_backup_that_is_good_by_the_threshold_of_before_recovers_whatever_is_set_now() {
    for (hours, closing) in [(24, "Recovered"), (25, "ThresholdChanged")] {
        let mut monitor = Monitor::new();
        let at = |age: i64, minutes| {
            let mut db = agent("db", noon());
            db.last_good = Stated::Value(minute(minutes + 1) - SignedDuration::from_hours(age));
            FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
        };
        assert_eq!(monitor.look(at(30, 0), minute(1)), ["opened acme/nas1/db behind_local"]);
        monitor.values = vec![("local_after", "48h")];
        let expected = format!("closed acme/nas1/db behind_local {closing}");
        assert_eq!(monitor.look(at(hours, 5), minute(6)), [expected]);
    }
}

#[test]
fn the_threshold_it_was_bad_by_last_counts() {
    let mut monitor = Monitor::new();
    let at = |age: i64, minutes| {
        let mut db = agent("db", noon());
        db.last_good = Stated::Value(minute(minutes + 1) - SignedDuration::from_hours(age));
        FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
    };
    assert_eq!(monitor.look(at(60, 0), minute(1)), ["opened acme/nas1/db behind_local"]);
    monitor.values = vec![("local_after", "48h")];
    assert_eq!(monitor.look(at(61, 5), minute(6)), ["kept acme/nas1/db behind_local"]);
    assert_eq!(monitor.look(at(30, 10), minute(11)), ["closed acme/nas1/db behind_local Recovered"]);
}

#[test]
fn a_check_that_is_turned_off_closes_its_incidents_with_that_reason() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    monitor.values = vec![("unsuccessful_count", "off")];
    assert_eq!(monitor.tick(minute(2)), ["closed acme/nas1/db unsuccessful NotAsked"]);
}

#[test]
fn what_leaves_the_fleet_closes_as_left_only_after_a_complete_list_without_it() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    let without = |minutes| {
        let others = vec![agent("web", minute(minutes))];
        FleetBuilder::new("acme", minute(minutes)).appliance("nas1", others)
    };
    let mut partial = without(5).collection();
    partial.repositories[0].listing = Extent::Partial;
    assert_eq!(monitor.look(partial, minute(6)), NOTHING);
    assert_eq!(
        monitor.look(without(10).partial().collection(), minute(11)),
        ["closed acme/nas1/db unsuccessful Left"]
    );
    monitor.look(look(15, true), minute(16));
    let other = FleetBuilder::new("acme", minute(20)).agents("nas2", &[]);
    assert_eq!(monitor.look(other.collection(), minute(21)), ["closed acme/nas1/db unsuccessful Left"]);
}

#[test]
fn an_empty_list_ends_no_incident() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    let empty = FleetBuilder::new("acme", minute(5)).collection();
    assert_eq!(monitor.look(empty, minute(6)), NOTHING);
    assert_eq!(monitor.look(look(10, false), minute(11)), ["closed acme/nas1/db unsuccessful Recovered"]);
}

#[test]
fn an_empty_list_of_assets_ends_no_incident_and_in_the_end_is_one() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    let empty = |minutes| FleetBuilder::new("acme", minute(minutes)).appliance("nas1", Vec::new());
    for minutes in [5, 10, 175] {
        assert_eq!(monitor.look(empty(minutes).collection(), minute(minutes + 1)), NOTHING, "{minutes}");
    }
    assert_eq!(monitor.look(empty(180).collection(), minute(181)), ["opened acme/nas1 visibility"]);
    assert_eq!(
        monitor.look(look(185, false), minute(186)),
        ["closed acme/nas1 visibility Recovered", "closed acme/nas1/db unsuccessful Recovered"]
    );
}

#[test]
fn what_nothing_is_known_about_any_more_stays_until_its_source_is_removed() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    monitor.looks.clear();
    assert_eq!(monitor.tick(minute(2)), NOTHING);
    monitor.watched.sources.clear();
    assert_eq!(monitor.tick(minute(3)), ["closed acme/nas1/db unsuccessful SourceRemoved"]);
}

#[test]
fn an_exemption_closes_at_once_and_says_so() {
    let mut monitor = Monitor::new();
    monitor.look(look(0, true), minute(1));
    let mut hidden = appliance("nas1", minute(5));
    hidden.assets = vec![agent("db", minute(5))];
    hidden.exempt = Some(Exemption::Hidden);
    let fleet = FleetBuilder::new("acme", minute(5)).repository(hidden).collection();
    assert_eq!(monitor.look(fleet, minute(6)), ["closed acme/nas1/db unsuccessful Exempt(Hidden)"]);
}

#[test]
fn flapping_is_damped_by_looks_and_not_by_ticks() {
    let mut monitor = Monitor::damped(2, 3);
    assert_eq!(monitor.look(look(0, true), minute(1)), ["suspected acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.tick(minute(2)), NOTHING);
    assert_eq!(monitor.look(look(5, false), minute(6)), ["kept acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.look(look(10, true), minute(11)), ["kept acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.look(look(15, true), minute(16)), ["opened acme/nas1/db unsuccessful"]);
    for minutes in [20, 25] {
        let kept = monitor.look(look(minutes, false), minute(minutes + 1));
        assert_eq!(kept, ["kept acme/nas1/db unsuccessful"]);
        assert_eq!(monitor.tick(minute(minutes + 2)), NOTHING);
    }
    assert_eq!(monitor.look(look(30, true), minute(31)), ["kept acme/nas1/db unsuccessful"]);
    for minutes in [35, 40] {
        monitor.look(look(minutes, false), minute(minutes + 1));
    }
    assert_eq!(monitor.look(look(45, false), minute(46)), ["closed acme/nas1/db unsuccessful Recovered"]);
}

/// A look that restates what was heard of the job `db`: when runs failed since the last success, which was `good_at`.
fn restated(minutes: i64, failed_at: &[i64], good_at: i64) -> Collection {
    let mut db = agent("db", minute(minutes));
    db.last_good = Stated::Value(minute(good_at));
    db.last_run = failed_at.last().map_or(LastRun::Succeeded, |at| LastRun::Failed {
        in_row: u32::try_from(failed_at.len()).expect("few runs"),
        at: Some(minute(*at)),
    });
    FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
}

#[test]
fn where_looks_only_restate_what_was_heard_runs_are_counted_and_not_looks() {
    let mut monitor = Monitor::damped(2, 2);
    monitor.watched.restated = monitor.watched.sources.clone();
    assert_eq!(monitor.look(restated(1, &[1], 0), minute(1)), ["suspected acme/nas1/db unsuccessful"]);
    // Another job pings, and what is known is said again.
    assert_eq!(monitor.look(restated(2, &[1], 0), minute(2)), NOTHING);
    assert_eq!(monitor.look(restated(7, &[1], 0), minute(7)), NOTHING);
    assert_eq!(monitor.look(restated(8, &[1, 8], 0), minute(8)), ["opened acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.look(restated(20, &[], 20), minute(20)), ["kept acme/nas1/db unsuccessful"]);
    assert_eq!(monitor.look(restated(25, &[], 20), minute(25)), NOTHING);
    assert_eq!(
        monitor.look(restated(30, &[], 30), minute(30)),
        ["closed acme/nas1/db unsuccessful Recovered"]
    );
}

#[test]
fn where_looks_only_restate_what_was_heard_what_is_overdue_opens_at_once() {
    let mut monitor = Monitor::damped(3, 1);
    monitor.watched.restated = monitor.watched.sources.clone();
    let late = restated(24 * 60 + 1, &[], 0);
    assert_eq!(monitor.look(late, minute(24 * 60 + 1)), ["opened acme/nas1/db behind_local"]);
}

#[test]
fn blindness_opens_at_once_since_no_further_look_may_come() {
    let mut monitor = Monitor::damped(3, 1);
    monitor.look(look(0, false), minute(1));
    let mut changes = monitor.tick(minute(181));
    changes.retain(|change| change.ends_with("visibility"));
    assert_eq!(changes, ["opened acme visibility", "opened acme/nas1 visibility"]);
    assert_eq!(monitor.tick(minute(182)), NOTHING);
}

#[test]
fn a_suspicion_that_does_not_last_is_forgotten_and_never_closed() {
    let mut monitor = Monitor::damped(3, 1);
    monitor.look(look(0, true), minute(1));
    assert_eq!(monitor.look(look(5, false), minute(6)), ["forgotten acme/nas1/db unsuccessful"]);
}

#[test]
fn the_outermost_cause_explains_time_checks_and_never_failed_runs() {
    let mut monitor = Monitor::new();
    let mut db = agent("db", noon());
    db.last_run = LastRun::Failed { in_row: 1, at: None };
    let fleet = FleetBuilder::new("acme", noon()).appliance("nas1", vec![db]).collection();
    monitor.look(fleet, noon());
    let two_days = 48 * 60;
    monitor.look(unreachable("acme", minute(two_days)), minute(two_days));
    let explained = |check: CheckId| {
        let incident = monitor.known.values().find(|incident| incident.matter.check == check);
        let mut causes = causes(incident.expect("it is open"), &monitor.known);
        causes.next().map(|cause| cause.matter.subject.to_string())
    };
    assert_eq!(explained(behind_local::ID).as_deref(), Some("acme"));
    assert_eq!(explained(offline::ID).as_deref(), Some("acme"));
    assert_eq!(explained(unsuccessful::ID), None);
    let mut without_source = monitor.known.clone();
    without_source.retain(|matter, _| matter.subject.repository.is_some() || matter.check != visibility::ID);
    let late = monitor.known.values().find(|incident| incident.matter.check == behind_local::ID);
    let mut causes = causes(late.expect("it is open"), &without_source);
    let cause = causes.next().expect("the appliance is offline");
    assert_eq!(cause.matter.subject.to_string(), "acme/nas1");
    assert_eq!(cause.matter.check, offline::ID);
}

#[test]
fn a_repository_that_is_unread_in_part_explains_nothing_and_recovers_with_a_look_that_sees_all() {
    let unread = |minutes| {
        let mut look = look(minutes, false);
        look.repositories[0].assets[0].last_good = Stated::Value(noon() - SignedDuration::from_hours(48));
        let place = Place { asset: Some(Name::new("db")), ..Place::repository(Name::new("nas1")) };
        look.failures = vec![Failure { place, kind: FailureKind::Denied, reason: "no".to_owned() }];
        look
    };
    let mut monitor = Monitor::new();
    let blind = "acme/nas1 visibility";
    let opened = monitor.look(unread(0), minute(1));
    assert!(opened.iter().all(|change| !change.contains("visibility")), "{opened:?}");
    monitor.look(unread(60), minute(61));
    let opened = monitor.look(unread(240), minute(241));
    assert!(opened.iter().any(|change| change.contains(blind)), "{opened:?}");
    assert!(monitor.known.keys().any(|matter| matter.check == behind_local::ID));
    for incident in monitor.known.values() {
        assert_eq!(causes(incident, &monitor.known).count(), 0, "{incident:?}");
    }
    let closed = monitor.look(look(300, false), minute(301));
    assert!(closed.iter().any(|change| change.contains(blind) && change.contains("Recovered")), "{closed:?}");
}

proptest! {
    /// I3: judging the same again changes nothing. I4: what closes as recovered was observed ok after it opened.
    #[test]
    fn repeating_a_tick_changes_nothing_and_only_a_later_ok_recovers(
        steps in prop::collection::vec((0_u8..4, any::<bool>()), 1..30),
        open_after in 0_u32..4,
        close_after in 0_u32..4,
    ) {
        let mut monitor = Monitor::damped(open_after, close_after);
        for (step, (kind, is_bad)) in steps.into_iter().enumerate() {
            let minutes = i64::try_from(step).expect("few steps") * 5;
            let (before, now) = (monitor.known.clone(), minute(minutes + 1));
            let changes = match kind {
                0 => monitor.tick(now),
                1 => monitor.look(unreachable("acme", minute(minutes)), now),
                _ => monitor.look(look(minutes, is_bad), now),
            };
            for change in changes.iter().filter(|change| change.ends_with("unsuccessful Recovered")) {
                prop_assert!(kind >= 2 && !is_bad, "{change} at step {step}");
                let opened_at = before.values().find_map(|incident| incident.opened_at);
                prop_assert!(opened_at.expect("it was open") < minute(minutes));
            }
            prop_assert_eq!(monitor.tick(now), Vec::<String>::new());
        }
    }
}

#[test]
fn another_plan_makes_good_no_run_that_was_missed() {
    let matter = Matter {
        subject: SubjectId { source: source_id("jobs"), repository: None, asset: None },
        check: schedule::ID,
    };
    let reason = Reason::Missed { count: 1, limit: 1, planned_at: minute(0), grace: Seconds::minutes(5) };
    let incident = Incident {
        matter,
        noticed_at: minute(5),
        began_at: None,
        opened_at: Some(minute(5)),
        acknowledged: None,
        looked_at: minute(5),
        bad_looks: 1,
        ok_looks: 0,
        reason,
    };
    let ok = Verdict { check: schedule::ID, outcome: Outcome::Ok, reason: Reason::OnPlan(None) };
    let after = |last_started| {
        let looked = Looked {
            at: minute(10),
            observed_at: minute(9),
            last_started,
            restated: None,
            damping: Damping::default(),
        };
        looked.again(&incident, &ok)
    };
    assert_eq!(after(None), None);
    assert_eq!(after(Some(minute(-1))), None);
    assert_eq!(after(Some(minute(0))), Some(Change::Closed(incident.clone(), Closing::Recovered)));
}

#[test]
fn when_it_began_stays_what_it_was_at_the_first_failure() {
    let mut monitor = Monitor::new();
    let failed = |minutes, in_row, at| {
        let mut db = agent("db", minute(minutes));
        db.last_run = LastRun::Failed { in_row, at };
        FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
    };
    let began_at = |monitor: &Monitor| monitor.known.values().next().expect("an incident").began_at;
    monitor.look(failed(10, 1, Some(minute(3))), minute(11));
    assert_eq!(began_at(&monitor), Some(minute(3)));
    monitor.look(failed(20, 2, Some(minute(15))), minute(21));
    assert_eq!(began_at(&monitor), Some(minute(3)), "the second failure is not when it began");
    let mut late = Monitor::new();
    late.look(failed(20, 2, Some(minute(15))), minute(21));
    assert_eq!(began_at(&late), None, "the first of them is not dated");
}

#[test]
fn what_is_not_stated_any_more_ends_nothing() {
    let mut monitor = Monitor::new();
    assert_eq!(monitor.look(look(0, true), minute(1)).len(), 1);
    let silent = |minutes| {
        let mut db = agent("db", minute(minutes));
        db.last_run = LastRun::NoneYet;
        FleetBuilder::new("acme", minute(minutes)).appliance("nas1", vec![db]).collection()
    };
    assert!(monitor.look(silent(5), minute(6)).is_empty());
    assert_eq!(monitor.look(look(10, false), minute(11)).len(), 1, "a run that succeeds ends it");
}
