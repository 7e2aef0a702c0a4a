//! The clock of the machine is set, back and forward, in the middle of it.

use super::fleet::{healthy, late};
use super::{OPS, config, everywhere, hours, minutes};

#[tokio::test]
async fn a_clock_that_is_set_back_a_day_repeats_nothing_and_loses_nothing() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(-24), |now| late("acme", now)).await;
        story.see(hours(-24) + minutes(15), |now| late("acme", now)).await;
        story.expect_nothing();
        // All is well, seen after it opened: the clock does not keep it open for a day.
        story.see(hours(-24) + minutes(30), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
        story.see(hours(-24) + minutes(45), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(-24) + minutes(60), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
        story.see(minutes(30), |now| healthy("acme", now)).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_jumps_forward_a_day_and_back_leaves_nothing_behind() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        story.see(minutes(5), |now| healthy("acme", now)).await;
        // A look is made with the wrong clock: what the portal states is as old as it is.
        story.see(hours(24), |now| healthy("acme", now)).await;
        story.expect_nothing();
        story.see(minutes(30), |now| healthy("acme", now)).await;
        story.expect_nothing();
        story.see(minutes(45), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(minutes(60), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_comes_back_after_the_clock_was_set_back_is_judged() {
    everywhere(&config("", &["acme", "beta"], OPS), async |story| {
        story.see(hours(24), |now| healthy("acme", now)).await;
        // It is forgotten while the clock is set back: only the store knows what it was looked at then.
        story.after(minutes(5));
        story.reload(&config("", &["beta"], OPS)).await;
        story.reload(&config("", &["acme", "beta"], OPS)).await;
        story.see(minutes(10), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
    })
    .await;
}
