//! The fleet and the configuration change: what leaves does not alarm for ever, and is never said to be well.

use lastgood_core::observation::Extent;
use lastgood_core::testing::{FleetBuilder, unreachable};

use super::fleet::{healthy, late, nas1};
use super::{OPS, config, everywhere, hours, minutes};

#[tokio::test]
async fn an_asset_that_is_removed_closes_as_left_after_a_complete_look_without_it() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        // Its appliance could be read in part, then not at all: nobody knows whether it is there.
        let in_part = |now| {
            let mut look = nas1("acme", now, &[("web", now - hours(1))]);
            look.repositories[0].listing = Extent::Partial;
            look
        };
        story.see(minutes(20), in_part).await;
        story.see(minutes(35), |now| unreachable("acme", now)).await;
        story.expect_nothing();
        story.see(minutes(50), |now| nas1("acme", now, &[("web", now - hours(1))])).await;
        story.expect(&["mail:ops NOT WATCHED ANY MORE acme/nas1/db: behind_local"]);
        let text = story.newest();
        assert!(text.contains("it left") && !text.contains("ok again"), "{text}");
        story.see(hours(50), |now| nas1("acme", now, &[("web", now - hours(1))])).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn an_appliance_that_is_removed_takes_its_agents_along() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        let old = |now| nas1("acme", now, &[("db", now - hours(30)), ("web", now - hours(30))]);
        story.see(minutes(5), old).await;
        story.expect(&["mail:ops 2 BAD: acme/nas1/db, acme/nas1/web"]);
        let partial = |now| FleetBuilder::new("acme", now).agents("nas2", &["mail"]).partial().collection();
        story.see(minutes(20), partial).await;
        story.expect_nothing();
        let complete = |now| FleetBuilder::new("acme", now).agents("nas2", &["mail"]).collection();
        story.see(minutes(35), complete).await;
        story.expect(&["mail:ops 2 NOT WATCHED ANY MORE: acme/nas1/db, acme/nas1/web"]);
        assert_eq!(story.newest().matches("it left").count(), 2, "{}", story.newest());
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_taken_out_of_the_configuration_closes_with_that_reason() {
    let both = config("", &["acme", "beta"], OPS);
    everywhere(&both, async |story| {
        story.see(minutes(5), |now| late("beta", now)).await;
        story.see(minutes(6), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD beta/nas1/db: behind_local", "mail:ops BAD acme/nas1/db: behind_local"]);
        story.reload(&config("", &["acme"], OPS)).await;
        story.after(minutes(10));
        story.decide().await;
        story.expect(&["mail:ops NOT WATCHED ANY MORE beta/nas1/db: behind_local"]);
        let text = story.newest();
        assert!(text.contains("not looked at any more") && !text.contains("ok again"), "{text}");
        // A look that was under way meanwhile is nobody's any more.
        assert!(story.take(late("beta", super::monday() + minutes(9))).await.is_err());
        story.decide().await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_is_named_later_is_told_once() {
    everywhere(&config("repeat_after = 'off'", &["acme"], OPS), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        let owners = OPS.replace("'mail:ops'", "'mail:ops', 'mail:night'");
        story.reload(&config("repeat_after = 'off'", &["acme"], &owners)).await;
        story.after(minutes(10));
        story.decide().await;
        story.expect(&["mail:night BAD acme/nas1/db: behind_local"]);
        story.decide().await;
        story.expect_nothing();
        story.see(minutes(20), |now| healthy("acme", now)).await;
        story.expect(&[
            "mail:night OVER acme/nas1/db: behind_local",
            "mail:ops OVER acme/nas1/db: behind_local",
        ]);
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_is_taken_out_hears_nothing_more() {
    let owners = OPS.replace("'mail:ops'", "'mail:ops', 'mail:night'");
    everywhere(&config("", &["acme"], &owners), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&[
            "mail:night BAD acme/nas1/db: behind_local",
            "mail:ops BAD acme/nas1/db: behind_local",
        ]);
        story.reload(&config("", &["acme"], OPS)).await;
        story.see(minutes(20), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}
