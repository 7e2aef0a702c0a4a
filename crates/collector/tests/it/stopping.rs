//! How does an engine end, and what goes on after it?

use std::sync::atomic::Ordering;

use lastgood_collector::{Engine, Illness, Stopped, run};

use crate::support::{Act, Bot, Listing, Story, job, millis, seconds};

#[tokio::test(start_paused = true)]
async fn running_jobs_finish_and_nothing_more_starts() {
    let jobs = || {
        vec![
            job("long", &[2], Act::Sleep(seconds(8))),
            job("short", &[2], Act::Sleep(seconds(1))),
            job("waits", &[2], Act::Nothing).group("host", 1),
            job("holds", &[2], Act::Sleep(seconds(5))).group("host", 1),
        ]
    };
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine);
    story.pass_for(millis(1500)).await;
    let before = story.now();
    let bot = std::sync::Arc::clone(&story.bot);
    let (clock, health) = (std::sync::Arc::clone(&story.clock), story.health.clone());
    let count = bot.count();
    let stopped = story.stop().await;
    assert_eq!(stopped.aborted_count, 0);
    assert!(stopped.finished_count == 2 || stopped.finished_count == 3, "{stopped:?}");
    assert_eq!(
        stopped.unstarted_count + stopped.finished_count,
        4 - usize::from(stopped.unstarted_count == 0)
    );
    let took = lastgood_collector::Clock::now(&clock).0 - before.0;
    assert!((7_400_000..7_700_000).contains(&took), "it waits for the longest run alone: {took}");
    assert_eq!((bot.running().0, bot.count()), (0, count));
    assert_eq!(health.check(), Err(Illness::Stopped));
}

#[tokio::test(start_paused = true)]
async fn runs_that_do_not_end_in_time_are_dropped() {
    let jobs = || {
        vec![
            job("hangs", &[2], Act::Hang),
            job("bomb", &[2], Act::HangAndPanicInDrop),
            job("ends", &[2], Act::Sleep(seconds(2))),
        ]
    };
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.drain(seconds(3)));
    story.pass_for(millis(1500)).await;
    let (bot, clock, before) =
        (std::sync::Arc::clone(&story.bot), std::sync::Arc::clone(&story.clock), story.now());
    let stopped = story.stop().await;
    assert_eq!(stopped, Stopped { finished_count: 1, aborted_count: 2, unstarted_count: 0 });
    let took = lastgood_collector::Clock::now(&clock).0 - before.0;
    assert!((2_990_000..3_100_000).contains(&took), "{took}");
    tokio::time::sleep(millis(1)).await;
    assert_eq!(bot.running().0, 0, "nothing goes on in the background");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_waits_long_for_its_last_runs_is_well_meanwhile() {
    let jobs = || vec![job("long", &[2], Act::Sleep(seconds(55)))];
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.drain(seconds(100)));
    story.pass_for(millis(1500)).await;
    let health = story.health.clone();
    let ending = tokio::spawn(story.stop());
    tokio::time::sleep(seconds(45)).await;
    assert_eq!(health.check(), Ok(()));
    assert_eq!(ending.await.unwrap(), Stopped { finished_count: 1, aborted_count: 0, unstarted_count: 0 });
}

#[tokio::test(start_paused = true)]
async fn an_engine_with_nothing_running_ends_at_once_even_while_it_lists() {
    let bot = Bot::new(|| vec![job("a", &[10], Act::Nothing)]);
    bot.lists(Listing::HangAfter(0));
    let story = Story::begin(1001, bot, |engine| engine);
    story.pass(3).await;
    let before = story.now();
    let clock = std::sync::Arc::clone(&story.clock);
    let stopped = story.stop().await;
    assert_eq!(stopped, Stopped { finished_count: 0, aborted_count: 0, unstarted_count: 0 });
    assert!(lastgood_collector::Clock::now(&clock).0 - before.0 < 5_000);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_runs_and_lists_nothing_more() {
    let bot = Bot::new(|| vec![job("hangs", &[2], Act::Hang), job("a", &[1], Act::Nothing)]);
    let story = Story::begin(1001, bot, |engine| engine.refresh_every(seconds(5)));
    story.pass_for(millis(7500)).await;
    story.engine.abort();
    story.pass_for(millis(10)).await;
    let (count, listings) = (story.bot.count(), story.bot.listings.load(Ordering::Relaxed));
    story.pass(60).await;
    assert_eq!((story.bot.count(), story.bot.running().0), (count, 0));
    assert_eq!(story.bot.listings.load(Ordering::Relaxed), listings);
}

#[tokio::test(start_paused = true)]
async fn an_engine_dropped_while_it_lists_breaks_that_off() {
    struct Watched(std::sync::Arc<std::sync::atomic::AtomicBool>);
    struct OnDrop<'a>(&'a std::sync::atomic::AtomicBool);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    impl lastgood_collector::Collector for Watched {
        type Spec = ();
        async fn jobs(
            &self,
            _: &mut lastgood_collector::Jobs<Self>,
        ) -> Result<(), lastgood_collector::Failure> {
            let _dropped = OnDrop(&self.0);
            std::future::pending().await
        }
        async fn perform(&self, _: &lastgood_collector::Call<Self>) -> lastgood_collector::Outcome {
            Ok(Vec::new())
        }
    }
    let dropped = std::sync::Arc::default();
    let story = Story::begin(1001, Watched(std::sync::Arc::clone(&dropped)), |engine| engine);
    story.pass(1).await;
    assert!(!dropped.load(Ordering::Relaxed));
    story.engine.abort();
    story.pass_for(millis(10)).await;
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_run_until_it_is_asked_to_stop() {
    let bot = Bot::new(|| vec![job("a", &[1], Act::Nothing)]);
    // On the machine's own clock, whose seconds pass otherwise than these: only the end is looked at.
    let stopped = run(bot, seconds(60), tokio::time::sleep(seconds(5))).await;
    assert_eq!(stopped.aborted_count, 0);
    let engine = Engine::new(Bot::new(Vec::new));
    assert_eq!(engine.run(std::future::ready(())).await.unstarted_count, 0);
}
