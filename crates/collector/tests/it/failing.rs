//! What becomes of jobs that fail, hang or panic, and of the others?

use lastgood_collector::{
    Backoff, Call, Collector, Engine, Failure, FailureKind, Job, Jobs, Outcome, Second, TestClock,
};

use crate::support::{Act, Bot, Story, job, millis, seconds};

#[tokio::test(start_paused = true)]
async fn a_run_ends_at_its_deadline() {
    let story = Story::begin(
        1000,
        Bot::new(|| {
            vec![
                job("own", &[60], Act::Hang).deadline(millis(1500)),
                job("usual", &[60], Act::HangInPublish),
                job("quick", &[60], Act::Sleep(millis(2900))),
            ]
        }),
        |engine| engine.deadline(seconds(3)),
    );
    story.pass_for(millis(20_100)).await;
    assert_eq!(story.metrics.running(), 3);
    story.pass_for(millis(1600)).await;
    assert_eq!((story.metrics.running(), story.metrics.failed(FailureKind::TimedOut)), (2, 1));
    story.pass_for(millis(1600)).await;
    assert_eq!((story.metrics.running(), story.metrics.failed(FailureKind::TimedOut)), (0, 2));
    assert_eq!(story.metrics.succeeded(), 1);
    assert_eq!(story.bot.running().0, 0, "what hangs is dropped");
}

#[tokio::test(start_paused = true)]
async fn jobs_that_all_hang_until_their_deadline_starve_nobody_and_leave_nothing() {
    let jobs = || {
        let hanging = |number| job(&format!("hangs-{number}"), &[10], Act::Hang).deadline(seconds(4));
        let mut jobs: Vec<_> = (0..200).map(hanging).collect();
        jobs.push(job("well", &[10], Act::Nothing));
        jobs
    };
    let story = Story::begin(1001, Bot::new(jobs), |engine| engine.running_max(10).backoff(Backoff::NONE));
    story.pass(600).await;
    // 200 of 4 s each on 10 places: everyone's turn comes every 80 s.
    for number in 0..200 {
        let count = story.bot.ran_of(&format!("hangs-{number}")).len();
        assert!((7..=8).contains(&count), "job {number} had {count} turns");
    }
    let well = story.bot.ran_of("well");
    assert!(well.len() >= 7, "{well:?}");
    let accounted: u64 = well.iter().map(|ran| 1 + ran.missed_count).sum();
    assert!((50..=60).contains(&accounted), "{accounted} of 60 firings are run or known to be missed");
    assert_eq!(story.bot.running(), (10, 10));
    assert_eq!(story.metrics.running(), 10);
    // When they are removed, nothing of them stays.
    story.bot.now_has(|| vec![job("well", &[10], Act::Nothing)]);
    story.refresh().await;
    story.pass(5).await;
    assert_eq!((story.bot.running().0, story.metrics.jobs(), story.metrics.waiting()), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_every_time_is_a_failed_job() {
    let acts = [
        Act::Panic,
        Act::PanicAfter(millis(10)),
        Act::PanicInDrop,
        Act::PanicInPublish,
        Act::HangAndPanicInDrop,
    ];
    let jobs = move || {
        let mut jobs: Vec<_> =
            acts.iter().map(|act| job(&format!("{act:?}"), &[1], *act).deadline(millis(300))).collect();
        jobs.push(job("well", &[1], Act::Nothing));
        jobs
    };
    let story = Story::begin(1000, Bot::new(jobs), |engine| engine.backoff(Backoff::NONE));
    story.pass_for(millis(20_500)).await;
    for act in acts {
        assert_eq!(story.bot.ran_of(&format!("{act:?}")).len(), 20, "{act:?}");
    }
    assert_eq!(story.bot.ran_of("well").len(), 20);
    assert_eq!(story.metrics.failed(FailureKind::Panicked), 4 * 20);
    assert_eq!(story.metrics.failed(FailureKind::TimedOut), 20);
    assert_eq!((story.metrics.succeeded(), story.metrics.running()), (20, 0));
    assert!(story.health.check().is_ok());
    assert_eq!(story.bot.running().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_is_left_alone_by_the_kind_of_its_failure() {
    use FailureKind::{Denied, Unreachable};
    let story = Story::of(|| {
        vec![
            job("gone", &[1], Act::Fail(Unreachable)),
            job("denied", &[1], Act::Fail(Denied)),
            job("asks", &[1], Act::FailAndAsk(FailureKind::RateLimited, seconds(100))),
            job("in publish", &[1], Act::FailInPublish(Unreachable)),
            job("seldom", &[100], Act::Fail(Denied)),
        ]
    });
    story.pass_for(millis(200_500)).await;
    assert_eq!(story.firings("gone"), [1001, 1002, 1004, 1008, 1016, 1032, 1064, 1128]);
    assert_eq!(story.firings("in publish"), story.firings("gone"));
    assert_eq!(story.firings("denied"), [1001, 1061, 1181]);
    assert_eq!(story.firings("asks"), [1001, 1101]);
    assert_eq!(story.firings("seldom"), [1100, 1200], "its interval is longer than its pause");
    let missed: Vec<_> = story.bot.ran_of("gone").iter().map(|ran| ran.missed_count).collect();
    assert_eq!(missed, [0, 0, 1, 3, 7, 15, 31, 63]);
    assert_eq!(story.metrics.failed(Denied), 3 + 2);
    // When it changes, it gets a new chance at once.
    story.bot.now_has(|| vec![job("denied", &[1], Act::Nothing)]);
    story.refresh().await;
    story.pass(2).await;
    assert_eq!(story.firings("denied").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_the_pauses_of_jobs_that_fail_together() {
    let jobs = || {
        (0..100).map(|number| job(&format!("{number}"), &[1], Act::Fail(FailureKind::Unreachable))).collect()
    };
    let backoff = Backoff { base: seconds(100), jitter: 0.5, ..Backoff::default() };
    let story = Story::begin(1000, Bot::new(jobs), |engine| engine.backoff(backoff));
    story.pass_for(millis(152_500)).await;
    let mut second_tries: Vec<_> =
        (0..100).map(|number| story.firings(&format!("{number}"))[1] - 1001).collect();
    second_tries.sort_unstable();
    assert!(second_tries[0] >= 50 && second_tries[99] <= 151, "{second_tries:?}");
    second_tries.dedup();
    assert!(second_tries.len() > 40, "{second_tries:?}");
}

#[tokio::test(start_paused = true)]
async fn numbers_that_nobody_publishes_are_a_failure() {
    struct Mute;
    impl lastgood_collector::Collector for Mute {
        type Spec = bool;
        async fn jobs(
            &self,
            jobs: &mut lastgood_collector::Jobs<Self>,
        ) -> Result<(), lastgood_collector::Failure> {
            jobs.push(lastgood_collector::Job::new("silent", [1], false)).await;
            jobs.push(lastgood_collector::Job::new("talks", [1], true)).await;
            Ok(())
        }
        async fn perform(&self, call: &lastgood_collector::Call<Self>) -> lastgood_collector::Outcome {
            Ok(call.spec().then(|| lastgood_collector::Sample::new("a", 1.0)).into_iter().collect())
        }
    }
    let story = Story::begin(1000, Mute, |engine| engine);
    story.pass_for(millis(1500)).await;
    assert_eq!((story.metrics.succeeded(), story.metrics.failed(FailureKind::Unsupported)), (1, 1));
}

/// Parameters that cannot be compared.
struct Incomparable;

impl PartialEq for Incomparable {
    fn eq(&self, _: &Self) -> bool {
        panic!("these cannot be compared")
    }
}

struct ComparingBot;

impl Collector for ComparingBot {
    type Spec = Option<Incomparable>;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        jobs.push(Job::new("incomparable", [1], Some(Incomparable))).await;
        jobs.push(Job::new("good", [1], None)).await;
        Ok(())
    }

    async fn perform(&self, _: &Call<Self>) -> Outcome {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_that_panic_when_they_are_compared_cost_that_job_alone() {
    let engine = Engine::new(ComparingBot).refresh_every(seconds(5)).clock(TestClock::at(Second(1000)));
    let metrics = engine.metrics();
    engine.run(tokio::time::sleep(millis(20_500))).await;
    assert!(metrics.refreshed() >= 4 && metrics.refused() >= 3, "{metrics:?}");
    assert!(metrics.succeeded() >= 20, "{metrics:?}");
}
