//! A whole bot for a protocol of your own: every sensor is a job and gives one value. Reads `BACKEND_URL`, `BOT_TOKEN` or
//! `BOT_TOKEN_FROM_FILE`, and `JOBS_REFRESH_INTERVAL` in seconds, 60 unless set.

use std::{env, error::Error, time::Duration};

use lastgood_collector::grafolean::{Client, JobConfig, Outbox, OutboxSettings, SensorConfig, Token};
use lastgood_collector::{Call, Collector, Failure, Job, Jobs, Outcome, Sample, run, shutdown_signal};

struct MyProtocolBot(Client, Outbox);

impl Collector for MyProtocolBot {
    type Spec = (JobConfig, SensorConfig); // a job whose parameters change is replaced

    async fn jobs(&self, jobs: &mut Jobs<Self>) -> Result<(), Failure> {
        let mut entities = self.0.fetch_job_configs("myprotocol").await?;
        while let Some(entity) = entities.next().await {
            match entity {
                Err(failed) => jobs.keep(failed.account_id, failed).await, // its old jobs go on
                Ok(entity) => {
                    for sensor in entity.sensors.clone() {
                        let id = format!("{}/{}", entity.entity_id, sensor.sensor_id); // unique and permanent
                        let job = Job::new(id, sensor.interval, (entity.clone(), sensor));
                        jobs.push(job.scope(entity.account_id)).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn perform(&self, call: &Call<Self>) -> Outcome {
        let (entity, sensor) = call.spec();
        let value = 42.0; // ask entity.details["ipv4"] for sensor.sensor_details, with entity.credential_details
        Ok(vec![Sample::new(format!("entity.{}.sensor.{}", entity.entity_id, sensor.sensor_id), value)])
    }

    async fn publish(&self, call: &Call<Self>, samples: Vec<Sample>) -> Result<(), Failure> {
        Ok(self.1.send_results(call.spec().0.account_id, call.scheduled_at(), samples).await?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let token = match env::var("BOT_TOKEN") {
        Ok(token) if !token.is_empty() => Token::new(&token)?,
        _ => Token::from_file(env::var("BOT_TOKEN_FROM_FILE")?.as_ref())?,
    };
    let client = Client::new(&env::var("BACKEND_URL")?, token)?;
    let refresh_seconds = env::var("JOBS_REFRESH_INTERVAL").map_or(Ok(60), |seconds| seconds.parse())?;
    let outbox = Outbox::open(client.clone(), OutboxSettings::default()).await?;
    let bot = MyProtocolBot(client, outbox.clone());
    run(bot, Duration::from_secs(refresh_seconds), shutdown_signal()).await;
    match outbox.close(Duration::from_secs(10)).await.count {
        0 => Ok(()),
        count => Err(format!("{count} values were not sent").into()),
    }
}
