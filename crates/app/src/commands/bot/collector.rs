//! Which entities does the bot look at, when, and where do their numbers go?
//!
//! The collector of the bot: it brings Grafolean's configuration, the looks and the outbox together. How an entity is
//! looked at stands in `entity.rs`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lastgood_collector::grafolean::{Client, JobConfigs, Outbox};
use lastgood_collector::{Call, Collector, Failure, FailureKind, Job, Jobs, Outcome, Sample};

use super::entity::Entity;
use super::judge::Judge;
use super::said::{Matter, Said};

/// How many looks at one server may be under way at once.
const LOOKS_PER_SERVER: u32 = 2;

/// How long the numbers of a look may take to reach the outbox, which may wait for a disk.
const PUBLISHING: Duration = Duration::from_secs(30);

/// What the bot itself is called where something is said.
const BOT: &str = "bot";

/// What the bot works with.
pub(super) struct Bot {
    pub(super) client: Client,
    pub(super) outbox: Outbox,
    pub(super) judge: Judge,
    pub(super) protocol: String,
    pub(super) said: Said,
    /// Whether the backend did not give the configuration when it was last asked.
    pub(super) has_failed: AtomicBool,
}

impl Collector for Bot {
    type Spec = Entity;

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        let mut configs = self.fetch().await?;
        let mut listed = HashSet::new();
        let mut kept_accounts = 0;
        while let Some(next) = configs.next().await {
            match next {
                Ok(config) => {
                    let entity = Entity::new(config);
                    listed.insert(Box::from(entity.id()));
                    self.offer(entity, jobs).await;
                }
                Err(failed) => {
                    kept_accounts += 1;
                    jobs.keep(failed.account_id, &failed.error).await;
                }
            }
        }
        tracing::debug!(entities = listed.len(), kept_accounts, "listed");
        let protocol = &self.protocol;
        let nothing = (listed.is_empty() && kept_accounts == 0).then(|| {
            format!("there is nothing to look at: no device with the protocol `{protocol}`, a credential and a sensor")
        });
        self.said.say(BOT, Matter::Entities, nothing.as_deref());
        if kept_accounts == 0 {
            listed.insert(Box::from(BOT));
            self.said.keep(&listed);
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        let at = Timestamp::from_second(call.scheduled_at().0).map_err(|error| {
            Failure::new(FailureKind::Unsupported, format!("no such instant can be published: {error}"))
        })?;
        tracing::debug!(job = call.id(), %at, missed = call.missed_count(), "looking");
        let looked = call.spec().look(at, None, &self.judge, &self.said).await;
        tracing::info!(job = call.id(), values = looked.samples.len(), "looked");
        Ok(looked.samples)
    }

    async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
        let sent = self.outbox.send_results(call.spec().account_id(), call.scheduled_at(), samples).await;
        // Said and gone on with: a pause would keep the next numbers back as well.
        let refused = sent.err().map(|refused| refused.to_string());
        self.said.say_once(call.id(), Matter::Refused, "values", refused.as_deref());
        Ok(())
    }
}

impl Bot {
    async fn offer(&self, entity: Entity, jobs: &mut Jobs<Self>) {
        let (intervals, refused) = entity.intervals();
        self.said.say(entity.id(), Matter::Intervals, refused.as_deref());
        if intervals.is_empty() {
            return;
        }
        let (id, scope) = (entity.id().to_owned(), entity.account_id());
        let (group, deadline) = (entity.group(), entity.deadline() + PUBLISHING);
        let job = Job::new(id, intervals, entity);
        jobs.push(job.scope(scope).group(group, LOOKS_PER_SERVER).deadline(deadline)).await;
    }

    /// Asks for the configuration. The engine says each failure and asks again soon; that it is over is said here.
    async fn fetch(&self) -> Result<JobConfigs, Failure> {
        let fetched = self.client.fetch_job_configs(&self.protocol).await;
        let has_failed_before = self.has_failed.swap(fetched.is_err(), Ordering::Relaxed);
        if has_failed_before && fetched.is_ok() {
            tracing::warn!("the backend answers");
        }
        Ok(fetched?)
    }
}
