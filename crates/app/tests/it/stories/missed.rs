//! A backup that does not happen, one that comes and goes, and a night in which nobody wants to hear of it.

use super::fleet::{healthy, late, nas1};
use super::{OPS, Story, config, everywhere, hours, minutes, monday};

#[tokio::test]
async fn a_missed_nightly_backup_is_told_once_reminded_of_and_told_to_be_over() {
    let config = config("repeat_after = '1d'", &["acme"], OPS);
    everywhere(&config, async |story| {
        let sunday_night = monday() - hours(10);
        let look = |now| nas1("acme", now, &[("db", sunday_night), ("web", now - hours(2))]);
        story.see(hours(13), look).await;
        story.expect_nothing();
        // The night from Monday to Tuesday brought no backup of `db`: at 02:00 it is 24 h old, and late from then on.
        story.see(hours(15), look).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(16), look).await;
        story.see(hours(38), look).await;
        story.expect_nothing();
        story.see(hours(39) + minutes(1), look).await;
        story.expect(&["mail:ops STILL BAD acme/nas1/db: behind_local"]);
        story.see(hours(40), look).await;
        story.expect_nothing();
        let now = monday() + hours(42);
        story.see(hours(43), |at| nas1("acme", at, &[("db", now), ("web", now)])).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
        story.decide().await;
        story.see(hours(44), |at| nas1("acme", at, &[("db", now), ("web", now)])).await;
        story.expect_nothing();
    })
    .await;
}

#[tokio::test]
async fn a_flapping_asset_opens_and_closes_only_after_enough_looks() {
    let config = config("open_after = 2\nclose_after = 3", &["acme"], OPS);
    everywhere(&config, async |story| {
        let bad = |now| late("acme", now);
        let good = |now| healthy("acme", now);
        for (minute, is_bad) in [(15, true), (30, false), (45, true), (60, false)] {
            if is_bad {
                story.see(minutes(minute), bad).await;
            } else {
                story.see(minutes(minute), good).await;
            }
        }
        // Looks are counted, not ticks.
        story.see(minutes(75), bad).await;
        story.decide().await;
        story.expect_nothing();
        story.see(minutes(90), bad).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(minutes(105), good).await;
        story.see(minutes(120), good).await;
        story.decide().await;
        story.see(minutes(135), bad).await;
        story.see(minutes(150), good).await;
        story.see(minutes(165), good).await;
        story.expect_nothing();
        story.see(minutes(180), good).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}

/// Whatever began before the night is known; what begins in it is withheld.
async fn silenced_until_morning(story: &mut Story) {
    story.see(minutes(15), |now| healthy("acme", now)).await;
    story.silence("acme/*", monday() + hours(18)).await;
    story.see(hours(10), |now| late("acme", now)).await;
    story.see(hours(17), |now| late("acme", now)).await;
    story.expect_nothing();
}

#[tokio::test]
async fn what_is_still_bad_in_the_morning_after_a_silence_is_told_then() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        silenced_until_morning(story).await;
        story.after(hours(18));
        story.decide().await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(19), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_before_a_silence_ends_is_never_told() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        silenced_until_morning(story).await;
        story.see(hours(17) + minutes(30), |now| healthy("acme", now)).await;
        story.see(hours(19), |now| healthy("acme", now)).await;
        story.expect_nothing();
        let incidents = story.incidents().await;
        assert_eq!(incidents.len(), 1, "it was judged all the same: {incidents:?}");
        assert!(incidents[0].closed.is_some(), "{incidents:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_told_before_a_silence_and_ends_in_it_is_told_to_be_over_afterwards() {
    everywhere(&config("", &["acme"], OPS), async |story| {
        story.see(minutes(15), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.silence("acme/*", monday() + hours(10)).await;
        story.see(hours(5), |now| healthy("acme", now)).await;
        story.expect_nothing();
        story.see(hours(10), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}
