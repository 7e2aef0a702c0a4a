//! What becomes of the jobs when they are listed again, or cannot be?

use std::sync::atomic::{AtomicU32, Ordering};

use lastgood_collector::{Backoff, FailureKind, Job, Phase, Second};

use crate::support::{Act, Bot, Listing, Spec, Story, job, millis, seconds};

fn versioned(id: &str, intervals: &[i64], version: u32) -> Job<Bot> {
    Job::new(id, intervals.iter().copied(), Spec { act: Act::Nothing, version }).start_at(Second(0))
}

#[tokio::test(start_paused = true)]
async fn a_job_that_did_not_change_is_left_alone() {
    let story = Story::of(|| vec![versioned("same", &[7], 0).phase(Phase::AtCreation)]);
    for _ in 0..5 {
        story.pass(3).await;
        story.refresh().await;
    }
    story.pass(7).await;
    assert_eq!(story.firings("same"), [1007, 1014, 1021]);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_parameters_changed_runs_with_the_new_ones_at_its_next_firing() {
    let story = Story::of(|| vec![versioned("job", &[10], 0)]);
    story.pass(15).await;
    story.bot.now_has(|| vec![versioned("job", &[10], 1)]);
    story.refresh().await;
    story.pass(10).await;
    let ran: Vec<_> = story.bot.ran().into_iter().map(|ran| (ran.scheduled_at, ran.version)).collect();
    assert_eq!(ran, [(1010, 0), (1020, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_runs_while_it_changes_is_never_doubled() {
    let story = Story::of(|| vec![job("job", &[2], Act::Sleep(seconds(9)))]);
    story.pass_for(millis(2500)).await;
    for version in 1..5 {
        story.bot.now_has(move || {
            let spec = Spec { act: Act::Sleep(seconds(9)), version };
            vec![Job::new("job", [1 + i64::from(version)], spec).start_at(Second(0))]
        });
        story.refresh().await;
        story.pass(1).await;
    }
    assert_eq!(story.bot.running(), (1, 1));
    story.pass(10).await;
    assert_eq!(story.bot.running(), (1, 1));
    let ran = story.bot.ran();
    assert_eq!((ran.len(), ran[1].version, ran[1].affecting.clone()), (2, 4, vec![5]));
}

#[tokio::test(start_paused = true)]
async fn a_job_removed_while_it_runs_finishes_and_never_starts_again() {
    let story =
        Story::of(|| vec![job("gone", &[2], Act::Sleep(seconds(5))), job("stays", &[2], Act::Nothing)]);
    story.pass_for(millis(2500)).await;
    story.bot.now_has(|| vec![job("stays", &[2], Act::Nothing)]);
    story.refresh().await;
    assert_eq!(story.bot.running().0, 1, "its run goes on");
    story.pass(10).await;
    assert_eq!((story.bot.ran_of("gone").len(), story.bot.running().0), (1, 0));
    assert_eq!(story.metrics.succeeded(), 1 + 6);
    assert_eq!(story.metrics.jobs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_comes_back_while_its_old_run_goes_on_waits_for_it() {
    let story = Story::of(|| vec![job("back", &[2], Act::Sleep(seconds(9)))]);
    story.pass_for(millis(2500)).await;
    story.bot.now_has(Vec::new);
    story.refresh().await;
    story.bot.now_has(|| vec![job("back", &[2], Act::Sleep(seconds(9)))]);
    story.refresh().await;
    story.pass(6).await;
    assert_eq!((story.bot.running(), story.bot.count()), ((1, 1), 1));
    story.pass(4).await;
    assert_eq!((story.bot.running(), story.bot.count()), ((1, 1), 2));
}

#[tokio::test(start_paused = true)]
async fn the_first_jobs_start_before_the_last_is_listed() {
    let bot = Bot::new(|| (0..100).map(|number| job(&format!("{number}"), &[1], Act::Nothing)).collect());
    bot.lists(Listing::Slow(millis(500)));
    let story = Story::begin(1000, bot, |engine| engine);
    story.pass_for(millis(5250)).await;
    assert_eq!(story.metrics.refreshed(), 0);
    assert_eq!(story.bot.ran_of("0").len(), 5);
    assert_eq!(story.metrics.jobs(), 10);
}

#[rstest::rstest]
#[case::it_fails(Listing::FailAfter(1, FailureKind::Denied), FailureKind::Denied)]
#[case::it_panics(Listing::PanicAfter(1), FailureKind::Panicked)]
#[case::it_hangs(Listing::HangAfter(1), FailureKind::TimedOut)]
#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_keeps_the_old_jobs_and_says_so(
    #[case] listing: Listing,
    #[case] kind: FailureKind,
) {
    let jobs = || ["a", "b", "c"].map(|id| job(id, &[1], Act::Nothing)).into();
    let story = Story::begin(1000, Bot::new(jobs), |engine| engine.refresh_deadline(seconds(5)));
    story.pass(1).await;
    story.bot.now_has(|| ["new", "b"].map(|id| job(id, &[1], Act::Nothing)).into());
    story.bot.lists(listing);
    story.refresh().await;
    story.pass(6).await;
    assert_eq!(story.metrics.refreshed(), 1);
    assert!(story.metrics.refresh_failed(kind) >= 1);
    assert_eq!(story.metrics.jobs(), 4, "the new one is taken, none is removed");
    assert!(["a", "b", "c", "new"].iter().all(|id| story.bot.ran_of(id).len() >= 4));
    // It is listed again by itself, and is whole then.
    story.bot.lists(Listing::Whole);
    story.pass(61).await;
    assert!(story.metrics.refreshed() >= 2);
    assert_eq!(story.metrics.jobs(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_listed_in_part_is_kept_in_that_part() {
    let jobs = || ["a", "b"].map(|id| job(id, &[1], Act::Nothing).scope(id)).into();
    let story = Story::of(jobs);
    story.pass(1).await;
    story.bot.now_has(Vec::new);
    story.bot.keeps(&["b", "of nobody"]);
    story.refresh().await;
    assert_eq!((story.metrics.jobs(), story.metrics.refreshed()), (1, 2));
    story.pass_for(millis(3500)).await;
    assert_eq!((story.bot.ran_of("a").len(), story.bot.ran_of("b").len()), (1, 4));
    // For one listing only.
    story.bot.keeps(&[]);
    story.refresh().await;
    assert_eq!(story.metrics.jobs(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_id_offered_twice_counts_once_and_the_first_stands() {
    let story = Story::of(|| vec![versioned("twice", &[2], 1), versioned("twice", &[1], 2)]);
    story.pass_for(millis(4500)).await;
    story.refresh().await;
    story.pass(2).await;
    assert_eq!(story.firings("twice"), [1002, 1004, 1006]);
    assert!(story.bot.ran().iter().all(|ran| ran.version == 1));
    assert_eq!((story.metrics.jobs(), story.metrics.refused()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn listings_that_follow_each_other_at_once_are_told_apart() {
    let jobs = || (0..90).map(|number| job(&format!("{number}"), &[1], Act::Nothing)).collect();
    let story = Story::of(jobs);
    for _ in 0..50 {
        // One under way is followed by another, whose jobs come right after the end of the first.
        story.refresh_soon();
        tokio::task::yield_now().await;
        story.refresh_soon();
        story.pass_for(millis(7)).await;
        assert_eq!((story.metrics.jobs(), story.metrics.refused()), (90, 0));
    }
    assert!(story.bot.listings.load(Ordering::Relaxed) > 60);
}

/// The scheduler is held up: the end of one listing and the jobs of the next come to it together.
#[tokio::test(start_paused = true)]
async fn a_listing_that_is_read_together_with_the_next_one_is_told_apart() {
    let jobs = || (0..90).map(|number| job(&format!("{number}"), &[1], Act::Nothing)).collect();
    let bot = Bot::new(jobs);
    let engine = lastgood_collector::Engine::new(bot).refresh_every(millis(1));
    let metrics = engine.metrics();
    let listings = engine.collector().clone();
    // It is polled by hand, and sleeps for a while between two polls.
    let mut running = Box::pin(engine.run(std::future::pending()));
    for _ in 0..40 {
        let polled = poll_once(&mut running).await;
        assert!(polled.is_pending());
        tokio::time::sleep(millis(4)).await;
    }
    assert!(listings.listings.load(Ordering::Relaxed) > 10);
    assert_eq!((metrics.jobs(), metrics.refused()), (90, 0));
}

async fn poll_once<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> std::task::Poll<F::Output> {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context))).await
}

#[tokio::test(start_paused = true)]
async fn the_jobs_are_listed_again_after_each_pause() {
    let story = Story::begin(1000, Bot::new(Vec::new), |engine| engine.refresh_every(seconds(7)));
    story.pass(36).await;
    assert_eq!(story.metrics.refreshed(), 6);
    assert_eq!(story.metrics.refreshed_at(), Some(Second(1035)));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_tried_again_sooner_and_never_without_a_pause() {
    let one = || vec![job("a", &[1], Act::Nothing)];
    for (backoff, most, least) in [(Backoff::default(), 7, 5), (Backoff::NONE, 61, 5)] {
        let bot = Bot::new(one);
        bot.lists(Listing::FailAfter(0, FailureKind::Unreachable));
        let story = Story::begin(1000, bot, |engine| engine.backoff(backoff));
        story.pass(60).await;
        let listings = story.bot.listings.load(Ordering::Relaxed);
        assert!((least..=most).contains(&listings), "{listings} listings in a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_asks_for_a_pause_is_not_asked_for_the_jobs_before() {
    let bot = Bot::new(|| vec![job("a", &[1], Act::Nothing)]);
    bot.lists(Listing::FailAndAsk(seconds(600)));
    let story = Story::begin(1000, bot, |engine| engine);
    story.pass(599).await;
    assert_eq!(story.bot.listings.load(Ordering::Relaxed), 1);
    story.pass(2).await;
    assert_eq!(story.bot.listings.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn parameters_that_differ_at_every_refresh_do_not_stop_a_job() {
    for phase in [Phase::AtCreation, Phase::FromId, Phase::At(Second(3))] {
        let version = AtomicU32::new(0);
        let jobs = move || {
            let version = version.fetch_add(1, Ordering::Relaxed);
            vec![versioned("job", &[30], version).phase(phase)]
        };
        let story = Story::begin(1000, Bot::new(jobs), |engine| engine.refresh_every(seconds(1)));
        story.pass(301).await;
        assert_eq!(story.bot.count(), 10, "{phase:?}");
    }
}
