//! How does one request travel, and what does its answer mean?
//!
//! The one place that sees the token: what leaves here holds none. It must not know the endpoints.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::SetupError;
use crate::grafolean::error::{Asked, Error, words};
use crate::grafolean::token::Token;

/// Where requests go, with what they show.
pub(in crate::grafolean) struct Http {
    inner: reqwest::Client,
    base: String,
    token: Token,
    timeout: Duration,
}

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept: the backend's own server closes one after 2.0 s, and a request that meets the
/// closing is lost.
const IDLE_MAX: Duration = Duration::from_millis(1_500);

/// The largest answer that is read, in bytes: a list of some 200 000 entities.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// How much of an answer that is no success is read, in bytes.
const REFUSAL_MAX_BYTES: usize = 4 * 1024;

/// What we call ourselves.
const USER_AGENT: &str = concat!("lastgood-collector/", env!("CARGO_PKG_VERSION"));

impl Http {
    /// How long one request may take as a whole, unless said.
    pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

    pub(super) fn new(backend_url: &str, token: Token, timeout: Duration) -> Result<Self, SetupError> {
        let address = address(backend_url)?;
        // Another part of the program may have chosen the cryptography; then its choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .pool_idle_timeout(IDLE_MAX)
            .connect_timeout(CONNECT_TIMEOUT);
        let builder = if is_local(&address) { builder.no_proxy() } else { builder };
        let inner = builder.build().map_err(|error| SetupError::Http(error.without_url()))?;
        let base = address.as_str().trim_end_matches('/').to_owned();
        Ok(Self { inner, base, token, timeout })
    }

    /// The address, which holds no secret.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for a JSON document.
    pub(super) async fn get<T: DeserializeOwned>(&self, asked: Asked, path: &str) -> Result<T, Error> {
        let body = self.ask(Method::GET, asked, path, None).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Malformed { asked, words: words(&error.to_string(), &self.token) })
    }

    /// Sends a request and reads the whole answer; any status but 2xx is an error.
    pub(super) async fn ask(
        &self,
        method: Method,
        asked: Asked,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        let mut response = self.send(method, asked, path, body).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(asked, response).await);
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.trouble(asked, error))? {
            if answer.len() + chunk.len() > ANSWER_MAX_BYTES {
                let words = format!("it is larger than {} MiB", ANSWER_MAX_BYTES / 1024 / 1024);
                return Err(Error::Malformed { asked, words });
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// Sends a request. One whose connection ends before any answer is sent once more at once: it was probably a kept
    /// one that the backend closed, and whatever we ask may be asked twice.
    async fn send(
        &self,
        method: Method,
        asked: Asked,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response, Error> {
        let url = format!("{}{path}?b={}", self.base, self.token.expose());
        let mut request = self.inner.request(method, url).timeout(self.timeout);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let again = request.try_clone();
        let error = match request.send().await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        match again {
            Some(again) if !error.is_connect() && !error.is_timeout() => {
                again.send().await.map_err(|error| self.trouble(asked, error))
            }
            _ => Err(self.trouble(asked, error)),
        }
    }

    /// Says what a status outside 2xx means.
    async fn refusal(&self, asked: Asked, mut response: Response) -> Error {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > REFUSAL_MAX_BYTES {
                body.truncate(REFUSAL_MAX_BYTES);
                break;
            }
        }
        let words = words(&String::from_utf8_lossy(&body), &self.token);
        let number = status.as_u16();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Error::Denied { asked, status: number, words }
            }
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { asked, retry_after, words },
            _ if status.is_server_error() => Error::Failed { asked, status: number, words },
            _ => Error::Refused { asked, status: number, words },
        }
    }

    /// Says why there is no answer, or not all of one.
    fn trouble(&self, asked: Asked, error: reqwest::Error) -> Error {
        let error = error.without_url();
        let words = words(&causes(&error), &self.token);
        if error.is_connect() {
            Error::Unreachable { asked, words }
        } else if error.is_timeout() {
            Error::TimedOut { asked }
        } else if error.is_decode() {
            Error::Malformed { asked, words }
        } else {
            Error::BrokenOff { asked, words }
        }
    }
}

/// Joins the causes below an error, which say more than the error itself; each once.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        next = cause.source();
        // What the HTTP library says of its own layers helps nobody while a cause below says more.
        let is_layer = text.starts_with("client error (") && next.is_some();
        if !is_layer && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// Reads an address in which no secret can hide.
fn address(text: &str) -> Result<url::Url, SetupError> {
    let url = url::Url::parse(text.trim()).map_err(|_| SetupError::Address("cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(SetupError::Address("must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SetupError::Address(
            "must not hold a user or a password: with them the backend ignores the token",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(SetupError::Address("must not hold a query or a fragment: the token is given apart"));
    }
    Ok(url)
}

/// True for this machine, which is asked without a proxy.
fn is_local(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "24b10e42-37e6-41bb-b18b-abd2fd7a7a36";

    fn http(url: &str) -> Result<Http, SetupError> {
        Http::new(url, Token::new(UUID).unwrap(), Http::TIMEOUT)
    }

    #[test]
    fn slashes_at_the_end_are_no_part_of_the_address() {
        for (given, base) in [
            ("http://localhost:5000/api", "http://localhost:5000/api"),
            (" https://a.example/api/// ", "https://a.example/api"),
            ("https://a.example", "https://a.example"),
        ] {
            assert_eq!(http(given).map(|http| http.base).unwrap(), base);
        }
    }

    #[test]
    fn an_address_that_could_hold_a_secret_is_refused_and_not_shown() {
        for url in [
            "",
            "grafolean",
            "ftp://hunter2/api",
            "https://hunter2@a.example/api",
            "https://a:hunter2@a.example/api",
            "https://a.example/api?b=hunter2",
            "https://a.example/api#hunter2",
            "https://:hunter2@a.example/",
        ] {
            let error = http(url).err().expect("it is refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
