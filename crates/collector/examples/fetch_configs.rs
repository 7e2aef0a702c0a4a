//! How long does it take to list what a bot is to poll?
//!
//! Fetches the configuration of a protocol (`--protocol`) from `BACKEND_URL` with `BOT_TOKEN` a number of times
//! (`--times`) in one process and writes a line of JSON for each: entities, sensors, milliseconds.

use std::env;
use std::error::Error;

use clap::Parser;
use lastgood_collector::grafolean::{Client, Token};
use lastgood_collector::{Clock, SystemClock};

#[derive(Parser)]
struct Options {
    /// The protocol.
    #[arg(long, default_value = "snmp")]
    protocol: String,
    /// How often.
    #[arg(long, default_value_t = 1)]
    times: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let client = Client::new(&env::var("BACKEND_URL")?, Token::new(&env::var("BOT_TOKEN")?)?)?;
    for _ in 0..options.times {
        let began = SystemClock.now();
        let (mut entities, mut sensors) = (0, 0);
        let mut configs = client.fetch_job_configs(&options.protocol).await?;
        while let Some(config) = configs.next().await {
            entities += 1;
            sensors += config?.sensors.len();
        }
        let micros = u32::try_from(SystemClock.now().0 - began.0)?;
        let millis = f64::from(micros) / 1000.0;
        println!("{{\"entities\": {entities}, \"sensors\": {sensors}, \"fetch_ms\": {millis:.1}}}");
    }
    Ok(())
}
