//! The mail server is down for a day, and somebody asks without end.

use std::time::Duration;

use super::fleet::{late, nas1};
use super::{PATIENCE, Restarts, Story, config, everywhere, hours, minutes, wakeful};

const TWO_WAYS: &str = "[[owner]]\nsubject = 'acme*'\nrole = 'customer'\nto = ['mail:anna']\n
    [[owner]]\nrole = 'operator'\nto = ['mail:ops', 'page:night']\n";

#[tokio::test]
async fn a_mail_server_that_is_down_for_a_day_loses_nothing_and_is_told_another_way() {
    let config = config("repeat_after = 'off'", &["acme"], TWO_WAYS);
    everywhere(&config, async |story| {
        story.mailbox.take_down("mail");
        story.see(minutes(0), |now| late("acme", now)).await;
        story.expect(&["page:night BAD acme/nas1/db: behind_local"]);
        story.see(minutes(59), |now| late("acme", now)).await;
        story.expect_nothing();
        // What could not be sent for an hour is trouble of its own, told through the way that works.
        story.see(minutes(62), |now| late("acme", now)).await;
        story.expect(&["page:night BAD lastgood/mail: undelivered"]);
        let old = |now| nas1("acme", now, &[("db", now - hours(30)), ("web", now - hours(30))]);
        story.see(hours(12), old).await;
        story.expect(&["page:night BAD acme/nas1/web: behind_local"]);
        let well = |now| nas1("acme", now, &[("db", now - hours(1)), ("web", now - hours(30))]);
        story.see(hours(23), well).await;
        story.expect(&["page:night OVER acme/nas1/db: behind_local"]);
        let tried_count = story.mailbox.tried_count();
        story.mailbox.bring_up("mail");
        story.after(hours(24) + minutes(20));
        story.deliver().await;
        let told = story.whole();
        let of = |address: &str| told.iter().filter(|line| line.starts_with(address)).count();
        assert_eq!((of("mail:anna"), of("mail:ops")), (3, 3), "{told:#?}");
        assert!(story.mailbox.is_each_once(), "{told:#?}");
        assert!(story.mailbox.tried_count() < tried_count + 20);
        story.expected_count = told.len();
        story.decide().await;
        story.expected_count = told.len();
        assert!(story.whole().last().is_some_and(|line| line.contains("OVER lastgood/mail")));
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_for_a_tick_again_and_again_does_not_put_it_off() {
    let mut story = Story::begin(&config("", &["acme"], TWO_WAYS), Restarts::Never).await;
    let now = story.after(minutes(5));
    story.take(late("acme", now)).await.expect("it is kept");
    let watch = &story.running().watch;
    // More often than ticks may follow each other; the next one by the clock is minutes away.
    let judged = async {
        while watch.published().at < now {
            watch.wake();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, judged).await.expect("a tick");
}

#[tokio::test]
async fn an_address_that_is_refused_is_told_to_those_who_can_be_reached() {
    let config = config("repeat_after = 'off'", &["acme"], TWO_WAYS);
    everywhere(&config, async |story| {
        story.mailbox.refuse("anna");
        story.see(minutes(0), |now| late("acme", now)).await;
        story.expect(&[
            "mail:ops BAD acme/nas1/db: behind_local",
            "page:night BAD acme/nas1/db: behind_local",
        ]);
        story.see(minutes(1), |now| late("acme", now)).await;
        let about = "BAD lastgood/mail:anna: undelivered";
        story.expect(&[&format!("mail:ops {about}"), &format!("page:night {about}")]);
        story.see(minutes(2), |now| late("acme", now)).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_was_off_for_a_night_cries_no_wolf_before_it_has_looked() {
    let mut story = Story::begin(&wakeful("", &["acme"], TWO_WAYS), Restarts::Never).await;
    story.see(minutes(5), |now| nas1("acme", now, &[("db", now - hours(1))])).await;
    story.running = None;
    story.after(hours(10));
    story.start().await;
    story.deliver().await;
    story.see(hours(10) + minutes(1), |now| nas1("acme", now, &[("db", now - hours(1))])).await;
    story.expect_nothing();
}

#[tokio::test]
async fn what_was_refused_for_a_moment_is_told_once_something_arrives() {
    let owner = "[[owner]]\nrole = 'operator'\nto = ['mail:ops']\n";
    let config = config("repeat_after = 'off'", &["acme"], owner);
    everywhere(&config, async |story| {
        story.mailbox.refuse("ops");
        story.see(minutes(0), |now| late("acme", now)).await;
        story.expect_nothing();
        story.see(minutes(1), |now| late("acme", now)).await;
        story.expect_nothing();
        story.mailbox.accept("ops");
        let old = |now| nas1("acme", now, &[("db", now - hours(30)), ("web", now - hours(30))]);
        story.see(minutes(2), old).await;
        story.expect(&["mail:ops BAD acme/nas1/web: behind_local"]);
        story.see(minutes(3), old).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(minutes(4), old).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn it_is_ill_while_nobody_can_be_told_through_anything() {
    let config = config("repeat_after = 'off'", &["acme"], TWO_WAYS);
    let mut story = Story::begin(&config, Restarts::Never).await;
    story.mailbox.take_down("mail");
    story.see(minutes(0), |now| late("acme", now)).await;
    story.see(minutes(62), |now| late("acme", now)).await;
    let ill = |story: &Story| story.running().watch.published().ill.clone();
    assert_eq!(ill(&story), [""; 0], "the page tells of it");
    story.mailbox.take_down("page");
    let old = |now| nas1("acme", now, &[("db", now - hours(30)), ("web", now - hours(30))]);
    story.see(minutes(63), old).await;
    assert_eq!(ill(&story), [""; 0], "it may come back soon");
    story.see(minutes(125), old).await;
    let said = ill(&story);
    assert_eq!(said.len(), 2, "{said:?}");
    for (line, channel) in said.iter().zip(["lastgood/mail", "lastgood/page"]) {
        assert!(line.contains(channel) && line.contains("nobody can be told another way"), "{line}");
    }
    story.mailbox.bring_up("page");
    story.see(minutes(145), old).await;
    story.see(minutes(146), old).await;
    assert_eq!(ill(&story), [""; 0], "one way is enough");
}
