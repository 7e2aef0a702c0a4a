//! What is a whole bot? The example of grafoleancollector's README: every sensor is a job that gives one value.

mod environment;

use lastgood_collector::grafolean::{Client, JobConfig, Outbox, SensorConfig};
use lastgood_collector::{Call, Collector, Engine, Failure, Job, Jobs, Outcome, Sample};

struct MyProtocolBot(Client, Outbox);

impl Collector for MyProtocolBot {
    type Spec = (JobConfig, SensorConfig); // the parameters of a job: where they change, it is replaced

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        let mut entities = self.0.fetch_job_configs("myprotocol").await?;
        while let Some(entity) = entities.next_or_keep(jobs).await {
            for sensor in entity.sensors.clone() {
                let id = format!("{}/{}/{}", entity.account_id, entity.entity_id, sensor.sensor_id); // permanent
                let job = Job::new(id, sensor.interval, (entity.clone(), sensor));
                jobs.push(job.scope(entity.account_id)).await;
            }
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        let (entity, sensor) = call.spec();
        let value = 42.0; // ask entity.details["ipv4"] for sensor.sensor_details with entity.credential_details
        Ok(vec![Sample::new(format!("entity.{}.sensor.{}", entity.entity_id, sensor.sensor_id), value)])
    }

    async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
        Ok(self.1.send_results(call.spec().0.account_id, call.scheduled_at(), samples).await?)
    }
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    environment::run(|client, outbox| Engine::new(MyProtocolBot(client, outbox))).await
}
