//! Who is told what, one row per branch of the plan.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::checks::{
    behind_local, behind_offsite, offline, reboot_due, schedule, stuck, undelivered, unsuccessful, visibility,
};
use crate::id::CheckId;
use crate::recipient::{Patience, Role};
use crate::silence::Silence;
use crate::testing::{matter, noon};
use crate::verdict::Reason;

fn minute(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// An incident that opened at noon.
fn incident(path: &str, check: CheckId) -> Incident {
    Incident {
        matter: matter(path, check),
        noticed_at: noon(),
        began_at: None,
        opened_at: Some(noon()),
        acknowledged: None,
        looked_at: noon(),
        bad_looks: 1,
        ok_looks: 0,
        reason: Reason::Never,
    }
}

fn address(to: &str) -> Address {
    Address { channel: "mail".to_owned(), to: to.to_owned() }
}

fn recipient(to: &str) -> Recipient {
    let because = vec!["the test says so".to_owned()];
    Recipient {
        voice: None,
        address: address(to),
        role: Role::Customer,
        patience: Patience::None,
        escalation: None,
        because,
    }
}

/// A silence of everybody from noon to one o'clock.
fn silence(pattern: &str, checks: Option<Vec<CheckId>>) -> Silence {
    let words = || "a test".to_owned();
    let (pattern, from, until) = (pattern.to_owned(), noon(), minute(60));
    Silence { id: 7, pattern, checks, address: None, from, until, reason: words(), by: words() }
}

/// A world in which a test changes what it is about.
struct World {
    known: Known,
    closed: Vec<(Incident, Closing)>,
    told: Telling,
    answer: Answer,
    /// The answers about matters that are not answered for like all others.
    special: HashMap<Matter, Answer>,
    /// Who is named nowhere any more.
    gone: Vec<Address>,
    streak: Streak,
    silences: Vec<Silence>,
    repeat_after: Option<Seconds>,
}

impl World {
    /// One customer, and these incidents.
    fn new(incidents: &[Incident]) -> Self {
        Self {
            known: incidents.iter().map(|incident| (incident.matter.clone(), incident.clone())).collect(),
            closed: Vec::new(),
            told: Telling::new(),
            answer: Answer::Recipients(vec![recipient("ada")]),
            special: HashMap::new(),
            gone: Vec::new(),
            streak: Streak::default(),
            silences: Vec::new(),
            repeat_after: None,
        }
    }

    fn plan(&self, now: Timestamp) -> Plan {
        let speaks_of = |silence: &Silence| {
            let prefix = silence.pattern.clone();
            Box::new(move |path: &str| path.starts_with(&prefix)) as Box<dyn Fn(&str) -> bool>
        };
        let silences: Vec<_> =
            self.silences.iter().map(|silence| Silenced { silence, speaks_of: speaks_of(silence) }).collect();
        plan(&Situation {
            now,
            known: &self.known,
            closed: &self.closed,
            told: &self.told,
            directory: &|matter| self.special.get(matter).unwrap_or(&self.answer).clone(),
            may_hear: &|_, address| !self.gone.contains(address),
            streak: &|_| self.streak,
            silences: &silences,
            repeat_after: self.repeat_after,
        })
    }

    /// Plans, remembers what was told, and returns it in words.
    fn tell(&mut self, now: Timestamp) -> Vec<String> {
        let plan = self.plan(now);
        let mut words = Vec::new();
        for Digest { address, entries, .. } in plan.digests {
            for Entry { incident, why, affected, .. } in entries {
                let count = subject_count(&affected);
                words.push(format!("{} {} {why:?} +{count}", address.to, incident.matter.subject));
                let told = self.told.entry(Episode::of(&incident)).or_default();
                let reminder_count = if let Why::Reminder(count) = why { count } else { 0 };
                let knows = told.get(&address).is_some_and(|told| told.knows);
                told.insert(address.clone(), Told { at: now, reminder_count, affected_count: count, knows });
            }
        }
        words
    }

    fn withheld(&self, now: Timestamp) -> Vec<Withheld> {
        self.plan(now).withheld.into_iter().map(|(_, _, withheld)| withheld).collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_opened_is_told_once_and_everything_to_one_address_in_one_digest() {
    let mut world = World::new(&[
        incident("acme/nas1/db", unsuccessful::ID),
        incident("acme/nas1/web", unsuccessful::ID),
    ]);
    assert_eq!(world.plan(minute(1)).digests.len(), 1);
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db First +0", "ada acme/nas1/web First +0"]);
    assert_eq!(world.tell(minute(2)), NOTHING);
}

#[test]
fn a_suspicion_is_not_told() {
    let suspected = Incident { opened_at: None, ..incident("acme/nas1/db", unsuccessful::ID) };
    assert_eq!(World::new(&[suspected]).plan(minute(1)), Plan::default());
}

#[test]
fn patience_withholds_and_is_told_when_it_is_over_without_any_edge() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    let patience = Patience::Until { count: Some(3), length: None };
    world.answer = Answer::Recipients(vec![Recipient { patience, ..recipient("ada") }]);
    world.streak = Streak { in_row: 2, last_success_at: Some(noon()) };
    assert_eq!(world.withheld(minute(1)), [Withheld::Patience]);
    world.streak.in_row = 3;
    assert_eq!(world.tell(minute(2)), ["ada acme/nas1/db First +0"]);
}

#[test]
fn a_silence_withholds_and_its_end_tells() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    world.silences = vec![silence("acme/nas1", None)];
    assert_eq!(world.withheld(minute(1)), [Withheld::Silence(7)]);
    assert_eq!(world.tell(minute(60)), ["ada acme/nas1/db First +0"]);
}

#[test]
fn a_silence_of_one_address_withholds_from_that_one_only_also_the_end() {
    let incident = incident("acme/nas1/db", unsuccessful::ID);
    let mut world = World::new(std::slice::from_ref(&incident));
    world.answer = Answer::Recipients(vec![recipient("ada"), recipient("bob")]);
    let ada = recipient("ada").address;
    world.silences = vec![Silence { address: Some(ada.clone()), ..silence("acme/nas1", None) }];
    assert_eq!(world.tell(minute(1)), ["bob acme/nas1/db First +0"]);
    let withheld = vec![(Episode::of(&incident), Some(ada), Withheld::Silence(7))];
    assert_eq!(world.plan(minute(2)).withheld, withheld);
    assert_eq!(world.tell(minute(60)), ["ada acme/nas1/db First +0"]);
    world.known.clear();
    world.closed = vec![(incident, Closing::Recovered)];
    let plan = world.plan(minute(59));
    assert_eq!(plan.digests.iter().map(|digest| &*digest.address.to).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(plan.withheld, withheld);
}

#[test]
fn a_directory_that_cannot_be_asked_or_knows_nobody_is_said_and_told_later() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    world.answer = Answer::Unknown;
    assert_eq!(world.withheld(minute(1)), [Withheld::DirectoryUnknown]);
    world.answer = Answer::Recipients(Vec::new());
    assert_eq!(world.withheld(minute(2)), [Withheld::Nobody]);
    world.answer = Answer::Recipients(vec![recipient("ada"), recipient("bob")]);
    assert_eq!(world.tell(minute(3)), ["ada acme/nas1/db First +0", "bob acme/nas1/db First +0"]);
}

#[test]
fn who_is_told_second_waits_for_an_acknowledgement() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    let escalation = Some(Seconds::minutes(30));
    world.answer = Answer::Recipients(vec![recipient("ada"), Recipient { escalation, ..recipient("boss") }]);
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db First +0"]);
    assert_eq!(world.withheld(minute(29)), [Withheld::Escalation]);
    let mut acknowledged = world.known.clone();
    for incident in acknowledged.values_mut() {
        incident.acknowledged = Some(crate::incident::Acknowledged { at: minute(5), by: "ada".to_owned() });
    }
    let unacknowledged = std::mem::replace(&mut world.known, acknowledged);
    assert_eq!(world.tell(minute(30)), NOTHING);
    world.known = unacknowledged;
    assert_eq!(world.tell(minute(30)), ["boss acme/nas1/db Escalated +0"]);
}

#[test]
fn reminders_come_once_per_interval_until_somebody_acknowledges() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    world.repeat_after = Some(Seconds::hours(24));
    world.tell(minute(0));
    assert_eq!(world.tell(minute(24 * 60 - 1)), NOTHING);
    assert_eq!(world.tell(minute(24 * 60)), ["ada acme/nas1/db Reminder(1) +0"]);
    assert_eq!(world.tell(minute(24 * 60 + 1)), NOTHING);
    assert_eq!(world.tell(minute(48 * 60)), ["ada acme/nas1/db Reminder(2) +0"]);
    for incident in world.known.values_mut() {
        incident.acknowledged = Some(crate::incident::Acknowledged { at: noon(), by: "ada".to_owned() });
    }
    assert_eq!(world.tell(minute(72 * 60)), NOTHING);
}

#[test]
fn who_knows_for_themselves_is_not_reminded_and_ends_nothing_for_others() {
    let db = incident("acme/nas1/db", unsuccessful::ID);
    let mut world = World::new(std::slice::from_ref(&db));
    world.repeat_after = Some(Seconds::hours(24));
    let operator = |to, escalation| Recipient { role: Role::Operator, escalation, ..recipient(to) };
    let oncall = operator("oncall", Some(Seconds::hours(2)));
    world.answer = Answer::Recipients(vec![recipient("ada"), operator("ops", None), oncall]);
    assert_eq!(world.tell(minute(0)), ["ada acme/nas1/db First +0", "ops acme/nas1/db First +0"]);
    let told = world.told.get_mut(&Episode::of(&db)).and_then(|told| told.get_mut(&address("ada")));
    told.expect("she was told").knows = true;
    assert_eq!(world.tell(minute(120)), ["oncall acme/nas1/db Escalated +0"]);
    assert_eq!(world.tell(minute(24 * 60)), ["ops acme/nas1/db Reminder(1) +0"]);
}

#[test]
fn a_cause_is_told_for_what_it_affects_and_what_is_still_bad_after_it_is_told_then() {
    let mut world = World::new(&[
        incident("acme/nas1", offline::ID),
        incident("acme/nas1/db", behind_local::ID),
        incident("acme/nas1/web", behind_local::ID),
        incident("acme/nas1/web", unsuccessful::ID),
    ]);
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1 First +2", "ada acme/nas1/web First +0"]);
    let late = incident("acme/nas1/mail", behind_local::ID);
    world.known.insert(late.matter.clone(), late);
    assert_eq!(world.tell(minute(2)), ["ada acme/nas1 MoreSubjects(1) +3"]);
    assert_eq!(world.tell(minute(3)), NOTHING);
    // A subject that is late in another way too is not one more.
    let again = incident("acme/nas1/mail", behind_offsite::ID);
    world.known.insert(again.matter.clone(), again);
    assert_eq!(world.tell(minute(3)), NOTHING);
    let cause = world.known.remove(&matter("acme/nas1", offline::ID)).expect("it is open");
    world.known.remove(&matter("acme/nas1/mail", behind_local::ID));
    world.known.remove(&matter("acme/nas1/mail", behind_offsite::ID));
    world.closed = vec![(cause, Closing::Recovered)];
    assert_eq!(
        world.tell(minute(4)),
        ["ada acme/nas1/db First +0", "ada acme/nas1/web First +0", "ada acme/nas1 Resolved +0"]
    );
}

#[test]
fn when_nothing_can_be_seen_only_the_incident_about_ourselves_is_told() {
    let ourselves = matter("lastgood", visibility::ID);
    let mut world = World::new(&[
        incident("lastgood", visibility::ID),
        incident("lastgood/mail", undelivered::ID),
        incident("acme", visibility::ID),
        incident("acme/nas1", offline::ID),
        incident("acme/nas1/db", schedule::ID),
        incident("other", visibility::ID),
        incident("other/nas1/db", stuck::ID),
        incident("other/nas1/db", unsuccessful::ID),
        // This source can be seen: what is wrong in it stands for itself.
        incident("seen/nas1", offline::ID),
        incident("seen/nas1/db", behind_local::ID),
    ]);
    let told = world.tell(minute(1));
    assert_eq!(
        told,
        [
            "ada lastgood First +5",
            "ada lastgood/mail First +0",
            "ada other/nas1/db First +0",
            "ada seen/nas1 First +1",
        ]
    );
    assert_eq!(world.tell(minute(2)), NOTHING);
    world.known.remove(&ourselves);
    world.known.remove(&matter("other", visibility::ID));
    assert_eq!(world.tell(minute(3)), ["ada acme First +2", "ada other/nas1/db First +0"]);
}

/// An appliance that is offline and an agent of it that is late, each with who is to be told.
fn beside_a_cause(of_cause: Answer, of_agent: Vec<Recipient>) -> World {
    let mut world =
        World::new(&[incident("acme/nas1", offline::ID), incident("acme/nas1/db", behind_local::ID)]);
    world.special.insert(matter("acme/nas1", offline::ID), of_cause);
    world.answer = Answer::Recipients(of_agent);
    world
}

#[test]
fn who_does_not_hear_of_the_cause_is_told_what_it_explains() {
    let both = vec![recipient("ada"), recipient("owner")];
    let mut world = beside_a_cause(Answer::Recipients(vec![recipient("ada")]), both.clone());
    let db = Episode::of(&incident("acme/nas1/db", behind_local::ID));
    let by_cause = Withheld::Cause(matter("acme/nas1", offline::ID));
    assert_eq!(world.plan(minute(1)).withheld, [(db, Some(address("ada")), by_cause)]);
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1 First +1", "owner acme/nas1/db First +0"]);
    assert_eq!(world.tell(minute(2)), NOTHING);
    for nobody in [Answer::Unknown, Answer::Recipients(Vec::new())] {
        let mut world = beside_a_cause(nobody, both.clone());
        assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db First +0", "owner acme/nas1/db First +0"]);
    }
}

#[test]
fn who_is_not_to_hear_of_the_cause_yet_is_told_what_it_explains() {
    let never = Recipient { patience: Patience::Until { count: None, length: None }, ..recipient("ada") };
    let escalation = Some(Seconds::minutes(30));
    let second = Recipient { escalation, ..recipient("ada") };
    for of_cause in [never, second.clone()] {
        let mut world = beside_a_cause(Answer::Recipients(vec![of_cause.clone()]), vec![recipient("ada")]);
        assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db First +0"], "{of_cause:?}");
    }
    // Second for both: one acknowledgement of the cause is enough for all that it explains.
    let mut world = beside_a_cause(Answer::Recipients(vec![second.clone()]), vec![second]);
    let known = world.known.clone();
    let cause = world.known.get_mut(&matter("acme/nas1", offline::ID)).expect("it is open");
    cause.acknowledged = Some(crate::incident::Acknowledged { at: minute(5), by: "ada".to_owned() });
    assert_eq!(world.tell(minute(60)), NOTHING);
    world.known = known;
    assert_eq!(world.tell(minute(60)), ["ada acme/nas1 Escalated +1"]);
}

#[test]
fn a_silenced_cause_speaks_for_nothing_that_its_silence_does_not_cover() {
    let both = vec![recipient("ada"), recipient("bob")];
    let mut world = beside_a_cause(Answer::Recipients(both.clone()), both);
    // Everything of the appliance and below it.
    world.silences = vec![silence("acme/nas1", None)];
    assert_eq!(world.withheld(minute(1)), vec![Withheld::Silence(7); 4]);
    // That it is offline only, as a link does it; for one of them.
    let offline = silence("acme/nas1", Some(vec![offline::ID]));
    world.silences = vec![Silence { address: Some(address("ada")), ..offline.clone() }];
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db First +0", "bob acme/nas1 First +1"]);
    assert_eq!(world.tell(minute(2)), NOTHING);
    // Another check of the appliance has nothing to do with it.
    let mut world = beside_a_cause(Answer::Recipients(vec![recipient("ada")]), vec![recipient("ada")]);
    world.silences = vec![silence("acme/nas1", Some(vec![reboot_due::ID]))];
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1 First +1"]);
}

#[test]
fn who_was_told_of_a_cause_and_silences_it_is_told_what_stood_behind_it() {
    let ada = || vec![recipient("ada")];
    let mut world = beside_a_cause(Answer::Recipients(ada()), ada());
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1 First +1"]);
    world.silences = vec![silence("acme/nas1", Some(vec![offline::ID]))];
    assert_eq!(world.tell(minute(2)), ["ada acme/nas1/db First +0"]);
    assert_eq!(world.tell(minute(3)), NOTHING);
}

#[test]
fn who_hears_of_the_inner_cause_only_is_told_that_one() {
    let source = matter("acme", visibility::ID);
    let mut world = beside_a_cause(
        Answer::Recipients(vec![recipient("ada"), recipient("owner")]),
        vec![recipient("ada"), recipient("owner")],
    );
    world.known.insert(source.clone(), incident("acme", visibility::ID));
    world.special.insert(source, Answer::Recipients(vec![recipient("ada")]));
    assert_eq!(world.tell(minute(1)), ["ada acme First +2", "owner acme/nas1 First +1"]);
    assert_eq!(world.tell(minute(2)), NOTHING);
}

#[test]
fn a_directory_is_asked_once_about_a_cause_however_much_it_explains() {
    let late = (0..10_000).map(|number| incident(&format!("acme/nas1/{number}"), behind_local::ID));
    let incidents: Vec<_> = late.chain([incident("acme/nas1", offline::ID)]).collect();
    let world = World::new(&incidents);
    let asked_count = std::cell::Cell::new(0);
    let plan = plan(&Situation {
        now: minute(1),
        known: &world.known,
        closed: &[],
        told: &world.told,
        directory: &|_| {
            asked_count.set(asked_count.get() + 1);
            world.answer.clone()
        },
        may_hear: &|_, _| true,
        streak: &|_| world.streak,
        silences: &[],
        repeat_after: None,
    });
    assert_eq!((plan.digests.len(), plan.withheld.len()), (1, 10_000));
    assert_eq!(asked_count.get(), 10_002, "once per incident, and once as a cause");
}

#[test]
fn an_entry_says_what_its_reader_is_to_the_subject_also_when_it_is_over() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    world.answer = Answer::Recipients(vec![Recipient { role: Role::Operator, ..recipient("ada") }]);
    let roles = |world: &World| {
        let digests = world.plan(minute(1)).digests;
        digests.iter().flat_map(|digest| &digest.entries).map(|entry| entry.role).collect::<Vec<_>>()
    };
    assert_eq!(roles(&world), [Some(Role::Operator)]);
    world.tell(minute(1));
    let over = std::mem::take(&mut world.known).into_values();
    world.closed = over.map(|incident| (incident, Closing::Recovered)).collect();
    assert_eq!(roles(&world), [Some(Role::Operator)]);
    for nobody in [Answer::Unknown, Answer::Recipients(vec![recipient("eve")])] {
        world.answer = nobody;
        assert_eq!(roles(&world), [None], "who is not named any more");
    }
}

#[test]
fn only_who_was_told_is_told_that_it_is_over_and_another_episode_is_told_again() {
    let over = incident("acme/nas1/db", unsuccessful::ID);
    let mut world = World::new(&[]);
    world.closed = vec![(over.clone(), Closing::Recovered)];
    assert_eq!(world.tell(minute(1)), NOTHING);
    let told = Told { at: noon(), reminder_count: 0, affected_count: 0, knows: false };
    world.told.entry(Episode::of(&over)).or_default().insert(address("ada"), told);
    assert_eq!(world.tell(minute(1)), ["ada acme/nas1/db Resolved +0"]);
    let again = Incident { noticed_at: minute(5), opened_at: Some(minute(5)), ..over };
    world.known.insert(again.matter.clone(), again);
    world.closed.clear();
    assert_eq!(world.tell(minute(6)), ["ada acme/nas1/db First +0"]);
}

#[test]
fn who_is_named_nowhere_any_more_does_not_hear_of_the_end() {
    let db = incident("acme/nas1/db", unsuccessful::ID);
    let mut world = World::new(std::slice::from_ref(&db));
    world.answer = Answer::Recipients(vec![recipient("ada"), recipient("bob")]);
    world.tell(minute(1));
    (world.gone, world.answer) = (vec![address("ada")], Answer::Recipients(vec![recipient("bob")]));
    world.known.clear();
    world.closed = vec![(db.clone(), Closing::Recovered)];
    assert_eq!(world.plan(minute(2)).withheld, [(Episode::of(&db), Some(address("ada")), Withheld::Nobody)]);
    assert_eq!(world.tell(minute(2)), ["bob acme/nas1/db Resolved +0"]);
}

proptest! {
    /// I3 and I6: whatever happens, telling twice at one instant tells nothing the second time, and nobody is told "first"
    /// twice about an episode.
    #[test]
    fn nobody_is_told_the_same_twice(
        steps in prop::collection::vec((0_usize..6, 0_i64..200, any::<bool>()), 1..30),
        repeat_hours in prop::option::of(1_u32..4),
    ) {
        let checks = [offline::ID, behind_local::ID, unsuccessful::ID];
        let mut world = World::new(&[]);
        world.repeat_after = repeat_hours.map(Seconds::hours);
        let (mut now, mut firsts) = (noon(), std::collections::HashSet::new());
        for (which, minutes, is_known) in steps {
            now += SignedDuration::from_mins(minutes);
            let path = if which % 3 == 0 { "acme/nas1".to_owned() } else { format!("acme/nas1/a{}", which / 3) };
            let changed = incident(&path, checks[which % 3]);
            if is_known {
                let opened = Incident { noticed_at: now, opened_at: Some(now), ..changed };
                world.known.entry(opened.matter.clone()).or_insert(opened);
            } else {
                world.known.remove(&changed.matter);
            }
            for digest in world.plan(now).digests {
                for entry in digest.entries.iter().filter(|entry| entry.why == Why::First) {
                    prop_assert!(firsts.insert((digest.address.clone(), Episode::of(&entry.incident))));
                }
            }
            world.tell(now);
            prop_assert_eq!(world.tell(now), Vec::<String>::new());
        }
    }
}

/// Who is told, in which voice, and who they hear is told too.
fn told_with(plan: &Plan) -> Vec<(String, Option<String>, Vec<String>)> {
    let others = |digest: &Digest| {
        let others = digest.entries.iter().flat_map(|entry| &entry.others);
        others.map(|(address, role)| format!("{} {role:?}", address.to)).collect()
    };
    let language = |digest: &Digest| digest.voice.as_ref().map(|voice| voice.language.to_string());
    plan.digests.iter().map(|digest| (digest.address.to.clone(), language(digest), others(digest))).collect()
}

#[test]
fn everybody_is_told_in_their_voice_and_who_else_knows() {
    let mut world = World::new(&[incident("acme/nas1/db", unsuccessful::ID)]);
    let voice = Arc::new(Voice { language: "de-CH".into(), ..Voice::default() });
    let ada = Recipient { voice: Some(voice), ..recipient("ada") };
    let eve = Recipient { role: Role::Operator, ..recipient("eve") };
    world.answer = Answer::Recipients(vec![ada.clone(), eve]);
    let german = Some("de-CH".to_owned());
    let expected = [
        ("ada".to_owned(), german.clone(), vec!["eve Some(Operator)".to_owned()]),
        ("eve".to_owned(), None, vec!["ada Some(Customer)".to_owned()]),
    ];
    assert_eq!(told_with(&world.plan(minute(1))), expected);
    world.tell(minute(1));
    // Somebody who comes later hears of those who were told before, and what they are as far as they are named still.
    world.answer = Answer::Recipients(vec![ada, recipient("joe")]);
    let later = told_with(&world.plan(minute(2)));
    assert_eq!(
        later,
        [("joe".to_owned(), None, vec!["ada Some(Customer)".to_owned(), "eve None".to_owned()])]
    );
    let incident = world.known.pop_first().expect("an incident").1;
    world.closed = vec![(incident, Closing::Recovered)];
    let expected = [
        ("ada".to_owned(), german, vec!["eve None".to_owned()]),
        ("eve".to_owned(), None, vec!["ada Some(Customer)".to_owned()]),
    ];
    assert_eq!(told_with(&world.plan(minute(3))), expected, "in the voice they have now");
}
