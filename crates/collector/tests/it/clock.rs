//! What happens when the clock on the wall is set?

use lastgood_collector::Second;

use crate::support::{Act, Bot, Story, job, millis};

const HOUR: i64 = 3600;

/// Jobs of a second, a minute and an hour, none of which may storm or sleep whatever the clock does.
fn fleet() -> Bot {
    Bot::new(|| {
        let mut jobs = vec![job("hour", &[HOUR], Act::Nothing), job("slow", &[10], Act::Sleep(millis(4500)))];
        jobs.extend((0..60).map(|number| job(&format!("minute-{number}"), &[60], Act::Nothing)));
        jobs.push(job("second", &[1], Act::Nothing));
        jobs
    })
}

#[rstest::rstest]
#[case::five_hours_forth(5 * HOUR, 200)]
#[case::a_year_forth(365 * 24 * HOUR, 200)]
#[case::five_hours_back(-5 * HOUR, 200)]
#[case::to_before_1970(-100_000 * HOUR, 200)]
#[case::while_calls_are_made_ready_forth(5 * HOUR, 700)]
#[case::while_calls_are_made_ready_back(-5 * HOUR, 700)]
#[case::just_before_the_second_forth(HOUR, 999)]
#[case::just_before_the_second_back(-HOUR, 999)]
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_neither_storms_nor_sleeps(#[case] step: i64, #[case] at_millis: u64) {
    let story = Story::begin(100_000, fleet(), |engine| engine);
    // A run of ten seconds' job is under way then, until 4.5 s after 100 010.
    story.pass(11).await;
    story.pass_for(millis(at_millis)).await;
    story.clock.step(step);
    let before = story.bot.count();
    story.pass_for(millis(1100)).await;
    let at_once = story.bot.count() - before;
    assert!(at_once <= 10, "{at_once} calls began in the second after");
    story.pass(61).await;
    let of_second = story.bot.ran_of("second");
    let recent = of_second.iter().filter(|ran| ran.began > millis(13_000)).count();
    assert!((58..=62).contains(&recent), "the job of a second ran {recent} times in the minute after");
    for number in 0..60 {
        let ran = story.bot.ran_of(&format!("minute-{number}"));
        let recent = ran.iter().filter(|ran| ran.began > millis(11_000)).count();
        assert!((1..=2).contains(&recent), "{recent} runs in the minute after: {ran:?}");
    }
    // No second is crowded, apart from the one in which all are aligned.
    let mut per_second = std::collections::BTreeMap::<_, usize>::new();
    for ran in story.bot.ran().iter().filter(|ran| ran.began > millis(11_000) && ran.scheduled_at % 60 != 0) {
        *per_second.entry(ran.began.as_secs()).or_default() += 1;
    }
    assert!(per_second.values().all(|count| *count <= 5), "{per_second:?}");
    story.bot.running();
    assert!(story.health.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_while_the_machine_slept_is_known_to_the_next_call() {
    let story =
        Story::begin(100_000, Bot::new(|| vec![job("hour", &[HOUR, 600], Act::Nothing)]), |engine| engine);
    story.pass_for(millis(100)).await;
    story.clock.step(5 * HOUR + 1800);
    story.pass(62).await;
    let ran = story.bot.ran_of("hour");
    assert_eq!(ran.len(), 1);
    // 100 000 lies 400 s after an hour's second tenth: 100 200, 100 800 ... 119 400 have passed.
    assert_eq!((ran[0].scheduled_at, ran[0].missed_count), (119_400, 32));
    assert_eq!(ran[0].affecting, [600, 3600]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_runs_no_call_for_what_it_did_not_show_again() {
    let story = Story::begin(1000, Bot::new(|| vec![job("both", &[2, 3], Act::Nothing)]), |engine| engine);
    // At 1004.7 the call of 1005, by three, is ready; 303 has begun when that is noticed.
    story.pass_for(millis(4700)).await;
    story.clock.step(-702);
    story.pass(2).await;
    let calls: Vec<_> =
        story.bot.ran_of("both").into_iter().map(|ran| (ran.scheduled_at, ran.affecting)).collect();
    assert_eq!(calls, [(1002, vec![2, 3]), (1004, vec![2]), (304, vec![2])]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_by_an_hour_again_and_again_does_not_stop_the_jobs() {
    let story = Story::begin(1_000_000, fleet(), |engine| engine);
    for _ in 0..20 {
        story.pass_for(millis(2300)).await;
        story.clock.step(-HOUR);
    }
    assert!(story.bot.ran_of("second").len() >= 35, "{}", story.bot.ran_of("second").len());
    story.bot.running();
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_outlive_a_clock_that_is_set() {
    let jobs =
        || (0..10).map(|number| job(&format!("{number}"), &[100], Act::Sleep(millis(10_000)))).collect();
    for step in [-5 * HOUR, 5 * HOUR] {
        let story = Story::begin(100_001, Bot::new(jobs), |engine| engine.running_max(1));
        // At 100 100 all are due; one runs.
        story.pass(101).await;
        assert_eq!((story.metrics.running(), story.metrics.waiting()), (1, 9));
        story.clock.step(step);
        story.pass(15).await;
        assert_eq!(story.bot.count(), 2);
        story.pass(90).await;
        assert!((0..10).all(|number| !story.bot.ran_of(&format!("{number}")).is_empty()));
        assert_eq!(story.bot.running().1, 1);
    }
}

#[rstest::rstest]
#[case::long_before_the_second(100)]
#[case::as_calls_are_made_ready(610)]
#[case::when_they_are_ready(800)]
#[case::just_before_the_second(999)]
#[tokio::test(start_paused = true)]
async fn no_call_is_for_an_instant_that_a_step_left_behind_and_none_runs_twice(#[case] at_millis: u64) {
    let jobs = || {
        let every =
            |length: i64| job(&format!("every-{length}"), &[length], Act::Nothing).start_at(Second(0));
        [1, 10, 60, HOUR].map(every).into()
    };
    // The next second is one in which all of them are due.
    let story = Story::begin(2 * HOUR - 1, Bot::new(jobs), |engine| engine);
    story.pass_for(millis(at_millis)).await;
    story.clock.step(24 * HOUR);
    story.pass(62).await;
    for length in [1, 10, 60, HOUR] {
        let ran = story.bot.ran_of(&format!("every-{length}"));
        assert!(!ran.is_empty(), "every {length} s");
        assert!(ran.iter().all(|ran| ran.scheduled_at >= 25 * HOUR), "{ran:?}");
        let mut instants: Vec<_> = ran.iter().map(|ran| ran.scheduled_at).collect();
        instants.dedup();
        assert_eq!(instants.len(), ran.len(), "{ran:?}");
    }
}
