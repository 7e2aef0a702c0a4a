//! Is any fault of the program we replace back?
//!
//! Its observed faults, as far as they are an engine's, one test each, named after it. What is meant to be in its place
//! is tested at length elsewhere.

use lastgood_collector::{Backoff, FailureKind, IntervalError, Intervals, Phase, Second};

use crate::support::{Act, Bot, Listing, Story, job, millis, seconds};

fn refused_alone(intervals: &'static [i64]) -> Story {
    Story::of(move || {
        vec![
            job("before", &[1], Act::Nothing),
            job("bad", intervals, Act::Nothing),
            job("after", &[1], Act::Nothing),
        ]
    })
}

async fn costs_that_job_alone(story: Story) {
    story.pass_for(millis(3500)).await;
    assert_eq!((story.bot.ran_of("before").len(), story.bot.ran_of("after").len()), (3, 3));
    assert_eq!(
        (story.bot.ran_of("bad").len(), story.metrics.refused(), story.metrics.refreshed()),
        (0, 1, 1)
    );
    // It is gone with the listing that no longer has it, and so are others.
    story.bot.now_has(|| vec![job("after", &[1], Act::Nothing)]);
    story.refresh().await;
    assert_eq!((story.metrics.jobs(), story.metrics.refused()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_negative_interval_neither_hangs_nor_grows() {
    costs_that_job_alone(refused_alone(&[-5])).await;
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_is_no_division_by_zero() {
    costs_that_job_alone(refused_alone(&[0, 5])).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_without_intervals_does_not_abort_the_refresh() {
    costs_that_job_alone(refused_alone(&[])).await;
}

#[tokio::test(start_paused = true)]
async fn an_interval_beyond_all_bounds_does_not_abort_the_refresh() {
    costs_that_job_alone(refused_alone(&[1_000_000_000_000])).await;
}

#[tokio::test(start_paused = true)]
async fn bad_intervals_do_not_delay_the_other_jobs_by_a_refresh_each() {
    let story = Story::of(|| {
        let bad = |number: i64| job(&format!("bad-{number}"), &[-number], Act::Nothing);
        (0..100).map(bad).chain([job("good", &[1], Act::Nothing)]).collect()
    });
    story.pass_for(millis(2500)).await;
    assert_eq!((story.bot.ran_of("good").len(), story.metrics.refused()), (2, 100));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_intervals_became_bad_is_removed_and_others_with_it() {
    let story = Story::of(|| vec![job("turns", &[1], Act::Nothing), job("goes", &[1], Act::Nothing)]);
    story.pass_for(millis(1500)).await;
    story.bot.now_has(|| vec![job("turns", &[0], Act::Nothing)]);
    story.refresh().await;
    assert_eq!((story.metrics.jobs(), story.metrics.refused()), (0, 1));
    story.bot.now_has(Vec::new);
    story.refresh().await;
    assert_eq!(story.metrics.refreshed(), 3);
}

#[test]
fn repeated_intervals_are_one() {
    assert_eq!(Intervals::new([5, 5, 5]), Intervals::new([5]));
    assert_eq!(Intervals::new([5, -5]), Err(IntervalError::OutOfRange(-5)));
}

#[tokio::test(start_paused = true)]
async fn changed_intervals_alone_are_noticed() {
    let story = Story::of(|| vec![job("job", &[10], Act::Nothing)]);
    story.pass_for(millis(10_500)).await;
    story.bot.now_has(|| vec![job("job", &[2], Act::Nothing)]);
    story.refresh().await;
    story.pass(4).await;
    assert_eq!(story.firings("job"), [1010, 1012, 1014]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_start_alone_is_noticed() {
    let story = Story::of(|| vec![job("job", &[10], Act::Nothing)]);
    story.pass_for(millis(10_500)).await;
    story.bot.now_has(|| vec![job("job", &[10], Act::Nothing).start_at(Second(3))]);
    story.refresh().await;
    story.pass(13).await;
    assert_eq!(story.firings("job"), [1010, 1013, 1023]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_function_alone_is_noticed() {
    fn refuse<'a>(
        _: &'a Bot,
        _: &'a lastgood_collector::Call<Bot>,
    ) -> std::pin::Pin<Box<dyn Future<Output = lastgood_collector::Outcome> + Send + 'a>> {
        Box::pin(async { Err(lastgood_collector::Failure::new(FailureKind::Refused, "other")) })
    }
    let story = Story::of(|| vec![job("job", &[10], Act::Nothing)]);
    story.pass_for(millis(10_500)).await;
    story.bot.now_has(|| vec![job("job", &[10], Act::Nothing).performed_by(refuse)]);
    story.refresh().await;
    story.pass(10).await;
    assert_eq!((story.metrics.succeeded(), story.metrics.failed(FailureKind::Refused)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_changed_deadline_alone_is_noticed() {
    let story = Story::of(|| vec![job("job", &[10], Act::Hang)]);
    story.bot.now_has(|| vec![job("job", &[10], Act::Hang).deadline(seconds(2))]);
    story.refresh().await;
    story.pass_for(millis(12_500)).await;
    assert_eq!(story.metrics.failed(FailureKind::TimedOut), 1);
}

#[tokio::test(start_paused = true)]
async fn removed_jobs_are_removed_whatever_the_others_do() {
    let story = Story::of(|| ["a", "b", "c", "bad"].map(|id| job(id, &[1], Act::Nothing)).into());
    story.pass_for(millis(1500)).await;
    story.bot.now_has(|| {
        vec![job("bad", &[0], Act::Nothing), job("b", &[1], Act::Panic), job("b", &[2], Act::Nothing)]
    });
    story.refresh().await;
    story.pass(1).await;
    assert_eq!((story.bot.ran_of("a").len(), story.bot.ran_of("c").len(), story.metrics.jobs()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_id_yielded_twice_with_different_parameters_runs_all_the_same() {
    let story = Story::begin(
        1000,
        Bot::new(|| vec![job("twice", &[5], Act::Nothing), job("twice", &[5], Act::Publish)]),
        |engine| engine.refresh_every(seconds(2)),
    );
    story.pass_for(millis(20_500)).await;
    assert_eq!(story.firings("twice"), [1005, 1010, 1015, 1020]);
}

#[tokio::test(start_paused = true)]
async fn parameters_that_differ_at_every_refresh_run_although_refreshes_come_faster_than_firings() {
    let version = std::sync::atomic::AtomicU32::new(0);
    let jobs = move || {
        let act = Act::Sleep(millis(version.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into()));
        vec![job("job", &[5], act).phase(Phase::AtCreation)]
    };
    let story = Story::begin(1000, Bot::new(jobs), |engine| engine.refresh_every(seconds(2)));
    story.pass_for(millis(20_500)).await;
    assert_eq!(story.firings("job"), [1005, 1010, 1015, 1020]);
}

#[tokio::test(start_paused = true)]
async fn a_missed_run_is_coalesced_and_does_not_vanish() {
    // The original loses what is more than a second late, and never says that firings in between were lost.
    let jobs = || vec![job("holds", &[20], Act::Sleep(millis(3500))), job("late", &[1], Act::Nothing)];
    let story = Story::begin(1000, Bot::new(jobs), |engine| engine.running_max(1));
    story.pass_for(millis(30_500)).await;
    let late = story.bot.ran_of("late");
    let accounted: u64 = late.iter().map(|ran| 1 + ran.missed_count).sum();
    assert_eq!(accounted, 30, "{late:?}");
    assert!(late.iter().any(|ran| ran.missed_count >= 2), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_starts_more_than_a_second_late_is_not_skipped() {
    let jobs = || (0..15).map(|number| job(&format!("{number}"), &[100], Act::Sleep(seconds(2)))).collect();
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(1));
    story.pass(130).await;
    assert_eq!(story.bot.count(), 15);
}

#[tokio::test(start_paused = true)]
async fn more_slow_jobs_than_places_all_run() {
    // In the original, five of fifteen never ran.
    let jobs = || (0..15).map(|number| job(&format!("{number}"), &[2], Act::Sleep(seconds(2)))).collect();
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(10));
    story.pass(14).await;
    assert!((0..15).all(|number| story.bot.ran_of(&format!("{number}")).len() >= 2));
}

#[tokio::test(start_paused = true)]
async fn a_job_never_overlaps_itself() {
    let story = Story::of(|| vec![job("slow", &[1], Act::Sleep(seconds(5)))]);
    story.pass(60).await;
    assert_eq!(story.bot.running(), (1, 1));
    assert!((11..=12).contains(&story.bot.count()));
}

#[tokio::test(start_paused = true)]
async fn one_hanging_job_takes_one_place_and_not_for_ever() {
    let jobs = || vec![job("hangs", &[1], Act::Hang), job("good", &[1], Act::Nothing)];
    let story = Story::begin(1000, Bot::new(jobs), |engine| {
        engine.running_max(10).deadline(seconds(20)).backoff(Backoff::NONE)
    });
    story.pass_for(millis(100_500)).await;
    assert_eq!(story.bot.ran_of("good").len(), 100);
    assert_eq!(story.bot.ran_of("hangs").len(), 5);
    assert_eq!(story.metrics.failed(FailureKind::TimedOut), 4);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_raises_keeps_old_jobs_and_is_tried_again() {
    let story = Story::of(|| vec![job("old", &[1], Act::Nothing), job("older", &[1], Act::Nothing)]);
    story.pass_for(millis(1500)).await;
    story.bot.now_has(|| vec![job("new", &[1], Act::Nothing), job("never", &[1], Act::Nothing)]);
    story.bot.lists(Listing::PanicAfter(1));
    story.refresh().await;
    story.pass(1).await;
    for (id, count) in [("old", 2), ("older", 2), ("new", 1), ("never", 0)] {
        assert_eq!(story.bot.ran_of(id).len(), count, "{id}");
    }
    assert!(story.metrics.refresh_failed(FailureKind::Panicked) >= 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_run_is_not_an_interval_late_where_the_start_is_given() {
    let story = Story::of(|| vec![job("aligned", &[60], Act::Nothing).start_at(Second(1001))]);
    story.pass_for(millis(1500)).await;
    assert_eq!(story.firings("aligned"), [1001]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_lies_ahead_is_kept_and_not_replaced_by_today() {
    let story = Story::of(|| vec![job("ahead", &[60], Act::Nothing).start_at(Second(2003))]);
    story.pass(120).await;
    assert_eq!(story.firings("ahead"), [1043, 1103]);
}

#[tokio::test(start_paused = true)]
async fn a_boundary_met_to_the_microsecond_neither_hangs_nor_is_skipped() {
    let story = Story::of(|| vec![job("job", &[1], Act::Nothing)]);
    for _ in 0..20 {
        // Time stops exactly on the whole second.
        story.pass(1).await;
        assert_eq!(story.now().0 % 1_000_000, 0);
        story.refresh_soon();
    }
    story.pass_for(millis(500)).await;
    let firings = story.firings("job");
    assert_eq!(firings, (1001..=1020).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_call_knows_its_second_and_its_job() {
    let story = Story::of(|| vec![job("entity.17", &[5], Act::Nothing)]);
    story.pass_for(millis(5500)).await;
    let ran = &story.bot.ran()[0];
    assert_eq!((&*ran.id, ran.scheduled_at, &*ran.affecting), ("entity.17", 1005, &[5][..]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_runs_and_not_for_what_waits() {
    let jobs = || (0..100).map(|number| job(&format!("{number}"), &[10], Act::Sleep(seconds(4)))).collect();
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(10));
    story.pass_for(millis(9500)).await;
    let (clock, before) = (std::sync::Arc::clone(&story.clock), story.now());
    let stopped = story.stop().await;
    assert_eq!((stopped.finished_count, stopped.aborted_count, stopped.unstarted_count), (10, 0, 90));
    let took = lastgood_collector::Clock::now(&clock).0 - before.0;
    assert!(took < 4_000_000, "{took}");
}

#[tokio::test(start_paused = true)]
async fn hung_jobs_do_not_hold_up_the_end_beyond_its_limit() {
    let jobs = || (0..10).map(|number| job(&format!("{number}"), &[10], Act::Hang)).collect();
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.drain(seconds(2)));
    story.pass_for(millis(9500)).await;
    let (clock, before) = (std::sync::Arc::clone(&story.clock), story.now());
    assert_eq!(story.stop().await.aborted_count, 10);
    assert!(lastgood_collector::Clock::now(&clock).0 - before.0 < 2_100_000);
}
