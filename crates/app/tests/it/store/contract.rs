//! What does every implementation of the store promise?
//!
//! Written against the trait alone: whatever implements it runs all of this. Each promise gets an empty store.

use std::fmt::Write;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use lastgood::store::sqlite::Sqlite;
use lastgood::store::{
    Cover, Decided, Decision, Event, FailedAttempt, Filter, GivenUp, IncidentState, MessageState, NewMessage,
    Outbox, RETRY_AHEAD_MAX, Store, StoreError, Undelivered, kept,
};
use lastgood_core::checks::unsuccessful;
use lastgood_core::facts::fold;
use lastgood_core::id::Name;
use lastgood_core::incident::{Acknowledged, Change, Closing, Incident};
use lastgood_core::kind::SourceKind;
use lastgood_core::notify::{Episode, Told, Why, Withheld};
use lastgood_core::observation::{Extent, FailureKind};
use lastgood_core::recipient::Address;
use lastgood_core::silence::Silence;
use lastgood_core::testing::{AGENT, APPLIANCE, FleetBuilder, noon, source_id, unreachable};
use lastgood_core::time::Seconds;

use super::{ada, bob, failed, find_kind, late, look, minute, open, order};

type Promise = for<'a> fn(&'a dyn Store) -> BoxFuture<'a, ()>;

/// Every promise.
const CONTRACT: [(&str, Promise); 28] = [
    ("facts are what all looks say", |store| facts_are_what_all_looks_say(store).boxed()),
    ("a look that is not newer is refused", |store| a_look_that_is_not_newer_is_refused(store).boxed()),
    ("what nobody can tell apart is refused", |store| what_nobody_can_tell_apart_is_refused(store).boxed()),
    ("a large look is kept whole", |store| a_large_look_is_kept_whole(store).boxed()),
    ("a decision is kept once", |store| a_decision_is_kept_once(store).boxed()),
    ("a decision on old ground is refused", |store| a_decision_on_old_ground_is_refused(store).boxed()),
    ("a contradiction keeps nothing", |store| a_contradiction_keeps_nothing(store).boxed()),
    ("incidents change as decided", |store| incidents_change_as_decided(store).boxed()),
    ("what was told is remembered", |store| what_was_told_is_remembered(store).boxed()),
    ("nobody is told the same twice", |store| nobody_is_told_the_same_twice(store).boxed()),
    ("an end is told to whom the beginning was", |store| {
        an_end_is_told_to_whom_the_beginning_was(store).boxed()
    }),
    ("a message is due until it arrives", |store| a_message_is_due_until_it_arrives(store).boxed()),
    ("messages to one recipient are due in order", |store| {
        order::messages_to_one_recipient_are_due_in_order(store).boxed()
    }),
    ("what is newer waits no longer than it needs", |store| {
        order::what_is_newer_waits_no_longer_than_it_needs(store).boxed()
    }),
    ("what was given up is told anew once something arrives", |store| {
        order::what_was_given_up_is_told_anew_once_something_arrives(store).boxed()
    }),
    ("what is refused for its own sake is not told over and over", |store| {
        order::what_is_refused_for_its_own_sake_is_not_told_over_and_over(store).boxed()
    }),
    ("an end that was given up is told anew unless it is bad again", |store| {
        order::an_end_that_was_given_up_is_told_anew_unless_it_is_bad_again(store).boxed()
    }),
    ("a clock that was set back keeps no message waiting", |store| {
        a_clock_that_was_set_back_keeps_no_message_waiting(store).boxed()
    }),
    ("what many say at once about messages is kept for each", |store| {
        what_many_say_at_once_about_messages_is_kept_for_each(store).boxed()
    }),
    ("what waits is told", |store| what_waits_is_told(store).boxed()),
    ("no channel hides what is due through another", |store| {
        no_channel_hides_what_is_due_through_another(store).boxed()
    }),
    ("a message is found by its key", |store| a_message_is_found_by_its_key(store).boxed()),
    ("who knows first stays", |store| who_knows_first_stays(store).boxed()),
    ("silences begin and end", |store| silences_begin_and_end(store).boxed()),
    ("history is found", |store| history_is_found(store).boxed()),
    ("events are numbered in order", |store| events_are_numbered_in_order(store).boxed()),
    ("only events that are remembered are forgotten", |store| {
        only_events_that_are_remembered_are_forgotten(store).boxed()
    }),
    ("what is thinned loses no knowledge", |store| what_is_thinned_loses_no_knowledge(store).boxed()),
];

#[tokio::test]
async fn sqlite_in_memory_keeps_the_contract() {
    for (promise, holds) in CONTRACT {
        println!("{promise}");
        let store = Sqlite::in_memory(find_kind).await.expect("it is opened");
        holds(&store).await;
        assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new(), "{promise}");
    }
}

#[tokio::test]
async fn sqlite_on_disk_keeps_the_contract_and_all_of_it_across_a_restart() {
    for (promise, holds) in CONTRACT {
        println!("{promise}");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        let store = open(&path).await;
        holds(&store).await;
        let before = everything(&store).await;
        drop(store);
        let store = open(&path).await;
        assert_eq!(everything(&store).await, before, "{promise}");
        assert_eq!(store.check().await.expect("it is checked"), Vec::<String>::new(), "{promise}");
    }
}

/// All that a store can be asked for, in words.
pub(super) async fn everything(store: &dyn Store) -> String {
    let mut lines = Vec::new();
    store.export(&mut lines).await.expect("it is exported");
    let mut text = String::from_utf8(lines).expect("JSON is UTF-8");
    for line in text.lines() {
        let _: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
    }
    let facts = store.facts().await.expect("facts");
    let due = store.due_messages(Timestamp::UNIX_EPOCH, 9).await.expect("messages");
    write!(text, "{facts:?}{due:?}").expect("a string takes it");
    text
}

async fn facts_are_what_all_looks_say(store: &dyn Store) {
    let mut partial = look(10, 2);
    partial.listing = Extent::Partial;
    partial.repositories[0].listing = Extent::Partial;
    let looks = [
        look(0, 3),
        look(5, 3),
        unreachable("acme", minute(6)),
        partial,
        FleetBuilder::new("other", minute(1)).agents("nas9", &["x"]).collection(),
        look(15, 4),
        FleetBuilder::new("acme", minute(20)).agents("nas2", &["new"]).collection(),
    ];
    for (number, collection) in looks.iter().enumerate() {
        store.append(collection).await.expect("it is kept");
        let expected = fold(looks[..=number].iter().map(kept).collect());
        assert_eq!(store.facts().await.expect("facts"), expected, "after look {number}");
        if number == 3 {
            store.checkpoint(minute(11)).await.expect("a checkpoint");
        }
    }
}

static OTHER: SourceKind = SourceKind { id: "other-portal", kinds: &[&APPLIANCE, &AGENT] };

async fn a_look_that_is_not_newer_is_refused(store: &dyn Store) {
    let newest = || async { store.newest(source_id("acme")).await.expect("it is read") };
    assert_eq!(newest().await, None);
    store.append(&look(5, 2)).await.expect("it is kept");
    assert_eq!(newest().await, Some(minute(5)));
    assert_eq!(store.newest(source_id("other")).await.expect("it is read"), None);
    let before = everything(store).await;
    for minutes in [5, 4] {
        let error = store.append(&look(minutes, 1)).await.expect_err("it is not newer");
        assert!(matches!(error, StoreError::NotNewer { .. }), "{error}");
    }
    let mut other = look(6, 1);
    other.kind = &OTHER;
    let error = store.append(&other).await.expect_err("it was something else");
    assert!(matches!(error, StoreError::OtherKind { .. }), "{error}");
    assert_eq!(everything(store).await, before);
    store.append(&look(6, 1)).await.expect("it is newer");
    assert_eq!(newest().await, Some(minute(6)));
}

async fn what_nobody_can_tell_apart_is_refused(store: &dyn Store) {
    store.append(&look(0, 1)).await.expect("it is kept");
    let before = everything(store).await;
    let twins = FleetBuilder::new("acme", minute(5)).agents("nas1", &["db", "db"]).collection();
    let error = store.append(&twins).await.expect_err("which is which?");
    assert!(matches!(&error, StoreError::Twins { what, .. } if what == "nas1/db"), "{error}");
    let twins = FleetBuilder::new("acme", minute(5)).agents("nas1", &[]).agents("nas1", &[]).collection();
    let error = store.append(&twins).await.expect_err("which is which?");
    assert!(matches!(&error, StoreError::Twins { what, .. } if what == "nas1"), "{error}");
    assert_eq!(everything(store).await, before);
    store.append(&look(5, 1)).await.expect("the same instant is free still");
}

async fn a_large_look_is_kept_whole(store: &dyn Store) {
    let large = look(0, 3_500);
    store.append(&large).await.expect("it is kept");
    assert_eq!(store.facts().await.expect("facts"), fold(vec![kept(&large)]));
    store.checkpoint(minute(1)).await.expect("a checkpoint");
    assert_eq!(store.facts().await.expect("facts"), fold(vec![kept(&large)]));
}

/// Decides at this minute, on what stands now.
pub(super) async fn decide(store: &dyn Store, minutes: i64, changes: Vec<Change>, messages: Vec<NewMessage>) {
    let decision = decision(store, minutes, changes, messages).await;
    let decided = store.decide(decision).await.expect("it is kept");
    assert!(matches!(decided, Decided::Kept(_)), "{decided:?}");
}

async fn decision(
    store: &dyn Store,
    minutes: i64,
    changes: Vec<Change>,
    messages: Vec<NewMessage>,
) -> Decision {
    let revision = store.standing(minute(minutes)).await.expect("what stands").revision;
    Decision { revision, decided_at: minute(minutes), changes, messages, withheld: Vec::new() }
}

/// A message to an address about some incidents, all for the same reason.
pub(super) fn message(key: &str, address: Address, why: Why, incidents: &[&Incident]) -> NewMessage {
    let cover = |incident: &&Incident| Cover { episode: Episode::of(incident), why, affected_count: 2 };
    let covers = incidents.iter().map(cover).collect();
    NewMessage { key: key.to_owned(), address, thread: None, content: b"{}\xff".to_vec(), covers }
}

async fn a_decision_is_kept_once(store: &dyn Store) {
    let incident = failed("db", 1);
    let told = message("m1", ada(), Why::First, &[&incident]);
    let decision = decision(store, 1, vec![Change::Opened(incident)], vec![told]).await;
    assert_eq!(store.decide(decision.clone()).await.expect("kept"), Decided::Kept(1));
    let before = everything(store).await;
    assert_eq!(store.decide(decision).await.expect("known"), Decided::Already(1));
    assert_eq!(everything(store).await, before);
    assert_eq!(store.due_messages(minute(1), 9).await.expect("messages").len(), 1);
}

async fn a_decision_on_old_ground_is_refused(store: &dyn Store) {
    decide(store, 1, vec![Change::Opened(failed("db", 1))], Vec::new()).await;
    let old = decision(store, 2, vec![Change::Kept(failed("db", 1))], Vec::new()).await;
    let said = Acknowledged { at: minute(2), by: "ada".to_owned() };
    store.acknowledge(Episode::of(&failed("db", 1)), said).await.expect("it is open");
    let before = everything(store).await;
    let error = store.decide(old).await.expect_err("somebody said something meanwhile");
    assert!(matches!(error, StoreError::Superseded), "{error}");
    assert_eq!(everything(store).await, before);
}

async fn a_contradiction_keeps_nothing(store: &dyn Store) {
    decide(store, 1, vec![Change::Opened(failed("db", 1))], Vec::new()).await;
    let before = everything(store).await;
    let (new, unknown) = (failed("web", 2), failed("mail", 2));
    let second = Incident { noticed_at: minute(2), ..failed("db", 1) };
    for wrong in [
        (vec![Change::Opened(new.clone())], vec![message("m", ada(), Why::First, &[&unknown])]),
        (vec![Change::Opened(new.clone())], vec![message("m", ada(), Why::Resolved, &[&new])]),
        (vec![Change::Opened(new.clone()), Change::Forgotten(unknown.matter.clone())], Vec::new()),
        (vec![Change::Forgotten(failed("db", 1).matter)], Vec::new()),
        (vec![Change::Opened(new.clone()), Change::Opened(second)], Vec::new()),
    ] {
        let decision = decision(store, 2, wrong.0, wrong.1).await;
        let error = store.decide(decision).await.expect_err("it cannot be");
        assert!(matches!(error, StoreError::Contradiction { .. }), "{error}");
        assert_eq!(everything(store).await, before);
    }
}

async fn incidents_change_as_decided(store: &dyn Store) {
    let (late, failed) = (late("db", 1), failed("db", 1));
    decide(store, 1, vec![Change::Suspected(late.clone()), Change::Opened(failed.clone())], Vec::new()).await;
    let known = store.standing(minute(1)).await.expect("what stands").known;
    assert_eq!(known.into_values().collect::<Vec<_>>(), [late.clone(), failed.clone()]);
    let kept = Incident { ok_looks: 1, looked_at: minute(2), ..failed.clone() };
    decide(store, 2, vec![Change::Forgotten(late.matter), Change::Kept(kept.clone())], Vec::new()).await;
    let known = store.standing(minute(2)).await.expect("what stands").known;
    assert_eq!(known.into_values().collect::<Vec<_>>(), std::slice::from_ref(&kept));
    decide(store, 3, vec![Change::Closed(kept.clone(), Closing::Recovered)], Vec::new()).await;
    let standing = store.standing(minute(3)).await.expect("what stands");
    assert!(standing.known.is_empty() && standing.closed.is_empty(), "nobody was told");
    assert_eq!(standing.decided_at, Some(minute(3)));
    let again = Incident { noticed_at: minute(4), ..kept };
    decide(store, 4, vec![Change::Opened(again)], Vec::new()).await;
    let all = Filter { state: IncidentState::OpenOrClosed, ..Filter::default() };
    assert_eq!(store.incidents(all).await.expect("history").len(), 2);
}

async fn what_was_told_is_remembered(store: &dyn Store) {
    let incident = failed("db", 1);
    let episode = Episode::of(&incident);
    let first = message("m1", ada(), Why::First, &[&incident]);
    decide(store, 1, vec![Change::Opened(incident.clone())], vec![first]).await;
    for (minutes, why, reminder_count) in [
        (2, Why::Reminder(1), 1),
        (3, Why::MoreSubjects(7), 1),
        (4, Why::MoreSubjects(7), 1),
        (5, Why::Reminder(2), 2),
    ] {
        // What they said that they know stays, whatever else they are told; when they said so first, too.
        let knows = minutes > 3;
        if knows {
            store.know(episode.clone(), ada(), minute(minutes)).await.expect("she was told");
        }
        let next = message(&format!("m{minutes}"), ada(), why, &[&incident]);
        decide(store, minutes, Vec::new(), vec![next]).await;
        let told = store.standing(minute(minutes)).await.expect("what stands").told;
        let expected = Told { at: minute(minutes), reminder_count, affected_count: 2, knows };
        assert_eq!(told[&episode][&ada()], expected, "{why:?}");
    }
    let covered = store.message("m2".to_owned()).await.expect("it is read").expect("it is kept");
    assert_eq!(covered.known, [Some(minute(4))]);
    let number = covered.covers[0].0.id;
    let told = store.incident(number).await.expect("it is read").expect("it is kept");
    assert_eq!((told.knowing, told.recorded.incident.acknowledged), (vec![(ada(), minute(4))], None));
    let stranger = store.know(episode, bob(), minute(6)).await;
    assert!(matches!(stranger, Err(StoreError::NotThere { .. })), "{stranger:?}");
}

async fn nobody_is_told_the_same_twice(store: &dyn Store) {
    let incident = failed("db", 1);
    let first = message("m1", ada(), Why::First, &[&incident]);
    decide(store, 1, vec![Change::Opened(incident.clone())], vec![first]).await;
    let before = everything(store).await;
    for (key, address, why) in
        [("m1", bob(), Why::First), ("m2", ada(), Why::First), ("m2", ada(), Why::Escalated)]
    {
        let again = decision(store, 2, Vec::new(), vec![message(key, address, why, &[&incident])]).await;
        let error = store.decide(again).await.expect_err("they know");
        assert!(matches!(error, StoreError::Contradiction { .. }), "{error}");
        assert_eq!(everything(store).await, before);
    }
    decide(store, 3, Vec::new(), vec![message("m3", bob(), Why::Escalated, &[&incident])]).await;
}

async fn an_end_is_told_to_whom_the_beginning_was(store: &dyn Store) {
    let incident = failed("db", 1);
    let first = |key: &str, address| message(key, address, Why::First, &[&incident]);
    let both = vec![first("m1", ada()), first("m2", bob())];
    decide(store, 1, vec![Change::Opened(incident.clone())], both).await;
    store
        .close_by_hand(Episode::of(&incident), minute(2), "the disk is new".to_owned())
        .await
        .expect("it is open");
    let error = store.close_by_hand(Episode::of(&incident), minute(2), String::new()).await;
    assert!(matches!(error, Err(StoreError::NotThere { .. })), "{error:?}");
    let closed = vec![(incident.clone(), Closing::ByHand("the disk is new".to_owned()))];
    assert_eq!(store.standing(minute(2)).await.expect("what stands").closed, closed);
    decide(store, 3, Vec::new(), vec![message("m3", ada(), Why::Resolved, &[&incident])]).await;
    let standing = store.standing(minute(3)).await.expect("what stands");
    assert_eq!(standing.closed, closed);
    assert_eq!(standing.told[&Episode::of(&incident)].keys().cloned().collect::<Vec<_>>(), [bob()]);
    decide(store, 4, Vec::new(), vec![message("m4", bob(), Why::Resolved, &[&incident])]).await;
    let standing = store.standing(minute(4)).await.expect("what stands");
    assert!(standing.closed.is_empty() && standing.told.is_empty());
}

/// An attempt at this minute that was refused.
pub(super) fn refused(minutes: i64, next_try_at: Option<i64>) -> FailedAttempt {
    let (kind, words) = (FailureKind::Refused, "greylisted".to_owned());
    FailedAttempt { at: minute(minutes), kind, words, next_try_at: next_try_at.map(minute) }
}

/// The keys of what is due at this minute, and how often each was tried.
pub(super) async fn due(store: &dyn Store, minutes: i64) -> Vec<(String, u32)> {
    let due = store.due_messages(minute(minutes), 9).await.expect("messages");
    due.into_iter().map(|message| (message.key, message.attempt_count)).collect()
}

async fn a_message_is_due_until_it_arrives(store: &dyn Store) {
    let incident = failed("db", 1);
    let first = |key: &str, address| message(key, address, Why::First, &[&incident]);
    let both = vec![first("m1", ada()), first("m2", bob())];
    decide(store, 1, vec![Change::Opened(incident.clone())], both).await;
    let (untried, keys) = (|key: &str| (key.to_owned(), 0), |minutes| due(store, minutes));
    let messages = store.due_messages(minute(1), 9).await.expect("messages");
    assert_eq!(keys(1).await, [untried("m1"), untried("m2")]);
    assert_eq!(messages[0].content, b"{}\xff");
    assert_eq!(store.due_messages(minute(1), 1).await.expect("messages").len(), 1);
    store.failed(messages[0].id, refused(2, Some(7))).await.expect("it is kept");
    assert_eq!(keys(6).await, [untried("m2")]);
    assert_eq!(keys(7).await, [untried("m2"), ("m1".to_owned(), 1)]);
    store.delivered(messages[0].id, minute(8), "250 queued".to_owned()).await.expect("it is kept");
    store.failed(messages[1].id, refused(8, None)).await.expect("it is kept");
    let before = everything(store).await;
    store.delivered(messages[0].id, minute(9), "250 again".to_owned()).await.expect("it is known");
    store.failed(messages[0].id, refused(9, Some(10))).await.expect("it came too late");
    assert_eq!(everything(store).await, before);
    assert_eq!(keys(99).await, []);
    let missing = store.delivered(99, minute(9), String::new()).await;
    assert!(matches!(missing, Err(StoreError::NotThere { .. })), "{missing:?}");
}

async fn a_clock_that_was_set_back_keeps_no_message_waiting(store: &dyn Store) {
    let incident = failed("db", 1_000);
    let first = message("m1", ada(), Why::First, &[&incident]);
    decide(store, 1_000, vec![Change::Opened(incident)], vec![first]).await;
    assert_eq!(due(store, 0).await, [("m1".to_owned(), 0)], "a first attempt is always due");
    let id = store.due_messages(minute(0), 1).await.expect("messages")[0].id;
    store.failed(id, refused(1_000, Some(1_060))).await.expect("it is kept");
    let ahead = i64::from(RETRY_AHEAD_MAX.0) / 60;
    assert_eq!(due(store, 1_060 - ahead).await, [], "exactly as far ahead as may be planned");
    assert_eq!(due(store, 1_059).await, []);
    for minutes in [0, 1_060 - ahead - 1, 1_060] {
        assert_eq!(due(store, minutes).await, [("m1".to_owned(), 1)], "at minute {minutes}");
    }
}

async fn what_many_say_at_once_about_messages_is_kept_for_each(store: &dyn Store) {
    let incident = failed("db", 1);
    let to = |number: usize| Address { channel: "mail".to_owned(), to: format!("{number}@example.org") };
    let first = |number| message(&format!("m{number}"), to(number), Why::First, &[&incident]);
    decide(store, 1, vec![Change::Opened(incident.clone())], (0..300).map(first).collect()).await;
    let messages = store.due_messages(minute(1), 999).await.expect("messages");
    assert_eq!(messages.len(), 300);
    let one = |(place, id): (usize, i64)| async move {
        match place % 4 {
            0 => store.failed(id, refused(2, Some(30))).await,
            1 => store.failed(id, refused(2, None)).await,
            _ => store.delivered(id, minute(2), format!("receipt of {id}")).await,
        }
    };
    let ids = messages.iter().map(|message| message.id);
    // The last two are about one that is not there, and about one that was said before.
    let all = ids.chain([9_999, messages[2].id]).enumerate().map(one);
    let answers = futures::future::join_all(all).await;
    let failed: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).collect();
    assert!(matches!(failed[..], [(300, Err(StoreError::NotThere { .. }))]), "{failed:?}");
    let told = store.incident(1).await.expect("history").expect("it is there").notifications;
    for (place, notified) in told.iter().enumerate() {
        let [delivery] = &notified.deliveries[..] else { panic!("one attempt: {notified:?}") };
        let expected = match place % 4 {
            0 => (MessageState::Due, Some(FailureKind::Refused), "greylisted".to_owned()),
            1 => (MessageState::GivenUp, Some(FailureKind::Refused), "greylisted".to_owned()),
            _ => (MessageState::Delivered, None, format!("receipt of {}", notified.message)),
        };
        assert_eq!((notified.state, delivery.failure, delivery.words.clone()), expected, "{notified:?}");
    }
    assert_eq!(store.due_messages(minute(30), 999).await.expect("messages").len(), 75);
}

async fn what_waits_is_told(store: &dyn Store) {
    let outbox = |due_count, oldest: Option<i64>| Outbox { due_count, oldest_decided_at: oldest.map(minute) };
    assert_eq!(store.outbox().await.expect("counts"), outbox(0, None));
    let pager = Address { channel: "pager".to_owned(), to: "7".to_owned() };
    let (db, web) = (failed("db", 1), failed("web", 2));
    let first = [message("m1", ada(), Why::First, &[&db]), message("m2", bob(), Why::First, &[&db])];
    decide(store, 1, vec![Change::Opened(db.clone())], first.to_vec()).await;
    let second = [message("m3", ada(), Why::First, &[&web]), message("m4", pager, Why::First, &[&web])];
    decide(store, 2, vec![Change::Opened(web.clone())], second.to_vec()).await;
    assert_eq!(store.outbox().await.expect("counts"), outbox(4, Some(1)));
    assert_eq!(store.undelivered().await.expect("channels"), [], "nothing was tried");
    let id =
        |place: usize| async move { store.due_messages(minute(2), 9).await.expect("messages")[place].id };
    let (m1, m2) = (id(0).await, id(1).await);
    store.failed(m2, refused(3, Some(10))).await.expect("it is kept");
    store.failed(m1, refused(5, Some(10))).await.expect("it is kept");
    store.failed(m1, refused(10, Some(20))).await.expect("it is kept");
    let mail = |since, waiting_count| Undelivered {
        channel: "mail".to_owned(),
        since: minute(since),
        waiting_count,
    };
    assert_eq!(store.undelivered().await.expect("channels"), [mail(5, 3)], "the oldest message is named");
    store.delivered(m1, minute(21), String::new()).await.expect("it is kept");
    assert_eq!(store.undelivered().await.expect("channels"), [mail(3, 2)]);
    assert_eq!(store.outbox().await.expect("counts"), outbox(3, Some(1)));
    assert_eq!(store.given_up().await.expect("addresses"), []);
    store.failed(m2, refused(22, None)).await.expect("it is kept");
    let given_up = GivenUp { address: bob(), since: minute(22) };
    assert_eq!(store.given_up().await.expect("addresses"), [given_up]);
    assert_eq!(store.undelivered().await.expect("channels"), []);
    assert_eq!(store.outbox().await.expect("counts"), outbox(2, Some(2)));
    let third = [message("m5", bob(), Why::Resolved, &[&db])];
    let closed = Change::Closed(db.clone(), Closing::Recovered);
    decide(store, 23, vec![closed], third.to_vec()).await;
    let due = store.due_messages(minute(23), 9).await.expect("messages");
    let m5 = due.iter().find(|message| message.key == "m5").expect("it is due").id;
    store.delivered(m5, minute(24), String::new()).await.expect("it is kept");
    assert_eq!(store.given_up().await.expect("addresses"), [], "something arrived since");
}

async fn no_channel_hides_what_is_due_through_another(store: &dyn Store) {
    let incident = failed("db", 1);
    let to = |channel: &str, name: &str| Address { channel: channel.to_owned(), to: name.to_owned() };
    let places =
        [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("c", "1")].map(|(channel, name)| to(channel, name));
    let message = |address: &Address| {
        message(&format!("{}{}", address.channel, address.to), address.clone(), Why::First, &[&incident])
    };
    decide(store, 1, vec![Change::Opened(incident.clone())], places.iter().map(message).collect()).await;
    let keys = async |limit| {
        let due = store.due_messages(minute(1), limit).await.expect("messages");
        due.into_iter().map(|message| message.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(1).await, ["a1", "b1", "c1"]);
    assert_eq!(keys(9).await, ["a1", "a2", "b1", "b2", "c1"]);
}

async fn a_message_is_found_by_its_key(store: &dyn Store) {
    let (db, web) = (failed("db", 1), failed("web", 1));
    let first = message("m1", ada(), Why::First, &[&db, &web]);
    decide(store, 1, vec![Change::Opened(db.clone()), Change::Opened(web.clone())], vec![first]).await;
    let next = message("m2", ada(), Why::Reminder(1), &[&web]);
    decide(store, 2, vec![Change::Closed(db.clone(), Closing::Recovered)], vec![next]).await;
    let recorded = |incident: &Incident| {
        let asset = incident.matter.subject.asset.clone();
        let filter = Filter {
            state: IncidentState::OpenOrClosed,
            source: Some(source_id("acme")),
            ..Filter::default()
        };
        let filter = Filter { repository: Some(Name::new("nas1")), asset, ..filter };
        async move { store.incidents(filter).await.expect("history").remove(0) }
    };
    let (db, web) = (recorded(&db).await, recorded(&web).await);
    assert!(db.closed.is_some() && web.closed.is_none(), "they are told as they are");
    let found = store.message("m1".to_owned()).await.expect("it is read").expect("it is there");
    let covers = vec![(db, Why::First), (web.clone(), Why::First)];
    assert_eq!(found.covers, covers);
    let due = store.due_messages(minute(2), 9).await.expect("messages");
    assert_eq!(found.message, due[0]);
    store.delivered(found.message.id, minute(3), String::new()).await.expect("it is kept");
    let found =
        store.message("m1".to_owned()).await.expect("it is read").expect("one that was sent is found too");
    assert_eq!((found.covers, found.message.attempt_count), (covers, 1));
    let found = store.message("m2".to_owned()).await.expect("it is read").expect("it is there");
    assert_eq!(found.covers, [(web, Why::Reminder(1))]);
    assert_eq!(store.message("m3".to_owned()).await.expect("it is read"), None);
}

async fn who_knows_first_stays(store: &dyn Store) {
    let incident = failed("db", 1);
    decide(store, 1, vec![Change::Opened(incident.clone())], Vec::new()).await;
    let said = |minutes, by: &str| Acknowledged { at: minute(minutes), by: by.to_owned() };
    for (minutes, by) in [(2, "ada"), (3, "bob")] {
        store.acknowledge(Episode::of(&incident), said(minutes, by)).await.expect("it is open");
    }
    // The tick was planned before anybody said so, and does not know.
    decide(store, 4, vec![Change::Kept(Incident { bad_looks: 2, ..incident.clone() })], Vec::new()).await;
    let known = store.standing(minute(4)).await.expect("what stands").known;
    let known = &known[&incident.matter];
    assert_eq!((&known.acknowledged, known.bad_looks), (&Some(said(2, "ada")), 2));
    let missing = store.acknowledge(Episode::of(&failed("web", 1)), said(2, "ada")).await;
    assert!(matches!(missing, Err(StoreError::NotThere { .. })), "{missing:?}");
}

async fn silences_begin_and_end(store: &dyn Store) {
    let silence = |id, address, from, until| Silence {
        id,
        pattern: "acme/*".to_owned(),
        checks: (id == 2).then(|| vec![unsuccessful::ID]),
        address,
        from: minute(from),
        until: minute(until),
        reason: "a new disk".to_owned(),
        by: "ada".to_owned(),
    };
    let first = store.add_silence(silence(0, None, 0, 10)).await.expect("it is kept");
    let second = store.add_silence(silence(2, Some(bob()), 5, 20)).await.expect("it is kept");
    let standing =
        |minutes| async move { store.standing(minute(minutes)).await.expect("what stands").silences };
    assert_eq!(standing(9).await, [silence(first, None, 0, 10), silence(second, Some(bob()), 5, 20)]);
    assert_eq!(standing(10).await, [silence(second, Some(bob()), 5, 20)]);
    store.end_silence(second, minute(12)).await.expect("it is there");
    store.end_silence(second, minute(15)).await.expect("it is over already");
    let second = silence(second, Some(bob()), 5, 12);
    assert_eq!(standing(11).await, std::slice::from_ref(&second));
    assert_eq!(store.silences(9).await.expect("history"), [second, silence(first, None, 0, 10)]);
    let missing = store.end_silence(99, minute(1)).await;
    assert!(matches!(missing, Err(StoreError::NotThere { .. })), "{missing:?}");
}

async fn history_is_found(store: &dyn Store) {
    let (db, web) = (failed("db", 1), failed("web", 1));
    let first = message("m1", ada(), Why::First, &[&db]);
    let mut decision =
        decision(store, 1, vec![Change::Opened(db.clone()), Change::Opened(web.clone())], vec![first]).await;
    decision.withheld = vec![
        (Episode::of(&web), None, Withheld::Nobody),
        (Episode::of(&db), Some(bob()), Withheld::Silence(7)),
    ];
    store.decide(decision).await.expect("kept");
    for (minutes, withheld) in [(2, Withheld::Silence(7)), (3, Withheld::Patience)] {
        let mut decision = self::decision(store, minutes, Vec::new(), Vec::new()).await;
        decision.withheld = vec![(Episode::of(&db), Some(bob()), withheld)];
        store.decide(decision).await.expect("kept");
    }
    let message = store.due_messages(minute(1), 1).await.expect("messages")[0].id;
    store.delivered(message, minute(2), "250 queued".to_owned()).await.expect("it is kept");
    decide(store, 4, vec![Change::Closed(db.clone(), Closing::Left)], Vec::new()).await;

    let found = store.incidents(Filter::default()).await.expect("history");
    assert_eq!(found.iter().map(|found| &found.incident).collect::<Vec<_>>(), [&web]);
    let of_db = Filter {
        state: IncidentState::OpenOrClosed,
        source: Some(source_id("acme")),
        repository: Some(Name::new("nas1")),
        asset: Some(Name::new("db")),
        check: Some(unsuccessful::ID),
        ..Filter::default()
    };
    let found = store.incidents(of_db.clone()).await.expect("history");
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].incident, &found[0].closed), (&db, &Some((minute(4), Closing::Left))));
    let before = Filter { before: Some(found[0].id), ..of_db };
    assert_eq!(store.incidents(before).await.expect("history"), []);

    let told = store.incident(found[0].id).await.expect("history").expect("it is there");
    assert_eq!(told.recorded, found[0]);
    let [notified] = &told.notifications[..] else { panic!("one message: {told:?}") };
    assert_eq!(
        (&notified.address, notified.why, notified.state),
        (&ada(), Why::First, MessageState::Delivered)
    );
    assert_eq!(notified.deliveries[0].words, "250 queued");
    let spans = told.withheld.iter().map(|span| (&*span.why, &*span.about, span.from, span.until));
    let expected =
        [("silence", "7", minute(1), Some(minute(3))), ("patience", "", minute(3), Some(minute(4)))];
    assert_eq!(spans.collect::<Vec<_>>(), expected);
    assert_eq!(store.incident(99).await.expect("history"), None);
}

async fn events_are_numbered_in_order(store: &dyn Store) {
    let event = |number: u32| Event {
        key: vec![0xff, 1],
        received_at: noon(),
        kind: "success".to_owned(),
        body: number.to_string().into_bytes(),
    };
    let appended = futures::future::join_all((1..=300).map(|number| store.append_event(event(number))));
    let mut numbers: Vec<i64> =
        appended.await.into_iter().map(|number| number.expect("it is kept")).collect();
    let events = store.events(0, 1_000).await.expect("events");
    for (place, number) in numbers.iter().enumerate() {
        let (_, found) = events.iter().find(|(id, _)| id == number).expect("it is there");
        assert_eq!(*found, event(u32::try_from(place).expect("few") + 1));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=300).collect::<Vec<i64>>());
    assert_eq!(store.events(299, 9).await.expect("events").len(), 1);
    assert_eq!(store.counters().event_count, 300);
}

async fn only_events_that_are_remembered_are_forgotten(store: &dyn Store) {
    assert_eq!(store.pushed().await.expect("it is read"), None);
    for minutes in [0, 5, 3, 10, 4] {
        let (key, kind) = (vec![1], "success".to_owned());
        let event = Event { key, received_at: minute(minutes), kind, body: Vec::new() };
        store.append_event(event).await.expect("it is kept");
    }
    let left = || async {
        store.events(0, 9).await.expect("events").into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(store.forget_events(minute(99)).await.expect("nothing is remembered"), 0);
    store.keep_pushed(2, b"the first".to_vec()).await.expect("it is kept");
    assert_eq!(store.forget_events(minute(0)).await.expect("none is older"), 0);
    assert_eq!(store.forget_events(minute(5)).await.expect("they go"), 1);
    assert_eq!(left().await, [2, 3, 4, 5]);
    store.keep_pushed(4, b"\xffup to the fourth".to_vec()).await.expect("it is kept");
    let pushed = Some((4, b"\xffup to the fourth".to_vec()));
    assert_eq!(store.pushed().await.expect("it is read"), pushed);
    assert_eq!(store.forget_events(minute(10)).await.expect("they go"), 2);
    assert_eq!(left().await, [4, 5], "the one is too young, the other is not remembered");
    store.keep_pushed(5, Vec::new()).await.expect("it is kept");
    assert_eq!(store.forget_events(minute(99)).await.expect("they go"), 2);
    let (key, kind, body) = (vec![1], "success".to_owned(), Vec::new());
    let next =
        store.append_event(Event { key, received_at: minute(0), kind, body }).await.expect("it is kept");
    assert_eq!(next, 6, "no number is used twice");
}

async fn what_is_thinned_loses_no_knowledge(store: &dyn Store) {
    let day = 24 * 60;
    let mut looks = Vec::new();
    for minutes in [0, 5, 10, day, day + 5, 3 * day, 3 * day + 5] {
        looks.push(look(minutes, 3));
    }
    looks.insert(3, unreachable("acme", minute(15)));
    for look in &looks {
        store.append(look).await.expect("it is kept");
    }
    let expected = fold(looks.iter().map(kept).collect());
    let thinned = store.thin(minute(3 * day), Seconds::days(1)).await.expect("it is thinned");
    assert_eq!((thinned.looks_before, thinned.looks_after), (8, 4));
    assert_eq!(store.facts().await.expect("facts"), expected);
    let newest = store.newest(source_id("acme")).await.expect("it is read");
    assert_eq!(newest, looks.last().map(|look| look.observed_at));
    let again = store.thin(minute(3 * day), Seconds::days(1)).await.expect("it is thinned");
    assert_eq!((again.looks_before, again.looks_after), (4, 4));
    looks.push(look(3 * day + 10, 2));
    store.append(looks.last().expect("a look")).await.expect("it is kept");
    assert_eq!(store.facts().await.expect("facts"), fold(looks.iter().map(kept).collect()));
    let mut lines = Vec::new();
    store.export(&mut lines).await.expect("it is exported");
    let lines = String::from_utf8(lines).expect("JSON is UTF-8");
    let of_agent0 = lines.lines().filter(|line| line.contains("\"asset\":\"agent0\"")).count();
    assert_eq!(of_agent0, 8, "every statement about an asset is still there");
}
