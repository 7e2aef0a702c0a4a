//! How does a program that runs once send its values, without a spool?
//!
//! In requests of bounded size, each tried again a few times. What does not get there is an error that says how much.

use std::time::Duration;

use super::Client;
use crate::clock::Second;
use crate::grafolean::error::Error;
use crate::grafolean::value::{Value, sort_out};
use crate::sample::Sample;

/// The pauses before a request is tried again; after the last one it has failed.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// The longest pause the backend is granted where somebody waits for the end.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// The most bytes of one request, about: servers in front of a backend commonly take 1 MiB.
pub(in crate::grafolean) const REQUEST_MAX_BYTES: usize = 512 * 1024;

/// About how many bytes a value takes in a request.
pub(in crate::grafolean) fn size_of(value: &Value) -> usize {
    value.path().len() + 64
}

impl Client {
    /// Sends the values of one instant, all that may be sent, and returns when the backend has stored them.
    ///
    /// Values whose path or number it would not take are named in the error and not sent; all others are. A request
    /// that fails for the moment is tried again for about 15 seconds. For a program that goes on running there is
    /// [`Outbox`](crate::grafolean::Outbox), which keeps what could not be sent.
    pub async fn send_results(&self, account_id: i64, at: Second, samples: Vec<Sample>) -> Result<(), Error> {
        let (values, refused) = sort_out(account_id, at, samples);
        let count = values.len();
        let mut rest = values.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_length(rest));
            if let Err(cause) = self.put_persistently(account_id, chunk).await {
                let cause = Box::new(cause);
                return Err(Error::Unsent { account_id, unsent_count: rest.len(), count, cause, refused });
            }
            rest = after;
        }
        refused.map_or(Ok(()), |refused| Err(Error::Values(refused)))
    }

    async fn put_persistently(&self, account_id: i64, values: &[Value]) -> Result<(), Error> {
        let mut pauses = PAUSES.iter();
        loop {
            let Err(error) = self.put_values(account_id, values).await else { return Ok(()) };
            let Some(pause) = pauses.next().filter(|_| may_pass(&error)) else { return Err(error) };
            let pause = error.retry_after().map_or(*pause, |asked| asked.min(PAUSE_MAX));
            tracing::warn!("{error}; trying again in {} s", pause.as_secs());
            tokio::time::sleep(pause).await;
        }
    }
}

/// How many of the values go into the next request.
fn chunk_length(values: &[Value]) -> usize {
    let mut bytes = 0;
    values
        .iter()
        .take(Client::VALUES_MAX)
        .take_while(|value| {
            bytes += size_of(value);
            bytes <= REQUEST_MAX_BYTES
        })
        .count()
        .max(1)
}

/// The words with which the backend refuses a request that met another one creating the same path.
const RACE: &str = "Invalid input format";

/// True if the same request may succeed a moment later.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. }
        | Error::TimedOut { .. }
        | Error::BrokenOff { .. }
        | Error::RateLimited { .. }
        | Error::Failed { .. }
        | Error::Refused { status: 408, .. } => true,
        Error::Refused { status: 400, words, .. } => words.contains(RACE),
        Error::Denied { .. }
        | Error::Refused { .. }
        | Error::Malformed { .. }
        | Error::Values(_)
        | Error::Unsent { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_bounded_in_values_and_in_bytes() {
        let short: Vec<_> =
            (0..2_500).map(|number| Value::new(format!("p{number}"), 1.0, Second(0)).unwrap()).collect();
        assert_eq!(chunk_length(&short), 1_000);
        assert_eq!(chunk_length(&short[..3]), 3);
        let long: Vec<_> = (0..1_000)
            .map(|number| Value::new(format!("{}{number:04}", "p".repeat(1_996)), 1.0, Second(0)).unwrap())
            .collect();
        let length = chunk_length(&long);
        assert!((200..300).contains(&length), "{length}");
        assert!(serde_json::to_vec(&long[..length]).unwrap().len() <= REQUEST_MAX_BYTES);
    }
}
