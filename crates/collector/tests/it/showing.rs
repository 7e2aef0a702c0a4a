//! What can an operator see?

use std::sync::{Arc, Mutex};

use lastgood_collector::{Engine, FailureKind, Illness};
use prometheus::{Encoder, Registry, TextEncoder};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{Act, Bot, Listing, Story, job, millis, seconds};

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[tokio::test(start_paused = true)]
async fn metrics_say_what_there_is_and_was() {
    let jobs = || {
        vec![
            job("well", &[1], Act::Nothing),
            job("fails", &[1], Act::Fail(FailureKind::Refused)),
            job("long", &[1], Act::Sleep(seconds(100))).group("host", 1),
            job("waits", &[1], Act::Nothing).group("host", 1),
            job("bad", &[0], Act::Nothing),
        ]
    };
    let registry = Registry::new();
    let story = Story::begin(1000, Bot::new(jobs), |engine| {
        engine.metrics().register(&registry).unwrap();
        assert!(engine.metrics().register(&registry).is_err(), "each has its place once");
        engine
    });
    let page_before = page(&registry);
    for outcome in
        ["ok", "unreachable", "timed_out", "denied", "rate_limited", "malformed", "refused", "panicked"]
    {
        assert!(
            page_before.contains(&format!("collector_runs_total{{outcome=\"{outcome}\"}} 0\n")),
            "{outcome}"
        );
        assert!(page_before.contains(&format!("collector_refreshes_total{{outcome=\"{outcome}\"}} 0\n")));
    }
    assert!(page_before.contains("collector_last_refresh_timestamp_seconds 0\n"));
    assert_eq!(story.metrics.refreshed_at(), None);
    story.pass_for(millis(4500)).await;
    let page = page(&registry);
    let line = |wanted: &str| assert!(page.lines().any(|line| line == wanted), "no {wanted} in\n{page}");
    line("collector_jobs 4");
    line("collector_jobs_refused_total 1");
    line("collector_runs_running 1");
    line("collector_runs_waiting 1");
    line("collector_runs_total{outcome=\"refused\"} 3");
    line("collector_refreshes_total{outcome=\"ok\"} 1");
    line("collector_last_refresh_timestamp_seconds 1000");
    let missed = story.metrics.missed();
    // One firing of the one that fails; 1003 and 1004 of the one that is long, of which the last will be run; and of the
    // one that waits three.
    line(&format!("collector_firings_missed_total {missed}"));
    assert!((5..=6).contains(&missed), "{missed}");
    let late =
        page.lines().find(|line| line.starts_with("collector_run_lateness_seconds_bucket{le=\"0.01\"}"));
    let runs = story.bot.count();
    assert_eq!(late.and_then(|line| line.rsplit(' ').next()), Some(&*runs.to_string()), "all began in time");
}

#[tokio::test(start_paused = true)]
async fn lateness_is_measured_from_the_second_of_the_firing() {
    let jobs = || (0..2).map(|number| job(&format!("{number}"), &[60], Act::Sleep(millis(1500)))).collect();
    let registry = Registry::new();
    let story = Story::begin(1001, Bot::new(jobs), |engine| {
        engine.metrics().register(&registry).unwrap();
        engine.running_max(1)
    });
    story.pass(25).await;
    let page = page(&registry);
    assert!(page.contains("collector_run_lateness_seconds_bucket{le=\"1\"} 1\n"), "{page}");
    assert!(page.contains("collector_run_lateness_seconds_bucket{le=\"2.5\"} 2\n"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_jobs_cannot_be_listed_for_long_is_ill_and_gets_well() {
    let bot = Bot::new(|| vec![job("a", &[1], Act::Nothing)]);
    let story = Story::begin(1000, bot, |engine| engine);
    story.pass(1).await;
    story.bot.lists(Listing::FailAfter(0, FailureKind::Unreachable));
    story.pass(179).await;
    assert_eq!(story.health.check(), Ok(()));
    story.pass(2).await;
    let illness = story.health.check().unwrap_err();
    assert!(
        matches!(&illness, Illness::Unlisted { why, .. } if why == "as the story wants it"),
        "{illness:?}"
    );
    assert!(illness.to_string().starts_with("the jobs could not be listed for 18"), "{illness}");
    story.bot.lists(Listing::Whole);
    story.refresh().await;
    assert_eq!(story.health.check(), Ok(()));
    // The jobs went on meanwhile.
    assert!(story.bot.count() >= 180);
}

/// What is seen of spans and events, as text.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("lastgood_collector") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut words = Words(format!("span {}", span.metadata().name()));
        span.record(&mut words);
        self.0.lock().unwrap().push(words.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words(event.metadata().level().to_string());
        event.record(&mut words);
        self.0.lock().unwrap().push(words.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn runs_are_spans_and_what_goes_wrong_is_said() {
    let seen = Seen::default();
    let _guard = tracing::subscriber::set_default(seen.clone());
    // While there is only one subscriber, a span that another test meets first is asked of that test's thread, where none
    // is, and then never seen by any.
    let _other = tracing::Dispatch::new(Seen::default());
    let story = Story::of(|| {
        vec![job("entity.17", &[2], Act::Sleep(seconds(3))).scope("a"), job("bad", &[-5], Act::Nothing)]
    });
    story.pass_for(millis(9500)).await;
    story.bot.keeps(&["a"]);
    story.refresh().await;
    story.bot.lists(Listing::FailAfter(0, FailureKind::Unreachable));
    story.refresh().await;
    let seen = seen.0.lock().unwrap().join("\n");
    for words in [
        "span run job=\"entity.17\" scheduled_at=1002 missed=0",
        "span run job=\"entity.17\" scheduled_at=1004 missed=0",
        "span run job=\"entity.17\" scheduled_at=1008 missed=1",
        "WARN message=job refused: an interval of -5 s cannot be scheduled; it must be from 1 to 4294967295 s job=\"bad\"",
        "WARN message=jobs could not be listed, old ones stay: as the story wants it scope=\"a\"",
        "ERROR message=refresh failed, the old jobs stay: as the story wants it kind=\"unreachable\" jobs=1",
    ] {
        assert!(seen.contains(words), "no {words} in\n{seen}");
    }
}

#[test]
fn what_is_secret_in_parameters_is_never_printed() {
    let job = job("a", &[1], Act::Publish);
    assert_eq!(format!("{job:?}"), "Job { id: \"a\", intervals: Ok(Intervals([Interval(1)])), .. }");
    assert!(!format!("{:?}", Engine::new(Secretive)).contains("s3cret"));
}

#[derive(Debug)]
struct Secretive;

impl lastgood_collector::Collector for Secretive {
    type Spec = &'static str;
    async fn jobs(
        &self,
        jobs: &mut lastgood_collector::Jobs<Self>,
    ) -> Result<(), lastgood_collector::Failure> {
        assert_eq!(format!("{jobs:?}"), "Jobs");
        jobs.push(lastgood_collector::Job::new("a", [1], "s3cret")).await;
        Ok(())
    }
    async fn perform(&self, call: &lastgood_collector::Call<Self>) -> lastgood_collector::Outcome {
        assert!(!format!("{call:?}").contains("s3cret"));
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn calls_and_listings_print_no_parameters() {
    let story = Story::begin(1000, Secretive, |engine| engine);
    story.pass_for(millis(1500)).await;
    assert_eq!((story.metrics.succeeded(), story.metrics.refreshed()), (1, 1));
}
