//! What is down takes what is in it along: one line about the cause, and nothing about its consequences.

use jiff::Timestamp;
use lastgood_core::observation::Collection;
use lastgood_core::testing::unreachable;

use super::fleet::{healthy, late, nas1, silent_since};
use super::{OPS, config, everywhere, hours, minutes, monday, wakeful};

fn unseen(now: Timestamp) -> Collection {
    unreachable("acme", now)
}

#[tokio::test]
async fn a_source_that_dies_is_told_and_its_assets_are_not() {
    everywhere(&wakeful("repeat_after = 'off'", &["acme"], OPS), async |story| {
        let good = |now| nas1("acme", now, &[("db", monday()), ("web", monday())]);
        story.see(minutes(5), good).await;
        // Looks that fail are no trouble before that goes on for three of them: it may be the network.
        story.see(minutes(20), unseen).await;
        story.see(minutes(49), unseen).await;
        story.expect_nothing();
        story.see(minutes(51), unseen).await;
        story.expect(&["mail:ops BAD acme: visibility (1 appliance affected)"]);
        // The appliance and both agents look late from here: nobody sees them.
        story.see(hours(2), unseen).await;
        story.see(hours(23), unseen).await;
        story.see(hours(25), unseen).await;
        story.see(hours(26), unseen).await;
        story.expect(&["mail:ops STILL BAD acme: visibility (1 appliance, 2 agents affected)"]);
        // It is back: `db` was backed up meanwhile, `web` was not, and is told now.
        let back = |now| nas1("acme", now, &[("db", now - hours(1)), ("web", monday())]);
        story.see(hours(27), back).await;
        story.expect(&["mail:ops 1 BAD, 1 OVER: acme/nas1/web, acme"]);
        story.see(hours(28), back).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn an_appliance_that_is_offline_is_one_line_with_its_agents() {
    everywhere(&wakeful("repeat_after = 'off'", &["acme"], OPS), async |story| {
        // Agents were backed up half an hour before it fell silent, 23 h 50 min before the first look.
        let since = monday() - hours(24) + minutes(10);
        story.see(minutes(5), |now| silent_since(now - minutes(5), now, 14)).await;
        story.expect_nothing();
        story.see(minutes(6), |now| silent_since(since, now, 14)).await;
        story.expect(&["mail:ops BAD acme/BDR01: offline (14 agents affected)"]);
        assert_eq!(story.newest().matches("14 agents affected").count(), 1, "{}", story.newest());
        story.see(hours(20), |now| silent_since(since, now, 14)).await;
        story.expect_nothing();
        story.see(hours(21), |now| silent_since(now - minutes(1), now, 14)).await;
        story.expect(&["mail:ops OVER acme/BDR01: offline"]);
        story.see(hours(22), |now| silent_since(now - minutes(1), now, 14)).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn all_sources_that_fail_at_once_are_one_incident_about_ourselves() {
    let config = wakeful("repeat_after = 'off'", &["acme", "beta"], OPS);
    everywhere(&config, async |story| {
        for source in ["acme", "beta"] {
            story.see(minutes(5), |now| healthy(source, now)).await;
        }
        for length in [minutes(20), minutes(45), minutes(55), hours(3), hours(30)] {
            let now = story.after(length);
            for source in ["acme", "beta"] {
                story.look(unreachable(source, now)).await;
            }
            story.decide().await;
        }
        let told = story.whole();
        assert!(told[0].starts_with("mail:ops BAD lastgood: visibility (2 "), "{told:#?}");
        assert!(told.iter().all(|line| line.contains(" lastgood: visibility")), "{told:#?}");
        story.expected_count = told.len();
        // One is back: the other has time for a look of its own. What stays dark then is told on its own.
        story.see(hours(31), |now| healthy("acme", now)).await;
        story.expect_nothing();
        story.see(hours(31) + minutes(5), |now| unreachable("beta", now)).await;
        story.expect(&["mail:ops 1 BAD, 1 OVER: beta, lastgood"]);
        story.see(hours(31) + minutes(15), |now| healthy("beta", now)).await;
        story.expect(&["mail:ops OVER beta: visibility"]);
    })
    .await;
}

#[tokio::test]
async fn a_look_that_comes_late_closes_nothing_that_opened_since() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        let last_good = monday() - hours(23);
        story.see(minutes(5), |now| nas1("acme", now, &[("db", last_good)])).await;
        story.after(minutes(65));
        story.decide().await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        // It began before that, and says that all is well.
        story.after(minutes(70));
        story.look(healthy("acme", monday() + minutes(60))).await;
        story.decide().await;
        story.expect_nothing();
        story.see(minutes(75), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}

#[tokio::test]
async fn repeating_a_tick_tells_nobody() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        for _ in 0..3 {
            let ticked = story.tick().await;
            assert_eq!((ticked.change_count, ticked.message_count), (0, 0));
        }
        story.deliver().await;
        story.expect_nothing();
    })
    .await;
}
