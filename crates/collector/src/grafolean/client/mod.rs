//! Which questions does a bot ask the backend?
//!
//! One method per endpoint. It must not know jobs, nor when anything is sent again later: see
//! [`Outbox`](super::Outbox) for that.

mod http;
mod publish;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use self::http::Http;
pub(super) use self::publish::{REQUEST_MAX_BYTES, size_of};
use super::error::{Asked, Error};
use super::listing::{Account, Credential, Entity, List, Profile, Sensor};
use super::token::Token;
use super::value::Value;

/// A client of one Grafolean backend with the token of one bot. Cheap to clone; clones share their connections.
///
/// Requests go to `<backend>/<path>?b=<token>`, the only way a bot can show its token: with any `Authorization` header
/// the backend ignores it. None is ever sent, no `~/.netrc` is read, no redirect followed, no cookie kept.
#[derive(Clone)]
pub struct Client {
    http: Arc<Http>,
}

/// Why a client cannot be made; holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The address cannot be used.
    #[error("the address of the backend {0}; it looks like https://grafolean.example.org/api")]
    Address(&'static str),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

impl Client {
    /// The most values in one request: a second of work for the backend.
    pub const VALUES_MAX: usize = 1_000;

    /// A client for the backend at this address, which ends in `/api`; slashes after that are no part of it.
    pub fn new(backend_url: &str, token: Token) -> Result<Self, SetupError> {
        Self::with_timeout(backend_url, token, Http::TIMEOUT)
    }

    /// The same with a limit of its own for each request, from connecting to the end of the answer; 60 s otherwise.
    pub fn with_timeout(backend_url: &str, token: Token, timeout: Duration) -> Result<Self, SetupError> {
        Ok(Self { http: Arc::new(Http::new(backend_url, token, timeout)?) })
    }

    /// Who the token belongs to.
    pub async fn profile(&self) -> Result<Profile, Error> {
        self.http.get(Asked { what: "the profile", account_id: None }, "/profile/").await
    }

    /// The accounts the bot has any permission for, also where it may only send values.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let asked = Asked { what: "the accounts", account_id: None };
        self.http.get::<List<Account>>(asked, "/accounts/").await.map(|answer| answer.list)
    }

    /// The entities of an account.
    pub async fn entities(&self, account_id: i64) -> Result<Vec<Entity>, Error> {
        self.list("the entities", account_id, "entities").await
    }

    /// One entity of an account.
    pub async fn entity(&self, account_id: i64, entity_id: i64) -> Result<Entity, Error> {
        self.single("an entity", account_id, format!("entities/{entity_id}")).await
    }

    /// The credentials of an account.
    pub async fn credentials(&self, account_id: i64) -> Result<Vec<Credential>, Error> {
        self.list("the credentials", account_id, "credentials").await
    }

    /// One credential of an account.
    pub async fn credential(&self, account_id: i64, credential_id: i64) -> Result<Credential, Error> {
        self.single("a credential", account_id, format!("credentials/{credential_id}")).await
    }

    /// The sensors of an account.
    pub async fn sensors(&self, account_id: i64) -> Result<Vec<Sensor>, Error> {
        self.list("the sensors", account_id, "sensors").await
    }

    /// One sensor of an account.
    pub async fn sensor(&self, account_id: i64, sensor_id: i64) -> Result<Sensor, Error> {
        self.single("a sensor", account_id, format!("sensors/{sensor_id}")).await
    }

    /// Sends values in one request, which repeats harmlessly: the backend stores one value per path and second.
    ///
    /// At most [`Client::VALUES_MAX`], no path twice; the caller sees to both, and to one request at a time per account:
    /// two that create the same path can fail each other. After an error a part may have been stored.
    pub async fn put_values(&self, account_id: i64, values: &[Value]) -> Result<(), Error> {
        let asked = Asked { what: "to store values", account_id: Some(account_id) };
        let body = serde_json::to_vec(values).map_err(|error| Error::Malformed {
            asked,
            words: format!("the values cannot be written as JSON: {error}"),
        })?;
        let path = format!("/accounts/{account_id}/values/");
        let answer = self.http.ask(Method::PUT, asked, &path, Some(body)).await?;
        if answer.is_empty() {
            return Ok(());
        }
        // Some other server, such as the login page of a network, that lets everything pass and stores nothing.
        let words = format!("{} bytes where a backend says nothing", answer.len());
        Err(Error::Malformed { asked, words })
    }

    async fn list<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        account_id: i64,
        path: &str,
    ) -> Result<Vec<T>, Error> {
        let asked = Asked { what, account_id: Some(account_id) };
        let path = format!("/accounts/{account_id}/{path}/");
        self.http.get::<List<T>>(asked, &path).await.map(|answer| answer.list)
    }

    async fn single<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        account_id: i64,
        path: String,
    ) -> Result<T, Error> {
        let asked = Asked { what, account_id: Some(account_id) };
        self.http.get(asked, &format!("/accounts/{account_id}/{path}")).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("backend", &self.http.base()).finish_non_exhaustive()
    }
}
