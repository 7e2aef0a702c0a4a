//! Who is told later than others, and who is not told because somebody said that they know?

use jiff::Timestamp;
use lastgood_core::observation::{Collection, LastRun};

use super::fleet::{healthy, late, nas1};
use super::{OPS, config, everywhere, hours, minutes, monday};

const WITH_BOSS: &str = "[[owner]]\nrole = 'operator'\nto = ['mail:ops']\n
    [[owner]]\nrole = 'reseller'\nto = ['page:boss']\nescalate_after = '4h'\n";

#[tokio::test]
async fn acknowledging_ends_reminders_and_escalation() {
    everywhere(&config("repeat_after = '3h'", &["acme"], WITH_BOSS), async |story| {
        story.see(minutes(5), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.after(hours(1));
        story.acknowledge().await;
        story.see(hours(5), |now| late("acme", now)).await;
        story.see(hours(30), |now| late("acme", now)).await;
        story.expect_nothing();
        story.see(hours(31), |now| healthy("acme", now)).await;
        story.expect(&["mail:ops OVER acme/nas1/db: behind_local"]);
        // It is known of that one, not of the next.
        story.see(hours(32), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_acknowledges_is_told_to_somebody_else() {
    everywhere(&config("repeat_after = 'off'", &["acme"], WITH_BOSS), async |story| {
        story.see(hours(0), |now| late("acme", now)).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(3) + minutes(59), |now| late("acme", now)).await;
        story.expect_nothing();
        story.see(hours(4) + minutes(1), |now| late("acme", now)).await;
        story.expect(&["page:boss BAD acme/nas1/db: behind_local"]);
        assert!(story.newest().contains("nobody has said that they know"), "{}", story.newest());
        story.see(hours(9), |now| late("acme", now)).await;
        story.expect_nothing();
        story.see(hours(10), |now| healthy("acme", now)).await;
        story.expect(&[
            "mail:ops OVER acme/nas1/db: behind_local",
            "page:boss OVER acme/nas1/db: behind_local",
        ]);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_in_time_is_never_told_to_those_who_hear_of_it_last() {
    everywhere(&config("repeat_after = 'off'", &["acme"], WITH_BOSS), async |story| {
        story.see(hours(0), |now| late("acme", now)).await;
        story.see(hours(3), |now| healthy("acme", now)).await;
        story.see(hours(6), |now| healthy("acme", now)).await;
        story
            .expect(&["mail:ops BAD acme/nas1/db: behind_local", "mail:ops OVER acme/nas1/db: behind_local"]);
    })
    .await;
}

/// A look at which so many runs of `db` have failed in a row.
fn failed(now: Timestamp, in_row: u32, last_good: Timestamp) -> Collection {
    let mut look = nas1("acme", now, &[("db", last_good)]);
    look.repositories[0].assets[0].last_run = LastRun::Failed { in_row, at: Some(now - minutes(10)) };
    look
}

#[tokio::test]
async fn patience_counts_failed_runs() {
    let owners = format!(
        "{OPS}[[owner]]\nsubject = 'acme/*'\nrole = 'customer'\nto = ['mail:anna']\nafter_count = 3\n"
    );
    everywhere(&config("repeat_after = 'off'", &["acme"], &owners), async |story| {
        let last_good = monday() - hours(1);
        for in_row in 1..=2_u32 {
            story.see(hours(in_row.into()), |now| failed(now, in_row, last_good)).await;
        }
        story.expect(&["mail:ops BAD acme/nas1/db: unsuccessful"]);
        story.see(hours(3), |now| failed(now, 3, last_good)).await;
        story.expect(&["mail:anna BAD acme/nas1/db: unsuccessful"]);
        story.see(hours(4), |now| failed(now, 4, last_good)).await;
        story.expect_nothing();
        story.see(hours(5), |now| healthy("acme", now)).await;
        story.expect(&[
            "mail:anna OVER acme/nas1/db: unsuccessful",
            "mail:ops OVER acme/nas1/db: unsuccessful",
        ]);
        // One failed run is not worth telling her, nor that it is over.
        story.see(hours(6), |now| failed(now, 1, now - hours(1))).await;
        story.see(hours(7), |now| healthy("acme", now)).await;
        story
            .expect(&["mail:ops BAD acme/nas1/db: unsuccessful", "mail:ops OVER acme/nas1/db: unsuccessful"]);
    })
    .await;
}

#[tokio::test]
async fn patience_counts_days_without_a_success() {
    let owners = format!(
        "{OPS}[[owner]]\nsubject = 'acme/*'\nrole = 'customer'\nto = ['mail:anna']\nafter_days = 3\n"
    );
    everywhere(&config("repeat_after = 'off'", &["acme"], &owners), async |story| {
        let last_good = monday() - hours(1);
        let look = |now| nas1("acme", now, &[("db", last_good)]);
        story.see(hours(24), look).await;
        story.expect(&["mail:ops BAD acme/nas1/db: behind_local"]);
        story.see(hours(70), look).await;
        story.expect_nothing();
        // No look is needed for time to pass.
        story.after(hours(71) + minutes(1));
        story.decide().await;
        story.expect(&["mail:anna BAD acme/nas1/db: behind_local"]);
        story.see(hours(72), look).await;
        story.expect_nothing();
    })
    .await;
}
