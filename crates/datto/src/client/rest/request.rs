//! How is one answer had? A GET, sent again for a while if the portal refuses it for the moment.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use lastgood_core::observation::FailureKind;
use reqwest::Response;
use reqwest::header::HeaderMap;
use url::Url;

use super::{Budget, RestClient};
use crate::client::trouble::{Interface, Trouble, of_error, of_status};
use crate::client::xml::redirect_host;
use crate::key::KeyPair;
use crate::rest::{AnswerError, read_page};

/// How much of an error's body is read for its message, in bytes.
const ERROR_MAX_BYTES: usize = 16 * 1024;

/// What one request gave.
enum Answer {
    /// The body of a good answer.
    Body(Vec<u8>),
    /// Refused for the moment; how long the portal asks to wait.
    Later(Trouble, Option<Duration>),
    /// Refused.
    Refused(Trouble),
}

impl RestClient {
    /// Gets a body: waits for the pace, and sends a request that was refused for the moment again.
    pub(super) async fn get(&self, url: &Url, budget: &Budget) -> Result<Vec<u8>, Trouble> {
        let mut sent = 0;
        loop {
            self.pace.admit().await;
            let answer = tokio::time::timeout(self.limits.request_timeout, self.send(url, budget)).await;
            let (trouble, wait) = match answer {
                Ok(Answer::Body(body)) => {
                    self.note_refusal(None);
                    return Ok(body);
                }
                Ok(Answer::Refused(trouble)) => return Err(trouble),
                Ok(Answer::Later(trouble, wait)) => (trouble, wait),
                Err(_) => {
                    let what = format!("{} did not answer", self.host);
                    return Err(Trouble::timed_out(&what, self.limits.request_timeout.as_secs_f64()));
                }
            };
            if sent == self.limits.retries {
                return Err(trouble);
            }
            self.note_refusal(Some(&trouble));
            let wait =
                wait.unwrap_or(self.limits.backoff * 2_u32.saturating_pow(sent)).min(self.limits.wait_max);
            tracing::debug!(host = %self.host, kind = %trouble.kind, wait_seconds = wait.as_secs_f64(), "asks again");
            // Asking too often is everyone's matter: all other requests wait too.
            if trouble.kind == FailureKind::RateLimited {
                self.pace.pause(wait);
            }
            tokio::time::sleep(wait).await;
            sent += 1;
        }
    }

    async fn send(&self, url: &Url, budget: &Budget) -> Answer {
        let request = self.http.get(url.clone()).header("accept", "application/json");
        let request = request.basic_auth(self.keys.expose_public(), Some(self.keys.expose_secret()));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::Refused(of_error(error, &self.host)),
        };
        self.heed_limit(response.headers());
        let status = response.status();
        if !status.is_success() {
            return self.refusal(url, response).await;
        }
        match self.body(response, self.limits.answer_max_bytes, budget).await {
            Ok(body) => Answer::Body(self.secrets.redact_bytes(body)),
            Err(trouble) => Answer::Refused(trouble),
        }
    }

    /// Says what an answer outside 2xx means, with the portal's own message where it has one.
    async fn refusal(&self, url: &Url, response: Response) -> Answer {
        let status = response.status();
        let target = redirect_host(&response, url);
        let mut trouble = of_status(Interface::Rest, status, &self.host, target.as_deref());
        let wait = wait_asked(response.headers());
        let body = self.body(response, ERROR_MAX_BYTES, &Budget::new(ERROR_MAX_BYTES as u64)).await;
        if let Ok(Err(AnswerError::Portal { code, message })) = body.as_deref().map(read_page) {
            trouble.reason = format!("{} (the portal says {code}: {message})", trouble.reason);
        }
        match status.as_u16() {
            429 | 502 | 503 | 504 => Answer::Later(trouble, wait),
            _ => Answer::Refused(trouble),
        }
    }

    /// Reads a body of at most so many bytes.
    async fn body(
        &self,
        mut response: Response,
        max_bytes: usize,
        budget: &Budget,
    ) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await.map_err(|error| of_error(error, &self.host))?;
            let Some(chunk) = chunk else { return Ok(body) };
            budget.take(chunk.len())?;
            if body.len() + chunk.len() > max_bytes {
                let reason = format!(
                    "an answer of {} is larger than {} KiB; it was not read",
                    self.host,
                    max_bytes >> 10
                );
                return Err(Trouble::new(FailureKind::Malformed, reason));
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Keeps silent until the portal counts anew, once it says that no request is left.
    fn heed_limit(&self, headers: &HeaderMap) {
        if number(headers, "x-api-limit-remaining") != Some(0) {
            return;
        }
        let wait = number(headers, "x-api-limit-resets").and_then(|at| until(at, headers));
        let wait = wait.unwrap_or(self.limits.rate.per).min(self.limits.wait_max);
        if !wait.is_zero() {
            tracing::debug!(host = %self.host, wait_seconds = wait.as_secs_f64(), "no request is left; waits");
            self.pace.pause(wait);
        }
    }
}

/// The credentials as they are sent.
pub(super) fn token(keys: &KeyPair) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!(
        "{}:{}",
        keys.expose_public(),
        keys.expose_secret()
    ))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    text(headers, name)?.parse().ok()
}

/// Reads `Retry-After`: seconds, or a date.
fn wait_asked(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, "retry-after")?;
    match asked.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => until(http_date(asked)?.as_second(), headers),
    }
}

/// How long it is until an instant, by the portal's own clock; `None` if the answer bears no date.
fn until(epoch_seconds: i64, headers: &HeaderMap) -> Option<Duration> {
    let now = http_date(text(headers, "date")?)?.as_second();
    Some(Duration::from_secs(epoch_seconds.saturating_sub(now).max(0).unsigned_abs()))
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(&'static str, &'static str)]) -> HeaderMap {
        values.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_by_the_portals_clock() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let wait = |values: &[_]| wait_asked(&headers(values)).map(|wait| wait.as_secs());
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date]), Some(30));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date]), Some(0));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), None);
        assert_eq!(wait(&[("retry-after", "soon"), date]), None);
        assert_eq!(wait(&[("retry-after", "-1"), date]), None);
        assert_eq!(wait(&[]), None);
    }
}
