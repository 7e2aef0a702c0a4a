//! I1 to I8 over whatever may happen: looks of every extent, ticks between them, restarts in the middle.

use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::observation::Planned;
use crate::schedule::Schedule;

/// What one machine states at a look: `None` if it does not stand in the list.
type Stating = Option<(u8, u8, bool, bool)>;

#[derive(Clone, Debug)]
enum Step {
    /// A look so many minutes later, in which servers and machines were listed to these extents.
    Look(i64, Extent, Extent, Vec<Stating>),
    /// A look that could not reach the source.
    Blind(i64),
    /// Only time passes.
    Wait(i64),
    /// Everything is rebuilt.
    Restart,
}

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![6 => Just(Extent::Complete), 1 => Just(Extent::Partial), 1 => Just(Extent::Failed)]
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = || prop_oneof![3 => 1_i64..90, 1 => Just(24 * 60), 1 => 90_i64..3000];
    let stating = prop::option::weighted(0.9, (0_u8..4, 0_u8..4, any::<bool>(), any::<bool>()));
    prop_oneof![
        6 => (minutes(), extent(), extent(), vec(stating, 3))
            .prop_map(|(minutes, servers, machines, statings)| Step::Look(minutes, servers, machines, statings)),
        1 => minutes().prop_map(Step::Blind),
        2 => minutes().prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

fn machine(number: usize, at: Timestamp, stating: (u8, u8, bool, bool)) -> AssetObservation {
    let (run, age, is_seen, is_planned) = stating;
    let ago = |hours: u8| at - SignedDuration::from_hours(i64::from(hours) * 13);
    let mut machine = AssetObservation::new(&MACHINE, Name::new(format!("m{number}")));
    machine.last_run = match run {
        0 => LastRun::NoneYet,
        1 => LastRun::Succeeded,
        2 => LastRun::Failed { in_row: 1, at: Some(ago(age)) },
        _ => LastRun::Failed { in_row: 2, at: None },
    };
    machine.last_good = if run == 0 { Stated::Never } else { Stated::Value(ago(age)) };
    machine.more.last_started = Stated::Value(ago(age));
    machine.more.started_at = if run == 3 { Stated::Value(ago(age)) } else { Stated::Missing };
    machine.more.last_seen = if is_seen { Stated::Value(ago(age / 2)) } else { Stated::Missing };
    let nightly = Schedule::parse_cron("30 2 * * *", TimeZone::get("Europe/Zurich").expect("a zone"));
    let schedules = vec![nightly.expect("a valid schedule")];
    let since = noon() - SignedDuration::from_hours(50);
    let planned = Planned { schedules, since, grace: None, is_unreadable: false };
    machine.more.planned = is_planned.then(|| Arc::new(planned));
    machine
}

fn look_of(at: Timestamp, servers: Extent, machines: Extent, statings: &[Stating]) -> Collection {
    let stated = |(number, stating): (usize, &Stating)| Some(machine(number, at, (*stating)?));
    let mut s1 = server("s1", at, statings.iter().enumerate().filter_map(stated).collect());
    s1.listing = machines;
    let s2 = server("s2", at - SignedDuration::from_mins(50), Vec::new());
    let mut look = look(at, if statings[0].is_some() { vec![s1, s2] } else { vec![s2] });
    if servers == Extent::Failed {
        return Collection { kind: &SERVERS, ..unreachable("acme", at) };
    }
    look.listing = servers;
    look
}

/// Everybody who may be told, and how patient they are.
fn recipients() -> Vec<Recipient> {
    let patient = Patience::Until { count: Some(2), length: Some(Seconds::days(2)) };
    vec![
        recipient("ada", Patience::None, None),
        recipient("bob", patient, None),
        recipient("eve", Patience::None, Some(Seconds::hours(3))),
    ]
}

/// I4: what closed had a reason to. Returns what did not.
fn closed_without_reason(ticked: &Ticked, monitor: &Monitor, now: Timestamp) -> Option<String> {
    let expectations = monitor.expectations();
    let judgement = judge(&monitor.facts, &expectations, now);
    for change in &ticked.changes {
        let Change::Closed(incident, closing) = change else { continue };
        let opened_at = incident.opened_at.expect("only what was open closes");
        let Matter { subject, check } = &incident.matter;
        let found = judgement.subjects().find(|(found, _)| found.id() == *subject);
        let of_check =
            |verdicts: &[Verdict]| verdicts.iter().find(|verdict| verdict.check == *check).cloned();
        let is_justified = match (closing, found) {
            (Closing::Recovered, Some((found, verdicts))) => {
                let is_ok = of_check(verdicts).is_some_and(|verdict| verdict.outcome == Outcome::Ok);
                is_ok && found.observed_at() > opened_at
            }
            (Closing::Exempt(exemption), Some((_, verdicts))) => {
                of_check(verdicts).is_some_and(|verdict| verdict.reason == Reason::Exempt(*exemption))
            }
            (Closing::Left, None) => listed_at(&judgement, subject).is_some_and(|at| at > opened_at),
            (_, _) => false,
        };
        if !is_justified {
            return Some(format!("{closing:?} of {incident:?}"));
        }
    }
    None
}

/// When the place around a subject that left was last listed completely.
fn listed_at(judgement: &Judgement<'_>, subject: &SubjectId) -> Option<Timestamp> {
    let place = subject.place()?;
    let of = |(found, _): (Subject<'_>, _)| match found {
        Subject::Repository(_, repository) if found.id() == place => Some(repository.listed_at),
        _ => None,
    };
    let of_place = judgement.subjects().find_map(of);
    of_place.unwrap_or_else(|| judgement.subjects().next().and_then(|(found, _)| found.source().listed_at))
}

/// I5, as far as the core goes: whoever is to be told of what is open was told, or it is said why not.
fn untold(ticked: &Ticked, monitor: &Monitor) -> Option<String> {
    for incident in monitor.known.values().filter(|incident| incident.is_open()) {
        let episode = Episode::of(incident);
        for Recipient { address, .. } in &monitor.recipients {
            let was_told = monitor.told.get(&episode).is_some_and(|told| told.contains_key(address));
            let mut withheld = ticked.plan.withheld.iter();
            let is_said = withheld.any(|(of, to, _)| *of == episode && to.as_ref() == Some(address));
            if !was_told && !is_said {
                return Some(format!("{address} does not hear of {incident:?}"));
            }
        }
    }
    None
}

/// What everybody was told first, and when they were last told anything, by episode.
#[derive(Default)]
struct Heard {
    first: BTreeSet<(Episode, Address)>,
    last_at: HashMap<(Episode, Address), Timestamp>,
}

impl Heard {
    /// I6. Returns what was told once too often.
    fn too_often(&mut self, plan: &Plan, repeat_after: Seconds, now: Timestamp) -> Option<String> {
        for Digest { address, entries, .. } in &plan.digests {
            let mut episodes = BTreeSet::new();
            for entry in entries {
                let key = (Episode::of(&entry.incident), address.clone());
                let last_at = self.last_at.insert(key.clone(), now);
                let is_right = match entry.why {
                    Why::First | Why::Escalated => self.first.insert(key.clone()),
                    Why::MoreSubjects(_) | Why::Resolved => last_at.is_some(),
                    Why::Reminder(_) => {
                        last_at.is_some_and(|at| now.duration_since(at) >= repeat_after.duration())
                    }
                };
                if !is_right || !episodes.insert(key.0) {
                    return Some(format!("{address} hears {:?} of {:?}", entry.why, entry.incident.matter));
                }
            }
        }
        None
    }
}

fn monitor(open_after: u32, close_after: u32, counts_while_seen: bool) -> Monitor {
    let values = if counts_while_seen { vec![("overdue_counts", "while_seen")] } else { Vec::new() };
    Monitor {
        damping: Damping { open_after, close_after },
        repeat_after: Some(Seconds::hours(24)),
        values,
        recipients: recipients(),
        ..Monitor::new()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_the_invariants_hold(
        steps in vec((step(), prop::bool::weighted(0.8)), 1..40),
        (open_after, close_after) in (0_u32..4, 0_u32..4),
        counts_while_seen: bool,
    ) {
        let mut monitor = monitor(open_after, close_after, counts_while_seen);
        let (mut now, mut heard) = (noon(), Heard::default());
        for (step, is_ticked) in steps {
            match step {
                Step::Look(minutes, servers, machines, statings) => {
                    now += SignedDuration::from_mins(minutes);
                    monitor.look(look_of(now, servers, machines, &statings));
                }
                Step::Blind(minutes) => {
                    now += SignedDuration::from_mins(minutes);
                    monitor.look(look_of(now, Extent::Failed, Extent::Failed, &[None]));
                }
                Step::Wait(minutes) => now += SignedDuration::from_mins(minutes),
                // I7: rebuilding gives what running on gave.
                Step::Restart => {
                    let before = monitor.facts.clone();
                    monitor.restart();
                    prop_assert_eq!(&before, &monitor.facts);
                }
            }
            if !is_ticked {
                continue;
            }
            let ticked = monitor.tick(now);
            prop_assert_eq!(closed_without_reason(&ticked, &monitor, now), None);
            prop_assert_eq!(untold(&ticked, &monitor), None);
            prop_assert_eq!(heard.too_often(&ticked.plan, Seconds::hours(24), now), None);
            // I3: the same again changes nothing and tells nobody.
            let again = monitor.tick(now);
            prop_assert!(again.changes.is_empty() && again.plan.digests.is_empty(), "{:?}", again.changes);
        }
        // I1: whatever the order in which looks come.
        let mut turned = monitor.looks.clone();
        turned.reverse();
        prop_assert_eq!(fold(turned), fold(monitor.looks.clone()));
    }

    /// Counting only the time in which a device was seen never finds more than counting all of it, and where nobody states
    /// that a device was seen it finds the same.
    #[test]
    fn time_in_which_nobody_was_there_only_ever_excuses(steps in vec(step(), 1..20), is_stated: bool) {
        let mut monitor = monitor(1, 1, false);
        let mut now = noon();
        for step in steps {
            if let Step::Look(minutes, servers, machines, mut statings) = step {
                now += SignedDuration::from_mins(minutes);
                for (_, _, is_seen, _) in statings.iter_mut().flatten() {
                    *is_seen &= is_stated;
                }
                monitor.look(look_of(now, servers, machines, &statings));
            }
        }
        let bad = |overdue_counts| {
            let expectations = set(&[("overdue_counts", overdue_counts)]);
            let judgement = judge(&monitor.facts, &expectations, now);
            let of = |(subject, verdicts): (Subject<'_>, &[Verdict])| {
                let bad = verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Bad);
                bad.map(|verdict| (subject.path(), verdict.check)).collect::<Vec<_>>()
            };
            judgement.subjects().flat_map(of).collect::<BTreeSet<_>>()
        };
        let (always, while_seen) = (bad("always"), bad("while_seen"));
        prop_assert!(while_seen.is_subset(&always));
        prop_assert!(is_stated || while_seen == always);
    }
}
