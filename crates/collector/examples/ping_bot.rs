//! Does a host answer, and how fast? A bot for the protocol `ping` that opens a TCP connection.
//!
//! It connects to the host of an entity (`details.ipv4`) at the port of a sensor (`sensor_details.port`, 80 unless set) and
//! publishes, by the names Grafolean's own bot for ICMP has:
//!
//! - `entity.<entity_id>.ping.<port>.ok`: 1 if the connection was made, else 0. It is there after every run, so that a
//!   host that is away is seen: nobody there, a closed port, and no answer within `credential_details.timeout` seconds
//!   (2 unless set, 30 at most) are all 0.
//! - `entity.<entity_id>.ping.<port>.rtt`: how long that took, in seconds; only if it was made.
//!
//! Only where this machine itself cannot try (it is out of files or ports) the run fails instead. Sensors of an entity
//! with the same port are one job; one without a usable address, port or interval is logged at every listing and has
//! none.
//!
//! Reads `BACKEND_URL`, `BOT_TOKEN` or `BOT_TOKEN_FROM_FILE`, `JOBS_REFRESH_INTERVAL` in seconds, 60 unless set, and
//! `SPOOL`, a folder in which values wait for the backend, also across a restart.

mod environment;

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, JobConfig, Outbox, SensorConfig};
use lastgood_collector::{Call, Clock, Collector, Engine, Failure, Job, Jobs, Outcome, Sample, SystemClock};
use serde_json::Value as Json;
use tokio::net::TcpStream;

/// The port of a sensor that names none.
const PORT: u16 = 80;

/// How many seconds a host has to answer where its credential does not say, and at most.
const TIMEOUT_SECONDS: f64 = 2.0;
const TIMEOUT_SECONDS_MAX: f64 = 30.0;

/// How many connections are opened at once: each is an open file, of which a program commonly may have 1 024.
const RUNNING_MAX: usize = 800;

struct PingBot {
    client: Client,
    outbox: Outbox,
}

/// Where to connect.
#[derive(PartialEq)]
struct Target {
    account_id: i64,
    entity_id: i64,
    host: String,
    port: u16,
    timeout: Duration,
}

impl Collector for PingBot {
    type Spec = Target;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        let mut entities = self.client.fetch_job_configs("ping").await?;
        while let Some(entity) = entities.next_or_keep(jobs).await {
            for job in jobs_of(&entity) {
                jobs.push(job).await;
            }
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        let Target { entity_id, host, port, timeout, .. } = call.spec();
        let sample = |name, value| Sample::new(format!("entity.{entity_id}.ping.{port}.{name}"), value);
        let began = SystemClock.now();
        let connected = tokio::time::timeout(*timeout, TcpStream::connect((host.as_str(), *port))).await;
        let took = SystemClock.now().0.saturating_sub(began.0).max(0);
        match connected {
            Ok(Ok(_)) => {
                let rtt = Duration::from_micros(took.unsigned_abs()).as_secs_f64();
                Ok(vec![sample("ok", 1.0), sample("rtt", rtt)])
            }
            Ok(Err(error)) if is_our_own(&error) => {
                tracing::error!(entity_id, port, "this machine cannot connect to anybody: {error}");
                Err(error.into())
            }
            Ok(Err(_)) | Err(_) => Ok(vec![sample("ok", 0.0)]),
        }
    }

    async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
        Ok(self.outbox.send_results(call.spec().account_id, call.scheduled_at(), samples).await?)
    }
}

/// One job for every port of an entity. What is wrong with its sensors is said in one line.
fn jobs_of(entity: &JobConfig) -> Vec<Job<PingBot>> {
    let (account_id, entity_id) = (entity.account_id, entity.entity_id);
    let host = entity.details["ipv4"].as_str().map(str::trim).filter(|host| !host.is_empty());
    let Some(host) = host else {
        tracing::warn!(
            account_id,
            entity_id,
            "an entity has no address in details.ipv4; it cannot be polled"
        );
        return Vec::new();
    };
    let mut intervals: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for sensor in &entity.sensors {
        match (port_of(sensor), sensor.usable_interval()) {
            (Some(port), Some(interval)) => intervals.entry(port).or_default().push(interval),
            (None, _) => wrong.push(format!("sensor {}: sensor_details.port is no port", sensor.sensor_id)),
            (_, None) => wrong.push(match sensor.interval {
                Some(seconds) => format!("sensor {}: {seconds} s is no interval", sensor.sensor_id),
                None => format!("sensor {}: it has no interval", sensor.sensor_id),
            }),
        }
    }
    if !wrong.is_empty() {
        tracing::warn!(account_id, entity_id, "some sensors cannot be polled: {}", wrong.join("; "));
    }
    let timeout = timeout_of(&entity.credential_details);
    let job = |(port, intervals)| {
        let target = Target { account_id, entity_id, host: host.to_owned(), port, timeout };
        Job::new(format!("{account_id}/{entity_id}/{port}"), intervals, target).scope(account_id)
    };
    intervals.into_iter().map(job).collect()
}

/// `None` if what stands there is no port. People write numbers as text, too.
fn port_of(sensor: &SensorConfig) -> Option<u16> {
    let port = match &sensor.sensor_details["port"] {
        Json::Null => return Some(PORT),
        Json::String(text) => text.trim().parse().ok()?,
        other => u16::try_from(other.as_u64()?).ok()?,
    };
    Some(port).filter(|port| *port != 0)
}

fn timeout_of(credential_details: &Json) -> Duration {
    let seconds = match &credential_details["timeout"] {
        Json::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let seconds = seconds.filter(|seconds| *seconds > 0.0).unwrap_or(TIMEOUT_SECONDS);
    Duration::from_secs_f64(seconds.min(TIMEOUT_SECONDS_MAX))
}

/// Whether it says something of this machine and nothing of the host.
fn is_our_own(error: &io::Error) -> bool {
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    let is_out_of_files = error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code));
    is_out_of_files || matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory)
}

#[tokio::main]
async fn main() -> ExitCode {
    let bot = |client, outbox| Engine::new(PingBot { client, outbox }).running_max(RUNNING_MAX);
    environment::run(bot).await
}
