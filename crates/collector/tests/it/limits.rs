//! Does no limit let more through than it says, and none less for ever?

use crate::support::{Act, Bot, Story, job, millis, seconds};

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_may_and_all_have_their_turn() {
    let jobs = || (0..15).map(|number| job(&format!("{number}"), &[2], Act::Sleep(seconds(2)))).collect();
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(10));
    story.pass(100).await;
    assert_eq!(story.bot.running(), (10, 10));
    let counts: Vec<_> = (0..15).map(|number| story.bot.ran_of(&format!("{number}")).len()).collect();
    // 100 s of 10 places and 2 s a run are 500 runs. Who was passed over is the next one: every second turn is sure.
    assert!(counts.iter().all(|count| *count >= 24), "{counts:?}");
    assert!((490..=500).contains(&counts.iter().sum::<usize>()), "{counts:?}");
    assert_eq!(story.metrics.waiting(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_place_is_enough_for_all() {
    let jobs = || (0..50).map(|number| job(&format!("{number}"), &[100], Act::Sleep(seconds(1)))).collect();
    // None would be an engine that never runs.
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(0));
    story.pass(160).await;
    assert_eq!((story.bot.count(), story.bot.running().1), (50, 1));
}

#[tokio::test(start_paused = true)]
async fn a_group_lets_as_many_through_as_it_says_and_holds_nobody_else_up() {
    let jobs = || {
        let grouped = |number| job(&format!("host-{number}"), &[10], Act::Sleep(seconds(3))).group("host", 2);
        let mut jobs: Vec<_> = (0..6).map(grouped).collect();
        jobs.push(job("other host", &[10], Act::Sleep(millis(10))).group("other", 1));
        jobs.push(job("alone", &[10], Act::Sleep(millis(10))));
        jobs
    };
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(4));
    story.pass_for(millis(9500)).await;
    // At 1010 all fall due: two of the group, and both others.
    assert_eq!((story.bot.running().0, story.bot.count()), (2, 4));
    assert_eq!((story.metrics.running(), story.metrics.waiting()), (2, 4));
    story.pass(100).await;
    let late = |id: &str| {
        story.bot.ran_of(id).into_iter().map(|ran| ran.began.as_millis() % 1000).max().expect("it ran")
    };
    assert!(late("alone") < 10 && late("other host") < 10);
    assert_eq!((story.firings("alone").len(), story.firings("other host").len()), (11, 11));
    for number in 0..6 {
        let count = story.firings(&format!("host-{number}")).len();
        assert!((10..=11).contains(&count), "{count} turns");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_jobs_that_panic_hang_or_vanish_loses_no_slot() {
    let jobs = || {
        vec![
            job("panics", &[2], Act::Panic).group("host", 1),
            job("hangs", &[2], Act::Hang).deadline(millis(700)).group("host", 1),
            job("vanishes", &[2], Act::Sleep(millis(300))).group("host", 1),
            job("well", &[2], Act::Nothing).group("host", 1),
        ]
    };
    let story = Story::of(jobs);
    story.pass_for(millis(2100)).await;
    story.bot.now_has(move || jobs().into_iter().filter(|job| job.id() != "vanishes").collect());
    story.refresh().await;
    story.pass(100).await;
    assert!(story.firings("well").len() >= 50, "{:?}", story.firings("well"));
    assert!(story.firings("panics").len() >= 5, "{:?}", story.firings("panics"));
    assert!(story.firings("vanishes").len() <= 1);
    assert_eq!(story.bot.running().1, 1);
}
