//! Does the outbox keep the order of what is told to somebody, and is nothing of it lost for good?
//!
//! Promises of the store, asked of every implementation by the contract.

use lastgood::store::{NewMessage, Store};
use lastgood_core::incident::{Change, Closing, Incident};
use lastgood_core::notify::{Episode, Why};
use lastgood_core::recipient::Address;

use super::contract::{decide, due, message, refused};
use super::{ada, bob, failed, minute};

/// Opens an incident for each name at this minute, told in a message of the same key to the address beside it.
async fn told_each(store: &dyn Store, minutes: i64, told: &[(&str, Address)]) {
    let incidents: Vec<_> = told.iter().map(|(name, _)| failed(name, minutes)).collect();
    let first = |(incident, (name, address)): (&Incident, &(&str, Address))| {
        message(name, address.clone(), Why::First, &[incident])
    };
    let messages = incidents.iter().zip(told).map(first).collect();
    decide(store, minutes, incidents.iter().cloned().map(Change::Opened).collect(), messages).await;
}

/// The number of the message of this key.
async fn id_of(store: &dyn Store, key: &str) -> i64 {
    store.message(key.to_owned()).await.expect("it is read").expect("it is there").message.id
}

pub(super) async fn messages_to_one_recipient_are_due_in_order(store: &dyn Store) {
    let elsewhere = Address { channel: "pager".to_owned(), ..ada() };
    told_each(store, 1, &[("a1", ada())]).await;
    told_each(store, 2, &[("a2", ada()), ("b1", bob()), ("p1", elsewhere)]).await;
    told_each(store, 3, &[("a3", ada())]).await;
    let keys = async |minutes| due(store, minutes).await.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(3).await, ["a1", "b1", "p1"]);
    store.failed(id_of(store, "a1").await, refused(4, Some(9))).await.expect("it is kept");
    assert_eq!(keys(8).await, ["b1", "p1"], "nothing to ada before what was decided before it");
    assert_eq!(keys(9).await, ["b1", "a1", "p1"]);
    store.delivered(id_of(store, "a1").await, minute(9), String::new()).await.expect("it is kept");
    assert_eq!(keys(9).await, ["a2", "b1", "p1"]);
    store.failed(id_of(store, "a2").await, refused(10, None)).await.expect("it is kept");
    assert_eq!(keys(10).await, ["b1", "a3", "p1"], "what was given up holds nothing back");
}

pub(super) async fn what_is_newer_waits_no_longer_than_it_needs(store: &dyn Store) {
    told_each(store, 1, &[("a1", ada()), ("b1", bob())]).await;
    for (key, minutes) in [("a1", 2), ("a1", 3), ("b1", 3)] {
        store.failed(id_of(store, key).await, refused(minutes, Some(60))).await.expect("it is kept");
    }
    assert_eq!(due(store, 4).await, []);
    told_each(store, 4, &[("a2", ada())]).await;
    let messages = store.due_messages(minute(4), 9).await.expect("messages");
    let [a1] = &messages[..] else { panic!("only what stands before the new one is due: {messages:?}") };
    assert_eq!((a1.key.as_str(), a1.attempt_count, a1.attempts_before), ("a1", 2, 2));
    assert_eq!(due(store, 0).await, [("a1".to_owned(), 2)], "whatever the clock says");
    store.failed(a1.id, refused(5, Some(7))).await.expect("it is kept");
    assert_eq!(due(store, 6).await, []);
    let a1 = store.due_messages(minute(7), 9).await.expect("messages").remove(0);
    assert_eq!((a1.attempt_count, a1.attempts_before), (3, 2));
}

/// What each is known to have been told of an incident, by the first half of their address.
async fn told(store: &dyn Store, incident: &Incident) -> Vec<(String, usize)> {
    let told = store.standing(minute(0)).await.expect("what stands").told;
    let known = told.get(&Episode::of(incident)).into_iter().flatten();
    known.map(|(address, told)| (address.to.replace("@example.org", ""), told.affected_count)).collect()
}

async fn refuse(store: &dyn Store, key: &str, minutes: i64) {
    store.failed(id_of(store, key).await, refused(minutes, None)).await.expect("it is kept");
}

async fn arrive(store: &dyn Store, key: &str, minutes: i64) {
    store.delivered(id_of(store, key).await, minute(minutes), String::new()).await.expect("it is kept");
}

async fn say(store: &dyn Store, minutes: i64, message: NewMessage) {
    decide(store, minutes, Vec::new(), vec![message]).await;
}

pub(super) async fn what_was_given_up_is_told_anew_once_something_arrives(store: &dyn Store) {
    let [db, web, old] = ["db", "web", "old"].map(|name| failed(name, 1));
    let opened = [&db, &web, &old].map(|incident| Change::Opened(incident.clone()));
    let both =
        vec![message("a1", ada(), Why::First, &[&db, &web, &old]), message("b1", bob(), Why::First, &[&db])];
    decide(store, 1, opened.into(), both).await;
    refuse(store, "a1", 2).await;
    refuse(store, "b1", 2).await;
    // One is over meanwhile; of another there is more to say, which is still to be sent.
    decide(store, 3, vec![Change::Closed(old.clone(), Closing::Recovered)], Vec::new()).await;
    say(store, 4, message("a2", ada(), Why::Resolved, &[&old])).await;
    say(store, 5, message("a3", ada(), Why::MoreSubjects(1), &[&web])).await;
    let revision = async || store.standing(minute(0)).await.expect("what stands").revision;
    let before = revision().await;
    arrive(store, "a2", 5).await;
    let both = |count| [("ada".to_owned(), count), ("bob".to_owned(), count)];
    assert_eq!(told(store, &db).await, both(2)[1..], "bob heard nothing since");
    assert_eq!(told(store, &web).await, both(2)[..1], "what waits tells it");
    assert_eq!(told(store, &old).await, [], "nobody is told that something over was bad");
    assert!(revision().await > before, "a plan that was made of what stood is not kept");
    refuse(store, "a3", 6).await;
    say(store, 7, message("a4", ada(), Why::First, &[&db])).await;
    arrive(store, "a4", 8).await;
    assert_eq!(told(store, &web).await, [], "neither of the two arrived");
    assert_eq!(told(store, &db).await, both(2));
    // Who knows of it is not told anew that it is bad, but that it affects more.
    say(store, 9, message("a5", ada(), Why::MoreSubjects(2), &[&db])).await;
    refuse(store, "a5", 9).await;
    say(store, 10, message("a6", ada(), Why::First, &[&web])).await;
    arrive(store, "a6", 10).await;
    assert_eq!(told(store, &db).await, [("ada".to_owned(), 0), ("bob".to_owned(), 2)]);
    let before = revision().await;
    say(store, 11, message("a7", ada(), Why::Reminder(1), &[&web])).await;
    arrive(store, "a7", 11).await;
    assert_eq!(revision().await, before + 1, "each is taken back once");
}

pub(super) async fn what_is_refused_for_its_own_sake_is_not_told_over_and_over(store: &dyn Store) {
    const DAY: i64 = 24 * 60;
    let [large, small] = ["large", "small"].map(|name| failed(name, 1));
    let opened = [&large, &small].map(|incident| Change::Opened(incident.clone()));
    decide(store, 1, opened.into(), vec![message("s0", ada(), Why::First, &[&small])]).await;
    arrive(store, "s0", 1).await;
    let mut told_count = 0;
    for minutes in 2..DAY / 60 {
        if told(store, &large).await.is_empty() {
            told_count += 1;
            let key = format!("l{minutes}");
            say(store, minutes, message(&key, ada(), Why::First, &[&large])).await;
            refuse(store, &key, minutes).await;
        }
        let (key, number) = (format!("s{minutes}"), u32::try_from(minutes).expect("a small number"));
        say(store, minutes, message(&key, ada(), Why::Reminder(number), &[&small])).await;
        arrive(store, &key, minutes).await;
    }
    assert_eq!(told_count, 4, "told, and three times anew");
    say(store, 2 * DAY, message("s", ada(), Why::Reminder(999), &[&small])).await;
    arrive(store, "s", 2 * DAY).await;
    assert_eq!(told(store, &large).await, [], "once a day it is tried");
}

pub(super) async fn an_end_that_was_given_up_is_told_anew_unless_it_is_bad_again(store: &dyn Store) {
    let [db, web] = ["db", "web"].map(|name| failed(name, 1));
    let opened = [&db, &web].map(|incident| Change::Opened(incident.clone()));
    decide(store, 1, opened.into(), vec![message("a1", ada(), Why::First, &[&db, &web])]).await;
    arrive(store, "a1", 1).await;
    let closed = [&db, &web].map(|incident| Change::Closed(incident.clone(), Closing::Recovered));
    decide(store, 2, closed.into(), vec![message("a2", ada(), Why::Resolved, &[&db, &web])]).await;
    refuse(store, "a2", 2).await;
    let again = failed("db", 3);
    decide(store, 3, vec![Change::Opened(again.clone())], vec![message("a3", ada(), Why::First, &[&again])])
        .await;
    let closed = async || store.standing(minute(3)).await.expect("what stands").closed;
    assert_eq!(closed().await, []);
    arrive(store, "a3", 4).await;
    assert_eq!(closed().await, [(web.clone(), Closing::Recovered)], "not that well is what is bad");
    say(store, 5, message("a4", ada(), Why::Resolved, &[&web])).await;
    arrive(store, "a4", 5).await;
    assert_eq!(closed().await, []);
}
