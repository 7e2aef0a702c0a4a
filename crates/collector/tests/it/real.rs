//! What needs real time: files that a thread keeps, threads that are blocked, several threads at once.
//!
//! Every wait ends when what is waited for is there; its limit is far beyond what a machine that stalls needs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lastgood_collector::{Call, Collector, Engine, Failure, FailureKind, Illness, Job, Jobs, Outcome};

use crate::support::{Act, Bot, Listing, job, millis, seconds};

/// Waits until something is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(millis(20)).await;
        }
    };
    tokio::time::timeout(seconds(120), wait).await.unwrap_or_else(|_| panic!("it never came to be: {what}"));
}

fn ill() -> Bot {
    let bot = Bot::new(|| vec![job("a", &[1], Act::Nothing)]);
    bot.lists(Listing::FailAfter(0, FailureKind::Unreachable));
    bot
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test]
async fn the_file_for_the_health_check_is_there_while_the_engine_is_ill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unhealthy");
    let engine = Engine::new(ill()).refresh_every(millis(1)).fail_file(&path);
    let bot = engine.collector().clone();
    let running = tokio::spawn(engine.run(std::future::pending()));
    until("the file", || text(&path).ends_with('\n')).await;
    assert!(text(&path).starts_with("the jobs could not be listed for "), "{}", text(&path));
    assert!(text(&path).ends_with(": as the story wants it\n"), "{}", text(&path));
    bot.lists(Listing::Whole);
    until("that the file goes", || !path.exists()).await;
    running.abort();
}

#[tokio::test]
async fn a_file_left_by_an_earlier_engine_goes_when_this_one_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unhealthy");
    std::fs::write(&path, "broken process pool").unwrap();
    let engine = Engine::new(Bot::new(Vec::new)).fail_file(&path);
    let running = tokio::spawn(engine.run(std::future::pending()));
    until("that the file goes", || !path.exists()).await;
    running.abort();
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_planted_at_the_path_of_the_file_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("unhealthy"), folder.path().join("victim"));
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    let engine = Engine::new(ill()).refresh_every(millis(1)).fail_file(&path);
    let bot = engine.collector().clone();
    let running = tokio::spawn(engine.run(std::future::pending()));
    until("the file", || path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())).await;
    bot.lists(Listing::Whole);
    until("that the file goes", || path.symlink_metadata().is_err()).await;
    assert_eq!(text(&victim), "precious");
    running.abort();
}

#[tokio::test]
async fn a_path_that_cannot_be_written_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(ill()).refresh_every(millis(1)).fail_file(folder.path());
    let bot = engine.collector().clone();
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(engine.run(async {
        let _ = stopping.await;
    }));
    until("some listings", || bot.listings.load(Ordering::Relaxed) > 2).await;
    stop.send(()).unwrap();
    assert_eq!(running.await.unwrap().aborted_count, 0);
    assert!(folder.path().is_dir());
}

#[test]
fn hanging_work_on_all_threads_for_blocking_work_does_not_stop_the_clock() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (release, hanging) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        tokio::task::spawn_blocking(move || hanging.recv());
        let engine = Engine::new(Bot::new(|| vec![job("a", &[1], Act::Nothing)]));
        let bot = engine.collector().clone();
        let running = tokio::spawn(engine.run(std::future::pending()));
        until("three runs", || bot.count() >= 3).await;
        running.abort();
    });
    drop(release);
    runtime.shutdown_timeout(seconds(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_no_job_runs_twice_at_once_and_none_is_lost() {
    let jobs = || {
        let act = |number| match number % 4 {
            0 => Act::Sleep(millis(1)),
            1 => Act::Panic,
            2 => Act::Sleep(millis(1500)),
            _ => Act::Nothing,
        };
        (0..400).map(|number| job(&format!("{number}"), &[1], act(number)).group(number % 7, 10)).collect()
    };
    let engine = Engine::new(Bot::new(jobs)).refresh_every(millis(1)).running_max(50);
    let (bot, metrics) = (engine.collector().clone(), engine.metrics());
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(engine.run(async {
        let _ = stopping.await;
    }));
    until("a run of each", || (0..400).all(|number| !bot.ran_of(&number.to_string()).is_empty())).await;
    assert_eq!((metrics.jobs(), metrics.refused()), (400, 0));
    stop.send(()).unwrap();
    running.await.unwrap();
    let (left, most) = bot.running();
    assert_eq!(left, 0);
    assert!(most <= 50, "{most} ran at once");
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_does_not_wake_is_ill() {
    let engine = Engine::new(Bot::new(Vec::new));
    let health = engine.health();
    // Polled once, and then held up as by a thread that is blocked.
    let mut held_up = Box::pin(engine.run(std::future::pending()));
    let polled = std::future::poll_fn(|context| std::task::Poll::Ready(held_up.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    tokio::time::sleep(seconds(30)).await;
    assert_eq!(health.check(), Ok(()));
    tokio::time::sleep(seconds(1)).await;
    let Err(Illness::Silent(silent)) = health.check() else { panic!("it is ill") };
    assert!(silent > seconds(30) && silent < seconds(32));
    let words = health.check().unwrap_err().to_string();
    assert!(words.starts_with("the scheduler has not woken for 3"), "{words}");
}

/// Its listing waits without `await`, so that nothing breaks it off.
struct Stubborn(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl lastgood_collector::Collector for Stubborn {
    type Spec = ();

    async fn jobs(&self, _: &mut lastgood_collector::Jobs<Self>) -> Result<(), lastgood_collector::Failure> {
        let released = self.0.lock().unwrap();
        assert!(released.recv().is_err());
        Ok(())
    }

    async fn perform(&self, _: &lastgood_collector::Call<Self>) -> lastgood_collector::Outcome {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listing_that_blocks_its_thread_for_ever_is_an_illness() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let engine = Engine::new(Stubborn(std::sync::Mutex::new(blocked)))
        .refresh_deadline(millis(10))
        .refresh_every(millis(1));
    let health = engine.health();
    let running = tokio::spawn(engine.run(std::future::pending()));
    until("the illness", || {
        matches!(health.check(), Err(Illness::Unlisted { why, .. }) if why == "the last listing does not end")
    })
    .await;
    running.abort();
    drop(release);
}

#[cfg(unix)]
#[tokio::test]
async fn a_bot_that_is_asked_by_a_signal_lets_its_runs_finish() {
    for signal in ["TERM", "INT", "HUP"] {
        let engine = Engine::new(Bot::new(|| vec![job("a", &[1], Act::Sleep(millis(300)))]));
        let bot = engine.collector().clone();
        let (under_way, runs) = tokio::sync::oneshot::channel::<()>();
        let mut asked = Box::pin(lastgood_collector::shutdown_signal());
        // Asked once, it listens: a signal before that would end these tests.
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(asked.as_mut().poll(context))).await;
        assert!(polled.is_pending());
        let running = tokio::spawn(engine.run(async move {
            asked.await;
            drop(under_way);
        }));
        until("a run", || bot.running().0 == 1).await;
        let kill = format!("kill -{signal} {}", std::process::id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let stopped = tokio::time::timeout(seconds(120), running).await.unwrap().unwrap();
        assert_eq!((stopped.aborted_count, bot.running().0), (0, 0), "{signal}");
        assert!(runs.await.is_err(), "it was the signal");
    }
}

/// A bot of which one job blocks its thread until it is released.
struct BlockingBot {
    released: AtomicBool,
    counts: [AtomicU64; 100],
}

impl Collector for BlockingBot {
    type Spec = usize;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        for number in 0..self.counts.len() {
            jobs.push(Job::new(format!("{number}"), [1], number)).await;
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        while *call.spec() == 50 && !self.released.load(Ordering::SeqCst) {
            std::thread::sleep(millis(10));
        }
        self.counts[*call.spec()].fetch_add(1, Ordering::SeqCst);
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_blocks_its_thread_is_told_and_takes_no_other_with_it() {
    let counts = std::array::from_fn(|_| AtomicU64::new(0));
    let engine = Engine::new(BlockingBot { released: AtomicBool::new(false), counts });
    let (bot, health) = (engine.collector().clone(), engine.health());
    let running = tokio::spawn(engine.run(std::future::pending()));
    until("it is told", || matches!(health.check(), Err(Illness::Blocked(job)) if job == "50")).await;
    let counts = || bot.counts.each_ref().map(|count| count.load(Ordering::SeqCst));
    let before = counts();
    let has_run = |number: usize| counts()[number] >= before[number] + 2;
    until("the others go on", || (0..100).all(|number| number == 50 || has_run(number))).await;
    assert_eq!(counts()[50], 0);
    bot.released.store(true, Ordering::SeqCst);
    until("it goes on too", || counts()[50] >= 3 && health.check().is_ok()).await;
    running.abort();
}
