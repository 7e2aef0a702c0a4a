//! How long does it take to list what a bot is to poll?
//!
//! Fetches the configuration of a protocol (`--protocol`) from `BACKEND_URL` with `BOT_TOKEN` a number of times
//! (`--times`) in one process and writes a line of JSON for each: entities, sensors, milliseconds.

use std::env;
use std::error::Error;
use std::process::ExitCode;

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
async fn main() -> ExitCode {
    match fetch(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn fetch(options: &Options) -> Result<(), Box<dyn Error>> {
    let url = env::var("BACKEND_URL")
        .map_err(|_| "set BACKEND_URL to the address of the backend; it ends in /api")?;
    let token = env::var("BOT_TOKEN").map_err(|_| "set BOT_TOKEN to the token of the bot")?;
    let client = Client::new(&url, Token::new(&token)?)?;
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
