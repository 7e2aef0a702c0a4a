//! What does the environment tell a bot? The part that all example bots have in common.
//!
//! `BACKEND_URL` ends in `/api`; `BOT_TOKEN`, or a file that holds it, `BOT_TOKEN_FROM_FILE`; `JOBS_REFRESH_INTERVAL` in
//! seconds, 60 unless set. What goes wrong is written to standard error.

use std::env;
use std::path::Path;
use std::time::Duration;

use lastgood_collector::grafolean::{Client, Outbox, OutboxSettings, Token};

/// The backend, where values wait for it, and the pause between two listings of the jobs.
pub(crate) async fn read() -> Result<(Client, Outbox, Duration), String> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let url =
        variable("BACKEND_URL").ok_or("set BACKEND_URL to the address of the backend; it ends in /api")?;
    let token = match (variable("BOT_TOKEN"), variable("BOT_TOKEN_FROM_FILE")) {
        (Some(token), _) => Token::new(&token),
        (None, Some(path)) => Token::from_file(Path::new(&path)),
        (None, None) => {
            return Err("set BOT_TOKEN, or BOT_TOKEN_FROM_FILE to a file that holds it".to_owned());
        }
    };
    let seconds = variable("JOBS_REFRESH_INTERVAL").map_or(Ok(60), |seconds| seconds.trim().parse());
    let seconds = seconds.map_err(|_| "JOBS_REFRESH_INTERVAL is no whole number of seconds")?;
    let client = Client::new(&url, token.map_err(text)?).map_err(text)?;
    let outbox = Outbox::open(client.clone(), OutboxSettings::default()).await.map_err(text)?;
    Ok((client, outbox, Duration::from_secs(seconds)))
}

/// Sends what still waits when the bot has been asked to stop.
pub(crate) async fn send_rest(outbox: Outbox) -> Result<(), String> {
    match outbox.close(Duration::from_secs(10)).await.count {
        0 => Ok(()),
        count => Err(format!("{count} values could not be sent and are lost")),
    }
}

/// `None` if it is not set, or empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
