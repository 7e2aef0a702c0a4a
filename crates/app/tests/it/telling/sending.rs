//! Is everything sent exactly as often as it must be, whatever hangs, fails, panics or is killed?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use jiff::SignedDuration;
use lastgood::channels::{ChannelError, FailureKind};
use lastgood::deliver::{AT_ONCE, Channels};
use lastgood::store::{MessageState, Store};
use lastgood_core::incident::{Change, Closing};
use lastgood_core::notify::Why;
use lastgood_simulator::smtp::Fault;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::Notify;

use super::{Post, World, digest, entry, incident, message_id, names, scripted, taken, until};

#[tokio::test]
async fn a_channel_that_hangs_holds_up_no_other_and_takes_eight_at_once() {
    let world = World::new().await;
    let under_way = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&under_way);
    let hangs = scripted(move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
        std::future::pending().boxed()
    });
    let arrived = Arc::new(Notify::new());
    let arriving = Arc::clone(&arrived);
    let works = scripted(move |_| {
        arriving.notify_one();
        std::future::ready(Ok(taken())).boxed()
    });
    let channels = Channels::from([("hangs".to_owned(), hangs), ("works".to_owned(), works)]);
    world.tell_all("hangs", &names(500)).await;
    world.pass(SignedDuration::from_secs(1));
    let deliverer = world.deliverer(channels);
    let running = world.run(&deliverer);
    until("eight hang", async || under_way.load(Ordering::SeqCst) == AT_ONCE).await;
    world.tell_all("works", &["late".to_owned()]).await;
    tokio::time::timeout(super::PATIENCE, arrived.notified()).await.expect("it is not held up");
    until("it is marked", async || world.notified("late").await[0].state == MessageState::Delivered).await;
    assert_eq!(under_way.load(Ordering::SeqCst), AT_ONCE);
    // What hangs is given up at the end.
    running.stop().await;
    assert_eq!(world.notified("agent000").await[0].state, MessageState::Due);
}

#[tokio::test]
async fn everything_is_sent_once_however_much_there_is() {
    let world = World::new().await;
    let sent: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let counting = Arc::clone(&sent);
    let takes = scripted(move |message| {
        let mut sent = counting.lock().expect("nobody panics with it");
        *sent.entry(message.key.as_str().to_owned()).or_default() += 1;
        std::future::ready(Ok(taken())).boxed()
    });
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), takes)]));
    let running = world.run(&deliverer);
    let keys = world.tell_all("all", &names(500)).await;
    world.settled(&deliverer).await;
    running.stop().await;
    let sent = sent.lock().expect("nobody panics with it");
    assert!(sent.values().all(|count| *count == 1));
    assert!(sent.keys().eq(&keys.into_iter().collect::<BTreeSet<_>>()));
}

#[tokio::test]
async fn a_kill_in_the_middle_loses_nothing_and_repeats_what_was_under_way() {
    let (world, post) = (World::new().await, Post::start().await);
    let keys = world.tell_all("mail", &names(100)).await;
    let deliverer = world.deliverer(post.channels());
    for target in [20, 50, 80] {
        let running = world.run(&deliverer);
        until("some arrived", async || post.count() >= target).await;
        running.kill().await;
    }
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    world.settled(&deliverer).await;
    running.stop().await;
    let ids = post.headers("Message-ID");
    let distinct: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(distinct, keys.iter().map(|key| message_id(key)).collect());
    assert!(ids.len() <= keys.len() + 3 * AT_ONCE, "{} of {}", ids.len(), keys.len());
}

#[tokio::test]
async fn what_was_sent_while_the_database_was_locked_is_marked_later_and_not_sent_again() {
    let (world, post) = (World::new().await, Post::start().await);
    world.tell_all("mail", &names(30)).await;
    let mut other = SqliteConnection::connect(world.path.to_str().expect("UTF-8")).await.expect("a database");
    other.execute("BEGIN IMMEDIATE").await.expect("nobody writes");
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    until("as many are sent as can wait for their mark", async || post.count() == AT_ONCE).await;
    // Marking failed at least once, and nothing more was sent for it.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(post.count(), AT_ONCE);
    other.execute("ROLLBACK").await.expect("it ends");
    world.settled(&deliverer).await;
    running.stop().await;
    let ids = post.headers("Message-ID");
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (30, 30));
}

#[tokio::test]
async fn a_channel_that_panics_fails_its_own_message_only() {
    let world = World::new().await;
    let panics = scripted(|message| {
        assert!(!message.address.to.starts_with("agent000"), "a mistake of ours");
        std::future::ready(Ok(taken())).boxed()
    });
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), panics)]));
    let running = world.run(&deliverer);
    world.tell_all("all", &names(3)).await;
    world.settled(&deliverer).await;
    running.stop().await;
    let failed = world.notified("agent000").await.remove(0);
    assert_eq!(
        (failed.state, failed.deliveries[0].failure),
        (MessageState::Due, Some(FailureKind::Malformed))
    );
    assert_eq!(world.notified("agent001").await[0].state, MessageState::Delivered);
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_and_begins_nothing() {
    let world = World::new().await;
    let (begun, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (beginning, going_on) = (Arc::clone(&begun), Arc::clone(&go_on));
    let waits = scripted(move |_| {
        beginning.fetch_add(1, Ordering::SeqCst);
        let going_on = Arc::clone(&going_on);
        async move {
            going_on.notified().await;
            Ok(taken())
        }
        .boxed()
    });
    world.tell_all("all", &names(20)).await;
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), waits)]));
    let running = world.run(&deliverer);
    until("eight are under way", async || begun.load(Ordering::SeqCst) == AT_ONCE).await;
    running.stop.cancel();
    for _ in 0..AT_ONCE {
        go_on.notify_one();
        tokio::task::yield_now().await;
    }
    until("all that wait go on", async || {
        go_on.notify_waiters();
        running.task.is_finished()
    })
    .await;
    assert_eq!(begun.load(Ordering::SeqCst), AT_ONCE);
    let due = world.store.due_messages(world.now(), 99).await.expect("the outbox");
    assert_eq!(due.len(), 20 - AT_ONCE);
}

/// A mail server that takes nothing for a while: what was decided meanwhile comes in its order, the newest last.
#[tokio::test]
async fn the_last_mail_to_somebody_is_the_newest_that_was_decided() {
    let (world, post) = (World::new().await, Post::start().await);
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    let to_ada = |incident: &_, why| [digest("mail:ada@example.org", vec![entry(incident, why)])];
    let db = incident("db", world.now());
    world.decide(vec![Change::Opened(db.clone())], &to_ada(&db, Why::First)).await;
    world.settled(&deliverer).await;
    post.server.replace_fault(Some(Fault::Close));
    world.pass(SignedDuration::from_secs(1));
    let over = Change::Closed(db.clone(), Closing::Recovered);
    world.decide(vec![over], &to_ada(&db, Why::Resolved)).await;
    // Often enough that the next try of the end is far away.
    for _ in 0..8 {
        world.settled(&deliverer).await;
        world.pass(SignedDuration::from_mins(15));
    }
    world.settled(&deliverer).await;
    assert_eq!(post.count(), 1);
    post.server.replace_fault(None);
    world.pass(SignedDuration::from_secs(1));
    let again = incident("db", world.now());
    world.decide(vec![Change::Opened(again.clone())], &to_ada(&again, Why::First)).await;
    until("nothing is to be sent", async || world.store.outbox().await.expect("the outbox").due_count == 0)
        .await;
    running.stop().await;
    let told: Vec<_> =
        post.headers("Subject").iter().map(|it| it.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(told, ["BAD", "OVER", "BAD"].map(|word| Some(word.to_owned())));
}

#[tokio::test]
async fn what_nobody_takes_does_not_hold_back_the_rest_for_good() {
    let world = World::new().await;
    let told = async |name: &str| {
        let one = incident(name, world.now());
        let told = [digest("all:ada@example.org", vec![entry(&one, Why::First)])];
        world.decide(vec![Change::Opened(one)], &told).await.remove(0)
    };
    let poison = told("db").await;
    let channel = scripted(move |message| {
        let (kind, reason) = (FailureKind::Malformed, "it answered 400".to_owned());
        let refused = Err(ChannelError { kind, reason, retry_after: None });
        std::future::ready(if message.key.as_str() == poison { refused } else { Ok(taken()) }).boxed()
    });
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), channel)]));
    let running = world.run(&deliverer);
    world.settled(&deliverer).await;
    world.pass(SignedDuration::from_hours(25));
    world.settled(&deliverer).await;
    assert_eq!(world.notified("db").await[0].state, MessageState::Due, "nothing waits for it");
    told("web").await;
    until("the next one is sent", async || world.notified("web").await[0].state == MessageState::Delivered)
        .await;
    running.stop().await;
    assert_eq!(world.notified("db").await[0].state, MessageState::GivenUp);
    let known = world.store.standing(world.now()).await.expect("what stands").told;
    assert_eq!(known.len(), 1, "what it said counts as untold");
}

#[tokio::test]
async fn a_hundred_messages_to_one_recipient_go_one_at_a_time_and_in_order() {
    let world = World::new().await;
    let (under_way, order) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<Vec<String>>>::default());
    let (counting, ordering) = (Arc::clone(&under_way), Arc::clone(&order));
    let channel = scripted(move |message| {
        assert_eq!(counting.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
        ordering.lock().expect("nobody panics with it").push(message.key.as_str().to_owned());
        let counting = Arc::clone(&counting);
        async move {
            tokio::task::yield_now().await;
            counting.fetch_sub(1, Ordering::SeqCst);
            Ok(taken())
        }
        .boxed()
    });
    let mut keys = Vec::new();
    for name in names(100) {
        let one = incident(&name, world.now());
        let told = [digest("all:ada@example.org", vec![entry(&one, Why::First)])];
        keys.extend(world.decide(vec![Change::Opened(one)], &told).await);
        world.pass(SignedDuration::from_secs(1));
    }
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), channel)]));
    let running = world.run(&deliverer);
    world.settled(&deliverer).await;
    running.stop().await;
    assert_eq!(*order.lock().expect("nobody panics with it"), keys);
}

#[tokio::test]
async fn what_was_never_tried_does_not_wait_behind_what_failed_before() {
    let world = World::new().await;
    let is_down = Arc::new(AtomicUsize::new(1));
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let (down, ordering) = (Arc::clone(&is_down), Arc::clone(&order));
    let channel = scripted(move |message| {
        if down.load(Ordering::SeqCst) == 1 {
            let (kind, reason) = (FailureKind::Unreachable, "nobody answers".to_owned());
            return std::future::ready(Err(ChannelError { kind, reason, retry_after: None })).boxed();
        }
        ordering.lock().expect("nobody panics with it").push(message.address.to.clone());
        std::future::ready(Ok(taken())).boxed()
    });
    let deliverer = world.deliverer(Channels::from([("all".to_owned(), channel)]));
    world.tell_all("all", &names(200)).await;
    let running = world.run(&deliverer);
    world.settled(&deliverer).await;
    running.stop().await;
    is_down.store(0, Ordering::SeqCst);
    world.pass(SignedDuration::from_mins(1));
    world.tell_all("all", &["new".to_owned()]).await;
    let running = world.run(&deliverer);
    world.settled(&deliverer).await;
    running.stop().await;
    let order = order.lock().expect("nobody panics with it");
    let place = order.iter().position(|to| to.starts_with("new@")).expect("it was sent");
    assert!(place < AT_ONCE, "sent as number {place}");
    assert_eq!(order.len(), 201);
}
