//! A framework for polling bots: jobs on aligned intervals, an engine that runs them on time, and a client for the
//! monitoring system [Grafolean](https://grafolean.com).
//!
//! A bot says which jobs there are and what one of them does. The engine asks for the jobs again and again, runs each at
//! `start + k x interval`, and sees to it that no job waits for another: hundreds of thousands of them fit into one small
//! process. It grew out of the Python package `grafoleancollector`, whose words and meanings it keeps, and serves every
//! protocol that is polled: SNMP, ping, `NetFlow`, or one of your own.
//!
//! # A bot
//!
#![cfg_attr(feature = "grafolean", doc = "```no_run")]
#![cfg_attr(not(feature = "grafolean"), doc = "```ignore")]
//! use lastgood_collector::grafolean::{Client, Outbox};
//! use lastgood_collector::{Call, Collector, Failure, Job, Jobs, Outcome, Sample};
//! struct MyProtocolBot(Client, Outbox);
//! impl Collector for MyProtocolBot {
//!     type Spec = (i64, String); // what a job needs to know: the account and the path of its value
//!     async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
//!         let mut entities = self.0.fetch_job_configs("myprotocol").await?;
//!         while let Some(entity) = entities.next_or_keep(jobs).await {
//!             for sensor in &entity.sensors {
//!                 let path = format!("entity.{}.sensor.{}", entity.entity_id, sensor.sensor_id);
//!                 let id = format!("{}/{path}", entity.account_id); // permanent
//!                 let job = Job::new(id, sensor.interval, (entity.account_id, path));
//!                 jobs.push(job.scope(entity.account_id)).await;
//!             }
//!         }
//!         Ok(())
//!     }
//!     async fn perform(&self, call: &Call<Self>) -> Outcome {
//!         Ok(vec![Sample::new(&call.spec().1, 42.0)]) // ask the device
//!     }
//!     async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
//!         Ok(self.1.send_results(call.spec().0, call.scheduled_at(), samples).await?)
//!     }
//! }
//! ```
//!
//! Then `run(bot, Duration::from_secs(60), shutdown_signal()).await` runs it until it is asked to stop. [`Engine`] has
//! what else can be set. Whole programs stand in `examples/`: `myprotocol_bot` is this one, `ping_bot` connects to
//! thousands of hosts, `load_bot` measures the engine. Without the feature `grafolean` (on by default) the crate has
//! neither HTTP nor TLS: bots for other places write [`Collector::publish`] themselves.
//!
//! # What it guarantees
//!
//! | | |
//! | --- | --- |
//! | On time | Every interval fires at `start + k x interval`, in whole seconds of UTC. Intervals of a job that coincide are one call, told which of them caused it ([`Call::affecting`]). |
//! | Spread | Without a start given, the phase follows from the job's id: even over the interval, the same after a restart, on every machine. |
//! | Once | A job never runs twice at once. What falls due meanwhile becomes one more call, which knows how many firings it stands for ([`Call::missed_count`]). Nothing vanishes unseen. |
//! | Fair | Whoever falls due first starts first. A full pool or [group](Job::group) lets jobs wait, never starve. |
//! | Bounded | A run has a deadline, a listing has one, the pool has a limit, every queue has an end. |
//! | Left alone | A job that did not change goes on as if there had been no refresh. Parameters, intervals, start, function, deadline or group: what changed takes effect; a run under way finishes with what it was given. |
//! | Contained | A job that fails, hangs, panics or has an impossible interval costs itself. An account that cannot be listed keeps its old jobs. A listing that fails removes nothing. |
//! | Steady | A clock set by hours, back or forth, or a machine that slept, causes neither a storm nor a silence: what was missed is caught up with once, spread over a minute. |
//! | Seen | Lateness, runs, failures by kind, what waits, what was missed: [`Metrics`]. A span `run` for every call. [`Health`], also as a file for a container. |
//! | Kept | With an [outbox](grafolean::Outbox) on disk, numbers outlive a backend that is away and the end of the process. They go out in order, with the time they were scheduled for, so that sending one twice changes nothing. |
//! | Discreet | The token of a bot and the parameters of its jobs stand in no log, no error and no `Debug`. |
//!
//! # From grafoleancollector
//!
//! | there | here |
//! | --- | --- |
//! | `class Bot(Collector)` | `impl Collector for Bot` |
//! | `Collector(backend_url, bot_token, jobs_refresh_interval)` | [`grafolean::Client::new`], [`grafolean::Token`]; the interval goes to [`run`] |
//! | `execute()` | [`run`] with [`shutdown_signal`] |
//! | `jobs()`, a generator | [`Collector::jobs`], which pushes into [`Jobs`]; jobs start while it goes on |
//! | `yield job_id, intervals, func, data` | [`Job::new`]; [`Job::performed_by`] where one function for all is not enough |
//! | a fifth element `start_ts` | [`Job::start_at`]; it aligns, and one that lies ahead does too |
//! | no `start_ts` | [`Phase::FromId`]; the original's is [`Phase::AtCreation`] |
//! | `perform_job(affecting_intervals, **data)` | [`Collector::perform`] with a [`Call`]: [`Call::affecting`], [`Call::spec`], also [`Call::scheduled_at`] |
//! | `fetch_job_configs(protocol)` | [`grafolean::Client::fetch_job_configs`], with the same fields; `interval` may be `None` here too |
//! | `send_results_to_grafolean(url, token, account, values)` | [`grafolean::Outbox::send_results`]; once and without a spool [`grafolean::Client::send_results`] |
//! | ten processes | tasks on the threads of tokio; [`Engine::running_max`] |
//! | `max_instances` 100 | one; [`Job::group`] limits several jobs together |
//! | `misfire_grace_time` 1 s | none: late is better than never, and [`Call::missed_count`] tells |
//! | `/tmp/fail_health_check` | [`Engine::fail_file`], at a path of your choice |
//! | "Error refreshing jobs." | a log line with the reason, [`Metrics::refresh_failed`], [`Health::check`] |
//!
//! # What it deliberately does not do
//!
//! - It keeps no history and no state of jobs: after a restart it lists them again, and ids give them their old phase.
//! - It runs nothing in processes of its own, and nobody can end a job that blocks its thread: no deadline does. After 5 s
//!   it is told ([`Illness::Blocked`]), and the others go on with the threads that are left; once every thread is blocked,
//!   nothing goes on, signals included. Put what blocks into `tokio::task::spawn_blocking`.
//! - It knows no calendars, no time zones and no times of day: an interval is a number of seconds of UTC.
//! - It spreads nothing over several machines. Ids that are shared out give every machine its part.
//! - It does not retry a run before its next firing. What must arrive is the business of [`Collector::publish`].
//! - It does not listen: data that is pushed needs no framework.

mod clock;
mod failure;
mod interval;
mod sample;
mod collector;
mod job;
mod backoff;
mod table;
mod metrics;
mod health;
mod engine;
mod signal;
#[cfg(feature = "grafolean")]
pub mod grafolean;

pub use self::backoff::Backoff;
pub use self::clock::{Clock, Reading, Second, SystemClock, TestClock, Wait};
pub use self::collector::{Collector, Jobs};
pub use self::engine::{Engine, Stopped, run};
pub use self::failure::{Failure, FailureKind};
pub use self::health::{Health, Illness};
pub use self::interval::{Interval, IntervalError, Intervals};
pub use self::job::{Call, Job, Outcome, Perform, Phase};
pub use self::metrics::Metrics;
pub use self::sample::Sample;
pub use self::signal::shutdown_signal;
