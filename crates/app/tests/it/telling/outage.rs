//! What becomes of messages while a channel is down, and is every kind of failure tried again when it should be?

use futures::FutureExt;
use jiff::SignedDuration;
use lastgood::channels::{ChannelError, FailureKind};
use lastgood::deliver::Channels;
use lastgood::store::{MessageState, Store};
use lastgood_simulator::smtp::Fault;

use super::{Post, World, message_id, names, scripted, taken};

#[tokio::test]
async fn a_mail_server_that_is_down_for_a_day_costs_no_message_and_is_not_pestered() {
    let (world, post) = (World::new().await, Post::start().await);
    post.server.replace_fault(Some(Fault::Close));
    let deliverer = world.deliverer(post.channels());
    let running = world.run(&deliverer);
    let keys = world.tell_all("mail", &names(20)).await;
    let began_at = world.now();
    for _ in 0..24 * 12 {
        world.settled(&deliverer).await;
        world.pass(SignedDuration::from_mins(5));
    }
    assert_eq!(post.count(), 0);
    let down = world.store.undelivered().await.expect("the outbox");
    assert_eq!((down[0].channel.as_str(), down[0].waiting_count), ("mail", 20));
    assert!(down[0].since < began_at + SignedDuration::from_mins(5));
    post.server.replace_fault(None);
    world.pass(SignedDuration::from_mins(15));
    world.settled(&deliverer).await;
    running.stop().await;

    let mut ids = post.headers("Message-ID");
    ids.sort();
    let mut expected: Vec<_> = keys.iter().map(|key| message_id(key)).collect();
    expected.sort();
    assert_eq!(ids, expected, "each arrives once");
    for name in names(20) {
        let notified = world.notified(&name).await.remove(0);
        assert_eq!(notified.state, MessageState::Delivered);
        let (last, failed) = notified.deliveries.split_last().expect("attempts");
        assert_eq!(last.failure, None);
        assert!(failed.iter().all(|attempt| attempt.failure == Some(FailureKind::Unreachable)));
        // 15 min apart at most, 10 s at least: with steps of 5 min a day holds about 96 attempts.
        assert!((90..=105).contains(&failed.len()), "{}", failed.len());
    }
    assert!(world.store.undelivered().await.expect("the outbox").is_empty());
}

#[tokio::test]
async fn each_kind_of_failure_is_tried_again_when_it_is_worth_it() {
    let world = World::new().await;
    let waits = [
        (FailureKind::Unreachable, Some(10)),
        (FailureKind::TimedOut, Some(10)),
        (FailureKind::RateLimited, Some(10)),
        (FailureKind::Denied, Some(300)),
        (FailureKind::Unsupported, Some(300)),
        (FailureKind::Malformed, Some(300)),
        (FailureKind::Refused, None),
    ];
    let failing = |kind| {
        let error = ChannelError { kind, reason: "it failed; repair it".to_owned(), retry_after: None };
        scripted(move |_| std::future::ready(Err(error.clone())).boxed())
    };
    let channels = waits.iter().map(|(kind, _)| (kind.as_str().to_owned(), failing(*kind))).collect();
    let deliverer = world.deliverer(channels);
    let running = world.run(&deliverer);
    for (kind, _) in waits {
        world.tell_all(kind.as_str(), &[kind.as_str().to_owned()]).await;
        world.pass(SignedDuration::from_nanos(1));
    }
    let last_at = world.now();
    world.settled(&deliverer).await;
    running.stop().await;
    for (kind, wait) in waits {
        let notified = world.notified(kind.as_str()).await.remove(0);
        let attempt = &notified.deliveries[0];
        assert_eq!((attempt.failure, attempt.words.as_str()), (Some(kind), "it failed; repair it"));
        let due = async |at| {
            let due = world.store.due_messages(at, 99).await.expect("the outbox");
            due.iter().any(|message| message.id == notified.message)
        };
        let Some(seconds) = wait else {
            assert_eq!(notified.state, MessageState::GivenUp);
            continue;
        };
        assert_eq!(notified.state, MessageState::Due);
        let again_at = attempt.at + SignedDuration::from_secs(seconds);
        assert!(again_at >= last_at, "{kind:?}");
        assert!(!due(again_at - SignedDuration::from_nanos(1)).await, "{kind:?} too early");
        assert!(due(again_at).await, "{kind:?} too late");
    }
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_named_and_used_once_it_is() {
    let world = World::new().await;
    let deliverer = world.deliverer(Channels::new());
    let running = world.run(&deliverer);
    world.tell_all("pager", &["db".to_owned()]).await;
    world.settled(&deliverer).await;
    let attempt = world.notified("db").await.remove(0).deliveries.remove(0);
    assert_eq!(attempt.failure, Some(FailureKind::Unsupported));
    assert!(attempt.words.contains("no channel is called pager"), "{}", attempt.words);
    let pager = scripted(|_| std::future::ready(Ok(taken())).boxed());
    deliverer.replace(Channels::from([("pager".to_owned(), pager)]));
    world.pass(SignedDuration::from_hours(1));
    world.settled(&deliverer).await;
    running.stop().await;
    assert_eq!(world.notified("db").await[0].state, MessageState::Delivered);
    let counted = deliverer.counted();
    assert_eq!(counted[0].0, "pager");
    assert_eq!((counted[0].1.sent_count, counted[0].1.under_way_count), (1, 0));
    assert_eq!(counted[0].1.failed_counts, [(FailureKind::Unsupported, 1)]);
}
