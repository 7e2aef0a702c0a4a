//! Do jobs fire when they should, once, and told why?

use lastgood_collector::{FailureKind, Job, Phase, Second};

use crate::support::{Act, Bot, Spec, Story, job, millis, seconds};

const SPEC: Spec = Spec { act: Act::Nothing, version: 0 };

#[tokio::test(start_paused = true)]
async fn jobs_fire_on_whole_seconds_aligned_to_their_start() {
    let story = Story::of(|| {
        vec![
            job("epoch", &[60], Act::Nothing),
            job("seven", &[60], Act::Nothing).start_at(Second(7)),
            job("before", &[60], Act::Nothing).start_at(Second(-1)),
            job("ahead", &[60], Act::Nothing).start_at(Second(1_000_000_000)),
        ]
    });
    story.pass(130).await;
    assert_eq!(story.firings("epoch"), [1020, 1080]);
    assert_eq!(story.firings("seven"), [1027, 1087]);
    assert_eq!(story.firings("before"), [1019, 1079]);
    assert_eq!(story.firings("ahead"), [1060, 1120]);
    for ran in story.bot.ran() {
        let fired = seconds(u64::try_from(ran.scheduled_at - 1000).unwrap());
        let late = ran.began.checked_sub(fired).expect("none begins early");
        assert!(late < millis(5), "{ran:?} began {late:?} late");
    }
}

#[tokio::test(start_paused = true)]
async fn intervals_that_meet_are_one_call_that_is_told_all_of_them() {
    let story = Story::of(|| vec![job("many", &[6, 2, 3, 2], Act::Nothing).start_at(Second(1002))]);
    story.pass_for(millis(12_500)).await;
    let told: Vec<_> =
        story.bot.ran_of("many").into_iter().map(|ran| (ran.scheduled_at - 1002, ran.affecting)).collect();
    let expected: [(i64, &[u32]); 8] =
        [(0, &[2, 3, 6]), (2, &[2]), (3, &[3]), (4, &[2]), (6, &[2, 3, 6]), (8, &[2]), (9, &[3]), (10, &[2])];
    assert_eq!(told, expected.map(|(at, affecting)| (at, affecting.to_vec())));
    assert!(story.bot.ran().iter().all(|ran| ran.missed_count == 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_at_creation_runs_one_interval_after_it_was_first_seen() {
    let story = Story::of(|| vec![job("new", &[7], Act::Nothing).phase(Phase::AtCreation)]);
    story.pass(22).await;
    assert_eq!(story.firings("new"), [1007, 1014, 1021]);
    // One that joins later has its own.
    story
        .bot
        .now_has(|| ["new", "later"].map(|id| job(id, &[7], Act::Nothing).phase(Phase::AtCreation)).into());
    story.refresh().await;
    story.pass(14).await;
    assert_eq!(story.firings("later"), [1029, 1036]);
    assert_eq!(story.firings("new").last(), Some(&1035));
}

/// Jobs whose phase follows from their id, and how many fired in each second of their interval.
async fn spread_over(second: i64, interval: i64, count: usize) -> (Vec<usize>, Vec<(String, i64)>) {
    let jobs = move || (0..count).map(|number| Job::new(format!("job-{number}"), [interval], SPEC)).collect();
    let story = Story::begin(second, Bot::new(jobs), |engine| engine.running_max(count));
    story.pass_for(millis(500)).await;
    story.pass(u64::try_from(interval).unwrap()).await;
    let mut per_second = vec![0; usize::try_from(interval).unwrap()];
    let mut phases = Vec::new();
    for ran in story.bot.ran() {
        let phase = ran.scheduled_at.rem_euclid(interval);
        per_second[usize::try_from(phase).unwrap()] += 1;
        phases.push((ran.id, phase));
    }
    phases.sort();
    (per_second, phases)
}

#[tokio::test(start_paused = true)]
async fn phases_from_ids_are_spread_evenly_and_the_same_after_a_restart() {
    let (per_second, phases) = spread_over(1000, 60, 6000).await;
    assert_eq!(phases.len(), 6000, "each fires once in an interval");
    // 100 are meant to fire in every second; with chance alone, 50 to 150 is five standard deviations.
    assert!(per_second.iter().all(|count| (50..=150).contains(count)), "{per_second:?}");
    let (_, later) = spread_over(987_654_321, 60, 6000).await;
    assert_eq!(phases, later);
}

#[tokio::test(start_paused = true)]
async fn phases_from_ids_are_those_of_every_version() {
    let story = Story::of(|| vec![Job::new("entity.17.sensor.4", [10_000], SPEC)]);
    story.pass(10_001).await;
    assert_eq!(story.firings("entity.17.sensor.4"), [PHASE_OF_THE_SAMPLE]);
}

/// `SipHash` 1-3 of the id without a key, the upper half of it: 2 263 963 924.
const PHASE_OF_THE_SAMPLE: i64 = 3924;

#[tokio::test(start_paused = true)]
async fn firings_missed_by_a_long_run_become_one_call_that_knows_how_many() {
    let story = Story::of(|| vec![job("slow", &[2, 3], Act::Sleep(millis(7400)))]);
    story.pass(18).await;
    let calls: Vec<_> = story
        .bot
        .ran_of("slow")
        .into_iter()
        .map(|ran| (ran.scheduled_at, ran.affecting, ran.missed_count, ran.began))
        .collect();
    // 1002; then 1004, 1005, 1006 and 1008 until 1009.4; then 1010, 1011, 1012, 1014 and 1016 until 1016.8.
    assert_eq!(calls[0].0, 1002);
    assert_eq!((calls[1].0, calls[1].1.clone(), calls[1].2), (1008, vec![2, 3], 3));
    assert_eq!((calls[2].0, calls[2].1.clone(), calls[2].2), (1016, vec![2, 3], 4));
    assert!(calls[1].3.abs_diff(millis(9400)) < millis(10), "it begins when the one before ends");
    assert_eq!(calls.len(), 3);
    assert_eq!(story.metrics.missed(), 3 + 4);
    story.bot.running();
}

#[tokio::test(start_paused = true)]
async fn a_job_may_name_its_own_perform_function() {
    fn own<'a>(
        bot: &'a Bot,
        call: &'a lastgood_collector::Call<Bot>,
    ) -> std::pin::Pin<Box<dyn Future<Output = lastgood_collector::Outcome> + Send + 'a>> {
        Box::pin(async move {
            bot.published.lock().unwrap().push(lastgood_collector::Sample::new(call.id(), 42.0));
            Ok(Vec::new())
        })
    }
    let story =
        Story::of(|| vec![job("own", &[1], Act::Panic).performed_by(own), job("usual", &[1], Act::Publish)]);
    story.pass_for(millis(1500)).await;
    let mut published: Vec<_> = story
        .bot
        .published
        .lock()
        .unwrap()
        .iter()
        .map(|sample| (sample.path.clone(), sample.value))
        .collect();
    published.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(published, [(String::from("own"), 42.0), (String::from("usual"), 1.0)]);
    assert_eq!(story.metrics.failed(FailureKind::Panicked), 0);
    // It is part of the job: another one changes it.
    story.bot.now_has(|| vec![job("own", &[1], Act::Publish)]);
    story.refresh().await;
    story.pass(1).await;
    assert_eq!(story.bot.ran_of("own").len(), 1, "it is performed by the collector now");
}
